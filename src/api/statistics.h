/*
 * statistics.h
 *		The SQL side of core/units.h and core/effect.h: rec.sample_state, rec.test_result, options of tests.
 */
#ifndef REC_STATISTICS_H
#define REC_STATISTICS_H

#include "compat.h"

#include <float.h>

#include "core/effect.h"
#include "fmgr.h"

/* A rec.sample_state that is checked: users may write any. NULL argument: a sample of no units, kind mean. */
extern RecUnits rec_sample_arg(FunctionCallInfo fcinfo, int i);
extern Datum rec_sample_datum(FunctionCallInfo fcinfo, const RecUnits *sample);

/* Makes two samples comparable (a sample of no units takes the other's kind), or says why they are not. */
extern void rec_sample_check_pair(RecUnits *control, RecUnits *treatment);

/* Options from the arguments i (alternative), i + 1 (confidence) and i + 2 (margin), as far as there are so many; null: default. */
extern RecTestOptions rec_test_options(FunctionCallInfo fcinfo, int i);
extern double rec_confidence_arg(FunctionCallInfo fcinfo, int i);

/* Errors for negative counts and for more successes than trials. */
extern void rec_check_counts(int64 successes, int64 n);

/* A rec.test_result; NaN becomes null. */
extern Datum rec_effect_datum(FunctionCallInfo fcinfo, const RecEffect *e, const RecTestOptions *options,
							  double reduction);

/* Compares two arms, filled in, by a confidence sequence. */
extern void rec_check_sequential(const RecTestOptions *options);
extern Datum rec_sequential_datum(FunctionCallInfo fcinfo, RecEffect *e, const RecTestOptions *options, double tuning_n,
								  double reduction);

/* The composite that the function returns, from numbers: NaN becomes null. text columns: from char *. */
extern Datum rec_record_datum(FunctionCallInfo fcinfo, Datum *values, bool *nulls);

/* A number of units as bigint; an error where it does not fit. */
extern Datum rec_units_datum(double n);

static inline void
rec_set_float8(Datum *values, bool *nulls, int i, double x)
{
	nulls[i] = isnan(x);
	values[i] = Float8GetDatum(x);
}

extern void rec_set_text(Datum *values, bool *nulls, int i, const char *text);

/* An argument that must be a number: the default when null, an error when NaN or outside of [low, high]. */
extern double rec_number_arg(FunctionCallInfo fcinfo, int i, const char *name, double missing, double low, double high);

#endif							/* REC_STATISTICS_H */
