/*
 * scaler_moving.c
 *		rec.fit_* over moving frames: rows enter at one end and leave at the other.
 *
 * Nothing is subtracted, because that is not exact. For moments and extremes the frame is a queue of two stacks: of the older part
 * each element has the partial result of itself and all younger ones of that part, the younger part has one running
 * result. The frame's result is the merger of two partial results, and each row is merged once more when it passes
 * from the younger to the older part. For quantiles the numbers of the frame are kept sorted.
 */
#include "compat.h"

#include "api/fit.h"
#include "core/sort.h"
#include "miscadmin.h"
#include "model/scaler.h"
#include "utils/builtins.h"

typedef struct Moving
{
	RecFit		young;			/* the younger part; for quantiles the whole frame */
	RecNumbers *arrived;		/* numbers of the younger part, in order */
	RecFitPart *old;			/* the older part: old[i] stands for old[0 .. i], the youngest first; the last leaves next */
	int64		nold;
	int64		old_room;
} Moving;

static Moving *
moving_create(FunctionCallInfo fcinfo, RecScalerKind kind)
{
	MemoryContext context = rec_aggregate_context(fcinfo);
	Moving	   *m = MemoryContextAllocZero(context, sizeof(Moving));

	rec_fit_arguments(fcinfo, kind, context, &m->young);
	m->arrived = rec_numbers_create(context);
	return m;
}

static void
enter_sorted(RecNumbers *numbers, double x)
{
	int64		at = rec_count_below(numbers->x, numbers->n, x);

	rec_numbers_add(numbers, x);
	memmove(numbers->x + at + 1, numbers->x + at, (numbers->n - 1 - at) * sizeof(double));
	numbers->x[at] = x;
	numbers->sorted = true;
}

/* False when it is not there. */
static bool
leave_sorted(RecNumbers *numbers, double x)
{
	int64		at = rec_count_below(numbers->x, numbers->n, x);

	if (at == numbers->n || numbers->x[at] != x)
		return false;
	memmove(numbers->x + at, numbers->x + at + 1, (numbers->n - 1 - at) * sizeof(double));
	numbers->n--;
	return true;
}

static void
add_part(RecFitPart *part, double x)
{
	RecFit		one = {.part = *part};

	rec_fit_add(&one, part->kind, x);
	*part = one.part;
}

static void
reset_part(RecFitPart *part)
{
	RecFit		empty;

	rec_fit_init(&empty, REC_SCALER_MINMAX, NULL);
	part->moments = empty.part.moments;
	part->n = empty.part.n;
	part->min = empty.part.min;
	part->max = empty.part.max;
}

/* Makes the younger part the older one. */
static void
grow_old(Moving *m)
{
	RecFitPart	running = m->young.part;
	int64		n = m->arrived->n;

	if (n > m->old_room)
	{
		Size		size = mul_size(n, sizeof(RecFitPart));

		m->old = m->old ? repalloc_huge(m->old, size) :
			MemoryContextAllocExtended(m->arrived->context, size, MCXT_ALLOC_HUGE);
		m->old_room = n;
	}
	reset_part(&running);
	for (int64 i = 0; i < n; i++)
	{
		add_part(&running, m->arrived->x[n - 1 - i]);
		m->old[i] = running;
	}
	m->nold = n;
	m->arrived->n = 0;
	reset_part(&m->young.part);
}

static inline Datum
moving_enter(FunctionCallInfo fcinfo, RecScalerKind kind)
{
	Moving	   *m = PG_ARGISNULL(0) ? moving_create(fcinfo, kind) : (Moving *) PG_GETARG_POINTER(0);
	double		x;

	if (PG_ARGISNULL(1))
		PG_RETURN_POINTER(m);
	x = PG_GETARG_FLOAT8(1);
	if (!isfinite(x))
		rec_fit_add(&m->young, kind, x);	/* an error, or nothing */
	else if (m->young.numbers)
		enter_sorted(m->young.numbers, x);
	else
	{
		rec_fit_add(&m->young, kind, x);
		rec_numbers_add(m->arrived, x);
	}
	PG_RETURN_POINTER(m);
}

#define ENTER(name, kind) \
PG_FUNCTION_INFO_V1(name); \
Datum \
name(PG_FUNCTION_ARGS) \
{ \
	return moving_enter(fcinfo, kind); \
}

ENTER(rec_moving_standard, REC_SCALER_STANDARD)
ENTER(rec_moving_minmax, REC_SCALER_MINMAX)
ENTER(rec_moving_robust, REC_SCALER_ROBUST)
ENTER(rec_moving_maxabs, REC_SCALER_MAXABS)
ENTER(rec_moving_quantile, REC_SCALER_QUANTILE)
ENTER(rec_moving_log, REC_SCALER_LOG)

PG_FUNCTION_INFO_V1(rec_moving_leave);
Datum
rec_moving_leave(PG_FUNCTION_ARGS)
{
	Moving	   *m;

	(void) rec_aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	m = (Moving *) PG_GETARG_POINTER(0);
	if (PG_ARGISNULL(1) || !isfinite(PG_GETARG_FLOAT8(1)))
		PG_RETURN_POINTER(m);
	if (m->young.numbers)
	{
		if (!leave_sorted(m->young.numbers, PG_GETARG_FLOAT8(1)))
			PG_RETURN_NULL();	/* computed from scratch then */
		PG_RETURN_POINTER(m);
	}
	if (m->nold == 0)
		grow_old(m);
	if (m->nold == 0)
		PG_RETURN_NULL();
	m->nold--;
	PG_RETURN_POINTER(m);
}

PG_FUNCTION_INFO_V1(rec_moving_final);
Datum
rec_moving_final(PG_FUNCTION_ARGS)
{
	Moving	   *m;
	RecFit		all;
	RecScaler	scaler;

	(void) rec_aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	m = (Moving *) PG_GETARG_POINTER(0);
	all = m->young;
	if (m->nold > 0)
	{
		RecFit		old = {.part = m->old[m->nold - 1]};

		rec_fit_merge(&all, &old);
	}
	if (!rec_fit_finish(&all, &scaler))
		PG_RETURN_NULL();
	PG_RETURN_JSONB_P(rec_scaler_write(&scaler));
}
