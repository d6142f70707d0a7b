/*
 * test_select.c
 *		rec_select and rec_quantile against a sorted copy; RecWideMoments at the ends of a double's range; scalers.
 */
#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "core/moments.h"
#include "core/scaler.h"
#include "core/select.h"
#include "core/sort.h"
#include "unit.h"

static uint64_t state = 11;

static double
uniform(void)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (double) (state >> 11) / 9007199254740992.0;
}

static int
by_value(const void *a, const void *b)
{
	double		x = *(const double *) a,
				y = *(const double *) b;

	return (x > y) - (x < y);
}

/* 0: uniform; 1: few values; 2: ascending; 3: descending; 4: one value; 5: organ pipe; 6: heavy tails */
static double
number(int kind, int64_t i, int64_t n)
{
	switch (kind)
	{
		case 0: return uniform();
		case 1: return floor(uniform() * 4);
		case 2: return (double) i;
		case 3: return (double) -i;
		case 4: return 7;
		case 5: return (double) (i < n / 2 ? i : n - i);
		default: return pow(uniform(), -9) * (i % 2 ? 1 : -1);
	}
}

static int polls = 0;

static void
poll(void)
{
	polls++;
}

static bool
selects(int kind, int64_t n, int parts)
{
	double	   *x = malloc(n * sizeof(double)),
			   *sorted = malloc(n * sizeof(double));
	int64_t    *rank = malloc((parts + 1) * 2 * sizeof(int64_t));
	bool		good = true;

	for (int64_t i = 0; i < n; i++)
		x[i] = sorted[i] = number(kind, i, n);
	qsort(sorted, n, sizeof(double), by_value);
	for (int i = 0; i <= parts; i++)
		rec_quantile_ranks((double) i / parts, n, rank + 2 * i);
	rec_select(x, n, rank, 2 * (parts + 1), n % 2 ? poll : NULL);
	for (int i = 0; i < 2 * (parts + 1); i++)
		good = good && x[rank[i]] == sorted[rank[i]];
	qsort(x, n, sizeof(double), by_value);
	good = good && memcmp(x, sorted, n * sizeof(double)) == 0;	/* nothing lost */
	free(x); free(sorted); free(rank);
	return good;
}

static void
test_moments(void)
{
	static const double stable[] = {1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16};
	static const double units[] = {1, 0x1p-1040, 0x1p-500, 0x1p-420, 0x1p-300, 0x1p400, 0x1p460, 0x1p1000};
	RecWideMoments w;

	rec_wide_init(&w);
	for (int i = 0; i < 4; i++)
		rec_wide_add(&w, stable[i]);
	check(rec_wide_deviation(&w) == sqrt(30.0), "deviation of 1e9+{4,7,13,16} is sqrt(30): %.17g", rec_wide_deviation(&w));
	for (size_t u = 0; u < sizeof(units) / sizeof(units[0]); u++)
	{
		RecWideMoments a,
					b;

		/* 4096 k: exact also among the subnormal numbers */
		rec_wide_init(&w);
		rec_wide_init(&a);
		rec_wide_init(&b);
		for (int k = 1; k <= 5; k++)
		{
			rec_wide_add(&w, 4096.0 * k * units[u]);
			rec_wide_add(k < 3 ? &a : &b, 4096.0 * k * units[u]);
		}
		rec_wide_merge(&a, &b);
		check(rec_wide_mean(&w) == 3 * 4096 * units[u], "mean in units of %g", units[u]);
		check_near(rec_wide_deviation(&w) / units[u] / 4096, sqrt(2.5), 1e-9, "deviation in that unit");
		check_near(rec_wide_deviation(&a) / units[u] / 4096, sqrt(2.5), 1e-9, "the same, merged");
	}
	for (int swap = 0; swap < 2; swap++)
	{
		RecWideMoments a,
					b;

		/* one tiny and one huge: in either order, and merged */
		rec_wide_init(&w);
		rec_wide_add(&w, swap ? 1e300 : 1e-300);
		rec_wide_add(&w, swap ? 1e-300 : 1e300);
		check_near(rec_wide_deviation(&w), 1e300 / sqrt(2), 1e-15, "1e300 and 1e-300");
		rec_wide_init(&a);
		rec_wide_init(&b);
		rec_wide_add(swap ? &a : &b, 1e300);
		rec_wide_add(swap ? &b : &a, 1e-300);
		rec_wide_merge(&a, &b);
		check_near(rec_wide_deviation(&a), 1e300 / sqrt(2), 1e-15, "the same, merged");
	}
	rec_wide_init(&w);
	for (int i = 0; i < 1000; i++)
		rec_wide_add(&w, 0.1);
	check(rec_wide_deviation(&w) == 0 && rec_wide_mean(&w) == 0.1, "a constant has deviation 0, exactly");
	rec_wide_init(&w);
	rec_wide_add(&w, 3);
	check(rec_wide_deviation(&w) == 0, "one number: 0");
	rec_wide_add(&w, 5);
	check(rec_wide_deviation(&w) == sqrt(2.0), "two numbers");
}

