/*
 * settings.c
 *		Definition of the pg_recommend.* configuration parameters.
 */
#include "postgres.h"

#include <limits.h>

#include "model/settings.h"
#include "utils/guc.h"

int			rec_training_memory;
int			rec_cache_size;
int			rec_fold_in_events;
bool		rec_use_materialized;

void
rec_settings_define(void)
{
	DefineCustomIntVariable("pg_recommend.training_memory",
							"Memory that one training may use, shared memory included.",
							"A training that needs more ends with an error that says how much it needs.",
							&rec_training_memory, 1024 * 1024, 1024, MAX_KILOBYTES,
							PGC_USERSET, GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomIntVariable("pg_recommend.cache_size",
							"Shared memory that the server uses for the models it serves.",
							"Least recently used versions leave. A session that finds no room keeps a copy of its own.",
							&rec_cache_size, 1024 * 1024, 0, MAX_KILOBYTES,
							PGC_SUSET, GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomIntVariable("pg_recommend.fold_in_events",
							"Events of one user that are read for a recommendation.",
							"Of a user with more events only the newest so many are read; 0 serves stored factors only.",
							&rec_fold_in_events, 10000, 0, 1000000,
							PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("pg_recommend.use_materialized",
							 "Answers recommend() from what rec.materialize has stored, where that fits.",
							 "Events since then do not count.",
							 &rec_use_materialized, false,
							 PGC_USERSET, 0, NULL, NULL, NULL);
	MarkGUCPrefixReserved("pg_recommend");
}
