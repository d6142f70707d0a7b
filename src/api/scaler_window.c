/*
 * scaler_window.c
 *		rec.standard_scaler(x) OVER (...) and its kin: fit to the partition and scale the current row in one query.
 */
#include "compat.h"

#include "api/fit.h"
#include "api/window.h"
#include "catalog/pg_type.h"
#include "core/sort.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/memutils.h"

typedef struct ScalerWindow
{
	bool		fitted;
	bool		empty;			/* there was no number */
	RecScaler	scaler;
	int			nedges;			/* quantile_bucketize: inner edges, ascending */
	double	   *edge;
} ScalerWindow;

#define TAKE(name, kind) \
static void \
name(void *to, Datum value, bool isnull) \
{ \
	rec_fit_add(to, kind, DatumGetFloat8(value)); \
}

TAKE(take_standard, REC_SCALER_STANDARD)
TAKE(take_extremes, REC_SCALER_MINMAX)
TAKE(take_number, REC_SCALER_QUANTILE)

/* Fits; non_finite is the number of the argument that says what becomes of NaN and infinity. */
static void
fit_partition(WindowObject window, ScalerWindow *w, RecFit *fit, int non_finite)
{
	fit->part.ignore = rec_fit_ignore(DatumGetTextPP(rec_window_constant(window, non_finite, "non_finite")));
	rec_window_each(window, 0, false, fit->numbers ? take_number :
					fit->part.kind == REC_SCALER_STANDARD ? take_standard : take_extremes, fit);
	if (fit->part.kind != REC_SCALER_QUANTILE)
		w->empty = !rec_fit_finish(fit, &w->scaler);
}

static Datum
scaled_current(FunctionCallInfo fcinfo, WindowObject window, const ScalerWindow *w)
{
	bool		isnull;
	Datum		value = WinGetFuncArgCurrent(window, 0, &isnull);
	double		x,
				y;

	if (isnull)
		PG_RETURN_NULL();
	x = DatumGetFloat8(value);
	if (w->empty)
		PG_RETURN_FLOAT8(x);	/* NaN or infinite, as all of them */
	y = rec_scaler_apply(&w->scaler, x);
	if (unlikely(isinf(y)) && isfinite(x))
		float_overflow_error();
	PG_RETURN_FLOAT8(y);
}

static Datum
scale_in_window(FunctionCallInfo fcinfo, RecScalerKind kind)
{
	WindowObject window = rec_window(fcinfo);
	bool		first;
	ScalerWindow *w = rec_window_state(window, sizeof(ScalerWindow), &first);

	if (first)
	{
		RecFit		fit;

		rec_fit_init(&fit, kind, CurrentMemoryContext);
		fit_partition(window, w, &fit, 1);
	}
	return scaled_current(fcinfo, window, w);
}

PG_FUNCTION_INFO_V1(rec_standard_scaler);
Datum
rec_standard_scaler(PG_FUNCTION_ARGS)
{
	return scale_in_window(fcinfo, REC_SCALER_STANDARD);
}

PG_FUNCTION_INFO_V1(rec_min_max_scaler);
Datum
rec_min_max_scaler(PG_FUNCTION_ARGS)
{
	return scale_in_window(fcinfo, REC_SCALER_MINMAX);
}

PG_FUNCTION_INFO_V1(rec_max_abs_scaler);
Datum
rec_max_abs_scaler(PG_FUNCTION_ARGS)
{
	return scale_in_window(fcinfo, REC_SCALER_MAXABS);
}

static void
set_range(RecFit *fit, ArrayType *range)
{
	const double *p = (const double *) ARR_DATA_PTR(range);

	if (ARR_NDIM(range) != 1 || ARR_DIMS(range)[0] != 2 || ARR_HASNULL(range))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("quantile_range must be an array of two numbers"),
				 errdetail("As BigQuery has it in percent, ARRAY[25, 75], or ARRAY[0.25, 0.75].")));
	rec_fit_set_range(fit, p[0], p[1]);
}

