/*
 * items.h
 *		The item relation of a model, and filters over it.
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

/* Sets allowed[i] for the items of the version's keys that pass the filter, clears the others. */
extern void rec_filter_run(const RecModel *model, const RecKeys *keys, const char *filter, const Jsonb *args,
						   bool *allowed);

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
