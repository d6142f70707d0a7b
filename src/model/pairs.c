/*
 * pairs.c
 *		From events in any order to pairs in canonical order.
 *
 * A counting sort by user, then each user's events are sorted by item and value (usually they come in that order, or
 * are few) and added up in this order, so that the sums repeat bit for bit whatever order the scan delivered.
 */
#include "model/pairs.h"

#include "core/shrink.h"

#include <float.h>
#include <math.h>

#include "miscadmin.h"
#include "model/memory.h"
#include "model/solve.h"
#include "utils/memutils.h"

#define COMPARE(x, y) (((x) > (y)) - ((x) < (y)))
#define OR_ELSE(first, then) ((first) != 0 ? (first) : (then))

#define ST_SORT sort_by_value
#define ST_ELEMENT_TYPE RecEvent
#define ST_COMPARE(a, b) OR_ELSE(COMPARE((a)->item, (b)->item), \
								 OR_ELSE(COMPARE((a)->value, (b)->value), COMPARE((a)->time, (b)->time)))
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

#define ST_SORT sort_by_time
#define ST_ELEMENT_TYPE RecEvent
#define ST_COMPARE(a, b) OR_ELSE(COMPARE((a)->item, (b)->item), \
								 OR_ELSE(COMPARE((a)->time, (b)->time), COMPARE((a)->value, (b)->value)))
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

void
rec_sort_events(RecEvent *event, int n, const RecSumRule *rule)
{
	int			k = 1;

	while (k < n && event[k - 1].item < event[k].item)
		k++;
	if (k >= n)
		return;					/* in order already, and no pair has two events */
	if (rule->explicit_feedback && rule->has_time)
		sort_by_time(event, n);
	else
		sort_by_value(event, n);
}

