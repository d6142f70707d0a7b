/*
 * materialized.c
 *		Answers from a model's table recommendation. See materialized.h.
 */
#include "api/materialized.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "model/materialization.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/typcache.h"

/* Columns of the table */
#define COL_USER	1
#define COL_RANK	2
#define COL_ITEM	3
#define COL_SCORE	4
#define COL_SOURCE	5

static bool
serves(const RecCall *call, bool exclude_seen)
{
	RecMaterialization m;
	RecLive		live;

	if (!rec_materialization_find(call->model, &m) || call->k > m.k || exclude_seen != m.exclude_seen ||
		rec_version_get(call->model, 0).uid != m.uid)
		return false;
	rec_live_rights(call->model, &live);
	return !live.secured;
}

/* Rows of the user in the order of their ranks; returns how many were written. */
static int
write_rows(const RecCall *call, Relation rel, Relation index, const RecKeyType *user_type, Datum user)
{
	TupleDesc	desc = RelationGetDescr(rel);
	Form_pg_attribute item = TupleDescAttr(desc, COL_ITEM - 1);
	TypeCacheEntry *entry = lookup_type_cache(user_type->type, TYPECACHE_EQ_OPR_FINFO);
	RecKeyType	item_type;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	int			rows = 0;

	rec_key_type(&item_type, item->atttypid, item->attcollation, "item", CurrentMemoryContext);
	ScanKeyEntryInitializeWithInfo(&key, 0, COL_USER, BTEqualStrategyNumber, InvalidOid, user_type->collation,
								   &entry->eq_opr_finfo, user);
	scan = systable_beginscan_ordered(rel, index, GetActiveSnapshot(), 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext_ordered(scan, ForwardScanDirection)))
	{
		Datum		v[4];
		bool		null[4] = {0};

		rows++;
		if (DatumGetInt32(rec_model_value(tuple, COL_RANK, desc)) > call->k)
			break;
		v[0] = rec_call_output(call, &item_type, rec_model_value(tuple, COL_ITEM, desc));
		v[1] = rec_model_value(tuple, COL_SCORE, desc);
		v[2] = rec_model_value(tuple, COL_RANK, desc);
		v[3] = rec_model_value(tuple, COL_SOURCE, desc);
		tuplestore_putvalues(call->result->setResult, call->result->setDesc, v, null);
	}
	systable_endscan_ordered(scan);
	return rows;
}

bool
rec_answer_materialized(const RecCall *call, int user_argument, bool exclude_seen)
{
	RecKeyType	user_type;
	Datum		user;
	Relation	rel;
	Form_pg_index form;
	int			rows = 0;

	if (call->model->active_version == 0 || !serves(call, exclude_seen))
		return false;
	rec_call_user_type(call, &user_type);
	if (!rec_call_key(call, user_argument, &user_type, &user))
		return false;
	rel = rec_model_open(call->model, "recommendation", AccessShareLock);
	(void) RelationGetIndexList(rel);
	/* the table is its owner's, who may have altered it */
	if (OidIsValid(rel->rd_pkindex))
	{
		Relation	index = index_open(rel->rd_pkindex, AccessShareLock);

		form = index->rd_index;
		if (form->indnkeyatts == 2 && form->indkey.values[0] == COL_USER && form->indkey.values[1] == COL_RANK)
			rows = write_rows(call, rel, index, &user_type, user);
		index_close(index, AccessShareLock);
	}
	table_close(rel, AccessShareLock);
	return rows > 0;
}
