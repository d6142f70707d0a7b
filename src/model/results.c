/*
 * results.c
 *		Rows of an answer. See results.h.
 *
 * Users are put into blocks by the hashes of their keys, so that the answer does not depend on anything but keys, data and
 * seed; up to REC_BLOCKS users each is a block of its own.
 */
#include "model/results.h"

#include <math.h>

#include "core/bootstrap.h"
#include "miscadmin.h"
#include "utils/memutils.h"

typedef struct Place
{
	uint64		hash;
	int			user;
} Place;

#define ST_SORT sort_places
#define ST_ELEMENT_TYPE Place
#define ST_COMPARE(a, b) ((a)->hash != (b)->hash ? ((a)->hash < (b)->hash ? -1 : 1) : (a)->user - (b)->user)
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

#define ST_SORT sort_rows
#define ST_ELEMENT_TYPE RecResult
#define ST_COMPARE(a, b) (memcmp_order((a)->order, (b)->order))
#define ST_SCOPE static
#define ST_DECLARE
#define ST_DEFINE

static int
memcmp_order(const int *a, const int *b)
{
	for (int i = 0; i < 4; i++)
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	return 0;
}

#include "lib/sort_template.h"

#define ITEM_SEGMENTS 1000000	/* in the order of rows: after all segments of users */
#define DATA_ROWS 2000000

static const char *const class_names[REC_ITEM_CLASSES] = {"all", "cold items", "sparse items", "warm items"};

RecResults *
rec_results_create(void)
{
	RecResults *r = palloc0(sizeof(RecResults));

	r->room = 64;
	r->row = palloc(r->room * sizeof(RecResult));
	return r;
}

static RecResult *
add(RecResults *r)
{
	if (r->n == r->room)
		r->row = repalloc_huge(r->row, (r->room *= 2) * sizeof(RecResult));
	return &r->row[r->n++];
}

RecSegments *
rec_default_segments(const RecJudge *j)
{
	static const char *const names[] = {"cold", "sparse", "warm"};
	RecSegments *s = palloc(sizeof(RecSegments));

	s->n = lengthof(names);
	s->name = palloc(sizeof(names));
	memcpy(s->name, names, sizeof(names));
	s->of = palloc_extended(Max(j->test->n, 1) * sizeof(int32), MCXT_ALLOC_HUGE);
	for (int u = 0; u < j->test->n; u++)
		s->of[u] = j->positive[u] == 0 ? 0 : j->positive[u] < REC_SPARSE_USER ? 1 : 2;
	return s;
}

double
rec_results_mean(const RecJudge *j, int column, int64 *users)
{
	double		sum = 0;

	*users = 0;
	for (int u = 0; u < j->test->n; u++)
	{
		double		value = j->value[(Size) u * j->ncolumns + column];

		if (isnan(value))
			continue;
		sum += value;
		++*users;
	}
	return *users > 0 ? sum / *users : NAN;
}

/* The users of a segment (-1: all), in the order of their hashes. */
static Place *
users_of(const RecJudge *j, const RecSegments *segments, int segment, int *n)
{
	Place	   *place = palloc_extended(Max(j->test->n, 1) * sizeof(Place), MCXT_ALLOC_HUGE);

	*n = 0;
	for (int u = 0; u < j->test->n; u++)
		if (segment < 0 || segments->of[u] == segment)
			place[(*n)++] = (Place) {j->test->seed[u], u};
	sort_places(place, *n);
	return place;
}

/* What a ratio of sums says: the metric itself, but for two. */
static double
transform(RecMetric metric, double ratio)
{
	return metric == REC_RMSE ? sqrt(ratio) : metric == REC_POPULARITY_LIFT ? ratio - 1 : ratio;
}

typedef struct Sums
{
	int			nblocks;
	double	   *num;			/* nblocks rows */
	double	   *den;
	int64	   *users;			/* by column: where it is defined */
} Sums;

