/*
 * profile_merge.c
 *		rec.merge_profiles(profile): one profile of several, as of one period of many.
 *
 * Exact counts stay exact. Of numbers that are kept as quantiles, each quantile stands for its share of the rows; the
 * error that this adds is stated in the result.
 */
#include "api/aggregate.h"
#include "api/drift.h"

#include <math.h>

#include "core/sketch.h"
#include "utils/memutils.h"

typedef struct Merging
{
	MemoryContext context;
	bool		any;
	RecProfile	sum;
	RecMoments	moments;
	RecNumbers *numbers;		/* numbers or quantiles, each followed by how many it stands for */
	double		error;			/* summed over rows */
	bool		grids;			/* some were quantiles */
	bool		few;			/* all have counts of distinct numbers */
} Merging;

typedef struct Counted
{
	char	   *name;
	int64		count;
} Counted;

static Merging *
create_state(MemoryContext context)
{
	Merging    *s = MemoryContextAllocZero(context, sizeof(Merging));

	s->context = context;
	s->numbers = rec_numbers_create(context);
	s->few = true;
	return s;
}

static void
add_numbers(Merging *s, const RecProfile *p)
{
	const RecEmpirical *sample = &p->sample;

	if (sample->len > 0 && p->ncategories == 0)
		s->few = false;
	s->grids |= sample->grid;
	s->error += sample->n * (sample->error + (sample->grid ? 1.0 / sample->len : 0));
	for (int64 i = 0; i < sample->len; i++)
	{
		rec_numbers_add(s->numbers, sample->x[i]);
		rec_numbers_add(s->numbers, sample->cum ? sample->cum[i + 1] - sample->cum[i] : sample->n / sample->len);
	}
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(((const Counted *) a)->name, ((const Counted *) b)->name);
}

static int
compare_counts(const void *a, const void *b)
{
	const Counted *x = a,
			   *y = b;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* Adds categories to those of the sum, which stay at most so many. */
static void
add_categories(Merging *s, const RecProfile *p)
{
	int			n = 0,
				all = s->sum.ncategories + p->ncategories,
				limit = p->kind == REC_PROFILE_CATEGORY ? REC_PROFILE_CATEGORIES : REC_FEW_VALUES - 1;
	Counted	   *list = palloc(sizeof(Counted) * Max(all, 1));

	for (int i = 0; i < all; i++)
	{
		bool		own = i < s->sum.ncategories;
		int			k = own ? i : i - s->sum.ncategories;

		list[i] = (Counted) {own ? s->sum.categories[k] : p->categories[k], own ? s->sum.counts[k] : p->counts[k]};
	}
	qsort(list, all, sizeof(Counted), compare_names);
	for (int i = 0; i < all; i++)
	{
		if (n > 0 && strcmp(list[n - 1].name, list[i].name) == 0)
			list[n - 1].count += list[i].count;
		else
			list[n++] = list[i];
	}
	qsort(list, n, sizeof(Counted), compare_counts);
	s->sum.ncategories = Min(n, limit);
	s->sum.categories = MemoryContextAlloc(s->context, sizeof(char *) * Max(s->sum.ncategories, 1));
	s->sum.counts = MemoryContextAlloc(s->context, sizeof(int64) * Max(s->sum.ncategories, 1));
	for (int i = 0; i < n; i++)
	{
		if (i >= limit)
		{
			s->sum.other += list[i].count;
			continue;
		}
		s->sum.categories[i] = MemoryContextStrdup(s->context, list[i].name);
		s->sum.counts[i] = list[i].count;
	}
	s->sum.other += p->other;
	/* numbers are no longer few */
	if (n > limit)
		s->few = false;
}

static void
add_moments(Merging *s, const RecProfile *p)
{
	RecMoments	m = {.n = p->n - p->nulls, .mean = p->mean};

	if (isnan(p->mean))
		return;
	m.squares = isnan(p->variance) ? 0 : p->variance * (m.n - 1);
	rec_moments_merge(&s->moments, &m);
}

PG_FUNCTION_INFO_V1(rec_merge_profiles_add);
Datum
rec_merge_profiles_add(PG_FUNCTION_ARGS)
{
	MemoryContext context = rec_aggregate_context(fcinfo);
	Merging    *s = PG_ARGISNULL(0) ? create_state(context) : (Merging *) PG_GETARG_POINTER(0);
	RecProfile *p;

	if (PG_ARGISNULL(1))
		PG_RETURN_POINTER(s);
	p = rec_profile_read(PG_GETARG_DATUM(1));
	if (s->any && p->kind != s->sum.kind)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("profiles of different kinds cannot be merged"),
				 errdetail("A column of numbers, one of times and one of categories have nothing in common.")));
	s->any = true;
	s->sum.kind = p->kind;
	s->sum.n += p->n;
	s->sum.nulls += p->nulls;
	add_moments(s, p);
	if (p->kind != REC_PROFILE_CATEGORY)
		add_numbers(s, p);
	if (s->few || p->kind == REC_PROFILE_CATEGORY)
		add_categories(s, p);
	PG_RETURN_POINTER(s);
}

static void
merge_numbers(Merging *s, RecProfile *p)
{
	int64		numbers = p->n - p->nulls;
	int			count = (int) Min(numbers, REC_GRID);
	bool		grid = s->grids || numbers > REC_GRID;
	double	   *quantile = palloc0(sizeof(double) * REC_GRID);
	RecWeighted *list;

	p->sample.x = quantile;
	if (numbers == 0)
		return;
	list = palloc(sizeof(double) * s->numbers->n);
	memcpy(list, s->numbers->x, sizeof(double) * s->numbers->n);
	rec_weighted_quantiles(list, s->numbers->n / 2, quantile, count);
	p->sample.len = count;
	p->sample.n = numbers;
	p->sample.error = grid ? Min(s->error / numbers + 1.0 / (REC_GRID - 1) + 1.0 / numbers, 1) : 0;
}

PG_FUNCTION_INFO_V1(rec_merge_profiles_final);
Datum
rec_merge_profiles_final(PG_FUNCTION_ARGS)
{
	Merging    *s;
	RecProfile	p;

	(void) rec_aggregate_context(fcinfo);
	if (PG_ARGISNULL(0) || !((Merging *) PG_GETARG_POINTER(0))->any)
		PG_RETURN_NULL();
	s = (Merging *) PG_GETARG_POINTER(0);
	p = s->sum;
	p.mean = s->moments.n > 0 ? s->moments.mean : NAN;
	p.variance = s->moments.n > 1 ? s->moments.squares / (s->moments.n - 1) : NAN;
	if (p.kind != REC_PROFILE_CATEGORY)
	{
		merge_numbers(s, &p);
		if (!s->few)
			p.ncategories = p.other = 0;
	}
	return rec_profile_make(fcinfo, &p);
}

/* Categories with fewer rows than so many, and those after the fiftieth, are counted with the others. */
PG_FUNCTION_INFO_V1(rec_profile_lump);
Datum
rec_profile_lump(PG_FUNCTION_ARGS)
{
	RecProfile *p = rec_profile_read(PG_GETARG_DATUM(0));
	double		least = PG_GETARG_FLOAT8(1);
	int			kept = 0;

	for (int i = 0; i < p->ncategories; i++)
	{
		if (kept == REC_FEW_VALUES || p->counts[i] < least)
		{
			p->other += p->counts[i];
			continue;
		}
		p->categories[kept] = p->categories[i];
		p->counts[kept++] = p->counts[i];
	}
	p->ncategories = kept;
	return rec_profile_make(fcinfo, p);
}
