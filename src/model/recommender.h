/*
 * recommender.h
 *		A fitted recommender in memory: what gives one user's row of pairs a score for every item.
 *
 * Evaluation and tuning judge every algorithm, baselines included, through this interface. Positions of users and items
 * are those of the pairs it was fitted to. To add an algorithm: write its fit function and name it in the table of
 * recommender.c. Nothing here is stored, and nothing outlives the context of the input.
 */
#ifndef REC_RECOMMENDER_H
#define REC_RECOMMENDER_H

#include "core/topk.h"
#include "model/pairs.h"
#include "model/solve.h"

typedef struct RecFitInput
{
	const RecPairs *pairs;		/* what may be learnt from */
	const RecHoldout *without;	/* pairs that must not be learnt from either; NULL: none. See `held` there */
	const RecPairs *repeats;	/* the same pairs, summed as buy_again() does; NULL: not to be had, take pairs */
	const RecParams *params;	/* resolved by rec_train_resolve() */
	RecSumRule	rule;
	const RecWatch *watch;		/* of a training by epochs; NULL: quiet, with the holdout that its params ask for */
	RecDesign  *const *design;	/* attributes by side, see rec_design_read(); NULL: without */
	MemoryContext context;		/* where everything goes; check sizes with rec_check_memory() first */
} RecFitInput;

/* What is known of one user at the time of the question. */
typedef struct RecUserPairs
{
	int			user;			/* position in pairs->users, or behind them in design[REC_USERS]->cold; -1: in neither */
	uint64		seed;			/* a hash of the user's key */
	int			n;
	const RecPair *pair;		/* ascending by item; may hold pairs of net weight 0 and below */
} RecUserPairs;

typedef struct RecRecommender RecRecommender;

struct RecRecommender
{
	const char *name;
	int			nitems;			/* that it can score: those of the pairs, perhaps also those in design[REC_ITEMS]->cold */
	Size		memory;			/* that it holds, beside the pairs */

	/*
	 * Scores of all items, higher is better; -INFINITY: never recommended (the list ends before it). False: nothing can be said of this user, who gets popular
	 * items; then score is not looked at. Called in loops: no memory may be left behind in the current context.
	 */
	bool		(*score) (RecRecommender *self, const RecUserPairs *user, float *score);

	/* NULL, or the best k of the items with mask set, best first, without scoring all; -1: as score's false */
	int			(*best) (RecRecommender *self, const RecUserPairs *user, const bool *mask, int k, RecScored *out);

	/* NULL, or the predicted rating of an item, one of nitems or behind them: then rmse and mae make sense */
	float		(*rate) (RecRecommender *self, const RecUserPairs *user, int32 item);

	/*
	 * NULL, or the parallel way to rank many users: the user's vector (solution->stride floats; false as from score) against
	 * the rows of `items`
	 */
	const RecSolution *solution;
	const float *items;
	bool		(*vector) (RecRecommender *self, const RecUserPairs *user, float *vector);

	void		(*release) (RecRecommender *self);	/* may be NULL */
};

/* The name in `compare` for the model itself, trained without its attributes. */
#define REC_WITHOUT_ATTRIBUTES "without_attributes"

/* An entry of the table of algorithms. */
typedef struct RecAlgorithm
{
	const char *name;
	bool		baseline;		/* may stand in `compare`; its params are the model's */
	bool		trained;		/* a value of the parameter "algorithm" */
	bool		ablation;		/* what is judged with something left out: its params are those of what is judged */
	RecRecommender *(*fit) (const RecFitInput *input);
} RecAlgorithm;

/* The algorithm of that name; an error with the nearest name. baseline: look among those for `compare` only. */
extern const RecAlgorithm *rec_algorithm_find(const char *name, bool baseline);

extern RecRecommender *rec_recommender_fit(const RecAlgorithm *algorithm, const RecFitInput *input);
extern void rec_recommender_release(RecRecommender *self);

#endif							/* REC_RECOMMENDER_H */
