/*
 * compat.h
 *		Every difference between PostgreSQL 15 and 18 that this extension meets.
 *
 * Each entry names the release that changed it, so that an entry can go when support for the older release does.
 */
#ifndef REC_COMPAT_H
#define REC_COMPAT_H

#include "postgres.h"

#include "access/genam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "executor/executor.h"
#include "utils/acl.h"

#if PG_VERSION_NUM < 150000 || PG_VERSION_NUM >= 190000
#error "pg_recommend supports PostgreSQL 15 to 18"
#endif

/* 16 moved the varlena macros out of postgres.h */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* 18 spells it pg_noreturn, after C11 */
#if PG_VERSION_NUM >= 180000
#define pg_attribute_noreturn() pg_noreturn
#endif

/* 16 replaced the per-catalog privilege checks by object_*() */
static inline AclResult
rec_schema_aclcheck(Oid schema, Oid role, AclMode mode)
{
#if PG_VERSION_NUM >= 160000
	return object_aclcheck(NamespaceRelationId, schema, role, mode);
#else
	return pg_namespace_aclcheck(schema, role, mode);
#endif
}

/* 16 added the argument for summarizing indexes */
static inline void
rec_insert_index_tuples(ResultRelInfo *rri, TupleTableSlot *slot, EState *estate)
{
#if PG_VERSION_NUM >= 160000
	ExecInsertIndexTuples(rri, slot, estate, false, false, NULL, NIL, false);
#else
	ExecInsertIndexTuples(rri, slot, estate, false, false, NULL, NIL);
#endif
}

/* 18 added the argument for instrumentation */
static inline IndexScanDesc
rec_index_beginscan(Relation rel, Relation index, Snapshot snapshot, int nkeys)
{
#if PG_VERSION_NUM >= 180000
	return index_beginscan(rel, index, snapshot, NULL, nkeys, 0);
#else
	return index_beginscan(rel, index, snapshot, nkeys, 0);
#endif
}

/* 18 dropped the argument that said the plan runs once */
static inline void
rec_executor_run(QueryDesc *query)
{
#if PG_VERSION_NUM >= 180000
	ExecutorRun(query, ForwardScanDirection, 0);
#else
	ExecutorRun(query, ForwardScanDirection, 0, true);
#endif
}

#endif							/* REC_COMPAT_H */
