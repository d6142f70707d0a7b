/*
 * expression.h
 *		One SQL expression over the columns of a relation, given as text by a user.
 *
 * The text is parsed alone (rec_expression_parse() in items.h) and looked at; where it is to be used again, as text in a larger query, it is PostgreSQL's own
 * deparsed form that is used, with names qualified: so no text of a user ever becomes part of another text, and no
 * search_path changes later what it means.
 */
#ifndef REC_EXPRESSION_H
#define REC_EXPRESSION_H

#include "compat.h"

/*
 * The canonical text of an expression over a relation, its columns prefixed by an alias, and its type. An error when it is
 * not one expression, or holds a subquery, aggregate, window, set-returning or volatile function. what: "the value of a
 * metric" or so, for errors.
 */
extern char *rec_expression_canonical(Oid relid, const char *alias, const char *text, const char *what, Oid *type);

#endif							/* REC_EXPRESSION_H */
