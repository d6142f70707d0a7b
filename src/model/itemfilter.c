/*
 * itemfilter.c
 *		Parsing and checking a filter. See items.h.
 *
 * The raw parser's entry for expressions of PL/pgSQL takes "expression [FROM ...] [WHERE ...] ..." and one statement
 * only: what is more than one expression is refused on its tree. Refused as well: subqueries, and what itemquery.c
 * refuses.
 */
#include "model/items.h"

#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parser.h"

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
refuse(const char *what, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR),
			 errmsg("%s must be one expression", what),
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
				 errmsg("%s cannot hold a subquery", (const char *) context),
				 errhint("Put it into a view that the model takes as its items or events.")));
	return raw_expression_tree_walker(node, find_subquery, context);
}

Node *
rec_expression_parse(const char *text, const char *what)
{
	List	   *statements = raw_parser(text, RAW_PARSE_PLPGSQL_EXPR);
	SelectStmt *s = list_length(statements) == 1 ? (SelectStmt *) linitial_node(RawStmt, statements)->stmt : NULL;
	ResTarget  *target;

	if (s == NULL || !IsA(s, SelectStmt) || s->op != SETOP_NONE || s->valuesLists || s->withClause || s->intoClause)
		refuse(what, "It is a statement.");
	if (s->distinctClause || s->fromClause || s->whereClause || s->groupClause || s->havingClause ||
		s->windowClause || s->sortClause || s->limitOffset || s->limitCount || s->lockingClause)
		refuse(what, "There is a clause after the expression, or DISTINCT before it.");
	if (list_length(s->targetList) != 1)
		refuse(what, s->targetList ? "There are several, separated by commas." : "It is empty.");
	target = linitial_node(ResTarget, s->targetList);
	if (target->name)
		refuse(what, "There is a name after the expression.");
	if (IsA(target->val, ColumnRef) && IsA(llast(((ColumnRef *) target->val)->fields), A_Star))
		refuse(what, "It is a list of columns.");
	(void) find_subquery(target->val, unconstify(char *, what));
	return target->val;
}

static void
allow(void *state, int position, TupleTableSlot *slot)
{
	((bool *) state)[position] = true;
}

void
rec_filter_run(const RecModel *model, const RecKeys *keys, const char *filter, const Jsonb *args, bool *allowed)
{
	ErrorContextCallback callback = {.callback = point_into_filter, .arg = unconstify(char *, filter)};
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "recommendation filter", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old;
	RecItemQuery query = {.model = model, .keys = keys, .what = "the filter", .row = allow, .state = allowed};
	RecItemSource source;

	rec_item_source(model, keys->kind.type, &source);
	memset(allowed, false, keys->n);
	old = MemoryContextSwitchTo(context);
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	query.text = rec_filter_placeholders(filter, args, &query.placeholders);
	query.condition = rec_expression_parse(query.text, "a filter");
	rec_item_query_run(&query, &source);
	error_context_stack = callback.previous;
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}
