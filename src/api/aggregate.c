/*
 * aggregate.c
 *		Contexts, transport and number lists of aggregates. See aggregate.h.
 */
#include "api/aggregate.h"

#include <math.h>

#include "core/select.h"
#include "core/sort.h"
#include "miscadmin.h"
#include "model/memory.h"
#include "utils/memutils.h"

#define FIRST_ROOM 32

static void
poll_interrupts(void)
{
	CHECK_FOR_INTERRUPTS();
}

MemoryContext
rec_aggregate_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("aggregate function called outside of an aggregate")));
	return context;
}

void *
rec_combine_begin(FunctionCallInfo fcinfo, Size size, void **other)
{
	void	   *state = PG_ARGISNULL(0) ? NULL : PG_GETARG_POINTER(0);

	*other = PG_ARGISNULL(1) ? NULL : PG_GETARG_POINTER(1);
	if (state == NULL && *other != NULL)
	{
		state = memcpy(MemoryContextAlloc(rec_aggregate_context(fcinfo), size), *other, size);
		*other = NULL;
	}
	return state;
}

void
rec_bad_state(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			 errmsg("invalid state of an aggregate")));
}

bytea *
rec_state_out(uint32 tag, const void *state, Size size)
{
	bytea	   *out = palloc(VARHDRSZ + sizeof(tag) + size);

	SET_VARSIZE(out, VARHDRSZ + sizeof(tag) + size);
	memcpy(VARDATA(out), &tag, sizeof(tag));
	memcpy(VARDATA(out) + sizeof(tag), state, size);
	return out;
}

/* The bytes after the tag. */
static const char *
body_of(bytea *in, uint32 tag, Size *size)
{
	uint32		found;

	if (VARSIZE_ANY_EXHDR(in) < sizeof(found))
		rec_bad_state();
	memcpy(&found, VARDATA_ANY(in), sizeof(found));
	if (found != tag)
		rec_bad_state();
	*size = VARSIZE_ANY_EXHDR(in) - sizeof(found);
	return VARDATA_ANY(in) + sizeof(found);
}

void
rec_state_in(bytea *in, uint32 tag, void *state, Size size)
{
	Size		found;
	const char *body = body_of(in, tag, &found);

	if (found != size)
		rec_bad_state();
	memcpy(state, body, size);
}

RecNumbers *
rec_numbers_create(MemoryContext context)
{
	RecNumbers *numbers = MemoryContextAllocZero(context, sizeof(RecNumbers));

	numbers->context = context;
	return numbers;
}

void
rec_numbers_reserve(RecNumbers *numbers, int64 more)
{
	int64		room = Max(Max(numbers->room * 2, FIRST_ROOM), numbers->n + more);
	Size		size = mul_size(room, sizeof(double));

	if (numbers->n + more <= numbers->room)
		return;
	numbers->x = numbers->x ? repalloc_huge(numbers->x, size) :
		MemoryContextAllocExtended(numbers->context, size, MCXT_ALLOC_HUGE);
	numbers->room = room;
	rec_advise_huge(numbers->x, size);
}

void
rec_numbers_append(RecNumbers *numbers, const RecNumbers *other)
{
	rec_numbers_reserve(numbers, other->n);
	if (other->n > 0)
		memcpy(numbers->x + numbers->n, other->x, other->n * sizeof(double));
	numbers->n += other->n;
	numbers->sorted = false;
}

void
rec_numbers_adopt(RecNumbers *numbers, RecNumbers *other)
{
	if (rec_numbers_total(other) == 0)
		return;
	if (numbers->n == 0 && numbers->next == NULL)
	{
		*numbers = *other;
		return;
	}
	while (numbers->next)
		numbers = numbers->next;
	numbers->next = other;
}

int64
rec_numbers_total(const RecNumbers *numbers)
{
	int64		total = 0;

	for (; numbers; numbers = numbers->next)
		total += numbers->n;
	return total;
}

static double *
allocate_numbers(MemoryContext context, int64 n)
{
	Size		size = mul_size(Max(n, 1), sizeof(double));
	double	   *x = MemoryContextAllocExtended(context, size, MCXT_ALLOC_HUGE);

	rec_advise_huge(x, size);
	return x;
}

/* Sorts numbers that are one part; scratch has room for them. */
static void
sort_part(RecNumbers *numbers, double *scratch)
{
	int64		n = 0;
	double	   *x = numbers->x,
			   *sorted;

	if (numbers->sorted)
		return;
	for (int64 i = 0; i < numbers->n; i++)
		if (!isnan(x[i]))
		{
			double		number = x[i];

			x[i] = x[n];
			x[n++] = number;
		}
	sorted = rec_sort(x, scratch, n, poll_interrupts);
	if (sorted != x)
		memcpy(x, sorted, n * sizeof(double));
	numbers->sorted = true;
}

/* Merges the next part into the first. */
static void
merge_next(RecNumbers *numbers)
{
	RecNumbers *next = numbers->next;
	double	   *all = allocate_numbers(numbers->context, numbers->n + next->n);

	rec_merge(numbers->x, numbers->n, next->x, next->n, all);
	CHECK_FOR_INTERRUPTS();
	if (numbers->x)
		pfree(numbers->x);
	if (next->x)
		pfree(next->x);
	numbers->x = all;
	numbers->n += next->n;
	numbers->room = numbers->n;
	numbers->next = next->next;
	pfree(next);
}

void
rec_numbers_sort(RecNumbers *numbers)
{
	/* neighbours first: each number is moved as often as parts can be halved */
	while (numbers->next)
		for (RecNumbers *part = numbers; part && part->next; part = part->next)
			merge_next(part);
	if (!numbers->sorted && numbers->n > 1)
	{
		double	   *scratch = allocate_numbers(CurrentMemoryContext, numbers->n);

		sort_part(numbers, scratch);
		pfree(scratch);
	}
	numbers->sorted = true;
}

