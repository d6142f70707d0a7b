/*
 * solve_map.c
 *		Maps from attributes to factors within a training: fitting, and the choice of their strength. See core/prior.h.
 *
 * Rows weigh as their penalty in the objective does, divided by the mean: so the ridge is in units of an average row. The
 * ridge is chosen on rows that are held out of the fit, a fifth of a side drawn by their number: by how much of their
 * scores the map explains, for that is what cold rows will be given. Rows have one fifth less to learn from then, which
 * errs on the side of a stronger ridge. A map that explains nothing is switched off, in the epochs also one of which that is
 * not sure.
 */
#include "model/solve_shared.h"

#include <math.h>

#include "miscadmin.h"

#define HELD_SHARE 5			/* one row of so many is held out */
#define HELD_MOST 2000			/* rows that are judged */
#define GRAM_MOST 4096			/* rows of the other side that scores are taken with */
#define CG_MOST 30				/* steps from zero; those of later epochs start from the former map */
#define CG_FOLLOW 5
#define RIDGE_FIRST 2			/* ridges are 10^(k/2): here is where the search begins, */
#define RIDGE_LEAST (-4)		/* and how far it goes */
#define RIDGE_MOST 9
#define RIDGE_NOISE 0.005		/* of the share that is explained */
#define EPOCHS_STRONGER 3.1623	/* ridge of the epochs: a step above the chosen one */
#define EPOCHS_SURE 2			/* standard errors by which the share must be above zero there */
#define RIDGE_NONE 1e9			/* stands for a map that is switched off */

RecFeatures
rec_map_features(const RecShared *s, RecSide side)
{
	const struct RecSharedMap *m = &s->sides[side].map;

	return (RecFeatures) {
		.nrows = s->sides[side].nrows, .ncols = m->n,
		.row_start = REC_AT(s, m->row_start, int64), .column = REC_AT(s, m->column, int32),
		.value = REC_AT(s, m->value, float), .col_start = REC_AT(s, m->col_start, int64),
		.row = REC_AT(s, m->row, int32), .col_value = REC_AT(s, m->col_value, float)
	};
}

void
rec_map_plan(RecSharedSide *side, int stride, const RecDesign *design, Size *used)
{
	struct RecSharedMap *m = &side->map;
	int64		nnz = design->start[side->nrows];
	Size		size = mul_size(design->attributes->columns, stride);

	m->n = design->attributes->columns;
	m->dense = m->n <= REC_MAP_DENSE;
	m->row_start = rec_reserve(used, side->nrows + 1, sizeof(int64));
	m->column = rec_reserve(used, nnz, sizeof(int32));
	m->value = rec_reserve(used, nnz, sizeof(float));
	m->col_start = rec_reserve(used, m->n + 1, sizeof(int64));
	m->row = rec_reserve(used, nnz, sizeof(int32));
	m->col_value = rec_reserve(used, nnz, sizeof(float));
	m->weight = rec_reserve(used, side->nrows, sizeof(float));
	m->map = rec_reserve(used, size, sizeof(float));
	if (m->dense)
		m->normal = rec_reserve(used, (Size) m->n * m->n, sizeof(double));
	else
	{
		m->right = rec_reserve(used, size, sizeof(float));
		m->r = rec_reserve(used, size, sizeof(float));
		m->p = rec_reserve(used, size, sizeof(float));
		m->a = rec_reserve(used, size, sizeof(float));
		m->diagonal = rec_reserve(used, m->n, sizeof(float));
		m->rz = rec_reserve(used, stride, sizeof(double));
		m->mean = rec_reserve(used, mul_size(side->nrows, stride), sizeof(float));
	}
}

void
rec_map_fill(RecShared *s, RecSide side, const RecDesign *design)
{
	struct RecSharedMap *m = &s->sides[side].map;
	int64		nrows = s->sides[side].nrows;
	RecFeatures f = rec_map_features(s, side);
	Size		nnz = design->start[nrows];

	memcpy(REC_AT(s, m->row_start, int64), design->start, (nrows + 1) * sizeof(int64));
	memcpy(REC_AT(s, m->column, int32), design->column, nnz * sizeof(int32));
	memcpy(REC_AT(s, m->value, float), design->value, nnz * sizeof(float));
	rec_features_transpose(&f, REC_AT(s, m->col_start, int64), REC_AT(s, m->row, int32), REC_AT(s, m->col_value, float));
	memset(REC_AT(s, m->map, float), 0, (Size) m->n * s->stride * sizeof(float));
	m->on = false;
	m->ridge = RIDGE_NONE;
}

