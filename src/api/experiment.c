/*
 * experiment.c
 *		create_experiment, alter_experiment and the others that change experiments.
 *
 * A row of rec.experiment is written after the checks, as the catalog's owner. What moves units between variants (seed,
 * version of the hash, variants) is fixed for ever, weights and namespace from the start on.
 */
#include "api/arguments.h"
#include "api/experiment_options.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "model/catalog.h"
#include "model/experiment.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* Columns that create_experiment and alter_experiment write, in the order of their parameters $1, ... */
enum
{
	P_NAME, P_OWNER, P_UNIT_TYPE, P_VARIANTS, P_WEIGHTS, P_COVERAGE, P_SEED, P_HASH_VERSION, P_NAMESPACE,
	P_NAMESPACE_START, P_NAMESPACE_END, P_FORCED, P_START, P_STOP, P_MODEL, P_VERSIONS, P_EXPOSURES_SCHEMA,
	P_EXPOSURES_RELATION, P_EXPOSURE_UNIT, P_EXPOSURE_VARIANT, P_EXPOSURE_TIME, P_METRICS, P_ALPHA, P_COUNT
};

static const Oid parameter_type[P_COUNT] = {
	TEXTOID, TEXTOID, TEXTOID, TEXTARRAYOID, FLOAT8ARRAYOID, FLOAT8OID, TEXTOID, INT4OID, TEXTOID,
	FLOAT8OID, FLOAT8OID, JSONBOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TEXTOID, INT4ARRAYOID, TEXTOID,
	TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTARRAYOID, FLOAT8OID
};

/* Values of the columns; nulls are "not given". */
typedef struct Row
{
	Datum		value[P_COUNT];
	char		null[P_COUNT];
} Row;

static void
put(Row *row, int parameter, Datum value)
{
	row->value[parameter] = value;
	row->null[parameter] = ' ';
}

static void
put_text(Row *row, int parameter, const char *value)
{
	put(row, parameter, CStringGetTextDatum(value));
}

/* Takes argument i over as it is, when it is given. */
static void
take(Row *row, int parameter, FunctionCallInfo fcinfo, int i)
{
	if (!PG_ARGISNULL(i))
		put(row, parameter, PG_GETARG_DATUM(i));
}

static void
check_name(const char *name)
{
	if (name[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME), errmsg("the name of an experiment must not be empty")));
}

static void
check_times(bool has_start, TimestampTz start, TimestampTz stop)
{
	if (has_start && start >= stop)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an experiment must start before it stops")));
}

/* The experiment that the first argument names, for its owner. */
static const RecExperiment *
owned_experiment(FunctionCallInfo fcinfo, const char *action)
{
	const RecExperiment *e = rec_experiment_get(rec_required_text(fcinfo, 0, "experiment"));

	rec_experiment_require_owner(e, action);
	return e;
}

static bool
has_started(const RecExperiment *e)
{
	return e->has_start && e->start <= GetCurrentTransactionStartTimestamp();
}

static bool
is_running(const RecExperiment *e)
{
	return has_started(e) && e->stop > GetCurrentTransactionStartTimestamp();
}

/* One statement on the experiment's row: $1 is its id, $2 a value. */
static void
update_row(const RecExperiment *e, const char *sql, Oid type, Datum value, bool isnull)
{
	Oid			types[2] = {INT4OID, type};
	Datum		values[2] = {Int32GetDatum(e->id), value};
	char		nulls[2] = {' ', isnull ? 'n' : ' '};

	if (rec_catalog_execute(sql, 2, types, values, nulls) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("experiment \"%s\" was changed by another session just now", e->name),
				 errhint("Try again.")));
}

