/*
 * dist.c
 *		Normal, Student's t and noncentral t. See dist.h.
 */
#include "core/dist.h"

#include "core/dist_impl.h"

#define SQRT2 1.414213562373095048801688724L
#define SQRT_2PI 2.506628274631000502415765285L

double
rec_normal_pdf(double z)
{
	return (double) (expl(-0.5L * z * z) / SQRT_2PI);
}

double
rec_normal_sf(double z)
{
	return (double) (0.5L * erfcl(z / SQRT2));
}

double
rec_normal_cdf(double z)
{
	return rec_normal_sf(-z);
}

/* z > 0 with upper tail p in (0, 1/2) */
static long double
upper_z(long double p)
{
	/* Abramowitz and Stegun 26.2.23, within 4.5e-4; each Newton step doubles the digits */
	long double t = sqrtl(-2 * logl(p)),
				z = t - (2.515517L + t * (0.802853L + t * 0.010328L)) /
		(1 + t * (1.432788L + t * (0.189269L + t * 0.001308L)));

	for (int i = 0; i < 4; i++)
	{
		long double density = expl(-0.5L * z * z) / SQRT_2PI;

		if (p > 0.1L)
			z += (0.5L - p - 0.5L * erfl(z / SQRT2)) / density;
		else
		{
			long double tail = 0.5L * erfcl(z / SQRT2);

			z += logl(tail / p) * tail / density;
		}
	}
	return z;
}

double
rec_normal_isf(double p)
{
	if (!(p >= 0 && p <= 1))
		return NAN;
	if (p == 0 || p == 1)
		return p == 0 ? INFINITY : -INFINITY;
	if (p == 0.5)
		return 0;
	return (double) (p < 0.5 ? upper_z(p) : -upper_z(1 - (long double) p));
}

double
rec_normal_quantile(double p)
{
	return p == 0.5 ? 0 : -rec_normal_isf(p);
}

/* P(T > t), t >= 0: I_x(df / 2, 1 / 2) / 2 with x = df / (df + t^2) */
double
rec_t_sf(double t, double df)
{
	long double square = (long double) t * t,
				n = df + square,
				tail[2];

	if (isnan(t) || !(df > 0))
		return NAN;
	if (isinf(df))
		return rec_normal_sf(t);
	if (isinf(n))
		return t < 0;
	rec_beta_tails(df / n, square / n, df / 2.0L, 0.5L, &tail[0], &tail[1]);
	return (double) (t < 0 ? 1 - tail[0] / 2 : tail[0] / 2);
}

double
rec_t_cdf(double t, double df)
{
	return rec_t_sf(-t, df);
}

double
rec_t_isf(double p, double df)
{
	long double half,
				log_odds;

	if (!(p >= 0 && p <= 1) || !(df > 0))
		return NAN;
	if (isinf(df))
		return rec_normal_isf(p);
	if (p == 0 || p == 1)
		return p == 0 ? INFINITY : -INFINITY;
	if (p == 0.5)
		return 0;
	half = p < 0.5 ? p : 1 - (long double) p;
	/* the tail, or near the centre what lies between; the odds are df / t^2 */
	log_odds = half < 0.25L ? rec_beta_log_odds(2 * half, false, df / 2.0L, 0.5L) :
		rec_beta_log_odds(1 - 2 * half, true, df / 2.0L, 0.5L);
	half = expl((logl(df) - log_odds) / 2);
	return (double) (p < 0.5 ? half : -half);
}

double
rec_t_quantile(double p, double df)
{
	return p == 0.5 ? (df > 0 ? 0 : NAN) : -rec_t_isf(p, df);
}

/* Density of sqrt(chi-square(df) / df) at v, without its constant. */
static long double
log_chi(long double v, long double df)
{
	long double a = df / 2,
				x = a * v * v;

	return -rec_deviance(a, x, a * (1 - v) * (1 + v)) - logl(v);
}

/* Integral of P(Z > t v - delta) over the density of v between two ends. */
static long double
nct_piece(long double t, long double df, long double delta, long double from, long double to)
{
	enum { PANELS = 12 };
	long double half = (to - from) / (2 * PANELS),
				sum = 0;

	if (!(to > from))
		return 0;
	for (int panel = 0; panel < PANELS; panel++)
		for (int i = 0; i < 10; i++)
			for (int sign = -1; sign <= 1; sign += 2)
			{
				long double v = from + half * (2 * panel + 1 + sign * rec_gauss_node[i]);

				sum += rec_gauss_weight[i] * 0.5L * erfcl((t * v - delta) / SQRT2) * expl(log_chi(v, df));
			}
	return sum * half;
}

double
rec_nct_sf(double t, double df, double delta)
{
	long double a = df / 2.0L,
				from,
				to,
				cut[2],
				sum;

	if (isnan(t) || !(df >= 1) || isnan(delta))
		return NAN;
	if (isinf(df) || df > 1e15)
		return rec_normal_sf(t - delta);
	if (isinf(t) || isinf(delta))
		return isinf(t) ? t < 0 : delta > 0;
	from = expl((rec_gamma_log_x(1e-20L, false, a) - logl(a)) / 2);
	to = expl((rec_gamma_log_x(1e-20L, true, a) - logl(a)) / 2);
	/* where the normal tail falls from 1 to 0, pieces of their own */
	cut[0] = t != 0 ? (delta - 9) / t : from;
	cut[1] = t != 0 ? (delta + 9) / t : from;
	if (cut[0] > cut[1])
	{
		long double swap = cut[0];

		cut[0] = cut[1];
		cut[1] = swap;
	}
	for (int i = 0; i < 2; i++)
		cut[i] = fminl(fmaxl(cut[i], from), to);
	sum = nct_piece(t, df, delta, from, cut[0]) + nct_piece(t, df, delta, cut[0], cut[1]) +
		nct_piece(t, df, delta, cut[1], to);
	/* the constant of the density: 2 a^a exp(-a) / Gamma(a), by Stirling */
	return (double) (sum * 2 * a * expl(-rec_stirling_error(a)) / (SQRT_2PI * sqrtl(a)));
}
