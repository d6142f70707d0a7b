/*
 * experiment.c
 *		Reading experiments and assigning units. See experiment.h.
 */
#include "model/experiment.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* Columns of rec.experiment, in the order of sql/85_experiments.sql, as far as they are needed here */
enum
{
	Anum_experiment = 1, Anum_id, Anum_owner, Anum_roles, Anum_unit_type, Anum_variants, Anum_weights, Anum_coverage,
	Anum_seed, Anum_hash_version, Anum_namespace, Anum_namespace_start, Anum_namespace_end, Anum_forced, Anum_start_at,
	Anum_stop_at, Anum_created_at, Anum_model, Anum_versions, Anum_owner_id = 27, Anum_role_ids
};

/* What a snapshot is told by: two that agree in all of this show the same rows. */
typedef struct SnapshotMark
{
	TimestampTz transaction;
	uint64		completed;
	TransactionId xmin;
	TransactionId xmax;
	CommandId	command;
	uint32		running;
	Oid			role;
} SnapshotMark;

uint64		rec_experiment_generation = 1;

static MemoryContext cache = NULL;
static List *cached = NIL;		/* of RecExperiment, in the context */
static SnapshotMark mark;

static inline SnapshotMark
active_mark(void)
{
	Snapshot	s = GetActiveSnapshot();
	SnapshotMark m = {
		.transaction = GetCurrentTransactionStartTimestamp(), .completed = s->snapXactCompletionCount, .xmin = s->xmin,
		.xmax = s->xmax, .command = s->curcid, .running = s->xcnt, .role = GetUserId()
	};

	return m;
}

static inline bool
same_mark(const SnapshotMark *a, const SnapshotMark *b)
{
	return a->command == b->command && a->completed == b->completed && a->transaction == b->transaction &&
		a->xmin == b->xmin && a->xmax == b->xmax && a->running == b->running && a->role == b->role;
}

static void
forget(void)
{
	if (cache)
		MemoryContextReset(cache);
	cached = NIL;
	rec_experiment_generation++;
}

/* What a subtransaction wrote is gone when it aborts, and the snapshot need not look different then. */
static void
after_subtransaction(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		forget();
}

bool
rec_experiments_current(void)
{
	SnapshotMark now = active_mark();

	return cached != NIL && same_mark(&now, &mark);
}

/* The hash is over characters, not over the server's bytes, which in SQL_ASCII are taken as UTF-8. */
static char *
to_utf8(const char *s, int length, size_t *utf8_length)
{
	char	   *utf8 = GetDatabaseEncoding() == PG_SQL_ASCII ? unconstify(char *, s) : pg_server_to_any(s, length, PG_UTF8);

	*utf8_length = utf8 == s ? (size_t) length : strlen(utf8);
	return utf8;
}

static void
read_arrays(RecExperiment *e, Datum variants, Datum weights, double coverage)
{
	Datum	   *value;
	int			n;

	deconstruct_array(DatumGetArrayTypeP(variants), TEXTOID, -1, false, TYPALIGN_INT, &value, NULL, &e->n);
	e->variant = palloc(e->n * sizeof(char *));
	e->label = palloc(e->n * sizeof(text *));
	for (int i = 0; i < e->n; i++)
	{
		e->variant[i] = TextDatumGetCString(value[i]);
		e->label[i] = cstring_to_text(e->variant[i]);
	}
	deconstruct_array(DatumGetArrayTypeP(weights), FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &value,
					  NULL, &n);
	if (n != e->n)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED), errmsg("experiment \"%s\" has %d variants and %d weights", e->name, e->n, n)));
	e->weight = palloc(n * sizeof(double));
	for (int i = 0; i < n; i++)
		e->weight[i] = DatumGetFloat8(value[i]);
	e->range = palloc(n * sizeof(RecBucketRange));
	rec_bucket_ranges(e->weight, n, coverage, e->range);
}

static void
read_versions(RecExperiment *e, Datum versions)
{
	Datum	   *value;
	bool	   *null;
	int			n;

	deconstruct_array(DatumGetArrayTypeP(versions), INT4OID, sizeof(int32), true, TYPALIGN_INT, &value, &null, &n);
	e->version = palloc0(e->n * sizeof(int));
	for (int i = 0; i < Min(n, e->n); i++)
		e->version[i] = null[i] ? 0 : DatumGetInt32(value[i]);
}

static void
read_hash(RecExperiment *e, const Datum *v, const bool *null)
{
	char	   *seed = TextDatumGetCString(v[Anum_seed - 1]);
	size_t		length;

	e->hash_version = DatumGetInt32(v[Anum_hash_version - 1]);
	e->seed = to_utf8(seed, strlen(seed), &e->seed_length);
	e->seed_state = rec_fnv1a(REC_FNV_INIT, e->seed, e->seed_length);
	if (!null[Anum_namespace - 1])
	{
		char	   *s = psprintf("__%s", e->namespace_name = TextDatumGetCString(v[Anum_namespace - 1]));

		e->namespace_seed = to_utf8(s, strlen(s), &length);
	}
	e->namespace_start = DatumGetFloat8(v[Anum_namespace_start - 1]);
	e->namespace_end = DatumGetFloat8(v[Anum_namespace_end - 1]);
}

