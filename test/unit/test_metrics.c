/*
 * test_metrics.c
 *		core/metrics.c and core/bootstrap.c. Expected values: scikit-learn 1.2.1 and numpy 1.24.2, as in
 *		test/pgtap/ranked_metrics.sql; the Gini coefficient as sum |x_i - x_j| / (2 n^2 mean) with numpy.
 */
#include "core/bootstrap.h"
#include "core/metrics.h"
#include "unit.h"

#include <stdlib.h>

static bool
near(double a, double b)
{
	return fabs(a - b) <= 1e-13;
}

static void
test_lists(void)
{
	const int32_t hit[] = {2, 5, 6, 10};
	double		ideal[11];

	rec_ideal_gains(ideal, 10);
	check(near(rec_list_metric(REC_NDCG, hit, 4, 4, 3, NULL), 0.2960819109658652), "ndcg@3");
	check(near(rec_list_metric(REC_NDCG, hit, 4, 4, 5, NULL), 0.3973220069685352), "ndcg@5");
	check(rec_list_metric(REC_NDCG, hit, 4, 4, 10, NULL) == rec_list_metric(REC_NDCG, hit, 4, 4, 10, ideal),
		  "ideal gains from a table are the same");
	check(near(rec_list_metric(REC_MAP, hit, 4, 4, 12, NULL), 0.45), "average precision");
	check(rec_list_metric(REC_RECALL, hit, 4, 8, 5, NULL) == 0.25, "recall counts misses");
	check(rec_list_metric(REC_RECALL_CAPPED, hit, 4, 8, 2, NULL) == 0.5, "recall_capped divides by min(k, relevant)");
	check(rec_list_metric(REC_PRECISION, hit, 4, 8, 5, NULL) == 0.4, "precision");
	check(rec_list_metric(REC_MRR, hit, 4, 8, 1, NULL) == 0 && rec_list_metric(REC_MRR, hit, 4, 8, 2, NULL) == 0.5, "mrr");
	check(rec_list_metric(REC_HIT_RATE, hit, 4, 8, 1, NULL) == 0 && rec_list_metric(REC_HIT_RATE, hit, 4, 8, 2, NULL) == 1,
		  "hit_rate");
	for (int m = 0; m < REC_LIST_METRICS; m++)
	{
		check(isnan(rec_list_metric((RecMetric) m, hit, 0, 0, 5, NULL)), "%s without a relevant item is undefined",
			  rec_metric_names[m]);
		check(rec_list_metric((RecMetric) m, hit, 0, 3, 5, NULL) == 0, "%s without a hit is 0", rec_metric_names[m]);
	}
	check(rec_list_metric(REC_NDCG, hit, 4, 4, 2147483647, NULL) > 0.6, "the largest k");
}

static void
test_others(void)
{
	int64_t		count[] = {7, 0, 20, 1, 0, 3},
				alike[] = {4, 4, 4},
				none[] = {0, 0};

	check(near(rec_gini(count, 6), 0.6612903225806451), "gini");
	check(rec_gini(alike, 3) == 0, "gini of equal counts");
	check(isnan(rec_gini(none, 2)), "gini of nothing");
	check(rec_auc(2, 3, 1.5) == 0.75, "auc");
	check(isnan(rec_auc(0, 3, 0)) && isnan(rec_auc(3, 0, 0)), "auc without a pair");
}

static void
test_behind(void)
{
	float		relevant[100],
				other[5000];
	double		slow = 0,
				few = 0;

	for (int i = 0; i < 100; i++)
		relevant[i] = (float) (i * 37 % 101);
	for (int i = 0; i < 5000; i++)
		other[i] = i % 11 == 0 ? NAN : (float) (i * 7919 % 103);
	for (int r = 0; r < 100; r++)
		for (int i = 0; i < 5000; i++)
		{
			double		more = other[i] > relevant[r] ? 1 : other[i] == relevant[r] ? 0.5 : 0;

			slow += more;
			few += r < 5 ? more : 0;
		}
	check(rec_behind(relevant, 5, other, 5000) == few, "few relevant values are counted one by one");
	check(rec_behind(relevant, 100, other, 5000) == slow, "many by searching, with the same result");
	check(rec_behind(relevant, 0, other, 5000) == 0 && rec_behind(relevant, 5, other, 0) == 0, "none of either");
}

static void
test_bootstrap(void)
{
	enum {N = 400, B = 2000};
	double	   *num = malloc(2 * N * sizeof(double)),
			   *den = malloc(2 * N * sizeof(double)),
			   *out = malloc(2 * B * sizeof(double)),
			   *again = malloc(2 * B * sizeof(double)),
				work[4],
				mean = 0,
				squares = 0,
				low,
				high;
	bool		same = true;

	for (int i = 0; i < N; i++)
	{
		num[2 * i] = i % 10;
		den[2 * i] = 1;
		num[2 * i + 1] = 3;
		den[2 * i + 1] = 0;
		mean += num[2 * i] / N;
		squares += num[2 * i] * num[2 * i] / N;
	}
	rec_bootstrap(num, den, N, 2, B, 7, out, work);
	rec_bootstrap(num, den, N, 2, B, 7, again, work);
	for (int i = 0; i < B; i++)
		same = same && out[i] == again[i];
	check(same, "a seed repeats");
	check(isnan(out[B]) && isnan(rec_bootstrap_quantile(out + B, B, 0.5)), "no denominator: undefined");
	low = rec_bootstrap_quantile(out, B, 0.025);
	high = rec_bootstrap_quantile(out, B, 0.975);
	check(fabs((high - low) / (2 * 1.959964 * sqrt((squares - mean * mean) / N)) - 1) < 0.07,
		  "the interval is as wide as the normal one: %g to %g", low, high);
	check(fabs((low + high) / 2 - mean) < 0.03, "and about the mean");
	{
		double		x[] = {4, 1, NAN, 2, 3};

		check(rec_bootstrap_quantile(x, 5, 0.5) == 2.5, "quantiles interpolate and leave NaN out");
	}
	free(num);
	free(den);
	free(out);
	free(again);
}

int
main(void)
{
	test_lists();
	test_others();
	test_behind();
	test_bootstrap();
	return unit_done();
}
