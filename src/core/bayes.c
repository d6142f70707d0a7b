/*
 * bayes.c
 *		Posterior comparisons. See bayes.h.
 */
#include "core/bayes.h"

#include <math.h>
#include <stdbool.h>

#include "core/dist.h"
#include "core/dist_impl.h"

/* Shapes near or below 1 have a long flat side, which needs more. */
#define POINTS 161
#define MOST_POINTS 961

/* Below this, where the narrower one's own density is nearly 0 counts. */
#define RARE 1e-6

/* Two betas: the narrower one on points, the wider one by its distribution function. */
typedef struct Pair
{
	double		a,				/* of the wider */
				b;
	bool		wider_is_treatment;
	double		narrow_a,
				narrow_b,
				from,			/* logits between which the narrower one is */
				to;
	void		(*tick) (void);
	int			n;
	double		x[MOST_POINTS]; /* of the narrower */
	double		weight[MOST_POINTS];	/* its probability about there */
} Pair;

static double
beta_variance(double a, double b)
{
	return a / (a + b) * (b / (a + b)) / (a + b + 1);
}

static void
set_points(Pair *pair, double a, double b)
{
	long double from = rec_beta_log_odds(1e-19L, false, a, b),
				to = rec_beta_log_odds(1e-19L, true, a, b),
				step;

	/* shapes near 0 reach beyond what x can hold: there it is 0 or 1 */
	from = fmaxl(from, -11000);
	to = fminl(to, 11000);
	pair->narrow_a = a;
	pair->narrow_b = b;
	pair->from = (double) from;
	pair->to = (double) to;
	pair->n = fmin(a, b) < 5 ? MOST_POINTS : POINTS;
	step = (to - from) / (pair->n - 1);
	for (int i = 0; i < pair->n; i++)
	{
		long double s = from + step * i,
					x = 1 / (1 + expl(-s)),
					y = 1 / (1 + expl(s));

		pair->x[i] = (double) x;
		pair->weight[i] = (double) (rec_beta_power(x, y, a, b) * step);
	}
}

/* The wider one's part of P(treatment - control > d), given x of the narrower. */
static double
wider_tail(const Pair *pair, double x, double d)
{
	return pair->wider_is_treatment ? rec_beta_sf(x + d, pair->a, pair->b) : rec_beta_cdf(x - d, pair->a, pair->b);
}

/* Integral over the logit s from `low` to `high`, by Gauss-Legendre. */
static double
panel(const Pair *pair, double d, double low, double high)
{
	double		half = (high - low) / 2,
				sum = 0;

	for (int i = 0; i < 10; i++)
		for (int sign = -1; sign <= 1; sign += 2)
		{
			long double s = low + half * (1 + sign * rec_gauss_node[i]),
						x = 1 / (1 + expl(-s)),
						y = 1 / (1 + expl(s));

			sum += (double) (rec_gauss_weight[i] * rec_beta_power(x, y, pair->narrow_a, pair->narrow_b)) *
				wider_tail(pair, (double) x, d);
		}
	return sum * half;
}

/* From a point where the wider one ends (its tail has a kink or a root there) to another, in panels that grow with the distance. */
static double
graded(const Pair *pair, double d, double kink, double end)
{
	double		sum = 0,
				at = kink;

	for (int k = 40; k >= 0; k--)
	{
		double		next = kink + (end - kink) * exp2(-k / 2.0);

		sum += panel(pair, d, at, next);
		at = next;
	}
	return end > kink ? sum : -sum;
}

/* P(treatment - control > d) */
static double
above(const Pair *pair, double d)
{
	double		sum = 0,
				end = pair->wider_is_treatment ? (d > 0 ? 1 - d : -d) : (d > 0 ? d : 1 + d),
				kink = log(end / (1 - end));

	if (pair->tick)
		pair->tick();
	/* at x = end the wider one's support ends; that shows unless its density vanishes there to high order */
	if (d != 0 && fmin(pair->a, pair->b) < 20 && kink > pair->from && kink < pair->to)
		return graded(pair, d, kink, pair->from) + graded(pair, d, kink, pair->to);
	for (int i = 0; i < pair->n; i++)
		sum += pair->weight[i] * wider_tail(pair, pair->x[i], d);
	return sum;
}

/* The difference above which there is probability p, by false position (Illinois) */
static double
difference_at(const Pair *pair, double p, double guess, double sd)
{
	double		low = guess,
				high = guess,
				f_low,
				f_high;

	for (double step = sd; (f_low = above(pair, low) - p) < 0 && low > -1; step *= 2)
		low = fmax(-1, low - step);
	for (double step = sd; (f_high = above(pair, high) - p) > 0 && high < 1; step *= 2)
		high = fmin(1, high + step);
	for (int i = 0; i < 100 && high - low > 1e-14 * (fabs(low) + fabs(high)) && f_low != f_high; i++)
	{
		double		next = i % 8 == 7 ? (low + high) / 2 : (low * f_high - high * f_low) / (f_high - f_low),
					f = above(pair, next) - p;

		if (fabs(f) < 1e-15)
			return next;
		if (f > 0)
		{
			low = next;
			f_low = f;
			f_high /= 2;
		}
		else
		{
			high = next;
			f_high = f;
			f_low /= 2;
		}
	}
	return (low + high) / 2;
}

