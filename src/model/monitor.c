/*
 * monitor.c
 *		Monitors of drift. See monitor.h.
 *
 * The texts of the queries, and all that is decided, stand in sql/77_monitor_*.sql. Here it is seen to that each runs as who
 * it must: queries over the catalog as its owner, and those over events, which may call anybody's functions, as the owner
 * of the model or the monitor in a restricted operation. The catalog's owner gets nothing from them but profiles.
 */
#include "model/monitor.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "model/attempt.h"
#include "utils/guc.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/*
 * A baseline is of so many periods. Where these have more events than a fortieth of the training's (within bounds), it is of
 * fewer periods, and of a share of the users: so that it costs little beside the training.
 */
#define BASELINE_PERIODS 28
#define BASELINE_FEW_PERIODS 7
#define BASELINE_SHARE 0.025
#define BASELINE_LEAST_EVENTS 20000.0
#define BASELINE_MOST_EVENTS 100000.0

static char *
catalog_text(const char *sql, int nargs, Oid *types, Datum *values, const char *nulls)
{
	Datum		value;

	return rec_catalog_value(sql, nargs, types, values, nulls, &value) ? TextDatumGetCString(value) : NULL;
}

RecMonitor *
rec_monitor_lock(const char *name)
{
	Oid			types[1] = {TEXTOID};
	Datum		values[1] = {CStringGetTextDatum(name)};
	RecMonitor *m;
	char	   *model;
	Datum		owner;

	/* two checks at a time write the same rows: the second waits, and finds nothing to do */
	if (rec_catalog_execute("SELECT FROM rec.monitor WHERE monitor = $1 FOR UPDATE", 1, types, values, NULL) == 0)
		return NULL;
	m = palloc0(sizeof(RecMonitor));
	m->name = pstrdup(name);
	model = catalog_text("SELECT model FROM rec.monitor WHERE monitor = $1", 1, types, values, NULL);
	m->of_training = strcmp(catalog_text("SELECT reference FROM rec.monitor WHERE monitor = $1", 1, types, values, NULL), "training") == 0;
	if (model)
	{
		m->model = rec_model_by_schema(rec_model_schema(model), false);
		m->owner = m->model->owner;
	}
	else if (rec_catalog_value("SELECT r.oid FROM rec.monitor m JOIN pg_roles r ON r.oid = m.owner_id WHERE m.monitor = $1", 1, types,
							   values, NULL, &owner))
		m->owner = DatumGetObjectId(owner);
	else
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("the owner \"%s\" of monitor \"%s\" does not exist any more",
						catalog_text("SELECT owner FROM rec.monitor WHERE monitor = $1", 1, types, values, NULL), name),
				 errhint("A superuser can drop the monitor with rec.drop_monitor.")));
	return m;
}

void
rec_monitor_require_owner(const RecMonitor *monitor, const char *action)
{
	if (monitor->model)
		rec_model_require_owner(monitor->model, action);
	else if (!has_privs_of_role(GetUserId(), monitor->owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of monitor \"%s\" to %s it", monitor->name, action)));
}

List *
rec_monitors_of(const RecModel *model)
{
	Oid			types[2] = {TEXTOID, TEXTOID};
	Datum		values[2] = {CStringGetTextDatum(model->name), CStringGetTextDatum(GetUserNameFromId(model->owner, false))};
	MemoryContext caller = CurrentMemoryContext;
	RecRole		saved;
	List	   *names = NIL;

	rec_catalog_execute("INSERT INTO rec.monitor (monitor, model, segments, reference, current, thresholds, owner, automatic) "
						"SELECT CASE WHEN EXISTS (SELECT FROM rec.monitor WHERE monitor = $1) THEN 'model ' || $1 ELSE $1 END, "
						"$1, '{}', 'training', '1 day', '{}', $2, true "
						"WHERE NOT EXISTS (SELECT FROM rec.monitor WHERE model = $1) ON CONFLICT DO NOTHING", 2, types, values, NULL);
	saved = rec_role_enter(rec_catalog_owner());
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args("SELECT monitor FROM rec.monitor WHERE model = $1 ORDER BY created_at, monitor", 1, types, values, NULL, false, 0) < 0)
		elog(ERROR, "listing monitors failed");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(caller);

		names = lappend(names, SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1));
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	rec_role_leave(&saved);
	return names;
}

