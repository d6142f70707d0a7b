/*
 * monitor.c
 *		rec.create_monitor, rec.drop_monitor, rec.check_drift.
 */
#include "api/arguments.h"
#include "api/options.h"

#include "access/relation.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "model/live.h"
#include "model/monitor.h"
#include "nodes/makefuncs.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/typcache.h"
#include "utils/varlena.h"

PG_FUNCTION_INFO_V1(rec_equality);
Datum
rec_equality(PG_FUNCTION_ARGS)
{
	Oid			type = PG_GETARG_OID(0);

	if (!SearchSysCacheExists1(TYPEOID, ObjectIdGetDatum(type)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("type with OID %u does not exist", type)));
	type = getBaseType(type);
	if (!OidIsValid(lookup_type_cache(type, TYPECACHE_EQ_OPR)->eq_opr))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(rec_type_equality(type)));
}

/* What a monitor is to be. */
typedef struct NewMonitor
{
	char	   *name;
	RecModel   *model;			/* or */
	char	   *schema,
			   *relation;
	char	   *time_column;
	Oid			relid;			/* of the events; InvalidOid when they cannot be found */
} NewMonitor;

static void
require_column(Oid relid, const char *column, const char *what)
{
	Relation	rel;
	TupleDesc	desc;
	const char **names;
	const char *near;
	int			n = 0;

	if (get_attnum(relid, column) > 0)
		return;
	rel = relation_open(relid, AccessShareLock);
	desc = RelationGetDescr(rel);
	names = palloc(sizeof(char *) * Max(desc->natts, 1));
	for (int i = 0; i < desc->natts; i++)
		if (!TupleDescAttr(desc, i)->attisdropped)
			names[n++] = NameStr(TupleDescAttr(desc, i)->attname);
	near = rec_nearest_name(column, names, n);
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("%s \"%s\" of relation \"%s\" does not exist", what, column, RelationGetRelationName(rel)),
			 near ? errhint("Perhaps you meant \"%s\".", near) : 0));
}

static void
require_columns(Oid relid, FunctionCallInfo fcinfo, int argument, const char *what)
{
	Datum	   *value;
	bool	   *null;
	int			n;

	if (PG_ARGISNULL(argument))
		return;
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(argument), TEXTOID, -1, false, TYPALIGN_INT, &value, &null, &n);
	for (int i = 0; i < n; i++)
	{
		if (null[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("a %s must not be null", what)));
		require_column(relid, TextDatumGetCString(value[i]), what);
	}
}

/* A model by name, else a relation that the caller may read. */
static void
find_target(NewMonitor *m, const char *target)
{
	Oid			schema = get_namespace_oid(target, true);
	List	   *names;
	RangeVar   *name;

	m->model = OidIsValid(schema) ? rec_model_by_schema(schema, true) : NULL;
	if (m->model)
	{
		rec_model_require_owner(m->model, "monitor");
		m->relid = RangeVarGetRelid(makeRangeVar(m->model->events_schema, m->model->events_relation, -1), AccessShareLock, false);
		return;
	}
	names = textToQualifiedNameList(cstring_to_text(target));
	name = makeRangeVarFromNameList(names);
	m->relid = RangeVarGetRelid(name, AccessShareLock, true);
	if (!OidIsValid(m->relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("there is no model and no relation \"%s\"", target),
				 errhint("SELECT model FROM rec.model lists the models that you may use.")));
	switch (get_rel_relkind(m->relid))
	{
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
		case RELKIND_VIEW:
		case RELKIND_MATVIEW:
		case RELKIND_FOREIGN_TABLE:
			break;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("\"%s\" cannot be monitored", target),
					 errdetail("Rows are read from a table, view, materialized view or foreign table.")));
	}
	if (pg_class_aclcheck(m->relid, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, get_relkind_objtype(get_rel_relkind(m->relid)), get_rel_name(m->relid));
	m->schema = get_namespace_name(get_rel_namespace(m->relid));
	m->relation = get_rel_name(m->relid);
}

static void
find_time_column(NewMonitor *m)
{
	Oid			type;

	if (m->time_column == NULL && m->model)
		m->time_column = m->model->time_column;
	if (m->time_column == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a monitor needs a time column"),
				 errdetail("Drift is judged period by period."),
				 m->model ? errhint("Set it with rec.alter_model(model, time_column => ...).") :
				 errhint("Name it with time_column => ...; it is a date, a timestamp, a timestamptz or integer seconds since 1970.")));
	require_column(m->relid, m->time_column, "time column");
	type = get_atttype(m->relid, get_attnum(m->relid, m->time_column));
	if (type != TIMESTAMPTZOID && type != TIMESTAMPOID && type != DATEOID && type != INT4OID && type != INT8OID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("time column \"%s\" is of type %s", m->time_column, format_type_be(type)),
				 errdetail("A time must be timestamptz, timestamp, date, or an integer with seconds since 1970.")));
}

