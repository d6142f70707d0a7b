/*
 * participate.c
 *		The part of a training of factors that leader and workers both do: chunks of the open task. See solve_shared.h.
 */
#include "model/solve_shared.h"

#include <math.h>

#include "core/pick.h"
#include "core/topk.h"
#include "miscadmin.h"
#include "model/params.h"

void
rec_half_step(const RecShared *shared, RecSide side, bool exact, RecMatrix *matrix, RecHalfStep *step)
{
	const RecSharedSide *self = &shared->sides[side];
	const RecSharedSide *other = &shared->sides[side == REC_USERS ? REC_ITEMS : REC_USERS];
	const int64 *start = REC_AT(shared, self->start, int64);

	*matrix = (RecMatrix) {
		.nrows = self->nrows, .ncols = other->nrows, .nnz = start[self->nrows], .start = start,
		.column = REC_AT(shared, self->column, int32), .value = REC_AT(shared, self->value, float)
	};
	*step = (RecHalfStep) {
		.matrix = matrix,
		.other = REC_AT(shared, other->factors, float), .self = REC_AT(shared, self->factors, float),
		.factors = shared->params.factors, .stride = shared->stride,
		.explicit_feedback = shared->explicit_feedback, .mean = shared->mean,
		.alpha0 = shared->params.unobserved_weight, .lambda = shared->params.regularization,
		.nu = shared->params.frequency_exponent,
		.bias_penalty = rec_params_bias_penalty(&shared->params),
		.gram = shared->explicit_feedback ? NULL : REC_AT(shared, shared->gram, float),
		.cg_steps = shared->params.cg_steps,
		.solver = exact || shared->params.cholesky ? REC_SOLVER_CHOLESKY : REC_SOLVER_CG
	};
}

static Size
judge_scratch(const RecShared *shared)
{
	return (Size) shared->sides[REC_ITEMS].nrows + shared->stride + 64;
}

Size
rec_solve_scratch(const void *block)
{
	const RecShared *shared = block;
	Size		size = judge_scratch(shared);

	for (int side = 0; side < 2; side++)
		for (int exact = 0; exact < 2; exact++)
		{
			RecMatrix	matrix;
			RecHalfStep step;

			rec_half_step(shared, side, exact, &matrix, &step);
			size = Max(size, rec_als_scratch_size(&step, shared->sides[side].longest));
		}
	return add_size(size, rec_map_scratch(shared));
}

static void
init_chunk(RecShared *shared, int chunk)
{
	RecSharedSide *side = &shared->sides[shared->side];
	float	   *factors = REC_AT(shared, side->factors, float);
	double		scale = shared->params.init_scale / sqrt(shared->params.factors);
	int64		end = Min(side->nrows, (int64) (chunk + 1) * REC_INIT_ROWS);

	for (int64 r = (int64) chunk * REC_INIT_ROWS; r < end; r++)
		rec_als_init_row(factors + r * shared->stride, shared->params.factors, shared->stride, scale,
						 rec_als_key(shared->params.seed, shared->side, r));
}

static void
gram_chunk(RecShared *shared, int chunk)
{
	RecSharedSide *side = &shared->sides[shared->side];
	int64		first = chunk * side->gram_rows;
	int64		n = Min(side->gram_rows, side->nrows - first);

	rec_als_gram(REC_AT(shared, side->factors, float) + first * shared->stride, n, shared->stride,
				 shared->params.factors,
				 REC_AT(shared, shared->gram_parts, float) + (Size) chunk * shared->stride * shared->stride);
}

static void
rows_chunk(RecShared *shared, int chunk, void *scratch)
{
	const int64 *end = REC_AT(shared, shared->sides[shared->side].chunk_end, int64);
	RecLoss    *loss = REC_AT(shared, shared->losses, RecLoss) + chunk;
	int64		lo = chunk ? end[chunk - 1] : 0;
	RecMatrix	matrix;
	RecHalfStep step;
	RecAlsStatus status;

	rec_half_step(shared, shared->side, shared->exact, &matrix, &step);
	*loss = (RecLoss) {0};
	if (shared->sides[shared->side].map.on && !shared->plain)
	{
		/* the means of the chunk's rows, before the solver's own scratch */
		RecFeatures f = rec_map_features(shared, shared->side);

		rec_map_mean(&f, NULL, REC_AT(shared, shared->sides[shared->side].map.map, float), shared->stride, lo,
					 end[chunk], scratch);
		step.prior = scratch;
		step.prior_row = lo;
		scratch = (char *) scratch + rec_map_scratch(shared);
	}
	status = rec_als_rows(&step, lo, end[chunk], scratch, loss);
	if (status != REC_ALS_OK)
	{
		uint32		none = REC_ALS_OK;

		(void) pg_atomic_compare_exchange_u32(&shared->status, &none, status);
	}
}

static int
compare_items(const void *a, const void *b)
{
	int32		x = *(const int32 *) a,
				y = *(const int32 *) b;

	return (x > y) - (x < y);
}

