/*
 * power.h
 *		Planning: power, detectable effect and number of units of a comparison of two means.
 */
#ifndef REC_POWER_H
#define REC_POWER_H

#include "core/effect.h"

typedef enum RecDesign
{
	REC_FIXED,					/* one test at the end */
	REC_ALWAYS_VALID,			/* confidence sequence */
	REC_GROUP_SEQUENTIAL		/* O'Brien-Fleming spending, looks at equal distances */
} RecDesign;

typedef struct RecPlan
{
	RecDesign	design;
	RecSide		side;
	double		alpha;
	double		margin;
	double		tuning_n;		/* of a confidence sequence */
	int			looks;			/* of a group-sequential design */
	double	   *boundary;		/* looks, filled by rec_plan_begin() */
	double	   *information;
	double	   *scratch;		/* REC_GROUP_SCRATCH */
	bool		normal;			/* known variances (proportions): no t */
	void		(*tick) (void);	/* called now and then, to be cancelled; NULL: none */
} RecPlan;

/* Standard deviations of a unit in control and treatment. */
typedef struct RecSpread
{
	double		control;
	double		treatment;
	double		pooled;			/* under the null hypothesis, where the test uses that; 0: it does not */
} RecSpread;

extern void rec_plan_begin(RecPlan *plan);

/*
 * Probability that the test finds the difference. Fixed: by noncentral t. Group-sequential: at any of the looks. Always valid:
 * at the end, so at any time it is at least that.
 */
extern double rec_plan_power(const RecPlan *plan, double difference, RecSpread spread, double n_control,
							 double n_treatment);

/* The smallest difference (of the sign that the plan looks for) found with this power. */
extern double rec_plan_effect(const RecPlan *plan, double power, RecSpread spread, double n_control, double n_treatment);

/* Proportions: the spread, and the smallest detectable proportion of the treatment (NaN: none). */
extern RecSpread rec_plan_proportions(double control, double treatment, double share);
extern double rec_plan_proportion(const RecPlan *plan, double power, double control, double n_control, double n_treatment);

/* Units in both arms together, of which `share` are treated; NaN when no number suffices. Not rounded. */
extern double rec_plan_units(const RecPlan *plan, double power, double difference, RecSpread spread, double share);

#endif							/* REC_POWER_H */
