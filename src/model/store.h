/*
 * store.h
 *		Writing a trained version into the model's tables, and removing old ones.
 */
#ifndef REC_STORE_H
#define REC_STORE_H

#include "model/solve.h"

/* What a training is called and what it found out; becomes the row of rec.training_run. */
typedef struct RecRun
{
	int			version;
	int64		uid;
	TimestampTz started_at;
	char	   *value_scaler;	/* text; NULL: none */
	int64		rows_read;
	int64		events;
	int64		null_keys;
	int64		bad_values;
	int64		unweighted;
	int			holdout_users;
	double		load_seconds;
	double		solve_seconds;
	double		store_seconds;
	Size		memory;
	List	   *warnings;		/* of char * */
} RecRun;

/* The next version number and a fresh random uid. */
extern void rec_store_new_version(const RecModel *model, RecRun *run);

/* Inserts model_version, item_factors, user_factors and user_history of the version. */
extern void rec_store_version(const RecModel *model, const RecRun *run, const RecPairs *pairs,
							  const RecSolution *solution, const RecParams *params, const RecSumRule *rule);

/* Writes the row of rec.training_run, and the active version when activate is set. */
extern void rec_store_run(const RecModel *model, const RecRun *run, const RecPairs *pairs,
						  const RecSolution *solution, const RecParams *params, bool explicit_feedback);
extern void rec_store_activate(const RecModel *model, int version);

/* Deletes all but the newest keep_versions versions; never the active one or the one just written. */
extern void rec_store_prune(const RecModel *model, int written, int active);

#endif							/* REC_STORE_H */