static Datum
equal_weights(int n)
{
	Datum	   *weight = palloc(n * sizeof(Datum));

	for (int i = 0; i < n; i++)
		weight[i] = Float8GetDatum(1.0 / n);
	return PointerGetDatum(construct_array(weight, n, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

static void
put_namespace(Row *row, const char *text, int id, TimestampTz stop)
{
	RecNamespace space;

	rec_namespace_read(text, &space);
	rec_namespace_check_free(&space, id, stop);
	put_text(row, P_NAMESPACE, space.name);
	put(row, P_NAMESPACE_START, Float8GetDatum(space.start));
	put(row, P_NAMESPACE_END, Float8GetDatum(space.end));
}

/* The relation of exposures; its columns are argument i and the two after it. */
static void
put_exposures(Row *row, const char *relation, FunctionCallInfo fcinfo, int i)
{
	Oid			relid = rec_exposures_find(relation);
	char	   *unit = PG_ARGISNULL(i) ? "unit_id" : rec_text_argument(fcinfo, i);
	char	   *variant = PG_ARGISNULL(i + 1) ? "variant" : rec_text_argument(fcinfo, i + 1);
	char	   *time = PG_ARGISNULL(i + 2) ? "exposed_at" : rec_text_argument(fcinfo, i + 2);

	rec_exposures_check(relid, unit, variant, time);
	put_text(row, P_EXPOSURES_SCHEMA, get_namespace_name(get_rel_namespace(relid)));
	put_text(row, P_EXPOSURES_RELATION, get_rel_name(relid));
	put_text(row, P_EXPOSURE_UNIT, unit);
	put_text(row, P_EXPOSURE_VARIANT, variant);
	put_text(row, P_EXPOSURE_TIME, time);
}

/* An experiment that comes back may find its part of the namespace taken. */
static void
check_namespace(const RecExperiment *e, TimestampTz stop)
{
	RecNamespace space = {e->namespace_name, e->namespace_start, e->namespace_end};

	if (e->namespace_name)
		rec_namespace_check_free(&space, e->id, stop);
}

static void
need_exposures(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("columns of exposures are given without their relation"),
			 errhint("Name it with exposures => 'schema.relation'.")));
}

PG_FUNCTION_INFO_V1(rec_create_experiment);
Datum
rec_create_experiment(PG_FUNCTION_ARGS)
{
	Row			row;
	char	   *name = rec_required_text(fcinfo, 0, "name");
	char	  **variant;
	int			n;
	TimestampTz stop = PG_ARGISNULL(8) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(8);

	memset(row.null, 'n', sizeof(row.null));
	check_name(name);
	if (PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("variants must not be null")));
	variant = rec_variants_read(PG_GETARG_ARRAYTYPE_P(1), &n);
	if (!PG_ARGISNULL(2))
		rec_weights_check(PG_GETARG_ARRAYTYPE_P(2), n);
	if (PG_ARGISNULL(4) || (PG_GETARG_INT32(4) != 1 && PG_GETARG_INT32(4) != 2))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("hash_version must be 1 or 2"),
				 errdetail("2 is free of bias; 1 is for experiments that GrowthBook began with it.")));
	rec_coverage_check(PG_ARGISNULL(6) ? 1 : PG_GETARG_FLOAT8(6));
	check_times(!PG_ARGISNULL(7), PG_ARGISNULL(7) ? 0 : PG_GETARG_TIMESTAMPTZ(7), stop);
	if (!PG_ARGISNULL(10) || !PG_ARGISNULL(11))
		rec_experiment_versions_check(rec_text_argument(fcinfo, 10), PG_ARGISNULL(11) ? NULL : PG_GETARG_ARRAYTYPE_P(11), n);
	if (!PG_ARGISNULL(12))
		rec_forced_check(PG_GETARG_JSONB_P(12), variant, n);
	if (!PG_ARGISNULL(17))
		rec_metrics_check(PG_GETARG_ARRAYTYPE_P(17), 0);
	rec_alpha_check(PG_ARGISNULL(18) ? 0.05 : PG_GETARG_FLOAT8(18));

	put_text(&row, P_NAME, name);
	put_text(&row, P_OWNER, GetUserNameFromId(GetUserId(), false));
	put_text(&row, P_UNIT_TYPE, rec_required_text(fcinfo, 9, "unit_type"));
	put(&row, P_VARIANTS, PG_GETARG_DATUM(1));
	put(&row, P_WEIGHTS, PG_ARGISNULL(2) ? equal_weights(n) : PG_GETARG_DATUM(2));
	put(&row, P_COVERAGE, Float8GetDatum(PG_ARGISNULL(6) ? 1 : PG_GETARG_FLOAT8(6)));
	put_text(&row, P_SEED, PG_ARGISNULL(3) ? name : rec_text_argument(fcinfo, 3));
	take(&row, P_HASH_VERSION, fcinfo, 4);
	put(&row, P_NAMESPACE_START, Float8GetDatum(0));
	put(&row, P_NAMESPACE_END, Float8GetDatum(1));
	if (!PG_ARGISNULL(5))
		put_namespace(&row, rec_text_argument(fcinfo, 5), 0, stop);
	put(&row, P_FORCED, PG_ARGISNULL(12) ? DirectFunctionCall1(jsonb_in, CStringGetDatum("{}")) : PG_GETARG_DATUM(12));
	take(&row, P_START, fcinfo, 7);
	take(&row, P_STOP, fcinfo, 8);
	take(&row, P_MODEL, fcinfo, 10);
	take(&row, P_VERSIONS, fcinfo, 11);
	if (!PG_ARGISNULL(13))
		put_exposures(&row, rec_text_argument(fcinfo, 13), fcinfo, 14);
	else if (!PG_ARGISNULL(14) || !PG_ARGISNULL(15) || !PG_ARGISNULL(16))
		need_exposures();
	take(&row, P_METRICS, fcinfo, 17);
	put(&row, P_ALPHA, Float8GetDatum(PG_ARGISNULL(18) ? 0.05 : PG_GETARG_FLOAT8(18)));
	if (rec_catalog_execute("INSERT INTO rec.experiment (experiment, owner, unit_type, variants, weights, coverage, seed, "
							"hash_version, namespace, namespace_start, namespace_end, forced, start_at, stop_at, model, versions, "
							"exposures_schema, exposures_relation, exposure_unit, exposure_variant, exposure_time, metrics, alpha) "
							"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, "
							"$22, $23) ON CONFLICT (experiment) DO NOTHING", P_COUNT, parameter_type, row.value, row.null) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT), errmsg("experiment \"%s\" already exists", name),
				 errhint("Change it with rec.alter_experiment, or drop it with rec.drop_experiment.")));
	PG_RETURN_TEXT_P(cstring_to_text(name));
}

