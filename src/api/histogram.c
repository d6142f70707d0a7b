/*
 * histogram.c
 *		Shares of two profiles to draw (rec.profile_shares), and drawn as text: rec.histogram(x, is_current).
 */
#include "api/aggregate.h"
#include "api/drift.h"

#include <math.h>

#include "funcapi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/formatting.h"

#define SHOWN (REC_SHARES - 2)	/* beside others and nulls */
#define BAR 30

/* The rows of a share, of the reference and now, and the share itself. */
static void
put_share(RecShare *shares, int *n, const char *label, double reference, double all_reference, double current, double all_current)
{
	shares[(*n)++] = (RecShare) {label, {all_reference > 0 ? reference / all_reference : NAN, all_current > 0 ? current / all_current : NAN}};
}

static int
compare_frequency(const void *a, const void *b)
{
	const RecNamed *x = a,
			   *y = b;
	double		difference = y->count[0] + y->count[1] - x->count[0] - x->count[1];

	return difference > 0 ? 1 : difference < 0 ? -1 : strcmp(x->name ? x->name : "", y->name ? y->name : "");
}

static int
compare_value(const void *a, const void *b)
{
	const RecNamed *x = a,
			   *y = b;
	double		difference = (x->name ? strtod(x->name, NULL) : 0) - (y->name ? strtod(y->name, NULL) : 0);

	return difference > 0 ? 1 : difference < 0 ? -1 : 0;
}

static void
share_categories(const RecProfile *reference, const RecProfile *current, RecShare *shares, int *n)
{
	RecAligned	a = rec_profile_align(reference, current, false);
	double		other[2] = {0, 0};
	int			shown = 0;

	qsort(a.list, a.n, sizeof(RecNamed), reference->kind == REC_PROFILE_CATEGORY ? compare_frequency : compare_value);
	for (int i = 0; i < a.n; i++)
	{
		if (a.list[i].name == NULL || shown == SHOWN)
		{
			other[0] += a.list[i].count[0];
			other[1] += a.list[i].count[1];
			continue;
		}
		shown++;
		put_share(shares, n, a.list[i].name, a.list[i].count[0], reference->n, a.list[i].count[1], current->n);
	}
	if (other[0] + other[1] > 0)
		put_share(shares, n, "(other)", other[0], reference->n, other[1], current->n);
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
share_numbers(const RecProfile *reference, const RecProfile *current, RecShare *shares, int *n)
{
	const RecEmpirical *base = reference->sample.len > 0 ? &reference->sample : &current->sample;
	double		quantile[101],
				edges[SHOWN - 1],
				counts[2][SHOWN],
				low,
				high;
	int			bins = SHOWN;

	if (base->len == 0)
		return;
	rec_quantiles(base, 100, quantile);
	low = quantile[1];
	high = quantile[99];
	if (!isfinite(low) || !isfinite(high) || !isfinite(high - low) || low == high)
	{
		/* no width: below, at and above the middle */
		bins = 3;
		edges[0] = quantile[50];
		edges[1] = nextafter(quantile[50], INFINITY);
	}
	for (int i = 0; bins == SHOWN && i < bins - 1; i++)
		edges[i] = low + (high - low) * (i + 1) / bins;
	rec_bin_counts(&reference->sample, edges, bins - 1, counts[0]);
	rec_bin_counts(&current->sample, edges, bins - 1, counts[1]);
	for (int i = 0; i < bins; i++)
		put_share(shares, n, i == 0 ? psprintf("< %s", bound_text(reference->kind, edges[0])) :
				  psprintf("%s %s", bins == 3 && i == 1 ? "=" : bins == 3 ? ">" : ">=", bound_text(reference->kind, edges[bins == 3 ? 0 : i - 1])),
				  counts[0][i], reference->n, counts[1][i], current->n);
}

int
rec_profile_shares(const RecProfile *reference, const RecProfile *current, RecShare *shares)
{
	int			n = 0;

	rec_profile_check_kinds(reference, current);
	/* numbers with few values are shown by value when both sides have few enough to be shown */
	if (reference->kind == REC_PROFILE_CATEGORY ||
		(rec_profile_is_categorical(reference) && rec_profile_is_categorical(current) &&
		 Max(reference->ncategories, current->ncategories) <= SHOWN))
		share_categories(reference, current, shares, &n);
	else
		share_numbers(reference, current, shares, &n);
	if (reference->nulls + current->nulls > 0)
		put_share(shares, &n, "(null)", reference->nulls, reference->n, current->nulls, current->n);
	return n;
}

PG_FUNCTION_INFO_V1(rec_profiles_shares);
Datum
rec_profiles_shares(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	RecShare	shares[REC_SHARES];
	int			n;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return (Datum) 0;
	n = rec_profile_shares(rec_profile_read(PG_GETARG_DATUM(0)), rec_profile_read(PG_GETARG_DATUM(1)), shares);
	for (int i = 0; i < n; i++)
	{
		Datum		v[3] = {CStringGetTextDatum(shares[i].label), Float8GetDatum(shares[i].share[0]), Float8GetDatum(shares[i].share[1])};
		bool		null[3] = {false, isnan(shares[i].share[0]), isnan(shares[i].share[1])};

		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, v, null);
	}
	return (Datum) 0;
}

