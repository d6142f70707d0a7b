/*
 * user.c
 *		The state of one user. See user.h.
 *
 * Stored factors serve as long as the user's events, summed up to pairs, are the stored ones: pairs are compared and
 * not times, because warehouses load late. Else the user is folded in: the exact solution of the user's row of the
 * training's normal equations, by the very code of the training's final half-step.
 * Where row-level security applies to the caller, only events that it shows are used, never what is stored.
 */
#include "model/user.h"

#include "model/attribute_row.h"
#include "model/linear.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_am.h"
#include "catalog/pg_type.h"
#include "model/solve.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/typcache.h"

const char *
rec_source_name(RecSource source)
{
	static const char *const names[] = {"personalized", "folded_in", "attributes", "popular"};

	return names[source];
}

static float *
aligned(Size floats)
{
	return (float *) TYPEALIGN(64, (uintptr_t) palloc0(floats * sizeof(float) + 64));
}

HeapTuple
rec_user_scan(RecUserScan *scan, const RecModel *model, const char *table, int version, Datum user)
{
	ScanKeyData key[2];
	Form_pg_attribute att;
	TypeCacheEntry *entry;

	scan->rel = rec_model_open(model, table, AccessShareLock);
	att = TupleDescAttr(RelationGetDescr(scan->rel), 1);
	entry = lookup_type_cache(att->atttypid, TYPECACHE_EQ_OPR_FINFO);
	RelationGetIndexList(scan->rel);
	ScanKeyInit(&key[0], 1, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(version));
	ScanKeyEntryInitializeWithInfo(&key[1], 0, 2, BTEqualStrategyNumber, InvalidOid, att->attcollation,
								   &entry->eq_opr_finfo, user);
	scan->scan = systable_beginscan(scan->rel, scan->rel->rd_pkindex, OidIsValid(scan->rel->rd_pkindex),
									GetActiveSnapshot(), 2, key);
	return systable_getnext(scan->scan);
}

void
rec_user_scan_end(RecUserScan *scan)
{
	systable_endscan(scan->scan);
	table_close(scan->rel, AccessShareLock);
}

void
rec_row_factors(const RecServing *s, HeapTuple tuple, TupleDesc desc, int attnum, float *row)
{
	ArrayType  *a = DatumGetArrayTypeP(rec_model_value(tuple, attnum, desc));
	int			d = s->params.factors;

	if (ARR_NDIM(a) > 1 || ARR_HASNULL(a) || ARR_ELEMTYPE(a) != FLOAT4OID ||
		ArrayGetNItems(ARR_NDIM(a), ARR_DIMS(a)) != d)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("a row of version %d has a wrong number of factors", s->version)));
	memset(row, 0, s->stride * sizeof(float));
	memcpy(row, ARR_DATA_PTR(a), d * sizeof(float));
	if (s->rule.explicit_feedback)
		row[d] = DatumGetFloat4(rec_model_value(tuple, attnum + 1, desc));
}

void
rec_row_history(const RecModel *model, const RecServing *s, HeapTuple tuple, TupleDesc desc, int *n, int32 **item,
				float **net)
{
	ArrayType  *items = DatumGetArrayTypePCopy(rec_model_value(tuple, 3, desc));
	ArrayType  *nets = DatumGetArrayTypePCopy(rec_model_value(tuple, 4, desc));

	*n = ArrayGetNItems(ARR_NDIM(items), ARR_DIMS(items));
	*item = (int32 *) ARR_DATA_PTR(items);
	*net = (float *) ARR_DATA_PTR(nets);
	if (ARR_HASNULL(items) || ARR_HASNULL(nets) || ArrayGetNItems(ARR_NDIM(nets), ARR_DIMS(nets)) != *n)
		*n = -1;
	for (int i = 0; i < *n; i++)
		if ((*item)[i] < 0 || (*item)[i] >= s->n || (i > 0 && (*item)[i] <= (*item)[i - 1]))
			*n = -1;
	if (*n < 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("the history of a user in version %d of model \"%s\" cannot be read", s->version, model->name)));
}

