/*
 * request.h
 *		The options of one request for recommendations: what came after the fixed arguments of the first release.
 *
 * They travel as one jsonb object, so that the C signatures never change. A key with a JSON null counts as not given.
 */
#ifndef REC_REQUEST_H
#define REC_REQUEST_H

#include "compat.h"

#include "fmgr.h"
#include "utils/jsonb.h"

typedef struct RecRequest
{
	bool		has_min_score;
	float		min_score;
	int			after_rank;		/* rows up to this rank are passed over; 0: none */
	bool		has_cursor;		/* else these two are not set */
	float		cursor_score;
	char	   *cursor_item;
	char	   *filter;			/* NULL: none, likewise below */
	Jsonb	   *filter_args;
	char	   *item_set;
} RecRequest;

/* Reads the options argument i; an error for an unknown key or a value that does not fit. */
extern void rec_request_read(RecRequest *request, FunctionCallInfo fcinfo, int i);

#endif							/* REC_REQUEST_H */