/* State of rec.histogram: a profile of each side. */
typedef struct Sides
{
	RecProfiling *side[2];
} Sides;

static RecProfiling *
side_of(FunctionCallInfo fcinfo, Sides **s, RecProfileKind kind)
{
	MemoryContext context = rec_aggregate_context(fcinfo);

	*s = PG_ARGISNULL(0) ? NULL : (Sides *) PG_GETARG_POINTER(0);
	if (*s == NULL)
	{
		*s = MemoryContextAlloc(context, sizeof(Sides));
		for (int i = 0; i < 2; i++)
			(*s)->side[i] = rec_profiling_create(context, kind);
	}
	return PG_ARGISNULL(2) ? NULL : (*s)->side[PG_GETARG_BOOL(2) ? 1 : 0];
}

PG_FUNCTION_INFO_V1(rec_histogram_add);
Datum
rec_histogram_add(PG_FUNCTION_ARGS)
{
	Sides	   *s;
	RecProfiling *side = side_of(fcinfo, &s, REC_PROFILE_NUMBER);

	if (side)
		rec_profiling_add(side, PG_ARGISNULL(1), PG_ARGISNULL(1) ? 0 : PG_GETARG_FLOAT8(1));
	PG_RETURN_POINTER(s);
}

PG_FUNCTION_INFO_V1(rec_histogram_add_time);
Datum
rec_histogram_add_time(PG_FUNCTION_ARGS)
{
	Sides	   *s;
	RecProfiling *side = side_of(fcinfo, &s, REC_PROFILE_TIME);

	if (side)
		rec_profiling_add(side, PG_ARGISNULL(1), PG_ARGISNULL(1) ? 0 : rec_seconds(PG_GETARG_TIMESTAMP(1)));
	PG_RETURN_POINTER(s);
}

PG_FUNCTION_INFO_V1(rec_histogram_add_category);
Datum
rec_histogram_add_category(PG_FUNCTION_ARGS)
{
	Sides	   *s;
	RecProfiling *side = side_of(fcinfo, &s, REC_PROFILE_CATEGORY);

	if (side)
		rec_profiling_add_category(side, fcinfo);
	PG_RETURN_POINTER(s);
}

/* Columns that a text takes on a terminal. */
static int
width_of(const char *text)
{
	int			width = GetDatabaseEncoding() == PG_UTF8 ? pg_mbstrlen(text) : (int) strlen(text);

	return width;
}

static void
pad(StringInfo out, const char *text, int width)
{
	appendStringInfoString(out, text);
	appendStringInfoSpaces(out, Max(width - width_of(text), 0));
}

/* A label of one line and of at most 24 characters. */
static char *
short_label(const char *label)
{
	char	   *copy = pnstrdup(label, pg_mbcharcliplen(label, strlen(label), 24));

	for (char *c = copy; *c; c++)
		if ((unsigned char) *c < ' ' || *c == 127)
			*c = ' ';
	return copy;
}

static void
draw_bar(StringInfo out, double share, double greatest, bool last)
{
	StringInfoData bar;
	int			length = greatest > 0 && !isnan(share) ? (int) rint(BAR * share / greatest) : 0;

	initStringInfo(&bar);
	for (int i = 0; i < length; i++)
		appendStringInfoString(&bar, GetDatabaseEncoding() == PG_UTF8 ? "\xe2\x96\x88" : "#");
	if (isnan(share))
		appendStringInfoString(&bar, "-");
	else
		appendStringInfo(&bar, "%s%.1f %%", length > 0 ? " " : "", 100 * share);
	if (last)
		appendStringInfoString(out, bar.data);
	else
		pad(out, bar.data, BAR + 10);
}

PG_FUNCTION_INFO_V1(rec_histogram_final);
Datum
rec_histogram_final(PG_FUNCTION_ARGS)
{
	Sides	   *s;
	RecProfile	p[2];
	RecShare	shares[REC_SHARES];
	StringInfoData out;
	int			n,
				width = 5;
	double		greatest = 0;

	(void) rec_aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	s = (Sides *) PG_GETARG_POINTER(0);
	for (int i = 0; i < 2; i++)
		p[i] = rec_profiling_finish(s->side[i]);
	n = rec_profile_shares(&p[0], &p[1], shares);
	for (int i = 0; i < n; i++)
	{
		shares[i].label = short_label(shares[i].label);
		width = Max(width, width_of(shares[i].label));
		for (int k = 0; k < 2; k++)
			if (shares[i].share[k] > greatest)
				greatest = shares[i].share[k];
	}
	initStringInfo(&out);
	pad(&out, "value", width + 2);
	pad(&out, psprintf("reference (" INT64_FORMAT ")", p[0].n), BAR + 10);
	appendStringInfo(&out, "current (" INT64_FORMAT ")", p[1].n);
	for (int i = 0; i < n; i++)
	{
		appendStringInfoChar(&out, '\n');
		pad(&out, shares[i].label, width + 2);
		draw_bar(&out, shares[i].share[0], greatest, false);
		draw_bar(&out, shares[i].share[1], greatest, true);
	}
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}