static void
refuse_when_started(const RecExperiment *e, bool given, const char *option)
{
	if (given && has_started(e))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s of experiment \"%s\" cannot change any more", option, e->name),
				 errdetail("The experiment has started, and units would move to other variants."),
				 errhint("Take more units in with coverage, or create a new experiment.")));
}

PG_FUNCTION_INFO_V1(rec_alter_experiment);
Datum
rec_alter_experiment(PG_FUNCTION_ARGS)
{
	const RecExperiment *e = owned_experiment(fcinfo, "alter");
	TimestampTz stop = PG_ARGISNULL(5) ? e->stop : PG_GETARG_TIMESTAMPTZ(5);
	const char *model = PG_ARGISNULL(7) ? e->model : rec_text_argument(fcinfo, 7);
	Row			row;

	memset(row.null, 'n', sizeof(row.null));
	refuse_when_started(e, !PG_ARGISNULL(1), "the weights");
	refuse_when_started(e, !PG_ARGISNULL(3), "the namespace");
	if (!PG_ARGISNULL(1))
		rec_weights_check(PG_GETARG_ARRAYTYPE_P(1), e->n);
	if (!PG_ARGISNULL(2))
		rec_coverage_check(PG_GETARG_FLOAT8(2));
	check_times(!PG_ARGISNULL(4) || e->has_start, PG_ARGISNULL(4) ? e->start : PG_GETARG_TIMESTAMPTZ(4), stop);
	if (!PG_ARGISNULL(7) || !PG_ARGISNULL(8))
		rec_experiment_versions_check(model, PG_ARGISNULL(8) ? NULL : PG_GETARG_ARRAYTYPE_P(8), e->n);
	if (!PG_ARGISNULL(9))
		rec_forced_check(PG_GETARG_JSONB_P(9), e->variant, e->n);
	if (!PG_ARGISNULL(14))
		rec_metrics_check(PG_GETARG_ARRAYTYPE_P(14), e->id);
	if (!PG_ARGISNULL(15))
		rec_alpha_check(PG_GETARG_FLOAT8(15));
	if (!PG_ARGISNULL(3))
		put_namespace(&row, rec_text_argument(fcinfo, 3), e->id, stop);
	else if (!PG_ARGISNULL(5))
		check_namespace(e, stop);
	if (!PG_ARGISNULL(10))
		put_exposures(&row, rec_text_argument(fcinfo, 10), fcinfo, 11);
	else if (!PG_ARGISNULL(11) || !PG_ARGISNULL(12) || !PG_ARGISNULL(13))
		need_exposures();
	take(&row, P_WEIGHTS, fcinfo, 1);
	take(&row, P_COVERAGE, fcinfo, 2);
	take(&row, P_START, fcinfo, 4);
	take(&row, P_STOP, fcinfo, 5);
	take(&row, P_UNIT_TYPE, fcinfo, 6);
	take(&row, P_MODEL, fcinfo, 7);
	take(&row, P_VERSIONS, fcinfo, 8);
	take(&row, P_FORCED, fcinfo, 9);
	take(&row, P_METRICS, fcinfo, 14);
	take(&row, P_ALPHA, fcinfo, 15);
	put(&row, P_HASH_VERSION, Int32GetDatum(e->id));	/* in its place: which row */
	(void) rec_catalog_execute("UPDATE rec.experiment SET unit_type = coalesce($3, unit_type), weights = coalesce($5, weights), "
							   "coverage = coalesce($6, coverage), namespace = coalesce($9, namespace), "
							   "namespace_start = coalesce($10, namespace_start), namespace_end = coalesce($11, namespace_end), "
							   "forced = coalesce($12, forced), start_at = coalesce($13, start_at), stop_at = coalesce($14, stop_at), "
							   "model = coalesce($15, model), versions = coalesce($16, versions), "
							   "exposures_schema = coalesce($17, exposures_schema), "
							   "exposures_relation = coalesce($18, exposures_relation), exposure_unit = coalesce($19, exposure_unit), "
							   "exposure_variant = coalesce($20, exposure_variant), exposure_time = coalesce($21, exposure_time), "
							   "metrics = coalesce($22, metrics), alpha = coalesce($23, alpha) WHERE id = $8",
							   P_COUNT, parameter_type, row.value, row.null);
	if (!PG_ARGISNULL(4) || !PG_ARGISNULL(5) || !PG_ARGISNULL(9) || !PG_ARGISNULL(10))
		rec_experiment_forget_results(e->id);
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(rec_start_experiment);
Datum
rec_start_experiment(PG_FUNCTION_ARGS)
{
	const RecExperiment *e = owned_experiment(fcinfo, "start");

	if (is_running(e))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("experiment \"%s\" is running", e->name)));
	/* a stopped one goes on: its first exposures count */
	check_namespace(e, has_started(e) ? DT_NOEND : e->stop);
	rec_experiment_forget_results(e->id);
	if (has_started(e))
		update_row(e, "UPDATE rec.experiment SET stop_at = NULL WHERE id = $1 AND stop_at = $2", TIMESTAMPTZOID,
				   TimestampTzGetDatum(e->stop), false);
	else
		update_row(e, "UPDATE rec.experiment SET start_at = $2 WHERE id = $1", TIMESTAMPTZOID,
				   TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()), false);
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(rec_stop_experiment);
Datum
rec_stop_experiment(PG_FUNCTION_ARGS)
{
	const RecExperiment *e = owned_experiment(fcinfo, "stop");

	if (!is_running(e))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("experiment \"%s\" is not running", e->name)));
	update_row(e, "UPDATE rec.experiment SET stop_at = $2 WHERE id = $1", TIMESTAMPTZOID,
			   TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()), false);
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(rec_rename_experiment);
Datum
rec_rename_experiment(PG_FUNCTION_ARGS)
{
	const RecExperiment *e = owned_experiment(fcinfo, "rename");
	char	   *name = rec_text_argument(fcinfo, 1);

	check_name(name);
	if (strcmp(name, e->name) == 0)
		PG_RETURN_VOID();
	if (rec_catalog_execute("SELECT FROM rec.experiment WHERE experiment = $1", 1, (Oid[]) {TEXTOID},
							(Datum[]) {CStringGetTextDatum(name)}, NULL) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT), errmsg("experiment \"%s\" already exists", name)));
	update_row(e, "UPDATE rec.experiment SET experiment = $2 WHERE id = $1", TEXTOID, CStringGetTextDatum(name), false);
	PG_RETURN_VOID();
}

