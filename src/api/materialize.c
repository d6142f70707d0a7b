/*
 * materialize.c
 *		rec.materialize(): keeps the recommendations for all users in a table of the model.
 *
 * One MERGE of what is the answer now into what is stored, of the rows that differ only: no DDL, no lock that a reader meets,
 * and nothing is written when nothing has changed. Users without events since the training are answered as
 * recommend_many() does, users with events since then one by one, as recommend() does; when only events have come since
 * the last run, only the users of these events are looked at. It runs as the model's owner, like a training; two
 * at a time exclude each other by a lock of their own, so that a training does not keep it from running.
 */
#include "api/serve.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "model/events.h"
#include "model/materialization.h"
#include "model/store.h"
#include "portability/instr_time.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#define LOCK_MATERIALIZE 1		/* part of the model; 0 is the lock of training */

static void
lock_recommendations(const RecModel *model)
{
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, rec_catalog_relation("model"), model->schema, LOCK_MATERIALIZE);
	if (LockAcquire(&tag, ExclusiveLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("recommendations of model \"%s\" are being materialized by another session", model->name)));
}

/* One run. */
typedef struct Work
{
	const RecModel *model;
	int			k;
	bool		exclude_seen;
	int64		uid;			/* of the active version */
	bool		all;			/* every user, else those in users */
	Oid			users_type;		/* array of user keys */
	Datum		users;			/* to be asked one by one, from their events as they stand now */
	bool		no_users;		/* users is null */
	bool		has_newest;
	int64		newest;			/* time of the newest event that was looked at */
	MemoryContext context;
} Work;

/* The one row of a query; by-reference values must be copied before the next one. */
static Datum
first_value(const char *sql, int nargs, Oid *types, Datum *values, bool *null)
{
	if (SPI_execute_with_args(sql, nargs, types, values, NULL, false, 0) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "unexpected result: %s", sql);
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, null);
}

static int64
count_of(const char *sql)
{
	bool		null;

	return DatumGetInt64(first_value(sql, 0, NULL, NULL, &null));
}

static void
keep_users(Work *w, Datum users, bool null)
{
	MemoryContext old = MemoryContextSwitchTo(w->context);

	w->no_users = null;
	w->users = null ? (Datum) 0 : datumCopy(users, false, -1);
	MemoryContextSwitchTo(old);
}

/* A moment in microseconds since 2000 as a value of the time column's type, rounded down. */
static Datum
moment(int64 microseconds, Oid type)
{
	const int64 epoch_2000 = (int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY;
	int64		unit = type == DATEOID ? USECS_PER_DAY : USECS_PER_SEC;
	int64		whole = microseconds / unit - (microseconds % unit < 0);

	switch (type)
	{
		case DATEOID:
			return DateADTGetDatum((DateADT) whole);
		case INT4OID:
			return Int32GetDatum((int32) Min(Max(whole + epoch_2000, PG_INT32_MIN), PG_INT32_MAX));
		case INT8OID:
			return Int64GetDatum(whole + epoch_2000);
		default:
			return TimestampGetDatum(microseconds);
	}
}

/* Users with events from a moment on; the moment itself counts, for dates and seconds are coarse. */
static void
find_changed(Work *w, const RecEventSource *source, int64 since)
{
	bool		integer = source->time_type == INT4OID || source->time_type == INT8OID;
	Oid			types[1] = {source->time_type};
	Datum		values[1] = {moment(since, source->time_type)};
	const char *user = quote_identifier(w->model->user_column);
	const char *time = quote_identifier(w->model->time_column);
	Datum		newest;
	bool		null;
	int64		at;

	keep_users(w, first_value(psprintf("SELECT array_agg(DISTINCT %s), max(%s) FROM %s WHERE %s >= $1 AND %s IS NOT NULL%s",
									   user, time, source->relation, time, user,
									   integer ? "" : psprintf(" AND %s < 'infinity'", time)),
							  1, types, values, &null), null);
	newest = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &null);
	w->has_newest = true;
	w->newest = since;
	if (!null && rec_event_time(source->time_type, newest, &at))
		w->newest = Max(since, at);
}

/* The keys that were given as text. */
static void
take_given(Work *w, Datum given)
{
	Oid			relid = rec_model_relation(w->model, "user_factors");
	Oid			types[1] = {TEXTARRAYOID};
	const char *type = format_type_extended(get_atttype(relid, get_attnum(relid, "user_id")), -1, FORMAT_TYPE_FORCE_QUALIFY);
	bool		null;
	Datum		users = first_value(psprintf("SELECT array_agg(DISTINCT g::%s) FROM unnest($1) g WHERE g IS NOT NULL", type),
									1, types, &given, &null);

	keep_users(w, users, null);
}

