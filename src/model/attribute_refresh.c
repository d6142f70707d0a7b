/*
 * attribute_refresh.c
 *		Items that came after the training: known to a version by their attributes.
 *
 * The rows of a version without events are replaced by what the item relation says now, encoded by the version's encoders.
 * The version gets a new uid, since caches take what they have read under a uid as unchanging; nothing happens when nothing
 * differs. Runs as the model's owner, as a training does.
 */
#include "model/attribute_store.h"

#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "common/pg_prng.h"
#include "core/prior.h"
#include "miscadmin.h"
#include "model/cache.h"
#include "model/events.h"
#include "model/store.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#define LOCK_REFRESH 2			/* part of the model; 0 is the lock of training, 1 of materialize */

static void
lock_items(const RecModel *model)
{
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, rec_catalog_relation("model"), model->schema, LOCK_REFRESH);
	if (LockAcquire(&tag, ExclusiveLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("items of model \"%s\" are being refreshed by another session", model->name)));
}

/* The keys of the items with events. */
static RecKeys *
warm_keys(const RecServing *s)
{
	RecKeys    *keys = palloc(sizeof(RecKeys));
	bool		in_order = true;

	rec_keys_init(keys, &s->keys.kind, CurrentMemoryContext);
	for (int i = 0; i < s->warm; i++)
	{
		rec_keys_append_from(keys, &s->keys, i);
		in_order = in_order && (i == 0 || rec_keys_compare(keys, i - 1, i) < 0);
	}
	if (!in_order)
		rec_keys_make_order(keys);
	return keys;
}

/* How many items without events are new, gone or have other factors. */
static int64
differences(const RecServing *s, const RecDesign *d)
{
	float	   *row = palloc(s->stride * sizeof(float));
	int64		found = 0,
				changed = 0;

	for (int i = 0; i < d->cold.n; i++)
	{
		int64		at = d->start[d->known + i];
		int			position = rec_keys_find(&s->keys, rec_keys_datum(&d->cold, i));

		CHECK_FOR_INTERRUPTS();
		if (position < s->warm)
			continue;
		rec_map_one((int) (d->start[d->known + i + 1] - at), d->column + at, d->value + at, s->map[REC_ITEMS], s->stride,
					row);
		found++;
		changed += memcmp(row, s->items + (Size) position * s->stride, s->stride * sizeof(float)) != 0;
	}
	return changed + (d->cold.n - found) + (s->n - s->warm - found);
}

/* Encoded rows of items that are gone. */
static void
delete_features(const RecModel *model, int version)
{
	Relation	rel = rec_model_open(model, "item_attributes", RowExclusiveLock);
	Oid			types[1] = {INT4OID};
	Datum		values[1] = {Int32GetDatum(version)};
	char	   *equals = rec_type_equality(get_atttype(RelationGetRelid(rel), 2));

	rec_run_on_table(model, rel,
					 psprintf("DELETE FROM %s a WHERE version = $1 AND NOT EXISTS (SELECT FROM %s f WHERE f.version = $1 "
							  "AND f.item_id %s a.item_id)", quote_qualified_identifier(model->name, "item_attributes"),
							  quote_qualified_identifier(model->name, "item_factors"), equals),
					 1, types, values, SPI_OK_DELETE);
	SPI_finish();
	table_close(rel, NoLock);
}

static void
renew_version(const RecModel *model, int version, int64 former, int items, int cold)
{
	Relation	rel = rec_model_open(model, "model_version", RowExclusiveLock);
	int64		uid;
	Oid			types[5] = {INT4OID, INT8OID, INT8OID, INT4OID, INT4OID};
	Datum		values[5] = {Int32GetDatum(version), Int64GetDatum(former), 0, Int32GetDatum(items), Int32GetDatum(cold)};
	uint64		updated;

	if (!pg_strong_random(&uid, sizeof(uid)))
		uid = (int64) pg_prng_uint64(&pg_global_prng_state);
	values[2] = Int64GetDatum(uid);
	rec_run_on_table(model, rel, psprintf("UPDATE %s SET uid = $3, items = $4, cold_items = $5 WHERE version = $1 AND uid = $2",
										  quote_qualified_identifier(model->name, "model_version")),
					 5, types, values, SPI_OK_UPDATE);
	updated = SPI_processed;
	SPI_finish();
	table_close(rel, NoLock);
	if (updated != 1)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("version %d of model \"%s\" was changed by another session just now", version, model->name),
				 errhint("Try again.")));
}

/* Columns that are gone are named with the nearest one that is there, as in a training. */
static void
require_fit(const RecModel *model, int version, const RecAttributes *list, Oid relid)
{
	const RecAttribute *a = rec_attributes_misfit(list, relid);
	AttrNumber	attnum = a ? get_attnum(relid, a->column) : InvalidAttrNumber;

	if (a == NULL)
		return;
	if (attnum <= 0)
		rec_unknown_column(relation_open(relid, AccessShareLock), a->column, "item");
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("item attribute \"%s\" has changed since version %d of model \"%s\" was trained", a->name, version, model->name),
			 errdetail("Column \"%s\" is of type %s, and was encoded as %s%s.", a->column,
					   format_type_be(get_atttype(relid, attnum)), rec_attribute_kind_name(a->kind),
					   a->config ? psprintf(" by the text search configuration %s", a->config) : ""),
			 errhint("Train the model again.")));
}

static int64
refresh(const RecModel *model, RecServing *s)
{
	RecAttributes *list = s->map[REC_ITEMS] ? rec_attributes_stored(model, s->version, REC_ITEMS) : NULL;
	RecItemSource source;
	RecDesign  *d;
	int64		different;

	if (list == NULL || model->items_relation == NULL)
		return 0;
	rec_item_source(model, s->keys.kind.type, &source);
	require_fit(model, s->version, list, source.relid);
	d = rec_design_encode(model, list, warm_keys(s), CurrentMemoryContext);
	different = differences(s, d);
	if (different == 0)
		return 0;
	rec_store_delete(model, "item_factors", s->version, true);
	CommandCounterIncrement();
	delete_features(model, s->version);
	CommandCounterIncrement();
	rec_store_cold_items(model, s->version, d, s->map[REC_ITEMS], s->params.factors, s->rule.explicit_feedback, s->warm);
	rec_store_features(model, s->version, d, NULL);
	CommandCounterIncrement();
	renew_version(model, s->version, s->uid, s->warm + d->cold.n, d->cold.n);
	CommandCounterIncrement();
	return different;
}

int64
rec_refresh_items(const RecModel *model)
{
	RecVersion	version = rec_version_get(model, 0);
	RecServing *s;
	int64		different;

	if (version.version == 0 || model->item_attributes == NIL)
		return 0;
	lock_items(model);
	s = rec_serving_get(model, &version);
	different = refresh(model, s);
	rec_serving_release(s);
	return different;
}
