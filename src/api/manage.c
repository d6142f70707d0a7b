/*
 * manage.c
 *		create_model, alter_model, drop_model, rename_model, upgrade_model, activate.
 *
 * What stands in the schema of a model is made by model_ddl.c. A row of the catalog is written after the checks, as the
 * catalog's owner.
 */
#include "api/arguments.h"
#include "api/model_ddl.h"
#include "api/options.h"

#include "access/genam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "model/params.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#define MODEL_COLUMNS 24

static bool
feedback_of(const char *name)
{
	if (strcmp(name, "explicit") != 0 && strcmp(name, "implicit") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid feedback \"%s\"", name),
				 errdetail("Allowed are \"implicit\" (events are evidence of preference) and \"explicit\" (values are ratings).")));
	return strcmp(name, "explicit") == 0;
}

static Datum
text_array(List *names)
{
	Datum	   *value = palloc(Max(list_length(names), 1) * sizeof(Datum));
	int			n = 0;
	ListCell   *lc;

	foreach(lc, names)
		value[n++] = CStringGetTextDatum(lfirst(lc));
	return PointerGetDatum(construct_array(value, n, TEXTOID, -1, false, TYPALIGN_INT));
}

/* The options value_scaler and context_columns, from argument i on; NULL leaves what there is. */
static void
take_preparation(RecModel *m, FunctionCallInfo fcinfo, int i)
{
	if (!PG_ARGISNULL(i))
		m->value_scaler = rec_text_argument(fcinfo, i);
	if (!PG_ARGISNULL(i + 1))
		m->context_columns = rec_text_list(PG_GETARG_ARRAYTYPE_P(i + 1));
}

/* The values of a row of rec.model, in the order of the columns, without created_at. */
static void
model_row(const RecModel *m, Oid *types, Datum *values, char *nulls)
{
	const char *texts[] = {m->name, m->events_schema, m->events_relation, m->user_column, m->item_column,
	m->value_column, m->event_column};
	const char *items[] = {m->items_schema, m->items_relation, m->item_key};
	const char *users[] = {m->users_schema, m->users_relation, m->user_key};
	int			i;

	memset(nulls, ' ', MODEL_COLUMNS);
	for (i = 0; i < (int) lengthof(texts); i++)
	{
		types[i] = TEXTOID;
		values[i] = texts[i] ? CStringGetTextDatum(texts[i]) : (Datum) 0;
		nulls[i] = texts[i] ? ' ' : 'n';
	}
	types[i] = JSONBOID;
	nulls[i] = m->event_weights ? ' ' : 'n';
	values[i++] = JsonbPGetDatum(m->event_weights);
	types[i] = TEXTOID;
	nulls[i] = m->time_column ? ' ' : 'n';
	values[i++] = m->time_column ? CStringGetTextDatum(m->time_column) : (Datum) 0;
	types[i] = INTERVALOID;
	nulls[i] = m->half_life ? ' ' : 'n';
	values[i++] = IntervalPGetDatum(m->half_life);
	types[i] = TEXTOID;
	values[i++] = CStringGetTextDatum(m->explicit_feedback ? "explicit" : "implicit");
	types[i] = JSONBOID;
	values[i++] = JsonbPGetDatum(m->params);
	types[i] = INT4OID;
	values[i++] = Int32GetDatum(m->keep_versions);
	types[i] = INT4OID;
	nulls[i] = m->active_version ? ' ' : 'n';
	values[i++] = Int32GetDatum(m->active_version);
	for (int k = 0; k < (int) lengthof(items); k++, i++)
	{
		types[i] = TEXTOID;
		values[i] = items[k] ? CStringGetTextDatum(items[k]) : (Datum) 0;
		nulls[i] = items[k] ? ' ' : 'n';
	}
	types[i] = TEXTOID;
	nulls[i] = m->value_scaler ? ' ' : 'n';
	values[i++] = m->value_scaler ? CStringGetTextDatum(m->value_scaler) : (Datum) 0;
	types[i] = TEXTARRAYOID;
	nulls[i] = m->context_columns ? ' ' : 'n';
	values[i++] = text_array(m->context_columns);
	types[i] = TEXTARRAYOID;
	nulls[i] = m->item_attributes ? ' ' : 'n';
	values[i++] = text_array(m->item_attributes);
	for (int k = 0; k < (int) lengthof(users); k++, i++)
	{
		types[i] = TEXTOID;
		values[i] = users[k] ? CStringGetTextDatum(users[k]) : (Datum) 0;
		nulls[i] = users[k] ? ' ' : 'n';
	}
	types[i] = TEXTARRAYOID;
	nulls[i] = m->user_attributes ? ' ' : 'n';
	values[i++] = text_array(m->user_attributes);
	Assert(i == MODEL_COLUMNS);
}

