/*
 * live.c
 *		One user's events through a kept plan. See live.h.
 *
 * Each model that is served in the session has a generic plan of SELECT item, value, type, time FROM events WHERE user =
 * $1. It is not used when a scan in it is not bound by an index condition: see kept_plan.h.
 */
#include "model/live.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "model/kept_plan.h"
#include "model/settings.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rls.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

/* Columns of the query */
#define COL_ITEM	1
#define COL_VALUE	2
#define COL_TYPE	3
#define COL_TIME	4

/* A kept plan */
typedef struct LivePlan
{
	struct LivePlan *next;
	Oid			schema;			/* of the model */
	bool		newest;			/* the variant ordered by time */
	RecKeptPlan kept;
	bool		told;			/* that the relation is gone */
} LivePlan;

static LivePlan *plans = NULL;

static LivePlan *
find_plan(Oid schema, bool newest)
{
	LivePlan   *p;

	for (p = plans; p; p = p->next)
		if (p->schema == schema && p->newest == newest)
			return p;
	p = MemoryContextAllocZero(TopMemoryContext, sizeof(LivePlan));
	p->schema = schema;
	p->newest = newest;
	p->next = plans;
	plans = p;
	return p;
}

char *
rec_type_equality(Oid type)
{
	TypeCacheEntry *entry = lookup_type_cache(type, TYPECACHE_EQ_OPR);
	HeapTuple	tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(entry->eq_opr));
	Form_pg_operator op;
	char	   *text;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator %u", entry->eq_opr);
	op = (Form_pg_operator) GETSTRUCT(tuple);
	text = psprintf("OPERATOR(%s.%s)", quote_identifier(get_namespace_name(op->oprnamespace)), NameStr(op->oprname));
	ReleaseSysCache(tuple);
	return text;
}

static char *
live_query(const RecModel *m, const RecEventSource *source, bool newest)
{
	StringInfoData q;

	initStringInfo(&q);
	appendStringInfo(&q, "SELECT %s, %s", quote_identifier(m->item_column), rec_value_expression(m, "$3"));
	if (m->event_column)
		appendStringInfo(&q, ", %s::pg_catalog.text", quote_identifier(m->event_column));
	else
		appendStringInfoString(&q, ", NULL::pg_catalog.text");
	if (m->time_column)
		appendStringInfo(&q, ", %s", quote_identifier(m->time_column));
	else
		appendStringInfoString(&q, ", NULL::pg_catalog.timestamptz");
	appendStringInfo(&q, " FROM %s WHERE %s %s $1", source->relation, quote_identifier(m->user_column),
					 rec_type_equality(source->user_type));
	if (newest && m->time_column)
		appendStringInfo(&q, " ORDER BY %s DESC NULLS LAST", quote_identifier(m->time_column));
	appendStringInfoString(&q, " LIMIT $2");
	return q.data;
}

