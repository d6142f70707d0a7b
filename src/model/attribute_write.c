/*
 * attribute_write.c
 *		Encoders, maps, encoded rows and rows without events of a version, written to the model's tables. See attributes.h.
 */
#include "model/attribute_store.h"

#include "catalog/pg_type.h"
#include "core/prior.h"
#include "model/store.h"
#include "utils/builtins.h"

static void
put_encoder(RecWriter *w, int version, const RecAttributes *list, int i)
{
	const RecAttribute *a = &list->att[i];
	MemoryContext batch,
				old;
	TupleTableSlot *slot = rec_writer_row(w, &batch);
	Datum	   *v = slot->tts_values;

	old = MemoryContextSwitchTo(batch);
	v[0] = Int32GetDatum(version);
	v[1] = CStringGetTextDatum(rec_side_name(list->side));
	v[2] = Int32GetDatum(i);
	v[3] = CStringGetTextDatum(a->name);
	v[4] = CStringGetTextDatum(rec_attribute_kind_name(a->kind));
	slot->tts_isnull[5] = a->column == NULL;
	v[5] = a->column ? CStringGetTextDatum(a->column) : (Datum) 0;
	slot->tts_isnull[6] = a->config == NULL;
	v[6] = a->config ? CStringGetTextDatum(a->config) : (Datum) 0;
	v[7] = BoolGetDatum(a->logarithm);
	v[8] = BoolGetDatum(a->zoned);
	v[9] = BoolGetDatum(a->hidden);
	v[10] = Int32GetDatum(a->part[0]);
	v[11] = Int32GetDatum(a->part[1]);
	v[12] = Int32GetDatum(a->first);
	v[13] = Int32GetDatum(a->columns);
	v[14] = Int64GetDatum(a->rows);
	v[15] = Float8GetDatum(a->center);
	v[16] = Float8GetDatum(a->scale);
	v[17] = Float8GetDatum(a->origin);
	v[18] = Int32GetDatum(a->other);
	v[19] = Int32GetDatum(a->buckets);
	MemoryContextSwitchTo(old);
	rec_writer_put(w, slot, 256);
}

/* The level that a column stands for; NULL: it is none's. */
static const RecLevel *
level_of(const RecAttribute *a, int column)
{
	for (int k = 0; k < a->nlevels; k++)
		if (a->level[k].column == column)
			return &a->level[k];
	return NULL;
}

static void
put_column(RecWriter *w, int version, const RecAttributes *list, int column, const RecAttribute *a, const float *row,
		   const RecParams *params, bool explicit_feedback)
{
	MemoryContext batch,
				old;
	TupleTableSlot *slot = rec_writer_row(w, &batch);
	const RecLevel *level = a ? level_of(a, column - a->first) : NULL;
	Datum	   *v = slot->tts_values;

	old = MemoryContextSwitchTo(batch);
	v[0] = Int32GetDatum(version);
	v[1] = CStringGetTextDatum(rec_side_name(list->side));
	v[2] = Int32GetDatum(column);
	v[3] = CStringGetTextDatum(a ? a->name : "(constant)");
	slot->tts_isnull[4] = list->column_name[column] == NULL || list->column_name[column][0] == '\0';
	v[4] = slot->tts_isnull[4] ? (Datum) 0 : CStringGetTextDatum(list->column_name[column]);
	slot->tts_isnull[5] = level == NULL;
	v[5] = Int64GetDatum(level ? (int64) level->hash : 0);
	v[6] = Float4GetDatum(level ? level->idf : 1);
	v[7] = rec_array_of(row, params->factors, FLOAT4OID);
	v[8] = Float4GetDatum(explicit_feedback ? row[params->factors] : 0);
	MemoryContextSwitchTo(old);
	rec_writer_put(w, slot, params->factors * sizeof(float));
}

static void
store_map(const RecModel *model, int version, const RecAttributes *list, const float *map, int stride,
		  const RecParams *params, bool explicit_feedback)
{
	RecWriter  *w = rec_writer_open(model, "attribute_map");
	float	   *zero = palloc0(stride * sizeof(float));
	const RecAttribute *a = NULL;
	int			next = 0;

	for (int c = 0; c < list->columns; c++)
	{
		while (next < list->n && (list->att[next].columns == 0 || list->att[next].first <= c))
		{
			if (list->att[next].columns > 0)
				a = &list->att[next];
			next++;
		}
		put_column(w, version, list, c, a, map ? map + (Size) c * stride : zero, params, explicit_feedback);
	}
	rec_writer_close(w);
	pfree(zero);
}

