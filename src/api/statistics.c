/*
 * statistics.c
 *		Composite values and options of the statistical functions. See statistics.h.
 */
#include "api/statistics.h"

#include "access/htup_details.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/typcache.h"

/* Columns of rec.sample_state after kind and n: the means and sums of one variable, then of the next. */
#define SAMPLE_COLUMNS 17

static const struct
{
	const char *name;
	int			i;				/* -1: m3; i = j with square: a sum of squares; mean otherwise */
	int			j;
	bool		mean;
}			sample_column[SAMPLE_COLUMNS - 2] = {
	{"mean", REC_Y, REC_Y, true}, {"m2", REC_Y, REC_Y}, {"m3", -1},
	{"den_mean", REC_DEN, REC_DEN, true}, {"den_m2", REC_DEN, REC_DEN}, {"co_y_den", REC_Y, REC_DEN},
	{"pre_mean", REC_PRE, REC_PRE, true}, {"pre_m2", REC_PRE, REC_PRE}, {"co_y_pre", REC_Y, REC_PRE},
	{"pre_den_mean", REC_PRE_DEN, REC_PRE_DEN, true}, {"pre_den_m2", REC_PRE_DEN, REC_PRE_DEN},
	{"co_y_pre_den", REC_Y, REC_PRE_DEN}, {"co_den_pre", REC_DEN, REC_PRE},
	{"co_den_pre_den", REC_DEN, REC_PRE_DEN}, {"co_pre_pre_den", REC_PRE, REC_PRE_DEN}
};

/* Where the column's number stands in a sample; NULL: not used by its kind. */
static double *
sample_field(RecUnits *s, int column)
{
	int			i = sample_column[column].i,
				j = sample_column[column].j;

	if (i < 0)
		return &s->m3;
	if (!rec_units_uses(s->kind, i) || !rec_units_uses(s->kind, j))
		return NULL;
	return sample_column[column].mean ? &s->mean[i] : &s->co[i][j];
}

pg_attribute_noreturn() static void
bad_sample(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid sample"),
			 errdetail("%s", detail),
			 errhint("Samples are made by rec.sample() and its relatives, and added up by rec.merge().")));
}

static RecUnitsKind
sample_kind(const char *name)
{
	for (int kind = REC_UNITS_MEAN; kind <= REC_UNITS_CUPED_RATIO; kind++)
		if (strcmp(name, rec_units_kind_name(kind)) == 0)
			return kind;
	bad_sample(psprintf("There is no kind \"%s\".", name));
}

RecUnits
rec_sample_arg(FunctionCallInfo fcinfo, int i)
{
	RecUnits	s = {.kind = REC_UNITS_MEAN};
	HeapTupleHeader header;
	HeapTupleData tuple;
	TupleDesc	desc;
	Datum		values[SAMPLE_COLUMNS];
	bool		nulls[SAMPLE_COLUMNS];

	if (PG_ARGISNULL(i))
		return s;
	header = PG_GETARG_HEAPTUPLEHEADER(i);
	desc = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(header), HeapTupleHeaderGetTypMod(header));
	if (desc->natts != SAMPLE_COLUMNS)
		bad_sample("It has another number of columns than rec.sample_state.");
	tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = header;
	heap_deform_tuple(&tuple, desc, values, nulls);
	ReleaseTupleDesc(desc);

	if (nulls[0] || nulls[1])
		bad_sample("Its kind or its number of units is null.");
	s.kind = sample_kind(TextDatumGetCString(values[0]));
	s.n = (double) DatumGetInt64(values[1]);
	if (s.n < 0)
		bad_sample("Its number of units is negative.");
	for (int c = 0; c < SAMPLE_COLUMNS - 2 && s.n > 0; c++)
	{
		double	   *field = sample_field(&s, c);

		if (!field)
			continue;
		if (nulls[c + 2])
			bad_sample(psprintf("Its kind is %s, and %s is null.", rec_units_kind_name(s.kind), sample_column[c].name));
		*field = DatumGetFloat8(values[c + 2]);
		if (sample_column[c].i == sample_column[c].j && !sample_column[c].mean && *field < 0)
			bad_sample(psprintf("Its %s is negative.", sample_column[c].name));
	}
	return s;
}

