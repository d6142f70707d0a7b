/*
 * moments.h
 *		Count, mean and sum of squared deviations of a stream of numbers, without cancellation.
 *
 * Welford, Technometrics 4(3), 1962, for one number; Chan, Golub and LeVeque, COMPSTAT 1982, for merging two streams. The
 * variance of 1e9 + {4, 7, 13, 16} is 30. Infinite and NaN numbers make mean and squares NaN: callers decide beforehand.
 *
 * RecMoments squares deviations, which neither 1e300 nor 1e-300 stands. RecWideMoments does the same in units of 2^-600, 1 or
 * 2^600, whichever holds the largest magnitude so far, so that mean and deviation are right wherever a double holds them.
 */
#ifndef REC_MOMENTS_H
#define REC_MOMENTS_H

#include <math.h>
#include <stdint.h>

typedef struct RecMoments
{
	double		n;				/* as double: counts stay exact to 2^53 */
	double		mean;
	double		squares;		/* sum of (x - mean)^2 */
} RecMoments;

static inline void
rec_moments_add(RecMoments *m, double x)
{
	double		delta = x - m->mean;

	m->n += 1;
	m->mean += delta / m->n;
	m->squares += delta * (x - m->mean);
}

static inline void
rec_moments_merge(RecMoments *m, const RecMoments *other)
{
	double		n = m->n + other->n,
				delta = other->mean - m->mean;

	if (other->n == 0)
		return;
	if (m->n == 0)
	{
		*m = *other;
		return;
	}
	m->mean += delta * (other->n / n);
	m->squares += other->squares + delta * delta * (m->n * (other->n / n));
	m->n = n;
}

/* The same for n numbers, in less time. */
extern void rec_moments_add_many(RecMoments *m, const double *x, int64_t n);

typedef struct RecWideMoments
{
	RecMoments	scaled;			/* of x * scale */
	double		scale;			/* 2^600, 1 or 2^-600 */
	double		limit;			/* magnitudes above it need the next scale */
} RecWideMoments;

static inline void
rec_wide_init(RecWideMoments *w)
{
	*w = (RecWideMoments) {.scale = 0x1p600, .limit = 0x1p-400};
}

/* Whether the bytes of a state can be one. */
static inline int
rec_wide_valid(const RecWideMoments *w)
{
	return (w->scale == 0x1p600 && w->limit == 0x1p-400) || (w->scale == 1 && w->limit == 0x1p450) ||
		(w->scale == 0x1p-600 && w->limit == HUGE_VAL);
}

/* The next larger unit: what gets too small for it there does not count beside what made it necessary. */
static inline void
rec_wide_widen(RecWideMoments *w)
{
	w->scaled.mean *= 0x1p-600;
	w->scaled.squares = w->scaled.squares * 0x1p-600 * 0x1p-600;
	w->limit = w->scale > 1 ? 0x1p450 : HUGE_VAL;
	w->scale *= 0x1p-600;
}

static inline void
rec_wide_add(RecWideMoments *w, double x)
{
	while (__builtin_expect(fabs(x) > w->limit, 0))
		rec_wide_widen(w);
	rec_moments_add(&w->scaled, x * w->scale);
}

static inline void
rec_wide_merge(RecWideMoments *w, const RecWideMoments *other)
{
	RecWideMoments b = *other;

	while (w->scale > b.scale)
		rec_wide_widen(w);
	while (b.scale > w->scale)
		rec_wide_widen(&b);
	rec_moments_merge(&w->scaled, &b.scaled);
}

static inline double
rec_wide_mean(const RecWideMoments *w)
{
	return w->scaled.mean / w->scale;
}

/* Standard deviation of a sample (divisor n - 1); 0 for fewer than two numbers. Infinite where no double holds it. */
static inline double
rec_wide_deviation(const RecWideMoments *w)
{
	return w->scaled.n < 2 ? 0 : sqrt(w->scaled.squares / (w->scaled.n - 1)) / w->scale;
}

#endif							/* REC_MOMENTS_H */
