/*
 * ease.c
 *		EASE by a blocked Cholesky factorisation and inversion. See ease.h.
 *
 * Every product is of the form left' right of two tiles, the form of the kernels' micro-kernel; that is why the inverse
 * of U is stored transposed:
 *
 *	factor		A_kj -= sum over p < k of U_pk' U_pj, then U_kk from A_kk, or U_kj = U_kk'^-1 A_kj
 *	invert		W_ij = -(sum over i <= p < j of W_ip U_pj) W_jj, from W U = I
 *	multiply	P_ij = sum over p >= j of W_ip W_jp' (i <= j)
 *
 * Left-looking: a tile is finished in one go while it is in the cache, and its partners stream by.
 */
#include "core/ease.h"

#include <string.h>

#include "core/als_kernel.h"

size_t
rec_ease_floats(int64_t n)
{
	size_t		side = (size_t) ((n + REC_TILE_SIDE - 1) / REC_TILE_SIDE);

	return (side * (side + 1) / 2 + side + 2) * REC_TILE_FLOATS + side * REC_TILE_SIDE;
}

void
rec_ease_layout(RecTiles *t, int64_t n, float *memory)
{
	size_t		side = (size_t) ((n + REC_TILE_SIDE - 1) / REC_TILE_SIDE);

	t->n = n;
	t->side = (int) side;
	t->tile = memory;
	t->scratch = t->tile + side * (side + 1) / 2 * REC_TILE_FLOATS;
	t->inverse = t->scratch + (side + 2) * REC_TILE_FLOATS;
}

/* Tile in row i and column j, i <= j. */
static float *
tile_at(const RecTiles *t, int i, int j)
{
	size_t		before = (size_t) i * (size_t) t->side - (size_t) i * (size_t) (i - 1) / 2;

	return t->tile + (before + (size_t) (j - i)) * REC_TILE_FLOATS;
}

static float *
scratch_at(const RecTiles *t, int i)
{
	return t->scratch + (size_t) i * REC_TILE_FLOATS;
}

static void
transpose(const float *from, float *to)
{
	for (int i = 0; i < REC_TILE_SIDE; i++)
		for (int j = 0; j < REC_TILE_SIDE; j++)
			to[j * REC_TILE_SIDE + i] = from[i * REC_TILE_SIDE + j];
}

void
rec_ease_put_row(RecTiles *t, int64_t i, const float *dot, double l2)
{
	int			block = (int) (i / REC_TILE_SIDE),
				r = (int) (i % REC_TILE_SIDE);

	for (int b = block; b < t->side; b++)
	{
		float	   *row = tile_at(t, block, b) + r * REC_TILE_SIDE;

		for (int c = 0; c < REC_TILE_SIDE; c++)
		{
			int64_t		j = (int64_t) b * REC_TILE_SIDE + c;

			row[c] = j >= i && j < t->n ? dot[j - i] : 0;
		}
	}
	tile_at(t, block, block)[r * REC_TILE_SIDE + r] = (float) ((double) dot[0] + l2);
	/* what is beyond the last item is the identity */
	if (i == t->n - 1)
		for (r++; r < REC_TILE_SIDE; r++)
		{
			float	   *row = tile_at(t, block, block) + r * REC_TILE_SIDE;

			memset(row, 0, REC_TILE_SIDE * sizeof(float));
			row[r] = 1;
		}
}

int
rec_ease_units(const RecTiles *t, RecEasePhase phase, int step)
{
	return phase == REC_EASE_INVERT ? step : t->side - step;
}

/* w = u^-1, both upper triangles; the rest of w becomes zero. */
static void
invert_diagonal(const float *u, const float *inverse, float *w)
{
	const int	side = REC_TILE_SIDE;

	memset(w, 0, REC_TILE_FLOATS * sizeof(float));
	for (int i = side - 1; i >= 0; i--)
	{
		float	   *row = w + i * side;

		for (int k = i + 1; k < side; k++)
		{
			const float *other = w + k * side;
			float		factor = u[i * side + k];

			for (int j = k; j < side; j++)
				row[j] -= factor * other[j];
		}
		row[i] = 1;
		for (int j = i; j < side; j++)
			row[j] *= inverse[i];
	}
}

