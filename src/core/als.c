/*
 * als.c
 *		Entry points of the ALS solver: choice of kernel, starting values, sums that need no vector
 * code.
 *
 * The arithmetic is in the templates als_*_impl.h, compiled once per instruction set by als_base.c,
 * als_avx2.c and als_avx512.c.
 */
#include <string.h>

#include "als_kernel.h"

/* The kernel in use; chosen at the first call, then changed only by rec_als_kernel_select(). */
static const RecKernel *chosen_kernel = NULL;

static bool
machine_has(const RecKernel *kernel)
{
#if defined(__x86_64__)
	__builtin_cpu_init();
	if (kernel == &rec_kernel_avx512)
		return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
			   __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
			   __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
	if (kernel == &rec_kernel_avx2)
		return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
	return kernel == &rec_kernel_base;
}

/* Best first. */
static const RecKernel *const kernels[] = {
#if defined(__x86_64__)
	&rec_kernel_avx512,
	&rec_kernel_avx2,
#endif
	&rec_kernel_base,
};

enum
{
	NKERNELS = sizeof(kernels) / sizeof(kernels[0])
};

const RecKernel *
rec_kernel(void)
{
	for (int i = 0; chosen_kernel == NULL && i < NKERNELS; i++)
		if (machine_has(kernels[i]))
			chosen_kernel = kernels[i];
	return chosen_kernel;
}

const char *
rec_als_kernel_name(void)
{
	return rec_kernel()->name;
}

bool
rec_als_kernel_select(const char *name)
{
	for (int i = 0; i < NKERNELS; i++)
		if (strcmp(kernels[i]->name, name) == 0 && machine_has(kernels[i]))
		{
			chosen_kernel = kernels[i];
			return true;
		}
	return false;
}

int
rec_als_stride(int factors, bool explicit_feedback)
{
	return (factors + (explicit_feedback ? 1 : 0) + 15) / 16 * 16;
}

static uint64_t
mix64(uint64_t z)
{
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint64_t
rec_als_key(uint64_t seed, int side, int64_t row)
{
	return mix64(mix64(seed + UINT64_C(0x9e3779b97f4a7c15) * (uint64_t) (side + 1)) +
				 (uint64_t) row);
}

void
rec_als_init_row(float *row, int factors, int stride, double scale, uint64_t key)
{
	memset(row, 0, sizeof(float) * (size_t) stride);
	for (int i = 0; i < factors; i += 2)
	{
		uint64_t a = mix64(key + UINT64_C(0x9e3779b97f4a7c15) * (uint64_t) (i + 1));
		uint64_t b = mix64(key + UINT64_C(0x9e3779b97f4a7c15) * (uint64_t) (i + 2));
		double   radius = scale * sqrt(-2 * log(1 - (double) (a >> 11) * 0x1.0p-53));
		double   angle = 6.283185307179586 * ((double) (b >> 11) * 0x1.0p-53);

		row[i] = (float) (radius * cos(angle));
		if (i + 1 < factors)
			row[i + 1] = (float) (radius * sin(angle));
	}
}

void
rec_als_gram(const float *rows, int64_t n, int stride, int factors, float *out)
{
	rec_kernel()->gram(rows, n, stride, factors, out);
}

void
rec_als_gram_sum(const float *parts, int nparts, int stride, float alpha0, float *gram)
{
	size_t size = (size_t) stride * (size_t) stride;

	for (size_t i = 0; i < size; i++)
	{
		double sum = 0;

		for (int part = 0; part < nparts; part++)
			sum += (double) parts[(size_t) part * size + i];
		gram[i] = (float) (sum * (double) alpha0);
	}
}

double
rec_als_row_penalty(const RecHalfStep *step, int64_t n, int64_t ncols)
{
	double count =
		step->explicit_feedback ? (double) n : (double) n + (double) step->alpha0 * (double) ncols;

	if (step->nu == 1)
		return (double) step->lambda * count;
	return (double) step->lambda * pow(count, (double) step->nu);
}

size_t
rec_als_scratch_size(const RecHalfStep *step, int64_t longest_row)
{
	const int64_t stride = step->stride;
	int64_t       rows = (longest_row + 3) / 4 * 4;

	/* as carve() in als_rows_impl.h cuts it */
	if (step->solver == REC_SOLVER_CHOLESKY)
		rows = stride + REC_RANK_TILE;
	else if (rows > rec_panel_rows(step->stride))
		rows = rec_panel_rows(step->stride);
	return sizeof(float) * (size_t) stride * (size_t) (rows + 3);
}

RecAlsStatus
rec_als_rows(const RecHalfStep *step, int64_t lo, int64_t hi, void *scratch, RecLoss *loss)
{
	return rec_kernel()->rows(step, lo, hi, scratch, loss);
}

RecAlsStatus
rec_als_solve_one(const RecHalfStep *step, int64_t n, const int32_t *column, const float *value,
				  int64_t ncols, float *x, void *scratch)
{
	int64_t     start[2] = {0, n};
	RecMatrix   one = {1, ncols, n, start, column, value};
	RecHalfStep exact = *step;

	exact.matrix = &one;
	exact.self = x;
	exact.prior_row = 0;
	exact.solver = REC_SOLVER_CHOLESKY;
	return rec_kernel()->rows(&exact, 0, 1, scratch, NULL);
}

RecAlsStatus
rec_als_explain(const RecHalfStep *step, int64_t n, const int32_t *column, const float *value,
				int64_t ncols, int64_t target, float *contribution, float *z, void *scratch)
{
	int64_t     start[2] = {0, n};
	RecMatrix   one = {1, ncols, n, start, column, value};
	RecHalfStep exact = *step;

	exact.matrix = &one;
	return rec_kernel()->explain(&exact, target, contribution, z, scratch);
}