/* The row of a model, and all others that are about it: also such as have lost the first one. */
static void
forget_model(const char *name)
{
	Oid			types[1] = {TEXTOID};
	Datum		values[1] = {CStringGetTextDatum(name)};

	rec_catalog_execute("DELETE FROM rec.model WHERE model = $1", 1, types, values, NULL);
	rec_catalog_execute("SELECT rec._forget_model($1)", 1, types, values, NULL);
}

/* An existing schema may become a model's when the caller owns it and it is empty. */
static void
check_existing_schema(Oid schema, const char *name)
{
	Oid			types[1] = {OIDOID};
	Datum		values[1] = {ObjectIdGetDatum(schema)};
	uint64		objects;

	if (rec_model_by_schema(schema, true) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("model \"%s\" already exists", name),
				 errhint("Change it with rec.alter_model, or drop it with rec.drop_model.")));
	objects = rec_catalog_execute("SELECT 1 FROM pg_depend WHERE refclassid = 'pg_namespace'::regclass "
								  "AND refobjid = $1 AND deptype <> 'i' LIMIT 1", 1, types, values, NULL);
	if (objects > 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_SCHEMA),
				 errmsg("schema \"%s\" already exists and is not empty", name),
				 errhint("Give the model another name: it lives in a schema of its own.")));
}

/* The schema of a new model; returns its oid. */
static Oid
provide_schema(const char *name)
{
	Oid			schema = get_namespace_oid(name, true);

	if (!OidIsValid(schema))
	{
		rec_run_statement(psprintf("CREATE SCHEMA %s", quote_identifier(name)), SPI_OK_UTILITY);
		CommandCounterIncrement();
		forget_model(name);		/* left where event triggers were off, by sessions that wrote meanwhile, or by a partial restore */
		return get_namespace_oid(name, false);
	}
	if (!has_privs_of_role(GetUserId(), rec_schema_owner(schema)))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of schema \"%s\" to make it a model", name),
				 errhint("Give the model another name, or create it as the schema's owner.")));
	check_existing_schema(schema, name);
	forget_model(name);
	return schema;
}

/* Items and users with their attributes; those that came later than items and item_key from argument i on. */
static void
take_sides(RecModel *m, FunctionCallInfo fcinfo, int i)
{
	rec_options_items(m, rec_text_argument(fcinfo, 12), rec_text_argument(fcinfo, 13));
	if (!PG_ARGISNULL(i))
		m->item_attributes = rec_text_list(PG_GETARG_ARRAYTYPE_P(i));
	rec_options_users(m, rec_text_argument(fcinfo, i + 1), rec_text_argument(fcinfo, i + 2));
	if (!PG_ARGISNULL(i + 3))
		m->user_attributes = rec_text_list(PG_GETARG_ARRAYTYPE_P(i + 3));
}

/* The option algorithm, argument i, is kept as a key of params. */
static void
take_algorithm(RecModel *m, FunctionCallInfo fcinfo, int i)
{
	JsonbParseState *state = NULL;
	JsonbValue	key = {.type = jbvString, .val.string = {9, "algorithm"}},
				value = {.type = jbvString};
	Jsonb	   *option;

	if (PG_ARGISNULL(i) || !JB_ROOT_IS_OBJECT(m->params))
		return;
	value.val.string.val = rec_text_argument(fcinfo, i);
	value.val.string.len = strlen(value.val.string.val);
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	pushJsonbValue(&state, WJB_KEY, &key);
	pushJsonbValue(&state, WJB_VALUE, &value);
	option = JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
	m->params = DatumGetJsonbP(DirectFunctionCall2(jsonb_concat, JsonbPGetDatum(m->params), JsonbPGetDatum(option)));
}

