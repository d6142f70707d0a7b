/*
 * unscaled.h
 *		Events whose values are scaled after they were parted, so that the scaler is fitted to one part alone.
 */
#ifndef REC_UNSCALED_H
#define REC_UNSCALED_H

#include "model/events.h"

/* Fits the model's scaler to these events, which are unscaled. */
extern char *rec_unscaled_fit(const RecModel *model, const RecEvents *events);

/* Sets each event's value to its weight times its scaled value. Events stay unscaled until they are settled. */
extern void rec_unscaled_apply(RecEvents *events, const char *scaler);
extern void rec_unscaled_settle(RecEvents *events, const char *scaler);

#endif							/* REC_UNSCALED_H */
