/*
 * test_als.c
 *		src/core/als.h against a plain double-precision solution, for every kernel that this machine
 * has.
 *
 *	 cc -Isrc -o test_als test/unit/test_als.c src/core/als*.c -lm && ./test_als
 */
#include <float.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "als_reference.h"
#include "unit.h"

enum
{
	COLUMNS = 300,
	ROWS = 9
};

/* Lengths of the rows of the test matrix; 0 observations and the sizes around the vector widths. */
static const int lengths[ROWS] = {0, 1, 3, 15, 16, 17, 64, 130, 250};

static void
test_against_reference(int factors, bool explicit_feedback, RecSolver solver)
{
	Problem p = make_problem(factors, explicit_feedback, ROWS, lengths, COLUMNS);
	int     stride = p.step.stride;
	int     dims = factors + (explicit_feedback ? 1 : 0);
	double *a = malloc(sizeof(double) * (size_t) (2 * dims * dims + 2 * dims)),
		   *b = a + 2 * dims * dims, *x = b + dims;
	float  *before = take(sizeof(float) * (size_t) (stride * ROWS));
	double  worst = 0, objective = 0;
	bool    padding = true;
	RecLoss loss = {0, 0};
	double  penalty = 0;

	memcpy(before, p.self, sizeof(float) * (size_t) (stride * ROWS));
	/* Another penalty of the bias is one more eigenvalue: after it has almost converged, a step of
	 * CG follows rounding noise, and vectors differ where objectives do not.  test_convergence()
	 * has such a penalty. */
	if (solver == REC_SOLVER_CG)
		p.step.bias_penalty = 1;

	RecAlsStatus status = solve(&p, solver, 0, ROWS, &loss);

	for (int r = 0; r < ROWS; r++)
	{
		float *got = p.self + r * stride;
		double square = reference_system(&p, r, a, b);
		double f = reference_objective(a, b, square, got, dims);

		objective += f;
		for (int i = 0; i < dims; i++)
		{
			penalty += rec_als_row_penalty(&p.step, lengths[r], COLUMNS) * (double) got[i] *
					   (double) got[i] * (i < factors ? 1 : (double) p.step.bias_penalty);
			x[i] = lengths[r] == 0 ? 0 : (double) before[r * stride + i];
		}
		if (lengths[r] > 0 && solver == REC_SOLVER_CG)
			reference_cg(a, b, x, dims, 3 < dims ? 3 : dims);
		else if (lengths[r] > 0)
		{
			memcpy(x, b, sizeof(double) * (size_t) dims);
			reference_solve(a, x, dims);
		}
		worst = fmax(worst, distance(got, x, dims));
		for (int i = dims; i < stride; i++)
			padding &= got[i] == 0;
	}
	check(status == REC_ALS_OK && worst < 5e-4 && padding, "%s %s %s, %d factors: off by %.2g",
		  rec_als_kernel_name(), explicit_feedback ? "explicit" : "implicit",
		  solver == REC_SOLVER_CG ? "cg" : "cholesky", factors, worst);
	check(fabs(loss.objective - objective) < 1e-4 * objective &&
			  fabs(loss.penalty - penalty) < 1e-5 * penalty,
		  "its objective %.7g (brute force %.7g), penalty %.7g (%.7g)", loss.objective, objective,
		  loss.penalty, penalty);
	free(a);
	free(before);
	free_problem(&p);
}

/* Rows one by one, in another order and with more scratch, give the same bits. */
static void
test_division(int factors, bool explicit_feedback, RecSolver solver)
{
	Problem p = make_problem(factors, explicit_feedback, ROWS, lengths, COLUMNS);
	size_t  size = sizeof(float) * (size_t) (p.step.stride * ROWS);
	float  *start = take(size), *whole = take(size);

	memcpy(start, p.self, size);
	solve(&p, solver, 0, ROWS, NULL);
	memcpy(whole, p.self, size);
	memcpy(p.self, start, size);
	for (int r = ROWS - 1; r >= 0; r--)
		solve(&p, solver, r, r + 1, NULL);
	check(memcmp(whole, p.self, size) == 0,
		  "%s %s %s, %d factors: same bits however rows are divided", rec_als_kernel_name(),
		  explicit_feedback ? "explicit" : "implicit", solver == REC_SOLVER_CG ? "cg" : "cholesky",
		  factors);
	free(start);
	free(whole);
	free_problem(&p);
}