/* E max(narrower - wider, 0) and E max(wider - narrower, 0) */
static void
losses(const Pair *pair, double *narrower_above, double *wider_above)
{
	double		mean = pair->a / (pair->a + pair->b);

	*narrower_above = *wider_above = 0;
	for (int i = 0; i < pair->n; i++)
	{
		double		x = pair->x[i];

		*narrower_above += pair->weight[i] *
			fmax(0, x * rec_beta_cdf(x, pair->a, pair->b) - mean * rec_beta_cdf(x, pair->a + 1, pair->b));
		*wider_above += pair->weight[i] *
			fmax(0, mean * rec_beta_sf(x, pair->a + 1, pair->b) - x * rec_beta_sf(x, pair->a, pair->b));
	}
}

/* At logit s of the narrower one: density times the wider one's tail beyond it, or times the mean excess there. */
static long double
beyond(const Pair *pair, long double s, bool wider_above, bool excess)
{
	long double x = 1 / (1 + expl(-s)),
				y = 1 / (1 + expl(s)),
				lower,
				upper,
				tail,
				mean;

	rec_beta_tails(x, y, pair->a, pair->b, &lower, &upper);
	tail = wider_above ? upper : lower;
	if (excess)
	{
		mean = (long double) pair->a / (pair->a + pair->b);
		rec_beta_tails(x, y, pair->a + 1, pair->b, &lower, &upper);
		tail = fmaxl(0, wider_above ? mean * upper - x * tail : x * tail - mean * lower);
	}
	return rec_beta_power(x, y, pair->narrow_a, pair->narrow_b) * tail;
}

/*
 * Probability of a rare order of the two, or its mean excess: trapezoids about the peak of the integrand, which lies between
 * both and may be where neither has density that counts otherwise.
 */
static double
rare(const Pair *pair, bool wider_above, bool excess)
{
	long double low = logl((long double) pair->a / pair->b),
				high = logl((long double) pair->narrow_a / pair->narrow_b),
				end[2],
				peak,
				step,
				sum = 0;

	for (int i = 0; i < 200 && fabsl(high - low) > 1e-9L; i++)
	{
		long double a = low + (high - low) * 0.382L,
					b = low + (high - low) * 0.618L;

		if (beyond(pair, a, wider_above, excess) < beyond(pair, b, wider_above, excess))
			low = a;
		else
			high = b;
	}
	peak = beyond(pair, low, wider_above, excess);
	for (int side = 0; side < 2; side++)
	{
		long double away = side == 0 ? -1e-7L : 1e-7L;

		while (fabsl(away) < 11000 && beyond(pair, low + away, wider_above, excess) > 1e-19L * peak)
			away *= 1.5L;
		end[side] = low + away;
	}
	step = (end[1] - end[0]) / (POINTS - 1);
	for (int i = 0; i < POINTS; i++)
		sum += beyond(pair, end[0] + step * i, wider_above, excess);
	return (double) (sum * step);
}

RecPosterior
rec_bayes_beta(double a_control, double b_control, double a_treatment, double b_treatment, double confidence,
			   void (*tick) (void))
{
	double		vc = beta_variance(a_control, b_control),
				vt = beta_variance(a_treatment, b_treatment),
				sd = sqrt(vc + vt),
				tail = (1 - confidence) / 2,
				z = rec_normal_isf(tail);
	Pair		pair = {.wider_is_treatment = vt > vc,.tick = tick};
	RecPosterior r;

	pair.a = pair.wider_is_treatment ? a_treatment : a_control;
	pair.b = pair.wider_is_treatment ? b_treatment : b_control;
	if (pair.wider_is_treatment)
		set_points(&pair, a_control, b_control);
	else
		set_points(&pair, a_treatment, b_treatment);
	r.difference = a_treatment / (a_treatment + b_treatment) - a_control / (a_control + b_control);
	r.chance_to_win = fmin(1, above(&pair, 0));
	if (pair.wider_is_treatment)
		losses(&pair, &r.loss_treatment, &r.loss_control);
	else
		losses(&pair, &r.loss_control, &r.loss_treatment);
	if (r.chance_to_win < RARE)
	{
		r.chance_to_win = rare(&pair, pair.wider_is_treatment, false);
		r.loss_control = rare(&pair, pair.wider_is_treatment, true);
	}
	else if (r.chance_to_win > 1 - RARE)
		r.loss_treatment = rare(&pair, !pair.wider_is_treatment, true);
	r.ci_low = difference_at(&pair, 1 - tail, fmax(-1, r.difference - z * sd), sd / 8);
	r.ci_high = difference_at(&pair, tail, fmin(1, r.difference + z * sd), sd / 8);
	return r;
}

/* E max(-X, 0) for a normal of mean m and standard deviation s */
static double
normal_loss(double m, double s)
{
	long double z = (long double) m / s,
				density = expl(-0.5L * z * z) * 0.398942280401432677939946L,
				tail = 0.5L * erfcl(z * 0.707106781186547524400844L);

	return (double) fmaxl(0, s * (density - z * tail));
}

RecPosterior
rec_bayes_normal(double difference, double std_error, double prior_mean, double prior_sd, double confidence)
{
	double		share = isinf(prior_sd) ? 1 : 1 / (1 + std_error / prior_sd * (std_error / prior_sd)),
				m = share * difference + (1 - share) * prior_mean,
				s = std_error * sqrt(share),
				z = rec_normal_isf((1 - confidence) / 2);

	return (RecPosterior) {
		.difference = m,.ci_low = m - z * s,.ci_high = m + z * s,.chance_to_win = rec_normal_cdf(m / s),
			.loss_treatment = normal_loss(m, s),.loss_control = normal_loss(-m, s)
	};
}
