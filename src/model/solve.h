/*
 * solve.h
 *		The epochs of a training, serial or with parallel workers.
 */
#ifndef REC_SOLVE_H
#define REC_SOLVE_H

#include "core/metrics.h"
#include "model/attributes.h"
#include "model/pairs.h"

#define REC_MAX_EPOCHS 1000		/* as the range of the parameter says */
#define REC_METRIC_K 10			/* holdout metrics are at 10 */

/* Quality on the holdout; NaN where it does not apply. */
typedef struct RecQuality
{
	double		ndcg;			/* implicit */
	double		recall;			/* implicit: hits / min(10, held out) */
	double		rmse;			/* explicit */
	double		watched;		/* what epochs are compared by: ndcg, or the metric of a RecWatch; explicit: rmse */
} RecQuality;

/* What somebody who runs several trainings wants of one. */
typedef struct RecWatch
{
	RecMetric	metric;			/* implicit: judges the epochs, one of the list metrics */
	int			k;				/* at most REC_WATCH_MAX_K */
	bool		rough;			/* without the final half-step: users' factors are of the best epoch, or of a later one */
	/* NULL, or called after each epoch, in parallel mode; may raise an error; false: the training stops here */
	bool		(*go_on) (void *state, int epoch, double watched);
	void	   *state;
} RecWatch;

#define REC_WATCH_MAX_K 1000

typedef struct RecSolution
{
	int			factors;
	int			stride;			/* floats per factor row; explicit: the bias stands after the factors */
	const float *users;			/* pairs.users.n rows */
	const float *items;			/* pairs.items.n rows */
	const float *map[2];		/* by side: columns x stride, from attributes to factors; NULL: no attributes, or they say nothing */
	double		ridge[2];		/* by side: its strength as it was chosen */
	const float *gram;			/* stride x stride, times unobserved_weight; NULL: explicit */
	float		mean;			/* explicit */
	double		noise;			/* variance of an observation of weight 1; NaN: not known */
	int			epochs;			/* that ran */
	int			best_epoch;		/* 1-based: whose item factors these are */
	double	   *loss;			/* epochs */
	RecQuality *quality;		/* epochs */
	RecQuality	baseline;		/* popularity; explicit: the items' means */
	int			workers;
	double		fill_seconds;	/* of the matrices, which belongs to the load */
	Size		memory;			/* reserved for matrices and factors */
	const struct RecWeights *weights;	/* of the items; NULL: there are factors instead */
	void	   *private;		/* what rec_solve_release() frees */
} RecSolution;

/*
 * Runs the epochs and the final exact user half-step. The factors stay where they are, perhaps in a shared segment,
 * until rec_solve_release(); an error releases them with the transaction. With a watch it is quiet and leaves the
 * progress view alone. design: attributes by side, NULL where there are none (or NULL: none at all).
 */
extern RecSolution *rec_solve(const RecPairs *pairs, const RecHoldout *holdout, const RecParams *params,
							  const RecSumRule *rule, const RecWatch *watch, RecDesign *const *design);
extern void rec_solve_release(RecSolution *solution);

extern const char *rec_als_error(int status);

#endif							/* REC_SOLVE_H */
