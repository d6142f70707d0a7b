/*
 * cache_shared.c
 *		One copy of each served version per server. See cache.h.
 *
 * A control structure of fixed size (small enough for the room that PostgreSQL leaves to libraries that are not
 * preloaded) names the entries; the data of each is a pinned dynamic shared memory segment that every session maps.
 * Entries are immutable once ready. One LWLock guards the structure; it is held to look up, attach and evict, never
 * while a version is read.
 *
 * Life of a slot: free -> loading (by one session, which others wait for) -> ready -> evicted, that is unpinned and free;
 * sessions that have it mapped keep the memory alive until they let go. A loader that fails frees the slot; one that
 * vanished is noticed by those who wait.
 */
#include "model/cache.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "model/crew.h"
#include "model/settings.h"
#include "portability/instr_time.h"
#include "storage/condition_variable.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/procarray.h"
#include "storage/shmem.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#define LAYOUT 5				/* of Control and of segments; raise it with every change of either */
#define MOST_WAITS 100			/* of 100 ms for another session's loading, then this one reads for itself */
#define SHM_RESERVE ((Size) 32 * 1024 * 1024)	/* of /dev/shm is left to others */

typedef enum SlotState
{
	SLOT_FREE, SLOT_LOADING, SLOT_READY
} SlotState;

typedef struct Slot
{
	SlotState	state;
	Oid			database;
	Oid			schema;
	int			version;
	int64		uid;
	int			loader;			/* pid */
	dsm_handle	handle;
	Size		bytes;
	int			mappings;
	int64		former;			/* uid of the entry that was here before */
	int			loads;			/* of this uid, as far as the slot remembers */
	TimestampTz loaded_at;
	double		load_ms;
	pg_atomic_uint64 hits;
	pg_atomic_uint64 last_used;
} Slot;

typedef struct Control
{
	LWLock		lock;
	int			tranche;
	ConditionVariable changed;	/* some slot became ready or free */
	pg_atomic_uint64 clock;
	Slot		slot[REC_CACHE_SLOTS];
} Control;

static Control *control = NULL;
static bool told_full = false;

static void
attach_control(void)
{
	bool		found;
	Control    *c;
	char		name[64];

	if (control != NULL)
		return;
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	/* a library of another version, installed while the server runs, must not meet this layout */
	snprintf(name, sizeof(name), "pg_recommend cache %d %zu %zu", LAYOUT, sizeof(Control), sizeof(RecServing));
	c = ShmemInitStruct(name, sizeof(Control), &found);
	if (!found)
	{
		memset(c, 0, sizeof(Control));
		c->tranche = LWLockNewTrancheId();
		LWLockInitialize(&c->lock, c->tranche);
		ConditionVariableInit(&c->changed);
		pg_atomic_init_u64(&c->clock, 0);
		for (int i = 0; i < REC_CACHE_SLOTS; i++)
		{
			pg_atomic_init_u64(&c->slot[i].hits, 0);
			pg_atomic_init_u64(&c->slot[i].last_used, 0);
		}
	}
	LWLockRegisterTranche(c->tranche, "pg_recommend_cache");
	LWLockRelease(AddinShmemInitLock);
	control = c;
}

/* The layout of a segment: the struct itself, then its arrays at 64-byte boundaries. With base NULL only the size. */
static Size
flatten(const RecServing *s, char *base)
{
	RecServing	flat = *s;
	Size		used = TYPEALIGN(64, sizeof(RecServing)),
				n = Max(s->n, 1),
				padded = Max(rec_codes_padded(s->n), 1);
	bool		integers = s->keys.kind.strategy == REC_KEY_INTEGER;

	/* pointers become offsets; an offset of 0 is NULL */
#define ARRAY(field, size) \
	do { \
		if (s->field) \
		{ \
			if (base) \
				memcpy(base + used, s->field, (size)); \
			*(uintptr_t *) &flat.field = used; \
			used = TYPEALIGN(64, add_size(used, (size))); \
		} \
	} while (0)
	ARRAY(items, mul_size(n, s->stride * sizeof(float)));
	ARRAY(codes.code, rec_codes_bytes(s->n, s->stride));
	ARRAY(codes.scale, padded * sizeof(float));
	ARRAY(codes.error, padded * sizeof(float));
	ARRAY(codes.length, padded * sizeof(float));
	ARRAY(map[0], mul_size(s->columns[0], s->stride * sizeof(float)));
	ARRAY(map[1], mul_size(s->columns[1], s->stride * sizeof(float)));
	ARRAY(gram, (Size) s->stride * s->stride * sizeof(float));
	ARRAY(norm, n * sizeof(float));
	ARRAY(popularity, n * sizeof(float));
	ARRAY(by_popularity, n * sizeof(int32));
	ARRAY(support, n * sizeof(int32));
	ARRAY(weights.start, (n + 1) * sizeof(int64));
	if (s->weights.start)
	{
		ARRAY(weights.item, Max(s->weights.start[s->n], 1) * sizeof(int32));
		ARRAY(weights.weight, Max(s->weights.start[s->n], 1) * sizeof(float));
	}
	if (integers)
		ARRAY(keys.integers, s->keys.n * sizeof(int64));
	else
	{
		ARRAY(keys.offsets, s->keys.n * sizeof(uint64));
		ARRAY(keys.bytes, s->keys.used);
	}
	ARRAY(keys.order, s->keys.n * sizeof(int32));
#undef ARRAY
	flat.bytes = used;
	flat.value_scaler = NULL;
	if (base)
		memcpy(base, &flat, sizeof(flat));
	return used;
}

