/*
 * attribute_store.c
 *		Encoders, maps and encoded rows of a version in the model's tables. See attributes.h.
 *
 * Like the other tables of a model they are read here whatever the caller may select: USAGE on the model's schema is what
 * was asked for.
 */
#include "model/attribute_store.h"

#include <math.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "core/prior.h"
#include "miscadmin.h"
#include "model/store.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

static const char *const kinds[] = {"category", "tags", "text", "number", "age", "vector", "pair"};

static const char *
side_name(RecSide side)
{
	return side == REC_USERS ? "user" : "item";
}

/* ---------------------------------------------------------------- writing */

static void
put_encoder(RecWriter *w, int version, const RecAttributes *list, int i)
{
	const RecAttribute *a = &list->att[i];
	MemoryContext batch,
				old;
	TupleTableSlot *slot = rec_writer_row(w, &batch);
	Datum	   *v = slot->tts_values;

	old = MemoryContextSwitchTo(batch);
	v[0] = Int32GetDatum(version);
	v[1] = CStringGetTextDatum(side_name(list->side));
	v[2] = Int32GetDatum(i);
	v[3] = CStringGetTextDatum(a->name);
	v[4] = CStringGetTextDatum(kinds[a->kind]);
	slot->tts_isnull[5] = a->column == NULL;
	v[5] = a->column ? CStringGetTextDatum(a->column) : (Datum) 0;
	slot->tts_isnull[6] = a->config == NULL;
	v[6] = a->config ? CStringGetTextDatum(a->config) : (Datum) 0;
	v[7] = BoolGetDatum(a->logarithm);
	v[8] = BoolGetDatum(a->zoned);
	v[9] = BoolGetDatum(a->hidden);
	v[10] = Int32GetDatum(a->part[0]);
	v[11] = Int32GetDatum(a->part[1]);
	v[12] = Int32GetDatum(a->first);
	v[13] = Int32GetDatum(a->columns);
	v[14] = Int64GetDatum(a->rows);
	v[15] = Float8GetDatum(a->center);
	v[16] = Float8GetDatum(a->scale);
	v[17] = Float8GetDatum(a->origin);
	v[18] = Int32GetDatum(a->other);
	v[19] = Int32GetDatum(a->buckets);
	MemoryContextSwitchTo(old);
	rec_writer_put(w, slot, 256);
}

/* The level that a column stands for; NULL: it is none's. */
static const RecLevel *
level_of(const RecAttribute *a, int column)
{
	for (int k = 0; k < a->nlevels; k++)
		if (a->level[k].column == column)
			return &a->level[k];
	return NULL;
}

static void
put_column(RecWriter *w, int version, const RecAttributes *list, int column, const RecAttribute *a, const float *row,
		   const RecParams *params, bool explicit_feedback)
{
	MemoryContext batch,
				old;
	TupleTableSlot *slot = rec_writer_row(w, &batch);
	const RecLevel *level = a ? level_of(a, column - a->first) : NULL;
	Datum	   *v = slot->tts_values;

	old = MemoryContextSwitchTo(batch);
	v[0] = Int32GetDatum(version);
	v[1] = CStringGetTextDatum(side_name(list->side));
	v[2] = Int32GetDatum(column);
	v[3] = CStringGetTextDatum(a ? a->name : "(constant)");
	slot->tts_isnull[4] = list->column_name[column] == NULL || list->column_name[column][0] == '\0';
	v[4] = slot->tts_isnull[4] ? (Datum) 0 : CStringGetTextDatum(list->column_name[column]);
	slot->tts_isnull[5] = level == NULL;
	v[5] = Int64GetDatum(level ? (int64) level->hash : 0);
	v[6] = Float4GetDatum(level ? level->idf : 1);
	v[7] = rec_array_of(row, params->factors, FLOAT4OID);
	v[8] = Float4GetDatum(explicit_feedback ? row[params->factors] : 0);
	MemoryContextSwitchTo(old);
	rec_writer_put(w, slot, params->factors * sizeof(float));
}

