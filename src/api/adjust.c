/*
 * adjust.c
 *		rec.adjust_p(p, method) OVER (): p-values adjusted for the number of tests in the window's partition.
 */
#include "compat.h"

#include <math.h>

#include "core/adjust.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "windowapi.h"

/* The adjusted p-values of a partition, NaN where there is none; worked out at its first row. */
typedef struct Adjusted
{
	bool		done;
	double	   *p;
} Adjusted;

static RecAdjustMethod
method_argument(WindowObject window)
{
	bool		isnull;
	Datum		value = WinGetFuncArgCurrent(window, 1, &isnull);
	RecAdjustMethod method;
	char	   *name;

	if (isnull)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("method must not be null")));
	name = TextDatumGetCString(value);
	for (char *c = name; *c; c++)
		*c = pg_ascii_tolower((unsigned char) *c);
	if (!rec_adjust_method(name, &method))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown method \"%s\"", name),
				 errhint("Use \"holm\" or \"bh\" (Benjamini-Hochberg), or \"bonferroni\" or \"none\".")));
	return method;
}

static double *
adjust_partition(WindowObject window)
{
	int64		n = WinGetPartitionRowCount(window);
	double	   *p;
	int64	   *order;

	if (n > PG_INT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("too many p-values in a window's partition")));
	p = palloc_extended(mul_size(n, sizeof(double)), MCXT_ALLOC_HUGE);
	order = palloc_extended(mul_size(n, sizeof(int64)), MCXT_ALLOC_HUGE);
	for (int64 i = 0; i < n; i++)
	{
		bool		isnull,
					isout;
		Datum		value = WinGetFuncArgInPartition(window, 0, (int) i, WINDOW_SEEK_HEAD, false, &isnull, &isout);

		p[i] = isnull ? NAN : DatumGetFloat8(value);
		if (p[i] < 0 || p[i] > 1)
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("a p-value must be between 0 and 1"),
					 errdetail("It is %g.", p[i])));
	}
	rec_adjust_p(p, n, method_argument(window), order);
	pfree(order);
	return p;
}

PG_FUNCTION_INFO_V1(rec_adjust_p_window);
Datum
rec_adjust_p_window(PG_FUNCTION_ARGS)
{
	WindowObject window = PG_WINDOW_OBJECT();
	Adjusted   *state;
	double		p;

	if (!WindowObjectIsValid(window))
		ereport(ERROR,
				(errcode(ERRCODE_WINDOWING_ERROR), errmsg("rec.adjust_p needs a window"),
				 errhint("Write rec.adjust_p(p, method) OVER ().")));
	state = WinGetPartitionLocalMemory(window, sizeof(Adjusted));
	if (!state->done)
	{
		/* the memory of the partition is that of the state */
		MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(state));

		state->p = adjust_partition(window);
		state->done = true;
		MemoryContextSwitchTo(old);
	}
	p = state->p[WinGetCurrentPosition(window)];
	if (isnan(p))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(p);
}
