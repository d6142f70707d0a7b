/*
 * ks.c
 *		p-values of the Kolmogorov-Smirnov statistic. See ks.h.
 *
 * Two samples, exact: Hodges, Arkiv foer Matematik 3, 1958, counts the lattice paths that leave a band around the
 * diagonal; here as the recursion for the share of paths to (i, j) that have left it, which has positive terms only and
 * so keeps its digits in the far tail. Equal sizes: the closed form of Gnedenko and Korolyuk, 1951.
 *
 * One sample: Simard and L'Ecuyer, Journal of Statistical Software 39(11), 2011, say which method is exact enough where.
 * Marsaglia, Tsang and Wang (2003, a matrix power) and Pelz and Good (1976, an expansion) for the distribution function,
 * and twice the one-sided tail of Smirnov for small p, summed with Loader's binomial probabilities.
 */
#include "ks.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#ifndef M_PI
#define M_PI 3.14159265358979323846
#endif

static double
clip(double p)
{
	return p < 0 ? 0 : p > 1 ? 1 : p;
}

static int64_t
gcd(int64_t a, int64_t b)
{
	while (b != 0)
	{
		int64_t		r = a % b;

		a = b;
		b = r;
	}
	return a;
}

/* 2 (C(2n, n-h) - C(2n, n-2h) + ...) / C(2n, n) */
static double
outside_square(int n, int h)
{
	double		p = 0;

	for (int k = n / h; k >= 0; k--)
	{
		double		q = 1;

		for (int j = 0; j < h; j++)
			q = (double) (n - k * h - j) * q / (n + k * h + j + 1);
		p = q * (1 - p);
	}
	return clip(2 * p);
}

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static int64_t
min64(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/*
 * Share of the paths from (0, 0) to (m, n) that touch |x/m - y/n| >= h/lcm, column by column; m >= n. In a column only
 * the cells inside the band are kept; all others are 1.
 */
static double
outside_band(int m, int n, int g, int64_t h, double *work, void (*tick) (void))
{
	int64_t		mg = m / g,
				ng = n / g,
				from = 0,
				to = min64((h + mg - 1) / mg, n + 1);
	double	   *a = work,
			   *inverse = work + n + 2;

	for (int k = 1; k <= m + n; k++)
		inverse[k] = 1.0 / k;
	for (int64_t j = 0; j < n + 2; j++)
		a[j] = j < to ? 0 : 1;
	for (int64_t i = 1; i <= m; i++)
	{
		double		value;

		from = floor_div(ng * i - h, mg) + 1;
		from = from < 0 ? 0 : min64(from, n);
		to = min64((ng * i + h + mg - 1) / mg, n + 1);
		if (to <= from)
			return 1;
		/* cells below the band are left behind as 1, those above it still hold their 1 */
		value = from == 0 ? 0 : 1;
		for (int64_t j = from; j < to; j++)
		{
			value = a[j] * (i * inverse[i + j]) + value * (j * inverse[i + j]);
			a[j] = value;
		}
		if (tick && i % 64 == 0)
			tick();
	}
	return clip(a[n]);
}

static double
two_sample_exact(double statistic, int n, int m, double *work, void (*tick) (void))
{
	int			g = (int) gcd(n, m),
				larger = n > m ? n : m,
				smaller = n > m ? m : n;
	int64_t		h = (int64_t) nearbyint(statistic * ((double) (n / g) * m));

	if (h <= 0)
		return 1;
	return n == m ? outside_square(n, (int) h) : outside_band(larger, smaller, g, h, work, tick);
}

/* log(n!) - log(sqrt(2 pi n) (n/e)^n) */
static double
stirling_error(double n)
{
	static const double exact[16] = {
		0, 0.0810614667953272582, 0.0413406959554092941, 0.0276779256849983391, 0.0207906721037650931,
		0.0166446911898211921, 0.0138761288230707480, 0.0118967099458917701, 0.0104112652619720965,
		0.0092554621827127329, 0.0083305634333628713, 0.0075736754879518407, 0.0069428401072065299,
		0.0064089941880043071, 0.0059513701127588476, 0.0055547335519628014
	};
	double		q = 1 / (n * n);

	if (n < 16)
		return exact[(int) n];
	return (1.0 / 12 - (1.0 / 360 - (1.0 / 1260 - (1.0 / 1680 - q / 1188) * q) * q) * q) / n;
}

/* x log(x / (x + delta)) + delta, without cancellation when delta is small (Loader 2000) */
static double
deviance(double x, double delta)
{
	double		v,
				s,
				term;

	if (fabs(delta) >= 0.1 * (2 * x + delta))
		return x * log(x / (x + delta)) + delta;
	/* with v = (x - y) / (x + y), y = x + delta: x log(x / y) = 2 x (v + v^3 / 3 + ...) */
	v = -delta / (2 * x + delta);
	s = -delta * v;
	term = 2 * x * v;
	for (int j = 1; j < 100; j++)
	{
		double		next;

		term *= v * v;
		next = s + term / (2 * j + 1);
		if (next == s)
			break;
		s = next;
	}
	return s;
}

/* Term v of Smirnov's sum: x / (x + v/n) times the binomial probability of v among n at x + v/n. */
static double
smirnov_term(double v, double n, double d)
{
	double		rest = n - v,
				shift = n * d;

	if (v == 0)
		return exp(n * log1p(-d));
	if (rest <= shift)
		return 0;
	return d / (d + v / n) * sqrt(n / (2 * M_PI * v * rest)) *
		exp(stirling_error(n) - stirling_error(v) - stirling_error(rest) - deviance(v, shift) - deviance(rest, -shift));
}

/*
 * P(D_n^+ >= d) as the sum over v = 0 .. n(1-d). For large n the terms are so smooth in v, and vanish so fast at both
 * ends, that every stride-th one times the stride gives the same sum to the last digit.
 */
static double
smirnov(double n, double d, void (*tick) (void))
{
	double		last = floor(n * (1 - d)),
				stride = ceil(n / 20000),
				sum = 0;

	/* few terms, or a narrow peak: all of them */
	if (n * d * d > 400 || n <= 20000)
		stride = 1;
	for (double v = 0; v <= last; v += stride)
	{
		sum += smirnov_term(v, n, d);
		if (tick && fmod(v / stride, 4096) == 0)
			tick();
	}
	return sum * stride;
}

static void
matrix_multiply(const double *a, const double *b, double *c, int size)
{
	memset(c, 0, sizeof(double) * size * size);
	for (int i = 0; i < size; i++)
		for (int k = 0; k < size; k++)
			for (int j = 0; j < size; j++)
				c[i * size + j] += a[i * size + k] * b[k * size + j];
}

/* H of Marsaglia, Tsang and Wang, for d = (k - above) / n and size = 2k - 1 */
static void
fill_matrix(double *h, double above, int size)
{
	for (int i = 0; i < size; i++)
		for (int j = 0; j < size; j++)
			h[i * size + j] = i - j + 1 < 0 ? 0 : 1;
	for (int i = 0; i < size; i++)
	{
		h[i * size] -= pow(above, i + 1);
		h[(size - 1) * size + i] -= pow(above, size - i);
	}
	h[(size - 1) * size] += 2 * above - 1 > 0 ? pow(2 * above - 1, size) : 0;
	for (int i = 0; i < size; i++)
		for (int j = 0; j < size; j++)
			for (int g = 1; g <= i - j + 1; g++)
				h[i * size + j] /= g;
}

/* P(D_n < d) by a matrix power; exponents of 2 are kept beside the values. */
static double
matrix_power_cdf(int n, double d, double *work, void (*tick) (void))
{
	int			k = (int) (n * d) + 1,
				size = 2 * k - 1,
				exponent_h = 0,
				exponent = 0;
	double	   *h = work,
			   *power = work + size * size,
			   *other = power + size * size,
				result;
	bool		started = false;

	fill_matrix(h, k - n * d, size);
	for (int bits = n;; bits >>= 1)
	{
		double	   *swap;
		double		middle;
		int			shift;

		if (bits & 1)
		{
			if (started)
			{
				matrix_multiply(power, h, other, size);
				swap = power, power = other, other = swap;
				exponent += exponent_h;
			}
			else
			{
				memcpy(power, h, sizeof(double) * size * size);
				exponent = exponent_h;
				started = true;
			}
		}
		if (bits == 1)
			break;
		matrix_multiply(h, h, other, size);
		swap = h, h = other, other = swap;
		middle = h[(k - 1) * size + k - 1];
		(void) frexp(middle, &shift);
		for (int i = 0; i < size * size; i++)
			h[i] = ldexp(h[i], -shift);
		exponent_h = 2 * exponent_h + shift;
		if (tick)
			tick();
	}
	/* times n! / n^n */
	result = power[(k - 1) * size + k - 1];
	for (int i = 1; i <= n; i++)
	{
		int			shift;

		result = frexp(result * i / n, &shift);
		exponent += shift;
	}
	return ldexp(result, exponent);
}

/* P(D_n < d) by the expansion of Pelz and Good, in the form for small z (Jacobi theta functions). */
static double
pelz_good_cdf(double n, double d)
{
	const double pi2 = M_PI * M_PI,
				pi4 = pi2 * pi2;
	double		z = sqrt(n) * d,
				z2 = z * z,
				z3 = z2 * z,
				z4 = z2 * z2,
				z6 = z4 * z2,
				z8 = z4 * z4,
				log_q = -pi2 / 8 / z2,
				sum[4] = {0},
				extra2 = 0,
				extra3 = 0;
	int			terms = (int) ceil(16 * z / M_PI);

	if (log_q < -708)
		return 0;
	for (int k = terms; k >= 1; k--)
	{
		double		odd = 2 * k - 1,
					m2 = odd * odd,
					m4 = m2 * m2,
					m6 = m4 * m2,
					q = exp(log_q * m2),
					square = (double) k * k,
					p = square * exp(4 * log_q * square);

		sum[0] += q;
		sum[1] += q * (-z2 + pi2 / 4 * m2);
		sum[2] += q * (6 * z6 + 2 * z4 + (2 * z4 - 5 * z2) * pi2 / 4 * m2 + pi4 * (1 - 2 * z2) / 16 * m4);
		sum[3] += q * (-30 * z6 - 90 * z8 + pi2 * (135 * z4 - 96 * z6) / 4 * m2 +
					   pi4 * (-60 * z2 + 212 * z4) / 16 * m4 + pi4 * pi2 * (5 - 30 * z2) / 64 * m6);
		extra2 += p;
		extra3 += p * (3 * z2 - pi2 * square);
	}
	sum[0] /= z;
	sum[1] /= 6 * z4;
	sum[2] = sum[2] / (72 * z6 * z) - extra2 * pi2 / (36 * z3);
	sum[3] = sum[3] / (6480 * z8 * z2) + extra3 * pi2 / (216 * z6);
	return sqrt(2 * M_PI) * (sum[0] + sum[1] / sqrt(n) + sum[2] / n + sum[3] / (n * sqrt(n)));
}

double
rec_ks_one_sample(double n, double d, double *work, void (*tick) (void))
{
	double		t = n * d,
				u = t * d;

	if (isnan(d) || !(n >= 1))
		return NAN;
	if (d >= 1)
		return 0;
	if (t <= 0.5)
		return 1;
	if (t <= 1)
	{
		/* n! ((2t - 1) / n)^n */
		return clip(-expm1(n * log(2 * t - 1) + 0.5 * log(2 * M_PI * n) + stirling_error(n) - n));
	}
	if (t >= n - 1)
		return clip(2 * pow(1 - d, n));
	if (u >= 370)
		return 0;
	if (d >= 0.5 || u > (n <= 140 ? 4 : 2.2))
		return clip(2 * smirnov(n, d, tick));
	if (n <= 140 || (n <= 100000 && n * d * sqrt(d) <= 1.4))
		return clip(1 - matrix_power_cdf((int) n, d, work, tick));
	return clip(1 - pelz_good_cdf(n, d));
}

double
rec_ks_p(double statistic, double n, double m, double *work, void (*tick) (void))
{
	if (isnan(statistic) || !(n >= 1) || !(m >= 1))
		return NAN;
	if (fmax(n, m) <= REC_KS_EXACT)
		return two_sample_exact(statistic, (int) n, (int) m, work, tick);
	return rec_ks_one_sample(nearbyint(fmax(n, m) * fmin(n, m) / (n + m)), statistic, work, tick);
}
