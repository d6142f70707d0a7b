/*
 * load.c
 *		Reading all events of a model with one query, in parallel where the planner can.
 *
 * The query is SELECT rec._load_events(user, item, ...) FROM events: an aggregate whose state numbers the keys and keeps
 * (user, item, value, time) in chunks. Partial states travel from workers to the leader in serialized form and are
 * combined by renumbering. So whatever relation the model points at, PostgreSQL's own parallel plans feed the
 * training, and the hashing is done by all participants. (One stream into a DestReceiver is serial: 20M rows take
 * about twice as long, see docs/benchmarks.md.)
 *
 * The result leaves the executor through a sink that is set for the time of the query: then states are allocated in the
 * training's memory context and the final function hands the last one over. Without a sink, as in a parallel worker or
 * when somebody calls the aggregate by hand, the state lives in the aggregate's context and only its count is returned.
 */
#include "model/events.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "model/scaler.h"
#include "model/settings.h"
#include "model/crew.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"

/* Which optional columns the query passes; keep in line with load_query() */
#define LOAD_VALUE	1
#define LOAD_EVENT	2
#define LOAD_TIME	4
#define LOAD_UNSCALED 8			/* not a column: value and weight are kept apart */

#define PARALLEL_RESERVE ((Size) 32 * 1024 * 1024)	/* more than the queues of a parallel plan take */

typedef struct LoadState
{
	RecEvents  *events;
	RecEventWeights *weights;	/* NULL: events have no type */
	Oid			time_type;
	int			flags;
} LoadState;

typedef struct LoadSink
{
	MemoryContext context;
	const RecEventSource *source;
	RecEvents  *result;
} LoadSink;

static LoadSink *sink = NULL;

void
rec_check_memory(Size bytes, const char *what)
{
	if (bytes / 1024 > (Size) rec_training_memory)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("training needs more memory than pg_recommend.training_memory allows"),
				 errdetail("%s needs at least %zu MB; the limit is %d MB.", what, bytes / (1024 * 1024) + 1,
						   rec_training_memory / 1024),
				 errhint("Raise pg_recommend.training_memory, or point the model at a view with fewer events.")));
}

Size
rec_events_memory(const RecEvents *events)
{
	Size		chunk = sizeof(RecEventChunk) + (events->has_time ? REC_CHUNK_ROWS * sizeof(int64) : 0) +
		(events->unscaled ? REC_CHUNK_ROWS * sizeof(RecUnscaled) : 0);

	return events->nchunks * chunk + rec_dictionary_memory(events->users) + rec_dictionary_memory(events->items);
}

RecEvents *
rec_events_create(const RecKeyType *user, const RecKeyType *item, bool has_time, MemoryContext context)
{
	RecEvents  *e = MemoryContextAllocZero(context, sizeof(RecEvents));

	e->context = context;
	e->users = rec_dictionary_create(user, context);
	e->items = rec_dictionary_create(item, context);
	e->max_chunks = 16;
	e->chunks = MemoryContextAlloc(context, e->max_chunks * sizeof(RecEventChunk *));
	e->has_time = has_time;
	e->newest = PG_INT64_MIN;
	return e;
}

static void
add_chunk(RecEvents *e, RecEventChunk *chunk)
{
	if (e->nchunks == e->max_chunks)
	{
		e->max_chunks *= 2;
		e->chunks = repalloc_huge(e->chunks, e->max_chunks * sizeof(RecEventChunk *));
	}
	e->chunks[e->nchunks++] = chunk;
}

static RecEventChunk *
new_chunk(RecEvents *e)
{
	Size		size = sizeof(RecEventChunk) + (e->has_time ? REC_CHUNK_ROWS * sizeof(int64) : 0);
	RecEventChunk *chunk;

	rec_check_memory(rec_events_memory(e) + size, psprintf("Reading the first %lld events", (long long) e->n + 1));
	chunk = MemoryContextAlloc(e->context, size);
	chunk->n = 0;
	chunk->unscaled = e->unscaled ? MemoryContextAlloc(e->context, REC_CHUNK_ROWS * sizeof(RecUnscaled)) : NULL;
	add_chunk(e, chunk);
	return chunk;
}

void
rec_event_chunk_free(RecEventChunk *chunk)
{
	if (chunk->unscaled)
		pfree(chunk->unscaled);
	pfree(chunk);
}

