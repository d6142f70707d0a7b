/*
 * compare.c
 *		rec.compare: settings, or versions, one row each.
 */
#include "api/evaluation.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"

RecGoal
rec_goal_read(const char *text, bool explicit_feedback)
{
	RecGoal		goal = {.name = pstrdup(text ? text : explicit_feedback ? "rmse" : "ndcg@10")};
	char	   *metric = pstrdup(goal.name),
			   *at = strchr(metric, '@'),
			   *end;

	if (at)
		*at = '\0';
	goal.metric = rec_metric_by_name(metric);
	if (goal.metric == REC_COVERAGE || goal.metric == REC_GINI || goal.metric == REC_POPULARITY_LIFT)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("metric \"%s\" cannot be compared by users", metric),
				 errdetail("It is one of all lists together.")));
	if (!rec_metric_has_k(goal.metric) && at)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("metric \"%s\" has no k", metric)));
	if (!rec_metric_has_k(goal.metric))
		return goal;
	goal.k = 10;
	if (at)
	{
		long		k = strtol(at + 1, &end, 10);

		if (at[1] == '\0' || *end != '\0' || k < 1 || k > REC_MOST_K)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("invalid metric \"%s\"", text),
					 errdetail("After the @ stands k, a whole number from 1 to %d, as in \"ndcg@10\".", REC_MOST_K)));
		goal.k = (int) k;
	}
	else
		goal.name = psprintf("%s@10", metric);
	return goal;
}

static void
put_rows(FunctionCallInfo fcinfo, const RecCompared *c, int n, const RecGoal *goal)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	for (int i = 0; i < n; i++)
	{
		Datum		v[12];
		bool		null[12] = {0};

		v[0] = Int32GetDatum(i + 1);
		v[1] = JsonbPGetDatum(c[i].setting);
		v[2] = CStringGetTextDatum(c[i].algorithm);
		v[3] = CStringGetTextDatum(goal->name);
		rec_put_real(&v[4], &null[4], c[i].value);
		rec_put_real(&v[5], &null[5], c[i].difference);
		rec_put_real(&v[6], &null[6], c[i].low);
		rec_put_real(&v[7], &null[7], c[i].high);
		rec_put_real(&v[8], &null[8], c[i].p);
		rec_put_real(&v[9], &null[9], c[i].p_adjusted);
		v[10] = Int64GetDatum(c[i].users);
		v[11] = CStringGetTextDatum(c[i].verdict);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, v, null);
	}
}

static void
check_number(const char *what, int n)
{
	if (n < 2 || n > REC_MOST_COMPARED)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be at least two and at most %d", what, REC_MOST_COMPARED),
				 errdetail("Each is compared with the first.")));
}

static Datum *
elements(Datum array, const char *what, Oid type, int *n)
{
	Datum	   *value;
	bool	   *null;
	bool		by_value = type == INT4OID;

	deconstruct_array(DatumGetArrayTypeP(array), type, by_value ? sizeof(int32) : -1, by_value, TYPALIGN_INT, &value, &null, n);
	for (int i = 0; i < *n; i++)
		if (null[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not hold nulls", what)));
	check_number(what, *n);
	return value;
}

/* A setting written as text: JSON, or the bare name of a baseline. */
static Jsonb *
setting_of(const char *text)
{
	bool		name = *text != '\0' && strspn(text, "abcdefghijklmnopqrstuvwxyz_") == strlen(text);

	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(name ? psprintf("\"%s\"", text) : text)));
}

/* Argument 1 as an array of texts, of jsonb otherwise. */
static RecCompared *
read_settings(FunctionCallInfo fcinfo, int *n)
{
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, 1);
	Datum		array = PG_GETARG_DATUM(1);
	RecCompared *compared;
	Datum	   *value;

	if (type == TEXTOID)
		array = OidInputFunctionCall(F_ARRAY_IN, TextDatumGetCString(array), TEXTOID, -1);
	value = elements(array, "settings", type == JSONBARRAYOID ? JSONBOID : TEXTOID, n);
	compared = palloc0(*n * sizeof(RecCompared));
	for (int i = 0; i < *n; i++)
		compared[i].setting = type == JSONBARRAYOID ? DatumGetJsonbP(value[i]) : setting_of(TextDatumGetCString(value[i]));
	return compared;
}

