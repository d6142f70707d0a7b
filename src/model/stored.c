/*
 * stored.c
 *		rec.evaluate_version: a stored version judged on events that came after it, or on another relation. See evaluate.h.
 *
 * The version's history and factors of all users are read into memory in the form in which a training has them; then all
 * goes as for rec.evaluate.
 */
#include "model/stored.h"

#include <math.h>

#include "access/table.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "model/algorithms.h"
#include "model/attribute_store.h"
#include "model/many.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

typedef struct Builder
{
	RecStored  *stored;
	int64		pairs_room;
	int64		users_room;
	char	   *block;			/* of the users' factors, as allocated */
	float	   *users;
} Builder;

static void
reserve_users(Builder *b, int stride)
{
	RecPairs   *p = b->stored->pairs;
	int64		room = Max(b->users_room * 2, 1024);
	char	   *block;
	float	   *users;

	if (p->users.n + 1 < b->users_room)
		return;
	rec_check_memory(add_size(p->held, mul_size(mul_size(room, stride), sizeof(float))), "Reading a stored version");
	block = palloc_extended(mul_size(room, stride * sizeof(float)) + 64, MCXT_ALLOC_HUGE);
	users = (float *) TYPEALIGN(64, (uintptr_t) block);
	if (b->block)
	{
		memcpy(users, b->users, (Size) p->users.n * stride * sizeof(float));
		pfree(b->block);
	}
	b->block = block;
	b->users = users;
	p->start = p->start ? repalloc_huge(p->start, mul_size(room + 1, sizeof(int64))) :
		palloc_extended(mul_size(room + 1, sizeof(int64)), MCXT_ALLOC_HUGE);
	p->start[0] = 0;
	b->users_room = room;
}

static void
reserve_pairs(Builder *b, int more)
{
	RecPairs   *p = b->stored->pairs;

	if (p->n + more <= b->pairs_room)
		return;
	b->pairs_room = Max(b->pairs_room * 2, Max(p->n + more, 65536));
	p->held = mul_size(b->pairs_room, sizeof(RecPair));
	rec_check_memory(p->held, "Reading a stored version");
	p->pair = p->pair ? repalloc_huge(p->pair, p->held) : palloc_extended(p->held, MCXT_ALLOC_HUGE);
}

static void
add_user(Builder *b, const RecStoredUser *user, int stride)
{
	RecPairs   *p = b->stored->pairs;

	reserve_users(b, stride);
	reserve_pairs(b, user->n);
	memcpy(b->users + (Size) p->users.n * stride, user->factors, stride * sizeof(float));
	for (int i = 0; i < user->n; i++)
		p->pair[p->n++] = (RecPair) {user->item[i], user->net[i]};
	rec_keys_append(&p->users, user->key);
	p->start[p->users.n] = p->n;
}

/* The users' keys, histories and factors. */
static void
read_users(const RecModel *model, Builder *b)
{
	RecServing *s = b->stored->serving;
	Relation	rel = rec_model_open(model, "user_factors", AccessShareLock);
	Form_pg_attribute key = TupleDescAttr(RelationGetDescr(rel), 1);
	MemoryContext row = AllocSetContextCreate(CurrentMemoryContext, "pg_recommend user", ALLOCSET_DEFAULT_SIZES);
	RecUserReader *reader;
	RecKeyType	kind;

	rec_key_type(&kind, key->atttypid, key->attcollation, "user", CurrentMemoryContext);
	rec_keys_init(&b->stored->pairs->users, &kind, CurrentMemoryContext);
	reserve_users(b, s->stride);
	reader = rec_user_reader_open(model, s, &kind, NULL);
	for (;;)
	{
		RecStoredUser user;
		MemoryContext old = MemoryContextSwitchTo(row);
		bool		more = rec_user_reader_next(reader, &user);

		MemoryContextSwitchTo(old);
		if (!more)
			break;
		CHECK_FOR_INTERRUPTS();
		add_user(b, &user, s->stride);
		MemoryContextReset(row);
	}
	rec_user_reader_close(reader);
	table_close(rel, AccessShareLock);
	MemoryContextDelete(row);
	rec_keys_make_order(&b->stored->pairs->users);
}

static RecStored *
read_version(const RecModel *model, int version)
{
	RecStored  *stored = palloc0(sizeof(RecStored));
	RecVersion	found = rec_version_get(model, version);
	Builder		b = {.stored = stored};
	RecServing *s;

	if (found.version == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("model \"%s\" has no version to evaluate", model->name),
				 errhint("SELECT rec.train(%s);", quote_literal_cstr(model->name))));
	s = stored->serving = rec_serving_get(model, &found);
	stored->pairs = palloc0(sizeof(RecPairs));
	stored->pairs->items = s->keys;
	reserve_pairs(&b, 1);
	read_users(model, &b);
	stored->solution = (RecSolution) {
		.factors = s->params.factors, .stride = s->stride, .users = b.users, .items = s->items, .gram = s->gram,
		.map = {s->map[REC_USERS], s->map[REC_ITEMS]}, .mean = s->mean,
		.memory = (Size) b.users_room * s->stride * sizeof(float)
	};
	return stored;
}

RecRecommender *
rec_stored_recommender(const RecStored *stored, const RecParts *parts)
{
	RecFitInput input = {.pairs = stored->pairs, .rule = parts->rule, .design = parts->design, .context = parts->context};

	if (stored->serving->weights.start)
		return rec_recommender_of_weights(&stored->serving->weights, &stored->serving->params, &stored->serving->rule,
										  stored->serving->by_popularity);
	return rec_recommender_of_factors(&stored->solution, &input);
}

