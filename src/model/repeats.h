/*
 * repeats.h
 *		What a user takes again: the items of the user's events with their decayed weights.
 *
 * The score of an item is the sum of the weights of the user's events with it, each halved per half-life before the
 * user's newest event: ages count from there, so that the answer is the same whenever it is asked, and old data does not
 * fade to zero. With explicit feedback each event counts 1. Without live events the stored history serves: its net weights.
 */
#ifndef REC_REPEATS_H
#define REC_REPEATS_H

#include "model/user.h"

#define REC_REPEATS_HALF_LIFE (90.0 * USECS_PER_DAY)	/* where none is given */

typedef struct RecRepeats
{
	int			n;
	int32	   *item;			/* ascending */
	float	   *score;
	int64	   *last;			/* time of the newest event; NULL: not known */
	Oid			time_type;
} RecRepeats;

/* half_life in microseconds, 0: no decay. n, item, net: the stored history, used when no live events were read. */
extern RecRepeats rec_repeats_get(const RecServing *serving, RecLive *live, int n, int32 *item, const float *net,
								  double half_life);

/* The score of an item; 0: none. */
extern float rec_repeats_score(const RecRepeats *repeats, int32 item);

#endif							/* REC_REPEATS_H */
