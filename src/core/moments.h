/*
 * moments.h
 *		Count, mean and sum of squared deviations of a stream of numbers, without cancellation.
 *
 * Welford, Technometrics 4(3), 1962, for one number; Chan, Golub and LeVeque, COMPSTAT 1982, for merging two streams. The
 * variance of 1e9 + {4, 7, 13, 16} is 30. Infinite and NaN numbers make mean and squares NaN: callers decide beforehand.
 */
#ifndef REC_MOMENTS_H
#define REC_MOMENTS_H

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

#endif							/* REC_MOMENTS_H */
