/*
 * params.c
 *		Hyperparameters: one table of keys drives reading, checking and writing.
 *
 * The defaults were chosen by measurement, see docs/defaults.md.
 */
#include "model/params.h"

#include <math.h>

#include "model/catalog.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

typedef enum KeyKind
{
	KEY_INT, KEY_REAL, KEY_CHOICE, KEY_BIGINT
} KeyKind;

typedef struct ParamKey
{
	const char *name;
	KeyKind	kind;
	size_t		offset;
	double		min,
				max;
	bool		above_min;		/* the minimum itself is not allowed */
	const char *choices[4];		/* KEY_CHOICE, in the order of the values */
	int			algorithms;		/* bits of those it belongs to; 0: all */
} ParamKey;

#define ONLY_ALS (1 << REC_ALS)
#define ONLY_KNN (1 << REC_ITEM_KNN)
#define WEIGHTS (1 << REC_EASE | 1 << REC_ITEM_KNN)

/* Item weights: see docs/algorithms.md. */
#define EASE_NEIGHBOURS 2000
#define KNN_NEIGHBOURS 200
#define KNN_SHRINKAGE 10
#define EASE_REGULARIZATION 0.065	/* of the squared sum of a mean user's values */

#define AT(field) offsetof(RecParams, field)

static const ParamKey keys[] = {
	{"algorithm", KEY_CHOICE, AT(algorithm), .choices = {"als", "ease", "item_knn"}},
	{"factors", KEY_INT, AT(factors), 1, 1024, .algorithms = ONLY_ALS},
	{"epochs", KEY_INT, AT(epochs), 1, 1000, .algorithms = ONLY_ALS},
	{"regularization", KEY_REAL, AT(regularization), 0, 1e9, .algorithms = 1 << REC_ALS | 1 << REC_EASE},
	{"bias_regularization", KEY_REAL, AT(bias_regularization), 0, 1e9, .algorithms = ONLY_ALS},
	{"unobserved_weight", KEY_REAL, AT(unobserved_weight), 0, 1e6, true, .algorithms = ONLY_ALS},
	{"frequency_exponent", KEY_REAL, AT(frequency_exponent), 0, 2, .algorithms = ONLY_ALS},
	{"init_scale", KEY_REAL, AT(init_scale), 0, 100, true, .algorithms = ONLY_ALS},
	{"weight_transform", KEY_CHOICE, AT(weight_transform), .choices = {"none", "log1p", "binary"}},
	{"solver", KEY_CHOICE, AT(cholesky), .choices = {"cg", "cholesky"}, .algorithms = ONLY_ALS},
	{"cg_steps", KEY_INT, AT(cg_steps), 1, 50, .algorithms = ONLY_ALS},
	{"holdout", KEY_REAL, AT(holdout), 0, 0.5},
	{"patience", KEY_INT, AT(patience), 0, 1000, .algorithms = ONLY_ALS},
	{"user_attribute_regularization", KEY_REAL, AT(user_attribute_regularization), 0, 1e9, true, .algorithms = ONLY_ALS},
	{"item_attribute_regularization", KEY_REAL, AT(item_attribute_regularization), 0, 1e9, true, .algorithms = ONLY_ALS},
	{"neighbours", KEY_INT, AT(neighbours), 1, 100000, .algorithms = WEIGHTS},
	{"similarity", KEY_CHOICE, AT(similarity), .choices = {"cosine", "pearson", "bm25"}, .algorithms = ONLY_KNN},
	{"shrinkage", KEY_REAL, AT(shrinkage), 0, 1e9, .algorithms = ONLY_KNN},
	{"bm25_k1", KEY_REAL, AT(bm25_k1), 0, 1e6, true, .algorithms = ONLY_KNN},
	{"bm25_b", KEY_REAL, AT(bm25_b), 0, 1, .algorithms = ONLY_KNN},
	{"seed", KEY_BIGINT, AT(seed)}
};

static RecParams
default_weights(RecAlgorithmKind algorithm)
{
	return (RecParams) {
		.algorithm = algorithm, .epochs = 1, .regularization = algorithm == REC_EASE ? NAN : 0, .unobserved_weight = 1,
		.weight_transform = REC_TRANSFORM_BINARY, .holdout = 0.1, .seed = 42,
		.user_attribute_regularization = NAN, .item_attribute_regularization = NAN,
		.neighbours = algorithm == REC_EASE ? EASE_NEIGHBOURS : KNN_NEIGHBOURS, .similarity = REC_SIMILARITY_BM25,
		.shrinkage = KNN_SHRINKAGE, .bm25_k1 = 1.2, .bm25_b = 0.75
	};
}

