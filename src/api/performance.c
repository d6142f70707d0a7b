/*
 * performance.c
 *		rec.recommendation_performance: what came of the recommendations that were shown.
 *
 * One call counts a day of a model, so that filters of a dashboard on either reach the partitions of rec.impression.
 * USAGE on a model lets a role see its counts. Impressions and events are read as the model's owner in a restricted
 * operation, so that neither has to be readable for who looks at a dashboard; the text of the query stands in
 * sql/89_health.sql.
 */
#include "compat.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "model/attempt.h"
#include "model/catalog.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/lsyscache.h"

static void
put_counts(ReturnSetInfo *rsinfo, const RecModel *model, Datum day)
{
	Oid			types[2] = {TEXTOID, DATEOID};
	Datum		values[2] = {CStringGetTextDatum(model->name), day};
	Datum		query;
	RecRole		saved;

	/* most days have none; UTC's midnight is midnight of no other zone */
	if (!rec_catalog_value("SELECT rec._performance_query($1, $2) WHERE EXISTS (SELECT FROM rec.impression WHERE model = $1 "
						   "AND shown_at >= $2::timestamp AT TIME ZONE 'UTC' AND shown_at < ($2 + 1)::timestamp AT TIME ZONE 'UTC')",
						   2, types, values, NULL, &query))
		return;
	saved = rec_role_enter(model->owner);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute(TextDatumGetCString(query), true, 0) != SPI_OK_SELECT)
		elog(ERROR, "counting impressions failed");
	/* all or nothing, as the tuplestore knows no subtransactions */
	for (uint64 i = 0; i < SPI_processed; i++)
		tuplestore_puttuple(rsinfo->setResult, SPI_tuptable->vals[i]);
	SPI_finish();
	rec_role_leave(&saved);
}

typedef struct Counting
{
	ReturnSetInfo *rsinfo;
	Oid			schema;
	Datum		day;
	bool		owner;			/* the current role has the privileges of the model's owner */
} Counting;

static void
count_model(void *argument)
{
	Counting   *c = argument;
	RecModel   *model = rec_model_by_schema(c->schema, true);

	c->owner = model != NULL && has_privs_of_role(GetUserId(), model->owner);
	if (model != NULL && rec_schema_aclcheck(c->schema, GetUserId(), ACL_USAGE) == ACLCHECK_OK)
		put_counts(c->rsinfo, model, c->day);
}

/* Models that failed in this scan: what was wrong is said once, not for each day. */
static bool
has_failed(FunctionCallInfo fcinfo, Oid schema)
{
	return list_member_oid((List *) fcinfo->flinfo->fn_extra, schema);
}

static void
note_failure(FunctionCallInfo fcinfo, Oid schema)
{
	MemoryContext old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);

	fcinfo->flinfo->fn_extra = lappend_oid((List *) fcinfo->flinfo->fn_extra, schema);
	MemoryContextSwitchTo(old);
}

PG_FUNCTION_INFO_V1(rec_performance);
Datum
rec_performance(PG_FUNCTION_ARGS)
{
	Counting	c = {(ReturnSetInfo *) fcinfo->resultinfo, get_namespace_oid(text_to_cstring(PG_GETARG_TEXT_PP(0)), true), PG_GETARG_DATUM(1)};
	ErrorData  *error;

	InitMaterializedSRF(fcinfo, 0);
	if (!OidIsValid(c.schema) || has_failed(fcinfo, c.schema) || DATE_NOT_FINITE(DatumGetDateADT(c.day)))
		return (Datum) 0;
	error = rec_attempt(count_model, &c);
	/* one model whose events are gone does not take away the others; what the error says may be about events */
	if (error)
	{
		note_failure(fcinfo, c.schema);
		ereport(WARNING,
				(errmsg("what came of the recommendations of model \"%s\" cannot be counted", get_namespace_name(c.schema)),
				 c.owner ? errdetail("%s.", error->message) : 0));
	}
	return (Datum) 0;
}
