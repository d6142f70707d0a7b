/*
 * job.c
 *		Runs of scheduled jobs: their rows in the catalog, and the lock that keeps two of one model apart.
 *
 * rec.run_job is a procedure that commits step by step, so the lock is one of the session: an object lock of our own class,
 * part LOCK_JOB of the model. It goes with the run's end, with the session, and with the first transaction that aborts while
 * it is held, that is when an error or a cancel leaves the procedure. A row that still says "running" when somebody else gets
 * the lock was interrupted.
 */
#include "compat.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/async.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "model/catalog.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/snapmgr.h"

#define LOCK_JOB	2			/* part of the model; 0 is the lock of training, 1 that of materialize */
#define CHANNEL		"pg_recommend"

static LOCKTAG job_lock;
static bool job_locked = false;

static void
unlock_jobs(void)
{
	if (job_locked)
		LockRelease(&job_lock, ExclusiveLock, true);
	job_locked = false;
}

static void
at_transaction_end(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_ABORT)
		unlock_jobs();
}

static bool
lock_jobs(const RecModel *model)
{
	static bool registered = false;

	if (!registered)
		RegisterXactCallback(at_transaction_end, NULL);
	registered = true;
	unlock_jobs();				/* a procedure that called rec._job_begin and returned without an end */
	SET_LOCKTAG_OBJECT(job_lock, MyDatabaseId, rec_catalog_relation("model"), model->schema, LOCK_JOB);
	job_locked = LockAcquire(&job_lock, ExclusiveLock, true, true) != LOCKACQUIRE_NOT_AVAIL;
	return job_locked;
}

/* The model named by argument 0, which only its owner may schedule or run. */
static RecModel *
own_model(FunctionCallInfo fcinfo)
{
	RecModel   *model;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("model must not be null")));
	model = rec_model_by_schema(rec_model_schema(text_to_cstring(PG_GETARG_TEXT_PP(0))), false);
	rec_model_require_owner(model, "schedule jobs of");
	return model;
}

static Datum
current_role_name(void)
{
	return CStringGetTextDatum(GetUserNameFromId(GetUserId(), false));
}

PG_FUNCTION_INFO_V1(rec_schedule_store);
Datum
rec_schedule_store(PG_FUNCTION_ARGS)
{
	RecModel   *model = own_model(fcinfo);
	Oid			types[11] = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, FLOAT8OID, INTERVALOID, INT4OID, INTERVALOID, INTERVALOID, TEXTOID};
	Datum		values[11];
	char		nulls[11];

	for (int i = 0; i < 10; i++)
	{
		values[i] = PG_GETARG_DATUM(i);
		nulls[i] = PG_ARGISNULL(i) ? 'n' : ' ';
	}
	values[0] = CStringGetTextDatum(model->name);
	values[10] = current_role_name();
	nulls[10] = ' ';
	/* whoever calls this without rec.schedule: views read the row for others */
	rec_catalog_execute("SELECT rec._cron_parse(coalesce($2, '@daily')), rec._cron_parse(coalesce($3, '@daily')), rec._check_condition($4), "
						"now() AT TIME ZONE $5", 11, types, values, nulls);
	rec_catalog_execute("INSERT INTO rec.schedule (model, check_at, retrain_at, only_if, time_zone, tolerance, shadow, "
						"retries, retry_delay, keep_runs, scheduled_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) "
						"ON CONFLICT (model) DO UPDATE SET (check_at, retrain_at, only_if, time_zone, tolerance, shadow, retries, "
						"retry_delay, keep_runs, scheduled_by, scheduled_at) = ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, now())",
						11, types, values, nulls);
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(rec_schedule_remove);
Datum
rec_schedule_remove(PG_FUNCTION_ARGS)
{
	Oid			types[1] = {TEXTOID};
	Datum		values[1] = {CStringGetTextDatum(own_model(fcinfo)->name)};

	PG_RETURN_BOOL(rec_catalog_execute("DELETE FROM rec.schedule WHERE model = $1", 1, types, values, NULL) > 0);
}

/* Writes a row of rec.job_run and returns its number. */
static int64
insert_run(const RecModel *model, Datum job, bool running)
{
	Oid			types[6] = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, INT4OID, BOOLOID};
	Datum		values[6] = {CStringGetTextDatum(model->name), job, CStringGetTextDatum(running ? "running" : "skipped"),
	current_role_name(), Int32GetDatum(MyProcPid), BoolGetDatum(running)};
	int64		result;
	bool		null;
	RecRole		saved = rec_role_enter(rec_catalog_owner());

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args("INSERT INTO rec.job_run (model, job, status, attempts, started_at, finished_at, message, run_by, pid) "
							  "SELECT $1, $2, $3, $6::int, now(), CASE WHEN NOT $6 THEN now() END, "
							  "CASE WHEN NOT $6 THEN 'another job of the model was under way' END, $4, $5 RETURNING job_run",
							  6, types, values, NULL, false, 0) != SPI_OK_INSERT_RETURNING || SPI_processed != 1)
		elog(ERROR, "a run could not be noted");
	result = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &null));
	SPI_finish();
	rec_role_leave(&saved);
	return result;
}

