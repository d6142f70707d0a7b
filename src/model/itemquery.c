/*
 * itemquery.c
 *		A query over the item relation, built as a tree. See items.h.
 *
 * SELECT key, columns FROM items WHERE condition is analysed, rewritten (views, row security), planned and run here, for
 * SPI takes text only. Aggregates and set-returning functions are refused by the analysis; every volatile function, those
 * of views and policies included, is refused here: SPI's and the executor's read-only modes do not stop one from writing.
 */
#include "model/items.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "parser/analyze.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

static ResTarget *
column_of(const RecModel *model, const char *column)
{
	ResTarget  *target = makeNode(ResTarget);
	ColumnRef  *ref = makeNode(ColumnRef);

	ref->fields = list_make2(makeString(pstrdup(model->items_relation)), makeString(pstrdup(column)));
	ref->location = -1;
	target->val = (Node *) ref;
	target->location = -1;
	return target;
}

static RawStmt *
raw_query(const RecItemQuery *q)
{
	const RecModel *model = q->model;
	SelectStmt *s = makeNode(SelectStmt);
	RawStmt    *statement = makeNode(RawStmt);
	ListCell   *lc;

	s->targetList = list_make1(column_of(model, model->item_key));
	foreach(lc, q->columns)
		s->targetList = lappend(s->targetList, column_of(model, lfirst(lc)));
	s->fromClause = list_make1(makeRangeVar(pstrdup(model->items_schema), pstrdup(model->items_relation), -1));
	s->whereClause = q->condition;
	statement->stmt = (Node *) s;
	return statement;
}

void
rec_refuse_volatile(Query *query, const char *what)
{
	if (contain_volatile_functions((Node *) query))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s holds a volatile function", what),
				 errdetail("It could change data, or give another answer for each row."),
				 errhint("Use functions that are declared STABLE or IMMUTABLE.")));
}

/* Values in the types that the analysis has settled on. */
static ParamListInfo
bind(List *placeholders, const Oid *types)
{
	ParamListInfo params = makeParamList(list_length(placeholders));
	ListCell   *lc;
	int			i = 0;

	foreach(lc, placeholders)
	{
		RecPlaceholder *p = lfirst(lc);
		ParamExternData *e = &params->params[i];

		e->ptype = types[i++];
		e->pflags = PARAM_FLAG_CONST;
		e->isnull = p->null;
		e->value = p->value;
		if (p->text)
		{
			Oid			function,
						param;

			getTypeInputInfo(e->ptype, &function, &param);
			e->value = OidInputFunctionCall(function, p->text, param, -1);
		}
	}
	return params;
}

static PlannedStmt *
plan(const RecItemQuery *q, ParamListInfo *params)
{
	int			n = 0;
	Oid		   *types = palloc(Max(list_length(q->placeholders), 1) * sizeof(Oid));
	List	   *rewritten;
	Query	   *query;
	ListCell   *lc;

	foreach(lc, q->placeholders)
		types[n++] = ((RecPlaceholder *) lfirst(lc))->type;
	query = parse_analyze_varparams(raw_query(q), q->text, &types, &n, NULL);
	rec_refuse_volatile(query, q->what);
	*params = n > 0 ? bind(q->placeholders, types) : NULL;
	rewritten = pg_rewrite_query(query);
	if (list_length(rewritten) != 1 || linitial_node(Query, rewritten)->commandType != CMD_SELECT)
		elog(ERROR, "unexpected rewriting of a query over items");
	rec_refuse_volatile(linitial(rewritten), "the item relation or its row security");
	return pg_plan_query(linitial(rewritten), q->text, 0, *params);
}

/* Hands over the rows of items that the version knows. */
typedef struct ItemReceiver
{
	DestReceiver pub;
	const RecItemQuery *query;
	Oid			key_type;
	MemoryContext row;
} ItemReceiver;

static bool
receive(TupleTableSlot *slot, DestReceiver *self)
{
	ItemReceiver *r = (ItemReceiver *) self;
	const RecKeys *keys = r->query->keys;
	MemoryContext old = MemoryContextSwitchTo(r->row);
	bool		null;
	Datum		key,
				value = slot_getattr(slot, 1, &null);

	if (!null && rec_key_coerce(&keys->kind, value, r->key_type, &key))
	{
		int			position = rec_keys_find(keys, key);

		if (position >= 0)
			r->query->row(r->query->state, position, slot);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(r->row);
	return true;
}

static void
receiver_start(DestReceiver *self, int operation, TupleDesc desc)
{
}

static void
receiver_end(DestReceiver *self)
{
}

void
rec_item_query_run(const RecItemQuery *q, const RecItemSource *source)
{
	ItemReceiver receiver = {
		.pub = {receive, receiver_start, receiver_end, receiver_end, DestNone},
		.query = q, .key_type = source->key_type,
		.row = AllocSetContextCreate(CurrentMemoryContext, "recommendation item", ALLOCSET_SMALL_SIZES)
	};
	ParamListInfo params;
	PlannedStmt *planned = plan(q, &params);
	QueryDesc  *query = CreateQueryDesc(planned, q->text, GetActiveSnapshot(), InvalidSnapshot, &receiver.pub, params,
										NULL, 0);

	ExecutorStart(query, 0);
	rec_executor_run(query);
	ExecutorFinish(query);
	ExecutorEnd(query);
	FreeQueryDesc(query);
	MemoryContextDelete(receiver.row);
}
