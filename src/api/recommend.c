/*
 * recommend.c
 *		recommend(), serve(), recommend_for() and predict().
 */
#include "api/materialized.h"
#include "api/rank.h"
#include "api/shown.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "model/attribute_row.h"
#include "core/score.h"
#include "miscadmin.h"
#include "model/settings.h"
#include "utils/array.h"
#include "utils/builtins.h"

/* What the user has had; items of negative net weight are never recommended. */
static void
forbid_history(RecAllowed *allowed, const RecCall *call, const RecUser *user, bool seen, bool by_type)
{
	for (int i = 0; i < user->n; i++)
		if ((seen && !by_type) || (!call->serving->rule.explicit_feedback && user->net[i] < 0))
			rec_forbid(allowed, &user->item[i], 1);
	if (!seen || !by_type)
		return;
	if (user->live.nof_types >= 0)
		rec_forbid(allowed, user->live.of_types, user->live.nof_types);
	else
		rec_forbid(allowed, user->item, user->n);	/* the types of stored events are not known: all count */
}

/*
 * What the user takes again, for blending it in: these items may come back although they were seen, unless they were disliked.
 * Called before the history is forbidden; returns what was allowed of them.
 */
static bool *
allowed_repeats(const RecAllowed *allowed, const RecRepeats *r)
{
	bool	   *may = palloc(Max(r->n, 1) * sizeof(bool));

	for (int i = 0; i < r->n; i++)
		may[i] = allowed->mask[r->item[i]] && r->score[i] > 0;
	return may;
}

static void
allow_again(RecAllowed *allowed, const RecCall *call, const RecUser *user, const RecRepeats *r, const bool *may)
{
	for (int i = 0; i < r->n; i++)
		if (may[i] && !allowed->mask[r->item[i]])
		{
			allowed->mask[r->item[i]] = true;
			allowed->n++;
		}
	forbid_history(allowed, call, user, false, false);
}

/* The version that answers: the one that was asked for, or that of the user's variant. */
static RecMet
choose_version(const RecCall *call, const char *experiment)
{
	FunctionCallInfo fcinfo = call->fcinfo;
	RecMet		met = rec_meet_experiment(call, experiment);

	if (experiment && !PG_ARGISNULL(8))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("version and experiment cannot be combined"),
				 errdetail("The experiment says which version answers.")));
	if (!PG_ARGISNULL(8))
		met.version = PG_GETARG_INT32(8);
	return met;
}

/* recommend() and serve(), which also keeps what it shows. */
static void
recommend(FunctionCallInfo fcinfo, RecRequestFor function)
{
	RecCall		call;
	RecMet		met;
	RecKeyType	user_type;
	RecUser		user;
	RecAllowed	allowed;
	RecRequest	request;
	Datum		key = 0;
	bool		known;
	bool	   *may = NULL;
	RecRepeats	repeats = {0};
	ArrayType  *types = PG_ARGISNULL(5) ? NULL : PG_GETARG_ARRAYTYPE_P(5);

	rec_request_read(&request, fcinfo, 9, function);
	rec_call_open(&call, fcinfo, 3);
	/* nothing is asked that goes beyond what is materialized */
	if (rec_use_materialized && types == NULL && PG_ARGISNULL(6) && PG_ARGISNULL(7) && PG_ARGISNULL(8) && PG_ARGISNULL(9) &&
		function == REC_FOR_USER && rec_answer_materialized(&call, 1, PG_ARGISNULL(4) || PG_GETARG_BOOL(4)))
		return;
	met = choose_version(&call, request.experiment);
	rec_call_load_version(&call, met.version);
	rec_call_user_type(&call, &user_type);
	known = rec_call_key(&call, 1, &user_type, &key);
	rec_user_get(call.model, call.serving, key, &user_type, known, types, &user);
	allowed = rec_allowed_by_arguments(&call, 6, 7);
	rec_allow_filtered(&allowed, &call, &request);
	if (request.buy_again > 0)
	{
		repeats = rec_repeats_get(call.serving, &user.live, user.n, user.item, user.net, REC_REPEATS_HALF_LIFE);
		may = allowed_repeats(&allowed, &repeats);
	}
	forbid_history(&allowed, &call, &user, PG_ARGISNULL(4) || PG_GETARG_BOOL(4), types != NULL);
	if (request.buy_again > 0)
		allow_again(&allowed, &call, &user, &repeats, may);
	rec_answer(&call, &allowed, &user, request.buy_again > 0 ? &repeats : NULL, &request);
	/* the items of a drawn answer have probabilities that nobody has computed */
	if (request.explore == REC_EXPLORE_THOMPSON && request.sigma > 0)
		met.propensity = NAN;
	if (function == REC_FOR_SERVE)
		rec_keep_shown(&call, &met, request.placement);
	rec_call_end(&call);
}

