/*
 * dist_beta.c
 *		Incomplete beta function, F, binomial and hypergeometric probabilities. See dist.h.
 *
 * The tail on the smaller side of the mean, by whichever of four ways needs few terms: the power series in x, the continued
 * fraction of Abramowitz and Stegun 26.5.8, that of 2F1(1, 1 - b; a + 1; -x / y) when b is small and a large (it tends to
 * the incomplete gamma function's), and integration of the tail when both are large.
 */
#include "core/dist.h"
#include "core/dist_impl.h"

#define TINY 1e-4000L
#define TWO_PI 6.283185307179586476925286767L

long double
rec_beta_power(long double x, long double y, long double a, long double b)
{
	long double n = a + b,
				d = a * y - b * x;	/* a - n x */

	return sqrtl(a / n * b / TWO_PI) *
		expl(rec_stirling_error(n) - rec_stirling_error(a) - rec_stirling_error(b) -
			 rec_deviance(a, n * x, d) - rec_deviance(b, n * y, -d));
}

/* I_x(a, b) = power / a * sum of (a + b)_n / (a + 1)_n x^n */
static long double
series(long double x, long double y, long double a, long double b)
{
	long double term = 1,
				sum = 1;

	for (int n = 0; n < 1000000; n++)
	{
		term *= (a + b + n) / (a + 1 + n) * x;
		sum += term;
		if (term < 1e-21L * sum * y)
			break;
	}
	return rec_beta_power(x, y, a, b) / a * sum;
}

/*
 * 1 + c[1] / (1 + c[2] / (1 + ...)), modified Lentz; coefficient(n) is a function of the parameters.
 */
typedef long double (*Coefficient) (long double x, long double y, long double a, long double b, int n);

static long double
fraction(Coefficient coefficient, long double x, long double y, long double a, long double b)
{
	long double h = 1,
				c = 1,
				d = 0;

	for (int n = 1; n < 1000000; n++)
	{
		long double e = coefficient(x, y, a, b, n),
					factor;

		d = 1 + e * d;
		d = 1 / (d == 0 ? TINY : d);
		c = 1 + e / c;
		c = c == 0 ? TINY : c;
		factor = c * d;
		h *= factor;
		if (fabsl(factor - 1) < 1e-19L)
			break;
	}
	return h;
}

static long double
coefficient_26_5_8(long double x, long double y __attribute__((unused)), long double a, long double b, int n)
{
	int			m = n / 2;

	if (n % 2)
		return -(a + m) * (a + b + m) / ((a + 2 * m) * (a + 2 * m + 1)) * x;
	return m * (b - m) / ((a + 2 * m - 1) * (a + 2 * m)) * x;
}

static long double
coefficient_2f1(long double x, long double y, long double a, long double b, int n)
{
	int			m = n / 2;

	if (n % 2)
		return (1 - b + m) * (a + m) / ((a + 2 * m) * (a + 2 * m + 1)) * (x / y);
	return m * (a + b + m - 1) / ((a + 2 * m - 1) * (a + 2 * m)) * (x / y);
}

/* start: x, y, a, b; the tail goes down from x */
static long double
log_density(const long double *start, long double t)
{
	long double x = start[0] - t,
				y = start[1] + t,
				a = start[2],
				b = start[3],
				d = a * y - b * x;

	if (x <= 0)
		return -INFINITY;
	return -rec_deviance(a, (a + b) * x, d) - rec_deviance(b, (a + b) * y, -d) - logl(x) - logl(y);
}

static long double
integrated(long double x, long double y, long double a, long double b)
{
	long double start[4] = {x, y, a, b},
				n = a + b;

	return rec_integrate_tail(log_density, start, sqrtl(a / n * (b / n) / n), x) * sqrtl(a / n * b / TWO_PI) *
		expl(rec_stirling_error(n) - rec_stirling_error(a) - rec_stirling_error(b));
}

