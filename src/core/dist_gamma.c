/*
 * dist_gamma.c
 *		Incomplete gamma functions, chi-square. See dist.h.
 *
 * Power series below the mean, Legendre's continued fraction above it (modified Lentz), and for large shapes the integral
 * of the tail.
 */
#include "core/dist.h"
#include "core/dist_impl.h"

#define TINY 1e-4000L

/* x^a exp(-x) / Gamma(a + 1) */
static long double
gamma_power(long double a, long double x)
{
	const long double two_pi = 6.283185307179586476925286767L;

	return expl(-rec_stirling_error(a) - rec_deviance(a, x, a - x)) / sqrtl(two_pi * a);
}

static long double
lower_series(long double a, long double x)
{
	long double term = 1,
				sum = 1;

	for (int n = 1; n < 100000; n++)
	{
		term *= x / (a + n);
		sum += term;
		if (term < 1e-21L * sum)
			break;
	}
	return gamma_power(a, x) * sum;
}

static long double
upper_fraction(long double a, long double x)
{
	long double b = x + 1 - a,
				c = 1 / TINY,
				d = 1 / b,
				h = d;

	for (int n = 1; n < 100000; n++)
	{
		long double an = -n * (n - a),
					factor;

		b += 2;
		d = an * d + b;
		d = 1 / (d == 0 ? TINY : d);
		c = b + an / c;
		c = c == 0 ? TINY : c;
		factor = c * d;
		h *= factor;
		if (fabsl(factor - 1) < 1e-19L)
			break;
	}
	return gamma_power(a, x) * a * h;
}

/* start: shape, x, direction */
static long double
log_density(const long double *start, long double t)
{
	long double a = start[0],
				x = start[1] + start[2] * t;

	return x > 0 ? -rec_deviance(a, x, a - x) - logl(x) : -INFINITY;
}

static long double
integrated(long double a, long double x, long double direction)
{
	long double start[3] = {a, x, direction};

	return rec_integrate_tail(log_density, start, sqrtl(a), direction < 0 ? x : INFINITY) *
		expl(-rec_stirling_error(a)) * sqrtl(a / 6.283185307179586476925286767L);
}

void
rec_gamma_tails(long double a, long double x, long double *lower, long double *upper)
{
	if (x <= 0)
		*lower = 0;
	else if (x < a + 1)
		*lower = a > REC_LARGE_SHAPE ? integrated(a, x, -1) : lower_series(a, x);
	else
	{
		*upper = isinf(x) ? 0 : a > REC_LARGE_SHAPE ? integrated(a, x, 1) : upper_fraction(a, x);
		*lower = 1 - *upper;
		return;
	}
	*upper = 1 - *lower;
}

static long double
lower_at(const long double *a, long double s)
{
	long double lower,
				upper;

	rec_gamma_tails(*a, expl(s), &lower, &upper);
	return lower;
}

static long double
upper_at(const long double *a, long double s)
{
	long double lower,
				upper;

	rec_gamma_tails(*a, expl(s), &lower, &upper);
	return upper;
}

long double
rec_gamma_log_x(long double p, bool upper, long double a)
{
	return rec_solve_tail(upper ? upper_at : lower_at, &a, !upper, p, logl(a), 1 / sqrtl(a));
}

static bool
bad(double a, double x)
{
	return !(a > 0) || isinf(a) || isnan(x);
}

double
rec_gamma_p(double a, double x)
{
	long double lower,
				upper;

	if (bad(a, x))
		return NAN;
	rec_gamma_tails(a, x, &lower, &upper);
	return (double) lower;
}

double
rec_gamma_q(double a, double x)
{
	long double lower,
				upper;

	if (bad(a, x))
		return NAN;
	rec_gamma_tails(a, x, &lower, &upper);
	return (double) upper;
}

static double
inverse(double p, bool upper, double a)
{
	if (bad(a, p) || p < 0 || p > 1)
		return NAN;
	if (p == 0 || p == 1)
		return (p == 0) == upper ? INFINITY : 0;
	/* the smaller tail; 1 - p is exact here */
	return (double) expl(p > 0.5 ? rec_gamma_log_x(1 - p, !upper, a) : rec_gamma_log_x(p, upper, a));
}

double
rec_gamma_quantile(double p, double a)
{
	return inverse(p, false, a);
}

double
rec_gamma_isf(double p, double a)
{
	return inverse(p, true, a);
}

double
rec_chi2_cdf(double x, double df)
{
	return rec_gamma_p(df / 2, x / 2);
}

double
rec_chi2_sf(double x, double df)
{
	return rec_gamma_q(df / 2, x / 2);
}

double
rec_chi2_quantile(double p, double df)
{
	return 2 * rec_gamma_quantile(p, df / 2);
}

double
rec_chi2_isf(double p, double df)
{
	return 2 * rec_gamma_isf(p, df / 2);
}
