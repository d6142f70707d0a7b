/*
 * test_prior.c
 *		src/core/prior.h and src/core/shrink.h: maps against scikit-learn's ridge regression, and means of rows in the
 * ALS solver against what they must do.
 *
 * Reference: scikit-learn 1.2.1, Ridge(alpha=2, fit_intercept=False, solver='cholesky').fit(F, X, sample_weight=w); the
 * shrunk popularities from numpy 1.24.2 by the formula in shrink.h.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "als_reference.h"
#include "core/prior.h"
#include "core/shrink.h"
#include "unit.h"

enum
{
	ROWS = 12,
	COLUMNS = 5,
	FACTORS = 3,
	STRIDE = 16
};

static const double reference[COLUMNS][FACTORS] = {{-0.046030641, -0.002319812, 0.010893976},
												   {-0.074504797, -0.154727155, -0.088422218},
												   {0.070450325, 0.022825267, -0.042210713},
												   {-0.041976168, 0.129582076, 0.141526907},
												   {-0.08091922, 0.080405641, -0.12318071}};

typedef struct Design
{
	int64_t row_start[ROWS + 1], col_start[COLUMNS + 1];
	int32_t column[ROWS * 3], row[ROWS * 3];
	float   value[ROWS * 3], col_value[ROWS * 3], x[ROWS * STRIDE], weight[ROWS];
	RecFeatures f;
} Design;

static void
make_design(Design *d)
{
	memset(d, 0, sizeof(*d));
	for (int r = 0; r < ROWS; r++)
	{
		int at = r * 3;

		d->row_start[r] = at;
		d->column[at] = 0;
		d->value[at] = 1;
		d->column[at + 1] = 1 + r % 3;
		d->value[at + 1] = 1;
		d->column[at + 2] = 4;
		d->value[at + 2] = (float) (r * 7 % 5 - 2);
		d->weight[r] = 1 + (float) (r % 4) * 0.5f;
		for (int c = 0; c < FACTORS; c++)
			d->x[r * STRIDE + c] = (float) ((r * 13 + c * 5) % 11) / 10 - 0.5f;
	}
	d->row_start[ROWS] = ROWS * 3;
	d->f = (RecFeatures) {ROWS, COLUMNS, d->row_start, d->column, d->value, d->col_start, d->row, d->col_value};
	rec_features_transpose(&d->f, d->col_start, d->row, d->col_value);
}

static double
off_by(const float *map)
{
	double worst = 0;

	for (int c = 0; c < COLUMNS; c++)
		for (int i = 0; i < STRIDE; i++)
			worst = fmax(worst, fabs((double) map[c * STRIDE + i] - (i < FACTORS ? reference[c][i] : 0)));
	return worst;
}

static void
test_dense(const Design *d)
{
	double normal[COLUMNS * COLUMNS], whole[COLUMNS * COLUMNS], scratch[COLUMNS * REC_MAP_BLOCK];
	float  map[COLUMNS * STRIDE];
	bool   same = true;

	memset(whole, 0, sizeof(whole));
	memset(normal, 0, sizeof(normal));
	rec_map_normal(&d->f, d->weight, 0, COLUMNS, whole);
	for (int c = COLUMNS - 1; c >= 0; c--)
		rec_map_normal(&d->f, d->weight, c, c + 1, normal);
	for (int i = 0; i < COLUMNS; i++)
		for (int j = 0; j <= i; j++)
			same &= whole[i * COLUMNS + j] == normal[i * COLUMNS + j];
	check(same, "the normal matrix is the same however it is cut");
	check(rec_map_factor(normal, COLUMNS, 2), "it can be factored");
	rec_map_right(&d->f, d->weight, d->x, STRIDE, 0, COLUMNS, map);
	for (int first = 0; first < STRIDE; first += REC_MAP_BLOCK)
		rec_map_solve(normal, COLUMNS, map, STRIDE, first, scratch);
	check(off_by(map) < 1e-7, "dense: the map of scikit-learn, off by %.2g", off_by(map));
	check(!rec_map_factor(whole, COLUMNS, -1e9), "a matrix that is not positive definite is refused");
}

static void
test_cg(const Design *d)
{
	float    map[COLUMNS * STRIDE] = {0}, right[COLUMNS * STRIDE], r[COLUMNS * STRIDE], p[COLUMNS * STRIDE],
			 a[COLUMNS * STRIDE], diagonal[COLUMNS], mean[ROWS * STRIDE];
	double   rz[STRIDE];
	RecMapCg cg = {COLUMNS, STRIDE, 2, diagonal, map, r, p, a, rz};

	rec_map_diagonal(&d->f, d->weight, diagonal);
	rec_map_right(&d->f, d->weight, d->x, STRIDE, 0, COLUMNS, right);
	for (int step = -1; step < 8; step++)
	{
		rec_map_mean(&d->f, d->weight, step < 0 ? map : p, STRIDE, 0, ROWS, mean);
		rec_map_right(&d->f, NULL, mean, STRIDE, 0, COLUMNS, a);
		if (step < 0)
			rec_map_cg_begin(&cg, right);
		else
			rec_map_cg_step(&cg);
	}
	check(off_by(map) < 1e-6, "conjugate gradients: the map of scikit-learn, off by %.2g", off_by(map));
}

static void
test_means(const Design *d)
{
	float map[COLUMNS * STRIDE] = {0}, all[ROWS * STRIDE], one[STRIDE], part[2 * STRIDE];
	bool  same = true;

	for (int c = 0; c < COLUMNS; c++)
		for (int i = 0; i < FACTORS; i++)
			map[c * STRIDE + i] = (float) reference[c][i];
	rec_map_mean(&d->f, NULL, map, STRIDE, 0, ROWS, all);
	rec_map_mean(&d->f, NULL, map, STRIDE, 7, 9, part);
	same &= memcmp(all + 7 * STRIDE, part, sizeof(part)) == 0;
	for (int r = 0; r < ROWS; r++)
	{
		rec_map_one(3, d->column + r * 3, d->value + r * 3, map, STRIDE, one);
		same &= memcmp(all + r * STRIDE, one, sizeof(one)) == 0;
	}
	check(same, "means of rows have the same bits alone and together");
	check_near((double) all[0], reference[0][0] + reference[1][0] - 2 * reference[4][0], 1e-6, "a mean");
}

/*
 * A row with the mean m: with x = m + d the objective in d is that of a row without m whose targets are p - <m, y>, and
 * which has -G m on its right-hand side.  So the solution must be where the gradient is zero.
 */
