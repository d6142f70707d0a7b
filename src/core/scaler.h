/*
 * scaler.h
 *		Fitted scalers: what they are, and applying them to numbers.
 *
 *	standard	(x - mean) / standard deviation of the sample
 *	minmax		(x - min) / (max - min)
 *	robust		(x - median) / (upper quantile - lower quantile)
 *	maxabs		x / max |x|
 *	quantile	position among the quantiles of what was fitted, from 0 to 1 (scikit-learn's QuantileTransformer, uniform)
 *	log			ln(1 + x - offset), and -ln(1 + offset - x) below the offset: defined everywhere, ascending, invertible
 *
 * A spread of 0 (a column of one value) gives 0 and is undone to that value.
 */
#ifndef REC_SCALER_H
#define REC_SCALER_H

typedef enum RecScalerKind
{
	REC_SCALER_STANDARD, REC_SCALER_MINMAX, REC_SCALER_ROBUST, REC_SCALER_MAXABS, REC_SCALER_QUANTILE, REC_SCALER_LOG,
	REC_SCALER_KINDS
} RecScalerKind;

typedef struct RecScaler
{
	RecScalerKind kind;
	double		n;				/* numbers it was fitted on */
	double		center;			/* subtracted; log: the offset */
	double		low;			/* divided by high - low, which may be more than a double holds */
	double		high;
	int			nquantiles;		/* quantile: at least 1, ascending */
	const double *quantile;
} RecScaler;

/* Names by kind, as in SQL. */
extern const char *const rec_scaler_names[REC_SCALER_KINDS];

/* NaN stays NaN. Infinite for a finite x: no double holds the result. */
extern double rec_scaler_apply(const RecScaler *scaler, double x);
extern double rec_scaler_undo(const RecScaler *scaler, double y);

#endif							/* REC_SCALER_H */
