/*
 * pairs.c
 *		From events in any order to pairs in canonical order.
 *
 * Two counting sorts, by item and then by user, leave each user's events ascending by item without comparing
 * anything. Events of one pair are sorted by value before they are added up, so that the sums repeat bit for bit
 * whatever order the scan delivered.
 */
#include "model/pairs.h"

#include <float.h>
#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#define ST_SORT sort_by_value
#define ST_ELEMENT_TYPE RecEvent
#define ST_COMPARE(a, b) ((a)->value < (b)->value ? -1 : (a)->value > (b)->value ? 1 : \
						  ((a)->time > (b)->time) - ((a)->time < (b)->time))
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

#define ST_SORT sort_by_time
#define ST_ELEMENT_TYPE RecEvent
#define ST_COMPARE(a, b) ((a)->time < (b)->time ? -1 : (a)->time > (b)->time ? 1 : \
						  ((a)->value > (b)->value) - ((a)->value < (b)->value))
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

double
rec_half_life(const Interval *half_life)
{
	if (half_life == NULL)
		return 0;
	return half_life->time + (half_life->day + half_life->month * (double) DAYS_PER_MONTH) * USECS_PER_DAY;
}

double
rec_decay(const RecSumRule *rule, int64 time)
{
	if (rule->half_life <= 0 || !rule->has_time || time >= rule->newest)
		return 1;
	return exp2(-((double) rule->newest - (double) time) / rule->half_life);
}

static float
clamped(double sum)
{
	return sum > FLT_MAX ? FLT_MAX : sum < -FLT_MAX ? -FLT_MAX : (float) sum;
}

float
rec_sum_run(RecEvent *run, int n, const RecSumRule *rule, int64 *duplicates, int64 *newest)
{
	double		sum = 0;
	bool		latest = rule->explicit_feedback && rule->has_time;

	if (n > 1)
	{
		if (latest)
			sort_by_time(run, n);
		else
			sort_by_value(run, n);
	}
	*newest = run[0].time;
	for (int k = 0; k < n; k++)
	{
		sum += rule->explicit_feedback ? run[k].value : run[k].value * rec_decay(rule, run[k].time);
		*newest = Max(*newest, run[k].time);
		if (k > 0 && run[k].value == run[k - 1].value && run[k].time == run[k - 1].time)
			++*duplicates;
	}
	if (latest)
		return run[n - 1].value;
	return clamped(rule->explicit_feedback ? sum / n : sum);
}

/* Entries on their way from events to pairs */
typedef struct Entries
{
	int32	   *key;			/* user after the first pass, item after the second */
	float	   *value;
	int64	   *time;			/* NULL: no times */
} Entries;

static void
entries_alloc(Entries *e, int64 n, bool has_time, MemoryContext context)
{
	Size		count = Max(n, 1);

	e->key = MemoryContextAllocHuge(context, mul_size(count, sizeof(int32)));
	e->value = MemoryContextAllocHuge(context, mul_size(count, sizeof(float)));
	e->time = has_time ? MemoryContextAllocHuge(context, mul_size(count, sizeof(int64))) : NULL;
}

static void
entries_free(Entries *e)
{
	pfree(e->key);
	pfree(e->value);
	if (e->time)
		pfree(e->time);
}

/* Turns counts at [i + 1] into start positions. */
static void
accumulate(int64 *start, int n)
{
	for (int i = 0; i < n; i++)
		start[i + 1] += start[i];
}

static int64 *
starts_alloc(int n, MemoryContext context)
{
	Size		size = mul_size((Size) n + 1, sizeof(int64));
	int64	   *start = MemoryContextAllocHuge(context, size);

	memset(start, 0, size);
	return start;
}

