/*
 * options.h
 *		The options of create_model and alter_model, checked before anything is done.
 */
#ifndef REC_OPTIONS_H
#define REC_OPTIONS_H

#include "model/events.h"

/* Errors for a null, overlong or reserved model name. */
extern void rec_check_model_name(const char *name);

/* A relation named by an option, found on the search path; an error with the nearest name. what: "event" or so. */
extern Oid	rec_find_relation(const char *given, const char *what);

/* Splits "schema.relation" and finds it on the search path; an error with the nearest name. */
extern void rec_options_events(RecModel *model, const char *events);

/* Takes the options items and item_key, NULL where they are not given; the relation is found as the events are. */
extern void rec_options_items(RecModel *model, const char *items, const char *item_key);

/* The same for users and user_key. */
extern void rec_options_users(RecModel *model, const char *users, const char *user_key);

/* Checks how options go together, the columns, their types and the caller's privileges on the events. */
extern void rec_options_check(const RecModel *model, RecEventSource *source);

/* Type of a key column as DDL writes it, fully qualified, with a collation where it is not the type's default. */
extern char *rec_key_type_sql(Oid type, Oid collation);

/* NOTICE with the index to create, when no index finds the events of one user. */
extern void rec_advise_index(const RecModel *model, const RecEventSource *source);

#endif							/* REC_OPTIONS_H */
