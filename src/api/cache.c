/*
 * cache.c
 *		rec.prewarm and rec.model_cache.
 */
#include "api/serve.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(rec_prewarm);
Datum
rec_prewarm(PG_FUNCTION_ARGS)
{
	RecCall		call;
	int64		bytes;

	rec_call_begin(&call, fcinfo, -1, 1);
	bytes = call.serving->bytes;
	rec_call_end(&call);
	PG_RETURN_INT64(bytes);
}

PG_FUNCTION_INFO_V1(rec_model_cache);
Datum
rec_model_cache(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < REC_CACHE_SLOTS; i++)
	{
		RecCacheEntry e;
		Datum		v[9];
		bool		null[9] = {0};
		char	   *schema;

		if (!rec_shared_entry(i, &e) || e.database != MyDatabaseId || (schema = get_namespace_name(e.schema)) == NULL ||
			rec_schema_aclcheck(e.schema, GetUserId(), ACL_USAGE) != ACLCHECK_OK)
			continue;
		v[0] = CStringGetTextDatum(schema);
		v[1] = Int32GetDatum(e.version);
		v[2] = CStringGetTextDatum(e.loading ? "loading" : "ready");
		v[3] = Int64GetDatum((int64) e.bytes);
		v[4] = Int64GetDatum(e.hits);
		v[5] = Int32GetDatum(e.loads);
		v[6] = Int32GetDatum(e.mappings);
		v[7] = TimestampTzGetDatum(e.loaded_at);
		v[8] = Float8GetDatum(e.load_ms);
		null[3] = null[7] = null[8] = e.loading;
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, v, null);
	}
	return (Datum) 0;
}
