/*
 * catalog.c
 *		Reading and writing the catalog of models. See catalog.h.
 */
#include "model/catalog.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

/* Columns of rec.model, in the order of sql/10_catalog.sql */
enum
{
	Anum_model = 1, Anum_events_schema, Anum_events_relation, Anum_user_column, Anum_item_column, Anum_value_column,
	Anum_event_column, Anum_event_weights, Anum_time_column, Anum_half_life, Anum_feedback, Anum_params,
	Anum_keep_versions, Anum_active_version, Anum_created_at, Anum_items_schema, Anum_items_relation, Anum_item_key,
	Anum_value_scaler, Anum_context_columns, Anum_item_attributes, Anum_users_schema, Anum_users_relation, Anum_user_key,
	Anum_user_attributes, Anum_algorithm
};

/* Columns of a model's model_version table that are needed here */
enum
{
	Anum_version = 1, Anum_version_uid, Anum_version_value_scaler = 12
};

const char *
rec_nearest_name(const char *typed, const char *const *names, int n)
{
	const char *best = NULL;
	int			length = strlen(typed);
	int			limit = Max(length / 2, 2);

	if (length > 255)
		return NULL;
	for (int i = 0; i < n; i++)
	{
		int			other = strlen(names[i]);
		int			distance;

		if (other > 255)
			continue;
		distance = varstr_levenshtein_less_equal(typed, length, names[i], other, 1, 1, 1, limit, false);
		if (distance <= limit && (best == NULL || distance < limit))
		{
			best = names[i];
			limit = distance;
		}
	}
	return best;
}

Oid
rec_catalog_relation(const char *name)
{
	Oid			relid = get_relname_relid(name, get_namespace_oid("rec", false));

	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation \"rec.%s\" does not exist", name),
				 errhint("Create the extension again, or update it with ALTER EXTENSION pg_recommend UPDATE.")));
	return relid;
}

static Oid
primary_key_of(Relation rel)
{
	Oid			index;

	RelationGetIndexList(rel);	/* fills rd_pkindex */
	index = rel->rd_pkindex;
	if (!OidIsValid(index))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" has lost its primary key", RelationGetRelationName(rel)),
				 errhint("Restore the primary key, or drop the model and create it again.")));
	return index;
}

List *
rec_text_list(ArrayType *array)
{
	List	   *list = NIL;
	Datum	   *value;
	bool	   *null;
	int			n;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &value, &null, &n);
	for (int i = 0; i < n; i++)
		if (!null[i])
			list = lappend(list, TextDatumGetCString(value[i]));
	return list;
}

static char *
text_or_null(Datum value, bool isnull)
{
	return isnull ? NULL : TextDatumGetCString(value);
}

static List *
list_of_texts(Datum value, bool isnull)
{
	return isnull ? NIL : rec_text_list(DatumGetArrayTypePCopy(value));
}

static RecModel *
model_from_tuple(Oid schema, HeapTuple tuple, TupleDesc desc)
{
	RecModel   *m = palloc0(sizeof(RecModel));
	Datum		v[Anum_algorithm];
	bool		null[Anum_algorithm];
	HeapTuple	ns = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(schema));

	if (!HeapTupleIsValid(ns))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_SCHEMA),
				 errmsg("schema with oid %u does not exist", schema)));
	m->schema = schema;
	m->owner = ((Form_pg_namespace) GETSTRUCT(ns))->nspowner;
	ReleaseSysCache(ns);

	heap_deform_tuple(tuple, desc, v, null);
#define FIELD(n) v[Anum_##n - 1], null[Anum_##n - 1]
	m->name = text_or_null(FIELD(model));
	m->events_schema = text_or_null(FIELD(events_schema));
	m->events_relation = text_or_null(FIELD(events_relation));
	m->user_column = text_or_null(FIELD(user_column));
	m->item_column = text_or_null(FIELD(item_column));
	m->value_column = text_or_null(FIELD(value_column));
	m->event_column = text_or_null(FIELD(event_column));
	m->time_column = text_or_null(FIELD(time_column));
	m->items_schema = text_or_null(FIELD(items_schema));
	m->items_relation = text_or_null(FIELD(items_relation));
	m->item_key = text_or_null(FIELD(item_key));
	m->value_scaler = text_or_null(FIELD(value_scaler));
	m->context_columns = list_of_texts(FIELD(context_columns));
	m->users_schema = text_or_null(FIELD(users_schema));
	m->users_relation = text_or_null(FIELD(users_relation));
	m->user_key = text_or_null(FIELD(user_key));
	m->item_attributes = list_of_texts(FIELD(item_attributes));
	m->user_attributes = list_of_texts(FIELD(user_attributes));
	m->explicit_feedback = strcmp(text_or_null(FIELD(feedback)), "explicit") == 0;
