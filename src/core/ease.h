/*
 * ease.h
 *		EASE, a linear item-to-item model in closed form (Steck 2019, arXiv 1905.03375).
 *
 * With X the users x items matrix, B minimises |X - X B|^2 + l2 |B|^2 with a diagonal of zero:
 *
 *	P = (X'X + l2 I)^-1,	B_ij = -P_ij / P_jj (i != j),	objective = sum over j of 1 / P_jj - l2
 *
 * The symmetric matrix is kept as its upper triangle of tiles and inverted in place: A = U'U
 * (Cholesky), W = U^-1, P = W W'. Each of the three is a sequence of steps, and each step a number
 * of units that are independent of one another and take some milliseconds, so that a caller can look
 * at interrupts between units and give them to several processes:
 *
 *	phase		steps					units of step s
 *	factor		side, ascending			side - s; unit 0 comes first, alone
 *	invert		side, ascending			s; before them rec_ease_prepare()
 *	multiply	side, ascending			side - s; before them rec_ease_prepare()
 *
 * All memory is the caller's, on 64-byte boundaries. Results do not depend on who does which unit.
 */
#ifndef REC_EASE_H
#define REC_EASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REC_TILE_SIDE 144
#define REC_TILE_FLOATS ((size_t) REC_TILE_SIDE * REC_TILE_SIDE)

typedef struct RecTiles
{
	int64_t n;       /* rows and columns */
	int     side;    /* tiles in a row: n / REC_TILE_SIDE, rounded up */
	float  *tile;    /* side * (side + 1) / 2 tiles, those of the first row first */
	float  *scratch; /* side + 2 tiles, contents irrelevant */
	float  *inverse; /* side * REC_TILE_SIDE: reciprocals of U's diagonal */
} RecTiles;

typedef enum RecEasePhase
{
	REC_EASE_FACTOR,
	REC_EASE_INVERT,
	REC_EASE_MULTIPLY
} RecEasePhase;

/* Floats of `tile`, `scratch` and `inverse`, all in one, for n items. */
extern size_t
rec_ease_floats(int64_t n);

/* Points into such a block of memory. */
extern void
rec_ease_layout(RecTiles *tiles, int64_t n, float *memory);

/* Row i of X'X, its entries i .. n-1 in dot, plus l2 on the diagonal. Every row must be put. */
extern void
rec_ease_put_row(RecTiles *tiles, int64_t i, const float *dot, double l2);

/* Number of units of a step. */
extern int
rec_ease_units(const RecTiles *tiles, RecEasePhase phase, int step);

/* Once before the units of a step; does nothing in the first phase. */
extern void
rec_ease_prepare(RecTiles *tiles, RecEasePhase phase, int step);

/* One unit; false when the matrix is not positive definite in single precision. */
extern bool
rec_ease_unit(RecTiles *tiles, RecEasePhase phase, int step, int unit);

/* After the last phase: the diagonal of P. */
extern void
rec_ease_diagonal(const RecTiles *tiles, float *diagonal);

/* Row i of B: what one unit of item i adds to the score of each item. */
extern void
rec_ease_row(const RecTiles *tiles, const float *diagonal, int64_t i, float *row);

#endif /* REC_EASE_H */
