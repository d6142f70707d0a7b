/*
 * als_cg_impl.h
 *		Template: conjugate-gradient solution of rows.  Included once per instruction set, see simd.h.
 *
 * The normal matrix A of a row is never formed.  One "pass" over its observations computes sum c_k y_k with
 * c_k = w_k (p_k - <y_k, x>) in the first pass, which gives the residual, and c_k = -w_k <y_k, x> in every step, which
 * gives -A x.  Four observations go together: their dot products share one transposing reduction.  The first pass
 * reads the scattered rows of `other` (prefetched ahead) and leaves them in a contiguous panel for the steps.  A row
 * whose panel would be longer than REC_PANEL_BYTES keeps only that much; the rest is gathered again in every pass.
 *
 * The objective comes nearly free: it is summed in the first pass and every step lowers it by alpha |r|^2.
 */

/* The observations of one row, with what is needed to make panel rows of them. */
typedef struct Observed
{
	const float *other;
	const int32_t *column;
	const float *value;
	int64_t		n;
	int64_t		readable;		/* entries of column that may be looked at to prefetch; >= n */
	int			stride;
	int			bias;			/* explicit: coordinate of the bias; implicit: -1 */
	float		mean;
} Observed;

static Observed
observed_row(const RecHalfStep *step, int64_t row)
{
	const RecMatrix *m = step->matrix;
	int64_t		from = m->start[row];

	return (Observed){.other = step->other, .column = m->column + from, .value = m->value + from,
		.n = m->start[row + 1] - from, .readable = m->start[m->nrows] - from, .stride = step->stride,
		.bias = step->explicit_feedback ? step->factors : -1, .mean = step->mean};
}

/* Four neighbouring observations; past the end of the row the last one is repeated with weight 0. */
typedef struct Four
{
	const float *row[4];
	quad		weight;
	quad		preference;		/* implicit: p; explicit: the target */
} Four;

/* Panel rows of the explicit model are [y, 1]: the last vector of a row loses its bias and gets the 1. */
typedef struct BiasMask
{
	float		keep[16] __attribute__((aligned(64)));
	float		one[16] __attribute__((aligned(64)));
} BiasMask;

static void
bias_mask(const Observed *o, BiasMask *mask)
{
	for (int i = 0; i < 16; i++)
	{
		bool		bias = o->stride - 16 + i == o->bias;

		mask->keep[i] = bias ? 0 : 1;
		mask->one[i] = bias ? 1 : 0;
	}
}

ALWAYS_INLINE void
four_gather(const Observed *o, int64_t k, Four *f, bool first)
{
	int32_t		column[4];
	float		value[4] = {0, 0, 0, 0};
	const int32_t *c = o->column + k;
	const float *v = o->value + k;
	quad		present = v_set1(1);

	if (UNLIKELY(k + 4 > o->n))
	{
		float		has[4] = {0, 0, 0, 0};

		for (int i = 0; i < 4; i++)
		{
			bool		inside = k + i < o->n;

			column[i] = o->column[inside ? k + i : o->n - 1];
			value[i] = inside ? o->value[k + i] : 0;
			has[i] = inside ? 1 : 0;
		}
		c = column;
		v = value;
		present = quad_load(has);
	}
	for (int i = 0; i < 4; i++)
		f->row[i] = o->other + (int64_t) c[i] * o->stride;
	if (o->bias >= 0)
	{
		f->weight = present;
		if (first)
		{
			quad		bias = quad_set(f->row[0][o->bias], f->row[1][o->bias], f->row[2][o->bias], f->row[3][o->bias]);

			f->preference = v_mul(present, v_sub(v_sub(quad_load(v), v_set1(o->mean)), bias));
		}
	}
	else
	{
		f->weight = quad_abs(quad_load(v));
		if (first)
			f->preference = quad_positive(quad_load(v));
	}
}

/* The same for rows that lie in the panel; targets are no longer needed. */
ALWAYS_INLINE void
four_panel(const Observed *o, int64_t k, const float *panel, Four *f)
{
	float		value[4];
	const float *v = o->value + k;
	int64_t		last = o->n - k;

	for (int i = 0; i < 4; i++)
		f->row[i] = panel + (int64_t) i * o->stride;
	if (UNLIKELY(last < 4))
	{
		for (int i = 0; i < 4; i++)
			value[i] = i < last ? (o->bias >= 0 ? 1 : v[i]) : 0;
		f->weight = quad_abs(quad_load(value));
	}
	else
		f->weight = o->bias >= 0 ? (quad) v_set1(1) : (quad) quad_abs(quad_load(v));
}

