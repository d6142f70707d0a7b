/*
 * solve.c
 *		The leader of a training: workers, epochs, holdout, early stopping, the final half-step.
 *
 * Phases: (1) plan the block and look for shared memory, (2) fill it, (3) enter parallel mode and launch workers,
 * (4) epochs: Gram of the items, users, Gram of the users, items, holdout, (5) the exact user half-step against the
 * chosen item factors with every pair, (6) leave parallel mode; the block stays until the version is stored. Nothing
 * is read from or written to a table in between. See solve_shared.h for how work is shared.
 */
#include "model/solve_shared.h"

#include <math.h>

#include "core/topk.h"
#include "miscadmin.h"
#include "model/progress.h"
#include "model/settings.h"
#include "portability/instr_time.h"
#include "utils/memutils.h"

struct RecTraining
{
	const RecWatch *watch;		/* NULL: announce the epochs */
	RecCrew    *crew;
	RecShared  *shared;			/* the crew's block */
};

const char *
rec_als_error(int status)
{
	return status == REC_ALS_NOT_FINITE ?
		"Weights or factors became too large for single precision." :
		"The normal equations of a row have no unique solution.";
}

RecShared *
rec_training_shared(RecTraining *t)
{
	return t->shared;
}

void
rec_run_task(RecTraining *t, RecTask task, RecSide side, int nchunks)
{
	RecShared  *s = t->shared;
	uint32		status;

	s->task = task;
	s->side = side;
	rec_crew_run(t->crew, nchunks);
	status = pg_atomic_read_u32(&s->status);
	if (status != REC_ALS_OK)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("the training does not converge"),
				 errdetail("%s", rec_als_error(status)),
				 errhint("Raise regularization, or use weight_transform \"log1p\" where values are large.")));
}

static RecLoss
half_epoch(RecTraining *t, RecSide side)
{
	RecShared  *s = t->shared;
	RecSide		other = side == REC_USERS ? REC_ITEMS : REC_USERS;
	const RecLoss *chunk = REC_AT(s, s->losses, RecLoss);
	RecLoss		sum = {0};

	if (!s->explicit_feedback)
	{
		rec_run_task(t, REC_TASK_GRAM, other, s->sides[other].ngram);
		rec_als_gram_sum(REC_AT(s, s->gram_parts, float), s->sides[other].ngram, s->stride,
						 s->params.unobserved_weight, REC_AT(s, s->gram, float));
	}
	rec_run_task(t, REC_TASK_ROWS, side, s->sides[side].nchunks);
	for (int c = 0; c < s->sides[side].nchunks; c++)
	{
		sum.objective += chunk[c].objective;
		sum.penalty += chunk[c].penalty;
	}
	return sum;
}

static RecQuality
mean_quality(RecShared *s)
{
	const RecQuality *q = REC_AT(s, s->qualities, RecQuality);
	RecQuality	mean = {NAN, NAN, NAN, NAN};
	double		ndcg = 0,
				recall = 0,
				squares = 0,
				watched = 0;

	if (s->judged == 0)
		return mean;
	for (int j = 0; j < s->judged; j++)
	{
		ndcg += q[j].ndcg;
		recall += q[j].recall;
		squares += q[j].rmse;
		watched += q[j].watched;
	}
	if (s->explicit_feedback)
		mean.watched = mean.rmse = sqrt(squares / REC_AT(s, s->held_start, int32)[s->judged]);
	else
	{
		mean.ndcg = ndcg / s->judged;
		mean.recall = recall / s->judged;
		mean.watched = watched / s->judged;
	}
	return mean;
}

static RecQuality
judge(RecTraining *t)
{
	RecShared  *s = t->shared;

	if (s->judged > 0 && !s->explicit_feedback)
		rec_run_task(t, REC_TASK_CODES, REC_ITEMS, (s->sides[REC_ITEMS].nrows + REC_INIT_ROWS - 1) / REC_INIT_ROWS);
	if (s->judged > 0)
		rec_run_task(t, REC_TASK_JUDGE, REC_USERS, s->judged);
	return mean_quality(t->shared);
}

