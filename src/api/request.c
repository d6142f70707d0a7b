/*
 * request.c
 *		Reading the options of a request. See request.h.
 */
#include "api/request.h"

#include <math.h>

#include "model/catalog.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/numeric.h"

static const char *const options[] = {"min_score", "after", "filter", "filter_args", "item_set"};
static const char *const cursor_keys[] = {"score", "item"};

pg_attribute_noreturn() static void
unknown_key(const char *what, const char *key, const char *const *names, int n)
{
	const char *near = rec_nearest_name(key, names, n);

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown %s \"%s\"", what, key),
			 near ? errhint("Perhaps you meant \"%s\".", near) : 0));
}

pg_attribute_noreturn() static void
bad_cursor(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid value for after"),
			 errdetail("It is a rank, an integer from 0, or the last row of the page before, as {\"score\": s, \"item\": \"id\"}.")));
}

/* Text of a string or number, NULL of anything else. */
static char *
scalar_text(const JsonbValue *v)
{
	if (v->type == jbvString)
		return pnstrdup(v->val.string.val, v->val.string.len);
	if (v->type == jbvNumeric)
		return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(v->val.numeric)));
	return NULL;
}

static char *
text_option(const char *name, const JsonbValue *v)
{
	if (v->type != jbvString)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s must be a string", name)));
	return pnstrdup(v->val.string.val, v->val.string.len);
}

/* A real number; infinities come as strings, for JSON has none. */
static bool
read_real(const JsonbValue *v, float *value)
{
	char	   *text = scalar_text(v);

	if (text == NULL)
		return false;
	*value = DatumGetFloat4(DirectFunctionCall1(float4in, CStringGetDatum(text)));
	return !isnan(*value);
}

static int
read_rank(Numeric number)
{
	Datum		whole = DirectFunctionCall2(numeric_trunc, NumericGetDatum(number), Int32GetDatum(0));

	if (numeric_is_nan(number) || numeric_is_inf(number) ||
		!DatumGetBool(DirectFunctionCall2(numeric_eq, whole, NumericGetDatum(number))) ||
		DatumGetBool(DirectFunctionCall2(numeric_lt, whole, DirectFunctionCall1(int4_numeric, Int32GetDatum(0)))))
		bad_cursor();
	/* no answer has more rows than an int counts */
	if (DatumGetBool(DirectFunctionCall2(numeric_gt, whole, DirectFunctionCall1(int4_numeric, Int32GetDatum(PG_INT32_MAX)))))
		return PG_INT32_MAX;
	return DatumGetInt32(DirectFunctionCall1(numeric_int4, whole));
}

static void
read_cursor(RecRequest *r, JsonbContainer *json)
{
	JsonbIterator *it = JsonbIteratorInit(json);
	JsonbIteratorToken token;
	JsonbValue	v;
	char	   *key = NULL;
	bool		score = false;

	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token == WJB_BEGIN_ARRAY)
			bad_cursor();
		if (token == WJB_KEY)
			key = pnstrdup(v.val.string.val, v.val.string.len);
		if (token != WJB_VALUE)
			continue;
		if (strcmp(key, "score") == 0)
			score = read_real(&v, &r->cursor_score);
		else if (strcmp(key, "item") == 0)
			r->cursor_item = scalar_text(&v);
		else
			unknown_key("key of after", key, cursor_keys, lengthof(cursor_keys));
	}
	if (!score || r->cursor_item == NULL)
		bad_cursor();
	r->has_cursor = true;
}

static void
read_option(RecRequest *r, const char *key, JsonbValue *v)
{
	if (strcmp(key, "min_score") == 0)
	{
		if (!read_real(v, &r->min_score))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("min_score must be a number")));
		r->has_min_score = true;
	}
	else if (strcmp(key, "after") == 0)
	{
		if (v->type == jbvNumeric)
			r->after_rank = read_rank(v->val.numeric);
		else if (v->type == jbvBinary)
			read_cursor(r, v->val.binary.data);
		else
			bad_cursor();
	}
	else if (strcmp(key, "filter") == 0)
		r->filter = text_option(key, v);
	else if (strcmp(key, "filter_args") == 0)
		r->filter_args = JsonbValueToJsonb(v);
	else if (strcmp(key, "item_set") == 0)
		r->item_set = text_option(key, v);
	else
		unknown_key("option", key, options, lengthof(options));
}

void
rec_request_read(RecRequest *r, FunctionCallInfo fcinfo, int i)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	v;
	Jsonb	   *json;
	char	   *key = NULL;
	bool		known;

	memset(r, 0, sizeof(*r));
	if (PG_ARGISNULL(i))
		return;
	json = PG_GETARG_JSONB_P(i);
	if (!JB_ROOT_IS_OBJECT(json))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("options must be a JSON object")));
	it = JsonbIteratorInit(&json->root);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			key = pnstrdup(v.val.string.val, v.val.string.len);
		if (token != WJB_VALUE)
			continue;
		if (v.type != jbvNull)
		{
			read_option(r, key, &v);
			continue;
		}
		known = false;
		for (int k = 0; k < (int) lengthof(options); k++)
			known = known || strcmp(key, options[k]) == 0;
		if (!known)
			unknown_key("option", key, options, lengthof(options));
	}
	if (r->filter_args && !r->filter)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("filter_args needs a filter")));
}
