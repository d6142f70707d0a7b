/*
 * empirical.h
 *		Empirical distributions of numbers: comparing two of them, and counting in bins.
 *
 * A sample is its numbers in ascending order, or its distinct numbers and how many there are of each, or a grid of its
 * quantiles, between which the distribution function is taken to be linear (the last two: a stored profile).
 */
#ifndef REC_EMPIRICAL_H
#define REC_EMPIRICAL_H

#include <stdbool.h>
#include <stdint.h>

typedef struct RecEmpirical
{
	const double *x;			/* ascending, no NaN */
	int64_t		len;
	double		n;				/* numbers that it stands for; len when x are all of them */
	const double *cum;			/* x are distinct, and so many numbers are among the first i; NULL: one each */
	bool		grid;			/* x[i] is the quantile of i / (len - 1); len >= 2 */
	double		error;			/* at most so far is its distribution function from that of all n numbers */
} RecEmpirical;

typedef struct RecKs
{
	double		statistic;		/* largest gap between the distribution functions */
	double		location;		/* where it is */
	int			sign;			/* 1: the first function is above the second there, hence the second's numbers larger */
} RecKs;

/* Both functions are compared after each group of ties. Samples must not be empty. */
extern RecKs rec_ks_compare(const RecEmpirical *a, const RecEmpirical *b);

/* Area between the distribution functions, in the unit of x; infinite when shares at infinity differ. */
extern double rec_wasserstein(const RecEmpirical *a, const RecEmpirical *b);

/* Between two neighbours, as percentile_cont does it; next to an infinite one, the lower. */
extern double rec_interpolate(double lower, double upper, double fraction);

/* Where the quantile i / bins is among n ascending numbers: a rank, and the way from there to the next (returned). */
extern double rec_quantile_rank(int64_t n, int i, int bins, int64_t *rank);

/* quantile[0 .. intervals] */
extern void rec_quantiles(const RecEmpirical *s, int intervals, double *quantile);

/*
 * Edges between bins of equal shares, without duplicates, from the bins + 1 quantiles with the least and the greatest
 * number. Returns how many, at most `bins`. A constant sample gives two: below, equal and above it.
 */
#define REC_BINS_MAX 1000
extern int	rec_edges(const double *quantile, int bins, double *edges);
extern int	rec_quantile_edges(const RecEmpirical *s, int bins, double *edges);

/*
 * Merges each bin that is empty in the reference with its right neighbour (the last with its left one); returns how many
 * are left. When the reference is a constant its bin stays alone, and bins that are empty on both sides go.
 */
extern int	rec_merge_bins(double *reference, double *current, int n);

/* counts[0 .. nedges]: how many numbers are in each bin. */
extern void rec_bin_counts(const RecEmpirical *s, const double *edges, int nedges, double *counts);

/* The same for ascending numbers, and for numbers in any order. */
extern void rec_bin_counts_sorted(const double *x, int64_t n, const double *edges, int nedges, double *counts);
extern void rec_bin_counts_unsorted(const double *x, int64_t n, const double *edges, int nedges, double *counts);

#endif							/* REC_EMPIRICAL_H */
