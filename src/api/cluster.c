/*
 * cluster.c
 *		rec.sample_cluster(): a sample of the units that were randomised, from rows of a finer grain (orders, sessions).
 *
 * Rows of one unit are not independent, so they are added up by unit first, in a hash table: the mean over rows is then a
 * ratio of two sums over units, whose variance the delta method knows (Deng, Knoblich and Lu, KDD 2018).
 */
#include "api/aggregate.h"
#include "api/assign.h"
#include "api/statistics.h"
#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"

#define CLUSTER_TAG 0x636c7573

typedef struct UnitKey
{
	const char *id;				/* in the aggregate's context */
	int			length;
} UnitKey;

typedef struct UnitEntry
{
	UnitKey		key;
	uint32		hash;
	char		status;
	double		sum;
	double		rows;
} UnitEntry;

#define SH_PREFIX units
#define SH_ELEMENT_TYPE UnitEntry
#define SH_KEY_TYPE UnitKey
#define SH_KEY key
#define SH_HASH_KEY(table, k) hash_bytes((const unsigned char *) (k).id, (k).length)
#define SH_EQUAL(table, a, b) ((a).length == (b).length && memcmp((a).id, (b).id, (a).length) == 0)
#define SH_STORE_HASH
#define SH_GET_HASH(table, e) (e)->hash
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

static void
add(units_hash *table, MemoryContext context, UnitKey key, double sum, double rows)
{
	bool		found;
	UnitEntry  *entry = units_insert(table, key, &found);

	if (!found)
	{
		char	   *id = MemoryContextAlloc(context, Max(key.length, 1));

		memcpy(id, key.id, key.length);
		entry->key.id = id;
		entry->sum = entry->rows = 0;
	}
	entry->sum += sum;
	entry->rows += rows;
}

/* value, unit of any type */
PG_FUNCTION_INFO_V1(rec_cluster_accum);
Datum
rec_cluster_accum(PG_FUNCTION_ARGS)
{
	MemoryContext context = rec_aggregate_context(fcinfo);
	units_hash *table = PG_ARGISNULL(0) ? units_create(context, 256, NULL) : (units_hash *) PG_GETARG_POINTER(0);

	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2))
	{
		RecUnit		unit;

		rec_unit_of(&unit, PG_GETARG_DATUM(2), get_fn_expr_argtype(fcinfo->flinfo, 2));
		add(table, context, (UnitKey) {unit.id, unit.length}, PG_GETARG_FLOAT8(1), 1);
	}
	PG_RETURN_POINTER(table);
}

PG_FUNCTION_INFO_V1(rec_cluster_combine);
Datum
rec_cluster_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = rec_aggregate_context(fcinfo);
	units_hash *table = PG_ARGISNULL(0) ? units_create(context, 256, NULL) : (units_hash *) PG_GETARG_POINTER(0);

	if (!PG_ARGISNULL(1))
	{
		units_hash *other = (units_hash *) PG_GETARG_POINTER(1);
		units_iterator i;
		UnitEntry  *entry;

		units_start_iterate(other, &i);
		while ((entry = units_iterate(other, &i)) != NULL)
			add(table, context, entry->key, entry->sum, entry->rows);
	}
	PG_RETURN_POINTER(table);
}

PG_FUNCTION_INFO_V1(rec_cluster_serialize);
Datum
rec_cluster_serialize(PG_FUNCTION_ARGS)
{
	units_hash *table = (units_hash *) PG_GETARG_POINTER(0);
	units_iterator i;
	UnitEntry  *entry;
	StringInfoData buffer;

	initStringInfo(&buffer);
	units_start_iterate(table, &i);
	while ((entry = units_iterate(table, &i)) != NULL)
	{
		appendBinaryStringInfo(&buffer, (const char *) &entry->key.length, sizeof(int));
		appendBinaryStringInfo(&buffer, (const char *) &entry->sum, sizeof(double));
		appendBinaryStringInfo(&buffer, (const char *) &entry->rows, sizeof(double));
		appendBinaryStringInfo(&buffer, entry->key.id, entry->key.length);
	}
	PG_RETURN_BYTEA_P(rec_state_out(CLUSTER_TAG, buffer.data, buffer.len));
}

PG_FUNCTION_INFO_V1(rec_cluster_deserialize);
Datum
rec_cluster_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *in = PG_GETARG_BYTEA_PP(0);
	units_hash *table = units_create(CurrentMemoryContext, 256, NULL);
	Size		size = VARSIZE_ANY_EXHDR(in) - sizeof(uint32),
				at = 0;
	char	   *bytes;

	if (VARSIZE_ANY_EXHDR(in) < sizeof(uint32))
		rec_bad_state();
	bytes = palloc(Max(size, 1));
	rec_state_in(in, CLUSTER_TAG, bytes, size);
	while (at < size)
	{
		int			length;
		double		numbers[2];

		if (size - at < sizeof(length) + sizeof(numbers))
			rec_bad_state();
		memcpy(&length, bytes + at, sizeof(length));
		memcpy(numbers, bytes + at + sizeof(length), sizeof(numbers));
		at += sizeof(length) + sizeof(numbers);
		if (length < 0 || (Size) length > size - at)
			rec_bad_state();
		add(table, CurrentMemoryContext, (UnitKey) {bytes + at, length}, numbers[0], numbers[1]);
		at += length;
	}
	pfree(bytes);
	PG_RETURN_POINTER(table);
}

PG_FUNCTION_INFO_V1(rec_cluster_final);
Datum
rec_cluster_final(PG_FUNCTION_ARGS)
{
	RecUnits	s = {.kind = REC_UNITS_RATIO};
	units_iterator i;
	UnitEntry  *entry;
	units_hash *table;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	table = (units_hash *) PG_GETARG_POINTER(0);
	units_start_iterate(table, &i);
	while ((entry = units_iterate(table, &i)) != NULL)
	{
		double		value[REC_UNITS_VARIABLES] = {entry->sum, entry->rows};

		rec_units_add(&s, value);
	}
	if (s.n == 0)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(rec_sample_datum(fcinfo, &s));
}
