/*
 * evaluate.c
 *		rec.evaluate: train on one part of the events, rank and judge on the other, beside baselines. See evaluate.h.
 */
#include "model/evaluate.h"

#include <math.h>

#include "miscadmin.h"
#include "model/algorithms.h"
#include "model/progress.h"
#include "model/train.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

pg_attribute_noreturn() static void
no_times(const RecModel *model, const char *split)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("split \"%s\" needs a time column, and model \"%s\" has none", split, model->name),
			 errhint("Name it with rec.alter_model(%s, time_column => ...), or use split => 'random'.",
					 quote_literal_cstr(model->name))));
}

static void
check_split(const RecModel *model, RecEvaluation *e)
{
	RecSplit   *s = &e->split;
	bool		fraction = !isnan(e->holdout) && e->holdout > 0 && e->holdout < 1;

	if (!e->split_given)
		s->kind = model->time_column ? REC_SPLIT_TEMPORAL : REC_SPLIT_RANDOM;
	if (s->kind != REC_SPLIT_RANDOM && model->time_column == NULL)
		no_times(model, s->kind == REC_SPLIT_TEMPORAL ? "temporal" : "last");
	s->seed = e->seed;
	s->any_value = model->explicit_feedback;
	if (s->interval != 0 && s->kind != REC_SPLIT_TEMPORAL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a holdout that is an interval needs split => 'temporal'"),
				 model->time_column ? 0 : errdetail("Model \"%s\" has no time column.", model->name)));
	if (s->kind == REC_SPLIT_LAST && !isnan(e->holdout) && e->holdout >= 1 && e->holdout <= 1e6 &&
		e->holdout == floor(e->holdout))
		s->last = (int) e->holdout;
	else if (!isnan(e->holdout) && !fraction)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid holdout: %g", e->holdout),
				 s->kind == REC_SPLIT_LAST ?
				 errdetail("With split \"last\" it is the number of pairs of each user, or a share of them above 0 and below 1.") :
				 errdetail("It is a share above 0 and below 1%s.",
						   s->kind == REC_SPLIT_TEMPORAL ? ", or an interval before the newest event" : "")));
	else if (fraction)
		s->fraction = e->holdout;
	else if (s->kind == REC_SPLIT_LAST)
		s->last = 1;
	else if (s->interval == 0)
		s->fraction = 0.2;
}

void
rec_evaluation_check_metrics(const RecModel *model, RecEvaluation *e)
{
	for (int m = REC_RMSE; m <= REC_MAE; m++)
	{
		if (e->metrics_given && e->wanted[m] && !model->explicit_feedback)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("metric \"%s\" is for explicit feedback, and model \"%s\" has implicit feedback",
							rec_metric_names[m], model->name)));
		if (!model->explicit_feedback)
			e->wanted[m] = false;
	}
}

void
rec_evaluation_check(const RecModel *model, RecEvaluation *e)
{
	RecParams	params = rec_model_params(model);

	rec_params_read(&params, e->params, model->explicit_feedback);	/* an error before the work */
	check_split(model, e);
	rec_evaluation_check_metrics(model, e);
}

static RecRecommender *
fit(const RecModel *model, const RecAlgorithm *algorithm, const Jsonb *overrides, const RecParts *parts)
{
	RecParams  *params = palloc(sizeof(RecParams));
	RecFitInput input = {
		.pairs = parts->train, .repeats = parts->repeats, .params = params, .rule = parts->rule, .design = parts->design,
		.context = CurrentMemoryContext
	};

	*params = rec_model_params(model);
	rec_params_read(params, overrides, model->explicit_feedback);
	rec_train_resolve(params, parts->train, model->explicit_feedback);
	if (algorithm == NULL)
		algorithm = rec_algorithm_find(rec_params_algorithm(params), false);
	return rec_recommender_fit(algorithm, &input);
}

RecRecommender *
rec_evaluation_fit(const RecModel *model, const Jsonb *overrides, const RecParts *parts)
{
	return fit(model, NULL, overrides, parts);
}

RecRecommender *
rec_evaluation_baseline(const RecModel *model, const RecAlgorithm *algorithm, const Jsonb *overrides, const RecParts *parts)
{
	return fit(model, algorithm, algorithm->ablation ? overrides : NULL, parts);
}

/* Values of k that are asked for must be possible; of the usual ones those that are. */
static int
choose_k(const RecEvaluation *e, int nitems, int *k)
{
	static const int usual[] = {5, 10, 20};
	int			n = 0;

	for (int i = 0; i < e->nk; i++)
	{
		if (e->k[i] > nitems)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("k = %d is larger than the catalogue", e->k[i]),
					 errdetail("There are %d items that can be recommended.", nitems)));
		k[n++] = e->k[i];
	}
	for (int i = 0; e->nk == 0 && i < (int) lengthof(usual); i++)
		if (usual[i] <= nitems)
			k[n++] = usual[i];
	if (n == 0)
		k[n++] = Max(nitems, 1);
	return n;
}

