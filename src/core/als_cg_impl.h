/*
 * als_cg_impl.h
 *		Template: conjugate-gradient solution of rows.  Included once per instruction set, see
 * simd.h.
 *
 * The normal matrix A of a row is never formed.  One "pass" over its observations computes sum c_k
 * y_k with c_k = w_k (p_k - <y_k, x>) in the first pass, which gives the residual, and c_k = -w_k
 * <y_k, x> in every step, which gives -A x.  Four observations go together: their dot products share
 * one transposing reduction.  The first pass reads the scattered rows of `other` (prefetched ahead)
 * and leaves them in a contiguous panel for the steps.  A row whose panel would be longer than
 * REC_PANEL_BYTES keeps only that much; the rest is gathered again in every pass.
 *
 * The objective comes nearly free: it is summed in the first pass and every step lowers it by alpha
 * |r|^2.
 */

/* The observations of one row, with what is needed to make panel rows of them. */
typedef struct Observed
{
	const float   *other;
	const int32_t *column;
	const float   *value;
	int64_t        n;
	int64_t        readable; /* entries of column that may be looked at to prefetch; >= n */
	int            stride;
	int            bias; /* explicit: coordinate of the bias; implicit: -1 */
	float          mean;
} Observed;

static Observed
observed_row(const RecHalfStep *step, int64_t row)
{
	const RecMatrix *m = step->matrix;
	int64_t          from = m->start[row];

	return (Observed){.other = step->other,
					  .column = m->column + from,
					  .value = m->value + from,
					  .n = m->start[row + 1] - from,
					  .readable = m->start[m->nrows] - from,
					  .stride = step->stride,
					  .bias = step->explicit_feedback ? step->factors : -1,
					  .mean = step->mean};
}

/*
 * Four neighbouring observations.  Past the end of the row the last one is repeated with value and
 * presence 0, which makes its weight 0.  Everything is reached through pointers, so that it is
 * loaded where it is used: the vectors of four rows already fill the registers.
 */
typedef struct Four
{
	const float *row[4];
	const float *value;
	const float *present;
	float        tail_value[4];
	float        tail_present[4];
} Four;

static const float all_present[4] = {1, 1, 1, 1};

/* Panel rows of the explicit model are [y, 1]: the last vector of a row loses its bias and gets
 * the 1. */
typedef struct BiasMask
{
	float keep[16] __attribute__((aligned(64)));
	float one[16] __attribute__((aligned(64)));
} BiasMask;

static void
bias_mask(const Observed *o, BiasMask *mask)
{
	for (int i = 0; i < 16; i++)
	{
		bool bias = o->stride - 16 + i == o->bias;

		mask->keep[i] = bias ? 0 : 1;
		mask->one[i] = bias ? 1 : 0;
	}
}

ALWAYS_INLINE void
four_values(const Observed *o, int64_t k, Four *f)
{
	f->value = o->value + k;
	f->present = all_present;
	if (UNLIKELY(k + 4 > o->n))
	{
		for (int i = 0; i < 4; i++)
		{
			f->tail_value[i] = k + i < o->n ? o->value[k + i] : 0;
			f->tail_present[i] = k + i < o->n ? 1 : 0;
		}
		f->value = f->tail_value;
		f->present = f->tail_present;
	}
}

ALWAYS_INLINE void
four_rows(const int stride, const Observed *o, int64_t k, Four *f)
{
	int32_t        tail[4];
	const int32_t *column = o->column + k;

	if (UNLIKELY(k + 4 > o->n))
	{
		for (int i = 0; i < 4; i++)
			tail[i] = o->column[k + i < o->n ? k + i : o->n - 1];
		column = tail;
	}
	UNROLL
	for (int i = 0; i < 4; i++)
		f->row[i] = o->other + (int64_t) column[i] * stride;
}

/* Weights of four observations. */
ALWAYS_INLINE quad
four_weights(const bool bias, const Four *f)
{
	if (bias)
		return quad_load(f->present);
	return quad_abs(quad_load(f->value));
}

/* Their preferences (implicit), or ratings less everything but the unknowns (explicit; 0 past the
 * end). */
ALWAYS_INLINE quad
four_targets(const bool bias, const Observed *o, const Four *f)
{
	if (bias)
	{
		quad biases = quad_set(f->row[0][o->bias], f->row[1][o->bias], f->row[2][o->bias],
							   f->row[3][o->bias]);

		return v_mul(quad_load(f->present),
					 v_sub(v_sub(quad_load(f->value), v_set1(o->mean)), biases));
	}
	return quad_positive(quad_load(f->value));
}

