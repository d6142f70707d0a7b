/*
 * sequential.c
 *		Confidence sequences and group-sequential boundaries. See sequential.h.
 *
 * Boundaries by recursive numerical integration (Armitage, McPherson and Rowe 1969): the density of the process that has not
 * crossed yet is carried from look to look on Gauss-Legendre points, dense enough for the step between two looks.
 */
#include "core/sequential.h"

#include <stddef.h>

#include "core/dist.h"
#include "core/dist_impl.h"

/* Beyond so many standard deviations there is no density that counts. */
#define FAR 9.0

#define MOST_PANELS 130

double
rec_sequential_width(double n, double tuning_n, double alpha, RecSide side)
{
	double		a = side == REC_TWO_SIDED ? alpha : 2 * alpha,
				spread = -2 * log(a),
				x = n * (spread + log1p(spread)) / tuning_n;	/* n rho^2 */

	return sqrt((x + 1) / x * (log1p(x) - 2 * log(a)));
}

void
rec_effect_sequential(RecEffect *e, const RecTestOptions *options, double tuning_n)
{
	double		n = e->control.n + e->treatment.n,
				alpha = 1 - options->confidence,
				a = options->side == REC_TWO_SIDED ? alpha : 2 * alpha,
				spread = -2 * log(a),
				x = n * (spread + log1p(spread)) / tuning_n,
				z;

	rec_effect_begin(e);
	e->df = NAN;
	if (e->note)
		return;
	e->statistic = (e->difference - options->margin) / e->std_error;
	rec_effect_intervals(e, options, rec_sequential_width(n, tuning_n, alpha, options->side));
	/* the alpha at which the interval, of this tuning, just leaves out the margin */
	z = e->statistic;
	e->p_value = fmin(1, exp(log1p(x) / 2 - z * z / 2 * (x / (x + 1))));
	if (options->side != REC_TWO_SIDED)
		e->p_value = (options->side == REC_GREATER ? z > 0 : z < 0) ? e->p_value / 2 : 1;
	rec_effect_warn_of_skew(e);
}

double
rec_spent(RecSpending spending, double alpha, double t)
{
	if (t >= 1)
		return alpha;
	if (spending == REC_POCOCK)
		return alpha * log1p((exp(1) - 1) * t);
	return 2 * rec_normal_sf(rec_normal_isf(alpha / 2) / sqrt(t));
}

/* The density on points: of the process B(t), whose variance is t, where no boundary was crossed. */
typedef struct Grid
{
	int			n;
	double	   *x;
	double	   *weighted;		/* density times quadrature weight */
} Grid;

/* Points on [low, high] for a step of standard deviation sd to come. */
static void
set_points(Grid *grid, double low, double high, double sd, double *weight)
{
	int			panels = (int) ceil((high - low) / (4 * sd));
	double		half;

	panels = panels < 1 ? 1 : panels > MOST_PANELS ? MOST_PANELS : panels;
	half = (high - low) / (2 * panels);
	grid->n = 0;
	for (int panel = 0; panel < panels; panel++)
		for (int i = 0; i < 10; i++)
			for (int sign = -1; sign <= 1; sign += 2)
			{
				grid->x[grid->n] = low + half * (2 * panel + 1 + sign * (double) rec_gauss_node[i]);
				weight[grid->n++] = half * (double) rec_gauss_weight[i];
			}
}

/* Probability that the process steps above `bound` from where it is; at first it is at 0. */
static double
crossing(const Grid *grid, double bound, double sd, double drift)
{
	double		sum = 0;

	if (grid->n == 0)
		return 0.5 * erfc((bound - drift) / sd * M_SQRT1_2);
	for (int i = 0; i < grid->n; i++)
		sum += grid->weighted[i] * 0.5 * erfc((bound - grid->x[i] - drift) / sd * M_SQRT1_2);
	return sum;
}

