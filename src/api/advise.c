/*
 * advise.c
 *		The numbers behind rec.advise: one query over a model's events; its text stands in sql/66_advise.sql.
 *
 * What the owner put behind the events, a view's functions for example, runs with that role's rights when a member of it or a
 * superuser asks, as in a training. Other roles need SELECT on the events themselves.
 */
#include "compat.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "model/catalog.h"
#include "utils/acl.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(rec_advise_counts);
Datum
rec_advise_counts(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Oid			schema = rec_model_schema(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	Oid			types[1] = {TEXTOID};
	Datum		values[1] = {PG_GETARG_DATUM(0)};
	Datum		query;
	RecModel   *model;
	RecRole		saved;

	InitMaterializedSRF(fcinfo, 0);
	rec_model_require_usage(schema);
	model = rec_model_by_schema(schema, false);
	if (!rec_catalog_value("SELECT rec._advise_query($1)", 1, types, values, NULL, &query))
		elog(ERROR, "no query for model \"%s\"", model->name);
	saved = rec_role_enter(has_privs_of_role(GetUserId(), model->owner) ? model->owner : GetUserId());
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute(TextDatumGetCString(query), true, 0) != SPI_OK_SELECT)
		elog(ERROR, "counting events failed");
	for (uint64 i = 0; i < SPI_processed; i++)
		tuplestore_puttuple(result->setResult, SPI_tuptable->vals[i]);
	SPI_finish();
	rec_role_leave(&saved);
	return (Datum) 0;
}
