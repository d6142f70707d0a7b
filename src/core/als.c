/*
 * als.c
 *		Plain reference implementation of als.h (scalar); replaced by vector kernels.
 */
#include "als.h"

#include <math.h>
#include <string.h>

static size_t
vector_bytes(int stride)
{
	return sizeof(float) * (size_t) stride;
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
	return mix64(mix64(seed + UINT64_C(0x9e3779b97f4a7c15) * (uint64_t) (side + 1)) + (uint64_t) row);
}

void
rec_als_init_row(float *row, int factors, int stride, double scale, uint64_t key)
{
	memset(row, 0, vector_bytes(stride));
	for (int i = 0; i < factors; i += 2)
	{
		uint64_t	a = mix64(key + UINT64_C(0x9e3779b97f4a7c15) * (uint64_t) (i + 1));
		uint64_t	b = mix64(key + UINT64_C(0x9e3779b97f4a7c15) * (uint64_t) (i + 2));
		double		radius = scale * sqrt(-2 * log(1 - (double) (a >> 11) * 0x1.0p-53));
		double		angle = 6.283185307179586 * ((double) (b >> 11) * 0x1.0p-53);

		row[i] = (float) (radius * cos(angle));
		if (i + 1 < factors)
			row[i + 1] = (float) (radius * sin(angle));
	}
}

void
rec_als_gram(const float *rows, int64_t n, int stride, int factors, float *out)
{
	memset(out, 0, vector_bytes(stride) * (size_t) stride);
	for (int64_t k = 0; k < n; k++)
		for (int a = 0; a < factors; a++)
			for (int b = 0; b < factors; b++)
				out[a * stride + b] += rows[k * stride + a] * rows[k * stride + b];
}

void
rec_als_gram_sum(const float *parts, int nparts, int stride, float alpha0, float *gram)
{
	size_t		size = (size_t) stride * (size_t) stride;

	for (size_t i = 0; i < size; i++)
	{
		double		sum = 0;

		for (int part = 0; part < nparts; part++)
			sum += (double) parts[(size_t) part * size + i];
		gram[i] = (float) (sum * (double) alpha0);
	}
}

double
rec_als_row_penalty(const RecHalfStep *step, int64_t n, int64_t ncols)
{
	double		count = step->explicit_feedback ? (double) n : (double) n + (double) step->alpha0 * (double) ncols;

	return (double) step->lambda * pow(count, (double) step->nu);
}

size_t
rec_als_scratch_size(const RecHalfStep *step, int64_t longest_row)
{
	(void) longest_row;
	return vector_bytes(step->stride) * ((size_t) step->stride + 8);
}

/* One observation: panel row in y, weight and w*p returned. */
static void
observation(const RecHalfStep *step, const RecMatrix *m, int64_t k, float *y, float *w, float *p)
{
	const float *row = step->other + (int64_t) m->column[k] * step->stride;

	memcpy(y, row, vector_bytes(step->stride));
	if (step->explicit_feedback)
	{
		*w = 1;
		*p = m->value[k] - step->mean - row[step->factors];
		y[step->factors] = 1;
	}
	else
	{
		*w = fabsf(m->value[k]);
		*p = m->value[k] > 0 ? 1 : 0;
	}
}

/* Cholesky in place (lower triangle) of the stride x stride matrix, then solve for b. */
static bool
factor(float *a, int dims, int stride)
{
	for (int j = 0; j < dims; j++)
	{
		double		d = a[j * stride + j];

		for (int k = 0; k < j; k++)
			d -= (double) a[j * stride + k] * a[j * stride + k];
		if (!(d > 0))
			return false;
		a[j * stride + j] = (float) sqrt(d);
		for (int i = j + 1; i < dims; i++)
		{
			double		s = a[i * stride + j];

			for (int k = 0; k < j; k++)
				s -= (double) a[i * stride + k] * a[j * stride + k];
			a[i * stride + j] = (float) (s / (double) a[j * stride + j]);
		}
	}
	return true;
}

