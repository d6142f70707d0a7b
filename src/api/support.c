/*
 * support.c
 *		Planner support: functions that take k return about k rows. And rec._model.
 */
#include "compat.h"

#include "catalog/pg_class.h"
#include "fmgr.h"
#include "model/catalog.h"
#include "nodes/nodeFuncs.h"
#include "nodes/supportnodes.h"
#include "optimizer/optimizer.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#define ARG_MODEL	0
#define ARG_USERS	1
#define ARG_K		3
#define ROWS_OF_ALL 1000		/* k is null and nothing is known of the model */

/* Rows of a version in a table of the model, by the planner's own statistics. */
static double
rows_of(const char *table, Oid schema, int versions)
{
	Oid			relid = get_relname_relid(table, schema);
	HeapTuple	tuple = OidIsValid(relid) ? SearchSysCache1(RELOID, ObjectIdGetDatum(relid)) : NULL;
	double		rows = ROWS_OF_ALL;

	if (HeapTupleIsValid(tuple))
	{
		if (((Form_pg_class) GETSTRUCT(tuple))->reltuples > 0)
			rows = ((Form_pg_class) GETSTRUCT(tuple))->reltuples / versions;
		ReleaseSysCache(tuple);
	}
	return rows;
}

PG_FUNCTION_INFO_V1(rec_rows_support);
Datum
rec_rows_support(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);
	SupportRequestRows *rows;
	List	   *args;
	Node	   *k,
			   *model;

	if (!IsA(request, SupportRequestRows))
		PG_RETURN_POINTER(NULL);
	rows = (SupportRequestRows *) request;
	if (!is_funcclause(rows->node) || list_length(args = ((FuncExpr *) rows->node)->args) <= ARG_K)
		PG_RETURN_POINTER(NULL);
	k = estimate_expression_value(rows->root, list_nth(args, ARG_K));
	/* not estimated: rec._model(name) would be called with the planner's snapshot, which may not know the model yet */
	model = list_nth(args, ARG_MODEL);
	if (!IsA(k, Const))
		PG_RETURN_POINTER(NULL);
	if (!((Const *) k)->constisnull)
		rows->rows = Max(DatumGetInt32(((Const *) k)->constvalue), 1);
	else if (IsA(model, Const) && !((Const *) model)->constisnull)
		rows->rows = rows_of("item_factors", DatumGetObjectId(((Const *) model)->constvalue), 2);
	else
		rows->rows = ROWS_OF_ALL;
	PG_RETURN_POINTER(rows);
}

/* Users that a constant array names, else users of the model by the planner's statistics. */
static double
users_of(Node *users, Node *model)
{
	if (!IsA(users, Const))
		return ROWS_OF_ALL;
	if (!((Const *) users)->constisnull)
	{
		ArrayType  *a = DatumGetArrayTypeP(((Const *) users)->constvalue);

		return ArrayGetNItems(ARR_NDIM(a), ARR_DIMS(a));
	}
	if (IsA(model, Const) && !((Const *) model)->constisnull)
		return rows_of("user_factors", DatumGetObjectId(((Const *) model)->constvalue), 2);
	return ROWS_OF_ALL;
}

PG_FUNCTION_INFO_V1(rec_many_rows_support);
Datum
rec_many_rows_support(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);
	SupportRequestRows *rows;
	List	   *args;
	Node	   *k,
			   *users;

	if (!IsA(request, SupportRequestRows))
		PG_RETURN_POINTER(NULL);
	rows = (SupportRequestRows *) request;
	if (!is_funcclause(rows->node) || list_length(args = ((FuncExpr *) rows->node)->args) <= ARG_K)
		PG_RETURN_POINTER(NULL);
	k = estimate_expression_value(rows->root, list_nth(args, ARG_K));
	users = estimate_expression_value(rows->root, list_nth(args, ARG_USERS));
	if (IsA(users, Const) && !((Const *) users)->constisnull &&
		!OidIsValid(get_base_element_type(((Const *) users)->consttype)))
		PG_RETURN_POINTER(NULL);	/* will be an error */
	rows->rows = users_of(users, list_nth(args, ARG_MODEL));
	if (IsA(k, Const) && !((Const *) k)->constisnull)
		rows->rows *= Max(DatumGetInt32(((Const *) k)->constvalue), 0);
	else
		rows->rows *= IsA(k, Const) ? ROWS_OF_ALL : 10;
	rows->rows = Max(rows->rows, 1);
	PG_RETURN_POINTER(rows);
}

PG_FUNCTION_INFO_V1(rec_model_of_name);
Datum
rec_model_of_name(PG_FUNCTION_ARGS)
{
	PG_RETURN_OID(rec_model_schema(text_to_cstring(PG_GETARG_TEXT_PP(0))));
}