static void
store_map(const RecModel *model, int version, const RecAttributes *list, const float *map, int stride,
		  const RecParams *params, bool explicit_feedback)
{
	RecWriter  *w = rec_writer_open(model, "attribute_map");
	float	   *zero = palloc0(stride * sizeof(float));
	const RecAttribute *a = NULL;
	int			next = 0;

	for (int c = 0; c < list->columns; c++)
	{
		while (next < list->n && (list->att[next].columns == 0 || list->att[next].first <= c))
		{
			if (list->att[next].columns > 0)
				a = &list->att[next];
			next++;
		}
		put_column(w, version, list, c, a, map ? map + (Size) c * stride : zero, params, explicit_feedback);
	}
	rec_writer_close(w);
	pfree(zero);
}

/* The encoded rows of the known keys (NULL: none of them) and of the cold ones. */
void
rec_store_features(const RecModel *model, int version, const RecDesign *d, const RecKeys *known)
{
	RecWriter  *w = rec_writer_open(model, d->attributes->side == REC_USERS ? "user_attributes" : "item_attributes");

	for (int r = known ? 0 : d->known; r < d->known + d->cold.n; r++)
	{
		MemoryContext batch,
					old;
		TupleTableSlot *slot = rec_writer_row(w, &batch);
		int			n = (int) (d->start[r + 1] - d->start[r]);

		old = MemoryContextSwitchTo(batch);
		slot->tts_values[0] = Int32GetDatum(version);
		slot->tts_values[1] = r < d->known ? rec_keys_datum(known, r) : rec_keys_datum(&d->cold, r - d->known);
		slot->tts_values[2] = rec_array_of(d->column + d->start[r], n, INT4OID);
		slot->tts_values[3] = rec_array_of(d->value + d->start[r], n, FLOAT4OID);
		MemoryContextSwitchTo(old);
		rec_writer_put(w, slot, n * 8);
	}
	rec_writer_close(w);
}

void
rec_store_cold_items(const RecModel *model, int version, const RecDesign *d, const float *map, int factors,
					 bool explicit_feedback, int first)
{
	RecWriter  *w = rec_writer_open(model, "item_factors");
	int			stride = rec_als_stride(factors, explicit_feedback);
	float	   *row = palloc(stride * sizeof(float));

	for (int i = 0; i < d->cold.n; i++)
	{
		int64		at = d->start[d->known + i];
		MemoryContext batch,
					old;
		TupleTableSlot *slot = rec_writer_row(w, &batch);

		rec_map_one((int) (d->start[d->known + i + 1] - at), d->column + at, d->value + at, map, stride, row);
		old = MemoryContextSwitchTo(batch);
		slot->tts_values[0] = Int32GetDatum(version);
		slot->tts_values[1] = rec_keys_datum(&d->cold, i);
		slot->tts_values[2] = Int32GetDatum(first + i);
		slot->tts_values[3] = rec_array_of(row, factors, FLOAT4OID);
		slot->tts_values[4] = Float4GetDatum(explicit_feedback ? row[factors] : 0);
		slot->tts_values[5] = Int32GetDatum(0);
		slot->tts_values[6] = Int32GetDatum(0);
		slot->tts_values[7] = Float4GetDatum(0);
		MemoryContextSwitchTo(old);
		rec_writer_put(w, slot, factors * sizeof(float));
	}
	rec_writer_close(w);
	pfree(row);
}

static void
store_cold_users(const RecModel *model, int version, const RecDesign *d, const float *map, int factors,
				 bool explicit_feedback)
{
	RecWriter  *w = rec_writer_open(model, "user_factors");
	int			stride = rec_als_stride(factors, explicit_feedback);
	float	   *row = palloc(stride * sizeof(float));

	for (int i = 0; i < d->cold.n; i++)
	{
		int64		at = d->start[d->known + i];
		MemoryContext batch,
					old;
		TupleTableSlot *slot = rec_writer_row(w, &batch);

		rec_map_one((int) (d->start[d->known + i + 1] - at), d->column + at, d->value + at, map, stride, row);
		old = MemoryContextSwitchTo(batch);
		slot->tts_values[0] = Int32GetDatum(version);
		slot->tts_values[1] = rec_keys_datum(&d->cold, i);
		slot->tts_values[2] = rec_array_of(row, factors, FLOAT4OID);
		slot->tts_values[3] = Float4GetDatum(explicit_feedback ? row[factors] : 0);
		slot->tts_values[4] = Int32GetDatum(0);
		MemoryContextSwitchTo(old);
		rec_writer_put(w, slot, factors * sizeof(float));
	}
	rec_writer_close(w);
	pfree(row);
}

