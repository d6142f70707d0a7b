/*
 * ranks.c
 *		Samples of values with their counts (rec.value_sample), and the tests by order.
 *
 * All values are kept and sorted at the end; a value sample holds each distinct value once, so that partial samples stay as
 * small as the data allow and merge exactly.
 */
#include "api/statistics.h"

#include "access/htup_details.h"
#include "api/aggregate.h"
#include "catalog/pg_type.h"
#include "common/int.h"
#include "core/dist.h"
#include "core/ranks.h"
#include "core/sequential.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/typcache.h"

#define VALUES_TAG 0x76616c75
#define RANKS_TAG 0x72616e6b

/* ------------------------------------------------------------------ value samples */

/* A growing list of runs, for rec.merge(). */
typedef struct Runs
{
	int64		distinct;
	double	   *value;
	int64	   *count;
} Runs;

static RecRuns
view_of(const Runs *runs)
{
	RecRuns		view = {runs->distinct, runs->value, runs->count, 0};

	for (int64 i = 0; i < runs->distinct; i++)
		view.n += runs->count[i];
	return view;
}

/* Sorted numbers as runs; NaN is an error, because it has no place in an order of values. */
static Runs
runs_of_numbers(RecNumbers *numbers)
{
	Runs		runs = {0};

	rec_numbers_sort(numbers);
	if (numbers->n > 0 && isnan(numbers->x[numbers->n - 1]))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("NaN has no rank among values"),
				 errhint("Leave it out with FILTER, or turn it into null.")));
	runs.value = palloc_extended(mul_size(Max(numbers->n, 1), sizeof(double)), MCXT_ALLOC_HUGE);
	runs.count = palloc_extended(mul_size(Max(numbers->n, 1), sizeof(int64)), MCXT_ALLOC_HUGE);
	for (int64 i = 0; i < numbers->n; i++)
	{
		if (runs.distinct > 0 && runs.value[runs.distinct - 1] == numbers->x[i])
			runs.count[runs.distinct - 1]++;
		else
		{
			runs.value[runs.distinct] = numbers->x[i];
			runs.count[runs.distinct++] = 1;
		}
	}
	return runs;
}

pg_attribute_noreturn() static void
bad_values(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid sample of values"), errdetail("%s", detail),
			 errhint("Such samples are made by rec.sample_quantile() and added up by rec.merge().")));
}

/* An array of 8-byte elements without nulls, in one dimension. */
static void *
plain_elements(Datum datum, bool null, Oid type, int64 *n)
{
	ArrayType  *array;

	if (null)
		bad_values("An array is null.");
	array = DatumGetArrayTypeP(datum);
	if (ARR_ELEMTYPE(array) != type || ARR_NDIM(array) > 1 || ARR_HASNULL(array))
		bad_values("An array has nulls or several dimensions.");
	*n = ARR_NDIM(array) == 0 ? 0 : ARR_DIMS(array)[0];
	return ARR_DATA_PTR(array);
}

/* A rec.value_sample that is checked; null: no units. */
static Runs
values_arg(FunctionCallInfo fcinfo, int i)
{
	Runs		runs = {0};
	HeapTupleHeader header;
	HeapTupleData tuple;
	TupleDesc	desc;
	Datum		values[3];
	bool		nulls[3];
	int64		counts;
	double		total = 0;

	if (PG_ARGISNULL(i))
		return runs;
	header = PG_GETARG_HEAPTUPLEHEADER(i);
	desc = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(header), HeapTupleHeaderGetTypMod(header));
	if (desc->natts != 3)
		bad_values("It has another number of columns than rec.value_sample.");
	tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = header;
	heap_deform_tuple(&tuple, desc, values, nulls);
	ReleaseTupleDesc(desc);
	runs.value = plain_elements(values[1], nulls[1], FLOAT8OID, &runs.distinct);
	runs.count = plain_elements(values[2], nulls[2], INT8OID, &counts);
	if (counts != runs.distinct)
		bad_values("There are not as many counts as values.");
	for (int64 k = 0; k < counts; k++)
	{
		if (isnan(runs.value[k]) || (k > 0 && !(runs.value[k] > runs.value[k - 1])))
			bad_values("Values do not ascend.");
		if (runs.count[k] < 1)
			bad_values("A count is below 1.");
		total += runs.count[k];
	}
	if (total > 9e15)
		bad_values("There are too many units.");
	return runs;
}

