/*
 * scaler.c
 *		Scalers to and from jsonb. See scaler.h.
 *
 * The text form is one flat object, e.g. {"kind": "standard", "n": 5, "mean": 3, "std": 1.5811388300841898}. Numbers are written
 * with as many digits as a double needs to come back the same. What is read may have been edited by hand, so each key is
 * known, each number finite, and the order of pairs and quantiles right, or it is an error.
 */
#include "model/scaler.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "lib/stringinfo.h"
#include "model/catalog.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

/* Keys of each kind beside "kind" and "n", in the order of center, low, high; NULL: none */
static const struct
{
	const char *center,
			   *low,
			   *high;
}			fields[REC_SCALER_KINDS] = {
	[REC_SCALER_STANDARD] = {"mean", NULL, "std"},
	[REC_SCALER_MINMAX] = {NULL, "min", "max"},
	[REC_SCALER_ROBUST] = {"median", "lower", "upper"},
	[REC_SCALER_MAXABS] = {NULL, NULL, "max"},
	[REC_SCALER_LOG] = {"offset", NULL, NULL}
};

pg_attribute_noreturn() static void
invalid(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid scaler"),
			 errdetail("%s", detail),
			 errhint("A scaler is what rec.fit_standard, fit_minmax, fit_robust, fit_maxabs, fit_quantile and fit_log return.")));
}

RecScalerKind
rec_scaler_kind(const char *name)
{
	const char *near;

	for (int i = 0; i < REC_SCALER_KINDS; i++)
		if (strcmp(name, rec_scaler_names[i]) == 0)
			return i;
	near = rec_nearest_name(name, rec_scaler_names, REC_SCALER_KINDS);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown kind of scaler \"%s\"", name),
			 errdetail("Scalers are standard, minmax, robust, maxabs, quantile and log."),
			 near ? errhint("Perhaps you meant \"%s\".", near) : 0));
	return 0;					/* not reached */
}

static double
number_of(const JsonbValue *v, const char *key)
{
	if (v->type != jbvNumeric)
		invalid(psprintf("\"%s\" must be a number.", key));
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8, NumericGetDatum(v->val.numeric)));
}

/* The number of this key, which must be there. Counts the keys found. */
static double
required(const Jsonb *json, const char *key, int *found)
{
	JsonbValue	value;

	if (getKeyJsonValueFromContainer(unconstify(JsonbContainer *, &json->root), key, strlen(key), &value) == NULL)
		invalid(psprintf("\"%s\" is missing.", key));
	(*found)++;
	return number_of(&value, key);
}

static RecScaler *
read_quantiles(const Jsonb *json, int *found)
{
	RecScaler  *s;
	JsonbValue	value;
	double	   *q;
	int			n;

	if (getKeyJsonValueFromContainer(unconstify(JsonbContainer *, &json->root), "quantiles", 9, &value) == NULL)
		invalid("\"quantiles\" is missing.");
	if (value.type != jbvBinary || !JsonContainerIsArray(value.val.binary.data) ||
		(n = JsonContainerSize(value.val.binary.data)) == 0)
		invalid("\"quantiles\" must be an array of numbers.");
	s = palloc0(sizeof(RecScaler) + mul_size(n, sizeof(double)));
	q = (double *) (s + 1);
	for (int i = 0; i < n; i++)
	{
		q[i] = number_of(getIthJsonbValueFromContainer(value.val.binary.data, i), "quantiles");
		if (i > 0 && q[i] < q[i - 1])
			invalid("\"quantiles\" must ascend.");
	}
	s->quantile = q;
	s->nquantiles = n;
	(*found)++;
	return s;
}

RecScaler *
rec_scaler_read(const Jsonb *json)
{
	JsonbValue	value;
	RecScaler  *s;
	RecScalerKind kind;
	int			found = 1;

	if (!JB_ROOT_IS_OBJECT(json))
		invalid("It must be a JSON object.");
	if (getKeyJsonValueFromContainer(unconstify(JsonbContainer *, &json->root), "kind", 4, &value) == NULL ||
		value.type != jbvString)
		invalid("\"kind\" must be the name of a scaler.");
	kind = rec_scaler_kind(pnstrdup(value.val.string.val, value.val.string.len));
	s = kind == REC_SCALER_QUANTILE ? read_quantiles(json, &found) : palloc0(sizeof(RecScaler));
	s->kind = kind;
	if (getKeyJsonValueFromContainer(unconstify(JsonbContainer *, &json->root), "n", 1, &value) != NULL)
	{
		s->n = number_of(&value, "n");
		found++;
	}
	if (fields[kind].center)
		s->center = required(json, fields[kind].center, &found);
	if (fields[kind].low)
		s->low = required(json, fields[kind].low, &found);
	if (fields[kind].high)
		s->high = required(json, fields[kind].high, &found);
	if (kind == REC_SCALER_MINMAX)
		s->center = s->low;
	if (s->high < s->low)
		invalid(psprintf("\"%s\" is too small.", fields[kind].high));
	if (s->n < 0)
		invalid("\"n\" must not be negative.");
	if ((int) JB_ROOT_COUNT(json) != found)
		invalid(psprintf("It has keys that a scaler of kind %s does not have.", rec_scaler_names[kind]));
	return s;
}

static void
append_number(StringInfo out, const char *key, double x)
{
	char		digits[DOUBLE_SHORTEST_DECIMAL_LEN];

	if (key == NULL)
		return;
	if (!isfinite(x))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("value out of range: \"%s\" of a scaler cannot be represented", key)));
	double_to_shortest_decimal_buf(x, digits);
	appendStringInfo(out, ", \"%s\": %s", key, digits);
}

