/*
 * test_gower.c
 *		Gower's distance and the nearest rows; signs of programs.
 */
#include <float.h>
#include <stdint.h>
#include <stdlib.h>

#include "core/bot.h"
#include "core/gower.h"
#include "unit.h"

static void
test_distance(void)
{
	static const RecGowerColumn column[] = {{1, 0, 10}, {0, 0, 0}, {1, 5, 5}, {1, -DBL_MAX, DBL_MAX}};
	static const double a[] = {2, 1, 5, 0}, b[] = {7, 1, 5, DBL_MAX}, c[] = {NAN, 3, NAN, NAN}, d[] = {1, NAN, NAN, NAN},
		e[] = {100, 1, NAN, NAN};

	check_near(rec_gower(a, b, column, 1), 0.5, 1e-15, "a number, by its range");
	check_near(rec_gower(a, b, column, 2), 0.25, 1e-15, "with an equal word");
	check_near(rec_gower(a, b, column, 3), 0.5 / 3, 1e-15, "a column of one value adds 0");
	check_near(rec_gower(a, b, column, 4), (0.5 + 0.5) / 4, 1e-15, "a range that overflows");
	check(rec_gower(a, c, column, 4) == 1, "only what both have: different words");
	check(isnan(rec_gower(c, d, column, 4)), "nothing in common");
	check(rec_gower(a, e, column, 1) == 1, "beyond the range: 1");
	check(rec_gower(a, a, column, 4) == 0, "a row itself");
}

static void
test_nearest(void)
{
	double		distance[3];
	int64_t		row[3];
	RecNearest	n = {3, 0, distance, row};
	static const double offers[] = {5, 1, 3, 1, 9, 0.5, 1};

	for (int i = 0; i < 7; i++)
		rec_nearest_offer(&n, offers[i], i);
	check(n.n == 3 && row[0] == 5 && row[1] == 1 && row[2] == 3, "the nearest, of equal ones the first");
	n.k = n.n = 0;
	rec_nearest_offer(&n, 1, 1);
	check(n.n == 0, "room for none");
}

#define N 3000
static double times[N], scratch[N];

static RecBotSigns
signs(int n, double step, double start, double distinct)
{
	for (int i = 0; i < n; i++)
		times[i] = start + i * step;
	return rec_bot_signs(times, n, scratch, distinct);
}

static void
test_bot(void)
{
	RecBotSigns s;

	s = rec_bot_signs(times, 0, scratch, -1);
	check(s.score == 0 && s.active_hours == 0, "no event");
	s = signs(1, 0, 1e6, 1);
	check(s.score == 0 && s.active_hours == 1 && isnan(s.burstiness), "one event");
	s = signs(500, 0, 1e6, 500);
	check(s.score == 0, "a basket of 500: one moment");
	s = signs(200, 15.5e6, 1e6, -1);
	check(s.regularity == 1 && s.score >= 0.9, "every 15.5 s: %g", s.score);
	check(s.burstiness == -1, "burstiness of a clock");
	s = signs(200, 60e6, 0, -1);
	check(s.regularity == 0 && s.score == 0, "whole minutes: the clock is too coarse to tell");
	s = signs(200, 12e6, 0, -1);
	check(s.regularity == 1, "whole seconds, twelve apart");
	s = signs(2000, 0.3e6, 1e6, -1);
	check(s.burst == 1 && s.rate == 1 && s.score > 0.9, "three a second: %g", s.score);
	s = signs(400, 3600e6 * 1.01, 1e6, -1);
	check(s.round_the_clock > 0.9, "each hour, day and night: %g", s.round_the_clock);
	s = signs(30, 86400e6, -5e15, -1);
	check(s.score == 0 && s.active_hours == 30, "once a day, before 2000");
	s = signs(2500, 20e6, 1e6, 2500);
	check(s.breadth > 0.85, "a new item each time: %g", s.breadth);
}

int
main(void)
{
	test_distance();
	test_nearest();
	test_bot();
	return unit_done();
}
