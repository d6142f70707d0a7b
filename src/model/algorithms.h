/*
 * algorithms.h
 *		The fit functions in the table of recommender.c.
 */
#ifndef REC_ALGORITHMS_H
#define REC_ALGORITHMS_H

#include "model/recommender.h"

extern RecRecommender *rec_fit_als(const RecFitInput *input);	/* these: fit_als.c */
extern RecRecommender *rec_fit_without_attributes(const RecFitInput *input);
extern RecRecommender *rec_fit_cooccurrence(const RecFitInput *input);	/* fit_cooccurrence.c */
extern RecRecommender *rec_fit_ease(const RecFitInput *input);	/* these: fit_linear.c */
extern RecRecommender *rec_fit_item_knn(const RecFitInput *input);
extern RecRecommender *rec_fit_popular(const RecFitInput *input);	/* these: recommender.c */
extern RecRecommender *rec_fit_random(const RecFitInput *input);
extern RecRecommender *rec_fit_buy_again(const RecFitInput *input);

/* With a popularity that is known already. */
extern RecRecommender *rec_recommender_of_popularity(const float *popularity, const RecFitInput *input);

/* fit_als.c: factors that are there already, as of a stored version; users and items of the pairs are rows of solution */
extern RecRecommender *rec_recommender_of_factors(const RecSolution *solution, const RecFitInput *input);

/* fit_linear.c: item weights that are there already */
extern RecRecommender *rec_recommender_of_weights(const RecWeights *weights, const RecParams *params,
												  const RecSumRule *rule, const int32 *by_popularity);

#endif							/* REC_ALGORITHMS_H */