static void
substitute(const float *a, int dims, int stride, float *b)
{
	for (int j = 0; j < dims; j++)
	{
		double		s = b[j];

		for (int k = 0; k < j; k++)
			s -= (double) a[j * stride + k] * b[k];
		b[j] = (float) (s / (double) a[j * stride + j]);
	}
	for (int j = dims - 1; j >= 0; j--)
	{
		double		s = b[j];

		for (int k = j + 1; k < dims; k++)
			s -= (double) a[k * stride + j] * b[k];
		b[j] = (float) (s / (double) a[j * stride + j]);
	}
}

static RecAlsStatus
form(const RecHalfStep *step, const RecMatrix *m, int64_t lo, int64_t hi, float *a, float *b, float *y)
{
	int			stride = step->stride;
	int			dims = step->factors + (step->explicit_feedback ? 1 : 0);
	float		lambda = (float) rec_als_row_penalty(step, hi - lo, m->ncols);

	memset(b, 0, vector_bytes(stride));
	if (step->explicit_feedback)
		memset(a, 0, vector_bytes(stride) * (size_t) stride);
	else
		memcpy(a, step->gram, vector_bytes(stride) * (size_t) stride);
	for (int i = 0; i < dims; i++)
		a[i * stride + i] += lambda;
	for (int64_t k = lo; k < hi; k++)
	{
		float		w,
					p;

		observation(step, m, k, y, &w, &p);
		for (int i = 0; i < dims; i++)
		{
			b[i] += w * p * y[i];
			for (int j = 0; j < dims; j++)
				a[i * stride + j] += w * y[i] * y[j];
		}
	}
	return factor(a, dims, stride) ? REC_ALS_OK : REC_ALS_NOT_DEFINITE;
}

/* r := (s=1) b - A x  or (s=0) - A x */
static void
apply(const RecHalfStep *step, const RecMatrix *m, int64_t lo, int64_t hi, const float *x, float *r, bool rhs, float *y)
{
	int			stride = step->stride;
	int			dims = step->factors + (step->explicit_feedback ? 1 : 0);
	float		lambda = (float) rec_als_row_penalty(step, hi - lo, m->ncols);

	memset(r, 0, vector_bytes(stride));
	for (int i = 0; i < dims; i++)
	{
		r[i] = -lambda * x[i];
		if (!step->explicit_feedback)
			for (int j = 0; j < dims; j++)
				r[i] -= step->gram[i * stride + j] * x[j];
	}
	for (int64_t k = lo; k < hi; k++)
	{
		float		w,
					p,
					s = 0;

		observation(step, m, k, y, &w, &p);
		for (int i = 0; i < dims; i++)
			s += y[i] * x[i];
		for (int i = 0; i < dims; i++)
			r[i] += w * ((rhs ? p : 0) - s) * y[i];
	}
}

static float
dot(const float *a, const float *b, int n)
{
	float		s = 0;

	for (int i = 0; i < n; i++)
		s += a[i] * b[i];
	return s;
}

static void
conjugate_gradient(const RecHalfStep *step, const RecMatrix *m, int64_t lo, int64_t hi, float *x, float *scratch)
{
	int			stride = step->stride;
	float	   *r = scratch,
			   *p = r + stride,
			   *ap = p + stride,
			   *y = ap + stride;

	apply(step, m, lo, hi, x, r, true, y);
	memcpy(p, r, vector_bytes(stride));

	float		rs = dot(r, r, stride);

	for (int i = 0; i < step->cg_steps && rs > 1e-20f; i++)
	{
		apply(step, m, lo, hi, p, ap, false, y);

		float		a = rs / -dot(p, ap, stride);

		for (int j = 0; j < stride; j++)
		{
			x[j] += a * p[j];
			r[j] += a * ap[j];
		}

		float		next = dot(r, r, stride);

		for (int j = 0; j < stride; j++)
			p[j] = r[j] + next / rs * p[j];
		rs = next;
	}
}