float
rec_sum_run(const RecEvent *run, int n, const RecSumRule *rule, int64 *duplicates, int64 *newest)
{
	double		sum = 0;

	*newest = run[0].time;
	for (int k = 0; k < n; k++)
	{
		sum += rule->explicit_feedback ? run[k].value : run[k].value * rec_decay(rule, run[k].time);
		*newest = Max(*newest, run[k].time);
		if (k > 0 && run[k].value == run[k - 1].value && run[k].time == run[k - 1].time)
			++*duplicates;
	}
	if (rule->explicit_feedback && rule->has_time)
		return run[n - 1].value;
	return clamped(rule->explicit_feedback ? sum / n : sum);
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

/* Chunks to entries grouped by user; counts events by item and frees the chunks. */
static void
scatter_by_user(RecEvents *events, const int32 *user_rank, const int32 *item_rank, RecPairs *p, MemoryContext context)
{
	int64	   *next = starts_alloc(p->users.n, context);

	for (int c = 0; c < events->nchunks; c++)
		for (int k = 0; k < events->chunks[c]->n; k++)
			p->start[user_rank[events->chunks[c]->user[k]] + 1]++;
	accumulate(p->start, p->users.n);
	memcpy(next, p->start, p->users.n * sizeof(int64));
	for (int c = 0; c < events->nchunks; c++)
	{
		RecEventChunk *chunk = events->chunks[c];

		CHECK_FOR_INTERRUPTS();
		for (int k = 0; k < chunk->n; k++)
		{
			int64		at = next[user_rank[chunk->user[k]]]++;
			int32		item = item_rank[chunk->item[k]];

			p->pair[at] = (RecPair) {item, chunk->value[k]};
			if (p->time)
				p->time[at] = chunk->time[k];
			p->item_events[item]++;
		}
		rec_event_chunk_free(chunk);
	}
	events->nchunks = 0;
	pfree(next);
}

/* Merges the sorted events of a user into pairs from position `to` on; returns the position after them. */
static int64
merge_user(RecPairs *p, const RecEvent *event, int n, const RecSumRule *rule, int64 to)
{
	int			from = 0;

	while (from < n)
	{
		int			first = from;
		int64		newest;

		while (from < n && event[from].item == event[first].item)
			from++;
		p->pair[to].item = event[first].item;
		p->pair[to].net = rec_sum_run(event + first, from - first, rule, &p->duplicates, &newest);
		if (p->time)
			p->time[to] = newest;
		to++;
	}
	return to;
}

/*
 * The usual case: no pair has two events, they come in the order of items, and one event's value is the pair's. Then the
 * entries are the pairs, and only move up to position `to`.
 */
static bool
already_pairs(RecPairs *p, int64 from, int64 n, const RecSumRule *rule, int64 to)
{
	if (rule->half_life > 0 && rule->has_time)
		return false;
	for (int64 k = 1; k < n; k++)
		if (p->pair[from + k - 1].item >= p->pair[from + k].item)
			return false;
	if (from != to)
	{
		memmove(p->pair + to, p->pair + from, n * sizeof(RecPair));
		if (p->time)
			memmove(p->time + to, p->time + from, n * sizeof(int64));
	}
	return true;
}

/* Entries of all users to pairs, in place. */
static void
merge_entries(RecPairs *p, const RecSumRule *rule, MemoryContext context)
{
	int64		to = 0,
				from = 0;
	int64		room = 1024;
	RecEvent   *event = MemoryContextAllocHuge(context, room * sizeof(RecEvent));

	for (int u = 0; u < p->users.n; u++)
	{
		int64		n = p->start[u + 1] - from;

		if (u % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
		if (already_pairs(p, from, n, rule, to))
		{
			from += n;
			p->start[u] = to;
			to += n;
			continue;
		}
		if (n > room)
		{
			room = n;
			event = repalloc_huge(event, mul_size(room, sizeof(RecEvent)));
		}
		for (int64 k = 0; k < n; k++)
			event[k] = (RecEvent) {p->pair[from + k].item, p->pair[from + k].net, p->time ? p->time[from + k] : 0};
		rec_sort_events(event, n, rule);
		from += n;
		p->start[u] = to;
		to = merge_user(p, event, n, rule, to);
	}
	p->start[p->users.n] = p->n = to;
	pfree(event);
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
	Size		count = Max(events->n, 1),
				width = sizeof(RecPair) + (events->has_time ? sizeof(int64) : 0);

	p->held = add_size(mul_size(count, width), ((Size) users->n + items->n) * 16);
	p->memory = add_size(rec_events_memory(events), p->held);
	rec_check_memory(p->memory, "Arranging the events");
	rec_keys_sort(users, user_rank, &p->users, context);
	rec_keys_sort(items, item_rank, &p->items, context);
	p->held += rec_keys_memory(&p->users) + rec_keys_memory(&p->items);

	p->start = starts_alloc(users->n, context);
	p->pair = MemoryContextAllocHuge(context, mul_size(count, sizeof(RecPair)));
	p->time = events->has_time ? MemoryContextAllocHuge(context, mul_size(count, sizeof(int64))) : NULL;
	p->item_events = MemoryContextAllocExtended(context, mul_size(Max(items->n, 1), sizeof(int32)),
												MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	rec_advise_huge(p->pair, count * sizeof(RecPair));
	scatter_by_user(events, user_rank, item_rank, p, context);
	p->user_events = counts_of(p->start, users->n, context);
	pfree(user_rank);
	pfree(item_rank);
	merge_entries(p, rule, context);
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
		if (!(rule->explicit_feedback || p->pair[k].net > 0) || (without && without->held && without->held[k]))
			continue;
		sum[p->pair[k].item] += p->time ? rec_decay(rule, p->time[k]) : 1;
		if (support)
			support[p->pair[k].item]++;
	}
	for (int i = 0; i < p->items.n; i++)
		popularity[i] = (float) sum[i];
	pfree(sum);
}

void
rec_fallback_popularity(const RecPairs *p, const RecHoldout *without, const RecSumRule *rule, float *popularity)
{
	int32	   *support = palloc_extended(Max(p->items.n, 1) * sizeof(int32), MCXT_ALLOC_HUGE);

	rec_popularity(p, without, rule, popularity, support);
	rec_shrink_popularity(p->items.n, support, popularity);
	pfree(support);
}

typedef struct Ranked
{
	float		popularity;
	int32		position;
} Ranked;

#define ST_SORT sort_popular
#define ST_ELEMENT_TYPE Ranked
#define ST_COMPARE(a, b) ((a)->popularity > (b)->popularity ? -1 : (a)->popularity < (b)->popularity ? 1 : \
						  ((a)->position > (b)->position) - ((a)->position < (b)->position))
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

int32 *
rec_popular_order(const float *popularity, int n, MemoryContext context)
{
	Ranked	   *r = palloc_extended(Max(n, 1) * sizeof(Ranked), MCXT_ALLOC_HUGE);
	int32	   *order = MemoryContextAllocHuge(context, Max(n, 1) * sizeof(int32));

	for (int i = 0; i < n; i++)
		r[i] = (Ranked) {popularity[i], i};
	sort_popular(r, n);
	for (int i = 0; i < n; i++)
		order[i] = r[i].position;
	pfree(r);
	return order;
}

static inline bool
observed(const RecPairs *p, int64 k, const RecHoldout *without, bool explicit_feedback)
{
	return (explicit_feedback || p->pair[k].net != 0) && !(without && without->held && without->held[k]);
}

/*
 * Users' rows to items' rows. Scattering every observation to its item touches another page each time; so a block of
 * users, small enough for the cache, is sorted by item first, and then goes out in runs.
 */
#define TRANSPOSE_BLOCK 131072

typedef struct TransposeEntry
{
	int32		user;
	int32		item;
	float		value;
} TransposeEntry;

static void
transpose_block(RecObservations *o, int first, int end, int nitems, int64 *next, int32 *at, TransposeEntry *block)
{
	int64		from = o->user_start[first],
				n = o->user_start[end] - from;

	memset(at, 0, (nitems + 1) * sizeof(int32));
	for (int64 k = 0; k < n; k++)
		at[o->user_item[from + k] + 1]++;
	for (int i = 0; i < nitems; i++)
		at[i + 1] += at[i];
	for (int u = first; u < end; u++)
		for (int64 k = o->user_start[u]; k < o->user_start[u + 1]; k++)
			block[at[o->user_item[k]]++] = (TransposeEntry) {u, o->user_item[k], o->user_value[k]};
	for (int64 k = 0; k < n; k++)
	{
		int64		to = next[block[k].item]++;

		o->item_user[to] = block[k].user;
		o->item_value[to] = block[k].value;
	}
}

static void
transpose(RecObservations *o, int nusers, int nitems)
{
	int64	   *next = palloc_extended(Max(nitems, 1) * sizeof(int64), MCXT_ALLOC_HUGE);
	int32	   *at = palloc_extended((nitems + 1) * sizeof(int32), MCXT_ALLOC_HUGE);
	TransposeEntry *block;
	int64		longest = 0;
	/* not much smaller than the number of items, or clearing the counters would cost more than the runs save */
	int64		size = Max(TRANSPOSE_BLOCK, (int64) nitems);

	memset(o->item_start, 0, (nitems + 1) * sizeof(int64));
	for (int64 k = 0; k < o->nnz; k++)
		o->item_start[o->user_item[k] + 1]++;
	accumulate(o->item_start, nitems);
	memcpy(next, o->item_start, nitems * sizeof(int64));
	for (int u = 0; u < nusers; u++)
		longest = Max(longest, o->user_start[u + 1] - o->user_start[u]);
	block = palloc_extended((size + longest) * sizeof(TransposeEntry), MCXT_ALLOC_HUGE);
	for (int first = 0, end; first < nusers; first = end)
	{
		CHECK_FOR_INTERRUPTS();
		for (end = first; end < nusers && o->user_start[end] - o->user_start[first] < size;)
			end++;
		transpose_block(o, first, end, nitems, next, at, block);
	}
	pfree(block);
	pfree(at);
	pfree(next);
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
			o->user_item[n] = p->pair[k].item;
			o->user_value[n] = explicit_feedback ? p->pair[k].net : rec_transform(transform, p->pair[k].net);
			n++;
		}
	}
	o->user_start[p->users.n] = o->nnz = n;
	if (!by_item)
		return;

	transpose(o, p->users.n, p->items.n);
}