/* I_x(a, b) for x not above the mean (or not much) */
static long double
lower_tail(long double x, long double y, long double a, long double b)
{
	bool		large = a > REC_LARGE_SHAPE || b > REC_LARGE_SHAPE;

	if (x <= 0)
		return 0;
	if (a <= REC_SMALL_SHAPE && x < 0.75L)
		return series(x, y, a, b);
	if (b <= REC_SMALL_SHAPE && (large || x < 0.5L))
		return rec_beta_power(x, y, a, b) / (a * y) / fraction(coefficient_2f1, x, y, a, b);
	if (large)
		return integrated(x, y, a, b);
	return rec_beta_power(x, y, a, b) / a / fraction(coefficient_26_5_8, x, y, a, b);
}

void
rec_beta_tails(long double x, long double y, long double a, long double b, long double *lower, long double *upper)
{
	if (a * y >= b * x)
	{
		*lower = lower_tail(x, y, a, b);
		*upper = 1 - *lower;
	}
	else
	{
		*upper = lower_tail(y, x, b, a);
		*lower = 1 - *upper;
	}
}

static long double
tail_at(const long double *shapes, long double s, bool upper)
{
	long double tail[2];

	rec_beta_tails(1 / (1 + expl(-s)), 1 / (1 + expl(s)), shapes[0], shapes[1], &tail[0], &tail[1]);
	return tail[upper];
}

static long double
lower_at(const long double *shapes, long double s)
{
	return tail_at(shapes, s, false);
}

static long double
upper_at(const long double *shapes, long double s)
{
	return tail_at(shapes, s, true);
}

long double
rec_beta_log_odds(long double p, bool upper, long double a, long double b)
{
	long double shapes[2] = {a, b};

	return rec_solve_tail(upper ? upper_at : lower_at, shapes, !upper, p, logl(a / b), sqrtl(1 / a + 1 / b));
}

static bool
bad(double a, double b, double x)
{
	return !(a > 0) || !(b > 0) || isinf(a) || isinf(b) || isnan(x);
}

static double
beta_tail(double x, double a, double b, bool upper)
{
	long double tail[2];

	if (bad(a, b, x))
		return NAN;
	if (x <= 0 || x >= 1)
		return (x >= 1) != upper;
	rec_beta_tails(x, 1 - (long double) x, a, b, &tail[0], &tail[1]);
	return (double) tail[upper];
}

double
rec_beta_cdf(double x, double a, double b)
{
	return beta_tail(x, a, b, false);
}

double
rec_beta_sf(double x, double a, double b)
{
	return beta_tail(x, a, b, true);
}

double
rec_beta_pdf(double x, double a, double b)
{
	if (bad(a, b, x))
		return NAN;
	if (x < 0 || x > 1)
		return 0;
	if (x == 0)
		return a > 1 ? 0 : a < 1 ? INFINITY : b;
	if (x == 1)
		return b > 1 ? 0 : b < 1 ? INFINITY : a;
	return (double) (rec_beta_power(x, 1 - (long double) x, a, b) / x / (1 - (long double) x));
}

double
rec_log_beta(double a, double b)
{
	long double n = (long double) a + b;

	if (bad(a, b, 0))
		return NAN;
	/* beta_power at x = a / n, where the deviances are 0, solved for B(a, b) */
	return (double) (a * (a > b ? log1pl(-b / n) : logl(a / n)) + b * (b > a ? log1pl(-a / n) : logl(b / n)) -
					 logl(a / n * b / TWO_PI) / 2 - rec_stirling_error(n) + rec_stirling_error(a) + rec_stirling_error(b));
}

/* log odds at which a tail is p, given p on one side only */
static long double
inverse(double p, bool upper, long double a, long double b)
{
	return p > 0.5 ? rec_beta_log_odds(1 - p, !upper, a, b) : rec_beta_log_odds(p, upper, a, b);
}

static double
beta_inverse(double p, bool upper, double a, double b)
{
	if (bad(a, b, p) || p < 0 || p > 1)
		return NAN;
	if (p == 0 || p == 1)
		return (p == 1) != upper;
	return (double) (1 / (1 + expl(-inverse(p, upper, a, b))));
}

