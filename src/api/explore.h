/*
 * explore.h
 *		Answers that vary where the model is unsure.
 */
#ifndef REC_EXPLORE_H
#define REC_EXPLORE_H

#include "api/request.h"
#include "api/serve.h"

/* Adds to the scores of all items what request->explore asks for. The user must not be a popular one. */
extern void rec_explore(const RecCall *call, const RecUser *user, const RecRequest *request, float *score);

#endif							/* REC_EXPLORE_H */
