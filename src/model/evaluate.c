/*
 * evaluate.c
 *		rec.evaluate: load once, split in memory, train on one part, rank and judge on the other. See evaluate.h.
 */
#include "model/evaluate.h"

#include <math.h>

#include "miscadmin.h"
#include "model/algorithms.h"
#include "model/progress.h"
#include "model/train.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#define BUY_AGAIN_HALF_LIFE (90.0 * USECS_PER_DAY)	/* the default of buy_again() */

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
fit(const RecAlgorithm *algorithm, const RecParams *params, const RecParts *parts)
{
	RecFitInput input = {
		.pairs = parts->train, .repeats = parts->repeats, .params = params, .rule = parts->rule, .design = parts->design,
		.context = CurrentMemoryContext
	};

	return rec_recommender_fit(algorithm, &input);
}

RecRecommender *
rec_evaluation_fit(const RecModel *model, const Jsonb *overrides, const RecParts *parts)
{
	RecParams  *params = palloc(sizeof(RecParams));

	*params = rec_model_params(model);
	rec_params_read(params, overrides, model->explicit_feedback);
	rec_train_resolve(params, parts->train, model->explicit_feedback);
	return fit(rec_algorithm_find(rec_params_algorithm(params), false), params, parts);
}

static bool
asks_for(const RecEvaluation *e, const char *name)
{
	ListCell   *lc;

	foreach(lc, e->compare)
		if (strcmp(((const RecAlgorithm *) lfirst(lc))->name, name) == 0)
			return true;
	return false;
}

/* The training part as buy_again() sums it: with its own half-life, each event of an explicit model counting 1. */
static RecPairs *
build_repeats(const RecEvents *train, const RecSumRule *rule, MemoryContext context)
{
	RecEvents  *copy = rec_events_copy(train, context);
	RecSumRule	own = {.has_time = train->has_time, .newest = train->newest, .half_life = BUY_AGAIN_HALF_LIFE};

	for (int c = 0; rule->explicit_feedback && c < copy->nchunks; c++)
		for (int k = 0; k < copy->chunks[c]->n; k++)
			copy->chunks[c]->value[k] = 1;
	return rec_pairs_build(copy, &own, context);
}

/* Of users and items with events; what is known by attributes alone stays cold here. */
static void
read_attributes(const RecModel *model, RecParts *parts)
{
	List	   *warnings = NIL;

	if (model->item_attributes == NIL && model->user_attributes == NIL)
		return;
	for (int side = 0; side < 2; side++)
		parts->design[side] = rec_design_read(model, side, side == REC_USERS ? &parts->train->users : &parts->train->items,
											  &warnings, parts->context);
}

void
rec_evaluation_load(const RecModel *model, const RecEvaluation *e, RecParts *parts)
{
	MemoryContext context = parts->context;
	RecEventSource source;
	RecEvents  *events,
			   *train,
			   *test;
	RecRelevance relevance = {.exclude_seen = e->exclude_seen, .least = e->least, .seed = e->seed};

	rec_event_source(model, &source, false);
	events = rec_events_load(model, &source, context);
	if (events->n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is nothing to evaluate"),
				 events->rows_read == 0 ?
				 errdetail("%s has no rows.", source.relation) :
				 errdetail("None of the %lld rows of %s can be used.", (long long) events->rows_read, source.relation)));
	rec_events_split(events, &e->split, context, &train, &test);
	if (train->n == 0 || test->n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the holdout leaves nothing to %s", train->n == 0 ? "train on" : "test on"),
				 errdetail("Of %lld events, %lld are for training and %lld for the test.", (long long) events->n,
						   (long long) train->n, (long long) test->n),
				 errhint("Choose another holdout or split.")));
	parts->rule = rec_train_rule(model, train);
	if (asks_for(e, "buy_again"))
		parts->repeats = build_repeats(train, &parts->rule, context);
	parts->train = rec_pairs_build(train, &parts->rule, context);
	read_attributes(model, parts);
	parts->test = rec_test_set(test, parts->train, &parts->rule, &relevance, context);
	if (parts->test->relevant_pairs == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the holdout leaves nothing to test on"),
				 errdetail("None of the %lld events of the test part makes an item relevant to a user.%s",
						   (long long) test->n, parts->test->excluded_pairs > 0 ?
						   " Users had these items in the training part already, and recommend() leaves them out." : ""),
				 errhint("%s", parts->test->excluded_pairs > 0 ? "Where repetitions are what counts, evaluate with exclude_seen => false." :
						 "Choose another holdout or split.")));
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
					 errdetail("The training part has %d items.", nitems)));
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
	int			nk = choose_k(e, parts->train->items.n, k);

	return rec_judge_create(parts->train, parts->test, &parts->rule, e->exclude_seen, nk, k, e->wanted, parts->context);
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
	RecParams	params = rec_model_params(model);
	int			place = 0;
	ListCell   *lc;

	rec_progress_phase(REC_PHASE_EVALUATING, 0);
	judge_and_add(j, first, popular, segments, place++, e, results);
	rec_recommender_release(first);
	rec_train_resolve(&params, parts->train, model->explicit_feedback);
	foreach(lc, e->compare)
	{
		const RecAlgorithm *algorithm = lfirst(lc);
		RecRecommender *r;

		if (strcmp(algorithm->name, first->name) == 0)
			continue;
		r = strcmp(algorithm->name, "popular") == 0 ? popular : fit(algorithm, &params, parts);
		judge_and_add(j, r, popular, segments, place++, e, results);
		if (r != popular)
			rec_recommender_release(r);
	}
	count_rows(results, parts);
	rec_results_sort(results);
}

static void
evaluate(const RecModel *model, RecEvaluation *e, RecParts *parts, RecResults *results)
{
	RecRecommender *first,
			   *popular;
	RecParams	params = rec_model_params(model);
	RecJudge   *judge;

	rec_evaluation_load(model, e, parts);
	MemoryContextSwitchTo(parts->context);
	rec_progress_phase(REC_PHASE_TRAINING, 0);
	popular = fit(rec_algorithm_find("popular", true), &params, parts);
	judge = rec_evaluation_judge(parts, e);	/* what is wrong with k or memory is said before the training */
	first = rec_evaluation_fit(model, e->params, parts);
	rec_evaluation_run(model, e, parts, judge, first, popular, results);
}

RecResults *
rec_evaluate_model(Oid schema, const RecEvaluation *given)
{
	RecModel   *model = rec_model_by_schema(schema, false);
	RecEvaluation e = *given;
	RecResults *results = palloc0(sizeof(RecResults));
	RecParts	parts = {0};
	MemoryContext caller = CurrentMemoryContext;
	RecRole		saved;

	rec_model_require_owner(model, "evaluate");
	rec_evaluation_check(model, &e);
	parts.context = AllocSetContextCreate(caller, "pg_recommend evaluation", ALLOCSET_DEFAULT_SIZES);
	results->row = palloc((results->room = 64) * sizeof(RecResult));
	saved = rec_role_enter(model->owner);
	rec_progress_begin(schema);
	PG_TRY();
	{
		evaluate(model, &e, &parts, results);
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
	rec_progress_end(REC_RUN_DONE, "evaluated");
	return results;
}
