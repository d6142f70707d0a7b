/*
 * proportion.c
 *		Tests and intervals of proportions, and of the split between arms.
 */
#include "api/statistics.h"

#include "api/aggregate.h"
#include "catalog/pg_type.h"
#include "core/dist.h"
#include "core/proportion.h"
#include "utils/array.h"
#include "utils/builtins.h"

#define COUNTS_TAG 0x636f756e

typedef struct Counts
{
	int64		n[2];
	int64		successes[2];
	RecTestOptions options;
} Counts;

static RecProportionMethod
method_arg(FunctionCallInfo fcinfo, int i)
{
	static const char *const names[] = {"auto", "z", "exact"};
	const char *name;

	if (i >= PG_NARGS() || PG_ARGISNULL(i))
		return REC_PROPORTION_AUTO;
	name = text_to_cstring(PG_GETARG_TEXT_PP(i));
	for (int m = 0; m < lengthof(names); m++)
		if (strcmp(name, names[m]) == 0)
			return m;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown method \"%s\"", name),
			 errhint("It is one of auto, z and exact.")));
}

static void
check_exact(int64 n_control, int64 n_treatment)
{
	if ((double) n_control + n_treatment > REC_FISHER_UNITS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many units for the exact test"),
				 errhint("With so many the z test of rec.proportion_test() is as good.")));
}

static Datum
compare(FunctionCallInfo fcinfo, const int64 *successes, const int64 *n, const RecTestOptions *options,
		RecProportionMethod method)
{
	RecEffect	e = {0};

	if (method == REC_PROPORTION_EXACT && options->margin != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the exact test has no margin"),
				 errhint("Use method => 'z'.")));
	if (method == REC_PROPORTION_EXACT)
		check_exact(n[0], n[1]);
	rec_proportion_compare(&e, successes[0], n[0], successes[1], n[1], options, method);
	return rec_effect_datum(fcinfo, &e, options, NAN);
}

void
rec_check_counts(int64 successes, int64 n)
{
	if (n < 0 || successes < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("counts must not be negative: %lld of %lld", (long long) successes, (long long) n)));
	if (successes > n)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("more successes than trials: %lld of %lld", (long long) successes, (long long) n)));
}

/* successes_control, n_control, successes_treatment, n_treatment, alternative, confidence, margin, method */
PG_FUNCTION_INFO_V1(rec_proportion_test);
Datum
rec_proportion_test(PG_FUNCTION_ARGS)
{
	int64		successes[2],
				n[2];
	RecTestOptions options = rec_test_options(fcinfo, 4);

	for (int arm = 0; arm < 2; arm++)
	{
		if (PG_ARGISNULL(2 * arm) || PG_ARGISNULL(2 * arm + 1))
			PG_RETURN_NULL();
		successes[arm] = PG_GETARG_INT64(2 * arm);
		n[arm] = PG_GETARG_INT64(2 * arm + 1);
		rec_check_counts(successes[arm], n[arm]);
	}
	return compare(fcinfo, successes, n, &options, method_arg(fcinfo, 7));
}

/* Samples of 0 and 1 know the counts. */
PG_FUNCTION_INFO_V1(rec_proportion_test_samples);
Datum
rec_proportion_test_samples(PG_FUNCTION_ARGS)
{
	int64		successes[2],
				n[2];
	RecTestOptions options = rec_test_options(fcinfo, 2);

	for (int arm = 0; arm < 2; arm++)
	{
		RecUnits	s = rec_sample_arg(fcinfo, arm);
		double		p = s.mean[REC_Y];

		/* of zeros and ones the squares are known: n p (1 - p) */
		if (s.kind != REC_UNITS_MEAN ||
			(s.n > 0 && !(p >= 0 && p <= 1 && fabs(p * s.n - rint(p * s.n)) < 1e-6 * sqrt(s.n) + 1e-9 * s.n * p &&
						  fabs(s.co[REC_Y][REC_Y] - s.n * p * (1 - p)) <= 1e-6 * (1 + s.n * p * (1 - p)))))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("not a sample of zeros and ones"),
					 errhint("Use rec.welch_test() or rec.sample_test().")));
		n[arm] = DatumGetInt64(rec_units_datum(s.n));
		successes[arm] = (int64) rint(p * s.n);
	}
	return compare(fcinfo, successes, n, &options, method_arg(fcinfo, 5));
}

static Counts *
counts_state(FunctionCallInfo fcinfo)
{
	Counts	   *c;

	if (!PG_ARGISNULL(0))
		return (Counts *) PG_GETARG_POINTER(0);
	c = MemoryContextAllocZero(rec_aggregate_context(fcinfo), sizeof(Counts));
	c->options = rec_test_options(fcinfo, 3);
	return c;
}

