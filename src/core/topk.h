/*
 * topk.h
 *		The k best of a stream of scored positions, in a stable order.
 *
 * Order: higher score first, of equal scores the lower position first, NaN last of all. So the result does not
 * depend on the order of the offers. Memory is the caller's: an array of k entries.
 */
#ifndef REC_TOPK_H
#define REC_TOPK_H

#include <stdbool.h>
#include <stdint.h>

typedef struct RecScored
{
	float		score;
	int32_t		position;
} RecScored;

typedef struct RecTopK
{
	RecScored  *entry;			/* a heap with the worst at the top until rec_topk_sort() */
	int			k;
	int			n;				/* filled */
} RecTopK;

/* True when a stands before b. */
static inline bool
rec_scored_before(RecScored a, RecScored b)
{
	if (a.score > b.score)
		return true;
	if (a.score < b.score)
		return false;
	if (a.score != a.score || b.score != b.score)
	{
		if (a.score == a.score || b.score == b.score)
			return a.score == a.score;
	}
	return a.position < b.position;
}

extern void rec_topk_init(RecTopK *top, RecScored *entry, int k);
extern void rec_topk_insert(RecTopK *top, RecScored s);

/*
 * Offers score[0 .. n-1] as positions 0 .. n-1, those with mask[i] false left out; the same result as offering one by
 * one, but blocks without a score above the worst kept one are passed over at vector speed.
 */
extern void rec_topk_scan(RecTopK *top, const float *score, const bool *mask, int n);

/* Best first. */
extern void rec_topk_sort(RecTopK *top);

static inline void
rec_topk_offer(RecTopK *top, float score, int32_t position)
{
	RecScored	s = {score, position};

	if (top->n < top->k || (top->k > 0 && rec_scored_before(s, top->entry[0])))
		rec_topk_insert(top, s);
}

#endif							/* REC_TOPK_H */
