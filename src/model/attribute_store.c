/*
 * attribute_store.c
 *		Encoders, maps and encoded rows of a version, read from the model's tables. See attributes.h.
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
		if (!null[1] && strcmp(TextDatumGetCString(v[1]), rec_side_name(side)) == 0)
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

static const char *const kinds[] = {"category", "tags", "text", "number", "age", "vector", "pair"};

const char *
rec_attribute_kind_name(RecAttributeKind kind)
{
	return kinds[kind];
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
		qsort(list->att[i].level, list->att[i].nlevels, sizeof(RecLevel), rec_compare_levels);
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
