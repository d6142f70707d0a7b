/*
 * experiment.h
 *		Definitions of experiments as assignment needs them.
 *
 * A definition is read from rec.experiment under the active snapshot, bypassing row security, after a check that the
 * current role may use the experiment. It is kept for the session as long as the snapshot and the role are the same: so
 * a statement reads it once, and every statement sees what its own snapshot shows, without any invalidation.
 */
#ifndef REC_EXPERIMENT_H
#define REC_EXPERIMENT_H

#include "compat.h"

#include "core/hash_assign.h"
#include "model/catalog.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

typedef struct RecExperiment
{
	int			id;
	char	   *name;
	Oid			owner;
	char	   *model;			/* NULL: none */
	int			n;				/* variants */
	char	  **variant;
	text	  **label;			/* the same names as text */
	double	   *weight;
	RecBucketRange *range;
	int		   *version;		/* of each variant, 0: the active one; NULL: no versions are set */
	int			hash_version;
	char	   *seed;			/* in UTF-8 */
	size_t		seed_length;
	uint32		seed_state;
	char	   *namespace_name; /* NULL: no namespace */
	char	   *namespace_seed; /* in UTF-8; NULL: no namespace */
	double		namespace_start;
	double		namespace_end;
	Jsonb	   *forced;			/* NULL: none */
	bool		has_start;
	TimestampTz start;
	TimestampTz stop;			/* DT_NOEND: none */
} RecExperiment;

/* Changes whenever definitions that were handed out became invalid. */
extern uint64 rec_experiment_generation;

/* Whether definitions handed out before are still those of the active snapshot and role. */
extern bool rec_experiments_current(void);

/* The definition; an error with the nearest name when there is none, or when the role may not use it. */
extern const RecExperiment *rec_experiment_get(const char *name);

/* Number of the variant of a unit, by its id as text in the server's encoding; -1: not in the experiment. */
extern int	rec_experiment_assign(const RecExperiment *experiment, const char *unit, int length, TimestampTz at);

/* Number of a variant by name; -1: none. */
extern int	rec_experiment_variant(const RecExperiment *experiment, const char *name);

/* int[] of the versions of a model that experiments serve which have not stopped: they must be kept. */
extern Datum rec_experiment_versions(const RecModel *model);

/* The current role is the owner or a member of it, or an error. */
extern void rec_experiment_require_owner(const RecExperiment *experiment, const char *action);

/* Owners; InvalidOid: no such experiment, or its role is gone. false: no such metric. */
extern Oid	rec_experiment_owner(int id);
extern bool rec_metric_owner(const char *metric, Oid *owner);

/* What is kept of an experiment's results goes: it rests on what has changed. */
extern void rec_experiment_forget_results(int id);

#endif							/* REC_EXPERIMENT_H */
