/*
 * profile.c
 *		rec.profile(x) and rec.merge_profiles(profile): what is kept of a column, to compare later rows with.
 *
 * Numbers and times go into a sketch of quantiles with a known error (src/core/sketch.h); when its first level is full and
 * sorted, and at the end, the numbers in it are counted into moments and extremes and, as long as there are fewer than 50
 * distinct ones, exact counts of each. Categories are counted exactly, up to 100,000 of them; rows of
 * those that come later are counted together. A profile names the 1,000 most frequent ones.
 */
#include "api/aggregate.h"
#include "api/drift.h"

#include <math.h>

#include "core/sketch.h"
#include "core/sort.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#define TAG 0x44725031			/* DrP1 */

typedef struct Named
{
	uint64		key;
	char	   *name;
	int64		count;
	char		status;
} Named;

#define SH_PREFIX named
#define SH_ELEMENT_TYPE Named
#define SH_KEY_TYPE uint64
#define SH_KEY key
#define SH_HASH_KEY(tb, key) ((uint32) ((key) ^ ((key) >> 32)))
#define SH_EQUAL(tb, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

struct RecProfiling
{
	MemoryContext context;
	RecProfileKind kind;
	int64		n;
	int64		nulls;
	RecSketch	sketch;
	int			counted;		/* numbers of the sketch's first level that moments, extremes and few include */
	RecMoments	moments;		/* of finite numbers */
	double		min,
				max;
	int			nfew;			/* distinct numbers so far, ascending in few; -1: too many */
	double		few[REC_FEW_VALUES];
	int64		few_count[REC_FEW_VALUES];
	named_hash *table;			/* categories */
	int64		other;
	RecCategoryReader reader;
};

typedef struct RecProfiling Profiling;

Profiling *
rec_profiling_create(MemoryContext context, RecProfileKind kind)
{
	Profiling  *s = MemoryContextAllocZero(context, sizeof(Profiling));

	s->context = context;
	s->kind = kind;
	s->min = INFINITY;
	s->max = -INFINITY;
	if (kind == REC_PROFILE_CATEGORY)
		s->table = named_create(context, 64, NULL);
	return s;
}

static Profiling *
state_of(FunctionCallInfo fcinfo, RecProfileKind kind)
{
	return PG_ARGISNULL(0) ? rec_profiling_create(rec_aggregate_context(fcinfo), kind) : (Profiling *) PG_GETARG_POINTER(0);
}

static void
sketch_add(Profiling *s, int level, double x)
{
	for (int l = rec_sketch_needs(&s->sketch, level); l >= 0 && s->sketch.level[l] == NULL; l--)
		s->sketch.level[l] = MemoryContextAlloc(s->context, REC_SKETCH_SIZE * sizeof(double));
	rec_sketch_add(&s->sketch, level, x);
}

/* Counts a number among the few distinct ones, as long as they are few. */
static void
count_few(Profiling *s, double x, int64 n)
{
	int			low = 0,
				high = s->nfew;

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (s->few[middle] < x)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < s->nfew && s->few[low] == x)
	{
		s->few_count[low] += n;
		return;
	}
	if (s->nfew == REC_FEW_VALUES - 1)
	{
		s->nfew = -1;
		return;
	}
	memmove(&s->few[low + 1], &s->few[low], (s->nfew - low) * sizeof(double));
	memmove(&s->few_count[low + 1], &s->few_count[low], (s->nfew - low) * sizeof(int64));
	s->few[low] = x;
	s->few_count[low] = n;
	s->nfew++;
}

/* Counts the numbers of the first level that are not counted, which it sorts. */
static void
settle(Profiling *s)
{
	double		scratch[REC_SKETCH_SIZE],
			   *x;
	int			n = s->sketch.count[0] - s->counted,
				first = 0,
				last = n;

	s->counted = s->sketch.count[0];
	if (n <= 0)
		return;
	x = s->sketch.level[0] + s->sketch.count[0] - n;
	if (rec_sort(x, scratch, n, NULL) == scratch)
		memcpy(x, scratch, sizeof(double) * n);
	s->sketch.n += n;
	s->min = Min(s->min, x[0]);
	s->max = Max(s->max, x[n - 1]);
	while (first < n && isinf(x[first]) && x[first] < 0)
		first++;
	while (last > first && isinf(x[last - 1]))
		last--;
	rec_moments_add_many(&s->moments, x + first, last - first);
	for (int i = 0; i < n && s->nfew >= 0;)
	{
		int			next = i + 1;

		while (next < n && x[next] == x[i])
			next++;
		count_few(s, x[i], next - i);
		i = next;
	}
}

