/*
 * prior.c
 *		Ridge regression of factors on attributes. See prior.h.
 *
 * Sums run in double in an order that is given by the matrix alone, so results repeat whatever the number of workers.
 */
#include "prior.h"

#include "cpus.h"

#include <math.h>
#include <string.h>

#define MOST_STRIDE 1040		/* of 1024 factors and a bias */

void
rec_features_transpose(const RecFeatures *f, int64_t *col_start, int32_t *row, float *col_value)
{
	int64_t		nnz = f->row_start[f->nrows];

	memset(col_start, 0, sizeof(int64_t) * (size_t) (f->ncols + 1));
	for (int64_t k = 0; k < nnz; k++)
		col_start[f->column[k] + 1]++;
	for (int c = 0; c < f->ncols; c++)
		col_start[c + 1] += col_start[c];
	/* col_start[c] moves on to the end of its column, and is put back after */
	for (int64_t r = 0; r < f->nrows; r++)
		for (int64_t k = f->row_start[r]; k < f->row_start[r + 1]; k++)
		{
			int64_t		at = col_start[f->column[k]]++;

			row[at] = (int32_t) r;
			col_value[at] = f->value[k];
		}
	for (int c = f->ncols; c > 0; c--)
		col_start[c] = col_start[c - 1];
	col_start[0] = 0;
}

void
rec_map_normal(const RecFeatures *f, const float *weight, int lo, int hi, double *a)
{
	for (int c = lo; c < hi; c++)
	{
		double	   *out = a + (int64_t) c * f->ncols;

		memset(out, 0, sizeof(double) * (size_t) (c + 1));
		for (int64_t k = f->col_start[c]; k < f->col_start[c + 1]; k++)
		{
			int32_t		r = f->row[k];
			double		scale = (double) weight[r] * (double) f->col_value[k];

			if (scale == 0)
				continue;
			for (int64_t j = f->row_start[r]; j < f->row_start[r + 1]; j++)
				if (f->column[j] <= c)
					out[f->column[j]] += scale * (double) f->value[j];
		}
	}
}

/* <x, y>, in eight partial sums that a compiler can keep in vectors */
static double
dot(const double *x, const double *y, int n)
{
	double		part[8] = {0};
	double		rest = 0;
	int			i = 0;

	for (; i + 8 <= n; i += 8)
		for (int j = 0; j < 8; j++)
			part[j] += x[i + j] * y[i + j];
	for (; i < n; i++)
		rest += x[i] * y[i];
	return ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7])) + rest;
}

bool
rec_map_factor(double *a, int n, double ridge)
{
	for (int i = 0; i < n; i++)
	{
		double	   *row = a + (int64_t) i * n;
		double		pivot;

		for (int j = 0; j < i; j++)
		{
			const double *other = a + (int64_t) j * n;

			row[j] = (row[j] - dot(row, other, j)) / other[j];
		}
		pivot = row[i] + ridge - dot(row, row, i);
		if (!(pivot > 0) || !isfinite(pivot))
			return false;
		row[i] = sqrt(pivot);
	}
	return true;
}

EVERY_CPU void
rec_map_right(const RecFeatures *f, const float *weight, const float *x, int stride, int lo, int hi, float *out)
{
	double		sum[MOST_STRIDE];

	for (int c = lo; c < hi; c++)
	{
		memset(sum, 0, sizeof(double) * (size_t) stride);
		for (int64_t k = f->col_start[c]; k < f->col_start[c + 1]; k++)
		{
			const float *row = x + (int64_t) f->row[k] * stride;
			double		scale = (double) f->col_value[k] * (weight ? (double) weight[f->row[k]] : 1);

			if (scale == 0)
				continue;
			for (int i = 0; i < stride; i++)
				sum[i] += scale * (double) row[i];
		}
		for (int i = 0; i < stride; i++)
			out[(int64_t) c * stride + i] = (float) sum[i];
	}
}

/* Half of a block's coordinates, at any address. Wider vectors than the machine's are compiled badly. */
typedef double Quad __attribute__((vector_size(32), aligned(sizeof(double))));

EVERY_CPU void
rec_map_solve(const double *l, int n, float *b, int stride, int first, double *scratch)
{
	Quad	   *y = (Quad *) scratch;	/* 2 n */

	for (int i = 0; i < n; i++)
	{
		const double *row = l + (int64_t) i * n;
		const float *right = b + (int64_t) i * stride + first;
		Quad		s0 = {right[0], right[1], right[2], right[3]},
					s1 = {right[4], right[5], right[6], right[7]},
					t0 = {0},
					t1 = {0};
		int			k = 0;

		/* two sums of each, so that one need not wait for the other */
		for (; k + 2 <= i; k += 2)
		{
			s0 -= row[k] * y[2 * k];
			s1 -= row[k] * y[2 * k + 1];
			t0 -= row[k + 1] * y[2 * k + 2];
			t1 -= row[k + 1] * y[2 * k + 3];
		}
		if (k < i)
		{
			s0 -= row[k] * y[2 * k];
			s1 -= row[k] * y[2 * k + 1];
		}
		y[2 * i] = (s0 + t0) / row[i];
		y[2 * i + 1] = (s1 + t1) / row[i];
	}
	for (int i = n - 1; i >= 0; i--)
	{
		const double *row = l + (int64_t) i * n;
		float	   *out = b + (int64_t) i * stride + first;
		Quad		x0 = y[2 * i] / row[i],
					x1 = y[2 * i + 1] / row[i];

		for (int j = 0; j < 4; j++)
		{
			out[j] = (float) x0[j];
			out[4 + j] = (float) x1[j];
		}
		for (int k = 0; k < i; k++)
		{
			y[2 * k] -= row[k] * x0;
			y[2 * k + 1] -= row[k] * x1;
		}
	}
}

