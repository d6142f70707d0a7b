/*
 * bot.c
 *		Signs of programs among visitors. See bot.h.
 */
#include "core/bot.h"

#include <math.h>
#include <string.h>

#include "core/moments.h"
#include "core/select.h"

#define SECOND 1e6
#define HOUR (3600 * SECOND)
#define MIN_GAPS 10

static double
between(double x, double zero, double one)
{
	double		share = (x - zero) / (one - zero);

	return share < 0 ? 0 : share > 1 ? 1 : share;
}

static double
between_logs(double x, double zero, double one)
{
	return x <= zero ? 0 : between(log(x), log(zero), log(one));
}

/* Active hours of the day, each counted once for every day; returns how many in all, and sets the number of active days. */
static int64_t
count_hours(const double *times, int64_t n, int64_t *of_day, int64_t *days)
{
	int64_t		active = 0;
	double		last_hour = -HUGE_VAL,
				last_day = -HUGE_VAL;

	memset(of_day, 0, 24 * sizeof(int64_t));
	*days = 0;
	for (int64_t i = 0; i < n; i++)
	{
		double		hour = floor(times[i] / HOUR),
					day = floor(hour / 24);

		if (hour != last_hour)
		{
			of_day[(int) (hour - 24 * day)]++;
			active++;
		}
		*days += day != last_day;
		last_hour = hour;
		last_day = day;
	}
	return active;
}

static double
quietest_six_hours(const int64_t *of_day, int64_t active)
{
	int64_t		least = active;

	for (int from = 0; from < 24; from++)
	{
		int64_t		sum = 0;

		for (int h = 0; h < 6; h++)
			sum += of_day[(from + h) % 24];
		if (sum < least)
			least = sum;
	}
	return (double) least / (double) active;
}

/* A minute or a second when all times are whole ones, else 0. */
static double
resolution_of(const double *times, int64_t n)
{
	double		resolution = 60 * SECOND;

	for (int64_t i = 0; i < n && resolution > 0; i++)
		while (resolution > 0 && fmod(times[i], resolution) != 0)
			resolution = resolution > SECOND ? SECOND : 0;
	return resolution;
}

/* Share of the gaps below an hour that are within a tenth of their median; 0 where the clock is too coarse to tell. */
static double
regular_share(double *gap, int64_t n, double resolution)
{
	int64_t		near = 0,
				rank[2];
	double		median;

	rec_quantile_ranks(0.5, n, rank);
	rec_select(gap, n, rank, 2, NULL);
	median = rec_quantile(gap, n, 0.5);
	if (median < 10 * resolution)
		return 0;
	for (int64_t i = 0; i < n; i++)
		near += fabs(gap[i] - median) <= 0.1 * median;
	return (double) near / (double) n;
}

RecBotSigns
rec_bot_signs(const double *times, int64_t n, double *scratch, double distinct)
{
	RecBotSigns s = {.burstiness = NAN};
	RecMoments	gaps = {0};
	int64_t		of_day[24],
				days,
				moments = n > 0,
				fast = 0,
				within = 0;

	if (n == 0)
		return s;
	s.active_hours = count_hours(times, n, of_day, &days);
	for (int64_t i = 1; i < n; i++)
	{
		double		gap = times[i] - times[i - 1];

		if (gap <= 0)
			continue;
		moments++;
		rec_moments_add(&gaps, gap);
		fast += gap < SECOND;
		if (gap < HOUR)
			scratch[within++] = gap;
	}
	s.rate = between_logs((double) moments / (double) s.active_hours, 60, 1200);
	if (gaps.n >= MIN_GAPS)
		s.burst = between((double) fast / gaps.n, 0.1, 0.5);
	if (within >= MIN_GAPS)
		s.regularity = between(regular_share(scratch, within, resolution_of(times, n)), 0.2, 0.8);
	if (s.active_hours >= 24)
		s.round_the_clock = between(4 * quietest_six_hours(of_day, s.active_hours), 0.4, 1);
	if (distinct > 0)
		s.breadth = between_logs(fmin(distinct, (double) moments) / (double) days, 300, 3000) * distinct / (double) n;
	if (gaps.n >= 2)
	{
		double		deviation = sqrt(gaps.squares / (gaps.n - 1));

		s.burstiness = (deviation - gaps.mean) / (deviation + gaps.mean);
	}
	s.score = 1 - (1 - 0.8 * s.rate) * (1 - 0.7 * s.burst) * (1 - 0.9 * s.regularity) * (1 - 0.8 * s.round_the_clock) *
		(1 - 0.6 * s.breadth);
	return s;
}
