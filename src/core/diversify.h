/*
 * diversify.h
 *		Maximal marginal relevance: an order of scored items in which like ones do not stand together.
 *
 * Carbonell and Goldstein (1998): the next item is the one with the largest
 *
 *	(1 - diversity) * relevance - diversity * (largest cosine with an item that was chosen before)
 *
 * where relevance is the score, brought to 0 .. 1 over the given entries: (score - least) / (greatest - least), 1 when all
 * scores are equal. An item without factors has cosine 0 with every item, and the first choice has no second term. Of
 * equal values the entry that comes first is chosen.
 */
#ifndef REC_DIVERSIFY_H
#define REC_DIVERSIFY_H

#include "core/topk.h"

typedef struct RecDiversify
{
	const float *items;			/* rows of `stride` aligned floats, by position */
	const float *norm;			/* length of the factors, by position */
	int			stride;
	int			factors;		/* coordinates that count; what follows in a row (a bias) does not */
	float		diversity;		/* 0 .. 1 */
	float	   *row;			/* scratch: stride aligned floats */
	float	   *nearest;		/* scratch: one per entry */
} RecDiversify;

/* Puts the first k of n entries, given best first, into this order; the others follow in any order. */
extern void rec_diversify(const RecDiversify *job, RecScored *entry, int n, int k);

#endif							/* REC_DIVERSIFY_H */
