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

static Datum *
elements(FunctionCallInfo fcinfo, const char *what, Oid type, int *n)
{
	Datum	   *value;
	bool	   *null;
	bool		jsonb = type == JSONBOID;

	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", what)));
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), type, jsonb ? -1 : sizeof(int32), !jsonb, TYPALIGN_INT, &value, &null, n);
	for (int i = 0; i < *n; i++)
		if (null[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not hold nulls", what)));
	if (*n < 2 || *n > REC_MOST_COMPARED)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be at least two and at most %d", what, REC_MOST_COMPARED),
				 errdetail("Each is compared with the first.")));
	return value;
}

PG_FUNCTION_INFO_V1(rec_compare_settings_sql);
Datum
rec_compare_settings_sql(PG_FUNCTION_ARGS)
{
	Oid			schema = rec_evaluation_model(fcinfo);
	bool		explicit_feedback = rec_model_by_schema(schema, false)->explicit_feedback;
	int			n;
	Datum	   *setting = elements(fcinfo, "settings", JSONBOID, &n);
	RecCompared *compared = palloc0(n * sizeof(RecCompared));
	RecEvaluation e;
	RecGoal		goal = rec_goal_read(PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2)), explicit_feedback);

	InitMaterializedSRF(fcinfo, 0);
	rec_evaluation_defaults(&e);
	rec_evaluation_split(fcinfo, 3, &e);
	rec_evaluation_holdout(fcinfo, 4, &e);
	rec_evaluation_rest(fcinfo, 5, 6, 7, &e);
	for (int i = 0; i < n; i++)
		compared[i].setting = DatumGetJsonbP(setting[i]);
	rec_compare_settings(schema, &e, &goal, compared, n);
	put_rows(fcinfo, compared, n, &goal);
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(rec_compare_versions_sql);
Datum
rec_compare_versions_sql(PG_FUNCTION_ARGS)
{
	Oid			schema = rec_evaluation_model(fcinfo);
	int			n;
	Datum	   *version = elements(fcinfo, "versions", INT4OID, &n);
	RecCompared *compared = palloc0(n * sizeof(RecCompared));
	int		   *number = palloc(n * sizeof(int));
	RecEvaluation e;
	RecTestSource source;
	RecModel   *model;
	RecGoal		goal;

	InitMaterializedSRF(fcinfo, 0);
	rec_evaluation_defaults(&e);
	rec_evaluation_rest(fcinfo, 5, 6, 7, &e);
	model = rec_evaluation_events(schema, fcinfo, 2, 3, &source);
	goal = rec_goal_read(PG_ARGISNULL(4) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(4)), model->explicit_feedback);
	for (int i = 0; i < n; i++)
	{
		number[i] = DatumGetInt32(version[i]);
		if (number[i] <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("model \"%s\" has no version %d", model->name, number[i])));
		compared[i].setting = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(psprintf("%d", number[i]))));
	}
	rec_compare_versions(model, &source, &e, &goal, number, compared, n);
	put_rows(fcinfo, compared, n, &goal);
	return (Datum) 0;
}
