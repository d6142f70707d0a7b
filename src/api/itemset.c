/*
 * itemset.c
 *		create_item_set, refresh_item_set, drop_item_set.
 */
#include "api/arguments.h"
#include "compat.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "model/cache.h"
#include "model/items.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

static RecModel *
owned_model(FunctionCallInfo fcinfo, const char *action)
{
	RecModel   *m;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("model must not be null")));
	m = rec_model_by_schema(rec_model_schema(text_to_cstring(PG_GETARG_TEXT_PP(0))), false);
	rec_model_require_owner(m, action);
	return m;
}

/* Of a model that was never trained there are no items yet: the filter is checked, and nothing kept. */
static void
check_untrained(const RecModel *model, const RecItemSet *set)
{
	RecKeys		none;
	RecKeyType	kind;
	bool		mask;

	rec_key_type(&kind, get_atttype(rec_model_relation(model, "item_factors"), 2), DEFAULT_COLLATION_OID, "item",
				 CurrentMemoryContext);
	rec_keys_init(&none, &kind, CurrentMemoryContext);
	rec_item_set_evaluate(model, &none, set, &mask);
}

/* Runs the filter and keeps its result; the number of members, -1: there is no version. */
static int
refresh(const RecModel *model, const RecItemSet *set)
{
	RecVersion	version = rec_version_get(model, 0);
	Oid			types[6] = {TEXTOID, TEXTOID, INT4OID, INT8OID, INT4OID, BYTEAOID};
	Datum		values[6];
	RecServing *serving;
	bool	   *mask;
	int			count;

	if (version.version == 0)
	{
		check_untrained(model, set);
		return -1;
	}
	serving = rec_serving_get(model, &version);
	mask = palloc_extended(Max(serving->n, 1), MCXT_ALLOC_HUGE);
	rec_item_set_evaluate(model, &serving->keys, set, mask);
	values[0] = CStringGetTextDatum(model->name);
	values[1] = CStringGetTextDatum(set->name);
	values[2] = Int32GetDatum(version.version);
	values[3] = Int64GetDatum(version.uid);
	values[5] = PointerGetDatum(rec_item_set_bits(mask, serving->n, &count));
	values[4] = Int32GetDatum(count);
	rec_serving_release(serving);
	pfree(mask);
	rec_catalog_execute("UPDATE rec.item_set SET version = $3, uid = $4, items = $5, members = $6, refreshed_at = now() "
						"WHERE model = $1 AND name = $2", 6, types, values, NULL);
	return count;
}

static void
check_set(const RecItemSet *set, const Interval *max_age)
{
	if (set->name[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME), errmsg("the name of an item set must not be empty")));
	if (max_age && !(rec_half_life(max_age) > 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("max_age must be above zero"),
				 errhint("Give null for no limit; without an item set, filter is always evaluated anew.")));
}

PG_FUNCTION_INFO_V1(rec_create_item_set);
Datum
rec_create_item_set(PG_FUNCTION_ARGS)
{
	RecModel   *m = owned_model(fcinfo, "create an item set of");
	RecItemSet	set = {.name = rec_required_text(fcinfo, 1, "name"), .filter = rec_required_text(fcinfo, 2, "filter"),
	.filter_args = PG_ARGISNULL(3) ? NULL : PG_GETARG_JSONB_P(3)};
	Oid			types[5] = {TEXTOID, TEXTOID, TEXTOID, JSONBOID, INTERVALOID};
	Datum		values[5] = {CStringGetTextDatum(m->name), CStringGetTextDatum(set.name),
	CStringGetTextDatum(set.filter), JsonbPGetDatum(set.filter_args), PG_GETARG_DATUM(4)};
	char		nulls[5] = {' ', ' ', ' ', PG_ARGISNULL(3) ? 'n' : ' ', PG_ARGISNULL(4) ? 'n' : ' '};
	int			count;

	check_set(&set, PG_ARGISNULL(4) ? NULL : PG_GETARG_INTERVAL_P(4));
	if (rec_catalog_execute("INSERT INTO rec.item_set (model, name, filter, filter_args, max_age) "
							"VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING", 5, types, values, nulls) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("model \"%s\" already has an item set \"%s\"", m->name, set.name),
				 errhint("Drop it with rec.drop_item_set.")));
	count = refresh(m, &set);
	if (count < 0)
		PG_RETURN_NULL();
	PG_RETURN_INT32(count);
}

/* Names of the model's sets. */
static List *
set_names(const RecModel *model)
{
	Oid			types[1] = {TEXTOID};
	Datum		values[1] = {CStringGetTextDatum(model->name)};
	MemoryContext caller = CurrentMemoryContext;
	List	   *names = NIL;
	MemoryContext old;
	RecRole		saved = rec_role_enter(rec_catalog_owner());	/* row security shows them to those only who may use the model */

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	/* in one order, as each stays locked */
	if (SPI_execute_with_args("SELECT name FROM rec.item_set WHERE model OPERATOR(pg_catalog.=) $1 ORDER BY name", 1, types,
							  values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "reading rec.item_set failed");
	old = MemoryContextSwitchTo(caller);
	for (uint64 i = 0; i < SPI_processed; i++)
		names = lappend(names, SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1));
	MemoryContextSwitchTo(old);
	SPI_finish();
	rec_role_leave(&saved);
	return names;
}

