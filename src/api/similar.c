/*
 * similar.c
 *		similar_items(), similar_users() and recommend_users(): nearest by stored factors.
 */
#include "api/serve.h"

#include <math.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "core/score.h"
#include "miscadmin.h"
#include "model/linear.h"
#include "model/many.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#define DEFAULT_SUPPORT 5		/* items with fewer users come last, so that chance does not fill the list */

static void
put_similar_item(const RecCall *call, RecScored s, int rank)
{
	const RecKeys *keys = &call->serving->keys;
	Datum		v[4] = {rec_call_output(call, &keys->kind, rec_keys_datum(keys, s.position)),
		Float4GetDatum(s.score), Int32GetDatum(rank), Int32GetDatum(call->serving->support[s.position])};
	bool		null[4] = {0};

	tuplestore_putvalues(call->result->setResult, call->result->setDesc, v, null);
}

/* The best k among items of at least (or of less than) the given support. */
static int
best_items(const RecCall *call, const float *cosine, int self, int support, bool at_least, int k, int rank)
{
	const RecServing *s = call->serving;
	RecTopK		top;

	rec_topk_init(&top, palloc_extended(Max(k, 1) * sizeof(RecScored), MCXT_ALLOC_HUGE), k);
	for (int i = 0; i < s->n; i++)
		if (i != self && (s->weights.start ? cosine[i] > 0 : s->norm[i] > 0) && (s->support[i] >= support) == at_least)
			rec_topk_offer(&top, cosine[i], i);
	rec_topk_sort(&top);
	for (int r = 0; r < top.n; r++)
		put_similar_item(call, top.entry[r], ++rank);
	return rank;
}

/* Item weights: what the item adds to the others. */
static float *
weights_of(const RecServing *s, int position)
{
	float	   *weight = palloc_extended(Max(s->n, 1) * sizeof(float), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

	for (int64 e = s->weights.start[position]; e < s->weights.start[position + 1]; e++)
		weight[s->weights.item[e]] = s->weights.weight[e];
	return weight;
}

static float *
cosines_of(const RecCall *call, int position)
{
	const RecServing *s = call->serving;
	/* the item's own factors as the vector; with explicit feedback its bias must not take part */
	float	   *vector = (float *) TYPEALIGN(64, (uintptr_t) palloc0(s->stride * sizeof(float) + 64));
	float	   *cosine;

	memcpy(vector, s->items + (Size) position * s->stride, s->params.factors * sizeof(float));
	cosine = rec_call_scores(call, vector);
	for (int i = 0; i < s->n; i++)
		cosine[i] = s->norm[i] > 0 ? cosine[i] / (s->norm[i] * s->norm[position]) : 0;
	return cosine;
}

PG_FUNCTION_INFO_V1(rec_similar_items);
Datum
rec_similar_items(PG_FUNCTION_ARGS)
{
	RecCall		call;
	const RecServing *s;
	Datum		key;
	int			position = -1;
	bool		strict = !PG_ARGISNULL(4);
	int			support = strict ? PG_GETARG_INT32(4) : DEFAULT_SUPPORT;

	rec_call_begin(&call, fcinfo, 3, 5);
	if (support < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("min_support must not be negative")));
	s = call.serving;
	if (rec_call_key(&call, 1, &s->keys.kind, &key))
		position = rec_keys_find(&s->keys, key);
	if (position >= 0 && (s->weights.start || s->norm[position] > 0))
	{
		float	   *cosine = s->weights.start ? weights_of(s, position) : cosines_of(&call, position);
		int			limit = rec_call_limit(&call, s->n),
					rank;

		rank = best_items(&call, cosine, position, support, true, limit, 0);
		if (!strict && rank < limit)
			(void) best_items(&call, cosine, position, support, false, limit - rank, rank);
	}
	rec_call_end(&call);
	return (Datum) 0;
}

/* The best users met so far, with their keys. */
typedef struct UserScan
{
	RecKeys		keys;			/* of all users, in the order of the scan */
	float	   *score;
	int			room;
} UserScan;

/*
 * Item weights: the same by the stored histories. vector has one number per item: <values of a user, vector>, divided by
 * the length of the values for a cosine.
 */
