/*
 * bootstrap.c
 *		The bootstrap. See bootstrap.h.
 */
#include "core/bootstrap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* splitmix64 */
static inline uint64_t
next(uint64_t *state)
{
	uint64_t	z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

void
rec_bootstrap(const double *num, const double *den, int nblocks, int ncolumns, int replicates, uint64_t seed, double *out,
			  double *work)
{
	double	   *n = work,
			   *d = work + ncolumns;
	uint64_t	state = seed;

	for (int r = 0; r < replicates; r++)
	{
		memset(work, 0, 2 * ncolumns * sizeof(double));
		for (int b = 0; b < nblocks; b++)
		{
			size_t		from = (size_t) ((next(&state) >> 32) * (uint64_t) nblocks >> 32) * ncolumns;

			for (int c = 0; c < ncolumns; c++)
			{
				n[c] += num[from + c];
				d[c] += den[from + c];
			}
		}
		for (int c = 0; c < ncolumns; c++)
			out[(size_t) c * replicates + r] = d[c] > 0 ? n[c] / d[c] : NAN;
	}
}

static int
compare(const void *a, const void *b)
{
	double		x = *(const double *) a,
				y = *(const double *) b;

	return (x > y) - (x < y);
}

double
rec_bootstrap_quantile(double *value, int n, double q)
{
	int			m = 0;
	double		place;
	int			below;

	for (int i = 0; i < n; i++)
		if (!isnan(value[i]))
			value[m++] = value[i];
	if (m == 0)
		return NAN;
	qsort(value, m, sizeof(double), compare);
	place = q * (m - 1);
	below = (int) place;
	if (below >= m - 1)
		return value[m - 1];
	return value[below] + (place - below) * (value[below + 1] - value[below]);
}