/* The encoded rows of the known keys (NULL: none of them) and of the cold ones. */
void
rec_store_features(const RecModel *model, int version, const RecDesign *d, const RecKeys *known)
{
	RecWriter  *w = rec_writer_open(model, d->attributes->side == REC_USERS ? "user_attributes" : "item_attributes");

	for (int r = known ? 0 : d->known; r < d->known + d->cold.n; r++)
	{
		MemoryContext batch,
					old;
		TupleTableSlot *slot = rec_writer_row(w, &batch);
		int			n = (int) (d->start[r + 1] - d->start[r]);

		old = MemoryContextSwitchTo(batch);
		slot->tts_values[0] = Int32GetDatum(version);
		slot->tts_values[1] = r < d->known ? rec_keys_datum(known, r) : rec_keys_datum(&d->cold, r - d->known);
		slot->tts_values[2] = rec_array_of(d->column + d->start[r], n, INT4OID);
		slot->tts_values[3] = rec_array_of(d->value + d->start[r], n, FLOAT4OID);
		MemoryContextSwitchTo(old);
		rec_writer_put(w, slot, n * 8);
	}
	rec_writer_close(w);
}

/* Rows without events; first: the number of the first item. */
static void
store_cold(const RecModel *model, RecSide side, int version, const RecDesign *d, const float *map, int factors,
		   bool explicit_feedback, int first)
{
	bool		items = side == REC_ITEMS;
	RecWriter  *w = rec_writer_open(model, items ? "item_factors" : "user_factors");
	int			stride = rec_als_stride(factors, explicit_feedback);
	float	   *row = palloc(stride * sizeof(float));

	for (int i = 0; i < d->cold.n; i++)
	{
		int64		at = d->start[d->known + i];
		int			c = 0;
		MemoryContext batch,
					old;
		TupleTableSlot *slot = rec_writer_row(w, &batch);

		rec_map_one((int) (d->start[d->known + i + 1] - at), d->column + at, d->value + at, map, stride, row);
		old = MemoryContextSwitchTo(batch);
		slot->tts_values[c++] = Int32GetDatum(version);
		slot->tts_values[c++] = rec_keys_datum(&d->cold, i);
		if (items)
			slot->tts_values[c++] = Int32GetDatum(first + i);
		slot->tts_values[c++] = rec_array_of(row, factors, FLOAT4OID);
		slot->tts_values[c++] = Float4GetDatum(explicit_feedback ? row[factors] : 0);
		slot->tts_values[c++] = Int32GetDatum(0);
		if (items)
		{
			slot->tts_values[c++] = Int32GetDatum(0);
			slot->tts_values[c++] = Float4GetDatum(0);
		}
		MemoryContextSwitchTo(old);
		rec_writer_put(w, slot, factors * sizeof(float));
	}
	rec_writer_close(w);
	pfree(row);
}

void
rec_store_cold_items(const RecModel *model, int version, const RecDesign *d, const float *map, int factors,
					 bool explicit_feedback, int first)
{
	store_cold(model, REC_ITEMS, version, d, map, factors, explicit_feedback, first);
}

void
rec_store_attributes(const RecModel *model, int version, RecDesign *const *design, const RecPairs *pairs,
					 const RecSolution *s, const RecParams *params, bool explicit_feedback)
{
	for (int side = 0; side < 2; side++)
	{
		const RecDesign *d = design[side];
		RecWriter  *w;

		if (d == NULL)
			continue;
		w = rec_writer_open(model, "attribute_encoder");
		for (int i = 0; i < d->attributes->n; i++)
			put_encoder(w, version, d->attributes, i);
		rec_writer_close(w);
		store_map(model, version, d->attributes, s->map[side], s->stride, params, explicit_feedback);
		if (s->map[side] == NULL)
			continue;
		rec_store_features(model, version, d, side == REC_USERS ? &pairs->users : &pairs->items);
		store_cold(model, side, version, d, s->map[side], params->factors, explicit_feedback, pairs->items.n);
	}
}
