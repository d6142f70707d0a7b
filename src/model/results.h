/*
 * results.h
 *		From the numbers of users to the rows of an answer: means, intervals, segments.
 */
#ifndef REC_RESULTS_H
#define REC_RESULTS_H

#include "model/judge.h"

/* Users of the test set in groups, beside all of them together. */
typedef struct RecSegments
{
	int			n;
	char	  **name;
	int32	   *of;				/* by user of the test set; -1: in none */
} RecSegments;

typedef struct RecResult
{
	const char *algorithm;
	const char *metric;
	int			k;				/* 0: null */
	double		value;			/* NaN: null, these three */
	double		low;
	double		high;
	int64		users;
	const char *segment;
	int			order[4];		/* place in the answer: segment, metric, k, algorithm */
} RecResult;

typedef struct RecResults
{
	int			n;
	int			room;
	RecResult  *row;
} RecResults;

#define REC_REPLICATES 1000		/* of the bootstrap */
#define REC_BLOCKS 1024			/* more users than this are drawn in as many groups */

/* None yet, in the current context. */
extern RecResults *rec_results_create(void);

/* Cold, sparse and warm users. */
extern RecSegments *rec_default_segments(const RecJudge *judge);

/* Adds the rows of the recommender that was judged last, the `place`-th of the answer. */
extern void rec_results_add(RecResults *results, const RecJudge *judge, const RecSegments *segments,
							const char *algorithm, int place, uint64 seed);

/* Adds one row about the data. */
extern void rec_results_count(RecResults *results, const char *what, int64 value, int64 users);
extern void rec_results_sort(RecResults *results);

/* The mean of one column over the users where it is defined; NaN: nowhere. */
extern double rec_results_mean(const RecJudge *judge, int column, int64 *users);

#endif							/* REC_RESULTS_H */
