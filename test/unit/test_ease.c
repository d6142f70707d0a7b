/*
 * test_ease.c
 *		EASE against its definition in double precision, at sizes around the tile, on every kernel.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/als.h"
#include "core/ease.h"
#include "unit.h"

static uint64_t state = 11;

static double
uniform(void)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (double) (state >> 11) / 9007199254740992.0;
}

/* X'X of a random 0/1 matrix, where low numbers are popular. */
static double *
random_gram(int n, int users)
{
	double	   *g = calloc((size_t) n * n, sizeof(double));
	int		   *row = malloc(n * sizeof(int));

	for (int u = 0; u < users; u++)
	{
		int			m = 0;

		for (int i = 0; i < n; i++)
			if (uniform() < 20.0 / n + 0.5 / (1 + i))
				row[m++] = i;
		for (int a = 0; a < m; a++)
			for (int b = 0; b < m; b++)
				g[(size_t) row[a] * n + row[b]] += 1;
	}
	free(row);
	return g;
}

/* B and the objective by Gauss-Jordan in double precision. */
static double
reference(const double *g, int n, double l2, double *b)
{
	double	   *a = malloc((size_t) n * n * sizeof(double)),
				objective = 0;

	memcpy(a, g, (size_t) n * n * sizeof(double));
	for (int i = 0; i < n; i++)
		a[(size_t) i * n + i] += l2;
	for (int p = 0; p < n; p++)
	{
		double		pivot = 1 / a[(size_t) p * n + p];

		a[(size_t) p * n + p] = 1;
		for (int j = 0; j < n; j++)
			a[(size_t) p * n + j] *= pivot;
		for (int i = 0; i < n; i++)
		{
			double		f = a[(size_t) i * n + p];

			if (i == p)
				continue;
			a[(size_t) i * n + p] = 0;
			for (int j = 0; j < n; j++)
				a[(size_t) i * n + j] -= f * a[(size_t) p * n + j];
		}
	}
	for (int i = 0; i < n; i++)
	{
		for (int j = 0; j < n; j++)
			b[(size_t) i * n + j] = i == j ? 0 : -a[(size_t) i * n + j] / a[(size_t) j * n + j];
		objective += 1 / a[(size_t) i * n + i] - l2;
	}
	free(a);
	return objective;
}

static bool
invert(RecTiles *t)
{
	for (int phase = REC_EASE_FACTOR; phase <= REC_EASE_MULTIPLY; phase++)
		for (int step = 0; step < t->side; step++)
		{
			int			units = rec_ease_units(t, phase, step);

			rec_ease_prepare(t, phase, step);
			if (phase == REC_EASE_FACTOR && !rec_ease_unit(t, phase, step, 0))
				return false;
			/* backwards, for their order must not matter */
			for (int u = units - 1; u >= (phase == REC_EASE_FACTOR); u--)
				if (!rec_ease_unit(t, phase, step, u))
					return false;
		}
	return true;
}

static bool
solve(RecTiles *t, const double *g, int n, double l2, float *memory)
{
	float	   *dot = malloc(n * sizeof(float));

	rec_ease_layout(t, n, memory);
	for (int i = 0; i < n; i++)
	{
		for (int j = i; j < n; j++)
			dot[j - i] = (float) g[(size_t) i * n + j];
		rec_ease_put_row(t, i, dot, l2);
	}
	free(dot);
	return invert(t);
}

static float *
memory_for(int n)
{
	return aligned_alloc(64, rec_ease_floats(n) * sizeof(float));
}

static void
test_size(int n, double l2)
{
	double	   *g = random_gram(n, 3 * n + 10),
			   *b = malloc((size_t) n * n * sizeof(double)),
				objective = reference(g, n, l2, b),
				sum = 0,
				worst = 0,
				largest = 0;
	float	   *memory = memory_for(n),
			   *diagonal = malloc(n * sizeof(float)),
			   *row = malloc(n * sizeof(float));
	RecTiles	t;

	check(solve(&t, g, n, l2, memory), "%s, %d items, l2 %g: positive definite", rec_als_kernel_name(), n, l2);
	rec_ease_diagonal(&t, diagonal);
	for (int i = 0; i < n; i++)
	{
		sum += 1 / (double) diagonal[i] - l2;
		rec_ease_row(&t, diagonal, i, row);
		for (int j = 0; j < n; j++)
		{
			largest = fmax(largest, fabs(b[(size_t) i * n + j]));
			worst = fmax(worst, fabs(row[j] - b[(size_t) i * n + j]));
		}
	}
	check(worst <= 2e-5 * fmax(largest, 1e-6), "weights: error %.2g, largest %.3g", worst, largest);
	check_near(sum / objective, 1, 1e-4, "objective, relative");
	free(g);
	free(b);
	free(memory);
	free(diagonal);
	free(row);
}

static void
test_indefinite(void)
{
	double		g[4] = {1, 1, 1, 1};
	float	   *memory = memory_for(2);
	RecTiles	t;

	check(!solve(&t, g, 2, 0, memory), "a singular matrix is refused");
	g[0] = NAN;
	check(!solve(&t, g, 2, 1, memory), "NaN is refused");
	g[0] = INFINITY;
	check(!solve(&t, g, 2, 1, memory), "infinity is refused");
	free(memory);
}

/* test_ease N: seconds and GFLOP/s instead of the tests */
static int
measure(int n)
{
	float	   *memory = memory_for(n);
	float	   *dot = calloc(n, sizeof(float));
	RecTiles	t;
	struct timespec a,
				b;
	double		s;

	rec_ease_layout(&t, n, memory);
	for (int i = 0; i < n; i++)
	{
		for (int j = i; j < n; j++)
			dot[j - i] = j == i ? 100 : (float) uniform();
		rec_ease_put_row(&t, i, dot, 400);
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	invert(&t);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	s = b.tv_sec - a.tv_sec + 1e-9 * (b.tv_nsec - a.tv_nsec);
	printf("%d items: %.2f CPU s, %.0f GFLOP/s\n", n, s, 1e-9 * n * n * n / s);
	return 0;
}

int
main(int argc, char **argv)
{
	static const char *const kernels[] = {"avx512", "avx2", "sse2", "neon", "generic"};

	if (argc > 1)
		return measure(atoi(argv[1]));
	for (int k = 0; k < 5; k++)
	{
		if (!rec_als_kernel_select(kernels[k]))
			continue;
		test_size(1, 1);
		test_size(2, 0.5);
		test_size(REC_TILE_SIDE - 1, 10);
		test_size(REC_TILE_SIDE, 10);
		test_size(REC_TILE_SIDE + 1, 10);
		test_size(3 * REC_TILE_SIDE + 17, 2);
		test_indefinite();
	}
	return unit_done();
}