/* Fold-in gives the bits of the exact half-step; contributions sum to the score. */
static void
test_fold_in(int factors, bool explicit_feedback)
{
	Problem p = make_problem(factors, explicit_feedback, ROWS, lengths, COLUMNS);
	int     stride = p.step.stride;
	float  *x = take(sizeof(float) * (size_t) stride);
	float  *contribution = take(sizeof(float) * 1000);
	bool    same = true;
	double  worst = 0;
	void   *scratch;

	solve(&p, REC_SOLVER_CHOLESKY, 0, ROWS, NULL);
	scratch = take(rec_als_scratch_size(&p.step, 1000));
	p.step.matrix = NULL;
	for (int r = 0; r < ROWS; r++)
	{
		const int32_t *column = p.column + p.start[r];
		const float   *value = p.value + p.start[r];
		int            target = 17 * r;
		double         sum = 0, score = 0, size = 1e-3;

		same &= rec_als_solve_one(&p.step, lengths[r], column, value, COLUMNS, x, scratch) ==
				REC_ALS_OK;
		same &= memcmp(x, p.self + r * stride, sizeof(float) * (size_t) stride) == 0;
		same &= rec_als_explain(&p.step, lengths[r], column, value, COLUMNS, target, contribution, NULL,
								scratch) == REC_ALS_OK;
		for (int k = 0; k < lengths[r]; k++)
		{
			sum += (double) contribution[k];
			size += fabs((double) contribution[k]);
			if (!explicit_feedback && value[k] < 0)
				same &= contribution[k] == 0;
		}
		for (int i = 0; i < factors; i++)
			score += (double) x[i] * (double) p.other[target * stride + i];
		if (explicit_feedback)
			score += (double) x[factors];
		worst = fmax(worst, fabs(sum - score) / size);
	}
	check(same, "%s %s, %d factors: fold-in has the bits of training", rec_als_kernel_name(),
		  explicit_feedback ? "explicit" : "implicit", factors);
	check(worst < 1e-4, "its contributions sum to the score, off by %.2g", worst);
	free(scratch);
	free(x);
	free(contribution);
	free_problem(&p);
}

/* Rows longer than the tiles and longer than the panel that CG keeps. */
static void
test_long_rows(int factors, int n)
{
	const int length[2] = {n, 5};
	Problem   p = make_problem(factors, false, 2, length, n + 7);
	int       dims = factors;
	double   *a = malloc(sizeof(double) * (size_t) (dims * dims + 2 * dims)), *b = a + dims * dims,
		   *x = b + dims;
	double  square = reference_system(&p, 0, a, b);
	RecLoss loss = {0, 0};

	/* start near the small solution: rounding is relative to the larger of the two */
	for (int i = 0; i < dims; i++)
		x[i] = (double) (p.self[i] *= 0.01f);
	reference_cg(a, b, x, dims, 3);
	solve(&p, REC_SOLVER_CG, 0, 1, &loss);

	double f = reference_objective(a, b, square, p.self, dims);

	check(distance(p.self, x, dims) < 2e-4 && fabs(loss.objective - f) < 1e-4 * f,
		  "%s cg, %d factors, a row of %d: off by %.2g, objective %.7g (%.7g)",
		  rec_als_kernel_name(), factors, n, distance(p.self, x, dims), loss.objective, f);
	solve(&p, REC_SOLVER_CHOLESKY, 0, 1, NULL);
	memcpy(x, b, sizeof(double) * (size_t) dims);
	reference_solve(a, x, dims);
	check(distance(p.self, x, dims) < 2e-4, "%s cholesky, %d factors, a row of %d: off by %.2g",
		  rec_als_kernel_name(), factors, n, distance(p.self, x, dims));
	free(a);
	free_problem(&p);
}

