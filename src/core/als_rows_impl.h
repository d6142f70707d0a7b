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
			memset(x, 0, sizeof(float) * (size_t) step->stride);
			continue;
		}
		if (step->solver == REC_SOLVER_CHOLESKY)
			status = exact_row(step, &o, lambda, &exact, &mask, x, &objective);
		else
			status = cg_row(step, &o, (float) lambda, &cg, &mask, x, &objective);
		if (status != REC_ALS_OK)
			return status;
		penalty = lambda * (double) v_dot(x, x, step->stride);
		if (step->explicit_feedback)
			penalty += lambda * ((double) step->bias_penalty - 1) * (double) x[step->factors] *
					   (double) x[step->factors];
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
kernel_explain(const RecHalfStep *step, int64_t target, float *contribution, void *scratch)
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
	status = factor_row(step, &o, lambda, &exact, &mask, &square);
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
