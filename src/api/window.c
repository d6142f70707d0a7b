/*
 * window.c
 *		Reading partitions in window functions. See window.h.
 */
#include "api/window.h"

#include "miscadmin.h"
#include "utils/memutils.h"

WindowObject
rec_window(FunctionCallInfo fcinfo)
{
	WindowObject window = PG_WINDOW_OBJECT();

	if (!WindowObjectIsValid(window))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("window function called outside of a window")));
	return window;
}

void *
rec_window_state(WindowObject window, Size size, bool *first)
{
	bool	   *state = WinGetPartitionLocalMemory(window, size);

	*first = !*state;
	*state = true;
	return state;
}

MemoryContext
rec_window_context(void *state)
{
	return GetMemoryChunkContext(state);
}

int64
rec_window_rows(WindowObject window)
{
	int64		rows = WinGetPartitionRowCount(window);

	if (rows > PG_INT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a partition of a window has too many rows"),
				 errhint("Fit with an aggregate, rec.fit_*, and apply with rec.scale.")));
	return rows;
}

void
rec_window_each(WindowObject window, int arg, bool nulls, void (*take) (void *to, Datum value, bool isnull), void *to)
{
	int64		rows = rec_window_rows(window);
	MemoryContext each = AllocSetContextCreate(CurrentMemoryContext, "rec window row", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(each);

	for (int64 i = 0; i < rows; i++)
	{
		bool		isnull,
					outside;
		Datum		value = WinGetFuncArgInPartition(window, arg, (int) i, WINDOW_SEEK_HEAD, false, &isnull, &outside);

		if (nulls || !isnull)
			take(to, value, isnull);
		if (i % 1024 == 1023)
		{
			MemoryContextReset(each);
			CHECK_FOR_INTERRUPTS();
		}
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(each);
}

Datum
rec_window_constant(WindowObject window, int arg, const char *name)
{
	bool		isnull;
	Datum		value = WinGetFuncArgCurrent(window, arg, &isnull);

	if (isnull)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", name)));
	return value;
}
