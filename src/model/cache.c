/*
 * cache.c
 *		The versions that this session holds. See cache.h.
 */
#include "model/cache.h"

#include "access/xact.h"
#include "model/settings.h"
#include "utils/memutils.h"

static RecServing *entries = NULL;
static uint64 clock_hand = 0;
static bool registered = false;

static void
drop_entry(RecServing **link)
{
	RecServing *s = *link;

	*link = s->next;
	if (s->segment)
		rec_shared_detach(s);
	MemoryContextDelete(s->context);
}

/* Private copies leave, least recently used first, until there is room; pinned ones stay. */
static void
make_room(Size needed)
{
	Size		limit = (Size) rec_cache_size * 1024;

	for (;;)
	{
		RecServing **oldest = NULL;
		Size		total = needed;

		for (RecServing **link = &entries; *link; link = &(*link)->next)
		{
			if ((*link)->segment)
				continue;
			total += (*link)->bytes;
			if ((*link)->pins == 0 && (oldest == NULL || (*link)->last_used < (*oldest)->last_used))
				oldest = link;
		}
		if (total <= limit || oldest == NULL)
			return;
		drop_entry(oldest);
	}
}

/* A mapping keeps the memory of an evicted entry: let go of those that nobody uses here. */
static void
drop_evicted(void)
{
	RecServing **link = &entries;

	while (*link)
	{
		if ((*link)->segment && (*link)->pins == 0 && !rec_shared_used(*link))
			drop_entry(link);
		else
			link = &(*link)->next;
	}
}

/* Pins do not outlive the transaction: an error may have kept them from being released. */
static void
at_transaction_end(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		for (RecServing *s = entries; s; s = s->next)
			s->pins = 0;
}

/* Brings a version in that this session does not hold yet. */
static RecServing *
bring_in(const RecModel *model, const RecVersion *version)
{
	RecServing *private = NULL;
	RecServing *s = NULL;

	if (!version->own_transaction)
		s = rec_shared_get(model, version, &private);
	drop_evicted();				/* after it, because that may have evicted removed versions */
	if (s == NULL)
	{
		s = private ? private : rec_serving_read(model, version);
		make_room(s->bytes);
	}
	MemoryContextSetParent(s->context, TopMemoryContext);
	s->next = entries;
	entries = s;
	return s;
}

RecServing *
rec_serving_get(const RecModel *model, const RecVersion *version)
{
	RecServing *s;

	if (!registered)
	{
		RegisterXactCallback(at_transaction_end, NULL);
		registered = true;
	}
	for (s = entries; s && s->uid != version->uid; s = s->next)
		;
	if (s == NULL)
		s = bring_in(model, version);
	else if (s->segment)
		(void) rec_shared_used(s);
	if (version->value_scaler && s->value_scaler == NULL)
		s->value_scaler = MemoryContextStrdup(s->context, version->value_scaler);
	s->last_used = ++clock_hand;
	s->pins++;
	return s;
}

void
rec_serving_release(RecServing *serving)
{
	serving->pins--;
}
