/*
 * attribute_read.c
 *		A whole relation of attributes, read, fitted and encoded. See attributes.h.
 *
 * A training keeps the raw values of all rows, brings them into the order of positions, fits the encoders
 * and encodes: the result does not depend on the order in which the rows came.
 */
#include "model/attribute_raw.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#define FETCH_ROWS 1000
#define LONG_TEXT 20			/* mean length from which a text column whose values differ is taken for words */

/* Decides of text columns whether they are names or words. */
static void
settle_kinds(const RecModel *model, RecAttributes *list)
{
	for (int i = 0; i < list->n; i++)
	{
		RecAttribute *a = &list->att[i];
		const char *column = a->column ? quote_identifier(a->column) : NULL;
		HeapTuple	tuple;
		bool		null;
		int64		rows,
					distinct;

		if (!a->automatic)
			continue;
		if (SPI_execute(psprintf("SELECT pg_catalog.count(%s), pg_catalog.count(DISTINCT %s::pg_catalog.text), "
								 "pg_catalog.avg(pg_catalog.length(%s::pg_catalog.text))::pg_catalog.float8 FROM %s",
								 column, column, column, rec_side_relation(model, list->side)), true, 0) != SPI_OK_SELECT)
			elog(ERROR, "looking at the text attribute %s failed", column);
		tuple = SPI_tuptable->vals[0];
		rows = DatumGetInt64(SPI_getbinval(tuple, SPI_tuptable->tupdesc, 1, &null));
		distinct = DatumGetInt64(SPI_getbinval(tuple, SPI_tuptable->tupdesc, 2, &null));
		a->automatic = false;
		if (rows > 0 && distinct > rows / 2 &&
			DatumGetFloat8(SPI_getbinval(tuple, SPI_tuptable->tupdesc, 3, &null)) >= LONG_TEXT)
		{
			a->kind = REC_ATT_TEXT;
			a->config = "pg_catalog.simple";
		}
	}
}

typedef struct Loading
{
	RecRawStore	store;
	RecDictionary *cold;
	const RecKeys *known;
	bool	   *seen;			/* positions */
	int64		null_keys;
	int			matched;
} Loading;

pg_attribute_noreturn() static void
duplicate_key(const RecModel *model, RecSide side, const RecKeyType *kind, Datum key)
{
	Oid			output;
	bool		varlena;

	getTypeOutputInfo(kind->type, &output, &varlena);
	ereport(ERROR,
			(errcode(ERRCODE_CARDINALITY_VIOLATION),
			 errmsg("the key of %s relation %s is not unique", rec_side_name(side), rec_side_relation(model, side)),
			 errdetail("There are several rows with %s = %s.",
					   quote_identifier(side == REC_USERS ? model->user_key : model->item_key),
					   OidOutputFunctionCall(output, key)),
			 errhint("Point the model at a view that has one row for each %s.", rec_side_name(side))));
}

static void
load_key(const RecModel *model, const RecAttributes *list, Loading *l, Datum value, Oid type)
{
	Datum		key;
	int			position;

	if (!rec_key_coerce(&l->known->kind, value, type, &key))
	{
		/* a number that the events' column cannot hold */
		l->store.row[l->store.nrows - 1] = -1;
		l->store.nrows--;
		return;
	}
	position = rec_keys_find(l->known, key);
	if (position >= 0)
	{
		if (l->seen[position])
			duplicate_key(model, list->side, &l->known->kind, key);
		l->seen[position] = true;
		l->matched++;
		l->store.row[l->store.nrows - 1] = position;
	}
	else
	{
		int			before = rec_dictionary_keys(l->cold)->n;
		int			number = rec_dictionary_number(l->cold, key);

		if (number < before)
			duplicate_key(model, list->side, &l->known->kind, key);
		l->store.row[l->store.nrows - 1] = -1 - number;
	}
}

