/*
 * sobol.h
 *		Sobol's low-discrepancy sequence, in up to REC_SOBOL_DIMENSIONS dimensions.
 *
 * Sobol, USSR Comput. Math. Math. Phys. 7(4), 1967; in Gray-code order (Antonov and Saleev 1979). Directions follow from primitive
 * polynomials modulo 2 and initial numbers m, those of Joe and Kuo, SIAM J. Sci. Comput. 30(5), 2008. A seed shifts all
 * points digitally (exclusive or), which keeps their evenness.
 */
#ifndef REC_SOBOL_H
#define REC_SOBOL_H

#include <stdint.h>

#define REC_SOBOL_DIMENSIONS 16

/* Coordinates in [0, 1) of point `index`, counted from 0; seed 0 leaves them as they are. */
extern void rec_sobol(uint32_t index, int dimensions, uint64_t seed, double *point);

#endif							/* REC_SOBOL_H */
