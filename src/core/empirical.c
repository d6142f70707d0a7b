/*
 * empirical.c
 *		Comparing empirical distributions, and bins. See empirical.h.
 */
#include "empirical.h"

#include <math.h>
#include <stddef.h>

#include "sort.h"

/* Up to so many edges, comparing each number with each edge is faster than searching: the compiler vectorises it. */
#define FEW_EDGES 32
#define BLOCK 2048

/* A sample on its way through all breakpoints: lo numbers are below the present one, hi are not above. */
typedef struct Walk
{
	const RecEmpirical *s;
	int64_t		lo,
				hi;
	double		below,			/* the distribution function just before the breakpoint */
				upto;			/* and at it */
} Walk;

static double
grid_share(const RecEmpirical *s, int64_t lo, double x)
{
	double		left = s->x[lo - 1],
				right = s->x[lo],
				part = (x - left) / (right - left);

	/* next to an infinite quantile nothing is known of the way there */
	return (lo - 1 + (part >= 0 && part <= 1 ? part : 0)) / (s->len - 1);
}

static void
step(Walk *w, double x)
{
	const RecEmpirical *s = w->s;

	w->lo = w->hi;
	while (w->lo < s->len && s->x[w->lo] < x)
		w->lo++;
	w->hi = w->lo;
	while (w->hi < s->len && s->x[w->hi] <= x)
		w->hi++;
	if (!s->grid)
	{
		w->below = (s->cum ? s->cum[w->lo] : w->lo) / s->n;
		w->upto = (s->cum ? s->cum[w->hi] : w->hi) / s->n;
	}
	else if (w->hi == 0 || w->lo == s->len)
		w->below = w->upto = w->hi == 0 ? 0 : 1;
	else if (w->hi == w->lo)
		w->below = w->upto = grid_share(s, w->lo, x);
	else
	{
		w->below = (double) w->lo / (s->len - 1);
		w->upto = w->hi == s->len ? 1 : (double) (w->hi - 1) / (s->len - 1);
	}
}

/* The next number of either sample; false when there is none. */
static bool
next_breakpoint(Walk *a, Walk *b, double *x)
{
	bool		more_a = a->hi < a->s->len,
				more_b = b->hi < b->s->len;

	if (!more_a && !more_b)
		return false;
	if (!more_b || (more_a && a->s->x[a->hi] <= b->s->x[b->hi]))
		*x = a->s->x[a->hi];
	else
		*x = b->s->x[b->hi];
	step(a, *x);
	step(b, *x);
	return true;
}

static void
keep_largest(RecKs *ks, double gap, double x)
{
	if (fabs(gap) > ks->statistic)
	{
		ks->statistic = fabs(gap);
		ks->location = x;
		ks->sign = gap > 0 ? 1 : -1;
	}
}

RecKs
rec_ks_compare(const RecEmpirical *a, const RecEmpirical *b)
{
	Walk		wa = {.s = a},
				wb = {.s = b};
	RecKs		ks = {0};
	double		x;

	ks.location = a->x[0];
	while (next_breakpoint(&wa, &wb, &x))
	{
		/* a grid's function rises before the breakpoint, a step function does not */
		if (a->grid || b->grid)
			keep_largest(&ks, wa.below - wb.below, x);
		keep_largest(&ks, wa.upto - wb.upto, x);
	}
	/* exact shares differ by a multiple of 1/(nm): without the rounding of two divisions */
	if (!a->grid && !b->grid && a->n * b->n < 9e15)
		ks.statistic = nearbyint(ks.statistic * (a->n * b->n)) / (a->n * b->n);
	return ks;
}

/* Area under |line| from one value to another over a width. */
static double
area(double from, double to, double width)
{
	double		f = fabs(from),
				t = fabs(to);

	if (f + t == 0)
		return 0;
	if ((from < 0) == (to < 0) || f == 0 || t == 0)
		return width * (f + t) / 2;
	return width * (f * f + t * t) / (2 * (f + t));
}

double
rec_wasserstein(const RecEmpirical *a, const RecEmpirical *b)
{
	Walk		wa = {.s = a},
				wb = {.s = b};
	double		x,
				before = 0,
				gap = 0,
				sum = 0;

	while (next_breakpoint(&wa, &wb, &x))
	{
		double		now = wa.below - wb.below;

		/* rounding is no gap: shares are multiples of 1/n */
		if (fabs(gap) > 1e-15 || fabs(now) > 1e-15)
			sum += area(gap, now, x - before);
		gap = wa.upto - wb.upto;
		before = x;
	}
	return sum;
}

double
rec_interpolate(double lower, double upper, double fraction)
{
	if (fraction == 0 || lower == upper)
		return lower;
	if (isinf(lower))
		return lower;
	return lower + fraction * (upper - lower);
}