void
rec_events_add(RecEvents *e, int32 user, int32 item, float value, int64 time, const RecUnscaled *unscaled)
{
	RecEventChunk *chunk = e->nchunks > 0 ? e->chunks[e->nchunks - 1] : NULL;

	if (chunk == NULL || chunk->n == REC_CHUNK_ROWS)
		chunk = new_chunk(e);
	chunk->user[chunk->n] = user;
	chunk->item[chunk->n] = item;
	chunk->value[chunk->n] = value;
	if (chunk->unscaled)
		chunk->unscaled[chunk->n] = *unscaled;
	if (e->has_time)
	{
		chunk->time[chunk->n] = time;
		if (time > e->newest)
			e->newest = time;
	}
	chunk->n++;
	e->n++;
}

static void
note_unknown_type(RecEvents *e, const char *name, int length)
{
	if (e->nunknown == REC_UNKNOWN_TYPES)
		return;
	for (int i = 0; i < e->nunknown; i++)
		if (strlen(e->unknown[i]) == (size_t) length && memcmp(e->unknown[i], name, length) == 0)
			return;
	e->unknown[e->nunknown] = MemoryContextAlloc(e->context, length + 1);
	memcpy(e->unknown[e->nunknown], name, length);
	e->unknown[e->nunknown++][length] = '\0';
}

static LoadState *
load_state_create(FunctionCallInfo fcinfo, MemoryContext aggregate)
{
	MemoryContext context = sink ? sink->context : aggregate;
	MemoryContext old = MemoryContextSwitchTo(aggregate);
	LoadState  *state = palloc0(sizeof(LoadState));
	RecKeyType	user,
				item;

	/* two text columns may have two collations, so they come as arguments */
	rec_key_type(&user, get_fn_expr_argtype(fcinfo->flinfo, 1), PG_GETARG_OID(8), "user", context);
	rec_key_type(&item, get_fn_expr_argtype(fcinfo->flinfo, 2), PG_GETARG_OID(9), "item", context);
	if (sink && (user.type != sink->source->user_type || item.type != sink->source->item_type ||
				 user.collation != sink->source->user_collation || item.collation != sink->source->item_collation))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("events cannot be loaded while another model's events are being loaded")));
	state->flags = PG_GETARG_INT32(7);
	if ((state->flags & LOAD_EVENT) && !PG_ARGISNULL(5))
		state->weights = rec_event_weights_read(DatumGetJsonbPCopy(PG_GETARG_DATUM(5)));
	state->time_type = get_fn_expr_argtype(fcinfo->flinfo, 6);
	state->events = rec_events_create(&user, &item, (state->flags & LOAD_TIME) != 0, context);
	state->events->unscaled = (state->flags & LOAD_UNSCALED) != 0;
	MemoryContextSwitchTo(old);
	return state;
}

/* The event's weight times its value; false when the row is not used, counted by reason. */
static inline bool
event_value(FunctionCallInfo fcinfo, LoadState *state, float *value, int64 *time, RecUnscaled *unscaled)
{
	RecEvents  *e = state->events;
	double		weight = 1,
				amount = 1;

	if (state->flags & LOAD_EVENT)
	{
		const text *name;

		if (PG_ARGISNULL(4))
		{
			e->unweighted++;
			return false;
		}
		name = PG_GETARG_TEXT_PP(4);
		if (state->weights &&
			!rec_event_weight(state->weights, VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name), &weight))
		{
			note_unknown_type(e, VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));
			e->unweighted++;
			return false;
		}
	}
	if (state->flags & LOAD_VALUE)
		amount = PG_ARGISNULL(3) ? NAN : PG_GETARG_FLOAT8(3);
	*value = (float) (weight * amount);
	*unscaled = (RecUnscaled) {weight, amount};
	if (!isfinite((state->flags & LOAD_UNSCALED) ? amount : *value) ||
		((state->flags & LOAD_TIME) &&
		 (PG_ARGISNULL(6) || !rec_event_time(state->time_type, PG_GETARG_DATUM(6), time))))
	{
		e->bad_values++;
		return false;
	}
	return true;
}

PG_FUNCTION_INFO_V1(rec_load_transition);
Datum
rec_load_transition(PG_FUNCTION_ARGS)
{
	LoadState  *state;
	MemoryContext aggregate;
	float		value = 1;
	int64		time = 0;
	RecUnscaled unscaled;
	int			user,
				item;

	if (unlikely(PG_ARGISNULL(0)))
	{
		if (!AggCheckCallContext(fcinfo, &aggregate))
			elog(ERROR, "aggregate function called in non-aggregate context");
		state = load_state_create(fcinfo, aggregate);
	}
	else
		state = (LoadState *) PG_GETARG_POINTER(0);

	state->events->rows_read++;
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
	{
		state->events->null_keys++;
		PG_RETURN_POINTER(state);
	}
	if (state->flags != 0 && !event_value(fcinfo, state, &value, &time, &unscaled))
		PG_RETURN_POINTER(state);
	user = rec_dictionary_number(state->events->users, PG_GETARG_DATUM(1));
	item = rec_dictionary_number(state->events->items, PG_GETARG_DATUM(2));
	rec_events_add(state->events, user, item, value, time, &unscaled);
	PG_RETURN_POINTER(state);
}

