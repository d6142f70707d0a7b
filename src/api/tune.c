/*
 * tune.c
 *		rec.tune: arguments, the lock, and all ways out.
 */
#include "api/evaluation.h"

#include <math.h>

#include "executor/spi.h"
#include "miscadmin.h"
#include "model/progress.h"
#include "model/tune.h"
#include "nodes/parsenodes.h"
#include "tcop/pquery.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/timestamp.h"

#define MOST_TRIALS 10000

static RecTuneMethod
method_of(const char *name)
{
	const char *near;

	for (int i = 0; i < 3; i++)
		if (strcmp(rec_tune_methods[i], name) == 0)
			return (RecTuneMethod) i;
	near = rec_nearest_name(name, rec_tune_methods, 3);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown method \"%s\"", name),
			 errdetail("Methods are bayes, random and grid."),
			 near ? errhint("Perhaps you meant \"%s\".", near) : 0));
	return REC_TUNE_BAYES;		/* not reached */
}

static void
check_goal(const RecStudy *s)
{
	bool		fits = s->model->explicit_feedback ? s->goal.metric == REC_RMSE : s->goal.metric < REC_LIST_METRICS;

	if (!fits)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("model \"%s\" cannot be tuned for %s", s->model->name, s->goal.name),
				 s->model->explicit_feedback ? errdetail("With explicit feedback it is \"rmse\".") :
				 errdetail("With implicit feedback it is recall, recall_capped, precision, ndcg, map, mrr or hit_rate, as in \"ndcg@10\".")));
}

static void
read_arguments(FunctionCallInfo fcinfo, RecStudy *s)
{
	s->given = PG_ARGISNULL(1) ? NULL : (Jsonb *) PG_DETOAST_DATUM_COPY(PG_GETARG_DATUM(1));
	s->method = method_of(PG_ARGISNULL(2) ? "bayes" : text_to_cstring(PG_GETARG_TEXT_PP(2)));
	s->trials = PG_ARGISNULL(3) ? 30 : PG_GETARG_INT32(3);
	if (s->trials < 1 || s->trials > MOST_TRIALS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid number of trials: %d", s->trials),
				 errdetail("Allowed is a whole number from 1 to %d.", MOST_TRIALS)));
	s->goal = rec_goal_read(PG_ARGISNULL(4) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(4)), s->model->explicit_feedback);
	check_goal(s);
	if (!PG_ARGISNULL(5))
	{
		s->budget = rec_half_life(PG_GETARG_INTERVAL_P(5)) / USECS_PER_SEC;
		if (!(s->budget > 0))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("budget must be above zero")));
	}
	s->seed = PG_ARGISNULL(6) ? 42 : PG_GETARG_INT64(6);
	s->apply = !PG_ARGISNULL(7) && PG_GETARG_BOOL(7);
}

PG_FUNCTION_INFO_V1(rec_tune);
Datum
rec_tune(PG_FUNCTION_ARGS)
{
	bool		atomic = fcinfo->context == NULL || !IsA(fcinfo->context, CallContext) ||
		((CallContext *) fcinfo->context)->atomic;
	MemoryContext caller = CurrentMemoryContext;
	RecStudy   *s;
	MemoryContext context;
	Oid			schema;

	if (atomic)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_TERMINATION),
				 errmsg("rec.tune cannot run inside a transaction block"),
				 errdetail("It commits after each trial."),
				 errhint("CALL it by itself, outside of BEGIN ... COMMIT, functions and DO blocks in a transaction.")));
	if (PortalContext == NULL)
		elog(ERROR, "rec.tune needs a portal");
	context = AllocSetContextCreate(PortalContext, "pg_recommend tuning", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(context);
	s = palloc0(sizeof(RecStudy));
	s->context = context;
	schema = rec_evaluation_model(fcinfo);
	s->model = rec_model_by_schema(schema, false);
	rec_model_require_owner(s->model, "tune");
	read_arguments(fcinfo, s);
	if (SPI_connect_ext(SPI_OPT_NONATOMIC) != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	MemoryContextSwitchTo(context);
	rec_model_lock_session(s->model);
	PG_TRY();
	{
		rec_progress_begin(schema);
		rec_tune_run(s);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		rec_progress_end(REC_RUN_FAILED, error->message);
		rec_model_unlock_session(s->model);
		PG_RE_THROW();
	}
	PG_END_TRY();
	rec_progress_end(REC_RUN_DONE, psprintf("study %d", s->number));
	rec_model_unlock_session(s->model);
	SPI_finish();
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	return (Datum) 0;
}