static void
load_rows(const RecModel *model, RecAttributes *list, RecEncoderFit *fit, Loading *l)
{
	MemoryContext row = AllocSetContextCreate(CurrentMemoryContext, "pg_recommend attributes", ALLOCSET_DEFAULT_SIZES);
	StringInfoData q;
	SPIPlanPtr	plan;
	Portal		portal;

	initStringInfo(&q);
	appendStringInfo(&q, "SELECT %s", quote_identifier(list->side == REC_USERS ? model->user_key : model->item_key));
	rec_raw_expressions(&q, list);
	appendStringInfo(&q, " FROM %s", rec_side_relation(model, list->side));
	plan = SPI_prepare(q.data, 0, NULL);
	if (plan == NULL)
		elog(ERROR, "preparing the query for attributes failed: %s", q.data);
	portal = SPI_cursor_open(NULL, plan, NULL, NULL, true);
	for (;;)
	{
		uint64		n;

		SPI_cursor_fetch(portal, true, FETCH_ROWS);
		if ((n = SPI_processed) == 0)
			break;
		for (uint64 i = 0; i < n; i++)
		{
			HeapTuple	tuple = SPI_tuptable->vals[i];
			TupleDesc	desc = SPI_tuptable->tupdesc;
			bool		null;
			Datum		key = SPI_getbinval(tuple, desc, 1, &null);
			MemoryContext old;

			if (null)
			{
				l->null_keys++;
				continue;
			}
			old = MemoryContextSwitchTo(row);
			rec_raw_take(&l->store, fit, list, tuple, desc, 2);
			load_key(model, list, l, key, getBaseType(SPI_gettypeid(desc, 1)));
			MemoryContextSwitchTo(old);
			MemoryContextReset(row);
		}
		SPI_freetuptable(SPI_tuptable);
		/* raw values, and the names of all levels */
		rec_check_memory(MemoryContextMemAllocated(l->store.context, true), "Reading attributes");
		CHECK_FOR_INTERRUPTS();
	}
	SPI_cursor_close(portal);
	MemoryContextDelete(row);
}

/* Index of each position's row in the store, cold ones after the known ones; -1: the relation lacks it. */
static int64 *
order_rows(const Loading *l, RecDesign *d, MemoryContext context)
{
	RecKeys    *keys = rec_dictionary_keys(l->cold);
	int32	   *rank = palloc_extended(Max(keys->n, 1) * sizeof(int32), MCXT_ALLOC_HUGE);
	int64	   *row;
	int64		n;

	rec_keys_sort(keys, rank, &d->cold, context);
	d->known = l->known->n;
	n = (int64) d->known + d->cold.n;
	row = palloc_extended(Max(n, 1) * sizeof(int64), MCXT_ALLOC_HUGE);
	for (int64 r = 0; r < n; r++)
		row[r] = -1;
	for (int64 r = 0; r < l->store.nrows; r++)
	{
		int32		at = l->store.row[r];

		row[at >= 0 ? at : d->known + rank[-1 - at]] = r;
	}
	pfree(rank);
	return row;
}

static void
encode_rows(RecDesign *d, const RecRawStore *s, const int64 *row, MemoryContext context)
{
	int64		n = (int64) d->known + d->cold.n,
				room = n * 8 + 64,
				used = 0;
	int32	   *no_values = palloc0((s->natts + 1) * sizeof(int32));

	d->start = MemoryContextAllocHuge(context, (n + 1) * sizeof(int64));
	d->column = MemoryContextAllocHuge(context, room * sizeof(int32));
	d->value = MemoryContextAllocHuge(context, room * sizeof(float));
	for (int64 r = 0; r < n; r++)
	{
		RecRaw		raw = row[r] >= 0 ? rec_raw_of(s, row[r]) : (RecRaw) {.n = s->natts, .start = no_values};
		int64		bound = rec_encode_bound(d->attributes, &raw);

		if (used + bound > room)
		{
			room = Max(room * 2, used + bound);
			rec_check_memory(add_size(room * (sizeof(int32) + sizeof(float)), rec_raw_memory(s)), "Encoding attributes");
			d->column = repalloc_huge(d->column, room * sizeof(int32));
			d->value = repalloc_huge(d->value, room * sizeof(float));
		}
		d->start[r] = used;
		used += rec_encode_row(d->attributes, &raw, d->column + used, d->value + used);
	}
	d->start[n] = used;
	d->memory = room * (sizeof(int32) + sizeof(float)) + n * sizeof(int64);
}

