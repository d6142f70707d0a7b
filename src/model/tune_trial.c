/*
 * tune_trial.c
 *		One trial of a study: training a point without the validation pairs, and stopping early. See tune.h.
 *
 * Unpromising trials stop early by successive halving over epochs, in its asynchronous form (Li et al., MLSys 2020): at epochs
 * 2, 4, 8, ... a trial goes on only if it is in the better half of all trials that have been there.
 */
#include "model/tune_run.h"

#include <math.h>

#include "access/xact.h"
#include "core/topk.h"
#include "miscadmin.h"
#include "model/train.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#define LEAST_RIVALS 4			/* at a rung, before a trial is measured against them */

RecTrial *
rec_tune_best(const RecStudy *s)
{
	RecTrial   *best = NULL;
	ListCell   *lc;

	foreach(lc, s->done)
	{
		RecTrial   *t = lfirst(lc);

		if (rec_tune_is_search(t) && !isnan(t->value) &&
			(best == NULL || rec_tune_score(s, t->value) > rec_tune_score(s, best->value)))
			best = t;
	}
	return best;
}

/* The best score of a trial within its first epochs. */
static double
score_within(const RecStudy *s, const RecTrial *t, int epochs)
{
	double		best = -INFINITY;

	for (int e = 0; e < Min(epochs, t->epochs); e++)
		if (!isnan(t->history[e]))
			best = Max(best, rec_tune_score(s, t->history[e]));
	return best;
}

/* At a rung: whether fewer than half of those that were here are better. */
static bool
in_better_half(const RecTuneRun *run, int epoch, double score)
{
	int			rivals = 0,
				better = 0;
	ListCell   *lc;

	foreach(lc, run->study->done)
	{
		RecTrial   *t = lfirst(lc);

		if (!rec_tune_is_search(t) || t->epochs < epoch)
			continue;
		rivals++;
		better += score_within(run->study, t, epoch) > score;
	}
	return rivals < LEAST_RIVALS || 2 * better < rivals + 1;
}

/* After each epoch of a trial; false ends it. */
static bool
go_on(void *state, int epoch, double watched)
{
	RecTuneRun *run = state;
	RecStudy   *s = run->study;

	run->trial->history[run->trial->epochs++] = watched;
	if (!isnan(watched))
		run->best_here = Max(run->best_here, rec_tune_score(s, watched));
	if (s->budget > 0 && rec_tune_seconds_since(run->start) > s->budget)
	{
		if (rec_tune_best(s) == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the budget of %g s is too short for one trial", s->budget),
					 errdetail("The first trial has made %d epochs in %.3g s, loading included.", epoch,
							   rec_tune_seconds_since(run->start)),
					 errhint("Give a longer budget, or none.")));
		run->out_of_time = true;
		return false;
	}
	if (epoch >= 2 && (epoch & (epoch - 1)) == 0 && rec_tune_is_search(run->trial) &&
		!in_better_half(run, epoch, run->best_here))
	{
		run->halved = true;
		return false;
	}
	return true;
}

