/*
 * store.c
 *		Writing versions. See store.h.
 *
 * Rows go straight to the table access method in batches, as COPY does it, with the index entries after each batch:
 * keys are ascending, so the index grows at its right edge. A version becomes visible with the transaction.
 */
#include "model/store.h"

#include "model/linear.h"

#include <math.h>

#include "access/tableam.h"
#include "access/heapam.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "common/pg_prng.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "model/experiment.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#define BATCH_ROWS 500
#define BATCH_BYTES 65536		/* as COPY: a batch should not outgrow the cache */

struct RecWriter
{
	Relation	rel;
	EState	   *estate;
	ResultRelInfo *rri;
	BulkInsertState bulk;
	TupleTableSlot *slot[BATCH_ROWS];
	int			n;
	Size		bytes;
	MemoryContext batch;		/* values of the current batch */
};

RecWriter *
rec_writer_open(const RecModel *model, const char *table)
{
	RecWriter  *w = palloc0(sizeof(RecWriter));

	w->rel = rec_model_open(model, table, RowExclusiveLock);
	w->estate = CreateExecutorState();
	w->rri = makeNode(ResultRelInfo);
	InitResultRelInfo(w->rri, w->rel, 1, NULL, 0);
	ExecOpenIndices(w->rri, false);
	w->bulk = GetBulkInsertState();
	w->batch = AllocSetContextCreate(CurrentMemoryContext, "pg_recommend store", ALLOCSET_DEFAULT_SIZES);
	return w;
}

static void
writer_flush(RecWriter *w)
{
	if (w->n == 0)
		return;
	CHECK_FOR_INTERRUPTS();
	table_multi_insert(w->rel, w->slot, w->n, GetCurrentCommandId(true), 0, w->bulk);
	for (int i = 0; i < w->n; i++)
	{
		if (w->rri->ri_NumIndices > 0)
		{
			ExprContext *econtext = GetPerTupleExprContext(w->estate);

			econtext->ecxt_scantuple = w->slot[i];
			rec_insert_index_tuples(w->rri, w->slot[i], w->estate);
			ResetExprContext(econtext);
		}
		ExecClearTuple(w->slot[i]);
	}
	w->n = 0;
	w->bytes = 0;
	MemoryContextReset(w->batch);
}

void
rec_writer_close(RecWriter *w)
{
	writer_flush(w);
	for (int i = 0; i < BATCH_ROWS && w->slot[i] != NULL; i++)
		ExecDropSingleTupleTableSlot(w->slot[i]);
	FreeBulkInsertState(w->bulk);
	ExecCloseIndices(w->rri);
	table_finish_bulk_insert(w->rel, 0);
	table_close(w->rel, NoLock);
	FreeExecutorState(w->estate);
	MemoryContextDelete(w->batch);
	pfree(w);
}

TupleTableSlot *
rec_writer_row(RecWriter *w, MemoryContext *values)
{
	TupleTableSlot *slot = w->slot[w->n];

	if (slot == NULL)
		slot = w->slot[w->n] = table_slot_create(w->rel, NULL);
	*values = w->batch;
	memset(slot->tts_isnull, false, slot->tts_tupleDescriptor->natts);
	return slot;
}

void
rec_writer_put(RecWriter *w, TupleTableSlot *slot, Size bytes)
{
	slot->tts_tableOid = RelationGetRelid(w->rel);
	ExecStoreVirtualTuple(slot);
	w->n++;
	w->bytes += bytes;
	if (w->n == BATCH_ROWS || w->bytes >= BATCH_BYTES)
		writer_flush(w);
}

Datum
rec_array_of(const void *elements, int n, Oid type)
{
	Size		size = ARR_OVERHEAD_NONULLS(1) + mul_size(n, 4);
	ArrayType  *a;

	if (n == 0)
		return PointerGetDatum(construct_empty_array(type));
	a = palloc_extended(size, MCXT_ALLOC_HUGE);
	SET_VARSIZE(a, size);
	a->ndim = 1;
	a->dataoffset = 0;
	a->elemtype = type;
	ARR_DIMS(a)[0] = n;
	ARR_LBOUND(a)[0] = 1;
	memcpy(ARR_DATA_PTR(a), elements, (Size) n * 4);
	return PointerGetDatum(a);
}

