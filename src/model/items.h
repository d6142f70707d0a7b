/*
 * items.h
 *		The item relation of a model, filters over it, and boosts by its columns.
 *
 * A filter is one SQL boolean expression over the columns of the relation. Its text never becomes part of another text:
 * it is parsed alone, looked at, and its tree is put into the WHERE of a query that is built here as a tree. The query
 * runs with the rights, the row security and the search path of the current role.
 */
#ifndef REC_ITEMS_H
#define REC_ITEMS_H

#include "model/catalog.h"
#include "model/keys.h"
#include "nodes/parsenodes.h"

/* The item (or user) relation as it stands now; found by name at every use, because warehouses replace tables. */
typedef struct RecItemSource
{
	Oid			relid;
	Oid			key_type;		/* base type of the key column */
} RecItemSource;

/* An error when there is none, it is gone, or its key cannot be compared with keys of the given type. */
extern void rec_item_source(const RecModel *model, Oid item_type, RecItemSource *source);

/* The same of the user relation, which the model must have. */
extern void rec_user_source(const RecModel *model, Oid user_type, RecItemSource *source);

/* Number of a column of the relation; an error with the nearest name when there is none. */
extern AttrNumber rec_item_column(const RecModel *model, const RecItemSource *source, const char *column);

/* The tree of a text that must be one expression without a subquery; what is "a filter" or the like, for errors. */
extern Node *rec_expression_parse(const char *text, const char *what);
extern void rec_refuse_volatile(Query *query, const char *what);

/* Values for the placeholders of a filter. text: as a literal whose type the context decides. */
typedef struct RecPlaceholder
{
	char	   *name;
	Oid			type;			/* UNKNOWNOID: of the context */
	Datum		value;
	char	   *text;
	bool		null;
} RecPlaceholder;

/*
 * filter with each :name replaced by $1, $2, ... of the same width as far as possible, so that positions in error
 * messages fit; a list of RecPlaceholder, in this order, with the values that args (NULL: none) has for them.
 */
extern char *rec_filter_placeholders(const char *filter, const Jsonb *args, List **placeholders);

/*
 * SELECT key, columns FROM items WHERE condition: row is called for each row of an item that the keys hold, in a context that
 * is reset after it; the columns stand in the slot from attribute 2 on.
 */
typedef struct RecItemQuery
{
	const RecModel *model;
	const RecKeys *keys;
	const char *what;			/* for the error when it holds a volatile function */
	const char *text;			/* what positions in errors refer to */
	List	   *columns;		/* names; NIL: none */
	Node	   *condition;		/* raw tree; NULL: all rows */
	List	   *placeholders;	/* values of its parameters */
	void		(*row) (void *state, int position, TupleTableSlot *slot);
	void	   *state;
} RecItemQuery;

extern void rec_item_query_run(const RecItemQuery *query, const RecItemSource *source);

/* Sets allowed[i] for the items of the version's keys that pass the filter, clears the others. */
extern void rec_filter_run(const RecModel *model, const RecKeys *keys, const char *filter, const Jsonb *args,
						   bool *allowed);

/*
 * Factors by which scores are multiplied, by position: of each item the product of what boost says of its attributes,
 * {"column": {"value": factor, ...}, ...}, a number in place of the object for true in a boolean column. Of an array column
 * each element counts. Items that the relation does not have, and null, have factor 1; of several rows of an item the
 * largest counts.
 */
extern void rec_boost_run(const RecModel *model, const RecKeys *keys, const Jsonb *boost, float *factor);

/* A named filter of the model, with its result for one version. */
typedef struct RecItemSet
{
	char	   *name;
	char	   *filter;
	Jsonb	   *filter_args;	/* NULL: none */
	bool		expired;		/* older than its max_age */
	int64		uid;			/* of the version that members is for */
	bytea	   *members;		/* one bit per position; NULL: never computed */
} RecItemSet;

/* An error when there is none. */
extern RecItemSet *rec_item_set_find(const RecModel *model, const char *name);

/* The members by position: the kept ones, or else by running the filter as the model's owner. */
extern void rec_item_set_mask(const RecModel *model, const RecKeys *keys, int64 uid, const char *name, bool *mask);
extern void rec_item_set_evaluate(const RecModel *model, const RecKeys *keys, const RecItemSet *set, bool *mask);

/* The bits to keep, and how many are set. */
extern bytea *rec_item_set_bits(const bool *mask, int n, int *count);

#endif							/* REC_ITEMS_H */
