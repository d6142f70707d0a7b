/*
 * attribute_raw.c
 *		From rows of a query to raw values of attributes. See attribute_raw.h.
 *
 * Every attribute is cast to one of five types, so that rows of a relation and of a JSON object take the same way from there on.
 */
#include "model/attribute_raw.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "tsearch/ts_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

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
			/* by name when it runs: a kept plan must not know a configuration that was dropped */
			return psprintf("pg_catalog.to_tsvector(%s::pg_catalog.text::pg_catalog.regconfig, %s::pg_catalog.text)",
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
const char *
rec_raw_json_type(const RecAttribute *a)
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

void
rec_raw_expressions(StringInfo q, const RecAttributes *list)
{
	for (int i = 0; i < list->n; i++)
		appendStringInfo(q, ", %s", expression(&list->att[i]));
}

void
rec_raw_init(RecRawStore *s, int natts, MemoryContext context)
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

Size
rec_raw_memory(const RecRawStore *s)
{
	return s->room * (sizeof(uint64) + sizeof(double)) +
		s->room_rows * (sizeof(int64) + sizeof(int32) * (s->natts + 2));
}

static void
store_row(RecRawStore *s)
{
	if (s->nrows == s->room_rows)
	{
		s->room_rows *= 2;
		s->first = repalloc_huge(s->first, s->room_rows * sizeof(int64));
		s->start = repalloc_huge(s->start, s->room_rows * (s->natts + 1) * sizeof(int32));
		s->row = repalloc_huge(s->row, s->room_rows * sizeof(int32));
		rec_check_memory(rec_raw_memory(s), "Reading attributes");
	}
	s->first[s->nrows] = s->n;
	s->start[s->nrows * (s->natts + 1)] = 0;
}

static void
store_value(RecRawStore *s, uint64 hash, double value)
{
	if (s->n == s->room)
	{
		s->room *= 2;
		s->hash = repalloc_huge(s->hash, s->room * sizeof(uint64));
		s->value = repalloc_huge(s->value, s->room * sizeof(double));
		rec_check_memory(rec_raw_memory(s), "Reading attributes");
	}
	s->hash[s->n] = hash;
	s->value[s->n++] = value;
}

RecRaw
rec_raw_of(const RecRawStore *s, int64 row)
{
	return (RecRaw) {.n = s->natts, .start = s->start + row * (s->natts + 1), .hash = s->hash + s->first[row],
	.value = s->value + s->first[row]};
}

static void
take_word(RecRawStore *s, RecEncoderFit *fit, int i, const char *word, int length, double frequency)
{
	uint64		hash = rec_word_hash(word, length);

	if (fit)
		rec_encoder_name(fit, i, hash, word, length);
	store_value(s, hash, frequency);
}

static void
take_tags(RecRawStore *s, RecEncoderFit *fit, int i, ArrayType *array)
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
take_lexemes(RecRawStore *s, RecEncoderFit *fit, int i, TSVector vector)
{
	WordEntry  *entry = ARRPTR(vector);

	for (int k = 0; k < vector->size; k++)
		take_word(s, fit, i, STRPTR(vector) + entry[k].pos, entry[k].len,
				  entry[k].haspos ? Max(POSDATALEN(vector, &entry[k]), 1) : 1);
}

static void
take_vector(RecRawStore *s, ArrayType *array)
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
take_value(RecRawStore *s, RecEncoderFit *fit, const RecAttributes *list, int i, Datum v)
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
void
rec_raw_take(RecRawStore *s, RecEncoderFit *fit, const RecAttributes *list, HeapTuple tuple, TupleDesc desc, int from)
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
