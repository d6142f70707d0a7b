/*
 * options.c
 *		Checks of a model's options. See options.h.
 */
#include "api/options.h"

#include "model/scaler.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "model/attributes.h"
#include "model/items.h"
#include "model/pairs.h"
#include "model/params.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

void
rec_check_model_name(const char *name)
{
	if (name[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME), errmsg("the name of a model must not be empty")));
	if (strlen(name) >= NAMEDATALEN)
		ereport(ERROR,
				(errcode(ERRCODE_NAME_TOO_LONG),
				 errmsg("the name of a model must be shorter than %d bytes", NAMEDATALEN),
				 errdetail("\"%s\" has %zu bytes.", name, strlen(name))));
	if (strcmp(name, "rec") == 0 || strcmp(name, "public") == 0 || strcmp(name, "information_schema") == 0 ||
		strncmp(name, "pg_", 3) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_RESERVED_NAME),
				 errmsg("a model cannot be called \"%s\"", name),
				 errdetail("A model lives in a schema of its own name, and this name is taken by another schema.")));
}

/* The relation of the search path or of the given schema whose name is nearest. */
static char *
nearest_relation(const char *schema, const char *relation)
{
	List	   *path = schema ? list_make1_oid(get_namespace_oid(schema, true)) : fetch_search_path(false);
	Relation	rel = table_open(RelationRelationId, AccessShareLock);
	const char **names = palloc(sizeof(char *) * 10000);
	const char *near;
	int			n = 0;
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;

	while (n < 10000 && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class c = (Form_pg_class) GETSTRUCT(tuple);

		if (list_member_oid(path, c->relnamespace) &&
			(c->relkind == RELKIND_RELATION || c->relkind == RELKIND_PARTITIONED_TABLE || c->relkind == RELKIND_VIEW ||
			 c->relkind == RELKIND_MATVIEW || c->relkind == RELKIND_FOREIGN_TABLE))
			names[n++] = pstrdup(NameStr(c->relname));
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	near = rec_nearest_name(relation, names, n);
	return near ? quote_qualified_identifier(schema, near) : NULL;
}

Oid
rec_find_relation(const char *given, const char *what)
{
	List	   *parts = NIL;
	RangeVar   *name;
	Oid			relid = InvalidOid;
	char	   *near;

	if (SplitIdentifierString(pstrdup(given), '.', &parts) && list_length(parts) >= 1 && list_length(parts) <= 2)
		name = list_length(parts) == 2 ? makeRangeVar(linitial(parts), lsecond(parts), -1) :
			makeRangeVar(NULL, linitial(parts), -1);
	else
		name = makeRangeVar(NULL, pstrdup(given), -1);	/* a name with spaces, written without quotes */
	if (name->schemaname == NULL || OidIsValid(get_namespace_oid(name->schemaname, true)))
		relid = RangeVarGetRelid(name, NoLock, true);
	if (!OidIsValid(relid))
	{
		near = nearest_relation(name->schemaname, name->relname);
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("%s relation \"%s\" does not exist", what, given),
				 near ? errhint("Perhaps you meant %s.", near) :
				 errhint("Give a table or view, with its schema where it is not on the search_path.")));
	}
	return relid;
}

void
rec_options_events(RecModel *model, const char *events)
{
	Oid			relid = rec_find_relation(events, "event");

	model->events_schema = get_namespace_name(get_rel_namespace(relid));
	model->events_relation = get_rel_name(relid);
}

/* Takes a relation that describes one side and its key, NULL where they are not given. */
static void
take_side(const char *what, const char *given, const char *key, const char *column, char **schema, char **relation,
		  char **key_column)
{
	if (given)
	{
		Oid			relid = rec_find_relation(given, what);

		*schema = get_namespace_name(get_rel_namespace(relid));
		*relation = get_rel_name(relid);
		*key_column = pstrdup(column);
	}
	if (key && *relation == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s_key needs %ss", what, what),
				 errhint("Name the relation that describes the %ss, for example %ss => 'web.%s'.", what, what,
						 strcmp(what, "item") == 0 ? "products" : "customers")));
	if (key)
		*key_column = pstrdup(key);
}

void
rec_options_items(RecModel *model, const char *items, const char *item_key)
{
	take_side("item", items, item_key, model->item_column, &model->items_schema, &model->items_relation,
			  &model->item_key);
}

void
rec_options_users(RecModel *model, const char *users, const char *user_key)
{
	take_side("user", users, user_key, model->user_column, &model->users_schema, &model->users_relation,
			  &model->user_key);
}

static void
check_combination(const RecModel *m)
{
	if (m->event_weights && !m->event_column)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("event_weights needs an event_column"),
				 errhint("Name the column that holds the type of the event, for example event_column => 'event'.")));
	if (m->half_life && !m->time_column)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("half_life needs a time_column"),
				 errhint("Name the column that says when the event happened, for example time_column => 'created_at'.")));
	if (m->half_life && !(rec_half_life(m->half_life) > 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("half_life must be above zero")));
	if (m->explicit_feedback && !m->value_column)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("explicit feedback needs a value_column"),
				 errhint("Name the column that holds the rating.")));
	if (m->value_scaler && !m->value_column)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("value_scaler needs a value_column"),
				 errhint("Name the column that holds the value of the event.")));
	if (m->value_scaler)
		rec_scaler_option(m->value_scaler);
	if (m->keep_versions < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("keep_versions must be at least 1")));
	if (m->event_weights)
		(void) rec_event_weights_read(m->event_weights);
}

