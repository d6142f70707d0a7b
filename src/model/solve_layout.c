/*
 * solve_layout.c
 *		The memory block of a training: sizes, offsets, and its contents before the first epoch. See solve_shared.h.
 */
#include "model/solve_shared.h"

#include "miscadmin.h"
#include "storage/shmem.h"

#define CHUNK_OBSERVATIONS 32768	/* about 10 ms of work: small against an epoch, large against a barrier */
#define CHUNK_ROWS REC_CHUNK_ROWS_MOST
#define CHUNK_OPERATIONS 4e9	/* an exact solution costs factors^2 an observation and factors^3 a row: with many
								 * factors a chunk, which cannot be interrupted, has to be smaller */
#define GRAM_PARTS 64			/* at most, so that the parts stay small beside the factors */
#define GRAM_ROWS 4096			/* at least per part */

Size
rec_reserve(Size *used, Size count, Size width)
{
	Size		at = *used;

	*used = TYPEALIGN(64, add_size(at, mul_size(Max(count, 1), width)));
	return at;
}

static int64
most_observations(int stride)
{
	return Min(CHUNK_OBSERVATIONS, (int64) Max(CHUNK_OPERATIONS / ((double) stride * stride), 1));
}

static int64
most_rows(int stride)
{
	return Min(CHUNK_ROWS, (int64) Max(CHUNK_OPERATIONS / ((double) stride * stride * stride), 1));
}

static void
plan_side(RecSharedSide *side, int64 nrows, int64 nnz, int stride, Size *used)
{
	side->nrows = nrows;
	side->start = rec_reserve(used, nrows + 1, sizeof(int64));
	side->column = rec_reserve(used, nnz, sizeof(int32));
	side->value = rec_reserve(used, nnz, sizeof(float));
	side->factors = rec_reserve(used, mul_size(nrows, stride), sizeof(float));
	side->nchunks = nnz / most_observations(stride) + nrows / most_rows(stride) + 2;	/* an upper bound; fill counts */
	side->chunk_end = rec_reserve(used, side->nchunks, sizeof(int64));
	side->gram_rows = Max(GRAM_ROWS, (nrows + GRAM_PARTS - 1) / GRAM_PARTS);
	side->ngram = (nrows + side->gram_rows - 1) / side->gram_rows;
}

static int64
judged_pairs(const RecPairs *pairs, const RecHoldout *holdout)
{
	int64		n = 0;

	for (int j = 0; j < holdout->nusers; j++)
		n += pairs->start[holdout->user[j] + 1] - pairs->start[holdout->user[j]];
	return n;
}

static void
reserve_codes(RecShared *s, Size *used)
{
	Size		padded = rec_codes_padded(s->sides[REC_ITEMS].nrows);

	s->codes = rec_reserve(used, rec_codes_bytes(s->sides[REC_ITEMS].nrows, s->stride), 1);
	s->codes_scale = rec_reserve(used, padded, sizeof(float));
	s->codes_error = rec_reserve(used, padded, sizeof(float));
	s->codes_length = rec_reserve(used, padded, sizeof(float));
}

void
rec_shared_plan(RecShared *s, const RecPairs *pairs, const RecHoldout *holdout, const RecParams *params,
				const RecSumRule *rule, RecDesign *const *design)
{
	Size		used = TYPEALIGN(64, sizeof(RecShared));
	int64		held = holdout->nusers ? holdout->start[holdout->nusers] : 0;
	int			most_parts;

	memset(s, 0, sizeof(*s));
	s->params = *params;
	s->explicit_feedback = rule->explicit_feedback;
	s->stride = rec_als_stride(params->factors, rule->explicit_feedback);
	s->nnz = pairs->n;
	plan_side(&s->sides[REC_USERS], pairs->users.n, pairs->n, s->stride, &used);
	plan_side(&s->sides[REC_ITEMS], pairs->items.n, pairs->n, s->stride, &used);
	most_parts = Max(s->sides[REC_USERS].ngram, s->sides[REC_ITEMS].ngram);
	if (!s->explicit_feedback)
	{
		s->gram_parts = rec_reserve(&used, mul_size(most_parts, s->stride * s->stride), sizeof(float));
		s->gram = rec_reserve(&used, s->stride * s->stride, sizeof(float));
	}
	for (int side = 0; side < 2; side++)
		if (design[side])
			rec_map_plan(&s->sides[side], s->stride, design[side], &used);
	s->losses = rec_reserve(&used, Max(s->sides[REC_USERS].nchunks, s->sides[REC_ITEMS].nchunks), sizeof(RecLoss));
	s->judged = holdout->nusers;
	if (s->judged > 0 || design[REC_ITEMS])
		s->best_items = rec_reserve(&used, mul_size(pairs->items.n, s->stride), sizeof(float));
	if (s->judged > 0)
	{
		int64		blocked = judged_pairs(pairs, holdout) - held;

		s->judged_user = rec_reserve(&used, s->judged, sizeof(int32));
		s->held_start = rec_reserve(&used, s->judged + 1, sizeof(int32));
		s->held_item = rec_reserve(&used, held, sizeof(int32));
		s->held_value = rec_reserve(&used, held, sizeof(float));
		s->qualities = rec_reserve(&used, s->judged, sizeof(RecQuality));
		s->blocked_start = rec_reserve(&used, s->judged + 1, sizeof(int32));
		s->blocked_item = rec_reserve(&used, blocked, sizeof(int32));
		if (!s->explicit_feedback)
			reserve_codes(s, &used);
	}
	s->crew.size = used;
	s->crew.work = REC_CREW_ALS;
}