static bool
may_select(const RecModel *m, const RecEventSource *source)
{
	const char *columns[] = {m->user_column, m->item_column, m->value_column, m->event_column, m->time_column};

	if (rec_schema_aclcheck(get_rel_namespace(source->relid), GetUserId(), ACL_USAGE) != ACLCHECK_OK)
		return false;
	if (pg_class_aclcheck(source->relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK)
		return true;
	for (int i = 0; i < (int) lengthof(columns); i++)
		if (columns[i] && pg_attribute_aclcheck(source->relid, get_attnum(source->relid, columns[i]), GetUserId(),
												ACL_SELECT) != ACLCHECK_OK)
			return false;
	return true;
}

/* One event of the result; false when it does not count. */
static bool
read_event(const RecModel *m, const RecServing *s, const RecEventSource *source, RecEventWeights *weights,
		   HeapTuple tuple, TupleDesc desc, RecEvent *event, text **type)
{
	bool		null;
	Datum		v = SPI_getbinval(tuple, desc, COL_ITEM, &null);
	double		product = 1;

	event->item = null ? -1 : rec_keys_find(&s->keys, v);
	event->time = 0;
	*type = NULL;
	if (null)
		return false;
	if (m->event_column)
	{
		v = SPI_getbinval(tuple, desc, COL_TYPE, &null);
		if (null)
			return false;
		*type = DatumGetTextPP(v);
		if (weights && !rec_event_weight(weights, VARDATA_ANY(*type), VARSIZE_ANY_EXHDR(*type), &product))
			return false;
	}
	if (m->value_column)
	{
		v = SPI_getbinval(tuple, desc, COL_VALUE, &null);
		product = null ? NAN : product * DatumGetFloat8(v);
	}
	event->value = (float) product;
	if (!isfinite(event->value))
		return false;
	if (m->time_column)
	{
		v = SPI_getbinval(tuple, desc, COL_TIME, &null);
		if (null || !rec_event_time(source->time_type, v, &event->time))
			return false;
	}
	return event->item >= 0;
}

static bool
type_is_wanted(text *type, ArrayType *types)
{
	Datum	   *value;
	bool	   *null;
	int			n;
	bool		found = false;

	if (type == NULL)
		return true;			/* events without types: every event counts */
	deconstruct_array(types, TEXTOID, -1, false, TYPALIGN_INT, &value, &null, &n);
	for (int i = 0; i < n && !found; i++)
	{
		text	   *t = null[i] ? NULL : DatumGetTextPP(value[i]);

		found = t && VARSIZE_ANY_EXHDR(t) == VARSIZE_ANY_EXHDR(type) &&
			memcmp(VARDATA_ANY(t), VARDATA_ANY(type), VARSIZE_ANY_EXHDR(t)) == 0;
	}
	pfree(value);
	pfree(null);
	return found;
}

/* Events to pairs, the way training does it. */
static void
sum_events(RecEvent *event, int n, const RecSumRule *rule, RecLive *live)
{
	int			from = 0;

	rec_sort_events(event, n, rule);
	while (from < n)
	{
		int			first = from;
		int64		duplicates = 0,
					newest;

		while (from < n && event[from].item == event[first].item)
			from++;
		live->item[live->n] = event[first].item;
		live->net[live->n] = rec_sum_run(event + first, from - first, rule, &duplicates, &newest);
		live->n++;
	}
}

/* Turns the rows of SPI_tuptable into pairs; arrays in the given context. */
static void
take_rows(const RecModel *model, const RecServing *s, const RecEventSource *source, ArrayType *types, RecLive *live,
		  MemoryContext context)
{
	int			rows = Min(SPI_processed, (uint64) rec_fold_in_events);
	RecEvent   *event = MemoryContextAlloc(context, Max(rows, 1) * sizeof(RecEvent));
	RecEventWeights *weights = model->event_weights ? rec_event_weights_read(model->event_weights) : NULL;
	int			n = 0;

	live->item = MemoryContextAlloc(context, Max(rows, 1) * sizeof(int32));
	live->net = MemoryContextAlloc(context, Max(rows, 1) * sizeof(float));
	live->of_types = types ? MemoryContextAlloc(context, Max(rows, 1) * sizeof(int32)) : NULL;
	live->nof_types = types ? 0 : -1;
	for (int i = 0; i < rows; i++)
	{
		text	   *type;
		bool		counts = read_event(model, s, source, weights, SPI_tuptable->vals[i], SPI_tuptable->tupdesc,
									&event[n], &type);

		/* a type that was asked for excludes items whether or not it has a weight */
		if (types && event[n].item >= 0 && (type != NULL || model->event_column == NULL) && type_is_wanted(type, types))
			live->of_types[live->nof_types++] = event[n].item;
		n += counts;
	}
	sum_events(event, n, &s->rule, live);
	live->event = event;
	live->nevents = n;
	live->time_type = source->time_type;
}

/* Makes the plan as the model's options are now; returns the nest level to undo. */
static int
plan_live(LivePlan *p, const RecModel *model, const RecEventSource *source)
{
	Oid			types[3] = {source->user_type, INT8OID, JSONBOID};

	return rec_kept_plan(&p->kept, live_query(model, source, p->newest), lengthof(types), types);
}

static uint64
execute(LivePlan *p, Datum user, int64 limit, const char *scaler)
{
	Datum		values[3] = {user, Int64GetDatum(limit)};
	const char *nulls = "  n";

	if (scaler)
	{
		values[2] = DirectFunctionCall1(jsonb_in, CStringGetDatum(scaler));
		nulls = "   ";
	}
	if (rec_kept_plan_run(&p->kept, values, nulls, 0) != SPI_OK_SELECT)
		elog(ERROR, "reading the events of a user failed");
	return SPI_processed;
}

static bool
find_source(const RecModel *model, RecEventSource *source)
{
	LivePlan   *p;

	if (rec_event_source(model, source, true))
		return true;
	p = find_plan(model->schema, false);
	if (!p->told)
		ereport(NOTICE,
				(errmsg("the events of model \"%s\" are gone, answering from the last training", model->name),
				 errdetail("%s, or one of its columns, does not exist.",
						   quote_qualified_identifier(model->events_schema, model->events_relation))));
	p->told = true;
	return false;
}

/* Row security of a relation that lacks a column, so that its plan cannot be asked: what is hidden stays hidden. */
static bool
secured_unseen(const RecEventSource *source)
{
	if (!OidIsValid(source->relid))
		return false;
	if (source->relkind == RELKIND_VIEW)
		return !has_bypassrls_privilege(GetUserId());
	return check_enable_rls(source->relid, InvalidOid, true) == RLS_ENABLED;
}

/* What the caller may see of the events; false when that is nothing. */
static bool
begin_live(const RecModel *model, RecEventSource *source, RecLive *live)
{
	memset(live, 0, sizeof(*live));
	live->nof_types = -1;
	if (!find_source(model, source))
	{
		live->gone = true;
		live->secured = secured_unseen(source);
		return false;
	}
	live->readable = may_select(model, source);
	live->secured = check_enable_rls(source->relid, InvalidOid, true) == RLS_ENABLED;
	return live->readable;
}

void
rec_live_rights(const RecModel *model, RecLive *live)
{
	RecEventSource source;
	LivePlan   *p;

	if (!begin_live(model, &source, live) || source.relkind != RELKIND_VIEW)
		return;
	/* row security of the tables below a view shows in the plan */
	p = find_plan(model->schema, false);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	AtEOXact_GUC(false, plan_live(p, model, &source));
	live->secured = live->secured || p->kept.secured;
	SPI_finish();
}

void
rec_live_read(const RecModel *model, const RecServing *s, Datum user, Oid user_type, ArrayType *types, RecLive *live)
{
	MemoryContext caller = CurrentMemoryContext;
	RecEventSource source;
	LivePlan   *p;
	int			level;

	if (!begin_live(model, &source, live))
		return;
	p = find_plan(model->schema, false);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	level = plan_live(p, model, &source);
	/* row security below a view shows in the plan only, so it is made even when nothing will be read */
	live->secured = live->secured || p->kept.secured;
	if (p->kept.indexed && rec_fold_in_events > 0 && source.user_type == user_type &&
		source.item_type == s->keys.kind.type)
	{
		live->complete = execute(p, user, (int64) rec_fold_in_events + 1, s->value_scaler) <= (uint64) rec_fold_in_events;
		live->usable = true;
		if (!live->complete && model->time_column)
		{
			p = find_plan(model->schema, true);
			AtEOXact_GUC(false, level);
			level = plan_live(p, model, &source);
			if (p->kept.indexed)
				(void) execute(p, user, rec_fold_in_events, s->value_scaler);
		}
		take_rows(model, s, &source, types, live, caller);
	}
	AtEOXact_GUC(false, level);
	SPI_finish();
}
