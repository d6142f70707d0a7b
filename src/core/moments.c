/*
 * moments.c
 *		Moments of many numbers at once. See moments.h.
 */
#include "moments.h"

#define LANES 4

/* Sums of deviations from a center and of their squares, in lanes, so that no addition waits for the one before. */
static double
deviations(const double *x, int64_t n, double center, double *squares)
{
	double		sum[LANES] = {0},
				square[LANES] = {0};
	int64_t		i = 0;

	for (; i + LANES <= n; i += LANES)
		for (int l = 0; l < LANES; l++)
		{
			double		d = x[i + l] - center;

			sum[l] += d;
			square[l] += d * d;
		}
	for (; i < n; i++)
	{
		sum[0] += x[i] - center;
		square[0] += (x[i] - center) * (x[i] - center);
	}
	*squares = (square[0] + square[1]) + (square[2] + square[3]);
	return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

void
rec_moments_add_many(RecMoments *m, const double *x, int64_t n)
{
	RecMoments	block = {.n = (double) n};
	double		squares,
				rest;

	if (n == 0)
		return;
	/* the first pass finds the mean, the second one takes deviations from it: what they leave is its rounding */
	block.mean = x[0] + deviations(x, n, x[0], &squares) / block.n;
	rest = deviations(x, n, block.mean, &squares);
	block.mean += rest / block.n;
	block.squares = squares - rest * (rest / block.n);
	if (isfinite(block.mean) && isfinite(block.squares))
		rec_moments_merge(m, &block);
	else
		for (int64_t i = 0; i < n; i++)
			rec_moments_add(m, x[i]);
}