/* Stores the row of a profile query: column_name, segment, period_start, profile, taken_from. */
static void
store_profile(const RecMonitor *m, int version, double share, HeapTuple row, TupleDesc desc)
{
	Oid			types[7] = {TEXTOID, INT4OID, TEXTOID, TEXTOID, SPI_gettypeid(desc, 4), TEXTOID, FLOAT8OID};
	Datum		values[7] = {CStringGetTextDatum(m->name), Int32GetDatum(version)};
	bool		isnull[7] = {false};

	values[2] = SPI_getbinval(row, desc, 1, &isnull[2]);
	values[3] = SPI_getbinval(row, desc, 2, &isnull[3]);
	values[4] = SPI_getbinval(row, desc, 4, &isnull[4]);
	values[5] = SPI_getbinval(row, desc, 5, &isnull[5]);
	values[6] = Float8GetDatum(share);
	/* of no rows there is no profile */
	if (isnull[2] || isnull[3] || isnull[4] || isnull[5])
		return;
	if (version > 0)
		rec_catalog_execute("INSERT INTO rec.drift_baseline (monitor, version, column_name, segment, profile, taken_from, user_share) "
							"VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING", 7, types, values, NULL);
	else
	{
		types[1] = TIMESTAMPTZOID;
		values[1] = SPI_getbinval(row, desc, 3, &isnull[1]);
		if (isnull[1])
			return;
		rec_catalog_execute("INSERT INTO rec.drift_period (monitor, period_start, column_name, segment, profile, taken_from) "
							"VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (monitor, period_start, column_name, segment) "
							"DO UPDATE SET profile = EXCLUDED.profile, taken_from = EXCLUDED.taken_from", 6, types, values, NULL);
	}
}

