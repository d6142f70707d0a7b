/*
 * scaler.h
 *		Scalers as SQL has them: rec.scaler, a domain over jsonb.
 */
#ifndef REC_MODEL_SCALER_H
#define REC_MODEL_SCALER_H

#include "compat.h"

#include "core/scaler.h"
#include "utils/jsonb.h"

/* Reads and checks; an error that names what is wrong. Everything is palloc'd in one piece in the current context. */
extern RecScaler *rec_scaler_read(const Jsonb *json);
extern Jsonb *rec_scaler_write(const RecScaler *scaler);

/* The kind of this name; an error with the nearest one. */
extern RecScalerKind rec_scaler_kind(const char *name);

#endif							/* REC_MODEL_SCALER_H */