/*
 * Scratch holds what units of a step overwrite while others still read it: in phase invert tiles 0 .. step-1 of column
 * `step` of U, then W_ss; in phase multiply the row `step` of W from its diagonal on.
 */
void
rec_ease_prepare(RecTiles *t, RecEasePhase phase, int step)
{
	if (phase == REC_EASE_INVERT)
	{
		for (int p = 0; p < step; p++)
			memcpy(scratch_at(t, p), tile_at(t, p, step), REC_TILE_FLOATS * sizeof(float));
		invert_diagonal(tile_at(t, step, step), t->inverse + step * REC_TILE_SIDE, scratch_at(t, step));
		transpose(scratch_at(t, step), tile_at(t, step, step));
	}
	else if (phase == REC_EASE_MULTIPLY)
		memcpy(scratch_at(t, 0), tile_at(t, step, step), (size_t) (t->side - step) * REC_TILE_FLOATS * sizeof(float));
}

static bool
factor_unit(RecTiles *t, int k, int j)
{
	const RecKernel *kernel = rec_kernel();
	float	   *c = tile_at(t, k, j);

	for (int p = 0; p < k; p++)
		kernel->tile_subtract(tile_at(t, p, k), tile_at(t, p, j), c);
	if (j == k)
		return kernel->tile_factor(c, t->inverse + k * REC_TILE_SIDE);
	kernel->tile_solve(tile_at(t, k, k), t->inverse + k * REC_TILE_SIDE, c);
	return true;
}

static void
invert_unit(RecTiles *t, int i, int j)
{
	const RecKernel *kernel = rec_kernel();
	float		sum[REC_TILE_FLOATS] __attribute__((aligned(64))),
				turned[REC_TILE_FLOATS] __attribute__((aligned(64)));
	float	   *w = tile_at(t, i, j);

	memset(sum, 0, sizeof(sum));
	for (int p = i; p < j; p++)
		kernel->tile_add(tile_at(t, i, p), scratch_at(t, p), sum);
	transpose(sum, turned);
	memset(w, 0, REC_TILE_FLOATS * sizeof(float));
	kernel->tile_subtract(scratch_at(t, j), turned, w);
}

static void
multiply_unit(RecTiles *t, int i, int j)
{
	const RecKernel *kernel = rec_kernel();
	float	   *c = tile_at(t, i, j);

	memset(c, 0, REC_TILE_FLOATS * sizeof(float));
	for (int p = j; p < t->side; p++)
		kernel->tile_add(scratch_at(t, p - i), i == j ? scratch_at(t, p - i) : tile_at(t, j, p), c);
}

bool
rec_ease_unit(RecTiles *t, RecEasePhase phase, int step, int unit)
{
	switch (phase)
	{
		case REC_EASE_FACTOR:
			return factor_unit(t, step, step + unit);
		case REC_EASE_INVERT:
			invert_unit(t, unit, step);
			break;
		case REC_EASE_MULTIPLY:
			multiply_unit(t, step, step + unit);
			break;
	}
	return true;
}

void
rec_ease_diagonal(const RecTiles *t, float *diagonal)
{
	for (int64_t i = 0; i < t->n; i++)
	{
		int			block = (int) (i / REC_TILE_SIDE),
					r = (int) (i % REC_TILE_SIDE);

		diagonal[i] = tile_at(t, block, block)[r * REC_TILE_SIDE + r];
	}
}

void
rec_ease_row(const RecTiles *t, const float *diagonal, int64_t i, float *row)
{
	int			block = (int) (i / REC_TILE_SIDE),
				r = (int) (i % REC_TILE_SIDE);

	for (int64_t j = 0; j < t->n; j++)
	{
		int			b = (int) (j / REC_TILE_SIDE),
					c = (int) (j % REC_TILE_SIDE);
		float		p = j < i ? tile_at(t, b, block)[c * REC_TILE_SIDE + r] : tile_at(t, block, b)[r * REC_TILE_SIDE + c];

		row[j] = -p / diagonal[j];
	}
	row[i] = 0;
}