/*
 * A bin holds its lower edge. An edge at the least number would leave nothing below it: it moves just above, so that
 * this number, of which there must be many, has a bin of its own.
 */
int
rec_edges(const double *quantile, int bins, double *edges)
{
	double		least = quantile[0];
	int			n = 0;

	if (quantile[bins] == least)
		edges[n++] = least;
	for (int i = 1; i < bins; i++)
	{
		double		edge = quantile[i] > least ? quantile[i] : nextafter(least, INFINITY);

		if (n == 0 || edge > edges[n - 1])
			edges[n++] = edge;
	}
	return n;
}

/* The number of a rank. */
static double
number_at(const RecEmpirical *s, int64_t rank)
{
	int64_t		i = 0;

	if (!s->cum)
		return s->x[rank];
	while (s->cum[i + 1] <= rank)
		i++;
	return s->x[i];
}

void
rec_quantiles(const RecEmpirical *s, int intervals, double *quantile)
{
	for (int i = 0; i <= intervals; i++)
	{
		int64_t		rank;
		double		fraction = rec_quantile_rank(s->cum ? (int64_t) s->n : s->len, i, intervals, &rank);

		quantile[i] = rec_interpolate(number_at(s, rank), number_at(s, rank + (fraction > 0)), fraction);
	}
}

int
rec_quantile_edges(const RecEmpirical *s, int bins, double *edges)
{
	double		quantile[REC_BINS_MAX + 1] = {0};

	rec_quantiles(s, bins, quantile);
	return rec_edges(quantile, bins, edges);
}

double
rec_quantile_rank(int64_t n, int i, int bins, int64_t *rank)
{
	/* exact in integers, so that a quantile that is one of the numbers is that number */
	__int128	position = (__int128) i * (n - 1);

	*rank = (int64_t) (position / bins);
	return (double) (int64_t) (position % bins) / bins;
}

int
rec_merge_bins(double *reference, double *current, int n)
{
	int			kept = 0,
				used = 0;
	bool		constant;

	for (int i = 0; i < n; i++)
		used += reference[i] > 0;
	constant = used == 1;
	for (int i = 0; i < n; i++)
	{
		if (constant && reference[i] + current[i] == 0)
			continue;
		reference[kept] = reference[i];
		current[kept++] = current[i];
		/* an empty one is part of its right neighbour, the last of its left one */
		if (!constant && kept > 1 && (reference[kept - 2] == 0 || (i == n - 1 && reference[kept - 1] == 0)))
		{
			reference[kept - 2] += reference[kept - 1];
			current[kept - 2] += current[kept - 1];
			kept--;
		}
	}
	return kept;
}

void
rec_bin_counts_sorted(const double *x, int64_t n, const double *edges, int nedges, double *counts)
{
	int64_t		before = 0;

	for (int i = 0; i <= nedges; i++)
	{
		int64_t		below = i == nedges ? n : before + rec_count_below(x + before, n - before, edges[i]);

		counts[i] = (double) (below - before);
		before = below;
	}
}

void
rec_bin_counts(const RecEmpirical *s, const double *edges, int nedges, double *counts)
{
	Walk		w = {.s = s};
	double		before = 0;

	if (!s->grid && !s->cum)
	{
		rec_bin_counts_sorted(s->x, s->len, edges, nedges, counts);
		return;
	}
	for (int i = 0; i <= nedges; i++)
	{
		double		share = 1;

		if (s->len == 0)
		{
			counts[i] = 0;
			continue;
		}

		if (i < nedges)
		{
			/* the edge itself belongs to the next bin: come back to what was not below it */
			step(&w, edges[i]);
			w.hi = w.lo;
			share = w.below;
		}
		counts[i] = (share - before) * s->n;
		if (!s->grid)
			counts[i] = nearbyint(counts[i]);
		before = share;
	}
}

void
rec_bin_counts_unsorted(const double *x, int64_t n, const double *edges, int nedges, double *counts)
{
	for (int i = 0; i <= nedges; i++)
		counts[i] = 0;
	if (nedges > FEW_EDGES)
	{
		for (int64_t k = 0; k < n; k++)
		{
			int			low = 0,
						high = nedges;

			while (low < high)
			{
				int			middle = (low + high) / 2;

				if (x[k] >= edges[middle])
					low = middle + 1;
				else
					high = middle;
			}
			counts[low]++;
		}
		return;
	}
	/* how many are at or above each edge, a block at a time so that it stays in the cache */
	for (int64_t k = 0; k < n; k += BLOCK)
	{
		int			size = n - k < BLOCK ? (int) (n - k) : BLOCK;

		for (int e = 0; e < nedges; e++)
		{
			int64_t		above = 0;

			for (int i = 0; i < size; i++)
				above += x[k + i] >= edges[e];
			counts[e + 1] += above;
		}
	}
	counts[0] = n;
	for (int i = 0; i < nedges; i++)
		counts[i] -= counts[i + 1];
}
