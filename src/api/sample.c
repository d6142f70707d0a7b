/*
 * sample.c
 *		Aggregates that make samples, that merge them, and that compare two arms in one pass.
 */
#include "api/aggregate.h"
#include "api/statistics.h"

#include "core/sequential.h"

#define SAMPLE_TAG 0x73616d70
#define ARMS_TAG 0x61726d73

/* Control and treatment, and what a two-arm aggregate was told with its first row. */
typedef struct Arms
{
	RecUnits	arm[2];
	RecTestOptions options;
} Arms;

static RecUnits *
new_sample(FunctionCallInfo fcinfo, RecUnitsKind kind)
{
	RecUnits  *s = MemoryContextAllocZero(rec_aggregate_context(fcinfo), sizeof(RecUnits));

	s->kind = kind;
	return s;
}

/* What a transition function returns: the state, which may still be none. */
static Datum
state_datum(FunctionCallInfo fcinfo, void *state)
{
	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(state);
}

/*
 * The unit's numbers from the arguments first, first + 1, ...; false: one is null, so the unit has no value. A unit has a
 * denominator below 0 only by mistake.
 */
static bool
unit_values(FunctionCallInfo fcinfo, int first, RecUnitsKind kind, double *value)
{
	for (int v = 0; v < REC_UNITS_VARIABLES; v++)
	{
		if (!rec_units_uses(kind, v))
			continue;
		if (PG_ARGISNULL(first))
			return false;
		value[v] = PG_GETARG_FLOAT8(first++);
		if ((v == REC_DEN || v == REC_PRE_DEN) && value[v] < 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("denominator of a ratio must not be negative: %g", value[v])));
	}
	return true;
}

static Datum
accumulate(FunctionCallInfo fcinfo, RecUnitsKind kind)
{
	RecUnits  *s = PG_ARGISNULL(0) ? NULL : (RecUnits *) PG_GETARG_POINTER(0);
	double		value[REC_UNITS_VARIABLES];

	if (!unit_values(fcinfo, 1, kind, value))
		return state_datum(fcinfo, s);
	if (unlikely(s == NULL))
		s = new_sample(fcinfo, kind);
	rec_units_add(s, value);
	PG_RETURN_POINTER(s);
}

/* The one that reads most rows, without the detours. */
PG_FUNCTION_INFO_V1(rec_sample_accum);
Datum
rec_sample_accum(PG_FUNCTION_ARGS)
{
	RecUnits  *s = PG_ARGISNULL(0) ? NULL : (RecUnits *) PG_GETARG_POINTER(0);

	if (PG_ARGISNULL(1))
		return state_datum(fcinfo, s);
	if (unlikely(s == NULL))
		s = new_sample(fcinfo, REC_UNITS_MEAN);
	rec_units_add_mean(s, PG_GETARG_FLOAT8(1));
	PG_RETURN_POINTER(s);
}

PG_FUNCTION_INFO_V1(rec_sample_accum_bool);
Datum
rec_sample_accum_bool(PG_FUNCTION_ARGS)
{
	RecUnits  *s = PG_ARGISNULL(0) ? NULL : (RecUnits *) PG_GETARG_POINTER(0);

	if (PG_ARGISNULL(1))
		return state_datum(fcinfo, s);
	if (unlikely(s == NULL))
		s = new_sample(fcinfo, REC_UNITS_MEAN);
	rec_units_add_mean(s, PG_GETARG_BOOL(1));
	PG_RETURN_POINTER(s);
}

PG_FUNCTION_INFO_V1(rec_sample_accum_ratio);
Datum
rec_sample_accum_ratio(PG_FUNCTION_ARGS)
{
	return accumulate(fcinfo, REC_UNITS_RATIO);
}

PG_FUNCTION_INFO_V1(rec_sample_accum_cuped);
Datum
rec_sample_accum_cuped(PG_FUNCTION_ARGS)
{
	return accumulate(fcinfo, REC_UNITS_CUPED);
}

PG_FUNCTION_INFO_V1(rec_sample_accum_cuped_ratio);
Datum
rec_sample_accum_cuped_ratio(PG_FUNCTION_ARGS)
{
	return accumulate(fcinfo, REC_UNITS_CUPED_RATIO);
}

/* x, lower, upper: values beyond a bound count as the bound. */
PG_FUNCTION_INFO_V1(rec_sample_accum_winsorized);
Datum
rec_sample_accum_winsorized(PG_FUNCTION_ARGS)
{
	RecUnits  *s = PG_ARGISNULL(0) ? NULL : (RecUnits *) PG_GETARG_POINTER(0);
	double		lower = PG_ARGISNULL(2) ? -INFINITY : PG_GETARG_FLOAT8(2),
				upper = PG_ARGISNULL(3) ? INFINITY : PG_GETARG_FLOAT8(3),
				x;

	if (!(lower <= upper))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("lower bound %g is above the upper bound %g", lower, upper)));
	if (PG_ARGISNULL(1))
		return state_datum(fcinfo, s);
	if (unlikely(s == NULL))
		s = new_sample(fcinfo, REC_UNITS_MEAN);
	x = PG_GETARG_FLOAT8(1);
	rec_units_add_mean(s, x < lower ? lower : x > upper ? upper : x);
	PG_RETURN_POINTER(s);
}

