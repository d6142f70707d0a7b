/*
 * bot.h
 *		How much the times of one visitor's events look like a program's.
 *
 * Five signs, each from 0 (as people) to 1 (as programs). Events of the same time count as one moment: a basket is one act.
 *
 *	rate			moments per active hour: 0 up to 60, 1 from 1200, logarithmic between
 *	burst			share of gaps below one second: 0 up to a tenth, 1 from a half
 *	regularity		share of the gaps below an hour that are within a tenth of their median: 0 up to .2, 1 from .8; 0 when that
 *					median is below ten units of the clock, where all times are whole minutes or whole seconds
 *	round_the_clock	four times the share of active hours in the quietest six hours of the day (UTC): 0 up to .4, 1 from 1
 *	breadth			distinct items, at most one a moment, per active day: 0 up to 300, 1 from 3000, times distinct / events
 *
 * They are combined as independent reasons: score = 1 - product of (1 - weight * sign). burst and regularity need ten gaps,
 * round_the_clock 24 active hours; with less to go by they are 0.
 */
#ifndef REC_BOT_H
#define REC_BOT_H

#include <stdint.h>

typedef struct RecBotSigns
{
	double		score;
	double		rate;
	double		burst;
	double		regularity;
	double		round_the_clock;
	double		breadth;
	double		burstiness;		/* (s - m) / (s + m) of the gaps (Goh and Barabasi 2008); NaN below two gaps */
	int64_t		active_hours;
} RecBotSigns;

/* times: microseconds, ascending, n of them; scratch: n doubles; distinct: items, negative when not known. */
extern RecBotSigns rec_bot_signs(const double *times, int64_t n, double *scratch, double distinct);

#endif							/* REC_BOT_H */
