/*
 * power.c
 *		Planning of experiments: power, smallest detectable effect, number of units.
 */
#include "api/statistics.h"

#include "core/power.h"
#include "core/sequential.h"
#include "miscadmin.h"
#include "utils/builtins.h"

static void
check_interrupts(void)
{
	CHECK_FOR_INTERRUPTS();
}

static RecDesign
design_arg(FunctionCallInfo fcinfo, int i)
{
	static const char *const names[] = {"fixed", "always-valid", "group-sequential"};
	const char *name;

	if (PG_ARGISNULL(i))
		return REC_FIXED;
	name = text_to_cstring(PG_GETARG_TEXT_PP(i));
	for (int d = 0; d < lengthof(names); d++)
		if (strcmp(name, names[d]) == 0)
			return d;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown design \"%s\"", name),
			 errhint("It is one of fixed, always-valid and group-sequential.")));
}

/* What all planning functions end with: alpha, alternative, margin, design, tuning_n, looks. */
static RecPlan
plan_args(FunctionCallInfo fcinfo, int i)
{
	RecPlan		plan = {.alpha = rec_number_arg(fcinfo, i, "alpha", 0.05, 1e-12, 0.5), .tick = check_interrupts};

	if (!PG_ARGISNULL(i + 1))
	{
		const char *name = text_to_cstring(PG_GETARG_TEXT_PP(i + 1));

		if (!rec_side_of(name, &plan.side))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown alternative \"%s\"", name),
					 errhint("It is one of two-sided, greater and less.")));
	}
	plan.margin = rec_number_arg(fcinfo, i + 2, "margin", 0, -DBL_MAX, DBL_MAX);
	plan.design = design_arg(fcinfo, i + 3);
	plan.tuning_n = rec_number_arg(fcinfo, i + 4, "tuning_n", REC_TUNING_N, 1, 1e15);
	plan.looks = PG_ARGISNULL(i + 5) ? 5 : PG_GETARG_INT32(i + 5);
	if (plan.looks < 1 || plan.looks > 20)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("number of looks must be from 1 to 20: %d", plan.looks)));
	if (plan.design == REC_ALWAYS_VALID && plan.side != REC_TWO_SIDED && plan.alpha >= 0.5)
		plan.alpha = 0.499999;
	if (plan.design == REC_GROUP_SEQUENTIAL)
	{
		plan.boundary = palloc(plan.looks * sizeof(double));
		plan.information = palloc(plan.looks * sizeof(double));
		plan.scratch = palloc(REC_GROUP_SCRATCH * sizeof(double));
	}
	rec_plan_begin(&plan);
	return plan;
}

static double
required(FunctionCallInfo fcinfo, int i, const char *name, double low, double high)
{
	if (PG_ARGISNULL(i))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", name)));
	return rec_number_arg(fcinfo, i, name, 0, low, high);
}

