/*
 * sequential.h
 *		Tests that may be looked at more than once: always-valid confidence sequences, and group-sequential boundaries.
 */
#ifndef REC_SEQUENTIAL_H
#define REC_SEQUENTIAL_H

#include "core/effect.h"

/*
 * Asymptotic confidence sequence (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit theory and
 * asymptotic confidence sequences", Ann. Stat. 2024): the interval holds at all times at once. It is tightest about when
 * tuning_n units (both arms together) have been seen. Arms filled in; the rest follows.
 */
extern void rec_effect_sequential(RecEffect *e, const RecTestOptions *options, double tuning_n);

/* For how many units a confidence sequence is tuned when nobody says: as GrowthBook does. */
#define REC_TUNING_N 5000

/* How many standard errors wide it is to either side, after n units. */
extern double rec_sequential_width(double n, double tuning_n, double alpha, RecSide side);

typedef enum RecSpending
{
	REC_OBRIEN_FLEMING,			/* Lan and DeMets 1983: 2 - 2 Phi(z(alpha / 2) / sqrt(t)) */
	REC_POCOCK					/* alpha log(1 + (e - 1) t) */
} RecSpending;

/* Most looks, and the least fraction of information between two. */
#define REC_MAX_LOOKS 200
#define REC_MIN_INFORMATION 0.001

/* Doubles of scratch memory that the functions below need. */
#define REC_GROUP_SCRATCH (5 * 20 * 130)

/* alpha spent on one side until the fraction t of the information */
extern double rec_spent(RecSpending spending, double alpha, double t);

/*
 * Boundaries of |z| (one-sided: of z) at each of the looks, whose fractions of the planned information ascend to at most 1.
 * two_sided spends alpha / 2 on each side. Infinite where nothing may be spent yet. tick, here and below, is called for each
 * look, to be cancelled (NULL: none).
 */
extern void rec_group_boundaries(RecSpending spending, double alpha, bool two_sided, const double *information,
								 int looks, double *boundary, double *scratch, void (*tick) (void));

/* Probability to cross the upper boundary at one of the looks when the expected z at full information is `drift`. */
extern double rec_group_power(const double *boundary, bool two_sided, const double *information, int looks,
							  double drift, double *scratch, void (*tick) (void));

#endif							/* REC_SEQUENTIAL_H */
