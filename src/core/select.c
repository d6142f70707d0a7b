/*
 * select.c
 *		Order statistics by partitioning. See select.h.
 *
 * Quickselect for many ranks: the pivot comes from a random sample, near the middle one of the wanted ranks; where all of them are
 * close together it is put beside them, so that most of the array is dropped at once (Floyd and Rivest, CACM 18(3), 1975).
 * The partition has no branch on the data. A run of equal numbers is split off whole, so ties cost nothing.
 */
#include "core/select.h"

#include <math.h>

#define SMALL 48
#define MAX_SAMPLE 1024

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

static void
shell_sort(double *x, int n)
{
	static const int gaps[] = {701, 301, 132, 57, 23, 10, 4, 1};

	for (int g = 0; g < 8; g++)
		for (int i = gaps[g]; i < n; i++)
		{
			double		v = x[i];
			int			j = i;

			for (; j >= gaps[g] && x[j - gaps[g]] > v; j -= gaps[g])
				x[j] = x[j - gaps[g]];
			x[j] = v;
		}
}

/* Moves what is below the pivot (or_equal: not above it) to the front; returns how much that is. */
static int64_t
partition(double *x, int64_t n, double pivot, int or_equal)
{
	int64_t		front = 0;

	if (or_equal)
		for (int64_t i = 0; i < n; i++)
		{
			double		v = x[i];

			x[i] = x[front];
			x[front] = v;
			front += v <= pivot;
		}
	else
		for (int64_t i = 0; i < n; i++)
		{
			double		v = x[i];

			x[i] = x[front];
			x[front] = v;
			front += v < pivot;
		}
	return front;
}

/* ranks are relative to x. */
static double
choose_pivot(const double *x, int64_t n, int64_t first, int64_t middle, int64_t last, uint64_t *random)
{
	double		sample[MAX_SAMPLE];
	int			size = n / 32 + 8 > MAX_SAMPLE ? MAX_SAMPLE : (int) (n / 32) + 8;
	double		share = (double) middle / (double) n;
	double		at = share * size;

	for (int i = 0; i < size; i++)
	{
		*random = *random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		sample[i] = x[(int64_t) (((*random >> 32) * (uint64_t) n) >> 32) % n];
	}
	shell_sort(sample, size);
	if (last - first < n / 16)
		at += (share < 0.5 ? 2.5 : -2.5) * sqrt(size * share * (1 - share)) + (share < 0.5 ? 1 : -1);
	return sample[at < 0 ? 0 : at > size - 1 ? size - 1 : (int) at];
}

static void
select_in(double *x, int64_t n, int64_t base, const int64_t *rank, int nranks, void (*poll) (void), uint64_t *random)
{
	while (nranks > 0 && n > SMALL)
	{
		double		pivot = choose_pivot(x, n, rank[0] - base, rank[nranks / 2] - base, rank[nranks - 1] - base, random);
		int64_t		front = partition(x, n, pivot, 0);
		int			left = 0;

		if (poll)
			poll();
		if (front == 0)
		{
			/* the pivot is the smallest: all of its kind are in their places then */
			front = partition(x, n, pivot, 1);
			while (nranks > 0 && rank[0] - base < front)
			{
				rank++;
				nranks--;
			}
		}
		while (left < nranks && rank[left] - base < front)
			left++;
		if (left == nranks && left > 0)
		{
			n = front;
			continue;
		}
		if (left > 0)
			select_in(x, front, base, rank, left, poll, random);
		x += front;
		n -= front;
		base += front;
		rank += left;
		nranks -= left;
	}
	if (nranks > 0)
		insertion_sort(x, n);
}

void
rec_select(double *x, int64_t n, const int64_t *rank, int nranks, void (*poll) (void))
{
	uint64_t	random = 42;

	select_in(x, n, 0, rank, nranks, poll, &random);
}

void
rec_quantile_ranks(double p, int64_t n, int64_t rank[2])
{
	double		at = p * (double) (n - 1);

	rank[0] = (int64_t) floor(at);
	if (rank[0] < 0)
		rank[0] = 0;
	if (rank[0] > n - 1)
		rank[0] = n - 1;
	rank[1] = rank[0] + (rank[0] < n - 1 && at > (double) rank[0]);
}

double
rec_quantile_between(double p, int64_t n, double a, double b)
{
	int64_t		rank[2];
	double		t;

	rec_quantile_ranks(p, n, rank);
	t = p * (double) (n - 1) - (double) rank[0];
	if (a == b || rank[0] == rank[1])
		return a;
	if (isinf(b - a))
		return a * (1 - t) + b * t;
	return t < 0.5 ? a + (b - a) * t : b - (b - a) * (1 - t);
}

double
rec_quantile(const double *x, int64_t n, double p)
{
	int64_t		rank[2];

	rec_quantile_ranks(p, n, rank);
	return rec_quantile_between(p, n, x[rank[0]], x[rank[1]]);
}
