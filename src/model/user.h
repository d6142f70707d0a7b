/*
 * user.h
 *		What a model knows of one user at the moment of a call: history, factors, and where they come from.
 */
#ifndef REC_USER_H
#define REC_USER_H

#include "model/live.h"

typedef enum RecSource
{
	REC_SOURCE_PERSONALIZED,	/* stored factors */
	REC_SOURCE_FOLDED_IN,		/* factors from the events as they stand now */
	REC_SOURCE_ATTRIBUTES,		/* nothing positive is known, but attributes are */
	REC_SOURCE_POPULAR			/* nothing positive is known of the user */
} RecSource;

/* As the column source shows it. */
extern const char *rec_source_name(RecSource source);

typedef struct RecUser
{
	RecSource	source;
	RecLive		live;
	int			n;				/* pairs: the history that the factors stand for */
	int32	   *item;			/* ascending */
	float	   *net;
	float	   *vector;			/* stride floats, aligned; explicit: 1 where items have their bias. NULL: popular */
	float	   *factors;		/* stride floats as the solver has them; NULL: popular */
	float	   *score;			/* item weights: of all items, instead of vector and factors; else NULL */
	bool		described;		/* attributes are known; else the model expects what it expects of anybody */
	struct RecEncoded *attributes;	/* NULL: the model has no map for users, or they were not needed */
	float	   *prior;			/* factors that they let expect; NULL likewise */
} RecUser;

/* The user's state. known is false for NULL and for keys that no user can have. */
extern void rec_user_get(const RecModel *model, const RecServing *serving, Datum user, const RecKeyType *kind,
						 bool known, ArrayType *types, RecUser *result);

/* Sets attributes and prior, for rec_user_from_pairs(); row NULL: of somebody of whom nothing is known. */
extern void rec_user_expect(const RecServing *serving, struct RecEncoded *row, RecUser *result);

/* The same from what is stored or can be read of a user, unless it is done. */
extern void rec_user_describe(const RecModel *model, const RecServing *serving, const RecKeyType *kind, Datum user,
							  RecUser *result);

/* Factors from given pairs (net weights), as for a basket; result->prior as set before. */
extern void rec_user_from_pairs(const RecServing *serving, int n, int32 *item, float *net, RecUser *result);

/* What is added to <vector, item row>: explicit: mean and the user's bias. */
extern float rec_user_offset(const RecServing *serving, const RecUser *user);

/* Observations and half-step of the user's pairs, for rec_als_solve_one and rec_als_explain. */
typedef struct RecUserRow
{
	RecMatrix	matrix;
	RecHalfStep step;
	int			n;
	int32	   *column;
	float	   *value;
	void	   *scratch;
} RecUserRow;

/* prior: expected factors, NULL: none */
extern void rec_user_row(const RecServing *serving, int n, const int32 *item, const float *net, const float *prior,
						 RecUserRow *row);

/* Turns stored factors into the vector that is multiplied with item rows. */
extern float *rec_query_vector(const RecServing *serving, const float *factors);

/* A row of a table of the model by (version, key); NULL when there is none. Caller ends the scan. */
typedef struct RecUserScan
{
	Relation	rel;
	struct SysScanDescData *scan;
} RecUserScan;

extern HeapTuple rec_user_scan(RecUserScan *scan, const RecModel *model, const char *table, int version, Datum user);
extern void rec_user_scan_end(RecUserScan *scan);

/* The stored history of a user; false when the version does not know the user. Arrays are palloc'd. */
extern bool rec_user_stored_history(const RecModel *model, const RecServing *serving, Datum user, int *n,
									int32 **item, float **net);

/* The same from a row of user_history. */
extern void rec_row_history(const RecModel *model, const RecServing *serving, HeapTuple tuple, TupleDesc desc, int *n,
							int32 **item, float **net);

/* Whether the pairs say anything in favour of an item; else the user gets popular ones. */
extern bool rec_anything_positive(const RecServing *serving, int n, const float *net);

/* factors and bias of a row of user_factors or item_factors into `stride` aligned floats. */
extern void rec_row_factors(const RecServing *serving, HeapTuple tuple, TupleDesc desc, int factors_attnum,
							float *row);

#endif							/* REC_USER_H */
