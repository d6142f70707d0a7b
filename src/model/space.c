/*
 * space.c
 *		Search spaces. See space.h.
 */
#include "model/space.h"

#include <math.h>

#include "model/catalog.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

pg_attribute_noreturn() static void
bad_dimension(const char *name, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid space for parameter \"%s\"", name),
			 errdetail("%s", detail),
			 errhint("Write a value, a list such as [32, 64, 128], or a range such as {\"min\": 0.01, \"max\": 10, \"scale\": \"log\"}.")));
}

static Jsonb *
object_of(const char *name, const JsonbValue *value)
{
	JsonbParseState *state = NULL;
	JsonbValue	key = {.type = jbvString, .val.string = {strlen(name), unconstify(char *, name)}};

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	pushJsonbValue(&state, WJB_KEY, &key);
	pushJsonbValue(&state, WJB_VALUE, unconstify(JsonbValue *, value));
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

/* An error when the parameter cannot have this value. */
static void
check_value(const char *name, const JsonbValue *value, RecAlgorithmKind algorithm, bool explicit_feedback)
{
	RecParams	params = rec_params_default(algorithm, explicit_feedback);

	rec_params_read(&params, object_of(name, value), explicit_feedback);
}

static double
number_of(const JsonbValue *v)
{
	return v->type == jbvNumeric ?
		DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(v->val.numeric))) : NAN;
}

static JsonbValue
value_of(double x)
{
	return (JsonbValue) {.type = jbvNumeric, .val.numeric = DatumGetNumeric(DirectFunctionCall1(float8_numeric, Float8GetDatum(x)))};
}

/* Four digits are more than any trial can tell apart, and read better. */
static double
rounded(const RecDimension *d, double x)
{
	char		text[32];

	if (d->whole)
		return Min(Max(rint(x), d->min), d->max);
	snprintf(text, sizeof(text), "%.4g", x);
	return Min(Max(strtod(text, NULL), d->min), d->max);
}

static void
read_bound(const char *name, const JsonbValue *v, double *bound)
{
	*bound = number_of(v);
	if (!isfinite(*bound))
		bad_dimension(name, "\"min\" and \"max\" must be numbers.");
}

static void
read_range(RecDimension *d, JsonbContainer *container, RecAlgorithmKind algorithm, bool explicit_feedback)
{
	static const char *const keys[] = {"min", "max", "scale", "steps"};
	JsonbIterator *it = JsonbIteratorInit(container);
	JsonbIteratorToken token;
	JsonbValue	v;

	d->kind = REC_RANGE;
	d->min = d->max = NAN;
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		char	   *key;
		const char *near;

		if (token != WJB_KEY)
			continue;
		key = pnstrdup(v.val.string.val, v.val.string.len);
		(void) JsonbIteratorNext(&it, &v, true);
		if (strcmp(key, "min") == 0)
			read_bound(d->name, &v, &d->min);
		else if (strcmp(key, "max") == 0)
			read_bound(d->name, &v, &d->max);
		else if (strcmp(key, "scale") == 0)
		{
			d->logarithmic = v.type == jbvString && v.val.string.len == 3 && memcmp(v.val.string.val, "log", 3) == 0;
			if (!d->logarithmic &&
				!(v.type == jbvString && v.val.string.len == 6 && memcmp(v.val.string.val, "linear", 6) == 0))
				bad_dimension(d->name, "\"scale\" is \"log\" or \"linear\".");
		}
		else if (strcmp(key, "steps") == 0)
		{
			double		steps = number_of(&v);

			if (!(steps >= 2 && steps <= 1000 && steps == floor(steps)))
				bad_dimension(d->name, "\"steps\" is a whole number from 2 to 1000.");
			d->n = (int) steps;
		}
		else
		{
			near = rec_nearest_name(key, keys, lengthof(keys));
			bad_dimension(d->name, psprintf("A range has no \"%s\"%s%s%s, only \"min\", \"max\", \"scale\" and \"steps\".", key,
											near ? " (perhaps you meant \"" : "", near ? near : "", near ? "\")" : ""));
		}
	}
	if (isnan(d->min) || isnan(d->max) || d->min > d->max)
		bad_dimension(d->name, "A range needs \"min\" and \"max\", and min must not be above max.");
	if (d->logarithmic && d->min <= 0)
		bad_dimension(d->name, "A logarithmic range must be above 0.");
	for (int end = 0; end < 2; end++)
	{
		JsonbValue	bound = value_of(end ? d->max : d->min);

		check_value(d->name, &bound, algorithm, explicit_feedback);
	}
	if (d->min == d->max)
	{
		d->kind = REC_FIXED;
		d->value = palloc(sizeof(JsonbValue));
		*d->value = value_of(d->min);
	}
}

