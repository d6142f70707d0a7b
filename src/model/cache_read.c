/*
 * cache_read.c
 *		Reading a version of a model from its tables into private memory. See cache.h.
 */
#include "model/cache.h"

#include <math.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "core/shrink.h"
#include "model/attribute_store.h"
#include "model/memory.h"
#include "model/linear.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* Opens a scan over the rows of one version, through the primary key, which starts with the version. */
static SysScanDesc
scan_version(Relation rel, int version)
{
	ScanKeyData key;

	RelationGetIndexList(rel);
	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(version));
	return systable_beginscan(rel, rel->rd_pkindex, OidIsValid(rel->rd_pkindex), GetActiveSnapshot(), 1, &key);
}

/* The floats of a real[] value of a known length; NULL when it is anything else. */
static const float *
floats_of(Datum value, int expected)
{
	ArrayType  *a = DatumGetArrayTypeP(value);

	if (ARR_NDIM(a) > 1 || ARR_HASNULL(a) || ARR_ELEMTYPE(a) != FLOAT4OID ||
		ArrayGetNItems(ARR_NDIM(a), ARR_DIMS(a)) != expected)
		return NULL;
	return (const float *) ARR_DATA_PTR(a);
}

static float *
aligned_floats(MemoryContext context, Size count)
{
	char	   *p = MemoryContextAllocExtended(context, add_size(mul_size(count, sizeof(float)), 64),
											   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

	return (float *) TYPEALIGN(64, (uintptr_t) p);
}

static void
read_gram(RecServing *s, const RecModel *model, Datum value)
{
	int			d = s->params.factors;
	const float *dense = floats_of(value, d * d);

	if (dense == NULL)
		rec_version_corrupted(model, s->version, "The Gram matrix has a wrong size.");
	s->gram = aligned_floats(s->context, (Size) s->stride * s->stride);
	for (int i = 0; i < d; i++)
		memcpy(s->gram + (Size) i * s->stride, dense + (Size) i * d, d * sizeof(float));
}

/* The row of model_version: params, rule, mean, Gram matrix. */
static void
read_header(RecServing *s, const RecModel *model)
{
	Relation	rel = rec_model_open(model, "model_version", AccessShareLock);
	SysScanDesc scan = scan_version(rel, s->version);
	HeapTuple	tuple = systable_getnext(scan);
	Datum		v[14];
	bool		null[14];

	if (!HeapTupleIsValid(tuple) || RelationGetDescr(rel)->natts != 14)
		rec_version_corrupted(model, s->version, "Its row in model_version is missing.");
	heap_deform_tuple(tuple, RelationGetDescr(rel), v, null);
	if (null[3])
		rec_version_corrupted(model, s->version, "Its params are null.");
	s->rule.explicit_feedback = DatumGetBool(v[4]);
	s->params = rec_params_default(REC_ALS, s->rule.explicit_feedback);
	rec_params_read(&s->params, DatumGetJsonbP(v[3]), s->rule.explicit_feedback);
	s->users = DatumGetInt32(v[5]);
	s->n = DatumGetInt32(v[6]);
	s->warm = s->n - (null[12] ? 0 : DatumGetInt32(v[12]));
	if (s->n < 0 || s->warm < 0 || s->warm > s->n)
		rec_version_corrupted(model, s->version, "Its number of items cannot be.");
	s->mean = DatumGetFloat4(v[7]);
	s->noise = null[13] ? 1 : DatumGetFloat4(v[13]);
	if (!(s->noise >= 0) || !isfinite(s->noise))
		rec_version_corrupted(model, s->version, "Its noise is no variance.");
	s->rule.has_time = !null[8];
	s->rule.newest = null[8] ? 0 : DatumGetInt64(v[8]);
	s->rule.half_life = DatumGetFloat8(v[9]);
	s->stride = Max(rec_als_stride(s->params.factors, s->rule.explicit_feedback), 16);
	if (!null[10])
		read_gram(s, model, v[10]);
	else if (!s->rule.explicit_feedback && s->params.algorithm == REC_ALS)
		rec_version_corrupted(model, s->version, "The Gram matrix is missing.");
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

static void
read_item(RecServing *s, const RecModel *model, const Datum *v, int position, bool *filled)
{
	int			d = s->params.factors;
	const float *factors = floats_of(v[3], d);
	float	   *row = s->items + (Size) position * s->stride;
	double		squares = 0;

	if (factors == NULL)
		rec_version_corrupted(model, s->version, "An item has a wrong number of factors.");
	memcpy(row, factors, d * sizeof(float));
	if (s->rule.explicit_feedback)
		row[d] = DatumGetFloat4(v[4]);
	for (int c = 0; c < d; c++)
		squares += (double) row[c] * row[c];
	if (!isfinite(squares) || (d > 0 && !isfinite(row[d - 1])) || (s->rule.explicit_feedback && !isfinite(row[d])))
		rec_version_corrupted(model, s->version, "An item has a factor that is not a finite number.");
	s->norm[position] = (float) sqrt(squares);
	s->support[position] = DatumGetInt32(v[6]);
	s->popularity[position] = DatumGetFloat4(v[7]);
	filled[position] = true;
}

/* All items; keys come in the order of the index and are put in the order of positions. */
static void
read_items(RecServing *s, const RecModel *model, Relation rel)
{
	bool		in_order = true;
	SysScanDesc scan = scan_version(rel, s->version);
	MemoryContext row = AllocSetContextCreate(CurrentMemoryContext, "pg_recommend item", ALLOCSET_DEFAULT_SIZES);
	bool	   *filled = palloc_extended(Max(s->n, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	int32	   *at = palloc_extended(Max(s->n, 1) * sizeof(int32), MCXT_ALLOC_HUGE);
	RecKeys		scanned;
	HeapTuple	tuple;
	Datum		v[8];
	bool		null[8];

	rec_keys_init(&scanned, &s->keys.kind, CurrentMemoryContext);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		MemoryContext old;
		int			position;

		CHECK_FOR_INTERRUPTS();
		heap_deform_tuple(tuple, RelationGetDescr(rel), v, null);
		if (null[1] || null[3])
			rec_version_corrupted(model, s->version, "An item has no key or no factors.");
		position = DatumGetInt32(v[2]);
		if (position < 0 || position >= s->n || filled[position] || scanned.n >= s->n)
			rec_version_corrupted(model, s->version, "Positions of items are not unique or out of range.");
		at[position] = scanned.n;
		old = MemoryContextSwitchTo(row);
		rec_keys_append(&scanned, v[1]);
		read_item(s, model, v, position, filled);
		MemoryContextSwitchTo(old);
		MemoryContextReset(row);
	}
	systable_endscan(scan);
	if (scanned.n != s->n)
		rec_version_corrupted(model, s->version, psprintf("It has %d items where %d are expected.", scanned.n, s->n));
	for (int i = 0; i < s->n; i++)
	{
		rec_keys_append_from(&s->keys, &scanned, at[i]);
		in_order = in_order && (i == 0 || rec_keys_compare(&s->keys, i - 1, i) < 0);
	}
	/* positions keep the order of the system that trained; oids of enums and hashes by ICU may sort otherwise here */
	if (!in_order)
		rec_keys_make_order(&s->keys);
	MemoryContextDelete(row);
	pfree(filled);
	pfree(at);
}

static void
build_codes(RecServing *s)
{
	Size		padded = Max(rec_codes_padded(s->n), 1);

	s->codes.code = (uint8 *) aligned_floats(s->context, rec_codes_bytes(s->n, s->stride) / sizeof(float));
	s->codes.scale = aligned_floats(s->context, padded);
	s->codes.error = aligned_floats(s->context, padded);
	s->codes.length = aligned_floats(s->context, padded);
	rec_codes_build(&s->codes, s->items, s->n, s->stride);
}

static void *
alloc_array(RecServing *s, Size width)
{
	return MemoryContextAllocHuge(s->context, mul_size(Max(s->n, 1), width));
}

RecServing *
rec_serving_read(const RecModel *model, const RecVersion *version)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_recommend version", ALLOCSET_DEFAULT_SIZES);
	RecServing *s = MemoryContextAllocZero(context, sizeof(RecServing));
	Relation	rel = rec_model_open(model, "item_factors", AccessShareLock);
	Form_pg_attribute key = TupleDescAttr(RelationGetDescr(rel), 1);
	RecKeyType	kind;

	s->context = context;
	s->uid = version->uid;
	s->version = version->version;
	read_header(s, model);
	rec_key_type(&kind, key->atttypid, key->attcollation, "item", context);
	rec_keys_init(&s->keys, &kind, context);
	s->items = aligned_floats(context, mul_size(Max(s->n, 1), s->stride));
	rec_advise_huge(s->items, (Size) s->n * s->stride * sizeof(float));
	s->norm = alloc_array(s, sizeof(float));
	s->popularity = alloc_array(s, sizeof(float));
	s->support = alloc_array(s, sizeof(int32));
	read_items(s, model, rel);
	rec_shrink_popularity(s->n, s->support, s->popularity);
	s->by_popularity = rec_popular_order(s->popularity, s->n, context);
	table_close(rel, AccessShareLock);
	for (int side = 0; side < 2; side++)
		s->map[side] = rec_map_stored(model, s->version, side, s->params.factors, s->rule.explicit_feedback,
									  &s->columns[side], context);
	build_codes(s);
	if (s->params.algorithm != REC_ALS)
		rec_item_weights_read(model, s);
	s->bytes = MemoryContextMemAllocated(context, true);
	return s;
}
