/*
 * ranks.h
 *		Comparisons by order: the Mann-Whitney test and quantiles, on sorted distinct values with their counts.
 */
#ifndef REC_RANKS_H
#define REC_RANKS_H

#include <stdint.h>

#include "core/effect.h"

typedef struct RecRuns
{
	int64_t		distinct;
	const double *value;		/* ascending, without NaN */
	const int64_t *count;		/* above 0 */
	double		n;				/* sum of the counts */
} RecRuns;

/* Largest product of the numbers of units for the exact distribution of U; so many doubles + 1 it needs. */
#define REC_MANN_WHITNEY_EXACT 20000

/* Whether the exact distribution is used: no ties, at most 8 units in one arm (as scipy), and not too many in the other. */
extern bool rec_mann_whitney_exact(const RecRuns *control, const RecRuns *treatment);

/*
 * Mann-Whitney (Wilcoxon rank sum) test. statistic: U of the treatment. Estimates: P(treatment > control) and the opposite,
 * ties half; difference: theirs, with DeLong's standard error (1988). scratch: for the exact distribution.
 */
extern void rec_mann_whitney(RecEffect *e, const RecRuns *control, const RecRuns *treatment,
							 const RecTestOptions *options, double *scratch);

/* Quantile with linear interpolation, as percentile_cont; NaN for no units. */
extern double rec_runs_quantile(const RecRuns *runs, double q);

/*
 * Two quantiles compared. The variance of each from the distance of the order statistics at q -+ z sqrt(q (1 - q) / n),
 * which make a distribution-free interval (David and Nagaraja, Order Statistics, 7.1). tuning_n above 0: as a confidence
 * sequence (core/sequential.h), which holds for quantiles because they are means in the limit (Bahadur 1966).
 */
extern void rec_quantile_compare(RecEffect *e, const RecRuns *control, const RecRuns *treatment, double q,
								 const RecTestOptions *options, double tuning_n);

#endif							/* REC_RANKS_H */