/* What popularity (explicit: the mean of each item) reaches on the holdout. */
static RecQuality
judge_baseline(RecShared *s, const RecPairs *pairs, const RecHoldout *holdout, const RecSumRule *rule)
{
	int			n = pairs->items.n;
	float	   *popularity = palloc_extended(Max(n, 1) * sizeof(float), MCXT_ALLOC_HUGE);
	const int32 *held = REC_AT(s, s->held_start, int32);
	const int32 *item = REC_AT(s, s->held_item, int32);
	const int32 *blocked = REC_AT(s, s->blocked_start, int32);
	RecQuality *q = REC_AT(s, s->qualities, RecQuality);
	RecQuality	mean;

	if (s->judged == 0)
		return mean_quality(s);
	if (s->explicit_feedback)
	{
		const int64 *start = REC_AT(s, s->sides[REC_ITEMS].start, int64);
		const float *value = REC_AT(s, s->sides[REC_ITEMS].value, float);

		for (int i = 0; i < n; i++)
		{
			double		sum = 0;

			for (int64 k = start[i]; k < start[i + 1]; k++)
				sum += value[k];
			popularity[i] = start[i + 1] > start[i] ? (float) (sum / (start[i + 1] - start[i])) : s->mean;
		}
	}
	else
		rec_fallback_popularity(pairs, holdout, rule, popularity);
	for (int j = 0; j < s->judged; j++)
	{
		RecScored  *best;
		RecTopK		top;
		const int32 *seen = REC_AT(s, s->blocked_item, int32) + blocked[j];
		int			nseen = blocked[j + 1] - blocked[j];

		CHECK_FOR_INTERRUPTS();
		if (s->explicit_feedback)
		{
			double		squares = 0;

			for (int k = held[j]; k < held[j + 1]; k++)
				squares += pow(REC_AT(s, s->held_value, float)[k] - popularity[item[k]], 2);
			q[j] = (RecQuality) {NAN, NAN, squares, NAN};
			continue;
		}
		best = palloc(s->judge_k * sizeof(RecScored));
		rec_topk_init(&top, best, s->judge_k);
		for (int i = 0; i < n; i++)
		{
			if (nseen > 0 && *seen == i)
			{
				seen++;
				nseen--;
				continue;
			}
			rec_topk_offer(&top, popularity[i], i);
		}
		rec_topk_sort(&top);
		q[j] = rec_quality_of(s, &top, item + held[j], held[j + 1] - held[j]);
		pfree(best);
	}
	pfree(popularity);
	mean = mean_quality(s);
	return mean;
}

static double
seconds_since(instr_time start)
{
	instr_time	now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, start);
	return INSTR_TIME_GET_DOUBLE(now);
}

static void
announce(const RecSolution *r, int epoch, int epochs, double seconds, double left, bool explicit_feedback)
{
	const RecQuality *q = &r->quality[epoch - 1];
	char		metric[128] = "";

	if (explicit_feedback && !isnan(q->rmse))
		snprintf(metric, sizeof(metric), ", holdout rmse %.4f (item means %.4f)", q->rmse, r->baseline.rmse);
	else if (!explicit_feedback && !isnan(q->ndcg))
		snprintf(metric, sizeof(metric), ", holdout ndcg@10 %.4f (popular items %.4f)", q->ndcg, r->baseline.ndcg);
	ereport(NOTICE,
			(errmsg("epoch %d of %d: loss %.6g%s, %.2f s, at most %.0f s left", epoch, epochs,
					r->loss[epoch - 1], metric, seconds, left)));
	rec_progress_epoch(epoch, r->loss[epoch - 1], explicit_feedback ? q->rmse : q->ndcg, left);
}