Size
rec_map_scratch(const RecShared *s)
{
	Size		solve = 0,
				means = 0;

	for (int side = 0; side < 2; side++)
		if (s->sides[side].map.n > 0)
		{
			solve = Max(solve, (Size) s->sides[side].map.n * REC_MAP_BLOCK * sizeof(double));
			means = (Size) REC_CHUNK_ROWS_MOST * s->stride * sizeof(float);
		}
	return TYPEALIGN(64, Max(solve, means));
}

/* One chunk of a task on a map, for whoever takes it. */
void
rec_map_chunk(RecShared *s, int chunk, void *scratch)
{
	RecSharedSide *side = &s->sides[s->side];
	struct RecSharedMap *m = &side->map;
	RecFeatures f = rec_map_features(s, s->side);
	const float *weight = REC_AT(s, m->weight, float);
	int			lo = chunk * REC_MAP_COLUMNS,
				hi = Min(lo + REC_MAP_COLUMNS, m->n);
	int64		first = (int64) chunk * REC_CHUNK_ROWS_MOST;

	switch (s->task)
	{
		case REC_TASK_NORMAL:
			rec_map_normal(&f, weight, lo, hi, REC_AT(s, m->normal, double));
			break;
		case REC_TASK_RIGHT:
			if (s->map_task == REC_MAP_FACTORS)
				rec_map_right(&f, weight, REC_AT(s, side->factors, float), s->stride, lo, hi,
							  m->dense ? REC_AT(s, m->map, float) : REC_AT(s, m->right, float));
			else
				rec_map_right(&f, NULL, REC_AT(s, m->mean, float), s->stride, lo, hi, REC_AT(s, m->a, float));
			break;
		case REC_TASK_SOLVE:
			rec_map_solve(REC_AT(s, m->normal, double), m->n, REC_AT(s, m->map, float), s->stride,
						  chunk * REC_MAP_BLOCK, scratch);
			break;
		case REC_TASK_MEAN:
			rec_map_mean(&f, weight, REC_AT(s, s->map_task == REC_MAP_PRODUCT_FIRST ? m->map : m->p, float), s->stride,
						 first, Min(first + REC_CHUNK_ROWS_MOST, side->nrows),
						 REC_AT(s, m->mean, float) + first * s->stride);
			break;
		default:
			break;
	}
}

static int
column_chunks(const struct RecSharedMap *m)
{
	return (m->n + REC_MAP_COLUMNS - 1) / REC_MAP_COLUMNS;
}

/* Whether a row is held out of the choice. */
static bool
is_held(const RecShared *s, RecSide side, int64 row)
{
	return rec_als_key(s->params.seed + 7, side, row) % HELD_SHARE == 0;
}

/* Weights of the rows with observations, of mean 1; those held out get none. */
static void
set_weights(RecShared *s, RecSide side, bool hold_out)
{
	RecSharedSide *self = &s->sides[side];
	const int64 *start = REC_AT(s, self->start, int64);
	float	   *weight = REC_AT(s, self->map.weight, float);
	RecMatrix	matrix;
	RecHalfStep step;
	double		sum = 0;
	int64		n = 0;

	rec_half_step(s, side, false, &matrix, &step);
	for (int64 r = 0; r < self->nrows; r++)
	{
		int64		observations = start[r + 1] - start[r];

		weight[r] = observations > 0 ? (float) rec_als_row_penalty(&step, observations, matrix.ncols) : 0;
		/* without regularization all rows are known equally well */
		if (observations > 0 && !(weight[r] > 0))
			weight[r] = 1;
		sum += weight[r];
		n += observations > 0;
	}
	for (int64 r = 0; r < self->nrows; r++)
		weight[r] = hold_out && is_held(s, side, r) ? 0 : (float) (weight[r] * n / sum);
}

static void
product(RecTraining *t, RecSide side, RecMapTask what)
{
	RecShared  *s = rec_training_shared(t);

	s->map_task = what;
	rec_run_task(t, REC_TASK_MEAN, side, (s->sides[side].nrows + REC_CHUNK_ROWS_MOST - 1) / REC_CHUNK_ROWS_MOST);
	rec_run_task(t, REC_TASK_RIGHT, side, column_chunks(&s->sides[side].map));
}