/* Moves all of b to a, renumbering its keys. */
static void
combine_events(RecEvents *a, const RecEvents *b)
{
	const RecKeys *users = rec_dictionary_keys(b->users);
	const RecKeys *items = rec_dictionary_keys(b->items);
	int32	   *user = MemoryContextAllocHuge(a->context, sizeof(int32) * Max(users->n, 1));
	int32	   *item = MemoryContextAllocHuge(a->context, sizeof(int32) * Max(items->n, 1));

	for (int i = 0; i < users->n; i++)
		user[i] = rec_dictionary_number_from(a->users, users, i);
	for (int i = 0; i < items->n; i++)
		item[i] = rec_dictionary_number_from(a->items, items, i);
	for (int c = 0; c < b->nchunks; c++)
	{
		RecEventChunk *chunk = b->chunks[c];

		CHECK_FOR_INTERRUPTS();
		for (int k = 0; k < chunk->n; k++)
		{
			chunk->user[k] = user[chunk->user[k]];
			chunk->item[k] = item[chunk->item[k]];
		}
		add_chunk(a, chunk);
	}
	rec_check_memory(rec_events_memory(a), psprintf("Reading the first %lld events", (long long) (a->n + b->n)));
	a->n += b->n;
	a->newest = Max(a->newest, b->newest);
	pfree(user);
	pfree(item);
	a->rows_read += b->rows_read;
	a->null_keys += b->null_keys;
	a->bad_values += b->bad_values;
	a->unweighted += b->unweighted;
	for (int i = 0; i < b->nunknown; i++)
		note_unknown_type(a, b->unknown[i], strlen(b->unknown[i]));
}

PG_FUNCTION_INFO_V1(rec_load_combine);
Datum
rec_load_combine(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	if (PG_ARGISNULL(0))
		PG_RETURN_DATUM(PG_GETARG_DATUM(1));
	combine_events(((LoadState *) PG_GETARG_POINTER(0))->events, ((LoadState *) PG_GETARG_POINTER(1))->events);
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

/*
 * Serialized form: header, keys of users and items, unknown types, chunks. Never leaves the processes of one query. The
 * leader's own partial state stays where it is, and only its address is passed on.
 */
typedef struct LoadHeader
{
	RecEvents	events;			/* the numbers in it */
	RecKeys		keys[2];		/* the numbers and the type in them */
} LoadHeader;

static void
append_keys(StringInfo out, const RecKeys *keys)
{
	if (keys->kind.strategy == REC_KEY_INTEGER)
		appendBinaryStringInfo(out, (const char *) keys->integers, keys->n * sizeof(int64));
	else
	{
		appendBinaryStringInfo(out, (const char *) keys->offsets, keys->n * sizeof(uint64));
		appendBinaryStringInfo(out, keys->bytes, keys->used);
	}
}

PG_FUNCTION_INFO_V1(rec_load_serialize);
Datum
rec_load_serialize(PG_FUNCTION_ARGS)
{
	RecEvents  *e = ((LoadState *) PG_GETARG_POINTER(0))->events;
	LoadHeader	header = {*e, {*rec_dictionary_keys(e->users), *rec_dictionary_keys(e->items)}};
	Size		size = VARHDRSZ + sizeof(header) + rec_keys_memory(&header.keys[0]) + rec_keys_memory(&header.keys[1]) +
		mul_size(e->n, 12 + (e->has_time ? 8 : 0) + (e->unscaled ? sizeof(RecUnscaled) : 0)) + 1024;
	StringInfoData out;

	if (sink && e->context == sink->context)
	{
		bytea	   *address = palloc(VARHDRSZ + sizeof(e));

		SET_VARSIZE(address, VARHDRSZ + sizeof(e));
		memcpy(VARDATA(address), &e, sizeof(e));
		PG_RETURN_BYTEA_P(address);
	}
	if (size >= MaxAllocSize)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many events for a parallel load"),
				 errdetail("One worker's share takes %zu MB, and at most 1024 MB can be passed on.", size >> 20),
				 errhint("Set max_parallel_maintenance_workers to 0, or to a larger number, for this training.")));
	out.data = palloc(size);
	out.maxlen = size;
	out.len = VARHDRSZ;
	out.cursor = 0;
	appendBinaryStringInfo(&out, (const char *) &header, sizeof(header));
	append_keys(&out, &header.keys[0]);
	append_keys(&out, &header.keys[1]);
	for (int i = 0; i < e->nunknown; i++)
		appendBinaryStringInfo(&out, e->unknown[i], strlen(e->unknown[i]) + 1);
	for (int c = 0; c < e->nchunks; c++)
	{
		RecEventChunk *chunk = e->chunks[c];

		appendBinaryStringInfo(&out, (const char *) &chunk->n, sizeof(int));
		appendBinaryStringInfo(&out, (const char *) chunk->user, chunk->n * sizeof(int32));
		appendBinaryStringInfo(&out, (const char *) chunk->item, chunk->n * sizeof(int32));
		appendBinaryStringInfo(&out, (const char *) chunk->value, chunk->n * sizeof(float));
		if (e->has_time)
			appendBinaryStringInfo(&out, (const char *) chunk->time, chunk->n * sizeof(int64));
		if (e->unscaled)
			appendBinaryStringInfo(&out, (const char *) chunk->unscaled, chunk->n * sizeof(RecUnscaled));
		rec_event_chunk_free(chunk);	/* or the events would be in memory three times */
	}
	e->nchunks = 0;
	SET_VARSIZE(out.data, out.len);
	PG_RETURN_BYTEA_P(out.data);
}