void
rec_sample_check_pair(RecUnits *control, RecUnits *treatment)
{
	if (control->n == 0)
		control->kind = treatment->kind;
	if (treatment->n == 0)
		treatment->kind = control->kind;
	if (control->kind != treatment->kind)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("samples of kind %s and %s cannot go together",
						rec_units_kind_name(control->kind), rec_units_kind_name(treatment->kind))));
}

Datum
rec_units_datum(double n)
{
	if (!(n < 9.2e18))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("number of units out of range: %g", n)));
	return Int64GetDatum((int64) n);
}

void
rec_set_text(Datum *values, bool *nulls, int i, const char *text)
{
	nulls[i] = text == NULL;
	values[i] = text ? CStringGetTextDatum(text) : (Datum) 0;
}

Datum
rec_record_datum(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

Datum
rec_sample_datum(FunctionCallInfo fcinfo, const RecUnits *sample)
{
	RecUnits	s = *sample;
	Datum		values[SAMPLE_COLUMNS];
	bool		nulls[SAMPLE_COLUMNS] = {false};

	values[0] = CStringGetTextDatum(rec_units_kind_name(s.kind));
	values[1] = rec_units_datum(s.n);
	for (int c = 0; c < SAMPLE_COLUMNS - 2; c++)
	{
		double	   *field = sample_field(&s, c);

		nulls[c + 2] = field == NULL || s.n == 0;
		values[c + 2] = Float8GetDatum(field ? *field : 0);
	}
	return rec_record_datum(fcinfo, values, nulls);
}

double
rec_number_arg(FunctionCallInfo fcinfo, int i, const char *name, double missing, double low, double high)
{
	double		x;

	if (i >= PG_NARGS() || PG_ARGISNULL(i))
		return missing;
	x = PG_GETARG_FLOAT8(i);
	if (!(x >= low && x <= high))
	{
		const char *range = isinf(low) && isinf(high) ? "It must be a number." :
			isinf(high) ? psprintf("It must be at least %g.", low) : psprintf("It must be from %g to %g.", low, high);

		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s is out of range: %g", name, x), errdetail("%s", range)));
	}
	return x;
}

double
rec_confidence_arg(FunctionCallInfo fcinfo, int i)
{
	double		confidence = i < PG_NARGS() && !PG_ARGISNULL(i) ? PG_GETARG_FLOAT8(i) : 0.95;

	if (!(confidence > 0 && confidence < 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("confidence must be between 0 and 1: %g", confidence),
				 errhint("Write 0.95 for 95 %%.")));
	return confidence;
}

RecTestOptions
rec_test_options(FunctionCallInfo fcinfo, int i)
{
	RecTestOptions options = {.side = REC_TWO_SIDED};

	if (i < PG_NARGS() && !PG_ARGISNULL(i))
	{
		const char *name = text_to_cstring(PG_GETARG_TEXT_PP(i));

		if (!rec_side_of(name, &options.side))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unknown alternative \"%s\"", name),
					 errhint("It is one of two-sided, greater (the treatment is better where more is better) and less.")));
	}
	options.confidence = rec_confidence_arg(fcinfo, i + 1);
	options.margin = rec_number_arg(fcinfo, i + 2, "margin", 0, -DBL_MAX, DBL_MAX);
	return options;
}

Datum
rec_effect_datum(FunctionCallInfo fcinfo, const RecEffect *e, const RecTestOptions *options, double reduction)
{
	enum { COLUMNS = 20 };
	Datum		values[COLUMNS];
	bool		nulls[COLUMNS] = {false};
	double		numbers[] = {e->control.estimate, e->treatment.estimate, e->difference, e->std_error, e->statistic, e->df,
	e->p_value, e->ci_low, e->ci_high, e->lift, e->lift_low, e->lift_high, reduction};

	rec_set_text(values, nulls, 0, e->method);
	rec_set_text(values, nulls, 1, rec_side_name(options->side));
	rec_set_float8(values, nulls, 2, options->confidence);
	rec_set_float8(values, nulls, 3, options->margin);
	values[4] = rec_units_datum(e->control.n);
	values[5] = rec_units_datum(e->treatment.n);
	for (int i = 0; i < lengthof(numbers); i++)
		rec_set_float8(values, nulls, 6 + i, numbers[i]);
	rec_set_text(values, nulls, 19, e->note);
	return rec_record_datum(fcinfo, values, nulls);
}
