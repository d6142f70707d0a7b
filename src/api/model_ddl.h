/*
 * model_ddl.h
 *		What stands in the schema of a model: made, made again and dropped.
 */
#ifndef REC_MODEL_DDL_H
#define REC_MODEL_DDL_H

#include "model/events.h"

/* Runs one utility statement or query as the current role; expected: its SPI result, 0: any success. */
extern void rec_run_statement(const char *sql, int expected);

extern Oid	rec_schema_owner(Oid schema);

/* The tables of a new model, created as the owner of its schema. */
extern void rec_model_create_tables(const RecModel *model, const RecEventSource *source);

/*
 * Its views and functions, as this release has them. Functions of an earlier release that differ in their arguments or
 * result are dropped first, with an error when something depends on them.
 */
extern void rec_model_create_functions(const RecModel *model, Oid user_type, Oid item_type);

/* Drops functions, views and tables, with an error when something that is not the model's depends on them. */
extern void rec_model_drop_objects(const RecModel *model);

#endif							/* REC_MODEL_DDL_H */
