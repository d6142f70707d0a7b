/*
 * rank.c
 *		Paging, blending, boosts and diversity. See rank.h.
 *
 * The steps of an answer, each exact: scores of all allowed items (from the factors, or their popularity), what the user
 * takes again blended in, boosts, the cursor, the best k, and last their order by diversity. Without blending and boosts the
 * scores of most items are never computed: see core/pick.h.
 */
#include "api/rank.h"

#include "api/explore.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "core/diversify.h"
#include "core/score.h"
#include "utils/builtins.h"

#define POOL_LEAST	100			/* these: how many of the best a diverse answer is chosen from */
#define POOL_FACTOR	10			/* times k */
#define POOL_MOST	1000

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

/*
 * Moves what the user takes again from its score to the place that its frequency and recency give it, in the unit of the
 * scores: S (1 + r / R), where S is the largest absolute score of an item and R the largest r. So other items keep their
 * scores, and with weight 1 the repeats come first, in the order of buy_again().
 */
static void
blend_repeats(const RecRepeats *r, float weight, float *score, int n)
{
	float		largest = 0;
	double		unit = 0;

	for (int i = 0; i < r->n; i++)
		largest = Max(largest, r->score[i]);
	if (!(largest > 0))
		return;
	for (int i = 0; i < n; i++)
		unit = Max(unit, fabs((double) score[i]));
	if (unit == 0)
		unit = 1;
	for (int i = 0; i < r->n; i++)
		if (r->score[i] > 0)
			score[r->item[i]] = (float) ((1 - (double) weight) * score[r->item[i]] +
										 weight * unit * (1 + (double) r->score[i] / largest));
}

/* Scores of all items with repeats and boosts in them; NULL: there are none, and the scores are those of the factors. */
static float *
adjusted_scores(const RecCall *call, const RecUser *user, const RecRepeats *repeats, const RecRequest *request)
{
	const RecServing *s = call->serving;
	const float *factor = rec_boost_factors(call, request);
	float	   *score;
	float		offset;
	bool		explore = request->explore != REC_EXPLORE_NOT && user->source != REC_SOURCE_POPULAR;

	if (factor == NULL && !explore && (repeats == NULL || repeats->n == 0))
		return NULL;
	if (user->source == REC_SOURCE_POPULAR)
		score = memcpy(palloc_extended(Max(s->n, 1) * sizeof(float), MCXT_ALLOC_HUGE), s->popularity, s->n * sizeof(float));
	else
	{
		score = user->score ? user->score : rec_call_scores(call, user->vector);
		offset = rec_user_offset(s, user);
		for (int i = 0; i < s->n; i++)
			score[i] += offset;
		if (explore)
			rec_explore(call, user, request, score);
	}
	if (repeats)
		blend_repeats(repeats, request->buy_again, score, s->n);
	for (int i = 0; factor && i < s->n; i++)
		score[i] = rec_raised(score[i], factor[i]);
	return score;
}

/* How many of the best allowed items are looked at: k, and those to pass over; more for a diverse choice. */
static int
items_wanted(const RecCall *call, const RecRequest *request, int skip, int available)
{
	int64		wanted = (int64) call->k + skip;

	if (request->diversity > 0)
		wanted = Max(wanted, Min(Max(POOL_FACTOR * wanted, POOL_LEAST), POOL_MOST));
	return (int) Min(wanted, (int64) available);
}

static void
diversify(const RecCall *call, float diversity, RecTopK *top)
{
	const RecServing *s = call->serving;
	int			pool = Min(top->n, POOL_MOST);
	RecDiversify job = {
		.items = s->items, .norm = s->norm, .stride = s->stride, .factors = s->params.factors, .diversity = diversity,
		.row = (float *) TYPEALIGN(64, (uintptr_t) palloc(s->stride * sizeof(float) + 64)),
		.nearest = palloc(Max(pool, 1) * sizeof(float))
	};

	rec_diversify(&job, top->entry, pool, Min(call->k, pool));
}

void
rec_answer(const RecCall *call, RecAllowed *allowed, const RecUser *user, const RecRepeats *repeats,
		   const RecRequest *request)
{
	PageStart	page = page_of(call, request);
	int			before = 0;
	float	   *score;
	float		offset = 0;
	RecTopK		top;

	if (rec_call_limit(call, allowed->n) == 0 || page.skip >= allowed->n)
		return;
	if ((request->diversity > 0 || request->explore != REC_EXPLORE_NOT) && call->serving->weights.start)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s is not to be had with algorithm \"%s\"", request->diversity > 0 ? "diversity" : "explore",
						rec_params_algorithm(&call->serving->params)),
				 errdetail("It needs the factors of the items, and this version has weights between items.")));
	score = adjusted_scores(call, user, repeats, request);
	if (score == NULL && user->source == REC_SOURCE_POPULAR)
	{
		if (request->diversity == 0)
		{
			answer_popular(call, allowed, request, &page);
			return;
		}
		score = call->serving->popularity;
	}
	else if (score == NULL)
	{
		offset = rec_user_offset(call->serving, user);
		score = user->score;	/* NULL: of factors, not computed yet */
	}
	if (page.cursor)
	{
		before = allowed->n;
		if (score == NULL)
			score = rec_call_scores(call, user->vector);
		forbid_up_to_cursor(allowed, &page, score, offset, call->serving->n);
		before -= allowed->n;
	}
	top = best_items(call, allowed, user->vector, score, items_wanted(call, request, page.skip, allowed->n));
	while (request->has_min_score && top.n > 0 && !(top.entry[top.n - 1].score + offset >= request->min_score))
		top.n--;
	if (request->diversity > 0)
		diversify(call, request->diversity, &top);
	for (int r = page.skip; r < Min((int64) top.n, (int64) page.skip + call->k); r++)
		put_row(call, top.entry[r].position, top.entry[r].score + offset, before + r + 1, rec_source_name(user->source));
}
