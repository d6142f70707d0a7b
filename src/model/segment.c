/*
 * segment.c
 *		Segments of users by an expression over the event relation. See evaluate.h.
 *
 * SELECT user, mode() WITHIN GROUP (ORDER BY (expression)::text) FROM events GROUP BY user, or, where the expression holds an
 * aggregate, SELECT user, (expression)::text ... GROUP BY user. As with filters (items.h), the text is parsed alone, and its
 * tree is put into the tree of the query: it never becomes part of another text.
 */
#include "model/evaluate.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "model/items.h"
#include "nodes/makefuncs.h"
#include "parser/analyze.h"
#include "parser/parser.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#define MOST_SEGMENTS 100

static Node *
column(const RecModel *model, const char *name)
{
	ColumnRef  *c = makeNode(ColumnRef);

	c->fields = list_make2(makeString(pstrdup(model->events_relation)), makeString(pstrdup(name)));
	c->location = -1;
	return (Node *) c;
}

static Node *
as_text(Node *node)
{
	TypeCast   *cast = makeNode(TypeCast);

	cast->arg = node;
	cast->typeName = makeTypeNameFromNameList(list_make2(makeString("pg_catalog"), makeString("text")));
	cast->location = -1;
	return (Node *) cast;
}

static Node *
most_frequent(Node *value)
{
	SortBy	   *by = makeNode(SortBy);
	FuncCall   *call = makeFuncCall(list_make2(makeString("pg_catalog"), makeString("mode")), NIL, COERCE_EXPLICIT_CALL, -1);

	by->node = value;
	by->location = -1;
	call->agg_order = list_make1(by);
	call->agg_within_group = true;
	return (Node *) call;
}

static ResTarget *
target(Node *value)
{
	ResTarget  *t = makeNode(ResTarget);

	t->val = value;
	t->location = -1;
	return t;
}

/* aggregated: the expression gives one value per user by itself */
static RawStmt *
wrap(const RecModel *model, const char *expression, bool aggregated, bool grouped)
{
	SelectStmt *s = makeNode(SelectStmt);
	RawStmt    *statement = makeNode(RawStmt);
	Node	   *value = as_text(rec_expression_parse(expression, "a segment"));

	s->targetList = list_make2(target(column(model, model->user_column)),
							   target(aggregated || !grouped ? value : most_frequent(value)));
	if (!grouped)
		s->targetList = list_delete_first(s->targetList);
	s->fromClause = list_make1(makeRangeVar(pstrdup(model->events_schema), pstrdup(model->events_relation), -1));
	if (grouped)
		s->groupClause = list_make1(column(model, model->user_column));
	statement->stmt = (Node *) s;
	return statement;
}

static PlannedStmt *
plan(const RecModel *model, const char *expression)
{
	Query	   *query = parse_analyze_fixedparams(wrap(model, expression, false, false), expression, NULL, 0, NULL);
	List	   *rewritten;

	query = parse_analyze_fixedparams(wrap(model, expression, query->hasAggs, true), expression, NULL, 0, NULL);
	rec_refuse_volatile(query, "the segment");
	rewritten = pg_rewrite_query(query);
	if (list_length(rewritten) != 1 || linitial_node(Query, rewritten)->commandType != CMD_SELECT)
		elog(ERROR, "unexpected rewriting of a segment");
	return pg_plan_query(linitial(rewritten), expression, 0, NULL);
}

typedef struct Receiver
{
	DestReceiver pub;
	const RecTestSet *test;
	int32	   *user_of;		/* by key of the test part: user of the test set, or -1 */
	RecSegments *segments;
	MemoryContext keep;
	MemoryContext row;
} Receiver;

static int
segment_number(Receiver *r, const char *name)
{
	RecSegments *s = r->segments;

	for (int i = 0; i < s->n; i++)
		if (strcmp(s->name[i], name) == 0)
			return i;
	if (s->n == MOST_SEGMENTS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("there are more than %d segments", MOST_SEGMENTS),
				 errhint("Choose an expression with fewer values, such as a range or a date_trunc().")));
	s->name[s->n] = MemoryContextStrdup(r->keep, name);
	return s->n++;
}

