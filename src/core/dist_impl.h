/*
 * dist_impl.h
 *		What dist.c, dist_gamma.c and dist_beta.c share. Only they include it.
 *
 * Tails that are left of (right of) about the mean are computed as they are, and the larger side is one minus the smaller.
 * Densities are written as Loader does ("Fast and accurate computation of binomial probabilities", 2000): the error of
 * Stirling's formula and the deviance are small numbers, and nothing large cancels.
 */
#ifndef REC_DIST_IMPL_H
#define REC_DIST_IMPL_H

#include <math.h>
#include <stdbool.h>

/* From here on power series and continued fractions take too many terms (they need about sqrt(shape)), and below so
 * small a second shape they do not. */
#define REC_LARGE_SHAPE 1e5L
#define REC_SMALL_SHAPE 30

/* log n! minus Stirling's formula, for real n > 0 */
extern long double rec_stirling_error(long double n);

/* a log(a / np) + np - a, given d = a - np */
extern long double rec_deviance(long double a, long double np, long double d);

/* x^a y^b / B(a, b), with y = 1 - x */
extern long double rec_beta_power(long double x, long double y, long double a, long double b);

/* Both tails at x = odds / (1 + odds): lower P(X < x), upper P(X > x). */
extern void rec_beta_tails(long double x, long double y, long double a, long double b, long double *lower,
						   long double *upper);
extern void rec_gamma_tails(long double a, long double x, long double *lower, long double *upper);

/* log(x / (1 - x)) where the given tail of beta(a, b) has probability p; and log x for gamma(a) */
extern long double rec_beta_log_odds(long double p, bool upper, long double a, long double b);
extern long double rec_gamma_log_x(long double p, bool upper, long double a);

/* log density at a distance t >= 0 from where the tail starts */
typedef long double (*RecLogDensity) (const long double *start, long double t);

/*
 * Integral of exp(log density) over t from 0 to at most `limit`: a tail of a log-concave density, whose scale is about `scale`.
 */
extern long double rec_integrate_tail(RecLogDensity density, const long double *start, long double scale,
									  long double limit);

/* Gauss-Legendre with 20 points: the positive half of the nodes, and their weights */
extern const long double rec_gauss_node[10];
extern const long double rec_gauss_weight[10];

/* A tail as function of s (a logarithm), monotone in it. */
typedef long double (*RecTail) (const long double *parameters, long double s);

/* s with tail(s) = p; start and step tell where to look. +-INFINITY when s is beyond what long double's range can tell. */
extern long double rec_solve_tail(RecTail tail, const long double *parameters, bool increasing, long double p,
								  long double start, long double step);

#endif							/* REC_DIST_IMPL_H */
