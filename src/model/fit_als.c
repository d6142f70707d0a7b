/*
 * fit_als.c
 *		Factors as a recommender: trained here, or given. See recommender.h.
 */
#include "model/algorithms.h"

#include <math.h>

#include "core/score.h"
#include "miscadmin.h"

#define SCORE_SLICE 100000		/* items between two looks at interrupts */

typedef struct Factors
{
	RecRecommender base;
	RecSolution *solution;		/* to release; NULL: the caller's */
	int			factors;
	bool		explicit_feedback;
	float	   *vector;			/* stride floats, aligned */
} Factors;

static bool
anything_positive(const RecUserPairs *user, bool explicit_feedback)
{
	for (int i = 0; i < user->n; i++)
		if (explicit_feedback || user->pair[i].net > 0)
			return true;
	return false;
}

static bool
factors_score(RecRecommender *self, const RecUserPairs *user, float *score)
{
	Factors    *f = (Factors *) self;
	const RecSolution *s = self->solution;
	const float *row;

	/* of a user without positive pairs the attributes speak */
	if (user->user < 0 || (s->map[REC_USERS] == NULL && !anything_positive(user, f->explicit_feedback)))
		return false;
	row = s->users + (Size) user->user * s->stride;
	memcpy(f->vector, row, s->stride * sizeof(float));
	if (f->explicit_feedback)
		f->vector[f->factors] = 1;
	for (int i = 0; i < self->nitems; i += SCORE_SLICE)
	{
		CHECK_FOR_INTERRUPTS();
		rec_score_rows(s->items + (Size) i * s->stride, Min(SCORE_SLICE, self->nitems - i), s->stride, f->vector,
					   score + i);
	}
	if (f->explicit_feedback)
		for (int i = 0; i < self->nitems; i++)
			score[i] += s->mean + row[f->factors];
	return true;
}

static float
factors_rate(RecRecommender *self, const RecUserPairs *user, int32 item)
{
	Factors    *f = (Factors *) self;
	const RecSolution *s = self->solution;
	const float *row = s->items + (Size) item * s->stride;
	float		score = 0;

	if (user->user < 0)
		return s->mean + row[f->factors];
	memcpy(f->vector, s->users + (Size) user->user * s->stride, s->stride * sizeof(float));
	f->vector[f->factors] = 1;
	rec_score_rows(row, 1, s->stride, f->vector, &score);
	return score + s->mean + s->users[(Size) user->user * s->stride + f->factors];
}

static void
factors_release(RecRecommender *self)
{
	Factors    *f = (Factors *) self;

	if (f->solution)
		rec_solve_release(f->solution);
}

RecRecommender *
rec_recommender_of_factors(const RecSolution *solution, const RecPairs *pairs, const RecParams *params,
						   const RecSumRule *rule)
{
	Factors    *f = palloc0(sizeof(Factors));

	f->base.name = "als";
	f->base.nitems = pairs->items.n;
	f->base.memory = solution->memory;
	f->base.score = factors_score;
	f->base.rate = rule->explicit_feedback ? factors_rate : NULL;
	f->base.solution = solution;
	f->base.release = factors_release;
	f->factors = params->factors;
	f->explicit_feedback = rule->explicit_feedback;
	f->vector = (float *) TYPEALIGN(64, (uintptr_t) palloc0(solution->stride * sizeof(float) + 64));
	return &f->base;
}

RecRecommender *
rec_fit_als(const RecFitInput *in)
{
	static const RecWatch quiet = {.metric = REC_NDCG, .k = REC_METRIC_K};
	RecHoldout	own;
	RecSolution *solution;
	RecRecommender *r;

	if (in->without == NULL)
		rec_holdout_choose(&own, in->pairs, in->params, in->rule.explicit_feedback);
	solution = rec_solve(in->pairs, in->without ? in->without : &own, in->params, &in->rule,
						 in->watch ? in->watch : &quiet, in->design);
	r = rec_recommender_of_factors(solution, in->pairs, in->params, &in->rule);
	((Factors *) r)->solution = solution;
	return r;
}