/* Whether there is one; without one an error, or a notice. */
static bool
exists_or_notice(const char *name, bool missing_ok)
{
	if (!missing_ok || rec_catalog_execute("SELECT FROM rec.experiment WHERE experiment = $1", 1, (Oid[]) {TEXTOID},
										   (Datum[]) {CStringGetTextDatum(name)}, NULL) > 0)
		return true;
	ereport(NOTICE, (errmsg("experiment \"%s\" does not exist, skipping", name)));
	return false;
}

PG_FUNCTION_INFO_V1(rec_drop_experiment);
Datum
rec_drop_experiment(PG_FUNCTION_ARGS)
{
	const RecExperiment *e;
	int			id;

	if (!exists_or_notice(rec_text_argument(fcinfo, 0), PG_GETARG_BOOL(1)))
		PG_RETURN_VOID();
	e = owned_experiment(fcinfo, "drop");
	id = e->id;
	rec_experiment_forget_results(id);
	rec_catalog_execute("DELETE FROM rec.experiment WHERE id = $1", 1, (Oid[]) {INT4OID}, (Datum[]) {Int32GetDatum(id)}, NULL);
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(rec_force_variant);
Datum
rec_force_variant(PG_FUNCTION_ARGS)
{
	const RecExperiment *e = owned_experiment(fcinfo, "force variants of");
	char	   *unit = rec_required_text(fcinfo, 1, "unit_id");
	char	   *variant = rec_text_argument(fcinfo, 2);
	Oid			types[3] = {INT4OID, TEXTOID, TEXTOID};
	Datum		values[3] = {Int32GetDatum(e->id), CStringGetTextDatum(unit), variant ? CStringGetTextDatum(variant) : (Datum) 0};

	if (variant && rec_experiment_variant(e, variant) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("experiment \"%s\" has no variant \"%s\"", e->name, variant)));
	rec_catalog_execute("UPDATE rec.experiment SET forced = CASE WHEN $3 IS NULL THEN forced - $2 "
						"ELSE forced || jsonb_build_object($2, $3) END WHERE id = $1", 3, types, values,
						variant ? NULL : "  n");
	rec_experiment_forget_results(e->id);
	PG_RETURN_VOID();
}

