/*
 * context.h
 *		What the context of a request changes: lifts of items by the values of context columns.
 */
#ifndef REC_CONTEXT_H
#define REC_CONTEXT_H

#include "model/cache.h"

/* Learns the lifts of a version that was just stored, and stores them. Nothing without context_columns. */
extern void rec_context_store(const RecModel *model, const RecEventSource *source, int version);

/*
 * Multiplies factor[position] by the lift of each item in the given context, {"column": value, ...}. Values that the version does not know
 * change nothing; a column that is none of the model's is an error.
 */
extern void rec_context_factors(const RecModel *model, const RecServing *serving, const Jsonb *context, float *factor);

#endif							/* REC_CONTEXT_H */