/*
 * Ask for the cache lines of four rows of other, to the first-level cache (near) or the second.  A
 * very long row is left to the hardware from line 16 on.
 */
ALWAYS_INLINE void
prefetch_four(const int stride, const bool near, const Observed *o, int64_t k)
{
	if (UNLIKELY(k + 4 > o->readable))
		return;
	UNROLL
	for (int i = 0; i < 4; i++)
	{
		const float *row = o->other + (int64_t) o->column[k + i] * stride;

		UNROLL
		for (int line = 0; line < 16; line++)
		{
			if (line * 16 >= stride)
				break;
			if (near)
				__builtin_prefetch(row + line * 16, 0, 3);
			else
				__builtin_prefetch(row + line * 16, 0, 2);
		}
	}
}

/* c_k of four observations from their dot products; the first pass adds w (p - s)^2 to the
 * objective. */
ALWAYS_INLINE quad
coefficients(const bool bias, const bool first, const Observed *o, const Four *f, const vf *dot,
			 quad *objective)
{
	quad s = quad_sums(dot[0], dot[1], dot[2], dot[3]);
	quad w = four_weights(bias, f);

	if (first)
	{
		quad error = v_sub(four_targets(bias, o, f), s);
		quad c = v_mul(w, error);

		*objective = v_fma(c, error, *objective);
		return c;
	}
	return v_mul(w, v_sub(v_zero(), s));
}

ALWAYS_INLINE void
four_begin(const int stride, const bool gather, const Observed *o, int64_t k, Four *f)
{
	four_values(o, k, f);
	if (gather)
	{
		prefetch_four(stride, false, o, k + REC_AHEAD(stride));
		prefetch_four(stride, true, o, k + REC_NEAR(stride));
		four_rows(stride, o, k, f);
	}
}

/* Vector v, the last 16 floats of a panel row being those from `tail` on. */
ALWAYS_INLINE vf
panel_vector(const bool bias, const float *row, int at, int tail, const BiasMask *mask)
{
	vf y = v_load(row + at);

	if (bias && at >= tail)
		y = v_fma(y, v_load(mask->keep + at - tail), v_load(mask->one + at - tail));
	return y;
}

/*
 * One pass over observations from .. to-1: total += sum c_k y_k.  `panel` is where row `from` is or
 * goes. Returns sum w (p - s)^2 if `first`.  This form is for rows of nv vectors, known at compile
 * time: x and the sum stay in registers.
 */
