/*
 * attribute_fit.c
 *		Encoders of attributes, fitted on raw values. See attributes.h.
 *
 * The caller passes rows in the order of positions, so that sums repeat from run to run.
 */
#include "model/attributes.h"

#include <math.h>

#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#define MOST_LEVELS 1024		/* columns of one category, of tags, text or pairs */
#define MOST_COLUMNS 65536		/* of one side */

typedef struct LevelEntry
{
	uint64		hash;
	int64		rows;			/* that have it */
	int64		last_row;		/* the last one that was counted */
	char	   *name;
	char		status;
} LevelEntry;

#define SH_PREFIX levels
#define SH_ELEMENT_TYPE LevelEntry
#define SH_KEY_TYPE uint64
#define SH_KEY hash
#define SH_HASH_KEY(tb, key) ((uint32) ((key) ^ ((key) >> 32)))
#define SH_EQUAL(tb, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

typedef struct AttributeFit
{
	levels_hash *level;			/* vectors: by number of elements */
	int64		n;				/* numbers: Welford */
	double		mean,
				squares;
	double	   *age;			/* seconds, of all rows */
	int64		nage,
				room;
} AttributeFit;

struct RecEncoderFit
{
	RecAttributes *list;
	MemoryContext context;
	AttributeFit *att;
	int64		rows;
};

RecEncoderFit *
rec_encoder_begin(RecAttributes *list, MemoryContext context)
{
	RecEncoderFit	   *f = MemoryContextAllocZero(context, sizeof(RecEncoderFit));

	f->list = list;
	f->context = context;
	f->att = MemoryContextAllocZero(context, list->n * sizeof(AttributeFit));
	for (int i = 0; i < list->n; i++)
		f->att[i].level = levels_create(context, 64, NULL);
	return f;
}

static LevelEntry *
level_entry(RecEncoderFit *f, int i, uint64 hash)
{
	bool		found;
	LevelEntry *e = levels_insert(f->att[i].level, hash, &found);

	if (!found)
	{
		e->rows = 0;
		e->last_row = -1;
		e->name = NULL;
	}
	return e;
}

void
rec_encoder_name(RecEncoderFit *f, int i, uint64 hash, const char *name, int length)
{
	LevelEntry *e = level_entry(f, i, hash);
	char	   *copy;

	if (e->name != NULL)
		return;
	/* names are shown, not compared: of very long ones the beginning is enough */
	length = Min(length, 200);
	copy = MemoryContextAlloc(f->context, length + 1);
	memcpy(copy, name, length);
	copy[length] = '\0';
	e->name = copy;
}

static void
count_level(RecEncoderFit *f, int i, uint64 hash)
{
	LevelEntry *e = level_entry(f, i, hash);

	if (e->last_row != f->rows)
		e->rows++;
	e->last_row = f->rows;
}

static const char *
name_of(RecEncoderFit *f, int i, uint64 hash)
{
	LevelEntry *e = levels_lookup(f->att[i].level, hash);

	return e && e->name ? e->name : "";
}

static void
count_pairs(RecEncoderFit *f, int i, const RecRaw *raw)
{
	const RecAttribute *a = &f->list->att[i];
	RecPairIterator it = rec_pairs_of(a, raw);
	uint64		first,
				second;

	while (rec_next_pair(&it, &first, &second))
	{
		uint64		hash = rec_pair_hash(first, second);
		LevelEntry *e = levels_lookup(f->att[i].level, hash);

		CHECK_FOR_INTERRUPTS();
		if (e == NULL)
		{
			char	   *name = psprintf("%s & %s", name_of(f, a->part[0], first), name_of(f, a->part[1], second));

			rec_encoder_name(f, i, hash, name, strlen(name));
			pfree(name);
		}
		count_level(f, i, hash);
	}
	rec_check_memory(MemoryContextMemAllocated(f->context, true), "Fitting attributes");
}

static void
count_number(AttributeFit *fit, double v)
{
	double		delta = v - fit->mean;

	fit->n++;
	fit->mean += delta / fit->n;
	fit->squares += delta * (v - fit->mean);
}