PG_FUNCTION_INFO_V1(rec_job_begin);
Datum
rec_job_begin(PG_FUNCTION_ARGS)
{
	RecModel   *model = own_model(fcinfo);
	Oid			types[1] = {TEXTOID};
	Datum		values[1] = {CStringGetTextDatum(model->name)};

	if (!lock_jobs(model))
	{
		(void) insert_run(model, PG_GETARG_DATUM(1), false);
		PG_RETURN_NULL();
	}
	rec_catalog_execute("UPDATE rec.job_run SET status = 'interrupted' WHERE model = $1 AND status = 'running'",
						1, types, values, NULL);
	rec_catalog_execute("DELETE FROM rec.job_run r USING rec.schedule s WHERE s.model = $1 AND r.model = $1 "
						"AND r.started_at < now() - s.keep_runs", 1, types, values, NULL);
	PG_RETURN_INT64(insert_run(model, PG_GETARG_DATUM(1), true));
}

/* {"model": , "job": , "status": , "version": , "message": } for whoever listens. */
static void
announce(int64 run)
{
	Oid			types[1] = {INT8OID};
	Datum		values[1] = {Int64GetDatum(run)};
	char	   *payload = NULL;
	RecRole		saved = rec_role_enter(rec_catalog_owner());

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	/* a payload of NOTIFY holds less than 8000 bytes, and a character of a JSON string takes up to six */
	if (SPI_execute_with_args("SELECT jsonb_strip_nulls(jsonb_build_object('model', model, 'job', job, 'status', status, "
							  "'version', version, 'message', left(message, 1000)))::text FROM rec.job_run WHERE job_run = $1",
							  1, types, values, NULL, false, 1) == SPI_OK_SELECT && SPI_processed == 1)
		payload = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	if (payload)
		Async_Notify(CHANNEL, payload);
	SPI_finish();
	rec_role_leave(&saved);
}

PG_FUNCTION_INFO_V1(rec_job_end);
Datum
rec_job_end(PG_FUNCTION_ARGS)
{
	Oid			types[6] = {INT8OID, TEXTOID, INT4OID, INT4OID, TEXTOID, INT4OID};
	Datum		values[6];
	char		nulls[6];
	bool		ended;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || !job_locked)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("this session runs no job"),
				 errhint("Jobs are run with CALL rec.run_job or CALL rec.run_now.")));
	for (int i = 0; i < 5; i++)
	{
		values[i] = PG_GETARG_DATUM(i);
		nulls[i] = PG_ARGISNULL(i) ? 'n' : ' ';
	}
	values[5] = Int32GetDatum(MyProcPid);
	nulls[5] = ' ';
	ended = strcmp(text_to_cstring(PG_GETARG_TEXT_PP(1)), "running") != 0;
	/* only a run of this very process: numbers of others are easily guessed */
	if (rec_catalog_execute("UPDATE rec.job_run SET status = $2, attempts = coalesce($3, attempts), version = coalesce($4, version), "
							"message = $5, finished_at = CASE WHEN $2 <> 'running' THEN clock_timestamp() END "
							"WHERE job_run = $1 AND pid = $6 AND status = 'running'", 6, types, values, nulls) > 0 && ended)
		announce(PG_GETARG_INT64(0));
	if (ended)
		unlock_jobs();
	PG_RETURN_VOID();
}

/*
 * When the events of a version end. Read as the model's owner: whoever runs a job may be a superuser, and the owner may have
 * put a view in the table's place.
 */
PG_FUNCTION_INFO_V1(rec_version_newest);
Datum
rec_version_newest(PG_FUNCTION_ARGS)
{
	RecModel   *model = own_model(fcinfo);
	Oid			types[1] = {INT4OID};
	Datum		values[1] = {PG_GETARG_DATUM(1)};
	RecRole		saved = rec_role_enter(model->owner);
	int64		newest = 0;
	bool		null = true;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args(psprintf("SELECT newest_event::pg_catalog.int8 FROM %s WHERE version = $1",
									   quote_qualified_identifier(model->name, "model_version")),
							  1, types, values, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "reading the version failed");
	if (SPI_processed > 0)
		newest = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &null));
	SPI_finish();
	rec_role_leave(&saved);
	if (null)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ((TimestampTz) newest);
}