static void
store_items(const RecModel *model, int version, const RecPairs *pairs, const RecSolution *s, const RecParams *params,
			const RecSumRule *rule)
{
	int			n = pairs->items.n;
	float	   *popularity = palloc_extended(Max(n, 1) * sizeof(float), MCXT_ALLOC_HUGE);
	int32	   *support = palloc_extended(Max(n, 1) * sizeof(int32), MCXT_ALLOC_HUGE);
	RecWriter  *w;

	rec_popularity(pairs, NULL, rule, popularity, support);
	w = rec_writer_open(model, "item_factors");
	for (int i = 0; i < n; i++)
	{
		const float *row = s->items ? s->items + (Size) i * s->stride : NULL;
		MemoryContext batch,
					old;
		TupleTableSlot *slot = rec_writer_row(w, &batch);

		old = MemoryContextSwitchTo(batch);
		slot->tts_values[0] = Int32GetDatum(version);
		slot->tts_values[1] = rec_keys_datum(&pairs->items, i);
		slot->tts_values[2] = Int32GetDatum(i);
		slot->tts_values[3] = rec_array_of(row, params->factors, FLOAT4OID);
		slot->tts_values[4] = Float4GetDatum(rule->explicit_feedback ? row[params->factors] : 0);
		slot->tts_values[5] = Int32GetDatum(pairs->item_events[i]);
		slot->tts_values[6] = Int32GetDatum(support[i]);
		slot->tts_values[7] = Float4GetDatum(popularity[i]);
		MemoryContextSwitchTo(old);
		rec_writer_put(w, slot, params->factors * sizeof(float));
	}
	rec_writer_close(w);
	pfree(popularity);
	pfree(support);
}

static void
store_users(const RecModel *model, int version, const RecPairs *pairs, const RecSolution *s, const RecParams *params,
			bool explicit_feedback)
{
	RecWriter  *w;

	w = rec_writer_open(model, "user_factors");
	for (int u = 0; u < pairs->users.n; u++)
	{
		const float *row = s->users ? s->users + (Size) u * s->stride : NULL;
		MemoryContext batch,
					old;
		TupleTableSlot *slot = rec_writer_row(w, &batch);

		old = MemoryContextSwitchTo(batch);
		slot->tts_values[0] = Int32GetDatum(version);
		slot->tts_values[1] = rec_keys_datum(&pairs->users, u);
		slot->tts_values[2] = rec_array_of(row, params->factors, FLOAT4OID);
		slot->tts_values[3] = Float4GetDatum(explicit_feedback ? row[params->factors] : 0);
		slot->tts_values[4] = Int32GetDatum(pairs->user_events[u]);
		MemoryContextSwitchTo(old);
		rec_writer_put(w, slot, params->factors * sizeof(float));
	}
	rec_writer_close(w);
}

static void
store_history(const RecModel *model, int version, const RecPairs *pairs)
{
	RecWriter  *w;

	w = rec_writer_open(model, "user_history");
	for (int u = 0; u < pairs->users.n; u++)
	{
		int64		first = pairs->start[u];
		int			n = pairs->start[u + 1] - first;
		MemoryContext batch,
					old;
		TupleTableSlot *slot = rec_writer_row(w, &batch);
		int32	   *item;
		float	   *net;

		old = MemoryContextSwitchTo(batch);
		item = palloc_extended((Size) n * sizeof(int32), MCXT_ALLOC_HUGE);
		net = palloc_extended((Size) n * sizeof(float), MCXT_ALLOC_HUGE);
		slot->tts_values[0] = Int32GetDatum(version);
		slot->tts_values[1] = rec_keys_datum(&pairs->users, u);
		for (int k = 0; k < n; k++)
		{
			item[k] = pairs->pair[first + k].item;
			net[k] = pairs->pair[first + k].net;
		}
		slot->tts_values[2] = rec_array_of(item, n, INT4OID);
		slot->tts_values[3] = rec_array_of(net, n, FLOAT4OID);
		MemoryContextSwitchTo(old);
		rec_writer_put(w, slot, (Size) n * 8);
	}
	rec_writer_close(w);
}

