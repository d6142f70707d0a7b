/*
 * progress.h
 *		What a running training, evaluation or tuning is doing, for other sessions to read.
 *
 * A fixed number of slots in shared memory, one for each model that was trained lately. A failed or cancelled training
 * cannot leave a row in a table of its own transaction, so its failure stays here until the model's next training.
 */
#ifndef REC_PROGRESS_H
#define REC_PROGRESS_H

#include "postgres.h"

#include "utils/timestamp.h"

typedef enum RecPhase
{
	REC_PHASE_LOADING, REC_PHASE_TRAINING, REC_PHASE_STORING, REC_PHASE_EVALUATING
} RecPhase;

typedef enum RecRunState
{
	REC_RUN_FREE, REC_RUN_RUNNING, REC_RUN_DONE, REC_RUN_FAILED
} RecRunState;

typedef struct RecProgress
{
	Oid			database;
	Oid			schema;			/* of the model */
	int			pid;
	RecRunState state;
	RecPhase	phase;
	int			epoch;			/* finished */
	int			epochs;			/* planned */
	double		loss;			/* NaN: not known yet */
	double		metric;			/* of the holdout; NaN: none */
	TimestampTz started_at;
	TimestampTz updated_at;
	double		eta_seconds;	/* NaN: not known */
	char		message[256];
} RecProgress;

#define REC_PROGRESS_SLOTS 64

extern void rec_progress_begin(Oid schema);
extern void rec_progress_phase(RecPhase phase, int epochs);
extern void rec_progress_epoch(int epoch, double loss, double metric, double eta_seconds);
extern void rec_progress_note(const char *message);
extern void rec_progress_end(RecRunState state, const char *message);

/* Copies slot i; false when it is free or of another database. */
extern bool rec_progress_read(int i, RecProgress *copy);

#endif							/* REC_PROGRESS_H */