/* The roles that still are those that were named, by the names that they have now. */
#define LIVE_ROLES "ARRAY(SELECT coalesce(r.rolname::text, u.name) FROM unnest(roles, role_ids) WITH ORDINALITY u(name, id, i) " \
	"LEFT JOIN pg_roles r ON r.oid = u.id WHERE r.oid IS NOT NULL OR u.name = 'public' ORDER BY u.i)"

static void
check_role(const char *role)
{
	if (strcmp(role, "public") != 0)
		(void) get_role_oid(role, false);
}

PG_FUNCTION_INFO_V1(rec_grant_experiment);
Datum
rec_grant_experiment(PG_FUNCTION_ARGS)
{
	const RecExperiment *e = owned_experiment(fcinfo, "grant");

	check_role(rec_text_argument(fcinfo, 1));
	update_row(e, "UPDATE rec.experiment SET roles = array_append(array_remove(" LIVE_ROLES ", $2), $2) WHERE id = $1", TEXTOID,
			   PG_GETARG_DATUM(1), false);
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(rec_revoke_experiment);
Datum
rec_revoke_experiment(PG_FUNCTION_ARGS)
{
	const RecExperiment *e = owned_experiment(fcinfo, "revoke");

	update_row(e, "UPDATE rec.experiment SET roles = array_remove(" LIVE_ROLES ", $2) WHERE id = $1", TEXTOID,
			   PG_GETARG_DATUM(1), false);
	PG_RETURN_VOID();
}
