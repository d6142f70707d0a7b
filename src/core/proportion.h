/*
 * proportion.h
 *		Proportions: Wilson and Newcombe intervals, the z test of two proportions, Fisher's exact test, sample ratio mismatch.
 */
#ifndef REC_PROPORTION_H
#define REC_PROPORTION_H

#include <stdint.h>

#include "core/effect.h"

typedef enum RecProportionMethod
{
	REC_PROPORTION_AUTO,		/* exact where an expected count is below 5, without a margin; else z */
	REC_PROPORTION_Z,
	REC_PROPORTION_EXACT
} RecProportionMethod;

/* Wilson's score interval (1927), without continuity correction, at z. */
extern void rec_wilson(double successes, double n, double z, double *low, double *high);

/* More units than that take the exact test too long: the steps go with the square root. */
#define REC_FISHER_UNITS 1e12

/* p-value of Fisher's exact test that the treatment's proportion is the control's; two-sided: all tables as probable or less. */
extern double rec_fisher_p(double successes_control, double n_control, double successes_treatment, double n_treatment,
						   RecSide side);

/* Two proportions compared; fills e. The interval of the difference is Newcombe's (1998, method 10). */
extern void rec_proportion_compare(RecEffect *e, double successes_control, double n_control,
								   double successes_treatment, double n_treatment, const RecTestOptions *options,
								   RecProportionMethod method);

/* Pearson's chi-square of counts against shares that sum to 1; NaN with fewer than two arms of share above 0. */
extern double rec_srm_statistic(const double *count, const double *share, int n, double *df);

#endif							/* REC_PROPORTION_H */