static void
take(const char **from, void *to, Size size)
{
	memcpy(to, *from, size);
	*from += size;
}

static void
number_keys(RecDictionary *dictionary, const RecKeys *header, const char **from, MemoryContext context)
{
	RecKeys		keys = *header;
	Size		size = keys.n * sizeof(int64);
	void	   *copy = MemoryContextAllocHuge(context, Max(size, 1));

	take(from, copy, size);
	if (keys.kind.strategy == REC_KEY_INTEGER)
		keys.integers = copy;
	else
	{
		keys.offsets = copy;
		keys.bytes = MemoryContextAllocHuge(context, Max(keys.used, 1));	/* aligned, unlike the message */
		take(from, keys.bytes, keys.used);
	}
	for (int i = 0; i < keys.n; i++)
		rec_dictionary_number_from(dictionary, &keys, i);
	pfree(copy);
	if (keys.kind.strategy != REC_KEY_INTEGER)
		pfree(keys.bytes);
}

PG_FUNCTION_INFO_V1(rec_load_deserialize);
Datum
rec_load_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *in = PG_GETARG_BYTEA_PP(0);
	const char *from = VARDATA_ANY(in);
	MemoryContext aggregate;
	MemoryContext context;
	LoadHeader	header;
	LoadState  *state;
	RecEvents  *e;
	RecKeyType	kind[2];

	/* the combine function may keep this state, so it must not stay in the context of one input row */
	if (!AggCheckCallContext(fcinfo, &aggregate))
		elog(ERROR, "aggregate function called in non-aggregate context");
	context = sink ? sink->context : aggregate;
	state = MemoryContextAllocZero(aggregate, sizeof(LoadState));
	if (VARSIZE_ANY_EXHDR(in) == sizeof(state->events))
	{
		take(&from, &state->events, sizeof(state->events));
		PG_RETURN_POINTER(state);
	}
	take(&from, &header, sizeof(header));
	/* function pointers of another process mean nothing here: look the types up again */
	for (int i = 0; i < 2; i++)
		rec_key_type(&kind[i], header.keys[i].kind.type, header.keys[i].kind.collation, i ? "item" : "user", context);
	e = rec_events_create(&kind[0], &kind[1], header.events.has_time, context);
	e->unscaled = header.events.unscaled;
	number_keys(e->users, &header.keys[0], &from, context);
	number_keys(e->items, &header.keys[1], &from, context);
	for (int i = 0; i < header.events.nunknown; i++)
	{
		note_unknown_type(e, from, strlen(from));
		from += strlen(from) + 1;
	}
	for (int c = 0; c < header.events.nchunks; c++)
	{
		RecEventChunk *chunk = new_chunk(e);

		take(&from, &chunk->n, sizeof(int));
		take(&from, chunk->user, chunk->n * sizeof(int32));
		take(&from, chunk->item, chunk->n * sizeof(int32));
		take(&from, chunk->value, chunk->n * sizeof(float));
		if (e->has_time)
			take(&from, chunk->time, chunk->n * sizeof(int64));
		if (e->unscaled)
			take(&from, chunk->unscaled, chunk->n * sizeof(RecUnscaled));
		e->n += chunk->n;
	}
	e->newest = header.events.newest;
	e->rows_read = header.events.rows_read;
	e->null_keys = header.events.null_keys;
	e->bad_values = header.events.bad_values;
	e->unweighted = header.events.unweighted;
	state->events = e;
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(rec_load_final);
Datum
rec_load_final(PG_FUNCTION_ARGS)
{
	RecEvents  *e;

	if (PG_ARGISNULL(0))
		PG_RETURN_INT64(0);
	e = ((LoadState *) PG_GETARG_POINTER(0))->events;
	if (sink && e->context == sink->context)
		sink->result = e;
	PG_RETURN_INT64(e->rows_read);
}