static void
read_list(RecDimension *d, JsonbContainer *container, RecAlgorithmKind algorithm, bool explicit_feedback)
{
	JsonbIterator *it = JsonbIteratorInit(container);
	JsonbIteratorToken token;
	JsonbValue	v;
	int			room = JsonContainerSize(container);

	d->kind = REC_LIST;
	d->value = palloc(Max(room, 1) * sizeof(JsonbValue));
	d->ordered = true;
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token != WJB_ELEM)
			continue;
		check_value(d->name, &v, algorithm, explicit_feedback);
		if (d->n > 0 && !(number_of(&d->value[d->n - 1]) < number_of(&v)))
			d->ordered = false;
		d->value[d->n++] = v;
	}
	if (d->n == 0)
		bad_dimension(d->name, "The list is empty.");
	d->ordered = d->ordered && !isnan(number_of(&d->value[0]));
	if (d->n == 1)
		d->kind = REC_FIXED;
}

static void
read_dimension(RecDimension *d, JsonbValue *v, RecAlgorithmKind algorithm, bool explicit_feedback)
{
	JsonbContainer *container = v->type == jbvBinary ? v->val.binary.data : NULL;

	d->whole = rec_params_whole(d->name);
	if (container && JsonContainerIsObject(container))
		read_range(d, container, algorithm, explicit_feedback);
	else if (container)
		read_list(d, container, algorithm, explicit_feedback);
	else
	{
		d->kind = REC_FIXED;
		check_value(d->name, v, algorithm, explicit_feedback);
		d->value = palloc(sizeof(JsonbValue));
		*d->value = *v;
	}
}

static int
features_of(const RecDimension *d)
{
	return d->kind == REC_FIXED ? 0 : d->kind == REC_LIST && !d->ordered ? d->n : 1;
}

RecSpace *
rec_space_read(const Jsonb *given, RecAlgorithmKind algorithm, bool explicit_feedback)
{
	RecSpace   *s = palloc0(sizeof(RecSpace));
	Jsonb	   *json = (Jsonb *) PG_DETOAST_DATUM_COPY(PointerGetDatum(given));
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	v;

	if (!JB_ROOT_IS_OBJECT(json))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("space must be a JSON object"),
				 errhint("Write for example '{\"factors\": [32, 64], \"regularization\": {\"min\": 0.01, \"max\": 10, \"scale\": \"log\"}}'.")));
	algorithm = rec_params_algorithm_in(json, algorithm);
	s->dimension = palloc0(Max(JB_ROOT_COUNT(json), 1) * sizeof(RecDimension));
	it = JsonbIteratorInit(&json->root);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		RecDimension *d = &s->dimension[s->n];

		if (token != WJB_KEY)
			continue;
		d->name = pnstrdup(v.val.string.val, v.val.string.len);
		(void) JsonbIteratorNext(&it, &v, true);
		read_dimension(d, &v, algorithm, explicit_feedback);
		s->free += d->kind != REC_FIXED;
		s->features += features_of(d);
		s->n++;
	}
	if (s->free == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 s->n == 0 ? errmsg("the space is empty") : errmsg("the space has a single point"),
				 errdetail("No parameter has more than one value to try."),
				 errhint("Leave space out for a good one, or give a list or a range for a parameter.")));
	if (s->free > REC_SOBOL_DIMENSIONS || s->features > REC_GP_FEATURES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the space is too large"),
				 errdetail("At most %d parameters can vary, with at most %d names in all.", REC_SOBOL_DIMENSIONS,
						   REC_GP_FEATURES)));
	return s;
}

