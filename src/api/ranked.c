/*
 * ranked.c
 *		Metrics of any ranked list as aggregates over (rank, relevant): rec.recall, rec.ndcg, ... rec.auc.
 *
 * A row is an item: its rank, counted from 1, null for one that was not ranked; and whether it was relevant. The state
 * keeps the ranks of relevant items, and for auc those of the others too. See core/metrics.h for the definitions.
 */
#include "api/aggregate.h"

#include <math.h>

#include "core/metrics.h"
#include "miscadmin.h"

#define TAG 0x52414e4b			/* "RANK" */
#define HEADER 5				/* numbers before the ranks in transport */

typedef struct Ranked
{
	int			k;				/* 0: the whole list */
	bool		started;		/* k is known */
	int64		misses;			/* relevant items without a rank */
	int64		unranked;		/* other items without a rank */
	int64		length;			/* the largest rank */
	RecNumbers *hits;			/* ranks of relevant items */
	RecNumbers *others;			/* ranks of the others; only for auc */
} Ranked;

static Ranked *
create(MemoryContext context)
{
	Ranked	   *s = MemoryContextAllocZero(context, sizeof(Ranked));

	s->hits = rec_numbers_create(context);
	s->others = rec_numbers_create(context);
	return s;
}

static int
k_of(FunctionCallInfo fcinfo)
{
	int			k = PG_NARGS() > 3 && !PG_ARGISNULL(3) ? PG_GETARG_INT32(3) : 0;

	if (PG_NARGS() > 3 && !PG_ARGISNULL(3) && k < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("k must be at least 1"),
				 errhint("Give null for the whole list.")));
	return k;
}

static void
take_k(Ranked *s, int k)
{
	if (s->started && s->k != k)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("k must be the same for all rows of a list")));
	s->k = k;
	s->started = true;
}

static Datum
transition(FunctionCallInfo fcinfo, bool keep_others)
{
	MemoryContext context = rec_aggregate_context(fcinfo);
	Ranked	   *s = PG_ARGISNULL(0) ? create(context) : (Ranked *) PG_GETARG_POINTER(0);
	bool		relevant = !PG_ARGISNULL(2) && PG_GETARG_BOOL(2);
	int64		rank;

	take_k(s, k_of(fcinfo));
	if (PG_ARGISNULL(1))
	{
		s->misses += relevant;
		s->unranked += !relevant;
		PG_RETURN_POINTER(s);
	}
	rank = PG_GETARG_INT64(1);
	if (rank < 1 || rank > PG_INT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid rank: %lld", (long long) rank),
				 errdetail("Ranks count from 1; an item that was not ranked has a null rank.")));
	s->length = Max(s->length, rank);
	if (relevant)
		rec_numbers_add(s->hits, rank);
	else if (keep_others)
		rec_numbers_add(s->others, rank);
	PG_RETURN_POINTER(s);
}

PG_FUNCTION_INFO_V1(rec_ranked_transition);
Datum
rec_ranked_transition(PG_FUNCTION_ARGS)
{
	return transition(fcinfo, false);
}

PG_FUNCTION_INFO_V1(rec_ranked_transition_all);
Datum
rec_ranked_transition_all(PG_FUNCTION_ARGS)
{
	return transition(fcinfo, true);
}

PG_FUNCTION_INFO_V1(rec_ranked_combine);
Datum
rec_ranked_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = rec_aggregate_context(fcinfo);
	Ranked	   *a,
			   *b;

	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	a = PG_ARGISNULL(0) ? create(context) : (Ranked *) PG_GETARG_POINTER(0);
	b = (Ranked *) PG_GETARG_POINTER(1);
	take_k(a, b->k);
	a->misses += b->misses;
	a->unranked += b->unranked;
	a->length = Max(a->length, b->length);
	rec_numbers_append(a->hits, b->hits);
	rec_numbers_append(a->others, b->others);
	PG_RETURN_POINTER(a);
}

/* In transport a state is one list of numbers: k, misses, unranked, length, number of hits; hits; others. */
PG_FUNCTION_INFO_V1(rec_ranked_serialize);
Datum
rec_ranked_serialize(PG_FUNCTION_ARGS)
{
	Ranked	   *s;
	RecNumbers *all = rec_numbers_create(CurrentMemoryContext);

	(void) rec_aggregate_context(fcinfo);
	s = (Ranked *) PG_GETARG_POINTER(0);
	rec_numbers_add(all, s->k);
	rec_numbers_add(all, s->misses);
	rec_numbers_add(all, s->unranked);
	rec_numbers_add(all, s->length);
	rec_numbers_add(all, s->hits->n);
	rec_numbers_append(all, s->hits);
	rec_numbers_append(all, s->others);
	PG_RETURN_BYTEA_P(rec_numbers_out(TAG, all));
}