/* Behind rec.merge(): the rows are samples themselves. */
PG_FUNCTION_INFO_V1(rec_sample_merge_accum);
Datum
rec_sample_merge_accum(PG_FUNCTION_ARGS)
{
	RecUnits  *s = PG_ARGISNULL(0) ? NULL : (RecUnits *) PG_GETARG_POINTER(0);
	RecUnits	row;

	if (PG_ARGISNULL(1))
		return state_datum(fcinfo, s);
	row = rec_sample_arg(fcinfo, 1);
	if (s == NULL)
		s = new_sample(fcinfo, row.kind);
	rec_sample_check_pair(s, &row);
	rec_units_merge(s, &row);
	PG_RETURN_POINTER(s);
}

PG_FUNCTION_INFO_V1(rec_sample_combine);
Datum
rec_sample_combine(PG_FUNCTION_ARGS)
{
	RecUnits   *other,
			   *s = rec_combine_begin(fcinfo, sizeof(RecUnits), (void **) &other);

	if (other)
	{
		rec_sample_check_pair(s, other);
		rec_units_merge(s, other);
	}
	return state_datum(fcinfo, s);
}

PG_FUNCTION_INFO_V1(rec_sample_serialize);
Datum
rec_sample_serialize(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(rec_state_out(SAMPLE_TAG, PG_GETARG_POINTER(0), sizeof(RecUnits)));
}

PG_FUNCTION_INFO_V1(rec_sample_deserialize);
Datum
rec_sample_deserialize(PG_FUNCTION_ARGS)
{
	RecUnits  *s = palloc(sizeof(RecUnits));

	rec_state_in(PG_GETARG_BYTEA_PP(0), SAMPLE_TAG, s, sizeof(RecUnits));
	if ((unsigned int) s->kind > REC_UNITS_CUPED_RATIO)
		rec_bad_state();
	PG_RETURN_POINTER(s);
}

PG_FUNCTION_INFO_V1(rec_sample_final);
Datum
rec_sample_final(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(rec_sample_datum(fcinfo, (RecUnits *) PG_GETARG_POINTER(0)));
}

/* ------------------------------------------------------------- two arms at once */

static Datum
accumulate_arms(FunctionCallInfo fcinfo, RecUnitsKind kind, int values)
{
	Arms	   *arms = PG_ARGISNULL(0) ? NULL : (Arms *) PG_GETARG_POINTER(0);
	double		value[REC_UNITS_VARIABLES];

	if (unlikely(arms == NULL))
	{
		arms = MemoryContextAllocZero(rec_aggregate_context(fcinfo), sizeof(Arms));
		arms->arm[0].kind = arms->arm[1].kind = kind;
		arms->options = rec_test_options(fcinfo, 2 + values);
	}
	/* a unit without an arm or without a value is in no sample */
	if (!PG_ARGISNULL(1 + values) && unit_values(fcinfo, 1, kind, value))
		rec_units_add(&arms->arm[PG_GETARG_BOOL(1 + values)], value);
	PG_RETURN_POINTER(arms);
}

PG_FUNCTION_INFO_V1(rec_arms_accum);
Datum
rec_arms_accum(PG_FUNCTION_ARGS)
{
	return accumulate_arms(fcinfo, REC_UNITS_MEAN, 1);
}

PG_FUNCTION_INFO_V1(rec_arms_accum_ratio);
Datum
rec_arms_accum_ratio(PG_FUNCTION_ARGS)
{
	return accumulate_arms(fcinfo, REC_UNITS_RATIO, 2);
}

PG_FUNCTION_INFO_V1(rec_arms_accum_cuped);
Datum
rec_arms_accum_cuped(PG_FUNCTION_ARGS)
{
	return accumulate_arms(fcinfo, REC_UNITS_CUPED, 2);
}

PG_FUNCTION_INFO_V1(rec_arms_accum_cuped_ratio);
Datum
rec_arms_accum_cuped_ratio(PG_FUNCTION_ARGS)
{
	return accumulate_arms(fcinfo, REC_UNITS_CUPED_RATIO, 4);
}

PG_FUNCTION_INFO_V1(rec_arms_combine);
Datum
rec_arms_combine(PG_FUNCTION_ARGS)
{
	Arms	   *other,
			   *arms = rec_combine_begin(fcinfo, sizeof(Arms), (void **) &other);

	for (int arm = 0; arm < 2 && other; arm++)
		rec_units_merge(&arms->arm[arm], &other->arm[arm]);
	return state_datum(fcinfo, arms);
}

PG_FUNCTION_INFO_V1(rec_arms_serialize);
Datum
rec_arms_serialize(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(rec_state_out(ARMS_TAG, PG_GETARG_POINTER(0), sizeof(Arms)));
}