/* A session's view of a segment. Function pointers of the key type are the loader's: look the type up again. */
static RecServing *
map_segment(dsm_segment *segment, int slot)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_recommend version", ALLOCSET_SMALL_SIZES);
	RecServing *s = MemoryContextAlloc(context, sizeof(RecServing));
	char	   *base = dsm_segment_address(segment);
	RecKeyType	kind;

	memcpy(s, base, sizeof(RecServing));
#define ARRAY(field) \
	do { \
		if (s->field) \
			s->field = (void *) (base + (uintptr_t) s->field); \
	} while (0)
	ARRAY(items);
	ARRAY(codes.code);
	ARRAY(codes.scale);
	ARRAY(codes.error);
	ARRAY(codes.length);
	ARRAY(map[0]);
	ARRAY(map[1]);
	ARRAY(gram);
	ARRAY(norm);
	ARRAY(popularity);
	ARRAY(by_popularity);
	ARRAY(support);
	ARRAY(weights.start);
	ARRAY(weights.item);
	ARRAY(weights.weight);
	ARRAY(keys.integers);
	ARRAY(keys.offsets);
	ARRAY(keys.bytes);
	ARRAY(keys.order);
#undef ARRAY
	rec_key_type(&kind, s->keys.kind.type, s->keys.kind.collation, "item", context);
	s->keys.kind = kind;
	s->keys.context = NULL;		/* nothing may be appended */
	s->context = context;
	s->segment = segment;
	s->slot = slot;
	s->pins = 0;
	s->next = NULL;
	return s;
}

/* At exit the mappings of this session end; the list of them is gone by then, so they are counted here. */
static int	my_mappings[REC_CACHE_SLOTS];
static int64 my_uid[REC_CACHE_SLOTS];

static void
at_exit(int code, Datum arg)
{
	LWLockAcquire(&control->lock, LW_EXCLUSIVE);
	for (int i = 0; i < REC_CACHE_SLOTS; i++)
		if (my_mappings[i] > 0 && control->slot[i].uid == my_uid[i])
			control->slot[i].mappings -= my_mappings[i];
	LWLockRelease(&control->lock);
}

static void
count_mapping(int slot, int64 uid)
{
	static bool registered = false;

	if (!registered)
	{
		before_shmem_exit(at_exit, 0);
		registered = true;
	}
	if (my_uid[slot] != uid)
		my_mappings[slot] = 0;
	my_uid[slot] = uid;
	my_mappings[slot]++;
	control->slot[slot].mappings++;
}

static int
find_slot(int64 uid)
{
	for (int i = 0; i < REC_CACHE_SLOTS; i++)
		if (control->slot[i].state != SLOT_FREE && control->slot[i].uid == uid &&
			control->slot[i].database == MyDatabaseId)
			return i;
	return -1;
}

static void
evict(int i)
{
	Slot	   *slot = &control->slot[i];

	dsm_unpin_segment(slot->handle);
	slot->state = SLOT_FREE;
	slot->former = slot->uid;
	slot->uid = 0;
	slot->mappings = 0;
}

/* The ready entry that was used longest ago; -1: none. */
static int
oldest_slot(void)
{
	int			oldest = -1;

	for (int i = 0; i < REC_CACHE_SLOTS; i++)
		if (control->slot[i].state == SLOT_READY &&
			(oldest < 0 || pg_atomic_read_u64(&control->slot[i].last_used) <
			 pg_atomic_read_u64(&control->slot[oldest].last_used)))
			oldest = i;
	return oldest;
}

/* Evicts until `needed` more bytes fit under the limit; false when they cannot. */
static bool
make_room(Size needed)
{
	Size		limit = (Size) rec_cache_size * 1024;

	while (needed <= limit)
	{
		Size		total = needed;
		int			oldest;

		for (int i = 0; i < REC_CACHE_SLOTS; i++)
			if (control->slot[i].state == SLOT_READY)
				total += control->slot[i].bytes;
		if (total <= limit)
			return true;
		oldest = oldest_slot();
		if (oldest < 0)
			break;
		evict(oldest);
	}
	return false;
}