/* A whole number from 0 to the limit, or an error. */
static int64
whole(double x, double limit)
{
	if (!(x >= 0 && x <= limit && x == floor(x)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION), errmsg("invalid state of an aggregate")));
	return (int64) x;
}

PG_FUNCTION_INFO_V1(rec_ranked_deserialize);
Datum
rec_ranked_deserialize(PG_FUNCTION_ARGS)
{
	MemoryContext context = rec_aggregate_context(fcinfo);
	RecNumbers *all = rec_numbers_in(PG_GETARG_BYTEA_PP(0), TAG, context);
	Ranked	   *s = create(context);
	int64		hits;

	(void) whole(all->n, HEADER <= all->n ? 1e18 : -1);
	s->started = true;
	s->k = (int) whole(all->x[0], PG_INT32_MAX);
	s->misses = whole(all->x[1], 1e15);
	s->unranked = whole(all->x[2], 1e15);
	s->length = whole(all->x[3], PG_INT32_MAX);
	hits = whole(all->x[4], all->n - HEADER);
	for (int64 i = HEADER; i < all->n; i++)
		rec_numbers_add(i < HEADER + hits ? s->hits : s->others, whole(all->x[i], PG_INT32_MAX));
	PG_RETURN_POINTER(s);
}

static Datum
list_metric(FunctionCallInfo fcinfo, RecMetric metric)
{
	Ranked	   *s;
	int32	   *hit;
	int			k,
				n = 0;
	int64		relevant;

	(void) rec_aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	s = (Ranked *) PG_GETARG_POINTER(0);
	relevant = s->misses + s->hits->n;
	if (relevant == 0)
		PG_RETURN_NULL();
	k = s->k > 0 ? s->k : metric == REC_PRECISION ? (int) Max(s->length, 1) : PG_INT32_MAX;
	rec_numbers_sort(s->hits);
	hit = palloc_extended(mul_size(Max(s->hits->n, 1), sizeof(int32)), MCXT_ALLOC_HUGE);
	while (n < s->hits->n && n < PG_INT32_MAX && s->hits->x[n] <= k)
	{
		hit[n] = (int32) s->hits->x[n];
		n++;
	}
	PG_RETURN_FLOAT8(rec_list_metric(metric, hit, n, relevant, k, NULL));
}

#define LIST_METRIC(function, metric) \
	PG_FUNCTION_INFO_V1(function); \
	Datum \
	function(PG_FUNCTION_ARGS) \
	{ \
		return list_metric(fcinfo, metric); \
	}

LIST_METRIC(rec_ranked_recall, REC_RECALL)
LIST_METRIC(rec_ranked_recall_capped, REC_RECALL_CAPPED)
LIST_METRIC(rec_ranked_precision, REC_PRECISION)
LIST_METRIC(rec_ranked_ndcg, REC_NDCG)
LIST_METRIC(rec_ranked_map, REC_MAP)
LIST_METRIC(rec_ranked_mrr, REC_MRR)
LIST_METRIC(rec_ranked_hit_rate, REC_HIT_RATE)

PG_FUNCTION_INFO_V1(rec_ranked_auc);
Datum
rec_ranked_auc(PG_FUNCTION_ARGS)
{
	Ranked	   *s;
	double		behind = 0,
				auc;
	int64		before = 0,
				upto = 0;

	(void) rec_aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	s = (Ranked *) PG_GETARG_POINTER(0);
	rec_numbers_sort(s->hits);
	rec_numbers_sort(s->others);
	for (int64 i = 0; i < s->hits->n; i++)
	{
		while (before < s->others->n && s->others->x[before] < s->hits->x[i])
			before++;
		upto = Max(upto, before);
		while (upto < s->others->n && s->others->x[upto] <= s->hits->x[i])
			upto++;
		behind += before + 0.5 * (upto - before);
	}
	/* what was not ranked stands after all that was, in no order */
	behind += s->misses * (s->others->n + 0.5 * s->unranked);
	auc = rec_auc(s->hits->n + s->misses, s->others->n + s->unranked, behind);
	if (isnan(auc))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(auc);
}
