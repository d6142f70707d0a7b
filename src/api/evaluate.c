/*
 * evaluate.c
 *		rec.evaluate and rec.evaluate_version: arguments and rows.
 */
#include "api/evaluation.h"

#include <math.h>

#include "api/options.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

Oid
rec_evaluation_model(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("model must not be null")));
	return rec_model_schema(text_to_cstring(PG_GETARG_TEXT_PP(0)));
}

void
rec_evaluation_defaults(RecEvaluation *e)
{
	memset(e, 0, sizeof(*e));
	e->holdout = e->least = NAN;
	e->exclude_seen = true;
	e->seed = 42;
	for (int m = 0; m < REC_METRICS; m++)
		e->wanted[m] = true;
}

void
rec_evaluation_split(FunctionCallInfo fcinfo, int i, RecEvaluation *e)
{
	static const char *const names[] = {"temporal", "last", "random"};
	char	   *name;
	const char *near;

	if (PG_ARGISNULL(i))
		return;
	name = text_to_cstring(PG_GETARG_TEXT_PP(i));
	e->split_given = true;
	for (int k = 0; k < (int) lengthof(names); k++)
		if (strcmp(names[k], name) == 0)
		{
			e->split.kind = (RecSplitKind) k;
			return;
		}
	near = rec_nearest_name(name, names, lengthof(names));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown split \"%s\"", name),
			 errdetail("Splits are temporal (the newest events), last (the newest pairs of each user) and random (pairs)."),
			 near ? errhint("Perhaps you meant \"%s\".", near) : 0));
}

static void
take_interval(const Interval *interval, RecEvaluation *e)
{
	e->split.interval = rec_half_life(interval);
	if (!(e->split.interval > 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("holdout must be above zero")));
}

static void
take_holdout_text(const char *text, RecEvaluation *e)
{
	char	   *end;
	double		number = strtod(text, &end);

	if (*text != '\0' && *end == '\0')
		e->holdout = number;
	else
		take_interval(DatumGetIntervalP(DirectFunctionCall3(interval_in, CStringGetDatum(text),
															ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1))), e);
}

/* A number or an interval, or either as text. */
void
rec_evaluation_holdout(FunctionCallInfo fcinfo, int i, RecEvaluation *e)
{
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, i);
	Datum		value = PG_GETARG_DATUM(i);
	Oid			function;
	bool		varlena;

	if (PG_ARGISNULL(i))
		return;
	switch (type)
	{
		case INTERVALOID:
			take_interval(DatumGetIntervalP(value), e);
			break;
		case UNKNOWNOID:
			take_holdout_text(DatumGetCString(value), e);
			break;
		case TEXTOID:
		case VARCHAROID:
			take_holdout_text(TextDatumGetCString(value), e);
			break;
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case FLOAT4OID:
		case FLOAT8OID:
		case NUMERICOID:
			getTypeOutputInfo(type, &function, &varlena);
			e->holdout = strtod(OidOutputFunctionCall(function, value), NULL);
			if (isnan(e->holdout))
				e->holdout = -INFINITY;	/* not a number would be the default */
			break;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("holdout is of type %s", format_type_be(type)),
					 errdetail("It must be a number or an interval.")));
	}
}

static int
compare_int(const void *a, const void *b)
{
	return (*(const int *) a > *(const int *) b) - (*(const int *) a < *(const int *) b);
}

void
rec_evaluation_k(FunctionCallInfo fcinfo, int i, RecEvaluation *e)
{
	Datum	   *value;
	bool	   *null;
	int			n;

	if (PG_ARGISNULL(i))
		return;
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(i), INT4OID, sizeof(int32), true, TYPALIGN_INT, &value, &null, &n);
	e->k = palloc(Max(n, 1) * sizeof(int));
	for (int a = 0; a < n; a++)
	{
		int			k = null[a] ? 0 : DatumGetInt32(value[a]);

		if (k < 1 || k > REC_MOST_K)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 null[a] ? errmsg("k must not hold nulls") : errmsg("invalid k: %d", k),
					 errdetail("Allowed is a whole number from 1 to %d.", REC_MOST_K)));
		e->k[a] = k;
	}
	qsort(e->k, n, sizeof(int), compare_int);
	for (int a = 0; a < n; a++)
		if (e->nk == 0 || e->k[a] != e->k[e->nk - 1])
			e->k[e->nk++] = e->k[a];
	if (e->nk == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("k must not be empty"),
				 errhint("Give null for 5, 10 and 20.")));
}

RecMetric
rec_metric_by_name(const char *name)
{
	const char *near;
	StringInfoData list;

	initStringInfo(&list);
	for (int m = 0; m < REC_METRICS; m++)
	{
		if (strcmp(rec_metric_names[m], name) == 0)
			return (RecMetric) m;
		appendStringInfo(&list, "%s%s", m ? ", " : "", rec_metric_names[m]);
	}
	near = rec_nearest_name(name, rec_metric_names, REC_METRICS);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown metric \"%s\"", name),
			 errdetail("Metrics are %s.", list.data),
			 near ? errhint("Perhaps you meant \"%s\".", near) : 0));
	return REC_METRICS;			/* not reached */
}

/* The strings of a text[] argument that are not null. */
static int
strings_of(FunctionCallInfo fcinfo, int i, char ***strings)
{
	Datum	   *value;
	bool	   *null;
	int			n,
				m = 0;

	*strings = NULL;
	if (PG_ARGISNULL(i))
		return 0;
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(i), TEXTOID, -1, false, TYPALIGN_INT, &value, &null, &n);
	*strings = palloc(Max(n, 1) * sizeof(char *));
	for (int a = 0; a < n; a++)
		if (!null[a])
			(*strings)[m++] = TextDatumGetCString(value[a]);
	return m;
}

