/*
 * experiment_options.h
 *		The options of create_experiment and alter_experiment, checked before anything is done.
 */
#ifndef REC_EXPERIMENT_OPTIONS_H
#define REC_EXPERIMENT_OPTIONS_H

#include "compat.h"

#include "utils/array.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

/* Names of variants, checked: at least two, none null, empty or twice. */
extern char **rec_variants_read(ArrayType *variants, int *n);

/* An error unless there is one share above zero for each of n variants and they sum to 1. */
extern void rec_weights_check(ArrayType *weights, int n);

/* A namespace: a name, or GrowthBook's ["name", start, end]. */
typedef struct RecNamespace
{
	char	   *name;
	double		start;
	double		end;
} RecNamespace;

extern void rec_namespace_read(const char *text, RecNamespace *space);

/* An error when a running experiment other than `id` has a part of the namespace's part in the time given. */
extern void rec_namespace_check_free(const RecNamespace *space, int id, TimestampTz stop);

extern void rec_coverage_check(double coverage);
extern void rec_alpha_check(double alpha);

/* An error unless forced is an object whose values name variants. */
extern void rec_forced_check(Jsonb *forced, char *const *variant, int n);

/* Metrics of these names exist. */
extern void rec_metrics_check(ArrayType *metrics, int id);

/* The model is the caller's and has these versions, one for each of n variants (null: the active one). */
extern void rec_experiment_versions_check(const char *model, ArrayType *versions, int n);

/* A relation of exposures: its columns exist and the caller may read them. Returns its oid. */
extern Oid	rec_exposures_find(const char *relation);
extern void rec_exposures_check(Oid relid, const char *unit, const char *variant, const char *time);

#endif							/* REC_EXPERIMENT_OPTIONS_H */
