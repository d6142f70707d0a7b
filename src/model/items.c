/*
 * items.c
 *		The item relation. See items.h.
 */
#include "model/items.h"

#include "access/relation.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

static bool
is_integer(Oid type)
{
	return type == INT2OID || type == INT4OID || type == INT8OID;
}

static bool
is_text(Oid type)
{
	return type == TEXTOID || type == VARCHAROID;
}

/* Name of a column of the relation that is near to a mistyped one; NULL: none is. */
static const char *
nearest_column(Relation rel, const char *typed)
{
	TupleDesc	desc = RelationGetDescr(rel);
	const char **names = palloc(sizeof(char *) * Max(desc->natts, 1));
	int			n = 0;

	for (int i = 0; i < desc->natts; i++)
		if (!TupleDescAttr(desc, i)->attisdropped)
			names[n++] = NameStr(TupleDescAttr(desc, i)->attname);
	return rec_nearest_name(typed, names, n);
}

static void
check_kind(Relation rel)
{
	char		kind = rel->rd_rel->relkind;

	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE && kind != RELKIND_VIEW &&
		kind != RELKIND_MATVIEW && kind != RELKIND_FOREIGN_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" cannot be an item relation", RelationGetRelationName(rel)),
				 errdetail("Items are described by a table, view, materialized view or foreign table.")));
}

AttrNumber
rec_item_column(const RecModel *model, const RecItemSource *source, const char *column)
{
	AttrNumber	number = get_attnum(source->relid, column);
	Relation	rel;
	const char *near;

	if (number > 0)
		return number;
	rel = relation_open(source->relid, NoLock);
	near = nearest_column(rel, column);
	relation_close(rel, NoLock);
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("column \"%s\" of item relation \"%s\" does not exist", column, model->items_relation),
			 near ? errhint("Perhaps you meant \"%s\".", near) : 0));
	return 0;					/* not reached */
}

void
rec_item_source(const RecModel *model, Oid item_type, RecItemSource *source)
{
	Relation	rel;
	AttrNumber	key;

	if (model->items_relation == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("model \"%s\" has no item relation to filter", model->name),
				 errhint("SELECT rec.alter_model(%s, items => 'schema.relation', item_key => 'column');",
						 quote_literal_cstr(model->name))));
	source->relid = RangeVarGetRelid(makeRangeVar(model->items_schema, model->items_relation, -1), AccessShareLock,
									 false);
	rel = relation_open(source->relid, NoLock);
	check_kind(rel);
	key = rec_item_column(model, source, model->item_key);
	source->key_type = getBaseType(TupleDescAttr(RelationGetDescr(rel), key - 1)->atttypid);
	relation_close(rel, NoLock);
	if (source->key_type != item_type && !(is_integer(source->key_type) && is_integer(item_type)) &&
		!(is_text(source->key_type) && is_text(item_type)))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of item relation \"%s\" is of type %s, but items are of type %s", model->item_key,
						model->items_relation, format_type_be(source->key_type), format_type_be(item_type)),
				 errhint("Point the model at a view that casts the key.")));
}
