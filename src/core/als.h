/*
 * als.h
 *		Alternating least squares: the numeric heart of training and of fold-in.
 *
 * A half-step holds one factor matrix fixed ("other") and finds, for each row of the second one
 * ("self"), the minimum of that row's objective.  With y the rows of other, w and p the weight and
 * the target of an observation:
 *
 *	implicit	F(x) = sum_obs w (p - <x,y>)^2 + x' G x + lambda_r |x - m|^2
 *				G = alpha0 * sum over all rows of y y',  lambda_r = lambda * (n_r + alpha0 * ncols)^nu
 *	explicit	F(x, b) = sum_obs (v - mean - c - b - <x,y>)^2 + lambda_r |x - m|^2
 *				c the bias of the row of other,  lambda_r = lambda * n_r^nu;
 *				the bias takes part in |.|^2, times bias_penalty
 *
 * m is what is expected of the row before it is seen, from its attributes (prior.h); 0 without such.
 *
 * Sources: Hu, Koren and Volinsky 2008 (implicit ALS); Rendle et al., arXiv 2110.14037 (alpha0, nu,
 * initial scale); Takacs, Pilaszy and Tikk 2011 (a few warm-started conjugate-gradient steps instead
 * of an exact solution).
 *
 * Memory: nothing here allocates, and nothing is kept between calls except the choice of CPU
 * kernel.  All arrays are the caller's.  other, self, gram and scratch start on a 64-byte boundary;
 * factor matrices of many megabytes gain 30 % and more from huge pages (MADV_HUGEPAGE), which is the
 * caller's business as well.
 *
 * Factor rows: `stride` floats each (rec_als_stride).  Coordinates 0 .. factors-1 are the factors;
 * in the explicit model coordinate `factors` is the bias of the row; everything after is padding,
 * zero on input and on output.
 *
 * Determinism: a row's result depends on its own observations, on other and gram, and on the kernel
 * in use; it does not depend on the rows solved before it, on how rows are divided into calls, or on
 * the size of the scratch.
 */
#ifndef REC_ALS_H
#define REC_ALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum RecAlsStatus
{
	REC_ALS_OK = 0,
	REC_ALS_NOT_FINITE,  /* infinite or NaN input, or an overflow on the way */
	REC_ALS_NOT_DEFINITE /* exact solver: no positive pivot, even with a small ridge added */
} RecAlsStatus;

typedef enum RecSolver
{
	REC_SOLVER_CG = 0,  /* cg_steps conjugate-gradient steps from the values in self */
	REC_SOLVER_CHOLESKY /* exact; the values in self do not matter */
} RecSolver;

/*
 * Observations by row (CSR).  The value of an implicit observation is its transformed weight:
 * positive means preference 1 with that weight, negative preference 0 with weight |value|; never 0.
 * The value of an explicit observation is the rating, and its weight is 1.
 */
typedef struct RecMatrix
{
	int64_t        nrows, ncols, nnz;
	const int64_t *start;  /* nrows + 1 positions in column and value */
	const int32_t *column; /* ascending within a row, each in [0, ncols) */
	const float   *value;
} RecMatrix;

typedef struct RecHalfStep
{
	const RecMatrix *matrix;
	const float     *other; /* ncols x stride */
	float           *self;  /* nrows x stride; in: where CG starts, out: the solution */
	int              factors;
	int              stride;
	bool             explicit_feedback;
	float            mean;   /* explicit only: subtracted from every value */
	float            alpha0; /* implicit only */
	float            lambda;
	float            nu;
	float            bias_penalty; /* explicit only: of the bias, in units of the factors' penalty */
	const float *gram; /* implicit only: stride x stride, both triangles, from rec_als_gram_sum() */
	const float *prior;     /* the m of row prior_row, then of those after it; NULL: 0 for all rows */
	int64_t      prior_row;
	int          cg_steps;
	RecSolver    solver;
} RecHalfStep;

/*
 * Sums over the rows of a call; the caller zeroes it once and adds chunks in a fixed order.  The
 * objective of the whole model after an epoch is `penalty` of all user rows plus `objective` of all
 * item rows (items solved last).
 */