/* F(x) of a row, by definition. */
static double
objective(const RecHalfStep *step, const RecMatrix *m, int64_t lo, int64_t hi, const float *x, float *y)
{
	int			stride = step->stride;
	double		sum = rec_als_row_penalty(step, hi - lo, m->ncols) * (double) dot(x, x, stride);

	if (!step->explicit_feedback)
		for (int i = 0; i < stride; i++)
			sum += (double) (x[i] * dot(step->gram + i * stride, x, stride));
	for (int64_t k = lo; k < hi; k++)
	{
		float		w,
					p,
					e;

		observation(step, m, k, y, &w, &p);
		e = p - dot(x, y, stride);
		sum += (double) (w * e * e);
	}
	return sum;
}

RecAlsStatus
rec_als_rows(const RecHalfStep *step, int64_t lo, int64_t hi, void *scratch, RecLoss *loss)
{
	const RecMatrix *m = step->matrix;
	int			stride = step->stride;
	float	   *y = scratch,
			   *work = y + stride;

	for (int64_t row = lo; row < hi; row++)
	{
		int64_t		from = m->start[row],
					to = m->start[row + 1];
		float	   *x = step->self + row * stride;
		double		f;

		if (from == to)
		{
			memset(x, 0, vector_bytes(stride));
			continue;
		}
		if (step->solver == REC_SOLVER_CHOLESKY)
		{
			RecAlsStatus status = form(step, m, from, to, work, x, y);

			if (status != REC_ALS_OK)
				return status;
			substitute(work, step->factors + (step->explicit_feedback ? 1 : 0), stride, x);
		}
		else
			conjugate_gradient(step, m, from, to, x, work);
		f = objective(step, m, from, to, x, y);
		if (!isfinite(f))
			return REC_ALS_NOT_FINITE;
		if (loss != NULL)
		{
			loss->objective += f;
			loss->penalty += rec_als_row_penalty(step, to - from, m->ncols) * (double) dot(x, x, stride);
		}
	}
	return REC_ALS_OK;
}

RecAlsStatus
rec_als_solve_one(const RecHalfStep *step, int64_t n, const int32_t *column, const float *value,
				  int64_t ncols, float *x, void *scratch)
{
	int64_t		start[2] = {0, n};
	RecMatrix	one = {1, ncols, n, start, column, value};
	RecHalfStep exact = *step;

	exact.matrix = &one;
	exact.self = x;
	exact.solver = REC_SOLVER_CHOLESKY;
	return rec_als_rows(&exact, 0, 1, scratch, NULL);
}

RecAlsStatus
rec_als_explain(const RecHalfStep *step, int64_t n, const int32_t *column, const float *value,
				int64_t ncols, int64_t target, float *contribution, void *scratch)
{
	int64_t		start[2] = {0, n};
	RecMatrix	one = {1, ncols, n, start, column, value};
	int			stride = step->stride;
	float	   *y = scratch,
			   *z = y + stride,
			   *work = z + stride;
	RecAlsStatus status = form(step, &one, 0, n, work, z, y);

	if (status != REC_ALS_OK)
		return status;
	memcpy(z, step->other + target * stride, vector_bytes(stride));
	if (step->explicit_feedback)
		z[step->factors] = 1;
	substitute(work, step->factors + (step->explicit_feedback ? 1 : 0), stride, z);
	for (int64_t k = 0; k < n; k++)
	{
		float		w,
					p;

		observation(step, &one, k, y, &w, &p);
		contribution[k] = w * p * dot(y, z, stride);
		if (!isfinite(contribution[k]))
			return REC_ALS_NOT_FINITE;
	}
	return REC_ALS_OK;
}

const char *
rec_als_kernel_name(void)
{
	return "generic";
}

bool
rec_als_kernel_select(const char *name)
{
	return strcmp(name, "generic") == 0;
}