static RecExperiment *
from_tuple(HeapTuple tuple, TupleDesc desc)
{
	RecExperiment *e = palloc0(sizeof(RecExperiment));
	Datum	   *v = palloc(desc->natts * sizeof(Datum));
	bool	   *null = palloc(desc->natts * sizeof(bool));

	heap_deform_tuple(tuple, desc, v, null);
	e->name = TextDatumGetCString(v[Anum_experiment - 1]);
	e->id = DatumGetInt32(v[Anum_id - 1]);
	e->owner = null[Anum_owner_id - 1] ? InvalidOid : DatumGetObjectId(v[Anum_owner_id - 1]);
	e->model = null[Anum_model - 1] ? NULL : TextDatumGetCString(v[Anum_model - 1]);
	read_arrays(e, v[Anum_variants - 1], v[Anum_weights - 1], DatumGetFloat8(v[Anum_coverage - 1]));
	read_hash(e, v, null);
	if (!null[Anum_versions - 1])
		read_versions(e, v[Anum_versions - 1]);
	e->forced = DatumGetJsonbPCopy(v[Anum_forced - 1]);
	if (JB_ROOT_COUNT(e->forced) == 0)
		e->forced = NULL;
	e->has_start = !null[Anum_start_at - 1];
	e->start = e->has_start ? DatumGetTimestampTz(v[Anum_start_at - 1]) : 0;
	e->stop = null[Anum_stop_at - 1] ? DT_NOEND : DatumGetTimestampTz(v[Anum_stop_at - 1]);
	return e;
}

static bool
member_of(Oid role)
{
	return superuser() || (OidIsValid(role) && has_privs_of_role(GetUserId(), role));
}

/* The rule of rec._may_use_experiment() in sql/85_experiments.sql. */
static bool
may_use(const RecExperiment *e, HeapTuple tuple, TupleDesc desc)
{
	bool		isnull;
	Datum	   *role,
				ids;
	Oid			schema;
	int			n;

	if (member_of(e->owner))
		return true;
	deconstruct_array(DatumGetArrayTypeP(heap_getattr(tuple, Anum_roles, desc, &isnull)), TEXTOID, -1, false,
					  TYPALIGN_INT, &role, NULL, &n);
	for (int i = 0; i < n; i++)
	{
		if (strcmp(TextDatumGetCString(role[i]), "public") == 0)
			return true;
	}
	ids = heap_getattr(tuple, Anum_role_ids, desc, &isnull);
	if (!isnull)
		deconstruct_array(DatumGetArrayTypeP(ids), OIDOID, sizeof(Oid), true, TYPALIGN_INT, &role, NULL, &n);
	for (int i = 0; !isnull && i < n; i++)
		if (member_of(DatumGetObjectId(role[i])))
			return true;
	schema = e->model ? get_namespace_oid(e->model, true) : InvalidOid;
	return OidIsValid(schema) && rec_schema_aclcheck(schema, GetUserId(), ACL_USAGE) == ACLCHECK_OK;
}

/* Names of the experiments that the role may use; for hints only. */
static const char *
nearest_experiment(Relation rel, const char *typed)
{
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, GetActiveSnapshot(), 0, NULL);
	HeapTuple	tuple;
	const char **names = palloc(sizeof(char *) * 1000);
	int			n = 0;

	while (n < 1000 && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		RecExperiment *e = from_tuple(tuple, RelationGetDescr(rel));

		if (may_use(e, tuple, RelationGetDescr(rel)))
			names[n++] = e->name;
	}
	systable_endscan(scan);
	return rec_nearest_name(typed, names, n);
}

static RecExperiment *
read_experiment(const char *name)
{
	Relation	rel = table_open(rec_catalog_relation("experiment"), AccessShareLock);
	RecExperiment *e = NULL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	const char *near = NULL;
	bool		allowed = false;

	ScanKeyInit(&key, Anum_experiment, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(name));
	key.sk_collation = DEFAULT_COLLATION_OID;
	RelationGetIndexList(rel);	/* fills rd_pkindex */
	scan = systable_beginscan(rel, rel->rd_pkindex, OidIsValid(rel->rd_pkindex), GetActiveSnapshot(), 1, &key);
	if (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		e = from_tuple(tuple, RelationGetDescr(rel));
		allowed = may_use(e, tuple, RelationGetDescr(rel));
	}
	systable_endscan(scan);
	if (e == NULL)
		near = nearest_experiment(rel, name);
	table_close(rel, AccessShareLock);
	if (e == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("experiment \"%s\" does not exist", name),
				 near ? errhint("Perhaps you meant the experiment \"%s\".", near) :
				 errhint("SELECT experiment FROM rec.experiment lists those that you may use; rec.create_experiment creates one.")));
	if (!allowed)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for experiment \"%s\"", name),
				 errhint("Its owner lets a role use it with rec.grant_experiment.")));
	return e;
}