static void
scan_histories(const RecCall *call, const RecKeyType *kind, const float *vector, bool cosine, UserScan *u)
{
	const RecServing *s = call->serving;
	RecUserReader *reader = rec_user_reader_open(call->model, s, kind, NULL);
	MemoryContext row_context = AllocSetContextCreate(CurrentMemoryContext, "pg_recommend user", ALLOCSET_DEFAULT_SIZES);

	memset(u, 0, sizeof(*u));
	rec_keys_init(&u->keys, kind, CurrentMemoryContext);
	u->room = 1024;
	u->score = palloc(u->room * sizeof(float));
	for (;;)
	{
		MemoryContext old = MemoryContextSwitchTo(row_context);
		RecStoredUser user;
		float		score = 0,
					squares = 0;

		CHECK_FOR_INTERRUPTS();
		if (!rec_user_reader_next(reader, &user))
		{
			MemoryContextSwitchTo(old);
			break;
		}
		for (int k = 0; k < user.n; k++)
		{
			float		value = rec_linear_value(&s->params, s->rule.explicit_feedback, user.net[k]);

			score += value * vector[user.item[k]];
			squares += value * value;
		}
		if (u->keys.n == u->room)
		{
			u->room *= 2;
			u->score = repalloc_huge(u->score, u->room * sizeof(float));
		}
		/* nobody whom nothing speaks for */
		u->score[u->keys.n] = squares == 0 || (cosine && score == 0) ? -INFINITY : cosine ? score / sqrtf(squares) : score;
		rec_keys_append(&u->keys, user.key);
		MemoryContextSwitchTo(old);
		MemoryContextReset(row_context);
	}
	rec_user_reader_close(reader);
	MemoryContextDelete(row_context);
}

