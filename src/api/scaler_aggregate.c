/*
 * scaler_aggregate.c
 *		rec.fit_*: aggregates that return a scaler; rec.scale and rec.unscale, which apply it.
 */
#include "compat.h"

#include "api/fit.h"
#include "model/scaler.h"
#include "utils/builtins.h"
#include "utils/float.h"

#define FIT_TAG 0x52464954		/* "RFIT" */

static RecFit *
fit_create(FunctionCallInfo fcinfo, RecScalerKind kind)
{
	MemoryContext context = rec_aggregate_context(fcinfo);
	RecFit	   *fit = MemoryContextAlloc(context, sizeof(RecFit));

	rec_fit_arguments(fcinfo, kind, context, fit);
	return fit;
}

static inline Datum
fit_transition(FunctionCallInfo fcinfo, RecScalerKind kind)
{
	RecFit	   *fit = PG_ARGISNULL(0) ? fit_create(fcinfo, kind) : (RecFit *) PG_GETARG_POINTER(0);

	if (!PG_ARGISNULL(1))
		rec_fit_add(fit, kind, PG_GETARG_FLOAT8(1));
	PG_RETURN_POINTER(fit);
}

#define TRANSITION(name, kind) \
PG_FUNCTION_INFO_V1(name); \
Datum \
name(PG_FUNCTION_ARGS) \
{ \
	return fit_transition(fcinfo, kind); \
}

TRANSITION(rec_fit_standard, REC_SCALER_STANDARD)
TRANSITION(rec_fit_minmax, REC_SCALER_MINMAX)
TRANSITION(rec_fit_robust, REC_SCALER_ROBUST)
TRANSITION(rec_fit_maxabs, REC_SCALER_MAXABS)
TRANSITION(rec_fit_quantile, REC_SCALER_QUANTILE)
TRANSITION(rec_fit_log, REC_SCALER_LOG)