static Datum
values_datum(FunctionCallInfo fcinfo, const Runs *runs)
{
	Datum		values[3];
	bool		nulls[3] = {false};
	Datum	   *element;

	if (runs->distinct > MaxAllocSize / 2 / sizeof(Datum))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many distinct values for a sample: %lld", (long long) runs->distinct),
				 errhint("Round the values, or use rec.quantile_test() and rec.rank_test() on the rows.")));
	element = palloc(Max(runs->distinct, 1) * sizeof(Datum));
	values[0] = rec_units_datum(view_of(runs).n);
	for (int64 i = 0; i < runs->distinct; i++)
		element[i] = Float8GetDatum(runs->value[i]);
	values[1] = PointerGetDatum(construct_array(element, runs->distinct, FLOAT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	for (int64 i = 0; i < runs->distinct; i++)
		element[i] = Int64GetDatum(runs->count[i]);
	values[2] = PointerGetDatum(construct_array(element, runs->distinct, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	return rec_record_datum(fcinfo, values, nulls);
}

PG_FUNCTION_INFO_V1(rec_values_accum);
Datum
rec_values_accum(PG_FUNCTION_ARGS)
{
	RecNumbers *numbers = PG_ARGISNULL(0) ? NULL : (RecNumbers *) PG_GETARG_POINTER(0);

	if (numbers == NULL)
		numbers = rec_numbers_create(rec_aggregate_context(fcinfo));
	if (!PG_ARGISNULL(1))
		rec_numbers_add(numbers, PG_GETARG_FLOAT8(1));
	PG_RETURN_POINTER(numbers);
}

PG_FUNCTION_INFO_V1(rec_values_combine);
Datum
rec_values_combine(PG_FUNCTION_ARGS)
{
	RecNumbers *numbers = PG_ARGISNULL(0) ? NULL : (RecNumbers *) PG_GETARG_POINTER(0);

	if (PG_ARGISNULL(1))
	{
		if (numbers == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(numbers);
	}
	if (numbers == NULL)
		numbers = rec_numbers_create(rec_aggregate_context(fcinfo));
	rec_numbers_append(numbers, (RecNumbers *) PG_GETARG_POINTER(1));
	PG_RETURN_POINTER(numbers);
}

PG_FUNCTION_INFO_V1(rec_values_serialize);
Datum
rec_values_serialize(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(rec_numbers_out(VALUES_TAG, (RecNumbers *) PG_GETARG_POINTER(0)));
}

PG_FUNCTION_INFO_V1(rec_values_deserialize);
Datum
rec_values_deserialize(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(rec_numbers_in(PG_GETARG_BYTEA_PP(0), VALUES_TAG, CurrentMemoryContext));
}

PG_FUNCTION_INFO_V1(rec_values_final);
Datum
rec_values_final(PG_FUNCTION_ARGS)
{
	RecNumbers *numbers = PG_ARGISNULL(0) ? NULL : (RecNumbers *) PG_GETARG_POINTER(0);
	Runs		runs;

	if (numbers == NULL || numbers->n == 0)
		PG_RETURN_NULL();
	runs = runs_of_numbers(numbers);
	PG_RETURN_DATUM(values_datum(fcinfo, &runs));
}

/* Behind rec.merge(): two sorted lists become one. */
PG_FUNCTION_INFO_V1(rec_values_merge);
Datum
rec_values_merge(PG_FUNCTION_ARGS)
{
	MemoryContext context = rec_aggregate_context(fcinfo);
	Runs	   *state = PG_ARGISNULL(0) ? NULL : (Runs *) PG_GETARG_POINTER(0);
	Runs		row = values_arg(fcinfo, 1),
				both = {0};
	int64		i = 0,
				j = 0;

	if (state == NULL)
		state = MemoryContextAllocZero(context, sizeof(Runs));
	if (row.distinct == 0)
		PG_RETURN_POINTER(state);
	both.value = MemoryContextAllocExtended(context, mul_size(add_size(state->distinct, row.distinct), 8), MCXT_ALLOC_HUGE);
	both.count = MemoryContextAllocExtended(context, mul_size(add_size(state->distinct, row.distinct), 8), MCXT_ALLOC_HUGE);
	while (i < state->distinct || j < row.distinct)
	{
		bool		mine = j >= row.distinct || (i < state->distinct && state->value[i] <= row.value[j]),
					its = i >= state->distinct || (j < row.distinct && row.value[j] <= state->value[i]);

		both.value[both.distinct] = mine ? state->value[i] : row.value[j];
		if (pg_add_s64_overflow(mine ? state->count[i] : 0, its ? row.count[j] : 0, &both.count[both.distinct++]))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("number of units out of range")));
		i += mine;
		j += its;
	}
	if (state->value)
	{
		pfree(state->value);
		pfree(state->count);
	}
	*state = both;
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(rec_values_merge_final);
Datum
rec_values_merge_final(PG_FUNCTION_ARGS)
{
	Runs	   *state = PG_ARGISNULL(0) ? NULL : (Runs *) PG_GETARG_POINTER(0);

	if (state == NULL || state->distinct == 0)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(values_datum(fcinfo, state));
}

static double
quantile_arg(FunctionCallInfo fcinfo, int i)
{
	if (PG_ARGISNULL(i))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("quantile must not be null")));
	return rec_number_arg(fcinfo, i, "quantile", 0.5, 0, 1);
}

/* sample, quantile */
PG_FUNCTION_INFO_V1(rec_values_quantile);
Datum
rec_values_quantile(PG_FUNCTION_ARGS)
{
	Runs		runs = values_arg(fcinfo, 0);
	RecRuns		view = view_of(&runs);
	double		q = quantile_arg(fcinfo, 1);

	if (view.n == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(rec_runs_quantile(&view, q));
}

/* ------------------------------------------------------------------------- tests */

static Datum
rank_datum(FunctionCallInfo fcinfo, const Runs *control, const Runs *treatment, const RecTestOptions *options)
{
	RecRuns		c = view_of(control),
				t = view_of(treatment);
	RecEffect	e = {0};
	double	   *scratch = rec_mann_whitney_exact(&c, &t) ? palloc((c.n * t.n + 1) * sizeof(double)) : NULL;

	if (options->margin != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("the rank test has no margin")));
	rec_mann_whitney(&e, &c, &t, options, scratch);
	return rec_effect_datum(fcinfo, &e, options, NAN);
}

static Datum
quantile_datum(FunctionCallInfo fcinfo, const Runs *control, const Runs *treatment, double q, const RecTestOptions *options,
			   double tuning_n)
{
	RecRuns		c = view_of(control),
				t = view_of(treatment);
	RecEffect	e = {0};

	rec_quantile_compare(&e, &c, &t, q, options, tuning_n);
	return rec_effect_datum(fcinfo, &e, options, NAN);
}

/* control, treatment, alternative, confidence */
PG_FUNCTION_INFO_V1(rec_rank_test);
Datum
rec_rank_test(PG_FUNCTION_ARGS)
{
	Runs		control = values_arg(fcinfo, 0),
				treatment = values_arg(fcinfo, 1);
	RecTestOptions options = rec_test_options(fcinfo, 2);

	return rank_datum(fcinfo, &control, &treatment, &options);
}

/* control, treatment, quantile, alternative, confidence, margin */
PG_FUNCTION_INFO_V1(rec_quantile_test);
Datum
rec_quantile_test(PG_FUNCTION_ARGS)
{
	Runs		control = values_arg(fcinfo, 0),
				treatment = values_arg(fcinfo, 1);
	RecTestOptions options = rec_test_options(fcinfo, 3);

	return quantile_datum(fcinfo, &control, &treatment, quantile_arg(fcinfo, 2), &options, 0);
}

/* control, treatment, quantile, alternative, confidence, margin, tuning_n */
PG_FUNCTION_INFO_V1(rec_sequential_quantile_test);
Datum
rec_sequential_quantile_test(PG_FUNCTION_ARGS)
{
	Runs		control = values_arg(fcinfo, 0),
				treatment = values_arg(fcinfo, 1);
	RecTestOptions options = rec_test_options(fcinfo, 3);

	rec_check_sequential(&options);
	return quantile_datum(fcinfo, &control, &treatment, quantile_arg(fcinfo, 2), &options,
						  rec_number_arg(fcinfo, 6, "tuning_n", REC_TUNING_N, 1, 1e15));
}

/* Both arms' values; the part that travels first. */
typedef struct RankPart
{
	int64		n_control;
	double		q;
	RecTestOptions options;
} RankPart;

typedef struct RankState
{
	RankPart	part;
	RecNumbers *arm[2];
} RankState;

static RankState *
new_rank_state(MemoryContext context)
{
	RankState  *s = MemoryContextAllocZero(context, sizeof(RankState));

	s->arm[0] = rec_numbers_create(context);
	s->arm[1] = rec_numbers_create(context);
	return s;
}

/* x, is_treatment, then quantile for the quantile test, then options */
static Datum
rank_accumulate(FunctionCallInfo fcinfo, bool quantile)
{
	RankState  *s = PG_ARGISNULL(0) ? NULL : (RankState *) PG_GETARG_POINTER(0);

	if (s == NULL)
	{
		s = new_rank_state(rec_aggregate_context(fcinfo));
		s->part.q = quantile ? quantile_arg(fcinfo, 3) : 0;
		s->part.options = rec_test_options(fcinfo, quantile ? 4 : 3);
	}
	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2))
		rec_numbers_add(s->arm[PG_GETARG_BOOL(2)], PG_GETARG_FLOAT8(1));
	PG_RETURN_POINTER(s);
}

