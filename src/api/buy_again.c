/*
 * buy_again.c
 *		buy_again(): what a user is likely to take again, by own frequency and recency.
 *
 * Factors are not asked: of the items that a user has had, how often and how lately says more. Ages count from the
 * user's newest event, so that the answer is the same whenever it is asked, and old data does not fade to zero.
 */
#include "api/allowed.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/timestamp.h"

/* The items of a user, each with its decayed sum and, of live events, the newest time. */
typedef struct Repeats
{
	int			n;
	int32	   *item;
	float	   *score;
	int64	   *last;			/* NULL: not known */
	Oid			time_type;
} Repeats;

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

static void
sum_live(const RecCall *call, const RecLive *live, double half_life, Repeats *r)
{
	bool		timed = OidIsValid(live->time_type);
	RecSumRule	rule = {.has_time = timed, .newest = PG_INT64_MIN, .half_life = half_life};
	int64		duplicates = 0;
	int			from = 0;

	for (int i = 0; i < live->nevents; i++)
	{
		rule.newest = Max(rule.newest, live->event[i].time);
		if (call->serving->rule.explicit_feedback)	/* a low rating of something taken twice is no less a repetition */
			live->event[i].value = 1;
	}
	rec_sort_events(live->event, live->nevents, &rule);
	r->item = palloc(Max(live->nevents, 1) * sizeof(int32));
	r->score = palloc(Max(live->nevents, 1) * sizeof(float));
	r->last = timed ? palloc(Max(live->nevents, 1) * sizeof(int64)) : NULL;
	r->time_type = live->time_type;
	while (from < live->nevents)
	{
		int			first = from;
		int64		newest;

		while (from < live->nevents && live->event[from].item == live->event[first].item)
			from++;
		r->item[r->n] = live->event[first].item;
		r->score[r->n] = rec_sum_run(live->event + first, from - first, &rule, &duplicates, &newest);
		if (timed)
			r->last[r->n] = newest;
		r->n++;
	}
}

static Repeats
read_repeats(const RecCall *call, Datum user, Oid user_type, double half_life)
{
	Repeats		r = {0};
	RecLive		live;

	rec_live_read(call->model, call->serving, user, user_type, NULL, &live);
	if (live.usable)
		sum_live(call, &live, half_life, &r);
	else if (!live.secured)		/* else what is stored may rest on rows that the caller must not see */
	{
		(void) rec_user_stored_history(call->model, call->serving, user, &r.n, &r.item, &r.score);
		for (int i = 0; i < r.n && call->serving->rule.explicit_feedback; i++)
			r.score[i] = 1;
	}
	return r;
}

static Datum
last_at(const Repeats *r, int i)
{
	if (r->time_type == TIMESTAMPOID || r->time_type == DATEOID)	/* in the session's time zone, as a cast does */
		return DirectFunctionCall1(timestamp_timestamptz, TimestampGetDatum(r->last[i]));
	return TimestampTzGetDatum(r->last[i]);
}

static void
answer(const RecCall *call, const RecAllowed *allowed, const Repeats *r)
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
	Repeats		repeats;
	Datum		key;
	double		half_life = half_life_of(fcinfo, 4);

	rec_request_read(&request, fcinfo, 6);
	if (request.has_min_score || request.has_cursor || request.after_rank > 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("buy_again has no min_score and no after")));
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
