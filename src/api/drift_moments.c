/*
 * drift_moments.c
 *		Aggregates that compare moments and nulls of two samples: rec.mean_shift, rec.variance_shift, rec.null_share.
 *
 * Null, NaN and infinite numbers have no part in mean and variance.
 */
#include "api/aggregate.h"
#include "api/drift.h"

#include <math.h>

#include "core/dist.h"
#include "core/moments.h"

#define TAG 0x44724D31			/* DrM1 */

enum
{
	REFERENCE, CURRENT
};

typedef struct Moments
{
	RecMoments	side[2];
	int64		rows[2];
	int64		nulls[2];
} Moments;

static Moments *
state_of(FunctionCallInfo fcinfo)
{
	return PG_ARGISNULL(0) ? MemoryContextAllocZero(rec_aggregate_context(fcinfo), sizeof(Moments)) :
		(Moments *) PG_GETARG_POINTER(0);
}

/* (state, x, is_current) */
PG_FUNCTION_INFO_V1(rec_two_moments_add);
Datum
rec_two_moments_add(PG_FUNCTION_ARGS)
{
	Moments    *s = state_of(fcinfo);

	if (!PG_ARGISNULL(2) && !PG_ARGISNULL(1) && isfinite(PG_GETARG_FLOAT8(1)))
		rec_moments_add(&s->side[PG_GETARG_BOOL(2) ? CURRENT : REFERENCE], PG_GETARG_FLOAT8(1));
	PG_RETURN_POINTER(s);
}

/* (state, x of any type, is_current) */
PG_FUNCTION_INFO_V1(rec_null_share_add);
Datum
rec_null_share_add(PG_FUNCTION_ARGS)
{
	Moments    *s = state_of(fcinfo);

	if (!PG_ARGISNULL(2))
	{
		int			side = PG_GETARG_BOOL(2) ? CURRENT : REFERENCE;

		s->rows[side]++;
		s->nulls[side] += PG_ARGISNULL(1);
	}
	PG_RETURN_POINTER(s);
}

PG_FUNCTION_INFO_V1(rec_two_moments_combine);
Datum
rec_two_moments_combine(PG_FUNCTION_ARGS)
{
	Moments    *s = state_of(fcinfo);

	if (!PG_ARGISNULL(1))
	{
		Moments    *other = (Moments *) PG_GETARG_POINTER(1);

		for (int i = 0; i < 2; i++)
		{
			rec_moments_merge(&s->side[i], &other->side[i]);
			s->rows[i] += other->rows[i];
			s->nulls[i] += other->nulls[i];
		}
	}
	PG_RETURN_POINTER(s);
}

PG_FUNCTION_INFO_V1(rec_two_moments_out);
Datum
rec_two_moments_out(PG_FUNCTION_ARGS)
{
	(void) rec_aggregate_context(fcinfo);
	PG_RETURN_BYTEA_P(rec_state_out(TAG, PG_GETARG_POINTER(0), sizeof(Moments)));
}

PG_FUNCTION_INFO_V1(rec_two_moments_in);
Datum
rec_two_moments_in(PG_FUNCTION_ARGS)
{
	Moments    *s = MemoryContextAllocZero(rec_aggregate_context(fcinfo), sizeof(Moments));

	rec_state_in(PG_GETARG_BYTEA_PP(0), TAG, s, sizeof(Moments));
	PG_RETURN_POINTER(s);
}

static Moments *
final_state(FunctionCallInfo fcinfo)
{
	(void) rec_aggregate_context(fcinfo);
	return PG_ARGISNULL(0) ? palloc0(sizeof(Moments)) : (Moments *) PG_GETARG_POINTER(0);
}

static double
variance_of(const RecMoments *m)
{
	return m->n > 1 ? m->squares / (m->n - 1) : NAN;
}

static double
mean_of(const RecMoments *m)
{
	return m->n > 0 ? m->mean : NAN;
}

Datum
rec_make_mean_shift(FunctionCallInfo fcinfo, const RecMoments *a, const RecMoments *b)
{
	double		va = variance_of(a) / a->n,
				vb = variance_of(b) / b->n,
				difference = mean_of(b) - mean_of(a),
				pooled = sqrt((a->squares + b->squares) / (a->n + b->n - 2)),
				error = sqrt(va + vb),
				p = NAN;
	RecResult	r = {.n = 0};

	/* Welch; without any variance there is no test */
	if (error > 0)
		p = 2 * rec_t_sf(fabs(difference) / error,
						 (va + vb) * (va + vb) / (va * va / (a->n - 1) + vb * vb / (b->n - 1)));
	rec_result_float(&r, mean_of(a));
	rec_result_float(&r, mean_of(b));
	rec_result_float(&r, difference);
	rec_result_float(&r, pooled > 0 ? difference / pooled : difference == 0 ? 0 : NAN);
	rec_result_float(&r, p);
	rec_result_int(&r, (int64) a->n);
	rec_result_int(&r, (int64) b->n);
	return rec_result_make(fcinfo, &r);
}

Datum
rec_make_variance_shift(FunctionCallInfo fcinfo, const RecMoments *a, const RecMoments *b)
{
	double		va = variance_of(a),
				vb = variance_of(b);
	RecResult	r = {.n = 0};

	rec_result_float(&r, va);
	rec_result_float(&r, vb);
	rec_result_float(&r, va > 0 ? vb / va : NAN);
	rec_result_int(&r, (int64) a->n);
	rec_result_int(&r, (int64) b->n);
	return rec_result_make(fcinfo, &r);
}

PG_FUNCTION_INFO_V1(rec_mean_shift_final);
Datum
rec_mean_shift_final(PG_FUNCTION_ARGS)
{
	Moments    *s = final_state(fcinfo);

	return rec_make_mean_shift(fcinfo, &s->side[REFERENCE], &s->side[CURRENT]);
}

PG_FUNCTION_INFO_V1(rec_variance_shift_final);
Datum
rec_variance_shift_final(PG_FUNCTION_ARGS)
{
	Moments    *s = final_state(fcinfo);

	return rec_make_variance_shift(fcinfo, &s->side[REFERENCE], &s->side[CURRENT]);
}

Datum
rec_make_null_share(FunctionCallInfo fcinfo, const int64 *rows, const int64 *nulls)
{
	double		reference[2] = {nulls[0], rows[0] - nulls[0]},
				current[2] = {nulls[1], rows[1] - nulls[1]},
				before = rows[0] > 0 ? (double) nulls[0] / rows[0] : NAN,
				now = rows[1] > 0 ? (double) nulls[1] / rows[1] : NAN;
	RecResult	r = {.n = 0};

	rec_result_float(&r, before);
	rec_result_float(&r, now);
	rec_result_float(&r, now - before);
	rec_result_float(&r, rec_chi2_test(reference, current, 2).p_value);
	rec_result_int(&r, rows[0]);
	rec_result_int(&r, rows[1]);
	return rec_result_make(fcinfo, &r);
}

PG_FUNCTION_INFO_V1(rec_null_share_final);
Datum
rec_null_share_final(PG_FUNCTION_ARGS)
{
	Moments    *s = final_state(fcinfo);

	return rec_make_null_share(fcinfo, s->rows, s->nulls);
}
