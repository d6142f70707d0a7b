/*
 * train.c
 *		The training pipeline: read events, make pairs, solve, store, activate. See train.h.
 *
 * All of it runs in the caller's transaction as the model's owner under SECURITY_RESTRICTED_OPERATION, so an error or a
 * cancel at any point leaves the former version active and nothing behind.
 */
#include "model/train.h"

#include <math.h>

#include "access/xact.h"
#include "miscadmin.h"
#include "model/context.h"
#include "model/events.h"
#include "model/linear.h"
#include "model/monitor.h"
#include "model/progress.h"
#include "portability/instr_time.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

RecParams
rec_model_params(const RecModel *model)
{
	RecParams	params = rec_params_default(REC_ALS, model->explicit_feedback);

	rec_params_read(&params, model->params, model->explicit_feedback);
	return params;
}

static void
warn(RecRun *run, char *message)
{
	run->warnings = lappend(run->warnings, message);
}

static int
count_single(const int32 *events, int n)
{
	int			single = 0;

	for (int i = 0; i < n; i++)
		single += events[i] == 1;
	return single;
}

static void
warn_unweighted(RecRun *run, const RecEvents *e)
{
	StringInfoData s;

	if (e->unweighted == 0)
		return;
	initStringInfo(&s);
	appendStringInfo(&s, "%lld events have no type or a type without a weight, and were not used",
					 (long long) e->unweighted);
	for (int i = 0; i < e->nunknown; i++)
		appendStringInfo(&s, "%s\"%s\"", i ? ", " : ": ", e->unknown[i]);
	if (e->nunknown == REC_UNKNOWN_TYPES)
		appendStringInfoString(&s, ", ...");
	warn(run, s.data);
}

/* What of the rows could not be used, and what makes models bad. */
static void
find_warnings(RecRun *run, const RecEvents *e, const RecPairs *p)
{
	int			top = 0,
				single;

	if (e->null_keys > 0)
		warn(run, psprintf("%lld events have no user or no item, and were not used", (long long) e->null_keys));
	if (e->bad_values > 0)
		warn(run, psprintf("%lld events have a value or time that is null, NaN or infinite, and were not used",
						   (long long) e->bad_values));
	warn_unweighted(run, e);
	if ((single = count_single(p->user_events, p->users.n)) > 0)
		warn(run, psprintf("%d of %d users have a single event", single, p->users.n));
	if ((single = count_single(p->item_events, p->items.n)) > 0)
		warn(run, psprintf("%d of %d items have a single event", single, p->items.n));
	for (int u = 0; u < p->users.n; u++)
		top = Max(top, p->user_events[u]);
	if (p->users.n > 0 && e->n >= 10 && top > 0.2 * e->n)
		warn(run, psprintf("one user has %.0f %% of all events; is it a robot or a placeholder?", 100.0 * top / e->n));
	if (p->duplicates > 0 && e->has_time)
		warn(run, psprintf("%lld events repeat another one exactly: same user, item, value and time",
						   (long long) p->duplicates));
}

static void
announce_warnings(const RecRun *run)
{
	ListCell   *lc;

	foreach(lc, run->warnings)
		ereport(NOTICE, (errmsg("%s", (char *) lfirst(lc))));
}

static double
lap(instr_time *since)
{
	instr_time	now,
				elapsed;

	INSTR_TIME_SET_CURRENT(now);
	elapsed = now;
	INSTR_TIME_SUBTRACT(elapsed, *since);
	*since = now;
	return INSTR_TIME_GET_DOUBLE(elapsed);
}

RecSumRule
rec_train_rule(const RecModel *model, const RecEvents *events)
{
	return (RecSumRule) {
		.explicit_feedback = model->explicit_feedback, .has_time = events->has_time && events->n > 0,
		.newest = events->newest, .half_life = rec_half_life(model->half_life)
	};
}

static void
load(const RecModel *model, RecTrained *t, RecSumRule *rule, MemoryContext context)
{
	RecEventSource source;
	RecEvents  *events;

	rec_event_source(model, &source, false);
	rec_event_source_check_keys(model, &source);
	events = rec_events_load(model, &source, context);
	t->run.value_scaler = events->value_scaler;
	t->run.rows_read = events->rows_read;
	t->run.events = events->n;
	t->run.null_keys = events->null_keys;
	t->run.bad_values = events->bad_values;
	t->run.unweighted = events->unweighted;
	*rule = rec_train_rule(model, events);
	t->pairs = rec_pairs_build(events, rule, context);
	find_warnings(&t->run, events, t->pairs);
	announce_warnings(&t->run);
	if (events->n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is nothing to train on"),
				 events->rows_read == 0 ?
				 errdetail("%s has no rows.", source.relation) :
				 errdetail("None of the %lld rows of %s can be used.", (long long) events->rows_read, source.relation)));
}

/* The attributes of both sides; what is wrong with them is told and kept with the other warnings. */
static void
load_attributes(const RecModel *model, const RecParams *params, RecTrained *t, RecDesign **design, MemoryContext context)
{
	int			before = list_length(t->run.warnings);
	ListCell   *lc;

	design[REC_USERS] = design[REC_ITEMS] = NULL;
	if (params->algorithm != REC_ALS && (model->item_attributes != NIL || model->user_attributes != NIL))
		warn(&t->run, psprintf("the algorithm \"%s\" does not use attributes", rec_params_algorithm(params)));
	for (int side = 0; side < 2 && params->algorithm == REC_ALS; side++)
		design[side] = rec_design_read(model, side, side == REC_USERS ? &t->pairs->users : &t->pairs->items,
									   &t->run.warnings, context);
	for_each_from(lc, t->run.warnings, before)
		ereport(NOTICE, (errmsg("%s", (char *) lfirst(lc))));
}