PG_FUNCTION_INFO_V1(rec_rank_accum);
Datum
rec_rank_accum(PG_FUNCTION_ARGS)
{
	return rank_accumulate(fcinfo, false);
}

PG_FUNCTION_INFO_V1(rec_quantile_accum);
Datum
rec_quantile_accum(PG_FUNCTION_ARGS)
{
	return rank_accumulate(fcinfo, true);
}

PG_FUNCTION_INFO_V1(rec_ranks_combine);
Datum
rec_ranks_combine(PG_FUNCTION_ARGS)
{
	RankState  *s = PG_ARGISNULL(0) ? NULL : (RankState *) PG_GETARG_POINTER(0);
	RankState  *other = PG_ARGISNULL(1) ? NULL : (RankState *) PG_GETARG_POINTER(1);

	if (s == NULL && other == NULL)
		PG_RETURN_NULL();
	if (s == NULL)
	{
		s = new_rank_state(rec_aggregate_context(fcinfo));
		s->part = other->part;
	}
	if (other != NULL)
	{
		rec_numbers_append(s->arm[0], other->arm[0]);
		rec_numbers_append(s->arm[1], other->arm[1]);
	}
	PG_RETURN_POINTER(s);
}

PG_FUNCTION_INFO_V1(rec_ranks_serialize);
Datum
rec_ranks_serialize(PG_FUNCTION_ARGS)
{
	RankState  *s = (RankState *) PG_GETARG_POINTER(0);
	RecNumbers *both = rec_numbers_create(CurrentMemoryContext);

	s->part.n_control = s->arm[0]->n;
	rec_numbers_append(both, s->arm[0]);
	rec_numbers_append(both, s->arm[1]);
	PG_RETURN_BYTEA_P(rec_state_numbers_out(RANKS_TAG, &s->part, sizeof(RankPart), both));
}

