/*
 * attribute_store.h
 *		Reading the attributes of a version. Writing is in store.h.
 */
#ifndef REC_ATTRIBUTE_STORE_H
#define REC_ATTRIBUTE_STORE_H

#include "model/attributes.h"
#include "model/user.h"

/* The fitted encoders of a version, palloc'd; NULL: that side has no attributes. */
extern RecAttributes *rec_attributes_stored(const RecModel *model, int version, RecSide side);

/* What a column stands for, as "attribute=level". */
extern char *rec_column_name(const RecAttributes *attributes, int column);

/* The map as columns x stride floats in the given context; NULL: there is none, or it says nothing. */
extern float *rec_map_stored(const RecModel *model, int version, RecSide side, int factors, bool explicit_feedback,
							 int *columns, MemoryContext context);

/* The encoded attributes of a user or item as the version keeps them; false: it has none, or no map. */
extern bool rec_encoded_stored(const RecModel *model, const RecServing *serving, RecSide side, Datum key, RecEncoded *row);

/* What the map makes of them: stride floats, aligned. */
extern float *rec_expected_factors(const RecServing *serving, RecSide side, const RecEncoded *row);

#endif							/* REC_ATTRIBUTE_STORE_H */