#undef FIELD
	if (!null[Anum_event_weights - 1])
		m->event_weights = DatumGetJsonbPCopy(v[Anum_event_weights - 1]);
	if (!null[Anum_half_life - 1])
	{
		m->half_life = palloc(sizeof(Interval));
		*m->half_life = *DatumGetIntervalP(v[Anum_half_life - 1]);
	}
	m->params = DatumGetJsonbPCopy(v[Anum_params - 1]);
	m->keep_versions = DatumGetInt32(v[Anum_keep_versions - 1]);
	m->active_version = null[Anum_active_version - 1] ? 0 : DatumGetInt32(v[Anum_active_version - 1]);
	m->row_xmin = HeapTupleHeaderGetRawXmin(tuple->t_data);
	m->row_tid = tuple->t_self;
	return m;
}

/*
 * The model that lives in a schema, palloc'd in the current context. An error when there is none, unless missing_ok.
 */
RecModel *
rec_model_by_schema(Oid schema, bool missing_ok)
{
	char	   *name = get_namespace_name(schema);
	Relation	rel;
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;
	RecModel   *model = NULL;

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_SCHEMA),
				 errmsg("schema with oid %u does not exist", schema)));

	rel = table_open(rec_catalog_relation("model"), AccessShareLock);
	ScanKeyInit(&key, Anum_model, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(name));
	key.sk_collation = DEFAULT_COLLATION_OID;
	scan = systable_beginscan(rel, primary_key_of(rel), true, GetActiveSnapshot(), 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		model = model_from_tuple(schema, tuple, RelationGetDescr(rel));
		model->catalog = RelationGetRelid(rel);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);

	if (model == NULL && !missing_ok)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("schema \"%s\" holds no model", name),
				 errdetail("The catalog rec.model has no row of this name."),
				 errhint("SELECT model FROM rec.model lists the models that you may use.")));
	return model;
}

/* Names of the models that the current role may use; for hints only. */
static const char *
nearest_model(const char *typed)
{
	Relation	rel = table_open(rec_catalog_relation("model"), AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, GetActiveSnapshot(), 0, NULL);
	HeapTuple	tuple;
	const char **names = palloc(sizeof(char *) * 1000);
	int			n = 0;

	while (n < 1000 && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isnull;
		char	   *name = TextDatumGetCString(heap_getattr(tuple, Anum_model, RelationGetDescr(rel), &isnull));
		Oid			schema = get_namespace_oid(name, true);

		if (OidIsValid(schema) && rec_schema_aclcheck(schema, GetUserId(), ACL_USAGE) == ACLCHECK_OK)
			names[n++] = name;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return rec_nearest_name(typed, names, n);
}

/* Schema of a model by name; an error with the nearest name when there is no such model. */
Oid
rec_model_schema(const char *model)
{
	Oid			schema = get_namespace_oid(model, true);
	const char *near;

	if (OidIsValid(schema) && rec_model_by_schema(schema, true) != NULL)
		return schema;
	near = nearest_model(model);
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("model \"%s\" does not exist", model),
			 near ? errhint("Perhaps you meant the model \"%s\".", near)
			 : errhint("SELECT model FROM rec.model lists the models that you may use; rec.create_model creates one.")));
	return InvalidOid;			/* not reached */
}

/* USAGE on the model's schema is what lets a role ask for recommendations. */
void
rec_model_require_usage(Oid schema)
{
	AclResult	result = rec_schema_aclcheck(schema, GetUserId(), ACL_USAGE);

	if (result != ACLCHECK_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for model \"%s\"", get_namespace_name(schema)),
				 errhint("GRANT USAGE ON SCHEMA %s lets a role use the model.",
						 quote_identifier(get_namespace_name(schema)))));
}

void
rec_model_require_owner(const RecModel *model, const char *action)
{
	if (!has_privs_of_role(GetUserId(), model->owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of model \"%s\" to %s it", model->name, action),
				 errdetail("The owner of a model is the owner of its schema.")));
}

/*
 * Excludes a second training, drop, rename or alteration of the model until the end of the transaction. An object lock
 * of our own class: no table is locked, so neither readers nor autovacuum meet it.
 */
static void
lock_model(const RecModel *model, bool session)
{
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, rec_catalog_relation("model"), model->schema, 0);
	if (LockAcquire(&tag, ExclusiveLock, session, true) == LOCKACQUIRE_NOT_AVAIL)
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("model \"%s\" is being trained or changed by another session", model->name),
				 errhint("See rec.training_progress for its progress; try again when it has finished.")));
}

