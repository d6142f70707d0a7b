/*
 * metrics.c
 *		Metrics of ranked lists. See metrics.h.
 */
#include "core/metrics.h"

#include <math.h>
#include <stdlib.h>

const char *const rec_metric_names[REC_METRICS] = {
	"recall", "recall_capped", "precision", "ndcg", "map", "mrr", "hit_rate", "auc", "coverage", "gini", "novelty",
	"diversity", "popularity_lift", "rmse", "mae"
};

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* 1 / log2(rank + 1) */
static double
gain(int64_t rank)
{
	return 1 / log2((double) rank + 1);
}

void
rec_ideal_gains(double *ideal, int k)
{
	ideal[0] = 0;
	for (int r = 1; r <= k; r++)
		ideal[r] = ideal[r - 1] + gain(r);
}

static double
ndcg(const int32_t *hit, int hits, int64_t most, const double *ideals)
{
	double		sum = 0,
				ideal = 0;

	for (int i = 0; i < hits; i++)
		sum += gain(hit[i]);
	if (ideals)
		ideal = ideals[most];
	else
		for (int64_t r = 1; r <= most; r++)
			ideal += gain(r);
	/* only lists with several items of one rank can pass the ideal */
	return sum < ideal ? sum / ideal : 1;
}

static double
average_precision(const int32_t *hit, int hits, int64_t most)
{
	double		sum = 0;

	for (int i = 0; i < hits; i++)
	{
		int			upto = i + 1;

		while (upto < hits && hit[upto] == hit[i])
			upto++;
		sum += upto < hit[i] ? (double) upto / hit[i] : 1;
	}
	return sum < most ? sum / most : 1;
}

double
rec_list_metric(RecMetric metric, const int32_t *hit, int hits, int64_t relevant, int k, const double *ideal)
{
	int64_t		most = least(k, relevant);
	int			within = 0;

	if (relevant <= 0)
		return NAN;
	while (within < hits && hit[within] <= k)
		within++;
	switch (metric)
	{
		case REC_RECALL:
			return (double) within / relevant;
		case REC_RECALL_CAPPED:
			return (double) least(within, most) / most;
		case REC_PRECISION:
			return (double) least(within, k) / k;
		case REC_NDCG:
			return ndcg(hit, within, most, ideal);
		case REC_MAP:
			return average_precision(hit, within, most);
		case REC_MRR:
			return within > 0 ? 1.0 / hit[0] : 0;
		case REC_HIT_RATE:
			return within > 0;
		default:
			return NAN;
	}
}

double
rec_auc(int64_t relevant, int64_t others, double behind)
{
	if (relevant <= 0 || others <= 0)
		return NAN;
	return 1 - behind / ((double) relevant * others);
}

static int
compare_floats(const void *a, const void *b)
{
	float		x = *(const float *) a,
				y = *(const float *) b;

	return (x > y) - (x < y);
}

#define FEW 32					/* values for which a pass each, at vector speed, is faster than searching */
#define SLICE 65536				/* others whose counts fit an int */

/* One pass over the others for each relevant value. */
static double
count_each(const float *relevant, int nrelevant, const float *other, int64_t n)
{
	int64_t		larger = 0,
				equal = 0;

	for (int r = 0; r < nrelevant; r++)
		for (int64_t from = 0; from < n; from += SLICE)
		{
			int			end = (int) least(SLICE, n - from),
						more = 0,
						same = 0;

			for (int i = 0; i < end; i++)
			{
				more += other[from + i] > relevant[r];
				same += other[from + i] == relevant[r];
			}
			larger += more;
			equal += same;
		}
	return larger + 0.5 * equal;
}

double
rec_behind(float *relevant, int nrelevant, const float *other, int64_t n)
{
	double		behind = 0;

	if (nrelevant <= FEW)
		return count_each(relevant, nrelevant, other, n);
	qsort(relevant, nrelevant, sizeof(float), compare_floats);
	for (int64_t i = 0; i < n; i++)
	{
		int			below = 0,
					upto = nrelevant;

		while (below < upto)
		{
			int			middle = (below + upto) / 2;

			if (relevant[middle] < other[i])
				below = middle + 1;
			else
				upto = middle;
		}
		behind += other[i] == other[i] ? below : 0;
		for (; below < nrelevant && relevant[below] == other[i]; below++)
			behind += 0.5;
	}
	return behind;
}

static int
compare(const void *a, const void *b)
{
	int64_t		x = *(const int64_t *) a,
				y = *(const int64_t *) b;

	return (x > y) - (x < y);
}

double
rec_gini(int64_t *count, int64_t n)
{
	double		sum = 0,
				weighted = 0;

	qsort(count, n, sizeof(int64_t), compare);
	for (int64_t i = 0; i < n; i++)
	{
		sum += count[i];
		weighted += (2.0 * (i + 1) - n - 1) * count[i];
	}
	return sum > 0 ? weighted / (n * sum) : NAN;
}
