/*
 * ease.h
 *		Inverting the matrix of EASE with parallel workers; the arithmetic is in core/ease.c.
 */
#ifndef REC_MODEL_EASE_H
#define REC_MODEL_EASE_H

#include "core/ease.h"
#include "model/crew.h"

typedef struct RecEase
{
	RecCrew    *crew;
	RecTiles	tiles;			/* to be filled before, and read after the inversion */
} RecEase;

extern Size rec_ease_memory(int n);

/* Room for the matrix of n items, in shared memory where workers are to be had. */
extern void rec_ease_create(RecEase *ease, int n);

/* An error when the matrix is not positive definite in single precision. */
extern void rec_ease_invert(RecEase *ease);
extern void rec_ease_release(RecEase *ease);

/* A unit of the open step, and the scratch it needs: for crew.c. */
extern void rec_ease_chunk(void *block, int chunk, void *scratch);
extern Size rec_ease_scratch(const void *block);

#endif							/* REC_MODEL_EASE_H */