static void
test_prior_row(int factors, bool explicit_feedback, RecSolver solver, const char *name)
{
	static const int lengths[3] = {0, 5, 40};
	Problem p = make_problem(factors, explicit_feedback, 3, lengths, 60);
	int     stride = p.step.stride, dims = factors + (explicit_feedback ? 1 : 0);
	float  *prior = take(sizeof(float) * (size_t) (3 * stride));
	double *a = malloc(sizeof(double) * (size_t) (dims * dims + dims));
	double  worst = 0, objective = 0;
	RecLoss loss = {0, 0};
	RecAlsStatus status;

	for (int r = 0; r < 3; r++)
		for (int i = 0; i < stride; i++)
			prior[r * stride + i] = i < dims ? (float) ((r * 7 + i * 3) % 5) / 10 - 0.2f : 0;
	p.step.prior = prior;
	p.step.prior_row = 0;
	p.step.cg_steps = 50;
	status = solve(&p, solver, 0, 3, &loss);
	for (int r = 0; r < 3; r++)
	{
		double *b = a + dims * dims;
		double  square = reference_system(&p, r, a, b);
		double  lambda = rec_als_row_penalty(&p.step, lengths[r], 60);
		double  m_square = 0, m_x = 0;

		for (int i = 0; i < dims; i++)
		{
			double scale = lambda * (i < factors ? 1 : (double) p.step.bias_penalty);
			double m = (double) prior[r * stride + i], x = (double) p.self[r * stride + i];
			double gradient = -b[i] - scale * m;

			if (lengths[r] == 0)
			{
				worst = fmax(worst, fabs(x - m));
				continue;
			}
			for (int j = 0; j < dims; j++)
				gradient += a[i * dims + j] * (double) p.self[r * stride + j];
			worst = fmax(worst, fabs(gradient) / a[i * dims + i]);
			m_square += scale * m * m;
			m_x += scale * m * x;
		}
		if (lengths[r] > 0)
			objective += reference_objective(a, b, square, p.self + r * stride, dims) + m_square - 2 * m_x;
	}
	check(status == REC_ALS_OK && worst < 2e-4, "%s, %d factors: rows with a mean, off by %.2g", name, factors, worst);
	check(fabs(loss.objective - objective) < 1e-4 * fabs(objective) + 1e-6, "their objective %.7g (brute force %.7g)",
		  loss.objective, objective);
	free(a);
	free(prior);
	free_problem(&p);
}