RecParams
rec_params_default(RecAlgorithmKind algorithm, bool explicit_feedback)
{
	RecParams	p = {
		.factors = 128, .epochs = 16, .regularization = NAN, .bias_regularization = NAN, .unobserved_weight = NAN,
		.frequency_exponent = 0.5,
		.init_scale = 0.1, .weight_transform = REC_TRANSFORM_LOG1P, .cg_steps = 3,
		.holdout = 0.1, .patience = 3,
		.user_attribute_regularization = NAN, .item_attribute_regularization = NAN, .seed = 42
	};

	if (algorithm != REC_ALS)
		return default_weights(algorithm);
	if (explicit_feedback)
	{
		p.factors = 32;
		p.epochs = 8;
		p.unobserved_weight = 1;	/* not used */
		p.weight_transform = REC_TRANSFORM_NONE;
		p.holdout = 0;
	}
	return p;
}

/*
 * Unobserved: all unobserved pairs together weigh UNOBSERVED_RATIO times as much as the positive ones. Regularization:
 * the value that is best for weights of 1, carried over to weights of another unit. See docs/defaults.md.
 */
#define UNOBSERVED_RATIO 20
#define UNIT_REGULARIZATION 0.25
#define RATING_REGULARIZATION 1.25	/* explicit: in units of the ratings' standard deviation */

void
rec_params_resolve(RecParams *p, double sum, int64 n, int users, int items)
{
	double		cells = Max((double) users * items, 1),
				mean = n > 0 ? sum / n : 1,
				ratio;

	if (sum <= 0)
		sum = 1;
	if (p->algorithm == REC_EASE && isnan(p->regularization))
		p->regularization = Max(EASE_REGULARIZATION * pow(sum / Max(users, 1), 2), 0.5 * mean * mean);
	if (p->algorithm != REC_ALS)
		return;
	p->bias_regularization = 0;	/* there are no biases */
	if (isnan(p->unobserved_weight))
		p->unobserved_weight = UNOBSERVED_RATIO * sum / cells;
	if (isnan(p->regularization))
	{
		ratio = p->unobserved_weight * cells / sum;
		p->regularization = UNIT_REGULARIZATION * mean *
			pow((1 + ratio) / (1 + ratio * mean), p->frequency_exponent);
	}
}

/* A regularization that was given counts for the biases too. */
void
rec_params_resolve_explicit(RecParams *p, double deviation)
{
	if (isnan(p->bias_regularization))
		p->bias_regularization = isnan(p->regularization) ? RATING_REGULARIZATION : p->regularization;
	if (isnan(p->regularization))
		p->regularization = RATING_REGULARIZATION * (deviation > 0 ? deviation : 1);
}

const char *
rec_params_algorithm(const RecParams *p)
{
	return keys[0].choices[p->algorithm];
}

float
rec_params_bias_penalty(const RecParams *p)
{
	return p->regularization > 0 && p->bias_regularization >= 0 ?
		(float) (p->bias_regularization / p->regularization) : 1;
}

/* The allowed values in words, for DETAIL */
static char *
range_of(const ParamKey *key)
{
	switch (key->kind)
	{
		case KEY_CHOICE:
			if (key->choices[2] == NULL)
				return psprintf("Allowed are \"%s\" and \"%s\".", key->choices[0], key->choices[1]);
			return psprintf("Allowed are \"%s\", \"%s\" and \"%s\".", key->choices[0], key->choices[1],
							key->choices[2]);
		case KEY_BIGINT:
			return pstrdup("Allowed is any integer of 64 bits.");
		case KEY_INT:
			return psprintf("Allowed is a whole number from %g to %g.", key->min, key->max);
		case KEY_REAL:
			return psprintf("Allowed is a number %s %g to %g.", key->above_min ? "above" : "from", key->min, key->max);
	}
	return NULL;
}

pg_attribute_noreturn() static void
bad_value(const ParamKey *key, const char *given)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid value for parameter \"%s\": %s", key->name, given),
			 errdetail("%s", range_of(key))));
}

static bool
belongs(const ParamKey *key, RecAlgorithmKind algorithm)
{
	return key->algorithms == 0 || (key->algorithms & 1 << algorithm) != 0;
}