/* Makes way: an automatic monitor gives its name, and its place as the model's, to one that was asked for. */
static void
make_way(const NewMonitor *m)
{
	Oid			types[2] = {TEXTOID, TEXTOID};
	Datum		values[2] = {CStringGetTextDatum(m->name), m->model ? CStringGetTextDatum(m->model->name) : (Datum) 0};

	rec_catalog_execute("DELETE FROM rec.monitor WHERE automatic AND model = $2 AND $1 IS NOT NULL", 2, types, values, m->model ? NULL : " n");
	if (rec_catalog_execute("SELECT FROM rec.monitor WHERE monitor = $1", 1, types, values, NULL) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("monitor \"%s\" already exists", m->name),
				 errhint("Drop it with rec.drop_monitor, or give the new one another name.")));
}

/* A cron expression of a model's monitor becomes its schedule of checks. */
static void
schedule_checks(const NewMonitor *m, const char *schedule)
{
	Oid			types[2] = {TEXTOID, TEXTOID};
	Datum		values[2] = {0};

	if (schedule == NULL)
		return;
	if (m->model == NULL)
	{
		ereport(NOTICE,
				(errmsg("a monitor of a relation is not scheduled by itself"),
				 errhint("Let cron run SELECT rec.check_drift(%s).", quote_literal_cstr(m->name))));
		return;
	}
	values[0] = CStringGetTextDatum(m->model->name);
	values[1] = CStringGetTextDatum(schedule);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args("SELECT rec.schedule(model => $1, \"check\" => $2, retrain => s.retrain_at, only_if => coalesce(s.only_if, 'drifted or age > 7 days'), "
							  "time_zone => s.time_zone, tolerance => coalesce(s.tolerance, 0.05), retries => coalesce(s.retries, 3), "
							  "retry_delay => coalesce(s.retry_delay, interval '1 minute'), keep_runs => coalesce(s.keep_runs, interval '90 days')) "
							  "FROM (SELECT 1) one LEFT JOIN rec.schedule s ON s.model = $1", 2, types, values, NULL, false, 0) < 0)
		elog(ERROR, "scheduling failed");
	SPI_finish();
}

/*
 * Whose rights the events are read with: the model's owner, else the caller. A superuser hands a relation over to the owner
 * of the relation, since checks run what that role put behind it.
 */
static Oid
owner_of(const NewMonitor *m)
{
	Relation	rel;
	Oid			owner;

	if (m->model)
		return m->model->owner;
	if (!superuser())
		return GetUserId();
	rel = relation_open(m->relid, AccessShareLock);
	owner = rel->rd_rel->relowner;
	relation_close(rel, NoLock);
	return owner;
}

PG_FUNCTION_INFO_V1(rec_create_monitor);
Datum
rec_create_monitor(PG_FUNCTION_ARGS)
{
	NewMonitor	m = {0};
	char	   *target = rec_text_argument(fcinfo, 0),
			   *schedule = rec_text_argument(fcinfo, 6);
	Oid			types[11] = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTARRAYOID, TEXTARRAYOID, TEXTOID, INTERVALOID, JSONBOID, TEXTOID};
	Datum		values[12] = {0};
	char		nulls[13] = "           ";

	if (target == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("target must not be null")));
	find_target(&m, target);
	m.time_column = rec_text_argument(fcinfo, 7);
	m.name = PG_ARGISNULL(8) ? (m.model ? m.model->name : quote_qualified_identifier(m.schema, m.relation)) : rec_text_argument(fcinfo, 8);
	find_time_column(&m);
	require_columns(m.relid, fcinfo, 1, "column");
	require_columns(m.relid, fcinfo, 4, "segment column");

	values[0] = CStringGetTextDatum(m.name);
	if (m.model)
		values[1] = CStringGetTextDatum(m.model->name);
	else
	{
		values[2] = CStringGetTextDatum(m.schema);
		values[3] = CStringGetTextDatum(m.relation);
	}
	if (m.model == NULL || !PG_ARGISNULL(7))
		values[4] = CStringGetTextDatum(m.time_column);
	values[5] = PG_ARGISNULL(1) ? (Datum) 0 : PG_GETARG_DATUM(1);
	values[6] = PG_ARGISNULL(4) ? (Datum) 0 : PG_GETARG_DATUM(4);
	values[7] = PG_ARGISNULL(2) ? CStringGetTextDatum(m.model ? "training" : "28 days") : PG_GETARG_DATUM(2);
	values[8] = PG_ARGISNULL(3) ? (Datum) 0 : PG_GETARG_DATUM(3);
	values[9] = PG_ARGISNULL(5) ? (Datum) 0 : PG_GETARG_DATUM(5);
	values[10] = schedule ? CStringGetTextDatum(schedule) : (Datum) 0;
	for (int i = 0; i < 11; i++)
		nulls[i] = values[i] == (Datum) 0 ? 'n' : ' ';
	rec_catalog_execute("SELECT rec._check_monitor_options($8, $9, coalesce($10, '{}'), $11, $2 IS NOT NULL)", 11, types, values, nulls);
	make_way(&m);
	rec_catalog_execute(psprintf("INSERT INTO rec.monitor (monitor, model, relation_schema, relation_name, time_column, columns, segments, reference, "
								 "current, thresholds, schedule, owner, automatic) VALUES ($1, $2, $3, $4, $5, $6, coalesce($7, '{}'), $8, $9, "
								 "coalesce($10, '{}'), $11, %s, false)",
								 quote_literal_cstr(GetUserNameFromId(owner_of(&m), false))),
						11, types, values, nulls);
	schedule_checks(&m, schedule);
	PG_RETURN_TEXT_P(cstring_to_text(m.name));
}

