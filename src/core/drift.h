/*
 * drift.h
 *		How far two distributions over the same bins or categories are apart, from the counts in each.
 *
 * reference[i] and current[i] count the i-th bin; together neither may be empty, else all results are NaN.
 */
#ifndef REC_DRIFT_H
#define REC_DRIFT_H

#include <stdint.h>

typedef struct RecPsi
{
	double		psi;			/* population stability index */
	int64_t		bins;
	double		expected;		/* its mean without drift: (B - 1)(1/N + 1/M) */
	double		threshold;		/* its 95 % point without drift: chi-square(B - 1) times (1/N + 1/M) */
	double		p_value;		/* P(at least psi) without drift */
} RecPsi;

extern RecPsi rec_psi(const double *reference, const double *current, int64_t bins);

typedef struct RecChi2
{
	double		statistic;		/* Pearson's, without a correction for continuity */
	double		df;
	double		p_value;
	double		cramers_v;		/* 0: the same distribution, 1: nothing in common */
	double		min_expected;	/* least expected count; the p-value is rough below 5 */
	int64_t		categories;		/* with at least one count */
} RecChi2;

extern RecChi2 rec_chi2_test(const double *reference, const double *current, int64_t categories);

/* Jensen-Shannon distance with natural logarithms, 0 to sqrt(ln 2), as scipy.spatial.distance.jensenshannon */
extern double rec_js_distance(const double *reference, const double *current, int64_t bins);

#endif							/* REC_DRIFT_H */
