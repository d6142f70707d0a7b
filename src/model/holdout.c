/*
 * holdout.c
 *		Which pairs a training keeps aside to judge its epochs.
 *
 * A sample of users gives up a share of its positive pairs: the newest ones when events have times, else a random
 * choice. Users and pairs are drawn by hashes of keys, so the choice repeats. The sample is small, so that the item
 * factors hardly miss what is held out; the final user half-step sees every pair again.
 */
#include "model/pairs.h"

#include "utils/memutils.h"

#define SAMPLE_USERS 2000		/* at most so many users are judged */
#define SAMPLE_SHARE 0.2		/* and of fewer users at most this share, but at least ... */
#define SAMPLE_LEAST 100
#define LEAST_PAIRS 5			/* a user with fewer positive pairs keeps them all */

typedef struct Candidate
{
	uint64		order;			/* users: hash; pairs: newest or hash, largest first */
	int64		index;
} Candidate;

#define ST_SORT sort_candidates
#define ST_ELEMENT_TYPE Candidate
#define ST_COMPARE(a, b) ((a)->order > (b)->order ? -1 : (a)->order < (b)->order ? 1 : \
						  ((a)->index > (b)->index) - ((a)->index < (b)->index))
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

#define ST_SORT sort_by_index
#define ST_ELEMENT_TYPE Candidate
#define ST_COMPARE(a, b) (((a)->index > (b)->index) - ((a)->index < (b)->index))
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

static bool
positive(const RecPairs *p, int64 k, bool explicit_feedback)
{
	return explicit_feedback || p->pair[k].net > 0;
}

static int
count_positive(const RecPairs *p, int user, bool explicit_feedback)
{
	int			n = 0;

	for (int64 k = p->start[user]; k < p->start[user + 1]; k++)
		n += positive(p, k, explicit_feedback);
	return n;
}

/* The sampled users, ascending. */
static int
sample_users(const RecPairs *p, uint64 seed, bool explicit_feedback, int most, double share, int least_pairs,
			 Candidate *users)
{
	int			n = 0,
				want;

	for (int u = 0; u < p->users.n; u++)
		if (p->start[u + 1] - p->start[u] >= least_pairs && count_positive(p, u, explicit_feedback) >= least_pairs)
			users[n++] = (Candidate) {rec_keys_seed(&p->users, u, seed), u};
	want = Max((int) (share * p->users.n), SAMPLE_LEAST);
	want = Min(Min(want, most), n);
	sort_candidates(users, n);
	sort_by_index(users, want);
	return want;
}

void
rec_holdout_choose(RecHoldout *h, const RecPairs *p, const RecParams *params, bool explicit_feedback)
{
	rec_holdout_sample(h, p, params, explicit_feedback, SAMPLE_USERS, SAMPLE_SHARE, LEAST_PAIRS);
}

void
rec_holdout_sample(RecHoldout *h, const RecPairs *p, const RecParams *params, bool explicit_feedback, int most, double share,
				   int least_pairs)
{
	Candidate  *users,
			   *pairs;
	int64		longest = 1,
				total = 0;

	memset(h, 0, sizeof(*h));
	if (params->holdout <= 0 || p->users.n < 2 || p->items.n < 2)
		return;
	users = palloc_extended(p->users.n * sizeof(Candidate), MCXT_ALLOC_HUGE);
	h->nusers = sample_users(p, params->seed, explicit_feedback, most, share, least_pairs, users);
	if (h->nusers == 0)
	{
		pfree(users);
		return;
	}
	h->user = palloc(h->nusers * sizeof(int32));
	h->start = palloc0((h->nusers + 1) * sizeof(int32));
	h->held = palloc_extended(p->n, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int i = 0; i < h->nusers; i++)
	{
		h->user[i] = users[i].index;
		longest = Max(longest, p->start[h->user[i] + 1] - p->start[h->user[i]]);
		total += p->start[h->user[i] + 1] - p->start[h->user[i]];
	}
	h->pair = palloc_extended(total * sizeof(int64), MCXT_ALLOC_HUGE);
	pairs = palloc_extended(longest * sizeof(Candidate), MCXT_ALLOC_HUGE);
	for (int i = 0; i < h->nusers; i++)
	{
		int			u = h->user[i],
					n = 0,
					take;
		uint64		seed = rec_keys_seed(&p->users, u, params->seed + 1);

		for (int64 k = p->start[u]; k < p->start[u + 1]; k++)
			if (positive(p, k, explicit_feedback))
				pairs[n++] = (Candidate) {p->time ? (uint64) p->time[k] ^ (UINT64CONST(1) << 63)
				: rec_keys_seed(&p->items, p->pair[k].item, seed), k};
		take = Max((int) (params->holdout * n + 0.5), 1);
		sort_candidates(pairs, n);
		sort_by_index(pairs, take);
		h->start[i + 1] = h->start[i] + take;
		for (int k = 0; k < take; k++)
		{
			h->pair[h->start[i] + k] = pairs[k].index;
			h->held[pairs[k].index] = true;
		}
	}
	pfree(pairs);
	pfree(users);
}
