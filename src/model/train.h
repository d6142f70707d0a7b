/*
 * train.h
 *		A training from the event relation to an active version.
 */
#ifndef REC_TRAIN_H
#define REC_TRAIN_H

#include "model/store.h"

typedef struct RecTrained
{
	RecRun		run;
	RecPairs   *pairs;
	RecSolution *solution;		/* factors already released; numbers valid */
	double		seconds;
	MemoryContext context;		/* of pairs; the caller deletes it when it has read the numbers */
} RecTrained;

/* Checks ownership, excludes other trainings of the model, and does everything; palloc'd in the current context. */
extern RecTrained *rec_train_model(Oid schema, const Jsonb *params, bool activate);

/* Defaults for the model with its own params on top. */
extern RecParams rec_model_params(const RecModel *model);

/* Fills in the automatic parameters, from the positive pairs or from the ratings. */
extern void rec_train_resolve(RecParams *params, const RecPairs *pairs, bool explicit_feedback);

/* How the model sums events; before rec_pairs_build() consumes them. */
extern RecSumRule rec_train_rule(const RecModel *model, const RecEvents *events);

#endif							/* REC_TRAIN_H */
