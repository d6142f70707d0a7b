/*
 * hash_assign.h
 *		Deterministic assignment of units to variants, by the hash of GrowthBook's SDKs.
 *
 * FNV-1a with 32 bits over a string, as JavaScript sees it: over its UTF-16 code units, each a 16-bit number. Strings
 * are given as UTF-8. Two versions:
 *
 *		1	(fnv(unit + seed) mod 1000) / 1000
 *		2	(fnv(decimal(fnv(seed + unit))) mod 10000) / 10000
 *
 * A variant is the range of [0, 1) that the number falls into. Ranges begin at the sums of the weights and are shortened
 * by the coverage, so that a higher coverage adds units and moves none.
 */
#ifndef REC_HASH_ASSIGN_H
#define REC_HASH_ASSIGN_H

#include <stddef.h>
#include <stdint.h>

#define REC_FNV_INIT UINT32_C(0x811c9dc5)

typedef struct RecBucketRange
{
	double		start;			/* inclusive */
	double		end;			/* exclusive */
} RecBucketRange;

/* Goes on hashing from a state. Bytes that are no UTF-8 count as one unit each. */
extern uint32_t rec_fnv1a(uint32_t state, const char *utf8, size_t length);

/* The number in [0, 1) of a unit; seed_state is the state after the seed, for version 2. */
extern double rec_bucket_v1(const char *unit, size_t unit_length, const char *seed, size_t seed_length);
extern double rec_bucket_v2(uint32_t seed_state, const char *unit, size_t unit_length);

extern void rec_bucket_ranges(const double *weight, int n, double coverage, RecBucketRange *range);

/* Which range holds x; -1: none. */
extern int	rec_bucket_choose(const RecBucketRange *range, int n, double x);

#endif							/* REC_HASH_ASSIGN_H */
