/*
 * many.c
 *		recommend_many(): the best items for many users, from stored factors and stored history.
 *
 * What recommend() answers to a user whose events are those of the training, without looking at the events again.
 */
#include "api/allowed.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "model/linear.h"
#include "model/many.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

/* How keys become values of a column of the answer: as they are, or as text. */
typedef struct Output
{
	bool		as_text;
	FmgrInfo	function;
} Output;

/* Users of a block whose results are still to come. */
typedef struct Waiting
{
	MemoryContext context;
	Datum		key[REC_MANY_USERS];
} Waiting;

typedef struct Many
{
	RecCall		call;
	RecKeyType	user_type;
	bool		exclude_seen;
	RecRequest	request;
	int			limit;			/* rows per user */
	const RecManyJob *job;
	RecUserReader *reader;
	MemoryContext user_context; /* of the user that was read last */
	MemoryContext row_context;
	RecStoredUser user;			/* read, but in no block yet */
	bool		has_user;
	Waiting    *waiting;		/* per block under way */
	Output		user_output;
	Output		item_output;
	Datum		source[4];		/* as text, by RecSource */
} Many;

static void
output_init(const RecCall *call, int column, const RecKeyType *kind, Output *output)
{
	Oid			type = TupleDescAttr(call->result->setDesc, column)->atttypid;
	Oid			function;
	bool		varlena;

	output->as_text = type != kind->type;
	if (!output->as_text)
		return;
	if (type != TEXTOID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("keys of type %s cannot be returned as %s", format_type_be(kind->type), format_type_be(type))));
	getTypeOutputInfo(kind->type, &function, &varlena);
	fmgr_info(function, &output->function);
}

static Datum
put_out(Output *output, Datum key)
{
	return output->as_text ? CStringGetTextDatum(OutputFunctionCall(&output->function, key)) : key;
}

/* The key of one user asked for; unlike for one user, a value that is no key cannot be part of the answer. */
static Datum
user_key(const RecKeyType *kind, Datum value, Oid type)
{
	Datum		key;
	Oid			function;
	bool		varlena;

	if (rec_key_coerce(kind, value, type, &key))
		return key;
	getTypeOutputInfo(type, &function, &varlena);
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("user id %s is out of range for type %s", OidOutputFunctionCall(function, value),
					format_type_be(kind->type))));
	return 0;					/* not reached */
}

/* The distinct users asked for, in the order in which they were given; NULL: all. */
static const RecKeys *
users_asked_for(const Many *m, int argument)
{
	FunctionCallInfo fcinfo = m->call.fcinfo;
	RecDictionary *dictionary;
	ArrayType  *array;
	int16		typlen;
	bool		typbyval;
	char		typalign;
	Datum	   *value;
	bool	   *null;
	int			n;

	if (PG_ARGISNULL(argument))
		return NULL;
	if (!OidIsValid(get_base_element_type(get_fn_expr_argtype(fcinfo->flinfo, argument))))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH), errmsg("a list of users must be an array")));
	array = PG_GETARG_ARRAYTYPE_P(argument);
	get_typlenbyvalalign(ARR_ELEMTYPE(array), &typlen, &typbyval, &typalign);
	deconstruct_array(array, ARR_ELEMTYPE(array), typlen, typbyval, typalign, &value, &null, &n);
	dictionary = rec_dictionary_create(&m->user_type, CurrentMemoryContext);
	for (int i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!null[i])
			(void) rec_dictionary_number(dictionary, user_key(&m->user_type, value[i], ARR_ELEMTYPE(array)));
	}
	return rec_dictionary_keys(dictionary);
}

/* Item weights: the whole history is listed, those that are forbidden first, each with what it counts. */
static void
add_values(const RecServing *s, const RecStoredUser *user, bool exclude_seen, const RecManyBlock *block, RecManyUser *entry)
{
	entry->history = entry->n;
	for (int i = 0; i < user->n; i++)
		if (!exclude_seen && user->net[i] >= 0)
			block->item[entry->first + entry->history++] = user->item[i];
	for (int i = 0, low = 0, high = entry->n; i < user->n; i++)
		block->value[entry->first + (exclude_seen || user->net[i] < 0 ? low++ : high++)] =
			rec_linear_value(&s->params, s->rule.explicit_feedback, user->net[i]);
}

/* Adds the user that was read to a block; the caller has made sure of the room. */
static void
add_user(Many *m, const RecManyBlock *block, int first_item)
{
	const RecServing *s = m->call.serving;
	const RecStoredUser *user = &m->user;
	Waiting    *waiting = &m->waiting[block->slot];
	int			u = (*block->nusers)++;
	RecManyUser *entry = &block->user[u];
	int			d = s->params.factors;
	MemoryContext old = MemoryContextSwitchTo(waiting->context);

	waiting->key[u] = datumCopy(user->key, m->user_type.typbyval, m->user_type.typlen);
	MemoryContextSwitchTo(old);
	*entry = (RecManyUser) {.source = REC_SOURCE_POPULAR, .first = first_item};
	/* items of negative net weight are never recommended */
	for (int i = 0; i < user->n; i++)
		if (m->exclude_seen || (!s->rule.explicit_feedback && user->net[i] < 0))
			block->item[first_item + entry->n++] = user->item[i];
	if (s->weights.start)
		add_values(s, user, m->exclude_seen, block, entry);
	if (user->factors == NULL)
		return;
	if (rec_anything_positive(s, user->n, user->net))
		entry->source = REC_SOURCE_PERSONALIZED;
	else if (s->map[REC_USERS])
		entry->source = REC_SOURCE_ATTRIBUTES;
	else
		return;
	memcpy(block->vector + (Size) u * s->stride, user->factors, s->stride * sizeof(float));
	if (s->rule.explicit_feedback)
	{
		block->vector[(Size) u * s->stride + d] = 1;
		entry->offset = s->mean + user->factors[d];
	}
}

