/*
 * test_dist.c
 *		Distribution functions against mpmath, to a relative 1e-12; the table is made by dist_table.py.
 */
#include <stdlib.h>

#include "core/dist.h"
#include "unit.h"

/* Up to three arguments and the value. */
typedef struct DistCase
{
	double		a,
				b,
				c,
				value;
} DistCase;

#include "dist_table.h"

#define TOLERANCE 1e-12
#define SMALLEST 4.9406564584124654e-324

/* Below the normal numbers the spacing of doubles is all that can be asked for. */
static double
relative_error(double got, double expected)
{
	if (got == expected)
		return 0;
	if (fabs(expected) < 2.2250738585072014e-308)
		return fabs(got - expected) <= SMALLEST ? 0 : INFINITY;
	return fabs(got - expected) / fabs(expected);
}

typedef double (*Call) (const DistCase *c);

static void
check_table(const char *name, const DistCase *cases, int n, Call call, double tolerance)
{
	double		worst = 0;
	int			at = 0;

	for (int i = 0; i < n; i++)
	{
		double		error = relative_error(call(&cases[i]), cases[i].value);

		if (!(error <= worst))
		{
			worst = error;
			at = i;
		}
	}
	check(n > 0 && worst <= tolerance, "%s: %d values, largest relative error %.1e (%.17g, %.17g, %.17g: %.17g, expected %.17g)",
		  name, n, worst, cases[at].a, cases[at].b, cases[at].c, call(&cases[at]), cases[at].value);
}

#define CHECK_TABLE(name, expression, tolerance) \
	static double call_##name(const DistCase *c) { return expression; }
#include "dist_calls.h"
#undef CHECK_TABLE

/* What no table holds: ends of the support, bad arguments, limits. */
static void
check_edges(void)
{
	check(rec_normal_sf(INFINITY) == 0 && rec_normal_cdf(INFINITY) == 1 && rec_normal_sf(40) == 0, "normal: ends");
	check(rec_normal_isf(0) == INFINITY && rec_normal_isf(1) == -INFINITY && rec_normal_quantile(0.5) == 0, "normal: ends of the inverse");
	check(isnan(rec_normal_isf(-0.1)) && isnan(rec_normal_quantile(NAN)), "normal: no probability");
	check(relative_error(rec_normal_isf(SMALLEST), 38.467405617144344) < TOLERANCE, "normal: the smallest denormal");
	check(rec_t_sf(INFINITY, 3) == 0 && rec_t_cdf(INFINITY, 3) == 1 && rec_t_sf(-INFINITY, 3) == 1, "t: ends");
	check(rec_t_sf(2, INFINITY) == rec_normal_sf(2) && rec_t_isf(0.01, INFINITY) == rec_normal_isf(0.01), "t: infinite df");
	check(isnan(rec_t_sf(1, 0)) && isnan(rec_t_sf(NAN, 1)) && isnan(rec_t_isf(2, 1)) && isnan(rec_t_isf(0.1, -1)), "t: bad arguments");
	check(rec_t_cdf(0, 5) == 0.5 && rec_t_quantile(0.5, 5) == 0, "t: centre");
	check(rec_chi2_sf(0, 3) == 1 && rec_chi2_cdf(-1, 3) == 0 && rec_chi2_sf(INFINITY, 3) == 0, "chi-square: ends");
	check(rec_chi2_isf(0, 3) == INFINITY && rec_chi2_isf(1, 3) == 0, "chi-square: ends of the inverse");
	check(isnan(rec_chi2_sf(1, 0)) && isnan(rec_gamma_p(-1, 1)) && isnan(rec_gamma_isf(0.5, INFINITY)), "gamma: bad arguments");
	check(rec_beta_cdf(0, 2, 3) == 0 && rec_beta_cdf(1, 2, 3) == 1 && rec_beta_sf(1, 2, 3) == 0, "beta: ends");
	check(rec_beta_quantile(0, 2, 3) == 0 && rec_beta_quantile(1, 2, 3) == 1 && rec_beta_isf(0, 2, 3) == 1, "beta: ends of the inverse");
	check(isnan(rec_beta_cdf(0.5, 0, 1)) && isnan(rec_beta_quantile(NAN, 1, 1)), "beta: bad arguments");
	check(rec_beta_pdf(0, 1, 3) == 3 && rec_beta_pdf(1, 2, 3) == 0 && rec_beta_pdf(0, 0.5, 3) == INFINITY, "beta: density at the ends");
	check(rec_f_sf(3, 2, INFINITY) == rec_chi2_sf(6, 2) && rec_f_sf(0, 2, 3) == 1 && rec_f_sf(INFINITY, 2, 3) == 0, "F: ends and limit");
	check(relative_error(rec_f_quantile(rec_f_cdf(1.7, 4, 9), 4, 9), 1.7) < TOLERANCE, "F: inverse");
	check(relative_error(rec_f_isf(rec_f_sf(1.7, 4, 9), 4, 9), 1.7) < TOLERANCE, "F: inverse of the upper tail");
	check(relative_error(rec_chi2_quantile(rec_chi2_cdf(1.7, 4), 4), 1.7) < TOLERANCE, "chi-square: inverse");
	check(relative_error(rec_chi2_isf(rec_chi2_sf(17, 4), 4), 17) < TOLERANCE, "chi-square: inverse of the upper tail");
	check(isnan(rec_nct_sf(1, 0.5, 1)) && rec_nct_sf(1, INFINITY, 1) == 0.5, "noncentral t: bad and infinite df");
	check(rec_binomial_pmf(0, 0, 0.5) == 1 && rec_binomial_pmf(3, 2, 0.5) == 0 && rec_binomial_pmf(1, 2, 1) == 0, "binomial: ends");
	check(rec_hypergeometric_pmf(0, 0, 0, 0) == 1 && rec_hypergeometric_pmf(3, 5, 2, 4) == 0, "hypergeometric: ends");
}

/* Tails and inverses fit together where no reference is at hand: random shapes, both ways. */
static void
check_round_trips(void)
{
	double		worst = 0;

	srand(7);
	for (int i = 0; i < 2000; i++)
	{
		double		a = pow(10, 12.0 * rand() / RAND_MAX - 2),
					b = pow(10, 12.0 * rand() / RAND_MAX - 2),
					p = pow(10, -300.0 * rand() / RAND_MAX - 0.31),
					x = rec_gamma_isf(p, a);

		/* x is rounded, which changes the tail by up to x times its slope */
		if (x > 1e-300)
			worst = fmax(worst, fabs(rec_gamma_q(a, x) - p) / p / fmax(1, fabs(x - a)));
		x = rec_beta_quantile(p, a, b);
		if (x > 1e-300 && x < 0.5)
			worst = fmax(worst, fabs(rec_beta_cdf(x, a, b) - p) / p / fmax(1, a + b * x));
	}
	check(worst < TOLERANCE, "2000 random inverses: largest error %.1e", worst);
}

int
main(void)
{
#define CHECK_TABLE(name, expression, tolerance) \
	check_table(#name, name##_cases, sizeof(name##_cases) / sizeof(name##_cases[0]), call_##name, tolerance);
#include "dist_calls.h"
	check_edges();
	check_round_trips();
	return unit_done();
}
