/*
 * aggregate.c
 *		Contexts, transport and number lists of aggregates. See aggregate.h.
 */
#include "api/aggregate.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#define FIRST_ROOM 32

/* PostgreSQL's own introsort, specialised: 10M numbers take a third of the time of qsort() with a comparator. */
#define ST_SORT sort_doubles
#define ST_ELEMENT_TYPE double
#define ST_COMPARE(a, b) (isnan(*(a)) ? !isnan(*(b)) : isnan(*(b)) ? -1 : (*(a) > *(b)) - (*(a) < *(b)))
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

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
rec_numbers_sort(RecNumbers *numbers)
{
	if (!numbers->sorted && numbers->n > 1)
		sort_doubles(numbers->x, numbers->n);
	numbers->sorted = true;
}

int64
rec_numbers_place(const RecNumbers *sorted, double x)
{
	int64		low = 0,
				high = sorted->n;

	while (low < high)
	{
		int64		middle = low + (high - low) / 2;

		if (sorted->x[middle] < x)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bytea *
rec_state_numbers_out(uint32 tag, const void *part, Size part_size, const RecNumbers *numbers)
{
	Size		size = numbers ? mul_size(numbers->n, sizeof(double)) : 0;
	Size		total = add_size(VARHDRSZ + sizeof(tag) + part_size, size);
	bytea	   *out;
	char	   *to;

	if (total > MaxAllocSize)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many values for a parallel aggregate"),
				 errdetail("One worker's share takes %zu MB, and at most 1024 MB can be passed on.", size >> 20),
				 errhint("Set max_parallel_workers_per_gather to 0, or to a larger number, for this query.")));
	out = palloc(total);
	SET_VARSIZE(out, total);
	to = VARDATA(out);
	memcpy(to, &tag, sizeof(tag));
	if (part_size > 0)
		memcpy(to + sizeof(tag), part, part_size);
	if (size > 0)
		memcpy(to + sizeof(tag) + part_size, numbers->x, size);
	return out;
}

RecNumbers *
rec_state_numbers_in(bytea *in, uint32 tag, void *part, Size part_size, MemoryContext context)
{
	RecNumbers *numbers = rec_numbers_create(context);
	Size		size;
	const char *body = body_of(in, tag, &size);

	if (size < part_size || (size - part_size) % sizeof(double) != 0)
		rec_bad_state();
	if (part_size > 0)
		memcpy(part, body, part_size);
	size -= part_size;
	rec_numbers_reserve(numbers, size / sizeof(double));
	numbers->n = size / sizeof(double);
	if (numbers->n > 0)
		memcpy(numbers->x, body + part_size, size);
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
