/*
 * serve.c
 *		Common parts of the serving functions. See serve.h.
 */
#include "api/serve.h"

#include <limits.h>

#include "access/table.h"
#include "catalog/pg_type.h"
#include "core/score.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

static int
k_of(FunctionCallInfo fcinfo, int i)
{
	int			k = PG_ARGISNULL(i) ? INT_MAX : PG_GETARG_INT32(i);

	if (k < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("k must not be negative"),
				 errdetail("k is %d.", k),
				 errhint("Give the number of rows that you want, or null for all.")));
	return k;
}

void
rec_call_open(RecCall *call, FunctionCallInfo fcinfo, int k_argument)
{
	Oid			schema;

	memset(call, 0, sizeof(*call));
	call->fcinfo = fcinfo;
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("model must not be null")));
	schema = PG_GETARG_OID(0);
	rec_model_require_usage(schema);
	call->k = k_argument >= 0 ? k_of(fcinfo, k_argument) : 0;
	if (k_argument >= 0)
	{
		InitMaterializedSRF(fcinfo, 0);
		call->result = (ReturnSetInfo *) fcinfo->resultinfo;
		call->text_keys = TupleDescAttr(call->result->setDesc, 0)->atttypid == TEXTOID;
	}
	call->model = rec_model_by_schema(schema, false);
}

void
rec_call_load(RecCall *call, int version_argument)
{
	FunctionCallInfo fcinfo = call->fcinfo;

	rec_call_load_version(call, PG_ARGISNULL(version_argument) ? 0 : PG_GETARG_INT32(version_argument));
}

void
rec_call_load_version(RecCall *call, int wanted)
{
	RecVersion	version = rec_version_get(call->model, wanted);

	if (version.version == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("model \"%s\" has not been trained", call->model->name),
				 errhint("SELECT * FROM rec.train(%s);", quote_literal_cstr(call->model->name))));
	call->version = version.version;
	call->serving = rec_serving_get(call->model, &version);
}

void
rec_call_begin(RecCall *call, FunctionCallInfo fcinfo, int k_argument, int version_argument)
{
	rec_call_open(call, fcinfo, k_argument);
	rec_call_load(call, version_argument);
}

void
rec_call_end(RecCall *call)
{
	rec_serving_release(call->serving);
}

bool
rec_call_key(const RecCall *call, int i, const RecKeyType *kind, Datum *key)
{
	FunctionCallInfo fcinfo = call->fcinfo;

	return !PG_ARGISNULL(i) &&
		rec_key_coerce(kind, PG_GETARG_DATUM(i), get_fn_expr_argtype(fcinfo->flinfo, i), key);
}

static int
compare_int32(const void *a, const void *b)
{
	return (*(const int32 *) a > *(const int32 *) b) - (*(const int32 *) a < *(const int32 *) b);
}

int32 *
rec_call_items(const RecCall *call, int i, int *n)
{
	FunctionCallInfo fcinfo = call->fcinfo;
	const RecKeys *keys = &call->serving->keys;
	ArrayType  *array;
	Oid			element;
	int16		typlen;
	bool		typbyval;
	char		typalign;
	Datum	   *value;
	bool	   *null;
	int			count,
				known = 0,
				distinct = 0;
	int32	   *position;

	*n = 0;
	if (PG_ARGISNULL(i))
		return NULL;
	/* "any" lets everything through, and whoever may use a model may call the functions behind its own */
	if (!OidIsValid(get_base_element_type(get_fn_expr_argtype(fcinfo->flinfo, i))))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH), errmsg("a list of items must be an array")));
	array = PG_GETARG_ARRAYTYPE_P(i);
	element = ARR_ELEMTYPE(array);
	get_typlenbyvalalign(element, &typlen, &typbyval, &typalign);
	deconstruct_array(array, element, typlen, typbyval, typalign, &value, &null, &count);
	position = palloc(Max(count, 1) * sizeof(int32));
	for (int k = 0; k < count; k++)
	{
		Datum		key;

		if (null[k] || !rec_key_coerce(&keys->kind, value[k], element, &key))
			continue;
		position[known] = rec_keys_find(keys, key);
		known += position[known] >= 0;
	}
	qsort(position, known, sizeof(int32), compare_int32);
	for (int k = 0; k < known; k++)
		if (k == 0 || position[k] != position[k - 1])
			position[distinct++] = position[k];
	*n = distinct;
	return position;
}

Datum
rec_call_output(const RecCall *call, const RecKeyType *kind, Datum key)
{
	Oid			function;
	bool		varlena;

	if (TupleDescAttr(call->result->setDesc, 0)->atttypid == kind->type)
		return key;
	if (!call->text_keys)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("keys of type %s cannot be returned as %s", format_type_be(kind->type),
						format_type_be(TupleDescAttr(call->result->setDesc, 0)->atttypid))));
	getTypeOutputInfo(kind->type, &function, &varlena);
	return CStringGetTextDatum(OidOutputFunctionCall(function, key));
}

void
rec_call_user_type(const RecCall *call, RecKeyType *kind)
{
	Relation	rel = rec_model_open(call->model, "user_factors", AccessShareLock);
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), 1);

	rec_key_type(kind, att->atttypid, att->attcollation, "user", CurrentMemoryContext);
	table_close(rel, AccessShareLock);
}

float *
rec_call_scores(const RecCall *call, const float *vector)
{
	const RecServing *s = call->serving;
	float	   *score = palloc_extended(Max(s->n, 1) * sizeof(float), MCXT_ALLOC_HUGE);

	/* in slices, so that a cancel is heard with many millions of items */
	for (int i = 0; i < s->n; i += 100000)
	{
		CHECK_FOR_INTERRUPTS();
		rec_score_rows(s->items + (Size) i * s->stride, Min(100000, s->n - i), s->stride, vector, score + i);
	}
	return score;
}

int
rec_call_limit(const RecCall *call, int available)
{
	return Min(call->k, available);
}

void
rec_call_refuse_row_security(const RecCall *call)
{
	RecLive		live;

	rec_live_rights(call->model, &live);
	if (live.secured)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("users of model \"%s\" cannot be searched under row-level security", call->model->name),
				 errdetail("The stored factors rest on events that the policies may hide from the current role.")));
}
