/*
 * events.c
 *		The event relation: finding it, its columns and types, and the weights of its event types. See events.h.
 */
#include "model/events.h"

#include <math.h>

#include "access/relation.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/rel.h"

void
rec_unknown_column(Relation rel, const char *name, const char *what)
{
	TupleDesc	desc = RelationGetDescr(rel);
	const char **names = palloc(sizeof(char *) * Max(desc->natts, 1));
	const char *near;
	int			n = 0;

	for (int i = 0; i < desc->natts; i++)
		if (!TupleDescAttr(desc, i)->attisdropped)
			names[n++] = NameStr(TupleDescAttr(desc, i)->attname);
	near = rec_nearest_name(name, names, n);
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("column \"%s\" of %s relation \"%s\" does not exist", name, what, RelationGetRelationName(rel)),
			 near ? errhint("Perhaps you meant \"%s\".", near) : 0));
}

/* Type of a column; InvalidOid when name is NULL, or when it does not exist and missing_ok. */
static Oid
column_type(Relation rel, const char *name, Oid *collation, bool missing_ok, bool *missing)
{
	AttrNumber	attnum;
	Form_pg_attribute att;

	if (name == NULL)
		return InvalidOid;
	attnum = get_attnum(RelationGetRelid(rel), name);
	if (attnum <= 0)
	{
		*missing = true;
		if (!missing_ok)
			rec_unknown_column(rel, name, "event");
		return InvalidOid;
	}
	att = TupleDescAttr(RelationGetDescr(rel), attnum - 1);
	if (collation)
		*collation = att->attcollation;
	return getBaseType(att->atttypid);
}

static void
check_value_type(Oid type, const char *name)
{
	if (OidIsValid(type) && type != INT2OID && type != INT4OID && type != INT8OID &&
		type != FLOAT4OID && type != FLOAT8OID && type != NUMERICOID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("value column \"%s\" is of type %s", name, format_type_be(type)),
				 errdetail("A value must be smallint, int, bigint, real, double precision or numeric.")));
}

void
rec_time_check(Oid type, const char *name)
{
	if (OidIsValid(type) && type != TIMESTAMPTZOID && type != TIMESTAMPOID && type != DATEOID &&
		type != INT4OID && type != INT8OID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("time column \"%s\" is of type %s", name, format_type_be(type)),
				 errdetail("A time must be timestamptz, timestamp, date, or an integer with seconds since 1970.")));
}

/*
 * The event relation, locked; NULL when there is none and that is allowed. Then the schema's USAGE is not asked for
 * either, because RangeVarGetRelid() would raise an error: callers check what the role may read.
 */
static Relation
open_events(const RecModel *model, bool missing_ok)
{
	RangeVar   *name = makeRangeVar(model->events_schema, model->events_relation, -1);

	if (!missing_ok)
		return relation_open(RangeVarGetRelid(name, AccessShareLock, false), NoLock);
	for (;;)
	{
		Oid			schema = get_namespace_oid(model->events_schema, true);
		Oid			relid = OidIsValid(schema) ? get_relname_relid(model->events_relation, schema) : InvalidOid;
		Relation	rel = OidIsValid(relid) ? try_relation_open(relid, AccessShareLock) : NULL;

		if (!OidIsValid(relid))
			return NULL;
		/* waiting for the lock may have let another relation take the name */
		if (rel != NULL && get_relname_relid(model->events_relation, schema) == relid)
			return rel;
		if (rel != NULL)
			relation_close(rel, AccessShareLock);
	}
}

char *
rec_value_expression(const RecModel *model, const char *scaler)
{
	const char *column;

	if (model->value_column == NULL)
		return pstrdup("NULL::pg_catalog.float8");
	column = quote_identifier(model->value_column);
	return psprintf("rec._scaled(%s::pg_catalog.float8, %s)", column, scaler);
}

bool
rec_event_source(const RecModel *model, RecEventSource *source, bool missing_ok)
{
	Relation	rel = open_events(model, missing_ok);
	bool		missing = false;

	memset(source, 0, sizeof(*source));
	if (rel == NULL)
		return false;
	source->relid = RelationGetRelid(rel);
	source->relkind = rel->rd_rel->relkind;
	if (source->relkind != RELKIND_RELATION && source->relkind != RELKIND_PARTITIONED_TABLE &&
		source->relkind != RELKIND_VIEW && source->relkind != RELKIND_MATVIEW &&
		source->relkind != RELKIND_FOREIGN_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" cannot be an event relation", model->events_relation),
				 errdetail("Events are read from a table, view, materialized view or foreign table.")));
	source->relation = quote_qualified_identifier(model->events_schema, model->events_relation);
	source->user_type = column_type(rel, model->user_column, &source->user_collation, missing_ok, &missing);
	source->item_type = column_type(rel, model->item_column, &source->item_collation, missing_ok, &missing);
	source->value_type = column_type(rel, model->value_column, NULL, missing_ok, &missing);
	source->event_type = column_type(rel, model->event_column, NULL, missing_ok, &missing);
	source->time_type = column_type(rel, model->time_column, NULL, missing_ok, &missing);
	relation_close(rel, NoLock);
	if (missing)
		return false;
	check_value_type(source->value_type, model->value_column);
	rec_time_check(source->time_type, model->time_column);
	return true;
}

