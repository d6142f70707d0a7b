/*
 * sketch.c
 *		Quantiles of a stream. See sketch.h.
 */
#include "sketch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "empirical.h"
#include "sort.h"

static int
compare_weighted(const void *a, const void *b)
{
	double		x = ((const RecWeighted *) a)->x,
				y = ((const RecWeighted *) b)->x;

	return (x > y) - (x < y);
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
	double		scratch[REC_SKETCH_SIZE];
	const double *from = rec_sort(s->level[level], scratch, REC_SKETCH_SIZE, NULL);

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
rec_weighted_quantiles(RecWeighted *list, int64_t n, double *quantile, int count)
{
	double		total = 0,
				before = 0;
	int64_t		k = 0;

	for (int64_t i = 0; i < n; i++)
		total += list[i].weight;
	qsort(list, n, sizeof(RecWeighted), compare_weighted);
	/* list[k] takes the ranks before .. before + weight - 1, among 0 .. total - 1 */
	for (int i = 0; i < count; i++)
	{
		double		rank = (total - 1) * i / (count - 1),
					last;

		while (k < n - 1 && rank >= before + list[k].weight)
			before += list[k++].weight;
		last = before + list[k].weight - 1;
		quantile[i] = rank <= last || k == n - 1 ? list[k].x : rec_interpolate(list[k].x, list[k + 1].x, rank - last);
	}
}

void
rec_sketch_quantiles(const RecSketch *s, RecWeighted *list, double *quantile, int count)
{
	int64_t		n = 0;

	for (int l = 0; l < REC_SKETCH_LEVELS; l++)
		for (int i = 0; i < s->count[l]; i++)
			list[n++] = (RecWeighted) {s->level[l][i], (double) ((int64_t) 1 << l)};
	rec_weighted_quantiles(list, n, quantile, count);
}