static void
read_users(void *state, const RecManyBlock *block)
{
	Many	   *m = state;
	int			items = 0;

	MemoryContextReset(m->waiting[block->slot].context);
	while (*block->nusers < m->job->users_room)
	{
		if (!m->has_user)
		{
			MemoryContext old;

			MemoryContextReset(m->user_context);
			old = MemoryContextSwitchTo(m->user_context);
			m->has_user = rec_user_reader_next(m->reader, &m->user);
			MemoryContextSwitchTo(old);
			if (!m->has_user)
				break;
		}
		if (items + m->user.n > m->job->item_room)
			break;
		add_user(m, block, items);
		items += Max(block->user[*block->nusers - 1].n, block->user[*block->nusers - 1].history);
		m->has_user = false;
	}
}

static void
write_user(Many *m, Datum key, const RecManyUser *user, const RecScored *result)
{
	const RecKeys *keys = &m->call.serving->keys;
	ReturnSetInfo *out = m->call.result;
	Datum		v[5];
	bool		null[5] = {0};

	v[0] = put_out(&m->user_output, key);
	v[4] = m->source[user->source];
	for (int r = 0; r < user->found; r++)
	{
		float		score = user->source == REC_SOURCE_POPULAR ? result[r].score : result[r].score + user->offset;

		if (m->request.has_min_score && !(score >= m->request.min_score))
			break;
		v[1] = put_out(&m->item_output, rec_keys_datum(keys, result[r].position));
		v[2] = Float4GetDatum(score);
		v[3] = Int32GetDatum(r + 1);
		tuplestore_putvalues(out->setResult, out->setDesc, v, null);
	}
}

static void
write_users(void *state, const RecManyBlock *block)
{
	Many	   *m = state;

	for (int u = 0; u < *block->nusers; u++)
	{
		MemoryContext old = MemoryContextSwitchTo(m->row_context);

		CHECK_FOR_INTERRUPTS();
		write_user(m, m->waiting[block->slot].key[u], &block->user[u], block->result + (Size) u * m->job->limit);
		MemoryContextSwitchTo(old);
		MemoryContextReset(m->row_context);
	}
}

static void
prepare_output(Many *m)
{
	output_init(&m->call, 0, &m->user_type, &m->user_output);
	output_init(&m->call, 1, &m->call.serving->keys.kind, &m->item_output);
	for (int i = 0; i < (int) lengthof(m->source); i++)
		m->source[i] = CStringGetTextDatum(rec_source_name(i));
	m->user_context = AllocSetContextCreate(CurrentMemoryContext, "pg_recommend user", ALLOCSET_DEFAULT_SIZES);
	m->row_context = AllocSetContextCreate(CurrentMemoryContext, "pg_recommend row", ALLOCSET_DEFAULT_SIZES);
}

static void
answer(Many *m, const RecKeys *users, const bool *allowed, const float *factor)
{
	RecManyJob	job = {
		.serving = m->call.serving, .allowed = allowed, .factor = factor, .limit = m->limit, .read = read_users, .write = write_users,
		.users = users ? users->n : m->call.serving->users, .state = m
	};

	rec_many_plan(&job);
	prepare_output(m);
	m->job = &job;
	m->waiting = palloc0(job.slots * sizeof(Waiting));
	for (int i = 0; i < job.slots; i++)
		m->waiting[i].context = AllocSetContextCreate(CurrentMemoryContext, "pg_recommend block", ALLOCSET_SMALL_SIZES);
	m->reader = rec_user_reader_open(m->call.model, m->call.serving, &m->user_type, users);
	rec_many_run(&job);
	rec_user_reader_close(m->reader);
}

PG_FUNCTION_INFO_V1(rec_recommend_many);
Datum
rec_recommend_many(PG_FUNCTION_ARGS)
{
	Many		m;
	const RecKeys *users;
	RecAllowed	allowed;

	memset(&m, 0, sizeof(m));
	rec_request_read(&m.request, fcinfo, 9, REC_FOR_MANY);
	rec_call_begin(&m.call, fcinfo, 3, 7);
	rec_call_refuse_row_security(&m.call);
	rec_call_user_type(&m.call, &m.user_type);
	m.exclude_seen = PG_ARGISNULL(4) || PG_GETARG_BOOL(4);
	users = users_asked_for(&m, 1);
	allowed = rec_allowed_by_arguments(&m.call, 5, 6);
	rec_allow_filtered(&allowed, &m.call, &m.request);
	m.limit = rec_call_limit(&m.call, allowed.n);
	if (m.limit > 0 && (users == NULL || users->n > 0))
		answer(&m, users, allowed.mask, rec_boost_factors(&m.call, &m.request));
	rec_call_end(&m.call);
	return (Datum) 0;
}
