/*
 * many_read.c
 *		Reading stored users in bulk. See many.h.
 *
 * Index scans on the primary keys of user_factors and user_history stay open: for given keys they are started again
 * for each; for all users they run side by side, as both tables hold the same users in the same order. Should they
 * not (rows removed by hand), the history is looked up.
 */
#include "model/many.h"

#include "access/genam.h"
#include "access/relscan.h"
#include "access/skey.h"
#include "access/table.h"
#include "access/tableam.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/typcache.h"

typedef struct Side
{
	Relation	rel;
	Relation	index;
	IndexScanDesc scan;
	TupleTableSlot *slot;
	bool		ended;			/* a scan that is asked again would start over */
	ScanKeyData key[2];			/* version, user */
} Side;

struct RecUserReader
{
	const RecModel *model;
	const RecServing *serving;
	RecKeyType	kind;
	const RecKeys *keys;		/* NULL: all users */
	int			next;			/* of keys */
	TypeCacheEntry *type;
	Side		factors;
	Side		history;
	bool		ahead;			/* all users: history.slot holds a row that was not used yet */
};

/* The table belongs to the model's owner, who may have altered it. */
static bool
is_our_key(Relation index)
{
	Form_pg_index key = index->rd_index;

	return key->indnkeyatts == 2 && key->indkey.values[0] == 1 && key->indkey.values[1] == 2;
}

static void
side_open(Side *side, const RecUserReader *reader, const char *table)
{
	TypeCacheEntry *type = reader->type;

	side->rel = rec_model_open(reader->model, table, AccessShareLock);
	(void) RelationGetIndexList(side->rel);
	if (OidIsValid(side->rel->rd_pkindex))
		side->index = index_open(side->rel->rd_pkindex, AccessShareLock);
	if (side->index == NULL || !is_our_key(side->index))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" of model \"%s\" has lost its primary key", table, reader->model->name),
				 errhint("It is (version, user_id).")));
	side->slot = table_slot_create(side->rel, NULL);
	ScanKeyInit(&side->key[0], 1, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(reader->serving->version));
	ScanKeyEntryInitializeWithInfo(&side->key[1], 0, 2, BTEqualStrategyNumber, InvalidOid, reader->kind.collation,
								   &type->eq_opr_finfo, (Datum) 0);
	side->scan = rec_index_beginscan(side->rel, side->index, GetActiveSnapshot(), reader->keys ? 2 : 1);
	if (reader->keys == NULL)
		index_rescan(side->scan, side->key, 1, NULL, 0);
}

static void
side_close(Side *side)
{
	index_endscan(side->scan);
	ExecDropSingleTupleTableSlot(side->slot);
	index_close(side->index, AccessShareLock);
	table_close(side->rel, AccessShareLock);
}

static bool
side_next(Side *side)
{
	if (!side->ended)
		side->ended = !index_getnext_slot(side->scan, ForwardScanDirection, side->slot);
	return !side->ended;
}

static bool
side_find(Side *side, Datum user)
{
	side->key[1].sk_argument = user;
	index_rescan(side->scan, side->key, 2, NULL, 0);
	return index_getnext_slot(side->scan, ForwardScanDirection, side->slot);
}

RecUserReader *
rec_user_reader_open(const RecModel *model, const RecServing *serving, const RecKeyType *kind, const RecKeys *keys)
{
	RecUserReader *reader = palloc0(sizeof(RecUserReader));

	reader->model = model;
	reader->serving = serving;
	reader->kind = *kind;
	reader->keys = keys;
	reader->type = lookup_type_cache(kind->type, TYPECACHE_EQ_OPR_FINFO);
	side_open(&reader->factors, reader, "user_factors");
	side_open(&reader->history, reader, "user_history");
	return reader;
}

void
rec_user_reader_close(RecUserReader *reader)
{
	side_close(&reader->factors);
	side_close(&reader->history);
	pfree(reader);
}

static void
take_factors(RecUserReader *reader, RecStoredUser *user)
{
	Side	   *side = &reader->factors;
	bool		must_free;
	HeapTuple	tuple = ExecFetchSlotHeapTuple(side->slot, false, &must_free);
	float	   *row = palloc(reader->serving->stride * sizeof(float));

	rec_row_factors(reader->serving, tuple, RelationGetDescr(side->rel), 3, row);
	user->factors = row;
}

static void
take_history(RecUserReader *reader, RecStoredUser *user)
{
	Side	   *side = &reader->history;
	bool		must_free;
	HeapTuple	tuple = ExecFetchSlotHeapTuple(side->slot, false, &must_free);

	rec_row_history(reader->model, reader->serving, tuple, RelationGetDescr(side->rel), &user->n, &user->item,
					&user->net);
}

static bool
next_given(RecUserReader *reader, RecStoredUser *user)
{
	bool		null;

	if (reader->next == reader->keys->n)
		return false;
	user->key = rec_keys_datum(reader->keys, reader->next++);
	if (side_find(&reader->history, user->key))
		take_history(reader, user);
	if (side_find(&reader->factors, user->key))
	{
		take_factors(reader, user);
		/* as it is stored: equal keys of some types differ in how they are written */
		user->key = slot_getattr(reader->factors.slot, 2, &null);
	}
	return true;
}

/* Whether the row of the history scan is this user's. */
static bool
history_matches(RecUserReader *reader, Datum user)
{
	bool		null;

	if (!reader->ahead)
		reader->ahead = side_next(&reader->history);
	return reader->ahead &&
		DatumGetBool(FunctionCall2Coll(&reader->type->eq_opr_finfo, reader->kind.collation,
									   slot_getattr(reader->history.slot, 2, &null), user));
}

static bool
next_of_all(RecUserReader *reader, RecStoredUser *user)
{
	bool		null;

	if (!side_next(&reader->factors))
		return false;
	/* it stands in the slot, until the next call */
	user->key = slot_getattr(reader->factors.slot, 2, &null);
	take_factors(reader, user);
	if (history_matches(reader, user->key))
	{
		take_history(reader, user);
		reader->ahead = false;
	}
	else
		(void) rec_user_stored_history(reader->model, reader->serving, user->key, &user->n, &user->item, &user->net);
	return true;
}

bool
rec_user_reader_next(RecUserReader *reader, RecStoredUser *user)
{
	memset(user, 0, sizeof(*user));
	return reader->keys ? next_given(reader, user) : next_of_all(reader, user);
}
