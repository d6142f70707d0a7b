/*
 * expression.h
 *		One SQL expression over the columns of a relation, given as text by a user.
 *
 * The text is parsed alone and looked at; where it is to be used again, as text in a larger query, it is PostgreSQL's own
 * deparsed form that is used, with names qualified: so no text of a user ever becomes part of another text, and no
 * search_path changes later what it means.
 */
#ifndef REC_EXPRESSION_H
#define REC_EXPRESSION_H

#include "compat.h"

#include "nodes/parsenodes.h"

/* The raw tree of a text that is one expression without subqueries; else an error. what: "filter" or so; example: for the hint. */
extern Node *rec_expression_parse(const char *text, const char *what, const char *example);

/*
 * The canonical text over a relation, its columns prefixed by an alias, and its type. An error for aggregates, window and
 * set-returning functions, and volatile functions.
 */
extern char *rec_expression_canonical(Oid relid, const char *alias, const char *text, const char *what,
									  const char *example, Oid *type);

#endif							/* REC_EXPRESSION_H */