void
rec_store_attributes(const RecModel *model, int version, RecDesign *const *design, const RecPairs *pairs,
					 const RecSolution *s, const RecParams *params, bool explicit_feedback)
{
	for (int side = 0; side < 2; side++)
	{
		const RecDesign *d = design[side];
		RecWriter  *w;

		if (d == NULL)
			continue;
		w = rec_writer_open(model, "attribute_encoder");
		for (int i = 0; i < d->attributes->n; i++)
			put_encoder(w, version, d->attributes, i);
		rec_writer_close(w);
		store_map(model, version, d->attributes, s->map[side], s->stride, params, explicit_feedback);
		if (s->map[side] == NULL)
			continue;
		rec_store_features(model, version, d, side == REC_USERS ? &pairs->users : &pairs->items);
		if (side == REC_USERS)
			store_cold_users(model, version, d, s->map[side], params->factors, explicit_feedback);
		else
			rec_store_cold_items(model, version, d, s->map[side], params->factors, explicit_feedback, pairs->items.n);
	}
}

/* ---------------------------------------------------------------- reading */

pg_attribute_noreturn() static void
corrupted(const RecModel *model, int version, const char *table)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("the attributes of version %d of model \"%s\" cannot be read", version, model->name),
			 errdetail("Table \"%s\" does not hold what the training wrote.", table),
			 errhint("Train the model again.")));
}

/* A scan over the rows of a version, in the order of the primary key. */
typedef struct VersionScan
{
	Relation	rel;
	SysScanDesc scan;
} VersionScan;

static void
scan_begin(VersionScan *s, const RecModel *model, const char *table, int version)
{
	ScanKeyData key;

	s->rel = rec_model_open(model, table, AccessShareLock);
	RelationGetIndexList(s->rel);
	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(version));
	s->scan = systable_beginscan(s->rel, s->rel->rd_pkindex, OidIsValid(s->rel->rd_pkindex), GetActiveSnapshot(), 1, &key);
}

/* The next row of a side; false: there is none. */
static bool
scan_next(VersionScan *s, RecSide side, Datum *v, bool *null)
{
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(s->scan)))
	{
		CHECK_FOR_INTERRUPTS();
		heap_deform_tuple(tuple, RelationGetDescr(s->rel), v, null);
		if (!null[1] && strcmp(TextDatumGetCString(v[1]), side_name(side)) == 0)
			return true;
	}
	return false;
}

static void
scan_end(VersionScan *s)
{
	systable_endscan(s->scan);
	table_close(s->rel, AccessShareLock);
}

static RecAttributeKind
kind_of(const RecModel *model, int version, const char *name)
{
	for (int k = 0; k < (int) lengthof(kinds); k++)
		if (strcmp(kinds[k], name) == 0)
			return (RecAttributeKind) k;
	corrupted(model, version, "attribute_encoder");
}

static bool
any_null(const bool *null, int n, uint64 allowed)
{
	for (int i = 0; i < n; i++)
		if (null[i] && !(allowed & (UINT64CONST(1) << i)))
			return true;
	return false;
}

