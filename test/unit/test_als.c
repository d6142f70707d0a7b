/*
 * test_als.c
 *		src/core/als.h against a plain double-precision solution, for every kernel that this machine has.
 *
 *	 cc -Isrc -o test_als test/unit/test_als.c src/core/als*.c -lm && ./test_als
 */
#include <float.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/als.h"
#include "unit.h"

enum
{
	COLUMNS = 300,
	ROWS = 9
};

/* Lengths of the rows of the test matrix; 0 observations and the sizes around the vector widths. */
static const int lengths[ROWS] = {0, 1, 3, 15, 16, 17, 64, 130, 250};

static uint64_t state = 7;

static double
uniform(void)
{
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (double) (state >> 11) * 0x1.0p-53;
}

static void *
take(size_t bytes)
{
	void	   *p = aligned_alloc(64, (bytes + 127) / 64 * 64);

	if (p == NULL)
		exit(2);
	memset(p, 0xff, (bytes + 127) / 64 * 64);	/* NaN wherever something is read before it is written */
	return p;
}

/* A problem and all its arrays. */
typedef struct Problem
{
	RecHalfStep step;
	RecMatrix	matrix;
	int64_t    *start;
	int32_t    *column;
	float	   *value;
	float	   *other,
			   *self,
			   *gram;
} Problem;

static void
gram_of(Problem *p)
{
	int			stride = p->step.stride;
	int64_t		cut = p->matrix.ncols / 3;
	size_t		size = (size_t) stride * (size_t) stride;
	float	   *parts = take(2 * size * sizeof(float));

	rec_als_gram(p->other, cut, stride, p->step.factors, parts);
	rec_als_gram(p->other + cut * stride, p->matrix.ncols - cut, stride, p->step.factors, parts + size);
	rec_als_gram_sum(parts, 2, stride, p->step.alpha0, p->gram);
	free(parts);
}

static Problem
make_problem(int factors, bool explicit_feedback, int nrows, const int *length, int ncols)
{
	Problem		p;
	int			stride = rec_als_stride(factors, explicit_feedback);
	int64_t		nnz = 0;

	memset(&p, 0, sizeof(p));
	for (int r = 0; r < nrows; r++)
		nnz += length[r];
	p.start = take(8 * (size_t) (nrows + 1));
	p.column = take(4 * (size_t) nnz);
	p.value = take(4 * (size_t) nnz);
	p.other = take(4 * (size_t) stride * (size_t) ncols);
	p.self = take(4 * (size_t) stride * (size_t) nrows);
	p.gram = take(4 * (size_t) stride * (size_t) stride);
	p.start[0] = nnz = 0;
	for (int r = 0; r < nrows; r++)
	{
		for (int k = 0; k < length[r]; k++)
		{
			p.column[nnz] = (int32_t) ((int64_t) k * ncols / length[r]);
			if (explicit_feedback)
				p.value[nnz++] = (float) (1 + floor(5 * uniform()));
			else
				p.value[nnz++] = (float) ((uniform() < 0.2 ? -1 : 1) * (0.25 + 3 * uniform()));
		}
		p.start[r + 1] = nnz;
	}
	for (int i = 0; i < ncols; i++)
	{
		rec_als_init_row(p.other + (int64_t) i * stride, factors, stride, 0.5, rec_als_key(3, 1, i));
		if (explicit_feedback)
			p.other[(int64_t) i * stride + factors] = (float) (uniform() - 0.5);
	}
	for (int r = 0; r < nrows; r++)
		rec_als_init_row(p.self + (int64_t) r * stride, factors, stride, 0.5, rec_als_key(3, 0, r));
	p.matrix = (RecMatrix){nrows, ncols, nnz, p.start, p.column, p.value};
	p.step = (RecHalfStep){.other = p.other, .self = p.self, .factors = factors, .stride = stride,
		.explicit_feedback = explicit_feedback, .mean = explicit_feedback ? 3.1f : NAN,
		.alpha0 = explicit_feedback ? NAN : 0.3f, .lambda = explicit_feedback ? 1.2f : 0.05f,
		.nu = explicit_feedback ? 0.5f : 1, .gram = explicit_feedback ? NULL : p.gram, .cg_steps = 3};
	if (!explicit_feedback)
		gram_of(&p);
	return p;
}

