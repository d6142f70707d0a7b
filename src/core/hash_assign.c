/*
 * hash_assign.c
 *		Hash assignment. See hash_assign.h.
 */
#include "hash_assign.h"

#include <stdbool.h>

#define FNV_PRIME UINT32_C(16777619)

static inline uint32_t
step(uint32_t state, uint32_t unit)
{
	return (state ^ unit) * FNV_PRIME;
}

/* Length of the UTF-8 sequence at s and its code point; 1 and the byte itself when it is none. */
static size_t
decode(const unsigned char *s, size_t left, uint32_t *code)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t		length = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	uint32_t	c;

	*code = s[0];
	if (s[0] < 0xc2 || s[0] > 0xf4 || length > left)
		return 1;
	c = s[0] & (0xff >> (length + 1));
	for (size_t i = 1; i < length; i++)
	{
		if ((s[i] & 0xc0) != 0x80)
			return 1;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < smallest[length] || c > 0x10ffff)
		return 1;
	*code = c;
	return length;
}

uint32_t
rec_fnv1a(uint32_t state, const char *utf8, size_t length)
{
	const unsigned char *s = (const unsigned char *) utf8;
	uint32_t	code;

	for (size_t i = 0; i < length;)
	{
		if (s[i] < 0x80)
		{
			state = step(state, s[i++]);
			continue;
		}
		i += decode(s + i, length - i, &code);
		if (code < 0x10000)
			state = step(state, code);
		else					/* a surrogate pair */
		{
			state = step(state, 0xd800 + ((code - 0x10000) >> 10));
			state = step(state, 0xdc00 + ((code - 0x10000) & 0x3ff));
		}
	}
	return state;
}

/* Goes on over the digits of a number below 100000, with leading zeros or without. */
static inline uint32_t
fnv1a_five(uint32_t state, uint32_t number, bool zeros)
{
	if (zeros || number >= 10000)
		state = step(state, '0' + number / 10000);
	if (zeros || number >= 1000)
		state = step(state, '0' + number / 1000 % 10);
	if (zeros || number >= 100)
		state = step(state, '0' + number / 100 % 10);
	if (zeros || number >= 10)
		state = step(state, '0' + number / 10 % 10);
	return step(state, '0' + number % 10);
}

/* Goes on over the decimal digits of a number. */
static uint32_t
fnv1a_decimal(uint32_t state, uint32_t number)
{
	/* two halves of up to five digits: their divisions do not wait for each other */
	uint32_t	high = number / 100000,
				low = number % 100000;

	if (high > 0)
		state = fnv1a_five(state, high, false);
	return fnv1a_five(state, low, high > 0);
}

double
rec_bucket_v1(const char *unit, size_t unit_length, const char *seed, size_t seed_length)
{
	uint32_t	state = rec_fnv1a(rec_fnv1a(REC_FNV_INIT, unit, unit_length), seed, seed_length);

	return state % 1000 / 1000.0;
}

double
rec_bucket_v2(uint32_t seed_state, const char *unit, size_t unit_length)
{
	uint32_t	state = fnv1a_decimal(REC_FNV_INIT, rec_fnv1a(seed_state, unit, unit_length));

	return state % 10000 / 10000.0;
}

/* In the order of operations of the SDKs, because the last bit decides at the borders. */
void
rec_bucket_ranges(const double *weight, int n, double coverage, RecBucketRange *range)
{
	double		cumulative = 0;

	for (int i = 0; i < n; i++)
	{
		range[i].start = cumulative;
		range[i].end = cumulative + coverage * weight[i];
		cumulative += weight[i];
	}
}

int
rec_bucket_choose(const RecBucketRange *range, int n, double x)
{
	for (int i = 0; i < n; i++)
		if (x >= range[i].start && x < range[i].end)
			return i;
	return -1;
}
