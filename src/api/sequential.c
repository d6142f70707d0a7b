/*
 * sequential.c
 *		Tests that may be looked at more than once, and Bayesian comparisons.
 */
#include "api/statistics.h"

#include "catalog/pg_type.h"
#include "core/bayes.h"
#include "core/dist.h"
#include "core/proportion.h"
#include "core/sequential.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

static void
check_interrupts(void)
{
	CHECK_FOR_INTERRUPTS();
}

/* Two samples from the first two arguments, with what the arms come to. */
static RecEffect
arms_args(FunctionCallInfo fcinfo, double *reduction)
{
	RecUnits	control = rec_sample_arg(fcinfo, 0),
				treatment = rec_sample_arg(fcinfo, 1);
	RecEffect	e = {0};

	rec_sample_check_pair(&control, &treatment);
	rec_units_arms(&control, &treatment, &e.control, &e.treatment, reduction);
	if (!rec_units_uses(control.kind, REC_PRE))
		*reduction = NAN;
	return e;
}

void
rec_check_sequential(const RecTestOptions *options)
{
	if (options->side != REC_TWO_SIDED && options->confidence <= 0.5)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("confidence of a one-sided always valid interval must be above 0.5: %g", options->confidence)));
}

Datum
rec_sequential_datum(FunctionCallInfo fcinfo, RecEffect *e, const RecTestOptions *options, double tuning_n, double reduction)
{
	rec_check_sequential(options);
	e->method = "always valid";
	rec_effect_sequential(e, options, tuning_n);
	return rec_effect_datum(fcinfo, e, options, reduction);
}

/* control, treatment, alternative, confidence, margin, tuning_n */
PG_FUNCTION_INFO_V1(rec_sequential_test);
Datum
rec_sequential_test(PG_FUNCTION_ARGS)
{
	double		reduction;
	RecEffect	e = arms_args(fcinfo, &reduction);
	RecTestOptions options = rec_test_options(fcinfo, 2);

	return rec_sequential_datum(fcinfo, &e, &options, rec_number_arg(fcinfo, 5, "tuning_n", REC_TUNING_N, 1, 1e15),
								reduction);
}

static RecSpending
spending_arg(FunctionCallInfo fcinfo, int i)
{
	const char *name = PG_ARGISNULL(i) ? "obrien-fleming" : text_to_cstring(PG_GETARG_TEXT_PP(i));

	if (strcmp(name, "obrien-fleming") == 0)
		return REC_OBRIEN_FLEMING;
	if (strcmp(name, "pocock") == 0)
		return REC_POCOCK;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown spending function \"%s\"", name),
			 errhint("It is one of obrien-fleming and pocock.")));
}

/* Fractions of information: ascending, above 0, at most 1. */
static double *
information_arg(FunctionCallInfo fcinfo, int i, int *looks)
{
	ArrayType  *array;
	Datum	   *values;
	bool	   *nulls;
	double	   *information,
				before = 0;

	if (PG_ARGISNULL(i))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("information must not be null")));
	array = PG_GETARG_ARRAYTYPE_P(i);
	deconstruct_array(array, FLOAT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &values, &nulls, looks);
	if (*looks < 1 || *looks > REC_MAX_LOOKS || ARR_NDIM(array) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("number of looks must be from 1 to %d", REC_MAX_LOOKS)));
	information = palloc(*looks * sizeof(double));
	for (int k = 0; k < *looks; k++)
	{
		information[k] = nulls[k] ? NAN : DatumGetFloat8(values[k]);
		if (!(information[k] >= before + REC_MIN_INFORMATION * (1 - 1e-9) && information[k] <= 1))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("invalid fractions of information"),
					 errdetail("They ascend by at least %g from 0 to at most 1; number %d is %g after %g.",
							   REC_MIN_INFORMATION, k + 1, information[k], before)));
		before = information[k];
	}
	return information;
}