/* Puts the numbers of the ranks in their places. */
static void
select_unsorted(RecNumbers *numbers, const int64 *rank, int64 n)
{
	int64	   *ascending = palloc(sizeof(int64) * n);

	/* next to each other, two pairs may be (4, 5), (4, 5) */
	for (int64 i = 0; i < n; i++)
		ascending[i] = i > 0 ? Max(rank[i], ascending[i - 1]) : rank[i];
	rec_select(numbers->x, numbers->n, ascending, n, poll_interrupts);
	pfree(ascending);
}

void
rec_numbers_select(RecNumbers *numbers, const int64 *rank, int64 npairs, double *value)
{
	RecRun	   *run;
	int			nruns = 0;

	if (numbers->next == NULL)
	{
		if (!numbers->sorted)
			select_unsorted(numbers, rank, 2 * npairs);
		for (int64 i = 0; i < 2 * npairs; i++)
			value[i] = numbers->x[rank[i]];
		return;
	}
	for (const RecNumbers *part = numbers; part; part = part->next)
		nruns++;
	run = palloc(sizeof(RecRun) * nruns);
	nruns = 0;
	for (const RecNumbers *part = numbers; part; part = part->next)
		run[nruns++] = (RecRun) {.x = part->x, .n = part->n};
	rec_select_in_runs(run, nruns, rank, 2 * npairs, value);
	pfree(run);
}

/* Room for a state on its way; sets size and tag. */
static bytea *
allocate_state(uint32 tag, Size part_size, int64 n)
{
	Size		size = mul_size(n, sizeof(double)),
				total = add_size(VARHDRSZ + sizeof(tag) + part_size, size);
	bytea	   *out;

	if (total > MaxAllocSize)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many values for a parallel aggregate"),
				 errdetail("One worker's share takes %zu MB, and at most 1024 MB can be passed on.", size >> 20),
				 errhint("Set max_parallel_workers_per_gather to 0, or to a larger number, for this query.")));
	out = palloc(total);
	rec_advise_huge(out, total);
	SET_VARSIZE(out, total);
	memcpy(VARDATA(out), &tag, sizeof(tag));
	return out;
}

bytea *
rec_state_numbers_out(uint32 tag, const void *part, Size part_size, const RecNumbers *numbers)
{
	bytea	   *out = allocate_state(tag, part_size, numbers ? numbers->n : 0);
	char	   *to = VARDATA(out) + sizeof(tag);

	if (part_size > 0)
		memcpy(to, part, part_size);
	if (numbers && numbers->n > 0)
		memcpy(to + part_size, numbers->x, numbers->n * sizeof(double));
	return out;
}

const char *
rec_state_open(bytea *in, uint32 tag, void *part, Size part_size, int64 *n)
{
	Size		size;
	const char *body = body_of(in, tag, &size);

	if (size < part_size || (size - part_size) % sizeof(double) != 0)
		rec_bad_state();
	if (part_size > 0)
		memcpy(part, body, part_size);
	*n = (size - part_size) / sizeof(double);
	return body + part_size;
}

RecNumbers *
rec_state_numbers_in(bytea *in, uint32 tag, void *part, Size part_size, MemoryContext context)
{
	RecNumbers *numbers = rec_numbers_create(context);
	int64		n;
	const char *from = rec_state_open(in, tag, part, part_size, &n);

	rec_numbers_reserve(numbers, n);
	numbers->n = n;
	if (n > 0)
		memcpy(numbers->x, from, n * sizeof(double));
	return numbers;
}

bytea *
rec_sorted_out(uint32 tag, const void *part, Size part_size, RecNumbers *first, RecNumbers *second)
{
	RecNumbers *list[] = {first, second};
	bytea	   *out = allocate_state(tag, part_size, (first ? first->n : 0) + (second ? second->n : 0));
	char	   *to = VARDATA(out) + sizeof(tag);

	if (part_size > 0)
		memcpy(to, part, part_size);
	to += part_size;
	Assert(to == (char *) MAXALIGN(to));
	for (int i = 0; i < lengthof(list); i++)
	{
		Size		size = list[i] ? list[i]->n * sizeof(double) : 0;

		Assert(list[i] == NULL || list[i]->next == NULL);	/* what was combined does not travel again */
		if (size == 0)
			continue;
		/* where the numbers go to is room to sort in; they are sorted in their place too, as a state may be passed on twice */
		sort_part(list[i], (double *) to);
		memcpy(to, list[i]->x, size);
		to += size;
	}
	return out;
}

RecNumbers *
rec_sorted_in(const char *from, int64 n, MemoryContext context)
{
	RecNumbers *numbers = rec_numbers_create(context);
	double	   *x;
	bool		ascend = true;

	numbers->sorted = true;
	if (n == 0)
		return numbers;
	x = numbers->x = allocate_numbers(context, n);
	numbers->n = numbers->room = n;
	memcpy(x, from, n * sizeof(double));
	for (int64 i = 1; i < n; i++)
		ascend &= x[i - 1] <= x[i];	/* false for NaN */
	if (!ascend || isnan(x[0]))
		rec_bad_state();
	return numbers;
}

bytea *
rec_numbers_out(uint32 tag, const RecNumbers *numbers)
{
	return rec_state_numbers_out(tag, NULL, 0, numbers);
}

RecNumbers *
rec_numbers_in(bytea *in, uint32 tag, MemoryContext context)
{
	return rec_state_numbers_in(in, tag, NULL, 0, context);
}