/* One number per item: what a unit of each adds to the score of one. */
static float *
weights_to(const RecServing *s, int position)
{
	float	   *vector = palloc_extended(Max(s->n, 1) * sizeof(float), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

	for (int j = 0; j < s->n; j++)
		for (int64 e = s->weights.start[j]; e < s->weights.start[j + 1]; e++)
			if (s->weights.item[e] == position)
				vector[j] = s->weights.weight[e];
	return vector;
}

/* The values of a user, to length 1; NULL: there are none. */
static float *
values_of(const RecCall *call, Datum user)
{
	const RecServing *s = call->serving;
	float	   *vector = palloc_extended(Max(s->n, 1) * sizeof(float), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO),
				squares = 0;
	int			n;
	int32	   *item;
	float	   *net;

	if (!rec_user_stored_history(call->model, s, user, &n, &item, &net))
		return NULL;
	for (int k = 0; k < n; k++)
	{
		vector[item[k]] = rec_linear_value(&s->params, s->rule.explicit_feedback, net[k]);
		squares += vector[item[k]] * vector[item[k]];
	}
	for (int k = 0; k < n && squares > 0; k++)
		vector[item[k]] /= sqrtf(squares);
	return squares > 0 ? vector : NULL;
}

static bool
any_factor(const float *row, int n)
{
	for (int c = 0; c < n; c++)
		if (row[c] != 0)
			return true;
	return false;
}

/* Scores every user of the version: <vector, user row>, divided by the length of the user's factors for a cosine. */
static void
scan_users(const RecCall *call, const RecKeyType *kind, const float *vector, bool cosine, float offset, UserScan *u)
{
	const RecServing *s = call->serving;
	Relation	rel = rec_model_open(call->model, "user_factors", AccessShareLock);
	MemoryContext row_context = AllocSetContextCreate(CurrentMemoryContext, "pg_recommend user", ALLOCSET_DEFAULT_SIZES);
	float	   *row = (float *) TYPEALIGN(64, (uintptr_t) palloc0(s->stride * sizeof(float) + 64));
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	memset(u, 0, sizeof(*u));
	rec_keys_init(&u->keys, kind, CurrentMemoryContext);
	u->room = 1024;
	u->score = palloc(u->room * sizeof(float));
	RelationGetIndexList(rel);
	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(s->version));
	scan = systable_beginscan(rel, rel->rd_pkindex, OidIsValid(rel->rd_pkindex), GetActiveSnapshot(), 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		MemoryContext old = MemoryContextSwitchTo(row_context);
		float		score,
					own = 0;

		CHECK_FOR_INTERRUPTS();
		rec_row_factors(s, tuple, RelationGetDescr(rel), 3, row);
		if (s->rule.explicit_feedback)
		{
			own = cosine ? 0 : row[s->params.factors];
			row[s->params.factors] = cosine ? 0 : 1;
		}
		rec_score_rows(row, 1, s->stride, vector, &score);
		if (cosine)
		{
			float		squares;

			rec_score_rows(row, 1, s->stride, row, &squares);
			score = squares > 0 ? score / sqrtf(squares) : -INFINITY;
		}
		else if (score == 0 && !s->rule.explicit_feedback && !any_factor(row, s->params.factors))
			score = -INFINITY;
		else
			score += offset + own;
		if (u->keys.n == u->room)
		{
			u->room *= 2;
			u->score = repalloc_huge(u->score, u->room * sizeof(float));
		}
		u->score[u->keys.n] = score;
		rec_keys_append(&u->keys, rec_model_value(tuple, 2, RelationGetDescr(rel)));
		MemoryContextSwitchTo(old);
		MemoryContextReset(row_context);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	MemoryContextDelete(row_context);
}

static void
put_user(const RecCall *call, const UserScan *u, int i, int rank)
{
	Datum		v[3] = {rec_call_output(call, &u->keys.kind, rec_keys_datum(&u->keys, i)),
	Float4GetDatum(u->score[i]), Int32GetDatum(rank)};
	bool		null[3] = {0};

	tuplestore_putvalues(call->result->setResult, call->result->setDesc, v, null);
}

static bool
has_item(const RecCall *call, Datum user, int position)
{
	int			n;
	int32	   *item;
	float	   *net;
	bool		found = false;

	if (!rec_user_stored_history(call->model, call->serving, user, &n, &item, &net))
		return false;
	for (int i = 0; i < n && !found; i++)
		found = item[i] == position;
	return found;
}

/*
 * The best users that pass; histories are looked up for the front of the ranking only, in growing bites.
 * Users that have nothing positive have factors of zero and are no audience.
 */
static void
answer_users(const RecCall *call, const UserScan *u, int seen_item, int skip)
{
	int			want = rec_call_limit(call, u->keys.n),
				bite = Min(u->keys.n, Max(want, 16) < u->keys.n / 4 ? 4 * Max(want, 16) : u->keys.n),
				done = 0,
				rank = 0;
	RecScored  *entry = palloc_extended(Max(u->keys.n, 1) * sizeof(RecScored), MCXT_ALLOC_HUGE);

	while (rank < want && done < u->keys.n)
	{
		RecTopK		top;

		rec_topk_init(&top, entry, bite);
		for (int i = 0; i < u->keys.n; i++)
			rec_topk_offer(&top, u->score[i], i);
		rec_topk_sort(&top);
		for (; done < top.n && rank < want; done++)
		{
			int			i = entry[done].position;

			CHECK_FOR_INTERRUPTS();
			if (i == skip || u->score[i] == -INFINITY ||
				(seen_item >= 0 && has_item(call, rec_keys_datum(&u->keys, i), seen_item)))
				continue;
			put_user(call, u, i, ++rank);
		}
		if (bite == u->keys.n)
			break;
		bite = u->keys.n;
	}
}

PG_FUNCTION_INFO_V1(rec_recommend_users);
Datum
rec_recommend_users(PG_FUNCTION_ARGS)
{
	RecCall		call;
	RecKeyType	kind;
	UserScan	users;
	Datum		key;
	int			position = -1;

	rec_call_begin(&call, fcinfo, 3, 5);
	rec_call_refuse_row_security(&call);
	if (rec_call_key(&call, 1, &call.serving->keys.kind, &key))
		position = rec_keys_find(&call.serving->keys, key);
	if (position >= 0 && call.k > 0)
	{
		rec_call_user_type(&call, &kind);
		if (call.serving->weights.start)
			scan_histories(&call, &kind, weights_to(call.serving, position), false, &users);
		else
			scan_users(&call, &kind, call.serving->items + (Size) position * call.serving->stride, false,
					   call.serving->mean, &users);
		answer_users(&call, &users, PG_ARGISNULL(4) || PG_GETARG_BOOL(4) ? position : -1, -1);
	}
	rec_call_end(&call);
	return (Datum) 0;
}

/* The user's stored factors, to length 1; NULL: there are none. */
static float *
direction_of(const RecCall *call, Datum user)
{
	const RecServing *s = call->serving;
	RecUserScan scan;
	float	   *vector = (float *) TYPEALIGN(64, (uintptr_t) palloc0(s->stride * sizeof(float) + 64)),
				squares = 0;
	HeapTuple	tuple = rec_user_scan(&scan, call->model, "user_factors", s->version, user);

	if (HeapTupleIsValid(tuple))
		rec_row_factors(s, tuple, RelationGetDescr(scan.rel), 3, vector);
	rec_user_scan_end(&scan);
	if (s->rule.explicit_feedback)
		vector[s->params.factors] = 0;
	rec_score_rows(vector, 1, s->stride, vector, &squares);
	for (int c = 0; c < s->stride && squares > 0; c++)
		vector[c] /= sqrtf(squares);
	return squares > 0 ? vector : NULL;
}

PG_FUNCTION_INFO_V1(rec_similar_users);
Datum
rec_similar_users(PG_FUNCTION_ARGS)
{
	RecCall		call;
	RecKeyType	kind;
	UserScan	users;
	Datum		key;
	float	   *vector = NULL;

	rec_call_begin(&call, fcinfo, 3, 4);
	rec_call_refuse_row_security(&call);
	rec_call_user_type(&call, &kind);
	if (call.k > 0 && rec_call_key(&call, 1, &kind, &key))
		vector = call.serving->weights.start ? values_of(&call, key) : direction_of(&call, key);
	if (vector)
	{
		int			self = -1;

		if (call.serving->weights.start)
			scan_histories(&call, &kind, vector, true, &users);
		else
			scan_users(&call, &kind, vector, true, 0, &users);
		for (int i = 0; i < users.keys.n && self < 0; i++)
			if (rec_keys_equal(&users.keys, i, key))
				self = i;
		answer_users(&call, &users, -1, self);
	}
	rec_call_end(&call);
	return (Datum) 0;
}