RecQuality
rec_quality_of(const RecShared *shared, const RecTopK *list, const int32 *relevant, int n)
{
	RecQuality	q = {.rmse = NAN};
	int32		hit[REC_WATCH_MAX_K];
	int			hits = 0;

	for (int r = 0; r < list->n; r++)
		if (bsearch(&list->entry[r].position, relevant, n, sizeof(int32), compare_items) != NULL)
			hit[hits++] = r + 1;
	q.ndcg = rec_list_metric(REC_NDCG, hit, hits, n, shared->judge_k, NULL);
	q.recall = rec_list_metric(REC_RECALL_CAPPED, hit, hits, n, shared->judge_k, NULL);
	q.watched = shared->judge_metric == REC_NDCG ? q.ndcg :
		rec_list_metric(shared->judge_metric, hit, hits, n, shared->judge_k, NULL);
	return q;
}

static RecQuality
judge_explicit(RecShared *shared, int j, const float *user)
{
	const int32 *held = REC_AT(shared, shared->held_start, int32);
	const int32 *item = REC_AT(shared, shared->held_item, int32);
	const float *value = REC_AT(shared, shared->held_value, float);
	const float *items = REC_AT(shared, shared->sides[REC_ITEMS].factors, float);
	int			bias = shared->params.factors;
	double		sum = 0;

	for (int k = held[j]; k < held[j + 1]; k++)
	{
		const float *y = items + (Size) item[k] * shared->stride;
		double		error = value[k] - shared->mean - user[bias] - y[bias];

		for (int c = 0; c < shared->params.factors; c++)
			error -= (double) user[c] * y[c];
		sum += error * error;
	}
	return (RecQuality) {NAN, NAN, sum, NAN};	/* summed squares; the leader divides */
}

/* Those of the items from row `first` on. */
static RecCodes
codes_of(RecShared *shared, int64 first)
{
	return (RecCodes) {
		.code = REC_AT(shared, shared->codes, uint8) + rec_codes_bytes(first, shared->stride),
		.scale = REC_AT(shared, shared->codes_scale, float) + first,
		.error = REC_AT(shared, shared->codes_error, float) + first,
		.length = REC_AT(shared, shared->codes_length, float) + first
	};
}

static void
codes_chunk(RecShared *shared, int chunk)
{
	const RecSharedSide *items = &shared->sides[REC_ITEMS];
	int64		first = (int64) chunk * REC_INIT_ROWS;
	RecCodes	codes = codes_of(shared, first);

	rec_codes_build(&codes, REC_AT(shared, items->factors, float) + first * shared->stride,
					Min(items->nrows - first, REC_INIT_ROWS), shared->stride);
}

static RecQuality
judge_implicit(RecShared *shared, int j, const float *user, void *scratch)
{
	const int32 *held = REC_AT(shared, shared->held_start, int32);
	const int32 *item = REC_AT(shared, shared->held_item, int32);
	const int32 *blocked = REC_AT(shared, shared->blocked_start, int32);
	const int32 *blocked_item = REC_AT(shared, shared->blocked_item, int32);
	int			n = shared->sides[REC_ITEMS].nrows;
	RecScored	best[REC_WATCH_MAX_K];
	RecCodes	codes = codes_of(shared, 0);
	int8	   *work = scratch;
	bool	   *mask = (bool *) (work + TYPEALIGN(64, shared->stride));
	RecTopK		top;

	memset(mask, true, n);
	for (int k = blocked[j]; k < blocked[j + 1]; k++)
		mask[blocked_item[k]] = false;
	rec_topk_init(&top, best, shared->judge_k);
	(void) rec_pick(&codes, REC_AT(shared, shared->sides[REC_ITEMS].factors, float), n, shared->stride, user, mask, &top,
					work);
	rec_topk_sort(&top);
	return rec_quality_of(shared, &top, item + held[j], held[j + 1] - held[j]);
}

static void
judge_chunk(RecShared *shared, int j, void *scratch)
{
	const float *users = REC_AT(shared, shared->sides[REC_USERS].factors, float);
	const float *user = users + (Size) REC_AT(shared, shared->judged_user, int32)[j] * shared->stride;
	RecQuality *q = REC_AT(shared, shared->qualities, RecQuality) + j;

	*q = shared->explicit_feedback ? judge_explicit(shared, j, user) : judge_implicit(shared, j, user, scratch);
}

void
rec_solve_chunk(void *block, int chunk, void *scratch)
{
	RecShared  *shared = block;

	switch (shared->task)
	{
		case REC_TASK_INIT:
			init_chunk(shared, chunk);
			break;
		case REC_TASK_GRAM:
			gram_chunk(shared, chunk);
			break;
		case REC_TASK_ROWS:
			rows_chunk(shared, chunk, scratch);
			break;
		case REC_TASK_CODES:
			codes_chunk(shared, chunk);
			break;
		case REC_TASK_JUDGE:
			judge_chunk(shared, chunk, scratch);
			break;
		case REC_TASK_NORMAL:
		case REC_TASK_RIGHT:
		case REC_TASK_SOLVE:
		case REC_TASK_MEAN:
			rec_map_chunk(shared, chunk, scratch);
			break;
	}
}
