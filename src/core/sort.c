/*
 * sort.c
 *		Sorting by radix. See sort.h.
 *
 * The bits of a double, with the sign turned round, order as the number does. Less the least of them they are short where
 * the numbers are near each other, and twice to three times ten of the upper bits nearly sort: what is left are short runs
 * of numbers whose upper bits are the same. They are sorted by insertion, and long ones, of which only few numbers far away
 * from many others make much, in the same way once more. So no data make it slow: each time at least 16 of 64 bits are
 * settled. Numbers that ascend, or two runs that do, are seen as such.
 */
#include "sort.h"

#include <stdbool.h>
#include <string.h>

#define SMALL 48				/* up to so many numbers insertion is faster */
#define MEDIUM 16384			/* up to so many two digits are enough */
#define MAX_DIGITS 3
#define MAX_BITS 10

static inline uint64_t
key_of(double x)
{
	uint64_t	bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits ^ ((uint64_t) ((int64_t) bits >> 63) | UINT64_C(1) << 63);
}

static void
insertion_sort(double *x, int64_t n)
{
	for (int64_t i = 1; i < n; i++)
	{
		double		v = x[i];
		int64_t		j = i;

		for (; j > 0 && x[j - 1] > v; j--)
			x[j] = x[j - 1];
		x[j] = v;
	}
}

/* The digits that are sorted by: those of (key - least) >> shift. */
typedef struct Radix
{
	uint64_t	least;
	int			shift;
	int			bits;
	int			digits;
} Radix;

/* Returns how often the numbers descend; *second is where they do it last. */
static int64_t
choose_radix(const double *x, int64_t n, Radix *r, int64_t *second)
{
	uint64_t	least = UINT64_MAX,
				greatest = 0,
				last = 0;
	int64_t		descents = 0;

	for (int64_t i = 0; i < n; i++)
	{
		uint64_t	key = key_of(x[i]);

		least = key < least ? key : least;
		greatest = key > greatest ? key : greatest;
		descents += key < last;
		*second = key < last ? i : *second;
		last = key;
	}
	r->least = least;
	r->bits = n < 1024 ? 8 : MAX_BITS;
	r->digits = n > MEDIUM ? 3 : 2;
	r->shift = 0;
	while ((greatest - least) >> r->shift >> (r->bits * r->digits))
		r->shift++;
	return descents;
}

/* One pass for each digit, from the lowest; returns where the numbers are then. */
static double *
sort_digits(double *x, double *scratch, int64_t n, const Radix *r, void (*poll) (void))
{
	int64_t		place[MAX_DIGITS][1 << MAX_BITS];
	uint64_t	mask = ((uint64_t) 1 << r->bits) - 1;

	for (int d = 0; d < r->digits; d++)
		memset(place[d], 0, sizeof(int64_t) << r->bits);
	for (int64_t i = 0; i < n; i++)
	{
		uint64_t	key = (key_of(x[i]) - r->least) >> r->shift;

		place[0][key & mask]++;
		place[1][key >> r->bits & mask]++;
		if (r->digits > 2)
			place[2][key >> (2 * r->bits)]++;
	}
	for (int d = 0; d < r->digits; d++)
	{
		int			shift = r->shift + d * r->bits;
		int64_t		sum = 0;
		double	   *from = x;

		for (uint64_t i = 0; i <= mask; i++)
		{
			int64_t		count = place[d][i];

			place[d][i] = sum;
			sum += count;
		}
		for (int64_t i = 0; i < n; i++)
			scratch[place[d][(key_of(from[i]) - r->least) >> shift & mask]++] = from[i];
		x = scratch;
		scratch = from;
		if (poll)
			poll();
	}
	return x;
}

/* Sorts the runs whose upper bits are the same. */
static void
sort_ties(double *x, double *scratch, int64_t n, const Radix *r, void (*poll) (void))
{
	for (int64_t i = 1; i < n; i++)
	{
		uint64_t	upper;
		int64_t		first = i - 1;

		if (x[i - 1] <= x[i])
			continue;
		upper = (key_of(x[i]) - r->least) >> r->shift;
		while (first > 0 && (key_of(x[first - 1]) - r->least) >> r->shift == upper)
			first--;
		while (i < n && (key_of(x[i]) - r->least) >> r->shift == upper)
			i++;
		if (rec_sort(x + first, scratch + first, i - first, poll) != x + first)
			memcpy(x + first, scratch + first, (i - first) * sizeof(double));
	}
}