static char *
load_query(const RecModel *model, const RecEventSource *source, const char *scaler, bool unscaled)
{
	StringInfoData q;
	int			flags = (model->value_column ? LOAD_VALUE : 0) | (model->event_column ? LOAD_EVENT : 0) |
		(model->time_column ? LOAD_TIME : 0) | (unscaled ? LOAD_UNSCALED : 0);

	initStringInfo(&q);
	appendStringInfo(&q, "SELECT rec._load_events(%s", quote_identifier(model->user_column));
	appendStringInfo(&q, ", %s", quote_identifier(model->item_column));
	if (scaler)
		appendStringInfo(&q, ", %s",
						 rec_value_expression(model, psprintf("%s::pg_catalog.jsonb", quote_literal_cstr(scaler))));
	else if (model->value_column)
		appendStringInfo(&q, ", %s::pg_catalog.float8", quote_identifier(model->value_column));
	else
		appendStringInfoString(&q, ", NULL");
	if (model->event_column)
		appendStringInfo(&q, ", %s::pg_catalog.text, $1", quote_identifier(model->event_column));
	else
		appendStringInfoString(&q, ", NULL, $1");
	if (model->time_column)
		appendStringInfo(&q, ", %s", quote_identifier(model->time_column));
	else
		appendStringInfoString(&q, ", NULL::pg_catalog.timestamptz");
	appendStringInfo(&q, ", %d, %u, %u) FROM %s", flags, source->user_collation, source->item_collation,
					 source->relation);
	return q.data;
}

/* The sink must go away on error too; the caller holds it in a PG_TRY. */
static void
run_load_query(const char *query, const Jsonb *weights)
{
	Oid			type = JSONBOID;
	Datum		value = weights ? JsonbPGetDatum(weights) : (Datum) 0;
	char		null = weights ? ' ' : 'n';
	char		workers[16];

	/* a parallel plan fails where a small or full /dev/shm has no room for its queues; a serial one does not */
	snprintf(workers, sizeof(workers), "%d",
			 rec_shared_memory_free() > PARALLEL_RESERVE ? max_parallel_maintenance_workers : 0);
	(void) set_config_option("max_parallel_workers_per_gather", workers, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args(query, 1, &type, &value, &null, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "loading the events failed");
	SPI_finish();
}

static RecEvents *
load(const RecModel *model, const RecEventSource *source, bool unscaled, MemoryContext context)
{
	LoadSink	mine = {.context = context, .source = source};
	char	   *scaler;
	RecKeyType	user,
				item;

	if (sink != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("a training cannot be started while the events of another one are being read"),
				 errdetail("The event relation of the first model starts a training when it is read.")));
	rec_key_type(&user, source->user_type, source->user_collation, "user", context);
	rec_key_type(&item, source->item_type, source->item_collation, "item", context);
	scaler = unscaled ? NULL : rec_events_scaler(model, source, context);
	sink = &mine;
	PG_TRY();
	{
		run_load_query(load_query(model, source, scaler, unscaled), model->event_weights);
	}
	PG_FINALLY();
	{
		sink = NULL;
	}
	PG_END_TRY();
	if (mine.result == NULL)
		mine.result = rec_events_create(&user, &item, model->time_column != NULL, context);
	mine.result->value_scaler = scaler;
	return mine.result;
}

RecEvents *
rec_events_load(const RecModel *model, const RecEventSource *source, MemoryContext context)
{
	return load(model, source, false, context);
}

RecEvents *
rec_events_load_unscaled(const RecModel *model, const RecEventSource *source, MemoryContext context)
{
	return load(model, source, rec_scaler_is_fitted_by(model), context);
}
