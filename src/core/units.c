/*
 * units.c
 *		Samples: adding, merging, estimating. See units.h.
 */
#include "core/units.h"

const char *
rec_units_kind_name(RecUnitsKind kind)
{
	static const char *const names[] = {"mean", "ratio", "cuped", "cuped_ratio"};

	return names[kind];
}

void
rec_units_add(RecUnits *s, const double *value)
{
	double		delta[REC_UNITS_VARIABLES],
				n = s->n;

	rec_units_add_mean(s, value[REC_Y]);
	if (s->kind == REC_UNITS_MEAN)
		return;
	/* before the new mean is known: the products need old deviations times new ones */
	delta[REC_Y] = n > 0 ? (value[REC_Y] - s->mean[REC_Y]) * (s->n / n) : 0;
	for (int i = REC_DEN; i < REC_UNITS_VARIABLES; i++)
	{
		if (!rec_units_uses(s->kind, i))
			continue;
		delta[i] = value[i] - s->mean[i];
		s->mean[i] += delta[i] / s->n;
		for (int j = 0; j <= i; j++)
			if (rec_units_uses(s->kind, j))
				s->co[j][i] += delta[j] * (delta[i] * (n / s->n));
	}
}

void
rec_units_merge(RecUnits *s, const RecUnits *other)
{
	double		n = s->n + other->n,
				delta[REC_UNITS_VARIABLES],
				d;

	if (other->n == 0)
		return;
	if (s->n == 0)
	{
		*s = *other;
		return;
	}
	for (int i = 0; i < REC_UNITS_VARIABLES; i++)
		delta[i] = other->mean[i] - s->mean[i];
	d = delta[REC_Y];
	s->m3 += other->m3 + d * d * d * (s->n * (other->n / n)) * ((s->n - other->n) / n) +
		3 * d * ((s->n / n) * other->co[REC_Y][REC_Y] - (other->n / n) * s->co[REC_Y][REC_Y]);
	for (int i = 0; i < REC_UNITS_VARIABLES; i++)
	{
		for (int j = i; j < REC_UNITS_VARIABLES; j++)
			s->co[i][j] += other->co[i][j] + delta[i] * delta[j] * (s->n * (other->n / n));
		s->mean[i] += delta[i] * (other->n / n);
	}
	s->n = n;
}

/* Sum over the units of (numerator - r denominator)(numerator' - r' denominator') of deviations. */
static double
linearised(const RecUnits *s, int num, double r, int num2, double r2)
{
	double		co[2][2];

	for (int i = 0; i < 2; i++)
		for (int j = 0; j < 2; j++)
		{
			int			a = num + i,
						b = num2 + j;

			co[i][j] = a <= b ? s->co[a][b] : s->co[b][a];
		}
	return co[0][0] - r * co[1][0] - r2 * co[0][1] + r * r2 * co[1][1];
}

/*
 * A metric as linear function of the units: its value, and the sums of squares and products of what each unit adds to it
 * (the deviation of its linearisation), with the pre-period's metric.
 */
typedef struct Linear
{
	double		value;
	double		pre;
	double		co_yy;
	double		co_yp;
	double		co_pp;
} Linear;

static Linear
linear(const RecUnits *s)
{
	bool		ratio = rec_units_uses(s->kind, REC_DEN),
				cuped = rec_units_uses(s->kind, REC_PRE);
	double		den = ratio ? s->mean[REC_DEN] : 1,
				pre_den = ratio && cuped ? s->mean[REC_PRE_DEN] : 1,
				r,
				pre_r;
	Linear		l = {.value = s->mean[REC_Y] / den,.pre = cuped ? s->mean[REC_PRE] / pre_den : 0};

	/* of a mean there is no denominator whose deviations count */
	r = ratio ? l.value : 0;
	pre_r = ratio && cuped ? l.pre : 0;
	l.co_yy = linearised(s, REC_Y, r, REC_Y, r) / den / den;
	if (cuped)
	{
		l.co_yp = linearised(s, REC_Y, r, REC_PRE, pre_r) / den / pre_den;
		l.co_pp = linearised(s, REC_PRE, pre_r, REC_PRE, pre_r) / pre_den / pre_den;
	}
	return l;
}

static RecArm
make_arm(const RecUnits *s, const Linear *l, double theta, double pre)
{
	double		squares = l->co_yy - 2 * theta * l->co_yp + theta * theta * l->co_pp;
	RecArm		arm = {.n = s->n,.estimate = l->value - theta * (l->pre - pre),.df = s->n - 1};

	arm.variance = s->n >= 2 ? fmax(squares, 0) / (s->n - 1) / s->n : NAN;
	if (isnan(squares) || isinf(squares) || s->n == 0)
		arm.variance = NAN;
	if (s->n == 0)
		arm.estimate = NAN;
	/* what CUPED and ratios leave of the skewness is not known: that of y is taken */
	if (s->n >= 2 && s->co[REC_Y][REC_Y] > 0)
	{
		double		sd = sqrt(s->co[REC_Y][REC_Y] / s->n);

		arm.third = s->m3 / s->n / sd / sd / sd * pow(arm.variance, 1.5) / sqrt(s->n);
	}
	return arm;
}

void
rec_units_arms(const RecUnits *control, const RecUnits *treatment, RecArm *control_arm, RecArm *treatment_arm,
				double *reduction)
{
	Linear		c = linear(control),
				t = linear(treatment);
	double		theta = 0,
				pre = 0;

	if (rec_units_uses(control->kind, REC_PRE))
	{
		RecUnits	both = *control;
		Linear		b;

		rec_units_merge(&both, treatment);
		b = linear(&both);
		/* without variance before the experiment there is nothing to learn from it */
		theta = b.co_pp > 0 ? b.co_yp / b.co_pp : b.co_pp == 0 ? 0 : NAN;
		pre = b.pre;
	}
	*control_arm = make_arm(control, &c, theta, pre);
	*treatment_arm = make_arm(treatment, &t, theta, pre);
	*reduction = 0;
	if (theta != 0)
	{
		RecArm		c0 = make_arm(control, &c, 0, 0),
					t0 = make_arm(treatment, &t, 0, 0);

		*reduction = 1 - (control_arm->variance + treatment_arm->variance) / (c0.variance + t0.variance);
	}
}
