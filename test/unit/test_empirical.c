/*
 * test_empirical.c
 *		Comparing samples, bins, the sketch of quantiles and distances between counts (src/core/empirical.h, sketch.h, drift.h).
 *
 * Expected values are worked out by hand or by brute force, unless said otherwise.
 */
#include <stdlib.h>
#include <string.h>

#include "core/drift.h"
#include "core/empirical.h"
#include "core/sketch.h"
#include "unit.h"

static RecEmpirical
sample_of(const double *x, int n)
{
	return (RecEmpirical) {
		.x = x, .len = n, .n = n
	};
}

static void
test_compare(void)
{
	const double a[] = {1, 2, 2, 3},
				b[] = {2, 2, 3, 3, 9},
				c[] = {-INFINITY, 0, INFINITY},
				d[] = {0, 0, INFINITY};
	RecEmpirical	sa = sample_of(a, 4),
				sb = sample_of(b, 5),
				sc = sample_of(c, 3),
				sd = sample_of(d, 3);
	RecKs		ks = rec_ks_compare(&sa, &sb);

	check(ks.statistic == 0.35 && ks.location == 2 && ks.sign == 1, "gaps are taken after ties: %g at %g", ks.statistic,
		  ks.location);
	ks = rec_ks_compare(&sb, &sa);
	check(ks.statistic == 0.35 && ks.sign == -1, "exchanged: the other sign");
	ks = rec_ks_compare(&sa, &sa);
	check(ks.statistic == 0 && ks.sign == 0, "the same sample");
	/* mean(b) - mean(a) as b is larger everywhere */
	check_near(rec_wasserstein(&sa, &sb), 1.8, 1e-15, "wasserstein");
	check(isinf(rec_wasserstein(&sc, &sd)), "a share moves from minus infinity");
	check(rec_wasserstein(&sd, &sd) == 0, "equal shares at infinity");
	ks = rec_ks_compare(&sc, &sd);
	check_near(ks.statistic, 1.0 / 3, 1e-15, "infinite numbers are ordered");
	check(ks.location == -INFINITY, "and a location");
}

static void
test_grid(void)
{
	double		grid[11],
				x[1001];
	const double value[] = {0, 1},
				cum[] = {0, 70, 100},
				plain[] = {0, 0, 0, 0, 0, 0, 0, 1, 1, 1};
	RecEmpirical	g = {.x = grid, .len = 11, .n = 5000, .grid = true},
				s = sample_of(x, 1001),
				few = {.x = value, .len = 2, .n = 100, .cum = cum},
				p = sample_of(plain, 10);
	double		counts[5],
				edges[REC_BINS_MAX];

	for (int i = 0; i <= 10; i++)
		grid[i] = i / 10.0;
	for (int i = 0; i <= 1000; i++)
		x[i] = i / 1000.0;
	check(rec_ks_compare(&g, &s).statistic < 0.0011, "a uniform grid is near a uniform sample");
	check(rec_wasserstein(&g, &s) < 0.001, "by area too");
	check(rec_ks_compare(&few, &p).statistic == 0, "counts of distinct numbers are a sample");
	check(rec_quantile_edges(&few, 10, edges) == rec_quantile_edges(&p, 10, edges), "with the same edges");
	rec_bin_counts(&g, (double[]) {0.25, 0.5}, 2, counts);
	check(fabs(counts[0] - 1250) < 1e-9 && fabs(counts[1] - 1250) < 1e-9 && fabs(counts[2] - 2500) < 1e-9,
		  "between quantiles of a grid");
}

static void
test_bins(void)
{
	double		edges[REC_BINS_MAX],
				counts[4],
				other[4];
	const double x[] = {0, 1, 2, 3, 4, 5, 6, 7, 8},
				zeros[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 7},
				constant[] = {3, 3, 3};
	RecEmpirical	s = sample_of(x, 9),
				z = sample_of(zeros, 10),
				c = sample_of(constant, 3);
	int			n = rec_quantile_edges(&s, 4, edges);

	check(n == 3 && edges[0] == 2 && edges[1] == 4 && edges[2] == 6, "quartiles that are numbers are those numbers");
	rec_bin_counts(&s, edges, n, counts);
	check(counts[0] == 2 && counts[1] == 2 && counts[2] == 2 && counts[3] == 3, "a bin holds its lower edge");
	n = rec_quantile_edges(&z, 10, edges);
	rec_bin_counts(&z, edges, n, counts);
	memcpy(other, counts, sizeof(other));
	check(n <= 2 && rec_merge_bins(counts, other, n + 1) == 2 && counts[0] == 9 && counts[1] == 1,
		  "many equal numbers have a bin of their own");
	n = rec_quantile_edges(&c, 10, edges);
	rec_bin_counts(&c, edges, n, counts);
	check(n == 2 && counts[0] == 0 && counts[1] == 3 && counts[2] == 0, "a constant: below, equal, above");
	other[0] = 1, other[1] = 0, other[2] = 0;
	check(rec_merge_bins(counts, other, 3) == 2 && counts[0] == 0 && other[0] == 1, "what is not the constant stays apart");
}