/* More steps of CG come to the exact solution. */
static void
test_convergence(bool explicit_feedback)
{
	Problem p = make_problem(20, explicit_feedback, ROWS, lengths, COLUMNS);
	size_t  size = sizeof(float) * (size_t) (p.step.stride * ROWS);
	float  *cg = take(size);
	double  worst = 0;

	p.step.cg_steps = 50;
	solve(&p, REC_SOLVER_CG, 0, ROWS, NULL);
	memcpy(cg, p.self, size);
	solve(&p, REC_SOLVER_CHOLESKY, 0, ROWS, NULL);
	for (int i = 0; i < p.step.stride * ROWS; i++)
		worst = fmax(worst, fabs((double) (cg[i] - p.self[i])));
	check(worst < 1e-4, "%s %s: 50 steps of cg agree with cholesky, off by %.2g",
		  rec_als_kernel_name(), explicit_feedback ? "explicit" : "implicit", worst);
	free(cg);
	free_problem(&p);
}

/* A hostile value somewhere: a status, or finite numbers; always an end. */
static void
test_hostile(const char *what, float value, bool in_factors, bool explicit_feedback,
			 RecSolver solver, bool must_fail)
{
	Problem      p = make_problem(33, explicit_feedback, ROWS, lengths, COLUMNS);
	RecLoss      loss = {0, 0};
	RecAlsStatus status;
	bool         finite = true;

	if (in_factors)
		p.other[p.column[p.start[6] + 5] * p.step.stride + 3] = value;
	else
		p.value[p.start[6] + 5] = value;
	if (!explicit_feedback)
		gram_of(&p);
	status = solve(&p, solver, 0, ROWS, &loss);
	for (int i = 0; i < p.step.stride * ROWS; i++)
		finite &= isfinite(p.self[i]) != 0;
	finite &= isfinite(loss.objective) && isfinite(loss.penalty);
	check(status != REC_ALS_OK || (finite && !must_fail), "%s %s %s, %s in %s: status %d",
		  rec_als_kernel_name(), explicit_feedback ? "explicit" : "implicit",
		  solver == REC_SOLVER_CG ? "cg" : "cholesky", what, in_factors ? "a factor" : "a value",
		  (int) status);
	free_problem(&p);
}

static void
test_all_hostile(void)
{
	for (int i = 0; i < 8; i++)
	{
		bool      in_factors = (i & 1) != 0;
		bool      explicit_feedback = (i & 2) != 0;
		RecSolver solver = (i & 4) != 0 ? REC_SOLVER_CHOLESKY : REC_SOLVER_CG;

		test_hostile("NaN", NAN, in_factors, explicit_feedback, solver, true);
		test_hostile("infinity", INFINITY, in_factors, explicit_feedback, solver, true);
		test_hostile("1e30", 1e30f, in_factors, explicit_feedback, solver, false);
		test_hostile("-3e38", -3e38f, in_factors, explicit_feedback, solver, false);
		test_hostile("1e9", 1e9f, in_factors, explicit_feedback, solver, false);
		test_hostile("a denormal", 1e-42f, in_factors, explicit_feedback, solver, false);
	}
}

/* lambda = 0 with fewer observations than unknowns: singular, still an answer that fits. */
static void
test_singular(RecSolver solver)
{
	Problem      p = make_problem(40, true, ROWS, lengths, COLUMNS);
	RecLoss      loss = {0, 0};
	RecAlsStatus status;
	double       size = 0;

	p.step.lambda = 0;
	status = solve(&p, solver, 0, 6, &loss);
	for (int i = 0; i < p.step.stride * 6; i++)
		size = fmax(size, fabs((double) p.self[i]));
	check(status == REC_ALS_OK && size < 100,
		  "%s %s: singular system, status %d, largest factor %.3g", rec_als_kernel_name(),
		  solver == REC_SOLVER_CG ? "cg" : "cholesky", (int) status, size);
	free_problem(&p);
}

