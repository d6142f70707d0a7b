/*
 * bootstrap.h
 *		Percentile intervals of ratios of sums, by drawing blocks with replacement.
 *
 * Efron and Tibshirani, An Introduction to the Bootstrap, 1993, ch. 13. A block is one user, or, where there are very many, a
 * fixed group of users drawn by hash: the mean over random groups has the variance of the mean over users.
 */
#ifndef REC_BOOTSTRAP_H
#define REC_BOOTSTRAP_H

#include <stdint.h>

/*
 * num and den: nblocks rows of ncolumns. out: ncolumns rows of `replicates` values, each the ratio of the sums over nblocks
 * drawn blocks; NaN where the denominator is 0. work: 2 * ncolumns numbers. The draws depend on seed and nblocks only,
 * so columns and calls are comparable.
 */
extern void rec_bootstrap(const double *num, const double *den, int nblocks, int ncolumns, int replicates, uint64_t seed,
						  double *out, double *work);

/* Quantile (linear interpolation between order statistics) of n values, which are sorted; NaN ones are left out. */
extern double rec_bootstrap_quantile(double *value, int n, double q);

#endif							/* REC_BOOTSTRAP_H */
