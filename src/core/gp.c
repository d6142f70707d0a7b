/*
 * gp.c
 *		Gaussian process regression. See gp.h.
 */
#include "core/gp.h"

#include <math.h>

#include "core/dist.h"

#define PASSES 3				/* over all lengths and the noise */
#define PRIOR_CENTRE 0.5		/* of lengths: half the cube */
#define PRIOR_DEVIATION 1.0		/* of their logarithm */

size_t
rec_gp_workspace(int n)
{
	return (size_t) n * n + 3 * (size_t) n;
}

static double
kernel(const RecGp *gp, const double *a, const double *b)
{
	double		squares = 0,
				r;

	for (int c = 0; c < gp->d; c++)
	{
		double		delta = (a[c] - b[c]) / gp->length[c];

		squares += delta * delta;
	}
	r = sqrt(5 * squares);
	return (1 + r + r * r / 3) * exp(-r);
}

/* Cholesky factor in place, lower triangle; false: not positive definite. */
static bool
cholesky(double *a, int n)
{
	for (int i = 0; i < n; i++)
		for (int k = 0; k <= i; k++)
		{
			double		sum = a[(size_t) i * n + k];

			for (int m = 0; m < k; m++)
				sum -= a[(size_t) i * n + m] * a[(size_t) k * n + m];
			if (i > k)
				a[(size_t) i * n + k] = sum / a[(size_t) k * n + k];
			else if (sum > 0)
				a[(size_t) i * n + i] = sqrt(sum);
			else
				return false;
		}
	return true;
}

/* x = L^-1 b, in place */
static void
forward(const double *l, int n, double *b)
{
	for (int i = 0; i < n; i++)
	{
		for (int k = 0; k < i; k++)
			b[i] -= l[(size_t) i * n + k] * b[k];
		b[i] /= l[(size_t) i * n + i];
	}
}

/* x = L'^-1 b, in place */
static void
backward(const double *l, int n, double *b)
{
	for (int i = n - 1; i >= 0; i--)
	{
		for (int k = i + 1; k < n; k++)
			b[i] -= l[(size_t) k * n + i] * b[k];
		b[i] /= l[(size_t) i * n + i];
	}
}

/* With the lengths and noise as they stand; the likelihood is -infinity where it fails. */
static double
fit_once(RecGp *gp)
{
	int			n = gp->n;
	double		fit = 0,
				logs = 0,
				prior = 0;

	for (int i = 0; i < n; i++)
		for (int k = 0; k <= i; k++)
			gp->factor[(size_t) i * n + k] = kernel(gp, gp->x + (size_t) i * gp->d, gp->x + (size_t) k * gp->d) +
				(i == k ? gp->noise + 1e-10 : 0);
	gp->likelihood = -INFINITY;
	if (!cholesky(gp->factor, n))
		return gp->likelihood;
	for (int i = 0; i < n; i++)
		gp->weight[i] = gp->value[i];
	forward(gp->factor, n, gp->weight);
	for (int i = 0; i < n; i++)
	{
		fit += gp->weight[i] * gp->weight[i];
		logs += log(gp->factor[(size_t) i * n + i]);
	}
	backward(gp->factor, n, gp->weight);
	gp->signal = fmax(fit / n, 1e-12);
	for (int c = 0; c < gp->d; c++)
		prior -= pow(log(gp->length[c] / PRIOR_CENTRE) / PRIOR_DEVIATION, 2) / 2;
	gp->likelihood = -n / 2.0 * log(gp->signal) - logs + prior;
	return gp->likelihood;
}

/* The best of some values of one parameter, the others staying as they are. */
static void
search(RecGp *gp, double *parameter, const double *values, int n)
{
	double		best = *parameter,
				likelihood = fit_once(gp);

	for (int i = 0; i < n; i++)
	{
		if (gp->tick)
			gp->tick();
		*parameter = values[i];
		if (fit_once(gp) > likelihood)
		{
			likelihood = gp->likelihood;
			best = values[i];
		}
	}
	*parameter = best;
}

static bool
standardize(RecGp *gp, const double *y)
{
	double		squares = 0;

	gp->mean = 0;
	for (int i = 0; i < gp->n; i++)
		gp->mean += y[i] / gp->n;
	for (int i = 0; i < gp->n; i++)
		squares += (y[i] - gp->mean) * (y[i] - gp->mean);
	if (!isfinite(squares))
		return false;
	gp->scale = squares > 0 ? sqrt(squares / gp->n) : 1;
	for (int i = 0; i < gp->n; i++)
		gp->value[i] = (y[i] - gp->mean) / gp->scale;
	return true;
}

bool
rec_gp_fit(RecGp *gp, const double *x, const double *y, int n, int d, double *workspace)
{
	static const double lengths[] = {0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4};
	static const double noises[] = {1e-4, 1e-3, 1e-2, 0.05, 0.1, 0.3};

	if (n < 2 || d < 1 || d > REC_GP_FEATURES)
		return false;
	gp->n = n;
	gp->d = d;
	gp->x = x;
	gp->factor = workspace;
	gp->weight = workspace + (size_t) n * n;
	gp->value = gp->weight + n;
	gp->scratch = gp->value + n;
	if (!standardize(gp, y))
		return false;
	for (int c = 0; c < d; c++)
		gp->length[c] = PRIOR_CENTRE;
	gp->noise = 1e-2;
	for (int pass = 0; pass < PASSES; pass++)
	{
		for (int c = 0; c < d; c++)
			search(gp, &gp->length[c], lengths, sizeof(lengths) / sizeof(lengths[0]));
		search(gp, &gp->noise, noises, sizeof(noises) / sizeof(noises[0]));
	}
	return fit_once(gp) > -INFINITY;
}

void
rec_gp_predict(RecGp *gp, const double *point, double *mean, double *deviation)
{
	double		sum = 0,
				explained = 0;

	for (int i = 0; i < gp->n; i++)
	{
		gp->scratch[i] = kernel(gp, gp->x + (size_t) i * gp->d, point);
		sum += gp->scratch[i] * gp->weight[i];
	}
	forward(gp->factor, gp->n, gp->scratch);
	for (int i = 0; i < gp->n; i++)
		explained += gp->scratch[i] * gp->scratch[i];
	*mean = gp->mean + gp->scale * sum;
	*deviation = gp->scale * sqrt(gp->signal * fmax(1 - explained, 0));
}

double
rec_gp_improvement(double mean, double deviation, double best)
{
	double		z;

	if (!(deviation > 0))
		return mean > best ? mean - best : 0;
	z = (mean - best) / deviation;
	return deviation * (z * rec_normal_cdf(z) + rec_normal_pdf(z));
}