pg_attribute_noreturn() static void
no_monitor(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("monitor \"%s\" does not exist", name),
			 errhint("SELECT monitor FROM rec.monitor lists the monitors that you may see.")));
}

PG_FUNCTION_INFO_V1(rec_drop_monitor);
Datum
rec_drop_monitor(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Oid			types[1] = {TEXTOID};
	Datum		values[1] = {PG_GETARG_DATUM(0)};

	/* a monitor whose owner is gone can still be dropped */
	if (!superuser())
	{
		RecMonitor *m = rec_monitor_lock(name);

		if (m == NULL)
			no_monitor(name);
		rec_monitor_require_owner(m, "drop");
	}
	if (rec_catalog_execute("DELETE FROM rec.monitor WHERE monitor = $1", 1, types, values, NULL) == 0)
		no_monitor(name);
	PG_RETURN_VOID();
}

/* The rows that a check wrote. */
static void
put_results(ReturnSetInfo *rsinfo, const RecMonitor *m, TimestampTz from, TimestampTz to)
{
	Oid			types[3] = {TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID};
	Datum		values[3] = {CStringGetTextDatum(m->name), TimestampTzGetDatum(from), TimestampTzGetDatum(to)};
	RecRole		saved = rec_role_enter(rec_catalog_owner());

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args("SELECT * FROM rec.drift_result WHERE monitor = $1 AND period_start >= $2 AND period_start < $3 "
							  "ORDER BY period_start, segment, column_name", 3, types, values, NULL, false, 0) < 0)
		elog(ERROR, "reading results failed");
	for (uint64 i = 0; i < SPI_processed; i++)
		tuplestore_puttuple(rsinfo->setResult, SPI_tuptable->vals[i]);
	SPI_finish();
	rec_role_leave(&saved);
}

/* Monitors of a model by its name, else the monitor of the name. */
static List *
monitors_named(const char *name)
{
	Oid			schema = get_namespace_oid(name, true);
	RecModel   *model = OidIsValid(schema) ? rec_model_by_schema(schema, true) : NULL;

	if (model == NULL)
		return list_make1(pstrdup(name));
	rec_model_require_owner(model, "check drift of");
	return rec_monitors_of(model);
}

PG_FUNCTION_INFO_V1(rec_check_drift);
Datum
rec_check_drift(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	char	   *name = rec_text_argument(fcinfo, 0);
	TimestampTz since = PG_ARGISNULL(1) ? 0 : PG_GETARG_TIMESTAMPTZ(1),
				until = PG_ARGISNULL(2) ? GetCurrentTransactionStartTimestamp() : PG_GETARG_TIMESTAMPTZ(2);
	List	   *names;
	ListCell   *lc;

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("model must not be null")));
	if (TIMESTAMP_NOT_FINITE(since) || TIMESTAMP_NOT_FINITE(until))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("since and until must be finite")));
	InitMaterializedSRF(fcinfo, 0);
	PushActiveSnapshot(GetTransactionSnapshot());
	names = monitors_named(name);
	foreach(lc, names)
	{
		RecMonitor *m = rec_monitor_lock(lfirst(lc));
		TimestampTz from,
					to;

		if (m == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("there is no model and no monitor \"%s\"", name),
					 errhint("SELECT monitor, model FROM rec.monitor lists those that you may see.")));
		rec_monitor_require_owner(m, "check");
		if (rec_monitor_check(m, PG_ARGISNULL(1) ? NULL : &since, until, &from, &to))
			put_results(rsinfo, m, from, to);
	}
	PopActiveSnapshot();
	return (Datum) 0;
}
