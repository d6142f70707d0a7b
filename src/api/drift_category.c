/*
 * drift_category.c
 *		Aggregates that compare two samples of categories: rec.chi2_test, rec.psi, rec.js_distance, rec.new_categories.
 *
 * A category is a value of any type, known by its text. The state counts 64-bit hashes of the texts: ten million
 * categories take half a gigabyte, and two of them fall together with a probability of 3e-6. Null is not a category:
 * chi2_test and new_categories leave it out, psi and js_distance give it a bin of its own. Rows whose is_current is null
 * belong to neither side. With a profile as the second argument all rows are current ones.
 */
#include "api/aggregate.h"
#include "api/drift.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "common/shortest_dec.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

#define TAG 0x44724331			/* DrC1 */

enum
{
	REFERENCE, CURRENT
};

/* Also how a category travels. */
typedef struct Counted
{
	uint64		key;
	int64		count[2];
} Counted;

typedef struct Slot
{
	Counted		c;
	char		status;
} Slot;

#define SH_PREFIX category
#define SH_ELEMENT_TYPE Slot
#define SH_KEY_TYPE uint64
#define SH_KEY c.key
#define SH_HASH_KEY(tb, key) ((uint32) ((key) ^ ((key) >> 32)))
#define SH_EQUAL(tb, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

#define ST_SORT sort_counted
#define ST_ELEMENT_TYPE Counted
#define ST_COMPARE(a, b) (((a)->key > (b)->key) - ((a)->key < (b)->key))
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

typedef struct Categories
{
	category_hash *table;
	int64		nulls[2];
	int64		other;			/* reference rows of categories that the profile does not name */
	bool		has_profile;
	RecCategoryReader reader;
} Categories;

void
rec_category_reader(RecCategoryReader *reader, FunctionCallInfo fcinfo, int argument)
{
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, argument),
				output;
	bool		varlena;

	if (!OidIsValid(type))
		ereport(ERROR,
				(errcode(ERRCODE_INDETERMINATE_DATATYPE), errmsg("could not determine the type of the categories")));
	reader->type = getBaseType(type);
	getTypeOutputInfo(reader->type, &output, &varlena);
	fmgr_info_cxt(output, &reader->output, fcinfo->flinfo->fn_mcxt);
}

int
rec_number_text(double x, char buffer[REC_CATEGORY_LENGTH + 1])
{
	if (isinf(x) || isnan(x))
		return snprintf(buffer, REC_CATEGORY_LENGTH + 1, "%s", isnan(x) ? "NaN" : x > 0 ? "Infinity" : "-Infinity");
	return double_to_shortest_decimal_buf(x + 0.0, buffer);	/* -0 is 0 */
}

static const char *
value_text(RecCategoryReader *reader, Datum value, char *buffer, int *length)
{
	const char *found = buffer;

	switch (reader->type)
	{
		case TEXTOID:
		case VARCHAROID:
			{
				text	   *t = DatumGetTextPP(value);

				*length = VARSIZE_ANY_EXHDR(t);
				return VARDATA_ANY(t);
			}
		case INT2OID:
			*length = pg_ltoa(DatumGetInt16(value), buffer);
			return found;
		case INT4OID:
			*length = pg_ltoa(DatumGetInt32(value), buffer);
			return found;
		case INT8OID:
			*length = pg_lltoa(DatumGetInt64(value), buffer);
			return found;
		case BOOLOID:
			found = DatumGetBool(value) ? "true" : "false";
			break;
		case FLOAT4OID:
			*length = rec_number_text(DatumGetFloat4(value), buffer);
			return found;
		case FLOAT8OID:
			*length = rec_number_text(DatumGetFloat8(value), buffer);
			return found;
		case NUMERICOID:
			/* 1.0 equals 1.00 */
			found = numeric_normalize(DatumGetNumeric(value));
			break;
		default:
			found = OutputFunctionCall(&reader->output, value);
	}
	*length = strlen(found);
	return found;
}

const char *
rec_category_text(RecCategoryReader *reader, Datum value, char buffer[REC_CATEGORY_LENGTH + 1], int *length)
{
	const char *text = value_text(reader, value, buffer, length);
	int			start;

	if (*length <= REC_CATEGORY_LENGTH)
		return text;
	start = pg_mbcliplen(text, *length, REC_CATEGORY_LENGTH - 20);
	memcpy(buffer, text, start);
	*length = start + snprintf(buffer + start, REC_CATEGORY_LENGTH + 1 - start, "... %016llx",
							   (unsigned long long) hash_bytes_extended((const unsigned char *) text, *length, 0));
	return buffer;
}

uint64
rec_category_key(const char *text, int length)
{
	return hash_bytes_extended((const unsigned char *) text, length, 0);
}

