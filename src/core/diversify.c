/*
 * diversify.c
 *		Greedy choice by maximal marginal relevance. See diversify.h.
 *
 * Each step needs one product per entry that is left, with the item chosen last: the largest cosine so far is kept.
 */
#include "core/diversify.h"

#include <math.h>
#include <string.h>

#include "core/score.h"

/* Raises the largest cosine of the entries from `from` on by that with a chosen item. */
static void
look_at(const RecDiversify *job, const RecScored *entry, int from, int n, int chosen)
{
	memset(job->row, 0, job->stride * sizeof(float));
	memcpy(job->row, job->items + (int64_t) chosen * job->stride, job->factors * sizeof(float));
	for (int i = from; i < n; i++)
	{
		float		lengths = job->norm[entry[i].position] * job->norm[chosen];
		float		cosine = 0;

		if (lengths > 0)
		{
			rec_score_rows(job->items + (int64_t) entry[i].position * job->stride, 1, job->stride, job->row, &cosine);
			cosine /= lengths;
		}
		job->nearest[i] = fmaxf(job->nearest[i], cosine);
	}
}

/* Brings an entry to the place `to`; those between move back by one, so that ties keep their order. */
static void
move_up(const RecDiversify *job, RecScored *entry, int from, int to)
{
	RecScored	e = entry[from];
	float		nearest = job->nearest[from];

	memmove(entry + to + 1, entry + to, (from - to) * sizeof(RecScored));
	memmove(job->nearest + to + 1, job->nearest + to, (from - to) * sizeof(float));
	entry[to] = e;
	job->nearest[to] = nearest;
}

void
rec_diversify(const RecDiversify *job, RecScored *entry, int n, int k)
{
	double		least = n > 0 ? entry[n - 1].score : 0;
	double		range = n > 0 ? entry[0].score - least : 0;

	for (int i = 0; i < n; i++)
		job->nearest[i] = -INFINITY;
	for (int place = 0; place < k && place < n; place++)
	{
		int			best = place;
		double		most = -INFINITY;

		for (int i = place; i < n; i++)
		{
			double		relevance = range > 0 ? (entry[i].score - least) / range : 1;
			double		value = (1 - (double) job->diversity) * relevance -
				(place > 0 ? job->diversity * (double) job->nearest[i] : 0);

			if (value > most)
			{
				most = value;
				best = i;
			}
		}
		move_up(job, entry, best, place);
		look_at(job, entry, place + 1, n, entry[place].position);
	}
}