static void
cut_chunks(RecShared *s, RecSharedSide *side)
{
	const int64 *start = REC_AT(s, side->start, int64);
	int64	   *end = REC_AT(s, side->chunk_end, int64);
	int64		observations = most_observations(s->stride);
	int64		rows = most_rows(s->stride);
	int64		first = 0;
	int			n = 0;

	side->longest = 0;
	for (int64 r = 0; r < side->nrows; r++)
	{
		side->longest = Max(side->longest, start[r + 1] - start[r]);
		if (start[r + 1] - start[first] >= observations || r + 1 - first >= rows || r + 1 == side->nrows)
		{
			end[n++] = r + 1;
			first = r + 1;
		}
	}
	Assert(n <= side->nchunks);
	side->nchunks = n;
}

static RecObservations
observations_of(RecShared *s)
{
	RecSharedSide *u = &s->sides[REC_USERS];
	RecSharedSide *i = &s->sides[REC_ITEMS];

	return (RecObservations) {
		.user_start = REC_AT(s, u->start, int64), .user_item = REC_AT(s, u->column, int32),
		.user_value = REC_AT(s, u->value, float),
		.item_start = REC_AT(s, i->start, int64), .item_user = REC_AT(s, i->column, int32),
		.item_value = REC_AT(s, i->value, float)
	};
}

static void
fill_judged(RecShared *s, const RecPairs *pairs, const RecHoldout *h)
{
	int32	   *held_start = REC_AT(s, s->held_start, int32);
	int32	   *blocked_start = REC_AT(s, s->blocked_start, int32);
	int32		held = 0,
				blocked = 0;

	for (int j = 0; j < h->nusers; j++)
	{
		int			u = h->user[j];

		REC_AT(s, s->judged_user, int32)[j] = u;
		held_start[j] = held;
		blocked_start[j] = blocked;
		for (int64 k = pairs->start[u]; k < pairs->start[u + 1]; k++)
		{
			if (h->held[k])
			{
				REC_AT(s, s->held_item, int32)[held] = pairs->pair[k].item;
				REC_AT(s, s->held_value, float)[held++] = pairs->pair[k].net;
			}
			else
				REC_AT(s, s->blocked_item, int32)[blocked++] = pairs->pair[k].item;
		}
	}
	held_start[h->nusers] = held;
	blocked_start[h->nusers] = blocked;
}

void
rec_shared_fill(RecShared *s, const RecPairs *pairs, const RecHoldout *holdout, RecDesign *const *design)
{
	RecObservations o = observations_of(s);

	rec_observations_fill(&o, pairs, holdout, s->params.weight_transform, s->explicit_feedback, true);
	s->nnz = o.nnz;
	cut_chunks(s, &s->sides[REC_USERS]);
	cut_chunks(s, &s->sides[REC_ITEMS]);
	if (s->judged > 0)
		fill_judged(s, pairs, holdout);
	for (int side = 0; side < 2; side++)
		if (design[side])
			rec_map_fill(s, side, design[side]);
	if (s->explicit_feedback)
	{
		double		sum = 0;

		for (int64 k = 0; k < o.nnz; k++)
			sum += o.user_value[k];
		s->mean = o.nnz > 0 ? (float) (sum / o.nnz) : 0;
	}
	else
		memset(REC_AT(s, s->gram, float), 0, (Size) s->stride * s->stride * sizeof(float));
}

/* The users' observations with nothing held out, for the final half-step. */
void
rec_shared_refill_users(RecShared *s, const RecPairs *pairs)
{
	RecObservations o = observations_of(s);

	rec_observations_fill(&o, pairs, NULL, s->params.weight_transform, s->explicit_feedback, false);
	/* the arrays have room for more chunks than were cut: the bound of the plan counts every pair */
	cut_chunks(s, &s->sides[REC_USERS]);
}