/* The keys of an algorithm in words */
static char *
list_of_keys(RecAlgorithmKind algorithm)
{
	StringInfoData s;
	const char *last = NULL;

	initStringInfo(&s);
	for (int i = 0; i < (int) lengthof(keys); i++)
	{
		if (!belongs(&keys[i], algorithm))
			continue;
		if (last)
			appendStringInfo(&s, "%s%s", s.len ? ", " : "", last);
		last = keys[i].name;
	}
	appendStringInfo(&s, " and %s", last);
	return s.data;
}

static const ParamKey *
find_key(const char *name, RecAlgorithmKind algorithm)
{
	const char *names[lengthof(keys)];
	const char *near;
	int			n = 0;

	for (int i = 0; i < (int) lengthof(keys); i++)
	{
		if (strcmp(keys[i].name, name) == 0 && belongs(&keys[i], algorithm))
			return &keys[i];
		if (strcmp(keys[i].name, name) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("parameter \"%s\" does not belong to algorithm \"%s\"", name, keys[0].choices[algorithm]),
					 errdetail("Its parameters are %s.", list_of_keys(algorithm)),
					 errhint("Leave it out; parameters that a model has kept for another algorithm go with rec.alter_model(..., reset => '{params}').")));
		if (belongs(&keys[i], algorithm))
			names[n++] = keys[i].name;
	}
	near = rec_nearest_name(name, names, n);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown parameter \"%s\"", name),
			 errdetail("Parameters are %s.", list_of_keys(algorithm)),
			 near ? errhint("Perhaps you meant \"%s\".", near) : 0));
	return NULL;				/* not reached */
}

static int
choice_of(const ParamKey *key, const JsonbValue *v)
{
	char	   *given;
	const char *near;
	int			n = 0;

	if (v->type != jbvString)
		bad_value(key, "not a string");
	given = pnstrdup(v->val.string.val, v->val.string.len);
	for (; key->choices[n] != NULL; n++)
		if (strcmp(key->choices[n], given) == 0)
			return n;
	near = rec_nearest_name(given, key->choices, n);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid value for parameter \"%s\": \"%s\"", key->name, given),
			 errdetail("%s", range_of(key)),
			 near ? errhint("Perhaps you meant \"%s\".", near) : 0));
	return 0;					/* not reached */
}

/* The key of a name, whatever the algorithm. */
static const ParamKey *
any_key(const char *name)
{
	for (int i = 0; i < (int) lengthof(keys); i++)
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return find_key(name, REC_ALS); /* the error */
}

bool
rec_params_whole(const char *name)
{
	const ParamKey *key = any_key(name);

	return key->kind == KEY_INT || key->kind == KEY_BIGINT;
}

bool
rec_params_limit(const char *name, double value)
{
	const ParamKey *key = any_key(name);

	return (key->kind == KEY_INT || key->kind == KEY_REAL) && (value == key->min || value == key->max);
}

static void
set_choice(RecParams *params, const ParamKey *key, const JsonbValue *v)
{
	char	   *at = (char *) params + key->offset;

	if (key->offset == AT(cholesky))
		params->cholesky = choice_of(key, v) == 1;
	else
		*(int *) at = choice_of(key, v);	/* an enum */
}

static void
set_number(RecParams *params, const ParamKey *key, const JsonbValue *v)
{
	char	   *at = (char *) params + key->offset;
	Datum		number;
	char	   *given;
	double		value;

	if (v->type != jbvNumeric)
		bad_value(key, "not a number");
	number = NumericGetDatum(v->val.numeric);
	given = DatumGetCString(DirectFunctionCall1(numeric_out, number));
	value = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, number));
	if (key->kind == KEY_BIGINT)
	{
		/* the text, because a double would round the largest numbers; "5.0" is whole too */
		errno = 0;
		*(int64 *) at = strtoll(given, NULL, 10);
		if (errno != 0 || value != floor(value))
			bad_value(key, given);
		return;
	}
	if (!(value >= key->min && value <= key->max) || (key->above_min && value <= key->min) ||
		(key->kind == KEY_INT && value != floor(value)))
		bad_value(key, given);
	if (key->kind == KEY_INT)
		*(int *) at = (int) value;
	else
		*(double *) at = value;
}

static size_t
key_width(const ParamKey *key)
{
	switch (key->kind)
	{
		case KEY_REAL:
			return sizeof(double);
		case KEY_BIGINT:
			return sizeof(int64);
		case KEY_CHOICE:
			return key->offset == AT(cholesky) ? sizeof(bool) : sizeof(int);
		case KEY_INT:
			break;
	}
	return sizeof(int);
}

