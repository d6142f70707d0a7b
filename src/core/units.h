/*
 * units.h
 *		Sufficient statistics of the units of one arm of an experiment, and what the arm's metric is estimated to be.
 *
 * Each unit has one to four numbers: y (of a ratio the numerator), the denominator, and what y and the denominator were before
 * the experiment. Kept are count, means, sums of squared deviations and of their products (Welford; Chan, Golub and LeVeque for
 * merging: no cancellation), and for y the sum of cubed deviations (Pebay 2008). Two samples merge to that of all their units.
 * NaN and infinite numbers make the moments NaN, and so what follows from them is undefined.
 */
#ifndef REC_UNITS_H
#define REC_UNITS_H

#include <math.h>
#include <stdbool.h>

typedef enum RecUnitsKind
{
	REC_UNITS_MEAN,			/* y */
	REC_UNITS_RATIO,			/* sum of y over sum of denominators */
	REC_UNITS_CUPED,			/* y, less what it was expected to be */
	REC_UNITS_CUPED_RATIO
} RecUnitsKind;

enum { REC_Y, REC_DEN, REC_PRE, REC_PRE_DEN, REC_UNITS_VARIABLES };

typedef struct RecUnits
{
	RecUnitsKind kind;
	double		n;				/* units; exact to 2^53 */
	double		mean[REC_UNITS_VARIABLES];
	/* co[i][j], i <= j: sums of products of deviations; those of unused variables are 0 */
	double		co[REC_UNITS_VARIABLES][REC_UNITS_VARIABLES];
	double		m3;				/* sum of cubed deviations of y */
} RecUnits;

/* What an arm's metric is, with the variance of that estimate. NaN: undefined. */
typedef struct RecArm
{
	double		n;				/* units */
	double		estimate;
	double		variance;
	double		df;
	double		third;			/* third central moment of the estimate; 0 when it is not known */
} RecArm;

extern const char *rec_units_kind_name(RecUnitsKind kind);

/* Whether the kind uses the variable. */
static inline bool
rec_units_uses(RecUnitsKind kind, int variable)
{
	switch (variable)
	{
		case REC_Y:
			return true;
		case REC_DEN:
			return kind == REC_UNITS_RATIO || kind == REC_UNITS_CUPED_RATIO;
		case REC_PRE:
			return kind == REC_UNITS_CUPED || kind == REC_UNITS_CUPED_RATIO;
		default:
			return kind == REC_UNITS_CUPED_RATIO;
	}
}

/* One more unit, of kind REC_UNITS_MEAN. */
static inline void
rec_units_add_mean(RecUnits *s, double y)
{
	double		delta = y - s->mean[REC_Y],
				step,
				term;

	s->n += 1;
	step = delta / s->n;
	term = delta * step * (s->n - 1);
	s->mean[REC_Y] += step;
	s->m3 += term * step * (s->n - 2) - 3 * step * s->co[REC_Y][REC_Y];
	s->co[REC_Y][REC_Y] += term;
}

/* One more unit, of any kind; value[] has REC_UNITS_VARIABLES numbers, of which those that the kind uses are read. */
extern void rec_units_add(RecUnits *s, const double *value);

/* Adds the units of another sample of the same kind. */
extern void rec_units_merge(RecUnits *s, const RecUnits *other);

/*
 * Two arms from their samples, of the same kind. Means as they are; ratios by the delta method; CUPED (Deng, Xu, Kohavi and
 * Walker, WSDM 2013) with one theta, from the units of both arms together, and of ratios from their linearised units.
 * reduction is the share of variance that CUPED takes away (of the treatment arm and control together), 0 without it.
 */
extern void rec_units_arms(const RecUnits *control, const RecUnits *treatment, RecArm *control_arm,
							RecArm *treatment_arm, double *reduction);

#endif							/* REC_UNITS_H */