static bool
receive(TupleTableSlot *slot, DestReceiver *self)
{
	Receiver   *r = (Receiver *) self;
	MemoryContext old = MemoryContextSwitchTo(r->row);
	bool		null;
	Datum		key = slot_getattr(slot, 1, &null);
	int			user = null ? -1 : rec_keys_find(r->test->keys, key);

	user = user >= 0 ? r->user_of[user] : -1;
	if (user >= 0)
	{
		Datum		value = slot_getattr(slot, 2, &null);

		if (!null)
			r->segments->of[user] = segment_number(r, TextDatumGetCString(value));
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
run(PlannedStmt *plan, const char *text, DestReceiver *receiver)
{
	QueryDesc  *query;

	PushActiveSnapshot(GetTransactionSnapshot());
	query = CreateQueryDesc(plan, text, GetActiveSnapshot(), InvalidSnapshot, receiver, NULL, NULL, 0);
	ExecutorStart(query, 0);
	rec_executor_run(query);
	ExecutorFinish(query);
	ExecutorEnd(query);
	FreeQueryDesc(query);
	PopActiveSnapshot();
}

/* Errors of the expression point into it, not into the statement that calls the function. */
static void
point_into_expression(void *expression)
{
	int			position = geterrposition();

	if (position > 0)
	{
		errposition(0);
		internalerrposition(position);
		internalerrquery(expression);
	}
	errcontext("segment of the evaluation");
}

static int
compare_names(const void *a, const void *b, void *names)
{
	return strcmp(((char **) names)[*(const int *) a], ((char **) names)[*(const int *) b]);
}

/* The order of rows must not depend on the order in which the query found the segments. */
static void
sort_segments(RecSegments *s, int nusers)
{
	int			order[MOST_SEGMENTS],
				rank[MOST_SEGMENTS];
	char	   *name[MOST_SEGMENTS];

	for (int i = 0; i < s->n; i++)
	{
		order[i] = i;
		name[i] = s->name[i];
	}
	qsort_arg(order, s->n, sizeof(int), compare_names, s->name);
	for (int i = 0; i < s->n; i++)
	{
		rank[order[i]] = i;
		s->name[i] = name[order[i]];
	}
	for (int u = 0; u < nusers; u++)
		if (s->of[u] >= 0)
			s->of[u] = rank[s->of[u]];
}

RecSegments *
rec_expression_segments(const RecModel *model, const RecTestSet *test, const char *expression)
{
	ErrorContextCallback callback = {.callback = point_into_expression, .arg = unconstify(char *, expression)};
	RecSegments *s = palloc0(sizeof(RecSegments));
	Receiver	r = {
		.pub = {receive, receiver_start, receiver_end, receiver_end, DestNone},
		.test = test, .segments = s, .keep = CurrentMemoryContext
	};

	s->name = palloc(MOST_SEGMENTS * sizeof(char *));
	s->of = palloc_extended(Max(test->n, 1) * sizeof(int32), MCXT_ALLOC_HUGE);
	memset(s->of, -1, test->n * sizeof(int32));
	r.user_of = palloc_extended(Max(test->keys->n, 1) * sizeof(int32), MCXT_ALLOC_HUGE);
	memset(r.user_of, -1, test->keys->n * sizeof(int32));
	for (int u = 0; u < test->n; u++)
		r.user_of[test->key[u]] = u;
	r.row = AllocSetContextCreate(CurrentMemoryContext, "pg_recommend segment", ALLOCSET_SMALL_SIZES);
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	run(plan(model, expression), expression, &r.pub);
	error_context_stack = callback.previous;
	MemoryContextDelete(r.row);
	sort_segments(s, test->n);
	return s;
}
