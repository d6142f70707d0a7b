/*
 * train.c
 *		rec.train and rec.training_progress.
 */
#include "compat.h"

#include <math.h>

#include "commands/dbcommands.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "model/progress.h"
#include "model/train.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

static void
put_real(Datum *value, bool *null, double x)
{
	*value = Float8GetDatum(x);
	*null = isnan(x);
}

PG_FUNCTION_INFO_V1(rec_train);
Datum
rec_train(PG_FUNCTION_ARGS)
{
	RecTrained *t;
	const RecQuality *q;
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum		v[14];
	bool		null[14] = {0};

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("model must not be null")));
	InitMaterializedSRF(fcinfo, 0);
	t = rec_train_model(rec_model_schema(text_to_cstring(PG_GETARG_TEXT_PP(0))),
						PG_ARGISNULL(1) ? NULL : PG_GETARG_JSONB_P(1), PG_ARGISNULL(2) || PG_GETARG_BOOL(2));
	q = &t->solution->quality[t->solution->best_epoch - 1];
	v[0] = Int32GetDatum(t->run.version);
	v[1] = Int32GetDatum(t->pairs->users.n);
	v[2] = Int32GetDatum(t->pairs->items.n);
	v[3] = Int64GetDatum(t->run.events);
	v[4] = Int64GetDatum(t->pairs->n);
	v[5] = Int32GetDatum(t->solution->epochs);
	put_real(&v[6], &null[6], t->solution->loss[t->solution->best_epoch - 1]);
	put_real(&v[7], &null[7], q->ndcg);
	put_real(&v[8], &null[8], q->recall);
	put_real(&v[9], &null[9], t->solution->baseline.ndcg);
	put_real(&v[10], &null[10], t->solution->baseline.recall);
	put_real(&v[11], &null[11], q->rmse);
	v[12] = Int64GetDatum(t->run.null_keys + t->run.bad_values + t->run.unweighted);
	v[13] = Float8GetDatum(t->seconds);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, v, null);
	MemoryContextDelete(t->context);
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(rec_training_progress);
Datum
rec_training_progress(PG_FUNCTION_ARGS)
{
	static const char *const states[] = {"free", "running", "done", "failed"};
	static const char *const phases[] = {"loading", "training", "storing", "evaluating"};
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < REC_PROGRESS_SLOTS; i++)
	{
		RecProgress p;
		Datum		v[12];
		bool		null[12] = {0};
		char	   *schema;

		if (!rec_progress_read(i, &p) || (schema = get_namespace_name(p.schema)) == NULL ||
			rec_schema_aclcheck(p.schema, GetUserId(), ACL_USAGE) != ACLCHECK_OK)
			continue;
		v[0] = CStringGetTextDatum(schema);
		v[1] = Int32GetDatum(p.pid);
		v[2] = CStringGetTextDatum(states[p.state]);
		v[3] = CStringGetTextDatum(phases[p.phase]);
		v[4] = Int32GetDatum(p.epoch);
		v[5] = Int32GetDatum(p.epochs);
		put_real(&v[6], &null[6], p.loss);
		put_real(&v[7], &null[7], p.metric);
		v[8] = TimestampTzGetDatum(p.started_at);
		v[9] = TimestampTzGetDatum(p.updated_at);
		put_real(&v[10], &null[10], p.eta_seconds);
		null[11] = p.message[0] == '\0';
		v[11] = CStringGetTextDatum(p.message);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, v, null);
	}
	return (Datum) 0;
}
