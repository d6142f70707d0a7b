/*
 * rank.h
 *		From scores to the rows of an answer: what recommend() and recommend_for() have in common.
 */
#ifndef REC_RANK_H
#define REC_RANK_H

#include "api/allowed.h"
#include "model/repeats.h"

/* Writes the answer for a user. repeats: what request->buy_again blends in; NULL: nothing. */
extern void rec_answer(const RecCall *call, RecAllowed *allowed, const RecUser *user, const RecRepeats *repeats,
					   const RecRequest *request);

#endif							/* REC_RANK_H */