/* information, alpha, spending, alternative */
PG_FUNCTION_INFO_V1(rec_group_sequential);
Datum
rec_group_sequential(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	int			looks;
	double	   *information = information_arg(fcinfo, 0, &looks),
			   *boundary = palloc(looks * sizeof(double)),
			   *scratch = palloc(REC_GROUP_SCRATCH * sizeof(double)),
				alpha = rec_number_arg(fcinfo, 1, "alpha", 0.05, 1e-12, 0.5);
	RecSpending spending = spending_arg(fcinfo, 2);
	bool		two_sided;

	if (PG_ARGISNULL(3))
		two_sided = true;
	else
	{
		RecSide		side;

		if (!rec_side_of(text_to_cstring(PG_GETARG_TEXT_PP(3)), &side))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unknown alternative \"%s\"", text_to_cstring(PG_GETARG_TEXT_PP(3))),
					 errhint("It is one of two-sided, greater and less.")));
		two_sided = side == REC_TWO_SIDED;
	}
	InitMaterializedSRF(fcinfo, 0);
	rec_group_boundaries(spending, alpha, two_sided, information, looks, boundary, scratch, check_interrupts);
	for (int k = 0; k < looks; k++)
	{
		double		sides = two_sided ? 2 : 1;
		Datum		values[5] = {Int32GetDatum(k + 1), Float8GetDatum(information[k]),
		Float8GetDatum(sides * rec_spent(spending, alpha / sides, information[k])), Float8GetDatum(boundary[k]),
		Float8GetDatum(sides * rec_normal_sf(boundary[k]))};
		bool		nulls[5] = {false};

		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* control, treatment, alternative, confidence, margin, information, spending */
PG_FUNCTION_INFO_V1(rec_group_sequential_test);
Datum
rec_group_sequential_test(PG_FUNCTION_ARGS)
{
	double		reduction;
	RecEffect	e = arms_args(fcinfo, &reduction);
	RecTestOptions options = rec_test_options(fcinfo, 2);
	int			looks;
	double	   *information = information_arg(fcinfo, 5, &looks),
			   *boundary = palloc(looks * sizeof(double)),
			   *scratch = palloc(REC_GROUP_SCRATCH * sizeof(double)),
				z,
				bound;

	if (options.confidence < 0.5)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("confidence of a sequential test must be at least 0.5: %g", options.confidence)));
	rec_group_boundaries(spending_arg(fcinfo, 6), 1 - options.confidence, options.side == REC_TWO_SIDED, information,
						 looks, boundary, scratch, check_interrupts);
	bound = boundary[looks - 1];
	e.method = "group sequential";
	rec_effect_begin(&e);
	e.df = NAN;
	if (e.note)
		return rec_effect_datum(fcinfo, &e, &options, reduction);
	z = e.statistic = (e.difference - options.margin) / e.std_error;
	e.p_value = rec_effect_p(z, INFINITY, options.side);
	rec_effect_intervals(&e, &options, bound);
	if (options.side == REC_LESS)
		z = -z;
	e.note = psprintf("look %d: %s the boundary %.4f, at which the nominal p-value is %.3g", looks,
					  (options.side == REC_TWO_SIDED ? fabs(z) : z) >= bound ? "stop, beyond" : "go on, within", bound,
					  rec_effect_p(bound, INFINITY, options.side == REC_TWO_SIDED ? REC_TWO_SIDED : REC_GREATER));
	return rec_effect_datum(fcinfo, &e, &options, reduction);
}

/* ----------------------------------------------------------------------- Bayes */

static Datum
posterior_datum(FunctionCallInfo fcinfo, const char *method, double confidence, const RecEffect *e, const RecPosterior *r)
{
	enum { COLUMNS = 14 };
	double		numbers[] = {e->control.estimate, e->treatment.estimate, r->difference, r->ci_low, r->ci_high,
	e->control.estimate != 0 ? r->difference / fabs(e->control.estimate) : NAN, r->chance_to_win, r->loss_treatment,
	r->loss_control};
	Datum		values[COLUMNS];
	bool		nulls[COLUMNS] = {false};

	rec_set_text(values, nulls, 0, method);
	rec_set_float8(values, nulls, 1, confidence);
	values[2] = rec_units_datum(e->control.n);
	values[3] = rec_units_datum(e->treatment.n);
	for (int i = 0; i < lengthof(numbers); i++)
		rec_set_float8(values, nulls, 4 + i, numbers[i]);
	rec_set_text(values, nulls, 13, e->note);
	return rec_record_datum(fcinfo, values, nulls);
}

/* control, treatment, prior_mean, prior_sd (null: flat), confidence */
PG_FUNCTION_INFO_V1(rec_bayes_test);
Datum
rec_bayes_test(PG_FUNCTION_ARGS)
{
	double		reduction,
				prior_mean = rec_number_arg(fcinfo, 2, "prior_mean", 0, -DBL_MAX, DBL_MAX),
				prior_sd = rec_number_arg(fcinfo, 3, "prior_sd", INFINITY, DBL_MIN, INFINITY),
				confidence = rec_confidence_arg(fcinfo, 4);
	RecEffect	e = arms_args(fcinfo, &reduction);
	RecPosterior r = {NAN, NAN, NAN, NAN, NAN, NAN};

	rec_effect_begin(&e);
	if (!e.note)
	{
		r = rec_bayes_normal(e.difference, e.std_error, prior_mean, prior_sd, confidence);
		rec_effect_warn_of_skew(&e);
	}
	return posterior_datum(fcinfo, "normal posterior of the difference", confidence, &e, &r);
}

/* successes_control, n_control, successes_treatment, n_treatment, prior_alpha, prior_beta, confidence */
PG_FUNCTION_INFO_V1(rec_bayes_proportion_test);
Datum
rec_bayes_proportion_test(PG_FUNCTION_ARGS)
{
	double		alpha = rec_number_arg(fcinfo, 4, "prior_alpha", 1, 1e-3, 1e9),
				beta = rec_number_arg(fcinfo, 5, "prior_beta", 1, 1e-3, 1e9),
				confidence = rec_confidence_arg(fcinfo, 6),
				a[2],
				b[2];
	RecEffect	e = {0};
	RecPosterior r;

	for (int arm = 0; arm < 2; arm++)
	{
		int64		successes,
					n;

		if (PG_ARGISNULL(2 * arm) || PG_ARGISNULL(2 * arm + 1))
			PG_RETURN_NULL();
		successes = PG_GETARG_INT64(2 * arm);
		n = PG_GETARG_INT64(2 * arm + 1);
		rec_check_counts(successes, n);
		a[arm] = alpha + successes;
		b[arm] = beta + (n - successes);
		*(arm ? &e.treatment : &e.control) = (RecArm) {.n = n,.estimate = a[arm] / (a[arm] + b[arm])};
	}
	r = rec_bayes_beta(a[0], b[0], a[1], b[1], confidence, check_interrupts);
	return posterior_datum(fcinfo, "beta posteriors", confidence, &e, &r);
}
