/*
 * linear.h
 *		Models of item weights: EASE and item neighbourhoods. Fitting, storing, reading and scoring.
 *
 * They share one form, the weights of core/linear.h, and all that comes after the fit: a user's score of an item is the sum
 * over the user's items of value times weight. The value of a pair is its transformed net weight, or 0 when that is not
 * positive; in a model of explicit feedback (as a baseline of an evaluation) every rating counts 1.
 */
#ifndef REC_MODEL_LINEAR_H
#define REC_MODEL_LINEAR_H

#include "model/cache.h"
#include "model/solve.h"

typedef struct RecLinear
{
	RecWeights	weights;
	double		loss;			/* of EASE; else NaN */
	Size		memory;			/* peak beside the pairs */
	int			workers;		/* that took part beside the leader */
} RecLinear;

/* Learns from the pairs that are not held out; params must be resolved. In the current context. */
extern RecLinear *rec_linear_fit(const RecPairs *pairs, const RecHoldout *without, const RecParams *params,
								 const RecSumRule *rule);
extern void rec_linear_free(RecLinear *linear);

/* Fits twice when there is a holdout: without it to judge, with it to keep. */
extern RecSolution *rec_linear_train(const RecPairs *pairs, const RecHoldout *holdout, const RecParams *params,
									 const RecSumRule *rule);

/* What one pair counts. */
static inline float
rec_linear_value(const RecParams *params, bool explicit_feedback, float net)
{
	return explicit_feedback ? 1 : net > 0 ? rec_transform(params->weight_transform, net) : 0;
}

/*
 * Scores of all items, once the weights are added up: items that no weight reaches come after all others that have a
 * positive score, in the order of their popularity, which a score next to zero stands for.
 */
extern void rec_linear_finish(float *score, const int32 *by_popularity, int n);

/* Scores for a user of a version in memory; palloc'd. */
extern float *rec_linear_scores(const RecServing *serving, int n, const int32 *item, const float *net);

/* The table item_weights: writing and reading a version. */
extern void rec_item_weights_store(const RecModel *model, int version, const RecWeights *weights);
extern void rec_item_weights_read(const RecModel *model, RecServing *serving);

#endif							/* REC_MODEL_LINEAR_H */
