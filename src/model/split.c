/*
 * split.c
 *		Parting events into training and test part. See split.h.
 *
 * Events are parted, not pairs: so that the training part is what rec.train would see if the relation held only these
 * events, bit for bit.
 */
#include "model/split.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#define ST_SORT sort_times
#define ST_ELEMENT_TYPE int64
#define ST_COMPARE(a, b) ((*(a) > *(b)) - (*(a) < *(b)))
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/* An event of one user, and where it stands. */
typedef struct UserEvent
{
	int32		item;
	float		value;
	int64		time;
	int64		at;				/* running number of the event */
} UserEvent;

#define ST_SORT sort_user_events
#define ST_ELEMENT_TYPE UserEvent
#define ST_COMPARE(a, b) (((a)->item > (b)->item) - ((a)->item < (b)->item))
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/* A pair of one user: which of the sorted events are its own. */
typedef struct UserPair
{
	int64		newest;
	uint64		order;			/* of pairs of one time: a hash of the item's key */
	int			from,
				end;
} UserPair;

#define ST_SORT sort_user_pairs
#define ST_ELEMENT_TYPE UserPair
#define ST_COMPARE(a, b) ((a)->newest != (b)->newest ? ((a)->newest < (b)->newest ? 1 : -1) : \
						  ((a)->order > (b)->order) - ((a)->order < (b)->order))
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

static void *
huge(Size count, Size width)
{
	return palloc_extended(mul_size(Max(count, 1), width), MCXT_ALLOC_HUGE);
}

/* test[i]: whether event i is newer than the boundary. */
static void
split_by_time(const RecEvents *e, const RecSplit *split, bool *test)
{
	int64		boundary,		/* first time of the test part */
				n = 0;

	if (split->has_boundary && split->boundary == PG_INT64_MAX)
	{
		memset(test, false, e->n);
		return;
	}
	if (split->has_boundary)
		boundary = split->boundary + 1;
	else if (split->interval >= (double) e->newest - (double) PG_INT64_MIN)
		boundary = PG_INT64_MIN;
	else if (split->interval > 0)
		boundary = e->newest - (int64) split->interval + 1;
	else
	{
		int64	   *time = huge(e->n, sizeof(int64));

		for (int c = 0; c < e->nchunks; c++)
		{
			memcpy(time + n, e->chunks[c]->time, e->chunks[c]->n * sizeof(int64));
			n += e->chunks[c]->n;
		}
		CHECK_FOR_INTERRUPTS();
		sort_times(time, n);
		boundary = time[Min((int64) ((1 - split->fraction) * n + 1e-9), n - 1)];
		pfree(time);
		n = 0;
	}
	for (int c = 0; c < e->nchunks; c++)
		for (int k = 0; k < e->chunks[c]->n; k++)
			test[n++] = e->chunks[c]->time[k] >= boundary;
}

static uint64 *
key_hashes(const RecKeys *keys, uint64 seed)
{
	uint64	   *hash = huge(keys->n, sizeof(uint64));

	for (int i = 0; i < keys->n; i++)
		hash[i] = rec_keys_seed(keys, i, seed);
	return hash;
}

static void
split_at_random(const RecEvents *e, const RecSplit *split, bool *test)
{
	uint64	   *user = key_hashes(rec_dictionary_keys(e->users), split->seed);
	uint64	   *item = key_hashes(rec_dictionary_keys(e->items), split->seed + 1);
	int64		n = 0;

	for (int c = 0; c < e->nchunks; c++)
		for (int k = 0; k < e->chunks[c]->n; k++)
		{
			uint64		hash = rec_mix64(user[e->chunks[c]->user[k]] + rec_mix64(item[e->chunks[c]->item[k]]));

			test[n++] = (hash >> 11) * 0x1p-53 < split->fraction;
		}
	pfree(user);
	pfree(item);
}

/* How many of a user's n pairs are left out; at least one always stays. */
static int
how_many(const RecSplit *split, int n)
{
	if (split->last > 0)
		return n > split->last ? split->last : 0;
	return n > 1 ? Min(Max((int) (split->fraction * n + 0.5), 1), n - 1) : 0;
}

/* Marks the events of the user's newest pairs. */
static void
split_user(UserEvent *event, int n, UserPair *pair, const uint64 *item_hash, const RecSplit *split,
		   bool *test)
{
	int			pairs = 0,
				take;

	sort_user_events(event, n);
	for (int from = 0, end; from < n; from = end)
	{
		double		sum = 0;
		int64		newest = PG_INT64_MIN;

		for (end = from; end < n && event[end].item == event[from].item; end++)
		{
			sum += event[end].value;
			newest = Max(newest, event[end].time);
		}
		if (split->any_value || sum > 0)
			pair[pairs++] = (UserPair) {newest, item_hash[event[from].item], from, end};
	}
	take = how_many(split, pairs);
	if (take == 0)
		return;
	sort_user_pairs(pair, pairs);
	for (int p = 0; p < take; p++)
		for (int i = pair[p].from; i < pair[p].end; i++)
			test[event[i].at] = true;
}

