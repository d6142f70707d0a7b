/*
 * arguments.h
 *		Text arguments of functions that take nulls.
 */
#ifndef REC_ARGUMENTS_H
#define REC_ARGUMENTS_H

#include "compat.h"

#include "fmgr.h"
#include "utils/builtins.h"

/* Argument i as a C string; NULL for null. */
static inline char *
rec_text_argument(FunctionCallInfo fcinfo, int i)
{
	return PG_ARGISNULL(i) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(i));
}

/* The same, and an error for null. */
static inline char *
rec_required_text(FunctionCallInfo fcinfo, int i, const char *name)
{
	if (PG_ARGISNULL(i))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", name)));
	return rec_text_argument(fcinfo, i);
}

#endif							/* REC_ARGUMENTS_H */