static bool
better(RecQuality a, RecQuality b, bool explicit_feedback)
{
	return explicit_feedback ? a.watched < b.watched : a.watched > b.watched;
}

/* The map of a side follows its factors; nothing happens without attributes, and before the strength is chosen. */
static void
follow(RecTraining *t, RecSide side)
{
	if (t->shared->sides[side].map.on)
		rec_map_fit(t, side);
}

#define FREE_EPOCHS 2			/* without attributes: so long until factors mean something */

static void
run_epochs(RecTraining *t, RecSolution *r)
{
	RecShared  *s = t->shared;
	Size		items_size = mul_size(s->sides[REC_ITEMS].nrows, s->stride * sizeof(float));
	float	   *items = REC_AT(s, s->sides[REC_ITEMS].factors, float);
	instr_time	start;

	INSTR_TIME_SET_CURRENT(start);
	for (int side = 0; side < 2; side++)
		rec_run_task(t, REC_TASK_INIT, side, (s->sides[side].nrows + REC_INIT_ROWS - 1) / REC_INIT_ROWS);
	for (int epoch = 1; epoch <= s->params.epochs; epoch++)
	{
		double		before = seconds_since(start);
		RecLoss		users = half_epoch(t, REC_USERS);
		RecLoss		items_loss;
		double		now;
		bool		keep_going;

		follow(t, REC_USERS);
		items_loss = half_epoch(t, REC_ITEMS);
		follow(t, REC_ITEMS);
		if (epoch == FREE_EPOCHS)
			for (int side = 0; side < 2; side++)
				rec_map_choose(t, side, false);
		r->loss[epoch - 1] = users.penalty + items_loss.objective;
		r->quality[epoch - 1] = judge(t);
		r->epochs = epoch;
		now = seconds_since(start);
		if (t->watch == NULL)
			announce(r, epoch, s->params.epochs, now - before, now / epoch * (s->params.epochs - epoch),
					 s->explicit_feedback);
		keep_going = t->watch == NULL || t->watch->go_on == NULL ||
			t->watch->go_on(t->watch->state, epoch, r->quality[epoch - 1].watched);
		if (s->judged == 0)
			r->best_epoch = epoch;
		else if (r->best_epoch == 0 || better(r->quality[epoch - 1], r->quality[r->best_epoch - 1], s->explicit_feedback))
		{
			r->best_epoch = epoch;
			memcpy(REC_AT(s, s->best_items, float), items, items_size);
		}
		else if (s->params.patience > 0 && epoch - r->best_epoch >= s->params.patience)
			break;
		if (!keep_going)
			break;
	}
	if (s->judged > 0 && r->best_epoch != r->epochs)
		memcpy(items, REC_AT(s, s->best_items, float), items_size);
}

/*
 * The maps that are kept. Factors that were drawn to a map are no witnesses of it, so it is fitted to factors that were
 * not: of each side one half-step as if there were no attributes. The items go back to what they were.
 */
static void
final_maps(RecTraining *t)
{
	RecShared  *s = t->shared;
	Size		items_size = mul_size(s->sides[REC_ITEMS].nrows, s->stride * sizeof(float));

	if (s->sides[REC_ITEMS].map.n > 0)
	{
		float	   *items = REC_AT(s, s->sides[REC_ITEMS].factors, float);

		memcpy(REC_AT(s, s->best_items, float), items, items_size);
		s->plain = true;
		(void) half_epoch(t, REC_ITEMS);
		s->plain = false;
		rec_map_choose(t, REC_ITEMS, true);
		memcpy(items, REC_AT(s, s->best_items, float), items_size);
	}
	if (s->sides[REC_USERS].map.n > 0)
	{
		s->plain = true;
		(void) half_epoch(t, REC_USERS);
		s->plain = false;
		rec_map_choose(t, REC_USERS, true);
	}
}