const RecExperiment *
rec_experiment_get(const char *name)
{
	RecExperiment *e;
	MemoryContext old;
	ListCell   *lc;

	if (cache == NULL)
	{
		cache = AllocSetContextCreate(TopMemoryContext, "recommendation experiments", ALLOCSET_SMALL_SIZES);
		RegisterSubXactCallback(after_subtransaction, NULL);
	}
	if (!rec_experiments_current())
	{
		forget();
		mark = active_mark();
	}
	foreach(lc, cached)
		if (strcmp(((RecExperiment *) lfirst(lc))->name, name) == 0)
			return lfirst(lc);
	old = MemoryContextSwitchTo(cache);
	e = read_experiment(name);
	cached = lappend(cached, e);
	MemoryContextSwitchTo(old);
	return e;
}

int
rec_experiment_variant(const RecExperiment *e, const char *name)
{
	for (int i = 0; i < e->n; i++)
		if (strcmp(e->variant[i], name) == 0)
			return i;
	return -1;
}

/* -1: not forced */
static int
forced_variant(const RecExperiment *e, const char *unit, int length)
{
	JsonbValue	value;
	char	   *name;
	int			i;

	if (!getKeyJsonValueFromContainer(&e->forced->root, unit, length, &value) || value.type != jbvString)
		return -1;
	name = pnstrdup(value.val.string.val, value.val.string.len);
	i = rec_experiment_variant(e, name);
	pfree(name);
	return i;
}

static double
bucket(const RecExperiment *e, const char *utf8, size_t length)
{
	return e->hash_version == 1 ? rec_bucket_v1(utf8, length, e->seed, e->seed_length) :
		rec_bucket_v2(e->seed_state, utf8, length);
}

int
rec_experiment_assign(const RecExperiment *e, const char *unit, int length, TimestampTz at)
{
	const char *utf8 = unit;
	size_t		utf8_length = length;
	int			variant;

	if (length == 0)
		return -1;
	if (e->forced && (variant = forced_variant(e, unit, length)) >= 0)
		return variant;
	if (!e->has_start || at < e->start || at >= e->stop)
		return -1;
	if (GetDatabaseEncoding() != PG_UTF8)
		utf8 = to_utf8(unit, length, &utf8_length);
	if (e->namespace_seed)
	{
		double		x = rec_bucket_v1(utf8, utf8_length, e->namespace_seed, strlen(e->namespace_seed));

		if (!(x >= e->namespace_start && x < e->namespace_end))
			return -1;
	}
	return rec_bucket_choose(e->range, e->n, bucket(e, utf8, utf8_length));
}

Datum
rec_experiment_versions(const RecModel *model)
{
	MemoryContext caller = CurrentMemoryContext;
	RecRole		saved = rec_role_enter(rec_catalog_owner());
	Datum		versions;
	bool		isnull;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	/* with what other sessions have committed by now */
	if (SPI_execute_with_args("SELECT coalesce(array_agg(v), '{}') FROM rec.experiment e, unnest(e.versions) v WHERE e.model = $1 "
							  "AND v IS NOT NULL AND (e.stop_at IS NULL OR e.stop_at > now())", 1, (Oid[]) {TEXTOID},
							  (Datum[]) {CStringGetTextDatum(model->name)}, NULL, false, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "reading rec.experiment failed");
	versions = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	caller = MemoryContextSwitchTo(caller);
	versions = datumCopy(versions, false, -1);
	MemoryContextSwitchTo(caller);
	SPI_finish();
	rec_role_leave(&saved);
	return versions;
}

void
rec_experiment_require_owner(const RecExperiment *e, const char *action)
{
	if (!member_of(e->owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of experiment \"%s\" to %s it", e->name, action)));
}

void
rec_experiment_forget_results(int id)
{
	static const char *const tables[] = {"experiment_day", "experiment_kept", "experiment_unit", "experiment_value"};

	for (int i = 0; i < lengthof(tables); i++)
		rec_catalog_execute(psprintf("DELETE FROM rec.%s WHERE experiment_id = $1", tables[i]), 1, (Oid[]) {INT4OID},
							(Datum[]) {Int32GetDatum(id)}, NULL);
}

/* The oid in the first column of the first row, when there is one. */
static bool
catalog_oid(const char *sql, Oid type, Datum value, Oid *oid)
{
	RecRole		saved = rec_role_enter(rec_catalog_owner());
	bool		found,
				isnull = true;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args(sql, 1, &type, &value, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "statement failed: %s", sql);
	found = SPI_processed > 0;
	if (found)
		*oid = DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_finish();
	rec_role_leave(&saved);
	if (isnull)
		*oid = InvalidOid;
	return found;
}

/* has_privs_of_role() takes a role that is gone for a member of itself, so it must exist. */
Oid
rec_experiment_owner(int id)
{
	Oid			owner;

	(void) catalog_oid("SELECT r.oid FROM rec.experiment e JOIN pg_roles r ON r.oid = e.owner_id WHERE e.id = $1", INT4OID,
					   Int32GetDatum(id), &owner);
	return owner;
}

bool
rec_metric_owner(const char *metric, Oid *owner)
{
	return catalog_oid("SELECT owner_id FROM rec.metric WHERE metric = $1", TEXTOID, CStringGetTextDatum(metric), owner);
}
