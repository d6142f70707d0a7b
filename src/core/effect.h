/*
 * effect.h
 *		Two arms compared: test, interval of the difference, relative lift.
 *
 * The statistic is (difference - margin) / standard error, with Student's t and Welch's degrees of freedom (Welch 1947,
 * Satterthwaite 1946), or the normal where the arms have infinite df. The lift is difference / |control|, its interval by the
 * delta method: variance v_t / c^2 + t^2 v_c / c^4, which takes into account that the control is an estimate too.
 */
#ifndef REC_EFFECT_H
#define REC_EFFECT_H

#include "core/units.h"

typedef enum RecSide
{
	REC_TWO_SIDED,
	REC_GREATER,				/* that the treatment is greater: superiority, non-inferiority with a margin below 0 */
	REC_LESS
} RecSide;

typedef struct RecTestOptions
{
	RecSide		side;
	double		confidence;		/* between 0 and 1 */
	double		margin;			/* the difference under the null hypothesis */
} RecTestOptions;

/* NaN: undefined. note: NULL, or a string constant. */
typedef struct RecEffect
{
	RecArm		control;
	RecArm		treatment;
	double		difference;
	double		std_error;
	double		statistic;
	double		df;
	double		p_value;
	double		ci_low;			/* of the difference; infinite on the open side of a one-sided test */
	double		ci_high;
	double		lift;
	double		lift_low;
	double		lift_high;
	const char *method;
	const char *note;
} RecEffect;

extern const char *rec_side_name(RecSide side);

/* The names users write: two-sided, greater, less; false: none of them. */
extern bool rec_side_of(const char *name, RecSide *side);

/* Arms filled in; the rest follows. */
extern void rec_effect_compare(RecEffect *e, const RecTestOptions *options);

/* The same by parts, for methods that bring their own p-value or interval. */
extern void rec_effect_begin(RecEffect *e);
extern double rec_effect_p(double statistic, double df, RecSide side);

/* Difference and lift +- width times their standard errors. */
extern void rec_effect_intervals(RecEffect *e, const RecTestOptions *options, double width);

/* A note if the distribution is too skewed for the number of units: the normal limit is not reached. */
extern void rec_effect_warn_of_skew(RecEffect *e);

#endif							/* REC_EFFECT_H */