static void
fit_cg(RecTraining *t, RecSide side, int steps)
{
	RecShared  *s = rec_training_shared(t);
	struct RecSharedMap *m = &s->sides[side].map;
	RecMapCg	cg = {
		.n = m->n, .stride = s->stride, .ridge = m->ridge, .diagonal = REC_AT(s, m->diagonal, float),
		.map = REC_AT(s, m->map, float), .r = REC_AT(s, m->r, float), .p = REC_AT(s, m->p, float),
		.a = REC_AT(s, m->a, float), .rz = REC_AT(s, m->rz, double)
	};

	product(t, side, REC_MAP_PRODUCT_FIRST);
	s->map_task = REC_MAP_FACTORS;
	rec_run_task(t, REC_TASK_RIGHT, side, column_chunks(m));
	rec_map_cg_begin(&cg, REC_AT(s, m->right, float));
	for (int i = 0; i < steps; i++)
	{
		product(t, side, REC_MAP_PRODUCT);
		rec_map_cg_step(&cg);
	}
}

/* The factors by the weights and the matrix as they stand. */
static void
fit_dense(RecTraining *t, RecSide side)
{
	RecShared  *s = rec_training_shared(t);

	s->map_task = REC_MAP_FACTORS;
	rec_run_task(t, REC_TASK_RIGHT, side, column_chunks(&s->sides[side].map));
	rec_run_task(t, REC_TASK_SOLVE, side, s->stride / REC_MAP_BLOCK);
}

void
rec_map_fit(RecTraining *t, RecSide side)
{
	if (rec_training_shared(t)->sides[side].map.dense)
		fit_dense(t, side);
	else
		fit_cg(t, side, CG_FOLLOW);
}

/* sum y y' over a sample of the other side's rows, as scores take them: with explicit feedback the bias counts 1. */
static double *
score_gram(const RecShared *s, RecSide side)
{
	const RecSharedSide *other = &s->sides[side == REC_USERS ? REC_ITEMS : REC_USERS];
	const float *rows = REC_AT(s, other->factors, float);
	int64		step = other->nrows / GRAM_MOST + 1;
	double	   *g = palloc0((Size) s->stride * s->stride * sizeof(double));
	float	   *y = palloc0(s->stride * sizeof(float));

	for (int64 r = 0; r < other->nrows; r += step)
	{
		memcpy(y, rows + r * s->stride, s->stride * sizeof(float));
		if (s->explicit_feedback)
			y[s->params.factors] = 1;
		for (int i = 0; i < s->stride; i++)
			for (int j = 0; j < s->stride && y[i] != 0; j++)
				g[(Size) i * s->stride + j] += (double) y[i] * y[j];
	}
	pfree(y);
	return g;
}

/* The share of the held-out rows' scores that the map explains; *error is its standard error, as of a ratio of two sums. */
static double
explained(const RecShared *s, RecSide side, const double *gram, double *error)
{
	const RecSharedSide *self = &s->sides[side];
	const int64 *start = REC_AT(s, self->start, int64);
	RecFeatures f = rec_map_features(s, side);
	float	   *m = palloc(s->stride * sizeof(float));
	double		left = 0,
				total = 0,
				ll = 0,
				lt = 0,
				tt = 0;
	int			n = 0;
	RecMatrix	matrix;
	RecHalfStep step;

	rec_half_step(s, side, false, &matrix, &step);
	for (int64 r = 0; r < self->nrows && n < HELD_MOST; r++)
	{
		const float *x = REC_AT(s, self->factors, float) + r * s->stride;
		double		weight = rec_als_row_penalty(&step, start[r + 1] - start[r], matrix.ncols),
					before,
					after;

		if (start[r + 1] == start[r] || !is_held(s, side, r))
			continue;
		rec_map_mean(&f, NULL, REC_AT(s, self->map.map, float), s->stride, r, r + 1, m);
		for (int i = 0; i < s->stride; i++)
			m[i] = x[i] - m[i];
		after = weight * rec_map_energy(m, gram, s->stride);
		before = weight * rec_map_energy(x, gram, s->stride);
		left += after;
		total += before;
		ll += after * after;
		lt += after * before;
		tt += before * before;
		n++;
		CHECK_FOR_INTERRUPTS();
	}
	pfree(m);
	*error = 0;
	if (!(total > 0))
		return 0;
	*error = sqrt(Max(ll - 2 * left / total * lt + left / total * left / total * tt, 0)) / total;
	return 1 - left / total;
}

