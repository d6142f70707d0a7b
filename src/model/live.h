/*
 * live.h
 *		The events of one user as they stand now, read with the caller's rights.
 *
 * Reading is allowed only when the planned query is driven by an index on the user and holds no volatile function: then
 * a recommendation costs the user's events and nothing else, and never runs a view's side effects.
 */
#ifndef REC_LIVE_H
#define REC_LIVE_H

#include "model/cache.h"
#include "utils/array.h"

typedef struct RecLive
{
	bool		gone;			/* the relation or one of its columns does not exist */
	bool		readable;		/* the caller may SELECT the columns */
	bool		secured;		/* row-level security applies to the caller */
	bool		usable;			/* events were read */
	bool		complete;		/* all of the user's events; else the newest pg_recommend.fold_in_events */
	int			n;				/* pairs with items that the version knows, ascending by item */
	int32	   *item;
	float	   *net;
	int			nevents;		/* the events behind the pairs, ascending by item */
	struct RecEvent *event;
	Oid			time_type;		/* of the time column; InvalidOid: there is none */
	int			nof_types;		/* items of events of the types asked for; -1: not asked for */
	int32	   *of_types;		/* not sorted, may repeat */
} RecLive;

/* Privileges and row-level security only; nothing is read. */
extern void rec_live_rights(const RecModel *model, RecLive *live);

/* Reads the user's events; types: event types to collect in of_types, NULL when not wanted. */
extern void rec_live_read(const RecModel *model, const RecServing *serving, Datum user, Oid user_type,
						  ArrayType *types, RecLive *live);

/* The type's own equality, for SQL: an operator of an extension type need not be in pg_catalog. */
extern char *rec_type_equality(Oid type);

#endif							/* REC_LIVE_H */
