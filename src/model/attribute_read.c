/*
 * attribute_read.c
 *		Rows of a relation, or of a JSON object, as raw values of attributes. See attributes.h.
 *
 * One query casts every attribute to one of five types, so that rows of a relation and of a JSON object take the same way
 * from there on. A training keeps the raw values of all rows, brings them into the order of positions, fits the encoders
 * and encodes: the result does not depend on the order in which the rows came.
 */
#include "model/attributes.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "model/live.h"
#include "tsearch/ts_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"

#define FETCH_ROWS 1000
#define LONG_TEXT 20			/* mean length from which a text column whose values differ is taken for words */

static const char *
side_name(RecSide side)
{
	return side == REC_USERS ? "user" : "item";
}

/* The attribute as SQL, cast to what take_value() knows. */
static char *
expression(const RecAttribute *a)
{
	const char *column = a->column ? quote_identifier(a->column) : NULL;

	switch (a->kind)
	{
		case REC_ATT_CATEGORY:
			return psprintf("%s::pg_catalog.text", column);
		case REC_ATT_TAGS:
			return psprintf("%s::pg_catalog.text[]", column);
		case REC_ATT_TEXT:
			if (a->config == NULL)
				return psprintf("%s::pg_catalog.tsvector", column);
			return psprintf("pg_catalog.to_tsvector(%s::pg_catalog.regconfig, %s::pg_catalog.text)",
							quote_literal_cstr(a->config), column);
		case REC_ATT_NUMBER:
			return psprintf("%s::pg_catalog.float8", column);
		case REC_ATT_AGE:
			return psprintf("pg_catalog.date_part('epoch', %s::pg_catalog.%s)", column,
							a->zoned ? "timestamptz" : "timestamp");
		case REC_ATT_VECTOR:
			return psprintf("%s::pg_catalog.float4[]", column);
		case REC_ATT_PAIR:
			break;
	}
	return pstrdup("NULL::pg_catalog.text");
}

/* Its type in a JSON object. */
static const char *
json_type(const RecAttribute *a)
{
	switch (a->kind)
	{
		case REC_ATT_TAGS:
			return "text[]";
		case REC_ATT_TEXT:
			return a->config ? "text" : "tsvector";
		case REC_ATT_NUMBER:
			return "float8";
		case REC_ATT_AGE:
			return a->zoned ? "timestamptz" : "timestamp";
		case REC_ATT_VECTOR:
			return "float4[]";
		default:
			return "text";
	}
}

static void
append_expressions(StringInfo q, const RecAttributes *list)
{
	for (int i = 0; i < list->n; i++)
		appendStringInfo(q, ", %s", expression(&list->att[i]));
}

/* ------------------------------------------------------------- raw values */

/* Raw values of many rows, one behind the other. */
typedef struct RawStore
{
	int			natts;
	int64		nrows,
				room_rows;
	int64	   *first;			/* of each row: its first value */
	int32	   *start;			/* natts + 1 of each row, relative to it */
	int32	   *row;			/* known: position; cold: -1 - number */
	int64		n,
				room;
	uint64	   *hash;
	double	   *value;
	int64		not_finite;
	MemoryContext context;
} RawStore;

static void
store_init(RawStore *s, int natts, MemoryContext context)
{
	memset(s, 0, sizeof(*s));
	s->natts = natts;
	s->context = context;
	s->room_rows = 256;
	s->room = 1024;
	s->first = MemoryContextAllocHuge(context, s->room_rows * sizeof(int64));
	s->start = MemoryContextAllocHuge(context, s->room_rows * (natts + 1) * sizeof(int32));
	s->row = MemoryContextAllocHuge(context, s->room_rows * sizeof(int32));
	s->hash = MemoryContextAllocHuge(context, s->room * sizeof(uint64));
	s->value = MemoryContextAllocHuge(context, s->room * sizeof(double));
}

static Size
store_memory(const RawStore *s)
{
	return s->room * (sizeof(uint64) + sizeof(double)) +
		s->room_rows * (sizeof(int64) + sizeof(int32) * (s->natts + 2));
}

