/*
 * fit_als.c
 *		Factors as a recommender: trained here, or given. See recommender.h.
 *
 * Users and items behind those of the pairs are known by attributes alone, and have the factors that the maps give them: as
 * in a stored version.
 */
#include "model/algorithms.h"

#include <math.h>

#include "core/prior.h"
#include "core/score.h"
#include "miscadmin.h"

#define SCORE_SLICE 100000		/* items between two looks at interrupts */

typedef struct Factors
{
	RecRecommender base;
	RecSolution *own;			/* to release; NULL: the caller's */
	const RecDesign *cold_users;	/* NULL: nobody beside the known ones can be answered */
	int			users;			/* known ones */
	int			factors;
	bool		explicit_feedback;
	float	   *row;			/* stride floats, aligned; these two */
	float	   *vector;
} Factors;

static bool
anything_positive(const RecUserPairs *user, bool explicit_feedback)
{
	for (int i = 0; i < user->n; i++)
		if (explicit_feedback || user->pair[i].net > 0)
			return true;
	return false;
}

static float *
aligned_floats(Size count)
{
	return (float *) TYPEALIGN(64, (uintptr_t) palloc_extended(add_size(mul_size(count, sizeof(float)), 64),
															   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO));
}

static void
map_row(const RecDesign *d, int cold, const float *map, int stride, float *row)
{
	int64		at = d->start[d->known + cold];

	rec_map_one((int) (d->start[d->known + cold + 1] - at), d->column + at, d->value + at, map, stride, row);
}

/* The factors of a user as the solver has them; false: nothing is known of him. */
static bool
user_row(Factors *f, const RecUserPairs *user, float *row)
{
	const RecSolution *s = f->base.solution;

	if (user->user < 0 || (user->user >= f->users && f->cold_users == NULL))
		return false;
	if (user->user >= f->users)
		map_row(f->cold_users, user->user - f->users, s->map[REC_USERS], s->stride, row);
	else
		memcpy(row, s->users + (Size) user->user * s->stride, s->stride * sizeof(float));
	return true;
}

static bool
factors_vector(RecRecommender *self, const RecUserPairs *user, float *vector)
{
	Factors    *f = (Factors *) self;

	/* of a user without positive pairs the attributes speak */
	if (self->solution->map[REC_USERS] == NULL && !anything_positive(user, f->explicit_feedback))
		return false;
	if (!user_row(f, user, vector))
		return false;
	if (f->explicit_feedback)
		vector[f->factors] = 1;
	return true;
}

static bool
factors_score(RecRecommender *self, const RecUserPairs *user, float *score)
{
	Factors    *f = (Factors *) self;
	const RecSolution *s = self->solution;
	float		offset = 0;

	if (!factors_vector(self, user, f->vector))
		return false;
	for (int i = 0; i < self->nitems; i += SCORE_SLICE)
	{
		CHECK_FOR_INTERRUPTS();
		rec_score_rows(self->items + (Size) i * s->stride, Min(SCORE_SLICE, self->nitems - i), s->stride, f->vector,
					   score + i);
	}
	if (f->explicit_feedback)
	{
		(void) user_row(f, user, f->row);
		offset = s->mean + f->row[f->factors];
		for (int i = 0; i < self->nitems; i++)
			score[i] += offset;
	}
	return true;
}

/* Mean and biases of what is known, and the product where both are. */
static float
factors_rate(RecRecommender *self, const RecUserPairs *user, int32 item)
{
	Factors    *f = (Factors *) self;
	const RecSolution *s = self->solution;
	const float *row = item < self->nitems ? self->items + (Size) item * s->stride : NULL;
	float		product = 0;

	if (!user_row(f, user, f->row))
		return s->mean + (row ? row[f->factors] : 0);
	if (row)
	{
		memcpy(f->vector, f->row, s->stride * sizeof(float));
		f->vector[f->factors] = 1;
		rec_score_rows(row, 1, s->stride, f->vector, &product);
	}
	return product + s->mean + f->row[f->factors];
}

static void
factors_release(RecRecommender *self)
{
	Factors    *f = (Factors *) self;

	if (f->own)
		rec_solve_release(f->own);
}

/* The rows of known items, then those that attributes give to the others. */
static float *
all_items(const RecSolution *s, const RecDesign *d, int known, Size held)
{
	Size		floats = mul_size((Size) known + d->cold.n, s->stride);
	float	   *items;

	rec_check_memory(add_size(add_size(held, s->memory), mul_size(floats, sizeof(float))), "Ranking all items of the item relation");
	items = aligned_floats(floats);
	memcpy(items, s->items, (Size) known * s->stride * sizeof(float));
	for (int i = 0; i < d->cold.n; i++)
	{
		if (i % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
		map_row(d, i, s->map[REC_ITEMS], s->stride, items + ((Size) known + i) * s->stride);
	}
	return items;
}

RecRecommender *
rec_recommender_of_factors(const RecSolution *solution, const RecFitInput *in)
{
	Factors    *f = palloc0(sizeof(Factors));
	const RecDesign *items = in->design ? in->design[REC_ITEMS] : NULL;

	f->base.name = "als";
	f->base.nitems = in->pairs->items.n;
	f->base.memory = solution->memory;
	f->base.score = factors_score;
	f->base.rate = in->rule.explicit_feedback ? factors_rate : NULL;
	f->base.vector = factors_vector;
	f->base.solution = solution;
	f->base.items = solution->items;
	f->base.release = factors_release;
	f->users = in->pairs->users.n;
	f->factors = solution->factors;
	f->explicit_feedback = in->rule.explicit_feedback;
	f->row = aligned_floats(solution->stride);
	f->vector = aligned_floats(solution->stride);
	if (in->design && solution->map[REC_USERS])
		f->cold_users = in->design[REC_USERS];
	if (items && items->cold.n > 0 && solution->map[REC_ITEMS] && !(in->watch && in->watch->rough))
	{
		f->base.items = all_items(solution, items, in->pairs->items.n, in->pairs->held);
		f->base.nitems += items->cold.n;
	}
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
	r = rec_recommender_of_factors(solution, in);
	((Factors *) r)->own = solution;
	return r;
}

RecRecommender *
rec_fit_without_attributes(const RecFitInput *in)
{
	RecFitInput plain = *in;

	if (in->params->algorithm != REC_ALS || in->design == NULL ||
		(in->design[REC_USERS] == NULL && in->design[REC_ITEMS] == NULL))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there are no attributes to leave out"),
				 errdetail("\"%s\" is the model trained without attributes; it needs the algorithm \"als\" and a model with "
						   "item_attributes or user_attributes.", REC_WITHOUT_ATTRIBUTES)));
	plain.design = NULL;
	return rec_fit_als(&plain);
}
