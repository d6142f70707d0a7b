/*
 * profile_value.c
 *		Values of the type rec.column_profile: making and reading. See drift.h.
 */
#include "api/drift.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

/* Columns of rec.column_profile, in the order of sql/76_drift.sql */
enum
{
	A_KIND, A_N, A_NULLS, A_MEAN, A_VARIANCE, A_QUANTILES, A_ERROR, A_CATEGORIES, A_COUNTS, A_OTHER, NATTS
};

static const char *const kinds[] = {"number", "time", "category"};
static const Oid types[NATTS] = {TEXTOID, INT8OID, INT8OID, FLOAT8OID, FLOAT8OID, FLOAT8ARRAYOID, FLOAT8OID,
TEXTARRAYOID, INT8ARRAYOID, INT8OID};

double
rec_seconds(Timestamp t)
{
	if (TIMESTAMP_IS_NOBEGIN(t))
		return -INFINITY;
	if (TIMESTAMP_IS_NOEND(t))
		return INFINITY;
	return t / 1e6 + (double) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY;
}

static Datum
float_array(const double *x, int n)
{
	Datum	   *values = palloc(sizeof(Datum) * Max(n, 1));

	for (int i = 0; i < n; i++)
		values[i] = Float8GetDatum(x[i]);
	return PointerGetDatum(construct_array(values, n, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

static Datum
text_array(char *const *x, int n)
{
	Datum	   *values = palloc(sizeof(Datum) * Max(n, 1));

	for (int i = 0; i < n; i++)
		values[i] = CStringGetTextDatum(x[i]);
	return PointerGetDatum(construct_array(values, n, TEXTOID, -1, false, TYPALIGN_INT));
}

static Datum
count_array(const int64 *x, int n)
{
	Datum	   *values = palloc(sizeof(Datum) * Max(n, 1));

	for (int i = 0; i < n; i++)
		values[i] = Int64GetDatum(x[i]);
	return PointerGetDatum(construct_array(values, n, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

Datum
rec_profile_make(FunctionCallInfo fcinfo, const RecProfile *p)
{
	RecResult	r = {.n = 0};
	bool		numbers = p->kind != REC_PROFILE_CATEGORY;

	rec_result_text(&r, kinds[p->kind]);
	rec_result_int(&r, p->n);
	rec_result_int(&r, p->nulls);
	rec_result_float(&r, p->mean);
	rec_result_float(&r, p->variance);
	r.null[r.n] = !numbers;
	r.value[r.n++] = numbers ? float_array(p->sample.x, p->sample.len) : (Datum) 0;
	rec_result_float(&r, numbers ? p->sample.error : NAN);
	r.null[r.n] = r.null[r.n + 1] = numbers && p->ncategories == 0;
	r.value[r.n++] = text_array(p->categories, p->ncategories);
	r.value[r.n++] = count_array(p->counts, p->ncategories);
	rec_result_int(&r, p->other);
	return rec_result_make(fcinfo, &r);
}

/* Whoever wrote the profile by hand did it wrong. */
pg_attribute_noreturn() static void
bad_profile(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid profile of a column"),
			 errdetail("%s", detail),
			 errhint("Profiles are made by rec.profile() and rec.merge_profiles().")));
}

/* The elements of a one-dimensional array without nulls. */
static Datum *
elements_of(Datum array, Oid type, int *n)
{
	ArrayType  *a = DatumGetArrayTypeP(array);
	int16		length;
	bool		byval;
	char		align;
	Datum	   *values;
	bool	   *nulls;

	if (ARR_NDIM(a) > 1 || ARR_HASNULL(a))
		bad_profile("An array in it has nulls or more than one dimension.");
	get_typlenbyvalalign(type, &length, &byval, &align);
	deconstruct_array(a, type, length, byval, align, &values, &nulls, n);
	return values;
}

static double *
floats_of(Datum array, int *n)
{
	Datum	   *values = elements_of(array, FLOAT8OID, n);
	double	   *x = palloc(sizeof(double) * Max(*n, 1));

	for (int i = 0; i < *n; i++)
	{
		x[i] = DatumGetFloat8(values[i]);
		if (isnan(x[i]) || (i > 0 && x[i] < x[i - 1]))
			bad_profile("Its quantiles are not in ascending order.");
	}
	return x;
}

static void
read_categories(RecProfile *p, Datum categories, Datum counts)
{
	Datum	   *names,
			   *numbers;
	int			n;
	int64		left = p->n - p->nulls - p->other;

	names = elements_of(categories, TEXTOID, &p->ncategories);
	numbers = elements_of(counts, INT8OID, &n);
	if (n != p->ncategories)
		bad_profile("It does not have one count for each category.");
	p->categories = palloc(sizeof(char *) * Max(n, 1));
	p->counts = palloc(sizeof(int64) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		p->categories[i] = TextDatumGetCString(names[i]);
		p->counts[i] = DatumGetInt64(numbers[i]);
		if (p->counts[i] < 1 || (left -= p->counts[i]) < 0)
			bad_profile("Its counts of categories are not what its rows are.");
	}
	if (left != 0)
		bad_profile("Its counts of categories are not what its rows are.");
}

typedef struct Value
{
	double		x;
	int64		count;
} Value;

static int
compare_values(const void *a, const void *b)
{
	const Value *x = a,
			   *y = b;

	return (x->x > y->x) - (x->x < y->x);
}

/* A few distinct numbers: their counts are exact, so they stand for the sample. */
static void
sample_of_categories(RecProfile *p)
{
	int			n = p->ncategories;
	Value	   *list = palloc(sizeof(Value) * n);
	double	   *x = palloc(sizeof(double) * n),
			   *cum = palloc0(sizeof(double) * (n + 1));

	for (int i = 0; i < n; i++)
	{
		list[i].x = DatumGetFloat8(DirectFunctionCall1(float8in, CStringGetDatum(p->categories[i])));
		list[i].count = p->counts[i];
		if (isnan(list[i].x))
			bad_profile("NaN is no category of numbers.");
	}
	qsort(list, n, sizeof(Value), compare_values);
	for (int i = 0; i < n; i++)
	{
		x[i] = list[i].x;
		cum[i + 1] = cum[i] + list[i].count;
	}
	p->sample = (RecEmpirical) {
		.x = x, .len = n, .n = cum[n], .cum = cum
	};
}

static void
read_numbers(RecProfile *p, Datum quantiles, double error)
{
	int			n;
	int64		numbers = p->n - p->nulls;
	double	   *x = floats_of(quantiles, &n);

	if (n > numbers || (n < numbers && n < 2) || !(error >= 0 && error <= 1))
		bad_profile("Its quantiles are not what its rows are.");
	p->sample = (RecEmpirical) {
		.x = x, .len = n, .n = numbers, .grid = n < numbers, .error = error
	};
}

static void
read_profile(RecProfile *p, const Datum *v, const bool *null)
{
	char	   *kind;

	for (int i = 0; i < NATTS; i++)
		if (null[i] && (i == A_KIND || i == A_N || i == A_NULLS || i == A_OTHER))
			bad_profile("Its kind or one of its counts is null.");
	kind = TextDatumGetCString(v[A_KIND]);
	while (p->kind <= REC_PROFILE_CATEGORY && strcmp(kind, kinds[p->kind]) != 0)
		p->kind++;
	if (p->kind > REC_PROFILE_CATEGORY)
		bad_profile("Its kind is not number, time or category.");
	p->n = DatumGetInt64(v[A_N]);
	p->nulls = DatumGetInt64(v[A_NULLS]);
	p->other = DatumGetInt64(v[A_OTHER]);
	if (p->nulls < 0 || p->nulls > p->n || p->other < 0 || p->other > p->n - p->nulls || p->n > INT64CONST(1000000000000000))
		bad_profile("Its counts contradict each other.");
	p->mean = null[A_MEAN] ? NAN : DatumGetFloat8(v[A_MEAN]);
	p->variance = null[A_VARIANCE] ? NAN : DatumGetFloat8(v[A_VARIANCE]);
	if (isinf(p->mean) || isinf(p->variance) || p->variance < 0)
		bad_profile("Its mean or variance is out of range.");
	if (null[A_CATEGORIES] != null[A_COUNTS] || (p->kind == REC_PROFILE_CATEGORY && null[A_COUNTS]) ||
		(p->kind != REC_PROFILE_CATEGORY && (null[A_QUANTILES] || null[A_ERROR])))
		bad_profile("Something in it is null.");
	if (p->kind != REC_PROFILE_CATEGORY)
		read_numbers(p, v[A_QUANTILES], DatumGetFloat8(v[A_ERROR]));
	if (!null[A_CATEGORIES])
		read_categories(p, v[A_CATEGORIES], v[A_COUNTS]);
	if (p->kind != REC_PROFILE_CATEGORY && p->ncategories > 0)
		sample_of_categories(p);
}

RecProfile *
rec_profile_read(Datum value)
{
	HeapTupleHeader header = DatumGetHeapTupleHeader(value);
	TupleDesc	desc = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(header), HeapTupleHeaderGetTypMod(header));
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(header), .t_data = header};
	RecProfile *p = palloc0(sizeof(RecProfile));
	Datum		v[NATTS];
	bool		null[NATTS];

	for (int i = 0; i < NATTS; i++)
		if (desc->natts != NATTS || TupleDescAttr(desc, i)->atttypid != types[i])
			bad_profile("The type of the profile has been altered.");
	heap_deform_tuple(&tuple, desc, v, null);
	ReleaseTupleDesc(desc);
	read_profile(p, v, null);
	return p;
}

RecProfile *
rec_profile_argument(FunctionCallInfo fcinfo, int argument, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	/* arrays that need no detoasting are pointed into: the copy stays */
	Datum		copy = PointerGetDatum(DatumGetHeapTupleHeaderCopy(PG_GETARG_DATUM(argument)));
	RecProfile *p = rec_profile_read(copy);

	MemoryContextSwitchTo(old);
	return p;
}
