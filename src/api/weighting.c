/*
 * weighting.c
 *		rec.tfidf and rec.bm25: window functions that weigh interactions by how telling the item is; rec.time_decay.
 *
 * A user is a document and an item a term: tf is the pair's summed weight, df how many users have the item, N the users of the partition.
 * Rows of one pair share the pair's value in proportion to their weights, so that it does not matter whether they were summed before.
 */
#include "compat.h"

#include <math.h>

#include "api/window.h"
#include "miscadmin.h"
#include "model/keys.h"
#include "model/pairs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

typedef struct PairEntry
{
	uint64		key;			/* user << 32 | item */
	char		status;
	double		weight;
} PairEntry;

#define SH_PREFIX pairs
#define SH_ELEMENT_TYPE PairEntry
#define SH_KEY_TYPE uint64
#define SH_KEY key
#define SH_HASH_KEY(tb, key) ((uint32) rec_mix64(key))
#define SH_EQUAL(tb, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DEFINE
#define SH_DECLARE
#include "lib/simplehash.h"

typedef struct Weighting
{
	bool		started;
	int			users;
	double		mean_length;	/* summed weight of a user, on average */
	double	   *length;			/* by user */
	int32	   *df;				/* users by item */
	RecDictionary *user;
	RecDictionary *item;
	pairs_hash *pairs;
} Weighting;

/* One row; false when it has a null and so takes no part. Keys are numbered. */
static bool
read_row(WindowObject window, const Weighting *w, int64 row, uint64 *key, double *weight)
{
	Datum		value[3];

	for (int arg = 0; arg < 3; arg++)
	{
		bool		isnull,
					outside;

		value[arg] = WinGetFuncArgInPartition(window, arg, (int) row, WINDOW_SEEK_HEAD, false, &isnull, &outside);
		if (isnull || outside)
			return false;
	}
	*weight = DatumGetFloat8(value[2]);
	if (!isfinite(*weight) || *weight < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a weight must be a finite number from 0"),
				 errdetail("It is %g.", *weight)));
	*key = (uint64) rec_dictionary_number(w->user, value[0]) << 32 | (uint32) rec_dictionary_number(w->item, value[1]);
	return true;
}

static void
key_type(FunctionCallInfo fcinfo, int arg, const char *what, MemoryContext context, RecDictionary **dictionary)
{
	Oid			type = getBaseType(get_fn_expr_argtype(fcinfo->flinfo, arg));
	RecKeyType	kind;

	rec_key_type(&kind, type, get_typcollation(type), what, context);
	*dictionary = rec_dictionary_create(&kind, context);
}

static void
count_pairs(Weighting *w, MemoryContext context)
{
	int			items = rec_dictionary_keys(w->item)->n;
	pairs_iterator i;
	PairEntry  *e;

	w->users = rec_dictionary_keys(w->user)->n;
	w->length = MemoryContextAllocExtended(context, Max(w->users, 1) * sizeof(double), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	w->df = MemoryContextAllocExtended(context, Max(items, 1) * sizeof(int32), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	pairs_start_iterate(w->pairs, &i);
	while ((e = pairs_iterate(w->pairs, &i)) != NULL)
	{
		w->df[(uint32) e->key]++;
		w->length[e->key >> 32] += e->weight;
		w->mean_length += e->weight;
	}
	w->mean_length = w->users > 0 ? w->mean_length / w->users : 0;
}

static Weighting *
weighting_of(FunctionCallInfo fcinfo, WindowObject window)
{
	bool		first;
	Weighting  *w = rec_window_state(window, sizeof(Weighting), &first);
	MemoryContext context = rec_window_context(w);
	int64		rows = first ? rec_window_rows(window) : 0;
	MemoryContext each,
				old;

	if (!first)
		return w;
	key_type(fcinfo, 0, "user", context, &w->user);
	key_type(fcinfo, 1, "item", context, &w->item);
	w->pairs = pairs_create(context, 1024, NULL);
	each = AllocSetContextCreate(CurrentMemoryContext, "rec window row", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(each);
	for (int64 row = 0; row < rows; row++)
	{
		uint64		key;
		double		weight;
		bool		found;

		if (read_row(window, w, row, &key, &weight))
		{
			PairEntry  *e = pairs_insert(w->pairs, key, &found);

			e->weight = found ? e->weight + weight : weight;
		}
		if (row % 1024 == 1023)
		{
			MemoryContextReset(each);
			CHECK_FOR_INTERRUPTS();
		}
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(each);
	count_pairs(w, context);
	return w;
}

/* The pair of the current row and the row's own weight; NULL when the row has a null. */
static const PairEntry *
current_pair(WindowObject window, const Weighting *w, double *weight)
{
	uint64		key;

	return read_row(window, w, WinGetCurrentPosition(window), &key, weight) ? pairs_lookup(w->pairs, key) : NULL;
}

PG_FUNCTION_INFO_V1(rec_tfidf_window);
Datum
rec_tfidf_window(PG_FUNCTION_ARGS)
{
	WindowObject window = rec_window(fcinfo);
	Weighting  *w = weighting_of(fcinfo, window);
	double		weight;
	const PairEntry *e = current_pair(window, w, &weight);

	if (e == NULL)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(weight * (log((1.0 + w->users) / (1.0 + w->df[(uint32) e->key])) + 1));
}

/* bm25(user, item, weight, k1, b) */
PG_FUNCTION_INFO_V1(rec_bm25_window);
Datum
rec_bm25_window(PG_FUNCTION_ARGS)
{
	WindowObject window = rec_window(fcinfo);
	Weighting  *w = weighting_of(fcinfo, window);
	double		k1 = DatumGetFloat8(rec_window_constant(window, 3, "k1")),
				b = DatumGetFloat8(rec_window_constant(window, 4, "b")),
				weight,
				idf,
				norm;
	const PairEntry *e;

	if (!(k1 >= 0 && isfinite(k1)) || !(b >= 0 && b <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("k1 must be a finite number from 0, and b from 0 to 1")));
	e = current_pair(window, w, &weight);
	if (e == NULL)
		PG_RETURN_NULL();
	if (e->weight == 0)
		PG_RETURN_FLOAT8(0);
	idf = log1p((w->users - w->df[(uint32) e->key] + 0.5) / (w->df[(uint32) e->key] + 0.5));
	norm = k1 * (1 - b + b * (w->length[e->key >> 32] / w->mean_length));
	PG_RETURN_FLOAT8(idf * weight * (k1 + 1) / (e->weight + norm));
}

PG_FUNCTION_INFO_V1(rec_time_decay);
Datum
rec_time_decay(PG_FUNCTION_ARGS)
{
	double		half_life = rec_half_life(PG_GETARG_INTERVAL_P(1)),
				age = (double) PG_GETARG_TIMESTAMPTZ(2) - (double) PG_GETARG_TIMESTAMPTZ(0);

	if (!(half_life > 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("half_life must be above zero")));
	PG_RETURN_FLOAT8(age <= 0 ? 1 : exp2(-age / half_life));
}