static pg_noinline void
add_to_full_level(Profiling *s, double x)
{
	settle(s);
	sketch_add(s, 0, x);
	s->counted = 0;
}

void
rec_profiling_add(Profiling *s, bool isnull, double x)
{
	RecSketch  *k = &s->sketch;

	s->n++;
	if (isnull || isnan(x))
	{
		s->nulls++;
		return;
	}
	x += 0.0;					/* -0 is 0 */
	if (likely(k->level[0] && k->count[0] < REC_SKETCH_SIZE))
		k->level[0][k->count[0]++] = x;
	else
		add_to_full_level(s, x);
}

PG_FUNCTION_INFO_V1(rec_profile_add);
Datum
rec_profile_add(PG_FUNCTION_ARGS)
{
	Profiling  *s = state_of(fcinfo, REC_PROFILE_NUMBER);

	rec_profiling_add(s, PG_ARGISNULL(1), PG_ARGISNULL(1) ? 0 : PG_GETARG_FLOAT8(1));
	PG_RETURN_POINTER(s);
}

PG_FUNCTION_INFO_V1(rec_profile_add_time);
Datum
rec_profile_add_time(PG_FUNCTION_ARGS)
{
	Profiling  *s = state_of(fcinfo, REC_PROFILE_TIME);

	rec_profiling_add(s, PG_ARGISNULL(1), PG_ARGISNULL(1) ? 0 : rec_seconds(PG_GETARG_TIMESTAMP(1)));
	PG_RETURN_POINTER(s);
}

/* `name` is not terminated. */
static void
count_named(Profiling *s, const char *name, int length, int64 n)
{
	uint64		key = rec_category_key(name, length);
	Named	   *entry = named_lookup(s->table, key);
	bool		found;

	if (entry == NULL && s->table->members >= REC_PROFILE_SEEN)
	{
		s->other += n;
		return;
	}
	if (entry == NULL)
	{
		char	   *copy = MemoryContextAlloc(s->context, length + 1);

		memcpy(copy, name, length);
		copy[length] = '\0';
		entry = named_insert(s->table, key, &found);
		entry->name = copy;
		entry->count = 0;
	}
	entry->count += n;
}

void
rec_profiling_add_category(Profiling *s, FunctionCallInfo fcinfo)
{
	char		buffer[REC_CATEGORY_LENGTH + 1];
	const char *text;
	int			length;

	s->n++;
	if (PG_ARGISNULL(1))
	{
		s->nulls++;
		return;
	}
	if (!OidIsValid(s->reader.type))
		rec_category_reader(&s->reader, fcinfo, 1);
	text = rec_category_text(&s->reader, PG_GETARG_DATUM(1), buffer, &length);
	count_named(s, text, length, 1);
}

PG_FUNCTION_INFO_V1(rec_profile_add_category);
Datum
rec_profile_add_category(PG_FUNCTION_ARGS)
{
	Profiling  *s = state_of(fcinfo, REC_PROFILE_CATEGORY);

	rec_profiling_add_category(s, fcinfo);
	PG_RETURN_POINTER(s);
}

/* Both are settled. */
static void
merge_sketch(Profiling *s, const RecSketch *other)
{
	for (int l = 0; l < REC_SKETCH_LEVELS; l++)
		for (int i = 0; i < other->count[l]; i++)
			sketch_add(s, l, other->level[l][i]);
	s->counted = s->sketch.count[0];
	s->sketch.n += other->n;
	s->sketch.error += other->error;
}

static void
merge_few(Profiling *s, const Profiling *other)
{
	if (other->nfew < 0)
		s->nfew = -1;
	for (int i = 0; i < other->nfew && s->nfew >= 0; i++)
		count_few(s, other->few[i], other->few_count[i]);
}

static void
merge_named(Profiling *s, const Profiling *other)
{
	named_iterator it;
	Named	   *entry;

	named_start_iterate(other->table, &it);
	while ((entry = named_iterate(other->table, &it)) != NULL)
		count_named(s, entry->name, strlen(entry->name), entry->count);
	s->other += other->other;
}

