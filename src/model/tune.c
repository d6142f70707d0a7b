/*
 * tune.c
 *		The course of a study. See tune.h.
 *
 * Memory that must survive the commits is in the study's context, whose parent is the portal of the CALL: it goes with it,
 * whatever ends it. The lock is the session's, and the caller's to release. Everything else is of one transaction.
 */
#include "model/tune_run.h"

#include <math.h>

#include "executor/spi.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "model/progress.h"
#include "model/train.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#define TEST_SHARE 0.1			/* of each user's pairs, for the final value */
#define VALIDATION_SHARE 0.2	/* of the rest, for the trials */
#define VALIDATION_USERS 5000	/* at most */
#define FINALISTS 3
#define REPEATS 2				/* of each, with other seeds */

static int
count_search(const RecStudy *s)
{
	ListCell   *lc;
	int			n = 0;

	foreach(lc, s->done)
		n += rec_tune_is_search(lfirst(lc));
	return n;
}

/* The newest share of each user's positive pairs (without times: a random one) for a sample of users. */
static void
choose_validation(RecTuneRun *run)
{
	RecParams	params = rec_params_default(REC_ALS, run->rule.explicit_feedback);

	params.holdout = VALIDATION_SHARE;
	params.seed = run->split_seed;
	rec_holdout_sample(&run->validation, run->pairs, &params, run->rule.explicit_feedback, VALIDATION_USERS, 1.0, 2);
	if (run->validation.nusers == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is too little to tune on"),
				 errdetail("No user has two items with a positive weight.")));
}

static int64
fingerprint(const RecTuneRun *run)
{
	const RecPairs *p = run->pairs;
	uint64		h = rec_mix64(p->n) ^ rec_mix64(((uint64) p->users.n << 32) + p->items.n);

	for (int64 k = 0; k < p->n; k += Max(p->n / 10000, 1))
		h = rec_mix64(h ^ ((uint64) p->pair[k].item << 32) ^ (uint64) (int64) (p->pair[k].net * 1024));
	return (int64) h;
}

/* Once for all trials. */
static void
load(RecTuneRun *run)
{
	RecStudy   *s = run->study;
	RecEvaluation e = {
		.split_given = true, .exclude_seen = true, .least = NAN, .holdout = TEST_SHARE, .metrics_given = true
	};
	RecRole		saved;

	/* the model's seed, not the study's: so studies with several seeds are about the same parts */
	e.seed = run->split_seed = rec_model_params(s->model).seed;
	e.split.kind = s->model->time_column ? REC_SPLIT_LAST : REC_SPLIT_RANDOM;
	e.wanted[s->goal.metric] = true;
	rec_evaluation_check(s->model, &e);
	run->final.context = s->context;
	saved = rec_role_enter(s->model->owner);
	rec_evaluation_load(s->model, &e, &run->final);
	rec_role_leave(&saved);
	MemoryContextSwitchTo(s->context);
	run->pairs = run->final.train;
	run->rule = run->final.rule;
	if (s->goal.k > run->pairs->items.n)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("k = %d is larger than the catalogue", s->goal.k),
				 errdetail("The training part has %d items.", run->pairs->items.n)));
	choose_validation(run);
	s->fingerprint = fingerprint(run);
}

static void
read_space(RecTuneRun *run)
{
	RecStudy   *s = run->study;
	RecParams	params = rec_model_params(s->model),
				own = params;

	rec_train_resolve(&own, run->pairs, run->rule.explicit_feedback);
	if (s->given == NULL)
	{
		params.regularization = params.unobserved_weight = NAN;
		rec_train_resolve(&params, run->pairs, run->rule.explicit_feedback);
		s->space_json = rec_space_default(&params, run->rule.explicit_feedback);
	}
	else
		s->space_json = (Jsonb *) PG_DETOAST_DATUM_COPY(PointerGetDatum(s->given));
	s->space = rec_space_read(s->space_json, params.algorithm, run->rule.explicit_feedback);
	s->own = palloc(s->space->free * sizeof(double));
	rec_space_point(s->space, &own, s->own);
}

/* Ends the transaction, with what the trial has left in rec.trial, and begins the next one. */
static void
commit(void)
{
	PopActiveSnapshot();
	SPI_commit();
	PushActiveSnapshot(GetTransactionSnapshot());
}

static RecTrial *
new_trial(RecTuneRun *run, const char *stage, const double *point, Jsonb *params, int64 seed)
{
	RecStudy   *s = run->study;
	RecTrial   *t = palloc0(sizeof(RecTrial));
	ListCell   *lc;

	foreach(lc, s->done)
		t->number = Max(t->number, ((RecTrial *) lfirst(lc))->number);
	t->number++;
	t->stage = stage;
	t->params = params;
	t->seed = seed;
	if (point)
	{
		t->point = palloc(s->space->free * sizeof(double));
		memcpy(t->point, point, s->space->free * sizeof(double));
	}
	return t;
}

