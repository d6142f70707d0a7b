/*
 * crew.h
 *		A leader and parallel workers who take numbered chunks of one task after another.
 *
 * They share one block of memory: a dynamic shared memory segment when workers take part, else private. It begins with a
 * RecCrewBlock; the rest is its owner's, with offsets in the place of pointers. Between two passes of the barrier every
 * participant takes chunks of the open task from an atomic counter; what the task is stands in the block. A worker may attach
 * at any time: an odd barrier phase means that a task is open. Whose results must not depend on the number of workers lets
 * a chunk's result depend on the chunk alone.
 *
 * Nothing is read from or written to a table from rec_crew_launch() to rec_crew_finish(). An error gives everything back
 * with the transaction.
 */
#ifndef REC_CREW_H
#define REC_CREW_H

#include "compat.h"

#include "port/atomics.h"
#include "storage/barrier.h"

/* What crews do: an entry of the table in crew.c. */
typedef enum RecCrewWork
{
	REC_CREW_ALS, REC_CREW_EASE
} RecCrewWork;

typedef struct RecCrewBlock
{
	Size		size;			/* of the whole block */
	RecCrewWork work;
	Barrier		barrier;
	pg_atomic_uint32 next;		/* chunk to take */
	int			nchunks;		/* of the open task */
	bool		end;			/* instead of another task */
} RecCrewBlock;

typedef struct RecCrew RecCrew;

/*
 * A block that begins with a copy of `header`, of which plan->size and plan->work are set; more than `operations` below a
 * limit it stays private, and there will be no workers; nor where there is no room for it in shared memory, which a NOTICE says.
 */
extern RecCrew *rec_crew_create(const RecCrewBlock *plan, Size header, double operations);
extern void *rec_crew_block(RecCrew *crew);

/* Enters parallel mode, unless the block is private. */
extern void rec_crew_launch(RecCrew *crew);
extern int	rec_crew_workers(const RecCrew *crew);	/* that were launched */

/* Opens a task of so many chunks, works on it with everybody, and returns when it is done. */
extern void rec_crew_run(RecCrew *crew, int nchunks);

/* Leaves parallel mode; the block stays until it is released. */
extern void rec_crew_finish(RecCrew *crew);
extern void rec_crew_release(RecCrew *crew);

/* Free room for dynamic shared memory in bytes, or SIZE_MAX when it cannot be told. */
extern Size rec_shared_memory_free(void);

#endif							/* REC_CREW_H */
