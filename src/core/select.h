/*
 * select.h
 *		Several order statistics of an array at once, without sorting it, and quantiles made of them.
 */
#ifndef REC_SELECT_H
#define REC_SELECT_H

#include <stdint.h>

/*
 * Rearranges x so that x[rank[i]] is what a sort would put there. Ranks ascend (they may repeat) and are below n; no NaN.
 * poll, when it is not NULL, is called between passes over the array.
 */
extern void rec_select(double *x, int64_t n, const int64_t *rank, int nranks, void (*poll) (void));

/*
 * Quantiles with linear interpolation between order statistics, as percentile_cont, numpy.percentile and R's type 7:
 * rec_quantile_ranks() gives the two ranks that quantile p needs, rec_quantile_between() the value when the numbers of these
 * ranks are known, rec_quantile() the same when they are in place.
 */
extern void rec_quantile_ranks(double p, int64_t n, int64_t rank[2]);
extern double rec_quantile_between(double p, int64_t n, double lower, double upper);
extern double rec_quantile(const double *x, int64_t n, double p);

#endif							/* REC_SELECT_H */