PG_FUNCTION_INFO_V1(rec_fit_combine);
Datum
rec_fit_combine(PG_FUNCTION_ARGS)
{
	(void) rec_aggregate_context(fcinfo);
	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	/* states come from rec_fit_deserialize, in the aggregate's context */
	if (PG_ARGISNULL(0))
		PG_RETURN_DATUM(PG_GETARG_DATUM(1));
	rec_fit_merge((RecFit *) PG_GETARG_POINTER(0), (RecFit *) PG_GETARG_POINTER(1));
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

PG_FUNCTION_INFO_V1(rec_fit_serialize);
Datum
rec_fit_serialize(PG_FUNCTION_ARGS)
{
	RecFit	   *fit = (RecFit *) PG_GETARG_POINTER(0);

	(void) rec_aggregate_context(fcinfo);
	PG_RETURN_BYTEA_P(rec_sorted_out(FIT_TAG, &fit->part, sizeof(fit->part), fit->numbers, NULL));
}

PG_FUNCTION_INFO_V1(rec_fit_deserialize);
Datum
rec_fit_deserialize(PG_FUNCTION_ARGS)
{
	MemoryContext context = rec_aggregate_context(fcinfo);
	RecFit	   *fit = MemoryContextAllocZero(context, sizeof(RecFit));
	RecFitPart *p = &fit->part;
	bool		keeps;
	int64		n;
	const char *numbers = rec_state_open(PG_GETARG_BYTEA_PP(0), FIT_TAG, p, sizeof(*p), &n);

	keeps = p->kind == REC_SCALER_ROBUST || p->kind == REC_SCALER_QUANTILE;
	if (p->kind < 0 || p->kind >= REC_SCALER_KINDS || !rec_wide_valid(&p->moments) || (!keeps && n > 0) ||
		(p->kind == REC_SCALER_QUANTILE && (p->parts < 2 || p->parts > REC_MAX_QUANTILES)) ||
		!(p->lower >= 0 && p->lower < p->upper && p->upper <= 1))
		rec_bad_state();
	if (keeps)
		fit->numbers = rec_sorted_in(numbers, n, context);
	if (keeps && n > 0 && !(isfinite(fit->numbers->x[0]) && isfinite(fit->numbers->x[n - 1])))
		rec_bad_state();
	PG_RETURN_POINTER(fit);
}

PG_FUNCTION_INFO_V1(rec_fit_final);
Datum
rec_fit_final(PG_FUNCTION_ARGS)
{
	RecScaler	scaler;

	(void) rec_aggregate_context(fcinfo);
	if (PG_ARGISNULL(0) || !rec_fit_finish((RecFit *) PG_GETARG_POINTER(0), &scaler))
		PG_RETURN_NULL();
	PG_RETURN_JSONB_P(rec_scaler_write(&scaler));
}

PG_FUNCTION_INFO_V1(rec_scaler_valid);
Datum
rec_scaler_valid(PG_FUNCTION_ARGS)
{
	(void) rec_scaler_read(PG_GETARG_JSONB_P(0));
	PG_RETURN_BOOL(true);
}

/* The last scaler of a call site, read. */
typedef struct ReadScaler
{
	RecScaler  *scaler;
	Jsonb	   *json;			/* what it was read from */
} ReadScaler;

/* In one piece in the given context: what reading leaves behind must not pile up there. */
static RecScaler *
copy_scaler(const RecScaler *scaler, MemoryContext context)
{
	Size		quantiles = scaler->nquantiles * sizeof(double);
	RecScaler  *copy = MemoryContextAlloc(context, sizeof(RecScaler) + quantiles);

	*copy = *scaler;
	if (scaler->quantile)
		copy->quantile = memcpy(copy + 1, scaler->quantile, quantiles);
	return copy;
}

static const RecScaler *
scaler_argument(FunctionCallInfo fcinfo, int n)
{
	ReadScaler *last = fcinfo->flinfo->fn_extra;
	MemoryContext context = fcinfo->flinfo->fn_mcxt;
	RecScaler  *scaler;
	Jsonb	   *json;

	json = PG_GETARG_JSONB_P(n);
	if (last && VARSIZE(json) == VARSIZE(last->json) && memcmp(json, last->json, VARSIZE(json)) == 0)
		return last->scaler;
	scaler = rec_scaler_read(json);
	if (last)
	{
		pfree(last->scaler);
		pfree(last->json);
	}
	else
		last = MemoryContextAllocZero(context, sizeof(ReadScaler));
	last->scaler = copy_scaler(scaler, context);
	last->json = memcpy(MemoryContextAlloc(context, VARSIZE(json)), json, VARSIZE(json));
	fcinfo->flinfo->fn_extra = last;
	return last->scaler;
}

static Datum
finite_result(double result, double argument)
{
	if (unlikely(isinf(result)) && isfinite(argument))
		float_overflow_error();
	PG_RETURN_FLOAT8(result);
}

PG_FUNCTION_INFO_V1(rec_scale);
Datum
rec_scale(PG_FUNCTION_ARGS)
{
	return finite_result(rec_scaler_apply(scaler_argument(fcinfo, 1), PG_GETARG_FLOAT8(0)), PG_GETARG_FLOAT8(0));
}

PG_FUNCTION_INFO_V1(rec_unscale);
Datum
rec_unscale(PG_FUNCTION_ARGS)
{
	return finite_result(rec_scaler_undo(scaler_argument(fcinfo, 1), PG_GETARG_FLOAT8(0)), PG_GETARG_FLOAT8(0));
}

/* The value of an event in trainings and requests: rec_value_expression(). */
PG_FUNCTION_INFO_V1(rec_scaled);
Datum
rec_scaled(PG_FUNCTION_ARGS)
{
	double		x;

	if (PG_ARGISNULL(0) || !isfinite(x = PG_GETARG_FLOAT8(0)))
		PG_RETURN_NULL();
	if (!PG_ARGISNULL(1))
		x = rec_scaler_apply(scaler_argument(fcinfo, 1), x);
	if (!isfinite(x))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(x);
}
