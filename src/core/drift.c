/*
 * drift.c
 *		Distances between counts. See drift.h.
 *
 * The law of psi without drift: Yurdakul, Statistical properties of population stability index, 2018. Jensen-Shannon:
 * Lin, IEEE Transactions on Information Theory 37(1), 1991; Endres and Schindelin (49(7), 2003) for its root.
 */
#include "drift.h"

#include <math.h>
#include <stdbool.h>

#include "dist.h"

static double
total(const double *count, int64_t n)
{
	double		sum = 0;

	for (int64_t i = 0; i < n; i++)
		sum += count[i];
	return sum;
}

RecPsi
rec_psi(const double *reference, const double *current, int64_t bins)
{
	double		n = total(reference, bins),
				m = total(current, bins),
				scale = 1 / n + 1 / m,
				add = 0;
	RecPsi		r = {.bins = bins};

	if (!(n > 0) || !(m > 0))
	{
		r.psi = r.expected = r.threshold = r.p_value = NAN;
		return r;
	}
	/* both sides are smoothed alike, and only when a logarithm needs it */
	for (int64_t i = 0; i < bins && add == 0; i++)
		if (reference[i] == 0 || current[i] == 0)
			add = 0.5;
	for (int64_t i = 0; i < bins; i++)
	{
		double		p = (reference[i] + add) / (n + add * bins),
					q = (current[i] + add) / (m + add * bins);

		r.psi += (q - p) * log(q / p);
	}
	r.expected = (bins - 1) * scale;
	r.threshold = bins > 1 ? rec_chi2_isf(0.05, bins - 1) * scale : 0;
	r.p_value = bins > 1 ? rec_chi2_sf(r.psi / scale, bins - 1) : 1;
	return r;
}

RecChi2
rec_chi2_test(const double *reference, const double *current, int64_t categories)
{
	double		n = total(reference, categories),
				m = total(current, categories),
				all = n + m;
	RecChi2		r = {.min_expected = INFINITY};

	for (int64_t i = 0; i < categories; i++)
		r.categories += reference[i] + current[i] > 0;
	if (!(n > 0) || !(m > 0))
	{
		r.statistic = r.df = r.p_value = r.cramers_v = r.min_expected = NAN;
		return r;
	}
	for (int64_t i = 0; i < categories; i++)
	{
		double		both = reference[i] + current[i],
					gap = reference[i] - n * (both / all);

		if (both == 0)
			continue;
		r.statistic += gap * gap / both * (all / n) * (all / m);
		r.min_expected = fmin(r.min_expected, fmin(n, m) * (both / all));
	}
	r.df = r.categories - 1;
	r.p_value = r.df > 0 ? rec_chi2_sf(r.statistic, r.df) : 1;
	r.cramers_v = sqrt(r.statistic / all);
	return r;
}

/* p ln(p / m), which is 0 where p is. */
static double
part(double p, double middle)
{
	return p > 0 ? p * log(p / middle) : 0;
}

double
rec_js_distance(const double *reference, const double *current, int64_t bins)
{
	double		n = total(reference, bins),
				m = total(current, bins),
				sum = 0;

	if (!(n > 0) || !(m > 0))
		return NAN;
	for (int64_t i = 0; i < bins; i++)
	{
		double		p = reference[i] / n,
					q = current[i] / m,
					middle = (p + q) / 2;

		sum += part(p, middle) + part(q, middle);
	}
	return sqrt(fmax(sum / 2, 0));
}
