/*
 * drift_number.c
 *		Aggregates that compare two samples of numbers or times: rec.ks_test, rec.psi, rec.js_distance, rec.wasserstein.
 *
 * All share one state, which keeps every number: several of them over the same arguments in one query are computed from
 * one list. In a parallel plan each process sorts its part of it. Times are seconds since 1970. Null and NaN are no numbers: ks_test and wasserstein leave them out, the others
 * give them a bin of their own. Infinite numbers are numbers like others. Rows whose is_current is null belong to neither
 * side. With a profile as the second argument all rows are current ones.
 */
#include "api/aggregate.h"
#include "api/drift.h"

#include <math.h>

#include "miscadmin.h"

#define TAG 0x44724E31			/* DrN1 */

enum
{
	REFERENCE, CURRENT
};

typedef struct TwoSamples
{
	RecNumbers *side[2];
	int64		nulls[2];		/* null or NaN */
	int			bins;			/* 0: the default */
	RecProfile *profile;		/* the reference; NULL: the rows that are not current */
} TwoSamples;

static TwoSamples *
create_state(MemoryContext context)
{
	TwoSamples *s = MemoryContextAllocZero(context, sizeof(TwoSamples));

	s->side[REFERENCE] = rec_numbers_create(context);
	s->side[CURRENT] = rec_numbers_create(context);
	return s;
}

static TwoSamples *
state_of(FunctionCallInfo fcinfo)
{
	return PG_ARGISNULL(0) ? create_state(rec_aggregate_context(fcinfo)) : (TwoSamples *) PG_GETARG_POINTER(0);
}

static inline void
add(TwoSamples *s, int side, bool isnull, double x)
{
	if (isnull || isnan(x))
		s->nulls[side]++;
	else
		rec_numbers_add(s->side[side], x);
}

static void
take_bins(TwoSamples *s, FunctionCallInfo fcinfo, int argument)
{
	int			bins = PG_ARGISNULL(argument) ? REC_DEFAULT_BINS : PG_GETARG_INT32(argument);

	if (bins == s->bins)
		return;
	rec_check_bins(bins);
	s->bins = bins;
}

/* (state, x, is_current [, bins]) */
static inline Datum
transition(FunctionCallInfo fcinfo, double x)
{
	TwoSamples *s = state_of(fcinfo);

	if (PG_NARGS() > 3)
		take_bins(s, fcinfo, 3);
	if (!PG_ARGISNULL(2))
		add(s, PG_GETARG_BOOL(2) ? CURRENT : REFERENCE, PG_ARGISNULL(1), x);
	PG_RETURN_POINTER(s);
}

/* (state, x, profile [, bins]) */
static inline Datum
profile_transition(FunctionCallInfo fcinfo, double x)
{
	TwoSamples *s = state_of(fcinfo);

	if (PG_NARGS() > 3)
		take_bins(s, fcinfo, 3);
	if (s->profile == NULL && !PG_ARGISNULL(2))
		s->profile = rec_profile_argument(fcinfo, 2, rec_aggregate_context(fcinfo));
	add(s, CURRENT, PG_ARGISNULL(1), x);
	PG_RETURN_POINTER(s);
}

#define NUMBER (PG_ARGISNULL(1) ? 0 : PG_GETARG_FLOAT8(1))
#define TIME (PG_ARGISNULL(1) ? 0 : rec_seconds(PG_GETARG_TIMESTAMP(1)))

PG_FUNCTION_INFO_V1(rec_two_samples_add);
Datum
rec_two_samples_add(PG_FUNCTION_ARGS)
{
	return transition(fcinfo, NUMBER);
}

PG_FUNCTION_INFO_V1(rec_two_samples_add_time);
Datum
rec_two_samples_add_time(PG_FUNCTION_ARGS)
{
	return transition(fcinfo, TIME);
}

PG_FUNCTION_INFO_V1(rec_two_samples_add_profile);
Datum
rec_two_samples_add_profile(PG_FUNCTION_ARGS)
{
	return profile_transition(fcinfo, NUMBER);
}