/* Settles who is to be computed anew, and how. */
static void
plan(Work *w, bool full, bool has_given, Datum given)
{
	Oid			types[1] = {INT4OID};
	Datum		version[1] = {Int32GetDatum(w->model->active_version)};
	RecMaterialization former;
	RecEventSource source;
	bool		same = rec_materialization_find(w->model, &former) && former.uid == w->uid && former.k == w->k &&
		former.exclude_seen == w->exclude_seen;
	bool		null = true;
	int64		since = 0;

	w->no_users = true;
	if (has_given)
	{
		if (!same)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("single users cannot be added to what is not materialized"),
					 errdetail("The table does not hold the answers of the active version for this k and exclude_seen."),
					 errhint("Run rec.materialize without only_users first.")));
		take_given(w, given);
		w->has_newest = former.has_newest;
		w->newest = former.newest;
		return;
	}
	w->all = full || !same || !former.has_newest;
	/* events whose key has another type now say nothing about the users of the version */
	if (w->model->active_version == 0 || w->model->time_column == NULL || !rec_event_source(w->model, &source, true) ||
		get_array_type(source.user_type) != w->users_type)
	{
		w->all = true;
		return;
	}
	if (w->all)
		since = DatumGetInt64(first_value(psprintf("SELECT newest_event FROM %s.model_version WHERE version = $1",
												   quote_identifier(w->model->name)), 1, types, version, &null));
	else
		since = former.newest;
	if (!w->all || !null)
		find_changed(w, &source, since);
}

/*
 * What the table shall hold of the users in question, and only what differs of it is in the source of the MERGE; item_id null: the row
 * goes. $1 k, $2 exclude_seen, $3 version, $4 users. A version that is named is never answered from the table itself.
 */
static char *
merge_statement(const Work *w)
{
	Oid			relid = rec_model_relation(w->model, "recommendation");
	char	   *user_equals = rec_type_equality(get_atttype(relid, get_attnum(relid, "user_id")));
	char	   *item_equals = rec_type_equality(get_atttype(relid, get_attnum(relid, "item_id")));
	const char *schema = quote_identifier(w->model->name);
	char	   *stored = "", *old;

	if (w->all)
		stored = psprintf("SELECT m.user_id, m.item_id, m.score, m.rank, m.source "
						  "FROM %s.recommend_many(k => $1, exclude_seen => $2, version => $3) m "
						  "WHERE $4 IS NULL OR NOT m.user_id %s ANY ($4) UNION ALL ", schema, user_equals);
	old = w->all ? psprintf("%s.recommendation", schema) :
		psprintf("(SELECT * FROM %s.recommendation WHERE user_id %s ANY ($4))", schema, user_equals);
	return psprintf("MERGE INTO %s.recommendation t USING ("
					"SELECT coalesce(f.user_id, o.user_id) AS user_id, coalesce(f.rank, o.rank) AS rank, f.item_id, f.score, f.source "
					"FROM (%sSELECT u.user_id, r.item_id, r.score, r.rank, r.source FROM unnest($4) u (user_id), "
					"LATERAL %s.recommend(u.user_id, $1, $2, version => $3) r) f "
					"FULL JOIN %s o ON f.user_id %s o.user_id AND f.rank = o.rank "
					"WHERE f.rank IS NULL OR o.rank IS NULL OR o.version <> $3 OR o.score <> f.score OR o.source <> f.source "
					"OR NOT o.item_id %s f.item_id) n "
					"ON t.user_id %s n.user_id AND t.rank = n.rank "
					"WHEN MATCHED AND n.item_id IS NULL THEN DELETE "
					"WHEN MATCHED THEN UPDATE SET item_id = n.item_id, score = n.score, source = n.source, version = $3 "
					"WHEN NOT MATCHED THEN INSERT (user_id, rank, item_id, score, source, version) "
					"VALUES (n.user_id, n.rank, n.item_id, n.score, n.source, $3)",
					schema, stored, schema, old, user_equals, item_equals, user_equals);
}

