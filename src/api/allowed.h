/*
 * allowed.h
 *		Which items an answer may hold. Settled before scores are looked at, so that an answer is the exact top k of what
 *		is allowed.
 */
#ifndef REC_ALLOWED_H
#define REC_ALLOWED_H

#include "api/request.h"
#include "api/serve.h"

typedef struct RecAllowed
{
	bool	   *mask;			/* per position */
	int			n;				/* how many are true */
} RecAllowed;

/* All items, or the candidates, without the excluded ones; -1: there is no such argument. */
extern RecAllowed rec_allowed_by_arguments(const RecCall *call, int candidates_argument, int exclude_argument);

/*
 * Leaves of the allowed items those of the request's item set that pass its filter; what these are is found out once for
 * the calls of one statement.
 */
extern void rec_allow_filtered(RecAllowed *allowed, const RecCall *call, const RecRequest *request);

/* The factors of the request's boost and context by position, found out once likewise; NULL: there is none. */
extern const float *rec_boost_factors(const RecCall *call, const RecRequest *request);
extern float rec_item_factor(const RecCall *call, const RecRequest *request, int position);	/* 1: nothing given */

/* Takes items out. */
extern void rec_forbid(RecAllowed *allowed, const int32 *item, int n);

#endif							/* REC_ALLOWED_H */