/*
 * Refreshes a set from what is committed once nobody else is at it: the row is locked before the snapshot is taken that the
 * filter sees the items in. Else, of two transactions that change items, the later one to store its result could be the one that did
 * not see the other's change.
 */
static int
refresh_alone(const RecModel *model, const char *name)
{
	Oid			types[2] = {TEXTOID, TEXTOID};
	Datum		values[2] = {CStringGetTextDatum(model->name), CStringGetTextDatum(name)};
	int			count;

	rec_catalog_execute("SELECT 1 FROM rec.item_set WHERE model = $1 AND name = $2 FOR UPDATE", 2, types, values, NULL);
	CommandCounterIncrement();	/* what a trigger's statement has written */
	PushActiveSnapshot(GetTransactionSnapshot());
	count = refresh(model, rec_item_set_find(model, name));
	PopActiveSnapshot();
	return count;
}

PG_FUNCTION_INFO_V1(rec_refresh_item_set);
Datum
rec_refresh_item_set(PG_FUNCTION_ARGS)
{
	RecModel   *m = owned_model(fcinfo, "refresh an item set of");
	List	   *names = PG_ARGISNULL(1) ? set_names(m) : list_make1(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	int64		total = 0;
	bool		trained = true;
	ListCell   *lc;

	foreach(lc, names)
	{
		int			count = refresh_alone(m, lfirst(lc));

		trained = trained && count >= 0;
		total += Max(count, 0);
	}
	if (!trained)
		PG_RETURN_NULL();
	PG_RETURN_INT32((int32) Min(total, PG_INT32_MAX));
}

/*
 * The model that a trigger names. Whoever may write to the table fires it, so what counts is whose table it is: its owner, who
 * made the trigger, must own the model too. NULL: the model is gone, which must not keep anybody from writing.
 */
static RecModel *
model_of_trigger(const TriggerData *trigger)
{
	const char *name;
	Oid			schema;
	RecModel   *m;

	if (!TRIGGER_FIRED_AFTER(trigger->tg_event) || !TRIGGER_FIRED_FOR_STATEMENT(trigger->tg_event) ||
		trigger->tg_trigger->tgnargs < 1)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("rec.refresh_item_sets_trigger must be fired after a statement and takes the name of a model"),
				 errhint("CREATE TRIGGER ... AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON ... FOR EACH STATEMENT "
						 "EXECUTE FUNCTION rec.refresh_item_sets_trigger('model');")));
	name = trigger->tg_trigger->tgargs[0];
	schema = get_namespace_oid(name, true);
	m = OidIsValid(schema) ? rec_model_by_schema(schema, true) : NULL;
	if (m == NULL)
		ereport(WARNING,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("trigger \"%s\" refreshes nothing: model \"%s\" does not exist", trigger->tg_trigger->tgname, name)));
	else if (!has_privs_of_role(trigger->tg_relation->rd_rel->relowner, m->owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("trigger \"%s\" may not refresh item sets of model \"%s\"", trigger->tg_trigger->tgname, name),
				 errdetail("The owner of table \"%s\" is not an owner of the model.", RelationGetRelationName(trigger->tg_relation))));
	return m;
}

static bool
is_named(const Trigger *trigger, const char *set)
{
	for (int i = 1; i < trigger->tgnargs; i++)
		if (strcmp(trigger->tgargs[i], set) == 0)
			return true;
	return trigger->tgnargs == 1;
}

PG_FUNCTION_INFO_V1(rec_refresh_item_sets_trigger);
Datum
rec_refresh_item_sets_trigger(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	RecModel   *m;
	ListCell   *lc;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("rec.refresh_item_sets_trigger must be called as a trigger")));
	m = model_of_trigger(trigger);
	if (m)
	{
		foreach(lc, set_names(m))
			if (is_named(trigger->tg_trigger, lfirst(lc)))
				(void) refresh_alone(m, lfirst(lc));
	}
	PG_RETURN_POINTER(NULL);
}

PG_FUNCTION_INFO_V1(rec_drop_item_set);
Datum
rec_drop_item_set(PG_FUNCTION_ARGS)
{
	RecModel   *m = owned_model(fcinfo, "drop an item set of");
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	Oid			types[2] = {TEXTOID, TEXTOID};
	Datum		values[2] = {CStringGetTextDatum(m->name), CStringGetTextDatum(name)};

	if (rec_catalog_execute("DELETE FROM rec.item_set WHERE model = $1 AND name = $2", 2, types, values, NULL) == 0)
	{
		if (!PG_GETARG_BOOL(2))
			(void) rec_item_set_find(m, name);	/* the error */
		ereport(NOTICE, (errmsg("model \"%s\" has no item set \"%s\", skipping", m->name, name)));
	}
	PG_RETURN_VOID();
}