PG_FUNCTION_INFO_V1(rec_two_samples_add_time_profile);
Datum
rec_two_samples_add_time_profile(PG_FUNCTION_ARGS)
{
	return profile_transition(fcinfo, TIME);
}

PG_FUNCTION_INFO_V1(rec_two_samples_combine);
Datum
rec_two_samples_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = rec_aggregate_context(fcinfo);
	TwoSamples *s = PG_ARGISNULL(0) ? NULL : (TwoSamples *) PG_GETARG_POINTER(0),
			   *other = PG_ARGISNULL(1) ? NULL : (TwoSamples *) PG_GETARG_POINTER(1);

	if (other == NULL)
	{
		if (s == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(s);
	}
	if (s == NULL)
		s = create_state(context);
	for (int i = 0; i < 2; i++)
	{
		rec_numbers_adopt(s->side[i], other->side[i]);
		s->nulls[i] += other->nulls[i];
	}
	s->bins = Max(s->bins, other->bins);
	PG_RETURN_POINTER(s);
}

/* On their way the numbers of both sides follow this. */
typedef struct Part
{
	int64		bins;
	int64		nulls[2];
	int64		reference;		/* numbers of the first side */
} Part;

PG_FUNCTION_INFO_V1(rec_two_samples_out);
Datum
rec_two_samples_out(PG_FUNCTION_ARGS)
{
	TwoSamples *s = (TwoSamples *) PG_GETARG_POINTER(0);
	Part		part = {s->bins, {s->nulls[REFERENCE], s->nulls[CURRENT]}, s->side[REFERENCE]->n};

	(void) rec_aggregate_context(fcinfo);
	PG_RETURN_BYTEA_P(rec_sorted_out(TAG, &part, sizeof(part), s->side[REFERENCE], s->side[CURRENT]));
}

#define NULLS_MAX INT64CONST(1000000000000000)

PG_FUNCTION_INFO_V1(rec_two_samples_in);
Datum
rec_two_samples_in(PG_FUNCTION_ARGS)
{
	MemoryContext context = rec_aggregate_context(fcinfo);
	TwoSamples *s = MemoryContextAllocZero(context, sizeof(TwoSamples));
	Part		part;
	int64		n;
	const char *numbers = rec_state_open(PG_GETARG_BYTEA_PP(0), TAG, &part, sizeof(part), &n);

	if (part.bins < 0 || part.bins > REC_BINS_MAX || part.reference < 0 || part.reference > n)
		rec_bad_state();
	for (int i = 0; i < 2; i++)
	{
		if (part.nulls[i] < 0 || part.nulls[i] > NULLS_MAX)
			rec_bad_state();
		s->nulls[i] = part.nulls[i];
	}
	s->bins = (int) part.bins;
	s->side[REFERENCE] = rec_sorted_in(numbers, part.reference, context);
	s->side[CURRENT] = rec_sorted_in(numbers + part.reference * sizeof(double), n - part.reference, context);
	PG_RETURN_POINTER(s);
}

static RecEmpirical
sorted_sample(RecNumbers *numbers)
{
	rec_numbers_sort(numbers);
	return (RecEmpirical) {
		.x = numbers->x, .len = numbers->n, .n = numbers->n
	};
}

static RecEmpirical
reference_sample(TwoSamples *s)
{
	return s->profile ? s->profile->sample : sorted_sample(s->side[REFERENCE]);
}

/* The state for a final function: an empty one when there was no row. */
static TwoSamples *
final_state(FunctionCallInfo fcinfo)
{
	(void) rec_aggregate_context(fcinfo);
	return PG_ARGISNULL(0) ? create_state(CurrentMemoryContext) : (TwoSamples *) PG_GETARG_POINTER(0);
}