static void
warn_of_rows(const RecModel *model, RecSide side, const Loading *l, List **warnings)
{
	const char *what = rec_side_name(side);

	if (l->null_keys > 0)
		*warnings = lappend(*warnings, psprintf("%lld rows of the %s relation have no key, and were not used",
												(long long) l->null_keys, what));
	if (l->store.not_finite > 0)
		*warnings = lappend(*warnings, psprintf("%lld %s attributes are NaN, infinite or hold a null, and count as missing",
												(long long) l->store.not_finite, what));
	if (l->matched < l->known->n)
		*warnings = lappend(*warnings, psprintf("%d of %d %ss have no row in %s", l->known->n - l->matched,
												l->known->n, what, rec_side_relation(model, side)));
}

/* Reads everything; fit: the encoders are to be fitted. Within SPI, raw values in the current context. */
static RecDesign *
read_all(const RecModel *model, RecAttributes *list, const RecKeys *known, bool fitting, List **warnings,
		 MemoryContext context)
{
	RecDesign  *d = MemoryContextAllocZero(context, sizeof(RecDesign));
	Loading		l = {.known = known};
	RecEncoderFit	   *fit = fitting ? rec_encoder_begin(list, CurrentMemoryContext) : NULL;
	int64	   *row;

	d->attributes = list;
	rec_raw_init(&l.store, list->n, CurrentMemoryContext);
	l.seen = palloc_extended(Max(known->n, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	l.cold = rec_dictionary_create(&known->kind, CurrentMemoryContext);
	load_rows(model, list, fit, &l);
	row = order_rows(&l, d, context);
	if (fitting)
	{
		MemoryContext old;

		for (int64 r = 0; r < known->n; r++)
			if (row[r] >= 0)
			{
				RecRaw		raw = rec_raw_of(&l.store, row[r]);

				rec_encoder_row(fit, &raw);
			}
		warn_of_rows(model, list->side, &l, warnings);
		/* levels and names outlive the raw values */
		old = MemoryContextSwitchTo(context);
		rec_encoder_finish(fit, warnings);
		MemoryContextSwitchTo(old);
	}
	encode_rows(d, &l.store, row, context);
	return d;
}

/* Runs read_all() within SPI and frees what it does not return. */
static RecDesign *
read_relation(const RecModel *model, RecAttributes *list, const RecKeys *known, bool fitting, List **warnings,
			  MemoryContext context)
{
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext, "pg_recommend raw attributes",
											   ALLOCSET_DEFAULT_SIZES);
	MemoryContext old;
	RecDesign  *d;
	List	   *found = NIL,
			   *kept = NIL;
	ListCell   *lc;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	old = MemoryContextSwitchTo(context);
	if (fitting)
		settle_kinds(model, list);
	MemoryContextSwitchTo(work);
	d = read_all(model, list, known, fitting, &found, context);
	MemoryContextSwitchTo(context);
	foreach(lc, found)
		kept = lappend(kept, pstrdup(lfirst(lc)));
	MemoryContextSwitchTo(old);
	SPI_finish();
	if (warnings)
		*warnings = list_concat(*warnings, kept);
	MemoryContextDelete(work);
	return d;
}

RecDesign *
rec_design_read(const RecModel *model, RecSide side, const RecKeys *known, List **warnings, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	RecAttributes *list = rec_attributes_of(model, side, known->kind.type);

	MemoryContextSwitchTo(old);
	return list ? read_relation(model, list, known, true, warnings, context) : NULL;
}

RecDesign *
rec_design_encode(const RecModel *model, RecAttributes *list, const RecKeys *known, MemoryContext context)
{
	return read_relation(model, list, known, false, NULL, context);
}
