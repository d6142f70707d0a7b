/*
 * explore.c
 *		Uncertainty of scores: upper confidence bounds and Thompson sampling.
 *
 * Given the items, the objective of a user's row is that of a Gaussian posterior with precision S / s, where S is its normal matrix
 * and s the variance of an observation of weight 1, which the training has estimated. So <x, y> has variance s y' S^-1 y =
 * s |L^-1 y|^2 with S = LL'. An item is unsure as well: with n users, each coordinate of its factors has about the variance
 * s v / (n + 1), where v is one over the penalty of an item's row without events, and so |x|^2 s v / (n + 1) of the score. Both
 * parts add up:
 *
 *	ucb			score + beta * sqrt(s (y' S^-1 y + |x|^2 v / (n + 1)))
 *	thompson	<x + sigma sqrt(s) L'^-1 e, y> + sigma |x| sqrt(s v / (n + 1)) e_i, with e and e_i normal
 *
 * The normal numbers depend on the seed, the user's factors and the item's position only. Cost: d^3 / 6 for the factor, and
 * for ucb d^2 / 2 an item.
 */
#include "api/explore.h"

#include <math.h>

#include "common/hashfn.h"
#include "core/prior.h"
#include "core/score.h"
#include "miscadmin.h"

/* Lower triangle of S, d x d or with the bias d + 1. */
static double *
normal_matrix(const RecServing *s, const RecUser *user, int d)
{
	RecUserRow	row;
	double	   *a = palloc0((Size) d * d * sizeof(double));
	double		penalty,
				least;

	rec_user_row(s, user->n, user->item, user->net, NULL, &row);
	penalty = rec_als_row_penalty(&row.step, row.n, s->warm);
	/* explicit: without events the penalty of a row is 0, but as sure as after one it is not */
	least = rec_als_row_penalty(&row.step, Max(row.n, 1), s->warm);
	penalty = Max(penalty, least);
	for (int i = 0; i < d; i++)
	{
		for (int j = 0; j <= i && s->gram; j++)
			a[(Size) i * d + j] = s->gram[(Size) i * s->stride + j];
		a[(Size) i * d + i] += (i == s->params.factors ? row.step.bias_penalty : 1) * penalty + 1e-12;
	}
	for (int k = 0; k < row.n; k++)
	{
		const float *y = s->items + (Size) row.column[k] * s->stride;
		double		w = s->rule.explicit_feedback ? 1 : fabs((double) row.value[k]);

		for (int i = 0; i < d; i++)
		{
			double		yi = i == s->params.factors ? 1 : y[i];

			for (int j = 0; j <= i; j++)
				a[(Size) i * d + j] += w * yi * (j == s->params.factors ? 1 : y[j]);
		}
		CHECK_FOR_INTERRUPTS();
	}
	return a;
}

/* Variance of each coordinate of an item's factors before its first event: one over the penalty of its row. */
static double
item_variance(const RecServing *s)
{
	RecHalfStep step = {
		.explicit_feedback = s->rule.explicit_feedback, .alpha0 = s->params.unobserved_weight,
		.lambda = s->params.regularization, .nu = s->params.frequency_exponent
	};
	double		penalty = rec_als_row_penalty(&step, s->rule.explicit_feedback ? 1 : 0, Max(s->users, 1));

	return penalty > 0 ? 1 / penalty : 0;
}

/* |L^-1 y|^2 */
static double
variance(const double *l, int d, const float *y, int bias, double *z)
{
	double		sum = 0;

	for (int i = 0; i < d; i++)
	{
		const double *row = l + (Size) i * d;
		double		v = i == bias ? 1 : y[i];

		for (int k = 0; k < i; k++)
			v -= row[k] * z[k];
		z[i] = v / row[i];
		sum += z[i] * z[i];
	}
	return sum;
}

static void
add_bounds(const RecServing *s, const double *l, int d, double x_square, double v, float beta, float *score)
{
	double	   *z = palloc(d * sizeof(double));

	for (int i = 0; i < s->n; i++)
	{
		double		var = variance(l, d, s->items + (Size) i * s->stride, s->params.factors, z);

		score[i] += (float) (beta * sqrt(var + x_square * v / (s->support[i] + 1.0)));
		if (i % 256 == 0)
			CHECK_FOR_INTERRUPTS();
	}
}

/* n normal numbers that depend on the key only */
static float *
normal_numbers(int n, uint64 key)
{
	int			stride = (n + 15) / 16 * 16;
	float	   *e = palloc(stride * sizeof(float));

	rec_als_init_row(e, n, stride, 1, key);
	return e;
}

static void
add_sample(const RecCall *call, const double *l, int d, double x_square, double v, float sigma, uint64 key, float *score)
{
	const RecServing *s = call->serving;
	float	   *e = normal_numbers(d, key),
			   *own = palloc_extended(((Size) s->n + 16) * sizeof(float), MCXT_ALLOC_HUGE),
			   *shift = (float *) TYPEALIGN(64, (uintptr_t) palloc0(s->stride * sizeof(float) + 64)),
			   *moved;
	double	   *x = palloc(d * sizeof(double));

	/* L' x = e */
	for (int i = d - 1; i >= 0; i--)
	{
		double		sum = e[i];

		for (int k = i + 1; k < d; k++)
			sum -= l[(Size) k * d + i] * x[k];
		x[i] = sum / l[(Size) i * d + i];
		shift[i] = (float) (sigma * x[i]);
	}
	/* what the bias of the user moves all scores by */
	if (s->rule.explicit_feedback)
	{
		for (int i = 0; i < s->n; i++)
			score[i] += shift[s->params.factors];
		shift[s->params.factors] = 0;
	}
	moved = rec_call_scores(call, shift);
	rec_als_init_row(own, s->n, (s->n + 15) / 16 * 16, 1, rec_mix64(key + 1));
	for (int i = 0; i < s->n; i++)
		score[i] += moved[i] + (float) (sigma * sqrt(x_square * v / (s->support[i] + 1.0))) * own[i];
}

void
rec_explore(const RecCall *call, const RecUser *user, const RecRequest *request, float *score)
{
	const RecServing *s = call->serving;
	int			d = s->params.factors + (s->rule.explicit_feedback ? 1 : 0);
	double	   *l = normal_matrix(s, user, d),
				x_square = 0,
				v = item_variance(s);
	float		deviation = sqrtf(s->noise);
	uint64		key;

	if (!rec_map_factor(l, d, 0))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("the uncertainty of a user's scores cannot be computed"),
				 errhint("Train with a regularization above 0, or do not explore.")));
	for (int i = 0; i < s->params.factors; i++)
		x_square += (double) user->factors[i] * user->factors[i];
	if (request->explore == REC_EXPLORE_UCB)
	{
		add_bounds(s, l, d, x_square, v, request->beta * deviation, score);
		return;
	}
	key = rec_mix64((uint64) request->seed ^ hash_bytes_extended((const unsigned char *) user->factors,
																  s->params.factors * sizeof(float), 0));
	add_sample(call, l, d, x_square, v, request->sigma * deviation, key, score);
}
