/*
 * linear_train.c
 *		A training of item weights: the fit, its quality on the holdout, and the solution that is stored. See linear.h.
 */
#include "model/linear.h"

#include <math.h>

#include "core/topk.h"
#include "miscadmin.h"
#include "model/progress.h"

/* NDCG and recall at REC_METRIC_K of one ranked list. */
static void
judge_list(const RecPairs *p, const RecHoldout *h, int j, const RecTopK *top, RecQuality *sum)
{
	int			relevant = h->start[j + 1] - h->start[j],
				most = Min(relevant, REC_METRIC_K),
				hits = 0;
	double		gain = 0,
				ideal = 0;

	for (int i = 0; i < most; i++)
		ideal += 1 / log2(i + 2);
	for (int r = 0; r < top->n; r++)
		for (int k = h->start[j]; k < h->start[j + 1]; k++)
			if (p->pair[h->pair[k]].item == top->entry[r].position)
			{
				gain += 1 / log2(r + 2);
				hits++;
			}
	sum->ndcg += gain / ideal / h->nusers;
	sum->recall += (double) hits / most / h->nusers;
}

/* The user's best items, those that training saw left out. */
static void
rank(const RecPairs *p, const RecHoldout *h, int j, const float *score, bool *mask, RecTopK *top)
{
	int			u = h->user[j];

	for (int64 k = p->start[u]; k < p->start[u + 1]; k++)
		mask[p->pair[k].item] = h->held[k];
	top->n = 0;
	rec_topk_scan(top, score, mask, p->items.n);
	rec_topk_sort(top);
	for (int64 k = p->start[u]; k < p->start[u + 1]; k++)
		mask[p->pair[k].item] = true;
}

static void
score_user(const RecPairs *p, const RecHoldout *h, int u, const RecWeights *w, const RecParams *params, float *score)
{
	memset(score, 0, p->items.n * sizeof(float));
	for (int64 k = p->start[u]; k < p->start[u + 1]; k++)
	{
		float		value = h->held[k] ? 0 : rec_linear_value(params, false, p->pair[k].net);

		rec_weights_score(w, 1, &p->pair[k].item, &value, score);
	}
}

static void
judge(const RecPairs *p, const RecHoldout *h, const RecWeights *w, const RecParams *params, const RecSumRule *rule,
	  RecQuality *quality, RecQuality *baseline)
{
	int			n = p->items.n;
	float	   *score = palloc_extended(n * sizeof(float), MCXT_ALLOC_HUGE),
			   *popularity = palloc_extended(n * sizeof(float), MCXT_ALLOC_HUGE);
	bool	   *mask = palloc_extended(n, MCXT_ALLOC_HUGE);
	int32	   *order;
	RecScored	entry[REC_METRIC_K];
	RecTopK		top;

	rec_fallback_popularity(p, h, rule, popularity);
	order = rec_popular_order(popularity, n, CurrentMemoryContext);
	memset(mask, true, n);
	for (int j = 0; j < h->nusers; j++)
	{
		CHECK_FOR_INTERRUPTS();
		rec_topk_init(&top, entry, REC_METRIC_K);
		rank(p, h, j, popularity, mask, &top);
		judge_list(p, h, j, &top, baseline);
		score_user(p, h, h->user[j], w, params, score);
		rec_linear_finish(score, order, n);
		rec_topk_init(&top, entry, REC_METRIC_K);
		rank(p, h, j, score, mask, &top);
		judge_list(p, h, j, &top, quality);
	}
	quality->watched = quality->ndcg;
	pfree(score);
	pfree(popularity);
	pfree(order);
	pfree(mask);
}

RecSolution *
rec_linear_train(const RecPairs *pairs, const RecHoldout *holdout, const RecParams *params, const RecSumRule *rule)
{
	RecSolution *r = palloc0(sizeof(RecSolution));
	RecLinear  *linear;

	r->noise = NAN;
	r->stride = 16;
	r->epochs = r->best_epoch = 1;
	r->loss = palloc(sizeof(double));
	r->quality = palloc(sizeof(RecQuality));
	r->quality[0] = r->baseline = (RecQuality) {NAN, NAN, NAN, NAN};
	if (holdout->nusers > 0)
	{
		r->quality[0] = r->baseline = (RecQuality) {0, 0, NAN, 0};
		linear = rec_linear_fit(pairs, holdout, params, rule);
		judge(pairs, holdout, &linear->weights, params, rule, &r->quality[0], &r->baseline);
		ereport(NOTICE,
				(errmsg("%s: holdout ndcg@10 %.4f (popular items %.4f)", rec_params_algorithm(params),
						r->quality[0].ndcg, r->baseline.ndcg)));
		rec_linear_free(linear);
	}
	linear = rec_linear_fit(pairs, NULL, params, rule);
	r->loss[0] = linear->loss;
	r->memory = linear->memory;
	r->workers = linear->workers;
	r->weights = &linear->weights;
	rec_progress_epoch(1, linear->loss, r->quality[0].ndcg, 0);
	return r;
}