/* One step: the density on new points, between the boundaries. */
static void
advance(const Grid *from, Grid *to, double low, double high, double sd, double drift, double next_sd, double *weight)
{
	double		scale = 0.39894228040143267794 / sd;

	set_points(to, low, high, fmin(sd, next_sd), weight);
	for (int j = 0; j < to->n; j++)
	{
		double		sum = 0;

		if (from->n == 0)
			sum = exp(-0.5 * (to->x[j] - drift) / sd * ((to->x[j] - drift) / sd));
		for (int i = 0; i < from->n; i++)
		{
			double		z = (to->x[j] - from->x[i] - drift) / sd;

			if (fabs(z) < 38)
				sum += from->weighted[i] * exp(-0.5 * z * z);
		}
		to->weighted[j] = sum * scale * weight[j];
	}
}

/* The bound above which the process steps with probability p: false position on log probability. */
static double
bound_for(const Grid *grid, double sd, double t, double p)
{
	double		low = -FAR * sqrt(t),
				high = 40 * sqrt(t);

	if (grid->n == 0)
		return sd * rec_normal_isf(p);
	if (!(p > 1e-300))
		return INFINITY;
	for (int i = 0; i < 200 && high - low > 1e-13 * (1 + fabs(high)); i++)
	{
		double		middle = (low + high) / 2;

		if (crossing(grid, middle, sd, 0) > p)
			low = middle;
		else
			high = middle;
	}
	return (low + high) / 2;
}

static void
grids(double *scratch, Grid *a, Grid *b, double **weight)
{
	int			room = 20 * MOST_PANELS;

	*a = (Grid) {0, scratch, scratch + room};
	*b = (Grid) {0, scratch + 2 * room, scratch + 3 * room};
	*weight = scratch + 4 * room;
}

/* Ends of where the process may go on at information t, under a drift so far of `mean`. */
static void
continuation(double boundary, bool two_sided, double t, double mean, double *low, double *high)
{
	*high = fmin(boundary * sqrt(t), mean + FAR * sqrt(t));
	*low = two_sided ? fmax(-boundary * sqrt(t), mean - FAR * sqrt(t)) : mean - FAR * sqrt(t);
	*high = fmax(*high, *low);
}

void
rec_group_boundaries(RecSpending spending, double alpha, bool two_sided, const double *information, int looks,
					 double *boundary, double *scratch, void (*tick) (void))
{
	double		side = two_sided ? alpha / 2 : alpha,
				before = 0,
			   *weight;
	Grid		from,
				to;

	grids(scratch, &from, &to, &weight);
	for (int k = 0; k < looks; k++)
	{
		double		t = information[k],
					sd = sqrt(t - (k > 0 ? information[k - 1] : 0)),
					spent = rec_spent(spending, side, t),
					bound = bound_for(&from, sd, t, spent - before),
					low,
					high;
		Grid		swap;

		if (tick)
			tick();
		boundary[k] = bound / sqrt(t);
		before = spent;
		if (k + 1 == looks)
			break;
		continuation(boundary[k], two_sided, t, 0, &low, &high);
		advance(&from, &to, low, high, sd, 0, sqrt(information[k + 1] - t), weight);
		swap = from;
		from = to;
		to = swap;
	}
}

double
rec_group_power(const double *boundary, bool two_sided, const double *information, int looks, double drift,
				double *scratch, void (*tick) (void))
{
	double		power = 0,
			   *weight;
	Grid		from,
				to;

	grids(scratch, &from, &to, &weight);
	for (int k = 0; k < looks; k++)
	{
		double		t = information[k],
					step = t - (k > 0 ? information[k - 1] : 0),
					sd = sqrt(step),
					low,
					high;
		Grid		swap;

		if (tick)
			tick();
		power += crossing(&from, boundary[k] * sqrt(t), sd, drift * step);
		if (k + 1 == looks)
			break;
		continuation(boundary[k], two_sided, t, drift * t, &low, &high);
		advance(&from, &to, low, high, sd, drift * step, sqrt(information[k + 1] - t), weight);
		swap = from;
		from = to;
		to = swap;
	}
	return fmin(1, power);
}