/*
 * Users against the final items, exactly and with every pair: then a folded-in user gets the very same factors. Returns the noise:
 * the weighted squares that are left for each observation, as least squares estimate it. All pairs are observations of implicit feedback.
 */
static double
final_half_step(RecTraining *t, const RecPairs *pairs)
{
	RecShared  *s = t->shared;
	RecLoss		loss;
	double		noise;

	if (s->judged > 0)			/* else nothing was held out */
		rec_shared_refill_users(s, pairs);
	final_maps(t);
	s->exact = true;
	loss = half_epoch(t, REC_USERS);
	noise = (loss.objective - loss.penalty) /
		(s->explicit_feedback ? (double) REC_AT(s, s->sides[REC_USERS].start, int64)[s->sides[REC_USERS].nrows] :
		 (double) s->sides[REC_USERS].nrows * s->sides[REC_ITEMS].nrows);
	return noise < 0 ? 0 : noise;	/* rounding, where nothing is left */
}

RecSolution *
rec_solve(const RecPairs *pairs, const RecHoldout *holdout, const RecParams *params, const RecSumRule *rule,
		  const RecWatch *watch, RecDesign *const *design)
{
	RecSolution *r = palloc0(sizeof(RecSolution));
	RecTraining *t = palloc0(sizeof(RecTraining));
	RecDesign  *none[2] = {NULL, NULL};
	RecShared	plan;
	instr_time	start;

	t->watch = watch;
	rec_shared_plan(&plan, pairs, holdout, params, rule, design ? design : none);
	plan.judge_metric = watch ? watch->metric : REC_NDCG;
	plan.judge_k = watch ? watch->k : REC_METRIC_K;
	r->memory = plan.crew.size;
	rec_check_memory(add_size(pairs->held, plan.crew.size), "Training");
	r->loss = palloc(params->epochs * sizeof(double));
	r->quality = palloc(params->epochs * sizeof(RecQuality));
	INSTR_TIME_SET_CURRENT(start);
	t->crew = rec_crew_create(&plan.crew, sizeof(plan), (double) plan.nnz * params->factors * params->epochs);
	t->shared = rec_crew_block(t->crew);
	pg_atomic_init_u32(&t->shared->status, REC_ALS_OK);
	rec_shared_fill(t->shared, pairs, holdout, design ? design : none);
	r->fill_seconds = seconds_since(start);
	if (t->shared->nnz == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is nothing to train on"),
				 errdetail("No pair of a user and an item has a weight other than zero."),
				 errhint("See the columns null_keys, bad_values and unweighted of the NOTICE above, and the event weights.")));
	r->baseline = judge_baseline(t->shared, pairs, holdout, rule);
	rec_crew_launch(t->crew);
	r->workers = rec_crew_workers(t->crew);
	run_epochs(t, r);
	if (watch == NULL || !watch->rough)
		r->noise = final_half_step(t, pairs);
	rec_crew_finish(t->crew);

	r->factors = params->factors;
	r->stride = t->shared->stride;
	r->users = REC_AT(t->shared, t->shared->sides[REC_USERS].factors, float);
	r->items = REC_AT(t->shared, t->shared->sides[REC_ITEMS].factors, float);
	r->gram = t->shared->explicit_feedback ? NULL : REC_AT(t->shared, t->shared->gram, float);
	r->mean = t->shared->mean;
	for (int side = 0; side < 2; side++)
	{
		const struct RecSharedMap *map = &t->shared->sides[side].map;

		r->map[side] = map->on ? REC_AT(t->shared, map->map, float) : NULL;
		r->ridge[side] = map->ridge;
	}
	r->private = t;
	return r;
}

void
rec_solve_release(RecSolution *r)
{
	RecTraining *t = r->private;

	if (t == NULL)				/* item weights */
		return;
	rec_crew_release(t->crew);
	r->private = NULL;
	r->users = r->items = r->gram = r->map[REC_USERS] = r->map[REC_ITEMS] = NULL;
}