static void
free_problem(Problem *p)
{
	free(p->start);
	free(p->column);
	free(p->value);
	free(p->other);
	free(p->self);
	free(p->gram);
}

/* Points the step at the problem's matrix; done at use, since a Problem is returned by value. */
static RecAlsStatus
solve(Problem *p, RecSolver solver, int64_t lo, int64_t hi, RecLoss *loss)
{
	int64_t		longest = 0;
	void	   *scratch;
	RecAlsStatus status;

	p->step.matrix = &p->matrix;
	p->step.solver = solver;
	for (int64_t r = 0; r < p->matrix.nrows; r++)
		if (p->start[r + 1] - p->start[r] > longest)
			longest = p->start[r + 1] - p->start[r];
	scratch = take(rec_als_scratch_size(&p->step, longest));
	status = rec_als_rows(&p->step, lo, hi, scratch, loss);
	free(scratch);
	return status;
}

/* ---- reference in double precision, by definition ---- */

/* A (dims x dims) and b of row r; returns sum w p^2. */
static double
reference_system(const Problem *p, int64_t r, double *a, double *b)
{
	const RecHalfStep *s = &p->step;
	int			dims = s->factors + (s->explicit_feedback ? 1 : 0);
	int64_t		n = p->start[r + 1] - p->start[r];
	double		count = s->explicit_feedback ? (double) n : (double) n + (double) s->alpha0 * (double) p->matrix.ncols;
	double		square = 0;
	double	   *y = malloc(sizeof(double) * (size_t) dims);

	memset(a, 0, sizeof(double) * (size_t) (dims * dims));
	memset(b, 0, sizeof(double) * (size_t) dims);
	for (int64_t i = 0; i < p->matrix.ncols && !s->explicit_feedback; i++)
		for (int j = 0; j < dims; j++)
			for (int k = 0; k < dims; k++)
				a[j * dims + k] += (double) s->alpha0 * (double) p->other[i * s->stride + j] * (double) p->other[i * s->stride + k];
	for (int j = 0; j < dims; j++)
		a[j * dims + j] += (double) s->lambda * pow(count, (double) s->nu);
	for (int64_t k = p->start[r]; k < p->start[r + 1]; k++)
	{
		const float *row = p->other + (int64_t) p->column[k] * s->stride;
		double		w = s->explicit_feedback ? 1 : fabs((double) p->value[k]);
		double		t = s->explicit_feedback ? (double) p->value[k] - (double) s->mean - (double) row[s->factors] :
			p->value[k] > 0 ? 1 : 0;

		for (int j = 0; j < dims; j++)
			y[j] = j < s->factors ? (double) row[j] : 1;
		for (int i = 0; i < dims; i++)
		{
			b[i] += w * t * y[i];
			for (int j = 0; j < dims; j++)
				a[i * dims + j] += w * y[i] * y[j];
		}
		square += w * t * t;
	}
	free(y);
	return square;
}

/* Gaussian elimination of a positive definite system; a is destroyed, b becomes the solution. */
static void
reference_solve(double *a, double *b, int dims)
{
	for (int j = 0; j < dims; j++)
		for (int i = j + 1; i < dims; i++)
		{
			double		f = a[i * dims + j] / a[j * dims + j];

			for (int k = j; k < dims; k++)
				a[i * dims + k] -= f * a[j * dims + k];
			b[i] -= f * b[j];
		}
	for (int j = dims - 1; j >= 0; j--)
	{
		for (int k = j + 1; k < dims; k++)
			b[j] -= a[j * dims + k] * b[k];
		b[j] /= a[j * dims + j];
	}
}

