/*
 * als_kernel.h
 *		What the kernels of als_*.c share; nothing outside src/core includes this.
 */
#ifndef REC_ALS_KERNEL_H
#define REC_ALS_KERNEL_H

#include <float.h>
#include <math.h>

#include "als.h"
#include "core/ease.h"

/* One per instruction set; the functions are those of als.h. */
typedef struct RecKernel
{
	const char *name;
	RecAlsStatus (*rows)(const RecHalfStep *step, int64_t lo, int64_t hi, void *scratch,
						 RecLoss *loss);
	RecAlsStatus (*explain)(const RecHalfStep *step, int64_t target, float *contribution, float *z,
							void *scratch);
	void (*gram)(const float *rows, int64_t n, int stride, int factors, float *out);

	/* tiles of large matrices, see als_tile_impl.h; for ease.c */
	void (*tile_add)(const float *left, const float *right, float *c);
	void (*tile_subtract)(const float *left, const float *right, float *c);
	bool (*tile_factor)(float *a, float *inverse);
	void (*tile_solve)(const float *u, const float *inverse, float *a);
} RecKernel;

/* The kernel in use. */
extern const RecKernel *rec_kernel(void);

extern const RecKernel rec_kernel_base;

#if defined(__x86_64__)
extern const RecKernel rec_kernel_avx2;
extern const RecKernel rec_kernel_avx512;
#endif

/* Bytes of one row's panel that CG keeps; beyond, rows are gathered again in every step. */
#define REC_PANEL_BYTES ((int64_t) 4 << 20)

/* Observations summed in float before they join the total, which bounds rounding in rows of a
 * million. */
#define REC_TILE 512

/* Panel rows that a rank-k update takes at a time: they and their use stay in the first-level
 * cache. */
#define REC_RANK_TILE 64

/*
 * How many observations ahead rows are prefetched: about 16 kB to the second-level cache, where
 * many misses can be under way at once, then about 4 kB to the first.
 */
#define REC_AHEAD(stride) (4 + 4096 / (stride) / 4 * 4)
#define REC_NEAR(stride) (4 + 768 / (stride) / 4 * 4)

/* Rows eliminated at a time by the Cholesky factorisation. */
#define REC_BLOCK 16

static inline int
rec_dimensions(const RecHalfStep *step)
{
	return step->factors + (step->explicit_feedback ? 1 : 0);
}

/* Rows of the panel that CG keeps, a multiple of REC_TILE. */
static inline int64_t
rec_panel_rows(int stride)
{
	int64_t rows = REC_PANEL_BYTES / ((int64_t) sizeof(float) * stride) / REC_TILE * REC_TILE;

	return rows < REC_TILE ? REC_TILE : rows;
}

#endif /* REC_ALS_KERNEL_H */
