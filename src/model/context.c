/*
 * context.c
 *		Learning and reading lifts by context. See context.h.
 *
 * For each context column, item i and value v: n = users who had i in context v, and e = how many that would be if the item's users
 * spread over the values as all events do. lift = (1 + a n) / (1 + a e): the mean of a Gamma posterior whose prior has mean 1
 * and variance a. a is what the column's counts vary beyond chance (by moments), so a column that does not matter has a = 0 and
 * changes nothing, and rare items are drawn to 1. The counts are one SQL query over the events; users and not events are
 * counted, because one user's repeated events are no independent evidence.
 */
#include "model/context.h"

#include <float.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "model/store.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/typcache.h"

#define MAX_VALUES 200			/* of a column that are learnt, the most frequent ones */
#define LEAST_CHANGE 0.01		/* smaller logarithms of a lift are not stored */
#define BATCH 1000

static char *
lift_query(const RecModel *m, const RecEventSource *source, const char *column)
{
	StringInfoData q;
	const char *c = quote_identifier(column);

	initStringInfo(&q);
	appendStringInfo(&q, "WITH observed AS MATERIALIZED (SELECT i, v, count(*)::float8 AS n FROM (SELECT DISTINCT %s AS u, ",
					 quote_identifier(m->user_column));
	appendStringInfo(&q, "%s AS i, %s::text AS v FROM %s WHERE ", quote_identifier(m->item_column), c, source->relation);
	appendStringInfo(&q, "%s IS NOT NULL AND ", quote_identifier(m->user_column));
	appendStringInfo(&q, "%s IS NOT NULL AND %s IS NOT NULL", quote_identifier(m->item_column), c);
	if (m->event_column)
		appendStringInfo(&q, " AND ($1 IS NULL AND %s IS NOT NULL OR ($1 ->> ", quote_identifier(m->event_column));
	if (m->event_column)
		appendStringInfo(&q, "%s::text)::float8 > 0)", quote_identifier(m->event_column));
	/* no joins of grids: the planner knows nothing of their size */
	appendStringInfo(&q, ") seen GROUP BY i, v), "
					 "value AS MATERIALIZED (SELECT v FROM observed GROUP BY v ORDER BY sum(n) DESC, v LIMIT %d), "
					 "cell AS (SELECT i, v, sum(n) AS n FROM (SELECT i, v, n FROM observed WHERE v IN (SELECT v FROM value) UNION ALL "
					 "SELECT i, v, 0 FROM (SELECT DISTINCT i FROM observed) item, value) grid GROUP BY i, v), "
					 "total AS (SELECT i, v, n, sum(n) OVER (PARTITION BY v) / sum(n) OVER () AS share, "
					 "sum(n) OVER (PARTITION BY i) AS of_item FROM cell), "
					 "expected AS MATERIALIZED (SELECT i, v, n, share, of_item * share AS e FROM total), "
					 "spread AS (SELECT greatest(sum((n - e) * (n - e) - e * (1 - share)) / nullif(sum(e * e), 0), 0) AS a FROM expected) "
					 "SELECT i, v, ((1 + a * n) / (1 + a * e))::float4, n::float4, e::float4 FROM expected, spread "
					 "WHERE abs(ln((1 + a * n) / (1 + a * e))) > %g", MAX_VALUES, LEAST_CHANGE);
	return q.data;
}

/* Rows of the query into the table: i, v, lift, n, e */
static void
store_batch(RecWriter *w, const char *column, int version)
{
	for (uint64 r = 0; r < SPI_processed; r++)
	{
		MemoryContext batch,
					old;
		TupleTableSlot *slot = rec_writer_row(w, &batch);
		HeapTuple	tuple = SPI_tuptable->vals[r];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		Form_pg_attribute key = TupleDescAttr(desc, 0);
		bool		isnull;

		CHECK_FOR_INTERRUPTS();
		old = MemoryContextSwitchTo(batch);
		slot->tts_values[0] = Int32GetDatum(version);
		slot->tts_values[1] = CStringGetTextDatum(column);
		slot->tts_values[2] = datumCopy(SPI_getbinval(tuple, desc, 2, &isnull), false, -1);
		slot->tts_values[3] = datumCopy(SPI_getbinval(tuple, desc, 1, &isnull), key->attbyval, key->attlen);
		slot->tts_values[4] = SPI_getbinval(tuple, desc, 3, &isnull);
		slot->tts_values[5] = SPI_getbinval(tuple, desc, 4, &isnull);
		slot->tts_values[6] = SPI_getbinval(tuple, desc, 5, &isnull);
		MemoryContextSwitchTo(old);
		rec_writer_put(w, slot, 64);
	}
}

