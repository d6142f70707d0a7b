/*
 * assign.h
 *		What the functions that take a unit's id share.
 */
#ifndef REC_ASSIGN_H
#define REC_ASSIGN_H

#include "compat.h"

#include "fmgr.h"
#include "model/experiment.h"

/* A unit's id as text in the server's encoding: of any type, by the output function. Not terminated. */
typedef struct RecUnit
{
	const char *id;
	int			length;
	char		room[40];		/* for numbers and uuids */
} RecUnit;

extern void rec_unit_of(RecUnit *unit, Datum value, Oid type);

#endif							/* REC_ASSIGN_H */
