/*
 * als_reference.h
 *		For test_als.c: random ALS problems, and their solutions in double precision by definition.
 */
#ifndef REC_ALS_REFERENCE_H
#define REC_ALS_REFERENCE_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/als.h"

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
	void *p = aligned_alloc(64, (bytes + 127) / 64 * 64);

	if (p == NULL)
		exit(2);
	memset(p, 0xff,
		   (bytes + 127) / 64 * 64); /* NaN wherever something is read before it is written */
	return p;
}

/* A problem and all its arrays. */
typedef struct Problem
{
	RecHalfStep step;
	RecMatrix   matrix;
	int64_t    *start;
	int32_t    *column;
	float      *value;
	float      *other, *self, *gram;
} Problem;

static void
gram_of(Problem *p)
{
	int     stride = p->step.stride;
	int64_t cut = p->matrix.ncols / 3;
	size_t  size = (size_t) stride * (size_t) stride;
	float  *parts = take(2 * size * sizeof(float));

	rec_als_gram(p->other, cut, stride, p->step.factors, parts);
	rec_als_gram(p->other + cut * stride, p->matrix.ncols - cut, stride, p->step.factors,
				 parts + size);
	rec_als_gram_sum(parts, 2, stride, p->step.alpha0, p->gram);
	free(parts);
}

static Problem
make_problem(int factors, bool explicit_feedback, int nrows, const int *length, int ncols)
{
	Problem p;
	int     stride = rec_als_stride(factors, explicit_feedback);
	int64_t nnz = 0;

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
		rec_als_init_row(p.other + (int64_t) i * stride, factors, stride, 0.5,
						 rec_als_key(3, 1, i));
		if (explicit_feedback)
			p.other[(int64_t) i * stride + factors] = (float) (uniform() - 0.5);
	}
	for (int r = 0; r < nrows; r++)
		rec_als_init_row(p.self + (int64_t) r * stride, factors, stride, 0.5, rec_als_key(3, 0, r));
	p.matrix = (RecMatrix){nrows, ncols, nnz, p.start, p.column, p.value};
	p.step = (RecHalfStep){.other = p.other,
						   .self = p.self,
						   .factors = factors,
						   .stride = stride,
						   .explicit_feedback = explicit_feedback,
						   .mean = explicit_feedback ? 3.1f : NAN,
						   .alpha0 = explicit_feedback ? NAN : 0.3f,
						   .lambda = explicit_feedback ? 1.2f : 0.05f,
						   .nu = explicit_feedback ? 0.5f : 1,
						   .bias_penalty = explicit_feedback ? 0.6f : NAN,
						   .gram = explicit_feedback ? NULL : p.gram,
						   .cg_steps = 3};
	if (!explicit_feedback)
		gram_of(&p);
	return p;
}

__attribute__((unused)) static void
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
__attribute__((unused)) static RecAlsStatus
solve(Problem *p, RecSolver solver, int64_t lo, int64_t hi, RecLoss *loss)
{
	int64_t      longest = 0;
	void        *scratch;
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

/* A (dims x dims) and b of row r; returns sum w p^2. */
__attribute__((unused)) static double
reference_system(const Problem *p, int64_t r, double *a, double *b)
{
	const RecHalfStep *s = &p->step;
	int                dims = s->factors + (s->explicit_feedback ? 1 : 0);
	int64_t            n = p->start[r + 1] - p->start[r];
	double             count = s->explicit_feedback
								   ? (double) n
								   : (double) n + (double) s->alpha0 * (double) p->matrix.ncols;
	double             square = 0;
	double            *y = malloc(sizeof(double) * (size_t) dims);

	memset(a, 0, sizeof(double) * (size_t) (dims * dims));
	memset(b, 0, sizeof(double) * (size_t) dims);
	for (int64_t i = 0; i < p->matrix.ncols && !s->explicit_feedback; i++)
		for (int j = 0; j < dims; j++)
			for (int k = 0; k < dims; k++)
				a[j * dims + k] += (double) s->alpha0 * (double) p->other[i * s->stride + j] *
								   (double) p->other[i * s->stride + k];
	for (int j = 0; j < dims; j++)
		a[j * dims + j] += (double) s->lambda * pow(count, (double) s->nu) *
						   (j < s->factors ? 1 : (double) s->bias_penalty);
	for (int64_t k = p->start[r]; k < p->start[r + 1]; k++)
	{
		const float *row = p->other + (int64_t) p->column[k] * s->stride;
		double       w = s->explicit_feedback ? 1 : fabs((double) p->value[k]);
		double       t = s->explicit_feedback
							 ? (double) p->value[k] - (double) s->mean - (double) row[s->factors]
						 : p->value[k] > 0 ? 1
										   : 0;

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
__attribute__((unused)) static void
reference_solve(double *a, double *b, int dims)
{
	for (int j = 0; j < dims; j++)
		for (int i = j + 1; i < dims; i++)
		{
			double f = a[i * dims + j] / a[j * dims + j];

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
__attribute__((unused)) static void
reference_cg(const double *a, const double *b, double *x, int dims, int steps)
{
	double *r = malloc(3 * sizeof(double) * (size_t) dims), *p = r + dims, *ap = p + dims;
	double  rs = 0;

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
		double curvature = 0, next = 0;

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
__attribute__((unused)) static double
reference_objective(const double *a, const double *b, double square, const float *x, int dims)
{
	double f = square;

	for (int i = 0; i < dims; i++)
	{
		f -= 2 * b[i] * (double) x[i];
		for (int j = 0; j < dims; j++)
			f += (double) x[i] * a[i * dims + j] * (double) x[j];
	}
	return f;
}

__attribute__((unused)) static double
distance(const float *x, const double *y, int dims)
{
	double d = 0, size = 0;

	for (int i = 0; i < dims; i++)
	{
		d += ((double) x[i] - y[i]) * ((double) x[i] - y[i]);
		size += y[i] * y[i];
	}
	return sqrt(d / fmax(size, 1e-300));
}

#endif /* REC_ALS_REFERENCE_H */
