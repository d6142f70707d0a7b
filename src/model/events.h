/*
 * events.h
 *		The event relation of a model, and reading all of it for a training.
 */
#ifndef REC_EVENTS_H
#define REC_EVENTS_H

#include "model/catalog.h"
#include "model/keys.h"

/* The event relation as it stands now; names are looked up at every use, because warehouses replace tables. */
typedef struct RecEventSource
{
	Oid			relid;
	char		relkind;
	char	   *relation;		/* quoted, with schema */
	Oid			user_type,
				user_collation;
	Oid			item_type,
				item_collation;
	Oid			value_type,
				event_type,
				time_type;		/* InvalidOid: no such column */
} RecEventSource;

/* False when missing_ok and the relation or one of its columns is gone; else an error with the nearest name. */
extern bool rec_event_source(const RecModel *model, RecEventSource *source, bool missing_ok);

/* The error for a column that a relation lacks, with the nearest name; what: the kind of relation, "event" or so. */
pg_attribute_noreturn() extern void rec_unknown_column(Relation rel, const char *name, const char *what);

/* An error when keys are no longer what the tables of the model hold. */
extern void rec_event_source_check_keys(const RecModel *model, const RecEventSource *source);

/* An error unless a column of the type (InvalidOid: there is no such column) can be a time. */
extern void rec_time_check(Oid type, const char *name);

/*
 * The value of an event in a query: of the value column, scaled by what the SQL expression `scaler` gives (jsonb, null: as it is), null
 * where there is no finite one. Training and serving write it into their queries alike.
 */
extern char *rec_value_expression(const RecModel *model, const char *scaler);

/* Microseconds since 2000 from a value of the time column's type; false: infinite. */
extern bool rec_event_time(Oid type, Datum value, int64 *microseconds);

/* Weight of an event type, in the model's event_weights. */
typedef struct RecEventWeights RecEventWeights;

extern RecEventWeights *rec_event_weights_read(const Jsonb *json);	/* checks, palloc'd */
extern bool rec_event_weight(RecEventWeights *weights, const char *name, int length, double *weight);

#define REC_CHUNK_ROWS 131072

/* An event's value before it is scaled, and the weight of its type. */
typedef struct RecUnscaled
{
	double		weight;
	double		value;
} RecUnscaled;

/* Events as they were read; time is allocated only when the model has a time column. */
typedef struct RecEventChunk
{
	int			n;
	RecUnscaled *unscaled;		/* REC_CHUNK_ROWS; NULL: not kept */
	int32		user[REC_CHUNK_ROWS];
	int32		item[REC_CHUNK_ROWS];
	float		value[REC_CHUNK_ROWS];
	int64		time[FLEXIBLE_ARRAY_MEMBER];
} RecEventChunk;

#define REC_UNKNOWN_TYPES 8

typedef struct RecEvents
{
	MemoryContext context;
	RecDictionary *users;
	RecDictionary *items;
	RecEventChunk **chunks;
	int			nchunks,
				max_chunks;
	bool		has_time;
	bool		unscaled;		/* chunks keep what a scaler is fitted to later, see unscaled.h */
	int64		newest;			/* time of the newest event */
	int64		rows_read;
	int64		n;				/* events kept */
	char	   *value_scaler;	/* the model's, fitted to these events; NULL: none */
	int64		null_keys;
	int64		bad_values;
	int64		unweighted;
	int			nunknown;		/* event types without a weight, the first few */
	char	   *unknown[REC_UNKNOWN_TYPES];
} RecEvents;

/* Reads all events with one query, as the current role; parallel plans included. Everything is in context. */
extern RecEvents *rec_events_load(const RecModel *model, const RecEventSource *source, MemoryContext context);

/* The same for a model whose value_scaler is still to be fitted: the events are unscaled. Of other models as above. */
extern RecEvents *rec_events_load_unscaled(const RecModel *model, const RecEventSource *source, MemoryContext context);

/* None yet; and one more, its keys numbered by the dictionaries (unscaled: where they are kept, else NULL). */
extern RecEvents *rec_events_create(const RecKeyType *user, const RecKeyType *item, bool has_time, MemoryContext context);
extern void rec_events_add(RecEvents *events, int32 user, int32 item, float value, int64 time, const RecUnscaled *unscaled);
extern void rec_event_chunk_free(RecEventChunk *chunk);
extern Size rec_events_memory(const RecEvents *events);

/* Raises the error about pg_recommend.training_memory when bytes exceed it. */
extern void rec_check_memory(Size bytes, const char *what);

#endif							/* REC_EVENTS_H */