ALWAYS_INLINE void
prefetch_rows(const Observed *o, int64_t k, int64_t ahead)
{
	if (k + ahead + 4 > o->readable)
		return;
	for (int i = 0; i < 4; i++)
	{
		const float *row = o->other + (int64_t) o->column[k + ahead + i] * o->stride;

		for (int line = 0; line < o->stride; line += 16)
			__builtin_prefetch(row + line);
	}
}

/* c_k of four observations from their dot products; the first pass adds w (p - s)^2 to the objective. */
ALWAYS_INLINE quad
coefficients(const Four *f, const vf *dot, const bool first, quad *objective)
{
	quad		s = quad_sums(dot[0], dot[1], dot[2], dot[3]);

	if (first)
	{
		quad		error = v_sub(f->preference, s);
		quad		c = v_mul(f->weight, error);

		*objective = v_fma(c, error, *objective);
		return c;
	}
	return v_sub(v_zero(), v_mul(f->weight, s));
}

ALWAYS_INLINE void
four_load(const bool gather, const bool first, const Observed *o, int64_t k, const float *panel, Four *f)
{
	if (gather)
	{
		prefetch_rows(o, k, REC_AHEAD(o->stride));
		four_gather(o, k, f, first);
	}
	else
		four_panel(o, k, panel, f);
}

/* Vector v, the last 16 floats of a panel row being those from `tail` on. */
ALWAYS_INLINE vf
panel_vector(const Observed *o, const float *row, int at, int tail, const BiasMask *mask)
{
	vf			y = v_load(row + at);

	if (o->bias >= 0 && at >= tail)
		y = v_fma(y, v_load(mask->keep + at - tail), v_load(mask->one + at - tail));
	return y;
}

/*
 * One pass over observations from .. to-1: total += sum c_k y_k.  `panel` is where row `from` is or goes.
 * Returns sum w (p - s)^2 if `first`.  This form is for rows of nv vectors, known at compile time: x and the sum stay
 * in registers.
 */
ALWAYS_INLINE double
pass(const int nv, const bool gather, const bool first, const Observed *o, int64_t from, int64_t to, const float *x,
	 float *total, float *panel, const BiasMask *mask)
{
	const int	stride = nv * VW;
	quad		objective = v_zero();
	vf			xs[16],
				sum[16];

	UNROLL
	for (int v = 0; v < nv; v++)
	{
		xs[v] = v_load(x + v * VW);
		sum[v] = v_zero();
	}
	for (int64_t k = from; k < to; k += 4, panel += 4 * stride)
	{
		Four		f;
		vf			dot[4] = {v_zero(), v_zero(), v_zero(), v_zero()};
		quad		c;

		four_load(gather, first, o, k, panel, &f);
		UNROLL
		for (int v = 0; v < nv; v++)
			UNROLL
			for (int i = 0; i < 4; i++)
			{
				vf			y = gather ? panel_vector(o, f.row[i], v * VW, stride - 16, mask) :
					v_load(panel + i * stride + v * VW);

				if (gather)
					v_store(panel + i * stride + v * VW, y);
				dot[i] = v_fma(y, xs[v], dot[i]);
			}
		c = coefficients(&f, dot, first, &objective);

		vf			cs[4] = {quad_splat(c, 0), quad_splat(c, 1), quad_splat(c, 2), quad_splat(c, 3)};

		UNROLL
		for (int v = 0; v < nv; v++)
			UNROLL
			for (int i = 0; i < 4; i++)
				sum[v] = v_fma(cs[i], v_load(panel + i * stride + v * VW), sum[v]);
	}
	UNROLL
	for (int v = 0; v < nv; v++)
		v_store(total + v * VW, v_add(v_load(total + v * VW), sum[v]));
	return first ? (double) quad_total(objective) : 0;
}

