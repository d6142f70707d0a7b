/*
 * recommend.c
 *		recommend(), recommend_for() and predict().
 */
#include "api/allowed.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "core/score.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

/* What the user has had; items of negative net weight are never recommended. */
static void
forbid_history(RecAllowed *allowed, const RecCall *call, const RecUser *user, bool seen, bool by_type)
{
	for (int i = 0; i < user->n; i++)
		if ((seen && !by_type) || (!call->serving->rule.explicit_feedback && user->net[i] < 0))
			rec_forbid(allowed, &user->item[i], 1);
	if (!seen || !by_type)
		return;
	if (user->live.nof_types >= 0)
		rec_forbid(allowed, user->live.of_types, user->live.nof_types);
	else
		rec_forbid(allowed, user->item, user->n);	/* the types of stored events are not known: all count */
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

/* Where the page begins that is asked for. */
typedef struct PageStart
{
	int			skip;			/* allowed items that come before it */
	bool		cursor;
	float		score;			/* of the cursor: as it was returned */
	int			position;		/* -1: the version does not know the item */
} PageStart;

static PageStart
page_of(const RecCall *call, const RecRequest *request)
{
	PageStart	page = {.skip = request->after_rank, .cursor = request->has_cursor, .score = request->cursor_score,
	.position = -1};
	Datum		key;

	if (page.cursor && rec_key_coerce(&call->serving->keys.kind, CStringGetTextDatum(request->cursor_item), TEXTOID, &key))
		page.position = rec_keys_find(&call->serving->keys, key);
	return page;
}

/* Whether a row of the given score stands before the cursor, or is its row. Equal scores go by position. */
static bool
up_to_cursor(const PageStart *page, float score, int position)
{
	return score > page->score || (score == page->score && position <= page->position);
}

static void
answer_popular(const RecCall *call, const RecAllowed *allowed, const RecRequest *request, const PageStart *page)
{
	const RecServing *s = call->serving;
	int			rank = 0,
				rows = 0,
				limit = rec_call_limit(call, allowed->n);

	for (int i = 0; i < s->n && rows < limit; i++)
	{
		int			position = s->by_popularity[i];
		float		score = s->popularity[position];

		if (!allowed->mask[position])
			continue;
		if (++rank <= page->skip || (page->cursor && up_to_cursor(page, score, position)))
			continue;
		if (request->has_min_score && !(score >= request->min_score))
			break;
		put_row(call, position, score, rank, "popular");
		rows++;
	}
}

/*
 * Takes out what stands up to the cursor. Where the cursor's item still has the score that was returned, its exact place
 * is known: adding the offset may have made equal what was not.
 */
static void
forbid_up_to_cursor(RecAllowed *allowed, const PageStart *page, const float *score, float offset, int n)
{
	bool		exact = page->position >= 0 && score[page->position] + offset == page->score;
	RecScored	at = {exact ? score[page->position] : 0, page->position};

	for (int32 i = 0; i < n; i++)
	{
		RecScored	s = {score[i], i};

		if (exact ? !rec_scored_before(at, s) : up_to_cursor(page, score[i] + offset, i))
			rec_forbid(allowed, &i, 1);
	}
}

/* The best `limit` allowed items, best first. */
static RecTopK
best_items(const RecCall *call, const RecAllowed *allowed, const float *vector, const float *score, int limit)
{
	const RecServing *s = call->serving;
	RecTopK		top;

	rec_topk_init(&top, palloc_extended(Max(limit, 1) * sizeof(RecScored), MCXT_ALLOC_HUGE), limit);
	if (score == NULL && limit <= s->n / 16)
		(void) rec_pick(&s->codes, s->items, s->n, s->stride, vector, allowed->mask, &top, palloc(s->stride));
	else						/* so many that bounds would leave out little */
		rec_topk_scan(&top, score ? score : rec_call_scores(call, vector), allowed->mask, s->n);
	rec_topk_sort(&top);
	return top;
}

static void
answer(const RecCall *call, RecAllowed *allowed, const RecUser *user, const RecRequest *request)
{
	PageStart	page = page_of(call, request);
	int			before = 0;
	float	   *score = NULL;
	float		offset;
	RecTopK		top;

	if (rec_call_limit(call, allowed->n) == 0 || page.skip >= allowed->n)
		return;
	if (user->source == REC_SOURCE_POPULAR)
	{
		answer_popular(call, allowed, request, &page);
		return;
	}
	offset = rec_user_offset(call->serving, user);
	if (page.cursor)
	{
		before = allowed->n;
		score = rec_call_scores(call, user->vector);
		forbid_up_to_cursor(allowed, &page, score, offset, call->serving->n);
		before -= allowed->n;
	}
	top = best_items(call, allowed, user->vector, score,
					 (int) Min((int64) call->k + page.skip, (int64) allowed->n));
	for (int r = page.skip; r < top.n; r++)
	{
		if (request->has_min_score && !(top.entry[r].score + offset >= request->min_score))
			break;
		put_row(call, top.entry[r].position, top.entry[r].score + offset, before + r + 1,
				rec_source_name(user->source));
	}
}

PG_FUNCTION_INFO_V1(rec_recommend);
Datum
rec_recommend(PG_FUNCTION_ARGS)
{
	RecCall		call;
	RecKeyType	user_type;
	RecUser		user;
	RecAllowed	allowed;
	RecRequest	request;
	Datum		key = 0;
	bool		known;
	ArrayType  *types = PG_ARGISNULL(5) ? NULL : PG_GETARG_ARRAYTYPE_P(5);

	rec_request_read(&request, fcinfo, 9);
	rec_call_begin(&call, fcinfo, 3, 8);
	rec_call_user_type(&call, &user_type);
	known = rec_call_key(&call, 1, &user_type, &key);
	rec_user_get(call.model, call.serving, key, &user_type, known, types, &user);
	allowed = rec_allowed_by_arguments(&call, 6, 7);
	rec_allow_filtered(&allowed, &call, &request);
	forbid_history(&allowed, &call, &user, PG_ARGISNULL(4) || PG_GETARG_BOOL(4), types != NULL);
	answer(&call, &allowed, &user, &request);
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
	RecAllowed	allowed;
	RecRequest	request;

	rec_request_read(&request, fcinfo, 8);
	rec_call_begin(&call, fcinfo, 3, 7);
	fold_in_items(&call, 1, &user);
	allowed = rec_allowed_by_arguments(&call, 5, 6);
	rec_allow_filtered(&allowed, &call, &request);
	forbid_history(&allowed, &call, &user, PG_ARGISNULL(4) || PG_GETARG_BOOL(4), false);
	answer(&call, &allowed, &user, &request);
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
	rec_user_get(call.model, call.serving, user_key, &user_type, known, NULL, &user);
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