static void
keep_age(RecEncoderFit *f, AttributeFit *fit, double seconds)
{
	if (fit->nage == fit->room)
	{
		fit->room = Max(fit->room * 2, 1024);
		fit->age = fit->age ? repalloc_huge(fit->age, fit->room * sizeof(double)) :
			MemoryContextAllocHuge(f->context, fit->room * sizeof(double));
	}
	fit->age[fit->nage++] = seconds;
}

void
rec_encoder_row(RecEncoderFit *f, const RecRaw *raw)
{
	for (int i = 0; i < f->list->n; i++)
	{
		RecAttribute *a = &f->list->att[i];
		int			n = raw->start[i + 1] - raw->start[i];

		if (a->kind == REC_ATT_PAIR)
		{
			count_pairs(f, i, raw);
			continue;
		}
		if (n == 0)
			continue;
		a->rows++;
		if (rec_has_levels(a))
			for (int k = raw->start[i]; k < raw->start[i + 1]; k++)
				count_level(f, i, raw->hash[k]);
		else if (a->kind == REC_ATT_VECTOR)
			count_level(f, i, n);
		else if (a->kind == REC_ATT_AGE)
			keep_age(f, &f->att[i], raw->value[raw->start[i]]);
		else
			count_number(&f->att[i], rec_attribute_number(a, raw->value[raw->start[i]]));
	}
	f->rows++;
}

/* Most frequent first; ties by hash, so that the order repeats. */
static int
compare_entries(const void *a, const void *b)
{
	const LevelEntry *x = *(LevelEntry *const *) a,
			   *y = *(LevelEntry *const *) b;

	if (x->rows != y->rows)
		return x->rows > y->rows ? -1 : 1;
	return (x->hash > y->hash) - (x->hash < y->hash);
}

static LevelEntry **
sorted_entries(levels_hash *table, int *n)
{
	LevelEntry **entry = palloc_extended(Max(table->members, 1) * sizeof(LevelEntry *), MCXT_ALLOC_HUGE);
	levels_iterator it;
	LevelEntry *e;

	*n = 0;
	levels_start_iterate(table, &it);
	while ((e = levels_iterate(table, &it)) != NULL)
		if (e->rows > 0)
			entry[(*n)++] = e;
	qsort(entry, *n, sizeof(LevelEntry *), compare_entries);
	return entry;
}

/* Rows that a level needs for a column of its own. Two are enough for a word, which has no column of the rare to go to. */
static int64
least_rows(const RecAttribute *a, int64 rows)
{
	if (a->kind == REC_ATT_TEXT || a->kind == REC_ATT_PAIR || rows < 400)
		return 2;
	return Min(rows / 200, 5);
}

static void
name_column(RecAttributes *list, int column, const char *name)
{
	list->column_name[column] = pstrdup(name);
}

static void
fit_levels(RecEncoderFit *f, int i)
{
	RecAttributes *list = f->list;
	RecAttribute *a = &list->att[i];
	int			n,
				frequent = 0,
				own;
	int64		hashed = 0;
	LevelEntry **entry = sorted_entries(f->att[i].level, &n);
	bool		pooled = a->kind == REC_ATT_CATEGORY || a->kind == REC_ATT_TAGS;

	while (frequent < n && entry[frequent]->rows >= least_rows(a, f->rows))
		frequent++;
	own = frequent > MOST_LEVELS ? MOST_LEVELS / 2 : frequent;
	a->buckets = frequent > MOST_LEVELS ? MOST_LEVELS / 2 : 0;
	a->nlevels = own;
	a->level = palloc(Max(own, 1) * sizeof(RecLevel));
	for (int k = 0; k < own; k++)
	{
		a->level[k] = (RecLevel) {entry[k]->hash, k,
			a->kind == REC_ATT_TEXT ? (float) log((double) f->rows / entry[k]->rows) : 1};
		name_column(list, a->first + k, entry[k]->name ? entry[k]->name : "");
	}
	a->columns = own;
	if (pooled && frequent < n && a->buckets == 0)
	{
		name_column(list, a->first + a->columns, "(rare)");
		a->other = a->columns++;
	}
	for (int b = 0; b < a->buckets; b++)
		name_column(list, a->first + a->columns++, psprintf("(hashed %d)", b + 1));
	for (int k = own; k < frequent; k++)
		hashed += entry[k]->rows;
	/* words that share a bucket share a weight: that of their mean frequency */
	a->scale = a->buckets && a->kind == REC_ATT_TEXT ? log((double) f->rows * (frequent - own) / hashed) : 1;
	qsort(a->level, own, sizeof(RecLevel), rec_compare_levels);
	/* one level in every row says nothing, nor do levels that occur once */
	if (own == 0 || (a->kind == REC_ATT_CATEGORY && n == 1 && a->rows == f->rows))
	{
		a->columns = a->nlevels = 0;
		a->other = -1;
	}
	pfree(entry);
}