/* The same for any length of row: x and the sum in memory. */
ALWAYS_INLINE double
pass_any(const bool gather, const bool first, const Observed *o, int64_t from, int64_t to, const float *x,
		 float *total, float *panel, const BiasMask *mask)
{
	const int	stride = o->stride;
	quad		objective = v_zero();

	for (int64_t k = from; k < to; k += 4, panel += 4 * stride)
	{
		Four		f;
		vf			dot[4] = {v_zero(), v_zero(), v_zero(), v_zero()};
		quad		c;

		four_load(gather, first, o, k, panel, &f);
		for (int at = 0; at < stride; at += VW)
			UNROLL
			for (int i = 0; i < 4; i++)
			{
				vf			y = gather ? panel_vector(o, f.row[i], at, stride - 16, mask) :
					v_load(panel + i * stride + at);

				if (gather)
					v_store(panel + i * stride + at, y);
				dot[i] = v_fma(y, v_load(x + at), dot[i]);
			}
		c = coefficients(&f, dot, first, &objective);

		vf			cs[4] = {quad_splat(c, 0), quad_splat(c, 1), quad_splat(c, 2), quad_splat(c, 3)};

		for (int at = 0; at < stride; at += VW)
		{
			vf			sum = v_load(total + at);

			UNROLL
			for (int i = 0; i < 4; i++)
				sum = v_fma(cs[i], v_load(panel + i * stride + at), sum);
			v_store(total + at, sum);
		}
	}
	return first ? (double) quad_total(objective) : 0;
}

typedef double (*Pass) (const Observed *o, int64_t from, int64_t to, const float *x, float *total, float *panel,
						const BiasMask *mask);

#define DEFINE_PASS(name, function, ...) \
	static double \
	name(const Observed *o, int64_t from, int64_t to, const float *x, float *total, float *panel, \
		 const BiasMask *mask) \
	{ \
		return function(__VA_ARGS__, o, from, to, x, total, panel, mask); \
	}