PG_FUNCTION_INFO_V1(rec_arms_deserialize);
Datum
rec_arms_deserialize(PG_FUNCTION_ARGS)
{
	Arms	   *arms = palloc(sizeof(Arms));

	rec_state_in(PG_GETARG_BYTEA_PP(0), ARMS_TAG, arms, sizeof(Arms));
	if ((unsigned int) arms->arm[0].kind > REC_UNITS_CUPED_RATIO || arms->arm[0].kind != arms->arm[1].kind ||
		(unsigned int) arms->options.side > REC_LESS)
		rec_bad_state();
	PG_RETURN_POINTER(arms);
}

static const char *
method_of(RecUnitsKind kind)
{
	static const char *const names[] = {"Welch t", "ratio, delta method", "CUPED", "CUPED of a ratio"};

	return names[kind];
}

static Datum
compare(FunctionCallInfo fcinfo, const RecUnits *control, const RecUnits *treatment, const RecTestOptions *options)
{
	RecEffect	e = {.method = method_of(control->kind)};
	double		reduction;

	rec_units_arms(control, treatment, &e.control, &e.treatment, &reduction);
	rec_effect_compare(&e, options);
	return rec_effect_datum(fcinfo, &e, options, rec_units_uses(control->kind, REC_PRE) ? reduction : NAN);
}

/* No row at all: no units, and the options unknown. */
static Datum
arms_final(FunctionCallInfo fcinfo, RecUnitsKind kind)
{
	Arms		none = {.arm = {{.kind = kind}, {.kind = kind}},.options = {.confidence = 0.95}};
	Arms	   *arms = PG_ARGISNULL(0) ? &none : (Arms *) PG_GETARG_POINTER(0);

	return compare(fcinfo, &arms->arm[0], &arms->arm[1], &arms->options);
}

PG_FUNCTION_INFO_V1(rec_arms_final);
Datum
rec_arms_final(PG_FUNCTION_ARGS)
{
	return arms_final(fcinfo, REC_UNITS_MEAN);
}

PG_FUNCTION_INFO_V1(rec_arms_final_ratio);
Datum
rec_arms_final_ratio(PG_FUNCTION_ARGS)
{
	return arms_final(fcinfo, REC_UNITS_RATIO);
}

PG_FUNCTION_INFO_V1(rec_arms_final_cuped);
Datum
rec_arms_final_cuped(PG_FUNCTION_ARGS)
{
	return arms_final(fcinfo, REC_UNITS_CUPED);
}

/* Always valid, with the usual tuning. */
PG_FUNCTION_INFO_V1(rec_arms_final_sequential);
Datum
rec_arms_final_sequential(PG_FUNCTION_ARGS)
{
	Arms		none = {.options = {.confidence = 0.95}};
	Arms	   *arms = PG_ARGISNULL(0) ? &none : (Arms *) PG_GETARG_POINTER(0);
	RecEffect	e = {0};
	double		reduction;

	rec_units_arms(&arms->arm[0], &arms->arm[1], &e.control, &e.treatment, &reduction);
	PG_RETURN_DATUM(rec_sequential_datum(fcinfo, &e, &arms->options, REC_TUNING_N, NAN));
}

/* --------------------------------------------------------- two samples that exist */

static Datum
compare_args(FunctionCallInfo fcinfo, unsigned int kinds, const char *function)
{
	RecUnits	control = rec_sample_arg(fcinfo, 0),
				treatment = rec_sample_arg(fcinfo, 1);
	RecTestOptions options = rec_test_options(fcinfo, 2);

	rec_sample_check_pair(&control, &treatment);
	if (!(kinds & (1u << control.kind)) && control.n + treatment.n > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s does not take samples of kind %s", function, rec_units_kind_name(control.kind)),
				 errhint("rec.sample_test() takes any kind.")));
	return compare(fcinfo, &control, &treatment, &options);
}

PG_FUNCTION_INFO_V1(rec_compare);
Datum
rec_compare(PG_FUNCTION_ARGS)
{
	return compare_args(fcinfo, ~0u, "rec.sample_test");
}

PG_FUNCTION_INFO_V1(rec_welch_test);
Datum
rec_welch_test(PG_FUNCTION_ARGS)
{
	return compare_args(fcinfo, 1u << REC_UNITS_MEAN, "rec.welch_test");
}

PG_FUNCTION_INFO_V1(rec_ratio_test);
Datum
rec_ratio_test(PG_FUNCTION_ARGS)
{
	return compare_args(fcinfo, 1u << REC_UNITS_RATIO, "rec.ratio_test");
}

PG_FUNCTION_INFO_V1(rec_cuped_test);
Datum
rec_cuped_test(PG_FUNCTION_ARGS)
{
	return compare_args(fcinfo, 1u << REC_UNITS_CUPED | 1u << REC_UNITS_CUPED_RATIO, "rec.cuped_test");
}
