/*
 * fit.h
 *		Fitting a scaler to a stream of numbers: what the aggregates rec.fit_* and the window functions share.
 */
#ifndef REC_FIT_H
#define REC_FIT_H

#include "compat.h"

#include <math.h>

#include "api/aggregate.h"
#include "core/moments.h"
#include "core/scaler.h"

/* Without pointers: this part of a state travels as it is. */
typedef struct RecFitPart
{
	int32		kind;			/* RecScalerKind */
	int32		parts;			/* quantile: how many quantiles */
	bool		ignore;			/* NaN and infinity are left out; else they are an error */
	double		lower;			/* robust: the two quantiles of the spread */
	double		upper;
	RecWideMoments moments;		/* standard */
	double		n;				/* minmax, maxabs, log */
	double		min;
	double		max;
} RecFitPart;

typedef struct RecFit
{
	RecFitPart	part;
	RecNumbers *numbers;		/* robust, quantile; else NULL */
} RecFit;

#define REC_MAX_QUANTILES 10000

extern void rec_fit_init(RecFit *fit, RecScalerKind kind, MemoryContext context);

/* Starts a fit with the arguments of an aggregate after state and number, of its first row: they are meant to be constants. */
extern void rec_fit_arguments(FunctionCallInfo fcinfo, RecScalerKind kind, MemoryContext context, RecFit *fit);

/* Checks of arguments; errors that name them. Values above 1 are percent, as in BigQuery and scikit-learn. */
extern void rec_fit_set_range(RecFit *fit, double lower, double upper);
extern int	rec_fit_check_parts(int parts, const char *what);
extern bool rec_fit_ignore(const text *non_finite);

/* Numbers of other, which are sorted then, go over to fit. */
extern void rec_fit_merge(RecFit *fit, const RecFit *other);

/* False when there was no number. Quantiles are palloc'd. Only the order of fit->numbers changes. */
extern bool rec_fit_finish(const RecFit *fit, RecScaler *scaler);

/* Quantiles i / parts of the numbers, i = 0 .. parts, palloc'd. */
extern double *rec_fit_edges(RecNumbers *numbers, int parts);

pg_attribute_noreturn() extern void rec_fit_not_finite(void);

/* With a constant kind it is a few instructions. */
static inline void
rec_fit_add(RecFit *fit, RecScalerKind kind, double x)
{
	RecFitPart *p = &fit->part;

	if (unlikely(!isfinite(x)))
	{
		if (!p->ignore)
			rec_fit_not_finite();
		return;
	}
	switch (kind)
	{
		case REC_SCALER_STANDARD:
			rec_wide_add(&p->moments, x);
			break;
		case REC_SCALER_ROBUST:
		case REC_SCALER_QUANTILE:
			rec_numbers_add(fit->numbers, x);
			break;
		default:
			p->n += 1;
			p->min = x < p->min ? x : p->min;
			p->max = x > p->max ? x : p->max;
	}
}

#endif							/* REC_FIT_H */
