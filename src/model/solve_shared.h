/*
 * solve_shared.h
 *		What leader and workers of a training of factors share: the block of their crew (crew.h).
 *
 * The header below stands at its start; arrays are offsets from it. What a chunk computes does not depend on who
 * computes it, and sums are kept per chunk and added by the leader in chunk order: so results are the same for any
 * number of workers.
 */
#ifndef REC_SOLVE_SHARED_H
#define REC_SOLVE_SHARED_H

#include "core/als.h"
#include "core/prior.h"
#include "core/topk.h"
#include "model/crew.h"
#include "model/side.h"
#include "model/solve.h"

typedef enum RecTask
{
	REC_TASK_INIT,				/* start values of one side */
	REC_TASK_GRAM,				/* partial Gram matrices of one side's fixed rows */
	REC_TASK_ROWS,				/* solve one side */
	REC_TASK_CODES,				/* one-byte codes of the items, by which the next one is fast */
	REC_TASK_JUDGE,				/* rank items for the holdout's users */
	REC_TASK_NORMAL,			/* normal matrix of one side's map from attributes */
	REC_TASK_RIGHT,				/* its right-hand side, from the factors or from the means; see map_of */
	REC_TASK_SOLVE,				/* the map from the factored matrix, some coordinates a chunk */
	REC_TASK_MEAN				/* weighted means of all rows, for conjugate gradients */
} RecTask;

/* What a task on a map reads and writes. */
typedef enum RecMapTask
{
	REC_MAP_FACTORS,			/* right-hand side of the factors, into map or right */
	REC_MAP_PRODUCT				/* normal matrix times map (first) or p, into a */,
	REC_MAP_PRODUCT_FIRST
} RecMapTask;

/* One side's rows: its observations and factors. */
typedef struct RecSharedSide
{
	int64		nrows;
	Size		start;			/* int64[nrows + 1] */
	Size		column;			/* int32[nnz] */
	Size		value;			/* float[nnz] */
	Size		factors;		/* float[nrows * stride] */
	int			nchunks;
	Size		chunk_end;		/* int64[nchunks]: first row after each chunk */
	int			ngram;			/* parts of the Gram matrix over this side's rows */
	int64		gram_rows;		/* rows of a part */
	int64		longest;		/* observations of the longest row */
	struct RecSharedMap
	{
		int			n;			/* columns of the design matrix; 0: the side has no attributes */
		bool		dense;		/* the normal matrix is formed and factored; else conjugate gradients */
		bool		on;			/* the map takes part */
		double		ridge;		/* for weights of mean 1 */
		Size		row_start,	/* the arrays of RecFeatures */
					column,
					value,
					col_start,
					row,
					col_value;
		Size		weight;		/* float[nrows] */
		Size		map;		/* float[n * stride] */
		Size		normal;		/* dense: double[n * n] */
		Size		right;		/* else: float[n * stride], and so are the next three */
		Size		r,
					p,
					a;
		Size		diagonal;	/* float[n] */
		Size		rz;			/* double[stride] */
		Size		mean;		/* float[nrows * stride] */
	}			map;
} RecSharedSide;

typedef struct RecShared
{
	RecCrewBlock crew;
	pg_atomic_uint32 status;	/* first RecAlsStatus that is not OK */

	/* the open task */
	RecTask		task;
	RecSide		side;
	bool		exact;			/* REC_TASK_ROWS: Cholesky whatever the solver is */
	bool		plain;			/* REC_TASK_ROWS: as if there were no attributes */
	RecMapTask	map_task;		/* REC_TASK_RIGHT: from where to where; REC_TASK_MEAN: of what */

	RecParams	params;
	bool		explicit_feedback;
	float		mean;
	int			stride;
	int64		nnz;
	RecSharedSide sides[2];
	Size		gram_parts;		/* float[ngram * stride * stride] */
	Size		gram;			/* float[stride * stride] */
	Size		losses;			/* RecLoss[most chunks] */
	Size		best_items;		/* float[items * stride], only with a holdout or attributes of items */

	/* holdout */
	int			judged;			/* users */
	RecMetric	judge_metric;	/* implicit: what RecQuality.watched is */
	int			judge_k;		/* all list metrics are at this */
	Size		judged_user;	/* int32[judged] */
	Size		held_start;		/* int32[judged + 1] */
	Size		held_item;		/* int32[], ascending per user */
	Size		held_value;		/* float[] */
	Size		qualities;		/* RecQuality[judged] */
	Size		blocked_start;	/* int32[judged + 1] */
	Size		blocked_item;	/* int32[]: the user's other items, ascending */
	Size		codes;			/* implicit: the arrays of RecCodes (core/pick.h) of the items */
	Size		codes_scale;
	Size		codes_error;
	Size		codes_length;
} RecShared;

#define REC_INIT_ROWS 8192		/* rows of a chunk of REC_TASK_INIT and REC_TASK_CODES */
#define REC_CHUNK_ROWS_MOST 2048	/* rows of a REC_TASK_ROWS chunk at most, and of REC_TASK_MEAN */
#define REC_MAP_COLUMNS 4		/* columns of a chunk of REC_TASK_NORMAL and REC_TASK_RIGHT */
#define REC_MAP_DENSE 1500		/* columns up to which the normal matrix is formed */

#define REC_AT(shared, offset, type) ((type *) ((char *) (shared) + (offset)))

/* A chunk of the open task, and the bytes of scratch that a participant needs: for crew.c; block is a RecShared. */
extern void rec_solve_chunk(void *block, int chunk, void *scratch);
extern Size rec_solve_scratch(const void *block);
extern void rec_half_step(const RecShared *shared, RecSide side, bool exact, RecMatrix *matrix, RecHalfStep *step);

/* Layout and contents of the block: solve_layout.c. plan() fills a header with sizes and offsets only. */
extern void rec_shared_plan(RecShared *plan, const RecPairs *pairs, const RecHoldout *holdout, const RecParams *params,
							const RecSumRule *rule, RecDesign *const *design);
extern void rec_shared_fill(RecShared *shared, const RecPairs *pairs, const RecHoldout *holdout,
							RecDesign *const *design);
extern Size rec_reserve(Size *used, Size count, Size width);	/* room in the block, aligned; returns its offset */
extern void rec_shared_refill_users(RecShared *shared, const RecPairs *pairs);

/* Posts a task, works on it with everybody, and returns when it is done. */
typedef struct RecTraining RecTraining;
extern RecShared *rec_training_shared(RecTraining *training);
extern void rec_run_task(RecTraining *training, RecTask task, RecSide side, int nchunks);

/* solve_map.c: the design matrix of a side as the numerics want it; fitting its map to the factors as they are. */
extern RecFeatures rec_map_features(const RecShared *shared, RecSide side);
extern void rec_map_plan(RecSharedSide *side, int stride, const RecDesign *design, Size *used);
extern void rec_map_fill(RecShared *shared, RecSide side, const RecDesign *design);
extern void rec_map_choose(RecTraining *training, RecSide side, bool last);
extern void rec_map_fit(RecTraining *training, RecSide side);
extern void rec_map_chunk(RecShared *shared, int chunk, void *scratch);
extern Size rec_map_scratch(const RecShared *shared);

/* The quality of one sorted list of judge_k items, given the relevant ones, ascending. */
extern RecQuality rec_quality_of(const RecShared *shared, const RecTopK *list, const int32 *relevant, int n);

#endif							/* REC_SOLVE_SHARED_H */