void
rec_map_one(int n, const int32_t *column, const float *value, const float *map, int stride, float *out)
{
	memset(out, 0, sizeof(float) * (size_t) stride);
	for (int k = 0; k < n; k++)
	{
		const float *row = map + (int64_t) column[k] * stride;

		for (int i = 0; i < stride; i++)
			out[i] += value[k] * row[i];
	}
}

void
rec_map_mean(const RecFeatures *f, const float *weight, const float *map, int stride, int64_t lo, int64_t hi, float *out)
{
	for (int64_t r = lo; r < hi; r++, out += stride)
	{
		int64_t		from = f->row_start[r];

		rec_map_one((int) (f->row_start[r + 1] - from), f->column + from, f->value + from, map, stride, out);
		if (weight)
			for (int i = 0; i < stride; i++)
				out[i] *= weight[r];
	}
}

void
rec_map_diagonal(const RecFeatures *f, const float *weight, float *diagonal)
{
	for (int c = 0; c < f->ncols; c++)
	{
		double		sum = 0;

		for (int64_t k = f->col_start[c]; k < f->col_start[c + 1]; k++)
			sum += (double) weight[f->row[k]] * (double) f->col_value[k] * (double) f->col_value[k];
		diagonal[c] = (float) sum;
	}
}

/* rz = r' M^-1 r of each coordinate */
static void
preconditioned(const RecMapCg *cg, double *rz)
{
	memset(rz, 0, sizeof(double) * (size_t) cg->stride);
	for (int c = 0; c < cg->n; c++)
	{
		const float *r = cg->r + (int64_t) c * cg->stride;
		double		inverse = 1 / ((double) cg->diagonal[c] + cg->ridge);

		for (int i = 0; i < cg->stride; i++)
			rz[i] += (double) r[i] * (double) r[i] * inverse;
	}
}

void
rec_map_cg_begin(const RecMapCg *cg, const float *b)
{
	for (int c = 0; c < cg->n; c++)
	{
		int64_t		at = (int64_t) c * cg->stride;
		double		inverse = 1 / ((double) cg->diagonal[c] + cg->ridge);

		for (int i = 0; i < cg->stride; i++, at++)
		{
			cg->r[at] = (float) ((double) b[at] - (double) cg->a[at] - cg->ridge * (double) cg->map[at]);
			cg->p[at] = (float) ((double) cg->r[at] * inverse);
		}
	}
	preconditioned(cg, cg->rz);
}

void
rec_map_cg_step(const RecMapCg *cg)
{
	double		curvature[MOST_STRIDE] = {0};
	double		next[MOST_STRIDE];
	int64_t		size = (int64_t) cg->n * cg->stride;

	for (int64_t at = 0; at < size; at += cg->stride)
		for (int i = 0; i < cg->stride; i++)
			curvature[i] += (double) cg->p[at + i] * ((double) cg->a[at + i] + cg->ridge * (double) cg->p[at + i]);
	/* a coordinate that is solved, or is padding, has no direction left */
	for (int i = 0; i < cg->stride; i++)
		curvature[i] = curvature[i] > 1e-30 ? cg->rz[i] / curvature[i] : 0;
	for (int64_t at = 0; at < size; at += cg->stride)
		for (int i = 0; i < cg->stride; i++)
		{
			double		p = (double) cg->p[at + i];

			cg->map[at + i] += (float) (curvature[i] * p);
			cg->r[at + i] -= (float) (curvature[i] * ((double) cg->a[at + i] + cg->ridge * p));
		}
	preconditioned(cg, next);
	for (int c = 0; c < cg->n; c++)
	{
		int64_t		at = (int64_t) c * cg->stride;
		double		inverse = 1 / ((double) cg->diagonal[c] + cg->ridge);

		for (int i = 0; i < cg->stride; i++, at++)
			cg->p[at] = (float) ((double) cg->r[at] * inverse +
								 (cg->rz[i] > 1e-30 ? next[i] / cg->rz[i] : 0) * (double) cg->p[at]);
	}
	memcpy(cg->rz, next, sizeof(double) * (size_t) cg->stride);
}

double
rec_map_energy(const float *x, const double *g, int stride)
{
	double		total = 0;

	for (int i = 0; i < stride; i++)
	{
		double		sum = 0;

		if (x[i] == 0)
			continue;
		for (int j = 0; j < stride; j++)
			sum += g[(int64_t) i * stride + j] * (double) x[j];
		total += (double) x[i] * sum;
	}
	return total;
}
