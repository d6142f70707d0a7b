/*
 * parts.c
 *		The parts of an evaluation: events are loaded once and split in memory; attributes are read. See evaluate.h.
 *
 * What may be learnt from the test part is nothing: encoders of attributes and a scaler of the values are fitted to the
 * training part alone.
 */
#include "model/evaluate.h"

#include <math.h>

#include "miscadmin.h"
#include "model/train.h"
#include "model/unscaled.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#define BUY_AGAIN_HALF_LIFE (90.0 * USECS_PER_DAY)	/* the default of buy_again() */

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

/* Encoders are fitted to users and items with events; rows of the others are encoded too, and stand in `cold`. */
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

static RecKeys
with_cold(const RecKeys *keys, const RecDesign *d, MemoryContext context)
{
	RecKeys		all;

	if (d == NULL || d->cold.n == 0)
		return *keys;
	rec_keys_init(&all, &keys->kind, context);
	for (int i = 0; i < keys->n; i++)
		rec_keys_append_from(&all, keys, i);
	for (int i = 0; i < d->cold.n; i++)
		rec_keys_append_from(&all, &d->cold, i);
	rec_keys_make_order(&all);
	return all;
}

void
rec_evaluation_know(RecParts *parts, int warm)
{
	parts->known = (RecKnown) {
		.users = with_cold(&parts->train->users, parts->design[REC_USERS], parts->context),
		.items = with_cold(&parts->train->items, parts->design[REC_ITEMS], parts->context), .warm = warm
	};
}

/* Events in their parts. The values are scaled by a scaler that has not seen the test part. */
static void
split(const RecModel *model, const RecEvaluation *e, RecEvents *events, MemoryContext context, RecEvents **train,
	  RecEvents **test)
{
	/* which pairs are positive, and so can be a user's last ones, must be told before there are parts */
	if (events->unscaled && events->n > 0 && e->split.kind == REC_SPLIT_LAST)
		rec_unscaled_apply(events, rec_unscaled_fit(model, events));
	rec_events_split(events, &e->split, context, train, test);
	if ((*train)->unscaled && (*train)->n > 0)
	{
		char	   *scaler = rec_unscaled_fit(model, *train);

		rec_unscaled_settle(*train, scaler);
		rec_unscaled_settle(*test, scaler);
	}
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
	events = rec_events_load_unscaled(model, &source, context);
	if (events->n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is nothing to evaluate"),
				 events->rows_read == 0 ?
				 errdetail("%s has no rows.", source.relation) :
				 errdetail("None of the %lld rows of %s can be used.", (long long) events->rows_read, source.relation)));
	split(model, e, events, context, &train, &test);
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
	rec_evaluation_know(parts, parts->train->items.n);
	parts->test = rec_test_set(test, parts->train, &parts->known, &parts->rule, &relevance, context);
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