double *
rec_sort(double *x, double *scratch, int64_t n, void (*poll) (void))
{
	Radix		r;
	double	   *sorted;
	int64_t		second = 0,
				descents;

	if (n <= SMALL)
	{
		insertion_sort(x, n);
		return x;
	}
	descents = choose_radix(x, n, &r, &second);
	if (descents == 0)
		return x;
	if (descents == 1)
	{
		rec_merge(x, second, x + second, n - second, scratch);
		return scratch;
	}
	sorted = sort_digits(x, scratch, n, &r, poll);
	if (r.shift > 0)
		sort_ties(sorted, sorted == x ? scratch : x, n, &r, poll);
	return sorted;
}

/* No branch depends on the numbers. */
void
rec_merge(const double *x, int64_t n, const double *y, int64_t m, double *out)
{
	int64_t		i = 0,
				j = 0;

	while (i < n && j < m)
	{
		double		a = x[i],
					b = y[j];
		int			first = a <= b;

		*out++ = first ? a : b;
		i += first;
		j += 1 - first;
	}
	if (i < n)
		memcpy(out, x + i, (n - i) * sizeof(double));
	if (j < m)
		memcpy(out, y + j, (m - j) * sizeof(double));
}

int64_t
rec_count_below(const double *ascending, int64_t n, double x)
{
	int64_t		low = 0,
				high = n;

	while (low < high)
	{
		int64_t		middle = low + (high - low) / 2;

		if (ascending[middle] < x)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int64_t
rec_count_upto(const double *ascending, int64_t n, double x)
{
	int64_t		low = 0,
				high = n;

	while (low < high)
	{
		int64_t		middle = low + (high - low) / 2;

		if (ascending[middle] <= x)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/*
 * The number of a rank, which lies in the windows of the runs: the middle of the widest window is compared with all of
 * them, and either it is the one, or the windows shrink to one side of it.
 */
static double
select_in_windows(RecRun *run, int nruns, int64_t rank)
{
	for (;;)
	{
		int			widest = 0;
		double		pivot;
		int64_t		below = 0,
					upto = 0;

		for (int i = 1; i < nruns; i++)
			if (run[i].to - run[i].from > run[widest].to - run[widest].from)
				widest = i;
		pivot = run[widest].x[run[widest].from + (run[widest].to - run[widest].from) / 2];
		for (int i = 0; i < nruns; i++)
		{
			RecRun	   *r = &run[i];

			r->below = r->from + rec_count_below(r->x + r->from, r->to - r->from, pivot);
			r->upto = r->below;
			if (r->below < r->to && r->x[r->below] == pivot)
				r->upto += rec_count_upto(r->x + r->below, r->to - r->below, pivot);
			below += r->below;
			upto += r->upto;
		}
		if (rank >= below && rank < upto)
			return pivot;
		for (int i = 0; i < nruns; i++)
		{
			if (rank < below)
				run[i].to = run[i].below;
			else
				run[i].from = run[i].upto;
		}
	}
}

void
rec_select_in_runs(RecRun *run, int nruns, const int64_t *rank, int64_t nranks, double *value)
{
	for (int64_t k = 0; k < nranks; k++)
	{
		/* what was below the last one is below this one, and no run has more between them than there are in all */
		bool		ascends = k > 0 && rank[k] >= rank[k - 1];
		int64_t		before = 0;

		for (int i = 0; i < nruns; i++)
			before += run[i].from = ascends ? run[i].below : 0;
		for (int i = 0; i < nruns; i++)
			run[i].to = rank[k] - before < run[i].n - run[i].from ? run[i].from + (rank[k] - before) + 1 : run[i].n;
		value[k] = select_in_windows(run, nruns, rank[k]);
	}
}