#define DEFINE_PASSES(nv) \
	DEFINE_PASS(first_##nv, pass, nv, true, true) \
	DEFINE_PASS(again_##nv, pass, nv, true, false) \
	DEFINE_PASS(panel_##nv, pass, nv, false, false)

typedef struct PassSet
{
	Pass		first,			/* gather, with targets */
				again,			/* gather, without */
				panel;			/* rows already in the panel, without */
} PassSet;

DEFINE_PASS(first_0, pass_any, true, true)
DEFINE_PASS(again_0, pass_any, true, false)
DEFINE_PASS(panel_0, pass_any, false, false)
#if REC_ISA == REC_ISA_AVX512
DEFINE_PASSES(1)
DEFINE_PASSES(2)
DEFINE_PASSES(3)
DEFINE_PASSES(4)
DEFINE_PASSES(5)
DEFINE_PASSES(6)
DEFINE_PASSES(7)
DEFINE_PASSES(8)
#endif

static const PassSet pass_sets[] = {
	{first_0, again_0, panel_0},
#if REC_ISA == REC_ISA_AVX512
	{first_1, again_1, panel_1},
	{first_2, again_2, panel_2},
	{first_3, again_3, panel_3},
	{first_4, again_4, panel_4},
	{first_5, again_5, panel_5},
	{first_6, again_6, panel_6},
	{first_7, again_7, panel_7},
	{first_8, again_8, panel_8},
#endif
};

static const PassSet *
pass_set(int stride)
{
	size_t		nv = (size_t) (stride / VW);

	return &pass_sets[nv < sizeof(pass_sets) / sizeof(pass_sets[0]) ? nv : 0];
}

/* out = -(G + lambda I) x; x has zeros where the row has padding */
static void
apply_gram(const RecHalfStep *step, float lambda, const float *x, float *out)
{
	const int	stride = step->stride;

	for (int i = 0; i < stride; i += VW)
		v_store(out + i, v_mul(v_set1(-lambda), v_load(x + i)));
	if (step->explicit_feedback)
		return;
	for (int from = 0; from < stride; from += 4 * VW)
	{
		const int	width = stride - from < 4 * VW ? (stride - from) / VW : 4;
		const float *g = step->gram + from;
		vf			sum[4] = {v_zero(), v_zero(), v_zero(), v_zero()};

		if (width == 4)
			for (int a = 0; a < step->factors; a++, g += stride)
			{
				vf			xa = v_set1(x[a]);

				sum[0] = v_fma(xa, v_load(g), sum[0]);
				sum[1] = v_fma(xa, v_load(g + VW), sum[1]);
				sum[2] = v_fma(xa, v_load(g + 2 * VW), sum[2]);
				sum[3] = v_fma(xa, v_load(g + 3 * VW), sum[3]);
			}
		else
			for (int a = 0; a < step->factors; a++, g += stride)
				for (int v = 0; v < width; v++)
					sum[v] = v_fma(v_set1(x[a]), v_load(g + v * VW), sum[v]);
		for (int v = 0; v < width; v++)
			v_store(out + from + v * VW, v_sub(v_load(out + from + v * VW), sum[v]));
	}
}

/* Working memory of one CG solution, carved from the caller's scratch. */
typedef struct CgSpace
{
	float	   *r,
			   *p,
			   *ap,				/* -A p */
			   *panel;
} CgSpace;

/* All observations: out += sum c_k y_k, tile by tile; those beyond the panel are gathered into its last tile. */
static double
pass_all(const Observed *o, const PassSet *set, const float *x, float *out, float *panel, bool first,
		 const BiasMask *mask)
{
	const int64_t kept = rec_panel_rows(o->stride) - REC_TILE;
	double		objective = 0;

	for (int64_t from = 0; from < o->n; from += REC_TILE)
	{
		int64_t		to = from + REC_TILE < o->n ? from + REC_TILE : o->n;
		bool		inside = from < kept || o->n <= kept + REC_TILE;
		float	   *at = panel + (inside ? from : kept) * o->stride;

		if (first)
			objective += set->first(o, from, to, x, out, at, mask);
		else
			(inside ? set->panel : set->again) (o, from, to, x, out, at, mask);
	}
	return objective;
}

/*
 * CG stops early where rounding takes over: when the residual is at the noise of its first value, or the curvature
 * along p is nothing beside the largest one seen (a null direction of a singular system, made of noise).
 */
static const float NOISE_RESIDUAL = 1e-13f;
static const float NOISE_CURVATURE = 1e-7f;

/* x += a p, r += a ap; returns |r|^2 */
ALWAYS_INLINE float
cg_update(int stride, float a, float *x, const CgSpace *space)
{
	vf			scale = v_set1(a),
				rs = v_zero();

	for (int i = 0; i < stride; i += VW)
	{
		vf			r = v_fma(scale, v_load(space->ap + i), v_load(space->r + i));

		v_store(x + i, v_fma(scale, v_load(space->p + i), v_load(x + i)));
		v_store(space->r + i, r);
		rs = v_fma(r, r, rs);
	}
	return v_sum(rs);
}

/* cg_steps steps from x; *objective becomes F at the result. */
static RecAlsStatus
cg_row(const RecHalfStep *step, const Observed *o, float lambda, const CgSpace *space, const BiasMask *mask, float *x,
	   double *objective)
{
	const int	stride = step->stride;
	const PassSet *set = pass_set(stride);
	float		rs,
				enough,
				steepest = 0;

	apply_gram(step, lambda, x, space->r);
	*objective = -(double) v_dot(x, space->r, stride);
	*objective += pass_all(o, set, x, space->r, space->panel, true, mask);
	memcpy(space->p, space->r, sizeof(float) * (size_t) stride);
	rs = v_dot(space->r, space->r, stride);
	enough = fmaxf(rs * NOISE_RESIDUAL, FLT_MIN);
	for (int i = 0; i < step->cg_steps && rs >= enough; i++)
	{
		float		curvature,
					quotient,
					next,
					a;

		apply_gram(step, lambda, space->p, space->ap);
		pass_all(o, set, space->p, space->ap, space->panel, false, mask);
		curvature = -v_dot(space->p, space->ap, stride);
		quotient = curvature / v_dot(space->p, space->p, stride);
		steepest = fmaxf(steepest, quotient);
		if (curvature < FLT_MIN || quotient < steepest * NOISE_CURVATURE)
			break;
		a = rs / curvature;
		next = cg_update(stride, a, x, space);
		*objective -= (double) a * (double) rs;
		if (!isfinite(next))
			return REC_ALS_NOT_FINITE;
		for (int j = 0; j < stride; j += VW)
			v_store(space->p + j, v_fma(v_set1(next / rs), v_load(space->p + j), v_load(space->r + j)));
		rs = next;
	}
	return isfinite(rs) && isfinite(*objective) ? REC_ALS_OK : REC_ALS_NOT_FINITE;
}
