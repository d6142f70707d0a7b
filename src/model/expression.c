/*
 * expression.c
 *		Parsing expressions of users. See expression.h.
 *
 * The raw parser's entry for expressions of PL/pgSQL takes "expression [FROM ...] [WHERE ...] ..." and one statement
 * only: what is more than one expression is refused on its tree.
 */
#include "model/expression.h"

#include "access/relation.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "model/catalog.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_relation.h"
#include "parser/parser.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"

/* What is being parsed; for errors. */
typedef struct Subject
{
	const char *text;
	const char *what;
	const char *example;
} Subject;

/* Positions of errors are in the expression, not in the statement that calls the function. */
static void
point_into_text(void *arg)
{
	const Subject *s = arg;
	int			position = geterrposition();

	if (position > 0)
	{
		errposition(0);
		internalerrposition(position);
		internalerrquery(s->text);
	}
	errcontext("the %s", s->what);
}

pg_attribute_noreturn() static void
refuse(const Subject *s, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR),
			 errmsg("a %s must be one expression", s->what),
			 errdetail("%s", detail),
			 errhint("Write an expression over the columns, such as \"%s\".", s->example)));
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
				 errmsg("a %s cannot hold a subquery", ((const Subject *) context)->what),
				 errhint("Put it into a view, and name that as the relation.")));
	return raw_expression_tree_walker(node, find_subquery, context);
}

static Node *
parse(const Subject *subject)
{
	List	   *statements = raw_parser(subject->text, RAW_PARSE_PLPGSQL_EXPR);
	SelectStmt *s = list_length(statements) == 1 ? (SelectStmt *) linitial_node(RawStmt, statements)->stmt : NULL;
	ResTarget  *target;

	if (s == NULL || !IsA(s, SelectStmt) || s->op != SETOP_NONE || s->valuesLists || s->withClause || s->intoClause)
		refuse(subject, "It is a statement.");
	if (s->distinctClause || s->fromClause || s->whereClause || s->groupClause || s->havingClause ||
		s->windowClause || s->sortClause || s->limitOffset || s->limitCount || s->lockingClause)
		refuse(subject, "There is a clause after the expression, or DISTINCT before it.");
	if (list_length(s->targetList) != 1)
		refuse(subject, s->targetList ? "There are several, separated by commas." : "It is empty.");
	target = linitial_node(ResTarget, s->targetList);
	if (target->name)
		refuse(subject, "There is a name after the expression.");
	if (IsA(target->val, ColumnRef) && IsA(llast(((ColumnRef *) target->val)->fields), A_Star))
		refuse(subject, "It is a list of columns.");
	(void) find_subquery(target->val, unconstify(Subject *, subject));
	return target->val;
}

Node *
rec_expression_parse(const char *text, const char *what, const char *example)
{
	Subject		subject = {text, what, example};

	return parse(&subject);
}

static Node *
analyse(const Subject *subject, Relation rel, Oid *type)
{
	Node	   *raw = parse(subject);
	ParseState *state = make_parsestate(NULL);
	Node	   *expression;

	state->p_sourcetext = subject->text;
	addNSItemToQuery(state, addRangeTableEntryForRelation(state, rel, AccessShareLock, NULL, false, true), false, true,
					 true);
	/* as in WHERE: no aggregates, window or set-returning functions */
	expression = transformExpr(state, raw, EXPR_KIND_WHERE);
	if (exprType(expression) == UNKNOWNOID)
		expression = coerce_to_common_type(state, expression, TEXTOID, "SELECT");
	assign_expr_collations(state, expression);
	if (contain_volatile_functions(expression))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the %s holds a volatile function", subject->what),
				 errdetail("It could change data, or give another answer for each row."),
				 errhint("Use functions that are declared STABLE or IMMUTABLE.")));
	*type = exprType(expression);
	free_parsestate(state);
	return expression;
}

char *
rec_expression_canonical(Oid relid, const char *alias, const char *text, const char *what, const char *example, Oid *type)
{
	Subject		subject = {text, what, example};
	ErrorContextCallback callback = {.callback = point_into_text, .arg = &subject, .previous = error_context_stack};
	Relation	rel = relation_open(relid, AccessShareLock);
	Node	   *expression;
	RecRole		saved;
	char	   *canonical;

	error_context_stack = &callback;
	expression = analyse(&subject, rel, type);
	error_context_stack = callback.previous;
	saved = rec_role_enter(GetUserId());	/* for its search path: names outside of pg_catalog come qualified */
	canonical = deparse_expression(expression, deparse_context_for(alias, relid), true, false);
	rec_role_leave(&saved);
	relation_close(rel, NoLock);
	return canonical;
}
