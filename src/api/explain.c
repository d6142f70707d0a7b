/*
 * explain.c
 *		explain(): what each past item contributes to a score.
 *
 * The score is linear in the targets of the user's observations, so the parts are exact: with A the normal matrix of
 * the user's row and A z = y of the item, observation k gives w_k p_k <y_k, z>. With explicit feedback there is one more
 * part, the mean and the item's bias, which no event of the user explains.
 */
#include "api/serve.h"

#include <math.h>

#include "core/score.h"
#include "model/linear.h"
#include "model/solve.h"
#include "utils/builtins.h"

typedef struct Part
{
	int			position;		/* -1: the baseline */
	float		net;
	double		contribution;
} Part;

static int
compare_parts(const void *a, const void *b)
{
	const Part *x = a,
			   *y = b;

	if (x->contribution != y->contribution)
		return x->contribution > y->contribution ? -1 : 1;
	return (x->position > y->position) - (x->position < y->position);
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
		Datum		v[5];
		bool		null[5] = {0};

		null[0] = null[1] = part[i].position < 0;
		v[0] = null[0] ? (Datum) 0 :
			rec_call_output(call, &keys->kind, rec_keys_datum(keys, part[i].position));
		v[1] = Float4GetDatum(part[i].net);
		v[2] = Float8GetDatum(part[i].contribution);
		null[3] = total == 0;
		v[3] = Float8GetDatum(total == 0 ? 0 : part[i].contribution / total);
		v[4] = Int32GetDatum(i + 1);
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

/* Item weights: value times weight, as the score adds them up. */
static void
explain_weights(const RecCall *call, const RecUser *user, int position)
{
	const RecServing *s = call->serving;
	const RecWeights *w = &s->weights;
	Part	   *part = palloc(Max(user->n, 1) * sizeof(Part));
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
	qsort(part, n, sizeof(Part), compare_parts);
	put_parts(call, part, n);
}

static void
explain_item(const RecCall *call, const RecUser *user, int position)
{
	const RecServing *s = call->serving;
	RecUserRow	row;
	float	   *contribution;
	Part	   *part;
	float		score;
	int			n = 0;
	RecAlsStatus status;

	if (user->score)
	{
		explain_weights(call, user, position);
		return;
	}
	rec_user_row(s, user->n, user->item, user->net, user->prior, &row);
	contribution = palloc(Max(row.n, 1) * sizeof(float));
	part = palloc((row.n + 1) * sizeof(Part));
	status = rec_als_explain(&row.step, row.n, row.column, row.value, s->warm, position, contribution, NULL, row.scratch);
	if (status != REC_ALS_OK)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("the score cannot be explained"),
				 errdetail("%s", rec_als_error(status))));
	for (int i = 0; i < row.n; i++)
		part[n++] = (Part) {row.column[i], net_of(user, row.column[i]), contribution[i]};
	if (s->rule.explicit_feedback)
		part[n++] = (Part) {-1, 0, s->mean + s->items[(Size) position * s->stride + s->params.factors]};
	rec_score_rows(s->items + (Size) position * s->stride, 1, s->stride, user->vector, &score);
	make_exact(part, n, score + rec_user_offset(s, user));
	qsort(part, n, sizeof(Part), compare_parts);
	put_parts(call, part, n);
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
			explain_item(&call, &user, position);
	}
	rec_call_end(&call);
	return (Datum) 0;
}
