/*
 * attributes.c
 *		rec.refresh_items() and what rec.model_attribute shows.
 */
#include "api/serve.h"

#include <math.h>

#include "miscadmin.h"
#include "model/attribute_store.h"
#include "model/store.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(rec_refresh_items_sql);
Datum
rec_refresh_items_sql(PG_FUNCTION_ARGS)
{
	RecModel   *model = rec_model_by_schema(rec_model_schema(text_to_cstring(PG_GETARG_TEXT_PP(0))), false);
	RecRole		saved;
	int64		different;

	rec_model_require_owner(model, "refresh the items of");
	if (model->active_version == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("model \"%s\" has not been trained", model->name),
				 errhint("SELECT * FROM rec.train(%s);", quote_literal_cstr(model->name))));
	if (model->item_attributes == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("model \"%s\" has no item attributes", model->name),
				 errdetail("Without them nothing is known of an item before its first event."),
				 errhint("SELECT rec.alter_model(%s, items => 'schema.relation', item_attributes => '{*}'); and train.",
						 quote_literal_cstr(model->name))));
	/* with what the session before us has committed */
	PushActiveSnapshot(GetTransactionSnapshot());
	model = rec_model_by_schema(model->schema, false);
	saved = rec_role_enter(model->owner);
	different = rec_refresh_items(model);
	rec_role_leave(&saved);
	PopActiveSnapshot();
	PG_RETURN_INT64(different);
}

/* One row for each encoded column of a side. */
static void
put_side(const RecModel *model, int version, RecSide side, ReturnSetInfo *result)
{
	RecAttributes *list = rec_attributes_stored(model, version, side);
	RecVersion	found = rec_version_get(model, version);
	RecServing *s = list ? rec_serving_get(model, &found) : NULL;

	for (int i = 0; list && i < list->n; i++)
	{
		const RecAttribute *a = &list->att[i];

		/* an attribute that is not used has one row, without a norm */
		for (int c = a->first; !a->hidden && c < a->first + Max(a->columns, 1); c++)
		{
			bool		used = a->columns > 0;
			double		squares = 0;
			Datum		v[7];
			bool		null[7] = {0};

			for (int k = 0; used && s->map[side] && k < s->stride; k++)
				squares += pow(s->map[side][(Size) c * s->stride + k], 2);
			v[0] = Int32GetDatum(version);
			v[1] = CStringGetTextDatum(rec_side_name(side));
			v[2] = CStringGetTextDatum(a->name);
			v[3] = CStringGetTextDatum(rec_attribute_kind_name(a->kind));
			null[4] = !used || list->column_name[c] == NULL;
			v[4] = null[4] ? (Datum) 0 : CStringGetTextDatum(list->column_name[c]);
			null[5] = a->kind == REC_ATT_PAIR;
			v[5] = Int64GetDatum(a->rows);
			null[6] = !used;
			v[6] = Float8GetDatum(sqrt(squares));
			tuplestore_putvalues(result->setResult, result->setDesc, v, null);
		}
	}
	if (s)
		rec_serving_release(s);
}

PG_FUNCTION_INFO_V1(rec_model_attribute);
Datum
rec_model_attribute(PG_FUNCTION_ARGS)
{
	Oid			schema;
	RecModel   *model;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("model must not be null")));
	schema = PG_GETARG_OID(0);
	rec_model_require_usage(schema);
	InitMaterializedSRF(fcinfo, 0);
	model = rec_model_by_schema(schema, false);
	for (int side = 0; side < 2 && model->active_version != 0; side++)
		put_side(model, model->active_version, side, (ReturnSetInfo *) fcinfo->resultinfo);
	return (Datum) 0;
}
