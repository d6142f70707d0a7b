/*
 * profile_compare.c
 *		The tests and distances between two stored profiles, a reference and a current one, and a table of shares to draw.
 */
#include "api/drift.h"

#include <math.h>

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

typedef struct Named
{
	const char *name;
	double		count[2];
} Named;

typedef struct Aligned
{
	Named	   *list;			/* by name; other categories last, under the name NULL */
	double	   *reference,
			   *current;
	int			n;
} Aligned;

static RecProfile *
profile_of(FunctionCallInfo fcinfo, int argument)
{
	return rec_profile_read(PG_GETARG_DATUM(argument));
}

static void
check_kinds(const RecProfile *reference, const RecProfile *current)
{
	if (reference->kind != current->kind)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("profiles of different kinds cannot be compared"),
				 errdetail("A column of numbers, one of times and one of categories have nothing in common.")));
}

static void
require_categories(const RecProfile *p)
{
	if (!rec_profile_is_categorical(p))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the profile holds no categories"),
				 errdetail("It is of numbers with %d or more distinct values.", REC_FEW_VALUES),
				 errhint("Compare numbers with rec.ks_test, rec.psi or rec.wasserstein.")));
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
	return strcmp(((const Named *) a)->name, ((const Named *) b)->name);
}

static void
list_names(Named *list, int *n, const RecProfile *p, int side)
{
	for (int i = 0; i < p->ncategories; i++, (*n)++)
	{
		list[*n] = (Named) {.name = p->categories[i]};
		list[*n].count[side] = p->counts[i];
	}
}

/* A category that one profile does not name may be among those that it counts together: then it is counted with them. */
static bool
is_uncertain(const Named *c, const RecProfile *const *p)
{
	return (c->count[0] == 0 && p[0]->other > 0) || (c->count[1] == 0 && p[1]->other > 0);
}

static Aligned
align(const RecProfile *reference, const RecProfile *current, bool with_nulls)
{
	const RecProfile *const p[2] = {reference, current};
	int			all = 0,
				n = 0;
	Named		other = {.count = {reference->other, current->other}};
	Aligned		a = {.list = palloc(sizeof(Named) * (reference->ncategories + current->ncategories + 2))};

	require_categories(reference);
	require_categories(current);
	list_names(a.list, &all, reference, 0);
	list_names(a.list, &all, current, 1);
	qsort(a.list, all, sizeof(Named), compare_names);
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
		a.list[a.n++] = (Named) {.name = NULL, .count = {reference->nulls, current->nulls}};
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

	check_kinds(reference, current);
	require_numbers(reference);
	return rec_make_ks(fcinfo, &reference->sample, &current->sample);
}

PG_FUNCTION_INFO_V1(rec_profiles_wasserstein);
Datum
rec_profiles_wasserstein(PG_FUNCTION_ARGS)
{
	RecProfile *reference = profile_of(fcinfo, 0),
			   *current = profile_of(fcinfo, 1);

	check_kinds(reference, current);
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
	Aligned		a;

	check_kinds(reference, current);
	a = align(reference, current, false);
	return rec_make_chi2(fcinfo, a.reference, a.current, a.n);
}

/* Counts in bins of the reference's quantiles, or of categories. */
static Aligned
binned(FunctionCallInfo fcinfo)
{
	RecProfile *reference = profile_of(fcinfo, 0),
			   *current = profile_of(fcinfo, 1);
	int			bins = PG_GETARG_INT32(2);
	Aligned		a = {.n = 0};

	check_kinds(reference, current);
	rec_check_bins(bins);
	if (reference->kind == REC_PROFILE_CATEGORY)
		return align(reference, current, true);
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
	Aligned		a = binned(fcinfo);

	return rec_make_psi(fcinfo, a.reference, a.current, a.n);
}

PG_FUNCTION_INFO_V1(rec_profiles_js);
Datum
rec_profiles_js(PG_FUNCTION_ARGS)
{
	Aligned		a = binned(fcinfo);
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
	Aligned		a;

	check_kinds(reference, current);
	a = align(reference, current, false);
	return rec_make_new_categories(fcinfo, a.reference, a.current, a.n);
}

/* (label, reference share, current share) for pictures */
#define SHOWN_CATEGORIES 10