PG_FUNCTION_INFO_V1(rec_profile_combine);
Datum
rec_profile_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = rec_aggregate_context(fcinfo);
	Profiling  *s = PG_ARGISNULL(0) ? NULL : (Profiling *) PG_GETARG_POINTER(0),
			   *other = PG_ARGISNULL(1) ? NULL : (Profiling *) PG_GETARG_POINTER(1);

	if (other == NULL)
	{
		if (s == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(s);
	}
	if (s == NULL)
		s = rec_profiling_create(context, other->kind);
	else if (s->kind != other->kind)
		rec_bad_state();
	settle(s);
	settle(other);
	s->n += other->n;
	s->nulls += other->nulls;
	rec_moments_merge(&s->moments, &other->moments);
	s->min = Min(s->min, other->min);
	s->max = Max(s->max, other->max);
	merge_sketch(s, &other->sketch);
	merge_few(s, other);
	if (other->table)
		merge_named(s, other);
	PG_RETURN_POINTER(s);
}

PG_FUNCTION_INFO_V1(rec_profile_out);
Datum
rec_profile_out(PG_FUNCTION_ARGS)
{
	Profiling  *s = (Profiling *) PG_GETARG_POINTER(0);
	StringInfoData b;

	(void) rec_aggregate_context(fcinfo);
	settle(s);
	pq_begintypsend(&b);
	pq_sendint32(&b, TAG);
	pq_sendint32(&b, s->kind);
	pq_sendint64(&b, s->n);
	pq_sendint64(&b, s->nulls);
	pq_sendfloat8(&b, s->moments.n);
	pq_sendfloat8(&b, s->moments.mean);
	pq_sendfloat8(&b, s->moments.squares);
	pq_sendfloat8(&b, s->min);
	pq_sendfloat8(&b, s->max);
	pq_sendint64(&b, s->sketch.n);
	pq_sendint64(&b, s->sketch.error);
	for (int l = 0; l < REC_SKETCH_LEVELS; l++)
	{
		pq_sendint32(&b, s->sketch.count[l]);
		for (int i = 0; i < s->sketch.count[l]; i++)
			pq_sendfloat8(&b, s->sketch.level[l][i]);
	}
	pq_sendint32(&b, s->nfew);
	for (int i = 0; i < s->nfew; i++)
	{
		pq_sendfloat8(&b, s->few[i]);
		pq_sendint64(&b, s->few_count[i]);
	}
	pq_sendint64(&b, s->other);
	pq_sendint32(&b, s->table ? s->table->members : 0);
	if (s->table)
	{
		named_iterator it;
		Named	   *entry;

		named_start_iterate(s->table, &it);
		while ((entry = named_iterate(s->table, &it)) != NULL)
		{
			pq_sendint32(&b, strlen(entry->name));
			pq_sendbytes(&b, entry->name, strlen(entry->name));
			pq_sendint64(&b, entry->count);
		}
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&b));
}

/* A number from a message, which must be in a range. */
static int
get_int(StringInfo b, int least, int most)
{
	int			n = (int) pq_getmsgint(b, 4);

	if (n < least || n > most)
		rec_bad_state();
	return n;
}

static int64
get_count(StringInfo b)
{
	int64		n = pq_getmsgint64(b);

	if (n < 0)
		rec_bad_state();
	return n;
}

static double
get_number(StringInfo b)
{
	double		x = pq_getmsgfloat8(b);

	if (isnan(x))
		rec_bad_state();
	return x;
}

static void
get_sketch(StringInfo b, Profiling *s)
{
	int64		n = get_count(b),
				error = get_count(b),
				total = 0;

	for (int l = 0; l < REC_SKETCH_LEVELS; l++)
	{
		int			size = get_int(b, 0, l < REC_SKETCH_LEVELS - 4 ? REC_SKETCH_SIZE : 0);

		total += (int64) size << l;
		for (int i = 0; i < size; i++)
			sketch_add(s, l, get_number(b));
	}
	if (total != n)
		rec_bad_state();
	s->counted = s->sketch.count[0];
	s->sketch.n = n;
	s->sketch.error = error;
}