static Categories *
create_state(MemoryContext context)
{
	Categories *s = MemoryContextAllocZero(context, sizeof(Categories));

	s->table = category_create(context, 64, NULL);
	return s;
}

static void
count(Categories *s, uint64 key, int side, int64 n)
{
	bool		found;
	Slot	   *slot = category_insert(s->table, key, &found);

	if (!found)
		slot->c.count[REFERENCE] = slot->c.count[CURRENT] = 0;
	slot->c.count[side] += n;
}

static Categories *
state_of(FunctionCallInfo fcinfo)
{
	Categories *s;

	if (!PG_ARGISNULL(0))
		return (Categories *) PG_GETARG_POINTER(0);
	s = create_state(rec_aggregate_context(fcinfo));
	rec_category_reader(&s->reader, fcinfo, 1);
	return s;
}

static void
add(Categories *s, FunctionCallInfo fcinfo, int side)
{
	char		buffer[REC_CATEGORY_LENGTH + 1];
	const char *text;
	int			length;

	if (PG_ARGISNULL(1))
	{
		s->nulls[side]++;
		return;
	}
	/* (a state that came from another process has no reader) */
	if (!OidIsValid(s->reader.type))
		rec_category_reader(&s->reader, fcinfo, 1);
	text = rec_category_text(&s->reader, PG_GETARG_DATUM(1), buffer, &length);
	count(s, rec_category_key(text, length), side, 1);
}

/* (state, x, is_current) */
PG_FUNCTION_INFO_V1(rec_categories_add);
Datum
rec_categories_add(PG_FUNCTION_ARGS)
{
	Categories *s = state_of(fcinfo);

	if (!PG_ARGISNULL(2))
		add(s, fcinfo, PG_GETARG_BOOL(2) ? CURRENT : REFERENCE);
	PG_RETURN_POINTER(s);
}

static void
take_profile(Categories *s, FunctionCallInfo fcinfo)
{
	RecProfile *p = rec_profile_argument(fcinfo, 2, CurrentMemoryContext);

	rec_require_categories(p);
	for (int i = 0; i < p->ncategories; i++)
		count(s, rec_category_key(p->categories[i], strlen(p->categories[i])), REFERENCE, p->counts[i]);
	s->nulls[REFERENCE] = p->nulls;
	s->other = p->other;
	s->has_profile = true;
}

/* (state, x, profile) */
PG_FUNCTION_INFO_V1(rec_categories_add_profile);
Datum
rec_categories_add_profile(PG_FUNCTION_ARGS)
{
	Categories *s = state_of(fcinfo);

	if (!s->has_profile && !PG_ARGISNULL(2))
		take_profile(s, fcinfo);
	add(s, fcinfo, CURRENT);
	PG_RETURN_POINTER(s);
}

PG_FUNCTION_INFO_V1(rec_categories_combine);
Datum
rec_categories_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = rec_aggregate_context(fcinfo);
	Categories *s = PG_ARGISNULL(0) ? NULL : (Categories *) PG_GETARG_POINTER(0),
			   *other = PG_ARGISNULL(1) ? NULL : (Categories *) PG_GETARG_POINTER(1);
	category_iterator it;
	Slot	   *slot;

	if (other == NULL)
	{
		if (s == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(s);
	}
	if (s == NULL)
		s = create_state(context);
	category_start_iterate(other->table, &it);
	while ((slot = category_iterate(other->table, &it)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		count(s, slot->c.key, REFERENCE, slot->c.count[REFERENCE]);
		count(s, slot->c.key, CURRENT, slot->c.count[CURRENT]);
	}
	for (int i = 0; i < 2; i++)
		s->nulls[i] += other->nulls[i];
	PG_RETURN_POINTER(s);
}

/* All categories in an order that does not depend on that of the rows. */
static Counted *
list_of(const Categories *s, int64 *n)
{
	Counted    *list = MemoryContextAllocExtended(CurrentMemoryContext,
												  mul_size(Max(s->table->members, 1), sizeof(Counted)), MCXT_ALLOC_HUGE);
	category_iterator it;
	Slot	   *slot;

	*n = 0;
	category_start_iterate(s->table, &it);
	while ((slot = category_iterate(s->table, &it)) != NULL)
		list[(*n)++] = slot->c;
	sort_counted(list, *n);
	return list;
}

PG_FUNCTION_INFO_V1(rec_categories_out);
Datum
rec_categories_out(PG_FUNCTION_ARGS)
{
	Categories *s = (Categories *) PG_GETARG_POINTER(0);
	Size		size,
				head = VARHDRSZ + sizeof(int64) + sizeof(s->nulls);
	int64		n = 0,
				tag = TAG;
	category_iterator it;
	Slot	   *slot;
	char	   *out,
			   *to;

	(void) rec_aggregate_context(fcinfo);
	size = add_size(head, mul_size(s->table->members, sizeof(Counted)));
	if (size > MaxAllocSize)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many categories for a parallel aggregate"),
				 errhint("Set max_parallel_workers_per_gather to 0 for this query.")));
	out = palloc(size);
	memcpy(out + VARHDRSZ, &tag, sizeof(tag));
	memcpy(out + VARHDRSZ + sizeof(tag), s->nulls, sizeof(s->nulls));
	to = out + head;
	category_start_iterate(s->table, &it);
	while ((slot = category_iterate(s->table, &it)) != NULL)
		memcpy(to + n++ * sizeof(Counted), &slot->c, sizeof(Counted));
	SET_VARSIZE(out, size);
	PG_RETURN_BYTEA_P(out);
}

