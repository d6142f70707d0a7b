/*
 * session.c
 *		rec.session_id, rec.dwell, rec.session_length, rec.bounce: window functions over the events of one user in order of time.
 *
 * A session ends where the next event is more than the gap away. Rows without a time belong to none. The order may also be
 * descending; then sessions are numbered from the newest one.
 */
#include "compat.h"

#include "api/window.h"
#include "miscadmin.h"
#include "model/pairs.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

typedef struct SessionWindow
{
	bool		started;
	double		gap;			/* microseconds */
	int			number;			/* of the current session */
	bool		any;			/* last is set */
	TimestampTz last;			/* of the last row with a time */
	/* session_length, bounce */
	int64		row;			/* of the partition, the current one */
	int64		until;			/* rows before this one are of the session that was measured */
	TimestampTz begins;
	TimestampTz ends;
	int64		events;
} SessionWindow;

static SessionWindow *
session_state(WindowObject window)
{
	bool		first;
	SessionWindow *s = rec_window_state(window, sizeof(SessionWindow), &first);

	if (first)
	{
		s->gap = rec_half_life(DatumGetIntervalP(rec_window_constant(window, 1, "gap")));
		if (!(s->gap > 0))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("gap must be above zero")));
	}
	return s;
}

static bool
apart(const SessionWindow *s, TimestampTz a, TimestampTz b)
{
	double		distance = (double) a - (double) b;

	return distance > s->gap || distance < -s->gap;
}

PG_FUNCTION_INFO_V1(rec_session_id);
Datum
rec_session_id(PG_FUNCTION_ARGS)
{
	WindowObject window = rec_window(fcinfo);
	SessionWindow *s = session_state(window);
	bool		isnull;
	TimestampTz ts = DatumGetTimestampTz(WinGetFuncArgCurrent(window, 0, &isnull));

	if (isnull)
		PG_RETURN_NULL();
	if (!s->any || apart(s, ts, s->last))
		s->number++;
	s->any = true;
	s->last = ts;
	WinSetMarkPosition(window, WinGetCurrentPosition(window));
	PG_RETURN_INT32(s->number);
}

static Datum
distance_between(FunctionCallInfo fcinfo, TimestampTz a, TimestampTz b)
{
	if (TIMESTAMP_NOT_FINITE(a) || TIMESTAMP_NOT_FINITE(b))
		PG_RETURN_NULL();
	return DirectFunctionCall2(timestamp_mi, TimestampTzGetDatum(Max(a, b)), TimestampTzGetDatum(Min(a, b)));
}

PG_FUNCTION_INFO_V1(rec_dwell);
Datum
rec_dwell(PG_FUNCTION_ARGS)
{
	WindowObject window = rec_window(fcinfo);
	SessionWindow *s = session_state(window);
	bool		isnull,
				outside;
	TimestampTz ts = DatumGetTimestampTz(WinGetFuncArgCurrent(window, 0, &isnull));
	TimestampTz next;

	if (isnull)
		PG_RETURN_NULL();
	next = DatumGetTimestampTz(WinGetFuncArgInPartition(window, 0, 1, WINDOW_SEEK_CURRENT, true, &isnull, &outside));
	if (isnull || outside || apart(s, ts, next))
		PG_RETURN_NULL();
	return distance_between(fcinfo, ts, next);
}

/* Measures the session of the current row, once for all of its rows; false for a row without a time. */
static bool
measure(WindowObject window, SessionWindow *s)
{
	bool		isnull,
				outside = false;
	TimestampTz ts = DatumGetTimestampTz(WinGetFuncArgCurrent(window, 0, &isnull));

	s->row = WinGetCurrentPosition(window);
	if (isnull)
		return false;
	if (s->row < s->until)
		return true;
	s->begins = s->ends = ts;
	s->events = 1;
	for (s->until = s->row + 1; !outside; s->until++)
	{
		CHECK_FOR_INTERRUPTS();
		ts = DatumGetTimestampTz(WinGetFuncArgInPartition(window, 0, (int) (s->until - s->row), WINDOW_SEEK_CURRENT, false,
														  &isnull, &outside));
		if (outside)
			break;
		if (isnull)
			continue;
		if (apart(s, ts, s->ends))
			break;
		s->ends = ts;
		s->events++;
	}
	return true;
}

PG_FUNCTION_INFO_V1(rec_session_length);
Datum
rec_session_length(PG_FUNCTION_ARGS)
{
	WindowObject window = rec_window(fcinfo);
	SessionWindow *s = session_state(window);

	if (!measure(window, s))
		PG_RETURN_NULL();
	return distance_between(fcinfo, s->begins, s->ends);
}

PG_FUNCTION_INFO_V1(rec_bounce);
Datum
rec_bounce(PG_FUNCTION_ARGS)
{
	WindowObject window = rec_window(fcinfo);
	SessionWindow *s = session_state(window);

	if (!measure(window, s))
		PG_RETURN_NULL();
	PG_RETURN_BOOL(s->events == 1);
}