static void
keep(RecTuneRun *run, RecTrial *t)
{
	run->study->done = lappend(run->study->done, t);
	rec_tune_keep(run->study, t);
	commit();
	MemoryContextSwitchTo(run->study->context);
}

static void
announce(RecTuneRun *run, const RecTrial *t)
{
	RecStudy   *s = run->study;
	RecTrial   *best = rec_tune_best(s);
	int			made = count_search(s);
	double		left = run->spent / run->made * (s->trials - made + FINALISTS * REPEATS + 1);

	if (s->budget > 0)
		left = Min(left, Max(s->budget - rec_tune_seconds_since(run->start), 0));
	ereport(NOTICE,
			(errmsg("trial %d of %d: %s %s (%d epochs, %s), best %.4f of trial %d, at most %.0f s left", made, s->trials,
					s->goal.name, isnan(t->value) ? "none" : psprintf("%.4f", t->value), t->epochs, t->stopped,
					best ? best->value : NAN, best ? best->number : 0, left),
			 errdetail("%s", JsonbToCString(NULL, &t->params->root, VARSIZE(t->params)))));
	rec_progress_epoch(made, NAN, best ? best->value : NAN, left);
	rec_progress_note(psprintf("trial %d of %d, best %s %.4f", made, s->trials, s->goal.name, best ? best->value : NAN));
}

/* Whether there is time for one more trial and the work at the end. */
static bool
time_left(const RecTuneRun *run, int trials)
{
	double		each = run->made > 0 ? run->spent / run->made : 0;

	return run->study->budget <= 0 || rec_tune_seconds_since(run->start) + each * trials <= run->study->budget;
}

static void
search(RecTuneRun *run)
{
	RecStudy   *s = run->study;
	double	   *point = palloc(s->space->free * sizeof(double));
	int64		seed = rec_model_params(s->model).seed;

	while (count_search(s) < s->trials)
	{
		RecTrial   *t;

		CHECK_FOR_INTERRUPTS();
		if (rec_tune_best(s) != NULL && !time_left(run, 1 + FINALISTS * REPEATS + 1))
		{
			ereport(NOTICE, (errmsg("the budget ends the search after %d of %d trials", count_search(s), s->trials)));
			break;
		}
		if (!rec_tune_propose(s, point))
		{
			ereport(NOTICE, (errmsg("all points of the space have been tried, after %d trials", count_search(s))));
			break;
		}
		t = new_trial(run, "search", point, rec_space_params(s->space, point), seed);
		if (!rec_tune_trial(run, t))
			break;
		keep(run, t);
		announce(run, t);
	}
}

static RecAlgorithmKind
algorithm_of(const RecStudy *s, const Jsonb *params)
{
	return rec_params_algorithm_in(params, rec_model_params(s->model).algorithm);
}

/* The mean score of a point over the seeds it was tried with, and how many: with weights between items a seed changes nothing. */
static double
mean_score(const RecStudy *s, const RecTrial *of, int *n)
{
	ListCell   *lc;
	double		sum = 0;

	*n = 0;
	foreach(lc, s->done)
	{
		RecTrial   *t = lfirst(lc);

		if (isnan(t->value) || memcmp(t->point, of->point, s->space->free * sizeof(double)) != 0)
			continue;
		sum += rec_tune_score(s, t->value);
		++*n;
	}
	sum /= Max(*n, 1);
	if (algorithm_of(s, of->params) != REC_ALS)
		*n = REPEATS + 1;
	return sum;
}

/* The best trials of the search, best first. */
static int
finalists(const RecStudy *s, RecTrial **best)
{
	int			n = 0;
	ListCell   *lc;

	foreach(lc, s->done)
	{
		RecTrial   *t = lfirst(lc);
		int			at = n;

		if (!rec_tune_is_search(t) || isnan(t->value))
			continue;
		while (at > 0 && rec_tune_score(s, best[at - 1]->value) < rec_tune_score(s, t->value))
			at--;
		if (at >= FINALISTS)
			continue;
		n = Min(n + 1, FINALISTS);
		memmove(best + at + 1, best + at, (n - 1 - at) * sizeof(RecTrial *));
		best[at] = t;
	}
	return n;
}

/* Tries the best few with other seeds, and says which is best on average. */
static RecTrial *
repeat_best(RecTuneRun *run)
{
	RecStudy   *s = run->study;
	RecTrial   *best[FINALISTS],
			   *winner;
	int			n = finalists(s, best),
				seeds;

	if (n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("no trial has a value"),
				 errhint("See the column \"stopped\" of rec.trial.")));
	for (int i = 0; i < n; i++)
		for (int r = 1; r <= REPEATS; r++)
		{
			RecTrial   *t = new_trial(run, "repeat", best[i]->point, best[i]->params, best[i]->seed + r);

			(void) mean_score(s, best[i], &seeds);
			if (seeds > REPEATS || n == 1 || (r == 1 && !time_left(run, REPEATS)))
				continue;
			if (rec_tune_trial(run, t))
				keep(run, t);
		}
	winner = best[0];
	for (int i = 1; i < n; i++)
	{
		int			a,
					b;

		/* one seed against three would let luck win after all */
		double		score = mean_score(s, best[i], &a),
					other = mean_score(s, winner, &b);

		if (a >= b && score > other)
			winner = best[i];
	}
	return winner;
}