static void
store_row(RawStore *s)
{
	if (s->nrows == s->room_rows)
	{
		s->room_rows *= 2;
		s->first = repalloc_huge(s->first, s->room_rows * sizeof(int64));
		s->start = repalloc_huge(s->start, s->room_rows * (s->natts + 1) * sizeof(int32));
		s->row = repalloc_huge(s->row, s->room_rows * sizeof(int32));
		rec_check_memory(store_memory(s), "Reading attributes");
	}
	s->first[s->nrows] = s->n;
	s->start[s->nrows * (s->natts + 1)] = 0;
}

static void
store_value(RawStore *s, uint64 hash, double value)
{
	if (s->n == s->room)
	{
		s->room *= 2;
		s->hash = repalloc_huge(s->hash, s->room * sizeof(uint64));
		s->value = repalloc_huge(s->value, s->room * sizeof(double));
		rec_check_memory(store_memory(s), "Reading attributes");
	}
	s->hash[s->n] = hash;
	s->value[s->n++] = value;
}

static RecRaw
raw_of(const RawStore *s, int64 row)
{
	return (RecRaw) {.n = s->natts, .start = s->start + row * (s->natts + 1), .hash = s->hash + s->first[row],
	.value = s->value + s->first[row]};
}

static void
take_word(RawStore *s, RecEncoderFit *fit, int i, const char *word, int length, double frequency)
{
	uint64		hash = rec_word_hash(word, length);

	if (fit)
		rec_encoder_name(fit, i, hash, word, length);
	store_value(s, hash, frequency);
}

static void
take_tags(RawStore *s, RecEncoderFit *fit, int i, ArrayType *array)
{
	int64		from = s->n;
	Datum	   *value;
	bool	   *null;
	int			n;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &value, &null, &n);
	for (int k = 0; k < n; k++)
	{
		text	   *t = null[k] ? NULL : DatumGetTextPP(value[k]);
		bool		known = t == NULL;
		uint64		hash = known ? 0 : rec_word_hash(VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t));

		CHECK_FOR_INTERRUPTS();
		/* a tag that is written twice is there once */
		for (int64 j = from; !known && j < s->n; j++)
			known = s->hash[j] == hash;
		if (!known)
			take_word(s, fit, i, VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t), 1);
	}
}

static void
take_lexemes(RawStore *s, RecEncoderFit *fit, int i, TSVector vector)
{
	WordEntry  *entry = ARRPTR(vector);

	for (int k = 0; k < vector->size; k++)
		take_word(s, fit, i, STRPTR(vector) + entry[k].pos, entry[k].len,
				  entry[k].haspos ? Max(POSDATALEN(vector, &entry[k]), 1) : 1);
}

static void
take_vector(RawStore *s, ArrayType *array)
{
	int			n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	const float *element = (const float *) ARR_DATA_PTR(array);
	bool		good = !ARR_HASNULL(array);

	for (int k = 0; good && k < n; k++)
		good = isfinite(element[k]);
	if (!good)
		s->not_finite++;
	for (int k = 0; good && k < n; k++)
		store_value(s, 0, element[k]);
}

static void
take_value(RawStore *s, RecEncoderFit *fit, const RecAttributes *list, int i, Datum v)
{
	double		number;
	text	   *t;

	switch (list->att[i].kind)
	{
		case REC_ATT_CATEGORY:
			t = DatumGetTextPP(v);
			take_word(s, fit, i, VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t), 1);
			break;
		case REC_ATT_TAGS:
			take_tags(s, fit, i, DatumGetArrayTypeP(v));
			break;
		case REC_ATT_TEXT:
			take_lexemes(s, fit, i, DatumGetTSVector(v));
			break;
		case REC_ATT_NUMBER:
		case REC_ATT_AGE:
			number = DatumGetFloat8(v);
			/* NaN and infinity say nothing that a mean could be taken of */
			if (isfinite(number) && fabs(number) < 1e300)
				store_value(s, 0, number);
			else
				s->not_finite++;
			break;
		case REC_ATT_VECTOR:
			take_vector(s, DatumGetArrayTypeP(v));
			break;
		case REC_ATT_PAIR:
			break;
	}
}