bool
rec_user_stored_history(const RecModel *model, const RecServing *s, Datum user, int *n, int32 **item, float **net)
{
	RecUserScan scan;
	HeapTuple	tuple = rec_user_scan(&scan, model, "user_history", s->version, user);

	*n = 0;
	if (HeapTupleIsValid(tuple))
		rec_row_history(model, s, tuple, RelationGetDescr(scan.rel), n, item, net);
	rec_user_scan_end(&scan);
	return HeapTupleIsValid(tuple);
}

float *
rec_query_vector(const RecServing *s, const float *factors)
{
	float	   *v = aligned(s->stride);

	memcpy(v, factors, s->params.factors * sizeof(float));
	if (s->rule.explicit_feedback)
		v[s->params.factors] = 1;
	return v;
}

float
rec_user_offset(const RecServing *s, const RecUser *user)
{
	return s->rule.explicit_feedback ? s->mean + user->factors[s->params.factors] : 0;
}

void
rec_user_row(const RecServing *s, int n, const int32 *item, const float *net, const float *prior, RecUserRow *row)
{
	memset(row, 0, sizeof(*row));
	row->column = palloc(Max(n, 1) * sizeof(int32));
	row->value = palloc(Max(n, 1) * sizeof(float));
	for (int i = 0; i < n; i++)
	{
		float		value = s->rule.explicit_feedback ? net[i] : rec_transform(s->params.weight_transform, net[i]);

		if (value == 0 && !s->rule.explicit_feedback)
			continue;
		row->column[row->n] = item[i];
		row->value[row->n++] = value;
	}
	row->step = (RecHalfStep) {
		.matrix = &row->matrix, .other = s->items, .factors = s->params.factors, .stride = s->stride,
		.explicit_feedback = s->rule.explicit_feedback, .mean = s->mean, .alpha0 = s->params.unobserved_weight,
		.lambda = s->params.regularization, .nu = s->params.frequency_exponent,
		.bias_penalty = rec_params_bias_penalty(&s->params), .gram = s->gram, .prior = prior,
		.cg_steps = s->params.cg_steps, .solver = REC_SOLVER_CHOLESKY
	};
	row->scratch = (void *) TYPEALIGN(64, (uintptr_t) palloc_extended(rec_als_scratch_size(&row->step, n) + 64,
																	  MCXT_ALLOC_HUGE));
}

bool
rec_anything_positive(const RecServing *s, int n, const float *net)
{
	for (int i = 0; i < n; i++)
		if (s->rule.explicit_feedback || net[i] > 0)
			return true;
	return false;
}

void
rec_user_expect(const RecServing *s, RecEncoded *row, RecUser *u)
{
	static int32 constant = 0;
	static float one = 1;

	if (s->map[REC_USERS] == NULL)
		return;
	u->described = row != NULL;
	if (row == NULL)
	{
		row = palloc(sizeof(RecEncoded));
		*row = (RecEncoded) {1, &constant, &one};
	}
	u->attributes = row;
	u->prior = rec_expected_factors(s, REC_USERS, row);
}

/*
 * Stored attributes serve unless row security keeps the user's events from the caller; of a user whom the version does not
 * know the relation is asked, with the caller's rights.
 */
void
rec_user_describe(const RecModel *model, const RecServing *s, const RecKeyType *kind, Datum user, RecUser *u)
{
	RecEncoded *row = palloc(sizeof(RecEncoded));

	if (s->map[REC_USERS] == NULL || u->prior != NULL)
		return;
	if (!u->live.secured && rec_encoded_stored(model, s, REC_USERS, user, row))
	{
		rec_user_expect(s, row, u);
		return;
	}
	if (model->users_relation == NULL || !rec_attributes_live(model, s, REC_USERS, kind, user, row))
		row = NULL;
	rec_user_expect(s, row, u);
}

void
rec_user_from_pairs(const RecServing *s, int n, int32 *item, float *net, RecUser *u)
{
	RecUserRow	row;
	RecAlsStatus status;

	u->n = n;
	u->item = item;
	u->net = net;
	u->source = REC_SOURCE_FOLDED_IN;
	if (!rec_anything_positive(s, n, net))
	{
		u->source = u->described ? REC_SOURCE_ATTRIBUTES : REC_SOURCE_POPULAR;
		if (!u->described)
			return;
	}
	if (s->weights.start)
	{
		u->score = rec_linear_scores(s, n, item, net);
		return;
	}
	rec_user_row(s, n, item, net, u->prior, &row);
	u->factors = aligned(s->stride);
	status = rec_als_solve_one(&row.step, row.n, row.column, row.value, s->warm, u->factors, row.scratch);
	if (status != REC_ALS_OK)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("the factors of a user cannot be computed"),
				 errdetail("%s", rec_als_error(status))));
	u->vector = rec_query_vector(s, u->factors);
}

