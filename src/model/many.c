/*
 * many.c
 *		Scoring many users with parallel workers. See many.h.
 *
 * A ring of blocks stands in the parallel context's shared memory (or, without workers, in private memory). Three
 * counters move along it: the leader publishes blocks that it has filled, every participant takes published ones, and
 * the leader writes those that are done, in order, which makes room for the next. The leader scores a block itself
 * whenever it can neither write nor fill one. So nobody waits for a worker that never started, memory is bounded
 * whatever the number of users, and reading, scoring and writing overlap.
 */
#include "model/many.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "core/score.h"
#include "miscadmin.h"
#include "model/crew.h"
#include "model/linear.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "storage/condition_variable.h"
#include "utils/wait_event.h"

#define KEY_RING 1
#define COST_OF_PRODUCT 1e-6	/* planner's units: parallel_setup_cost is worth 500 users of 30,000 items x 64 */
#define BLOCK_RESULTS (1024 * 1024 / sizeof(RecScored))
#define MIN_ITEM_ROOM 16384		/* of a block's list of forbidden items */
#define SHM_RESERVE ((Size) 16 * 1024 * 1024)	/* of /dev/shm is left to others */
#define SCORE_SLICE 100000		/* items between two looks at interrupts */

typedef struct Ring
{
	dsm_handle	model;
	int			stride;
	int			nitems;
	int			limit;
	int			users_room;
	int			item_room;
	bool		values;			/* blocks have them */
	bool		raised;			/* scores have factors */
	int			slots;
	Size		block_size;
	pg_atomic_uint64 published;
	pg_atomic_uint64 taken;
	pg_atomic_uint32 finished;	/* nothing will be published any more */
	ConditionVariable work;		/* workers wait for a block */
	ConditionVariable done;		/* the leader waits for the block that is to be written next */
	/* then: allowed[nitems], factors[nitems] if any, and blocks */
} Ring;

/* The start of a block. */
typedef struct BlockHead
{
	pg_atomic_uint32 done;
	int			nusers;
} BlockHead;

/* What a process needs to score. */
typedef struct Participant
{
	Ring	   *ring;
	const RecServing *serving;
	bool	   *mask;			/* the allowed items, but for those of the user at hand */
	float	   *score;			/* of all items; NULL: the first pass over codes is used */
	int8_t	   *scratch;
} Participant;

PGDLLEXPORT void rec_many_worker(dsm_segment *seg, shm_toc *toc);

static inline bool *
ring_allowed(Ring *ring)
{
	return (bool *) ring + TYPEALIGN(64, sizeof(Ring));
}

static inline float *
ring_factors(Ring *ring)
{
	return ring->raised ? (float *) ((char *) ring_allowed(ring) + TYPEALIGN(64, ring->nitems)) : NULL;
}

static inline Size
ring_blocks(const Ring *ring)
{
	return TYPEALIGN(64, sizeof(Ring)) + TYPEALIGN(64, ring->nitems) +
		(ring->raised ? TYPEALIGN(64, ring->nitems * sizeof(float)) : 0);
}

/* Lays a block out; with base NULL only its size counts. */
static Size
lay_out(const Ring *ring, char *base, RecManyBlock *block)
{
	Size		users = ring->users_room,
				used = 0;

#define PART(pointer, size) \
	(*(void **) &(pointer) = base + used, used = TYPEALIGN(64, add_size(used, (size))))
	used = TYPEALIGN(64, sizeof(BlockHead));
	PART(block->user, users * sizeof(RecManyUser));
	PART(block->vector, mul_size(users, ring->stride * sizeof(float)));
	PART(block->item, mul_size(ring->item_room, sizeof(int32)));
	PART(block->value, ring->values ? mul_size(ring->item_room, sizeof(float)) : 0);
	PART(block->result, mul_size(mul_size(users, ring->limit), sizeof(RecScored)));
#undef PART
	return used;
}

