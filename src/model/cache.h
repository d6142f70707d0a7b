/*
 * cache.h
 *		Versions of models in memory, for serving.
 *
 * An entry is immutable and keyed by database and the version's random uid, which is read under the caller's snapshot:
 * so training, activation, rollback, drop and restore need no invalidation. Three files:
 *
 *	cache_read.c	from the model's tables into private memory
 *	cache_shared.c	one copy per server: each entry is a pinned dynamic shared memory segment, found through a small
 *					control structure; loaded by the first session that asks, while others wait for it
 *	cache.c			what this session holds: mappings of shared entries, and private copies where sharing is not to be
 *					had (no shared memory) or not allowed (a version that the current transaction has written)
 */
#ifndef REC_CACHE_H
#define REC_CACHE_H

#include "core/linear.h"
#include "core/pick.h"
#include "model/pairs.h"
#include "model/side.h"
#include "storage/dsm.h"

typedef struct RecServing
{
	int64		uid;
	int			version;
	RecParams	params;
	RecSumRule	rule;
	float		mean;			/* explicit */
	float		noise;			/* variance of an observation of weight 1 */
	int			stride;
	int			n;				/* items */
	int			warm;			/* of them: those with events in the training; the others, last, are known by attributes */
	int			users;			/* that the version was trained with */
	float	   *items;			/* n rows; explicit: the bias stands after the factors */
	RecCodes	codes;			/* of the item rows, for exact top k at a quarter of the memory traffic */
	float	   *map[2];			/* by RecSide: columns x stride, from attributes to factors; NULL: none */
	int			columns[2];
	float	   *gram;			/* stride x stride; NULL: explicit */
	float	   *norm;			/* n: length of each item's factors */
	float	   *popularity;		/* n */
	int32	   *by_popularity;	/* n positions, most popular first */
	int32	   *support;		/* n */
	RecWeights	weights;		/* between items, instead of factors; start NULL: it has factors */
	RecKeys		keys;			/* by position, in canonical order */
	Size		bytes;

	/* of this session */
	char	   *value_scaler;	/* text of the scaler of the events' values; NULL: none */
	int			pins;
	uint64		last_used;
	MemoryContext context;		/* holds this struct and, of a private copy, the arrays */
	dsm_segment *segment;		/* of a shared entry; NULL: private */
	int			slot;			/* of a shared entry */
	struct RecServing *next;
} RecServing;

/* The version in memory; pinned until rec_serving_release() or the end of the transaction. */
extern RecServing *rec_serving_get(const RecModel *model, const RecVersion *version);
extern void rec_serving_release(RecServing *serving);

/* cache_read.c: a private copy in a new child of the current context. */
extern RecServing *rec_serving_read(const RecModel *model, const RecVersion *version);

/*
 * cache_shared.c. get: a mapping of the shared entry, loaded now when nobody has; NULL when it must stay private, then
 * *private may hold the copy that was read in the attempt. used: counts a hit; false when the entry has been evicted.
 */
extern RecServing *rec_shared_get(const RecModel *model, const RecVersion *version, RecServing **private);
extern bool rec_shared_used(const RecServing *serving);
extern void rec_shared_detach(RecServing *serving);

/* For a parallel worker: maps the segment of an entry that its leader holds; NULL when the leader is gone. */
extern RecServing *rec_shared_map(dsm_handle handle);

/*
 * A copy for the parallel workers of this transaction alone, in no cache; NULL when there is no room. The caller detaches
 * the segment; an error does it too.
 */
extern RecServing *rec_shared_copy(const RecServing *private);

/* One entry of the server's cache, for rec.model_cache. */
typedef struct RecCacheEntry
{
	Oid			database;
	Oid			schema;
	int			version;
	Size		bytes;
	int64		hits;
	int			loads;
	int			mappings;
	TimestampTz loaded_at;
	double		load_ms;
	bool		loading;
} RecCacheEntry;

#define REC_CACHE_SLOTS 128

extern bool rec_shared_entry(int slot, RecCacheEntry *entry);

#endif							/* REC_CACHE_H */
