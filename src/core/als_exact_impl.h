/*
 * als_exact_impl.h
 *		Template: Gram matrices and the exact solution of rows.  Included once per instruction set,
 * after als_cg_impl.h.
 *
 * The normal matrix A = G + lambda_r I + sum w y y' of a row is formed by rank-k updates with tiles
 * of its gathered rows, scaled by sqrt(w), then factored as A = U'U.  Only blocks on and above the
 * diagonal are touched.  One micro-kernel, rank_tile, does nearly all arithmetic: the update with
 * observations, the Gram matrix, and the trailing update of the blocked Cholesky factorisation.  The
 * right-hand side is eliminated along with the diagonal blocks, where its arithmetic hides in the
 * latency of the pivots.
 */

enum
{
	RANK_ROWS = REC_ISA == REC_ISA_AVX512 ? 8 : 4,
	RANK_VECTORS = 3
};

/*
 * c[0..RANK_ROWS)[0..nv) += (or -=) sum over k of left[k][.] right[k][.], with n rows of `stride`
 * floats; c has the same stride.
 */
ALWAYS_INLINE void
rank_tile(const int nv, const bool minus, const float *left, const float *right, int64_t n,
		  int stride, float *c)
{
	vf sum[RANK_ROWS][RANK_VECTORS];

	UNROLL
	for (int i = 0; i < RANK_ROWS; i++)
		UNROLL
	for (int v = 0; v < nv; v++)
		sum[i][v] = v_load(c + i * stride + v * VW);
	for (int64_t k = 0; k < n; k++, left += stride, right += stride)
	{
		vf y[RANK_VECTORS];

		UNROLL
		for (int v = 0; v < nv; v++)
			y[v] = v_load(right + v * VW);
		UNROLL
		for (int i = 0; i < RANK_ROWS; i++)
		{
			vf x = v_set1(left[i]);

			UNROLL
			for (int v = 0; v < nv; v++)
				sum[i][v] = minus ? v_fnma(x, y[v], sum[i][v]) : v_fma(x, y[v], sum[i][v]);
		}
	}
	UNROLL
	for (int i = 0; i < RANK_ROWS; i++)
		UNROLL
	for (int v = 0; v < nv; v++)
		v_store(c + i * stride + v * VW, sum[i][v]);
}

#define DEFINE_RANK_TILE(nv, name, minus)                                                        \
	static void rank_##name##_##nv(const float *left, const float *right, int64_t n, int stride, \
								   float *c)                                                     \
	{                                                                                            \
		rank_tile(nv, minus, left, right, n, stride, c);                                         \
	}

DEFINE_RANK_TILE(1, add, false)
DEFINE_RANK_TILE(2, add, false)
DEFINE_RANK_TILE(3, add, false)
DEFINE_RANK_TILE(1, subtract, true)
DEFINE_RANK_TILE(2, subtract, true)
DEFINE_RANK_TILE(3, subtract, true)

typedef void (*RankTile)(const float *left, const float *right, int64_t n, int stride, float *c);

static const RankTile rank_add[] = {NULL, rank_add_1, rank_add_2, rank_add_3};
static const RankTile rank_subtract[] = {NULL, rank_subtract_1, rank_subtract_2, rank_subtract_3};

/*
 * Upper triangle of a, from row and column `first` (a multiple of 16): a += (or -=) rows' rows, n
 * rows of `stride` floats.
 */
static void
rank_update(const RankTile *tile, const float *rows, int64_t n, int first, int stride, float *a)
{
	for (int i = first; i < stride; i += RANK_ROWS)
	{
		int from = i / VW * VW;
		int left = (stride - from) / VW;

		while (left > 0)
		{
			/* four vectors go better as 2 + 2 than as 3 + 1 */
			int nv = left == 4 ? 2 : left < RANK_VECTORS ? left : RANK_VECTORS;

			tile[nv](rows + i, rows + from, n, stride, a + (int64_t) i * stride + from);
			from += nv * VW;
			left -= nv;
		}
	}
}

/* Copy the upper triangle to the lower one. */
static void
mirror(float *a, int stride)
{
	for (int i = 0; i < stride; i++)
		for (int j = 0; j < i; j++)
			a[(int64_t) i * stride + j] = a[(int64_t) j * stride + i];
}

