/*
 * als_rows_impl.h
 *		Template: the entry points of a kernel.  Included once per instruction set, after
 * als_cg_impl.h and als_exact_impl.h; defines `kernel_rows` and `kernel_explain`.
 */

/* The caller's scratch holds either kind of working memory; rec_als_scratch_size() must agree. */
static void
carve(const RecHalfStep *step, void *scratch, CgSpace *cg, ExactSpace *exact)
{
	const int stride = step->stride;
	float    *at = scratch;

	cg->r = at;
	cg->p = at + stride;
	cg->ap = at + 2 * stride;
	cg->panel = at + 3 * stride;
	exact->b = at;
	exact->inverse = at + stride;
	exact->a = at + 3 * stride;
	exact->panel = exact->a + (int64_t) stride * stride;
}

/* lambda |x - m|^2 */
static double
row_penalty(const RecHalfStep *step, double lambda, const float *x, const float *prior)
{
	double square, bias;

	if (prior == NULL)
		square = (double) v_dot(x, x, step->stride);
	else
	{
		vf sum = v_zero();

		for (int i = 0; i < step->stride; i += VW)
		{
			vf d = v_sub(v_load(x + i), v_load(prior + i));

			sum = v_fma(d, d, sum);
		}
		square = (double) v_sum(sum);
	}
	if (!step->explicit_feedback)
		return lambda * square;
	bias = (double) x[step->factors] - (prior ? (double) prior[step->factors] : 0);
	return lambda * (square + ((double) step->bias_penalty - 1) * bias * bias);
}

static RecAlsStatus
kernel_rows(const RecHalfStep *step, int64_t lo, int64_t hi, void *scratch, RecLoss *loss)
{
	CgSpace    cg;
	ExactSpace exact;
	BiasMask   mask;
	RecLoss    sum = {0, 0};

	carve(step, scratch, &cg, &exact);
	for (int64_t row = lo; row < hi; row++)
	{
		Observed     o = observed_row(step, row);
		float       *x = step->self + row * step->stride;
		double       lambda = rec_als_row_penalty(step, o.n, step->matrix->ncols);
		double       objective, penalty;
		RecAlsStatus status;

		if (row == lo)
			bias_mask(&o, &mask);
		if (o.n == 0)
		{
			if (step->prior != NULL)
				memcpy(x, prior_of(step, row), sizeof(float) * (size_t) step->stride);
			else
				memset(x, 0, sizeof(float) * (size_t) step->stride);
			continue;
		}
		if (step->solver == REC_SOLVER_CHOLESKY)
			status = exact_row(step, &o, prior_of(step, row), lambda, &exact, &mask, x, &objective);
		else
			status = cg_row(step, &o, prior_of(step, row), (float) lambda, &cg, &mask, x, &objective);
		if (status != REC_ALS_OK)
			return status;
		penalty = row_penalty(step, lambda, x, prior_of(step, row));
		if (!isfinite(penalty))
			return REC_ALS_NOT_FINITE;
		sum.objective += objective;
		sum.penalty += penalty;
	}
	if (loss != NULL)
	{
		loss->objective += sum.objective;
		loss->penalty += sum.penalty;
	}
	return REC_ALS_OK;
}

/* contribution_k = w_k p_k <y_k, z>; step->matrix has one row */
static RecAlsStatus
kernel_explain(const RecHalfStep *step, int64_t target, float *contribution, float *direction,
			   void *scratch)
{
	const int    stride = step->stride;
	Observed     o = observed_row(step, 0);
	CgSpace      cg;
	ExactSpace   exact;
	BiasMask     mask;
	double       square;
	double       lambda = rec_als_row_penalty(step, o.n, step->matrix->ncols);
	float       *z;
	RecAlsStatus status;

	if (o.n == 0)
		return REC_ALS_OK;
	carve(step, scratch, &cg, &exact);
	bias_mask(&o, &mask);
	status = factor_row(step, &o, NULL, lambda, &exact, &mask, &square);
	if (status != REC_ALS_OK)
		return status;

	/* factor_row eliminated the row's own right-hand side; do the same with the target */
	memcpy(exact.b, step->other + target * stride, sizeof(float) * (size_t) stride);
	if (o.bias >= 0)
		exact.b[o.bias] = 1;
	for (int j = 0; j < stride; j++)
	{
		exact.b[j] *= exact.inverse[j];
		for (int i = j + 1; i < stride; i++)
			exact.b[i] -= exact.a[(int64_t) j * stride + i] * exact.b[j];
	}
	z = exact.panel;
	back_substitute(&exact, stride, z);
	if (direction != NULL)
		memcpy(direction, z, sizeof(float) * (size_t) stride);

	for (int64_t k = 0; k < o.n; k++)
	{
		const float *y = o.other + (int64_t) o.column[k] * stride;
		float        score = v_dot(y, z, stride);

		if (o.bias >= 0)
			contribution[k] =
				(o.value[k] - o.mean - y[o.bias]) * (score + (1 - y[o.bias]) * z[o.bias]);
		else
			contribution[k] = o.value[k] > 0 ? o.value[k] * score : 0;
		if (!isfinite(contribution[k]))
			return REC_ALS_NOT_FINITE;
	}
	return REC_ALS_OK;
}