Jsonb *
rec_space_default(const RecParams *p, bool explicit_feedback)
{
	char	   *text;

	if (explicit_feedback)
		text = psprintf("{\"factors\": [4, 8, 16, 32, 64], \"frequency_exponent\": {\"min\": 0, \"max\": 1}, "
						"\"regularization\": {\"min\": %.4g, \"max\": %.4g, \"scale\": \"log\"}}",
						p->regularization / 8, p->regularization * 8);
	else if (p->algorithm == REC_EASE)
		text = psprintf("{\"regularization\": {\"min\": %.4g, \"max\": %.4g, \"scale\": \"log\"}, "
						"\"weight_transform\": [\"log1p\", \"binary\"]}", p->regularization / 16, p->regularization * 16);
	else if (p->algorithm == REC_ITEM_KNN)
		text = pstrdup("{\"similarity\": [\"cosine\", \"bm25\"], \"neighbours\": [20, 50, 100, 200, 500], "
					   "\"shrinkage\": [0, 1, 10, 100], \"weight_transform\": [\"log1p\", \"binary\"]}");
	else
		text = psprintf("{\"factors\": [16, 32, 64, 128], \"frequency_exponent\": {\"min\": 0, \"max\": 1}, "
						"\"regularization\": {\"min\": %.4g, \"max\": %.4g, \"scale\": \"log\"}, "
						"\"unobserved_weight\": {\"min\": %.4g, \"max\": %.4g, \"scale\": \"log\"}, "
						"\"weight_transform\": [\"log1p\", \"binary\"]}",
						Max(p->regularization / 16, 1e-6), p->regularization * 16,
						Max(p->unobserved_weight / 16, 1e-9), Min(p->unobserved_weight * 16, 1e6));
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
}

static int
index_of(const RecDimension *d, double u)
{
	return Min(Max((int) (u * d->n), 0), d->n - 1);
}

static double
along(const RecDimension *d, double u)
{
	return rounded(d, d->logarithmic ? exp(log(d->min) + u * (log(d->max) - log(d->min))) : d->min + u * (d->max - d->min));
}