/* A free slot, if possible the one that had this version before, made free by force when all are in use; -1: none. */
static int
claim_slot(int64 uid)
{
	int			free = -1;

	for (int i = 0; i < REC_CACHE_SLOTS; i++)
		if (control->slot[i].state == SLOT_FREE && (free < 0 || control->slot[i].former == uid))
			free = i;
	if (free < 0 && (free = oldest_slot()) >= 0)
		evict(free);
	return free;
}

static void
free_slot(int i)
{
	LWLockAcquire(&control->lock, LW_EXCLUSIVE);
	control->slot[i].state = SLOT_FREE;
	control->slot[i].uid = 0;
	LWLockRelease(&control->lock);
	ConditionVariableBroadcast(&control->changed);
}

/* Copies a private version into a segment and announces it; NULL when there is no room for it. */
static RecServing *
publish(const RecServing *private, int i, double load_ms)
{
	Slot	   *slot = &control->slot[i];
	Size		size = flatten(private, NULL);
	dsm_segment *segment = NULL;
	bool		fits;

	LWLockAcquire(&control->lock, LW_EXCLUSIVE);
	fits = make_room(size);
	LWLockRelease(&control->lock);
	if (fits && rec_shared_memory_free() > add_size(size, SHM_RESERVE))
		segment = dsm_create(size, DSM_CREATE_NULL_IF_MAXSEGMENTS);
	if (segment == NULL)
	{
		if (!told_full)
			ereport(NOTICE,
					(errmsg("version %d is kept in this session's own memory", private->version),
					 fits ? errdetail("Shared memory has no room for %zu MB more.", size >> 20) :
					 errdetail("It takes %zu MB, more than pg_recommend.cache_size.", size >> 20)));
		told_full = true;
		return NULL;
	}
	(void) flatten(private, dsm_segment_address(segment));
	dsm_pin_segment(segment);
	dsm_pin_mapping(segment);
	LWLockAcquire(&control->lock, LW_EXCLUSIVE);
	slot->handle = dsm_segment_handle(segment);
	slot->bytes = size;
	slot->loaded_at = GetCurrentTimestamp();
	slot->load_ms = load_ms;
	slot->state = SLOT_READY;
	count_mapping(i, slot->uid);
	LWLockRelease(&control->lock);
	ConditionVariableBroadcast(&control->changed);
	return map_segment(segment, i);
}

/*
 * Evicts what nobody will ask for again: other versions of the model that were removed, and versions of models that were
 * dropped. Called by who brings in a new version, because a training on the primary cannot tell a standby. A snapshot
 * that still sees a removed version may bring it in again.
 */
static void
evict_gone(const RecModel *model, int64 except)
{
	Slot	   *copy = palloc(sizeof(control->slot));
	bool		gone;

	if (IsInParallelMode())
		return;					/* no newer snapshot is to be had there */
	LWLockAcquire(&control->lock, LW_SHARED);
	memcpy(copy, control->slot, sizeof(control->slot));
	LWLockRelease(&control->lock);
	PushActiveSnapshot(GetLatestSnapshot());
	for (int i = 0; i < REC_CACHE_SLOTS; i++)
	{
		if (copy[i].state != SLOT_READY || copy[i].database != MyDatabaseId || copy[i].uid == except)
			continue;
		gone = copy[i].schema == model->schema ? !rec_version_exists(model, copy[i].version, copy[i].uid) :
			get_namespace_name(copy[i].schema) == NULL;
		if (!gone)
			continue;
		LWLockAcquire(&control->lock, LW_EXCLUSIVE);
		if (control->slot[i].state == SLOT_READY && control->slot[i].uid == copy[i].uid &&
			control->slot[i].database == MyDatabaseId)
			evict(i);
		LWLockRelease(&control->lock);
	}
	PopActiveSnapshot();
	pfree(copy);
}

static RecServing *
load(const RecModel *model, const RecVersion *version, int i, RecServing **private)
{
	RecServing *shared = NULL;
	instr_time	start,
				end;

	PG_TRY();
	{
		INSTR_TIME_SET_CURRENT(start);
		evict_gone(model, version->uid);
		*private = rec_serving_read(model, version);
		INSTR_TIME_SET_CURRENT(end);
		INSTR_TIME_SUBTRACT(end, start);
		shared = publish(*private, i, INSTR_TIME_GET_MILLISEC(end));
	}
	PG_CATCH();
	{
		free_slot(i);
		PG_RE_THROW();
	}
	PG_END_TRY();
	if (shared)
	{
		MemoryContextDelete((*private)->context);
		*private = NULL;
	}
	else
		free_slot(i);
	return shared;
}

