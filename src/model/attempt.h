/*
 * attempt.h
 *		Work that may fail without failing what it is part of.
 */
#ifndef REC_ATTEMPT_H
#define REC_ATTEMPT_H

#include "compat.h"

/*
 * Does work(argument) in a subtransaction. NULL: done. Else what was done is undone, and this is the error, in the current
 * memory context. A cancel, a shutdown, a serialization failure, want of memory and internal errors are raised as ever.
 */
extern ErrorData *rec_attempt(void (*work) (void *argument), void *argument);

#endif							/* REC_ATTEMPT_H */
