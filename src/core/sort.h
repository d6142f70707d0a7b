/*
 * sort.h
 *		Sorting numbers, and sorted runs of them: merging two, and order statistics of several without merging.
 */
#ifndef REC_SORT_H
#define REC_SORT_H

#include <stdint.h>

/*
 * Sorts n numbers, none of them NaN, in ascending order (-0 equals 0). scratch has room for n. Returns x or scratch: where
 * the result is; what the other one holds is undefined. poll, when it is not NULL, is called now and then.
 */
extern double *rec_sort(double *x, double *scratch, int64_t n, void (*poll) (void));

/* Merges n and m ascending numbers into out. */
extern void rec_merge(const double *x, int64_t n, const double *y, int64_t m, double *out);

/* n ascending numbers; the rest is for rec_select_in_runs(). */
typedef struct RecRun
{
	const double *x;
	int64_t		n;
	int64_t		from,			/* what is looked for is in x[from .. to - 1] */
				to;
	int64_t		below,			/* so many numbers of the run are below the pivot, and so many not above it */
				upto;
} RecRun;

/*
 * value[i] becomes the number of rank rank[i] among all runs. Ranks are below the sum of n; ascending
 * ones are found faster.
 */
extern void rec_select_in_runs(RecRun *run, int nruns, const int64_t *rank, int64_t nranks, double *value);

/* How many of n ascending numbers are below x, and not above it. */
extern int64_t rec_count_below(const double *ascending, int64_t n, double x);
extern int64_t rec_count_upto(const double *ascending, int64_t n, double x);

#endif							/* REC_SORT_H */
