/*
 * kept_plan.c
 *		Plans of queries for the rows of one key. See kept_plan.h.
 */
#include "model/kept_plan.h"

#include "nodes/nodeFuncs.h"
#include "nodes/plannodes.h"
#include "optimizer/optimizer.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/plancache.h"

static bool bound_by_index(Plan *plan);

static bool
all_bound(List *subplans)
{
	ListCell   *lc;

	foreach(lc, subplans)
		if (!bound_by_index((Plan *) lfirst(lc)))
			return false;
	return true;
}

/* Whether every scan below is an index scan with a condition. */
static bool
bound_by_index(Plan *plan)
{
	if (plan == NULL)
		return true;
	switch (nodeTag(plan))
	{
		case T_IndexScan:
			return ((IndexScan *) plan)->indexqual != NIL;
		case T_IndexOnlyScan:
			return ((IndexOnlyScan *) plan)->indexqual != NIL;
		case T_BitmapIndexScan:
			return ((BitmapIndexScan *) plan)->indexqual != NIL;
		case T_BitmapAnd:
			return all_bound(((BitmapAnd *) plan)->bitmapplans);
		case T_BitmapOr:
			return all_bound(((BitmapOr *) plan)->bitmapplans);
		case T_Append:
			return all_bound(((Append *) plan)->appendplans);
		case T_MergeAppend:
			return all_bound(((MergeAppend *) plan)->mergeplans);
		case T_SubqueryScan:
			return bound_by_index(((SubqueryScan *) plan)->subplan);
		case T_Result:
		case T_Limit:
		case T_Sort:
		case T_IncrementalSort:
		case T_Agg:
		case T_Group:
		case T_Unique:
		case T_WindowAgg:
		case T_ProjectSet:
		case T_NestLoop:
		case T_HashJoin:
		case T_MergeJoin:
		case T_Hash:
		case T_Material:
		case T_Memoize:
		case T_LockRows:
		case T_BitmapHeapScan:
			return bound_by_index(plan->lefttree) && bound_by_index(plan->righttree);
		default:
			return false;		/* sequential, foreign, function, recursive and custom scans */
	}
}

/* Whether row security has put its conditions on a relation anywhere in a query. */
static bool
has_policy(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
		return ((RangeTblEntry *) node)->securityQuals != NIL;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, has_policy, context, QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, has_policy, context);
}

/* Whether an index leads to the rows, without volatile functions, and whether row security applies. */
static void
look_at(CachedPlanSource *source, PlannedStmt *stmt, bool *indexed, bool *secured)
{
	ListCell   *lc;

	*indexed = bound_by_index(stmt->planTree) && !contain_volatile_functions((Node *) source->query_list);
	foreach(lc, stmt->subplans)
		*indexed = *indexed && bound_by_index(lfirst(lc));
	/* dependsOnRLS alone also means roles that policies do not apply to */
	*secured = source->dependsOnRLS && has_policy((Node *) source->query_list, NULL);
}

/* Looks at the plan in use; cheap when it is the one that was looked at last time. */
static void
inspect(RecKeptPlan *p)
{
	CachedPlanSource *source = linitial(SPI_plan_get_plan_sources(p->plan));
	CachedPlan *cached = SPI_plan_get_cached_plan(p->plan);

	if (cached == NULL)
		elog(ERROR, "no plan for the rows of a user");
	if (cached->generation != p->generation)
	{
		look_at(source, linitial_node(PlannedStmt, cached->stmt_list), &p->indexed, &p->secured);
		p->generation = cached->generation;
	}
	ReleaseCachedPlan(cached, CurrentResourceOwner);
}

void
rec_kept_plan_free(RecKeptPlan *p)
{
	if (p->plan)
		SPI_freeplan(p->plan);
	p->plan = NULL;
	if (p->query)
		pfree(p->query);
	p->query = NULL;
}

static void
prepare(RecKeptPlan *p, const char *query, int ntypes, Oid *types)
{
	SPIPlanPtr	plan;

	if (p->plan && strcmp(query, p->query) == 0 && p->type == types[0])
		return;
	if (p->busy > 1)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("a relation of a model must not change the model while it is read"),
				 errdetail("A function in it has changed how the relation is read, and asks the same model.")));
	rec_kept_plan_free(p);
	plan = SPI_prepare_cursor(query, ntypes, types, CURSOR_OPT_GENERIC_PLAN);
	if (plan == NULL || SPI_keepplan(plan) != 0)
		elog(ERROR, "preparing the query for the rows of a user failed");
	p->plan = plan;
	p->type = types[0];
	p->generation = -1;
	p->query = MemoryContextStrdup(TopMemoryContext, query);
}

int
rec_kept_plan(RecKeptPlan *p, const char *query, int ntypes, Oid *types)
{
	int			level = NewGUCNestLevel();

	(void) set_config_option("enable_seqscan", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	p->busy++;
	PG_TRY();
	{
		prepare(p, query, ntypes, types);
		inspect(p);
	}
	PG_FINALLY();
	{
		p->busy--;
	}
	PG_END_TRY();
	return level;
}

int
rec_kept_plan_run(RecKeptPlan *p, Datum *values, const char *nulls, long limit)
{
	int			result;

	p->busy++;
	PG_TRY();
	{
		result = SPI_execute_plan(p->plan, values, nulls, true, limit);
	}
	PG_FINALLY();
	{
		p->busy--;
	}
	PG_END_TRY();
	return result;
}
