/*
 * gp.h
 *		A Gaussian process over points of the unit cube, for choosing where to look next.
 *
 * Kernel: Matern 5/2 with a length per coordinate, plus noise (Rasmussen and Williams, Gaussian Processes for Machine
 * Learning, 2006, ch. 2, 4.2 and 5). Lengths and noise maximize the marginal likelihood, the signal's variance in closed form, by
 * coordinate search over a grid, with a weak prior on the lengths; values are standardized. Next point: expected improvement
 * (Jones, Schonlau and Welch, J. Global Optim. 13, 1998).
 *
 * Memory is the caller's. Meant for a few hundred points: cost n^3 for each of about a hundred trials of the lengths.
 */
#ifndef REC_GP_H
#define REC_GP_H

#include <stdbool.h>
#include <stddef.h>

#define REC_GP_FEATURES 64

typedef struct RecGp
{
	int			n,
				d;
	const double *x;			/* n rows of d */
	double		length[REC_GP_FEATURES];
	double		noise;			/* in units of the signal's variance */
	double		signal;			/* variance, of standardized values */
	double		mean,
				scale;			/* that standardize the values */
	double		likelihood;		/* logarithm, up to a constant, prior included */
	double	   *factor;			/* lower Cholesky factor, n x n */
	double	   *weight;			/* n */
	double	   *value;			/* n, standardized */
	double	   *scratch;		/* n */
	void		(*tick) (void);	/* called now and then, to be cancelled; NULL: none; set before fitting */
} RecGp;

/* Numbers of workspace for n points. */
extern size_t rec_gp_workspace(int n);

/* Fits to n values y at x, d at most REC_GP_FEATURES; false: not possible (n < 2, or not a finite number). */
extern bool rec_gp_fit(RecGp *gp, const double *x, const double *y, int n, int d, double *workspace);

/* Mean and standard deviation of the function (without noise) at a point, in the units of y. */
extern void rec_gp_predict(RecGp *gp, const double *point, double *mean, double *deviation);

/* Expected improvement over best, when more is better. */
extern double rec_gp_improvement(double mean, double deviation, double best);

#endif							/* REC_GP_H */
