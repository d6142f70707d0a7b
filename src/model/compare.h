/*
 * compare.h
 *		Ways to train, or stored versions, judged on the same users, with what their differences are worth.
 */
#ifndef REC_COMPARE_H
#define REC_COMPARE_H

#include "model/stored.h"

/* A metric of users by name and k, as in 'ndcg@10'. */
typedef struct RecGoal
{
	RecMetric	metric;
	int			k;				/* 0: it has none */
	char	   *name;
} RecGoal;

/* Whether less of it is better. */
static inline bool
rec_goal_lower(const RecGoal *goal)
{
	return goal->metric == REC_RMSE || goal->metric == REC_MAE;
}

/* One of several that are compared with the first. */
typedef struct RecCompared
{
	const Jsonb *setting;		/* params, name of a baseline, or version number */
	const char *algorithm;
	double		value;
	int64		users;
	double		difference;		/* from here on NaN for the first: from the first's value */
	double		low;
	double		high;
	double		p;
	double		p_adjusted;
	char	   *verdict;

	/* by key of the test part; NaN: undefined */
	double	   *num;
	double	   *den;
} RecCompared;

#define REC_MOST_COMPARED 100

/* Fill in n entries whose setting is given; results are in the current context. */
extern void rec_compare_settings(Oid schema, RecEvaluation *evaluation, const RecGoal *goal, RecCompared *compared, int n);
extern void rec_compare_versions(const RecModel *model, const RecTestSource *source, const RecEvaluation *evaluation,
								 const RecGoal *goal, const int *version, RecCompared *compared, int n);

#endif							/* REC_COMPARE_H */
