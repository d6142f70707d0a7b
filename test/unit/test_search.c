/*
 * test_search.c
 *		core/sobol.c and core/gp.c: what chooses the points of rec.tune.
 *
 * Expected points: scipy 1.10.1, scipy.stats.qmc.Sobol(16, scramble=False).random(64). Expected predictions: scikit-learn
 * 1.2.1, GaussianProcessRegressor(ConstantKernel(signal) * Matern(lengths, nu=2.5), alpha=signal * (noise + 1e-10),
 * optimizer=None) on standardized values, with the lengths, noise and signal that the fit chose.
 */
#include "core/gp.h"
#include "core/sobol.h"
#include "unit.h"

#include <stdlib.h>

static void
test_sobol(void)
{
	static const double expected[3][16] = {
		{0.875, 0.875, 0.125, 0.375, 0.875, 0.625, 0.875, 0.375, 0.375, 0.125, 0.375, 0.875, 0.875, 0.125, 0.875, 0.375},
		{0.921875, 0.640625, 0.578125, 0.921875, 0.765625, 0.296875, 0.171875, 0.796875, 0.609375, 0.171875, 0.015625,
		0.078125, 0.578125, 0.859375, 0.109375, 0.484375},
		{0.015625, 0.796875, 0.359375, 0.453125, 0.859375, 0.140625, 0.578125, 0.140625, 0.828125, 0.578125, 0.421875,
		0.671875, 0.546875, 0.765625, 0.328125, 0.765625}
	};
	static const uint32_t index[] = {5, 37, 63};
	double		point[16];
	bool		even = true;

	for (int i = 0; i < 3; i++)
	{
		bool		same = true;

		rec_sobol(index[i], 16, 0, point);
		for (int d = 0; d < 16; d++)
			same = same && point[d] == expected[i][d];
		check(same, "point %u is scipy's", (unsigned) index[i]);
	}
	/* shifted points are as even: each 16th of each axis has 4 of 64 */
	for (int d = 0; d < 16; d++)
	{
		int			count[16] = {0};

		for (uint32_t i = 0; i < 64; i++)
		{
			rec_sobol(i, 16, 99, point);
			count[(int) (point[d] * 16)]++;
		}
		for (int c = 0; c < 16; c++)
			even = even && count[c] == 4;
	}
	check(even, "a seed keeps the points even");
	{
		double		other[16];

		rec_sobol(0, 16, 1, point);
		rec_sobol(0, 16, 2, other);
		check(point[0] != other[0] && point[1] != other[1], "seeds differ");
	}
}

#define N 12

static void
test_gp(void)
{
	double		x[N * 2],
				y[N],
			   *work = malloc(rec_gp_workspace(N) * sizeof(double)),
				mean,
				deviation;
	RecGp		gp = {0};

	for (int i = 0; i < N; i++)
	{
		rec_sobol(i, 2, 0, x + 2 * i);
		y[i] = 0.3 - pow(x[2 * i] - 0.3, 2) + 0.1 * sin(6 * x[2 * i + 1]);
	}
	check(rec_gp_fit(&gp, x, y, N, 2, work), "a fit");
	if (getenv("SHOW") != NULL)
		printf("# lengths %.17g %.17g noise %.17g signal %.17g mean %.17g scale %.17g\n", gp.length[0], gp.length[1],
			   gp.noise, gp.signal, gp.mean, gp.scale);
	{
		static const double points[3][4] = {
			/* point, mean, deviation */
			{0.2, 0.7, 0.20357072083720767, 0.009873056299276548}, {0.9, 0.1, -0.02211193833061506, 0.013289378892791467}, {0.3, 0.3, 0.4031886335603666, 0.01637759782975403}
		};

		for (int i = 0; i < 3; i++)
		{
			rec_gp_predict(&gp, points[i], &mean, &deviation);
			if (getenv("SHOW") != NULL)
				printf("# %.17g %.17g\n", mean, deviation);
			check(fabs(mean / points[i][2] - 1) < 1e-9 && fabs(deviation / points[i][3] - 1) < 1e-6,
				  "prediction at %g, %g", points[i][0], points[i][1]);
		}
	}
	rec_gp_predict(&gp, x, &mean, &deviation);
	check(fabs(mean - y[0]) < 0.02 && deviation < 0.03, "near the value where one is known");
	check(fabs(rec_gp_improvement(0, 1, 0) - 0.3989422804014327) < 1e-15, "expected improvement at the best: phi(0)");
	check(fabs(rec_gp_improvement(1, 2, 0.5) - 1.0726893964471604) < 1e-14, "expected improvement, as with scipy.stats.norm");
	check(rec_gp_improvement(1, 0, 0.5) == 0.5 && rec_gp_improvement(0, 0, 0.5) == 0, "without doubt");
	check(!rec_gp_fit(&gp, x, y, 1, 2, work), "one point is too few");
	y[3] = NAN;
	check(!rec_gp_fit(&gp, x, y, N, 2, work), "a value that is no number");
	for (int i = 0; i < N; i++)
		y[i] = 7;
	check(rec_gp_fit(&gp, x, y, N, 2, work), "values that are all the same");
	rec_gp_predict(&gp, x, &mean, &deviation);
	check(mean == 7, "predict themselves");
	for (int i = 0; i < N * 2; i++)
		x[i] = 0.5;
	y[0] = 1;
	check(rec_gp_fit(&gp, x, y, N, 2, work), "points that are all the same");
	free(work);
}

int
main(void)
{
	test_sobol();
	test_gp();
	return unit_done();
}