/* What a recommender without epochs reaches on the validation pairs. */
static double
judge_fitted(const RecTuneRun *run, RecRecommender *r)
{
	const RecPairs *p = run->pairs;
	const RecHoldout *h = &run->validation;
	int			n = p->items.n,
				k = run->study->goal.k;
	float	   *score = palloc_extended(n * sizeof(float), MCXT_ALLOC_HUGE);
	bool	   *mask = palloc_extended(n, MCXT_ALLOC_HUGE);
	RecScored  *list = palloc(k * sizeof(RecScored));
	RecPair    *known = palloc_extended(Max(p->n, 1) * sizeof(RecPair), MCXT_ALLOC_HUGE);
	int32	   *hit = palloc(k * sizeof(int32));
	double		sum = 0;

	memset(mask, true, n);
	for (int j = 0; j < h->nusers; j++)
	{
		RecUserPairs user = {.user = h->user[j], .pair = known};
		int			hits = 0;
		RecTopK		top;

		CHECK_FOR_INTERRUPTS();
		for (int64 a = p->start[h->user[j]]; a < p->start[h->user[j] + 1]; a++)
			if (!h->held[a])
			{
				known[user.n++] = p->pair[a];
				mask[p->pair[a].item] = false;
			}
		rec_topk_init(&top, list, k);
		if (r->score(r, &user, score))
			rec_topk_scan(&top, score, mask, n);
		rec_topk_sort(&top);
		for (int i = 0; i < top.n; i++)
			for (int a = h->start[j]; a < h->start[j + 1]; a++)
				if (p->pair[h->pair[a]].item == list[i].position)
					hit[hits++] = i + 1;
		sum += rec_list_metric(run->study->goal.metric, hit, hits, h->start[j + 1] - h->start[j], k, NULL);
		for (int i = 0; i < user.n; i++)
			mask[known[i].item] = true;
	}
	return sum / h->nusers;
}

/* Trains one point on the base part without the validation pairs. */
static void
train_point(RecTuneRun *run, const RecParams *params)
{
	RecTrial   *t = run->trial;
	RecWatch	watch = {
		.metric = run->rule.explicit_feedback ? REC_NDCG : run->study->goal.metric, .k = Max(run->study->goal.k, 1),
		.rough = true, .go_on = go_on, .state = run
	};
	RecFitInput input = {
		.pairs = run->pairs, .without = &run->validation, .params = params, .rule = run->rule, .watch = &watch,
		.design = run->final.design,
		.context = CurrentMemoryContext
	};
	RecRecommender *r = rec_recommender_fit(rec_algorithm_find(rec_params_algorithm(params), false), &input);

	if (r->solution == NULL)
	{
		RecRecommender *popular = rec_recommender_fit(rec_algorithm_find("popular", true), &input);

		t->baseline = judge_fitted(run, popular);
		(void) go_on(run, 1, judge_fitted(run, r));
	}
	else
		t->baseline = r->solution->baseline.watched;
	if (isfinite(run->best_here))
		t->value = rec_tune_score(run->study, run->best_here);
	t->stopped = run->out_of_time ? "budget" : run->halved ? "halved" :
		t->epochs < params->epochs && r->solution ? "no gain" : "finished";
	rec_recommender_release(r);
}

/*
 * Runs the trial in a subtransaction of its own: one that does not converge is a trial that failed, and no more. False: the
 * time was up before it was done.
 */
bool
rec_tune_trial(RecTuneRun *run, RecTrial *t)
{
	RecStudy   *s = run->study;
	MemoryContext trial = AllocSetContextCreate(s->context, "pg_recommend trial", ALLOCSET_DEFAULT_SIZES);
	ResourceOwner owner = CurrentResourceOwner;
	RecParams	params = rec_model_params(s->model);
	instr_time	start;

	rec_params_read(&params, t->params, run->rule.explicit_feedback);
	params.seed = t->seed;
	rec_train_resolve(&params, run->pairs, run->rule.explicit_feedback);
	t->history = MemoryContextAlloc(s->context, params.epochs * sizeof(double));
	t->epochs = 0;
	t->value = t->baseline = NAN;
	run->trial = t;
	run->best_here = -INFINITY;
	run->halved = run->out_of_time = false;
	INSTR_TIME_SET_CURRENT(start);
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(trial);
	PG_TRY();
	{
		train_point(run, &params);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(s->context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(s->context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(s->context);
		CurrentResourceOwner = owner;
		if (error->sqlerrcode != ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE)
			ReThrowError(error);
		t->value = NAN;
		t->stopped = psprintf("failed: %s", error->message);
	}
	PG_END_TRY();
	t->seconds = rec_tune_seconds_since(start);
	t->stopped = MemoryContextStrdup(s->context, t->stopped);
	MemoryContextDelete(trial);
	run->spent += t->seconds;
	run->made++;
	return !run->out_of_time;
}