PG_FUNCTION_INFO_V1(rec_create_model);
Datum
rec_create_model(PG_FUNCTION_ARGS)
{
	RecModel	m = {.name = rec_required_text(fcinfo, 0, "model")};
	char	   *events = rec_required_text(fcinfo, 1, "events");
	RecEventSource source;
	Oid			types[MODEL_COLUMNS];
	Datum		values[MODEL_COLUMNS];
	char		nulls[MODEL_COLUMNS];

	rec_check_model_name(m.name);
	rec_options_events(&m, events);
	m.user_column = rec_required_text(fcinfo, 2, "user_column");
	m.item_column = rec_required_text(fcinfo, 3, "item_column");
	m.value_column = rec_text_argument(fcinfo, 4);
	m.event_column = rec_text_argument(fcinfo, 5);
	m.event_weights = PG_ARGISNULL(6) ? NULL : PG_GETARG_JSONB_P(6);
	m.time_column = rec_text_argument(fcinfo, 7);
	m.half_life = PG_ARGISNULL(8) ? NULL : PG_GETARG_INTERVAL_P(8);
	m.explicit_feedback = feedback_of(rec_required_text(fcinfo, 9, "feedback"));
	m.params = PG_ARGISNULL(10) ? DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum("{}"))) :
		PG_GETARG_JSONB_P(10);
	m.keep_versions = PG_ARGISNULL(11) ? 2 : PG_GETARG_INT32(11);
	take_preparation(&m, fcinfo, 14);
	take_sides(&m, fcinfo, 16);
	take_algorithm(&m, fcinfo, 20);
	rec_options_check(&m, &source);

	m.schema = provide_schema(m.name);
	rec_model_create_tables(&m, &source);
	model_row(&m, types, values, nulls);
	rec_catalog_execute("INSERT INTO rec.model (model, events_schema, events_relation, user_column, item_column, "
						"value_column, event_column, event_weights, time_column, half_life, feedback, params, "
						"keep_versions, active_version, items_schema, items_relation, item_key, value_scaler, context_columns, "
						"item_attributes, users_schema, users_relation, user_key, user_attributes) "
						"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, "
						"$21, $22, $23, $24)",
						MODEL_COLUMNS, types, values, nulls);
	rec_model_create_functions(&m, source.user_type, source.item_type);
	rec_advise_index(&m, &source);
	PG_RETURN_TEXT_P(cstring_to_text(m.name));
}

/* Puts one option back to its default. */
static void
reset_option(RecModel *m, const char *name)
{
	static const char *const names[] = {"value_column", "event_column", "event_weights", "time_column", "half_life",
	"feedback", "params", "keep_versions", "items", "value_scaler", "context_columns", "item_attributes", "users",
	"user_attributes", "algorithm"};
	const char *near;

	if (strcmp(name, "value_column") == 0)
		m->value_column = NULL;
	else if (strcmp(name, "event_column") == 0)
		m->event_column = NULL;
	else if (strcmp(name, "event_weights") == 0)
		m->event_weights = NULL;
	else if (strcmp(name, "time_column") == 0)
		m->time_column = NULL;
	else if (strcmp(name, "half_life") == 0)
		m->half_life = NULL;
	else if (strcmp(name, "feedback") == 0)
		m->explicit_feedback = false;
	else if (strcmp(name, "params") == 0)
		m->params = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum("{}")));
	else if (strcmp(name, "keep_versions") == 0)
		m->keep_versions = 2;
	else if (strcmp(name, "items") == 0)
	{
		m->items_schema = m->items_relation = m->item_key = NULL;
		m->item_attributes = NIL;
	}
	else if (strcmp(name, "item_attributes") == 0)
		m->item_attributes = NIL;
	else if (strcmp(name, "users") == 0)
	{
		m->users_schema = m->users_relation = m->user_key = NULL;
		m->user_attributes = NIL;
	}
	else if (strcmp(name, "algorithm") == 0)
		m->params = DatumGetJsonbP(DirectFunctionCall2(jsonb_delete, JsonbPGetDatum(m->params),
													   CStringGetTextDatum("algorithm")));
	else if (strcmp(name, "user_attributes") == 0)
		m->user_attributes = NIL;
	else if (strcmp(name, "value_scaler") == 0)
		m->value_scaler = NULL;
	else if (strcmp(name, "context_columns") == 0)
		m->context_columns = NIL;
	else
	{
		near = rec_nearest_name(name, names, lengthof(names));
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"%s\" cannot be reset", name),
				 errdetail("Options with a default are value_column, event_column, event_weights, time_column, half_life, feedback, params, keep_versions, items, value_scaler, context_columns, item_attributes, users, user_attributes and algorithm."),
				 near ? errhint("Perhaps you meant \"%s\".", near) : 0));
	}
}

