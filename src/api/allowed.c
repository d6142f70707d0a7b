/*
 * allowed.c
 *		Masks of allowed items. See allowed.h.
 */
#include "api/allowed.h"

#include "utils/memutils.h"

void
rec_forbid(RecAllowed *allowed, const int32 *item, int n)
{
	for (int i = 0; i < n; i++)
		if (item[i] >= 0 && allowed->mask[item[i]])
		{
			allowed->mask[item[i]] = false;
			allowed->n--;
		}
}

RecAllowed
rec_allowed_by_arguments(const RecCall *call, int candidates_argument, int exclude_argument)
{
	int			n = 0;
	int32	   *item = candidates_argument < 0 ? NULL : rec_call_items(call, candidates_argument, &n);
	RecAllowed	allowed = {.mask = palloc_extended(Max(call->serving->n, 1), MCXT_ALLOC_HUGE)};

	memset(allowed.mask, item == NULL, call->serving->n);
	allowed.n = item == NULL ? call->serving->n : n;
	for (int i = 0; item && i < n; i++)
		allowed.mask[item[i]] = true;
	if (exclude_argument >= 0)
	{
		item = rec_call_items(call, exclude_argument, &n);
		rec_forbid(&allowed, item, n);
	}
	return allowed;
}
