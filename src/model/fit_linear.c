/*
 * fit_linear.c
 *		Item weights as a recommender: trained here, or given. See recommender.h.
 */
#include "model/algorithms.h"

#include "model/linear.h"
#include "model/train.h"

typedef struct Linear
{
	RecRecommender base;
	RecLinear  *own;			/* to free; NULL: the caller's weights */
	const RecWeights *weights;
	RecParams	params;
	bool		explicit_feedback;
	const int32 *by_popularity;
} Linear;

static bool
linear_score(RecRecommender *self, const RecUserPairs *user, float *score)
{
	Linear	   *l = (Linear *) self;
	bool		any = false;

	memset(score, 0, self->nitems * sizeof(float));
	for (int k = 0; k < user->n; k++)
	{
		float		value = rec_linear_value(&l->params, l->explicit_feedback, user->pair[k].net);

		any = any || value > 0;
		rec_weights_score(l->weights, 1, &user->pair[k].item, &value, score);
	}
	rec_linear_finish(score, l->by_popularity, self->nitems);
	return any;
}

static void
linear_release(RecRecommender *self)
{
	Linear	   *l = (Linear *) self;

	if (l->own)
		rec_linear_free(l->own);
}

RecRecommender *
rec_recommender_of_weights(const RecWeights *weights, const RecParams *params, const RecSumRule *rule,
						   const int32 *by_popularity)
{
	Linear	   *l = palloc0(sizeof(Linear));

	l->base.name = rec_params_algorithm(params);
	l->base.nitems = weights->n;
	l->base.memory = weights->start[weights->n] * 8;
	l->base.score = linear_score;
	l->base.release = linear_release;
	l->weights = weights;
	l->params = *params;
	l->explicit_feedback = rule->explicit_feedback;
	l->by_popularity = by_popularity;
	return &l->base;
}

static RecRecommender *
fit(const RecFitInput *in, RecAlgorithmKind algorithm)
{
	RecParams	params = *in->params;
	float	   *popularity = palloc_extended(Max(in->pairs->items.n, 1) * sizeof(float), MCXT_ALLOC_HUGE);
	RecLinear  *linear;
	RecRecommender *r;

	/* as a baseline, beside a model of another algorithm */
	if (params.algorithm != algorithm)
	{
		params = rec_params_default(algorithm, false);
		rec_train_resolve(&params, in->pairs, in->rule.explicit_feedback);
	}
	linear = rec_linear_fit(in->pairs, in->without, &params, &in->rule);
	rec_fallback_popularity(in->pairs, in->without, &in->rule, popularity);
	r = rec_recommender_of_weights(&linear->weights, &params, &in->rule,
								   rec_popular_order(popularity, in->pairs->items.n, CurrentMemoryContext));
	((Linear *) r)->own = linear;
	pfree(popularity);
	return r;
}

RecRecommender *
rec_fit_ease(const RecFitInput *in)
{
	return fit(in, REC_EASE);
}

RecRecommender *
rec_fit_item_knn(const RecFitInput *in)
{
	return fit(in, REC_ITEM_KNN);
}