static void
reset_options(RecModel *m, ArrayType *names)
{
	Datum	   *value;
	bool	   *null;
	int			n;

	deconstruct_array(names, TEXTOID, -1, false, TYPALIGN_INT, &value, &null, &n);
	for (int i = 0; i < n; i++)
		if (!null[i])
			reset_option(m, TextDatumGetCString(value[i]));
}

static void
take_options(RecModel *m, FunctionCallInfo fcinfo)
{
	char	  **texts[] = {&m->user_column, &m->item_column, &m->value_column, &m->event_column};

	if (!PG_ARGISNULL(1))
		rec_options_events(m, rec_text_argument(fcinfo, 1));
	for (int i = 0; i < (int) lengthof(texts); i++)
		if (!PG_ARGISNULL(2 + i))
			*texts[i] = rec_text_argument(fcinfo, 2 + i);
	if (!PG_ARGISNULL(6))
		m->event_weights = PG_GETARG_JSONB_P(6);
	if (!PG_ARGISNULL(7))
		m->time_column = rec_text_argument(fcinfo, 7);
	if (!PG_ARGISNULL(8))
		m->half_life = PG_GETARG_INTERVAL_P(8);
	if (!PG_ARGISNULL(9))
		m->explicit_feedback = feedback_of(rec_text_argument(fcinfo, 9));
	if (!PG_ARGISNULL(10))
		m->params = DatumGetJsonbP(DirectFunctionCall2(jsonb_concat, JsonbPGetDatum(m->params), PG_GETARG_DATUM(10)));
	if (!PG_ARGISNULL(11))
		m->keep_versions = PG_GETARG_INT32(11);
	take_preparation(m, fcinfo, 15);
	take_sides(m, fcinfo, 17);
	take_algorithm(m, fcinfo, 21);
}

