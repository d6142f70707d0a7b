/*
 * performance.c
 *		rec.recommendation_performance: what came of the recommendations that were shown.
 *
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
#include "utils/lsyscache.h"

/* Schemas of the models that the current role may use and that have shown something. */
static List *
models_with_impressions(void)
{
	MemoryContext caller = CurrentMemoryContext;
	List	   *schemas = NIL;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	/* row security shows the models that the role may use */
	if (SPI_execute("SELECT m.model FROM rec.model m ORDER BY m.model", true, 0) != SPI_OK_SELECT)
		elog(ERROR, "listing models failed");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		Oid			schema = get_namespace_oid(SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1), true);
		MemoryContext old = MemoryContextSwitchTo(caller);

		if (OidIsValid(schema))
			schemas = lappend_oid(schemas, schema);
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	return schemas;
}

static void
put_counts(ReturnSetInfo *rsinfo, const RecModel *model)
{
	Oid			types[1] = {TEXTOID};
	Datum		values[1] = {CStringGetTextDatum(model->name)};
	Datum		query;
	RecRole		saved;

	if (!rec_catalog_value("SELECT rec._performance_query($1) WHERE EXISTS (SELECT FROM rec.impression WHERE model = $1)",
						   1, types, values, NULL, &query))
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
	bool		owner;			/* the current role has the privileges of the model's owner */
} Counting;

static void
count_model(void *argument)
{
	Counting   *c = argument;
	RecModel   *model = rec_model_by_schema(c->schema, true);

	c->owner = model != NULL && has_privs_of_role(GetUserId(), model->owner);
	if (model != NULL && rec_schema_aclcheck(c->schema, GetUserId(), ACL_USAGE) == ACLCHECK_OK)
		put_counts(c->rsinfo, model);
}

PG_FUNCTION_INFO_V1(rec_performance);
Datum
rec_performance(PG_FUNCTION_ARGS)
{
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	foreach(lc, models_with_impressions())
	{
		Counting	c = {(ReturnSetInfo *) fcinfo->resultinfo, lfirst_oid(lc)};
		ErrorData  *error = rec_attempt(count_model, &c);

		/* one model whose events are gone does not take away the others; what the error says may be about events */
		if (error)
			ereport(WARNING,
					(errmsg("what came of the recommendations of model \"%s\" cannot be counted", get_namespace_name(c.schema)),
					 c.owner ? errdetail("%s.", error->message) : 0));
	}
	return (Datum) 0;
}
