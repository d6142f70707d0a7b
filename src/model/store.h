/*
 * store.h
 *		Writing a trained version into the model's tables, and removing old ones.
 */
#ifndef REC_STORE_H
#define REC_STORE_H

#include "model/attributes.h"
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
							  const RecSolution *solution, const RecParams *params, const RecSumRule *rule,
							  RecDesign *const *design);

/* Rows of a table of a model, written in batches as COPY does it. */
typedef struct RecWriter RecWriter;
extern RecWriter *rec_writer_open(const RecModel *model, const char *table);
extern TupleTableSlot *rec_writer_row(RecWriter *writer, MemoryContext *values);	/* the next row, and where its values belong */
extern void rec_writer_put(RecWriter *writer, TupleTableSlot *slot, Size bytes);
extern void rec_writer_close(RecWriter *writer);
extern Datum rec_array_of(const void *elements, int n, Oid type);	/* of 4-byte elements */

/*
 * Runs a statement on a table of the model: names are looked up as the model's owner, and it runs as the table's. Leaves SPI
 * connected, for the rows; the caller calls SPI_finish().
 */
extern void rec_run_on_table(const RecModel *model, Relation rel, const char *sql, int nargs, Oid *types, Datum *values,
							 int expected);

/* attribute_refresh.c: items without events of a version as the item relation has them now; returns how many differ. */
extern int64 rec_refresh_items(const RecModel *model);

/* Deletes the rows of a version from a table of the model, all or those that have no events. */
extern void rec_store_delete(const RecModel *model, const char *table, int version, bool cold_only);

/* attribute_write.c: encoders, maps and encoded rows of a version. */
extern void rec_store_attributes(const RecModel *model, int version, RecDesign *const *design, const RecPairs *pairs,
								 const RecSolution *solution, const RecParams *params, bool explicit_feedback);
extern void rec_store_features(const RecModel *model, int version, const RecDesign *design, const RecKeys *known);

/* Rows of item_factors for the items that have no events, from position `first` on. */
extern void rec_store_cold_items(const RecModel *model, int version, const RecDesign *design, const float *map,
								 int factors, bool explicit_feedback, int first);

/* Writes the row of rec.training_run, and the active version when activate is set. */
extern void rec_store_run(const RecModel *model, const RecRun *run, const RecPairs *pairs,
						  const RecSolution *solution, const RecParams *params, bool explicit_feedback);
extern void rec_store_activate(const RecModel *model, int version);

/* Deletes all but the newest keep_versions versions; never the active one or the one just written. */
extern void rec_store_prune(const RecModel *model, int written, int active);

#endif							/* REC_STORE_H */