Jsonb *
rec_scaler_write(const RecScaler *s)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "{\"kind\": \"%s\"", rec_scaler_names[s->kind]);
	append_number(&out, "n", s->n);
	append_number(&out, fields[s->kind].center, s->center);
	append_number(&out, fields[s->kind].low, s->low);
	append_number(&out, fields[s->kind].high, s->high);
	if (s->kind == REC_SCALER_QUANTILE)
	{
		char		digits[DOUBLE_SHORTEST_DECIMAL_LEN];

		appendStringInfoString(&out, ", \"quantiles\": [");
		for (int i = 0; i < s->nquantiles; i++)
		{
			double_to_shortest_decimal_buf(s->quantile[i], digits);
			appendStringInfo(&out, "%s%s", i ? ", " : "", digits);
		}
		appendStringInfoChar(&out, ']');
	}
	appendStringInfoChar(&out, '}');
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data)));
}

void
rec_scaler_option(const char *option)
{
	if (option[0] == '{')
		(void) rec_scaler_read(DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(option))));
	else
		(void) rec_scaler_kind(option);
}

/*
 * Mean and deviation depend in their last digits on the order in which the rows came. A training must not: they are rounded to the 24
 * bits that are left of a value anyway.
 */
static void
round_fit(RecScaler *s)
{
	double		unit;
	int			exponent;

	if (s->kind != REC_SCALER_STANDARD || s->high == 0)
		return;
	(void) frexp(s->high, &exponent);
	unit = ldexp(1, exponent - 24);
	if (unit > 0 && isfinite(s->center / unit))
	{
		s->high = rint(s->high / unit) * unit;
		s->center = rint(s->center / unit) * unit;
	}
}

/* The arguments of rec.fit_* after the values. */
static const char *
fit_arguments(const RecModel *m)
{
	return rec_scaler_kind(m->value_scaler) == REC_SCALER_QUANTILE ? ", 100, 'ignore'" : ", 'ignore'";
}

/* Fits to the rows that the training will use, as far as a condition can tell. */
static char *
fit_query(const RecModel *m, const RecEventSource *source)
{
	StringInfoData q;

	initStringInfo(&q);
	appendStringInfo(&q, "SELECT rec.fit_%s(%s::pg_catalog.float8%s) FROM %s WHERE %s IS NOT NULL AND ",
					 m->value_scaler, quote_identifier(m->value_column), fit_arguments(m), source->relation,
					 quote_identifier(m->user_column));
	appendStringInfo(&q, "%s IS NOT NULL", quote_identifier(m->item_column));
	if (m->time_column)
		appendStringInfo(&q, " AND %s IS NOT NULL", quote_identifier(m->time_column));
	if (m->event_column)
		appendStringInfo(&q, " AND ($1 IS NULL OR pg_catalog.jsonb_exists($1, %s::pg_catalog.text))",
						 quote_identifier(m->event_column));
	return q.data;
}

/* The scaler that a query with one argument returns, as text in the context; NULL: there was no number. */
static char *
run_fit(const char *query, Oid type, Datum argument, bool isnull, MemoryContext context)
{
	char		null = isnull ? 'n' : ' ';
	Datum		value;
	char	   *text = NULL;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args(query, 1, &type, &argument, &null, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "fitting the scaler of the values failed");
	value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	if (!isnull)
	{
		RecScaler  *scaler = rec_scaler_read(DatumGetJsonbP(value));
		Jsonb	   *json;
		MemoryContext old;

		round_fit(scaler);
		json = rec_scaler_write(scaler);
		old = MemoryContextSwitchTo(context);
		text = JsonbToCString(NULL, &json->root, VARSIZE(json));
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	return text;
}

bool
rec_scaler_is_fitted_by(const RecModel *model)
{
	return model->value_scaler && model->value_column && model->value_scaler[0] != '{';
}

char *
rec_events_scaler(const RecModel *model, const RecEventSource *source, MemoryContext context)
{
	if (model->value_scaler == NULL || model->value_column == NULL)
		return NULL;
	if (!rec_scaler_is_fitted_by(model))
		return MemoryContextStrdup(context, model->value_scaler);
	return run_fit(fit_query(model, source), JSONBOID, JsonbPGetDatum(model->event_weights), model->event_weights == NULL,
				   context);
}

char *
rec_values_scaler(const RecModel *model, const double *value, int64 n)
{
	Size		size = add_size(ARR_OVERHEAD_NONULLS(1), mul_size(n, sizeof(double)));
	ArrayType  *array;
	char	   *text;

	if (!AllocSizeIsValid(size))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many events to fit a scaler to a part of them"),
				 errdetail("There are %lld, and at most %zu can be taken.", (long long) n, MaxAllocSize / sizeof(double)),
				 errhint("Give the model a scaler that is fitted already, from rec.fit_%s.", model->value_scaler)));
	array = palloc(size);
	SET_VARSIZE(array, size);
	array->ndim = 1;
	array->dataoffset = 0;
	array->elemtype = FLOAT8OID;
	ARR_DIMS(array)[0] = (int) n;
	ARR_LBOUND(array)[0] = 1;
	memcpy(ARR_DATA_PTR(array), value, n * sizeof(double));
	text = run_fit(psprintf("SELECT rec.fit_%s(x%s) FROM pg_catalog.unnest($1) x", model->value_scaler, fit_arguments(model)),
				   FLOAT8ARRAYOID, PointerGetDatum(array), false, CurrentMemoryContext);
	pfree(array);
	return text;
}