/* Contributions of events, and <lambda m, z>, sum to the score. */
static void
test_explained(bool explicit_feedback)
{
	static const int lengths[1] = {30};
	Problem p = make_problem(10, explicit_feedback, 1, lengths, 60);
	int     stride = p.step.stride;
	float  *prior = take(sizeof(float) * (size_t) stride), *x = take(sizeof(float) * (size_t) stride);
	float   contribution[30], z[64];
	void   *scratch;
	double  sum = 0, score = 0, lambda;

	for (int i = 0; i < stride; i++)
		prior[i] = i < 10 + (explicit_feedback ? 1 : 0) ? 0.1f * (float) (i % 4) : 0;
	p.step.prior = prior;
	solve(&p, REC_SOLVER_CHOLESKY, 0, 1, NULL);
	scratch = take(rec_als_scratch_size(&p.step, 30));
	rec_als_solve_one(&p.step, 30, p.column, p.value, 60, x, scratch);
	check(memcmp(x, p.self, sizeof(float) * (size_t) stride) == 0, "fold-in with a mean has the bits of training");
	rec_als_explain(&p.step, 30, p.column, p.value, 60, 7, contribution, z, scratch);
	lambda = rec_als_row_penalty(&p.step, 30, 60);
	for (int k = 0; k < 30; k++)
		sum += (double) contribution[k];
	for (int i = 0; i < 10; i++)
	{
		sum += lambda * (double) prior[i] * (double) z[i];
		score += (double) x[i] * (double) p.other[7 * stride + i];
	}
	if (explicit_feedback)
	{
		sum += lambda * (double) p.step.bias_penalty * (double) prior[10] * (double) z[10];
		score += (double) x[10];
	}
	check_near(sum, score, 1e-4, "contributions of events and of the mean sum to the score");
	free(scratch);
	free(prior);
	free(x);
	free_problem(&p);
}

static void
test_shrink(void)
{
	const int32_t users[6] = {1, 10, 40, 100, 50, 0};
	float   spread[6] = {1, 9, 8, 30, 45, 0}, whole[3] = {5, 1, 9}, alike[6] = {1, 3, 8, 30, 0.1f, 0};
	const int32_t few[6] = {1, 10, 40, 100, 2, 0}, same[3] = {5, 1, 9}, old[4] = {1, 200, 1, 40};
	float   left[4] = {1, 0.2f, 1, 0.01f};

	rec_shrink_popularity(6, users, spread);
	check_near((double) spread[0], 0.73134328, 1e-6, "one user of today counts less");
	check_near((double) spread[1], 8.60244233, 1e-6, "ten users hardly less");
	check_near((double) spread[3], 30.16107581, 1e-6, "a hundred users as they are");
	check(spread[5] == 0, "no users, no popularity");
	rec_shrink_popularity(6, few, alike);
	check_near((double) alike[0], 0.27588751, 1e-5, "where items differ by chance only, all go to the mean");
	check_near((double) alike[4], 0.54942794, 1e-5, "from below too");
	rec_shrink_popularity(3, same, whole);
	check(whole[0] == 5 && whole[1] == 1 && whole[2] == 9, "without decay nothing changes");
	rec_shrink_popularity(4, old, left);
	check(left[0] < left[1] && left[2] < left[1] && left[3] > 0, "the one user of today does not lead what is left of hundreds");
	rec_shrink_popularity(0, same, whole);
}

int
main(void)
{
	Design d;

	make_design(&d);
	test_dense(&d);
	test_cg(&d);
	test_means(&d);
	for (int explicit_feedback = 0; explicit_feedback < 2; explicit_feedback++)
	{
		test_prior_row(1, explicit_feedback, REC_SOLVER_CHOLESKY, "cholesky");
		test_prior_row(17, explicit_feedback, REC_SOLVER_CHOLESKY, "cholesky");
		test_prior_row(17, explicit_feedback, REC_SOLVER_CG, "cg");
		test_explained(explicit_feedback);
	}
	test_shrink();
	return unit_done();
}
