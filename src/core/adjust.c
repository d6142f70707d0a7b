/*
 * adjust.c
 *		Bonferroni, Holm, Benjamini-Hochberg. See adjust.h.
 */
#include "core/adjust.h"

#include <math.h>
#include <string.h>

bool
rec_adjust_method(const char *name, RecAdjustMethod *method)
{
	static const struct
	{
		const char *name;
		RecAdjustMethod method;
	}			known[] = {
		{"none", REC_ADJUST_NONE}, {"bonferroni", REC_ADJUST_BONFERRONI}, {"holm", REC_ADJUST_HOLM},
		{"bh", REC_ADJUST_BH}, {"fdr", REC_ADJUST_BH}, {"fdr_bh", REC_ADJUST_BH}
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(name, known[i].name) == 0)
		{
			*method = known[i].method;
			return true;
		}
	return false;
}

/* Moves the entry at the root down to where it belongs in a heap with the largest p at the top. */
static void
sift(const double *p, int64_t *order, int64_t root, int64_t n)
{
	int64_t		moved = order[root];

	for (;;)
	{
		int64_t		child = 2 * root + 1;

		if (child + 1 < n && p[order[child + 1]] > p[order[child]])
			child++;
		if (child >= n || p[order[child]] <= p[moved])
			break;
		order[root] = order[child];
		root = child;
	}
	order[root] = moved;
}

/* Heap sort: no memory, no recursion, no bad case. Equal p's get equal results, whatever their order. */
static void
sort_order(const double *p, int64_t *order, int64_t n)
{
	for (int64_t i = n / 2 - 1; i >= 0; i--)
		sift(p, order, i, n);
	for (int64_t last = n - 1; last > 0; last--)
	{
		int64_t		top = order[0];

		order[0] = order[last];
		order[last] = top;
		sift(p, order, 0, last);
	}
}

void
rec_adjust_p(double *p, int64_t n, RecAdjustMethod method, int64_t *order)
{
	int64_t		m = 0;
	double		bound;

	for (int64_t i = 0; i < n; i++)
		if (!isnan(p[i]))
			order[m++] = i;
	if (method == REC_ADJUST_NONE)
		return;
	if (method == REC_ADJUST_BONFERRONI)
	{
		for (int64_t i = 0; i < m; i++)
			p[order[i]] = fmin(1, m * p[order[i]]);
		return;
	}

	sort_order(p, order, m);
	if (method == REC_ADJUST_HOLM)
	{
		bound = 0;
		for (int64_t rank = 0; rank < m; rank++)
			p[order[rank]] = bound = fmax(bound, fmin(1, (m - rank) * p[order[rank]]));
	}
	else
	{
		bound = 1;
		for (int64_t rank = m - 1; rank >= 0; rank--)
			p[order[rank]] = bound = fmin(bound, p[order[rank]] * ((double) m / (rank + 1)));
	}
}