void
rec_model_lock(const RecModel *model)
{
	lock_model(model, false);
}

/* The same, held beyond commits until it is given back; the end of the session does it too. */
void
rec_model_lock_session(const RecModel *model)
{
	lock_model(model, true);
}

/* May be called in an aborted transaction: looks nothing up. */
void
rec_model_unlock_session(const RecModel *model)
{
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, model->catalog, model->schema, 0);
	(void) LockRelease(&tag, ExclusiveLock, true);
}

/* A table of the model. */
Oid
rec_model_relation(const RecModel *model, const char *name)
{
	Oid			relid = get_relname_relid(name, model->schema);

	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table \"%s\" of model \"%s\" does not exist", name, model->name),
				 errhint("Drop the model with rec.drop_model and create it again.")));
	return relid;
}

/* Columns of the tables in sql/30_model_ddl.sql; the keys have the types of user_factors and item_factors */
#define USER_KEY ANYELEMENTOID
#define ITEM_KEY ANYCOMPATIBLEOID

static const struct
{
	const char *name;
	int			natts;
	Oid			type[20];
}			shapes[] = {
	{"model_version", 14, {INT4OID, INT8OID, TIMESTAMPTZOID, JSONBOID, BOOLOID, INT4OID, INT4OID, FLOAT4OID, INT8OID,
	FLOAT8OID, FLOAT4ARRAYOID, JSONBOID, INT4OID, FLOAT4OID}},
	{"user_attributes", 4, {INT4OID, USER_KEY, INT4ARRAYOID, FLOAT4ARRAYOID}},
	{"item_attributes", 4, {INT4OID, ITEM_KEY, INT4ARRAYOID, FLOAT4ARRAYOID}},
	{"attribute_encoder", 20, {INT4OID, TEXTOID, INT4OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, BOOLOID, BOOLOID, BOOLOID,
	INT4OID, INT4OID, INT4OID, INT4OID, INT8OID, FLOAT8OID, FLOAT8OID, FLOAT8OID, INT4OID, INT4OID}},
	{"attribute_map", 9, {INT4OID, TEXTOID, INT4OID, TEXTOID, TEXTOID, INT8OID, FLOAT4OID, FLOAT4ARRAYOID, FLOAT4OID}},
	{"item_weights", 4, {INT4OID, INT4OID, INT4ARRAYOID, FLOAT4ARRAYOID}},
	{"context_effect", 7, {INT4OID, TEXTOID, TEXTOID, ITEM_KEY, FLOAT4OID, FLOAT4OID, FLOAT4OID}},
	{"item_factors", 8, {INT4OID, ITEM_KEY, INT4OID, FLOAT4ARRAYOID, FLOAT4OID, INT4OID, INT4OID, FLOAT4OID}},
	{"user_factors", 5, {INT4OID, USER_KEY, FLOAT4ARRAYOID, FLOAT4OID, INT4OID}},
	{"recommendation", 6, {USER_KEY, INT4OID, ITEM_KEY, FLOAT4OID, TEXTOID, INT4OID}},
	{"user_history", 4, {INT4OID, USER_KEY, INT4ARRAYOID, FLOAT4ARRAYOID}}
};

static bool
has_shape(const RecModel *model, int shape, Relation rel)
{
	TupleDesc	desc = RelationGetDescr(rel);

	if (rel->rd_rel->relkind != RELKIND_RELATION || desc->natts != shapes[shape].natts)
		return false;
	for (int i = 0; i < desc->natts; i++)
	{
		Oid			type = shapes[shape].type[i];
		const char *keys = type == USER_KEY ? "user_factors" : type == ITEM_KEY ? "item_factors" : NULL;

		if (keys)
			type = get_atttype(rec_model_relation(model, keys), 2);
		if (TupleDescAttr(desc, i)->attisdropped || TupleDescAttr(desc, i)->atttypid != type)
			return false;
	}
	return true;
}

/* Rows are read and written here without the executor's checks, and the tables are the model owner's to alter. */
static void
check_shape(const RecModel *model, const char *name, Relation rel)
{
	for (int i = 0; i < (int) lengthof(shapes); i++)
		if (strcmp(shapes[i].name, name) == 0 && !has_shape(model, i, rel))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("table \"%s\" of model \"%s\" has been altered", name, model->name),
					 errhint("Put its columns back as they were, or drop the model and create it again.")));
}

/* Opens a table of the model. Another session may drop it between looking it up and locking it: no internal error then. */
Relation
rec_model_open(const RecModel *model, const char *name, LOCKMODE lock)
{
	Relation	rel = try_relation_open(rec_model_relation(model, name), lock);

	if (rel == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table \"%s\" of model \"%s\" does not exist", name, model->name),
				 errdetail("It was dropped just now.")));
	check_shape(model, name, rel);
	return rel;
}