static void
store_column(const RecModel *model, const RecEventSource *source, RecWriter *w, const char *column, int version)
{
	Oid			type = JSONBOID;
	Datum		weights = JsonbPGetDatum(model->event_weights);
	char		null = model->event_weights ? ' ' : 'n';
	SPIPlanPtr	plan = SPI_prepare(lift_query(model, source, column), 1, &type);
	Portal		portal;

	if (plan == NULL)
		elog(ERROR, "preparing the query of context column %s failed", column);
	portal = SPI_cursor_open(NULL, plan, &weights, &null, true);
	for (;;)
	{
		SPI_cursor_fetch(portal, true, BATCH);
		if (SPI_processed == 0)
			break;
		store_batch(w, column, version);
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
	SPI_freeplan(plan);
}

/* It did when the option was set. */
static void
check_exists(const RecEventSource *source, const char *column)
{
	if (get_attnum(source->relid, column) <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("context column \"%s\" of %s does not exist", column, source->relation),
				 errhint("Set context_columns anew with rec.alter_model.")));
}

void
rec_context_store(const RecModel *model, const RecEventSource *source, int version)
{
	RecWriter  *w;
	ListCell   *lc;

	if (model->context_columns == NIL)
		return;
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	w = rec_writer_open(model, "context_effect");	/* its memory is of this SPI level */
	foreach(lc, model->context_columns)
		check_exists(source, lfirst(lc));
	foreach(lc, model->context_columns)
		store_column(model, source, w, lfirst(lc), version);
	rec_writer_close(w);
	SPI_finish();
}

/* A column's text and the equality of its type, as a key of the scan. */
static void
text_key(ScanKey key, Relation rel, int attnum, const char *text)
{
	ScanKeyInit(key, attnum, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(text));
	key->sk_collation = TupleDescAttr(RelationGetDescr(rel), attnum - 1)->attcollation;
}

static void
apply_value(const RecModel *model, const RecServing *s, Relation rel, const char *column, const char *value, float *factor)
{
	ScanKeyData key[3];
	SysScanDesc scan;
	HeapTuple	tuple;
	TupleDesc	desc = RelationGetDescr(rel);

	RelationGetIndexList(rel);
	ScanKeyInit(&key[0], 1, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(s->version));
	text_key(&key[1], rel, 2, column);
	text_key(&key[2], rel, 3, value);
	scan = systable_beginscan(rel, rel->rd_pkindex, OidIsValid(rel->rd_pkindex), GetActiveSnapshot(), 3, key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		int			position = rec_keys_find(&s->keys, rec_model_value(tuple, 4, desc));
		float		lift = DatumGetFloat4(rec_model_value(tuple, 5, desc));

		CHECK_FOR_INTERRUPTS();
		if (position >= 0 && lift > 0 && lift <= FLT_MAX)
			factor[position] *= lift;
	}
	systable_endscan(scan);
}

static void
check_column(const RecModel *model, const char *name)
{
	const char **names = palloc(Max(list_length(model->context_columns), 1) * sizeof(char *));
	const char *near;
	int			n = 0;
	ListCell   *lc;

	foreach(lc, model->context_columns)
	{
		if (strcmp(name, lfirst(lc)) == 0)
			return;
		names[n++] = lfirst(lc);
	}
	near = rec_nearest_name(name, names, n);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"%s\" is no context column of model \"%s\"", name, model->name),
			 near ? errhint("Perhaps you meant \"%s\".", near) : n > 0 ? 0 :
			 errhint("Name the columns with rec.alter_model(%s, context_columns => ...) and train the model.",
					 quote_literal_cstr(model->name))));
}

static char *
value_text(const char *column, const JsonbValue *v)
{
	if (v->type == jbvString)
		return pnstrdup(v->val.string.val, v->val.string.len);
	if (v->type == jbvNumeric)
		return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(v->val.numeric)));
	if (v->type == jbvBool)
		return pstrdup(v->val.boolean ? "true" : "false");
	if (v->type != jbvNull)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the value of context column \"%s\" must be a string, a number or a boolean", column)));
	return NULL;
}

void
rec_context_factors(const RecModel *model, const RecServing *serving, const Jsonb *context, float *factor)
{
	JsonbIterator *it = JsonbIteratorInit(unconstify(JsonbContainer *, &context->root));
	JsonbIteratorToken token;
	JsonbValue	v;
	char	   *column = NULL;
	Relation	rel;

	if (!JB_ROOT_IS_OBJECT(context))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("context must be a JSON object"),
				 errdetail("It names columns and their values, as {\"device\": \"mobile\"}.")));
	rel = rec_model_open(model, "context_effect", AccessShareLock);
	/* the answer may come from factors that were read before both tables were altered */
	if (TupleDescAttr(RelationGetDescr(rel), 3)->atttypid != serving->keys.kind.type)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"context_effect\" of model \"%s\" has been altered", model->name)));
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		char	   *value;

		if (token == WJB_KEY)
		{
			column = pnstrdup(v.val.string.val, v.val.string.len);
			check_column(model, column);
		}
		if (token == WJB_VALUE && (value = value_text(column, &v)) != NULL)
			apply_value(model, serving, rel, column, value, factor);
	}
	table_close(rel, AccessShareLock);
}