static void
test_scalers(void)
{
	static const double q[] = {1, 2, 2, 2, 5};
	RecScaler	s = {.kind = REC_SCALER_QUANTILE, .nquantiles = 5, .quantile = q};
	RecScaler	wide = {.kind = REC_SCALER_MINMAX, .center = -DBL_MAX, .low = -DBL_MAX, .high = DBL_MAX};
	RecScaler	log = {.kind = REC_SCALER_LOG, .center = -3};

	/* scikit-learn 1.2.1: QuantileTransformer(n_quantiles=5), fitted to [1, 2, 2, 2, 5] */
	check(rec_scaler_apply(&s, 2) == 0.5, "the middle of a run of equal quantiles");
	check(rec_scaler_apply(&s, 1) == 0 && rec_scaler_apply(&s, 5) == 1 && rec_scaler_apply(&s, 9) == 1 &&
		  rec_scaler_apply(&s, -9) == 0, "ends and beyond");
	check_near(rec_scaler_apply(&s, 1.5), 0.125, 1e-15, "between two quantiles");
	check_near(rec_scaler_apply(&s, 3.5), 0.875, 1e-15, "between two others");
	check(rec_scaler_undo(&s, 0.125) == 1.5 && rec_scaler_undo(&s, 0.875) == 3.5 && rec_scaler_undo(&s, 0.5) == 2, "undone");
	check(rec_scaler_undo(&s, -1) == 1 && rec_scaler_undo(&s, 2) == 5, "undone beyond the ends");
	check(rec_scaler_apply(&wide, 0) == 0.5 && rec_scaler_apply(&wide, DBL_MAX) == 1 && rec_scaler_apply(&wide, -DBL_MAX) == 0,
		  "minmax over the whole range of a double");
	check(rec_scaler_undo(&wide, 0.5) == 0 && rec_scaler_undo(&wide, 1) == DBL_MAX, "undone");
	check(rec_scaler_apply(&log, -3) == 0 && rec_scaler_apply(&log, -4) == -log1p(1), "log at and below its offset");
	check_near(rec_scaler_undo(&log, rec_scaler_apply(&log, 12.5)), 12.5, 1e-14, "log undone");
	check_near(rec_scaler_undo(&log, rec_scaler_apply(&log, -12.5)), -12.5, 1e-14, "log undone below its offset");
	check(isnan(rec_scaler_apply(&log, NAN)) && isnan(rec_scaler_undo(&s, NAN)), "NaN stays NaN");
	check(rec_count_upto(q, 5, 0) == 0 && rec_count_upto(q, 5, 2) == 4 && rec_count_below(q, 5, 2) == 1 && rec_count_upto(q, 5, 6) == 5, "edges");
}

int
main(void)
{
	static const int64_t sizes[] = {1, 2, 47, 48, 49, 1000, 32760, 40001, 100000};
	static const double one[] = {3}, two[] = {3, 5}, extreme[] = {-DBL_MAX, DBL_MAX};

	for (int kind = 0; kind < 7; kind++)
		for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
		{
			bool		good = selects(kind, sizes[s], 1) && selects(kind, sizes[s], 4) && selects(kind, sizes[s], 100) &&
				selects(kind, sizes[s], 1000);

			check(good, "kind %d, %ld numbers: as sorting", kind, (long) sizes[s]);
		}
	check(polls > 0, "there was a chance to stop");
	check(rec_quantile(one, 1, 0.25) == 3, "a quantile of one number");
	check(rec_quantile(two, 2, 0.25) == 3.5 && rec_quantile(two, 2, 1) == 5 && rec_quantile(two, 2, 0) == 3, "of two");
	check(rec_quantile(extreme, 2, 0.5) == 0, "of two far apart");
	test_moments();
	test_scalers();
	return unit_done();
}
