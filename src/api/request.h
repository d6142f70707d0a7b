/*
 * request.h
 *		The options of one request for recommendations: what came after the fixed arguments of the first release.
 *
 * They travel as one jsonb object, so that the C signatures never change. A key with a JSON null counts as not given.
 *
 * A new option is a field here, a function that reads it and a line in the table in request.c, and its name in the
 * wrappers: once in sql/30_model_ddl.sql (the texts at the end of rec._model_functions) and in the functions of
 * sql/40_serving.sql that take the model by name.
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
	Jsonb	   *boost;
	Jsonb	   *context;
	float		diversity;		/* 0 .. 1; 0: none */
	float		buy_again;		/* 0 .. 1; 0: none */
	char	   *experiment;
	char	   *placement;
	bool		by_item;		/* explain: the item's side */
	Jsonb	   *attributes;		/* of a visitor; NULL: none */
	enum {REC_EXPLORE_NOT, REC_EXPLORE_UCB, REC_EXPLORE_THOMPSON} explore;
	float		beta;			/* ucb: standard deviations that are added */
	float		sigma;			/* thompson: factor of the standard deviations */
	bool		has_spread;		/* beta or sigma or seed is given */
	int64		seed;
} RecRequest;

/* Which function reads its options; one that it does not take is unknown. */
typedef enum RecRequestFor
{
	REC_FOR_USER = 1,			/* recommend */
	REC_FOR_BASKET = 2,			/* recommend_for */
	REC_FOR_MANY = 4,			/* recommend_many */
	REC_FOR_BUY_AGAIN = 8,		/* buy_again */
	REC_FOR_SERVE = 16,			/* serve */
	REC_FOR_PREDICT = 32,		/* predict */
	REC_FOR_EXPLAIN = 64		/* explain */
} RecRequestFor;

/* Reads the options argument i; an error for an unknown key, a value that does not fit, or options that do not combine. */
extern void rec_request_read(RecRequest *request, FunctionCallInfo fcinfo, int i, RecRequestFor function);

#endif							/* REC_REQUEST_H */