/* users, rows, changed */
static void
merge(Work *w, int64 *result)
{
	Oid			types[4] = {INT4OID, BOOLOID, INT4OID, w->users_type};
	Datum		values[4] = {Int32GetDatum(w->k), BoolGetDatum(w->exclude_seen), Int32GetDatum(w->model->active_version),
	w->users};
	char		nulls[5] = {' ', ' ', ' ', w->no_users ? 'n' : ' ', '\0'};
	const char *table = quote_qualified_identifier(w->model->name, "recommendation");

	result[2] = 0;
	if (w->all || !w->no_users)
	{
		if (SPI_execute_with_args(merge_statement(w), 4, types, values, nulls, false, 0) < 0)
			elog(ERROR, "merging recommendations failed");
		result[2] = (int64) SPI_processed;
	}
	/* whoever has a row has one of rank 1 */
	result[0] = count_of(psprintf("SELECT count(*) FROM %s WHERE rank = 1", table));
	result[1] = count_of(psprintf("SELECT count(*) FROM %s", table));
}

/* Notes what the table holds now. */
static void
record(const Work *w, const int64 *counts)
{
	Oid			types[8] = {TEXTOID, INT4OID, INT8OID, INT4OID, BOOLOID, INT8OID, INT8OID, INT8OID};
	Datum		values[8] = {CStringGetTextDatum(w->model->name), Int32GetDatum(w->model->active_version),
		Int64GetDatum(w->uid), Int32GetDatum(w->k), BoolGetDatum(w->exclude_seen), Int64GetDatum(w->newest),
	Int64GetDatum(counts[0]), Int64GetDatum(counts[1])};
	char		nulls[9] = "        ";

	nulls[5] = w->has_newest ? ' ' : 'n';
	rec_catalog_execute("INSERT INTO rec.materialization (model, version, uid, k, exclude_seen, newest_event, users, rows, refreshed_at) "
						"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now()) "
						"ON CONFLICT (model) DO UPDATE SET version = $2, uid = $3, k = $4, exclude_seen = $5, newest_event = $6, "
						"users = $7, rows = $8, refreshed_at = now()", 8, types, values, nulls);
}

static int
number_of_rows(FunctionCallInfo fcinfo, int argument)
{
	/* everything for everybody is users x items rows: not by default */
	if (PG_ARGISNULL(argument))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("k must not be null")));
	if (PG_GETARG_INT32(argument) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("k must not be negative"),
				 errdetail("k is %d.", PG_GETARG_INT32(argument))));
	return PG_GETARG_INT32(argument);
}

static RecModel *
open_model(FunctionCallInfo fcinfo)
{
	RecModel   *model;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("model must not be null")));
	model = rec_model_by_schema(rec_model_schema(text_to_cstring(PG_GETARG_TEXT_PP(0))), false);
	rec_model_require_owner(model, "materialize");
	lock_recommendations(model);
	return model;
}

PG_FUNCTION_INFO_V1(rec_materialize);
Datum
rec_materialize(PG_FUNCTION_ARGS)
{
	RecModel   *model = open_model(fcinfo);
	int			k = number_of_rows(fcinfo, 1);
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Work		w = {.k = k, .exclude_seen = PG_ARGISNULL(2) || PG_GETARG_BOOL(2), .context = CurrentMemoryContext};
	int64		counts[3];
	Datum		v[4];
	bool		null[4] = {0};
	RecRole		saved;
	Oid			relid;
	instr_time	start,
				end;

	InitMaterializedSRF(fcinfo, 0);
	INSTR_TIME_SET_CURRENT(start);
	/* with what the session before us has committed */
	PushActiveSnapshot(GetTransactionSnapshot());
	model = rec_model_by_schema(model->schema, false);
	relid = rec_model_relation(model, "user_factors");
	saved = rec_role_enter(model->owner);
	if (rec_refresh_items(model) > 0)
	{
		/* the new items are to be seen */
		PopActiveSnapshot();
		PushActiveSnapshot(GetTransactionSnapshot());
	}
	w.model = model;
	w.uid = model->active_version ? rec_version_get(model, 0).uid : 0;
	w.users_type = get_array_type(get_atttype(relid, get_attnum(relid, "user_id")));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	plan(&w, !PG_ARGISNULL(4) && PG_GETARG_BOOL(4), !PG_ARGISNULL(3), PG_ARGISNULL(3) ? (Datum) 0 : PG_GETARG_DATUM(3));
	merge(&w, counts);
	SPI_finish();
	rec_role_leave(&saved);
	record(&w, counts);
	PopActiveSnapshot();
	INSTR_TIME_SET_CURRENT(end);
	INSTR_TIME_SUBTRACT(end, start);
	for (int i = 0; i < 3; i++)
		v[i] = Int64GetDatum(counts[i]);
	v[3] = Float8GetDatum(INSTR_TIME_GET_DOUBLE(end));
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, v, null);
	return (Datum) 0;
}
