/*
 * bot_score.c
 *		rec.bot_score(ts [, item]): aggregate over the events of one visitor, see core/bot.h.
 *
 * The state keeps each time, and of each item a hash of 52 bits, in which a double is exact.
 */
#include "compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "api/aggregate.h"
#include "core/bot.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#define BOT_TAG 0x52424f54		/* "RBOT" */

typedef struct BotState
{
	bool		with_items;
	RecNumbers *times;
	RecNumbers *items;			/* hashes; as many as times, NaN: null */
	FmgrInfo   *hash;			/* of the items' type; NULL in a state that was combined only */
} BotState;

static BotState *
bot_create(FunctionCallInfo fcinfo)
{
	MemoryContext context = rec_aggregate_context(fcinfo);
	BotState   *state = MemoryContextAllocZero(context, sizeof(BotState));

	state->with_items = PG_NARGS() > 2;
	state->times = rec_numbers_create(context);
	state->items = rec_numbers_create(context);
	return state;
}

static double
hash_of_item(FunctionCallInfo fcinfo, BotState *state)
{
	if (PG_ARGISNULL(2))
		return NAN;
	if (state->hash == NULL)
	{
		TypeCacheEntry *entry = lookup_type_cache(get_fn_expr_argtype(fcinfo->flinfo, 2), TYPECACHE_HASH_EXTENDED_PROC_FINFO);

		if (!OidIsValid(entry->hash_extended_proc))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_FUNCTION),
					 errmsg("could not identify a hash function for type %s", format_type_be(entry->type_id)),
					 errhint("Cast the item to text.")));
		state->hash = &entry->hash_extended_proc_finfo;
	}
	return (double) (DatumGetUInt64(FunctionCall2Coll(state->hash, PG_GET_COLLATION(), PG_GETARG_DATUM(2),
													  Int64GetDatum(0))) >> 12);
}

PG_FUNCTION_INFO_V1(rec_bot_transition);
Datum
rec_bot_transition(PG_FUNCTION_ARGS)
{
	BotState   *state = PG_ARGISNULL(0) ? bot_create(fcinfo) : (BotState *) PG_GETARG_POINTER(0);
	TimestampTz ts;

	if (PG_ARGISNULL(1) || TIMESTAMP_NOT_FINITE(ts = PG_GETARG_TIMESTAMPTZ(1)))
		PG_RETURN_POINTER(state);
	rec_numbers_add(state->times, (double) ts);
	if (state->with_items)
		rec_numbers_add(state->items, hash_of_item(fcinfo, state));
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(rec_bot_combine);
Datum
rec_bot_combine(PG_FUNCTION_ARGS)
{
	BotState   *a,
			   *b;

	(void) rec_aggregate_context(fcinfo);
	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	if (PG_ARGISNULL(0))
		PG_RETURN_DATUM(PG_GETARG_DATUM(1));
	a = (BotState *) PG_GETARG_POINTER(0);
	b = (BotState *) PG_GETARG_POINTER(1);
	rec_numbers_append(a->times, b->times);
	rec_numbers_append(a->items, b->items);
	PG_RETURN_POINTER(a);
}

/* Travels as times and then items; the part of fixed size says whether there are items. */
PG_FUNCTION_INFO_V1(rec_bot_serialize);
Datum
rec_bot_serialize(PG_FUNCTION_ARGS)
{
	BotState   *state = (BotState *) PG_GETARG_POINTER(0);
	int64		with_items = state->with_items;
	RecNumbers *both;

	(void) rec_aggregate_context(fcinfo);
	both = rec_numbers_create(CurrentMemoryContext);
	rec_numbers_append(both, state->times);
	rec_numbers_append(both, state->items);
	PG_RETURN_BYTEA_P(rec_state_numbers_out(BOT_TAG, &with_items, sizeof(with_items), both));
}

PG_FUNCTION_INFO_V1(rec_bot_deserialize);
Datum
rec_bot_deserialize(PG_FUNCTION_ARGS)
{
	MemoryContext context = rec_aggregate_context(fcinfo);
	BotState   *state = MemoryContextAllocZero(context, sizeof(BotState));
	int64		with_items;

	state->times = rec_state_numbers_in(PG_GETARG_BYTEA_PP(0), BOT_TAG, &with_items, sizeof(with_items), context);
	state->items = rec_numbers_create(context);
	if (with_items != 0 && (with_items != 1 || state->times->n % 2 != 0))
		rec_bad_state();
	state->with_items = with_items == 1;
	for (int64 i = 0; i < state->times->n / (state->with_items ? 2 : 1); i++)
		if (!(fabs(state->times->x[i]) <= (double) PG_INT64_MAX))
			rec_bad_state();
	if (state->with_items)
	{
		RecNumbers	half = *state->times;

		half.n = state->times->n /= 2;
		half.x += half.n;
		rec_numbers_append(state->items, &half);
	}
	PG_RETURN_POINTER(state);
}

static double
count_distinct(RecNumbers *items)
{
	double		distinct = 0;

	rec_numbers_sort(items);	/* NaN, the nulls, last */
	for (int64 i = 0; i < items->n && !isnan(items->x[i]); i++)
		distinct += i == 0 || items->x[i] != items->x[i - 1];
	return distinct;
}

PG_FUNCTION_INFO_V1(rec_bot_final);
Datum
rec_bot_final(PG_FUNCTION_ARGS)
{
	BotState   *state;
	TupleDesc	desc;
	RecBotSigns s;
	double	   *scratch;
	Datum		v[9];
	bool		null[9] = {0};

	(void) rec_aggregate_context(fcinfo);
	if (PG_ARGISNULL(0) || (state = (BotState *) PG_GETARG_POINTER(0))->times->n == 0)
		PG_RETURN_NULL();
	rec_numbers_sort(state->times);
	scratch = palloc_extended(state->times->n * sizeof(double), MCXT_ALLOC_HUGE);
	s = rec_bot_signs(state->times->x, state->times->n, scratch, state->with_items ? count_distinct(state->items) : -1);
	pfree(scratch);
	v[0] = Float8GetDatum(s.score);
	v[1] = Float8GetDatum(s.rate);
	v[2] = Float8GetDatum(s.burst);
	v[3] = Float8GetDatum(s.regularity);
	v[4] = Float8GetDatum(s.round_the_clock);
	v[5] = Float8GetDatum(s.breadth);
	null[5] = !state->with_items;
	v[6] = Float8GetDatum(s.burstiness);
	null[6] = isnan(s.burstiness);
	v[7] = Int64GetDatum(state->times->n);
	v[8] = Int64GetDatum(s.active_hours);
	desc = lookup_rowtype_tupdesc(get_fn_expr_rettype(fcinfo->flinfo), -1);
	v[0] = HeapTupleGetDatum(heap_form_tuple(desc, v, null));
	ReleaseTupleDesc(desc);
	PG_RETURN_DATUM(v[0]);
}