/* A boundary in the clock of the time column. */
static int64
boundary_of(const RecEventSource *source, TimestampTz since)
{
	if (source->time_type == TIMESTAMPOID || source->time_type == DATEOID)
		return DatumGetTimestamp(DirectFunctionCall1(timestamptz_timestamp, TimestampTzGetDatum(since)));
	return since;
}

/* The events after a boundary; all of the others are dropped. */
static RecEvents *
events_after(RecEvents *events, int64 boundary, MemoryContext context)
{
	RecSplit	split = {.kind = REC_SPLIT_TEMPORAL, .has_boundary = true, .boundary = boundary};
	RecEvents  *before,
			   *after;

	rec_events_split(events, &split, context, &before, &after);
	return after;
}

static RecTestSet *
read_test(const RecModel *model, const RecStored *stored, const RecTestSource *from, const RecEvaluation *e,
		  const RecParts *parts)
{
	RecEventSource source;
	RecEvents  *events;
	RecTestSet *test;
	RecRelevance relevance = {.exclude_seen = e->exclude_seen, .least = e->least, .seed = e->seed};
	const RecSumRule *rule = &stored->serving->rule;
	RecModel	scaled = *model;
	MemoryContext context = parts->context;
	int64		read;

	scaled.value_scaler = stored->serving->value_scaler;	/* as it was fitted then */
	rec_event_source(model, &source, false);
	rec_event_source_check_keys(model, &source);
	if ((from->has_since || !from->other) && !OidIsValid(source.time_type))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("model \"%s\" has no time column, so new events cannot be told from old ones", model->name),
				 errhint("Give a relation that holds only new events: events => 'schema.relation'.")));
	events = rec_events_load(&scaled, &source, context);
	read = events->n;
	if (from->has_since)
		events = events_after(events, boundary_of(&source, from->since), context);
	else if (!from->other)
		events = events_after(events, rule->has_time ? from->newest : PG_INT64_MIN, context);
	test = rec_test_set(events, stored->pairs, &parts->known, rule, &relevance, context);
	if (test->relevant_pairs == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is nothing to test version %d on", stored->serving->version),
				 errdetail("Of %lld events of %s, none makes an item relevant to a user%s.", (long long) read,
						   source.relation, from->has_since ? " after the time given" :
						   from->other ? "" : " after the newest event of the version"),
				 test->excluded_pairs > 0 ?
				 errhint("%lld pairs were left out because the user had the item before; see exclude_seen.",
						 (long long) test->excluded_pairs) : 0));
	return test;
}

/* Users whom the version does not know, but whose attributes can be read. */
static void
read_attributes(const RecModel *model, RecStored *stored, RecParts *parts)
{
	RecServing *s = stored->serving;
	RecAttributes *list = s->map[REC_USERS] && model->users_relation ?
		rec_attributes_stored(model, s->version, REC_USERS) : NULL;

	if (list)
		parts->design[REC_USERS] = rec_design_encode(model, list, &stored->pairs->users, parts->context);
}

RecStored *
rec_stored_parts(const RecModel *model, int version, const RecTestSource *from, const RecEvaluation *e, RecParts *parts)
{
	RecStored  *stored = read_version(model, version);
	RecTestSource source = *from;

	parts->train = stored->pairs;
	parts->rule = stored->serving->rule;
	read_attributes(model, stored, parts);
	rec_evaluation_know(parts, stored->serving->warm);
	if (!source.has_newest)
		source.newest = parts->rule.newest;
	parts->test = read_test(model, stored, &source, e, parts);
	return stored;
}

RecRecommender *
rec_stored_popular(const RecStored *stored, const RecParts *parts)
{
	RecFitInput input = {.pairs = parts->train, .rule = parts->rule, .context = parts->context};

	return rec_recommender_of_popularity(stored->serving->popularity, &input);
}

typedef struct Work
{
	const RecModel *model;
	int			version;
	const RecTestSource *source;
	RecEvaluation e;
	RecResults *results;
} Work;

static void
evaluate(void *state, MemoryContext context)
{
	Work	   *w = state;
	MemoryContext old = MemoryContextSwitchTo(context);
	RecParts	parts = {.context = context};
	RecStored  *stored = rec_stored_parts(w->model, w->version, w->source, &w->e, &parts);

	rec_evaluation_run(w->model, &w->e, &parts, rec_evaluation_judge(&parts, &w->e),
					   rec_stored_recommender(stored, &parts), rec_stored_popular(stored, &parts), w->results);
	rec_serving_release(stored->serving);
	MemoryContextSwitchTo(old);
}

/* A version has no twin without its attributes. */
static void
refuse_ablations(const RecEvaluation *e)
{
	ListCell   *lc;

	foreach(lc, e->compare)
		if (((const RecAlgorithm *) lfirst(lc))->ablation)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a version cannot be compared with \"%s\"", ((const RecAlgorithm *) lfirst(lc))->name),
					 errhint("rec.evaluate can, which trains both.")));
}

RecResults *
rec_evaluate_stored(const RecModel *model, int version, const RecTestSource *source, const RecEvaluation *given)
{
	Work		w = {.model = model, .version = version, .source = source, .e = *given, .results = rec_results_create()};

	rec_model_require_owner(model, "evaluate");
	refuse_ablations(&w.e);
	rec_evaluation_check_metrics(model, &w.e);
	rec_evaluation_as_owner(model, "evaluated", evaluate, &w);
	return w.results;
}
