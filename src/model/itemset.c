/*
 * itemset.c
 *		Named item sets: the result of a filter, kept as bits by item position. See items.h.
 *
 * A row of rec.item_set holds the bits for the version they were computed for, told by its uid. For another version, or
 * beyond max_age, the filter is run again there and then, so an answer is never wrong, only slower until the next
 * refresh. It always runs as the model's owner, like the training: whoever may use the model may use its sets.
 */
#include "model/items.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_collation.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* Columns of rec.item_set, in the order of sql/60_item_sets.sql */
enum
{
	Anum_model = 1, Anum_name, Anum_filter, Anum_filter_args, Anum_max_age, Anum_created_at, Anum_version, Anum_uid,
	Anum_refreshed_at, Anum_items, Anum_members
};

static RecItemSet *
set_from_tuple(HeapTuple tuple, TupleDesc desc)
{
	RecItemSet *set = palloc0(sizeof(RecItemSet));
	Datum		v[Anum_members];
	bool		null[Anum_members];

	heap_deform_tuple(tuple, desc, v, null);
	set->name = TextDatumGetCString(v[Anum_name - 1]);
	set->filter = TextDatumGetCString(v[Anum_filter - 1]);
	if (!null[Anum_filter_args - 1])
		set->filter_args = DatumGetJsonbPCopy(v[Anum_filter_args - 1]);
	if (!null[Anum_max_age - 1] && !null[Anum_refreshed_at - 1])
	{
		Datum		end = DirectFunctionCall2(timestamptz_pl_interval, v[Anum_refreshed_at - 1], v[Anum_max_age - 1]);

		set->expired = DatumGetTimestampTz(end) < GetCurrentStatementStartTimestamp();
	}
	set->uid = null[Anum_uid - 1] ? 0 : DatumGetInt64(v[Anum_uid - 1]);
	if (!null[Anum_members - 1] && !null[Anum_uid - 1])
		set->members = DatumGetByteaPCopy(v[Anum_members - 1]);
	return set;
}

RecItemSet *
rec_item_set_find(const RecModel *model, const char *name)
{
	Relation	rel = table_open(rec_catalog_relation("item_set"), AccessShareLock);
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	RecItemSet *set = NULL;
	const char *names[1000];
	const char *near;
	int			n = 0;

	ScanKeyInit(&key[0], Anum_model, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(model->name));
	ScanKeyInit(&key[1], Anum_name, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(name));
	key[0].sk_collation = key[1].sk_collation = DEFAULT_COLLATION_OID;
	RelationGetIndexList(rel);	/* fills rd_pkindex */
	scan = systable_beginscan(rel, rel->rd_pkindex, OidIsValid(rel->rd_pkindex), GetActiveSnapshot(), 2, key);
	if (HeapTupleIsValid(tuple = systable_getnext(scan)))
		set = set_from_tuple(tuple, RelationGetDescr(rel));
	systable_endscan(scan);
	if (set == NULL)			/* for the hint */
	{
		scan = systable_beginscan(rel, InvalidOid, false, GetActiveSnapshot(), 1, key);
		while (n < (int) lengthof(names) && HeapTupleIsValid(tuple = systable_getnext(scan)))
			names[n++] = set_from_tuple(tuple, RelationGetDescr(rel))->name;
		systable_endscan(scan);
	}
	table_close(rel, AccessShareLock);
	if (set)
		return set;
	near = rec_nearest_name(name, names, n);
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("model \"%s\" has no item set \"%s\"", model->name, name),
			 near ? errhint("Perhaps you meant \"%s\".", near) :
			 errhint("rec.create_item_set creates one; rec.item_set lists them.")));
	return NULL;				/* not reached */
}

void
rec_item_set_evaluate(const RecModel *model, const RecKeys *keys, const RecItemSet *set, bool *mask)
{
	RecRole		saved = rec_role_enter(model->owner);

	rec_filter_run(model, keys, set->filter, set->filter_args, mask);
	rec_role_leave(&saved);
}

void
rec_item_set_mask(const RecModel *model, const RecKeys *keys, int64 uid, const char *name, bool *mask)
{
	RecItemSet *set = rec_item_set_find(model, name);
	const uint8 *bits;

	if (set->members == NULL || set->uid != uid || set->expired ||
		VARSIZE_ANY_EXHDR(set->members) != (keys->n + 7) / 8)
	{
		rec_item_set_evaluate(model, keys, set, mask);
		return;
	}
	bits = (const uint8 *) VARDATA_ANY(set->members);
	for (int i = 0; i < keys->n; i++)
		mask[i] = (bits[i / 8] >> (i % 8)) & 1;
}

bytea *
rec_item_set_bits(const bool *mask, int n, int *count)
{
	Size		bytes = (n + 7) / 8;
	bytea	   *members = palloc0(bytes + VARHDRSZ);
	uint8	   *bits = (uint8 *) VARDATA(members);

	SET_VARSIZE(members, bytes + VARHDRSZ);
	*count = 0;
	for (int i = 0; i < n; i++)
	{
		bits[i / 8] |= mask[i] << (i % 8);
		*count += mask[i];
	}
	return members;
}
