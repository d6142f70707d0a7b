/*
 * linear.h
 *		Item-to-item models: what they are made of and how they score.
 *
 * A model is a sparse matrix S of weights: one unit of item j in a user's row adds S_ji to the score of item i. The
 * rows of S are short lists of (item, weight), items ascending.
 *
 * Cooccurrence rows, the start of every such model, are computed one item at a time from both orders of the users x
 * items matrix: so only one row is at hand, and rows can be shared out among processes.
 *
 * Memory is the caller's.
 */
#ifndef REC_LINEAR_H
#define REC_LINEAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct RecWeights
{
	int64_t     n;      /* items */
	int64_t    *start;  /* n + 1 */
	int32_t    *item;   /* start[n]; ascending in a row */
	float      *weight; /* start[n] */
} RecWeights;

/* score[i] += value[k] * S[item[k]][i] over the m pairs of a user, whatever order; pairs of value 0 cost nothing. */
extern void
rec_weights_score(const RecWeights *weights, int m, const int32_t *item, const float *value, float *score);

/*
 * Of m entries, ascending by item (items NULL: 0 .. m-1), those `most` that are largest in absolute value, of equal ones
 * the first, without zeros. Writes them to item and weight in the same order and returns how many. scratch: m floats.
 */
extern int
rec_weights_keep(const int32_t *items, const float *values, int64_t m, int most, float *scratch, int32_t *item,
				 float *weight);

/* Both orders of the users x items matrix. */
typedef struct RecInteractions
{
	const int64_t *user_start;
	const int32_t *user_item;
	const float   *user_value;
	const int64_t *item_start;
	const int32_t *item_user;
	const float   *item_value;
} RecInteractions;

/*
 * row[j] += x_i . x_j for items j >= first, through the users item_user[from .. to-1] of item i. A caller that wants to
 * be interruptible gives a popular item in several pieces. touched NULL, or the items whose entry was 0 before are
 * appended to it and *ntouched; values must be above 0 then.
 */
extern void
rec_dot_row(const RecInteractions *x, int64_t from, int64_t to, int32_t first, float *row, int32_t *touched,
			int64_t *ntouched);

typedef enum RecSimilarity
{
	REC_SIMILARITY_COSINE,		/* <x_i, x_j> / (|x_i| |x_j| + shrinkage) */
	REC_SIMILARITY_PEARSON,		/* the same of x - mean, over all users */
	REC_SIMILARITY_BM25			/* the same of BM25-weighted x */
} RecSimilarity;

/* What a similarity needs to know of the items. */
typedef struct RecItemMoments
{
	RecSimilarity similarity;
	double		users;			/* rows of X */
	double		shrinkage;
	const double *sum;			/* of each item's values */
	const double *length;		/* of each item's column: its norm, or that of the centred one */
} RecItemMoments;

/* The similarity of items i and j from their dot product. */
extern float
rec_similarity(const RecItemMoments *moments, int64_t i, int64_t j, float dot);

/*
 * The BM25 weight of a value: the items are the documents, the users the words. A user with many items says little,
 * and so does one more user of an item that has many.
 *
 *	value (k1 + 1) / (value + k1 (1 - b + b * relative_length)) * log(1 + items / (1 + user_items))
 */
extern double
rec_bm25_weight(double value, double k1, double b, double relative_length, double items, double user_items);

#endif							/* REC_LINEAR_H */
