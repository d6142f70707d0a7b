/*
 * topk.c
 *		A bounded heap of the best entries. See topk.h.
 */
#include "core/topk.h"

void
rec_topk_init(RecTopK *top, RecScored *entry, int k)
{
	top->entry = entry;
	top->k = k;
	top->n = 0;
}

/* Moves the entry at i down until no child stands after it. */
static void
sift_down(RecScored *e, int n, int i)
{
	RecScored	s = e[i];

	for (;;)
	{
		int			child = 2 * i + 1;

		if (child >= n)
			break;
		if (child + 1 < n && rec_scored_before(e[child], e[child + 1]))
			child++;
		if (!rec_scored_before(s, e[child]))
			break;
		e[i] = e[child];
		i = child;
	}
	e[i] = s;
}

void
rec_topk_insert(RecTopK *top, RecScored s)
{
	RecScored  *e = top->entry;
	int			i;

	if (top->n == top->k)
	{
		e[0] = s;
		sift_down(e, top->n, 0);
		return;
	}
	for (i = top->n++; i > 0 && rec_scored_before(e[(i - 1) / 2], s); i = (i - 1) / 2)
		e[i] = e[(i - 1) / 2];
	e[i] = s;
}

#define BLOCK 64

/* Whether a score of the block is at least the threshold; written for the vectorizer. */
static inline bool
any_reaches(const float *score, float threshold)
{
	int			reached = 0;

	for (int i = 0; i < BLOCK; i++)
		reached |= score[i] >= threshold;
	return reached != 0;
}

void
rec_topk_scan(RecTopK *top, const float *score, const bool *mask, int n)
{
	for (int from = 0; from < n; from += BLOCK)
	{
		int			end = n - from < BLOCK ? n : from + BLOCK;

		/* a NaN threshold compares false, but then everything in the heap is NaN or worse: look at each */
		if (top->n == top->k && end - from == BLOCK &&
			(top->k == 0 || (top->entry[0].score == top->entry[0].score &&
							 !any_reaches(score + from, top->entry[0].score))))
			continue;
		for (int i = from; i < end; i++)
			if (mask[i])
				rec_topk_offer(top, score[i], i);
	}
}

void
rec_topk_sort(RecTopK *top)
{
	for (int n = top->n - 1; n > 0; n--)
	{
		RecScored	worst = top->entry[0];

		top->entry[0] = top->entry[n];
		top->entry[n] = worst;
		sift_down(top->entry, n, 0);
	}
}