/* One row of a result whose attributes begin with column `from` (1-based). */
static void
take_row(RawStore *s, RecEncoderFit *fit, const RecAttributes *list, HeapTuple tuple, TupleDesc desc, int from)
{
	int32	   *start;

	store_row(s);
	start = s->start + s->nrows * (s->natts + 1);
	for (int i = 0; i < list->n; i++)
	{
		bool		null;
		Datum		v = SPI_getbinval(tuple, desc, from + i, &null);

		if (!null)
			take_value(s, fit, list, i, v);
		start[i + 1] = (int32) (s->n - s->first[s->nrows]);
	}
	s->nrows++;
}

/* ---------------------------------------------------------- whole relation */

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
	RawStore	store;
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
			 errmsg("the key of %s relation %s is not unique", side_name(side), rec_side_relation(model, side)),
			 errdetail("There are several rows with %s = %s.",
					   quote_identifier(side == REC_USERS ? model->user_key : model->item_key),
					   OidOutputFunctionCall(output, key)),
			 errhint("Point the model at a view that has one row for each %s.", side_name(side))));
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
	append_expressions(&q, list);
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
			take_row(&l->store, fit, list, tuple, desc, 2);
			load_key(model, list, l, key, getBaseType(SPI_gettypeid(desc, 1)));
			MemoryContextSwitchTo(old);
			MemoryContextReset(row);
		}
		SPI_freetuptable(SPI_tuptable);
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
encode_rows(RecDesign *d, const RawStore *s, const int64 *row, MemoryContext context)
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
		RecRaw		raw = row[r] >= 0 ? raw_of(s, row[r]) : (RecRaw) {.n = s->natts, .start = no_values};
		int64		bound = rec_encode_bound(d->attributes, &raw);

		if (used + bound > room)
		{
			room = Max(room * 2, used + bound);
			rec_check_memory(add_size(room * (sizeof(int32) + sizeof(float)), store_memory(s)), "Encoding attributes");
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
	const char *what = side_name(side);

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
	store_init(&l.store, list->n, CurrentMemoryContext);
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
				RecRaw		raw = raw_of(&l.store, row[r]);

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

/* ---------------------------------------------------------------- one row */

static void
encode_one(const RecAttributes *list, const RawStore *s, RecEncoded *row, MemoryContext context)
{
	RecRaw		raw = raw_of(s, 0);
	int64		bound = rec_encode_bound(list, &raw);

	if (bound > (int64) (MaxAllocSize / sizeof(float)))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a row of attributes has too many pairs"),
				 errdetail("It has %lld, and at most %zu can be encoded.", (long long) bound, MaxAllocSize / sizeof(float))));
	row->column = MemoryContextAlloc(context, bound * sizeof(int32));
	row->value = MemoryContextAlloc(context, bound * sizeof(float));
	row->n = rec_encode_row(list, &raw, row->column, row->value);
}

/* The relation, where the current role may read its key and the attributes; InvalidOid otherwise. */
static Oid
readable_relation(const RecModel *model, const RecAttributes *list, const RecKeyType *kind)
{
	bool		users = list->side == REC_USERS;
	const char *name = users ? model->users_relation : model->items_relation,
			   *key = users ? model->user_key : model->item_key;
	Oid			schema = name ? get_namespace_oid(users ? model->users_schema : model->items_schema, true) : InvalidOid;
	Oid			relid = OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;
	bool		all;

	if (!OidIsValid(relid) || rec_schema_aclcheck(schema, GetUserId(), ACL_USAGE) != ACLCHECK_OK ||
		getBaseType(get_atttype(relid, get_attnum(relid, key))) != kind->type)
		return InvalidOid;
	all = pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
	for (int i = -1; i < list->n; i++)
	{
		const char *column = i < 0 ? key : list->att[i].column;
		AttrNumber	attnum = column ? get_attnum(relid, column) : InvalidAttrNumber;

		if (column && (attnum <= 0 || (!all && pg_attribute_aclcheck(relid, attnum, GetUserId(), ACL_SELECT) != ACLCHECK_OK)))
			return InvalidOid;
	}
	return relid;
}