static void
put_share(ReturnSetInfo *rsinfo, const char *label, double reference, double n, double current, double m)
{
	Datum		v[3] = {CStringGetTextDatum(label), Float8GetDatum(reference / n), Float8GetDatum(current / m)};
	bool		null[3] = {false, n == 0, m == 0};

	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, v, null);
}

static int
compare_frequency(const void *a, const void *b)
{
	const Named *x = a,
			   *y = b;
	double		difference = y->count[0] + y->count[1] - x->count[0] - x->count[1];

	return difference > 0 ? 1 : difference < 0 ? -1 : strcmp(x->name ? x->name : "", y->name ? y->name : "");
}

static void
show_categories(ReturnSetInfo *rsinfo, const RecProfile *reference, const RecProfile *current)
{
	Aligned		a = align(reference, current, false);
	double		other[2] = {0, 0};
	int			shown = 0;

	qsort(a.list, a.n, sizeof(Named), compare_frequency);
	for (int i = 0; i < a.n; i++)
	{
		if (a.list[i].name == NULL || shown == SHOWN_CATEGORIES)
		{
			other[0] += a.list[i].count[0];
			other[1] += a.list[i].count[1];
			continue;
		}
		shown++;
		put_share(rsinfo, a.list[i].name, a.list[i].count[0], reference->n, a.list[i].count[1], current->n);
	}
	if (other[0] + other[1] > 0)
		put_share(rsinfo, "(other)", other[0], reference->n, other[1], current->n);
}

static char *
bound_text(RecProfileKind kind, double x)
{
	if (kind == REC_PROFILE_TIME && isfinite(x) && fabs(x) < 1e11)
		return text_to_cstring(DatumGetTextPP(DirectFunctionCall2(timestamp_to_char,
			TimestampGetDatum((Timestamp) ((x - (double) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY) * 1e6)),
																  CStringGetTextDatum("YYYY-MM-DD HH24:MI"))));
	return psprintf("%.4g", x);
}

/* Ten bins of equal width over the middle 98 % of the reference: shapes are seen, outliers are in the end bins. */
static void
show_numbers(ReturnSetInfo *rsinfo, const RecProfile *reference, const RecProfile *current)
{
	const RecEmpirical *base = reference->sample.len > 0 ? &reference->sample : &current->sample;
	double		quantile[101],
				edges[SHOWN_CATEGORIES - 1],
				counts[2][SHOWN_CATEGORIES];
	int			bins = SHOWN_CATEGORIES;
	double		low,
				high;

	if (base->len == 0)
		return;
	rec_quantiles(base, 100, quantile);
	low = quantile[1];
	high = quantile[99];
	if (!isfinite(low) || !isfinite(high) || !isfinite(high - low) || low == high)
		bins = 1;
	for (int i = 0; i < bins - 1; i++)
		edges[i] = low + (high - low) * (i + 1) / bins;
	rec_bin_counts(&reference->sample, edges, bins - 1, counts[0]);
	rec_bin_counts(&current->sample, edges, bins - 1, counts[1]);
	for (int i = 0; i < bins; i++)
		put_share(rsinfo, bins == 1 ? psprintf("about %s", bound_text(reference->kind, low)) :
				  i == 0 ? psprintf("< %s", bound_text(reference->kind, edges[0])) :
				  psprintf(">= %s", bound_text(reference->kind, edges[i - 1])),
				  counts[0][i], reference->n, counts[1][i], current->n);
}

PG_FUNCTION_INFO_V1(rec_profiles_shares);
Datum
rec_profiles_shares(PG_FUNCTION_ARGS)
{
	RecProfile *reference,
			   *current;
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return (Datum) 0;
	reference = profile_of(fcinfo, 0);
	current = profile_of(fcinfo, 1);
	check_kinds(reference, current);
	/* numbers with few values are shown by value when both sides have few, and few enough to be shown */
	if (reference->kind == REC_PROFILE_CATEGORY ||
		(rec_profile_is_categorical(reference) && rec_profile_is_categorical(current) &&
		 Max(reference->ncategories, current->ncategories) <= SHOWN_CATEGORIES))
		show_categories(rsinfo, reference, current);
	else
		show_numbers(rsinfo, reference, current);
	if (reference->nulls + current->nulls > 0)
		put_share(rsinfo, "(null)", reference->nulls, reference->n, current->nulls, current->n);
	return (Datum) 0;
}
