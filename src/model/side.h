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

#endif							/* REC_SIDE_H */
