/*
 * itemfilter.c
 *		Parsing, checking and running a filter. See items.h.
 *
 * The raw parser's entry for expressions of PL/pgSQL takes "expression [FROM ...] [WHERE ...] ..." and one statement
 * only: what is more than one expression is refused on its tree. The expression goes into the tree of
 * SELECT key FROM items WHERE expression, which is analysed, rewritten (views, row security), planned and run here, for
 * SPI takes text only. Refused: subqueries, aggregates and set-returning functions, and every volatile function, those of
 * views and policies included: SPI's and the executor's read-only modes do not stop one from writing.
 */
#include "model/items.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/analyze.h"
#include "parser/parser.h"
#include "parser/parse_coerce.h"
#include "rewrite/rewriteHandler.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

/* Positions of errors are in the filter, not in the statement that calls the function. */
static void
point_into_filter(void *filter)
{
	int			position = geterrposition();

	if (position > 0)
	{
		errposition(0);
		internalerrposition(position);
		internalerrquery(filter);
	}
	errcontext("filter of the items");
}

pg_attribute_noreturn() static void
refuse(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR),
			 errmsg("a filter must be one expression"),
			 errdetail("%s", detail),
			 errhint("Write what could stand in WHERE, such as \"in_stock and price < :max\".")));
}

/* Finds what must not be in the raw tree; the names in a subquery are not even looked up. */
static bool
find_subquery(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, SubLink) || IsA(node, SelectStmt))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a filter cannot hold a subquery"),
				 errhint("Put it into a view that the model takes as its items.")));
	return raw_expression_tree_walker(node, find_subquery, context);
}

/* The one expression of a text. */
static Node *
parse_expression(const char *text)
{
	List	   *statements = raw_parser(text, RAW_PARSE_PLPGSQL_EXPR);
	SelectStmt *s = list_length(statements) == 1 ? (SelectStmt *) linitial_node(RawStmt, statements)->stmt : NULL;
	ResTarget  *target;

	if (s == NULL || !IsA(s, SelectStmt) || s->op != SETOP_NONE || s->valuesLists || s->withClause || s->intoClause)
		refuse("It is a statement.");
	if (s->distinctClause || s->fromClause || s->whereClause || s->groupClause || s->havingClause ||
		s->windowClause || s->sortClause || s->limitOffset || s->limitCount || s->lockingClause)
		refuse("There is a clause after the expression, or DISTINCT before it.");
	if (list_length(s->targetList) != 1)
		refuse(s->targetList ? "There are several, separated by commas." : "It is empty.");
	target = linitial_node(ResTarget, s->targetList);
	if (target->name)
		refuse("There is a name after the expression.");
	if (IsA(target->val, ColumnRef) && IsA(llast(((ColumnRef *) target->val)->fields), A_Star))
		refuse("It is a list of columns.");
	(void) find_subquery(target->val, NULL);
	return target->val;
}

/* SELECT key FROM items WHERE expression */
static RawStmt *
wrap(const RecModel *model, Node *expression)
{
	SelectStmt *s = makeNode(SelectStmt);
	ResTarget  *key = makeNode(ResTarget);
	ColumnRef  *column = makeNode(ColumnRef);
	RawStmt    *statement = makeNode(RawStmt);

	column->fields = list_make2(makeString(pstrdup(model->items_relation)), makeString(pstrdup(model->item_key)));
	column->location = -1;
	key->val = (Node *) column;
	key->location = -1;
	s->targetList = list_make1(key);
	s->fromClause = list_make1(makeRangeVar(pstrdup(model->items_schema), pstrdup(model->items_relation), -1));
	s->whereClause = expression;
	statement->stmt = (Node *) s;
	return statement;
}

static void
refuse_volatile(Query *query, const char *what)
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
plan_filter(const RecModel *model, const char *filter, const Jsonb *args, char **text, ParamListInfo *params)
{
	List	   *placeholders,
			   *rewritten;
	Node	   *expression;
	Query	   *query;
	Oid		   *types;
	int			n;
	ListCell   *lc;

	*text = rec_filter_placeholders(filter, args, &placeholders);
	expression = parse_expression(*text);
	n = list_length(placeholders);
	types = palloc(Max(n, 1) * sizeof(Oid));
	n = 0;
	foreach(lc, placeholders)
		types[n++] = ((RecPlaceholder *) lfirst(lc))->type;
	query = parse_analyze_varparams(wrap(model, expression), *text, &types, &n, NULL);
	refuse_volatile(query, "the filter");
	*params = n > 0 ? bind(placeholders, types) : NULL;
	rewritten = pg_rewrite_query(query);
	if (list_length(rewritten) != 1 || linitial_node(Query, rewritten)->commandType != CMD_SELECT)
		elog(ERROR, "unexpected rewriting of a filter");
	refuse_volatile(linitial(rewritten), "the item relation or its row security");
	return pg_plan_query(linitial(rewritten), *text, 0, *params);
}

/* Receives keys and marks their positions. */
typedef struct MaskReceiver
{
	DestReceiver pub;
	const RecKeys *keys;
	Oid			type;
	bool	   *allowed;
	MemoryContext row;
} MaskReceiver;

static bool
receive_key(TupleTableSlot *slot, DestReceiver *self)
{
	MaskReceiver *r = (MaskReceiver *) self;
	MemoryContext old = MemoryContextSwitchTo(r->row);
	bool		null;
	Datum		key,
				value = slot_getattr(slot, 1, &null);

	if (!null && rec_key_coerce(&r->keys->kind, value, r->type, &key))
	{
		int			position = rec_keys_find(r->keys, key);

		if (position >= 0)
			r->allowed[position] = true;
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

static void
run(PlannedStmt *plan, const char *text, ParamListInfo params, MaskReceiver *receiver)
{
	QueryDesc  *query = CreateQueryDesc(plan, text, GetActiveSnapshot(), InvalidSnapshot, &receiver->pub, params, NULL,
										0);

	ExecutorStart(query, 0);
	rec_executor_run(query);
	ExecutorFinish(query);
	ExecutorEnd(query);
	FreeQueryDesc(query);
}

void
rec_filter_run(const RecModel *model, const RecKeys *keys, const char *filter, const Jsonb *args, bool *allowed)
{
	ErrorContextCallback callback = {.callback = point_into_filter, .arg = unconstify(char *, filter)};
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "recommendation filter", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old;
	RecItemSource source;
	MaskReceiver receiver = {
		.pub = {receive_key, receiver_start, receiver_end, receiver_end, DestNone},
		.keys = keys, .allowed = allowed
	};
	PlannedStmt *plan;
	ParamListInfo params;
	char	   *text;

	rec_item_source(model, keys->kind.type, &source);
	memset(allowed, false, keys->n);
	old = MemoryContextSwitchTo(context);
	receiver.type = source.key_type;
	receiver.row = AllocSetContextCreate(context, "recommendation filter row", ALLOCSET_SMALL_SIZES);
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	plan = plan_filter(model, filter, args, &text, &params);
	run(plan, text, params, &receiver);
	error_context_stack = callback.previous;
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}