static BlockHead *
block_at(Ring *ring, uint64 number, RecManyBlock *block)
{
	int			slot = (int) (number % ring->slots);
	char	   *base = (char *) ring + ring_blocks(ring) + slot * ring->block_size;
	BlockHead  *head = (BlockHead *) base;

	(void) lay_out(ring, base, block);
	block->slot = slot;
	block->nusers = &head->nusers;
	return head;
}

static Ring
plan_ring(const RecManyJob *job)
{
	RecManyBlock block;
	Ring		ring = {
		.stride = job->serving->stride, .nitems = job->serving->n, .limit = job->limit, .users_room = job->users_room,
		.item_room = job->item_room, .slots = job->slots, .values = job->serving->weights.start != NULL,
		.raised = job->factor != NULL
	};

	ring.block_size = lay_out(&ring, NULL, &block);
	return ring;
}

static Size
ring_size(const Ring *ring)
{
	/* 64 more, to align it */
	return add_size(add_size(ring_blocks(ring), mul_size(ring->slots, ring->block_size)), 64);
}

/*
 * Workers pay when the work is worth more than starting them. They need the model in shared memory: a version that
 * this transaction has written, or that found no room there, is scored by the session alone.
 */
static int
workers_wanted(const RecManyJob *job)
{
	double		cost = job->users * job->serving->n * job->serving->stride * COST_OF_PRODUCT;

	if (job->serving->segment == NULL || IsInParallelMode() || cost < parallel_setup_cost)
		return 0;
	return (int) Min(max_parallel_workers_per_gather, job->users / job->users_room);
}

void
rec_many_plan(RecManyJob *job)
{
	Ring		ring;
	Size		free;

	job->users_room = (int) Max(1, Min(REC_MANY_USERS, BLOCK_RESULTS / job->limit));
	job->item_room = Max(job->serving->n, MIN_ITEM_ROOM);
	job->workers = workers_wanted(job);
	job->slots = 4 * (job->workers + 1);
	ring = plan_ring(job);
	free = job->workers > 0 ? rec_shared_memory_free() : SIZE_MAX;
	if (free != SIZE_MAX && free < add_size(ring_size(&ring), SHM_RESERVE))
	{
		ereport(DEBUG1,
				(errmsg("recommending without parallel workers: shared memory has %zu MB free", free >> 20)));
		job->workers = 0;
	}
	if (job->workers == 0)
		job->slots = 1;
}

static Ring *
fill_ring(const RecManyJob *job, void *memory)
{
	Ring	   *ring = (Ring *) TYPEALIGN(64, (uintptr_t) memory);

	*ring = plan_ring(job);
	if (job->workers > 0)
		ring->model = dsm_segment_handle(job->serving->segment);
	pg_atomic_init_u64(&ring->published, 0);
	pg_atomic_init_u64(&ring->taken, 0);
	pg_atomic_init_u32(&ring->finished, 0);
	ConditionVariableInit(&ring->work);
	ConditionVariableInit(&ring->done);
	memcpy(ring_allowed(ring), job->allowed, job->serving->n);
	if (job->factor)
		memcpy(ring_factors(ring), job->factor, job->serving->n * sizeof(float));
	for (int i = 0; i < ring->slots; i++)
	{
		RecManyBlock block;

		pg_atomic_init_u32(&block_at(ring, i, &block)->done, 0);
	}
	return ring;
}

static void
join(Participant *p, Ring *ring, const RecServing *serving)
{
	p->ring = ring;
	p->serving = serving;
	p->mask = palloc_extended(Max(serving->n, 1), MCXT_ALLOC_HUGE);
	memcpy(p->mask, ring_allowed(ring), serving->n);
	p->scratch = palloc(serving->stride);
	/* the same choice as recommend(): bounds leave out little when many are wanted */
	p->score = ring->limit <= serving->n / 16 && !ring->values && !ring->raised ? NULL :
		palloc_extended(Max(serving->n, 1) * sizeof(float), MCXT_ALLOC_HUGE);
}