/* Trains the winner on all of the base part, and judges it, beside popular items, on the test part. */
static RecTrial *
final(RecTuneRun *run, RecTrial *winner)
{
	RecStudy   *s = run->study;
	RecTrial   *t = new_trial(run, "final", NULL, winner->params, winner->seed);
	RecEvaluation e = {.exclude_seen = true, .least = NAN, .seed = run->split_seed, .nk = s->goal.k > 0 ? 1 : 0, .k = &s->goal.k};
	RecRecommender *popular,
			   *r;
	RecJudge   *j;
	instr_time	start;
	int			column;
	int64		users;

	INSTR_TIME_SET_CURRENT(start);
	e.wanted[s->goal.metric] = true;
	popular = rec_evaluation_baseline(s->model, rec_algorithm_find("popular", true), NULL, &run->final);
	j = rec_evaluation_judge(&run->final, &e);
	r = rec_evaluation_fit(s->model, winner->params, &run->final);
	column = j->first[REC_ITEMS_ALL][s->goal.metric];
	rec_judge_run(j, popular, popular);
	t->baseline = rec_results_mean(j, column, &users);
	rec_judge_run(j, r, popular);
	t->value = rec_results_mean(j, column, &users);
	t->epochs = r->solution ? r->solution->epochs : 0;
	t->history = palloc(Max(t->epochs, 1) * sizeof(double));
	for (int i = 0; i < t->epochs; i++)
		t->history[i] = r->solution->quality[i].watched;
	t->stopped = "finished";
	t->seconds = rec_tune_seconds_since(start);
	rec_recommender_release(r);
	return t;
}

/* The model's params with those of the winner; another algorithm has no use for what there was. */
static Jsonb *
params_with(const RecStudy *s, const RecTrial *winner)
{
	if (algorithm_of(s, winner->params) != rec_model_params(s->model).algorithm)
		return winner->params;
	return DatumGetJsonbP(DirectFunctionCall2(jsonb_concat, JsonbPGetDatum(s->model->params), JsonbPGetDatum(winner->params)));
}

static void
apply(RecStudy *s, const Jsonb *params)
{
	Oid			types[] = {TEXTOID, JSONBOID};
	Datum		values[] = {CStringGetTextDatum(s->model->name), JsonbPGetDatum(params)};

	if (rec_catalog_execute("UPDATE rec.model SET params = $2 WHERE model = $1", 2, types, values, NULL) != 1)
		elog(ERROR, "the row of model \"%s\" is gone", s->model->name);
}

static void
conclude(RecTuneRun *run, RecTrial *winner)
{
	RecStudy   *s = run->study;
	RecTrial   *t = final(run, winner);
	char	   *boundary = rec_space_boundary(s->space, winner->point);
	Jsonb	   *params = params_with(s, winner);

	if (boundary)
		ereport(WARNING,
				(errmsg("the best params lie on the boundary of the space: %s", boundary),
				 errhint("A wider space may hold a better one.")));
	if (s->apply)
		apply(s, params);
	ereport(NOTICE,
			(errmsg("best params: %s", JsonbToCString(NULL, &winner->params->root, VARSIZE(winner->params))),
			 errdetail("%s on a test part that no trial saw: %.4f (%s %.4f).", s->goal.name, t->value,
					   run->rule.explicit_feedback ? "item means" : "popular items", t->baseline),
			 s->apply ? errhint("They are the model's now. SELECT rec.train(%s);", quote_literal_cstr(s->model->name)) :
			 errhint("SELECT rec.alter_model(%s, params => %s); or CALL rec.tune with apply => true.",
					 quote_literal_cstr(s->model->name),
					 quote_literal_cstr(JsonbToCString(NULL, &params->root, VARSIZE(params))))));
	keep(run, t);
}

void
rec_tune_run(RecStudy *s)
{
	RecTuneRun	run = {.study = s};

	INSTR_TIME_SET_CURRENT(run.start);
	PushActiveSnapshot(GetTransactionSnapshot());
	if (s->given)
		(void) rec_space_read(s->given, rec_model_params(s->model).algorithm, s->model->explicit_feedback);	/* an error before the work */
	load(&run);
	read_space(&run);
	rec_tune_resume(s);
	commit();					/* no lock on the events is kept while the trials run */
	MemoryContextSwitchTo(s->context);
	if (s->done)
		ereport(NOTICE, (errmsg("going on with study %d after %d trials", s->number, count_search(s))));
	rec_progress_phase(REC_PHASE_TRAINING, s->trials);
	search(&run);
	rec_progress_phase(REC_PHASE_EVALUATING, s->trials);
	conclude(&run, repeat_best(&run));
	PopActiveSnapshot();
}
