/*
 * profile_compare.c
 *		The tests and distances between two stored profiles, a reference and a current one.
 */
#include "api/drift.h"

#include <math.h>

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

static RecProfile *
profile_of(FunctionCallInfo fcinfo, int argument)
{
	return rec_profile_read(PG_GETARG_DATUM(argument));
}

void
rec_profile_check_kinds(const RecProfile *reference, const RecProfile *current)
{
	if (reference->kind != current->kind)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("profiles of different kinds cannot be compared"),
				 errdetail("A column of numbers, one of times and one of categories have nothing in common.")));
}

static void
require_numbers(const RecProfile *p)
{
	if (p->kind == REC_PROFILE_CATEGORY)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the profile holds no numbers"),
				 errdetail("It is of categories."),
				 errhint("Compare categories with rec.chi2_test, rec.psi or rec.js_distance.")));
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(((const RecNamed *) a)->name, ((const RecNamed *) b)->name);
}

static void
list_names(RecNamed *list, int *n, const RecProfile *p, int side)
{
	for (int i = 0; i < p->ncategories; i++, (*n)++)
	{
		list[*n] = (RecNamed) {.name = p->categories[i]};
		list[*n].count[side] = p->counts[i];
	}
}

/* A category that one profile does not name may be among those that it counts together: then it is counted with them. */
static bool
is_uncertain(const RecNamed *c, const RecProfile *const *p)
{
	return (c->count[0] == 0 && p[0]->other > 0) || (c->count[1] == 0 && p[1]->other > 0);
}

RecAligned
rec_profile_align(const RecProfile *reference, const RecProfile *current, bool with_nulls)
{
	const RecProfile *const p[2] = {reference, current};
	int			all = 0,
				n = 0;
	RecNamed		other = {.count = {reference->other, current->other}};
	RecAligned	a = {.list = palloc(sizeof(RecNamed) * (reference->ncategories + current->ncategories + 2))};

	rec_require_categories(reference);
	rec_require_categories(current);
	list_names(a.list, &all, reference, 0);
	list_names(a.list, &all, current, 1);
	qsort(a.list, all, sizeof(RecNamed), compare_names);
	for (int i = 0; i < all; i++)
	{
		if (n > 0 && strcmp(a.list[n - 1].name, a.list[i].name) == 0)
		{
			a.list[n - 1].count[0] += a.list[i].count[0];
			a.list[n - 1].count[1] += a.list[i].count[1];
		}
		else
			a.list[n++] = a.list[i];
	}
	for (int i = 0; i < n; i++)
	{
		if (is_uncertain(&a.list[i], p))
		{
			other.count[0] += a.list[i].count[0];
			other.count[1] += a.list[i].count[1];
		}
		else
			a.list[a.n++] = a.list[i];
	}
	if (other.count[0] + other.count[1] > 0)
		a.list[a.n++] = other;
	if (with_nulls && reference->nulls + current->nulls > 0)
		a.list[a.n++] = (RecNamed) {.name = NULL, .count = {reference->nulls, current->nulls}};
	a.reference = palloc(sizeof(double) * Max(a.n, 1));
	a.current = palloc(sizeof(double) * Max(a.n, 1));
	for (int i = 0; i < a.n; i++)
	{
		a.reference[i] = a.list[i].count[0];
		a.current[i] = a.list[i].count[1];
	}
	return a;
}

PG_FUNCTION_INFO_V1(rec_profiles_ks);
Datum
rec_profiles_ks(PG_FUNCTION_ARGS)
{
	RecProfile *reference = profile_of(fcinfo, 0),
			   *current = profile_of(fcinfo, 1);

	rec_profile_check_kinds(reference, current);
	require_numbers(reference);
	return rec_make_ks(fcinfo, &reference->sample, &current->sample);
}