/* robust_scaler(x, quantile_range, with_median, with_quantile_range, non_finite) */
PG_FUNCTION_INFO_V1(rec_robust_scaler);
Datum
rec_robust_scaler(PG_FUNCTION_ARGS)
{
	WindowObject window = rec_window(fcinfo);
	bool		first;
	ScalerWindow *w = rec_window_state(window, sizeof(ScalerWindow), &first);

	if (first)
	{
		RecFit		fit;

		rec_fit_init(&fit, REC_SCALER_ROBUST, CurrentMemoryContext);
		set_range(&fit, DatumGetArrayTypeP(rec_window_constant(window, 1, "quantile_range")));
		fit_partition(window, w, &fit, 4);
		if (!DatumGetBool(rec_window_constant(window, 2, "with_median")))
			w->scaler.center = 0;
		if (!DatumGetBool(rec_window_constant(window, 3, "with_quantile_range")))
		{
			w->scaler.low = 0;
			w->scaler.high = 1;
		}
	}
	return scaled_current(fcinfo, window, w);
}

/* The distinct quantiles between the smallest and the largest number. */
static void
inner_edges(ScalerWindow *w, RecNumbers *numbers, int parts)
{
	double	   *edge;

	w->empty = numbers->n == 0;
	if (w->empty)
		return;
	edge = rec_fit_edges(numbers, parts);
	w->edge = MemoryContextAlloc(rec_window_context(w), parts * sizeof(double));
	for (int i = 1; i < parts; i++)
		if (edge[i] > edge[0] && edge[i] < edge[parts] && (w->nedges == 0 || edge[i] > w->edge[w->nedges - 1]))
			w->edge[w->nedges++] = edge[i];
}

/* quantile_bucketize(x, num_buckets, non_finite) */
PG_FUNCTION_INFO_V1(rec_quantile_bucketize);
Datum
rec_quantile_bucketize(PG_FUNCTION_ARGS)
{
	WindowObject window = rec_window(fcinfo);
	bool		first,
				isnull;
	ScalerWindow *w = rec_window_state(window, sizeof(ScalerWindow), &first);
	Datum		value;

	if (first)
	{
		RecFit		fit;
		int			parts = rec_fit_check_parts(DatumGetInt32(rec_window_constant(window, 1, "num_buckets")), "buckets");

		rec_fit_init(&fit, REC_SCALER_QUANTILE, CurrentMemoryContext);
		fit_partition(window, w, &fit, 2);
		inner_edges(w, fit.numbers, parts);
	}
	value = WinGetFuncArgCurrent(window, 0, &isnull);
	if (isnull || w->empty || isnan(DatumGetFloat8(value)))
		PG_RETURN_NULL();
	PG_RETURN_INT32((int32) rec_count_upto(w->edge, w->nedges, DatumGetFloat8(value)) + 1);
}

/* bucketize(x, edges): 1 below the first edge, n + 1 from the last on. */
PG_FUNCTION_INFO_V1(rec_bucketize);
Datum
rec_bucketize(PG_FUNCTION_ARGS)
{
	double		x = PG_GETARG_FLOAT8(0);
	ArrayType  *edges = PG_GETARG_ARRAYTYPE_P(1);
	const double *edge = (const double *) ARR_DATA_PTR(edges);
	int			n = ArrayGetNItems(ARR_NDIM(edges), ARR_DIMS(edges));

	if (ARR_NDIM(edges) > 1 || array_contains_nulls(edges))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("edges must be a one-dimensional array of numbers without nulls")));
	for (int i = 0; i < n; i++)
		if (!isfinite(edge[i]) || (i > 0 && edge[i] <= edge[i - 1]))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("edges must be finite and ascend"),
					 errdetail("Edge %d breaks this.", i + 1)));
	if (isnan(x))
		PG_RETURN_NULL();
	PG_RETURN_INT32((int32) rec_count_upto(edge, n, x) + 1);
}