static void
check_select(const RecModel *model, const RecEventSource *source)
{
	const char *columns[] = {model->user_column, model->item_column, model->value_column, model->event_column,
	model->time_column};

	if (pg_class_aclcheck(source->relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK)
		return;
	for (int i = 0; i < (int) lengthof(columns); i++)
		if (columns[i] && pg_attribute_aclcheck(source->relid, get_attnum(source->relid, columns[i]), GetUserId(),
												ACL_SELECT) != ACLCHECK_OK)
			aclcheck_error(ACLCHECK_NO_PRIV, get_relkind_objtype(source->relkind), model->events_relation);
}

/* Context columns exist and are not the keys; an error with the nearest name. */
static void
check_context(const RecModel *m, const RecEventSource *source)
{
	Relation	rel = relation_open(source->relid, AccessShareLock);
	ListCell   *lc;

	foreach(lc, m->context_columns)
	{
		const char *name = lfirst(lc);

		if (get_attnum(source->relid, name) <= 0)
			rec_unknown_column(rel, name, "event");
		if (strcmp(name, m->user_column) == 0 || strcmp(name, m->item_column) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" cannot be a context column: it is the key of users or items", name)));
	}
	relation_close(rel, AccessShareLock);
	if (m->context_columns && m->explicit_feedback)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("context_columns need implicit feedback"),
				 errdetail("They say how much more often an item is taken in a context, not how it is rated there.")));
}

void
rec_options_check(const RecModel *model, RecEventSource *source)
{
	RecKeyType	kind;
	RecItemSource items;
	RecParams	params = rec_params_default(REC_ALS, model->explicit_feedback);

	check_combination(model);
	rec_params_read(&params, model->params, model->explicit_feedback);
	rec_event_source(model, source, false);
	rec_key_type(&kind, source->user_type, source->user_collation, "user", CurrentMemoryContext);
	rec_key_type(&kind, source->item_type, source->item_collation, "item", CurrentMemoryContext);
	check_context(model, source);
	check_select(model, source);
	if (model->items_relation)
		rec_item_source(model, source->item_type, &items);
	rec_attributes_check(model, REC_USERS, source->user_type);
	rec_attributes_check(model, REC_ITEMS, source->item_type);
}

static Oid
collation_schema(Oid collation)
{
	HeapTuple	tuple = SearchSysCache1(COLLOID, ObjectIdGetDatum(collation));
	Oid			schema;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for collation %u", collation);
	schema = ((Form_pg_collation) GETSTRUCT(tuple))->collnamespace;
	ReleaseSysCache(tuple);
	return schema;
}

char *
rec_key_type_sql(Oid type, Oid collation)
{
	char	   *name = format_type_extended(type, -1, FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY);

	if (OidIsValid(collation) && collation != get_typcollation(type))
		return psprintf("%s COLLATE %s", name,
						quote_qualified_identifier(get_namespace_name(collation_schema(collation)),
												   get_collation_name(collation)));
	return name;
}

/* Whether some index of the relation finds the rows of one user. */
static bool
has_user_index(Relation rel, AttrNumber user)
{
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(rel))
	{
		HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(lc)));
		Form_pg_index index;
		bool		good;

		if (!HeapTupleIsValid(tuple))
			continue;
		index = (Form_pg_index) GETSTRUCT(tuple);
		good = index->indisvalid && index->indkey.values[0] == user &&
			heap_attisnull(tuple, Anum_pg_index_indpred, NULL);
		ReleaseSysCache(tuple);
		if (good)
			return true;
	}
	return false;
}

void
rec_advise_index(const RecModel *model, const RecEventSource *source)
{
	const char *more[] = {model->value_column, model->event_column, model->time_column};
	StringInfoData include;
	Relation	rel;
	bool		found;

	if (source->relkind != RELKIND_RELATION && source->relkind != RELKIND_PARTITIONED_TABLE &&
		source->relkind != RELKIND_MATVIEW)
		return;
	rel = relation_open(source->relid, AccessShareLock);
	found = has_user_index(rel, get_attnum(source->relid, model->user_column));
	relation_close(rel, AccessShareLock);
	if (found)
		return;
	initStringInfo(&include);
	appendStringInfoString(&include, quote_identifier(model->item_column));
	for (int i = 0; i < (int) lengthof(more); i++)
		if (more[i])
			appendStringInfo(&include, ", %s", quote_identifier(more[i]));
	ereport(NOTICE,
			(errmsg("no index finds the events of one user"),
			 errdetail("Without one, recommend() answers from the last training and does not see newer events."),
			 errhint("CREATE INDEX ON %s (%s) INCLUDE (%s);", source->relation,
					 quote_identifier(model->user_column), include.data)));
}
