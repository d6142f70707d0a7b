/*
 * ks.h
 *		p-values of the Kolmogorov-Smirnov statistic.
 */
#ifndef REC_KS_H
#define REC_KS_H

/*
 * p-value of a statistic between samples of n and m numbers, by the rule of scipy.stats.ks_2samp: exact up to
 * REC_KS_EXACT numbers in the larger one, else the distribution of the one-sample statistic at round(nm / (n + m)).
 * The upper tail is computed as such, so that tiny values keep their digits. work: REC_KS_WORK doubles. tick is called
 * now and then and may not return; NULL: nothing is called.
 */
#define REC_KS_EXACT 10000
#define REC_KS_WORK (3 * 121 * 121)

extern double rec_ks_p(double statistic, double n, double m, double *work, void (*tick) (void));

/* P(D_n >= d) of the one-sample statistic. */
extern double rec_ks_one_sample(double n, double d, double *work, void (*tick) (void));

#endif							/* REC_KS_H */