/* The best by p->score, times the factors if any. */
static void
best_raised(const Participant *p, RecTopK *top)
{
	const float *factor = ring_factors(p->ring);

	for (int i = 0; factor && i < p->serving->n; i++)
		p->score[i] = rec_raised(p->score[i], factor[i]);
	rec_topk_scan(top, p->score, p->mask, p->serving->n);
	rec_topk_sort(top);
}

static void
popular(const Participant *p, RecTopK *top)
{
	const RecServing *s = p->serving;

	if (p->ring->raised)
	{
		memcpy(p->score, s->popularity, s->n * sizeof(float));
		best_raised(p, top);
		return;
	}
	for (int i = 0; i < s->n && top->n < top->k; i++)
	{
		int32		position = s->by_popularity[i];

		if (p->mask[position])
			top->entry[top->n++] = (RecScored) {s->popularity[position], position};
	}
}

static void
personal(const Participant *p, const float *vector, RecTopK *top)
{
	const RecServing *s = p->serving;

	if (p->score == NULL)
	{
		(void) rec_pick(&s->codes, s->items, s->n, s->stride, vector, p->mask, top, p->scratch);
		rec_topk_sort(top);
		return;
	}
	for (int i = 0; i < s->n; i += SCORE_SLICE)
	{
		CHECK_FOR_INTERRUPTS();
		rec_score_rows(s->items + (Size) i * s->stride, Min(SCORE_SLICE, s->n - i), s->stride, vector, p->score + i);
	}
	best_raised(p, top);
}

/* By item weights, in the order of rec_linear_scores(), so that the numbers are the same. */
static void
by_weights(const Participant *p, const RecManyUser *user, const int32 *item, const float *value, RecTopK *top)
{
	const RecServing *s = p->serving;

	memset(p->score, 0, s->n * sizeof(float));
	rec_weights_score(&s->weights, user->history, item, value, p->score);
	rec_linear_finish(p->score, s->by_popularity, s->n);
	best_raised(p, top);
}

static void
score_block(const Participant *p, const RecManyBlock *block)
{
	const bool *allowed = ring_allowed(p->ring);

	for (int u = 0; u < *block->nusers; u++)
	{
		RecManyUser *user = &block->user[u];
		const int32 *item = block->item + user->first;
		RecTopK		top;

		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < user->n; i++)
			p->mask[item[i]] = false;
		rec_topk_init(&top, block->result + (Size) u * p->ring->limit, p->ring->limit);
		if (user->source == REC_SOURCE_POPULAR)
			popular(p, &top);
		else if (p->ring->values)
			by_weights(p, user, item, block->value + user->first, &top);
		else
			personal(p, block->vector + (Size) u * p->serving->stride, &top);
		user->found = top.n;
		for (int i = 0; i < user->n; i++)
			p->mask[item[i]] = allowed[item[i]];
	}
}

/* Takes a published block and scores it; false when there is none. */
static bool
take_block(const Participant *p)
{
	Ring	   *ring = p->ring;
	uint64		number = pg_atomic_read_u64(&ring->taken);
	RecManyBlock block;
	BlockHead  *head;

	do
	{
		/* a compare-and-exchange that fails leaves the current value in number */
		if (number >= pg_atomic_read_u64(&ring->published))
			return false;
	} while (!pg_atomic_compare_exchange_u64(&ring->taken, &number, number + 1));
	head = block_at(ring, number, &block);
	score_block(p, &block);
	pg_write_barrier();
	pg_atomic_write_u32(&head->done, 1);
	return true;
}

