/*
 * monitor.h
 *		Monitors of drift: profiles of new periods, and baselines of trainings.
 */
#ifndef REC_MONITOR_H
#define REC_MONITOR_H

#include "model/catalog.h"
#include "model/pairs.h"

/* A row of rec.monitor, and who is asked for the events. */
typedef struct RecMonitor
{
	char	   *name;
	RecModel   *model;			/* NULL: another relation */
	Oid			owner;
	bool		of_training;	/* the reference is the training */
} RecMonitor;

/* By its name; NULL when there is none. The row is locked until the end of the transaction. */
extern RecMonitor *rec_monitor_lock(const char *name);

/* Only the owner, who is the model's, its members and superusers. */
extern void rec_monitor_require_owner(const RecMonitor *monitor, const char *action);

/* Names of the monitors of a model; makes one when there is none. */
extern List *rec_monitors_of(const RecModel *model);

/* Judges the new periods before `until`. False: there were none. Sets the range of what was judged. */
extern bool rec_monitor_check(RecMonitor *monitor, const TimestampTz *since, TimestampTz until, TimestampTz *from, TimestampTz *to);

/*
 * Profiles of the events that a version was trained on, for each monitor of the model that refers to them. Called at the
 * end of a training, whose pairs say how many events are recent, as the model's owner. What goes wrong there is a warning: a model is worth more than its baseline.
 */
extern void rec_monitor_baselines(const RecModel *model, int version, const RecPairs *pairs);

#endif							/* REC_MONITOR_H */