static void
gram_rows(const float *rows, int64_t n, int stride, int factors, float *out)
{
	(void) factors; /* padding is zero and adds nothing */
	memset(out, 0, sizeof(float) * (size_t) stride * (size_t) stride);
	for (int64_t k = 0; k < n; k += REC_RANK_TILE)
		rank_update(rank_add, rows + k * stride, n - k < REC_RANK_TILE ? n - k : REC_RANK_TILE, 0,
					stride, out);
	mirror(out, stride);
}

/* Working memory of one exact solution, carved from the caller's scratch. */
typedef struct ExactSpace
{
	float *a,     /* stride x stride */
		*b,       /* right-hand side, then the forward solution */
		*inverse, /* reciprocals of the diagonal of U */
		*panel;   /* REC_RANK_TILE rows */
} ExactSpace;

/*
 * Gather observations from .. to-1, scaled by sqrt(w), to the panel, and add sum w p y to b.
 * Returns sum w p^2.
 */
static double
gather_scaled(const Observed *o, int64_t from, int64_t to, float *b, float *panel,
			  const BiasMask *mask)
{
	const int stride = o->stride;
	quad      square = v_zero();

	for (int64_t k = from; k < to; k += 4, panel += 4 * stride)
	{
		Four f;
		quad weight, target, c, root;

		four_begin(stride, true, o, k, &f);
		weight = four_weights(o->bias >= 0, &f);
		target = four_targets(o->bias >= 0, o, &f);
		c = v_mul(weight, target);
		square = v_fma(c, target, square);
		root = quad_sqrt(weight);

		vf cs[4] = {quad_splat(c, 0), quad_splat(c, 1), quad_splat(c, 2), quad_splat(c, 3)};
		vf roots[4] = {quad_splat(root, 0), quad_splat(root, 1), quad_splat(root, 2),
					   quad_splat(root, 3)};

		for (int v = 0; v < stride; v += VW)
		{
			vf sum = v_load(b + v);

			UNROLL
			for (int i = 0; i < 4; i++)
			{
				vf y = panel_vector(o->bias >= 0, f.row[i], v, stride - 16, mask);

				sum = v_fma(cs[i], y, sum);
				v_store(panel + i * stride + v, v_mul(roots[i], y));
			}
			v_store(b + v, sum);
		}
	}
	return (double) quad_total(square);
}

/* A and b of a row; only the blocks of A on and above the diagonal.  Returns sum w p^2 + lambda |m|^2. */
static double
form_system(const RecHalfStep *step, const Observed *o, const float *prior, float lambda,
			const ExactSpace *space, const BiasMask *mask)
{
	const int    stride = step->stride;
	const size_t size = sizeof(float) * (size_t) stride * (size_t) stride;
	double       square = 0;

	if (step->explicit_feedback)
		memset(space->a, 0, size);
	else
		memcpy(space->a, step->gram, size);
	for (int i = 0; i < stride; i++)
		space->a[(int64_t) i * (stride + 1)] += i >= rec_dimensions(step) ? 1
												: i < step->factors     ? lambda
																		: lambda * step->bias_penalty;
	memset(space->b, 0, sizeof(float) * (size_t) stride);
	if (prior != NULL)
		square = add_prior(step, prior, lambda, space->b);
	for (int64_t from = 0; from < o->n; from += REC_RANK_TILE)
	{
		int64_t to = from + REC_RANK_TILE < o->n ? from + REC_RANK_TILE : o->n;

		square += gather_scaled(o, from, to, space->b, space->panel, mask);
		rank_update(rank_add, space->panel, to - from, 0, stride, space->a);
	}
	return square;
}

/*
 * Factor the 16 x 16 block on the diagonal and eliminate the same part of b.  Every step is done
 * even after a bad pivot, so that there is one way through; the caller drops the result.
 */
static bool
factor_block(float *a, int stride, float *b, float *inverse)
{
	bool good = true;

	for (int j = 0; j < REC_BLOCK; j++)
	{
		float *row = a + j * stride;
		float  pivot = row[j];

		good &= pivot > FLT_MIN && pivot <= FLT_MAX;
		inverse[j] = 1 / __builtin_sqrtf(pivot > FLT_MIN ? pivot : 1);
		b[j] *= inverse[j];
		for (int v = j / VW * VW; v < REC_BLOCK; v += VW)
			v_store(row + v, v_mul(v_load(row + v), v_set1(inverse[j])));
		for (int i = j + 1; i < REC_BLOCK; i++)
		{
			vf scale = v_set1(row[i]);

			for (int v = i / VW * VW; v < REC_BLOCK; v += VW)
				v_store(a + i * stride + v,
						v_fnma(scale, v_load(row + v), v_load(a + i * stride + v)));
			b[i] -= row[i] * b[j];
		}
	}
	return good;
}

