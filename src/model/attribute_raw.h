/*
 * attribute_raw.h
 *		Rows of a query as raw values of attributes: what reading a relation and reading one row share.
 */
#ifndef REC_ATTRIBUTE_RAW_H
#define REC_ATTRIBUTE_RAW_H

#include "compat.h"

#include "executor/spi.h"
#include "model/attributes.h"

/* Raw values of many rows, one behind the other. */
typedef struct RecRawStore
{
	int			natts;
	int64		nrows,
				room_rows;
	int64	   *first;			/* of each row: its first value */
	int32	   *start;			/* natts + 1 of each row, relative to it */
	int32	   *row;			/* whose: the reader's */
	int64		n,
				room;
	uint64	   *hash;
	double	   *value;
	int64		not_finite;
	MemoryContext context;
} RecRawStore;

extern void rec_raw_init(RecRawStore *store, int natts, MemoryContext context);
extern Size rec_raw_memory(const RecRawStore *store);
extern RecRaw rec_raw_of(const RecRawStore *store, int64 row);

/* Appends ", expression" for each attribute, cast to what rec_raw_take() knows; and the type of its column in a JSON object. */
extern void rec_raw_expressions(StringInfo query, const RecAttributes *list);
extern const char *rec_raw_json_type(const RecAttribute *attribute);

/* Appends a row of a result whose attributes begin with column `from` (1-based); fit: to name levels in, or NULL. */
extern void rec_raw_take(RecRawStore *store, RecEncoderFit *fit, const RecAttributes *list, HeapTuple tuple, TupleDesc desc,
						 int from);

#endif							/* REC_ATTRIBUTE_RAW_H */