static double
units_arg(FunctionCallInfo fcinfo, int i, const char *name)
{
	if (PG_ARGISNULL(i))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", name)));
	if (PG_GETARG_INT64(i) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s must not be negative", name)));
	return (double) PG_GETARG_INT64(i);
}

static RecSpread
sd_arg(FunctionCallInfo fcinfo, int i)
{
	double		sd = required(fcinfo, i, "sd", DBL_MIN, DBL_MAX);

	return (RecSpread) {sd, sd};
}

static Datum
number_datum(FunctionCallInfo fcinfo, double x)
{
	if (isnan(x))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(x);
}

/* difference, sd, n_control, n_treatment, ... */
PG_FUNCTION_INFO_V1(rec_power);
Datum
rec_power(PG_FUNCTION_ARGS)
{
	RecPlan		plan = plan_args(fcinfo, 4);

	return number_datum(fcinfo, rec_plan_power(&plan, required(fcinfo, 0, "difference", -DBL_MAX, DBL_MAX),
											   sd_arg(fcinfo, 1), units_arg(fcinfo, 2, "n_control"),
											   units_arg(fcinfo, 3, "n_treatment")));
}

/* sd, n_control, n_treatment, power, ... */
PG_FUNCTION_INFO_V1(rec_mde);
Datum
rec_mde(PG_FUNCTION_ARGS)
{
	RecPlan		plan = plan_args(fcinfo, 4);

	return number_datum(fcinfo, rec_plan_effect(&plan, rec_number_arg(fcinfo, 3, "power", 0.8, 0.01, 0.9999),
												sd_arg(fcinfo, 0), units_arg(fcinfo, 1, "n_control"),
												units_arg(fcinfo, 2, "n_treatment")));
}

static Datum
units_datum(FunctionCallInfo fcinfo, double n, double share)
{
	Datum		values[3];
	bool		nulls[3] = {isnan(n), isnan(n), isnan(n)};

	if (!isnan(n))
	{
		double		control = ceil(n * (1 - share) * (1 - 1e-9)),
					treatment = ceil(n * share * (1 - 1e-9));

		values[0] = Int64GetDatum((int64) (control + treatment));
		values[1] = Int64GetDatum((int64) control);
		values[2] = Int64GetDatum((int64) treatment);
	}
	return rec_record_datum(fcinfo, values, nulls);
}

/* difference, sd, power, treatment_share, ... */
PG_FUNCTION_INFO_V1(rec_sample_size);
Datum
rec_sample_size(PG_FUNCTION_ARGS)
{
	RecPlan		plan = plan_args(fcinfo, 4);
	double		share = rec_number_arg(fcinfo, 3, "treatment_share", 0.5, 0.001, 0.999);

	return units_datum(fcinfo, rec_plan_units(&plan, rec_number_arg(fcinfo, 2, "power", 0.8, 0.01, 0.9999),
											  required(fcinfo, 0, "difference", -DBL_MAX, DBL_MAX), sd_arg(fcinfo, 1),
											  share), share);
}

static double
proportion_arg(FunctionCallInfo fcinfo, int i, const char *name)
{
	return required(fcinfo, i, name, 1e-9, 1 - 1e-9);
}

/* With a margin the test does not pool, and neither does the plan. */
static RecSpread
proportions(const RecPlan *plan, double control, double treatment, double share)
{
	RecSpread	spread = rec_plan_proportions(control, treatment, share);

	if (plan->margin != 0)
		spread.pooled = 0;
	return spread;
}

/* p_control, p_treatment, n_control, n_treatment, ... */
PG_FUNCTION_INFO_V1(rec_power_proportion);
Datum
rec_power_proportion(PG_FUNCTION_ARGS)
{
	RecPlan		plan = plan_args(fcinfo, 4);
	double		control = proportion_arg(fcinfo, 0, "p_control"),
				treatment = proportion_arg(fcinfo, 1, "p_treatment"),
				n_control = units_arg(fcinfo, 2, "n_control"),
				n_treatment = units_arg(fcinfo, 3, "n_treatment");

	plan.normal = true;
	return number_datum(fcinfo, rec_plan_power(&plan, treatment - control,
											   proportions(&plan, control, treatment,
														   n_treatment / Max(n_control + n_treatment, 1)),
											   n_control, n_treatment));
}

/* p_control, n_control, n_treatment, power, ... */
PG_FUNCTION_INFO_V1(rec_mde_proportion);
Datum
rec_mde_proportion(PG_FUNCTION_ARGS)
{
	RecPlan		plan = plan_args(fcinfo, 4);
	double		control = proportion_arg(fcinfo, 0, "p_control"),
				n_control = units_arg(fcinfo, 1, "n_control"),
				n_treatment = units_arg(fcinfo, 2, "n_treatment"),
				power = rec_number_arg(fcinfo, 3, "power", 0.8, 0.01, 0.9999);

	plan.normal = true;
	if (n_control < 2 || n_treatment < 2)
		PG_RETURN_NULL();
	return number_datum(fcinfo, rec_plan_proportion(&plan, power, control, n_control, n_treatment) - control);
}

/* p_control, p_treatment, power, treatment_share, ... */
PG_FUNCTION_INFO_V1(rec_sample_size_proportion);
Datum
rec_sample_size_proportion(PG_FUNCTION_ARGS)
{
	RecPlan		plan = plan_args(fcinfo, 4);
	double		control = proportion_arg(fcinfo, 0, "p_control"),
				treatment = proportion_arg(fcinfo, 1, "p_treatment"),
				power = rec_number_arg(fcinfo, 2, "power", 0.8, 0.01, 0.9999),
				share = rec_number_arg(fcinfo, 3, "treatment_share", 0.5, 0.001, 0.999);

	plan.normal = true;
	return units_datum(fcinfo, rec_plan_units(&plan, power, treatment - control,
											  proportions(&plan, control, treatment, share), share), share);
}