/* First pass: chunks to entries grouped by item; frees the chunks. */
static void
scatter_by_item(RecEvents *events, const int32 *user_rank, const int32 *item_rank, int64 *start, int nitems,
				Entries *out)
{
	int64	   *next = starts_alloc(nitems, events->context);

	for (int c = 0; c < events->nchunks; c++)
		for (int k = 0; k < events->chunks[c]->n; k++)
			start[item_rank[events->chunks[c]->item[k]] + 1]++;
	accumulate(start, nitems);
	memcpy(next, start, nitems * sizeof(int64));
	for (int c = 0; c < events->nchunks; c++)
	{
		RecEventChunk *chunk = events->chunks[c];

		CHECK_FOR_INTERRUPTS();
		for (int k = 0; k < chunk->n; k++)
		{
			int64		at = next[item_rank[chunk->item[k]]]++;

			out->key[at] = user_rank[chunk->user[k]];
			out->value[at] = chunk->value[k];
			if (out->time)
				out->time[at] = chunk->time[k];
		}
		pfree(chunk);
	}
	events->nchunks = 0;
	pfree(next);
}

/* Second pass: entries grouped by item to entries grouped by user, ascending by item. */
static void
scatter_by_user(const Entries *in, const int64 *item_start, int nitems, int64 *start, int nusers, Entries *out,
				MemoryContext context)
{
	int64		n = item_start[nitems];
	int64	   *next = starts_alloc(nusers, context);

	for (int64 k = 0; k < n; k++)
		start[in->key[k] + 1]++;
	accumulate(start, nusers);
	memcpy(next, start, nusers * sizeof(int64));
	for (int i = 0; i < nitems; i++)
	{
		if (i % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
		for (int64 k = item_start[i]; k < item_start[i + 1]; k++)
		{
			int64		at = next[in->key[k]]++;

			out->key[at] = i;
			out->value[at] = in->value[k];
			if (out->time)
				out->time[at] = in->time[k];
		}
	}
	pfree(next);
}

/* Merges the entries of each (user, item) into one pair, in place. */
static void
merge_runs(RecPairs *p, Entries *e, const RecSumRule *rule, MemoryContext context)
{
	int64		to = 0,
				from = 0;
	int			room = 64;
	RecEvent   *run = MemoryContextAlloc(context, room * sizeof(RecEvent));

	for (int u = 0; u < p->users.n; u++)
	{
		int64		end = p->start[u + 1];

		if (u % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
		p->start[u] = to;
		while (from < end)
		{
			int32		item = e->key[from];
			int64		first = from,
						newest = 0;
			int			n;

			while (from < end && e->key[from] == item)
				from++;
			n = from - first;
			if (n > room)
			{
				room = n;
				run = repalloc_huge(run, mul_size(room, sizeof(RecEvent)));
			}
			for (int k = 0; k < n; k++)
				run[k] = (RecEvent) {item, e->value[first + k], e->time ? e->time[first + k] : 0};
			e->value[to] = rec_sum_run(run, n, rule, &p->duplicates, &newest);
			e->key[to] = item;
			if (e->time)
				e->time[to] = newest;
			to++;
		}
	}
	p->start[p->users.n] = p->n = to;
	pfree(run);
}

static int32 *
counts_of(const int64 *start, int n, MemoryContext context)
{
	int32	   *count = MemoryContextAllocHuge(context, mul_size(Max(n, 1), sizeof(int32)));

	for (int i = 0; i < n; i++)
		count[i] = Min(start[i + 1] - start[i], PG_INT32_MAX);
	return count;
}

RecPairs *
rec_pairs_build(RecEvents *events, const RecSumRule *rule, MemoryContext context)
{
	RecPairs   *p = MemoryContextAllocZero(context, sizeof(RecPairs));
	RecKeys    *users = rec_dictionary_keys(events->users);
	RecKeys    *items = rec_dictionary_keys(events->items);
	int32	   *user_rank = MemoryContextAllocHuge(context, mul_size(Max(users->n, 1), sizeof(int32)));
	int32	   *item_rank = MemoryContextAllocHuge(context, mul_size(Max(items->n, 1), sizeof(int32)));
	int64	   *item_start;
	Entries		by_item,
				by_user;
	Size		width = events->has_time ? 16 : 8,
				base = rec_events_memory(events);

	p->memory = add_size(base, mul_size(Max(events->n, 1), width));
	rec_check_memory(p->memory, "Arranging the events");
	rec_keys_sort(users, user_rank, &p->users, context);
	rec_keys_sort(items, item_rank, &p->items, context);

	item_start = starts_alloc(items->n, context);
	entries_alloc(&by_item, events->n, events->has_time, context);
	scatter_by_item(events, user_rank, item_rank, item_start, items->n, &by_item);
	entries_alloc(&by_user, events->n, events->has_time, context);
	p->start = starts_alloc(users->n, context);
	scatter_by_user(&by_item, item_start, items->n, p->start, users->n, &by_user, context);
	entries_free(&by_item);
	p->user_events = counts_of(p->start, users->n, context);
	p->item_events = counts_of(item_start, items->n, context);
	pfree(item_start);
	pfree(user_rank);
	pfree(item_rank);
	merge_runs(p, &by_user, rule, context);
	p->item = by_user.key;
	p->net = by_user.value;
	p->time = by_user.time;
	p->held = mul_size(events->n, width) + rec_keys_memory(&p->users) + rec_keys_memory(&p->items) +
		((Size) users->n + items->n) * 16;
	return p;
}

void
rec_popularity(const RecPairs *p, const RecHoldout *without, const RecSumRule *rule, float *popularity, int32 *support)
{
	double	   *sum = palloc_extended(Max(p->items.n, 1) * sizeof(double), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

	if (support)
		memset(support, 0, p->items.n * sizeof(int32));
	for (int64 k = 0; k < p->n; k++)
	{
		if (!(rule->explicit_feedback || p->net[k] > 0) || (without && without->held && without->held[k]))
			continue;
		sum[p->item[k]] += p->time ? rec_decay(rule, p->time[k]) : 1;
		if (support)
			support[p->item[k]]++;
	}
	for (int i = 0; i < p->items.n; i++)
		popularity[i] = (float) sum[i];
	pfree(sum);
}

static inline bool
observed(const RecPairs *p, int64 k, const RecHoldout *without, bool explicit_feedback)
{
	return (explicit_feedback || p->net[k] != 0) && !(without && without->held && without->held[k]);
}

void
rec_observations_fill(RecObservations *o, const RecPairs *p, const RecHoldout *without, RecTransform transform,
					  bool explicit_feedback, bool by_item)
{
	int64		n = 0;

	for (int u = 0; u < p->users.n; u++)
	{
		if (u % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
		o->user_start[u] = n;
		for (int64 k = p->start[u]; k < p->start[u + 1]; k++)
		{
			if (!observed(p, k, without, explicit_feedback))
				continue;
			o->user_item[n] = p->item[k];
			o->user_value[n] = explicit_feedback ? p->net[k] : rec_transform(transform, p->net[k]);
			n++;
		}
	}
	o->user_start[p->users.n] = o->nnz = n;
	if (!by_item)
		return;

	memset(o->item_start, 0, (p->items.n + 1) * sizeof(int64));
	for (int64 k = 0; k < n; k++)
		o->item_start[o->user_item[k] + 1]++;
	accumulate(o->item_start, p->items.n);
	for (int u = 0; u < p->users.n; u++)
	{
		if (u % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
		for (int64 k = o->user_start[u]; k < o->user_start[u + 1]; k++)
		{
			int64		at = o->item_start[o->user_item[k]]++;

			o->item_user[at] = u;
			o->item_value[at] = o->user_value[k];
		}
	}
	/* each start has moved on to the next row's: move them back */
	for (int i = p->items.n; i > 0; i--)
		o->item_start[i] = o->item_start[i - 1];
	o->item_start[0] = 0;
}
