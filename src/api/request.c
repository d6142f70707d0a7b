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
read_min_score(RecRequest *r, const char *name, JsonbValue *v)
{
	if (!read_real(v, &r->min_score))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("min_score must be a number")));
	r->has_min_score = true;
}

static void
read_after(RecRequest *r, const char *name, JsonbValue *v)
{
	if (v->type == jbvNumeric)
		r->after_rank = read_rank(v->val.numeric);
	else if (v->type == jbvBinary)
		read_cursor(r, v->val.binary.data);
	else
		bad_cursor();
}

static void
read_filter(RecRequest *r, const char *name, JsonbValue *v)
{
	r->filter = text_option(name, v);
}

static void
read_filter_args(RecRequest *r, const char *name, JsonbValue *v)
{
	r->filter_args = JsonbValueToJsonb(v);
}

static void
read_item_set(RecRequest *r, const char *name, JsonbValue *v)
{
	r->item_set = text_option(name, v);
}

static void
read_boost(RecRequest *r, const char *name, JsonbValue *v)
{
	r->boost = JsonbValueToJsonb(v);
}

static void
read_context(RecRequest *r, const char *name, JsonbValue *v)
{
	r->context = JsonbValueToJsonb(v);
}

static void
read_side(RecRequest *r, const char *name, JsonbValue *v)
{
	char	   *side = v->type == jbvString ? pnstrdup(v->val.string.val, v->val.string.len) : "";

	if (strcmp(side, "user") != 0 && strcmp(side, "item") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for side: \"%s\"", side),
				 errdetail("Allowed are \"user\" and \"item\".")));
	r->by_item = strcmp(side, "item") == 0;
}

/* A number from 0 to 1. */
static float
read_share(const char *name, JsonbValue *v)
{
	float		value;

	if (!read_real(v, &value) || !(value >= 0 && value <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be a number from 0 to 1", name)));
	return value;
}

static void
read_diversity(RecRequest *r, const char *name, JsonbValue *v)
{
	r->diversity = read_share(name, v);
}

static void
read_buy_again(RecRequest *r, const char *name, JsonbValue *v)
{
	r->buy_again = read_share(name, v);
}

static void
read_experiment(RecRequest *r, const char *name, JsonbValue *v)
{
	r->experiment = text_option(name, v);
}

static void
read_placement(RecRequest *r, const char *name, JsonbValue *v)
{
	r->placement = text_option(name, v);
}

static void
read_attributes(RecRequest *r, const char *name, JsonbValue *v)
{
	r->attributes = JsonbValueToJsonb(v);
}

static void
read_explore(RecRequest *r, const char *name, JsonbValue *v)
{
	char	   *given = text_option(name, v);

	if (strcmp(given, "ucb") == 0)
		r->explore = REC_EXPLORE_UCB;
	else if (strcmp(given, "thompson") == 0)
		r->explore = REC_EXPLORE_THOMPSON;
	else
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for explore: \"%s\"", given),
				 errdetail("Allowed are \"ucb\" and \"thompson\"; null: do not explore.")));
}

/* A number from 0 to 1000. */
static float
read_spread(RecRequest *r, const char *name, JsonbValue *v)
{
	float		value;

	if (!read_real(v, &value) || !(value >= 0 && value <= 1000))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s must be a number from 0 to 1000", name)));
	r->has_spread = true;
	return value;
}

static void
read_beta(RecRequest *r, const char *name, JsonbValue *v)
{
	r->beta = read_spread(r, name, v);
}

static void
read_sigma(RecRequest *r, const char *name, JsonbValue *v)
{
	r->sigma = read_spread(r, name, v);
}

static void
read_seed(RecRequest *r, const char *name, JsonbValue *v)
{
	if (v->type != jbvNumeric)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("seed must be a whole number")));
	r->seed = DatumGetInt64(DirectFunctionCall1(numeric_int8, NumericGetDatum(v->val.numeric)));
	r->has_spread = true;
}