PG_FUNCTION_INFO_V1(rec_ks_final);
Datum
rec_ks_final(PG_FUNCTION_ARGS)
{
	TwoSamples *s = final_state(fcinfo);
	RecEmpirical	reference = reference_sample(s),
				current = sorted_sample(s->side[CURRENT]);

	return rec_make_ks(fcinfo, &reference, &current);
}

PG_FUNCTION_INFO_V1(rec_wasserstein_final);
Datum
rec_wasserstein_final(PG_FUNCTION_ARGS)
{
	TwoSamples *s = final_state(fcinfo);
	RecEmpirical	reference = reference_sample(s),
				current = sorted_sample(s->side[CURRENT]);

	if (reference.len == 0 || current.len == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(rec_wasserstein(&reference, &current));
}

/* The quantiles of unsorted numbers, which change their order. */
static void
select_quantiles(RecNumbers *numbers, int64 total, int bins, double *quantile)
{
	int64		ranks[2 * (REC_BINS_MAX + 1)];
	double		number[2 * (REC_BINS_MAX + 1)],
				fraction[REC_BINS_MAX + 1];

	for (int i = 0; i <= bins; i++)
	{
		fraction[i] = rec_quantile_rank(total, i, bins, &ranks[2 * i]);
		ranks[2 * i + 1] = ranks[2 * i] + (fraction[i] > 0);
	}
	rec_numbers_select(numbers, ranks, bins + 1, number);
	for (int i = 0; i <= bins; i++)
		quantile[i] = rec_interpolate(number[2 * i], number[2 * i + 1], fraction[i]);
}

static void
count_numbers(const RecNumbers *numbers, const double *edges, int nedges, double *counts)
{
	double		part[REC_BINS_MAX + 1];

	memset(counts, 0, sizeof(double) * (nedges + 1));
	for (; numbers; numbers = numbers->next)
	{
		if (numbers->sorted)
			rec_bin_counts_sorted(numbers->x, numbers->n, edges, nedges, part);
		else
			rec_bin_counts_unsorted(numbers->x, numbers->n, edges, nedges, part);
		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i <= nedges; i++)
			counts[i] += part[i];
	}
}

/* Counts in bins; the numbers need not be sorted. */
static int
count_in_bins(TwoSamples *s, double *reference, double *current)
{
	int			bins = s->bins ? s->bins : REC_DEFAULT_BINS;
	double		quantile[REC_BINS_MAX + 1],
				edges[REC_BINS_MAX];
	int64		total = rec_numbers_total(s->side[REFERENCE]);
	int			nedges;

	if (s->profile || total == 0)
	{
		RecEmpirical	r = reference_sample(s),
					c = sorted_sample(s->side[CURRENT]);

		return rec_bin_samples(&r, s->profile ? s->profile->nulls : s->nulls[REFERENCE], &c, s->nulls[CURRENT], bins,
							   reference, current);
	}
	select_quantiles(s->side[REFERENCE], total, bins, quantile);
	nedges = rec_edges(quantile, bins, edges);
	count_numbers(s->side[REFERENCE], edges, nedges, reference);
	count_numbers(s->side[CURRENT], edges, nedges, current);
	return rec_bin_nulls(rec_merge_bins(reference, current, nedges + 1), s->nulls[REFERENCE], s->nulls[CURRENT],
						 reference, current);
}

PG_FUNCTION_INFO_V1(rec_psi_final);
Datum
rec_psi_final(PG_FUNCTION_ARGS)
{
	double		reference[REC_BINS_MAX + 2],
				current[REC_BINS_MAX + 2];
	int			n = count_in_bins(final_state(fcinfo), reference, current);

	return rec_make_psi(fcinfo, reference, current, n);
}

PG_FUNCTION_INFO_V1(rec_js_final);
Datum
rec_js_final(PG_FUNCTION_ARGS)
{
	double		reference[REC_BINS_MAX + 2],
				current[REC_BINS_MAX + 2],
				distance;
	int			n = count_in_bins(final_state(fcinfo), reference, current);

	distance = rec_js_distance(reference, current, n);
	if (isnan(distance))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(distance);
}