/* Until the role is left. */
static void
set_locally(const char *setting, const char *value)
{
	(void) set_config_option(setting, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

/* Reads events from .. to as the owner, and stores their profiles: of a baseline when a version is given. */
static void
profile_events(const RecMonitor *m, int version, bool whole, TimestampTz from, TimestampTz to, double share)
{
	Oid			types[6] = {TEXTOID, INT4OID, TIMESTAMPTZOID, TIMESTAMPTZOID, BOOLOID, FLOAT8OID};
	Datum		values[6] = {CStringGetTextDatum(m->name), Int32GetDatum(version), TimestampTzGetDatum(from),
	TimestampTzGetDatum(to), BoolGetDatum(whole), Float8GetDatum(share)};
	char	   *query = catalog_text("SELECT rec._profile_query($1, $2, $3, $4, $5, $6)", 6, types, values, NULL);
	RecRole		saved = rec_role_enter(m->owner);

	/*
	 * A version that was just written has no statistics, so the planner expects a row of it and would read the whole
	 * version again for each event. (Where there is no other join, as with recommend(), these do not forbid it, but its cost is
	 * such that everything would be compiled.)
	 */
	set_locally("enable_nestloop", "off");
	set_locally("enable_mergejoin", "off");
	set_locally("jit", "off");
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute(query, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "profiling events failed");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		uint64		processed = SPI_processed;
		SPITupleTable *table = SPI_tuptable;

		CHECK_FOR_INTERRUPTS();
		store_profile(m, whole ? version : 0, share, table->vals[i], table->tupdesc);
		/* the statement that stored it left its own result in these */
		SPI_processed = processed;
		SPI_tuptable = table;
	}
	SPI_finish();
	rec_role_leave(&saved);
}

/* The time of the newest event of the relation from .. until; false: there is none. */
static bool
newest_event(const RecMonitor *m, const TimestampTz *since, TimestampTz until, TimestampTz *newest)
{
	Oid			types[3] = {TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID};
	Datum		values[3] = {CStringGetTextDatum(m->name), since ? TimestampTzGetDatum(*since) : (Datum) 0, TimestampTzGetDatum(until)};
	char	   *query = catalog_text("SELECT rec._newest_query($1, $2, $3)", 3, types, values, since ? "   " : " n ");
	RecRole		saved = rec_role_enter(m->owner);
	bool		isnull;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute(query, false, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "reading the newest event failed");
	*newest = DatumGetTimestampTz(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_finish();
	rec_role_leave(&saved);
	return !isnull;
}

/* Rows of the relation since .. to. */
static double
count_events(const RecMonitor *m, TimestampTz since, TimestampTz to)
{
	Oid			types[3] = {TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID};
	Datum		values[3] = {CStringGetTextDatum(m->name), TimestampTzGetDatum(since), TimestampTzGetDatum(to)};
	char	   *query = catalog_text("SELECT rec._count_query($1, $2, $3)", 3, types, values, NULL);
	RecRole		saved = rec_role_enter(m->owner);
	double		n;
	bool		isnull;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute(query, false, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "counting events failed");
	n = (double) DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_finish();
	rec_role_leave(&saved);
	return n;
}

/* Where the events of a version end. */
static bool
trained_to(const RecModel *model, int version, TimestampTz *to)
{
	Oid			types[1] = {INT4OID};
	Datum		values[1] = {Int32GetDatum(version)};
	Datum		value;
	RecRole		saved = rec_role_enter(model->owner);
	bool		isnull = true;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args(psprintf("SELECT newest_event FROM %s.model_version WHERE version = $1", quote_identifier(model->name)),
							  1, types, values, NULL, false, 1) < 0)
		elog(ERROR, "reading the version failed");
	if (SPI_processed > 0)
	{
		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
		if (!isnull)
			*to = (TimestampTz) DatumGetInt64(value);
	}
	SPI_finish();
	rec_role_leave(&saved);
	return !isnull;
}

static bool
has_baseline(const RecMonitor *m, int version)
{
	Oid			types[2] = {TEXTOID, INT4OID};
	Datum		values[2] = {CStringGetTextDatum(m->name), Int32GetDatum(version)};

	return rec_catalog_execute("SELECT FROM rec.drift_baseline WHERE monitor = $1 AND version = $2 LIMIT 1", 2, types, values, NULL) > 0;
}

/* So many periods before a time. */
static TimestampTz
periods_before(const RecMonitor *m, TimestampTz to, int periods)
{
	Oid			types[3] = {TEXTOID, INT4OID, TIMESTAMPTZOID};
	Datum		values[3] = {CStringGetTextDatum(m->name), Int32GetDatum(periods), TimestampTzGetDatum(to)};
	Datum		value;

	if (!rec_catalog_value("SELECT $3 - $2 * current FROM rec.monitor WHERE monitor = $1", 3, types, values, NULL, &value))
		elog(ERROR, "monitor \"%s\" vanished", m->name);
	return DatumGetTimestampTz(value);
}

/*
 * Events since a time: of a training in progress by what it has in memory, where of a pair the newest event's time is known;
 * else counted.
 */
static double
events_since(const RecMonitor *m, const RecPairs *pairs, double events, TimestampTz since, TimestampTz to)
{
	int64		n = 0;

	if (pairs == NULL || pairs->time == NULL || pairs->n == 0)
		return count_events(m, since, to);
	for (int64 k = 0; k < pairs->n; k++)
		n += pairs->time[k] >= since;
	return events * n / pairs->n;
}

/* Profiles what a version was trained on; nothing when the events have no time. pairs: of the training in progress, or NULL. */
static void
take_baseline(const RecMonitor *m, int version, const RecPairs *pairs)
{
	Oid			types[2] = {TEXTOID, INT4OID};
	Datum		values[2] = {CStringGetTextDatum(m->model->name), Int32GetDatum(version)};
	Datum		value;
	double		events = 0,
				budget,
				found;
	TimestampTz from,
				to;

	if (!trained_to(m->model, version, &to))
		return;
	if (rec_catalog_value("SELECT events::float8 FROM rec.training_run WHERE model = $1 AND version = $2", 2, types, values, NULL, &value))
		events = DatumGetFloat8(value);
	budget = Min(Max(BASELINE_SHARE * events, BASELINE_LEAST_EVENTS), BASELINE_MOST_EVENTS);
	from = periods_before(m, to, BASELINE_PERIODS);
	found = events_since(m, pairs, events, from, to);
	if (found > budget)
	{
		from = periods_before(m, to, BASELINE_FEW_PERIODS);
		found = events_since(m, pairs, events, from, to);
	}
	profile_events(m, version, true, from, to + 1, found > budget ? budget / found : 1);
}

static void
require_version(const RecMonitor *m)
{
	if (m->model && m->model->active_version == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("model \"%s\" has no trained version to compare with", m->model->name),
				 errhint("Train it with rec.train(%s).", quote_literal_cstr(m->model->name))));
}

