/*
 * judge.h
 *		Ranking all users of a test set with a recommender, and what the lists are worth.
 *
 * For each user one row of numbers, a column for each metric, k and class of items; means and intervals are made of
 * them in results.c. All items of the catalogue are ranked but those that recommend() would leave out: items of the training
 * part, and those that the model's attributes make known beside them.
 */
#ifndef REC_JUDGE_H
#define REC_JUDGE_H

#include "core/metrics.h"
#include "model/recommender.h"
#include "model/split.h"

/* By users with a positive pair in the training part; relevant items of a class are judged as if there were no others. */
typedef enum RecItemClass
{
	REC_ITEMS_ALL, REC_ITEMS_COLD, REC_ITEMS_SPARSE, REC_ITEMS_WARM, REC_ITEM_CLASSES
} RecItemClass;

#define REC_SPARSE_ITEM 10		/* an item with fewer users is sparse; with none it is cold */
#define REC_SPARSE_USER 5		/* a user with fewer positive pairs is sparse; with none he is cold */
#define REC_HEAVY_USERS 2000	/* auc and diversity are of at most so many users */
#define REC_SET_USERS 4096		/* the users by whom items are alike, for diversity */

typedef struct RecColumn
{
	RecMetric	metric;
	int			k;				/* 0: none */
	RecItemClass items;
	int			denominator;	/* column whose mean this one is divided by; -1: none */
	bool		part;			/* is only a denominator */
} RecColumn;

typedef struct RecJudge
{
	const RecPairs *train;
	int			users;			/* of train that have pairs, and items that are ranked: those of train and what only attributes know */
	int			items;
	const RecTestSet *test;
	RecSumRule	rule;
	bool		exclude_seen;
	int			nk;
	int		   *k;				/* ascending */
	int			most;			/* the last of them */
	bool		wanted[REC_METRICS];

	int			ncolumns;
	RecColumn  *column;
	int			first[REC_ITEM_CLASSES][REC_METRICS];	/* column of the first k; -1: none */
	int32	   *support;		/* users with a positive pair, by item */
	int32	   *positive;		/* positive pairs of each user of the test set */
	bool	   *heavy;			/* by user of the test set */

	/* of the recommender judged last */
	double	   *value;			/* test->n rows; NaN: undefined */
	int64	   *listed;			/* nk rows: in how many lists each item stands within this k, but not within the one before */
	int			judged;			/* users with a list */

	struct RecJudgeScratch *scratch;
} RecJudge;

/* items: of the catalogue, those of train first. Everything is in context. Checks memory. */
extern RecJudge *rec_judge_create(const RecPairs *train, int items, const RecTestSet *test, const RecSumRule *rule,
								  bool exclude_seen, int nk, const int *k, const bool *wanted, MemoryContext context);

/* popular answers for those of whom the recommender knows nothing. In parallel where that pays. */
extern void rec_judge_run(RecJudge *judge, RecRecommender *recommender, RecRecommender *popular);

/* judge_many.c: the same for factors, with the workers of recommend_many(). */
extern void rec_judge_run_factors(RecJudge *judge, RecRecommender *recommender, RecRecommender *popular);

/* For these two: the pairs of user u of the test set, and what follows from u's list. */
extern RecUserPairs rec_judge_user(const RecJudge *judge, int u);
extern bool rec_judge_excludes(const RecJudge *judge, const RecPair *pair);
extern void rec_judge_list(RecJudge *judge, int u, const RecScored *list, int n, RecRecommender *by, RecRecommender *popular);

#endif							/* REC_JUDGE_H */
