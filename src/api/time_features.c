/*
 * time_features.c
 *		rec.time_features(ts, time_zone, hemisphere).
 */
#include "compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

/* A place on a circle of n, from 0. */
static void
on_circle(int place, int n, Datum *sine, Datum *cosine)
{
	double		angle = 2 * M_PI * place / n;

	*sine = Float8GetDatum(sin(angle));
	*cosine = Float8GetDatum(cos(angle));
}

PG_FUNCTION_INFO_V1(rec_time_features);
Datum
rec_time_features(PG_FUNCTION_ARGS)
{
	static const char *const seasons[] = {"winter", "spring", "summer", "autumn"};
	TimestampTz ts = PG_GETARG_TIMESTAMPTZ(0);
	bool		south = VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(2)) == 5 && memcmp(VARDATA_ANY(PG_GETARG_TEXT_PP(2)), "south", 5) == 0;
	Timestamp	local;
	struct pg_tm tm;
	fsec_t		fraction;
	int			weekday;
	TupleDesc	desc = fcinfo->flinfo->fn_extra;
	Datum		v[11];
	bool		null[11] = {0};

	/* an unknown zone is an error, whatever the time */
	local = DatumGetTimestamp(DirectFunctionCall2(timestamptz_zone, PG_GETARG_DATUM(1), TimestampTzGetDatum(ts)));
	if (TIMESTAMP_NOT_FINITE(ts))
		PG_RETURN_NULL();
	if (timestamp2tm(local, NULL, &tm, &fraction, NULL, NULL) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("timestamp out of range")));
	weekday = j2day(date2j(tm.tm_year, tm.tm_mon, tm.tm_mday));
	weekday = weekday == 0 ? 7 : weekday;
	v[0] = Int32GetDatum(tm.tm_hour);
	v[1] = Int32GetDatum(weekday);
	v[2] = BoolGetDatum(weekday >= 6);
	v[3] = Int32GetDatum(tm.tm_mon);
	v[4] = CStringGetTextDatum(seasons[(tm.tm_mon / 3 + (south ? 2 : 0)) % 4]);
	on_circle(tm.tm_hour, 24, &v[5], &v[6]);
	on_circle(weekday - 1, 7, &v[7], &v[8]);
	on_circle(tm.tm_mon - 1, 12, &v[9], &v[10]);
	if (desc == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);

		desc = lookup_rowtype_tupdesc_copy(get_fn_expr_rettype(fcinfo->flinfo), -1);
		fcinfo->flinfo->fn_extra = desc;
		MemoryContextSwitchTo(old);
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, v, null)));
}