/* A trial of one ridge on the rows that are not held out. normal: the dense matrix, kept aside. */
static double
try_ridge(RecTraining *t, RecSide side, double ridge, const double *normal, const double *gram, double *error)
{
	RecShared  *s = rec_training_shared(t);
	struct RecSharedMap *m = &s->sides[side].map;

	m->ridge = ridge;
	*error = 0;
	CHECK_FOR_INTERRUPTS();
	if (m->dense)
	{
		memcpy(REC_AT(s, m->normal, double), normal, (Size) m->n * m->n * sizeof(double));
		if (!rec_map_factor(REC_AT(s, m->normal, double), m->n, ridge))
			return -INFINITY;
		fit_dense(t, side);
	}
	else
	{
		memset(REC_AT(s, m->map, float), 0, (Size) m->n * s->stride * sizeof(float));
		fit_cg(t, side, CG_MOST);
	}
	return explained(s, side, gram, error);
}

static double
ridge_of(int k)
{
	return pow(10, k / 2.0);
}

/*
 * Goes from the first guess to where it is better, as long as it gets better. What some rows explain of others is known to
 * a percent or so: a weaker ridge has to be better by more than that, a stronger one may be worse by less.
 */
static double
search_ridge(RecTraining *t, RecSide side, const double *normal, double *quality, double *error)
{
	double	   *gram = score_gram(rec_training_shared(t), side);
	int			best = RIDGE_FIRST;

	*quality = try_ridge(t, side, ridge_of(best), normal, gram, error);
	for (int step = 1; step >= -1 && best == RIDGE_FIRST; step -= 2)
		for (int k = best + step; k >= RIDGE_LEAST && k <= RIDGE_MOST; k += step)
		{
			double		e,
						q = try_ridge(t, side, ridge_of(k), normal, gram, &e);

			if (q <= *quality + (step > 0 ? -RIDGE_NOISE / 10 : RIDGE_NOISE))
				break;
			best = k;
			*quality = q;
			*error = e;
		}
	pfree(gram);
	return ridge_of(best);
}

/* Room for the factored matrix, filled with the weights as they are. */
static void
form_normal(RecTraining *t, RecSide side)
{
	RecShared  *s = rec_training_shared(t);
	struct RecSharedMap *m = &s->sides[side].map;
	RecFeatures f = rec_map_features(s, side);

	if (m->dense)
		rec_run_task(t, REC_TASK_NORMAL, side, column_chunks(m));
	else
		rec_map_diagonal(&f, REC_AT(s, m->weight, float), REC_AT(s, m->diagonal, float));
}

/*
 * Chooses the strength on the factors as they are, unless it was given, and fits the map with it to all rows. After it the
 * matrix stays factored, for rec_map_fit(). In the epochs a map is fitted to factors that it has drawn itself, and so believes
 * them too much: the ridge is a step stronger there (last: after them). Without this, words of Online Retail cost its warm items 2 %
 * of their ndcg; with two steps, the sparse items of ML-100K lose a third of their gain.
 */
void
rec_map_choose(RecTraining *t, RecSide side, bool last)
{
	RecShared  *s = rec_training_shared(t);
	struct RecSharedMap *m = &s->sides[side].map;
	double		given = side == REC_USERS ? s->params.user_attribute_regularization :
		s->params.item_attribute_regularization;
	double	   *normal = NULL,
				quality = 1,
				error = 0,
				ridge = given;

	if (m->n == 0)
		return;
	if (isnan(given))
	{
		set_weights(s, side, true);
		form_normal(t, side);
		if (m->dense)
		{
			normal = palloc_extended((Size) m->n * m->n * sizeof(double), MCXT_ALLOC_HUGE);
			memcpy(normal, REC_AT(s, m->normal, double), (Size) m->n * m->n * sizeof(double));
		}
		ridge = search_ridge(t, side, normal, &quality, &error);
		if (!last)
		{
			/* rows that are known are drawn only by a map that surely explains something; rows without events have nothing else */
			ridge *= EPOCHS_STRONGER;
			quality -= EPOCHS_SURE * error;
		}
		if (normal)
			pfree(normal);
	}
	set_weights(s, side, false);
	form_normal(t, side);
	m->ridge = quality > 0 ? ridge : RIDGE_NONE;
	m->on = quality > 0 && ridge < RIDGE_NONE &&
		(!m->dense || rec_map_factor(REC_AT(s, m->normal, double), m->n, ridge));
	if (!m->on)
	{
		m->ridge = RIDGE_NONE;
		memset(REC_AT(s, m->map, float), 0, (Size) m->n * s->stride * sizeof(float));
	}
	else if (m->dense)
		fit_dense(t, side);
	else
		fit_cg(t, side, CG_MOST);
}
