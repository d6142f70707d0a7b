/*
 * crew.c
 *		Leader and workers of a training. See crew.h.
 */
#include "model/crew.h"

#include <sys/statvfs.h>

#include "access/parallel.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "model/ease.h"
#include "model/memory.h"
#include "model/solve_shared.h"
#include "optimizer/optimizer.h"
#include "pgstat.h"
#include "storage/dsm.h"
#include "storage/dsm_impl.h"
#include "utils/wait_event.h"

#define KEY_HANDLE 1
#define SMALL_WORK 5e7			/* operations below which workers cost more than they give */
#define SHM_RESERVE (16 * 1024 * 1024)	/* left for parallel mode's own segment and for others */

struct RecCrew
{
	RecCrewBlock *block;
	dsm_segment *segment;		/* NULL: private memory */
	void	   *allocated;		/* private memory */
	ParallelContext *pcxt;		/* NULL: serial */
	int			wanted;
	int			launched;
	void	   *scratch;
	void	   *scratch_allocated;
};

typedef struct Work
{
	Size		(*scratch) (const void *block);	/* bytes that each participant needs */
	void		(*chunk) (void *block, int chunk, void *scratch);
} Work;

static const Work works[] = {
	[REC_CREW_ALS] = {rec_solve_scratch, rec_solve_chunk},
	[REC_CREW_EASE] = {rec_ease_scratch, rec_ease_chunk}
};

PGDLLEXPORT void rec_train_worker(dsm_segment *seg, shm_toc *toc);

Size
rec_shared_memory_free(void)
{
	struct statvfs fs;

	if (dynamic_shared_memory_type != DSM_IMPL_POSIX || statvfs("/dev/shm", &fs) != 0)
		return SIZE_MAX;
	return (Size) fs.f_bavail * fs.f_frsize;
}

static void *
aligned_block(Size size, void **allocated)
{
	*allocated = palloc_extended(add_size(size, 64), MCXT_ALLOC_HUGE);
	return (void *) TYPEALIGN(64, (uintptr_t) *allocated);
}

/* How many workers to ask for; says why when shared memory forbids any. */
static int
workers_wanted(Size size, double operations)
{
	Size		free;

	if (max_parallel_maintenance_workers == 0 || operations < SMALL_WORK || IsInParallelMode())
		return 0;
	free = rec_shared_memory_free();
	if (free == SIZE_MAX || free > add_size(size, SHM_RESERVE))
		return max_parallel_maintenance_workers;
	ereport(NOTICE,
			(errmsg("training without parallel workers: not enough shared memory"),
			 errdetail("/dev/shm has %zu MB free, and %zu MB are needed.", free >> 20, (size + SHM_RESERVE) >> 20),
			 errhint("In a container, give it a larger /dev/shm (for Docker: --shm-size).")));
	return 0;
}

RecCrew *
rec_crew_create(const RecCrewBlock *plan, Size header, double operations)
{
	RecCrew    *c = palloc0(sizeof(RecCrew));

	c->wanted = workers_wanted(plan->size, operations);
	if (c->wanted > 0)
		c->segment = dsm_create(plan->size, DSM_CREATE_NULL_IF_MAXSEGMENTS);
	if (c->segment)
		c->block = dsm_segment_address(c->segment);
	else
		c->block = aligned_block(plan->size, &c->allocated);
	rec_advise_huge(c->block, plan->size);
	memcpy(c->block, plan, header);
	BarrierInit(&c->block->barrier, 0);
	pg_atomic_init_u32(&c->block->next, 0);
	c->block->end = false;
	return c;
}

void *
rec_crew_block(RecCrew *c)
{
	return c->block;
}

int
rec_crew_workers(const RecCrew *c)
{
	return c->launched;
}

void
rec_crew_launch(RecCrew *c)
{
	dsm_handle *handle;

	c->scratch = aligned_block(works[c->block->work].scratch(c->block), &c->scratch_allocated);
	if (c->segment == NULL)
		return;
	EnterParallelMode();
	c->pcxt = CreateParallelContext("pg_recommend", "rec_train_worker", c->wanted);
	shm_toc_estimate_chunk(&c->pcxt->estimator, sizeof(dsm_handle));
	shm_toc_estimate_keys(&c->pcxt->estimator, 1);
	InitializeParallelDSM(c->pcxt);
	handle = shm_toc_allocate(c->pcxt->toc, sizeof(dsm_handle));
	*handle = dsm_segment_handle(c->segment);
	shm_toc_insert(c->pcxt->toc, KEY_HANDLE, handle);
	/* before the first worker: one alone would pass the barrier before there is a task */
	BarrierAttach(&c->block->barrier);
	LaunchParallelWorkers(c->pcxt);
	c->launched = c->pcxt->nworkers_launched;
}

/* Works on the open task until its chunks are used up. */
static void
participate(RecCrewBlock *block, void *scratch)
{
	for (;;)
	{
		uint32		chunk;

		CHECK_FOR_INTERRUPTS();
		chunk = pg_atomic_fetch_add_u32(&block->next, 1);
		if (chunk >= (uint32) block->nchunks)
			return;
		works[block->work].chunk(block, chunk, scratch);
	}
}

void
rec_train_worker(dsm_segment *seg, shm_toc *toc)
{
	dsm_segment *segment = dsm_attach(*(dsm_handle *) shm_toc_lookup(toc, KEY_HANDLE, false));
	RecCrewBlock *block;
	void	   *allocated,
			   *scratch;

	if (segment == NULL)		/* the leader is gone already */
		return;
	block = dsm_segment_address(segment);
	rec_advise_huge(block, block->size);
	scratch = aligned_block(works[block->work].scratch(block), &allocated);
	if (BarrierAttach(&block->barrier) % 2 == 0)
		BarrierArriveAndWait(&block->barrier, PG_WAIT_EXTENSION);
	while (!block->end)
	{
		participate(block, scratch);
		BarrierArriveAndWait(&block->barrier, PG_WAIT_EXTENSION);	/* task done */
		BarrierArriveAndWait(&block->barrier, PG_WAIT_EXTENSION);	/* next one open */
	}
	BarrierDetach(&block->barrier);
	dsm_detach(segment);
}

void
rec_crew_run(RecCrew *c, int nchunks)
{
	c->block->nchunks = nchunks;
	pg_atomic_write_u32(&c->block->next, 0);
	if (c->pcxt)
		BarrierArriveAndWait(&c->block->barrier, PG_WAIT_EXTENSION);
	participate(c->block, c->scratch);
	if (c->pcxt)
		BarrierArriveAndWait(&c->block->barrier, PG_WAIT_EXTENSION);
}

void
rec_crew_finish(RecCrew *c)
{
	pfree(c->scratch_allocated);
	if (c->pcxt == NULL)
		return;
	c->block->end = true;
	BarrierArriveAndWait(&c->block->barrier, PG_WAIT_EXTENSION);
	BarrierDetach(&c->block->barrier);
	WaitForParallelWorkersToFinish(c->pcxt);
	DestroyParallelContext(c->pcxt);
	c->pcxt = NULL;
	ExitParallelMode();
}

void
rec_crew_release(RecCrew *c)
{
	if (c->segment)
		dsm_detach(c->segment);
	else
		pfree(c->allocated);
	pfree(c);
}