/* The range of new periods; false when the first one is not over yet. */
static bool
new_periods(const RecMonitor *m, const TimestampTz *trained, const TimestampTz *since, TimestampTz until, TimestampTz newest,
			TimestampTz *read_from, TimestampTz *from, TimestampTz *to)
{
	static const char *const sql[3] = {
		"SELECT read_from FROM rec._periods($1, $2, $3, $4, $5)",
		"SELECT first_period FROM rec._periods($1, $2, $3, $4, $5)",
		"SELECT end_of_periods FROM rec._periods($1, $2, $3, $4, $5)"
	};
	TimestampTz *result[3] = {read_from, from, to};
	Oid			types[5] = {TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID};
	Datum		values[5] = {CStringGetTextDatum(m->name), trained ? TimestampTzGetDatum(*trained) : (Datum) 0,
	since ? TimestampTzGetDatum(*since) : (Datum) 0, TimestampTzGetDatum(until), TimestampTzGetDatum(newest)};
	char		nulls[5] = {' ', trained ? ' ' : 'n', since ? ' ' : 'n', ' ', ' '};

	for (int i = 0; i < 3; i++)
	{
		Datum		value;

		if (!rec_catalog_value(sql[i], 5, types, values, nulls, &value))
			return false;
		*result[i] = DatumGetTimestampTz(value);
	}
	return *from < *to;
}

static void
judge(const RecMonitor *m, int version, TimestampTz from, TimestampTz to)
{
	Oid			types[4] = {TEXTOID, INT4OID, TIMESTAMPTZOID, TIMESTAMPTZOID};
	Datum		values[4] = {CStringGetTextDatum(m->name), Int32GetDatum(version), TimestampTzGetDatum(from), TimestampTzGetDatum(to)};

	rec_catalog_execute("SELECT rec._judge($1, $2, p) FROM rec.monitor m, LATERAL generate_series($3, $4 - interval '1 microsecond', m.current) p "
						"WHERE m.monitor = $1 ORDER BY p", 4, types, values, NULL);
	rec_catalog_execute("UPDATE rec.monitor SET checked_to = greatest(checked_to, $3) WHERE monitor = $1 AND $2 IS NOT NULL", 3, types,
						(Datum[]) {values[0], values[1], values[3]}, NULL);
	rec_catalog_execute("SELECT rec._prune_periods($1)", 1, types, values, NULL);
}

/* Where the last check ended, if there was one; it may be later than now when the clock was set back. */
static bool
checked_to(const RecMonitor *m, TimestampTz *to)
{
	Oid			types[1] = {TEXTOID};
	Datum		values[1] = {CStringGetTextDatum(m->name)};
	Datum		value;

	if (!rec_catalog_value("SELECT checked_to FROM rec.monitor WHERE monitor = $1", 1, types, values, NULL, &value))
		return false;
	*to = DatumGetTimestampTz(value);
	return true;
}

bool
rec_monitor_check(RecMonitor *m, const TimestampTz *since, TimestampTz until, TimestampTz *from, TimestampTz *to)
{
	int			version = m->model ? m->model->active_version : 0;
	TimestampTz newest,
				trained,
				checked,
				read_from;
	bool		has_trained,
				has_checked = checked_to(m, &checked);

	require_version(m);
	if (has_checked && checked > until)
	{
		ereport(NOTICE,
				(errmsg("monitor \"%s\" has nothing to check", m->name),
				 errdetail("It has been checked to %s, which is later than %s: was a clock set back?",
						   pstrdup(timestamptz_to_str(checked)), pstrdup(timestamptz_to_str(until)))));
		return false;
	}
	has_trained = m->model && trained_to(m->model, version, &trained);
	/* also the error when there is no time column or no relation */
	if (!newest_event(m, has_checked ? &checked : since, until, &newest))
	{
		ereport(NOTICE, (errmsg("monitor \"%s\" has nothing to check: there are no new rows", m->name)));
		return false;
	}
	if (m->of_training && !has_baseline(m, version))
		take_baseline(m, version, NULL);
	if (!new_periods(m, has_trained ? &trained : NULL, since, until, newest, &read_from, from, to))
	{
		ereport(NOTICE, (errmsg("monitor \"%s\" has nothing to check: no new period is over", m->name)));
		return false;
	}
	profile_events(m, version, false, read_from, *to, 1);
	judge(m, version, *from, *to);
	return true;
}

typedef struct Version
{
	const RecModel *model;
	int			version;
	const RecPairs *pairs;
} Version;

static void
take_baselines(void *argument)
{
	Version    *v = argument;
	ListCell   *lc;

	foreach(lc, rec_monitors_of(v->model))
	{
		RecMonitor *m = rec_monitor_lock(lfirst(lc));

		if (m && m->of_training)
			take_baseline(m, v->version, v->pairs);
	}
}

void
rec_monitor_baselines(const RecModel *model, int version, const RecPairs *pairs)
{
	Version		v = {model, version, pairs};
	ErrorData  *error;

	if (model->time_column == NULL)
		return;
	error = rec_attempt(take_baselines, &v);
	if (error)
		ereport(WARNING,
				(errmsg("drift of version %d cannot be judged: no baseline of its events", version),
				 errdetail("%s.", error->message)));
}
