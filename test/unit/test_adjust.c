/*
 * test_adjust.c
 *		Adjusted p-values against statsmodels 0.13.5, multipletests(p, method).
 */
#include <string.h>

#include "core/adjust.h"
#include "unit.h"

static const double raw[] = {0.01, 0.04, 0.03, 0.005, 0.55, 0.03, 1e-310, 0.9, 0.2};

#define N ((int) (sizeof(raw) / sizeof(raw[0])))

static void
against(const char *name, const double *expected)
{
	double		p[N];
	int64_t		order[N];
	RecAdjustMethod method;
	double		worst = 0;

	memcpy(p, raw, sizeof(raw));
	if (!check(rec_adjust_method(name, &method), "%s is a method", name))
		return;
	rec_adjust_p(p, N, method, order);
	for (int i = 0; i < N; i++)
		worst = fmax(worst, fabs(p[i] - expected[i]) / expected[i]);
	check(worst < 1e-14, "%s: largest relative error %.1e", name, worst);
}

int
main(void)
{
	static const double bonferroni[] = {0.09, 0.36, 0.27, 0.045, 1, 0.27, 8.99999999999997e-310, 1, 1};
	static const double holm[] = {0.07, 0.18, 0.18, 0.04, 1, 0.18, 8.99999999999997e-310, 1, 0.6};
	static const double bh[] = {0.03, 0.06, 0.054, 0.0225, 0.61875, 0.054, 8.99999999999997e-310, 0.9, 1.8 / 7};
	RecAdjustMethod method;
	double		some[] = {NAN, 0.04, 0.01, NAN};
	int64_t		order[4];

	against("bonferroni", bonferroni);
	against("holm", holm);
	against("bh", bh);
	against("none", raw);
	check(!rec_adjust_method("sidak", &method), "an unknown method is none");
	rec_adjust_p(some, 4, REC_ADJUST_HOLM, order);
	check(isnan(some[0]) && isnan(some[3]) && some[2] == 0.02 && some[1] == 0.04, "NaN is no test and does not count");
	rec_adjust_p(some, 0, REC_ADJUST_BH, order);
	check(some[1] == 0.04, "nothing to adjust");
	return unit_done();
}