PG_FUNCTION_INFO_V1(rec_profiles_wasserstein);
Datum
rec_profiles_wasserstein(PG_FUNCTION_ARGS)
{
	RecProfile *reference = profile_of(fcinfo, 0),
			   *current = profile_of(fcinfo, 1);

	rec_profile_check_kinds(reference, current);
	require_numbers(reference);
	if (reference->sample.len == 0 || current->sample.len == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(rec_wasserstein(&reference->sample, &current->sample));
}

PG_FUNCTION_INFO_V1(rec_profiles_chi2);
Datum
rec_profiles_chi2(PG_FUNCTION_ARGS)
{
	RecProfile *reference = profile_of(fcinfo, 0),
			   *current = profile_of(fcinfo, 1);
	RecAligned	a;

	rec_profile_check_kinds(reference, current);
	a = rec_profile_align(reference, current, false);
	return rec_make_chi2(fcinfo, a.reference, a.current, a.n);
}

/* Counts in bins of the reference's quantiles, or of categories. */
static RecAligned
binned(FunctionCallInfo fcinfo)
{
	RecProfile *reference = profile_of(fcinfo, 0),
			   *current = profile_of(fcinfo, 1);
	int			bins = PG_GETARG_INT32(2);
	RecAligned	a = {.n = 0};

	rec_profile_check_kinds(reference, current);
	rec_check_bins(bins);
	if (reference->kind == REC_PROFILE_CATEGORY)
		return rec_profile_align(reference, current, true);
	a.reference = palloc(sizeof(double) * (bins + 3));
	a.current = palloc(sizeof(double) * (bins + 3));
	a.n = rec_bin_samples(&reference->sample, reference->nulls, &current->sample, current->nulls, bins,
						  a.reference, a.current);
	return a;
}

PG_FUNCTION_INFO_V1(rec_profiles_psi);
Datum
rec_profiles_psi(PG_FUNCTION_ARGS)
{
	RecAligned	a = binned(fcinfo);

	return rec_make_psi(fcinfo, a.reference, a.current, a.n);
}

PG_FUNCTION_INFO_V1(rec_profiles_js);
Datum
rec_profiles_js(PG_FUNCTION_ARGS)
{
	RecAligned	a = binned(fcinfo);
	double		distance = rec_js_distance(a.reference, a.current, a.n);

	if (isnan(distance))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(distance);
}

static RecMoments
moments_of(const RecProfile *p)
{
	RecMoments	m = {.n = isnan(p->mean) ? 0 : p->n - p->nulls, .mean = isnan(p->mean) ? 0 : p->mean};

	m.squares = isnan(p->variance) ? 0 : p->variance * (m.n - 1);
	return m;
}

PG_FUNCTION_INFO_V1(rec_profiles_mean_shift);
Datum
rec_profiles_mean_shift(PG_FUNCTION_ARGS)
{
	RecMoments	reference = moments_of(profile_of(fcinfo, 0)),
				current = moments_of(profile_of(fcinfo, 1));

	return rec_make_mean_shift(fcinfo, &reference, &current);
}

PG_FUNCTION_INFO_V1(rec_profiles_variance_shift);
Datum
rec_profiles_variance_shift(PG_FUNCTION_ARGS)
{
	RecMoments	reference = moments_of(profile_of(fcinfo, 0)),
				current = moments_of(profile_of(fcinfo, 1));

	return rec_make_variance_shift(fcinfo, &reference, &current);
}

PG_FUNCTION_INFO_V1(rec_profiles_null_share);
Datum
rec_profiles_null_share(PG_FUNCTION_ARGS)
{
	RecProfile *reference = profile_of(fcinfo, 0),
			   *current = profile_of(fcinfo, 1);
	int64		rows[2] = {reference->n, current->n},
				nulls[2] = {reference->nulls, current->nulls};

	return rec_make_null_share(fcinfo, rows, nulls);
}

PG_FUNCTION_INFO_V1(rec_profiles_new_categories);
Datum
rec_profiles_new_categories(PG_FUNCTION_ARGS)
{
	RecProfile *reference = profile_of(fcinfo, 0),
			   *current = profile_of(fcinfo, 1);
	RecAligned	a;

	rec_profile_check_kinds(reference, current);
	a = rec_profile_align(reference, current, false);
	return rec_make_new_categories(fcinfo, a.reference, a.current, a.n);
}
