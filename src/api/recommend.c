/*
 * recommend.c
 *		recommend(), recommend_for() and predict().
 */
#include "api/serve.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "core/score.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

/* Which items an answer may hold. */
typedef struct Allowed
{
	bool	   *mask;			/* per position */
	int			n;				/* how many are true */
} Allowed;

static void
forbid(Allowed *allowed, const int32 *item, int n)
{
	for (int i = 0; i < n; i++)
		if (item[i] >= 0 && allowed->mask[item[i]])
		{
			allowed->mask[item[i]] = false;
			allowed->n--;
		}
}

/* All items, or the candidates, without the excluded ones. */
static Allowed
allowed_by_arguments(const RecCall *call, int candidates_argument, int exclude_argument)
{
	int			n;
	int32	   *item = rec_call_items(call, candidates_argument, &n);
	Allowed		allowed = {.mask = palloc_extended(Max(call->serving->n, 1), MCXT_ALLOC_HUGE)};

	memset(allowed.mask, item == NULL, call->serving->n);
	allowed.n = item == NULL ? call->serving->n : n;
	for (int i = 0; item && i < n; i++)
		allowed.mask[item[i]] = true;
	item = rec_call_items(call, exclude_argument, &n);
	forbid(&allowed, item, n);
	return allowed;
}

/* What the user has had; items of negative net weight are never recommended. */
static void
forbid_history(Allowed *allowed, const RecCall *call, const RecUser *user, bool seen, bool by_type)
{
	for (int i = 0; i < user->n; i++)
		if ((seen && !by_type) || (!call->serving->rule.explicit_feedback && user->net[i] < 0))
			forbid(allowed, &user->item[i], 1);
	if (!seen || !by_type)
		return;
	if (user->live.nof_types >= 0)
		forbid(allowed, user->live.of_types, user->live.nof_types);
	else
		forbid(allowed, user->item, user->n);	/* the types of stored events are not known: all count */
}

static void
put_row(const RecCall *call, int position, float score, int rank, const char *source)
{
	const RecKeys *keys = &call->serving->keys;
	Datum		v[4] = {rec_call_output(call, &keys->kind, rec_keys_datum(keys, position)),
		Float4GetDatum(score), Int32GetDatum(rank), CStringGetTextDatum(source)};
	bool		null[4] = {0};

	tuplestore_putvalues(call->result->setResult, call->result->setDesc, v, null);
}

static void
answer_popular(const RecCall *call, const Allowed *allowed)
{
	const RecServing *s = call->serving;
	int			rank = 0,
				limit = rec_call_limit(call, allowed->n);

	for (int i = 0; i < s->n && rank < limit; i++)
	{
		int			position = s->by_popularity[i];

		if (!allowed->mask[position])
			continue;
		put_row(call, position, s->popularity[position], ++rank, "popular");
	}
}

static void
answer(const RecCall *call, const Allowed *allowed, const RecUser *user)
{
	const RecServing *s = call->serving;
	float		offset;
	RecTopK		top;
	int			limit = rec_call_limit(call, allowed->n);

	if (limit == 0)
		return;
	if (user->source == REC_SOURCE_POPULAR)
	{
		answer_popular(call, allowed);
		return;
	}
	offset = rec_user_offset(s, user);
	rec_topk_init(&top, palloc_extended(limit * sizeof(RecScored), MCXT_ALLOC_HUGE), limit);
	if (limit <= s->n / 16)
		(void) rec_pick(&s->codes, s->items, s->n, s->stride, user->vector, allowed->mask, &top,
						palloc(s->stride));
	else						/* so many that bounds would leave out little */
		rec_topk_scan(&top, rec_call_scores(call, user->vector), allowed->mask, s->n);
	rec_topk_sort(&top);
	for (int r = 0; r < top.n; r++)
		put_row(call, top.entry[r].position, top.entry[r].score + offset, r + 1,
				user->source == REC_SOURCE_FOLDED_IN ? "folded_in" : "personalized");
}

PG_FUNCTION_INFO_V1(rec_recommend);
Datum
rec_recommend(PG_FUNCTION_ARGS)
{
	RecCall		call;
	RecKeyType	user_type;
	RecUser		user;
	Allowed		allowed;
	Datum		key = 0;
	bool		known;
	ArrayType  *types = PG_ARGISNULL(5) ? NULL : PG_GETARG_ARRAYTYPE_P(5);

	rec_call_begin(&call, fcinfo, 3, 8);
	rec_call_user_type(&call, &user_type);
	known = rec_call_key(&call, 1, &user_type, &key);
	rec_user_get(call.model, call.serving, key, user_type.type, known, types, &user);
	allowed = allowed_by_arguments(&call, 6, 7);
	forbid_history(&allowed, &call, &user, PG_ARGISNULL(4) || PG_GETARG_BOOL(4), types != NULL);
	answer(&call, &allowed, &user);
	rec_call_end(&call);
	return (Datum) 0;
}

/* Each item at hand counts as one event; explicit: as a rating one above what is expected of the item. */
static void
fold_in_items(const RecCall *call, int argument, RecUser *user)
{
	const RecServing *s = call->serving;
	int			n;
	int32	   *item = rec_call_items(call, argument, &n);
	float	   *net = palloc(Max(n, 1) * sizeof(float));

	memset(user, 0, sizeof(*user));
	user->live.nof_types = -1;
	for (int i = 0; i < n; i++)
		net[i] = s->rule.explicit_feedback ?
			s->mean + s->items[(Size) item[i] * s->stride + s->params.factors] + 1 : 1;
	rec_user_from_pairs(s, n, item, net, user);
}

PG_FUNCTION_INFO_V1(rec_recommend_for);
Datum
rec_recommend_for(PG_FUNCTION_ARGS)
{
	RecCall		call;
	RecUser		user;
	Allowed		allowed;

	rec_call_begin(&call, fcinfo, 3, 7);
	fold_in_items(&call, 1, &user);
	allowed = allowed_by_arguments(&call, 5, 6);
	forbid_history(&allowed, &call, &user, PG_ARGISNULL(4) || PG_GETARG_BOOL(4), false);
	answer(&call, &allowed, &user);
	rec_call_end(&call);
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(rec_predict);
Datum
rec_predict(PG_FUNCTION_ARGS)
{
	RecCall		call;
	RecKeyType	user_type;
	RecUser		user;
	Datum		user_key = 0,
				item_key;
	bool		known;
	int			position = -1;
	float		score;

	rec_call_begin(&call, fcinfo, -1, 3);
	rec_call_user_type(&call, &user_type);
	known = rec_call_key(&call, 1, &user_type, &user_key);
	if (rec_call_key(&call, 2, &call.serving->keys.kind, &item_key))
		position = rec_keys_find(&call.serving->keys, item_key);
	if (position < 0)
	{
		rec_call_end(&call);
		PG_RETURN_NULL();
	}
	rec_user_get(call.model, call.serving, user_key, user_type.type, known, NULL, &user);
	if (user.source != REC_SOURCE_POPULAR)
	{
		rec_score_rows(call.serving->items + (Size) position * call.serving->stride, 1, call.serving->stride,
					   user.vector, &score);
		score += rec_user_offset(call.serving, &user);
	}
	else if (call.serving->rule.explicit_feedback)	/* of a stranger, the item's own level is expected */
		score = call.serving->mean + call.serving->items[(Size) position * call.serving->stride + call.serving->params.factors];
	else
	{
		rec_call_end(&call);
		PG_RETURN_NULL();
	}
	rec_call_end(&call);
	PG_RETURN_FLOAT4(score);
}
