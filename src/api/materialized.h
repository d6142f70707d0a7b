/*
 * materialized.h
 *		recommend() from what rec.materialize has stored.
 */
#ifndef REC_MATERIALIZED_H
#define REC_MATERIALIZED_H

#include "api/serve.h"

/*
 * Writes the answer when what is stored is of the active version, for at least k rows and with the same exclude_seen, has rows
 * for the user, and no row security on the events applies to the caller; else false, and nothing has been written. The
 * version need not be in memory.
 */
extern bool rec_answer_materialized(const RecCall *call, int user_argument, bool exclude_seen);

#endif							/* REC_MATERIALIZED_H */
