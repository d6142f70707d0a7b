/*
 * fit_cooccurrence.c
 *		"Who has had this has also had": items that share users with those of a user. See recommender.h.
 *
 * Score of item i: the sum over the user's items j of n(i, j) / sqrt(n(i) n(j)), n(i) the users of i with a positive net
 * weight, n(i, j) those of both. Only the NEIGHBOURS nearest items of each j count.
 */
#include "model/algorithms.h"

#include <math.h>

#include "miscadmin.h"

#define NEIGHBOURS 200

typedef struct Cooccurrence
{
	RecRecommender base;
	RecScored  *near;			/* NEIGHBOURS per item, best first */
	int32	   *nnear;
	bool		explicit_feedback;
} Cooccurrence;

static bool
cooccurrence_score(RecRecommender *self, const RecUserPairs *user, float *score)
{
	Cooccurrence *c = (Cooccurrence *) self;
	bool		any = false;

	memset(score, 0, self->nitems * sizeof(float));
	for (int k = 0; k < user->n; k++)
	{
		const RecScored *near = c->near + (Size) user->pair[k].item * NEIGHBOURS;

		if (!c->explicit_feedback && user->pair[k].net <= 0)
			continue;
		any = true;
		for (int i = 0; i < c->nnear[user->pair[k].item]; i++)
			score[near[i].position] += near[i].score;
	}
	return any;
}

/* Positive pairs that may be learnt from, by user and by item, with value 1. */
static RecObservations
positive_pairs(const RecFitInput *in)
{
	const RecPairs *p = in->pairs;
	RecObservations o = {
		.user_start = palloc_extended((p->users.n + 1) * sizeof(int64), MCXT_ALLOC_HUGE),
		.user_item = palloc_extended(Max(p->n, 1) * sizeof(int32), MCXT_ALLOC_HUGE),
		.user_value = palloc_extended(Max(p->n, 1) * sizeof(float), MCXT_ALLOC_HUGE),
		.item_start = palloc_extended((p->items.n + 1) * sizeof(int64), MCXT_ALLOC_HUGE),
		.item_user = palloc_extended(Max(p->n, 1) * sizeof(int32), MCXT_ALLOC_HUGE),
		.item_value = palloc_extended(Max(p->n, 1) * sizeof(float), MCXT_ALLOC_HUGE)
	};

	rec_observations_fill(&o, p, in->without, REC_TRANSFORM_BINARY, in->rule.explicit_feedback, true);
	return o;
}

static inline bool
liked(float value, bool explicit_feedback)
{
	return explicit_feedback || value > 0;
}

/* The neighbours of item j; count is zero before and after. */
static void
find_neighbours(Cooccurrence *c, const RecObservations *o, int j, const int32 *support, int32 *count, int32 *touched)
{
	RecTopK		top;
	int			n = 0;

	for (int64 a = o->item_start[j]; a < o->item_start[j + 1]; a++)
	{
		int32		u = o->item_user[a];

		if (!liked(o->item_value[a], c->explicit_feedback))
			continue;
		for (int64 b = o->user_start[u]; b < o->user_start[u + 1]; b++)
			if (liked(o->user_value[b], c->explicit_feedback) && count[o->user_item[b]]++ == 0)
				touched[n++] = o->user_item[b];
	}
	rec_topk_init(&top, c->near + (Size) j * NEIGHBOURS, NEIGHBOURS);
	for (int i = 0; i < n; i++)
	{
		int32		item = touched[i];

		if (item != j)
			rec_topk_offer(&top, (float) (count[item] / sqrt((double) support[item] * support[j])), item);
		count[item] = 0;
	}
	rec_topk_sort(&top);
	c->nnear[j] = top.n;
}

RecRecommender *
rec_fit_cooccurrence(const RecFitInput *in)
{
	Cooccurrence *c = palloc0(sizeof(Cooccurrence));
	int			n = in->pairs->items.n;
	Size		near = mul_size(mul_size(Max(n, 1), NEIGHBOURS), sizeof(RecScored));
	RecObservations o;
	int32	   *support,
			   *count,
			   *touched;

	rec_check_memory(add_size(in->pairs->held, add_size(near, mul_size(in->pairs->n, 16))), "Counting co-occurrences");
	o = positive_pairs(in);
	c->explicit_feedback = in->rule.explicit_feedback;
	c->near = palloc_extended(near, MCXT_ALLOC_HUGE);
	c->nnear = palloc_extended(Max(n, 1) * sizeof(int32), MCXT_ALLOC_HUGE);
	support = palloc_extended(Max(n, 1) * sizeof(int32), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	count = palloc_extended(Max(n, 1) * sizeof(int32), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	touched = palloc_extended(Max(n, 1) * sizeof(int32), MCXT_ALLOC_HUGE);
	for (int i = 0; i < n; i++)
		for (int64 k = o.item_start[i]; k < o.item_start[i + 1]; k++)
			support[i] += liked(o.item_value[k], c->explicit_feedback);
	for (int j = 0; j < n; j++)
	{
		CHECK_FOR_INTERRUPTS();
		find_neighbours(c, &o, j, support, count, touched);
	}
	pfree(touched);
	pfree(count);
	pfree(support);
	pfree(o.user_start);
	pfree(o.user_item);
	pfree(o.user_value);
	pfree(o.item_start);
	pfree(o.item_user);
	pfree(o.item_value);
	c->base.memory = near;
	c->base.score = cooccurrence_score;
	return &c->base;
}