ALWAYS_INLINE double
pass(const int nv, const bool gather, const bool bias, const bool first, const Observed *o,
	 int64_t from, int64_t to, const float *x, float *total, float *panel, const BiasMask *mask)
{
	const int stride = nv * VW;
	quad      objective = v_zero();
	vf        xs[16], sum[16];

	UNROLL
	for (int v = 0; v < nv; v++)
	{
		xs[v] = v_load(x + v * VW);
		sum[v] = v_zero();
	}
	for (int64_t k = from; k < to; k += 4, panel += 4 * stride)
	{
		Four f;
		vf   dot[4] = {v_zero(), v_zero(), v_zero(), v_zero()};
		quad c;

		four_begin(stride, gather, o, k, &f);
		UNROLL
		for (int v = 0; v < nv; v++)
			UNROLL
		for (int i = 0; i < 4; i++)
		{
			vf y = gather ? panel_vector(bias, f.row[i], v * VW, stride - 16, mask)
						  : v_load(panel + i * stride + v * VW);

			if (gather)
				v_store(panel + i * stride + v * VW, y);
			dot[i] = v_fma(y, xs[v], dot[i]);
		}
		c = coefficients(bias, first, o, &f, dot, &objective);

		vf cs[4] = {quad_splat(c, 0), quad_splat(c, 1), quad_splat(c, 2), quad_splat(c, 3)};

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
pass_any(const bool gather, const bool bias, const bool first, const Observed *o, int64_t from,
		 int64_t to, const float *x, float *total, float *panel, const BiasMask *mask)
{
	const int stride = o->stride;
	quad      objective = v_zero();

	for (int64_t k = from; k < to; k += 4, panel += 4 * stride)
	{
		Four f;
		vf   dot[4] = {v_zero(), v_zero(), v_zero(), v_zero()};
		quad c;

		four_begin(stride, gather, o, k, &f);
		for (int at = 0; at < stride; at += VW)
			UNROLL
		for (int i = 0; i < 4; i++)
		{
			vf y = gather ? panel_vector(bias, f.row[i], at, stride - 16, mask)
						  : v_load(panel + i * stride + at);

			if (gather)
				v_store(panel + i * stride + at, y);
			dot[i] = v_fma(y, v_load(x + at), dot[i]);
		}
		c = coefficients(bias, first, o, &f, dot, &objective);

		vf cs[4] = {quad_splat(c, 0), quad_splat(c, 1), quad_splat(c, 2), quad_splat(c, 3)};

		for (int at = 0; at < stride; at += VW)
		{
			vf sum = v_load(total + at);

			UNROLL
			for (int i = 0; i < 4; i++)
				sum = v_fma(cs[i], v_load(panel + i * stride + at), sum);
			v_store(total + at, sum);
		}
	}
	return first ? (double) quad_total(objective) : 0;
}

typedef double (*Pass)(const Observed *o, int64_t from, int64_t to, const float *x, float *total,
					   float *panel, const BiasMask *mask);

#define DEFINE_PASS(name, function, ...)                                                          \
	static double name(const Observed *o, int64_t from, int64_t to, const float *x, float *total, \
					   float *panel, const BiasMask *mask)                                        \
	{                                                                                             \
		return function(__VA_ARGS__, o, from, to, x, total, panel, mask);                         \
	}
#define DEFINE_PASSES(nv, function, ...)                                  \
	DEFINE_PASS(first_##nv, function, __VA_ARGS__ true, false, true)      \
	DEFINE_PASS(again_##nv, function, __VA_ARGS__ true, false, false)     \
	DEFINE_PASS(first_bias_##nv, function, __VA_ARGS__ true, true, true)  \
	DEFINE_PASS(again_bias_##nv, function, __VA_ARGS__ true, true, false) \
	DEFINE_PASS(panel_##nv, function, __VA_ARGS__ false, false, false)    \
	DEFINE_PASS(panel_bias_##nv, function, __VA_ARGS__ false, true, false)
#define PASSES(nv)                                                    \
	{                                                                 \
		{first_##nv, first_bias_##nv}, {again_##nv, again_bias_##nv}, \
		{                                                             \
			panel_##nv, panel_bias_##nv                               \
		}                                                             \
	}

typedef struct PassSet
{
	Pass first[2], /* gather, with targets; implicit and explicit */
		again[2],  /* gather, without */
		panel[2];  /* rows already in the panel, without */
} PassSet;

DEFINE_PASSES(0, pass_any, )

#if REC_ISA == REC_ISA_AVX512
DEFINE_PASSES(1, pass, 1, )
DEFINE_PASSES(2, pass, 2, )
DEFINE_PASSES(3, pass, 3, )
DEFINE_PASSES(4, pass, 4, )
DEFINE_PASSES(5, pass, 5, )
DEFINE_PASSES(6, pass, 6, )
DEFINE_PASSES(7, pass, 7, )
DEFINE_PASSES(8, pass, 8, )

static const PassSet pass_sets[] = {PASSES(0), PASSES(1), PASSES(2), PASSES(3), PASSES(4),
									PASSES(5), PASSES(6), PASSES(7), PASSES(8)};
#else
static const PassSet pass_sets[] = {PASSES(0)};
#endif

static const PassSet *
pass_set(int stride)
{
	size_t nv = (size_t) (stride / VW);

	return &pass_sets[nv < sizeof(pass_sets) / sizeof(pass_sets[0]) ? nv : 0];
}

/* out = -(G + lambda I) x, with the bias's own penalty; x has zeros where the row has padding */
static void
apply_gram(const RecHalfStep *step, float lambda, const float *x, float *out)
{
	const int stride = step->stride;

	for (int i = 0; i < stride; i += VW)
		v_store(out + i, v_mul(v_set1(-lambda), v_load(x + i)));
	if (step->explicit_feedback)
	{
		out[step->factors] *= step->bias_penalty;
		return;
	}
	for (int from = 0; from < stride; from += 4 * VW)
	{
		const int    width = stride - from < 4 * VW ? (stride - from) / VW : 4;
		const float *g = step->gram + from;
		vf           sum[4] = {v_zero(), v_zero(), v_zero(), v_zero()};

		if (width == 4)
			for (int a = 0; a < step->factors; a++, g += stride)
			{
				vf xa = v_set1(x[a]);

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

static const float *
prior_of(const RecHalfStep *step, int64_t row)
{
	return step->prior == NULL ? NULL : step->prior + (row - step->prior_row) * step->stride;
}

/* b += lambda m; returns lambda |m|^2, the bias with its own penalty in both */
static double
add_prior(const RecHalfStep *step, const float *prior, float lambda, float *b)
{
	const vf scale = v_set1(lambda);
	vf       sum = v_zero();
	double   bias;

	for (int i = 0; i < step->stride; i += VW)
	{
		vf m = v_load(prior + i);

		v_store(b + i, v_fma(scale, m, v_load(b + i)));
		sum = v_fma(m, m, sum);
	}
	if (!step->explicit_feedback)
		return (double) lambda * (double) v_sum(sum);
	bias = (double) prior[step->factors];
	b[step->factors] += lambda * (step->bias_penalty - 1) * prior[step->factors];
	return (double) lambda * ((double) v_sum(sum) + ((double) step->bias_penalty - 1) * bias * bias);
}

/* Working memory of one CG solution, carved from the caller's scratch. */
typedef struct CgSpace
{
	float *r, *p, *ap, /* -A p */
		*panel;
} CgSpace;

/* All observations: out += sum c_k y_k, tile by tile; those beyond the panel are gathered into its
 * last tile. */
static double
pass_all(const Observed *o, const PassSet *set, const float *x, float *out, float *panel,
		 bool first, const BiasMask *mask)
{
	const int64_t kept = rec_panel_rows(o->stride) - REC_TILE;
	const int     bias = o->bias >= 0 ? 1 : 0;
	double        objective = 0;

	for (int64_t from = 0; from < o->n; from += REC_TILE)
	{
		int64_t to = from + REC_TILE < o->n ? from + REC_TILE : o->n;
		bool    inside = from < kept || o->n <= kept + REC_TILE;
		float  *at = panel + (inside ? from : kept) * o->stride;

		if (first)
			objective += set->first[bias](o, from, to, x, out, at, mask);
		else
			(inside ? set->panel : set->again)[bias](o, from, to, x, out, at, mask);
	}
	return objective;
}

/*
 * CG stops early where rounding takes over: when the residual is at the noise of its first value,
 * or the curvature along p is nothing beside the largest one seen (a null direction of a singular
 * system, made of noise).
 */
static const float NOISE_RESIDUAL = 1e-13f;
static const float NOISE_CURVATURE = 1e-7f;

/* x += a p, r += a ap; returns |r|^2 */
ALWAYS_INLINE float
cg_update(int stride, float a, float *x, const CgSpace *space)
{
	vf scale = v_set1(a), rs = v_zero();

	for (int i = 0; i < stride; i += VW)
	{
		vf r = v_fma(scale, v_load(space->ap + i), v_load(space->r + i));

		v_store(x + i, v_fma(scale, v_load(space->p + i), v_load(x + i)));
		v_store(space->r + i, r);
		rs = v_fma(r, r, rs);
	}
	return v_sum(rs);
}

/* cg_steps steps from x; *objective becomes F at the result. */
static RecAlsStatus
cg_row(const RecHalfStep *step, const Observed *o, const float *prior, float lambda,
	   const CgSpace *space, const BiasMask *mask, float *x, double *objective)
{
	const int      stride = step->stride;
	const PassSet *set = pass_set(stride);
	float          rs, enough, steepest = 0;

	apply_gram(step, lambda, x, space->r);
	*objective = -(double) v_dot(x, space->r, stride);
	if (prior != NULL)
	{
		/* lambda m alone first: F has -2 <x, lambda m> + <m, lambda m> more */
		memset(space->p, 0, sizeof(float) * (size_t) stride);
		*objective += add_prior(step, prior, lambda, space->p);
		*objective -= 2 * (double) v_dot(x, space->p, stride);
		for (int j = 0; j < stride; j += VW)
			v_store(space->r + j, v_add(v_load(space->r + j), v_load(space->p + j)));
	}
	*objective += pass_all(o, set, x, space->r, space->panel, true, mask);
	memcpy(space->p, space->r, sizeof(float) * (size_t) stride);
	rs = v_dot(space->r, space->r, stride);
	enough = fmaxf(rs * NOISE_RESIDUAL, FLT_MIN);
	for (int i = 0; i < step->cg_steps && rs >= enough; i++)
	{
		float curvature, quotient, next, a;

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
			v_store(space->p + j,
					v_fma(v_set1(next / rs), v_load(space->p + j), v_load(space->r + j)));
		rs = next;
	}
	return isfinite(rs) && isfinite(*objective) ? REC_ALS_OK : REC_ALS_NOT_FINITE;
}