static void
test_gram(int factors)
{
	Problem p = make_problem(factors, false, ROWS, lengths, COLUMNS);
	int     stride = p.step.stride;
	double  worst = 0;

	for (int i = 0; i < stride; i++)
		for (int j = 0; j < stride; j++)
		{
			double sum = 0;

			for (int64_t k = 0; k < COLUMNS; k++)
				sum += (double) p.other[k * stride + i] * (double) p.other[k * stride + j];
			worst = fmax(worst, fabs((double) p.gram[i * stride + j] - 0.3 * sum));
		}
	check(worst < 1e-4, "%s gram, %d factors: off by %.2g", rec_als_kernel_name(), factors, worst);
	free_problem(&p);
}

static void
test_init(void)
{
	enum
	{
		N = 2000,
		D = 33,
		STRIDE = 48
	};
	float *row = take(sizeof(float) * STRIDE), *again = take(sizeof(float) * STRIDE);
	double sum = 0, square = 0;
	bool   padding = true;

	for (int r = 0; r < N; r++)
	{
		rec_als_init_row(row, D, STRIDE, 2, rec_als_key(5, 0, r));
		for (int i = 0; i < D; i++)
		{
			sum += (double) row[i];
			square += (double) row[i] * (double) row[i];
		}
		for (int i = D; i < STRIDE; i++)
			padding &= row[i] == 0;
	}
	check(padding, "initial rows have zero padding");
	check_near(sum / (N * D), 0, 0.03, "mean of initial factors");
	check_near(square / (N * D), 4, 0.03, "variance of initial factors");
	rec_als_init_row(again, D, STRIDE, 2, rec_als_key(5, 0, N - 1));
	check(memcmp(row, again, sizeof(float) * STRIDE) == 0,
		  "initial rows depend on their key alone");
	rec_als_init_row(again, D, STRIDE, 2, rec_als_key(5, 1, N - 1));
	check(memcmp(row, again, sizeof(float) * STRIDE) != 0, "initial rows of the two sides differ");
	free(row);
	free(again);
}

static void
test_kernel(void)
{
	static const int sizes[] = {1, 2, 15, 16, 17, 33, 50, 64, 80, 96, 100, 112, 128, 200, 257};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
	{
		test_gram(sizes[i]);
		for (int mode = 0; mode < 4; mode++)
		{
			test_against_reference(sizes[i], (mode & 1) != 0,
								   (mode & 2) != 0 ? REC_SOLVER_CHOLESKY : REC_SOLVER_CG);
			test_division(sizes[i], (mode & 1) != 0,
						  (mode & 2) != 0 ? REC_SOLVER_CHOLESKY : REC_SOLVER_CG);
		}
		test_fold_in(sizes[i], false);
		test_fold_in(sizes[i], true);
	}
	test_long_rows(16, 1000);
	test_long_rows(50, 20000);
	test_long_rows(8, 100000);
	test_convergence(false);
	test_convergence(true);
	test_all_hostile();
	test_singular(REC_SOLVER_CG);
	test_singular(REC_SOLVER_CHOLESKY);
}

int
main(void)
{
	static const char *const names[] = {"avx512", "avx2", "sse2", "neon", "generic"};

	check(rec_als_stride(64, false) == 64 && rec_als_stride(64, true) == 80 &&
			  rec_als_stride(1, true) == 16,
		  "strides have room for the bias");
	check(!rec_als_kernel_select("abacus"), "an unknown kernel is refused");
	test_init();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (rec_als_kernel_select(names[i]))
			test_kernel();
	return unit_done();
}
