/*
 * explain.c
 *		explain(): what each past item contributes to a score.
 *
 * The score is linear in the targets of the user's observations, so the parts are exact: with A the normal matrix of
 * the user's row and A z = y of the item, observation k gives w_k p_k <y_k, z>. With explicit feedback there is one more
 * part, the mean and the item's bias, which no event of the user explains. With lambda_r m on the right-hand side, what the
 * user's attributes let expect, each encoded attribute has such a part too. A context multiplies the score, and what that adds is a
 * part of its own.
 */
#include "api/allowed.h"

#include <math.h>

#include "core/score.h"
#include "model/attribute_row.h"
#include "model/linear.h"
#include "model/solve.h"
#include "utils/builtins.h"

typedef struct Part
{
	int			position;		/* -1: an attribute, or the baseline */
	float		net;			/* of an attribute: the encoded value */
	double		contribution;
	char	   *attribute;		/* NULL: none */
} Part;

static int
compare_parts(const void *a, const void *b)
{
	const Part *x = a,
			   *y = b;

	if (x->contribution != y->contribution)
		return x->contribution > y->contribution ? -1 : 1;
	if (x->position != y->position)
		return x->position > y->position ? 1 : -1;
	return x->attribute && y->attribute ? strcmp(x->attribute, y->attribute) : 0;
}

static float
net_of(const RecUser *user, int position)
{
	for (int i = 0; i < user->n; i++)
		if (user->item[i] == position)
			return user->net[i];
	return 0;
}

static void
put_parts(const RecCall *call, const Part *part, int n)
{
	const RecKeys *keys = &call->serving->keys;
	double		total = 0;

	for (int i = 0; i < n; i++)
		total += part[i].contribution;
	for (int i = 0; i < rec_call_limit(call, n); i++)
	{
		Datum		v[6];
		bool		null[6] = {0};

		null[0] = part[i].position < 0;
		null[1] = null[0] && part[i].attribute == NULL;
		v[0] = null[0] ? (Datum) 0 :
			rec_call_output(call, &keys->kind, rec_keys_datum(keys, part[i].position));
		v[1] = Float4GetDatum(part[i].net);
		v[2] = Float8GetDatum(part[i].contribution);
		null[3] = total == 0;
		v[3] = Float8GetDatum(total == 0 ? 0 : part[i].contribution / total);
		v[4] = Int32GetDatum(i + 1);
		null[5] = part[i].attribute == NULL;
		v[5] = part[i].attribute ? CStringGetTextDatum(part[i].attribute) : (Datum) 0;
		tuplestore_putvalues(call->result->setResult, call->result->setDesc, v, null);
	}
}

/* The parts come from another solution than the score, equal but for rounding; the largest part takes that up. */
static void
make_exact(Part *part, int n, float score)
{
	double		rest = score;
	int			largest = 0;

	for (int i = 0; i < n; i++)
	{
		rest -= part[i].contribution;
		if (fabs(part[i].contribution) > fabs(part[largest].contribution))
			largest = i;
	}
	if (n > 0)
		part[largest].contribution += rest;
}

/* Puts out the parts of a score, and with them what the context makes of it; there is room for one part more. */
static void
put_sorted(const RecCall *call, Part *part, int n, float score, float lift)
{
	if (lift != 1 && n > 0)
		part[n++] = (Part) {-1, lift, (double) rec_raised(score, lift) - score, "context"};
	qsort(part, n, sizeof(Part), compare_parts);
	put_parts(call, part, n);
}

/*
 * Appends the parts of encoded attributes: value times <weights of the column, direction>, the bias with a factor of its
 * own. Columns of one attribute and level are one part.
 */
static int
add_attributes(const RecCall *call, RecSide side, const RecEncoded *row, const float *direction, double scale,
			   double bias_scale, Part *part, int n)
{
	const RecServing *s = call->serving;
	const RecAttributes *list = rec_attributes_kept(call->model, s, side);
	int			d = s->params.factors;

	for (int k = 0; list && k < row->n; k++)
	{
		const float *weights = s->map[side] + (Size) row->column[k] * s->stride;
		double		sum = 0;

		for (int i = 0; i < d; i++)
			sum += scale * weights[i] * direction[i];
		if (s->rule.explicit_feedback)
			sum += bias_scale * weights[d] * direction[d];
		part[n++] = (Part) {-1, row->value[k], sum * row->value[k], rec_column_name(list, row->column[k])};
	}
	return n;
}

static double
item_baseline(const RecServing *s, int position)
{
	return s->mean + s->items[(Size) position * s->stride + s->params.factors];
}

/* What is added to y when it is multiplied with the user's factors: where they have their bias. */
static float *
target_of(const RecServing *s, int position)
{
	float	   *y = palloc(s->stride * sizeof(float));

	memcpy(y, s->items + (Size) position * s->stride, s->stride * sizeof(float));
	if (s->rule.explicit_feedback)
		y[s->params.factors] = 1;
	return y;
}

