/*
 * judge_many.c
 *		Judging factors: users are ranked by the code and the workers of recommend_many(). See judge.h.
 */
#include "model/judge.h"

#include <math.h>

#include "model/many.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "utils/memutils.h"

#define WORTH_COPY 1e9			/* products below which workers, who need the items in shared memory, cost more than they give */

typedef struct Many
{
	RecJudge   *judge;
	RecRecommender *by;
	RecRecommender *popular;
	const RecManyJob *job;
	int			next;			/* user to read */
	int			written;		/* user to write */
} Many;

static void
read_users(void *state, const RecManyBlock *block)
{
	Many	   *m = state;
	const RecJudge *j = m->judge;
	int			items = 0;

	for (; *block->nusers < m->job->users_room && m->next < j->test->n; m->next++)
	{
		RecUserPairs user = rec_judge_user(j, m->next);
		RecManyUser *entry = &block->user[*block->nusers];
		float	   *vector = block->vector + (Size) *block->nusers * m->by->solution->stride;

		if (items + user.n > m->job->item_room)
			break;
		*entry = (RecManyUser) {.source = REC_SOURCE_POPULAR, .first = items};
		for (int i = 0; i < user.n; i++)
			if (rec_judge_excludes(j, &user.pair[i]))
				block->item[items + entry->n++] = user.pair[i].item;
		items += entry->n;
		if (m->by->vector(m->by, &user, vector))
			entry->source = REC_SOURCE_PERSONALIZED;
		++*block->nusers;
	}
}

static void
write_users(void *state, const RecManyBlock *block)
{
	Many	   *m = state;

	for (int u = 0; u < *block->nusers; u++, m->written++)
		rec_judge_list(m->judge, m->written, block->result + (Size) u * m->job->limit, block->user[u].found, m->by,
					   m->popular);
}

static float *
aligned_floats(Size count)
{
	return (float *) TYPEALIGN(64, (uintptr_t) palloc_extended(add_size(mul_size(count, sizeof(float)), 64),
															   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO));
}

/* The items as recommend_many() knows them; only what it needs to score. */
static RecServing *
serving_of(const RecJudge *j, const RecRecommender *by, RecRecommender *popular)
{
	RecServing *s = palloc0(sizeof(RecServing));
	Size		n = Max(by->nitems, 1),
				padded = Max(rec_codes_padded(n), 1);

	s->rule = j->rule;
	s->stride = by->solution->stride;
	s->n = by->nitems;
	s->items = unconstify(float *, by->items);
	s->keys.kind = j->train->items.kind;
	s->popularity = palloc_extended(n * sizeof(float), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	(void) popular->score(popular, NULL, s->popularity);
	s->by_popularity = rec_popular_order(s->popularity, s->n, CurrentMemoryContext);
	s->codes.code = (uint8 *) aligned_floats(rec_codes_bytes(n, s->stride) / sizeof(float));
	s->codes.scale = aligned_floats(padded);
	s->codes.error = aligned_floats(padded);
	s->codes.length = aligned_floats(padded);
	rec_codes_build(&s->codes, s->items, s->n, s->stride);
	s->context = CurrentMemoryContext;
	return s;
}

void
rec_judge_run_factors(RecJudge *j, RecRecommender *by, RecRecommender *popular)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_recommend ranking", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	RecServing *serving = serving_of(j, by, popular);
	bool		worth = max_parallel_workers_per_gather > 0 && (double) j->test->n * serving->n * serving->stride > WORTH_COPY;
	RecServing *shared = worth ? rec_shared_copy(serving) : NULL;
	bool	   *allowed = palloc_extended(Max(serving->n, 1), MCXT_ALLOC_HUGE);
	Many		m = {.judge = j, .by = by, .popular = popular};
	RecManyJob	job = {
		.serving = shared ? shared : serving, .allowed = allowed, .limit = Min(j->most, serving->n), .users = j->test->n,
		.read = read_users, .write = write_users, .state = &m
	};

	memset(allowed, true, serving->n);
	m.job = &job;
	rec_many_plan(&job);
	rec_many_run(&job);
	if (shared)
		dsm_detach(shared->segment);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}