/* The Gram matrix as factors x factors, without the padding. */
static Datum
gram_array(const RecSolution *s, int factors)
{
	float	   *dense = palloc_extended((Size) factors * factors * sizeof(float), MCXT_ALLOC_HUGE);

	for (int i = 0; i < factors; i++)
		memcpy(dense + (Size) i * factors, s->gram + (Size) i * s->stride, factors * sizeof(float));
	return rec_array_of(dense, factors * factors, FLOAT4OID);
}

/* Items without events that the version holds beside those of the training. */
static int
cold_items(const RecSolution *s, RecDesign *const *design)
{
	return s->map[REC_ITEMS] ? design[REC_ITEMS]->cold.n : 0;
}

static void
store_version_row(const RecModel *model, const RecRun *run, const RecPairs *pairs, const RecSolution *s,
				  const RecParams *params, const RecSumRule *rule, RecDesign *const *design)
{
	RecWriter  *w;
	TupleTableSlot *slot;
	MemoryContext batch,
				old;

	w = rec_writer_open(model, "model_version");
	slot = rec_writer_row(w, &batch);
	old = MemoryContextSwitchTo(batch);
	slot->tts_values[0] = Int32GetDatum(run->version);
	slot->tts_values[1] = Int64GetDatum(run->uid);
	slot->tts_values[2] = TimestampTzGetDatum(GetCurrentTimestamp());
	slot->tts_values[3] = JsonbPGetDatum(rec_params_write(params));
	slot->tts_values[4] = BoolGetDatum(rule->explicit_feedback);
	slot->tts_values[5] = Int32GetDatum(pairs->users.n);
	slot->tts_values[6] = Int32GetDatum(pairs->items.n + cold_items(s, design));
	slot->tts_values[7] = Float4GetDatum(s->mean);
	slot->tts_isnull[8] = !rule->has_time;
	slot->tts_values[8] = Int64GetDatum(rule->newest);
	slot->tts_values[9] = Float8GetDatum(rule->half_life);
	slot->tts_isnull[10] = s->gram == NULL;
	slot->tts_values[10] = s->gram ? gram_array(s, params->factors) : (Datum) 0;
	slot->tts_isnull[11] = run->value_scaler == NULL;
	slot->tts_values[11] = run->value_scaler ?
		DirectFunctionCall1(jsonb_in, CStringGetDatum(run->value_scaler)) : (Datum) 0;
	slot->tts_values[12] = Int32GetDatum(cold_items(s, design));
	slot->tts_isnull[13] = !isfinite((float) s->noise);
	slot->tts_values[13] = Float4GetDatum((float) s->noise);
	MemoryContextSwitchTo(old);
	rec_writer_put(w, slot, 0);
	rec_writer_close(w);
}

void
rec_store_version(const RecModel *model, const RecRun *run, const RecPairs *pairs, const RecSolution *s,
				  const RecParams *params, const RecSumRule *rule, RecDesign *const *design)
{
	store_version_row(model, run, pairs, s, params, rule, design);
	store_items(model, run->version, pairs, s, params, rule);
	if (s->weights)
		rec_item_weights_store(model, run->version, s->weights);
	store_users(model, run->version, pairs, s, params, rule->explicit_feedback);
	store_history(model, run->version, pairs);
	rec_store_attributes(model, run->version, design, pairs, s, params, rule->explicit_feedback);
}

