/*
 * attribute_encode.c
 *		Fitted encoders, applied to the raw values of one row. See attributes.h.
 */
#include "model/attributes.h"

#include <math.h>

#include "common/hashfn.h"

#define CLIP 5					/* standard deviations */

uint64
rec_word_hash(const char *word, int length)
{
	return hash_bytes_extended((const unsigned char *) word, length, 0);
}

uint64
rec_pair_hash(uint64 a, uint64 b)
{
	return rec_mix64(a) ^ rec_mix64(rec_mix64(b) + 1);
}

bool
rec_has_levels(const RecAttribute *a)
{
	return a->kind == REC_ATT_CATEGORY || a->kind == REC_ATT_TAGS || a->kind == REC_ATT_TEXT || a->kind == REC_ATT_PAIR;
}

int
rec_compare_levels(const void *a, const void *b)
{
	const RecLevel *x = a,
			   *y = b;

	return (x->hash > y->hash) - (x->hash < y->hash);
}

bool
rec_next_pair(RecPairIterator *it, uint64 *first, uint64 *second)
{
	const RecRaw *raw = it->raw;
	int			p = it->a->part[0],
				q = it->a->part[1];

	for (; it->i < raw->start[p + 1]; it->i++, it->j = -1)
	{
		if (it->j < 0)
			it->j = p == q ? it->i + 1 : raw->start[q];
		if (it->j >= raw->start[q + 1])
			continue;
		*first = raw->hash[it->i];
		*second = raw->hash[it->j++];
		/* within one list {a,b} and {b,a} are the same */
		if (p == q && *first > *second)
		{
			uint64		swap = *first;

			*first = *second;
			*second = swap;
		}
		return true;
	}
	return false;
}

RecPairIterator
rec_pairs_of(const RecAttribute *a, const RecRaw *raw)
{
	return (RecPairIterator) {.raw = raw, .a = a, .i = raw->start[a->part[0]], .j = -1};
}

/* log(1 + |v|) with the sign of v */
static double
log_signed(double v)
{
	return v < 0 ? -log1p(-v) : log1p(v);
}

/* The number that is standardized. */
double
rec_attribute_number(const RecAttribute *a, double v)
{
	if (a->kind == REC_ATT_AGE)
		return log_signed((a->origin - v) / 86400);
	return a->logarithm ? log_signed(v) : v;
}

int64
rec_encode_bound(const RecAttributes *list, const RecRaw *raw)
{
	int64		bound = 1 + list->n;

	for (int i = 0; i < list->n; i++)
	{
		const RecAttribute *a = &list->att[i];

		if (a->kind == REC_ATT_PAIR)
			bound += (int64) (raw->start[a->part[0] + 1] - raw->start[a->part[0]]) *
				(raw->start[a->part[1] + 1] - raw->start[a->part[1]]);
		else
			bound += raw->start[i + 1] - raw->start[i];
	}
	return bound;
}

/* Column of a level, relative to the attribute, and its weight; -1: none. */
static int
column_of(const RecAttribute *a, uint64 hash, float *weight)
{
	RecLevel	key = {.hash = hash};
	RecLevel   *found = bsearch(&key, a->level, a->nlevels, sizeof(RecLevel), rec_compare_levels);

	*weight = 1;
	if (found)
	{
		*weight = found->idf;
		return found->column;
	}
	if (a->buckets > 0)
	{
		if (a->kind == REC_ATT_TEXT)
			*weight = (float) a->scale;
		return a->columns - a->buckets + (int) (rec_mix64(hash) % a->buckets);
	}
	return a->other;
}

/* Scales the values from .. n-1 to length 1. */
static void
scale_to_one(float *value, int from, int n)
{
	double		squares = 0;

	for (int k = from; k < n; k++)
		squares += (double) value[k] * value[k];
	for (int k = from; k < n && squares > 0; k++)
		value[k] = (float) (value[k] / sqrt(squares));
}

static int
encode_levels(const RecAttribute *a, const RecRaw *raw, int i, int32 *column, float *value, int n)
{
	int			from = n;

	for (int k = raw->start[i]; k < raw->start[i + 1]; k++)
	{
		float		weight;
		int			c = column_of(a, raw->hash[k], &weight);

		if (c < 0 || weight == 0)
			continue;
		column[n] = a->first + c;
		value[n++] = a->kind == REC_ATT_TEXT ? weight * (1 + logf((float) raw->value[k])) : 1;
	}
	if (a->kind != REC_ATT_CATEGORY)
		scale_to_one(value, from, n);
	return n;
}

static int
encode_pairs(const RecAttribute *a, const RecRaw *raw, int32 *column, float *value, int n)
{
	RecPairIterator it = rec_pairs_of(a, raw);
	int			from = n;
	uint64		first,
				second;

	while (rec_next_pair(&it, &first, &second))
	{
		float		weight;
		int			c = column_of(a, rec_pair_hash(first, second), &weight);

		if (c < 0)
			continue;
		column[n] = a->first + c;
		value[n++] = 1;
	}
	scale_to_one(value, from, n);
	return n;
}

static int
encode_number(const RecAttribute *a, const RecRaw *raw, int i, int32 *column, float *value, int n)
{
	int			at = raw->start[i];
	double		v;

	if (raw->start[i + 1] == at)
	{
		if (a->other >= 0)
		{
			column[n] = a->first + a->other;
			value[n++] = 1;
		}
		return n;
	}
	if (a->scale == 0)
		return n;
	v = (rec_attribute_number(a, raw->value[at]) - a->center) / a->scale;
	column[n] = a->first;
	value[n++] = (float) Max(Min(v, CLIP), -CLIP);
	return n;
}

static int
encode_vector(const RecAttribute *a, const RecRaw *raw, int i, int32 *column, float *value, int n)
{
	int			elements = a->columns - (a->other >= 0 ? 1 : 0);

	if (raw->start[i + 1] - raw->start[i] != elements)
	{
		if (a->other >= 0)
		{
			column[n] = a->first + a->other;
			value[n++] = 1;
		}
		return n;
	}
	for (int k = 0; k < elements; k++)
	{
		column[n] = a->first + k;
		value[n++] = (float) raw->value[raw->start[i] + k];
	}
	return n;
}

int
rec_encode_row(const RecAttributes *list, const RecRaw *raw, int32 *column, float *value)
{
	int			n = 1;

	column[0] = 0;
	value[0] = 1;
	for (int i = 0; i < list->n; i++)
	{
		const RecAttribute *a = &list->att[i];

		if (a->hidden || a->columns == 0)
			continue;
		if (a->kind == REC_ATT_PAIR)
			n = encode_pairs(a, raw, column, value, n);
		else if (rec_has_levels(a))
			n = encode_levels(a, raw, i, column, value, n);
		else if (a->kind == REC_ATT_VECTOR)
			n = encode_vector(a, raw, i, column, value, n);
		else
			n = encode_number(a, raw, i, column, value, n);
	}
	return n;
}
