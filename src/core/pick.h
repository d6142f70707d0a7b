/*
 * pick.h
 *		The exact k best items for a vector without reading all factors.
 *
 * Beside each item row y stand codes of one byte per coordinate, y = scale * q + e with |q| <= 127, and the lengths of e
 * and y. The vector is coded likewise, x = s * p + f. Then
 *
 *	<x,y> = s * scale * <p,q> + <s p, e> + <f, y>	<=	s * scale * <p,q> + |s p| |e| + |f| |y|
 *
 * by Cauchy-Schwarz. Rows whose bound stays below the k-th best exact score so far cannot be among the k best and are
 * not looked at; the others are scored from their floats. The bound allows for rounding too, so the result is the
 * same, ties included, as scoring every row. The codes are a quarter of the floats' size, and multiply four at a time.
 *
 * Codes are stored in blocks of 16 rows, in a block by groups of 4 coordinates: uint8 code[block][group][row][4], each
 * q + 128. Arrays are the caller's, 64-byte aligned. Rows must be finite.
 */
#ifndef REC_PICK_H
#define REC_PICK_H

#include <stddef.h>

#include "core/topk.h"

#define REC_CODE_ROWS 16

typedef struct RecCodes
{
	uint8_t    *code;			/* rec_codes_bytes() */
	float	   *scale;			/* these three: one per row, padded to a multiple of 16 */
	float	   *error;			/* |e| */
	float	   *length;			/* |y| */
} RecCodes;

/* Bytes of `code` for n rows, and entries of each of the other arrays. */
extern size_t rec_codes_bytes(int64_t n, int stride);
extern int64_t rec_codes_padded(int64_t n);

extern void rec_codes_build(RecCodes *codes, const float *rows, int64_t n, int stride);

/*
 * Adds to top the best of n rows by <rows[i], x>, rows with mask[i] false left out; scores are those of rec_score_rows().
 * scratch: stride bytes. Returns how many rows were scored from their floats.
 */
extern int64_t rec_pick(const RecCodes *codes, const float *rows, int64_t n, int stride, const float *x,
						const bool *mask, RecTopK *top, int8_t *scratch);

#endif							/* REC_PICK_H */
