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

/* The item relation as it stands now; found by name at every use, because warehouses replace tables. */
typedef struct RecItemSource
{
	Oid			relid;
	Oid			key_type;		/* base type of the key column */
} RecItemSource;

/* An error when there is none, it is gone, or its key cannot be compared with keys of the given type. */
extern void rec_item_source(const RecModel *model, Oid item_type, RecItemSource *source);

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

#endif							/* REC_ITEMS_H */
