/*
 * sketch.c
 *		Quantiles of a stream. See sketch.h.
 */
#include "sketch.h"

#include <math.h>
#include <stddef.h>

#include "empirical.h"

static inline void
swap(double *x, double *weight, int64_t i, int64_t j)
{
	double		t = x[i];

	x[i] = x[j];
	x[j] = t;
	if (weight)
	{
		t = weight[i];
		weight[i] = weight[j];
		weight[j] = t;
	}
}

static void
sift(double *x, double *weight, int64_t root, int64_t n)
{
	for (int64_t child; (child = 2 * root + 1) < n; root = child)
	{
		if (child + 1 < n && x[child] < x[child + 1])
			child++;
		if (x[root] >= x[child])
			return;
		swap(x, weight, root, child);
	}
}

/* Quicksort for a few thousand numbers that may carry weights; heapsort where it does not halve. */
static void
sort(double *x, double *weight, int64_t n, int depth)
{
	while (n > 16 && depth-- > 0)
	{
		double		pivot = x[n / 2];
		int64_t		i = 0,
					j = n - 1;

		while (i <= j)
		{
			while (x[i] < pivot)
				i++;
			while (x[j] > pivot)
				j--;
			if (i <= j)
				swap(x, weight, i++, j--);
		}
		sort(x + i, weight ? weight + i : NULL, n - i, depth);
		n = j + 1;
	}
	if (n > 16)
	{
		for (int64_t i = n / 2 - 1; i >= 0; i--)
			sift(x, weight, i, n);
		for (int64_t i = n - 1; i > 0; i--)
		{
			swap(x, weight, 0, i);
			sift(x, weight, 0, i);
		}
	}
	for (int64_t i = 1; i < n; i++)
		for (int64_t j = i; j > 0 && x[j] < x[j - 1]; j--)
			swap(x, weight, j, j - 1);
}

static void
sort_all(double *x, double *weight, int64_t n)
{
	int			depth = 4;

	for (int64_t k = n; k > 1; k /= 2)
		depth += 2;
	sort(x, weight, n, depth);
}

int
rec_sketch_needs(const RecSketch *s, int level)
{
	if (s->count[level] == REC_SKETCH_SIZE)
		do
			level++;
		while (s->count[level] > REC_SKETCH_SIZE / 2);
	return level;
}

/* Empties a full level into those above. */
static void
step_up(RecSketch *s, int level)
{
	double	   *from = s->level[level];

	sort_all(from, NULL, REC_SKETCH_SIZE);
	for (int i = s->second[level]; i < REC_SKETCH_SIZE; i += 2)
		rec_sketch_add(s, level + 1, from[i]);
	s->second[level] = !s->second[level];
	s->count[level] = 0;
	s->error += (int64_t) 1 << level;
}

void
rec_sketch_add(RecSketch *s, int level, double x)
{
	if (s->count[level] == REC_SKETCH_SIZE)
		step_up(s, level);
	s->level[level][s->count[level]++] = x;
}

int64_t
rec_sketch_size(const RecSketch *s)
{
	int64_t		size = 0;

	for (int l = 0; l < REC_SKETCH_LEVELS; l++)
		size += s->count[l];
	return size;
}

void
rec_weighted_quantiles(double *x, double *weight, int64_t n, double *quantile, int count)
{
	double		total = 0,
				before = 0;
	int64_t		k = 0;

	for (int64_t i = 0; i < n; i++)
		total += weight[i];
	sort_all(x, weight, n);
	/* x[k] takes the ranks before .. before + weight[k] - 1, among 0 .. total - 1 */
	for (int i = 0; i < count; i++)
	{
		double		rank = (total - 1) * i / (count - 1),
					last;

		while (k < n - 1 && rank >= before + weight[k])
			before += weight[k++];
		last = before + weight[k] - 1;
		quantile[i] = rank <= last || k == n - 1 ? x[k] : rec_interpolate(x[k], x[k + 1], rank - last);
	}
}

void
rec_sketch_quantiles(const RecSketch *s, double *x, double *weight, double *quantile, int count)
{
	int64_t		n = 0;

	for (int l = 0; l < REC_SKETCH_LEVELS; l++)
		for (int i = 0; i < s->count[l]; i++)
		{
			x[n] = s->level[l][i];
			weight[n++] = (double) ((int64_t) 1 << l);
		}
	rec_weighted_quantiles(x, weight, n, quantile, count);
}