void
rec_store_new_version(const RecModel *model, RecRun *run)
{
	Oid			types[1] = {TEXTOID};
	Datum		values[1] = {CStringGetTextDatum(model->name)};
	RecRole		saved = rec_role_enter(model->owner);
	bool		isnull;

	/*
	 * Numbers are never used again, not even after keep_versions has removed a version; nor may one be missed that the
	 * transaction's own snapshot is too old to see.
	 */
	PushActiveSnapshot(GetLatestSnapshot());
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args("SELECT coalesce(max(version), 0) + 1 FROM rec.training_run WHERE model = $1",
							  1, types, values, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "looking up the newest version failed");
	run->version = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_finish();
	PopActiveSnapshot();
	rec_role_leave(&saved);
	if (!pg_strong_random(&run->uid, sizeof(run->uid)))
		run->uid = (int64) pg_prng_uint64(&pg_global_prng_state);
}

void
rec_store_activate(const RecModel *model, int version)
{
	Oid			types[2] = {TEXTOID, INT4OID};
	Datum		values[2] = {CStringGetTextDatum(model->name), Int32GetDatum(version)};

	rec_catalog_execute("UPDATE rec.model SET active_version = $2 WHERE model = $1", 2, types, values, NULL);
}

/*
 * Runs a statement on a table of the model. Names are looked up as the model's owner and the statement runs as the
 * table's: after ALTER SCHEMA OWNER these are two, and neither may do both.
 */
void
rec_run_on_table(const RecModel *model, Relation rel, const char *sql, int nargs, Oid *types, Datum *values, int expected)
{
	RecRole		names = rec_role_enter(model->owner),
				rows;
	SPIPlanPtr	plan;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	plan = SPI_prepare(sql, nargs, types);
	if (plan == NULL)
		elog(ERROR, "statement cannot be prepared: %s", sql);
	rows = rec_role_enter(rel->rd_rel->relowner);
	if (SPI_execute_plan(plan, values, NULL, false, 0) != expected)
		elog(ERROR, "statement failed: %s", sql);
	rec_role_leave(&rows);
	rec_role_leave(&names);
}

void
rec_store_delete(const RecModel *model, const char *table, int version, bool cold_only)
{
	Relation	rel = rec_model_open(model, table, RowExclusiveLock);
	Oid			types[1] = {INT4OID};
	Datum		values[1] = {Int32GetDatum(version)};

	rec_run_on_table(model, rel, psprintf("DELETE FROM %s WHERE version = $1%s", quote_qualified_identifier(model->name, table),
								 cold_only ? " AND n_events = 0" : ""),
				 1, types, values, SPI_OK_DELETE);
	SPI_finish();
	table_close(rel, NoLock);
}

void
rec_store_prune(const RecModel *model, int written, int active)
{
	static const char *const tables[] = {"user_history", "user_factors", "item_factors", "item_weights", "user_attributes", "item_attributes",
	"attribute_encoder", "attribute_map", "context_effect", "model_version"};
	Relation	rel = rec_model_open(model, "model_version", AccessShareLock);
	Oid			types[4] = {INT4OID, INT4OID, INT4OID, INT4ARRAYOID};
	Datum		values[4] = {Int32GetDatum(written), Int32GetDatum(active), Int32GetDatum(model->keep_versions),
	rec_experiment_versions(model)};
	char	   *sql = psprintf("SELECT version FROM (SELECT version, row_number() OVER "
							   "(ORDER BY version IN ($1, $2) DESC, version DESC) AS place FROM %s) v "
							   "WHERE place > $3 AND version NOT IN ($1, $2) AND version <> ALL ($4)",
							   quote_qualified_identifier(model->name, "model_version"));
	int			n;
	int		   *old;
	bool		isnull;

	rec_run_on_table(model, rel, sql, 4, types, values, SPI_OK_SELECT);
	n = SPI_processed;
	old = MemoryContextAlloc(CurTransactionContext, Max(n, 1) * sizeof(int));
	for (int i = 0; i < n; i++)
		old[i] = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_finish();
	table_close(rel, NoLock);
	for (int i = 0; i < n; i++)
		for (int t = 0; t < (int) lengthof(tables); t++)
			rec_store_delete(model, tables[t], old[i], false);
	pfree(old);
}