static Sums
sum_blocks(const RecJudge *j, const Place *place, int n)
{
	int			columns = j->ncolumns;
	Sums		s = {.nblocks = Min(n, REC_BLOCKS)};
	Size		size = mul_size(mul_size(Max(s.nblocks, 1), columns), sizeof(double));

	s.num = palloc_extended(size, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	s.den = palloc_extended(size, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	s.users = palloc0(columns * sizeof(int64));
	for (int i = 0; i < n; i++)
	{
		const double *value = j->value + (Size) place[i].user * columns;
		Size		row = (Size) (i % s.nblocks) * columns;

		for (int c = 0; c < columns; c++)
		{
			int			d = j->column[c].denominator;

			if (isnan(value[c]))
				continue;
			s.num[row + c] += value[c];
			s.den[row + c] += d >= 0 ? value[d] : 1;
			s.users[c]++;
		}
	}
	return s;
}

static void
add_segment(RecResults *results, const RecJudge *j, const RecSegments *segments, int segment, const char *algorithm,
			int place_of, uint64 seed)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_recommend intervals", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	int			n;
	Place	   *place = users_of(j, segments, segment, &n);
	Sums		sums = sum_blocks(j, place, n);
	double	   *work = palloc(2 * Max(j->ncolumns, 1) * sizeof(double));
	double	   *draws = palloc_extended(mul_size(Max(j->ncolumns, 1), REC_REPLICATES * sizeof(double)), MCXT_ALLOC_HUGE);

	CHECK_FOR_INTERRUPTS();
	if (sums.nblocks > 1)
		rec_bootstrap(sums.num, sums.den, sums.nblocks, j->ncolumns, REC_REPLICATES, seed, draws, work);
	MemoryContextSwitchTo(old);
	for (int c = 0; c < j->ncolumns; c++)
	{
		const RecColumn *column = &j->column[c];
		double	   *draw = draws + (Size) c * REC_REPLICATES;
		double		num = 0,
					den = 0;
		RecResult  *row;

		if (column->part || sums.users[c] == 0 || (segment >= 0 && column->items != REC_ITEMS_ALL))
			continue;
		for (int b = 0; b < sums.nblocks; b++)
		{
			num += sums.num[(Size) b * j->ncolumns + c];
			den += sums.den[(Size) b * j->ncolumns + c];
		}
		row = add(results);
		*row = (RecResult) {
			.algorithm = algorithm, .metric = rec_metric_names[column->metric], .k = column->k,
			.value = den > 0 ? transform(column->metric, num / den) : NAN, .low = NAN, .high = NAN, .users = sums.users[c],
			.segment = segment >= 0 ? segments->name[segment] : class_names[column->items],
			.order = {column->items != REC_ITEMS_ALL ? ITEM_SEGMENTS + column->items : segment + 1, column->metric,
			column->k, place_of}
		};
		if (sums.users[c] > 1 && sums.nblocks > 1)
		{
			row->low = transform(column->metric, rec_bootstrap_quantile(draw, REC_REPLICATES, 0.025));
			row->high = transform(column->metric, rec_bootstrap_quantile(draw, REC_REPLICATES, 0.975));
		}
	}
	MemoryContextDelete(context);
}

/* Coverage and Gini coefficient of all lists together. */
static void
add_lists(RecResults *results, const RecJudge *j, const char *algorithm, int place)
{
	static const RecMetric metrics[] = {REC_COVERAGE, REC_GINI};
	int			n = j->items;
	int64	   *count = palloc_extended(Max(n, 1) * sizeof(int64), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO),
			   *sorted = palloc_extended(Max(n, 1) * sizeof(int64), MCXT_ALLOC_HUGE);

	for (int i = 0; i < j->nk; i++)
	{
		for (int item = 0; item < n; item++)
			count[item] += j->listed[(Size) i * n + item];
		for (int m = 0; m < (int) lengthof(metrics); m++)
		{
			int64		covered = 0;
			RecResult  *row;

			if (!j->wanted[metrics[m]] || j->judged == 0)
				continue;
			memcpy(sorted, count, n * sizeof(int64));
			for (int item = 0; item < n; item++)
				covered += count[item] > 0;
			row = add(results);
			*row = (RecResult) {
				.algorithm = algorithm, .metric = rec_metric_names[metrics[m]], .k = j->k[i],
				.value = metrics[m] == REC_COVERAGE ? (double) covered / n : rec_gini(sorted, n),
				.low = NAN, .high = NAN, .users = j->judged, .segment = class_names[REC_ITEMS_ALL],
				.order = {0, metrics[m], j->k[i], place}
			};
		}
	}
	pfree(count);
	pfree(sorted);
}

void
rec_results_add(RecResults *results, const RecJudge *j, const RecSegments *segments, const char *algorithm, int place,
				uint64 seed)
{
	for (int segment = -1; segment < segments->n; segment++)
		add_segment(results, j, segments, segment, algorithm, place, seed);
	add_lists(results, j, algorithm, place);
}

void
rec_results_count(RecResults *results, const char *what, int64 value, int64 users)
{
	RecResult  *row = add(results);

	*row = (RecResult) {
		.algorithm = "data", .metric = what, .value = value, .low = NAN, .high = NAN, .users = users, .segment = "all",
		.order = {DATA_ROWS, results->n, 0, 0}
	};
}

void
rec_results_sort(RecResults *results)
{
	sort_rows(results->row, results->n);
}