typedef struct RecLoss
{
	double objective; /* sum of F at the solutions, own penalty included */
	double penalty;   /* sum of the rows' own penalties alone */
} RecLoss;

/* Floats from one factor row to the next: a multiple of 16 with room for the factors and, explicit,
 * the bias. */
extern int
rec_als_stride(int factors, bool explicit_feedback);

/*
 * Fill a row with independent normal(0, scale^2) factors; bias and padding become zero.  The
 * numbers depend on nothing but `key`; rec_als_key() makes a good one of the training seed, the
 * side (0 users, 1 items) and the row.
 */
extern uint64_t
rec_als_key(uint64_t seed, int side, int64_t row);
extern void
rec_als_init_row(float *row, int factors, int stride, double scale, uint64_t key);

/*
 * Gram matrix in two stages, so that workers can share it: rec_als_gram() writes sum y y' of n
 * consecutive rows to a stride x stride array, rec_als_gram_sum() adds nparts such arrays (one
 * after the other in parts) in their order, in double precision, and multiplies by alpha0.  The
 * result depends on where the caller cuts the rows, so cut at fixed places, not by worker; a few
 * thousand rows a part lose no precision.
 */
extern void
rec_als_gram(const float *rows, int64_t n, int stride, int factors, float *out);
extern void
rec_als_gram_sum(const float *parts, int nparts, int stride, float alpha0, float *gram);

/* lambda_r of a row with n observations. */
extern double
rec_als_row_penalty(const RecHalfStep *step, int64_t n, int64_t ncols);

/*
 * Bytes of scratch (64-byte aligned, one per worker, contents irrelevant) for rows of up to
 * longest_row observations.  It stops growing at a few megabytes: very long rows are gathered again
 * instead of kept.
 */
extern size_t
rec_als_scratch_size(const RecHalfStep *step, int64_t longest_row);

/*
 * Solve rows lo .. hi-1.  A row without observations becomes its m.  *loss (may be NULL) is added
 * to.  On a status other than OK the rows from the failing one on are undefined and the training
 * cannot go on. About 90 ms for a row of a million observations and 64 factors.
 */
extern RecAlsStatus
rec_als_rows(const RecHalfStep *step, int64_t lo, int64_t hi, void *scratch, RecLoss *loss);

/*
 * Exact solution x (stride floats, 64-byte aligned) for one row given by its n observations,
 * columns ascending: fold-in.  Of step the fields matrix, self, solver and cg_steps are not read.
 * It runs rec_als_rows() on a matrix of this one row, so it returns the very bits that an exact
 * half-step leaves for the same observations. Scratch: rec_als_scratch_size() with solver =
 * REC_SOLVER_CHOLESKY.
 */
extern RecAlsStatus
rec_als_solve_one(const RecHalfStep *step, int64_t n, const int32_t *column, const float *value,
				  int64_t ncols, float *x, void *scratch);

/*
 * What each of the n observations of a row contributes to its score for the row `target` of other:
 * with x the exact solution, A its normal matrix and A z = y_target, contribution_k = w_k p_k <y_k,
 * z>. They sum to <x, y_target> (implicit) or <x, y_target> + b (explicit: add mean and the
 * target's own bias for the prediction), up to float rounding.  An observation of preference 0
 * contributes 0. With m it is <lambda_r m, z> (bias_penalty on the bias) that the sum lacks: *z (stride
 * floats, may be NULL) is for that.  Without observations nothing is written. Same scratch and same fields of step as
 * rec_als_solve_one().
 */
extern RecAlsStatus
rec_als_explain(const RecHalfStep *step, int64_t n, const int32_t *column, const float *value,
				int64_t ncols, int64_t target, float *contribution, float *z, void *scratch);

/*
 * CPU kernels: "avx512", "avx2", "sse2" on x86-64, "neon" on arm64, "generic" elsewhere.  The best
 * one that the machine has is chosen at first use.  select() is for tests: false, and no change, if
 * the machine lacks the kernel.
 */
extern const char *
rec_als_kernel_name(void);
extern bool
rec_als_kernel_select(const char *name);

#endif /* REC_ALS_H */