Jsonb *
rec_space_params(const RecSpace *s, const double *point)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0, at = 0; i < s->n; i++)
	{
		const RecDimension *d = &s->dimension[i];
		JsonbValue	key = {.type = jbvString, .val.string = {strlen(d->name), d->name}};
		JsonbValue	value;

		if (d->kind == REC_FIXED)
			value = d->value[0];
		else if (d->kind == REC_LIST)
			value = d->value[index_of(d, point[at++])];
		else
			value = value_of(along(d, point[at++]));
		pushJsonbValue(&state, WJB_KEY, &key);
		pushJsonbValue(&state, WJB_VALUE, &value);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

static double
coordinate_of(const RecDimension *d, const JsonbValue *value)
{
	double		x = value ? number_of(value) : NAN;

	if (d->kind == REC_RANGE)
	{
		if (!(x >= d->min && x <= d->max))
			return 0.5;
		return d->logarithmic ? log(x / d->min) / log(d->max / d->min) : (x - d->min) / (d->max - d->min);
	}
	for (int i = 0; i < d->n; i++)
		if (value && value->type == d->value[i].type &&
			(value->type == jbvString ? value->val.string.len == d->value[i].val.string.len &&
			 memcmp(value->val.string.val, d->value[i].val.string.val, value->val.string.len) == 0 :
			 number_of(&d->value[i]) == x))
			return (i + 0.5) / d->n;
	return 0.5;
}

void
rec_space_point(const RecSpace *s, const RecParams *params, double *point)
{
	Jsonb	   *json = rec_params_write(params);

	for (int i = 0, at = 0; i < s->n; i++)
	{
		const RecDimension *d = &s->dimension[i];

		if (d->kind != REC_FIXED)
			point[at++] = coordinate_of(d, getKeyJsonValueFromContainer(&json->root, d->name, strlen(d->name), NULL));
	}
}

void
rec_space_features(const RecSpace *s, const double *point, double *feature)
{
	for (int i = 0, at = 0; i < s->n; i++)
	{
		const RecDimension *d = &s->dimension[i];

		if (d->kind == REC_FIXED)
			continue;
		if (d->kind == REC_RANGE)
			*feature++ = point[at++];
		else if (d->ordered)
			*feature++ = (double) index_of(d, point[at++]) / Max(d->n - 1, 1);
		else
		{
			int			k = index_of(d, point[at++]);

			for (int v = 0; v < d->n; v++)
				*feature++ = v == k ? M_SQRT1_2 : 0;	/* two names are 1 apart */
		}
	}
}

bool
rec_space_is_list(const RecSpace *s, int coordinate)
{
	for (int i = 0; i < s->n; i++)
		if (s->dimension[i].kind != REC_FIXED && coordinate-- == 0)
			return s->dimension[i].kind == REC_LIST;
	return false;
}

/* Steps of each range such that a grid has about `points` points. */
static int
steps_of(const RecSpace *s, const RecDimension *d, int64 points)
{
	double		fixed = 1;
	int			open = 0;

	if (d->n > 0)
		return d->n;
	for (int i = 0; i < s->n; i++)
	{
		const RecDimension *other = &s->dimension[i];

		if (other->kind == REC_FIXED)
			continue;
		if (other->n > 0)
			fixed *= other->n;
		else
			open++;
	}
	return Max((int) (pow(points / fixed, 1.0 / Max(open, 1)) + 1e-9), 2);
}

int64
rec_space_grid(const RecSpace *s, int64 points)
{
	double		n = 1;

	for (int i = 0; i < s->n; i++)
		if (s->dimension[i].kind != REC_FIXED)
			n *= steps_of(s, &s->dimension[i], points);
	return n < 1e15 ? (int64) n : (int64) 1e15;
}

void
rec_space_grid_point(const RecSpace *s, int64 points, int64 number, double *point)
{
	for (int i = 0, at = 0; i < s->n; i++)
	{
		const RecDimension *d = &s->dimension[i];
		int			steps,
					k;

		if (d->kind == REC_FIXED)
			continue;
		steps = steps_of(s, d, points);
		k = (int) (number % steps);
		number /= steps;
		point[at++] = d->kind == REC_LIST ? (k + 0.5) / steps : (double) k / (steps - 1);
	}
}

/*
 * Whether there may be something better beyond. Of a list of two values one is always the last, and says nothing; and beyond
 * what the parameter can be there is nothing.
 */
static bool
at_end(const RecDimension *d, double u)
{
	bool		low,
				high;

	if (d->kind == REC_LIST)
	{
		if (!d->ordered || d->n == 2)
			return false;
		low = index_of(d, u) == 0;
		high = index_of(d, u) == d->n - 1;
	}
	else
	{
		low = u < 0.02;
		high = u > 0.98;
	}
	return (low && !rec_params_limit(d->name, d->kind == REC_LIST ? number_of(&d->value[0]) : d->min)) ||
		(high && !rec_params_limit(d->name, d->kind == REC_LIST ? number_of(&d->value[d->n - 1]) : d->max));
}

char *
rec_space_boundary(const RecSpace *s, const double *point)
{
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0, at = 0; i < s->n; i++)
	{
		const RecDimension *d = &s->dimension[i];

		if (d->kind == REC_FIXED)
			continue;
		if (at_end(d, point[at++]))
			appendStringInfo(&names, "%s\"%s\"", names.len ? ", " : "", d->name);
	}
	return names.len ? names.data : NULL;
}
