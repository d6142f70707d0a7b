/*
 * testset.c
 *		What is relevant to whom in a test part. See split.h.
 */
#include "model/split.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

static void *
huge(Size count, Size width)
{
	return palloc_extended(mul_size(Max(count, 1), width), MCXT_ALLOC_HUGE);
}

/* For each key of `from` its position in `in`, or -1. */
static int32 *
positions_of(const RecKeys *from, const RecKeys *in)
{
	int32	   *position = huge(from->n, sizeof(int32));
	MemoryContext row = AllocSetContextCreate(CurrentMemoryContext, "pg_recommend key", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(row);

	for (int i = 0; i < from->n; i++)
	{
		if (i % 1024 == 0)
		{
			CHECK_FOR_INTERRUPTS();
			MemoryContextReset(row);
		}
		position[i] = rec_keys_find(in, rec_keys_datum(from, i));
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(row);
	return position;
}

/* The net weight of a pair of the training part; false: it has none. */
static bool
find_pair(const RecPairs *p, int user, int32 item, float *net)
{
	int64		low,
				high;

	if (user < 0 || user >= p->users.n || item < 0)
		return false;
	low = p->start[user];
	high = p->start[user + 1];
	while (low < high)
	{
		int64		middle = (low + high) / 2;

		if (p->pair[middle].item < item)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == p->start[user + 1] || p->pair[low].item != item)
		return false;
	*net = p->pair[low].net;
	return true;
}

static double
mean_rating(const RecPairs *p)
{
	double		sum = 0;

	for (int64 k = 0; k < p->n; k++)
		sum += p->pair[k].net;
	return p->n > 0 ? sum / p->n : 0;
}

typedef struct Builder
{
	RecTestSet *t;
	const RecPairs *test;
	const RecPairs *train;
	const RecKnown *known;
	const RecRelevance *relevance;
	bool		explicit_feedback;
	double		least;
	const int32 *item;			/* of the test part's items */
	bool	   *unseen;			/* counted already, by item of the test part */
} Builder;

/* Adds the pairs of user u of the test part; keeps the user when that leaves something to judge. */
static void
add_user(Builder *b, int u, int user)
{
	RecTestSet *t = b->t;
	int64		at = t->start[t->n];
	int			relevant = 0;

	for (int64 k = b->test->start[u]; k < b->test->start[u + 1]; k++)
	{
		const RecPair *pair = &b->test->pair[k];
		int32		item = b->item[pair->item];
		bool		wanted = pair->net >= b->least && (b->explicit_feedback || pair->net > 0);
		float		net;

		if (find_pair(b->train, user, item, &net) &&
			(b->relevance->exclude_seen || (!b->explicit_feedback && net < 0)))
		{
			t->excluded_pairs += wanted;
			continue;
		}
		if (!wanted && !b->explicit_feedback)
			continue;
		t->item[at] = item;
		t->value[at] = pair->net;
		t->relevant[at++] = wanted;
		relevant += wanted;
		if (wanted && (item < 0 || item >= b->known->warm))
		{
			t->unseen_pairs++;
			t->unseen_items += !b->unseen[pair->item];
			b->unseen[pair->item] = true;
		}
	}
	t->relevant_pairs += relevant;
	t->without += relevant == 0;
	if (at == t->start[t->n])
		return;
	t->user[t->n] = user;
	t->key[t->n] = u;
	t->seed[t->n] = rec_keys_seed(&b->test->users, u, b->relevance->seed);
	t->nrelevant[t->n] = relevant;
	t->start[++t->n] = at;
}

RecTestSet *
rec_test_set(RecEvents *events, const RecPairs *train, const RecKnown *known, const RecSumRule *rule,
			 const RecRelevance *relevance, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	RecSumRule	plain = {.explicit_feedback = rule->explicit_feedback, .has_time = events->has_time,
		.newest = events->newest};
	RecPairs   *test = rec_pairs_build(events, &plain, context);
	RecTestSet *t = palloc0(sizeof(RecTestSet));
	int32	   *user = positions_of(&test->users, &known->users);
	int32	   *item = positions_of(&test->items, &known->items);
	Builder		b = {
		.t = t, .test = test, .train = train, .known = known, .relevance = relevance, .explicit_feedback = rule->explicit_feedback,
		.item = item, .unseen = palloc_extended(Max(test->items.n, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO)
	};

	b.least = !isnan(relevance->least) ? relevance->least : rule->explicit_feedback ? mean_rating(train) : -INFINITY;
	t->keys = &test->users;
	t->user = huge(test->users.n, sizeof(int32));
	t->key = huge(test->users.n, sizeof(int32));
	t->seed = huge(test->users.n, sizeof(uint64));
	t->nrelevant = huge(test->users.n, sizeof(int32));
	t->start = huge(test->users.n + 1, sizeof(int64));
	t->item = huge(test->n, sizeof(int32));
	t->value = huge(test->n, sizeof(float));
	t->relevant = huge(test->n, sizeof(bool));
	t->start[0] = 0;
	t->without = train->users.n;
	for (int u = 0; u < test->users.n; u++)
	{
		if (u % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
		t->without -= user[u] >= 0 && user[u] < train->users.n;
		add_user(&b, u, user[u]);
	}
	pfree(user);
	pfree(item);
	pfree(b.unseen);
	pfree(test->pair);
	test->pair = NULL;
	MemoryContextSwitchTo(old);
	return t;
}