bool
rec_attributes_live(const RecModel *model, const RecAttributes *list, const RecKeyType *kind, Datum key, RecEncoded *row)
{
	MemoryContext context = CurrentMemoryContext;
	Oid			types[1] = {kind->type};
	StringInfoData q;
	SPIPlanPtr	plan;
	bool		indexed,
				secured,
				found = false;
	int			level;

	if (!OidIsValid(readable_relation(model, list, kind)))
		return false;
	initStringInfo(&q);
	appendStringInfoString(&q, "SELECT NULL");
	append_expressions(&q, list);
	appendStringInfo(&q, " FROM %s WHERE %s %s $1", rec_side_relation(model, list->side),
					 quote_identifier(list->side == REC_USERS ? model->user_key : model->item_key),
					 rec_type_equality(kind->type));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	level = NewGUCNestLevel();
	(void) set_config_option("enable_seqscan", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	plan = SPI_prepare_cursor(q.data, 1, types, CURSOR_OPT_GENERIC_PLAN);
	if (plan == NULL)
		elog(ERROR, "preparing the query for a row of attributes failed");
	rec_plan_look(plan, &indexed, &secured);
	if (indexed && SPI_execute_plan(plan, &key, NULL, true, 1) == SPI_OK_SELECT && SPI_processed == 1)
	{
		RawStore	s;

		store_init(&s, list->n, CurrentMemoryContext);
		take_row(&s, NULL, list, SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2);
		encode_one(list, &s, row, context);
		found = true;
	}
	AtEOXact_GUC(false, level);
	SPI_finish();
	return found;
}

/* Every key of the object must be a column of some attribute. */
static void
check_keys(const RecAttributes *list, const Jsonb *json)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	v;

	if (!JB_ROOT_IS_OBJECT(json))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("attributes must be a JSON object"),
				 errhint("Write for example '{\"country\": \"DE\", \"age\": 30}'.")));
	it = JsonbIteratorInit(unconstify(JsonbContainer *, &json->root));
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		const char **names = palloc(sizeof(char *) * list->n);
		char	   *given;
		const char *near;
		bool		known = false;
		int			n = 0;

		if (token != WJB_KEY)
			continue;
		given = pnstrdup(v.val.string.val, v.val.string.len);
		for (int i = 0; i < list->n; i++)
			if (list->att[i].column)
			{
				known = known || strcmp(list->att[i].column, given) == 0;
				names[n++] = list->att[i].column;
			}
		near = rec_nearest_name(given, names, n);
		if (!known)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the model has no %s attribute \"%s\"", side_name(list->side), given),
					 near ? errhint("Perhaps you meant \"%s\".", near) : 0));
	}
}

void
rec_attributes_json(const RecModel *model, const RecAttributes *list, const Jsonb *json, RecEncoded *row)
{
	MemoryContext context = CurrentMemoryContext;
	Oid			types[1] = {JSONBOID};
	Datum		values[1] = {JsonbPGetDatum(json)};
	const char *comma = "";
	StringInfoData q;
	RawStore	s;

	check_keys(list, json);
	initStringInfo(&q);
	appendStringInfoString(&q, "SELECT NULL");
	append_expressions(&q, list);
	appendStringInfoString(&q, " FROM pg_catalog.jsonb_to_record($1) AS r(");
	for (int i = 0; i < list->n; i++)
	{
		bool		before = list->att[i].column == NULL;

		/* a column may serve several attributes */
		for (int k = 0; k < i && !before; k++)
			before = list->att[k].column && strcmp(list->att[k].column, list->att[i].column) == 0;
		if (before)
			continue;
		appendStringInfo(&q, "%s%s pg_catalog.%s", comma, quote_identifier(list->att[i].column), json_type(&list->att[i]));
		comma = ", ";
	}
	appendStringInfoChar(&q, ')');
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args(q.data, 1, types, values, NULL, true, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "reading attributes from JSON failed");
	store_init(&s, list->n, CurrentMemoryContext);
	take_row(&s, NULL, list, SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2);
	for (int i = 0; i < list->n; i++)
	{
		const RecAttribute *a = &list->att[i];
		int			given = s.start[i + 1] - s.start[i],
					elements = a->columns - (a->other >= 0 ? 1 : 0);

		if (a->kind == REC_ATT_VECTOR && given > 0 && a->columns > 0 && given != elements)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("attribute \"%s\" has %d elements where %d are expected", a->name, given, elements)));
	}
	encode_one(list, &s, row, context);
	SPI_finish();
}
