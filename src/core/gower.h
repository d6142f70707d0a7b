/*
 * gower.h
 *		Gower's distance (Biometrics 27(4), 1971) between rows of mixed types, and the nearest rows.
 *
 * A row is an array of doubles, NaN where a value is missing. A numeric column adds |a - b| / (high - low), a categorical one (whose
 * values are codes) 0 or 1; the distance is the mean over the columns that both rows have.
 */
#ifndef REC_GOWER_H
#define REC_GOWER_H

#include <stdint.h>

typedef struct RecGowerColumn
{
	int			numeric;
	double		low;			/* numeric: the range over all rows */
	double		high;
} RecGowerColumn;

/* From 0 to 1; NaN when the rows have no column in common. */
extern double rec_gower(const double *a, const double *b, const RecGowerColumn *column, int ncolumns);

/* The nearest rows so far, nearest first; of equal ones the smaller number. n starts at 0, room for k. */
typedef struct RecNearest
{
	int			k;
	int			n;
	double	   *distance;
	int64_t    *row;
} RecNearest;

extern void rec_nearest_offer(RecNearest *nearest, double distance, int64_t row);

#endif							/* REC_GOWER_H */
