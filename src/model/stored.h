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
	bool		has_newest;		/* else the newest of the training: */
	int64		newest;			/* without the former: only events after this */
} RecTestSource;

/* Fills in the parts: what the version knows, and the test set. Version 0: the active one. In the current context. */
extern RecStored *rec_stored_parts(const RecModel *model, int version, const RecTestSource *from,
								   const RecEvaluation *evaluation, RecParts *parts);
extern RecRecommender *rec_stored_recommender(const RecStored *stored, const RecParts *parts);
extern RecRecommender *rec_stored_popular(const RecStored *stored, const RecParts *parts);

extern RecResults *rec_evaluate_stored(const RecModel *model, int version, const RecTestSource *source,
									   const RecEvaluation *evaluation);

#endif							/* REC_STORED_H */