PG_FUNCTION_INFO_V1(rec_proportion_accum);
Datum
rec_proportion_accum(PG_FUNCTION_ARGS)
{
	Counts	   *c = counts_state(fcinfo);

	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2))
	{
		c->n[PG_GETARG_BOOL(2)]++;
		c->successes[PG_GETARG_BOOL(2)] += PG_GETARG_BOOL(1);
	}
	PG_RETURN_POINTER(c);
}

/* Zeros and ones in numeric columns. */
PG_FUNCTION_INFO_V1(rec_proportion_accum_number);
Datum
rec_proportion_accum_number(PG_FUNCTION_ARGS)
{
	Counts	   *c = counts_state(fcinfo);

	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2))
	{
		double		x = PG_GETARG_FLOAT8(1);

		if (x != 0 && x != 1)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a success is 0 or 1, not %g", x),
					 errhint("Compare means with rec.welch_test(), or write a condition.")));
		c->n[PG_GETARG_BOOL(2)]++;
		c->successes[PG_GETARG_BOOL(2)] += x == 1;
	}
	PG_RETURN_POINTER(c);
}

PG_FUNCTION_INFO_V1(rec_proportion_combine);
Datum
rec_proportion_combine(PG_FUNCTION_ARGS)
{
	Counts	   *other,
			   *c = rec_combine_begin(fcinfo, sizeof(Counts), (void **) &other);

	if (c == NULL)
		PG_RETURN_NULL();
	if (other)
		for (int arm = 0; arm < 2; arm++)
		{
			c->n[arm] += other->n[arm];
			c->successes[arm] += other->successes[arm];
		}
	PG_RETURN_POINTER(c);
}

PG_FUNCTION_INFO_V1(rec_proportion_serialize);
Datum
rec_proportion_serialize(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(rec_state_out(COUNTS_TAG, PG_GETARG_POINTER(0), sizeof(Counts)));
}

/* Far more rows than there are. */
#define COUNT_MAX INT64CONST(10000000000000)

PG_FUNCTION_INFO_V1(rec_proportion_deserialize);
Datum
rec_proportion_deserialize(PG_FUNCTION_ARGS)
{
	Counts	   *c = palloc(sizeof(Counts));

	rec_state_in(PG_GETARG_BYTEA_PP(0), COUNTS_TAG, c, sizeof(Counts));
	if ((unsigned int) c->options.side > REC_LESS)
		rec_bad_state();
	for (int i = 0; i < 2; i++)
		if (c->successes[i] < 0 || c->successes[i] > c->n[i] || c->n[i] > COUNT_MAX)
			rec_bad_state();
	PG_RETURN_POINTER(c);
}

PG_FUNCTION_INFO_V1(rec_proportion_final);
Datum
rec_proportion_final(PG_FUNCTION_ARGS)
{
	Counts		none = {.options = {.confidence = 0.95}};
	Counts	   *c = PG_ARGISNULL(0) ? &none : (Counts *) PG_GETARG_POINTER(0);

	return compare(fcinfo, c->successes, c->n, &c->options, REC_PROPORTION_AUTO);
}

/* successes, n, confidence */
PG_FUNCTION_INFO_V1(rec_wilson_interval);
Datum
rec_wilson_interval(PG_FUNCTION_ARGS)
{
	int64		successes = PG_GETARG_INT64(0),
				n = PG_GETARG_INT64(1);
	double		z = rec_normal_isf((1 - rec_confidence_arg(fcinfo, 2)) / 2),
				low = NAN,
				high = NAN;
	Datum		values[3];
	bool		nulls[3];

	rec_check_counts(successes, n);
	if (n > 0)
		rec_wilson(successes, n, z, &low, &high);
	rec_set_float8(values, nulls, 0, n > 0 ? (double) successes / n : NAN);
	rec_set_float8(values, nulls, 1, low);
	rec_set_float8(values, nulls, 2, high);
	PG_RETURN_DATUM(rec_record_datum(fcinfo, values, nulls));
}

