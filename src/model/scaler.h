/*
 * scaler.h
 *		Scalers as SQL has them: rec.scaler, a domain over jsonb.
 */
#ifndef REC_MODEL_SCALER_H
#define REC_MODEL_SCALER_H

#include "compat.h"

#include "core/scaler.h"
#include "model/events.h"
#include "utils/jsonb.h"

/* Reads and checks; an error that names what is wrong. Everything is palloc'd in one piece in the current context. */
extern RecScaler *rec_scaler_read(const Jsonb *json);
extern Jsonb *rec_scaler_write(const RecScaler *scaler);

/* Checks the option value_scaler: the name of a kind, or the text of a fitted scaler. */
extern void rec_scaler_option(const char *option);

/* Whether a training fits the model's scaler, as one that is named by its kind. */
extern bool rec_scaler_is_fitted_by(const RecModel *model);

/* The same for values that are at hand: text in the current context, NULL where there are none. */
extern char *rec_values_scaler(const RecModel *model, const double *value, int64 n);

/*
 * The scaler of a training, as text in the context: the option itself when it is fitted, else fitted to the values of the events that
 * the training will use. NULL when the model has no value_scaler.
 */
extern char *rec_events_scaler(const RecModel *model, const RecEventSource *source, MemoryContext context);

/* The kind of this name; an error with the nearest one. */
extern RecScalerKind rec_scaler_kind(const char *name);

#endif							/* REC_MODEL_SCALER_H */
