/*
 * params.h
 *		Hyperparameters: their names, ranges and defaults, read from jsonb.
 */
#ifndef REC_PARAMS_H
#define REC_PARAMS_H

#include "postgres.h"

#include "core/linear.h"
#include "utils/jsonb.h"

typedef enum RecTransform
{
	REC_TRANSFORM_NONE,			/* weight = |net| */
	REC_TRANSFORM_LOG1P,		/* weight = log(1 + |net|) */
	REC_TRANSFORM_BINARY		/* weight = 1 */
} RecTransform;

typedef enum RecAlgorithmKind
{
	REC_ALS, REC_EASE, REC_ITEM_KNN
} RecAlgorithmKind;

typedef struct RecParams
{
	RecAlgorithmKind algorithm;
	int			factors;		/* 0: the algorithm has none, and item weights instead */
	int			epochs;
	double		regularization; /* lambda; NaN: automatic until rec_params_resolve() */
	double		bias_regularization;	/* explicit: lambda of the biases; NaN: likewise */
	double		unobserved_weight;	/* alpha0; NaN: likewise */
	double		frequency_exponent; /* nu */
	double		init_scale;		/* standard deviation of the first factors, before 1/sqrt(factors) */
	RecTransform weight_transform;
	bool		cholesky;		/* exact solver instead of conjugate gradients */
	int			cg_steps;
	double		holdout;		/* share of a sampled user's positive pairs; 0: none */
	int			patience;		/* epochs without a better holdout metric; 0: never stop early */
	double		user_attribute_regularization;	/* ridge of the map from attributes; NaN: chosen by the training */
	double		item_attribute_regularization;
	int			neighbours;		/* item weights: entries of an item that are kept */
	RecSimilarity similarity;
	double		shrinkage;
	double		bm25_k1;
	double		bm25_b;
	int64		seed;
} RecParams;

/* Defaults of an algorithm for a kind of feedback. */
extern RecParams rec_params_default(RecAlgorithmKind algorithm, bool explicit_feedback);

/*
 * Overrides from a jsonb object; NULL changes nothing, and a null value puts a key back to its default. Another algorithm
 * than before begins from its own defaults; only seed and holdout are carried over. Raises an error that names the key,
 * its range and the nearest key, also for a key that does not belong to the algorithm.
 */
extern void rec_params_read(RecParams *params, const Jsonb *json, bool explicit_feedback);

/*
 * Gives the automatic values of implicit feedback: n positive pairs, the sum of their transformed weights, and the size
 * of the matrix. Both follow the data in such a way that neither the unit of the weights nor the density matters.
 */
extern void rec_params_resolve(RecParams *params, double sum, int64 n, int users, int items);

/*
 * The same for explicit feedback, from the ratings' standard deviation: a penalty of factors counts in units of the
 * rating, one of biases does not.
 */
extern void rec_params_resolve_explicit(RecParams *params, double deviation);

/* Whether a parameter takes whole numbers only; an error when there is none of that name. */
extern bool rec_params_whole(const char *name);

/* Whether a value is the least or the largest that a parameter can have. */
extern bool rec_params_limit(const char *name, double value);

/* The algorithm that a jsonb object names, else the given one. */
extern RecAlgorithmKind rec_params_algorithm_in(const Jsonb *json, RecAlgorithmKind otherwise);

/* Which algorithm is trained, as recommender.c names it. */
extern const char *rec_params_algorithm(const RecParams *params);

/* Penalty of a bias in units of that of a factor. */
extern float rec_params_bias_penalty(const RecParams *params);

/* All values as a jsonb object; automatic ones must have been resolved. */
extern Jsonb *rec_params_write(const RecParams *params);

/* The weight of a pair from its net sum; the sign is kept, 0 stays 0. */
extern float rec_transform(RecTransform transform, double net);

#endif							/* REC_PARAMS_H */
