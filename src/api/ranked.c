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
	rec_numbers_adopt(a->hits, b->hits);
	rec_numbers_adopt(a->others, b->others);
	PG_RETURN_POINTER(a);
}

/* In transport: this, and then the ranks of both kinds. */
typedef struct Part
{
	int64		k;
	int64		misses;
	int64		unranked;
	int64		length;
	int64		hits;
} Part;

PG_FUNCTION_INFO_V1(rec_ranked_serialize);
Datum
rec_ranked_serialize(PG_FUNCTION_ARGS)
{
	Ranked	   *s = (Ranked *) PG_GETARG_POINTER(0);
	Part		part = {s->k, s->misses, s->unranked, s->length, s->hits->n};

	(void) rec_aggregate_context(fcinfo);
	PG_RETURN_BYTEA_P(rec_sorted_out(TAG, &part, sizeof(part), s->hits, s->others));
}

static void
check_count(int64 n, int64 most)
{
	if (n < 0 || n > most)
		rec_bad_state();
}

/* Sorted ranks, which are checked at their ends. */
static RecNumbers *
ranks_in(const char *from, int64 n, MemoryContext context)
{
	RecNumbers *ranks = rec_sorted_in(from, n, context);

	if (n > 0 && !(ranks->x[0] >= 1 && ranks->x[n - 1] <= PG_INT32_MAX))
		rec_bad_state();
	return ranks;
}

#define COUNT_MAX INT64CONST(1000000000000000)

PG_FUNCTION_INFO_V1(rec_ranked_deserialize);
Datum
rec_ranked_deserialize(PG_FUNCTION_ARGS)
{
	MemoryContext context = rec_aggregate_context(fcinfo);
	Ranked	   *s = MemoryContextAllocZero(context, sizeof(Ranked));
	Part		part;
	int64		n;
	const char *ranks = rec_state_open(PG_GETARG_BYTEA_PP(0), TAG, &part, sizeof(part), &n);

	check_count(part.k, PG_INT32_MAX);
	check_count(part.misses, COUNT_MAX);
	check_count(part.unranked, COUNT_MAX);
	check_count(part.length, PG_INT32_MAX);
	check_count(part.hits, n);
	s->started = true;
	s->k = (int) part.k;
	s->misses = part.misses;
	s->unranked = part.unranked;
	s->length = part.length;
	s->hits = ranks_in(ranks, part.hits, context);
	s->others = ranks_in(ranks + part.hits * sizeof(double), n - part.hits, context);
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
	relevant = s->misses + rec_numbers_total(s->hits);
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
