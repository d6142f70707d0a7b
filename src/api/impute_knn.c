/*
 * impute_knn.c
 *		rec.impute_knn: missing values of a relation from the k nearest rows by Gower's distance.
 *
 * The relation is read twice with the caller's rights, in batches. The first pass finds the range of each numeric column and keeps at
 * most `donors` rows (all of them, or a random sample when there are more); the second compares each row that misses something
 * with the kept ones. So memory is bounded by donors x columns, whatever the size of the relation, and rows that have
 * everything cost nothing. Words are numbered by a dictionary; they count against pg_recommend.training_memory.
 */
#include "compat.h"

#include <math.h>

#include "access/relation.h"
#include "api/options.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "core/gower.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "model/keys.h"
#include "model/settings.h"
#include "parser/parse_coerce.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#define BATCH 1000
#define MAX_K 1000

typedef struct Column
{
	const char *name;
	bool		integer;		/* imputed values are rounded */
	Oid			time;			/* date, timestamp or timestamptz: seconds since 1970; else InvalidOid */
} Column;

typedef struct Knn
{
	int			k;
	int64		max_donors;
	int			ncolumns;
	Column	   *column;
	RecGowerColumn *gower;
	char	   *query;
	RecDictionary *words;
	double	   *donor;			/* row by row */
	int64		ndonors;
	int64		rows;
	uint64		random;
	MemoryContext context;
} Knn;

static Oid
column_of(Relation rel, const char *name)
{
	AttrNumber	attnum = get_attnum(RelationGetRelid(rel), name);

	if (attnum <= 0)
		rec_unknown_column(rel, name, "given");
	return getBaseType(TupleDescAttr(RelationGetDescr(rel), attnum - 1)->atttypid);
}

/* A column's type decides: numbers, dates and timestamps have a distance, all else is equal or not. */
static void
describe_column(Relation rel, const char *name, Column *c, RecGowerColumn *g, StringInfo query)
{
	Oid			type = column_of(rel, name);

	c->name = name;
	c->integer = type == INT2OID || type == INT4OID || type == INT8OID;
	c->time = type == DATEOID || type == TIMESTAMPOID || type == TIMESTAMPTZOID ? type : InvalidOid;
	g->numeric = c->integer || type == FLOAT4OID || type == FLOAT8OID || type == NUMERICOID || OidIsValid(c->time);
	g->low = HUGE_VAL;
	g->high = -HUGE_VAL;
	if (!OidIsValid(c->time) && (TypeCategory(type) == TYPCATEGORY_DATETIME || TypeCategory(type) == TYPCATEGORY_TIMESPAN))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" is of type %s", name, format_type_be(type)),
				 errdetail("Distances are defined for numbers, dates and timestamps."),
				 errhint("Make a view with extract(epoch FROM %s).", quote_identifier(name))));
	if (OidIsValid(c->time))
		appendStringInfo(query, ", pg_catalog.date_part('epoch', %s::%s)", quote_identifier(name), format_type_be_qualified(type));
	else
		appendStringInfo(query, ", %s::pg_catalog.%s", quote_identifier(name), g->numeric ? "float8" : "text");
}

static void
plan_query(Knn *knn, const char *relation, const char *key, ArrayType *columns)
{
	Oid			relid = rec_find_relation(relation, "given");
	Relation	rel = relation_open(relid, AccessShareLock);
	List	   *names = rec_text_list(columns);
	StringInfoData q;
	ListCell   *lc;

	knn->ncolumns = list_length(names);
	if (knn->ncolumns == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("columns must name at least one column")));
	knn->column = palloc0(knn->ncolumns * sizeof(Column));
	knn->gower = palloc0(knn->ncolumns * sizeof(RecGowerColumn));
	(void) column_of(rel, key);
	initStringInfo(&q);
	appendStringInfo(&q, "SELECT %s::pg_catalog.text", quote_identifier(key));
	foreach(lc, names)
		describe_column(rel, lfirst(lc), &knn->column[foreach_current_index(lc)], &knn->gower[foreach_current_index(lc)], &q);
	appendStringInfo(&q, " FROM %s", quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
																RelationGetRelationName(rel)));
	relation_close(rel, NoLock);
	knn->query = q.data;
}

static void
check_memory(const Knn *knn)
{
	Size		bytes = rec_dictionary_memory(knn->words) + (Size) knn->ndonors * knn->ncolumns * sizeof(double);

	if (bytes / 1024 > (Size) rec_training_memory)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("imputing needs more memory than pg_recommend.training_memory allows"),
				 errdetail("%lld rows and their words need %zu MB; the limit is %d MB.", (long long) knn->ndonors,
						   bytes / (1024 * 1024) + 1, rec_training_memory / 1024),
				 errhint("Lower donors, or leave out columns with many different words.")));
}

