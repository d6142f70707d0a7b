/*
 * tune.h
 *		Searching hyperparameters: rec.tune. Four files:
 *
 *	tune.c			the course of a study: load once, trials, repetitions, the final value; commits after each
 *	tune_trial.c	one trial, and when it stops early
 *	tune_propose.c	which point is tried next
 *	tune_store.c	rows of rec.trial: keeping trials, and finding the study to go on with
 *
 * Trials learn from the base part of the events without its validation pairs, and are judged on these; the test part is looked
 * at once, for the final value of the winner.
 */
#ifndef REC_TUNE_H
#define REC_TUNE_H

#include "model/compare.h"
#include "model/space.h"

typedef enum RecTuneMethod
{
	REC_TUNE_BAYES, REC_TUNE_RANDOM, REC_TUNE_GRID
} RecTuneMethod;

extern const char *const rec_tune_methods[3];

typedef struct RecTrial
{
	int			number;
	const char *stage;			/* search, repeat, final */
	double	   *point;			/* of the space; NULL: final */
	Jsonb	   *params;
	int64		seed;
	double		value;			/* as the metric has it; NaN: failed */
	double		baseline;		/* of popular items (explicit: item means) on the same part; NaN: not known */
	int			epochs;
	double	   *history;		/* epochs */
	double		seconds;
	char	   *stopped;		/* why it ended */
} RecTrial;

typedef struct RecStudy
{
	RecModel   *model;
	RecGoal		goal;
	RecTuneMethod method;
	int			trials;			/* to make in all */
	double		budget;			/* seconds; 0: unlimited */
	int64		seed;
	bool		apply;
	const Jsonb *given;			/* space as it was given; NULL: the default */

	int			number;			/* of the study, per model */
	RecSpace   *space;
	double	   *own;			/* the point of the model's own params */
	Jsonb	   *space_json;
	int64		fingerprint;	/* of the data */
	List	   *done;			/* RecTrial: search and repeat, oldest first */
	MemoryContext context;		/* survives the commits */
} RecStudy;

/* Runs the study; called in a procedure that may commit, with the model locked for the session. */
extern void rec_tune_run(RecStudy *study);

/* tune_propose.c: a point that differs from those of the trials; false: the space is exhausted. */
extern bool rec_tune_propose(RecStudy *study, double *point);

/* tune_store.c: finds the study to go on with, or numbers a new one; and keeps a trial. */
extern void rec_tune_resume(RecStudy *study);
extern void rec_tune_keep(const RecStudy *study, const RecTrial *trial);

/* Higher is better, whatever the metric. */
static inline double
rec_tune_score(const RecStudy *study, double value)
{
	return rec_goal_lower(&study->goal) ? -value : value;
}

#endif							/* REC_TUNE_H */