PG_FUNCTION_INFO_V1(rec_categories_in);
Datum
rec_categories_in(PG_FUNCTION_ARGS)
{
	MemoryContext context = rec_aggregate_context(fcinfo);
	bytea	   *in = PG_GETARG_BYTEA_PP(0);
	const char *from = VARDATA_ANY(in);
	Size		size = VARSIZE_ANY_EXHDR(in),
				head = sizeof(int64) + sizeof(int64[2]);
	Categories *s = create_state(context);
	int64		tag = 0;

	if (size >= head)
		memcpy(&tag, from, sizeof(tag));
	if (tag != TAG || (size - head) % sizeof(Counted) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION), errmsg("invalid state of an aggregate")));
	memcpy(s->nulls, from + sizeof(tag), sizeof(s->nulls));
	for (Size at = head; at < size; at += sizeof(Counted))
	{
		Counted		c;

		memcpy(&c, from + at, sizeof(c));
		count(s, c.key, REFERENCE, c.count[REFERENCE]);
		count(s, c.key, CURRENT, c.count[CURRENT]);
	}
	PG_RETURN_POINTER(s);
}

typedef struct Counts
{
	double	   *reference,
			   *current;
	int64		n;
} Counts;

/*
 * Counts of each category, with nulls as one of them if wanted. When the profile does not name all of its categories,
 * those that it does not name are one, in both samples.
 */
static Counts
final_counts(FunctionCallInfo fcinfo, bool with_nulls)
{
	Categories *s;
	Counted    *list;
	int64		n;
	Counts		c = {.n = 0};

	(void) rec_aggregate_context(fcinfo);
	s = PG_ARGISNULL(0) ? create_state(CurrentMemoryContext) : (Categories *) PG_GETARG_POINTER(0);
	list = list_of(s, &n);
	c.reference = MemoryContextAllocExtended(CurrentMemoryContext, mul_size(n + 2, sizeof(double)), MCXT_ALLOC_HUGE);
	c.current = MemoryContextAllocExtended(CurrentMemoryContext, mul_size(n + 2, sizeof(double)), MCXT_ALLOC_HUGE);
	if (s->other > 0)
	{
		c.reference[0] = s->other;
		c.current[0] = 0;
		c.n = 1;
	}
	for (int64 i = 0; i < n; i++)
	{
		if (s->other > 0 && list[i].count[REFERENCE] == 0)
		{
			c.current[0] += list[i].count[CURRENT];
			continue;
		}
		c.reference[c.n] = list[i].count[REFERENCE];
		c.current[c.n++] = list[i].count[CURRENT];
	}
	pfree(list);
	if (with_nulls && s->nulls[REFERENCE] + s->nulls[CURRENT] > 0)
	{
		c.reference[c.n] = s->nulls[REFERENCE];
		c.current[c.n++] = s->nulls[CURRENT];
	}
	return c;
}

PG_FUNCTION_INFO_V1(rec_chi2_final);
Datum
rec_chi2_final(PG_FUNCTION_ARGS)
{
	Counts		c = final_counts(fcinfo, false);

	return rec_make_chi2(fcinfo, c.reference, c.current, c.n);
}

PG_FUNCTION_INFO_V1(rec_category_psi_final);
Datum
rec_category_psi_final(PG_FUNCTION_ARGS)
{
	Counts		c = final_counts(fcinfo, true);

	return rec_make_psi(fcinfo, c.reference, c.current, c.n);
}

PG_FUNCTION_INFO_V1(rec_category_js_final);
Datum
rec_category_js_final(PG_FUNCTION_ARGS)
{
	Counts		c = final_counts(fcinfo, true);
	double		distance = rec_js_distance(c.reference, c.current, c.n);

	if (isnan(distance))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(distance);
}

PG_FUNCTION_INFO_V1(rec_new_categories_final);
Datum
rec_new_categories_final(PG_FUNCTION_ARGS)
{
	Counts		c = final_counts(fcinfo, false);

	return rec_make_new_categories(fcinfo, c.reference, c.current, c.n);
}
