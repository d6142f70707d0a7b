/*
 * shown.h
 *		The experiment of a request: which version answers it, and keeping what was shown.
 */
#ifndef REC_SHOWN_H
#define REC_SHOWN_H

#include "api/request.h"
#include "api/serve.h"
#include "model/experiment.h"

/* What a user meets in an experiment. */
typedef struct RecMet
{
	int			experiment_id;	/* 0: no experiment, or the user is not in it */
	const char *variant;
	int			version;		/* 0: the active one */
	double		propensity;		/* probability of this version for the user; NaN: of the answer it is not known */
} RecMet;

/* Assigns the user (argument 1) of a call; an error when the experiment (NULL: none) serves another model's versions. */
extern RecMet rec_meet_experiment(const RecCall *call, const char *experiment);

/* Inserts the rows of an answer into rec.impression. */
extern void rec_keep_shown(const RecCall *call, const RecMet *met, const char *placement);

#endif							/* REC_SHOWN_H */