/* The p-value of Fisher's exact test; arguments as of rec_proportion_test, then the alternative. */
PG_FUNCTION_INFO_V1(rec_fisher_test);
Datum
rec_fisher_test(PG_FUNCTION_ARGS)
{
	int64		count[4];
	RecTestOptions options = rec_test_options(fcinfo, 4);

	for (int i = 0; i < 4; i++)
	{
		if (PG_ARGISNULL(i))
			PG_RETURN_NULL();
		count[i] = PG_GETARG_INT64(i);
	}
	rec_check_counts(count[0], count[1]);
	rec_check_counts(count[2], count[3]);
	check_exact(count[1], count[3]);
	if (count[1] == 0 || count[3] == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(rec_fisher_p(count[0], count[1], count[2], count[3], options.side));
}

/* ---------------------------------------------------------- sample ratio mismatch */

/* Units that arrive as often as not by chance once in 1000 experiments: the customary alarm level. */
#define SRM_ALARM 0.001

static Datum
srm_datum(FunctionCallInfo fcinfo, const double *count, const double *share, int n)
{
	enum { COLUMNS = 7 };
	Datum		values[COLUMNS],
			   *expected = palloc(Max(n, 1) * sizeof(Datum));
	bool		nulls[COLUMNS] = {false};
	double		df,
				statistic = rec_srm_statistic(count, share, n, &df),
				p = rec_chi2_sf(statistic, df),
				total = 0;
	bool		few = false;

	for (int i = 0; i < n; i++)
		total += count[i];
	for (int i = 0; i < n; i++)
	{
		expected[i] = Float8GetDatum(total * share[i]);
		few = few || (share[i] > 0 && total * share[i] < 5);
	}
	rec_set_float8(values, nulls, 0, statistic);
	rec_set_float8(values, nulls, 1, df);
	rec_set_float8(values, nulls, 2, p);
	values[3] = rec_units_datum(total);
	values[4] = PointerGetDatum(construct_array(expected, n, FLOAT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	nulls[5] = isnan(p);
	values[5] = BoolGetDatum(p < SRM_ALARM);
	rec_set_text(values, nulls, 6, isnan(statistic) ? "undefined: no units, or fewer than two arms" :
				 isinf(statistic) ? "units in an arm of weight 0" :
				 p < SRM_ALARM ? "sample ratio mismatch: do not trust the experiment's results before it is explained" :
				 few ? "fewer than 5 units are expected in an arm: the p-value is approximate" : NULL);
	PG_RETURN_DATUM(rec_record_datum(fcinfo, values, nulls));
}

/* The elements of an array without nulls, and how many. */
static Datum *
elements(ArrayType *array, Oid type, const char *name, int *n)
{
	Datum	   *values;
	bool	   *nulls;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR), errmsg("%s must have one dimension", name)));
	deconstruct_array(array, type, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &values, &nulls, n);
	for (int i = 0; i < *n; i++)
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not hold null", name)));
	return values;
}

/* counts bigint[], weights float8[] (null: equal) */
PG_FUNCTION_INFO_V1(rec_srm_test);
Datum
rec_srm_test(PG_FUNCTION_ARGS)
{
	int			n,
				weights = 0;
	Datum	   *counts,
			   *weight = NULL;
	double	   *count,
			   *share,
				sum = 0;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	counts = elements(PG_GETARG_ARRAYTYPE_P(0), INT8OID, "counts", &n);
	if (!PG_ARGISNULL(1))
	{
		weight = elements(PG_GETARG_ARRAYTYPE_P(1), FLOAT8OID, "weights", &weights);
		if (weights != n)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%d counts, but %d weights", n, weights)));
	}
	count = palloc(Max(n, 1) * sizeof(double));
	share = palloc(Max(n, 1) * sizeof(double));
	for (int i = 0; i < n; i++)
	{
		count[i] = (double) DatumGetInt64(counts[i]);
		share[i] = weight ? DatumGetFloat8(weight[i]) : 1;
		if (count[i] < 0 || !(share[i] >= 0) || isinf(share[i]))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s must not be negative", count[i] < 0 ? "counts" : "weights, which must be finite,")));
		sum += share[i];
	}
	for (int i = 0; i < n; i++)
		share[i] = sum > 0 ? share[i] / sum : 0;
	return srm_datum(fcinfo, count, share, n);
}

/* is_treatment, share of the treatment (none: half) */
PG_FUNCTION_INFO_V1(rec_srm_accum);
Datum
rec_srm_accum(PG_FUNCTION_ARGS)
{
	Counts	   *c;

	if (!PG_ARGISNULL(0))
		c = (Counts *) PG_GETARG_POINTER(0);
	else
	{
		c = MemoryContextAllocZero(rec_aggregate_context(fcinfo), sizeof(Counts));
		/* kept where it travels with the state */
		c->options.margin = rec_number_arg(fcinfo, 2, "share of the treatment", 0.5, 0, 1);
	}
	if (!PG_ARGISNULL(1))
		c->n[PG_GETARG_BOOL(1)]++;
	PG_RETURN_POINTER(c);
}

PG_FUNCTION_INFO_V1(rec_srm_final);
Datum
rec_srm_final(PG_FUNCTION_ARGS)
{
	Counts	   *c = PG_ARGISNULL(0) ? NULL : (Counts *) PG_GETARG_POINTER(0);
	double		treatment = c ? c->options.margin : 0.5,
				count[2] = {c ? c->n[0] : 0, c ? c->n[1] : 0},
				share[2] = {1 - treatment, treatment};

	return srm_datum(fcinfo, count, share, 2);
}
