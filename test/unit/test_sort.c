/*
 * test_sort.c
 *		rec_sort against qsort(), for orders and distributions that are hard for it; ranks in several sorted runs and merging
 *		against one sorted copy; moments of many numbers against those of one after the other.
 */
#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "core/moments.h"
#include "core/sort.h"
#include "unit.h"

static uint64_t state = 7;

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

static const char *const kinds[] = {
	"uniform", "few values", "ascending", "descending", "one value", "two runs", "all magnitudes and signs",
	"all next to each other, beside one far away", "three clusters of neighbours", "infinite and subnormal", "integers"};

enum
{
	KINDS = sizeof(kinds) / sizeof(kinds[0])
};

static double
number(int kind, int64_t i, int64_t n)
{
	switch (kind)
	{
		case 0: return uniform();
		case 1: return floor(uniform() * 4);
		case 2: return (double) i;
		case 3: return (double) -i;
		case 4: return -7;
		case 5: return (double) (i < n / 2 ? i : i - n / 2);
		case 6: return ldexp(uniform() - 0.5, (int) (uniform() * 2000) - 1000);
		case 7: return i == n / 3 ? 1e300 : 1 + uniform() * 0x1p-32;
		case 8: return (uniform() < 0.5 ? -1e300 : uniform() < 0.5 ? 1 : 1e300) * (1 + floor(uniform() * 5000) * 0x1p-52);
		case 9: return uniform() < 0.1 ? INFINITY : uniform() < 0.1 ? -INFINITY : uniform() < 0.1 ? -0.0 : uniform() * 1e-310;
		default: return floor(uniform() * 1e6) - 5e5;
	}
}

static int polls = 0;

static void
poll(void)
{
	polls++;
}

static void
test_sort(void)
{
	static const int64_t sizes[] = {0, 1, 2, 48, 49, 500, 1023, 4096, 16384, 16385, 200000};
	double	   *x = malloc(200000 * sizeof(double)),
			   *scratch = malloc(200000 * sizeof(double)),
			   *sorted = malloc(200000 * sizeof(double));

	for (int kind = 0; kind < KINDS; kind++)
	{
		bool		good = true;

		for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
		{
			int64_t		n = sizes[s];
			double	   *result;

			for (int64_t i = 0; i < n; i++)
				x[i] = sorted[i] = number(kind, i, n);
			qsort(sorted, n, sizeof(double), by_value);
			result = rec_sort(x, scratch, n, s % 2 ? poll : NULL);
			good = good && (result == x || result == scratch);
			for (int64_t i = 0; i < n; i++)
				good = good && result[i] == sorted[i];
		}
		check(good, "sorted as by qsort: %s", kinds[kind]);
	}
	check(polls > 0, "there was a chance to stop");
	free(x);
	free(scratch);
	free(sorted);
}

static void
test_runs(void)
{
	enum
	{
		N = 20000, RUNS = 5
	};
	static const int64_t end[RUNS] = {0, 7000, 7001, 15000, N};	/* an empty one, and one of one number */
	static double all[N],
				sorted[N],
				scratch[N],
				merged[N],
				value[4001];
	static int64_t rank[4001];

	for (int kind = 0; kind < KINDS; kind++)
	{
		RecRun		run[RUNS];
		int64_t		from = 0;
		bool		good = true;

		for (int64_t i = 0; i < N; i++)
			all[i] = sorted[i] = number(kind, i, N);
		qsort(sorted, N, sizeof(double), by_value);
		for (int r = 0; r < RUNS; r++)
		{
			double	   *result = rec_sort(all + from, scratch + from, end[r] - from, NULL);

			run[r] = (RecRun) {.x = result, .n = end[r] - from};
			from = end[r];
		}
		/* neighbours, the same one twice, and large steps */
		for (int i = 0; i <= 4000; i++)
			rank[i] = i < 2000 ? i : i < 2010 ? 1999 : 2000 + (int64_t) (i - 2010) * (N - 2001) / 1990;
		rec_select_in_runs(run, RUNS, rank, 4001, value);
		for (int i = 0; i <= 4000; i++)
			good = good && value[i] == sorted[rank[i]];
		rec_select_in_runs(run, RUNS, (int64_t[]) {N - 1, 5, N / 2}, 3, value);
		good = good && value[0] == sorted[N - 1] && value[1] == sorted[5] && value[2] == sorted[N / 2];
		check(good, "ranks in %d runs: %s", RUNS, kinds[kind]);
		rec_merge(run[1].x, run[1].n, run[3].x, run[3].n, merged);
		qsort(memcpy(sorted, merged, sizeof(sorted)), run[1].n + run[3].n, sizeof(double), by_value);
		good = true;
		for (int64_t i = 0; i < run[1].n + run[3].n; i++)
			good = good && merged[i] == sorted[i];
		check(good && rec_count_below(merged, run[1].n + run[3].n, merged[5000]) <= 5000 &&
			  rec_count_upto(merged, run[1].n + run[3].n, merged[5000]) > 5000, "merged: %s", kinds[kind]);
	}
}

static void
test_moments(void)
{
	static const double stable[] = {1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16},
				huge[] = {DBL_MAX, DBL_MAX / 2, DBL_MAX};
	double		x[1001];
	RecMoments	one = {0},
				many = {0};

	rec_moments_add_many(&many, stable, 4);
	check(many.squares == 90 && many.mean == 1e9 + 10 && many.n == 4, "the variance of 1e9 + {4, 7, 13, 16} is 30");
	many = (RecMoments) {0};
	for (int i = 0; i < 1001; i++)
		rec_moments_add(&one, x[i] = 1e6 + uniform());
	rec_moments_add_many(&many, x, 300);
	rec_moments_add_many(&many, x, 0);
	rec_moments_add_many(&many, x + 300, 701);
	check(many.n == 1001, "all are counted");
	check_near(many.mean, one.mean, 1e-14, "mean");
	check_near(many.squares, one.squares, 1e-9, "squares");
	for (int i = 0; i < 1001; i++)
		x[i] = 0.1;
	many = (RecMoments) {0};
	rec_moments_add_many(&many, x, 1001);
	check(many.mean == 0.1 && many.squares == 0, "a constant has no variance, exactly");
	many = (RecMoments) {0};
	rec_moments_add_many(&many, huge, 3);
	check_near(many.mean / DBL_MAX, 5 / 6.0, 1e-15, "a mean whose sum no double holds");
}

int
main(void)
{
	test_sort();
	test_runs();
	test_moments();
	return unit_done();
}
