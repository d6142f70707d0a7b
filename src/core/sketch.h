/*
 * sketch.h
 *		Quantiles of a stream in little memory, with an error that is known.
 *
 * Munro and Paterson, Theoretical Computer Science 12, 1980, in the form of Karnin, Lang and Liberty, FOCS 2016: level l
 * holds numbers that stand for 2^l each. A full level is sorted, every second number of it goes one level up, and the
 * rest is forgotten. Each such step moves the rank of any number by at most 2^l, and the steps are counted: `error` is
 * a bound, not an estimate. As steps start at the first and at the second number by turns, what they move mostly
 * cancels. Without a step the sketch holds all numbers.
 */
#ifndef REC_SKETCH_H
#define REC_SKETCH_H

#include <stdbool.h>
#include <stdint.h>

#define REC_SKETCH_SIZE 4096	/* numbers in a level */
#define REC_SKETCH_LEVELS 48	/* for 2^59 numbers */

typedef struct RecSketch
{
	double	   *level[REC_SKETCH_LEVELS];	/* room for REC_SKETCH_SIZE numbers each, or NULL */
	int			count[REC_SKETCH_LEVELS];
	bool		second[REC_SKETCH_LEVELS];	/* where the next step of the level starts */
	int64_t		n;
	int64_t		error;			/* ranks are at most so far from the true ones */
} RecSketch;

/* The highest level that adding to a level may need; the caller provides all up to it. */
extern int	rec_sketch_needs(const RecSketch *s, int level);

/* Adds a number that stands for 2^level; `n` and `error` are the caller's to count when it merges sketches. */
extern void rec_sketch_add(RecSketch *s, int level, double x);

/* How many numbers the sketch holds. */
extern int64_t rec_sketch_size(const RecSketch *s);

/* A number that stands for several. */
typedef struct RecWeighted
{
	double		x,
				weight;
} RecWeighted;

/* Quantiles at i / (count - 1), between neighbours as percentile_cont; list: room for rec_sketch_size() numbers. */
extern void rec_sketch_quantiles(const RecSketch *s, RecWeighted *list, double *quantile, int count);

/* The same of any numbers, which it sorts. */
extern void rec_weighted_quantiles(RecWeighted *list, int64_t n, double *quantile, int count);

#endif							/* REC_SKETCH_H */
