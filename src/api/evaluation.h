/*
 * evaluation.h
 *		Arguments that rec.evaluate, rec.evaluate_version, rec.compare and rec.tune share. i is the number of the argument.
 */
#ifndef REC_API_EVALUATION_H
#define REC_API_EVALUATION_H

#include "compat.h"

#include "fmgr.h"
#include "model/compare.h"

extern Oid	rec_evaluation_model(FunctionCallInfo fcinfo);	/* argument 0 */
extern void rec_evaluation_defaults(RecEvaluation *e);
extern void rec_evaluation_split(FunctionCallInfo fcinfo, int i, RecEvaluation *e);
extern void rec_evaluation_holdout(FunctionCallInfo fcinfo, int i, RecEvaluation *e);
extern void rec_evaluation_k(FunctionCallInfo fcinfo, int i, RecEvaluation *e);
extern void rec_evaluation_metrics(FunctionCallInfo fcinfo, int i, RecEvaluation *e);
extern void rec_evaluation_compare(FunctionCallInfo fcinfo, int i, RecEvaluation *e);
extern void rec_evaluation_rest(FunctionCallInfo fcinfo, int exclude_seen, int least, int seed, RecEvaluation *e);

/* The model whose versions are judged, its event relation replaced where the argument names one. */
extern RecModel *rec_evaluation_events(Oid schema, FunctionCallInfo fcinfo, int events, int since, RecTestSource *source);

/* An error with the nearest name. */
extern RecMetric rec_metric_by_name(const char *name);

/* 'ndcg@10'; null: the usual one for the kind of feedback. */
extern RecGoal rec_goal_read(const char *text, bool explicit_feedback);

/* NaN becomes null. */
extern void rec_put_real(Datum *value, bool *null, double x);

#endif							/* REC_API_EVALUATION_H */