/* The strengths of the attributes as they were chosen. */
static void
note_strengths(RecParams *params, RecTrained *t, RecDesign *const *design)
{
	for (int side = 0; side < 2; side++)
	{
		double	   *given = side == REC_USERS ? &params->user_attribute_regularization : &params->item_attribute_regularization;
		char	   *message;

		if (design[side] == NULL)
			continue;
		if (isnan(*given) && t->solution->map[side] == NULL)
		{
			message = psprintf("the %s attributes say nothing of the events, and are not used", rec_side_name(side));
			warn(&t->run, message);
			ereport(NOTICE, (errmsg("%s", message)));
		}
		*given = t->solution->ridge[side];
	}
}

static double
deviation_of(const RecPairs *p)
{
	double		mean = 0,
				squares = 0;

	/* Welford: no cancellation however far the ratings are from zero */
	for (int64 k = 0; k < p->n; k++)
	{
		double		delta = p->pair[k].net - mean;

		mean += delta / (k + 1);
		squares += delta * (p->pair[k].net - mean);
	}
	return p->n > 1 ? sqrt(squares / p->n) : 0;
}

void
rec_train_resolve(RecParams *params, const RecPairs *p, bool explicit_feedback)
{
	double		sum = 0;
	int64		n = 0;

	if (explicit_feedback && params->algorithm == REC_ALS)
	{
		rec_params_resolve_explicit(params, deviation_of(p));
		return;
	}
	for (int64 k = 0; k < p->n; k++)
		if (explicit_feedback || p->pair[k].net > 0)
		{
			sum += explicit_feedback ? 1 : rec_transform(params->weight_transform, p->pair[k].net);
			n++;
		}
	rec_params_resolve(params, sum, n, p->users.n, p->items.n);
}

static void
store_context(const RecModel *model, int version)
{
	RecEventSource source;

	if (model->context_columns == NIL)
		return;
	rec_event_source(model, &source, false);
	rec_context_store(model, &source, version);
}

static void
train_steps(const RecModel *model, RecParams *params, bool activate, RecTrained *t, MemoryContext context)
{
	instr_time	clock;
	RecSumRule	rule;
	RecHoldout	holdout;
	RecDesign  *design[2];

	INSTR_TIME_SET_CURRENT(clock);
	load(model, t, &rule, context);
	load_attributes(model, params, t, design, context);
	rec_train_resolve(params, t->pairs, model->explicit_feedback);
	t->run.load_seconds = lap(&clock);

	rec_progress_phase(REC_PHASE_TRAINING, params->epochs);
	rec_holdout_choose(&holdout, t->pairs, params, model->explicit_feedback);
	t->run.holdout_users = holdout.nusers;
	t->solution = params->algorithm == REC_ALS ? rec_solve(t->pairs, &holdout, params, &rule, NULL, design) :
		rec_linear_train(t->pairs, &holdout, params, &rule);
	note_strengths(params, t, design);
	t->run.solve_seconds = lap(&clock) - t->solution->fill_seconds;
	t->run.load_seconds += t->solution->fill_seconds;
	t->run.memory = Max(t->pairs->memory, t->pairs->held + t->solution->memory);

	rec_progress_phase(REC_PHASE_STORING, params->epochs);
	rec_store_new_version(model, &t->run);
	rec_store_version(model, &t->run, t->pairs, t->solution, params, &rule, design);
	store_context(model, t->run.version);
	rec_solve_release(t->solution);
	t->run.store_seconds = lap(&clock);
	t->seconds = t->run.load_seconds + t->run.solve_seconds + t->run.store_seconds;
	rec_store_run(model, &t->run, t->pairs, t->solution, params, model->explicit_feedback);
	if (activate)
		rec_store_activate(model, t->run.version);
	CommandCounterIncrement();
	rec_monitor_baselines(model, t->run.version, t->pairs);
	rec_store_prune(model, t->run.version, activate ? t->run.version : model->active_version);
}

/*
 * A transaction with one snapshot may be older than another session's training. Its own would fail when it is
 * activated, so say it before the work.
 */
static void
require_current(const RecModel *model)
{
	RecModel   *latest;

	PushActiveSnapshot(GetLatestSnapshot());
	latest = rec_model_by_schema(model->schema, true);
	PopActiveSnapshot();
	if (latest == NULL || latest->row_xmin != model->row_xmin)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access due to a concurrent change of model \"%s\"", model->name),
				 errhint("The transaction might succeed if retried.")));
}

RecTrained *
rec_train_model(Oid schema, const Jsonb *overrides, bool activate)
{
	RecModel   *model = rec_model_by_schema(schema, false);
	RecTrained *t = palloc0(sizeof(RecTrained));
	MemoryContext caller = CurrentMemoryContext;
	RecParams	params;
	RecRole		saved;

	rec_model_require_owner(model, "train");
	rec_model_lock(model);
	/* what the session before us committed while we came here */
	PushActiveSnapshot(GetTransactionSnapshot());
	model = rec_model_by_schema(schema, false);
	if (IsolationUsesXactSnapshot())
		require_current(model);
	params = rec_model_params(model);
	rec_params_read(&params, overrides, model->explicit_feedback);

	t->run.started_at = GetCurrentTimestamp();
	t->context = AllocSetContextCreate(CurrentMemoryContext, "pg_recommend training", ALLOCSET_DEFAULT_SIZES);
	saved = rec_role_enter(model->owner);
	rec_progress_begin(schema);
	PG_TRY();
	{
		train_steps(model, &params, activate, t, t->context);
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
	rec_role_leave(&saved);
	rec_progress_end(REC_RUN_DONE, psprintf("version %d", t->run.version));
	PopActiveSnapshot();
	return t;
}
