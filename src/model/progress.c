/*
 * progress.c
 *		Slots of training progress in shared memory. See progress.h.
 *
 * The segment is small enough for the room that PostgreSQL leaves for late-comers, so the library need not be
 * preloaded. Each slot has its own spinlock, held for a copy of the slot only.
 */
#include "model/progress.h"

#include <math.h>

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/procarray.h"
#include "storage/shmem.h"
#include "storage/spin.h"

typedef struct Slot
{
	slock_t		mutex;
	RecProgress p;
} Slot;

static Slot *slots = NULL;
static Slot *mine = NULL;

static Slot *
attach(void)
{
	bool		found;

	if (slots != NULL)
		return slots;
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	slots = ShmemInitStruct("pg_recommend progress 1", REC_PROGRESS_SLOTS * sizeof(Slot), &found);
	if (!found)
	{
		memset(slots, 0, REC_PROGRESS_SLOTS * sizeof(Slot));
		for (int i = 0; i < REC_PROGRESS_SLOTS; i++)
			SpinLockInit(&slots[i].mutex);
	}
	LWLockRelease(AddinShmemInitLock);
	return slots;
}

static bool
alive(const RecProgress *p)
{
	return p->state == REC_RUN_RUNNING && BackendPidGetProc(p->pid) != NULL;
}

/*
 * How willingly a slot is taken for the model: its own, a free one, then the longest finished one. An evaluation can run
 * beside a training, or another evaluation, of the same model: then each has its slot.
 */
static double
claim(const RecProgress *p, Oid schema)
{
	if (p->state != REC_RUN_FREE && p->database == MyDatabaseId && p->schema == schema &&
		(!alive(p) || p->pid == MyProcPid))
		return INFINITY;
	if (p->state == REC_RUN_FREE)
		return 1e30;
	return alive(p) ? -INFINITY : -(double) p->updated_at;
}

void
rec_progress_begin(Oid schema)
{
	Slot	   *s = attach();
	RecProgress fresh = {
		.database = MyDatabaseId, .schema = schema, .pid = MyProcPid, .state = REC_RUN_RUNNING,
		.phase = REC_PHASE_LOADING, .loss = NAN, .metric = NAN, .eta_seconds = NAN,
		.started_at = GetCurrentTimestamp(), .updated_at = GetCurrentTimestamp()
	};
	int			best = 0;

	/* two sessions may choose one slot when all are in use: then one of them is not shown, and nothing worse */
	for (int i = 1; i < REC_PROGRESS_SLOTS; i++)
		if (claim(&s[i].p, schema) > claim(&s[best].p, schema))
			best = i;
	mine = &s[best];
	SpinLockAcquire(&mine->mutex);
	mine->p = fresh;
	SpinLockRelease(&mine->mutex);
}

void
rec_progress_phase(RecPhase phase, int epochs)
{
	TimestampTz now = GetCurrentTimestamp();

	SpinLockAcquire(&mine->mutex);
	mine->p.phase = phase;
	mine->p.epochs = epochs;
	mine->p.updated_at = now;
	SpinLockRelease(&mine->mutex);
}

void
rec_progress_epoch(int epoch, double loss, double metric, double eta_seconds)
{
	TimestampTz now = GetCurrentTimestamp();

	SpinLockAcquire(&mine->mutex);
	mine->p.epoch = epoch;
	mine->p.loss = loss;
	mine->p.metric = metric;
	mine->p.eta_seconds = eta_seconds;
	mine->p.updated_at = now;
	SpinLockRelease(&mine->mutex);
}

void
rec_progress_note(const char *message)
{
	TimestampTz now = GetCurrentTimestamp();

	SpinLockAcquire(&mine->mutex);
	strlcpy(mine->p.message, message, sizeof(mine->p.message));
	mine->p.updated_at = now;
	SpinLockRelease(&mine->mutex);
}

void
rec_progress_end(RecRunState state, const char *message)
{
	TimestampTz now = GetCurrentTimestamp();

	if (mine == NULL)
		return;
	SpinLockAcquire(&mine->mutex);
	if (mine->p.pid == MyProcPid)
	{
		mine->p.state = state;
		strlcpy(mine->p.message, message, sizeof(mine->p.message));
		mine->p.updated_at = now;
		mine->p.eta_seconds = NAN;
	}
	SpinLockRelease(&mine->mutex);
	mine = NULL;
}

bool
rec_progress_read(int i, RecProgress *copy)
{
	Slot	   *slot = &attach()[i];

	SpinLockAcquire(&slot->mutex);
	*copy = slot->p;
	SpinLockRelease(&slot->mutex);
	if (copy->state == REC_RUN_FREE || copy->database != MyDatabaseId)
		return false;
	if (copy->state == REC_RUN_RUNNING && !alive(copy))
	{
		/* the session is gone without a word: its backend was terminated */
		copy->state = REC_RUN_FAILED;
		strlcpy(copy->message, "the session ended during the training", sizeof(copy->message));
	}
	return true;
}
