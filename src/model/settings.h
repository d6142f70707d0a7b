/*
 * settings.h
 *		The extension's configuration parameters (pg_recommend.*), defined in settings.c at library load.
 */
#ifndef REC_SETTINGS_H
#define REC_SETTINGS_H

#include <stdbool.h>

extern int	rec_training_memory;	/* kB */
extern int	rec_cache_size;		/* kB */
extern int	rec_fold_in_events;
extern bool rec_use_materialized;

extern void rec_settings_define(void);

#endif							/* REC_SETTINGS_H */
