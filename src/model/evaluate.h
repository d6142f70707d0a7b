/*
 * evaluate.h
 *		Judging a way to train, or a stored version, on events that it has not seen; beside baselines.
 *
 * Everything happens in memory as the model's owner, under the rules of a training; nothing of the model changes.
 */
#ifndef REC_EVALUATE_H
#define REC_EVALUATE_H

#include "model/results.h"

#define REC_MOST_K 1000

typedef struct RecEvaluation
{
	bool		split_given;	/* else by time where the model has times, at random where not */
	RecSplit	split;			/* fraction, interval and last 0: the default of its kind */
	double		holdout;		/* as it was given, a number; NaN: none or an interval */
	int			nk;				/* 0: 5, 10 and 20, as far as there are so many items */
	int		   *k;				/* ascending */
	const Jsonb *params;		/* on top of the model's; NULL: none */
	bool		compare_given;	/* else rec.evaluate adds the model without attributes, where it has some */
	List	   *compare;		/* of const RecAlgorithm * */
	const char *segment;		/* NULL: cold, sparse and warm users */
	bool		exclude_seen;
	bool		metrics_given;
	bool		wanted[REC_METRICS];
	double		least;			/* see RecRelevance; NaN: automatic */
	uint64		seed;
} RecEvaluation;

/* The rows of rec.evaluate, in the current context. */
extern RecResults *rec_evaluate_model(Oid schema, const RecEvaluation *evaluation);

/* What is loaded and parted before a way to train is judged; everything is in context. */
typedef struct RecParts
{
	MemoryContext context;
	RecPairs   *train;
	RecPairs   *repeats;		/* the same events summed as buy_again() does; NULL: not asked for */
	RecSumRule	rule;
	RecDesign  *design[2];		/* attributes, fitted to what the training part knows; NULL: none */
	RecKnown	known;			/* users and items of the training part, and those that have attributes */
	RecTestSet *test;
} RecParts;

/* parts.c. The second sets `known` from the rest; warm: items with events. */
extern void rec_evaluation_load(const RecModel *model, const RecEvaluation *evaluation, RecParts *parts);

extern void rec_evaluation_know(RecParts *parts, int warm);

/* Fills in and checks what depends on the model and its data. */
extern void rec_evaluation_check(const RecModel *model, RecEvaluation *evaluation);
extern void rec_evaluation_check_metrics(const RecModel *model, RecEvaluation *evaluation);
extern RecJudge *rec_evaluation_judge(const RecParts *parts, const RecEvaluation *evaluation);

/* A recommender by the model's params, with others on top; algorithm gets its name. */
extern RecRecommender *rec_evaluation_fit(const RecModel *model, const Jsonb *params, const RecParts *parts);

/* A baseline with the model's params, and overrides where it is the model itself with something left out. */
extern RecRecommender *rec_evaluation_baseline(const RecModel *model, const RecAlgorithm *algorithm, const Jsonb *overrides,
											   const RecParts *parts);

/* Judges first and then what it is compared with; first is released. */
extern void rec_evaluation_run(const RecModel *model, const RecEvaluation *evaluation, const RecParts *parts,
							   RecJudge *judge, RecRecommender *first, RecRecommender *popular, RecResults *results);

/*
 * Calls work as the model's owner, in a new context that it returns, with a slot of the progress view that says what came of
 * it (done: when all went well). The results are in the caller's context.
 */
extern void rec_evaluation_as_owner(const RecModel *model, const char *done, void (*work) (void *state, MemoryContext context),
									void *state);

/* The segments that were asked for: segment.c has those of an expression. */
extern RecSegments *rec_expression_segments(const RecModel *model, const RecTestSet *test, const char *expression);

#endif							/* REC_EVALUATE_H */
