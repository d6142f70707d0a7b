/*
 * aggregate.h
 *		What aggregate functions in C share: the context of their states, states on their way between processes, and
 *		states that keep every number they have seen.
 *
 * A state on its way is a bytea: a tag that says what it is, then its bytes in this machine's order (workers run on the
 * machine of their leader). Reading checks tag and length before a byte is used, so that a truncated or foreign value is
 * an error and never a crash.
 */
#ifndef REC_AGGREGATE_H
#define REC_AGGREGATE_H

#include "compat.h"

#include "fmgr.h"

/* Where the state of the aggregate or window function lives; an error outside of one. */
extern MemoryContext rec_aggregate_context(FunctionCallInfo fcinfo);

/*
 * How a combine function of states of fixed size, without pointers, begins: the state that goes on, NULL when there is none
 * (a copy of the other when there was only that), and what is still to be added to it (NULL: nothing).
 */
extern void *rec_combine_begin(FunctionCallInfo fcinfo, Size size, void **other);

/* A state of fixed size, without pointers. `tag` differs between kinds of state. */
extern bytea *rec_state_out(uint32 tag, const void *state, Size size);
extern void rec_state_in(bytea *in, uint32 tag, void *state, Size size);

/* The error about bytes that cannot be a state. */
pg_attribute_noreturn() extern void rec_bad_state(void);

/*
 * All numbers an aggregate has seen, for order statistics. The memory is of `context` and may pass 1 GB.
 *
 * Each process of a parallel plan sorts what it has seen before it passes it on (rec_sorted_out), and the leader
 * keeps that as it comes, as parts (rec_numbers_adopt): so no work on all numbers is left to be done by one process.
 */
typedef struct RecNumbers
{
	MemoryContext context;
	int64		n;				/* of this part */
	int64		room;
	double	   *x;
	bool		sorted;
	struct RecNumbers *next;	/* the next part; all are sorted then */
} RecNumbers;

extern RecNumbers *rec_numbers_create(MemoryContext context);
extern void rec_numbers_reserve(RecNumbers *numbers, int64 more);
extern void rec_numbers_append(RecNumbers *numbers, const RecNumbers *other);

/* Puts other's parts, which are sorted, beside the numbers, which are sorted or none; other is not used any more. */
extern void rec_numbers_adopt(RecNumbers *numbers, RecNumbers *other);
extern int64 rec_numbers_total(const RecNumbers *numbers);

/* Makes one part of all, ascending; NaN comes last, as PostgreSQL sorts it. Nothing is done when it is so. */
extern void rec_numbers_sort(RecNumbers *numbers);

/*
 * The numbers of npairs times two neighbouring ranks (or twice the same one), of ascending quantiles, all below the total; no
 * NaN. Only the order of unsorted numbers changes.
 */
extern void rec_numbers_select(RecNumbers *numbers, const int64 *rank, int64 npairs, double *value);

/* At most 1 GB can travel; an error that says so beyond. */
extern bytea *rec_numbers_out(uint32 tag, const RecNumbers *numbers);
extern RecNumbers *rec_numbers_in(bytea *in, uint32 tag, MemoryContext context);

/*
 * The same for numbers without NaN, of up to two lists, which are sorted on the way; `part` is a multiple of 8 bytes and
 * says how many are of the first list. rec_state_open() gives the part and where the n numbers begin, which
 * rec_sorted_in() copies and checks.
 */
extern bytea *rec_sorted_out(uint32 tag, const void *part, Size part_size, RecNumbers *first, RecNumbers *second);
extern const char *rec_state_open(bytea *in, uint32 tag, void *part, Size part_size, int64 *n);
extern RecNumbers *rec_sorted_in(const char *from, int64 n, MemoryContext context);

/* A part of fixed size, without pointers, and then numbers (NULL: none) that fill the rest. */
extern bytea *rec_state_numbers_out(uint32 tag, const void *part, Size part_size, const RecNumbers *numbers);
extern RecNumbers *rec_state_numbers_in(bytea *in, uint32 tag, void *part, Size part_size, MemoryContext context);

static inline void
rec_numbers_add(RecNumbers *numbers, double x)
{
	if (unlikely(numbers->n == numbers->room))
		rec_numbers_reserve(numbers, 1);
	numbers->x[numbers->n++] = x;
	numbers->sorted = false;
}

#endif							/* REC_AGGREGATE_H */
