/*
 * prior.h
 *		Linear maps from attributes to factors: the expected factors of a row before its events are seen.
 *
 * With F the sparse design matrix of one side (a row of attribute values for each user or item), X its factor rows and
 * w the rows' weights, the map A minimizes
 *
 *	sum over rows of w_r |x_r - A'f_r|^2 + ridge |A|^2
 *
 * so (F'WF + ridge I) A = F'WX, the same matrix for all coordinates of the factors. With few columns it is factored
 * once and solved in every epoch; with many, conjugate gradients with the diagonal as preconditioner run on all
 * coordinates at a time, and F'WF is never formed.
 *
 * Like als.h: nothing allocates, arrays are the caller's, `stride` floats a factor row. Every function works on a range
 * (columns, rows or coordinates) whose result does not depend on how the whole is cut into ranges.
 */
#ifndef REC_PRIOR_H
#define REC_PRIOR_H

#include <stdbool.h>
#include <stdint.h>

/* A design matrix by row and, for fitting, by column. */
typedef struct RecFeatures
{
	int64_t		nrows;
	int			ncols;
	const int64_t *row_start;	/* nrows + 1 */
	const int32_t *column;
	const float *value;
	const int64_t *col_start;	/* ncols + 1 */
	const int32_t *row;
	const float *col_value;
} RecFeatures;

/* Fills the arrays by column from those by row; rows ascend within a column. */
extern void rec_features_transpose(const RecFeatures *f, int64_t *col_start, int32_t *row, float *col_value);

/* Rows lo .. hi-1 of the lower triangle of F'WF, in a matrix of ncols x ncols. */
extern void rec_map_normal(const RecFeatures *f, const float *weight, int lo, int hi, double *a);

/* Adds ridge to the diagonal and factors a = LL' in place (lower triangle); false: no positive pivot. */
extern bool rec_map_factor(double *a, int n, double ridge);

/* Rows lo .. hi-1 of F'WX; weight NULL: all 1. */
extern void rec_map_right(const RecFeatures *f, const float *weight, const float *x, int stride, int lo, int hi,
						  float *out);

/* Solves LL'A = B for the REC_MAP_BLOCK coordinates from `first` on, in place; scratch: n * REC_MAP_BLOCK doubles. */
#define REC_MAP_BLOCK 8
extern void rec_map_solve(const double *l, int n, float *b, int stride, int first, double *scratch);

/* out = rows lo .. hi-1 of F A, each times its weight (NULL: 1); out starts with row lo. */
extern void rec_map_mean(const RecFeatures *f, const float *weight, const float *map, int stride, int64_t lo, int64_t hi,
						 float *out);

/* The same for one row of n values. */
extern void rec_map_one(int n, const int32_t *column, const float *value, const float *map, int stride, float *out);

/*
 * Conjugate gradients for all coordinates. begin: from the right-hand side b, with a = F'WF map; each step then takes
 * a = F'WF p and moves map. All arrays are n x stride floats, diagonal (of F'WF) has n.
 */
typedef struct RecMapCg
{
	int			n,
				stride;
	double		ridge;
	const float *diagonal;
	float	   *map,
			   *r,
			   *p,
			   *a;
	double	   *rz;				/* stride */
} RecMapCg;

extern void rec_map_cg_begin(const RecMapCg *cg, const float *b);
extern void rec_map_cg_step(const RecMapCg *cg);

/* Diagonal of F'WF. */
extern void rec_map_diagonal(const RecFeatures *f, const float *weight, float *diagonal);

/* sum over rows of weight * (x' G x) for residuals: x' G x with G stride x stride, symmetric. */
extern double rec_map_energy(const float *x, const double *g, int stride);

#endif							/* REC_PRIOR_H */