/* Attaches to a ready entry; the lock is held, so that it cannot be evicted meanwhile. */
static dsm_segment *
attach_ready(int i)
{
	Slot	   *slot = &control->slot[i];
	dsm_segment *segment = dsm_attach(slot->handle);

	if (segment == NULL)		/* cannot happen to a pinned segment */
		return NULL;
	dsm_pin_mapping(segment);
	count_mapping(i, slot->uid);
	pg_atomic_fetch_add_u64(&slot->hits, 1);
	pg_atomic_write_u64(&slot->last_used, pg_atomic_fetch_add_u64(&control->clock, 1));
	return segment;
}

static void
begin_loading(int i, const RecModel *model, const RecVersion *version)
{
	Slot	   *slot = &control->slot[i];

	slot->state = SLOT_LOADING;
	slot->database = MyDatabaseId;
	slot->schema = model->schema;
	slot->version = version->version;
	slot->uid = version->uid;
	slot->loads = slot->former == slot->uid ? slot->loads + 1 : 1;
	slot->loader = MyProcPid;
	slot->mappings = 0;
	pg_atomic_write_u64(&slot->hits, 0);
	pg_atomic_write_u64(&slot->last_used, pg_atomic_fetch_add_u64(&control->clock, 1));
}

RecServing *
rec_shared_get(const RecModel *model, const RecVersion *version, RecServing **private)
{
	RecServing *s = NULL;
	int			i;

	attach_control();
	/* a bounded wait: the loader may itself wait for a lock of ours, which no deadlock check would find */
	for (int waits = 0; waits < MOST_WAITS; waits++)
	{
		LWLockAcquire(&control->lock, LW_EXCLUSIVE);
		i = find_slot(version->uid);
		if (i >= 0 && control->slot[i].state == SLOT_READY)
		{
			dsm_segment *segment = attach_ready(i);

			LWLockRelease(&control->lock);
			s = segment ? map_segment(segment, i) : NULL;
			break;
		}
		if (i < 0 || BackendPidGetProc(control->slot[i].loader) == NULL)
		{
			if (i < 0)
				i = claim_slot(version->uid);
			if (i >= 0)
				begin_loading(i, model, version);
			LWLockRelease(&control->lock);
			s = i >= 0 ? load(model, version, i, private) : NULL;
			break;
		}
		ConditionVariablePrepareToSleep(&control->changed);
		LWLockRelease(&control->lock);
		/* the time limit notices a loader that was terminated */
		(void) ConditionVariableTimedSleep(&control->changed, 100, PG_WAIT_EXTENSION);
	}
	ConditionVariableCancelSleep();
	return s;
}

bool
rec_shared_used(const RecServing *serving)
{
	Slot	   *slot = &control->slot[serving->slot];

	/* without the lock: at worst a hit is counted for the entry that has just taken the slot */
	if (slot->state != SLOT_READY || slot->uid != serving->uid || slot->database != MyDatabaseId)
		return false;
	pg_atomic_fetch_add_u64(&slot->hits, 1);
	pg_atomic_write_u64(&slot->last_used, pg_atomic_fetch_add_u64(&control->clock, 1));
	return true;
}

void
rec_shared_detach(RecServing *serving)
{
	Slot	   *slot = &control->slot[serving->slot];

	LWLockAcquire(&control->lock, LW_EXCLUSIVE);
	if (my_uid[serving->slot] == serving->uid)
	{
		if (slot->uid == serving->uid)
			slot->mappings--;
		my_mappings[serving->slot]--;
	}
	LWLockRelease(&control->lock);
	dsm_detach(serving->segment);
}

RecServing *
rec_shared_map(dsm_handle handle)
{
	dsm_segment *segment = dsm_attach(handle);

	return segment ? map_segment(segment, -1) : NULL;
}

RecServing *
rec_shared_copy(const RecServing *private)
{
	Size		size = flatten(private, NULL);
	dsm_segment *segment = NULL;

	if (rec_shared_memory_free() > add_size(size, SHM_RESERVE))
		segment = dsm_create(size, DSM_CREATE_NULL_IF_MAXSEGMENTS);
	if (segment == NULL)
		return NULL;
	(void) flatten(private, dsm_segment_address(segment));
	return map_segment(segment, -1);
}

bool
rec_shared_entry(int i, RecCacheEntry *entry)
{
	Slot	   *slot;
	bool		used;

	attach_control();
	slot = &control->slot[i];
	LWLockAcquire(&control->lock, LW_SHARED);
	used = slot->state != SLOT_FREE;
	*entry = (RecCacheEntry) {
		.database = slot->database, .schema = slot->schema, .version = slot->version, .bytes = slot->bytes,
		.hits = pg_atomic_read_u64(&slot->hits), .mappings = slot->mappings, .loaded_at = slot->loaded_at,
		.load_ms = slot->load_ms, .loads = slot->loads, .loading = slot->state == SLOT_LOADING
	};
	LWLockRelease(&control->lock);
	return used;
}
