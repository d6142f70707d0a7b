/*
 * split.h
 *		Parting events into those that are learnt from and those that judge; and what is relevant to whom in the latter.
 */
#ifndef REC_SPLIT_H
#define REC_SPLIT_H

#include "model/pairs.h"

typedef enum RecSplitKind
{
	REC_SPLIT_TEMPORAL,			/* the newest events are the test part */
	REC_SPLIT_LAST,				/* of each user the pairs with the newest events */
	REC_SPLIT_RANDOM			/* pairs drawn by a hash of their keys */
} RecSplitKind;

typedef struct RecSplit
{
	RecSplitKind kind;
	double		fraction;		/* of the events (temporal), of each user's pairs (last), of all pairs; 0: see below */
	double		interval;		/* temporal: microseconds before the newest event */
	bool		has_boundary;
	int64		boundary;		/* temporal: the time itself; what is later is the test part */
	int			last;			/* last: pairs of each user */
	bool		any_value;		/* last: explicit feedback, where every pair counts and not only the positive ones */
	uint64		seed;
} RecSplit;

/* Moves the events into two new sets with dictionaries of their own; the chunks of `events` are consumed. */
extern void rec_events_split(RecEvents *events, const RecSplit *split, MemoryContext context, RecEvents **train,
							 RecEvents **test);

/* A copy that can be consumed. */
extern RecEvents *rec_events_copy(const RecEvents *events, MemoryContext context);

/*
 * The pairs of the test part in positions of what is known, by user. Left out: pairs that recommend() could not have
 * answered because the user had the item in the training part. A pair is relevant when its value reaches least.
 */
typedef struct RecTestSet
{
	int			n;				/* users */
	int32	   *user;			/* position; -1: not known */
	uint64	   *seed;			/* a hash of the user's key */
	int64	   *start;			/* n + 1 */
	int32	   *item;			/* position; -1: not known */
	float	   *value;			/* explicit: the rating */
	bool	   *relevant;
	int32	   *nrelevant;		/* n: relevant pairs, those of unseen items included */
	RecKeys    *keys;			/* of all users of the test part */
	int32	   *key;			/* n: which of them */
	int64		relevant_pairs;
	int64		unseen_pairs;	/* relevant ones about items without events in the training part */
	int64		unseen_items;	/* distinct */
	int64		excluded_pairs; /* left out, see above */
	int64		without;		/* users of either part without a relevant pair */
} RecTestSet;

typedef struct RecRelevance
{
	bool		exclude_seen;	/* as recommend() is asked */
	double		least;			/* value that makes a pair relevant; implicit: above 0 in any case. NaN: automatic */
	uint64		seed;
} RecRelevance;

/*
 * The keys that have positions: users and items of the training part first, then those that only attributes make known; and
 * how many items have events.
 */
typedef struct RecKnown
{
	RecKeys		users;
	RecKeys		items;
	int			warm;
} RecKnown;

extern RecTestSet *rec_test_set(RecEvents *test, const RecPairs *train, const RecKnown *known, const RecSumRule *rule,
								const RecRelevance *relevance, MemoryContext context);

#endif							/* REC_SPLIT_H */
