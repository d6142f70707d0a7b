/*
 * sobol.c
 *		The Sobol sequence. See sobol.h.
 */
#include "core/sobol.h"

#define BITS 32

/* degree s, coefficients a of the polynomial between the first and the last, initial numbers m */
static const struct
{
	int			s;
	uint32_t	a;
	uint32_t	m[6];
}			polynomials[REC_SOBOL_DIMENSIONS - 1] = {
	{1, 0, {1}}, {2, 1, {1, 3}}, {3, 1, {1, 3, 1}}, {3, 2, {1, 1, 1}}, {4, 1, {1, 1, 3, 3}}, {4, 4, {1, 3, 5, 13}},
	{5, 2, {1, 1, 5, 5, 17}}, {5, 4, {1, 1, 5, 5, 5}}, {5, 7, {1, 1, 7, 11, 19}}, {5, 11, {1, 1, 5, 1, 1}},
	{5, 13, {1, 1, 1, 3, 11}}, {5, 14, {1, 3, 5, 5, 31}}, {6, 1, {1, 3, 3, 9, 7, 49}}, {6, 13, {1, 1, 1, 15, 21, 21}},
	{6, 16, {1, 3, 1, 13, 27, 49}}
};

/* The directions of a dimension, v[0] for the lowest bit of the index. */
static void
directions(int dimension, uint32_t *v)
{
	int			s;

	if (dimension == 0)
	{
		for (int i = 0; i < BITS; i++)
			v[i] = UINT32_C(1) << (BITS - 1 - i);
		return;
	}
	s = polynomials[dimension - 1].s;
	for (int i = 0; i < s; i++)
		v[i] = polynomials[dimension - 1].m[i] << (BITS - 1 - i);
	for (int i = s; i < BITS; i++)
	{
		v[i] = v[i - s] ^ (v[i - s] >> s);
		for (int k = 1; k < s; k++)
			if ((polynomials[dimension - 1].a >> (s - 1 - k)) & 1)
				v[i] ^= v[i - k];
	}
}

static uint64_t
mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

void
rec_sobol(uint32_t index, int dimensions, uint64_t seed, double *point)
{
	uint32_t	gray = index ^ (index >> 1);

	for (int d = 0; d < dimensions; d++)
	{
		uint32_t	v[BITS],
					x = 0;

		directions(d, v);
		for (int i = 0; i < BITS; i++)
			if ((gray >> i) & 1)
				x ^= v[i];
		if (seed != 0)
			x ^= (uint32_t) (mix(seed + (uint64_t) (d + 1) * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
		point[d] = x * 0x1p-32;
	}
}
