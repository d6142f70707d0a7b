/*
 * tune_run.h
 *		A study under way: what tune.c and tune_trial.c share.
 */
#ifndef REC_TUNE_RUN_H
#define REC_TUNE_RUN_H

#include "model/tune.h"
#include "portability/instr_time.h"

typedef struct RecTuneRun
{
	RecStudy   *study;
	RecPairs   *pairs;			/* base part, validation pairs included */
	RecHoldout	validation;
	RecParts	final;			/* base part and test part */
	RecSumRule	rule;
	uint64		split_seed;
	instr_time	start;
	double		spent;			/* seconds of finished trials, this session's */
	int			made;			/* this session's */

	/* of the trial under way */
	RecTrial   *trial;
	double		best_here;		/* its best score so far */
	bool		halved;
	bool		out_of_time;
} RecTuneRun;

/* tune_trial.c: trains and judges one point; false: the time was up before it was done. */
extern bool rec_tune_trial(RecTuneRun *run, RecTrial *trial);

/* The trial of the search with the best value; NULL: none has one. */
extern RecTrial *rec_tune_best(const RecStudy *study);

static inline bool
rec_tune_is_search(const RecTrial *trial)
{
	return strcmp(trial->stage, "search") == 0;
}

static inline double
rec_tune_seconds_since(instr_time start)
{
	instr_time	now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, start);
	return INSTR_TIME_GET_DOUBLE(now);
}

#endif							/* REC_TUNE_RUN_H */
