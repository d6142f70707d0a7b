/*
 * buy_again.c
 *		buy_again(): what a user is likely to take again, by own frequency and recency.
 *
 * Factors are not asked: of the items that a user has had, how often and how lately says more.
 */
#include "api/allowed.h"

#include "catalog/pg_type.h"
#include "model/repeats.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/timestamp.h"

static double
half_life_of(FunctionCallInfo fcinfo, int i)
{
	double		half_life = PG_ARGISNULL(i) ? 0 : rec_half_life(PG_GETARG_INTERVAL_P(i));

	if (!PG_ARGISNULL(i) && !(half_life > 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("half_life must be above zero"),
				 errhint("Give null for no decay.")));
	return half_life;
}

static RecRepeats
read_repeats(const RecCall *call, Datum user, Oid user_type, double half_life)
{
	RecLive		live;
	int			n = 0;
	int32	   *item = NULL;
	float	   *net = NULL;

	rec_live_read(call->model, call->serving, user, user_type, NULL, &live);
	if (!live.usable && !live.secured)
		(void) rec_user_stored_history(call->model, call->serving, user, &n, &item, &net);
	return rec_repeats_get(call->serving, &live, n, item, net, half_life);
}

static Datum
last_at(const RecRepeats *r, int i)
{
	if (r->time_type == TIMESTAMPOID || r->time_type == DATEOID)	/* in the session's time zone, as a cast does */
		return DirectFunctionCall1(timestamp_timestamptz, TimestampGetDatum(r->last[i]));
	return TimestampTzGetDatum(r->last[i]);
}

static void
answer(const RecCall *call, const RecAllowed *allowed, const RecRepeats *r)
{
	const RecKeys *keys = &call->serving->keys;
	RecTopK		top;
	int			limit = rec_call_limit(call, r->n);

	rec_topk_init(&top, palloc(Max(limit, 1) * sizeof(RecScored)), limit);
	/* pairs are ascending by item, so their order breaks ties as elsewhere */
	for (int i = 0; i < r->n; i++)
		if (r->score[i] > 0 && allowed->mask[r->item[i]])
			rec_topk_offer(&top, r->score[i], i);
	rec_topk_sort(&top);
	for (int k = 0; k < top.n; k++)
	{
		int			i = top.entry[k].position;
		Datum		v[4] = {rec_call_output(call, &keys->kind, rec_keys_datum(keys, r->item[i])),
			Float4GetDatum(r->score[i]), Int32GetDatum(k + 1), r->last ? last_at(r, i) : (Datum) 0};
		bool		null[4] = {false, false, false, r->last == NULL};

		tuplestore_putvalues(call->result->setResult, call->result->setDesc, v, null);
	}
}

PG_FUNCTION_INFO_V1(rec_buy_again);
Datum
rec_buy_again(PG_FUNCTION_ARGS)
{
	RecCall		call;
	RecKeyType	user_type;
	RecRequest	request;
	RecAllowed	allowed;
	RecRepeats	repeats;
	Datum		key;
	double		half_life = half_life_of(fcinfo, 4);

	rec_request_read(&request, fcinfo, 6, REC_FOR_BUY_AGAIN);
	rec_call_begin(&call, fcinfo, 3, 5);
	rec_call_user_type(&call, &user_type);
	allowed = rec_allowed_by_arguments(&call, -1, -1);
	rec_allow_filtered(&allowed, &call, &request);
	if (rec_call_key(&call, 1, &user_type, &key))
	{
		repeats = read_repeats(&call, key, user_type.type, half_life);
		answer(&call, &allowed, &repeats);
	}
	rec_call_end(&call);
	return (Datum) 0;
}
