/*
 * catalog.h
 *		What the catalog knows of a model, and how it is changed.
 *
 * A model is identified by the oid of its schema, which survives a rename; its row in rec.model is found by the
 * schema's name. Rows are read under the active snapshot and bypass row security: callers check privileges with the
 * functions here. Rows are written as the owner of the catalog, after the caller's own checks.
 */
#ifndef REC_CATALOG_H
#define REC_CATALOG_H

#include "compat.h"

#include "executor/spi.h"
#include "storage/lockdefs.h"
#include "utils/array.h"
#include "utils/jsonb.h"
#include "utils/relcache.h"
#include "utils/timestamp.h"

typedef struct RecModel
{
	Oid			schema;
	Oid			owner;			/* of the schema, hence of the model */
	char	   *name;
	char	   *events_schema;
	char	   *events_relation;
	char	   *user_column;
	char	   *item_column;
	char	   *value_column;	/* NULL: none */
	char	   *event_column;	/* NULL: none */
	Jsonb	   *event_weights;	/* NULL: none */
	char	   *time_column;	/* NULL: none */
	Interval   *half_life;		/* NULL: none */
	bool		explicit_feedback;
	Jsonb	   *params;
	int			keep_versions;
	int			active_version; /* 0: never trained */
	char	   *items_schema;	/* these three NULL: no item relation */
	char	   *items_relation;
	char	   *item_key;
	char	   *value_scaler;	/* kind, or a fitted scaler's text; NULL: none */
	List	   *context_columns;	/* of char *; NIL: none */
	List	   *item_attributes;	/* of char *, as they were given */
	char	   *users_schema;	/* these three NULL: no user relation */
	char	   *users_relation;
	char	   *user_key;
	List	   *user_attributes;
	Oid			catalog;		/* rec.model */
	TransactionId row_xmin;		/* these two tell whether the row is the same one as before */
	ItemPointerData row_tid;
} RecModel;

/* A row of the model's model_version table. */
typedef struct RecVersion
{
	int			version;
	int64		uid;			/* random; the key of every cache */
	bool		own_transaction;	/* written by the current transaction: not visible to others */
	char	   *value_scaler;	/* text of the scaler of its values; NULL: none */
} RecVersion;

extern Oid	rec_catalog_relation(const char *name);
extern Oid	rec_catalog_owner(void);
extern RecModel *rec_model_by_schema(Oid schema, bool missing_ok);
extern Oid	rec_model_schema(const char *model);
extern void rec_model_require_usage(Oid schema);
extern void rec_model_require_owner(const RecModel *model, const char *action);
extern void rec_model_lock(const RecModel *model);
extern void rec_model_lock_session(const RecModel *model);
extern void rec_model_unlock_session(const RecModel *model);
extern Oid	rec_model_relation(const RecModel *model, const char *name);
extern Relation rec_model_open(const RecModel *model, const char *name, LOCKMODE lock);

/* A value of a row of such a table; an error when it is null, for their owner may have dropped NOT NULL. */
extern Datum rec_model_value(HeapTuple tuple, int attnum, TupleDesc desc);
extern RecVersion rec_version_get(const RecModel *model, int version);

/* The error for a version whose tables do not hold together. */
pg_attribute_noreturn() extern void rec_version_corrupted(const RecModel *model, int version, const char *what);

extern bool rec_version_exists(const RecModel *model, int version, int64 uid);

/* Runs one statement on the catalog as its owner; the caller has made its checks. Returns SPI_processed. */
extern uint64 rec_catalog_execute(const char *sql, int nargs, const Oid *types, const Datum *values, const char *nulls);

/*
 * The first column of the first row of such a statement, in the caller's memory. False: no row, or null.
 */
extern bool rec_catalog_value(const char *sql, int nargs, const Oid *types, const Datum *values, const char *nulls, Datum *result);

/* Switches to a role under a restricted security context with a pinned search path, and back. */
typedef struct RecRole
{
	Oid			userid;
	int			context;
	int			guc_level;
} RecRole;

extern RecRole rec_role_enter(Oid role);
extern void rec_role_leave(const RecRole *saved);

/* Elements of a text[] that are not null, as C strings. */
extern List *rec_text_list(ArrayType *array);

/* The name among n that is nearest to a mistyped one, or NULL when none is near. */
extern const char *rec_nearest_name(const char *typed, const char *const *names, int n);

#endif							/* REC_CATALOG_H */
