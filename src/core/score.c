/*
 * score.c
 *		Inner products for serving. See score.h.
 *
 * Sixteen partial sums per row, added up in a fixed tree; four rows at a time to hide the latency of the additions.
 */
#include "core/score.h"

#include "core/cpus.h"

typedef float Lanes __attribute__((vector_size(64)));
typedef float HalfLanes __attribute__((vector_size(32)));
typedef float QuarterLanes __attribute__((vector_size(16)));

static inline __attribute__((always_inline)) float
total(const Lanes *v)
{
	const HalfLanes *h = (const HalfLanes *) v;
	HalfLanes	s = h[0] + h[1];
	const QuarterLanes *q = (const QuarterLanes *) &s;
	QuarterLanes t = q[0] + q[1];

	return (t[0] + t[2]) + (t[1] + t[3]);
}

EVERY_CPU void
rec_score_rows(const float *rows, int64_t n, int stride, const float *x, float *out)
{
	int64_t		i = 0;

	for (; i + 4 <= n; i += 4)
	{
		const float *r = rows + i * stride;
		Lanes		s0 = {0},
					s1 = {0},
					s2 = {0},
					s3 = {0};

		for (int c = 0; c < stride; c += 16)
		{
			Lanes		v = *(const Lanes *) (x + c);

			s0 += *(const Lanes *) (r + c) * v;
			s1 += *(const Lanes *) (r + stride + c) * v;
			s2 += *(const Lanes *) (r + 2 * stride + c) * v;
			s3 += *(const Lanes *) (r + 3 * stride + c) * v;
		}
		out[i] = total(&s0);
		out[i + 1] = total(&s1);
		out[i + 2] = total(&s2);
		out[i + 3] = total(&s3);
	}
	for (; i < n; i++)
	{
		const float *r = rows + i * stride;
		Lanes		s = {0};

		for (int c = 0; c < stride; c += 16)
			s += *(const Lanes *) (r + c) * *(const Lanes *) (x + c);
		out[i] = total(&s);
	}
}
