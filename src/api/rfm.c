/*
 * rfm.c
 *		rec.rfm(last_at, frequency, monetary) OVER (...): quintiles of recency, frequency and monetary value, and the cohort they make.
 */
#include "compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "api/aggregate.h"
#include "api/window.h"
#include "core/sort.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#define DIMENSIONS 3

typedef struct RfmWindow
{
	bool		ranked;
	RecNumbers *values[DIMENSIONS];	/* sorted */
} RfmWindow;

/* The customary grid of recency (rows, from 1) and frequency (columns, from 1). */
static const char *const cohorts[5][5] = {
	{"hibernating", "hibernating", "at risk", "at risk", "cannot lose them"},
	{"hibernating", "hibernating", "at risk", "at risk", "cannot lose them"},
	{"about to sleep", "about to sleep", "need attention", "loyal customers", "loyal customers"},
	{"promising", "potential loyalists", "potential loyalists", "loyal customers", "loyal customers"},
	{"new customers", "potential loyalists", "potential loyalists", "champions", "champions"}
};

static void
check_finite(double x)
{
	if (!isfinite(x))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("cannot rank NaN or infinity")));
}

static void
take_number(void *to, Datum value, bool isnull)
{
	check_finite(DatumGetFloat8(value));
	rec_numbers_add(to, DatumGetFloat8(value));
}

static void
take_time(void *to, Datum value, bool isnull)
{
	rec_numbers_add(to, (double) DatumGetTimestampTz(value));
}

/* 1 to 5 by the share of smaller values; equal values get the same. */
static int
quintile(const RecNumbers *sorted, double x)
{
	return 1 + (int) (5 * rec_count_below(sorted->x, sorted->n, x) / sorted->n);
}

PG_FUNCTION_INFO_V1(rec_rfm);
Datum
rec_rfm(PG_FUNCTION_ARGS)
{
	WindowObject window = rec_window(fcinfo);
	bool		first;
	RfmWindow  *w = rec_window_state(window, sizeof(RfmWindow), &first);
	int			place[DIMENSIONS];
	Datum		v[4];
	bool		null[4] = {0};
	TupleDesc	desc;

	for (int d = 0; first && d < DIMENSIONS; d++)
	{
		w->values[d] = rec_numbers_create(rec_window_context(w));
		rec_window_each(window, d, false, d == 0 ? take_time : take_number, w->values[d]);
		rec_numbers_sort(w->values[d]);
	}
	for (int d = 0; d < DIMENSIONS; d++)
	{
		bool		isnull;
		Datum		value = WinGetFuncArgCurrent(window, d, &isnull);

		if (isnull)
			PG_RETURN_NULL();
		place[d] = quintile(w->values[d], d == 0 ? (double) DatumGetTimestampTz(value) : DatumGetFloat8(value));
		v[d] = Int32GetDatum(place[d]);
	}
	v[3] = CStringGetTextDatum(cohorts[place[0] - 1][place[1] - 1]);
	desc = lookup_rowtype_tupdesc(get_fn_expr_rettype(fcinfo->flinfo), -1);
	v[0] = HeapTupleGetDatum(heap_form_tuple(desc, v, null));
	ReleaseTupleDesc(desc);
	PG_RETURN_DATUM(v[0]);
}
