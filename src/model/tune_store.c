/*
 * tune_store.c
 *		Rows of rec.trial. See tune.h.
 */
#include "model/tune.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

const char *const rec_tune_methods[3] = {"bayes", "random", "grid"};

static Datum
array_of(const double *x, int n)
{
	Datum	   *value = palloc(Max(n, 1) * sizeof(Datum));

	for (int i = 0; i < n; i++)
		value[i] = Float8GetDatum(x[i]);
	return PointerGetDatum(construct_array(value, n, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

void
rec_tune_keep(const RecStudy *s, const RecTrial *t)
{
	Oid			types[] = {TEXTOID, INT4OID, INT4OID, TEXTOID, JSONBOID, INT8OID, TEXTOID, FLOAT8OID, FLOAT8OID, FLOAT8ARRAYOID,
	INT4OID, FLOAT8OID, TEXTOID, TEXTOID, JSONBOID, INT8OID, INT8OID, FLOAT8ARRAYOID};
	Datum		values[lengthof(types)];
	char		nulls[lengthof(types) + 1];

	memset(nulls, ' ', sizeof(nulls));
	values[0] = CStringGetTextDatum(s->model->name);
	values[1] = Int32GetDatum(s->number);
	values[2] = Int32GetDatum(t->number);
	values[3] = CStringGetTextDatum(t->stage);
	values[4] = JsonbPGetDatum(t->params);
	values[5] = Int64GetDatum(t->seed);
	values[6] = CStringGetTextDatum(s->goal.name);
	values[7] = Float8GetDatum(t->value);
	nulls[7] = isnan(t->value) ? 'n' : ' ';
	values[8] = Float8GetDatum(t->baseline);
	nulls[8] = isnan(t->baseline) ? 'n' : ' ';
	values[9] = array_of(t->history, t->epochs);
	values[10] = Int32GetDatum(t->epochs);
	values[11] = Float8GetDatum(t->seconds);
	values[12] = CStringGetTextDatum(t->stopped);
	values[13] = CStringGetTextDatum(rec_tune_methods[s->method]);
	values[14] = JsonbPGetDatum(s->space_json);
	values[15] = Int64GetDatum(s->seed);
	values[16] = Int64GetDatum(s->fingerprint);
	values[17] = t->point ? array_of(t->point, s->space->free) : (Datum) 0;
	nulls[17] = t->point ? ' ' : 'n';
	rec_catalog_execute("INSERT INTO rec.trial (model, study, trial, stage, params, seed, metric, value, popular_value, history, "
						"epochs, seconds, stopped, method, space, study_seed, fingerprint, point, finished_at) VALUES "
						"($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, "
						"pg_catalog.clock_timestamp())",
						lengthof(types), types, values, nulls);
}

static double *
doubles_of(Datum array, int *n)
{
	Datum	   *value;
	bool	   *null;
	double	   *x;

	deconstruct_array(DatumGetArrayTypeP(array), FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &value, &null, n);
	x = palloc(Max(*n, 1) * sizeof(double));
	for (int i = 0; i < *n; i++)
		x[i] = null[i] ? NAN : DatumGetFloat8(value[i]);
	return x;
}

/* A row with the columns of the query below, in the study's context; false: it does not fit the space. */
static bool
trial_of_row(const RecStudy *s, HeapTuple tuple, TupleDesc desc, RecTrial *t)
{
	bool		null;
	Datum		point = SPI_getbinval(tuple, desc, 8, &null);
	Datum		value;
	int			n = 0;

	memset(t, 0, sizeof(*t));
	if (!null)
		t->point = doubles_of(point, &n);
	if (null || n != s->space->free)
		return false;
	for (int i = 0; i < n; i++)
		if (!(t->point[i] >= 0 && t->point[i] <= 1))
			return false;
	t->number = DatumGetInt32(SPI_getbinval(tuple, desc, 1, &null));
	t->stage = SPI_getvalue(tuple, desc, 2);
	t->params = (Jsonb *) PG_DETOAST_DATUM_COPY(SPI_getbinval(tuple, desc, 3, &null));
	t->seed = DatumGetInt64(SPI_getbinval(tuple, desc, 4, &null));
	value = SPI_getbinval(tuple, desc, 5, &null);
	t->value = null ? NAN : DatumGetFloat8(value);
	value = SPI_getbinval(tuple, desc, 6, &null);
	t->history = doubles_of(value, &t->epochs);
	t->seconds = DatumGetFloat8(SPI_getbinval(tuple, desc, 7, &null));
	t->baseline = NAN;
	t->stopped = "";
	return true;
}

static void
read_trials(RecStudy *s)
{
	Oid			types[] = {TEXTOID, INT4OID};
	Datum		values[] = {CStringGetTextDatum(s->model->name), Int32GetDatum(s->number)};
	MemoryContext old;

	if (SPI_execute_with_args("SELECT trial, stage, params, seed, value, history, seconds, point FROM rec.trial "
							  "WHERE model = $1 AND study = $2 AND stage IN ('search', 'repeat') ORDER BY trial",
							  2, types, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "reading the trials failed");
	old = MemoryContextSwitchTo(s->context);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		RecTrial   *t = palloc(sizeof(RecTrial));

		if (trial_of_row(s, SPI_tuptable->vals[i], SPI_tuptable->tupdesc, t))
			s->done = lappend(s->done, t);
	}
	MemoryContextSwitchTo(old);
}

/*
 * The newest study of the same question (space, method, metric, seed) over the same data that has no final value goes on;
 * else a new one begins.
 */
void
rec_tune_resume(RecStudy *s)
{
	Oid			types[] = {TEXTOID, JSONBOID, TEXTOID, TEXTOID, INT8OID, INT8OID};
	Datum		values[] = {CStringGetTextDatum(s->model->name), JsonbPGetDatum(s->space_json),
		CStringGetTextDatum(rec_tune_methods[s->method]), CStringGetTextDatum(s->goal.name), Int64GetDatum(s->seed),
	Int64GetDatum(s->fingerprint)};
	RecRole		saved = rec_role_enter(rec_catalog_owner());
	bool		null;
	Datum		open;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args("SELECT max(study) FILTER (WHERE same AND NOT ended), coalesce(max(study), 0) + 1 FROM ("
							  "SELECT study, bool_and(space = $2 AND method = $3 AND metric = $4 AND study_seed = $5 AND "
							  "fingerprint = $6) AS same, bool_or(stage = 'final') AS ended FROM rec.trial WHERE model = $1 "
							  "GROUP BY study) s", lengthof(types), types, values, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "looking up the trials failed");
	open = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &null);
	if (null)
		s->number = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &null));
	else
	{
		s->number = DatumGetInt32(open);
		read_trials(s);
	}
	SPI_finish();
	rec_role_leave(&saved);
}
