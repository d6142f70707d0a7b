/*
 * metrics.h
 *		What a ranked list is worth, given which items were relevant.
 *
 * Ranks count from 1. A list is described by the ranks of its hits, that is of the relevant items in it, ascending; the
 * number of relevant items, hits and misses together, is R. All are undefined (NaN) for R = 0.
 *
 *	recall			hits within k / R
 *	recall_capped	hits within k / min(k, R)
 *	precision		hits within k / k
 *	ndcg			sum over hits within k of 1 / log2(rank + 1), divided by the same sum over ranks 1 .. min(k, R)
 *	map				average precision: sum over hits within k of (hits up to that rank / rank), divided by min(k, R)
 *	mrr				1 / rank of the first hit within k, else 0
 *	hit_rate		1 with a hit within k, else 0
 *	auc				share of the pairs (relevant, not relevant) in which the relevant item stands before the other one, ties
 *					count half
 *
 * Sources: Jarvelin and Kekalainen, ACM TOIS 20(4), 2002 (ndcg); Manning, Raghavan and Schutze, Introduction to Information
 * Retrieval, 2008, ch. 8; Hanley and McNeil, Radiology 143(1), 1982 (auc). About all lists together: Gini 1912; Vargas and
 * Castells, RecSys 2011 (novelty); Ziegler et al., WWW 2005 (diversity); Abdollahpouri et al., RecSys 2020 (popularity lift).
 */
#ifndef REC_METRICS_H
#define REC_METRICS_H

#include <stdbool.h>
#include <stdint.h>

typedef enum RecMetric
{
	/* of a list cut at k */
	REC_RECALL, REC_RECALL_CAPPED, REC_PRECISION, REC_NDCG, REC_MAP, REC_MRR, REC_HIT_RATE,
	/* of the order of all items */
	REC_AUC,
	/* of all lists cut at k, relevant or not */
	REC_COVERAGE, REC_GINI, REC_NOVELTY, REC_DIVERSITY, REC_POPULARITY_LIFT,
	/* of predicted ratings */
	REC_RMSE, REC_MAE,
	REC_METRICS
} RecMetric;

#define REC_LIST_METRICS (REC_HIT_RATE + 1)

extern const char *const rec_metric_names[REC_METRICS];

/* Whether it is of lists that are cut at k. */
static inline bool
rec_metric_has_k(RecMetric metric)
{
	return metric != REC_AUC && metric != REC_RMSE && metric != REC_MAE;
}

/*
 * One of the first seven. hit: ascending ranks; those above k do not count. k at least 1. ideal: NULL, or for ndcg of many
 * lists sums of 1 / log2(rank + 1) over ranks 1 .. i at [i], up to i = k, from rec_ideal_gains().
 */
extern double rec_list_metric(RecMetric metric, const int32_t *hit, int hits, int64_t relevant, int k,
							  const double *ideal);
extern void rec_ideal_gains(double *ideal, int k);	/* k + 1 numbers */

/*
 * behind: the sum over the relevant items of how many of the others stand before it, ties counting half.
 */
extern double rec_auc(int64_t relevant, int64_t others, double behind);

/*
 * Over the relevant values: how many of the others are larger, equal ones counting half. NaN among the others do not
 * count. Sorts the relevant values.
 */
extern double rec_behind(float *relevant, int nrelevant, const float *other, int64_t n);

/* Gini coefficient of counts, 0: all alike, towards 1: one has everything. Sorts the counts. NaN when all are 0. */
extern double rec_gini(int64_t *count, int64_t n);

#endif							/* REC_METRICS_H */
