/*
 * materialization.h
 *		What rec.materialize has stored of a model: its row in rec.materialization.
 */
#ifndef REC_MATERIALIZATION_H
#define REC_MATERIALIZATION_H

#include "model/catalog.h"

typedef struct RecMaterialization
{
	int64		uid;			/* of the version */
	int			k;
	bool		exclude_seen;
	bool		has_newest;
	int64		newest;			/* time of the newest event that was looked at */
} RecMaterialization;

/* False when the model was never materialized. */
extern bool rec_materialization_find(const RecModel *model, RecMaterialization *result);

#endif							/* REC_MATERIALIZATION_H */
