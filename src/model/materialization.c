/*
 * materialization.c
 *		Reading rec.materialization. See materialization.h.
 */
#include "model/materialization.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_collation.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* Columns of rec.materialization, in the order of sql/55_materialize.sql */
enum
{
	Anum_model = 1, Anum_version, Anum_uid, Anum_k, Anum_exclude_seen, Anum_newest_event, Anum_refreshed_at, Anum_users,
	Anum_rows
};

bool
rec_materialization_find(const RecModel *model, RecMaterialization *result)
{
	Relation	rel = table_open(rec_catalog_relation("materialization"), AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	Datum		v[Anum_rows];
	bool		null[Anum_rows];
	bool		found;

	ScanKeyInit(&key, Anum_model, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(model->name));
	key.sk_collation = DEFAULT_COLLATION_OID;
	RelationGetIndexList(rel);	/* fills rd_pkindex */
	scan = systable_beginscan(rel, rel->rd_pkindex, OidIsValid(rel->rd_pkindex), GetActiveSnapshot(), 1, &key);
	tuple = systable_getnext(scan);
	found = HeapTupleIsValid(tuple);
	if (found)
	{
		heap_deform_tuple(tuple, RelationGetDescr(rel), v, null);
		result->uid = DatumGetInt64(v[Anum_uid - 1]);
		result->k = DatumGetInt32(v[Anum_k - 1]);
		result->exclude_seen = DatumGetBool(v[Anum_exclude_seen - 1]);
		result->has_newest = !null[Anum_newest_event - 1];
		result->newest = result->has_newest ? DatumGetInt64(v[Anum_newest_event - 1]) : 0;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}