Datum
rec_model_value(HeapTuple tuple, int attnum, TupleDesc desc)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, attnum, desc, &isnull);

	if (isnull)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("column \"%s\" of a model's table is null", NameStr(TupleDescAttr(desc, attnum - 1)->attname))));
	return value;
}

/* The row of a version under the active snapshot; .version is 0 when there is none. */
static RecVersion
find_version(const RecModel *model, int version)
{
	RecVersion	result = {0};
	Relation	rel = rec_model_open(model, "model_version", AccessShareLock);
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_version, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(version));
	scan = systable_beginscan(rel, primary_key_of(rel), true, GetActiveSnapshot(), 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		bool		isnull;
		Datum		value;

		result.version = version;
		result.uid = DatumGetInt64(heap_getattr(tuple, Anum_version_uid, RelationGetDescr(rel), &isnull));
		value = heap_getattr(tuple, Anum_version_value_scaler, RelationGetDescr(rel), &isnull);
		if (!isnull)
		{
			Jsonb	   *json = DatumGetJsonbP(value);

			result.value_scaler = JsonbToCString(NULL, &json->root, VARSIZE(json));
		}
		result.own_transaction = TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data));
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return result;
}

bool
rec_version_exists(const RecModel *model, int version, int64 uid)
{
	RecVersion	found = find_version(model, version);

	return found.version != 0 && found.uid == uid;
}

/*
 * A version of the model: the active one when version is 0. An error when it does not exist; .version is 0 when the
 * model has no active version yet.
 */
RecVersion
rec_version_get(const RecModel *model, int version)
{
	RecVersion	result = {0};
	int			wanted = version != 0 ? version : model->active_version;

	if (wanted == 0)
		return result;
	result = find_version(model, wanted);
	if (result.version == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("model \"%s\" has no version %d", model->name, wanted),
				 errhint("SELECT version FROM %s.model_version lists the versions that are kept.",
						 quote_identifier(model->name))));
	return result;
}

void
rec_version_corrupted(const RecModel *model, int version, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("version %d of model \"%s\" cannot be read", version, model->name),
			 errdetail("%s", what),
			 errhint("Train the model again.")));
}

RecRole
rec_role_enter(Oid role)
{
	RecRole		saved;

	GetUserIdAndSecContext(&saved.userid, &saved.context);
	saved.guc_level = NewGUCNestLevel();
	SetUserIdAndSecContext(role, saved.context | SECURITY_RESTRICTED_OPERATION);
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	return saved;
}

void
rec_role_leave(const RecRole *saved)
{
	AtEOXact_GUC(false, saved->guc_level);
	SetUserIdAndSecContext(saved->userid, saved->context);
}

Oid
rec_catalog_owner(void)
{
	Relation	rel = relation_open(rec_catalog_relation("model"), AccessShareLock);
	Oid			owner = rel->rd_rel->relowner;

	relation_close(rel, AccessShareLock);
	return owner;
}

uint64
rec_catalog_execute(const char *sql, int nargs, const Oid *types, const Datum *values, const char *nulls)
{
	RecRole		saved = rec_role_enter(rec_catalog_owner());
	uint64		processed;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args(sql, nargs, unconstify(Oid *, types), unconstify(Datum *, values), nulls, false, 0) < 0)
		elog(ERROR, "catalog statement failed: %s", sql);
	processed = SPI_processed;
	SPI_finish();
	rec_role_leave(&saved);
	return processed;
}

bool
rec_catalog_value(const char *sql, int nargs, const Oid *types, const Datum *values, const char *nulls, Datum *result)
{
	RecRole		saved = rec_role_enter(rec_catalog_owner());
	MemoryContext caller = CurrentMemoryContext;
	bool		isnull = true;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args(sql, nargs, unconstify(Oid *, types), unconstify(Datum *, values), nulls, false, 1) < 0)
		elog(ERROR, "catalog query failed: %s", sql);
	if (SPI_processed > 0)
	{
		TupleDesc	desc = SPI_tuptable->tupdesc;
		Datum		value = SPI_getbinval(SPI_tuptable->vals[0], desc, 1, &isnull);

		if (!isnull)
		{
			MemoryContext old = MemoryContextSwitchTo(caller);

			*result = datumCopy(value, TupleDescAttr(desc, 0)->attbyval, TupleDescAttr(desc, 0)->attlen);
			MemoryContextSwitchTo(old);
		}
	}
	SPI_finish();
	rec_role_leave(&saved);
	return !isnull;
}