/* Numbers of versions, checked. */
static int *
read_versions(const RecModel *model, RecCompared *compared, const Datum *version, int n)
{
	int		   *number = palloc(n * sizeof(int));

	for (int i = 0; i < n; i++)
	{
		number[i] = DatumGetInt32(version[i]);
		if (number[i] <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("model \"%s\" has no version %d", model->name, number[i])));
		compared[i].setting = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(psprintf("%d", number[i]))));
	}
	return number;
}

/* events and since: numbers of arguments, or -1 for the model's own */
static void
compare_versions(FunctionCallInfo fcinfo, Oid schema, Datum array, int events, int since, int metric)
{
	int			n;
	Datum	   *version = elements(array, "versions", INT4OID, &n);
	RecCompared *compared = palloc0(n * sizeof(RecCompared));
	RecEvaluation e;
	RecTestSource source = {0};
	RecModel   *model;
	RecGoal		goal;
	int		   *number;

	InitMaterializedSRF(fcinfo, 0);
	rec_evaluation_defaults(&e);
	rec_evaluation_rest(fcinfo, 5, 6, 7, &e);
	model = events < 0 ? rec_model_by_schema(schema, false) : rec_evaluation_events(schema, fcinfo, events, since, &source);
	goal = rec_goal_read(PG_ARGISNULL(metric) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(metric)), model->explicit_feedback);
	number = read_versions(model, compared, version, n);
	rec_compare_versions(model, &source, &e, &goal, number, compared, n);
	put_rows(fcinfo, compared, n, &goal);
}

static void
require(FunctionCallInfo fcinfo, const char *what)
{
	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", what)));
}

/* A string is an array of one or the other: whole numbers are versions. */
static bool
holds_versions(FunctionCallInfo fcinfo)
{
	char	   *string;

	if (get_fn_expr_argtype(fcinfo->flinfo, 1) != TEXTOID)
		return false;
	string = text_to_cstring(PG_GETARG_TEXT_PP(1));
	if (strpbrk(string, "0123456789") == NULL || strspn(string, " \t\n{},+-0123456789") < strlen(string))
		return false;
	if (!PG_ARGISNULL(3) || !PG_ARGISNULL(4))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("versions are not trained, so they have no split and no holdout"),
				 errhint("Say which events they are judged on with rec.compare(..., versions => '%s', events => ..., since => ...).", string)));
	return true;
}

PG_FUNCTION_INFO_V1(rec_compare_settings_sql);
Datum
rec_compare_settings_sql(PG_FUNCTION_ARGS)
{
	Oid			schema = rec_evaluation_model(fcinfo);
	bool		explicit_feedback = rec_model_by_schema(schema, false)->explicit_feedback;
	int			n;
	RecCompared *compared;
	RecEvaluation e;
	RecGoal		goal;

	require(fcinfo, "settings");
	if (holds_versions(fcinfo))
	{
		compare_versions(fcinfo, schema, OidInputFunctionCall(F_ARRAY_IN, text_to_cstring(PG_GETARG_TEXT_PP(1)), INT4OID, -1), -1, -1,
						 2);
		return (Datum) 0;
	}
	compared = read_settings(fcinfo, &n);
	goal = rec_goal_read(PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2)), explicit_feedback);
	InitMaterializedSRF(fcinfo, 0);
	rec_evaluation_defaults(&e);
	rec_evaluation_split(fcinfo, 3, &e);
	rec_evaluation_holdout(fcinfo, 4, &e);
	rec_evaluation_rest(fcinfo, 5, 6, 7, &e);
	rec_compare_settings(schema, &e, &goal, compared, n);
	put_rows(fcinfo, compared, n, &goal);
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(rec_compare_versions_sql);
Datum
rec_compare_versions_sql(PG_FUNCTION_ARGS)
{
	Oid			schema = rec_evaluation_model(fcinfo);

	require(fcinfo, "versions");
	compare_versions(fcinfo, schema, PG_GETARG_DATUM(1), 2, 3, 4);
	return (Datum) 0;
}
