/*
 * experiment_live.c
 *		The part of an experiment's results that is not kept: computed from exposures and metric relations; keeping it.
 *
 * The query is made by rec._experiment_sql() (sql/87_states.sql) and run as the experiment's owner under restricted
 * rights: what the relations show, and the expressions and views in it, are that role's own matter. So only the owner, its
 * members and superusers start it; for other roles there is just what is kept.
 */
#include "compat.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "core/dist.h"
#include "miscadmin.h"
#include "model/experiment.h"
#include "utils/builtins.h"
#include "utils/guc.h"

/*
 * SPI is connected, the role is the owner. Exposures of today are not in the planner's statistics: a nested loop that it
 * takes for a few rows would run over all of them. Settings go back with the role's.
 */
static void
run(int id, const char *maker, ReturnSetInfo *result)
{
	char	   *query;
	HeapTuple	tuple;

	if (SPI_execute_with_args(psprintf("SELECT rec.%s($1)", maker), 1, (Oid[]) {INT4OID}, (Datum[]) {Int32GetDatum(id)}, NULL,
							  true, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "no query for experiment %d", id);
	query = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	if (query == NULL)			/* dropped meanwhile */
		return;
	set_config_option("enable_nestloop", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	set_config_option("jit", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	if (SPI_execute(query, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "statement failed: %s", query);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		tuple = SPI_tuptable->vals[i];
		tuplestore_puttuple(result->setResult, tuple);
	}
}

/* Rows of the query that an SQL function makes, run as the experiment's owner. */
static Datum
run_as_owner(FunctionCallInfo fcinfo, const char *maker)
{
	int			id = PG_GETARG_INT32(0);
	Oid			owner = rec_experiment_owner(id);
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	RecRole		saved;

	InitMaterializedSRF(fcinfo, 0);
	if (!OidIsValid(owner) || !has_privs_of_role(GetUserId(), owner))
		return (Datum) 0;
	saved = rec_role_enter(owner);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	run(id, maker, result);
	SPI_finish();
	rec_role_leave(&saved);
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(rec_experiment_live);
Datum
rec_experiment_live(PG_FUNCTION_ARGS)
{
	return run_as_owner(fcinfo, "_experiment_sql");
}

PG_FUNCTION_INFO_V1(rec_experiment_units);
Datum
rec_experiment_units(PG_FUNCTION_ARGS)
{
	return run_as_owner(fcinfo, "_experiment_units_sql");
}

PG_FUNCTION_INFO_V1(rec_experiment_values);
Datum
rec_experiment_values(PG_FUNCTION_ARGS)
{
	return run_as_owner(fcinfo, "_experiment_values_sql");
}

/* Whether the policy of rec.experiment shows it to the current role. */
static bool
may_use(int id)
{
	bool		shown;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args("SELECT FROM rec.experiment WHERE id OPERATOR(pg_catalog.=) $1", 1, (Oid[]) {INT4OID},
							  (Datum[]) {Int32GetDatum(id)}, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "reading rec.experiment failed");
	shown = SPI_processed > 0;
	SPI_finish();
	return shown;
}

/*
 * Kept states of quantiles are samples of the units' values, which only the owner may see; effects are computed of them as
 * the catalog's owner, which runs nobody's code.
 */
PG_FUNCTION_INFO_V1(rec_kept_effects);
Datum
rec_kept_effects(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	RecRole		saved;

	InitMaterializedSRF(fcinfo, 0);
	if (!may_use(PG_GETARG_INT32(0)))
		return (Datum) 0;
	saved = rec_role_enter(rec_catalog_owner());
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args("SELECT f.* FROM rec._experiment_effects($1, (SELECT array_agg(ROW(d.metric, d.day, d.variant, d.units, "
							  "d.state, d.sample, d.bad_values, d.negative, NULL)::rec._experiment_state) FROM rec.experiment_day d "
							  "WHERE d.experiment_id = $1), $2) f", 2, (Oid[]) {INT4OID, BOOLOID},
							  (Datum[]) {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)}, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "reading the effects of an experiment failed");
	for (uint64 i = 0; i < SPI_processed; i++)
		tuplestore_puttuple(result->setResult, SPI_tuptable->vals[i]);
	SPI_finish();
	rec_role_leave(&saved);
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(rec_experiment_id);
Datum
rec_experiment_id(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(rec_experiment_get(text_to_cstring(PG_GETARG_TEXT_PP(0)))->id);
}

/*
 * Statements as the catalog's owner, $1 is the experiment; the functions that read its relations work as its owner. States
 * come first, while the mark is where they begin. Of a day that was opened again, states of which nothing is left become
 * empty, and those of a metric that was not computed go with all later ones: it begins there again.
 */
static const char *const keep_states =
"WITH live AS MATERIALIZED (SELECT l.* FROM rec._experiment_live($1) l), "
"reopened AS (SELECT l.day FROM live l WHERE l.reopened AND l.metric IS NULL), "
"computed AS (SELECT NULL AS metric UNION ALL SELECT l.metric FROM live l WHERE l.day IS NULL AND l.problem IS NULL), "
"stale AS (DELETE FROM rec.experiment_day d WHERE d.experiment_id = $1 AND d.day >= (SELECT min(r.day) FROM reopened r) "
"AND NOT EXISTS (SELECT FROM computed c WHERE c.metric IS NOT DISTINCT FROM d.metric)) "
"INSERT INTO rec.experiment_day (experiment_id, metric, day, variant, units, state, sample, bad_values, negative) "
"SELECT $1, l.metric, l.day, l.variant, l.units, l.state, l.sample, l.bad_values, l.negative "
"FROM live l LEFT JOIN rec.metric m ON m.metric = l.metric WHERE l.day IS NOT NULL AND rec._metric_closed(m, l.day) "
"UNION ALL SELECT d.experiment_id, d.metric, d.day, d.variant, 0, NULL, NULL, NULL, NULL FROM rec.experiment_day d "
"WHERE d.experiment_id = $1 AND d.day IN (SELECT r.day FROM reopened r) "
"AND EXISTS (SELECT FROM computed c WHERE c.metric IS NOT DISTINCT FROM d.metric) AND NOT EXISTS (SELECT FROM live l "
"WHERE l.day = d.day AND l.metric IS NOT DISTINCT FROM d.metric AND l.variant IS NOT DISTINCT FROM d.variant) "
"ON CONFLICT (experiment_id, metric, day, variant) DO UPDATE SET units = excluded.units, state = excluded.state, "
"sample = excluded.sample, bad_values = excluded.bad_values, negative = excluded.negative";

static const char *const keep_units_and_sums[] = {
	"INSERT INTO rec.experiment_unit AS u (experiment_id, unit_id, variant, exposed_at, mixed) "
	"SELECT $1, x.unit_id, x.variant, x.exposed_at, x.mixed FROM rec._experiment_units($1) x "
	"ON CONFLICT (experiment_id, unit_id) DO UPDATE SET mixed = u.mixed OR excluded.mixed OR u.variant <> excluded.variant",

	/* sums that end elsewhere are of a metric that could not be read for a while */
	"DELETE FROM rec.experiment_kept k WHERE k.experiment_id = $1 AND k.until <> rec._kept_until($1, NULL)",
	"DELETE FROM rec.experiment_value v WHERE v.experiment_id = $1 AND NOT EXISTS (SELECT FROM rec.experiment_kept k "
	"WHERE k.experiment_id = $1 AND k.metric = v.metric)",
	"WITH added AS MATERIALIZED (SELECT x.* FROM rec._experiment_values($1) x), "
	"sums AS (INSERT INTO rec.experiment_value AS v (experiment_id, metric, unit_id, variant, day, value, other, bad_values) "
	"SELECT $1, a.metric, a.unit_id, a.variant, a.day, a.value, a.other, a.bad_values FROM added a WHERE a.unit_id IS NOT NULL "
	"ON CONFLICT (experiment_id, metric, unit_id) DO UPDATE SET value = v.value + excluded.value, other = v.other + excluded.other, "
	"bad_values = v.bad_values + excluded.bad_values) "
	"INSERT INTO rec.experiment_kept (experiment_id, metric, until) "
	"SELECT $1, a.metric, rec._keep_until($1) FROM added a WHERE a.unit_id IS NULL UNION ALL SELECT $1, NULL, rec._keep_until($1) "
	"ON CONFLICT (experiment_id, metric) DO UPDATE SET until = excluded.until",

	/* what could not be read now is read whole the next time; units in two variants have no sums */
	"DELETE FROM rec.experiment_kept k WHERE k.experiment_id = $1 AND k.until <> rec._kept_until($1, NULL)",
	"DELETE FROM rec.experiment_value v WHERE v.experiment_id = $1 AND (NOT EXISTS (SELECT FROM rec.experiment_kept k "
	"WHERE k.experiment_id = $1 AND k.metric = v.metric) OR v.unit_id IN (SELECT u.unit_id FROM rec.experiment_unit u WHERE u.experiment_id = $1 AND u.mixed))"
};

PG_FUNCTION_INFO_V1(rec_refresh_experiment);
Datum
rec_refresh_experiment(PG_FUNCTION_ARGS)
{
	const RecExperiment *e = rec_experiment_get(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	Oid			types[1] = {INT4OID};
	Datum		values[1] = {Int32GetDatum(e->id)};
	uint64		written;

	rec_experiment_require_owner(e, "refresh");
	/* one at a time */
	rec_catalog_execute("SELECT FROM rec.experiment WHERE id = $1 FOR NO KEY UPDATE", 1, types, values, NULL);
	if (PG_GETARG_BOOL(1))
		rec_experiment_forget_results(e->id);
	written = rec_catalog_execute(keep_states, 1, types, values, NULL);
	for (int i = 0; i < lengthof(keep_units_and_sums); i++)
		rec_catalog_execute(keep_units_and_sums[i], 1, types, values, NULL);
	PG_RETURN_INT32((int32) written);
}

PG_FUNCTION_INFO_V1(rec_normal_width);
Datum
rec_normal_width(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(rec_normal_isf(PG_GETARG_FLOAT8(0) / 2));
}

/* Of a two-sided test: both tails, though the one against the effect is next to nothing. */
PG_FUNCTION_INFO_V1(rec_power_reached);
Datum
rec_power_reached(PG_FUNCTION_ARGS)
{
	double		delta = PG_GETARG_FLOAT8(0) / PG_GETARG_FLOAT8(1),
				df = PG_GETARG_FLOAT8(2),
				critical = isinf(df) ? rec_normal_isf(PG_GETARG_FLOAT8(3) / 2) : rec_t_isf(PG_GETARG_FLOAT8(3) / 2, df);
	double		power;

	if (isinf(df) || df < 1 || isnan(delta))
		power = rec_normal_sf(critical - delta) + rec_normal_sf(critical + delta);
	else
		power = rec_nct_sf(critical, df, delta) + rec_nct_sf(critical, df, -delta);
	if (isnan(power))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(Min(power, 1));
}
