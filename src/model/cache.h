/*
 * cache.h
 *		Versions of models in memory, for serving.
 *
 * An entry is immutable and keyed by the version's random uid, which is read under the caller's snapshot: so training,
 * activation, rollback, drop and restore need no invalidation. Entries belong to the session; together they stay below
 * pg_recommend.cache_size, least recently used first, except for those that are pinned.
 */
#ifndef REC_CACHE_H
#define REC_CACHE_H

#include "model/pairs.h"

typedef struct RecServing
{
	int64		uid;
	int			version;
	RecParams	params;
	RecSumRule	rule;
	float		mean;			/* explicit */
	int			stride;
	int			n;				/* items */
	float	   *items;			/* n rows; explicit: the bias stands after the factors */
	float	   *gram;			/* stride x stride; NULL: explicit */
	float	   *norm;			/* n: length of each item's factors */
	float	   *popularity;		/* n */
	int32	   *by_popularity;	/* n positions, most popular first */
	int32	   *support;		/* n */
	RecKeys		keys;			/* by position, in canonical order */
	Size		bytes;
	int			pins;
	uint64		last_used;
	MemoryContext context;
	struct RecServing *next;
} RecServing;

/* The version in memory, read now when it is not there yet; pinned until rec_serving_release() or the end of the transaction. */
extern RecServing *rec_serving_get(const RecModel *model, const RecVersion *version);
extern void rec_serving_release(RecServing *serving);

/* Bytes and number of this session's entries. */
extern Size rec_serving_memory(int *entries);

#endif							/* REC_CACHE_H */