double
rec_beta_quantile(double p, double a, double b)
{
	return beta_inverse(p, false, a, b);
}

double
rec_beta_isf(double p, double a, double b)
{
	return beta_inverse(p, true, a, b);
}

static double
f_tail(double f, double d1, double d2, bool upper)
{
	long double tail[2],
				x = (long double) d1 * f,
				n = x + d2;

	if (isinf(d2) && isfinite(d1))
		return upper ? rec_chi2_sf(d1 * f, d1) : rec_chi2_cdf(d1 * f, d1);
	if (bad(d1, d2, f))
		return NAN;
	if (f <= 0 || isinf(f))
		return (f > 0) != upper;
	rec_beta_tails(x / n, d2 / n, d1 / 2.0L, d2 / 2.0L, &tail[0], &tail[1]);
	return (double) tail[upper];
}

double
rec_f_cdf(double f, double d1, double d2)
{
	return f_tail(f, d1, d2, false);
}

double
rec_f_sf(double f, double d1, double d2)
{
	return f_tail(f, d1, d2, true);
}

static double
f_inverse(double p, bool upper, double d1, double d2)
{
	if (isinf(d2) && isfinite(d1))
		return (upper ? rec_chi2_isf(p, d1) : rec_chi2_quantile(p, d1)) / d1;
	if (bad(d1, d2, p) || p < 0 || p > 1)
		return NAN;
	if (p == 0 || p == 1)
		return (p == 0) == upper ? INFINITY : 0;
	return (double) (d2 / (long double) d1 * expl(inverse(p, upper, d1 / 2.0L, d2 / 2.0L)));
}

double
rec_f_quantile(double p, double d1, double d2)
{
	return f_inverse(p, false, d1, d2);
}

double
rec_f_isf(double p, double d1, double d2)
{
	return f_inverse(p, true, d1, d2);
}

/* log of n over x, p^x q^(n-x) with p = x / n: the part without deviances */
static long double
log_choose_at_mean(long double x, long double n)
{
	if (x == 0 || x == n)
		return 0;
	return rec_stirling_error(n) - rec_stirling_error(x) - rec_stirling_error(n - x) -
		logl(TWO_PI * x * ((n - x) / n)) / 2;
}

/* log of the binomial probability, with q = 1 - p */
static long double
log_binomial(long double x, long double n, long double p, long double q)
{
	long double d = x * q - (n - x) * p;	/* x - n p */

	if (x == 0)
		return n * (p < 0.5L ? log1pl(-p) : logl(q));
	if (x == n)
		return n * (q < 0.5L ? log1pl(-q) : logl(p));
	return log_choose_at_mean(x, n) - rec_deviance(x, n * p, d) - rec_deviance(n - x, n * q, -d);
}

double
rec_binomial_pmf(double x, double n, double p)
{
	if (isnan(x) || !(n >= 0) || !(p >= 0 && p <= 1))
		return NAN;
	if (x < 0 || x > n || x != floor(x))
		return 0;
	if (p == 0 || p == 1)
		return x == (p == 0 ? 0 : n);
	return (double) expl(log_binomial(x, n, p, 1 - (long double) p));
}

double
rec_hypergeometric_pmf(double x, double n, double marked, double drawn)
{
	long double p = (long double) drawn / n,
				q = ((long double) n - drawn) / n;

	if (!(n >= 0) || !(marked >= 0 && marked <= n) || !(drawn >= 0 && drawn <= n) || isnan(x))
		return NAN;
	if (x < 0 || x > marked || x > drawn || drawn - x > n - marked || x != floor(x))
		return 0;
	if (drawn == 0 || drawn == n)
		return 1;
	/* as R's dhyper does: a quotient of binomial probabilities, whose p may be any */
	return (double) expl(log_binomial(x, marked, p, q) + log_binomial(drawn - x, (long double) n - marked, p, q) -
						 log_binomial(drawn, n, p, q));
}