/* The events of each user together, in the order of arrival: start has users + 1 entries. */
static UserEvent *
by_user(const RecEvents *e, int nusers, int64 *start)
{
	UserEvent  *event = huge(e->n, sizeof(UserEvent));
	int64	   *next = huge(nusers, sizeof(int64));
	int64		n = 0;

	memset(start, 0, (nusers + 1) * sizeof(int64));
	for (int c = 0; c < e->nchunks; c++)
		for (int k = 0; k < e->chunks[c]->n; k++)
			start[e->chunks[c]->user[k] + 1]++;
	for (int u = 0; u < nusers; u++)
		start[u + 1] += start[u];
	memcpy(next, start, nusers * sizeof(int64));
	for (int c = 0; c < e->nchunks; c++)
	{
		const RecEventChunk *chunk = e->chunks[c];

		CHECK_FOR_INTERRUPTS();
		for (int k = 0; k < chunk->n; k++)
			event[next[chunk->user[k]]++] = (UserEvent) {chunk->item[k], chunk->value[k], chunk->time[k], n++};
	}
	pfree(next);
	return event;
}

static void
split_last(const RecEvents *e, const RecSplit *split, bool *test)
{
	int			nusers = rec_dictionary_keys(e->users)->n;
	uint64	   *item_hash = key_hashes(rec_dictionary_keys(e->items), split->seed);
	int64	   *start = huge(nusers + 1, sizeof(int64));
	UserEvent  *event;
	UserPair   *pair;
	int64		longest = 0;

	rec_check_memory(add_size(rec_events_memory(e), mul_size(e->n, sizeof(UserEvent))), "Splitting the events");
	event = by_user(e, nusers, start);
	for (int u = 0; u < nusers; u++)
		longest = Max(longest, start[u + 1] - start[u]);
	pair = huge(longest, sizeof(UserPair));
	memset(test, false, e->n);
	for (int u = 0; u < nusers; u++)
	{
		if (u % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
		split_user(event + start[u], start[u + 1] - start[u], pair, item_hash, split, test);
	}
	pfree(pair);
	pfree(event);
	pfree(start);
	pfree(item_hash);
}

/* Adds an event under the number that its keys have, or now get, in another set. */
static void
move(RecEvents *to, const RecEvents *from, const RecEventChunk *chunk, int k, int32 *user, int32 *item)
{
	int32	   *u = &user[chunk->user[k]],
			   *i = &item[chunk->item[k]];

	if (*u < 0)
		*u = rec_dictionary_number_from(to->users, rec_dictionary_keys(from->users), chunk->user[k]);
	if (*i < 0)
		*i = rec_dictionary_number_from(to->items, rec_dictionary_keys(from->items), chunk->item[k]);
	rec_events_add(to, *u, *i, chunk->value[k], from->has_time ? chunk->time[k] : 0,
				   chunk->unscaled ? &chunk->unscaled[k] : NULL);
}

/* Events with test set to the second, the others to the first; test NULL: all to the first. */
static void
distribute(const RecEvents *e, const bool *test, bool consume, RecEvents *part[2])
{
	int32	   *map[2][2];
	int			nusers = rec_dictionary_keys(e->users)->n,
				nitems = rec_dictionary_keys(e->items)->n;
	int64		n = 0;

	for (int p = 0; p < 2; p++)
	{
		map[p][0] = huge(nusers, sizeof(int32));
		map[p][1] = huge(nitems, sizeof(int32));
		memset(map[p][0], -1, nusers * sizeof(int32));
		memset(map[p][1], -1, nitems * sizeof(int32));
	}
	for (int c = 0; c < e->nchunks; c++)
	{
		RecEventChunk *chunk = e->chunks[c];

		CHECK_FOR_INTERRUPTS();
		for (int k = 0; k < chunk->n; k++, n++)
		{
			int			p = test && test[n];

			move(part[p], e, chunk, k, map[p][0], map[p][1]);
		}
		if (consume)
			rec_event_chunk_free(chunk);
	}
	for (int p = 0; p < 2; p++)
	{
		pfree(map[p][0]);
		pfree(map[p][1]);
	}
}

static RecEvents *
empty_like(const RecEvents *e, MemoryContext context)
{
	RecEvents  *empty = rec_events_create(&rec_dictionary_keys(e->users)->kind, &rec_dictionary_keys(e->items)->kind,
										  e->has_time, context);

	empty->unscaled = e->unscaled;
	return empty;
}

void
rec_events_split(RecEvents *e, const RecSplit *split, MemoryContext context, RecEvents **train, RecEvents **test)
{
	bool	   *in_test = huge(e->n, sizeof(bool));
	RecEvents  *part[2] = {empty_like(e, context), empty_like(e, context)};

	if (e->n > 0)
	{
		if (split->kind == REC_SPLIT_TEMPORAL)
			split_by_time(e, split, in_test);
		else if (split->kind == REC_SPLIT_LAST)
			split_last(e, split, in_test);
		else
			split_at_random(e, split, in_test);
	}
	distribute(e, in_test, true, part);
	e->nchunks = 0;
	pfree(in_test);
	*train = part[0];
	*test = part[1];
}

RecEvents *
rec_events_copy(const RecEvents *e, MemoryContext context)
{
	RecEvents  *part[2] = {empty_like(e, context), NULL};

	distribute(e, NULL, false, part);
	return part[0];
}
