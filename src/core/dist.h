/*
 * dist.h
 *		Distribution functions: normal, Student's t, chi-square, F, gamma, beta, and the power of a t test.
 *
 * For each: cdf (lower tail), sf (upper tail, never 1 - cdf), and where they are needed quantile (inverse of cdf) and isf
 * (inverse of sf). Both tails are right to a relative 1e-12 down to the smallest denormal, for parameters up to 1e15:
 * test/unit/test_dist.c holds them against mpmath. The computation is in long double, and accuracy rests on it having more
 * digits than double, as on x86-64 and AArch64 Linux.
 *
 * An argument that is NaN, or a parameter out of its range, gives NaN; the ends of the support give 0 and 1, quantiles of
 * 0 and 1 the ends of the support. Degrees of freedom may be infinite where the limit is a normal or chi-square one.
 */
#ifndef REC_DIST_H
#define REC_DIST_H

extern double rec_normal_pdf(double z);
extern double rec_normal_cdf(double z);
extern double rec_normal_sf(double z);
extern double rec_normal_quantile(double p);
extern double rec_normal_isf(double p);

extern double rec_t_cdf(double t, double df);
extern double rec_t_sf(double t, double df);
extern double rec_t_quantile(double p, double df);
extern double rec_t_isf(double p, double df);

/* P(T > t) for (Z + delta) / sqrt(chi-square(df) / df), df >= 1; absolute error about 1e-13 */
extern double rec_nct_sf(double t, double df, double delta);

extern double rec_chi2_cdf(double x, double df);
extern double rec_chi2_sf(double x, double df);
extern double rec_chi2_quantile(double p, double df);
extern double rec_chi2_isf(double p, double df);

extern double rec_f_cdf(double f, double d1, double d2);
extern double rec_f_sf(double f, double d1, double d2);
extern double rec_f_quantile(double p, double d1, double d2);
extern double rec_f_isf(double p, double d1, double d2);

/* Regularised incomplete gamma functions P and Q, with shape a and scale 1. */
extern double rec_gamma_p(double a, double x);
extern double rec_gamma_q(double a, double x);
extern double rec_gamma_quantile(double p, double a);
extern double rec_gamma_isf(double p, double a);

extern double rec_beta_pdf(double x, double a, double b);
extern double rec_beta_cdf(double x, double a, double b);
extern double rec_beta_sf(double x, double a, double b);
extern double rec_beta_quantile(double p, double a, double b);
extern double rec_beta_isf(double p, double a, double b);
extern double rec_log_beta(double a, double b);

/* P(X = x) for successes among n trials, and for x marked ones among `drawn` of n, of which `marked` are marked. */
extern double rec_binomial_pmf(double x, double n, double p);
extern double rec_hypergeometric_pmf(double x, double n, double marked, double drawn);

#endif							/* REC_DIST_H */