static void
check_key(Oid relid, const char *what, Oid type, Oid collation)
{
	Oid			stored_type,
				stored_collation;
	int32		typmod;

	get_atttypetypmodcoll(relid, 2, &stored_type, &typmod, &stored_collation);
	if (stored_type != type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the type of the %s key cannot change from %s to %s", what, format_type_be(stored_type),
						format_type_be(type)),
				 errhint("Drop the model and create it again, or point it at a view that casts the key.")));
	/* deterministic collations all agree on what is equal */
	if (stored_collation != collation && OidIsValid(collation) && OidIsValid(stored_collation) &&
		!(get_collation_isdeterministic(collation) && get_collation_isdeterministic(stored_collation)))
		ereport(ERROR,
				(errcode(ERRCODE_COLLATION_MISMATCH),
				 errmsg("the collation of the %s key cannot change from \"%s\" to \"%s\"", what,
						get_collation_name(stored_collation), get_collation_name(collation)),
				 errhint("Drop the model and create it again, or point it at a view that gives the key its collation.")));
}

/* The relation may have been replaced since the model was created. */
void
rec_event_source_check_keys(const RecModel *model, const RecEventSource *source)
{
	check_key(rec_model_relation(model, "user_factors"), "user", source->user_type, source->user_collation);
	check_key(rec_model_relation(model, "item_factors"), "item", source->item_type, source->item_collation);
}

bool
rec_event_time(Oid type, Datum value, int64 *microseconds)
{
	const int64 epoch_2000 = (int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY;
	int64		seconds;

	switch (type)
	{
		case DATEOID:
			if (DATE_NOT_FINITE(DatumGetDateADT(value)))
				return false;
			*microseconds = (int64) DatumGetDateADT(value) * USECS_PER_DAY;
			return true;
		case INT4OID:
		case INT8OID:
			seconds = type == INT4OID ? DatumGetInt32(value) : DatumGetInt64(value);
			if (seconds > PG_INT64_MAX / USECS_PER_SEC / 2 || seconds < PG_INT64_MIN / USECS_PER_SEC / 2)
				return false;
			*microseconds = (seconds - epoch_2000) * USECS_PER_SEC;
			return true;
		default:
			*microseconds = DatumGetTimestamp(value);
			return !TIMESTAMP_NOT_FINITE(*microseconds);
	}
}

struct RecEventWeights
{
	int			n;
	int			last;			/* found last time: event types come in runs */
	struct
	{
		char	   *name;
		int			length;
		double		weight;
	}			entry[FLEXIBLE_ARRAY_MEMBER];
};

static double
weight_value(const char *name, const JsonbValue *v)
{
	double		weight = v->type != jbvNumeric ? NAN :
		DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(v->val.numeric)));

	if (!(fabs(weight) <= 1e9))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid weight of event type \"%s\"", name),
				 errdetail("A weight is a number from -1e9 to 1e9; a negative weight speaks against an item.")));
	return weight;
}

RecEventWeights *
rec_event_weights_read(const Jsonb *json)
{
	RecEventWeights *weights;
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	v;

	if (!JB_ROOT_IS_OBJECT(json) || JB_ROOT_COUNT(json) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("event_weights must be a JSON object with a weight for each event type"),
				 errhint("Write for example '{\"view\": 1, \"cart\": 3, \"purchase\": 5, \"return\": -5}'.")));
	weights = palloc0(offsetof(RecEventWeights, entry) + JB_ROOT_COUNT(json) * sizeof(weights->entry[0]));
	it = JsonbIteratorInit(unconstify(JsonbContainer *, &json->root));
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token != WJB_KEY)
			continue;
		weights->entry[weights->n].name = pnstrdup(v.val.string.val, v.val.string.len);
		weights->entry[weights->n].length = v.val.string.len;
		(void) JsonbIteratorNext(&it, &v, true);
		weights->entry[weights->n].weight = weight_value(weights->entry[weights->n].name, &v);
		weights->n++;
	}
	return weights;
}

bool
rec_event_weight(RecEventWeights *weights, const char *name, int length, double *weight)
{
	for (int k = 0; k < weights->n; k++)
	{
		int			i = (weights->last + k) % weights->n;

		if (weights->entry[i].length == length && memcmp(weights->entry[i].name, name, length) == 0)
		{
			weights->last = i;
			*weight = weights->entry[i].weight;
			return true;
		}
	}
	return false;
}
