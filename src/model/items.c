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
check_kind(Relation rel, const char *what)
{
	char		kind = rel->rd_rel->relkind;

	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE && kind != RELKIND_VIEW &&
		kind != RELKIND_MATVIEW && kind != RELKIND_FOREIGN_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" cannot be the %s relation", RelationGetRelationName(rel), what),
				 errdetail("It must be a table, view, materialized view or foreign table.")));
}

/* Number of a column of an open relation. */
static AttrNumber
column_of(Relation rel, const char *column, const char *what)
{
	AttrNumber	number = get_attnum(RelationGetRelid(rel), column);
	const char *near;

	if (number > 0)
		return number;
	near = nearest_column(rel, column);
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("column \"%s\" of %s relation \"%s\" does not exist", column, what, RelationGetRelationName(rel)),
			 near ? errhint("Perhaps you meant \"%s\".", near) : 0));
	return 0;					/* not reached */
}

AttrNumber
rec_item_column(const RecModel *model, const RecItemSource *source, const char *column)
{
	Relation	rel = relation_open(source->relid, NoLock);
	AttrNumber	number = column_of(rel, column, "item");

	relation_close(rel, NoLock);
	return number;
}


/* Finds a relation that describes one side, and checks that its key can be compared with keys of the given type. */
static void
find_source(const char *what, const char *schema, const char *relation, const char *key_column, Oid type,
			RecItemSource *source)
{
	Relation	rel;
	AttrNumber	key;

	source->relid = RangeVarGetRelid(makeRangeVar(pstrdup(schema), pstrdup(relation), -1), AccessShareLock, false);
	rel = relation_open(source->relid, NoLock);
	check_kind(rel, what);
	key = column_of(rel, key_column, what);
	source->key_type = getBaseType(TupleDescAttr(RelationGetDescr(rel), key - 1)->atttypid);
	relation_close(rel, NoLock);
	if (source->key_type != type && !(rec_is_integer(source->key_type) && rec_is_integer(type)) &&
		!(is_text(source->key_type) && is_text(type)))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of %s relation \"%s\" is of type %s, but %ss are of type %s", key_column, what,
						relation, format_type_be(source->key_type), what, format_type_be(type)),
				 errhint("Point the model at a view that casts the key.")));
}

void
rec_item_source(const RecModel *model, Oid item_type, RecItemSource *source)
{
	if (model->items_relation == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("model \"%s\" has no item relation to filter", model->name),
				 errhint("SELECT rec.alter_model(%s, items => 'schema.relation', item_key => 'column');",
						 quote_literal_cstr(model->name))));
	find_source("item", model->items_schema, model->items_relation, model->item_key, item_type, source);
}

void
rec_user_source(const RecModel *model, Oid user_type, RecItemSource *source)
{
	find_source("user", model->users_schema, model->users_relation, model->user_key, user_type, source);
}