/* Conjugate gradient on A x = b from x. */
static void
reference_cg(const double *a, const double *b, double *x, int dims, int steps)
{
	double	   *r = malloc(3 * sizeof(double) * (size_t) dims),
			   *p = r + dims,
			   *ap = p + dims;
	double		rs = 0;

	for (int i = 0; i < dims; i++)
	{
		r[i] = b[i];
		for (int j = 0; j < dims; j++)
			r[i] -= a[i * dims + j] * x[j];
		p[i] = r[i];
		rs += r[i] * r[i];
	}
	for (int step = 0; step < steps; step++)
	{
		double		curvature = 0,
					next = 0;

		for (int i = 0; i < dims; i++)
		{
			ap[i] = 0;
			for (int j = 0; j < dims; j++)
				ap[i] += a[i * dims + j] * p[j];
			curvature += p[i] * ap[i];
		}
		for (int i = 0; i < dims; i++)
		{
			x[i] += rs / curvature * p[i];
			r[i] -= rs / curvature * ap[i];
			next += r[i] * r[i];
		}
		for (int i = 0; i < dims; i++)
			p[i] = r[i] + next / rs * p[i];
		rs = next;
	}
	free(r);
}

/* F(x) = x'Ax - 2 b.x + sum w p^2 */
static double
reference_objective(const double *a, const double *b, double square, const float *x, int dims)
{
	double		f = square;

	for (int i = 0; i < dims; i++)
	{
		f -= 2 * b[i] * (double) x[i];
		for (int j = 0; j < dims; j++)
			f += (double) x[i] * a[i * dims + j] * (double) x[j];
	}
	return f;
}

static double
distance(const float *x, const double *y, int dims)
{
	double		d = 0,
				size = 0;

	for (int i = 0; i < dims; i++)
	{
		d += ((double) x[i] - y[i]) * ((double) x[i] - y[i]);
		size += y[i] * y[i];
	}
	return sqrt(d / fmax(size, 1e-300));
}

/* ---- tests ---- */

