/*
 * shown.c
 *		Experiments in requests, and impressions. See shown.h.
 */
#include "api/shown.h"

#include <math.h>

#include "access/xact.h"
#include "api/assign.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

static void
check_model(const RecExperiment *e, Oid schema)
{
	if (e->model && get_namespace_oid(e->model, true) != schema)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("experiment \"%s\" serves versions of model \"%s\"", e->name, e->model),
				 errhint("Ask that model, or name another experiment.")));
}

/* Share of the units in the experiment that are served the version of a variant. */
static double
share_of_version(const RecExperiment *e, int variant, int active)
{
	double		same = 0,
				all = 0;

#define SERVED(i) (e->version == NULL || e->version[i] == 0 ? active : e->version[i])
	for (int i = 0; i < e->n; i++)
	{
		all += e->weight[i];
		same += SERVED(i) == SERVED(variant) ? e->weight[i] : 0;
	}
#undef SERVED
	return same / all;
}

RecMet
rec_meet_experiment(const RecCall *call, const char *experiment)
{
	FunctionCallInfo fcinfo = call->fcinfo;
	RecMet		met = {.propensity = 1};
	const RecExperiment *e;
	RecUnit		unit;
	int			variant;

	if (experiment == NULL)
		return met;
	e = rec_experiment_get(experiment);
	check_model(e, call->model->schema);
	if (PG_ARGISNULL(1))
		return met;
	rec_unit_of(&unit, PG_GETARG_DATUM(1), getBaseType(get_fn_expr_argtype(fcinfo->flinfo, 1)));
	variant = rec_experiment_assign(e, unit.id, unit.length, GetCurrentTransactionStartTimestamp());
	if (variant < 0)
		return met;
	met.experiment_id = e->id;
	met.variant = pstrdup(e->variant[variant]);
	met.version = e->version ? e->version[variant] : 0;
	met.propensity = share_of_version(e, variant, call->model->active_version);
	return met;
}

/* Items, scores, ranks and sources of the answer, as text[], real[], int[] and text[]. */
static void
read_answer(const RecCall *call, Datum *items, Datum *scores, Datum *ranks, Datum *sources)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(call->result->setDesc, &TTSOpsMinimalTuple);
	ArrayBuildState *item = initArrayResult(TEXTOID, CurrentMemoryContext, false),
			   *score = initArrayResult(FLOAT4OID, CurrentMemoryContext, false),
			   *rank = initArrayResult(INT4OID, CurrentMemoryContext, false),
			   *source = initArrayResult(TEXTOID, CurrentMemoryContext, false);
	Oid			function;
	bool		varlena,
				isnull;

	getTypeOutputInfo(TupleDescAttr(call->result->setDesc, 0)->atttypid, &function, &varlena);
	tuplestore_rescan(call->result->setResult);
	while (tuplestore_gettupleslot(call->result->setResult, true, false, slot))
	{
		Datum		key = slot_getattr(slot, 1, &isnull);

		accumArrayResult(item, CStringGetTextDatum(OidOutputFunctionCall(function, key)), false, TEXTOID,
						 CurrentMemoryContext);
		key = slot_getattr(slot, 2, &isnull);
		accumArrayResult(score, key, isnull, FLOAT4OID, CurrentMemoryContext);
		accumArrayResult(rank, slot_getattr(slot, 3, &isnull), false, INT4OID, CurrentMemoryContext);
		accumArrayResult(source, slot_getattr(slot, 4, &isnull), false, TEXTOID, CurrentMemoryContext);
	}
	ExecDropSingleTupleTableSlot(slot);
	tuplestore_rescan(call->result->setResult);
	*items = makeArrayResult(item, CurrentMemoryContext);
	*scores = makeArrayResult(score, CurrentMemoryContext);
	*ranks = makeArrayResult(rank, CurrentMemoryContext);
	*sources = makeArrayResult(source, CurrentMemoryContext);
}

static Datum
user_text(const RecCall *call)
{
	FunctionCallInfo fcinfo = call->fcinfo;
	RecUnit		unit;

	rec_unit_of(&unit, PG_GETARG_DATUM(1), getBaseType(get_fn_expr_argtype(fcinfo->flinfo, 1)));
	return PointerGetDatum(cstring_to_text_with_len(unit.id, unit.length));
}

void
rec_keep_shown(const RecCall *call, const RecMet *met, const char *placement)
{
	bool		in = met->experiment_id != 0;
	Oid			types[] = {TEXTOID, INT4OID, TEXTOID, TEXTARRAYOID, INT4ARRAYOID, TEXTOID, INT4OID, TEXTOID, FLOAT8OID,
	TEXTARRAYOID, FLOAT4ARRAYOID};
	Datum		values[lengthof(types)] = {CStringGetTextDatum(call->model->name), Int32GetDatum(call->version)};
	char		nulls[lengthof(types)];
	RecKeyType	kind;
	Datum		key;

	memset(nulls, ' ', sizeof(nulls));
	/* rec.recommendation_performance reads the text as a key */
	rec_call_user_type(call, &kind);
	if (!rec_call_key(call, 1, &kind, &key))
		nulls[2] = 'n';
	else
		values[2] = user_text(call);
	read_answer(call, &values[3], &values[10], &values[4], &values[9]);
	nulls[5] = placement ? ' ' : 'n';
	values[5] = placement ? CStringGetTextDatum(placement) : (Datum) 0;
	values[6] = Int32GetDatum(met->experiment_id);
	values[7] = in ? CStringGetTextDatum(met->variant) : (Datum) 0;
	nulls[6] = nulls[7] = in ? ' ' : 'n';
	nulls[8] = isnan(met->propensity) ? 'n' : ' ';
	values[8] = Float8GetDatum(met->propensity);
	rec_catalog_execute("INSERT INTO rec.impression (model, version, user_id, item_id, rank, placement, source, experiment_id, "
						"variant, propensity, shown_at, score) SELECT $1, $2, $3, u.item, u.rank, $6, u.source, $7, $8, $9, now(), u.score "
						"FROM unnest($4, $5, $10, $11) u (item, rank, source, score)", lengthof(types), types, values, nulls);
}
