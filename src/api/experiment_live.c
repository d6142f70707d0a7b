/*
 * experiment_live.c
 *		The part of an experiment's results that is not kept: computed from exposures and metric relations; keeping it.
 *
 * The query is made by rec._experiment_sql() (sql/88_results.sql) and run as the experiment's owner under restricted
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

/* Owner of an experiment; InvalidOid: there is no such experiment or role. */
static Oid
owner_of(int id)
{
	Oid			owner = InvalidOid;
	RecRole		saved = rec_role_enter(rec_catalog_owner());

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args("SELECT owner FROM rec.experiment WHERE id = $1", 1, (Oid[]) {INT4OID},
							  (Datum[]) {Int32GetDatum(id)}, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "reading rec.experiment failed");
	if (SPI_processed > 0)
		owner = get_role_oid(SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1), true);
	SPI_finish();
	rec_role_leave(&saved);
	return owner;
}

/*
 * SPI is connected, the role is the owner. Exposures of today are not in the planner's statistics: a nested loop that it
 * takes for a few rows would run over all of them. Settings go back with the role's.
 */
static void
run(int id, ReturnSetInfo *result)
{
	char	   *query;
	HeapTuple	tuple;

	if (SPI_execute_with_args("SELECT rec._experiment_sql($1)", 1, (Oid[]) {INT4OID}, (Datum[]) {Int32GetDatum(id)}, NULL,
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

PG_FUNCTION_INFO_V1(rec_experiment_live);
Datum
rec_experiment_live(PG_FUNCTION_ARGS)
{
	int			id = PG_GETARG_INT32(0);
	Oid			owner = owner_of(id);
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	RecRole		saved;

	InitMaterializedSRF(fcinfo, 0);
	if (!OidIsValid(owner) || !has_privs_of_role(GetUserId(), owner))
		return (Datum) 0;
	saved = rec_role_enter(owner);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	run(id, result);
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
 * One statement as the catalog's owner; rec._experiment_live() in it works as the experiment's. Of a day that was opened
 * again, states of which nothing is left become empty.
 */
PG_FUNCTION_INFO_V1(rec_refresh_experiment);
Datum
rec_refresh_experiment(PG_FUNCTION_ARGS)
{
	const RecExperiment *e = rec_experiment_get(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	Oid			types[1] = {INT4OID};
	Datum		values[1] = {Int32GetDatum(e->id)};

	rec_experiment_require_owner(e, "refresh");
	if (PG_GETARG_BOOL(1))
		rec_catalog_execute("DELETE FROM rec.experiment_day WHERE experiment_id = $1", 1, types, values, NULL);
	PG_RETURN_INT32((int32) rec_catalog_execute(
		"WITH live AS MATERIALIZED (SELECT l.* FROM rec._experiment_live($1) l WHERE l.day IS NOT NULL) "
		"INSERT INTO rec.experiment_day (experiment_id, metric, day, variant, units, state, bad_values, negative) "
		"SELECT $1, l.metric, l.day, l.variant, l.units, l.state, l.bad_values, l.negative "
		"FROM live l JOIN rec.experiment e ON e.id = $1 LEFT JOIN rec.metric m ON m.metric = l.metric "
		"WHERE rec._metric_closed(m, l.day, e.stop_at) "
		"UNION ALL SELECT d.experiment_id, d.metric, d.day, d.variant, 0, NULL, NULL, NULL FROM rec.experiment_day d "
		"WHERE d.experiment_id = $1 AND d.day IN (SELECT l.day FROM live l WHERE l.reopened) AND NOT EXISTS (SELECT FROM live l "
		"WHERE l.day = d.day AND l.metric IS NOT DISTINCT FROM d.metric AND l.variant IS NOT DISTINCT FROM d.variant) "
		"ON CONFLICT (experiment_id, metric, day, variant) DO UPDATE SET units = excluded.units, state = excluded.state, "
		"bad_values = excluded.bad_values, negative = excluded.negative", 1, types, values, NULL));
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