static void
fit_number(RecEncoderFit *f, int i)
{
	RecAttribute *a = &f->list->att[i];
	AttributeFit *fit = &f->att[i];

	if (a->kind == REC_ATT_AGE && fit->nage > 0)
	{
		a->origin = fit->age[0];
		for (int64 k = 1; k < fit->nage; k++)
			a->origin = Max(a->origin, fit->age[k]);
		for (int64 k = 0; k < fit->nage; k++)
			count_number(fit, rec_attribute_number(a, fit->age[k]));
	}
	a->center = fit->mean;
	a->scale = fit->n > 0 ? sqrt(fit->squares / fit->n) : 0;
	/* what is left of a constant after rounding */
	if (!(a->scale > 1e-12 * fabs(a->center)) || !isfinite(a->scale))
		a->scale = 0;
	if (a->scale > 0)
	{
		name_column(f->list, a->first, "");
		a->columns = 1;
	}
	if (a->rows > 0 && a->rows < f->rows)
	{
		name_column(f->list, a->first + a->columns, "(missing)");
		a->other = a->columns++;
	}
}

/* Most rows have the right number of elements; the others count as missing. */
static void
fit_vector(RecEncoderFit *f, int i, List **warnings)
{
	RecAttribute *a = &f->list->att[i];
	int			n;
	LevelEntry **entry = sorted_entries(f->att[i].level, &n);

	if (n == 0)
		return;
	a->nlevels = 0;
	a->columns = (int) entry[0]->hash;
	if (a->first + a->columns + 1 > MOST_COLUMNS)
		return;					/* the error follows */
	for (int k = 0; k < a->columns; k++)
		name_column(f->list, a->first + k, psprintf("[%d]", k + 1));
	if (entry[0]->rows < f->rows)
	{
		name_column(f->list, a->first + a->columns, "(missing)");
		a->other = a->columns++;
	}
	if (entry[0]->rows < a->rows)
		*warnings = lappend(*warnings, psprintf("%lld values of attribute \"%s\" have not %d elements as most do, and count as missing",
												(long long) (a->rows - entry[0]->rows), a->name, (int) entry[0]->hash));
}

void
rec_encoder_finish(RecEncoderFit *f, List **warnings)
{
	RecAttributes *list = f->list;

	list->columns = 1;
	list->column_name = palloc0(MOST_COLUMNS * sizeof(char *));
	for (int i = 0; i < list->n; i++)
	{
		RecAttribute *a = &list->att[i];

		CHECK_FOR_INTERRUPTS();
		a->first = list->columns;
		if (a->hidden)
			continue;
		if (a->first + 2 * MOST_LEVELS < MOST_COLUMNS)
		{
			if (rec_has_levels(a))
				fit_levels(f, i);
			else if (a->kind == REC_ATT_VECTOR)
				fit_vector(f, i, warnings);
			else
				fit_number(f, i);
		}
		else
			a->columns = MOST_COLUMNS;
		if (a->first + a->columns > MOST_COLUMNS)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("the attributes need more than %d columns", MOST_COLUMNS),
					 errhint("Leave out attributes.")));
		if (a->columns == 0 && a->kind != REC_ATT_PAIR)
			*warnings = lappend(*warnings, psprintf(a->rows == 0 ? "attribute \"%s\" has no values, and is not used" :
													"attribute \"%s\" is constant, or has no value twice, and is not used", a->name));
		list->columns += a->columns;
	}
}