void
rec_evaluation_metrics(FunctionCallInfo fcinfo, int i, RecEvaluation *e)
{
	char	  **name;
	int			n = strings_of(fcinfo, i, &name);

	if (n == 0)
		return;
	memset(e->wanted, 0, sizeof(e->wanted));
	e->metrics_given = true;
	for (int a = 0; a < n; a++)
		e->wanted[rec_metric_by_name(name[a])] = true;
}

void
rec_evaluation_compare(FunctionCallInfo fcinfo, int i, RecEvaluation *e)
{
	static char *usual[] = {"popular", "random"};
	char	  **name = usual;
	int			n = lengthof(usual);

	e->compare_given = !PG_ARGISNULL(i);
	if (e->compare_given)
		n = strings_of(fcinfo, i, &name);
	for (int a = 0; a < n; a++)
		e->compare = list_append_unique_ptr(e->compare, unconstify(RecAlgorithm *, rec_algorithm_find(name[a], true)));
}

void
rec_evaluation_rest(FunctionCallInfo fcinfo, int exclude_seen, int least, int seed, RecEvaluation *e)
{
	if (exclude_seen >= 0 && !PG_ARGISNULL(exclude_seen))
		e->exclude_seen = PG_GETARG_BOOL(exclude_seen);
	if (least >= 0 && !PG_ARGISNULL(least))
	{
		e->least = PG_GETARG_FLOAT8(least);
		if (!isfinite(e->least))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("min_value must be a finite number")));
	}
	if (!PG_ARGISNULL(seed))
		e->seed = PG_GETARG_INT64(seed);
}

void
rec_put_real(Datum *value, bool *null, double x)
{
	*value = Float8GetDatum(x);
	*null = isnan(x);
}

static void
put_rows(FunctionCallInfo fcinfo, const RecResults *results)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	for (int i = 0; i < results->n; i++)
	{
		const RecResult *r = &results->row[i];
		Datum		v[8];
		bool		null[8] = {0};

		v[0] = CStringGetTextDatum(r->algorithm);
		v[1] = CStringGetTextDatum(r->metric);
		v[2] = Int32GetDatum(r->k);
		null[2] = r->k == 0;
		rec_put_real(&v[3], &null[3], r->value);
		rec_put_real(&v[4], &null[4], r->low);
		rec_put_real(&v[5], &null[5], r->high);
		v[6] = Int64GetDatum(r->users);
		v[7] = CStringGetTextDatum(r->segment);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, v, null);
	}
}

PG_FUNCTION_INFO_V1(rec_evaluate);
Datum
rec_evaluate(PG_FUNCTION_ARGS)
{
	Oid			schema = rec_evaluation_model(fcinfo);
	RecEvaluation e;

	InitMaterializedSRF(fcinfo, 0);
	rec_evaluation_defaults(&e);
	rec_evaluation_split(fcinfo, 1, &e);
	rec_evaluation_holdout(fcinfo, 2, &e);
	rec_evaluation_k(fcinfo, 3, &e);
	e.params = PG_ARGISNULL(4) ? NULL : PG_GETARG_JSONB_P(4);
	rec_evaluation_compare(fcinfo, 5, &e);
	e.segment = PG_ARGISNULL(6) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(6));
	rec_evaluation_metrics(fcinfo, 7, &e);
	rec_evaluation_rest(fcinfo, 8, 9, 10, &e);
	put_rows(fcinfo, rec_evaluate_model(schema, &e));
	return (Datum) 0;
}

/* The model, with another event relation where one is given. */
RecModel *
rec_evaluation_events(Oid schema, FunctionCallInfo fcinfo, int events, int since, RecTestSource *source)
{
	RecModel   *model = rec_model_by_schema(schema, false);

	memset(source, 0, sizeof(*source));
	if (!PG_ARGISNULL(events))
	{
		rec_options_events(model, text_to_cstring(PG_GETARG_TEXT_PP(events)));
		source->other = true;
	}
	source->has_since = !PG_ARGISNULL(since);
	if (source->has_since)
	{
		source->since = PG_GETARG_TIMESTAMPTZ(since);
		if (TIMESTAMP_NOT_FINITE(source->since))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("since must be finite")));
	}
	return model;
}

PG_FUNCTION_INFO_V1(rec_evaluate_version);
Datum
rec_evaluate_version(PG_FUNCTION_ARGS)
{
	Oid			schema = rec_evaluation_model(fcinfo);
	RecEvaluation e;
	RecTestSource source;
	RecModel   *model;

	InitMaterializedSRF(fcinfo, 0);
	rec_evaluation_defaults(&e);
	rec_evaluation_k(fcinfo, 4, &e);
	rec_evaluation_compare(fcinfo, 5, &e);
	e.segment = PG_ARGISNULL(6) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(6));
	rec_evaluation_metrics(fcinfo, 7, &e);
	rec_evaluation_rest(fcinfo, 8, 9, 10, &e);
	model = rec_evaluation_events(schema, fcinfo, 2, 3, &source);
	put_rows(fcinfo, rec_evaluate_stored(model, PG_ARGISNULL(1) ? 0 : PG_GETARG_INT32(1), &source, &e));
	return (Datum) 0;
}
