/*
 * fit.c
 *		Fitting scalers. See fit.h.
 *
 * Quantiles are exact, with linear interpolation: all numbers are kept, and the few order statistics that are needed are
 * selected at the end: from the numbers as they are in one process, which takes less time than reading them took, and
 * from what each process has sorted in a parallel plan.
 */
#include "api/fit.h"

#include "core/select.h"
#include "utils/builtins.h"

void
rec_fit_not_finite(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("cannot fit to NaN or infinity"),
			 errhint("Pass 'ignore' as the last argument to leave such values out.")));
}

void
rec_fit_init(RecFit *fit, RecScalerKind kind, MemoryContext context)
{
	memset(fit, 0, sizeof(*fit));	/* padding too: it travels */
	fit->part.kind = kind;
	fit->part.lower = 0.25;
	fit->part.upper = 0.75;
	fit->part.min = HUGE_VAL;
	fit->part.max = -HUGE_VAL;
	rec_wide_init(&fit->part.moments);
	if (kind == REC_SCALER_ROBUST || kind == REC_SCALER_QUANTILE)
		fit->numbers = rec_numbers_create(context);
}

void
rec_fit_set_range(RecFit *fit, double lower, double upper)
{
	if (upper > 1)
	{
		lower /= 100;
		upper /= 100;
	}
	if (!(lower >= 0 && lower < upper && upper <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid quantile range"),
				 errdetail("The range is two ascending quantiles from 0 to 1, as 0.25 and 0.75, or in percent, as 25 and 75.")));
	fit->part.lower = lower;
	fit->part.upper = upper;
}

int
rec_fit_check_parts(int parts, const char *what)
{
	if (parts < 2 || parts > REC_MAX_QUANTILES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("number of %s must be from 2 to %d", what, REC_MAX_QUANTILES),
				 errdetail("It is %d.", parts)));
	return parts;
}

bool
rec_fit_ignore(const text *non_finite)
{
	const char *word = text_to_cstring(non_finite);

	if (strcmp(word, "ignore") == 0)
		return true;
	if (strcmp(word, "error") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown way \"%s\" to treat NaN and infinity", word),
				 errdetail("It is \"error\", the default, or \"ignore\".")));
	return false;
}

void
rec_fit_arguments(FunctionCallInfo fcinfo, RecScalerKind kind, MemoryContext context, RecFit *fit)
{
	int			own = kind == REC_SCALER_ROBUST && PG_NARGS() > 3 ? 2 : kind == REC_SCALER_QUANTILE ? 1 : 0;

	rec_fit_init(fit, kind, context);
	for (int i = 2; i < PG_NARGS(); i++)
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("arguments of a fit must not be null")));
	if (kind == REC_SCALER_QUANTILE)
		fit->part.parts = rec_fit_check_parts(PG_GETARG_INT32(2), "quantiles");
	else if (own == 2)
		rec_fit_set_range(fit, PG_GETARG_FLOAT8(2), PG_GETARG_FLOAT8(3));
	if (PG_NARGS() > 2 + own)
		fit->part.ignore = rec_fit_ignore(PG_GETARG_TEXT_PP(2 + own));
}

void
rec_fit_merge(RecFit *fit, const RecFit *other)
{
	RecFitPart *p = &fit->part;

	rec_wide_merge(&p->moments, &other->part.moments);
	p->n += other->part.n;
	p->min = Min(p->min, other->part.min);
	p->max = Max(p->max, other->part.max);
	if (fit->numbers)
		rec_numbers_adopt(fit->numbers, other->numbers);
}

/* Quantiles p[], ascending, of the numbers. */
static void
quantiles(RecNumbers *numbers, const double *p, int n, double *quantile)
{
	int64		total = rec_numbers_total(numbers);
	int64	   *rank = palloc(sizeof(int64) * 2 * n);
	double	   *number = palloc(sizeof(double) * 2 * n);

	for (int i = 0; i < n; i++)
		rec_quantile_ranks(p[i], total, rank + 2 * i);
	rec_numbers_select(numbers, rank, n, number);
	for (int i = 0; i < n; i++)
		quantile[i] = rec_quantile_between(p[i], total, number[2 * i], number[2 * i + 1]);
	pfree(rank);
	pfree(number);
}

double *
rec_fit_edges(RecNumbers *numbers, int parts)
{
	double	   *edge = palloc((parts + 1) * sizeof(double)),
			   *p = palloc((parts + 1) * sizeof(double));

	for (int i = 0; i <= parts; i++)
		p[i] = (double) i / parts;
	quantiles(numbers, p, parts + 1, edge);
	for (int i = 1; i <= parts; i++)
		edge[i] = Max(edge[i], edge[i - 1]);	/* rounding of the interpolation */
	pfree(p);
	return edge;
}

static void
finish_robust(const RecFit *fit, RecScaler *s)
{
	double		lower = fit->part.lower,
				upper = fit->part.upper,
				p[3] = {Min(lower, 0.5), Max(lower, Min(upper, 0.5)), Max(upper, 0.5)},
				quantile[3];

	quantiles(fit->numbers, p, lengthof(p), quantile);
	/* the three ascend, wherever the median is among them */
	s->low = quantile[lower > 0.5 ? 1 : 0];
	s->high = Max(quantile[upper < 0.5 ? 1 : 2], s->low);
	s->center = quantile[lower > 0.5 ? 0 : upper < 0.5 ? 2 : 1];
}

bool
rec_fit_finish(const RecFit *fit, RecScaler *s)
{
	const RecFitPart *p = &fit->part;

	memset(s, 0, sizeof(*s));
	s->kind = p->kind;
	s->n = fit->numbers ? (double) rec_numbers_total(fit->numbers) : p->kind == REC_SCALER_STANDARD ? p->moments.scaled.n : p->n;
	if (s->n == 0)
		return false;
	switch (s->kind)
	{
		case REC_SCALER_STANDARD:
			s->center = rec_wide_mean(&p->moments);
			s->high = rec_wide_deviation(&p->moments);
			break;
		case REC_SCALER_MINMAX:
			s->center = s->low = p->min;
			s->high = p->max;
			break;
		case REC_SCALER_MAXABS:
			s->high = Max(fabs(p->min), fabs(p->max));
			break;
		case REC_SCALER_LOG:
			s->center = Min(p->min, 0);
			break;
		case REC_SCALER_ROBUST:
			finish_robust(fit, s);
			break;
		default:
			/* as scikit-learn: not more quantiles than numbers */
			s->nquantiles = (int) Min(p->parts, s->n);
			s->quantile = rec_fit_edges(fit->numbers, Max(s->nquantiles - 1, 1));
	}
	return true;
}
