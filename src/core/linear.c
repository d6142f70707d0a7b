/*
 * linear.c
 *		Item-to-item models. See linear.h.
 */
#include "core/linear.h"

#include <math.h>
#include <string.h>

void
rec_weights_score(const RecWeights *w, int m, const int32_t *item, const float *value, float *score)
{
	for (int k = 0; k < m; k++)
	{
		const float v = value[k];

		if (v == 0)
			continue;
		for (int64_t e = w->start[item[k]]; e < w->start[item[k] + 1]; e++)
			score[w->item[e]] += v * w->weight[e];
	}
}

/* The k-th largest of n floats, k from 1, by quickselect; the array is reordered. */
static float
kth_largest(float *a, int64_t n, int64_t k)
{
	int64_t		lo = 0,
				hi = n - 1;

	k--;
	while (lo < hi)
	{
		float		pivot = a[lo + (hi - lo) / 2];
		int64_t		i = lo,
					j = hi;

		while (i <= j)
		{
			while (a[i] > pivot)
				i++;
			while (a[j] < pivot)
				j--;
			if (i <= j)
			{
				float		swap = a[i];

				a[i++] = a[j];
				a[j--] = swap;
			}
		}
		if (k <= j)
			hi = j;
		else if (k >= i)
			lo = i;
		else
			break;
	}
	return a[k];
}

int
rec_weights_keep(const float *row, int64_t n, int most, float *scratch, int32_t *item, float *weight)
{
	int64_t		nonzero = 0,
				above = 0;
	float		least = 0;
	int			kept = 0,
				equal = 0;		/* of those with the least weight, how many may stay */

	for (int64_t i = 0; i < n; i++)
		if (row[i] != 0)
			scratch[nonzero++] = fabsf(row[i]);
	if (nonzero > most)
	{
		if (most <= 0)
			return 0;
		least = kth_largest(scratch, nonzero, most);
		for (int64_t i = 0; i < n; i++)
			above += fabsf(row[i]) > least;
		equal = most - (int) above;
	}
	for (int64_t i = 0; i < n; i++)
	{
		float		size = fabsf(row[i]);

		if (size < least || size == 0 || (size == least && equal-- <= 0))
			continue;
		item[kept] = (int32_t) i;
		weight[kept++] = row[i];
	}
	return kept;
}

void
rec_dot_row(const RecInteractions *x, int64_t from, int64_t to, int32_t first, float *row)
{
	for (int64_t k = from; k < to; k++)
	{
		int32_t		user = x->item_user[k];
		float		value = x->item_value[k];

		/* from the end, as only the items from `first` on are wanted */
		for (int64_t e = x->user_start[user + 1] - 1; e >= x->user_start[user] && x->user_item[e] >= first; e--)
			row[x->user_item[e]] += value * x->user_value[e];
	}
}

void
rec_similarity_row(const RecItemMoments *m, int64_t n, int64_t i, float *row)
{
	for (int64_t j = 0; j < n; j++)
	{
		double		product = (double) row[j],
					lengths = m->length[i] * m->length[j];

		if (m->similarity == REC_SIMILARITY_PEARSON)
			product -= m->sum[i] * m->sum[j] / m->users;
		row[j] = lengths > 0 ? (float) (product / (lengths + m->shrinkage)) : 0;
	}
	row[i] = 0;
}

double
rec_bm25(double value, double k1, double b, double relative_length, double items, double user_items)
{
	double		idf = log(items / (1 + user_items));

	return idf > 0 ? value * (k1 + 1) / (value + k1 * (1 - b + b * relative_length)) * idf : 0;
}