PG_FUNCTION_INFO_V1(rec_recommend);
Datum
rec_recommend(PG_FUNCTION_ARGS)
{
	recommend(fcinfo, REC_FOR_USER);
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(rec_serve);
Datum
rec_serve(PG_FUNCTION_ARGS)
{
	recommend(fcinfo, REC_FOR_SERVE);
	return (Datum) 0;
}

/* What the model expects of a visitor with these attributes; NULL: of anybody. */
static void
expect_visitor(const RecCall *call, const Jsonb *json, RecUser *user)
{
	RecEncoded *row = NULL;

	if (json)
	{
		if (rec_attributes_kept(call->model, call->serving, REC_USERS) == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("version %d of model \"%s\" has no user attributes", call->serving->version, call->model->name),
					 errhint("Give the model users and user_attributes with rec.alter_model, and train it.")));
		row = palloc(sizeof(RecEncoded));
		rec_attributes_json(call->model, call->serving, REC_USERS, json, row);
	}
	rec_user_expect(call->serving, row, user);
}

/* Each item at hand counts as one event; explicit: as a rating one above what is expected of the item. */
static void
fold_in_items(const RecCall *call, int argument, const Jsonb *attributes, RecUser *user)
{
	const RecServing *s = call->serving;
	int			n;
	int32	   *item = rec_call_items(call, argument, &n);
	float	   *net = palloc(Max(n, 1) * sizeof(float));

	memset(user, 0, sizeof(*user));
	user->live.nof_types = -1;
	for (int i = 0; i < n; i++)
		net[i] = s->rule.explicit_feedback ?
			s->mean + s->items[(Size) item[i] * s->stride + s->params.factors] + 1 : 1;
	expect_visitor(call, attributes, user);
	rec_user_from_pairs(s, n, item, net, user);
}

PG_FUNCTION_INFO_V1(rec_recommend_for);
Datum
rec_recommend_for(PG_FUNCTION_ARGS)
{
	RecCall		call;
	RecUser		user;
	RecAllowed	allowed;
	RecRequest	request;

	rec_request_read(&request, fcinfo, 8, REC_FOR_BASKET);
	rec_call_begin(&call, fcinfo, 3, 7);
	fold_in_items(&call, 1, request.attributes, &user);
	allowed = rec_allowed_by_arguments(&call, 5, 6);
	rec_allow_filtered(&allowed, &call, &request);
	forbid_history(&allowed, &call, &user, PG_ARGISNULL(4) || PG_GETARG_BOOL(4), false);
	rec_answer(&call, &allowed, &user, NULL, &request);
	rec_call_end(&call);
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(rec_predict);
Datum
rec_predict(PG_FUNCTION_ARGS)
{
	RecCall		call;
	RecKeyType	user_type;
	RecUser		user;
	Datum		user_key = 0,
				item_key;
	bool		known;
	int			position = -1;
	float		score,
				factor;
	RecRequest	request;

	rec_request_read(&request, fcinfo, 4, REC_FOR_PREDICT);
	rec_call_begin(&call, fcinfo, -1, 3);
	rec_call_user_type(&call, &user_type);
	known = rec_call_key(&call, 1, &user_type, &user_key);
	if (rec_call_key(&call, 2, &call.serving->keys.kind, &item_key))
		position = rec_keys_find(&call.serving->keys, item_key);
	if (position < 0)
	{
		rec_call_end(&call);
		PG_RETURN_NULL();
	}
	factor = rec_item_factor(&call, &request, position);
	rec_user_get(call.model, call.serving, user_key, &user_type, known, NULL, &user);
	if (user.source != REC_SOURCE_POPULAR && user.score)
		score = user.score[position];
	else if (user.source != REC_SOURCE_POPULAR)
	{
		rec_score_rows(call.serving->items + (Size) position * call.serving->stride, 1, call.serving->stride,
					   user.vector, &score);
		score += rec_user_offset(call.serving, &user);
	}
	else if (call.serving->rule.explicit_feedback)	/* of a stranger, the item's own level is expected */
		score = call.serving->mean + call.serving->items[(Size) position * call.serving->stride + call.serving->params.factors];
	else
	{
		rec_call_end(&call);
		PG_RETURN_NULL();
	}
	rec_call_end(&call);
	PG_RETURN_FLOAT4(rec_raised(score, factor));
}