/* Item weights: value times weight, as the score adds them up. */
static void
explain_weights(const RecCall *call, const RecUser *user, int position, float lift)
{
	const RecServing *s = call->serving;
	const RecWeights *w = &s->weights;
	Part	   *part = palloc((user->n + 1) * sizeof(Part));
	int			n = 0;

	for (int k = 0; k < user->n; k++)
	{
		float		value = rec_linear_value(&s->params, s->rule.explicit_feedback, user->net[k]);
		double		contribution = 0;

		if (value == 0)
			continue;
		for (int64 e = w->start[user->item[k]]; e < w->start[user->item[k] + 1]; e++)
			if (w->item[e] == position)
				contribution = (double) value * w->weight[e];
		part[n++] = (Part) {user->item[k], user->net[k], contribution};
	}
	make_exact(part, n, user->score[position]);
	put_sorted(call, part, n, user->score[position], lift);
}

static void
explain_by_user(const RecCall *call, const RecUser *user, int position, float score, float lift)
{
	const RecServing *s = call->serving;
	RecUserRow	row;
	int			columns = user->attributes ? user->attributes->n : 0;
	float	   *contribution,
			   *z = palloc0(s->stride * sizeof(float));
	Part	   *part;
	int			n = 0;
	RecAlsStatus status;

	if (user->score)
	{
		explain_weights(call, user, position, lift);
		return;
	}
	rec_user_row(s, user->n, user->item, user->net, user->prior, &row);
	contribution = palloc(Max(row.n, 1) * sizeof(float));
	part = palloc((row.n + columns + 2) * sizeof(Part));
	status = rec_als_explain(&row.step, row.n, row.column, row.value, s->warm, position, contribution, z, row.scratch);
	if (status != REC_ALS_OK)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("the score cannot be explained"),
				 errdetail("%s", rec_als_error(status))));
	for (int i = 0; i < row.n; i++)
		part[n++] = (Part) {row.column[i], net_of(user, row.column[i]), contribution[i]};
	if (columns > 0 && row.n == 0)
		n = add_attributes(call, REC_USERS, user->attributes, target_of(s, position), 1, 1, part, n);
	else if (columns > 0)
	{
		double		penalty = rec_als_row_penalty(&row.step, row.n, s->warm);

		n = add_attributes(call, REC_USERS, user->attributes, z, penalty, penalty * row.step.bias_penalty, part, n);
	}
	if (s->rule.explicit_feedback)
		part[n++] = (Part) {-1, 0, item_baseline(s, position)};
	make_exact(part, n, score);
	put_sorted(call, part, n, score, lift);
}

/* The item's factors are what its attributes let expect and what its events add to that. */
static void
explain_by_item(const RecCall *call, const RecUser *user, int position, float score, float lift)
{
	const RecServing *s = call->serving;
	RecEncoded	row;
	Part	   *part;
	double		rest = score;
	int			n = 0;

	if (!rec_encoded_stored(call->model, s, REC_ITEMS, rec_keys_datum(&s->keys, position), &row))
		row.n = 0;
	part = palloc((row.n + 3) * sizeof(Part));
	n = add_attributes(call, REC_ITEMS, &row, user->vector, 1, 1, part, n);
	if (s->rule.explicit_feedback)
		part[n++] = (Part) {-1, 0, rec_user_offset(s, user)};
	for (int i = 0; i < n; i++)
		rest -= part[i].contribution;
	if (position < s->warm)
		part[n++] = (Part) {position, s->support[position], rest};
	else
		make_exact(part, n, score);
	put_sorted(call, part, n, score, lift);
}

PG_FUNCTION_INFO_V1(rec_explain);
Datum
rec_explain(PG_FUNCTION_ARGS)
{
	RecCall		call;
	RecKeyType	user_type;
	RecUser		user;
	RecLive		rights;
	Datum		user_key = 0,
				item_key;
	bool		known;
	int			position = -1;
	RecRequest	request;

	rec_request_read(&request, fcinfo, 6, REC_FOR_EXPLAIN);
	rec_call_begin(&call, fcinfo, 3, 5);
	rec_live_rights(call.model, &rights);
	if (rights.gone)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("the events of model \"%s\" are gone", call.model->name),
				 errdetail("An explanation shows events of the user, and %s, or one of its columns, does not exist.",
						   quote_qualified_identifier(call.model->events_schema, call.model->events_relation))));
	if (!rights.readable)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for the events of model \"%s\"", call.model->name),
				 errdetail("An explanation shows events of the user, so it needs SELECT on %s.",
						   quote_qualified_identifier(call.model->events_schema, call.model->events_relation))));
	rec_call_user_type(&call, &user_type);
	known = rec_call_key(&call, 1, &user_type, &user_key);
	if (rec_call_key(&call, 4, &call.serving->keys.kind, &item_key))
		position = rec_keys_find(&call.serving->keys, item_key);
	if (position >= 0)
	{
		rec_user_get(call.model, call.serving, user_key, &user_type, known, NULL, &user);
		if (user.source != REC_SOURCE_POPULAR)
		{
			float		score = 0,
						lift = rec_item_factor(&call, &request, position);

			if (user.score == NULL)
			{
				rec_score_rows(call.serving->items + (Size) position * call.serving->stride, 1, call.serving->stride,
							   user.vector, &score);
				score += rec_user_offset(call.serving, &user);
			}
			if (request.by_item && user.score == NULL)
				explain_by_item(&call, &user, position, score, lift);
			else
			{
				rec_user_describe(call.model, call.serving, &user_type, user_key, &user);
				explain_by_user(&call, &user, position, score, lift);
			}
		}
	}
	rec_call_end(&call);
	return (Datum) 0;
}