PG_FUNCTION_INFO_V1(rec_ranks_deserialize);
Datum
rec_ranks_deserialize(PG_FUNCTION_ARGS)
{
	RankState  *s = new_rank_state(CurrentMemoryContext);
	RecNumbers *both = rec_state_numbers_in(PG_GETARG_BYTEA_PP(0), RANKS_TAG, &s->part, sizeof(RankPart),
											CurrentMemoryContext);

	if (s->part.n_control < 0 || s->part.n_control > both->n || (unsigned int) s->part.options.side > REC_LESS)
		rec_bad_state();
	for (int64 i = 0; i < both->n; i++)
		rec_numbers_add(s->arm[i >= s->part.n_control], both->x[i]);
	PG_RETURN_POINTER(s);
}

static Datum
ranks_final(FunctionCallInfo fcinfo, bool quantile)
{
	RankState  *s = PG_ARGISNULL(0) ? NULL : (RankState *) PG_GETARG_POINTER(0);
	RecTestOptions options = {.confidence = 0.95};
	Runs		control = {0},
				treatment = {0};

	if (s)
	{
		control = runs_of_numbers(s->arm[0]);
		treatment = runs_of_numbers(s->arm[1]);
		options = s->part.options;
	}
	return quantile ? quantile_datum(fcinfo, &control, &treatment, s ? s->part.q : 0.5, &options, 0) :
		rank_datum(fcinfo, &control, &treatment, &options);
}

PG_FUNCTION_INFO_V1(rec_rank_final);
Datum
rec_rank_final(PG_FUNCTION_ARGS)
{
	return ranks_final(fcinfo, false);
}

PG_FUNCTION_INFO_V1(rec_quantile_final);
Datum
rec_quantile_final(PG_FUNCTION_ARGS)
{
	return ranks_final(fcinfo, true);
}