static void
read_encoders(const RecModel *model, int version, RecAttributes *list)
{
	VersionScan scan;
	Datum		v[20];
	bool		null[20];
	int			room = 16;

	list->att = palloc(room * sizeof(RecAttribute));
	list->columns = 1;
	scan_begin(&scan, model, "attribute_encoder", version);
	while (scan_next(&scan, list->side, v, null))
	{
		RecAttribute *a;

		if (list->n == room)
			list->att = repalloc(list->att, (room *= 2) * sizeof(RecAttribute));
		if (any_null(null, 20, (1 << 5) | (1 << 6)) || DatumGetInt32(v[2]) != list->n)
			corrupted(model, version, "attribute_encoder");
		a = &list->att[list->n++];
		memset(a, 0, sizeof(*a));
		a->name = TextDatumGetCString(v[3]);
		a->kind = kind_of(model, version, TextDatumGetCString(v[4]));
		a->column = null[5] ? NULL : TextDatumGetCString(v[5]);
		a->config = null[6] ? NULL : TextDatumGetCString(v[6]);
		a->logarithm = DatumGetBool(v[7]);
		a->zoned = DatumGetBool(v[8]);
		a->hidden = DatumGetBool(v[9]);
		a->part[0] = DatumGetInt32(v[10]);
		a->part[1] = DatumGetInt32(v[11]);
		a->first = DatumGetInt32(v[12]);
		a->columns = DatumGetInt32(v[13]);
		a->rows = DatumGetInt64(v[14]);
		a->center = DatumGetFloat8(v[15]);
		a->scale = DatumGetFloat8(v[16]);
		a->origin = DatumGetFloat8(v[17]);
		a->other = DatumGetInt32(v[18]);
		a->buckets = DatumGetInt32(v[19]);
		if ((a->column == NULL) != (a->kind == REC_ATT_PAIR) || a->first != list->columns || a->columns < 0 ||
			a->columns > 65536 || a->other < -1 || a->other >= Max(a->columns, 1) || a->buckets < 0 || a->buckets > a->columns)
			corrupted(model, version, "attribute_encoder");
		list->columns += a->columns;
	}
	scan_end(&scan);
	for (int i = 0; i < list->n; i++)
		for (int k = 0; k < 2; k++)
			if (list->att[i].part[k] < 0 || list->att[i].part[k] >= list->n ||
				(list->att[i].kind == REC_ATT_PAIR && list->att[list->att[i].part[k]].kind == REC_ATT_PAIR))
				corrupted(model, version, "attribute_encoder");
}

static int
compare_levels(const void *a, const void *b)
{
	const RecLevel *x = a,
			   *y = b;

	return (x->hash > y->hash) - (x->hash < y->hash);
}

static void
read_levels(const RecModel *model, int version, RecAttributes *list)
{
	VersionScan scan;
	Datum		v[9];
	bool		null[9];
	int			c = 0,
				i = -1;

	list->column_name = palloc0(list->columns * sizeof(char *));
	scan_begin(&scan, model, "attribute_map", version);
	while (scan_next(&scan, list->side, v, null))
	{
		RecAttribute *a;

		if (any_null(null, 9, (1 << 4) | (1 << 5)) || DatumGetInt32(v[2]) != c || c >= list->columns)
			corrupted(model, version, "attribute_map");
		while (i + 1 < list->n && (list->att[i + 1].columns == 0 || list->att[i + 1].first <= c))
			i++;
		list->column_name[c] = null[4] ? NULL : TextDatumGetCString(v[4]);
		if (!null[5] && i >= 0 && c >= list->att[i].first && c < list->att[i].first + list->att[i].columns)
		{
			a = &list->att[i];
			if (a->level == NULL)
				a->level = palloc(a->columns * sizeof(RecLevel));
			a->level[a->nlevels++] = (RecLevel) {(uint64) DatumGetInt64(v[5]), c - a->first, DatumGetFloat4(v[6])};
		}
		c++;
	}
	scan_end(&scan);
	if (c != list->columns)
		corrupted(model, version, "attribute_map");
	for (i = 0; i < list->n; i++)
		qsort(list->att[i].level, list->att[i].nlevels, sizeof(RecLevel), compare_levels);
}

RecAttributes *
rec_attributes_stored(const RecModel *model, int version, RecSide side)
{
	RecAttributes *list = palloc0(sizeof(RecAttributes));

	list->side = side;
	read_encoders(model, version, list);
	if (list->n == 0)
		return NULL;
	read_levels(model, version, list);
	return list;
}

char *
rec_column_name(const RecAttributes *list, int column)
{
	for (int i = 0; i < list->n; i++)
	{
		const RecAttribute *a = &list->att[i];

		if (column >= a->first && column < a->first + a->columns)
			return list->column_name[column] ? psprintf("%s=%s", a->name, list->column_name[column]) : pstrdup(a->name);
	}
	return pstrdup("(constant)");
}