void
rec_many_worker(dsm_segment *seg, shm_toc *toc)
{
	Ring	   *ring = (Ring *) TYPEALIGN(64, (uintptr_t) shm_toc_lookup(toc, KEY_RING, false));
	RecServing *serving = rec_shared_map(ring->model);
	Participant p;

	if (serving == NULL)		/* the leader is gone already */
		return;
	join(&p, ring, serving);
	for (;;)
	{
		if (take_block(&p))
		{
			ConditionVariableSignal(&ring->done);
			continue;
		}
		ConditionVariablePrepareToSleep(&ring->work);
		while (pg_atomic_read_u64(&ring->taken) >= pg_atomic_read_u64(&ring->published) &&
			   pg_atomic_read_u32(&ring->finished) == 0)
			ConditionVariableSleep(&ring->work, PG_WAIT_EXTENSION);
		ConditionVariableCancelSleep();
		if (pg_atomic_read_u64(&ring->taken) >= pg_atomic_read_u64(&ring->published) &&
			pg_atomic_read_u32(&ring->finished) != 0)
			break;
	}
	dsm_detach(serving->segment);
}

/* Fills the next block; false when there are no users left. */
static bool
publish_block(const RecManyJob *job, Ring *ring, uint64 number)
{
	RecManyBlock block;
	BlockHead  *head = block_at(ring, number, &block);

	head->nusers = 0;
	pg_atomic_write_u32(&head->done, 0);
	job->read(job->state, &block);
	if (head->nusers == 0)
		return false;
	(void) pg_atomic_fetch_add_u64(&ring->published, 1);	/* a full barrier */
	if (job->workers > 0)
		ConditionVariableSignal(&ring->work);
	return true;
}

static void
wait_for_block(Ring *ring, const BlockHead *head)
{
	ConditionVariablePrepareToSleep(&ring->done);
	while (pg_atomic_read_u32(unconstify(pg_atomic_uint32 *, &head->done)) == 0)
		ConditionVariableSleep(&ring->done, PG_WAIT_EXTENSION);
	ConditionVariableCancelSleep();
}

/* The leader's part: writing goes before filling, which goes before scoring. */
static void
lead(const RecManyJob *job, const Participant *p)
{
	Ring	   *ring = p->ring;
	uint64		published = 0,
				written = 0;
	bool		more = true;

	while (more || written < published)
	{
		RecManyBlock block;
		BlockHead  *head = block_at(ring, written, &block);

		CHECK_FOR_INTERRUPTS();
		if (written < published && pg_atomic_read_u32(&head->done) != 0)
		{
			pg_read_barrier();
			job->write(job->state, &block);
			written++;
		}
		else if (more && published - written < (uint64) ring->slots)
		{
			more = publish_block(job, ring, published);
			published += more;
		}
		else if (!take_block(p))
			wait_for_block(ring, head);
	}
	pg_atomic_write_u32(&ring->finished, 1);
}

static void
run_alone(const RecManyJob *job)
{
	Ring		plan = plan_ring(job);
	Participant p;

	join(&p, fill_ring(job, palloc_extended(ring_size(&plan), MCXT_ALLOC_HUGE)), job->serving);
	lead(job, &p);
}

void
rec_many_run(const RecManyJob *job)
{
	ParallelContext *pcxt;
	Ring		plan = plan_ring(job);
	Participant p;
	void	   *memory;

	if (job->workers == 0)
	{
		run_alone(job);
		return;
	}
	EnterParallelMode();
	pcxt = CreateParallelContext("pg_recommend", "rec_many_worker", job->workers);
	shm_toc_estimate_chunk(&pcxt->estimator, ring_size(&plan));
	shm_toc_estimate_keys(&pcxt->estimator, 1);
	InitializeParallelDSM(pcxt);
	memory = shm_toc_allocate(pcxt->toc, ring_size(&plan));
	join(&p, fill_ring(job, memory), job->serving);
	shm_toc_insert(pcxt->toc, KEY_RING, memory);
	LaunchParallelWorkers(pcxt);
	lead(job, &p);
	ConditionVariableBroadcast(&p.ring->work);
	WaitForParallelWorkersToFinish(pcxt);
	DestroyParallelContext(pcxt);
	ExitParallelMode();
}