RecJudge *
rec_evaluation_judge(const RecParts *parts, const RecEvaluation *e)
{
	int		   *k = palloc(Max(e->nk, 3) * sizeof(int));
	int			nk = choose_k(e, parts->known.items.n, k);

	return rec_judge_create(parts->train, parts->known.items.n, parts->test, &parts->rule, e->exclude_seen, nk, k, e->wanted,
							parts->context);
}

static void
count_rows(RecResults *results, const RecParts *parts)
{
	const RecTestSet *t = parts->test;

	rec_results_count(results, "training_pairs", parts->train->n, parts->train->users.n);
	rec_results_count(results, "relevant_pairs", t->relevant_pairs, t->n);
	rec_results_count(results, "excluded_pairs", t->excluded_pairs, t->n);
	rec_results_count(results, "unseen_pairs", t->unseen_pairs, t->n);
	rec_results_count(results, "unseen_items", t->unseen_items, t->n);
	rec_results_count(results, "users_without_relevant", t->without, t->without);
}

static void
judge_and_add(RecJudge *j, RecRecommender *r, RecRecommender *popular, const RecSegments *segments, int place,
			  const RecEvaluation *e, RecResults *results)
{
	rec_progress_note(psprintf("ranking with %s", r->name));
	rec_judge_run(j, r, popular);
	rec_results_add(results, j, segments, r->name, place, e->seed);
}

void
rec_evaluation_run(const RecModel *model, const RecEvaluation *e, const RecParts *parts, RecJudge *j,
				   RecRecommender *first, RecRecommender *popular, RecResults *results)
{
	RecSegments *segments = e->segment ? rec_expression_segments(model, parts->test, e->segment) :
		rec_default_segments(j);
	int			place = 0;
	ListCell   *lc;

	rec_progress_phase(REC_PHASE_EVALUATING, 0);
	judge_and_add(j, first, popular, segments, place++, e, results);
	rec_recommender_release(first);
	foreach(lc, e->compare)
	{
		const RecAlgorithm *algorithm = lfirst(lc);
		RecRecommender *r;

		if (strcmp(algorithm->name, first->name) == 0)
			continue;
		r = strcmp(algorithm->name, "popular") == 0 ? popular :
			rec_evaluation_baseline(model, algorithm, e->params, parts);
		judge_and_add(j, r, popular, segments, place++, e, results);
		if (r != popular)
			rec_recommender_release(r);
	}
	count_rows(results, parts);
	rec_results_sort(results);
}

void
rec_evaluation_as_owner(const RecModel *model, const char *done, void (*work) (void *state, MemoryContext context),
						void *state)
{
	MemoryContext caller = CurrentMemoryContext,
				context = AllocSetContextCreate(caller, "pg_recommend evaluation", ALLOCSET_DEFAULT_SIZES);
	RecRole		saved = rec_role_enter(model->owner);

	rec_progress_begin(model->schema);
	PG_TRY();
	{
		work(state, context);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		rec_progress_end(REC_RUN_FAILED, error->message);
		PG_RE_THROW();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	rec_role_leave(&saved);
	rec_progress_end(REC_RUN_DONE, done);
}

typedef struct Work
{
	const RecModel *model;
	RecEvaluation e;
	RecResults *results;
} Work;

static void
evaluate(void *state, MemoryContext context)
{
	Work	   *w = state;
	RecParts	parts = {.context = context};
	RecRecommender *first,
			   *popular;
	RecJudge   *judge;

	rec_evaluation_load(w->model, &w->e, &parts);
	MemoryContextSwitchTo(context);
	rec_progress_phase(REC_PHASE_TRAINING, 0);
	popular = rec_evaluation_baseline(w->model, rec_algorithm_find("popular", true), NULL, &parts);
	judge = rec_evaluation_judge(&parts, &w->e);	/* what is wrong with k or memory is said before the training */
	first = rec_evaluation_fit(w->model, w->e.params, &parts);
	rec_evaluation_run(w->model, &w->e, &parts, judge, first, popular, w->results);
}

/* What attributes are worth is shown where there are some. */
static void
compare_without_attributes(const RecModel *model, RecEvaluation *e)
{
	RecParams	params = rec_model_params(model);

	rec_params_read(&params, e->params, model->explicit_feedback);
	if ((model->item_attributes != NIL || model->user_attributes != NIL) && params.algorithm == REC_ALS)
		e->compare = lappend(e->compare, unconstify(RecAlgorithm *, rec_algorithm_find(REC_WITHOUT_ATTRIBUTES, true)));
}

RecResults *
rec_evaluate_model(Oid schema, const RecEvaluation *given)
{
	RecModel   *model = rec_model_by_schema(schema, false);
	Work		w = {.model = model, .e = *given, .results = rec_results_create()};

	rec_model_require_owner(model, "evaluate");
	rec_evaluation_check(model, &w.e);
	if (!w.e.compare_given)
		compare_without_attributes(model, &w.e);
	rec_evaluation_as_owner(model, "evaluated", evaluate, &w);
	return w.results;
}