RecAlgorithmKind
rec_params_algorithm_in(const Jsonb *json, RecAlgorithmKind otherwise)
{
	const ParamKey *key = &keys[0];
	JsonbValue *v = getKeyJsonValueFromContainer(unconstify(JsonbContainer *, &json->root), key->name,
												 strlen(key->name), NULL);

	return v && v->type == jbvString ? (RecAlgorithmKind) choice_of(key, v) : otherwise;
}

/* Another algorithm starts from its own defaults. */
static void
switch_algorithm(RecParams *params, RecAlgorithmKind algorithm, bool explicit_feedback)
{
	RecParams	former = *params;

	if (algorithm == former.algorithm)
		return;
	*params = rec_params_default(algorithm, explicit_feedback);
	params->seed = former.seed;
	params->holdout = former.holdout;
}

void
rec_params_read(RecParams *params, const Jsonb *json, bool explicit_feedback)
{
	RecParams	defaults;
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	v;

	if (json == NULL)
		return;
	if (!JB_ROOT_IS_OBJECT(json))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("params must be a JSON object"),
				 errhint("Write for example '{\"factors\": 64, \"epochs\": 10}'.")));
	switch_algorithm(params, rec_params_algorithm_in(json, params->algorithm), explicit_feedback);
	if (params->algorithm != REC_ALS && explicit_feedback)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("algorithm \"%s\" does not predict ratings", rec_params_algorithm(params)),
				 errdetail("It learns from which items users have, and explicit feedback says how much they like them."),
				 errhint("Use feedback => 'implicit', perhaps over a view of the good ratings, or the algorithm \"als\".")));
	defaults = rec_params_default(params->algorithm, explicit_feedback);
	it = JsonbIteratorInit(unconstify(JsonbContainer *, &json->root));
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		const ParamKey *key;

		if (token != WJB_KEY)
			continue;
		key = find_key(pnstrdup(v.val.string.val, v.val.string.len), params->algorithm);
		(void) JsonbIteratorNext(&it, &v, true);
		if (key == &keys[0] && (v.type == jbvString || v.type == jbvNull))
			continue;			/* done before */
		if (v.type == jbvNull)
			memcpy((char *) params + key->offset, (const char *) &defaults + key->offset, key_width(key));
		else if (key->kind == KEY_CHOICE)
			set_choice(params, key, &v);
		else
			set_number(params, key, &v);
	}
}

Jsonb *
rec_params_write(const RecParams *params)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < (int) lengthof(keys); i++)
	{
		const ParamKey *key = &keys[i];
		const char *at = (const char *) params + key->offset;
		JsonbValue	k = {.type = jbvString, .val.string = {strlen(key->name), unconstify(char *, key->name)}};
		JsonbValue	v = {.type = jbvNumeric};

		if (!belongs(key, params->algorithm))
			continue;
		if (key->kind == KEY_CHOICE)
		{
			int			choice = key->offset == AT(cholesky) ? params->cholesky : *(const int *) at;

			v.type = jbvString;
			v.val.string.val = unconstify(char *, key->choices[choice]);
			v.val.string.len = strlen(key->choices[choice]);
		}
		else if (key->kind == KEY_REAL && isnan(*(const double *) at))
			v.type = jbvNull;	/* of a model without attributes */
		else if (key->kind == KEY_REAL)
			v.val.numeric = DatumGetNumeric(DirectFunctionCall1(float8_numeric, Float8GetDatum(*(const double *) at)));
		else
			v.val.numeric = int64_to_numeric(key->kind == KEY_INT ? *(const int *) at : *(const int64 *) at);
		pushJsonbValue(&state, WJB_KEY, &k);
		pushJsonbValue(&state, WJB_VALUE, &v);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

/* log(1 + net); counts and sums of whole weights are mostly small numbers, which a table answers ten times as fast. */
static float
log_weight(double net)
{
	static float table[1024];

	if (net < lengthof(table) && net == (int) net)
	{
		int			i = (int) net;

		if (table[i] == 0 && i > 0)
			table[i] = (float) log1p(net);
		return table[i];
	}
	return (float) log1p(net);
}

float
rec_transform(RecTransform transform, double net)
{
	switch (transform)
	{
		case REC_TRANSFORM_LOG1P:
			return net < 0 ? -log_weight(-net) : log_weight(net);
		case REC_TRANSFORM_BINARY:
			return net < 0 ? -1 : net > 0;
		case REC_TRANSFORM_NONE:
			break;
	}
	return (float) net;
}
