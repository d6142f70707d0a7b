/*
 * repeats.c
 *		Own frequency and recency of a user. See repeats.h.
 */
#include "model/repeats.h"

#include "model/events.h"

static void
sum_live(const RecServing *s, RecLive *live, double half_life, RecRepeats *r)
{
	bool		timed = OidIsValid(live->time_type);
	RecSumRule	rule = {.has_time = timed, .newest = PG_INT64_MIN, .half_life = half_life};
	int64		duplicates = 0;
	int			from = 0;

	for (int i = 0; i < live->nevents; i++)
	{
		rule.newest = Max(rule.newest, live->event[i].time);
		if (s->rule.explicit_feedback)	/* a low rating of something taken twice is no less a repetition */
			live->event[i].value = 1;
	}
	rec_sort_events(live->event, live->nevents, &rule);
	r->item = palloc(Max(live->nevents, 1) * sizeof(int32));
	r->score = palloc(Max(live->nevents, 1) * sizeof(float));
	r->last = timed ? palloc(Max(live->nevents, 1) * sizeof(int64)) : NULL;
	r->time_type = live->time_type;
	while (from < live->nevents)
	{
		int			first = from;
		int64		newest;

		while (from < live->nevents && live->event[from].item == live->event[first].item)
			from++;
		r->item[r->n] = live->event[first].item;
		r->score[r->n] = rec_sum_run(live->event + first, from - first, &rule, &duplicates, &newest);
		if (timed)
			r->last[r->n] = newest;
		r->n++;
	}
}

RecRepeats
rec_repeats_get(const RecServing *s, RecLive *live, int n, int32 *item, const float *net, double half_life)
{
	RecRepeats	r = {0};

	if (live->usable)
	{
		sum_live(s, live, half_life, &r);
		return r;
	}
	if (live->secured)			/* what is stored may rest on rows that the caller must not see */
		return r;
	r.n = n;
	r.item = item;
	r.score = palloc(Max(n, 1) * sizeof(float));
	for (int i = 0; i < n; i++)
		r.score[i] = s->rule.explicit_feedback ? 1 : net[i];
	return r;
}

float
rec_repeats_score(const RecRepeats *r, int32 item)
{
	int			low = 0,
				high = r->n;

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (r->item[middle] < item)
			low = middle + 1;
		else
			high = middle;
	}
	return low < r->n && r->item[low] == item ? r->score[low] : 0;
}