/* Reading is safe against truncation: pq_getmsg*() raise errors. */
PG_FUNCTION_INFO_V1(rec_profile_in);
Datum
rec_profile_in(PG_FUNCTION_ARGS)
{
	MemoryContext context = rec_aggregate_context(fcinfo);
	bytea	   *in = PG_GETARG_BYTEA_PP(0);
	StringInfoData b;
	Profiling  *s;
	int			entries;

	initStringInfo(&b);
	appendBinaryStringInfo(&b, VARDATA_ANY(in), VARSIZE_ANY_EXHDR(in));
	get_int(&b, TAG, TAG);
	s = rec_profiling_create(context, (RecProfileKind) get_int(&b, REC_PROFILE_NUMBER, REC_PROFILE_CATEGORY));
	s->n = get_count(&b);
	s->nulls = get_count(&b);
	s->moments.n = pq_getmsgfloat8(&b);
	s->moments.mean = pq_getmsgfloat8(&b);
	s->moments.squares = pq_getmsgfloat8(&b);
	s->min = get_number(&b);
	s->max = get_number(&b);
	get_sketch(&b, s);
	entries = get_int(&b, -1, REC_FEW_VALUES - 1);
	for (int i = 0; i < entries; i++)
	{
		double		x = get_number(&b);

		if (s->nfew >= 0)
			count_few(s, x, get_count(&b));
	}
	if (entries < 0)
		s->nfew = -1;
	s->other = get_count(&b);
	entries = get_int(&b, 0, s->table ? REC_PROFILE_SEEN : 0);
	for (int i = 0; i < entries; i++)
	{
		int			length = get_int(&b, 0, REC_CATEGORY_LENGTH);
		const char *name = pq_getmsgbytes(&b, length);

		count_named(s, name, length, get_count(&b));
	}
	pq_getmsgend(&b);
	PG_RETURN_POINTER(s);
}

static int
compare_named(const void *a, const void *b)
{
	const Named *x = a,
			   *y = b;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* The most frequent categories; the others are counted together. */
static void
name_categories(RecProfile *p, Named *list, int n)
{
	qsort(list, n, sizeof(Named), compare_named);
	p->ncategories = Min(n, REC_PROFILE_CATEGORIES);
	p->categories = palloc(sizeof(char *) * Max(p->ncategories, 1));
	p->counts = palloc(sizeof(int64) * Max(p->ncategories, 1));
	for (int i = 0; i < n; i++)
	{
		if (i >= p->ncategories)
		{
			p->other += list[i].count;
			continue;
		}
		p->categories[i] = list[i].name;
		p->counts[i] = list[i].count;
	}
}

static void
final_categories(Profiling *s, RecProfile *p)
{
	Named	   *list;
	int			n = 0;

	p->other = s->other;
	if (s->table)
	{
		named_iterator it;
		Named	   *entry;

		list = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(Named) * Max(s->table->members, 1));
		named_start_iterate(s->table, &it);
		while ((entry = named_iterate(s->table, &it)) != NULL)
			list[n++] = *entry;
	}
	else
	{
		list = palloc(sizeof(Named) * REC_FEW_VALUES);
		for (; n < s->nfew; n++)
		{
			char		buffer[REC_CATEGORY_LENGTH + 1];

			rec_number_text(s->few[n], buffer);
			list[n] = (Named) {.name = pstrdup(buffer), .count = s->few_count[n]};
		}
	}
	name_categories(p, list, n);
}

/* All numbers, or a grid of quantiles and its greatest error. */
static void
final_numbers(Profiling *s, RecProfile *p)
{
	int64		size = rec_sketch_size(&s->sketch);
	RecWeighted *list;
	double	   *grid;
	int			count = (int) Min(s->sketch.n, REC_GRID);

	if (s->sketch.n == 0)
		return;
	list = palloc(sizeof(RecWeighted) * size);
	grid = palloc(sizeof(double) * Max(count, 2));
	rec_sketch_quantiles(&s->sketch, list, grid, count);
	grid[0] = s->min;
	grid[count - 1] = s->max;
	p->sample = (RecEmpirical) {
		.x = grid, .len = count, .n = s->sketch.n, .grid = s->sketch.n > REC_GRID
	};
	/* between two quantiles, and what the sketch may be off */
	if (p->sample.grid)
		p->sample.error = 1.0 / (REC_GRID - 1) + (s->sketch.error + 1.0) / s->sketch.n;
}

RecProfile
rec_profiling_finish(Profiling *s)
{
	RecProfile	p = {.kind = s->kind, .n = s->n, .nulls = s->nulls};

	settle(s);
	p.mean = s->moments.n > 0 ? s->moments.mean : NAN;
	p.variance = s->moments.n > 1 ? s->moments.squares / (s->moments.n - 1) : NAN;
	final_numbers(s, &p);
	final_categories(s, &p);
	return p;
}

PG_FUNCTION_INFO_V1(rec_profile_final);
Datum
rec_profile_final(PG_FUNCTION_ARGS)
{
	RecProfile	p;

	(void) rec_aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	p = rec_profiling_finish((Profiling *) PG_GETARG_POINTER(0));
	return rec_profile_make(fcinfo, &p);
}
