/*
 * allowed.c
 *		Masks of allowed items. See allowed.h.
 */
#include "api/allowed.h"

#include "miscadmin.h"
#include "model/context.h"
#include "model/items.h"
#include "utils/memutils.h"

/*
 * The results of item set, filter and boost for the calls of one statement, as LATERAL makes them; they live and die with the
 * executor's state of the function call, and hold for one role and version only.
 */
typedef struct Kept
{
	Oid			schema;
	Oid			role;
	int64		uid;			/* of the version */
	char	   *item_set;		/* these five NULL: not given */
	char	   *filter;
	Jsonb	   *args;
	Jsonb	   *boost;
	Jsonb	   *context;
	bool	   *mask;			/* NULL: neither item set nor filter */
	float	   *factor;			/* NULL: neither boost nor context */
} Kept;

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

static bool
same_json(const Jsonb *a, const Jsonb *b)
{
	return a == NULL || b == NULL ? a == b :
		VARSIZE_ANY(a) == VARSIZE_ANY(b) && memcmp(a, b, VARSIZE_ANY(a)) == 0;
}

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
still_fits(const Kept *kept, const RecCall *call, const RecRequest *request)
{
	return kept->schema == call->model->schema && kept->role == GetUserId() && kept->uid == call->serving->uid &&
		same_text(kept->item_set, request->item_set) && same_text(kept->filter, request->filter) &&
		same_json(kept->args, request->filter_args) && same_json(kept->boost, request->boost) &&
		same_json(kept->context, request->context);
}

static char *
copy_text(MemoryContext context, const char *text)
{
	return text ? MemoryContextStrdup(context, text) : NULL;
}

static Jsonb *
copy_json(MemoryContext context, const Jsonb *json)
{
	return json ? memcpy(MemoryContextAlloc(context, VARSIZE_ANY(json)), json, VARSIZE_ANY(json)) : NULL;
}

static void
fill_mask(const RecCall *call, const RecRequest *request, bool *mask)
{
	const RecServing *s = call->serving;
	bool	   *passed;

	if (request->item_set)
		rec_item_set_mask(call->model, &s->keys, s->uid, request->item_set, mask);
	if (request->filter == NULL)
		return;
	passed = request->item_set ? palloc_extended(Max(s->n, 1), MCXT_ALLOC_HUGE) : mask;
	rec_filter_run(call->model, &s->keys, request->filter, request->filter_args, passed);
	if (passed == mask)
		return;
	for (int i = 0; i < s->n; i++)
		mask[i] = mask[i] && passed[i];
	pfree(passed);
}

static void
fill_factors(const RecCall *call, const RecRequest *request, float *factor)
{
	const RecServing *s = call->serving;

	if (request->boost)
		rec_boost_run(call->model, &s->keys, request->boost, factor);
	else
		for (int i = 0; i < s->n; i++)
			factor[i] = 1;
	if (request->context)
		rec_context_factors(call->model, s, request->context, factor);
}

static Kept *
keep(const RecCall *call, const RecRequest *request)
{
	const RecServing *s = call->serving;
	FmgrInfo   *function = call->fcinfo->flinfo;
	MemoryContext context = AllocSetContextCreate(function->fn_mcxt, "recommendation filter result",
												  ALLOCSET_SMALL_SIZES);
	Kept	   *kept = MemoryContextAllocZero(context, sizeof(Kept));

	kept->schema = call->model->schema;
	kept->role = GetUserId();
	kept->uid = s->uid;
	kept->item_set = copy_text(context, request->item_set);
	kept->filter = copy_text(context, request->filter);
	kept->args = copy_json(context, request->filter_args);
	kept->boost = copy_json(context, request->boost);
	kept->context = copy_json(context, request->context);
	if (request->filter || request->item_set)
	{
		kept->mask = MemoryContextAllocHuge(context, Max(s->n, 1));
		fill_mask(call, request, kept->mask);
	}
	if (request->boost || request->context)
	{
		kept->factor = MemoryContextAllocHuge(context, Max(s->n, 1) * sizeof(float));
		fill_factors(call, request, kept->factor);
	}
	if (function->fn_extra)
		MemoryContextDelete(GetMemoryChunkContext(function->fn_extra));
	function->fn_extra = kept;
	return kept;
}

/* NULL: the request needs none of it. */
static Kept *
kept_for(const RecCall *call, const RecRequest *request)
{
	Kept	   *kept = call->fcinfo->flinfo->fn_extra;

	if (request->filter == NULL && request->item_set == NULL && request->boost == NULL &&
		request->context == NULL)
		return NULL;
	return kept && still_fits(kept, call, request) ? kept : keep(call, request);
}

static void
intersect(RecAllowed *allowed, const bool *mask, int n)
{
	allowed->n = 0;
	for (int i = 0; i < n; i++)
	{
		allowed->mask[i] = allowed->mask[i] && mask[i];
		allowed->n += allowed->mask[i];
	}
}

void
rec_allow_filtered(RecAllowed *allowed, const RecCall *call, const RecRequest *request)
{
	Kept	   *kept = kept_for(call, request);

	if (kept && kept->mask)
		intersect(allowed, kept->mask, call->serving->n);
}

const float *
rec_boost_factors(const RecCall *call, const RecRequest *request)
{
	Kept	   *kept = kept_for(call, request);

	return kept ? kept->factor : NULL;
}

float
rec_item_factor(const RecCall *call, const RecRequest *request, int position)
{
	const float *factor = rec_boost_factors(call, request);

	return factor ? factor[position] : 1;
}
