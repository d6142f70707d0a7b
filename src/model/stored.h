/*
 * stored.h
 *		A stored version in memory as a training has it, to be judged.
 */
#ifndef REC_STORED_H
#define REC_STORED_H

#include "model/evaluate.h"
#include "model/user.h"

typedef struct RecStored
{
	RecServing *serving;		/* pinned */
	RecPairs   *pairs;			/* from user_history: no times, no counts of events */
	RecSolution solution;
} RecStored;

/* Where the events of a test come from: the model's events_relation, which the caller may have replaced. */
typedef struct RecTestSource
{
	bool		other;			/* replaced: all of its events count */
	bool		has_since;
	TimestampTz since;			/* only events after it */
	int64		newest;			/* without the former: only events after this, the newest of the training */
} RecTestSource;

/* Version 0: the active one. In the current context. */
extern RecStored *rec_stored_read(const RecModel *model, int version);
extern RecRecommender *rec_stored_recommender(const RecModel *model, const RecStored *stored);
extern RecTestSet *rec_stored_test(const RecModel *model, const RecStored *stored, const RecTestSource *from,
								   const RecEvaluation *evaluation, MemoryContext context);

extern RecResults *rec_evaluate_stored(const RecModel *model, int version, const RecTestSource *source,
									   const RecEvaluation *evaluation);

#endif							/* REC_STORED_H */
