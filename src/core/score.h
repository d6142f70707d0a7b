/*
 * score.h
 *		Inner products of one vector with many factor rows.
 *
 * Rows are `stride` floats apart, a multiple of 16, padded with zeros. A row's result depends on the row and the
 * vector only, so one item scored alone has the very bits it has among all others (on one kind of CPU).
 */
#ifndef REC_SCORE_H
#define REC_SCORE_H

#include <stdint.h>

/* out[i] = <rows[i], x>, i = 0 .. n-1 */
extern void rec_score_rows(const float *rows, int64_t n, int stride, const float *x, float *out);

/* A score times a factor: one above 1 raises it, whatever its sign. */
static inline float
rec_raised(float score, float factor)
{
	return score >= 0 ? score * factor : score / factor;
}

#endif							/* REC_SCORE_H */