static int
compare_doubles(const void *a, const void *b)
{
	double		x = *(const double *) a,
				y = *(const double *) b;

	return (x > y) - (x < y);
}

static void
test_counting(void)
{
	enum
	{
		N = 20000
	};
	static double x[N],
				sorted[N];
	double		edges[40],
				counts[41],
				exact[41];
	RecEmpirical	s = sample_of(sorted, N);

	for (int i = 0; i < N; i++)
		x[i] = sorted[i] = (i * 7919L) % 10007;
	qsort(sorted, N, sizeof(double), compare_doubles);
	for (int i = 0; i < 40; i++)
		edges[i] = i * 250;
	rec_bin_counts_unsorted(x, N, edges, 40, counts);
	rec_bin_counts(&s, edges, 40, exact);
	check(memcmp(exact, counts, sizeof(counts)) == 0, "many edges, by search");
	rec_bin_counts_unsorted(x, N, edges, 20, counts);
	rec_bin_counts(&s, edges, 20, exact);
	check(memcmp(exact, counts, sizeof(double) * 21) == 0, "few edges, by comparison");
}

static void
provide(RecSketch *s, int level)
{
	for (int l = rec_sketch_needs(s, level); l >= 0 && s->level[l] == NULL; l--)
		s->level[l] = malloc(REC_SKETCH_SIZE * sizeof(double));
}

static void
test_sketch(void)
{
	enum
	{
		N = 1000000
	};
	static RecWeighted list[100000];
	static double quantile[1001];
	RecSketch  *s = calloc(1, sizeof(RecSketch)),
			   *half = calloc(1, sizeof(RecSketch));
	double		worst = 0,
				total = 0;

	/* a permutation of 0 .. N - 1, into two sketches, one merged into the other */
	for (int64_t i = 0; i < N; i++)
	{
		RecSketch  *to = i % 3 == 0 ? half : s;

		provide(to, 0);
		rec_sketch_add(to, 0, (double) (i * 614657 % N));
		to->n++;
	}
	for (int l = 0; l < REC_SKETCH_LEVELS; l++)
		for (int i = 0; i < half->count[l]; i++)
		{
			provide(s, l);
			rec_sketch_add(s, l, half->level[l][i]);
		}
	s->n += half->n;
	s->error += half->error;
	for (int l = 0; l < REC_SKETCH_LEVELS; l++)
		total += (double) s->count[l] * ldexp(1, l);
	check(total == N, "weights add up to the numbers: %.0f", total);
	check(rec_sketch_size(s) < 50000, "little memory: %d numbers", (int) rec_sketch_size(s));
	rec_sketch_quantiles(s, list, quantile, 1001);
	for (int i = 0; i <= 1000; i++)
		worst = fmax(worst, fabs(quantile[i] - (N - 1) * (i / 1000.0)));
	check(worst <= s->error + ldexp(1, 10), "ranks are within the error that it states: %.0f of %d", worst, (int) s->error);
	check(s->error < 0.01 * N && worst < 0.001 * N, "which is small");
	for (int l = 0; l < REC_SKETCH_LEVELS; l++)
	{
		free(s->level[l]);
		free(half->level[l]);
	}
	free(s);
	free(half);
}

static void
test_counts(void)
{
	/* scipy 1.10.1: chi2_contingency(correction=False), jensenshannon; psi and its law by hand in numpy */
	const double reference[] = {500, 300, 150, 50},
				current[] = {180, 150, 120, 50},
				empty[] = {30, 0, 10, 10};
	RecPsi		psi = rec_psi(reference, current, 4);
	RecChi2		chi2 = rec_chi2_test(reference, current, 4);

	check_near(psi.psi, 0.12294825503619852, 1e-13, "psi");
	check_near(psi.expected, 3 * (1 / 1000.0 + 1 / 500.0), 1e-15, "its mean without drift");
	check_near(psi.threshold, 0.023444183709753538, 1e-12, "its 95 % point");
	check_near(rec_psi(reference, empty, 4).psi, 1.2381930831837775, 1e-13, "psi with an empty bin");
	check_near(chi2.statistic, 41.911764705882348, 1e-13, "chi-square");
	check(fabs(chi2.p_value - 4.1888843247509726e-09) < 1e-10 * 4.1888843247509726e-09, "its p: %g", chi2.p_value);
	check(chi2.df == 3 && chi2.categories == 4, "degrees of freedom");
	check_near(rec_js_distance(reference, current, 4), 0.12332878978209791, 1e-13, "Jensen-Shannon");
	check_near(rec_js_distance((double[]) {1, 0}, (double[]) {0, 1}, 2), sqrt(log(2)), 1e-15, "nothing in common");
	check(rec_psi(reference, reference, 1).psi == 0 && rec_psi(reference, reference, 1).threshold == 0, "one bin");
	check(rec_chi2_test(reference, current, 1).p_value == 1, "one category");
	check(isnan(rec_psi((double[]) {0, 0}, current, 2).psi) && isnan(rec_chi2_test(current, (double[]) {0, 0}, 2).statistic),
		  "an empty side");
}

int
main(void)
{
	test_compare();
	test_grid();
	test_bins();
	test_counting();
	test_sketch();
	test_counts();
	return unit_done();
}
