/*
 * pairs.h
 *		Events summed up to (user, item) pairs in canonical order, and the matrices made of them.
 */
#ifndef REC_PAIRS_H
#define REC_PAIRS_H

#include "core/als.h"
#include "model/events.h"
#include "model/params.h"

/* How events become the net value of a pair; training and fold-in share it. */
typedef struct RecSumRule
{
	bool		explicit_feedback;	/* the latest event, or the mean without times; else the decayed sum */
	bool		has_time;
	int64		newest;			/* the half-life counts from here; later events keep their weight */
	double		half_life;		/* microseconds; 0: no decay */
} RecSumRule;

typedef struct RecPair
{
	int32		item;
	float		net;			/* finite; implicit: may be negative or 0 */
} RecPair;

typedef struct RecEvent
{
	int32		item;
	float		value;
	int64		time;
} RecEvent;

/* Orders the events of one user for rec_sum_run(): by item, and so that sums do not depend on the order of arrival. */
extern void rec_sort_events(RecEvent *event, int n, const RecSumRule *rule);

/*
 * Net value of the n sorted events of one pair. Adds the number of exact repetitions to *duplicates; *newest is the
 * time of the last one.
 */
extern float rec_sum_run(const RecEvent *run, int n, const RecSumRule *rule, int64 *duplicates, int64 *newest);
extern double rec_decay(const RecSumRule *rule, int64 time);
extern double rec_half_life(const Interval *half_life);	/* microseconds; 0 for NULL */

/*
 * What a training knows of its data. Users and items are positions in canonical key order; the pairs of a user
 * are ascending by item. net is the decayed sum of the user's events with the item (explicit: the rating).
 */
typedef struct RecPairs
{
	RecKeys		users;			/* sorted */
	RecKeys		items;			/* sorted */
	int64		n;
	int64	   *start;			/* users.n + 1 */
	RecPair    *pair;			/* n */
	int64	   *time;			/* n: newest event of the pair; NULL without a time column */
	int32	   *user_events;	/* users.n: events */
	int32	   *item_events;	/* items.n: events */
	int64		duplicates;		/* events equal to another one in user, item, value and time */
	Size		memory;			/* peak while building */
	Size		held;			/* of the result */
} RecPairs;

/* Consumes the chunks of events. */
extern RecPairs *rec_pairs_build(RecEvents *events, const RecSumRule *rule, MemoryContext context);

/* Which pairs are held out of training: their indexes, ascending by user. */
typedef struct RecHoldout
{
	int			nusers;
	int32	   *user;			/* nusers */
	int32	   *start;			/* nusers + 1 */
	int64	   *pair;			/* start[nusers] indexes of pairs */
	bool	   *held;			/* pairs.n, NULL when nusers is 0 */
} RecHoldout;

extern void rec_holdout_choose(RecHoldout *holdout, const RecPairs *pairs, const RecParams *params,
							   bool explicit_feedback);

/* The same of another sample: at most `most` users and a share of all, who have least_pairs positive pairs. */
extern void rec_holdout_sample(RecHoldout *holdout, const RecPairs *pairs, const RecParams *params,
							   bool explicit_feedback, int most, double share, int least_pairs);

/* Distinct users with positive net weight, each decayed by its newest event; held-out pairs left out. */
extern void rec_popularity(const RecPairs *pairs, const RecHoldout *without, const RecSumRule *rule,
						   float *popularity, int32 *support);

/* The same as fallback lists have it: drawn to the catalogue where items have few users, see core/shrink.h. */
extern void rec_fallback_popularity(const RecPairs *pairs, const RecHoldout *without, const RecSumRule *rule,
									float *popularity);

/* The n items' positions, most popular first; in context. */
extern int32 *rec_popular_order(const float *popularity, int n, MemoryContext context);

/* Observations of a training, pairs of net weight 0 and held-out ones left out; arrays from the caller, sized for n. */
typedef struct RecObservations
{
	int64		nnz;
	int64	   *user_start;		/* users + 1 */
	int32	   *user_item;
	float	   *user_value;
	int64	   *item_start;		/* items + 1 */
	int32	   *item_user;
	float	   *item_value;
} RecObservations;

extern void rec_observations_fill(RecObservations *o, const RecPairs *pairs, const RecHoldout *without,
								  RecTransform transform, bool explicit_feedback, bool by_item);

#endif							/* REC_PAIRS_H */
