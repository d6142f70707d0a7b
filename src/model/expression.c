/*
 * expression.c
 *		Expressions of users in canonical form. See expression.h.
 */
#include "model/expression.h"

#include "access/relation.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "model/items.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_relation.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"

/* What is being analysed; for errors. */
typedef struct Subject
{
	const char *text;
	const char *what;
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
	errcontext("%s", s->what);
}

static Node *
analyse(const Subject *subject, Relation rel, Oid *type)
{
	Node	   *raw = rec_expression_parse(subject->text, subject->what);
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
				 errmsg("%s holds a volatile function", subject->what),
				 errdetail("It could change data, or give another answer for each row."),
				 errhint("Use functions that are declared STABLE or IMMUTABLE.")));
	*type = exprType(expression);
	free_parsestate(state);
	return expression;
}

char *
rec_expression_canonical(Oid relid, const char *alias, const char *text, const char *what, Oid *type)
{
	Subject		subject = {text, what};
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