/* Every option: how it is read, and which functions take it. */
static const struct
{
	const char *name;
	void		(*read) (RecRequest *request, const char *name, JsonbValue *value);
	int			functions;
}			options[] = {
	{"min_score", read_min_score, REC_FOR_USER | REC_FOR_SERVE | REC_FOR_BASKET | REC_FOR_MANY},
	{"after", read_after, REC_FOR_USER | REC_FOR_SERVE | REC_FOR_BASKET},
	{"filter", read_filter, REC_FOR_USER | REC_FOR_SERVE | REC_FOR_BASKET | REC_FOR_MANY | REC_FOR_BUY_AGAIN},
	{"filter_args", read_filter_args, REC_FOR_USER | REC_FOR_SERVE | REC_FOR_BASKET | REC_FOR_MANY | REC_FOR_BUY_AGAIN},
	{"item_set", read_item_set, REC_FOR_USER | REC_FOR_SERVE | REC_FOR_BASKET | REC_FOR_MANY | REC_FOR_BUY_AGAIN},
	{"boost", read_boost, REC_FOR_USER | REC_FOR_SERVE | REC_FOR_BASKET},
	{"context", read_context, REC_FOR_USER | REC_FOR_SERVE | REC_FOR_BASKET | REC_FOR_MANY | REC_FOR_PREDICT | REC_FOR_EXPLAIN},
	{"side", read_side, REC_FOR_EXPLAIN},
	{"diversity", read_diversity, REC_FOR_USER | REC_FOR_SERVE | REC_FOR_BASKET},
	{"buy_again", read_buy_again, REC_FOR_USER | REC_FOR_SERVE},
	{"experiment", read_experiment, REC_FOR_USER | REC_FOR_SERVE},
	{"placement", read_placement, REC_FOR_SERVE},
	{"attributes", read_attributes, REC_FOR_BASKET},
	{"explore", read_explore, REC_FOR_USER | REC_FOR_SERVE | REC_FOR_BASKET},
	{"beta", read_beta, REC_FOR_USER | REC_FOR_SERVE | REC_FOR_BASKET},
	{"sigma", read_sigma, REC_FOR_USER | REC_FOR_SERVE | REC_FOR_BASKET},
	{"seed", read_seed, REC_FOR_USER | REC_FOR_SERVE | REC_FOR_BASKET},
};

static int
find_option(const char *key, RecRequestFor function)
{
	const char *names[lengthof(options)];
	int			n = 0;

	for (int i = 0; i < (int) lengthof(options); i++)
	{
		if ((options[i].functions & function) == 0)
			continue;
		if (strcmp(key, options[i].name) == 0)
			return i;
		names[n++] = options[i].name;
	}
	unknown_key("option", key, names, n);
}

static void
check_together(const RecRequest *r)
{
	if (r->filter_args && !r->filter)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("filter_args needs a filter")));
	if (r->has_spread && r->explore == REC_EXPLORE_NOT)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("beta, sigma and seed need explore"),
				 errhint("Give explore => 'ucb' or explore => 'thompson'.")));
	if (r->diversity > 0 && (r->after_rank > 0 || r->has_cursor))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("diversity and after cannot be combined"),
				 errdetail("A diverse answer is not ordered by score, so there is no place in it that a next page could begin at."),
				 errhint("Ask once for as many rows as all pages have, or page without diversity.")));
}

void
rec_request_read(RecRequest *r, FunctionCallInfo fcinfo, int i, RecRequestFor function)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	v;
	Jsonb	   *json;
	int			option = 0;

	memset(r, 0, sizeof(*r));
	/* what costs at most a few percent of ndcg, see docs/cold_start.md */
	r->beta = 1;
	r->sigma = 0.5f;
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
			option = find_option(pnstrdup(v.val.string.val, v.val.string.len), function);
		if (token == WJB_VALUE && v.type != jbvNull)
			options[option].read(r, options[option].name, &v);
	}
	check_together(r);
}
