/*
 * dist_impl.c
 *		Densities without cancellation, integration of tails, and their inversion. See dist_impl.h.
 */
#include "core/dist_impl.h"

/* exp() of less is 0 even in long double */
#define LOG_TINY 11300.0L

const long double rec_gauss_node[10] = {
	0.07652652113349733375464041L, 0.2277858511416450780804962L, 0.3737060887154195606725482L,
	0.5108670019508270980043641L, 0.6360536807265150254528367L, 0.7463319064601507926143051L,
	0.8391169718222188233945291L, 0.9122344282513259058677524L, 0.9639719272779137912676661L,
	0.9931285991850949247861224L
};

const long double rec_gauss_weight[10] = {
	0.1527533871307258506980843L, 0.1491729864726037467878287L, 0.1420961093183820513292983L,
	0.1316886384491766268984945L, 0.1181945319615184173123774L, 0.1019301198172404350367501L,
	0.08327674157670474872475814L, 0.06267204833410906356950654L, 0.04060142980038694133103995L,
	0.01761400713915211831186196L
};

long double
rec_stirling_error(long double n)
{
	/* B(2k) / (2k (2k - 1)) */
	static const long double c[] = {
		1 / 12.0L, -1 / 360.0L, 1 / 1260.0L, -1 / 1680.0L, 1 / 1188.0L, -691 / 360360.0L, 1 / 156.0L,
		-3617 / 122400.0L, 43867 / 244188.0L, -174611 / 125400.0L
	};
	const long double half_log_2pi = 0.918938533204672741780329736L;
	long double sum = 0;

	if (n < 20)
		return lgammal(n + 1) - (n + 0.5L) * logl(n) + n - half_log_2pi;
	for (int k = 9; k >= 0; k--)
		sum = sum / (n * n) + c[k];
	return sum / n;
}

long double
rec_deviance(long double a, long double np, long double d)
{
	long double v,
				sum,
				term;

	if (fabsl(d) > 0.1L * (a + np))
		return a * logl(a / np) - d;
	v = d / (a + np);
	sum = d * v;
	term = 2 * a * v;
	for (int j = 1; j < 100; j++)
	{
		long double before = sum;

		term *= v * v;
		sum += term / (2 * j + 1);
		if (sum == before)
			break;
	}
	return sum;
}

/* Where the density has fallen to 1e-21 of that at the start, so that the rest of the tail does not count. */
static long double
tail_end(RecLogDensity density, const long double *start, long double scale, long double limit)
{
	long double top = density(start, 0),
				end = scale;

	for (int i = 0; i < 200; i++)
	{
		if (end >= limit)
			return limit;
		if (top - density(start, end) > 48)
			break;
		end *= 1.5L;
	}
	/* a start far out in the tail falls much faster than the scale */
	while (top - density(start, end / 2) > 48)
		end /= 2;
	return end;
}

long double
rec_integrate_tail(RecLogDensity density, const long double *start, long double scale, long double limit)
{
	enum { PANELS = 8 };
	long double end = tail_end(density, start, scale, limit),
				half = end / (2 * PANELS),
				top = density(start, 0),
				sum = 0;

	for (int panel = 0; panel < PANELS; panel++)
		for (int i = 0; i < 10; i++)
			for (int sign = -1; sign <= 1; sign += 2)
			{
				long double t = half * (2 * panel + 1 + sign * rec_gauss_node[i]);

				sum += rec_gauss_weight[i] * expl(density(start, t) - top);
			}
	return sum * half * expl(top);
}

/* log of the tail over p; rising in s */
static long double
excess(RecTail tail, const long double *parameters, bool increasing, long double p, long double s)
{
	long double at = tail(parameters, s),
				difference;

	/* beyond the range of long double: far on the small side */
	difference = at > 0 ? logl(at / p) : -LOG_TINY;
	return increasing ? difference : -difference;
}

long double
rec_solve_tail(RecTail tail, const long double *parameters, bool increasing, long double p, long double start,
			   long double step)
{
	long double at = start,
				f_at = excess(tail, parameters, increasing, p, at),
				direction = f_at > 0 ? -1 : 1,
				other,
				f_other;

	if (f_at == 0)
		return at;
	for (;;)
	{
		other = at + direction * step;
		if (fabsl(other) > LOG_TINY)
			return direction * INFINITY;
		f_other = excess(tail, parameters, increasing, p, other);
		if (f_other == 0)
			return other;
		if ((f_other > 0) != (f_at > 0))
			break;
		at = other;
		f_at = f_other;
		step *= 2;
	}

	/* Anderson and Bjorck (1973): false position whose stale end is scaled down; bisection when that is slow. */
	for (int i = 0; i < 200; i++)
	{
		bool		slow = i % 8 == 7;
		long double next = slow ? (at + other) / 2 : (at * f_other - other * f_at) / (f_other - f_at),
					f;

		if (!(next > fminl(at, other) && next < fmaxl(at, other)))
			next = (at + other) / 2;
		if (next == at || next == other || fabsl(other - at) <= 1e-18L * fabsl(next))
			return next;
		f = excess(tail, parameters, increasing, p, next);
		if (fabsl(f) <= 1e-18L)
			return next;
		if ((f > 0) == (f_other > 0))
		{
			long double m = 1 - f / f_other;

			f_at *= slow ? 1 : m > 0 ? m : 0.5L;
		}
		else
		{
			at = other;
			f_at = f_other;
		}
		other = next;
		f_other = f;
	}
	return other;
}