static bool
use_stored(const RecModel *model, const RecServing *s, Datum user, RecUser *u)
{
	RecUserScan scan;
	HeapTuple	tuple = rec_user_scan(&scan, model, "user_factors", s->version, user);

	u->source = REC_SOURCE_POPULAR;
	if (HeapTupleIsValid(tuple) && rec_anything_positive(s, u->n, u->net))
	{
		u->source = REC_SOURCE_PERSONALIZED;
		if (s->weights.start)
		{
			u->score = rec_linear_scores(s, u->n, u->item, u->net);
			rec_user_scan_end(&scan);
			return true;
		}
		u->factors = aligned(s->stride);
		rec_row_factors(s, tuple, RelationGetDescr(scan.rel), 3, u->factors);
		u->vector = rec_query_vector(s, u->factors);
	}
	rec_user_scan_end(&scan);
	return HeapTupleIsValid(tuple);
}

/* The newest events of a user with very many: true when one is about an item that the stored history lacks. */
static bool
add_new_pairs(RecUser *u, const RecLive *live)
{
	int32	   *item = palloc((u->n + live->n) * sizeof(int32) + 1);
	float	   *net = palloc((u->n + live->n) * sizeof(float) + 1);
	int			a = 0,
				b = 0,
				n = 0;

	while (a < u->n || b < live->n)
	{
		bool		stored = b == live->n || (a < u->n && u->item[a] <= live->item[b]);

		if (stored && b < live->n && a < u->n && u->item[a] == live->item[b])
			b++;
		item[n] = stored ? u->item[a] : live->item[b];
		net[n++] = stored ? u->net[a++] : live->net[b++];
	}
	if (n == u->n)
		return false;
	u->n = n;
	u->item = item;
	u->net = net;
	return true;
}

static bool
same_pairs(const RecUser *u, const RecLive *live)
{
	return u->n == live->n && memcmp(u->item, live->item, u->n * sizeof(int32)) == 0 &&
		memcmp(u->net, live->net, u->n * sizeof(float)) == 0;
}

/* What is known of the user, as the events say; POPULAR: nothing positive. */
static void
from_events(const RecModel *model, const RecServing *s, const RecKeyType *kind, Datum user, RecUser *u)
{
	if (u->live.secured)
	{
		/* what is stored may rest on rows that the caller must not see */
		rec_user_describe(model, s, kind, user, u);
		rec_user_from_pairs(s, u->live.n, u->live.item, u->live.net, u);
		return;
	}
	(void) rec_user_stored_history(model, s, user, &u->n, &u->item, &u->net);
	if (!u->live.usable)
	{
		(void) use_stored(model, s, user, u);
		return;
	}
	if (u->live.complete ? same_pairs(u, &u->live) : !add_new_pairs(u, &u->live))
	{
		if (!use_stored(model, s, user, u) && u->n > 0)
		{
			rec_user_describe(model, s, kind, user, u);
			rec_user_from_pairs(s, u->n, u->item, u->net, u);
		}
		return;
	}
	rec_user_describe(model, s, kind, user, u);
	if (u->live.complete)
		rec_user_from_pairs(s, u->live.n, u->live.item, u->live.net, u);
	else
		rec_user_from_pairs(s, u->n, u->item, u->net, u);
}

void
rec_user_get(const RecModel *model, const RecServing *s, Datum user, const RecKeyType *kind, bool known, ArrayType *types,
			 RecUser *u)
{
	memset(u, 0, sizeof(*u));
	u->source = REC_SOURCE_POPULAR;
	u->live.nof_types = -1;
	if (!known)
		return;
	rec_live_read(model, s, user, kind->type, types, &u->live);
	from_events(model, s, kind, user, u);
	if (u->source != REC_SOURCE_POPULAR || s->map[REC_USERS] == NULL)
		return;
	rec_user_describe(model, s, kind, user, u);
	rec_user_from_pairs(s, u->n, u->item, u->net, u);
}