static void
test_against_reference(int factors, bool explicit_feedback, RecSolver solver)
{
	Problem		p = make_problem(factors, explicit_feedback, ROWS, lengths, COLUMNS);
	int			stride = p.step.stride;
	int			dims = factors + (explicit_feedback ? 1 : 0);
	double	   *a = malloc(sizeof(double) * (size_t) (2 * dims * dims + 2 * dims)),
			   *b = a + 2 * dims * dims,
			   *x = b + dims;
	float	   *before = take(sizeof(float) * (size_t) (stride * ROWS));
	double		worst = 0,
				objective = 0;
	bool		padding = true;
	RecLoss		loss = {0, 0};
	double		penalty = 0;

	memcpy(before, p.self, sizeof(float) * (size_t) (stride * ROWS));

	RecAlsStatus status = solve(&p, solver, 0, ROWS, &loss);

	for (int r = 0; r < ROWS; r++)
	{
		float	   *got = p.self + r * stride;
		double		square = reference_system(&p, r, a, b);
		double		f = reference_objective(a, b, square, got, dims);

		objective += f;
		for (int i = 0; i < dims; i++)
		{
			penalty += rec_als_row_penalty(&p.step, lengths[r], COLUMNS) * (double) got[i] * (double) got[i];
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
	check(fabs(loss.objective - objective) < 1e-4 * objective && fabs(loss.penalty - penalty) < 1e-5 * penalty,
		  "its objective %.7g (brute force %.7g), penalty %.7g (%.7g)", loss.objective, objective, loss.penalty, penalty);
	free(a);
	free(before);
	free_problem(&p);
}

/* Rows one by one, in another order and with more scratch, give the same bits. */
static void
test_division(int factors, bool explicit_feedback, RecSolver solver)
{
	Problem		p = make_problem(factors, explicit_feedback, ROWS, lengths, COLUMNS);
	size_t		size = sizeof(float) * (size_t) (p.step.stride * ROWS);
	float	   *start = take(size),
			   *whole = take(size);

	memcpy(start, p.self, size);
	solve(&p, solver, 0, ROWS, NULL);
	memcpy(whole, p.self, size);
	memcpy(p.self, start, size);
	for (int r = ROWS - 1; r >= 0; r--)
		solve(&p, solver, r, r + 1, NULL);
	check(memcmp(whole, p.self, size) == 0, "%s %s %s, %d factors: same bits however rows are divided",
		  rec_als_kernel_name(), explicit_feedback ? "explicit" : "implicit",
		  solver == REC_SOLVER_CG ? "cg" : "cholesky", factors);
	free(start);
	free(whole);
	free_problem(&p);
}

/* Fold-in gives the bits of the exact half-step; contributions sum to the score. */
static void
test_fold_in(int factors, bool explicit_feedback)
{
	Problem		p = make_problem(factors, explicit_feedback, ROWS, lengths, COLUMNS);
	int			stride = p.step.stride;
	float	   *x = take(sizeof(float) * (size_t) stride);
	float	   *contribution = take(sizeof(float) * 1000);
	bool		same = true;
	double		worst = 0;
	void	   *scratch;

	solve(&p, REC_SOLVER_CHOLESKY, 0, ROWS, NULL);
	scratch = take(rec_als_scratch_size(&p.step, 1000));
	p.step.matrix = NULL;
	for (int r = 0; r < ROWS; r++)
	{
		const int32_t *column = p.column + p.start[r];
		const float *value = p.value + p.start[r];
		int			target = 17 * r;
		double		sum = 0,
					score = 0,
					size = 1e-3;

		same &= rec_als_solve_one(&p.step, lengths[r], column, value, COLUMNS, x, scratch) == REC_ALS_OK;
		same &= memcmp(x, p.self + r * stride, sizeof(float) * (size_t) stride) == 0;
		same &= rec_als_explain(&p.step, lengths[r], column, value, COLUMNS, target, contribution, scratch) == REC_ALS_OK;
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
	const int	length[2] = {n, 5};
	Problem		p = make_problem(factors, false, 2, length, n + 7);
	int			dims = factors;
	double	   *a = malloc(sizeof(double) * (size_t) (dims * dims + 2 * dims)),
			   *b = a + dims * dims,
			   *x = b + dims;
	double		square = reference_system(&p, 0, a, b);
	RecLoss		loss = {0, 0};

	/* start near the small solution: rounding is relative to the larger of the two */
	for (int i = 0; i < dims; i++)
		x[i] = (double) (p.self[i] *= 0.01f);
	reference_cg(a, b, x, dims, 3);
	solve(&p, REC_SOLVER_CG, 0, 1, &loss);

	double		f = reference_objective(a, b, square, p.self, dims);

	check(distance(p.self, x, dims) < 2e-4 && fabs(loss.objective - f) < 1e-4 * f,
		  "%s cg, %d factors, a row of %d: off by %.2g, objective %.7g (%.7g)", rec_als_kernel_name(), factors, n,
		  distance(p.self, x, dims), loss.objective, f);
	solve(&p, REC_SOLVER_CHOLESKY, 0, 1, NULL);
	memcpy(x, b, sizeof(double) * (size_t) dims);
	reference_solve(a, x, dims);
	check(distance(p.self, x, dims) < 2e-4, "%s cholesky, %d factors, a row of %d: off by %.2g", rec_als_kernel_name(),
		  factors, n, distance(p.self, x, dims));
	free(a);
	free_problem(&p);
}

/* More steps of CG come to the exact solution. */
static void
test_convergence(bool explicit_feedback)
{
	Problem		p = make_problem(20, explicit_feedback, ROWS, lengths, COLUMNS);
	size_t		size = sizeof(float) * (size_t) (p.step.stride * ROWS);
	float	   *cg = take(size);
	double		worst = 0;

	p.step.cg_steps = 50;
	solve(&p, REC_SOLVER_CG, 0, ROWS, NULL);
	memcpy(cg, p.self, size);
	solve(&p, REC_SOLVER_CHOLESKY, 0, ROWS, NULL);
	for (int i = 0; i < p.step.stride * ROWS; i++)
		worst = fmax(worst, fabs((double) (cg[i] - p.self[i])));
	check(worst < 1e-4, "%s %s: 50 steps of cg agree with cholesky, off by %.2g", rec_als_kernel_name(),
		  explicit_feedback ? "explicit" : "implicit", worst);
	free(cg);
	free_problem(&p);
}

/* A hostile value somewhere: a status, or finite numbers; always an end. */
static void
test_hostile(const char *what, float value, bool in_factors, bool explicit_feedback, RecSolver solver, bool must_fail)
{
	Problem		p = make_problem(33, explicit_feedback, ROWS, lengths, COLUMNS);
	RecLoss		loss = {0, 0};
	RecAlsStatus status;
	bool		finite = true;

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
	check(status != REC_ALS_OK || (finite && !must_fail), "%s %s %s, %s in %s: status %d", rec_als_kernel_name(),
		  explicit_feedback ? "explicit" : "implicit", solver == REC_SOLVER_CG ? "cg" : "cholesky", what,
		  in_factors ? "a factor" : "a value", (int) status);
	free_problem(&p);
}

static void
test_all_hostile(void)
{
	for (int i = 0; i < 8; i++)
	{
		bool		in_factors = (i & 1) != 0;
		bool		explicit_feedback = (i & 2) != 0;
		RecSolver	solver = (i & 4) != 0 ? REC_SOLVER_CHOLESKY : REC_SOLVER_CG;

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
	Problem		p = make_problem(40, true, ROWS, lengths, COLUMNS);
	RecLoss		loss = {0, 0};
	RecAlsStatus status;
	double		size = 0;

	p.step.lambda = 0;
	status = solve(&p, solver, 0, 6, &loss);
	for (int i = 0; i < p.step.stride * 6; i++)
		size = fmax(size, fabs((double) p.self[i]));
	check(status == REC_ALS_OK && size < 100, "%s %s: singular system, status %d, largest factor %.3g",
		  rec_als_kernel_name(), solver == REC_SOLVER_CG ? "cg" : "cholesky", (int) status, size);
	free_problem(&p);
}

static void
test_gram(int factors)
{
	Problem		p = make_problem(factors, false, ROWS, lengths, COLUMNS);
	int			stride = p.step.stride;
	double		worst = 0;

	for (int i = 0; i < stride; i++)
		for (int j = 0; j < stride; j++)
		{
			double		sum = 0;

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
	float	   *row = take(sizeof(float) * STRIDE),
			   *again = take(sizeof(float) * STRIDE);
	double		sum = 0,
				square = 0;
	bool		padding = true;

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
	check(memcmp(row, again, sizeof(float) * STRIDE) == 0, "initial rows depend on their key alone");
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
			test_against_reference(sizes[i], (mode & 1) != 0, (mode & 2) != 0 ? REC_SOLVER_CHOLESKY : REC_SOLVER_CG);
			test_division(sizes[i], (mode & 1) != 0, (mode & 2) != 0 ? REC_SOLVER_CHOLESKY : REC_SOLVER_CG);
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

	check(rec_als_stride(64, false) == 64 && rec_als_stride(64, true) == 80 && rec_als_stride(1, true) == 16,
		  "strides have room for the bias");
	check(!rec_als_kernel_select("abacus"), "an unknown kernel is refused");
	test_init();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (rec_als_kernel_select(names[i]))
			test_kernel();
	return unit_done();
}
