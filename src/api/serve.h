/*
 * serve.h
 *		What the serving functions share: arguments, the model of a call, and writing the answer.
 */
#ifndef REC_SERVE_H
#define REC_SERVE_H

#include "compat.h"

#include "core/topk.h"
#include "fmgr.h"
#include "funcapi.h"
#include "model/user.h"

/* The model and version of a call; USAGE on the schema is checked first, before anything is read. */
typedef struct RecCall
{
	FunctionCallInfo fcinfo;
	RecModel   *model;
	int			version;
	RecServing *serving;		/* NULL: the model was never trained */
	int			k;				/* INT_MAX: everything */
	bool		text_keys;		/* the answer's keys are text, not of the column's type */
	ReturnSetInfo *result;
} RecCall;

/*
 * Checks and opens; k and the result only for set-returning functions (k_argument >= 0). open and load are the two steps of
 * begin, for who may do without the version in memory.
 */
extern void rec_call_open(RecCall *call, FunctionCallInfo fcinfo, int k_argument);
extern void rec_call_load(RecCall *call, int version_argument);
extern void rec_call_begin(RecCall *call, FunctionCallInfo fcinfo, int k_argument, int version_argument);
extern void rec_call_load_version(RecCall *call, int version);	/* 0: the active one */
extern void rec_call_end(RecCall *call);

/* A key given as argument i; false when it is null or no key of the type. */
extern bool rec_call_key(const RecCall *call, int i, const RecKeyType *kind, Datum *key);

/* Positions of the items of an array argument: known ones, ascending, without repetition; NULL for a null argument. */
extern int32 *rec_call_items(const RecCall *call, int i, int *n);

/* A key of the answer: of the column's type, or as text. */
extern Datum rec_call_output(const RecCall *call, const RecKeyType *kind, Datum key);

/* Type of the user key, as the model's table has it. */
extern void rec_call_user_type(const RecCall *call, RecKeyType *kind);

/* Scores of all items for a vector; callers take out what is not allowed by setting it to -infinity. */
extern float *rec_call_scores(const RecCall *call, const float *vector);

/* Number of rows an answer may have: k, but no more than there are. */
extern int	rec_call_limit(const RecCall *call, int available);

/*
 * For functions that show other users' keys and what is stored of them: an error where row security hides events from
 * the caller.
 */
extern void rec_call_refuse_row_security(const RecCall *call);

#endif							/* REC_SERVE_H */