PG_FUNCTION_INFO_V1(rec_alter_model);
Datum
rec_alter_model(PG_FUNCTION_ARGS)
{
	RecModel   *m = rec_model_by_schema(rec_model_schema(rec_required_text(fcinfo, 0, "model")), false);
	RecEventSource source;
	Oid			types[MODEL_COLUMNS];
	Datum		values[MODEL_COLUMNS];
	char		nulls[MODEL_COLUMNS];
	uint64		updated;

	rec_model_require_owner(m, "alter");
	rec_model_lock(m);
	if (!PG_ARGISNULL(10))
	{
		RecParams	params = rec_params_default(REC_ALS, m->explicit_feedback);

		/* a clear error before the concatenation; the keys are checked after it */
		if (!JB_ROOT_IS_OBJECT(PG_GETARG_JSONB_P(10)))
			rec_params_read(&params, PG_GETARG_JSONB_P(10), m->explicit_feedback);
	}
	if (!PG_ARGISNULL(14))
		reset_options(m, PG_GETARG_ARRAYTYPE_P(14));
	take_options(m, fcinfo);
	rec_options_check(m, &source);
	rec_event_source_check_keys(m, &source);
	model_row(m, types, values, nulls);
	updated = rec_catalog_execute("UPDATE rec.model SET events_schema = $2, events_relation = $3, user_column = $4, "
						"item_column = $5, value_column = $6, event_column = $7, event_weights = $8, time_column = $9, "
						"half_life = $10, feedback = $11, params = $12, keep_versions = $13, items_schema = $15, "
						"items_relation = $16, item_key = $17, value_scaler = $18, context_columns = $19, item_attributes = $20, "
						"users_schema = $21, users_relation = $22, user_key = $23, user_attributes = $24 "
						"WHERE model = $1 AND active_version IS NOT DISTINCT FROM $14",
						MODEL_COLUMNS, types, values, nulls);
	if (updated != 1)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("model \"%s\" was changed by another session just now", m->name),
				 errhint("Try again.")));
	rec_advise_index(m, &source);
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(rec_drop_model);
Datum
rec_drop_model(PG_FUNCTION_ARGS)
{
	char	   *name = rec_text_argument(fcinfo, 0);
	Oid			schema = get_namespace_oid(name, true);
	RecModel   *m = OidIsValid(schema) ? rec_model_by_schema(schema, true) : NULL;

	if (m == NULL)
	{
		if (!PG_GETARG_BOOL(1))
			(void) rec_model_schema(name);	/* the error */
		ereport(NOTICE, (errmsg("model \"%s\" does not exist, skipping", name)));
		PG_RETURN_VOID();
	}
	rec_model_require_owner(m, "drop");
	rec_model_lock(m);
	rec_run_statement(psprintf("SELECT rec.unschedule(%s)", quote_literal_cstr(name)), SPI_OK_SELECT);
	rec_model_drop_objects(m);
	rec_run_statement(psprintf("DROP SCHEMA %s", quote_identifier(name)), SPI_OK_UTILITY);
	forget_model(name);
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(rec_rename_model);
Datum
rec_rename_model(PG_FUNCTION_ARGS)
{
	RecModel   *m = rec_model_by_schema(rec_model_schema(rec_text_argument(fcinfo, 0)), false);
	char	   *old_name = m->name;
	char	   *new_name = rec_text_argument(fcinfo, 1);
	Oid			types[2] = {TEXTOID, TEXTOID};
	Datum		values[2] = {CStringGetTextDatum(m->name), CStringGetTextDatum(new_name)};

	rec_model_require_owner(m, "rename");
	rec_check_model_name(new_name);
	rec_model_lock(m);
	if (!OidIsValid(get_namespace_oid(new_name, true)))
		forget_model(new_name);	/* as in provide_schema */
	rec_run_statement(psprintf("ALTER SCHEMA %s RENAME TO %s", quote_identifier(m->name), quote_identifier(new_name)),
			SPI_OK_UTILITY);
	/* the event trigger has done it already, unless event triggers are off */
	rec_catalog_execute("UPDATE rec.model SET model = $2 WHERE model = $1", 2, types, values, NULL);
	rec_run_statement(psprintf("SELECT rec._reschedule(%s, %s)", quote_literal_cstr(old_name), quote_literal_cstr(new_name)), SPI_OK_SELECT);
	PG_RETURN_VOID();
}

/* Views are replaced as the schema's owner, which takes their owner. */
static void
check_one_owner(const RecModel *model)
{
	Oid			view = get_relname_relid("active_items", model->schema);
	HeapTuple	tuple = OidIsValid(view) ? SearchSysCache1(RELOID, ObjectIdGetDatum(view)) : NULL;
	Oid			owner = model->owner;

	if (HeapTupleIsValid(tuple))
	{
		owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
		ReleaseSysCache(tuple);
	}
	if (!has_privs_of_role(model->owner, owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("views and functions of model \"%s\" belong to role \"%s\", but its schema to \"%s\"", model->name,
						GetUserNameFromId(owner, false), GetUserNameFromId(model->owner, false)),
				 errhint("Give the schema to one of them: ALTER SCHEMA %s OWNER TO ..., and its objects: REASSIGN OWNED.",
						 quote_identifier(model->name))));
}

PG_FUNCTION_INFO_V1(rec_upgrade_model);
Datum
rec_upgrade_model(PG_FUNCTION_ARGS)
{
	RecModel   *m = rec_model_by_schema(rec_model_schema(rec_text_argument(fcinfo, 0)), false);

	rec_model_require_owner(m, "upgrade");
	rec_model_lock(m);
	check_one_owner(m);
	rec_model_create_functions(m, get_atttype(rec_model_relation(m, "user_factors"), 2),
					 get_atttype(rec_model_relation(m, "item_factors"), 2));
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(rec_activate);
Datum
rec_activate(PG_FUNCTION_ARGS)
{
	RecModel   *m = rec_model_by_schema(rec_model_schema(rec_text_argument(fcinfo, 0)), false);
	int			version = PG_GETARG_INT32(1);
	Oid			types[2] = {TEXTOID, INT4OID};
	Datum		values[2] = {CStringGetTextDatum(m->name), Int32GetDatum(version)};

	rec_model_require_owner(m, "activate a version of");
	rec_model_lock(m);
	if (version <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("model \"%s\" has no version %d", m->name, version)));
	PushActiveSnapshot(GetTransactionSnapshot());	/* what a training that ended meanwhile has left */
	(void) rec_version_get(m, version);
	PopActiveSnapshot();
	rec_catalog_execute("UPDATE rec.model SET active_version = $2 WHERE model = $1", 2, types, values, NULL);
	PG_RETURN_VOID();
}