/* A row of the query as doubles; how many are missing. */
static int
read_row(Knn *knn, HeapTuple tuple, TupleDesc desc, double *row)
{
	int			missing = 0;

	for (int c = 0; c < knn->ncolumns; c++)
	{
		bool		isnull;
		Datum		value = SPI_getbinval(tuple, desc, c + 2, &isnull);

		row[c] = isnull ? NAN : knn->gower[c].numeric ? DatumGetFloat8(value) :
			(double) rec_dictionary_number(knn->words, value);
		if (!isfinite(row[c]))
			row[c] = NAN;
		missing += isnan(row[c]);
	}
	return missing;
}

static void
keep_donor(Knn *knn, const double *row)
{
	int64		at = knn->ndonors;

	knn->rows++;
	for (int c = 0; c < knn->ncolumns; c++)
		if (knn->gower[c].numeric && !isnan(row[c]))
		{
			knn->gower[c].low = Min(knn->gower[c].low, row[c]);
			knn->gower[c].high = Max(knn->gower[c].high, row[c]);
		}
	if (at == knn->max_donors)
	{
		knn->random = rec_mix64(knn->random + 1);
		at = (int64) (knn->random % (uint64) knn->rows);	/* reservoir sampling */
		if (at >= knn->max_donors)
			return;
	}
	else
	{
		if ((at & (at - 1)) == 0)	/* room doubles */
		{
			Size		size = mul_size(mul_size(Max(at * 2, 64), knn->ncolumns), sizeof(double));

			knn->donor = knn->donor ? repalloc_huge(knn->donor, size) :
				MemoryContextAllocExtended(knn->context, size, MCXT_ALLOC_HUGE);
		}
		knn->ndonors++;
	}
	memcpy(knn->donor + at * knn->ncolumns, row, knn->ncolumns * sizeof(double));
}

static int
by_value(const void *a, const void *b)
{
	double		x = *(const double *) a,
				y = *(const double *) b;

	return (x > y) - (x < y);
}

/* Seconds since 1970 as text of the type. */
static Datum
time_text(Oid type, double seconds)
{
	double		since_2000 = seconds - (double) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY;
	Datum		time = type == DATEOID ? DateADTGetDatum((DateADT) rint(since_2000 / SECS_PER_DAY)) :
		TimestampTzGetDatum((TimestampTz) rint(since_2000 * USECS_PER_SEC));

	return CStringGetTextDatum(DatumGetCString(DirectFunctionCall1(type == DATEOID ? date_out :
																   type == TIMESTAMPOID ? timestamp_out : timestamptz_out, time)));
}

/* The median of a numeric column's neighbours; of a categorical one the most frequent word, of those the nearest. */
static Datum
value_from(const Knn *knn, int c, const RecNearest *nearest)
{
	double	   *value = palloc(nearest->n * sizeof(double));
	double		result = 0;
	int			best = 0;

	for (int i = 0; i < nearest->n; i++)
		value[i] = knn->donor[nearest->row[i] * knn->ncolumns + c];
	if (!knn->gower[c].numeric)
	{
		for (int i = 0; i < nearest->n; i++)
		{
			int			count = 0;

			for (int j = 0; j < nearest->n; j++)
				count += value[j] == value[i];
			if (count > best)
			{
				best = count;
				result = value[i];
			}
		}
		return rec_keys_datum(rec_dictionary_keys(knn->words), (int) result);
	}
	qsort(value, nearest->n, sizeof(double), by_value);
	result = value[(nearest->n - 1) / 2] / 2 + value[nearest->n / 2] / 2;
	if (nearest->n % 2 == 1)
		result = value[nearest->n / 2];
	if (OidIsValid(knn->column[c].time))
		return time_text(knn->column[c].time, result);
	if (knn->column[c].integer)
		return CStringGetTextDatum(psprintf("%.0f", rint(result)));
	else
	{
		char		digits[DOUBLE_SHORTEST_DECIMAL_LEN];

		double_to_shortest_decimal_buf(result, digits);
		return CStringGetTextDatum(digits);
	}
}

