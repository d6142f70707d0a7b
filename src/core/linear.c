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
rec_weights_keep(const int32_t *items, const float *values, int64_t m, int most, float *scratch, int32_t *item,
				 float *weight)
{
	int64_t		nonzero = 0,
				above = 0,
				equal = 0;		/* of those with the least weight, how many may stay */
	float		least = 0;
	int			kept = 0;

	for (int64_t i = 0; i < m; i++)
		if (values[i] != 0)
			scratch[nonzero++] = fabsf(values[i]);
	if (nonzero > most)
	{
		least = kth_largest(scratch, nonzero, most);
		for (int64_t i = 0; i < m; i++)
			above += fabsf(values[i]) > least;
		equal = most - above;
	}
	for (int64_t i = 0; i < m; i++)
	{
		float		size = fabsf(values[i]);

		if (size == 0 || size < least || (least > 0 && size == least && equal-- <= 0))
			continue;
		item[kept] = items ? items[i] : (int32_t) i;
		weight[kept++] = values[i];
	}
	return kept;
}

void
rec_dot_row(const RecInteractions *x, int64_t from, int64_t to, int32_t first, float *row, int32_t *touched,
			int64_t *ntouched)
{
	for (int64_t k = from; k < to; k++)
	{
		int32_t		user = x->item_user[k];
		float		value = x->item_value[k];

		/* from the end, as only the items from `first` on are wanted */
		for (int64_t e = x->user_start[user + 1] - 1; e >= x->user_start[user] && x->user_item[e] >= first; e--)
		{
			float	   *at = &row[x->user_item[e]];

			if (touched && *at == 0)
				touched[(*ntouched)++] = x->user_item[e];
			*at += value * x->user_value[e];
		}
	}
}

float
rec_similarity(const RecItemMoments *m, int64_t i, int64_t j, float dot)
{
	double		product = (double) dot,
				lengths = m->length[i] * m->length[j];

	if (m->similarity == REC_SIMILARITY_PEARSON)
		product -= m->sum[i] * m->sum[j] / m->users;
	return lengths > 0 ? (float) (product / (lengths + m->shrinkage)) : 0;
}

double
rec_bm25_weight(double value, double k1, double b, double relative_length, double items, double user_items)
{
	return value * (k1 + 1) / (value + k1 * (1 - b + b * relative_length)) * log(1 + items / (1 + user_items));
}
