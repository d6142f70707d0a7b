/*
 * store_run.c
 *		The row of rec.training_run. See store.h.
 */
#include "model/store.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

typedef struct Row
{
	StringInfoData columns;
	StringInfoData markers;
	Oid			type[40];
	Datum		value[40];
	char		null[40];
	int			n;
} Row;

static void
add(Row *row, const char *column, Oid type, Datum value, bool isnull)
{
	appendStringInfo(&row->columns, "%s%s", row->n ? ", " : "", column);
	appendStringInfo(&row->markers, "%s$%d", row->n ? ", " : "", row->n + 1);
	row->type[row->n] = type;
	row->value[row->n] = value;
	row->null[row->n] = isnull ? 'n' : ' ';
	row->n++;
}

static void
add_int(Row *row, const char *column, int value)
{
	add(row, column, INT4OID, Int32GetDatum(value), false);
}

static void
add_bigint(Row *row, const char *column, int64 value)
{
	add(row, column, INT8OID, Int64GetDatum(value), false);
}

/* NaN stands for unknown and becomes null. */
static void
add_real(Row *row, const char *column, double value)
{
	add(row, column, FLOAT8OID, Float8GetDatum(value), isnan(value));
}

typedef enum Curve
{
	CURVE_LOSS, CURVE_NDCG, CURVE_RECALL, CURVE_RMSE
} Curve;

static void
add_curve(Row *row, const char *column, const RecSolution *s, Curve which)
{
	Datum	   *value = palloc(Max(s->epochs, 1) * sizeof(Datum));
	bool		known = s->epochs > 0;

	for (int e = 0; e < s->epochs; e++)
	{
		const RecQuality *q = &s->quality[e];
		double		v = which == CURVE_LOSS ? s->loss[e] : which == CURVE_NDCG ? q->ndcg :
			which == CURVE_RECALL ? q->recall : q->rmse;

		known = known && !isnan(v);
		value[e] = Float8GetDatum(v);
	}
	add(row, column, 1022 /* float8[] */ ,
		known ? PointerGetDatum(construct_array(value, s->epochs, FLOAT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE)) : 0,
		!known);
}

static void
add_warnings(Row *row, List *warnings)
{
	Datum	   *value = palloc(Max(list_length(warnings), 1) * sizeof(Datum));
	int			n = 0;
	ListCell   *lc;

	foreach(lc, warnings)
		value[n++] = CStringGetTextDatum(lfirst(lc));
	add(row, "warnings", TEXTARRAYOID, PointerGetDatum(construct_array(value, n, TEXTOID, -1, false, TYPALIGN_INT)), false);
}

void
rec_store_run(const RecModel *model, const RecRun *run, const RecPairs *pairs, const RecSolution *s,
			  const RecParams *params, bool explicit_feedback)
{
	Row			row = {.n = 0};

	initStringInfo(&row.columns);
	initStringInfo(&row.markers);
	add(&row, "model", TEXTOID, CStringGetTextDatum(model->name), false);
	add_int(&row, "version", run->version);
	add_bigint(&row, "uid", run->uid);
	add(&row, "started_at", TIMESTAMPTZOID, TimestampTzGetDatum(run->started_at), false);
	add(&row, "finished_at", TIMESTAMPTZOID, TimestampTzGetDatum(GetCurrentTimestamp()), false);
	add(&row, "trained_by", TEXTOID, CStringGetTextDatum(GetUserNameFromId(GetOuterUserId(), false)), false);
	add(&row, "params", JSONBOID, JsonbPGetDatum(rec_params_write(params)), false);
	add_bigint(&row, "rows_read", run->rows_read);
	add_bigint(&row, "events", run->events);
	add_int(&row, "users", pairs->users.n);
	add_int(&row, "items", pairs->items.n);
	add_bigint(&row, "pairs", pairs->n);
	add_bigint(&row, "null_keys", run->null_keys);
	add_bigint(&row, "bad_values", run->bad_values);
	add_bigint(&row, "unweighted", run->unweighted);
	add_int(&row, "epochs", s->epochs);
	add_int(&row, "best_epoch", s->best_epoch);
	add_curve(&row, "loss", s, CURVE_LOSS);
	add_curve(&row, "ndcg", s, CURVE_NDCG);
	add_curve(&row, "recall", s, CURVE_RECALL);
	add_curve(&row, "rmse", s, CURVE_RMSE);
	add_int(&row, "holdout_users", run->holdout_users);
	add_real(&row, "popular_ndcg", s->baseline.ndcg);
	add_real(&row, "popular_recall", s->baseline.recall);
	add_real(&row, "mean_rmse", s->baseline.rmse);
	add_real(&row, "load_seconds", run->load_seconds);
	add_real(&row, "solve_seconds", run->solve_seconds);
	add_real(&row, "store_seconds", run->store_seconds);
	add_int(&row, "workers", s->workers);
	add_bigint(&row, "memory_bytes", run->memory);
	add(&row, "kernel", TEXTOID, CStringGetTextDatum(rec_als_kernel_name()), false);
	add_warnings(&row, run->warnings);
	rec_catalog_execute(psprintf("INSERT INTO rec.training_run (%s) VALUES (%s)", row.columns.data, row.markers.data),
						row.n, row.type, row.value, row.null);
}
