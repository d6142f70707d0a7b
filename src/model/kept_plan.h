/*
 * kept_plan.h
 *		Plans of queries for the rows of one key, kept by the session.
 *
 * A kept plan is generic. The plan cache follows changes of the relations, their row security and the current role. When it is
 * made, sequential scans are discouraged, so that a small table with an index is still read through the index; afterwards it is
 * looked at: who finds a scan in it that is not bound by an index condition must not run it.
 */
#ifndef REC_KEPT_PLAN_H
#define REC_KEPT_PLAN_H

#include "compat.h"

#include "executor/spi.h"

/* Zeroed before its first use; the caller keeps it. */
typedef struct RecKeptPlan
{
	char	   *query;
	Oid			type;			/* of the first parameter */
	SPIPlanPtr	plan;
	int			generation;		/* of the plan that was looked at */
	bool		indexed;		/* found then: an index leads to its rows, and nothing in it is volatile */
	bool		secured;		/* row security applies to the current role */
	int			busy;			/* calls that plan or run it: a view in it may ask for the same rows again */
} RecKeptPlan;

/*
 * Within SPI: the plan of a query, made when there is none or when the query is another, and looked at. Sequential scans stay
 * discouraged until the caller undoes it by AtEOXact_GUC(false, what is returned).
 */
extern int	rec_kept_plan(RecKeptPlan *kept, const char *query, int ntypes, Oid *types);

/* Runs it to read at most `limit` rows (0: all), as SPI_execute_plan() does; they are in SPI_tuptable then. */
extern int	rec_kept_plan_run(RecKeptPlan *kept, Datum *values, const char *nulls, long limit);

/* Frees what a kept plan holds, which must not be busy. */
extern void rec_kept_plan_free(RecKeptPlan *kept);

#endif							/* REC_KEPT_PLAN_H */
