/*
 * unscaled.c
 *		Events whose values are scaled after they were parted. See unscaled.h.
 */
#include "model/unscaled.h"

#include <math.h>

#include "miscadmin.h"
#include "model/scaler.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#define LARGEST 1e30			/* sums of scaled values stay finite: a part may lie far outside of what was fitted */

char *
rec_unscaled_fit(const RecModel *model, const RecEvents *e)
{
	double	   *value = palloc_extended(mul_size(Max(e->n, 1), sizeof(double)), MCXT_ALLOC_HUGE);
	int64		n = 0;
	char	   *scaler;

	for (int c = 0; c < e->nchunks; c++)
	{
		CHECK_FOR_INTERRUPTS();
		for (int k = 0; k < e->chunks[c]->n; k++)
			value[n++] = e->chunks[c]->unscaled[k].value;
	}
	scaler = rec_values_scaler(model, value, n);
	pfree(value);
	return scaler;
}

void
rec_unscaled_apply(RecEvents *e, const char *text)
{
	RecScaler  *scaler = rec_scaler_read(DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text))));

	for (int c = 0; c < e->nchunks; c++)
	{
		RecEventChunk *chunk = e->chunks[c];

		CHECK_FOR_INTERRUPTS();
		for (int k = 0; k < chunk->n; k++)
		{
			double		value = chunk->unscaled[k].weight * rec_scaler_apply(scaler, chunk->unscaled[k].value);

			chunk->value[k] = isnan(value) ? 0 : (float) Min(Max(value, -LARGEST), LARGEST);
		}
	}
}

void
rec_unscaled_settle(RecEvents *e, const char *scaler)
{
	rec_unscaled_apply(e, scaler);
	for (int c = 0; c < e->nchunks; c++)
	{
		pfree(e->chunks[c]->unscaled);
		e->chunks[c]->unscaled = NULL;
	}
	e->unscaled = false;
}
