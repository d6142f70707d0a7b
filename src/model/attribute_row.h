/*
 * attribute_row.h
 *		Attributes of one user or item outside of a training.
 */
#ifndef REC_ATTRIBUTE_ROW_H
#define REC_ATTRIBUTE_ROW_H

#include "model/attribute_store.h"

/* The fitted encoders of a version as the session keeps them, for the current call; NULL: that side has no attributes. */
extern const RecAttributes *rec_attributes_kept(const RecModel *model, const RecServing *serving, RecSide side);

/*
 * One row of the relation by key, with the caller's rights. False: there is none, or it may not be read, an index does not lead to
 * it, or a column is gone or has become something else.
 */
extern bool rec_attributes_live(const RecModel *model, const RecServing *serving, RecSide side, const RecKeyType *kind,
								Datum key, RecEncoded *row);

/* A JSON object of columns; the side must have attributes. */
extern void rec_attributes_json(const RecModel *model, const RecServing *serving, RecSide side, const Jsonb *json,
								RecEncoded *row);

#endif							/* REC_ATTRIBUTE_ROW_H */
