/*
 * side.h
 *		The two sides of a model.
 */
#ifndef REC_SIDE_H
#define REC_SIDE_H

typedef enum RecSide
{
	REC_USERS, REC_ITEMS
} RecSide;

static inline const char *
rec_side_name(RecSide side)
{
	return side == REC_USERS ? "user" : "item";
}

#endif							/* REC_SIDE_H */