static void
put_row(const Knn *knn, ReturnSetInfo *rsinfo, Datum key, bool no_key, int c, const RecNearest *nearest)
{
	Datum		v[5];
	bool		null[5] = {0};
	double		sum = 0;

	for (int i = 0; i < nearest->n; i++)
		sum += nearest->distance[i];
	v[0] = key;
	null[0] = no_key;
	v[1] = CStringGetTextDatum(knn->column[c].name);
	null[2] = nearest->n == 0;
	v[2] = null[2] ? (Datum) 0 : value_from(knn, c, nearest);
	null[3] = null[2];
	v[3] = Float8GetDatum(null[3] ? 0 : sum / nearest->n);
	v[4] = Int32GetDatum(nearest->n);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, v, null);
}

/* The nearest donors of each missing column, which must have that column. */
static void
find_nearest(const Knn *knn, const double *row, RecNearest *nearest)
{
	for (int c = 0; c < knn->ncolumns; c++)
		nearest[c].n = 0;
	for (int64 d = 0; d < knn->ndonors; d++)
	{
		const double *donor = knn->donor + d * knn->ncolumns;
		double		distance = rec_gower(row, donor, knn->gower, knn->ncolumns);

		if ((d & 1023) == 0)
			CHECK_FOR_INTERRUPTS();
		if (isnan(distance))
			continue;
		for (int c = 0; c < knn->ncolumns; c++)
			if (isnan(row[c]) && !isnan(donor[c]))
				rec_nearest_offer(&nearest[c], distance, d);
	}
}

/* One pass over the relation: collects donors, or imputes when rsinfo is given. */
static void
scan(Knn *knn, SPIPlanPtr plan, ReturnSetInfo *rsinfo)
{
	Portal		portal = SPI_cursor_open(NULL, plan, NULL, NULL, true);
	double	   *row = palloc(knn->ncolumns * sizeof(double));
	RecNearest *nearest = palloc0(knn->ncolumns * sizeof(RecNearest));
	MemoryContext each = AllocSetContextCreate(CurrentMemoryContext, "rec knn rows", ALLOCSET_DEFAULT_SIZES);

	for (int c = 0; c < knn->ncolumns; c++)
	{
		nearest[c].k = knn->k;
		nearest[c].distance = palloc(knn->k * sizeof(double));
		nearest[c].row = palloc(knn->k * sizeof(int64));
	}
	for (;;)
	{
		MemoryContext old;

		SPI_cursor_fetch(portal, true, BATCH);
		if (SPI_processed == 0)
			break;
		old = MemoryContextSwitchTo(each);
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			HeapTuple	tuple = SPI_tuptable->vals[i];
			int			missing = read_row(knn, tuple, SPI_tuptable->tupdesc, row);
			bool		no_key;
			Datum		key = SPI_getbinval(tuple, SPI_tuptable->tupdesc, 1, &no_key);

			if (rsinfo == NULL && missing < knn->ncolumns)
				keep_donor(knn, row);
			if (rsinfo == NULL || missing == 0)
				continue;
			find_nearest(knn, row, nearest);
			for (int c = 0; c < knn->ncolumns; c++)
				if (isnan(row[c]))
					put_row(knn, rsinfo, key, no_key, c, &nearest[c]);
		}
		check_memory(knn);
		MemoryContextSwitchTo(old);
		MemoryContextReset(each);
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
}

/* impute_knn(relation, key, columns, k, donors) */
PG_FUNCTION_INFO_V1(rec_impute_knn);
Datum
rec_impute_knn(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Knn			knn = {.k = PG_GETARG_INT32(3), .max_donors = PG_GETARG_INT32(4), .random = 42, .context = CurrentMemoryContext};
	RecKeyType	words;
	SPIPlanPtr	plan;

	if (knn.k < 1 || knn.k > MAX_K)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("k must be from 1 to %d", MAX_K)));
	if (knn.max_donors < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("donors must be at least 1")));
	InitMaterializedSRF(fcinfo, 0);
	plan_query(&knn, text_to_cstring(PG_GETARG_TEXT_PP(0)), text_to_cstring(PG_GETARG_TEXT_PP(1)), PG_GETARG_ARRAYTYPE_P(2));
	rec_key_type(&words, TEXTOID, C_COLLATION_OID, "word", CurrentMemoryContext);
	knn.words = rec_dictionary_create(&words, CurrentMemoryContext);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	plan = SPI_prepare(knn.query, 0, NULL);
	if (plan == NULL)
		elog(ERROR, "preparing %s failed", knn.query);
	scan(&knn, plan, NULL);
	scan(&knn, plan, rsinfo);
	SPI_finish();
	return (Datum) 0;
}
