/*
 * linear_store.c
 *		The table item_weights. See linear.h.
 */
#include "model/linear.h"

#include <math.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "model/store.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

void
rec_item_weights_store(const RecModel *model, int version, const RecWeights *w)
{
	RecWriter  *writer = rec_writer_open(model, "item_weights");

	for (int64 i = 0; i < w->n; i++)
	{
		MemoryContext batch,
					old;
		TupleTableSlot *slot = rec_writer_row(writer, &batch);
		int			n = (int) (w->start[i + 1] - w->start[i]);

		old = MemoryContextSwitchTo(batch);
		slot->tts_values[0] = Int32GetDatum(version);
		slot->tts_values[1] = Int32GetDatum((int32) i);
		slot->tts_values[2] = rec_array_of(w->item + w->start[i], n, INT4OID);
		slot->tts_values[3] = rec_array_of(w->weight + w->start[i], n, FLOAT4OID);
		MemoryContextSwitchTo(old);
		rec_writer_put(writer, slot, (Size) n * 8);
	}
	rec_writer_close(writer);
}

/* An array of n 4-byte elements of one dimension; -1: it is something else. */
static int
elements_of(ArrayType *a, Oid type, void **elements)
{
	if (ARR_NDIM(a) > 1 || ARR_HASNULL(a) || ARR_ELEMTYPE(a) != type)
		return -1;
	*elements = ARR_DATA_PTR(a);
	return ArrayGetNItems(ARR_NDIM(a), ARR_DIMS(a));
}

/* Checks a row and appends it. The next position must be that of the row. */
static void
append_row(const RecModel *model, RecServing *s, const Datum *v, const bool *null, int next, int64 *room)
{
	RecWeights *w = &s->weights;
	void	   *item,
			   *weight;
	int			n;
	int64		at = w->start[next];

	if (null[2] || null[3] || next >= s->n || DatumGetInt32(v[1]) != next)
		rec_version_corrupted(model, s->version, "Positions of item weights are not complete.");
	n = elements_of(DatumGetArrayTypeP(v[2]), INT4OID, &item);
	if (n < 0 || elements_of(DatumGetArrayTypeP(v[3]), FLOAT4OID, &weight) != n)
		rec_version_corrupted(model, s->version, "An item's weights are not two arrays of one length.");
	for (int k = 0; k < n; k++)
		if (((int32 *) item)[k] < 0 || ((int32 *) item)[k] >= s->n ||
			(k > 0 && ((int32 *) item)[k] <= ((int32 *) item)[k - 1]) || !isfinite(((float *) weight)[k]))
			rec_version_corrupted(model, s->version, "An item has a weight that cannot be.");
	if (at + n > *room)
	{
		*room = Max(at + n, *room + *room / 2);
		w->item = repalloc_huge(w->item, mul_size(*room, sizeof(int32)));
		w->weight = repalloc_huge(w->weight, mul_size(*room, sizeof(float)));
	}
	if (n > 0)
	{
		memcpy(w->item + at, item, n * sizeof(int32));
		memcpy(w->weight + at, weight, n * sizeof(float));
	}
	w->start[next + 1] = at + n;
}

/* The primary key gives the rows in the order of positions. */
void
rec_item_weights_read(const RecModel *model, RecServing *s)
{
	Relation	rel = rec_model_open(model, "item_weights", AccessShareLock);
	MemoryContext row = AllocSetContextCreate(CurrentMemoryContext, "pg_recommend item", ALLOCSET_DEFAULT_SIZES);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	int64		room = 1024;
	int			n = 0;

	s->weights = (RecWeights) {
		.n = s->n, .start = MemoryContextAllocHuge(s->context, mul_size((Size) s->n + 1, sizeof(int64))),
		.item = MemoryContextAllocHuge(s->context, room * sizeof(int32)),
		.weight = MemoryContextAllocHuge(s->context, room * sizeof(float))
	};
	s->weights.start[0] = 0;
	RelationGetIndexList(rel);
	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(s->version));
	scan = systable_beginscan(rel, rel->rd_pkindex, OidIsValid(rel->rd_pkindex), GetActiveSnapshot(), 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		MemoryContext old = MemoryContextSwitchTo(row);
		Datum		v[4];
		bool		null[4];

		CHECK_FOR_INTERRUPTS();
		heap_deform_tuple(tuple, RelationGetDescr(rel), v, null);
		append_row(model, s, v, null, n++, &room);
		MemoryContextSwitchTo(old);
		MemoryContextReset(row);
	}
	systable_endscan(scan);
	if (n != s->n)
		rec_version_corrupted(model, s->version, psprintf("It has weights of %d items where %d are expected.", n, s->n));
	table_close(rel, AccessShareLock);
	MemoryContextDelete(row);
}
