/*
 * space.h
 *		What rec.tune searches: parameters, each with one value, a list of values, or a range.
 *
 * A point has one coordinate in [0, 1) per parameter that is not fixed: along a range (its logarithm with "scale": "log"), or
 * where in the list. For the Gaussian process a list of names becomes one coordinate per name.
 */
#ifndef REC_SPACE_H
#define REC_SPACE_H

#include "core/gp.h"
#include "core/sobol.h"
#include "model/params.h"

typedef enum RecDimensionKind
{
	REC_FIXED, REC_RANGE, REC_LIST
} RecDimensionKind;

typedef struct RecDimension
{
	char	   *name;
	RecDimensionKind kind;
	double		min,
				max;
	bool		logarithmic;
	bool		whole;
	int			n;				/* values of a list; steps of a range in a grid, 0: as many as there is room for */
	JsonbValue *value;			/* of a list, or the fixed one */
	bool		ordered;		/* the values are ascending numbers */
} RecDimension;

typedef struct RecSpace
{
	int			n;				/* dimensions, fixed ones included */
	RecDimension *dimension;
	int			free;			/* that are not fixed */
	int			features;		/* of the Gaussian process */
} RecSpace;

/* Reads and checks a space, in the current context; every value must be one that the parameter allows. */
extern RecSpace *rec_space_read(const Jsonb *json, RecAlgorithmKind algorithm, bool explicit_feedback);

/* A good space around the automatic values of params, which are resolved. */
extern Jsonb *rec_space_default(const RecParams *params, bool explicit_feedback);

/* The params of a point, as a jsonb object; coordinates that mean the same value get the same object. */
extern Jsonb *rec_space_params(const RecSpace *space, const double *point);
extern void rec_space_features(const RecSpace *space, const double *point, double *feature);

/* Where params lie; in the middle of a dimension that does not hold their value. */
extern void rec_space_point(const RecSpace *space, const RecParams *params, double *point);

/* Whether the coordinate, one of those that are free, is of a list. */
extern bool rec_space_is_list(const RecSpace *space, int coordinate);

/* Points of a grid of about `points` points, and one of them. */
extern int64 rec_space_grid(const RecSpace *space, int64 points);
extern void rec_space_grid_point(const RecSpace *space, int64 points, int64 i, double *point);

/* Names of the ranges and ordered lists at whose end the point lies, where they could go on; NULL: none. */
extern char *rec_space_boundary(const RecSpace *space, const double *point);

#endif							/* REC_SPACE_H */