float *
rec_map_stored(const RecModel *model, int version, RecSide side, int factors, bool explicit_feedback, int *columns,
			   MemoryContext context)
{
	int			stride = rec_als_stride(factors, explicit_feedback),
				room = 64;
	float	   *map = palloc_extended(mul_size(room, stride * sizeof(float)), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO),
			   *kept;
	bool		anything = false;
	VersionScan scan;
	Datum		v[9];
	bool		null[9];

	*columns = 0;
	scan_begin(&scan, model, "attribute_map", version);
	while (scan_next(&scan, side, v, null))
	{
		ArrayType  *a;
		float	   *row;

		if (any_null(null, 9, (1 << 4) | (1 << 5)) || DatumGetInt32(v[2]) != *columns)
			corrupted(model, version, "attribute_map");
		if (*columns == room)
		{
			map = repalloc_huge(map, mul_size(room * 2, stride * sizeof(float)));
			memset(map + (Size) room * stride, 0, (Size) room * stride * sizeof(float));
			room *= 2;
		}
		a = DatumGetArrayTypeP(v[7]);
		if (ARR_NDIM(a) != 1 || ARR_HASNULL(a) || ARR_ELEMTYPE(a) != FLOAT4OID || ARR_DIMS(a)[0] != factors)
			corrupted(model, version, "attribute_map");
		row = map + (Size) *columns * stride;
		memcpy(row, ARR_DATA_PTR(a), factors * sizeof(float));
		if (explicit_feedback)
			row[factors] = DatumGetFloat4(v[8]);
		for (int i = 0; i < stride; i++)
		{
			if (!isfinite(row[i]))
				corrupted(model, version, "attribute_map");
			anything = anything || row[i] != 0;
		}
		(*columns)++;
	}
	scan_end(&scan);
	if (!anything)
	{
		*columns = 0;
		pfree(map);
		return NULL;
	}
	kept = MemoryContextAllocHuge(context, mul_size(*columns, stride * sizeof(float)));
	memcpy(kept, map, (Size) *columns * stride * sizeof(float));
	pfree(map);
	return kept;
}

bool
rec_encoded_stored(const RecModel *model, const RecServing *s, RecSide side, Datum key, RecEncoded *row)
{
	RecUserScan scan;
	HeapTuple	tuple;
	ArrayType  *columns,
			   *vals;
	TupleDesc	desc;
	bool		found;

	memset(row, 0, sizeof(*row));
	if (s->map[side] == NULL)
		return false;
	tuple = rec_user_scan(&scan, model, side == REC_USERS ? "user_attributes" : "item_attributes", s->version, key);
	desc = RelationGetDescr(scan.rel);
	found = HeapTupleIsValid(tuple);
	if (found)
	{
		columns = DatumGetArrayTypePCopy(rec_model_value(tuple, 3, desc));
		vals = DatumGetArrayTypePCopy(rec_model_value(tuple, 4, desc));
		row->n = ArrayGetNItems(ARR_NDIM(columns), ARR_DIMS(columns));
		row->column = (int32 *) ARR_DATA_PTR(columns);
		row->value = (float *) ARR_DATA_PTR(vals);
		if (ARR_HASNULL(columns) || ARR_HASNULL(vals) || ArrayGetNItems(ARR_NDIM(vals), ARR_DIMS(vals)) != row->n)
			row->n = -1;
		for (int i = 0; i < row->n; i++)
			if (row->column[i] < 0 || row->column[i] >= s->columns[side] || !isfinite(row->value[i]))
				row->n = -1;
		if (row->n < 0)
			corrupted(model, s->version, RelationGetRelationName(scan.rel));
	}
	rec_user_scan_end(&scan);
	return found;
}

float *
rec_expected_factors(const RecServing *s, RecSide side, const RecEncoded *row)
{
	float	   *x = (float *) TYPEALIGN(64, (uintptr_t) palloc0(s->stride * sizeof(float) + 64));

	rec_map_one(row->n, row->column, row->value, s->map[side], s->stride, x);
	return x;
}
