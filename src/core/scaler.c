/*
 * scaler.c
 *		Applying fitted scalers. See scaler.h.
 */
#include "core/scaler.h"

#include <math.h>

#include "sort.h"

const char *const rec_scaler_names[REC_SCALER_KINDS] = {"standard", "minmax", "robust", "maxabs", "quantile", "log"};

/* (x - from) / (to - from), also where a difference overflows. */
static double
share(double x, double from, double low, double high)
{
	double		difference = x - from,
				spread = high - low;

	if (isfinite(difference) && isfinite(spread))
		return difference / spread;
	return (x / 2 - from / 2) / (high / 2 - low / 2);
}

static double
to_quantile(const RecScaler *s, double x)
{
	const double *q = s->quantile;
	int			n = s->nquantiles;
	int			first,
				last;

	if (x <= q[0])
		return 0;
	if (x >= q[n - 1])
		return 1;
	first = (int) rec_count_below(q, n, x);
	last = (int) rec_count_upto(q, n, x);
	if (first < last)			/* the middle of a run of equal quantiles */
		return (first + last - 1) / (2.0 * (n - 1));
	return (first - 1 + share(x, q[first - 1], q[first - 1], q[first])) / (n - 1);
}

static double
from_quantile(const RecScaler *s, double y)
{
	double		at = y * (s->nquantiles - 1);
	int			i = (int) floor(at);
	double		t = at - i,
				a = s->quantile[i],
				b;

	if (t == 0)
		return a;
	b = s->quantile[i + 1];
	return isfinite(b - a) ? a + (b - a) * t : a * (1 - t) + b * t;
}

double
rec_scaler_apply(const RecScaler *s, double x)
{
	if (isnan(x))
		return x;
	switch (s->kind)
	{
		case REC_SCALER_QUANTILE:
			return to_quantile(s, x);
		case REC_SCALER_LOG:
			return x >= s->center ? log1p(x - s->center) : -log1p(s->center - x);
		default:
			if (isinf(x))
				return x;
			return s->high == s->low ? 0 : share(x, s->center, s->low, s->high);
	}
}

double
rec_scaler_undo(const RecScaler *s, double y)
{
	if (isnan(y))
		return y;
	switch (s->kind)
	{
		case REC_SCALER_QUANTILE:
			return from_quantile(s, y < 0 ? 0 : y > 1 ? 1 : y);
		case REC_SCALER_LOG:
			return y >= 0 ? s->center + expm1(y) : s->center - expm1(-y);
		default:
			if (s->high == s->low)
				return s->center;
			if (isfinite(s->high - s->low) && isfinite(y * (s->high - s->low)))
				return s->center + y * (s->high - s->low);
			return 2 * (s->center / 2 + (y * (s->high / 2) - y * (s->low / 2)));
	}
}