/* Rows of the block right of the diagonal: U12 = U11'^-1 A12, one vector column at a time. */
static void
factor_panel(const float *u, const float *inverse, int stride, float *a)
{
	vf x[REC_BLOCK];

	UNROLL
	for (int i = 0; i < REC_BLOCK; i++)
		x[i] = v_load(a + i * stride);
	UNROLL
	for (int j = 0; j < REC_BLOCK; j++)
	{
		x[j] = v_mul(x[j], v_set1(inverse[j]));
		v_store(a + j * stride, x[j]);
		UNROLL
		for (int i = j + 1; i < REC_BLOCK; i++)
			x[i] = v_fnma(v_set1(u[j * stride + i]), x[j], x[i]);
	}
}

/* A = U'U in place, b := U'^-1 b. */
static bool
factor_system(const ExactSpace *space, int stride)
{
	bool good = true;

	for (int j = 0; j < stride; j += REC_BLOCK)
	{
		float *row = space->a + (int64_t) j * stride;

		good &= factor_block(row + j, stride, space->b + j, space->inverse + j);
		for (int v = j + REC_BLOCK; v < stride; v += VW)
			factor_panel(row + j, space->inverse + j, stride, row + v);
		for (int i = 0; i < REC_BLOCK; i++)
			v_axpy(space->b + j + REC_BLOCK, -space->b[j + i],
				   row + (int64_t) i * stride + j + REC_BLOCK, stride - j - REC_BLOCK);
		rank_update(rank_subtract, row, REC_BLOCK, j + REC_BLOCK, stride, space->a);
	}
	return good;
}

/* x = U^-1 b */
static void
back_substitute(const ExactSpace *space, int stride, float *x)
{
	for (int j = stride - REC_BLOCK; j >= 0; j -= REC_BLOCK)
	{
		for (int i = REC_BLOCK - 1; i >= 0; i--)
		{
			const float *row = space->a + (int64_t) (j + i) * stride + j;
			float        s =
				space->b[j + i] - v_dot(row + REC_BLOCK, x + j + REC_BLOCK, stride - j - REC_BLOCK);

			for (int k = REC_BLOCK - 1; k > i; k--)
				s -= row[k] * x[j + k];
			x[j + i] = s * space->inverse[j + i];
		}
	}
}

/*
 * Form and factor A, with b eliminated.  A matrix that is singular in float arithmetic, which
 * lambda = 0 allows, gets a ridge of a millionth, then of a thousandth of its mean diagonal.
 */
static RecAlsStatus
factor_row(const RecHalfStep *step, const Observed *o, const float *prior, double lambda,
		   const ExactSpace *space, const BiasMask *mask, double *square)
{
	static const double ridges[] = {0, 1e-6, 1e-3};
	double              diagonal = 0;

	for (int attempt = 0; attempt < 3; attempt++)
	{
		*square = form_system(step, o, prior, (float) (lambda + ridges[attempt] * diagonal), space, mask);
		if (attempt == 0)
			for (int i = 0; i < rec_dimensions(step); i++)
				diagonal +=
					(double) space->a[(int64_t) i * (step->stride + 1)] / rec_dimensions(step);
		if (!isfinite(*square) || !(diagonal <= (double) FLT_MAX))
			return REC_ALS_NOT_FINITE;
		if (factor_system(space, step->stride))
			return REC_ALS_OK;
	}
	return REC_ALS_NOT_DEFINITE;
}

/* The minimum of F; *objective is F there. */
static RecAlsStatus
exact_row(const RecHalfStep *step, const Observed *o, const float *prior, double lambda,
		  const ExactSpace *space, const BiasMask *mask, float *x, double *objective)
{
	RecAlsStatus status = factor_row(step, o, prior, lambda, space, mask, objective);

	if (status != REC_ALS_OK)
		return status;
	/* x.b of the original system is |U'^-1 b|^2 */
	*objective -= (double) v_dot(space->b, space->b, step->stride);
	back_substitute(space, step->stride, x);
	return isfinite(*objective) ? REC_ALS_OK : REC_ALS_NOT_FINITE;
}
