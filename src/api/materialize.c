/*
 * materialize.c
 *		rec.materialize(): keeps the recommendations for all users in a table of the model.
 *
 * One MERGE of what recommend_many() answers now into what is stored, of the rows that differ only: no DDL, no lock that
 * a reader meets, and nothing is written when nothing has changed. It runs as the model's owner, like a training; two
 * at a time exclude each other by a lock of their own, so that a training does not keep it from running.
 */
#include "api/serve.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#define LOCK_MATERIALIZE 1		/* part of the model; 0 is the lock of training */

static void
lock_recommendations(const RecModel *model)
{
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, rec_catalog_relation("model"), model->schema, LOCK_MATERIALIZE);
	if (LockAcquire(&tag, ExclusiveLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("recommendations of model \"%s\" are being materialized by another session", model->name)));
}

/* Only what differs is in the source of the MERGE; item_id null: the row goes. */
static char *
merge_statement(const RecModel *model)
{
	Oid			relid = rec_model_relation(model, "recommendation");
	char	   *user_equals = rec_type_equality(get_atttype(relid, get_attnum(relid, "user_id")));
	char	   *item_equals = rec_type_equality(get_atttype(relid, get_attnum(relid, "item_id")));
	const char *schema = quote_identifier(model->name);

	return psprintf("MERGE INTO %s.recommendation t USING ("
					"SELECT coalesce(f.user_id, o.user_id) AS user_id, coalesce(f.rank, o.rank) AS rank, f.item_id, f.score, f.source "
					"FROM %s.recommend_many(k => $1, exclude_seen => $2, version => $3) f "
					"FULL JOIN %s.recommendation o ON f.user_id %s o.user_id AND f.rank = o.rank "
					"WHERE f.rank IS NULL OR o.rank IS NULL OR o.version <> $3 OR o.score <> f.score OR o.source <> f.source "
					"OR NOT o.item_id %s f.item_id) n "
					"ON t.user_id %s n.user_id AND t.rank = n.rank "
					"WHEN MATCHED AND n.item_id IS NULL THEN DELETE "
					"WHEN MATCHED THEN UPDATE SET item_id = n.item_id, score = n.score, source = n.source, version = $3 "
					"WHEN NOT MATCHED THEN INSERT (user_id, rank, item_id, score, source, version) "
					"VALUES (n.user_id, n.rank, n.item_id, n.score, n.source, $3)",
					schema, schema, schema, user_equals, item_equals, user_equals);
}

static int64
count_of(const char *sql)
{
	bool		null;

	if (SPI_execute(sql, false, 0) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "counting failed: %s", sql);
	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &null));
}

/* users, rows, changed */
static void
merge(const RecModel *model, int k, bool exclude_seen, int64 *result)
{
	Oid			types[3] = {INT4OID, BOOLOID, INT4OID};
	Datum		values[3] = {Int32GetDatum(k), BoolGetDatum(exclude_seen), Int32GetDatum(model->active_version)};
	const char *table = quote_qualified_identifier(model->name, "recommendation");

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args(merge_statement(model), 3, types, values, NULL, false, 0) < 0)
		elog(ERROR, "merging recommendations failed");
	result[2] = (int64) SPI_processed;
	/* whoever has a row has one of rank 1 */
	result[0] = count_of(psprintf("SELECT count(*) FROM %s WHERE rank = 1", table));
	result[1] = count_of(psprintf("SELECT count(*) FROM %s", table));
	SPI_finish();
}

static int
number_of_rows(FunctionCallInfo fcinfo, int argument)
{
	/* everything for everybody is users x items rows: not by default */
	if (PG_ARGISNULL(argument))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("k must not be null")));
	if (PG_GETARG_INT32(argument) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("k must not be negative"),
				 errdetail("k is %d.", PG_GETARG_INT32(argument))));
	return PG_GETARG_INT32(argument);
}

static RecModel *
open_model(FunctionCallInfo fcinfo)
{
	RecModel   *model;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("model must not be null")));
	model = rec_model_by_schema(rec_model_schema(text_to_cstring(PG_GETARG_TEXT_PP(0))), false);
	rec_model_require_owner(model, "materialize");
	lock_recommendations(model);
	return model;
}

PG_FUNCTION_INFO_V1(rec_materialize);
Datum
rec_materialize(PG_FUNCTION_ARGS)
{
	RecModel   *model = open_model(fcinfo);
	int			k = number_of_rows(fcinfo, 1);
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	int64		counts[3];
	Datum		v[4];
	bool		null[4] = {0};
	RecRole		saved;
	instr_time	start,
				end;

	InitMaterializedSRF(fcinfo, 0);
	INSTR_TIME_SET_CURRENT(start);
	/* with what the session before us has committed */
	PushActiveSnapshot(GetTransactionSnapshot());
	model = rec_model_by_schema(model->schema, false);
	saved = rec_role_enter(model->owner);
	merge(model, k, PG_ARGISNULL(2) || PG_GETARG_BOOL(2), counts);
	rec_role_leave(&saved);
	PopActiveSnapshot();
	INSTR_TIME_SET_CURRENT(end);
	INSTR_TIME_SUBTRACT(end, start);
	for (int i = 0; i < 3; i++)
		v[i] = Int64GetDatum(counts[i]);
	v[3] = Float8GetDatum(INSTR_TIME_GET_DOUBLE(end));
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, v, null);
	return (Datum) 0;
}
