/*
 * judge.c
 *		Judging lists. See judge.h.
 */
#include "model/judge.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#define ST_SORT sort_hashes
#define ST_ELEMENT_TYPE uint64
#define ST_COMPARE(a, b) ((*(a) > *(b)) - (*(a) < *(b)))
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/* What is needed for one user at a time; arrays by item are all false or zero between users. */
typedef struct RecJudgeScratch
{
	bool	   *mask;			/* allowed items */
	bool	   *relevant;		/* by item */
	float	   *score;
	float	   *sorted;			/* scores of relevant items, for auc */
	RecScored  *list;
	int32	   *hit[REC_ITEM_CLASSES];
	double	   *ideal;
	/* diversity: for each item the sampled users that have it */
	int64	   *set_start;
	int32	   *set_user;
	float	   *sum;			/* of the unit vectors of a list, by sampled user */
} RecJudgeScratch;

static void *
huge(Size count, Size width)
{
	return palloc_extended(mul_size(Max(count, 1), width), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

static bool
is_positive(const RecJudge *j, const RecPair *pair)
{
	return j->rule.explicit_feedback || pair->net > 0;
}

RecUserPairs
rec_judge_user(const RecJudge *j, int u)
{
	int			user = j->test->user[u];
	bool		known = user >= 0 && user < j->train->users.n;
	int64		first = known ? j->train->start[user] : 0;

	return (RecUserPairs) {
		.user = user, .seed = j->test->seed[u],
		.n = known ? j->train->start[user + 1] - first : 0, .pair = j->train->pair + first
	};
}

/* As recommend(): what the user has, and in any case what speaks against an item. */
bool
rec_judge_excludes(const RecJudge *j, const RecPair *pair)
{
	return j->exclude_seen || (!j->rule.explicit_feedback && pair->net < 0);
}

static int
add_column(RecJudge *j, RecMetric metric, int k, RecItemClass items, int denominator, bool part)
{
	j->column[j->ncolumns] = (RecColumn) {metric, k, items, denominator, part};
	return j->ncolumns++;
}

/* Columns of one metric stand side by side, one for each k; of a ratio, then those of its denominators. */
static void
add_columns(RecJudge *j, RecMetric metric, RecItemClass items)
{
	bool		ratio = metric == REC_POPULARITY_LIFT || metric == REC_RMSE || metric == REC_MAE;
	int			n = rec_metric_has_k(metric) ? j->nk : 1;

	j->first[items][metric] = j->ncolumns;
	for (int i = 0; i < n; i++)
		(void) add_column(j, metric, rec_metric_has_k(metric) ? j->k[i] : 0, items, ratio ? j->ncolumns + n : -1, false);
	for (int i = 0; ratio && i < n; i++)
		(void) add_column(j, metric, 0, items, -1, true);
}

static void
plan_columns(RecJudge *j)
{
	j->column = palloc(sizeof(RecColumn) * (REC_ITEM_CLASSES * REC_LIST_METRICS + 2 * REC_METRICS) * (j->nk + 1));
	for (int c = 0; c < REC_ITEM_CLASSES; c++)
		for (int m = 0; m < REC_METRICS; m++)
		{
			bool		of_lists = m == REC_COVERAGE || m == REC_GINI;
			bool		of_classes = m < REC_LIST_METRICS && m != REC_PRECISION;

			j->first[c][m] = -1;
			if (j->wanted[m] && !of_lists && (c == REC_ITEMS_ALL || of_classes))
				add_columns(j, m, c);
		}
}

static void
count_support(RecJudge *j)
{
	const RecPairs *p = j->train;

	j->support = huge(j->items, sizeof(int32));
	j->positive = huge(j->test->n, sizeof(int32));
	for (int u = 0; u < p->users.n; u++)
		j->users += p->start[u + 1] > p->start[u];
	for (int64 k = 0; k < p->n; k++)
		j->support[p->pair[k].item] += is_positive(j, &p->pair[k]);
	for (int u = 0; u < j->test->n; u++)
	{
		RecUserPairs user = rec_judge_user(j, u);

		for (int i = 0; i < user.n; i++)
			j->positive[u] += is_positive(j, &user.pair[i]);
	}
}

/* The users with the smallest hashes. */
static void
choose_heavy(RecJudge *j)
{
	uint64	   *hash = huge(j->test->n, sizeof(uint64));
	uint64		limit;

	j->heavy = huge(j->test->n, sizeof(bool));
	memcpy(hash, j->test->seed, j->test->n * sizeof(uint64));
	sort_hashes(hash, j->test->n);
	limit = j->test->n > REC_HEAVY_USERS ? hash[REC_HEAVY_USERS - 1] : PG_UINT64_MAX;
	for (int u = 0; u < j->test->n; u++)
		j->heavy[u] = j->test->seed[u] <= limit;
	pfree(hash);
}

/* For each item the users of a sample, numbered from 0, who have it. */
static void
make_sets(RecJudge *j)
{
	const RecPairs *p = j->train;
	RecJudgeScratch *s = j->scratch;
	uint64	   *hash = huge(p->users.n, sizeof(uint64));
	int32	   *number = huge(p->users.n, sizeof(int32));
	int64	   *next;
	uint64		limit;
	int			n = 0;

	for (int u = 0; u < p->users.n; u++)
		hash[u] = rec_keys_seed(&p->users, u, 1);
	sort_hashes(hash, p->users.n);
	limit = p->users.n > REC_SET_USERS ? hash[REC_SET_USERS - 1] : PG_UINT64_MAX;
	for (int u = 0; u < p->users.n; u++)
		number[u] = rec_keys_seed(&p->users, u, 1) <= limit && n < REC_SET_USERS ? n++ : -1;
	s->set_start = huge(j->items + 1, sizeof(int64));
	for (int u = 0; u < p->users.n; u++)
		for (int64 k = p->start[u]; number[u] >= 0 && k < p->start[u + 1]; k++)
			s->set_start[p->pair[k].item + 1] += is_positive(j, &p->pair[k]);
	for (int i = 0; i < j->items; i++)
		s->set_start[i + 1] += s->set_start[i];
	s->set_user = huge(s->set_start[j->items], sizeof(int32));
	next = huge(j->items, sizeof(int64));
	memcpy(next, s->set_start, j->items * sizeof(int64));
	for (int u = 0; u < p->users.n; u++)
		for (int64 k = p->start[u]; number[u] >= 0 && k < p->start[u + 1]; k++)
			if (is_positive(j, &p->pair[k]))
				s->set_user[next[p->pair[k].item]++] = number[u];
	s->sum = huge(REC_SET_USERS, sizeof(float));
	pfree(next);
	pfree(number);
	pfree(hash);
}

static void
make_scratch(RecJudge *j)
{
	RecJudgeScratch *s = j->scratch = palloc0(sizeof(RecJudgeScratch));
	int			n = j->items,
				longest = 0;

	for (int u = 0; u < j->test->n; u++)
		longest = Max(longest, j->test->nrelevant[u]);
	s->mask = huge(n, sizeof(bool));
	memset(s->mask, true, n);
	s->relevant = huge(n, sizeof(bool));
	s->score = huge(n, sizeof(float));
	s->sorted = huge(longest, sizeof(float));
	s->list = huge(j->most, sizeof(RecScored));
	for (int c = 0; c < REC_ITEM_CLASSES; c++)
		s->hit[c] = huge(j->most, sizeof(int32));
	s->ideal = huge(j->most + 1, sizeof(double));
	rec_ideal_gains(s->ideal, j->most);
	if (j->wanted[REC_DIVERSITY])
		make_sets(j);
}

RecJudge *
rec_judge_create(const RecPairs *train, int items, const RecTestSet *test, const RecSumRule *rule, bool exclude_seen,
				 int nk, const int *k, const bool *wanted, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	RecJudge   *j = palloc0(sizeof(RecJudge));
	Size		matrix,
				lists;

	j->train = train;
	j->items = items;
	j->test = test;
	j->rule = *rule;
	j->exclude_seen = exclude_seen;
	j->nk = nk;
	j->k = palloc(nk * sizeof(int));
	memcpy(j->k, k, nk * sizeof(int));
	j->most = k[nk - 1];
	memcpy(j->wanted, wanted, sizeof(j->wanted));
	plan_columns(j);
	matrix = mul_size(mul_size(Max(test->n, 1), Max(j->ncolumns, 1)), sizeof(double));
	lists = mul_size(mul_size(items, nk), sizeof(int64));
	rec_check_memory(add_size(train->held, add_size(matrix, lists)), "Evaluating");
	count_support(j);
	choose_heavy(j);
	make_scratch(j);
	j->value = huge(matrix, 1);
	j->listed = huge(lists, 1);
	MemoryContextSwitchTo(old);
	return j;
}

static RecItemClass
class_of(const RecJudge *j, int32 item)
{
	if (item < 0 || j->support[item] == 0)
		return REC_ITEMS_COLD;
	return j->support[item] < REC_SPARSE_ITEM ? REC_ITEMS_SPARSE : REC_ITEMS_WARM;
}

/* recall ... hit_rate, for all relevant items and for those of each class */
static void
judge_hits(RecJudge *j, int u, const RecScored *list, int n, double *value)
{
	const RecTestSet *t = j->test;
	RecJudgeScratch *s = j->scratch;
	int			hits[REC_ITEM_CLASSES] = {0},
				relevant[REC_ITEM_CLASSES] = {0};

	for (int64 i = t->start[u]; i < t->start[u + 1]; i++)
		if (t->relevant[i])
		{
			relevant[REC_ITEMS_ALL]++;
			relevant[class_of(j, t->item[i])]++;
		}
	for (int r = 0; r < n; r++)
		if (s->relevant[list[r].position])
		{
			RecItemClass c = class_of(j, list[r].position);

			s->hit[REC_ITEMS_ALL][hits[REC_ITEMS_ALL]++] = r + 1;
			s->hit[c][hits[c]++] = r + 1;
		}
	for (int c = 0; c < REC_ITEM_CLASSES; c++)
		for (int m = 0; m < REC_LIST_METRICS && relevant[c] > 0; m++)
			for (int i = 0; j->first[c][m] >= 0 && i < j->nk; i++)
				value[j->first[c][m] + i] = rec_list_metric(m, s->hit[c], hits[c], relevant[c], j->k[i], s->ideal);
}

/* Novelty, popularity lift, and how often items are listed. */
static void
judge_popularity(RecJudge *j, int u, const RecScored *list, int n, double *value)
{
	double		information = 0,
				popularity = 0,
				own = 0;
	int			novelty = j->first[REC_ITEMS_ALL][REC_NOVELTY],
				lift = j->first[REC_ITEMS_ALL][REC_POPULARITY_LIFT];
	RecUserPairs user = rec_judge_user(j, u);

	for (int i = 0; i < user.n; i++)
		if (is_positive(j, &user.pair[i]))
			own += j->support[user.pair[i].item];
	for (int r = 0, i = 0; i < j->nk; i++)
	{
		for (; r < Min(n, j->k[i]); r++)
		{
			int32		support = j->support[list[r].position];

			information -= log2((double) Max(support, 1) / Max(j->users, 1));
			popularity += support;
			j->listed[(Size) i * j->items + list[r].position]++;
		}
		if (r == 0)
			continue;
		if (novelty >= 0)
			value[novelty + i] = information / r;
		if (lift >= 0 && j->positive[u] > 0)
		{
			value[lift + i] = popularity / r;
			value[lift + j->nk + i] = own / j->positive[u];
		}
	}
}

/* 1 - mean cosine of the items' user sets: the squared length of the sum of n unit vectors is n + 2 * sum of cosines. */
static void
judge_diversity(RecJudge *j, const RecScored *list, int n, double *value)
{
	RecJudgeScratch *s = j->scratch;
	double		cosines = 0;

	for (int r = 0, i = 0; i < j->nk; i++)
	{
		for (; r < Min(n, j->k[i]); r++)
		{
			int64		from = s->set_start[list[r].position],
						end = s->set_start[list[r].position + 1];
			float		unit = end > from ? (float) (1 / sqrt((double) (end - from))) : 0;
			double		product = 0;

			for (int64 k = from; k < end; k++)
			{
				product += s->sum[s->set_user[k]];
				s->sum[s->set_user[k]] += unit;
			}
			cosines += product * unit;
		}
		if (r > 1)
			value[i] = 1 - cosines / ((double) r * (r - 1) / 2);
	}
	memset(s->sum, 0, REC_SET_USERS * sizeof(float));
}

/*
 * The share of (relevant, other) pairs in order; needs the scores of all items. Relevant items outside of the catalogue stand
 * last; those in it that the recommender cannot score share the last place.
 */
static double
judge_auc(RecJudge *j, int u, RecRecommender *by, RecRecommender *popular)
{
	const RecTestSet *t = j->test;
	RecJudgeScratch *s = j->scratch;
	RecUserPairs user = rec_judge_user(j, u);
	int			known = 0,
				unseen = 0;
	int64		others = 0;
	double		behind;

	if (!by->score(by, &user, s->score))
		(void) (by = popular)->score(popular, &user, s->score);
	for (int i = by->nitems; i < j->items; i++)
		s->score[i] = -INFINITY;
	for (int64 i = t->start[u]; i < t->start[u + 1]; i++)
	{
		if (t->relevant[i] && t->item[i] >= 0)
			s->sorted[known++] = s->score[t->item[i]];
		unseen += t->relevant[i] && t->item[i] < 0;
	}
	for (int32 i = 0; i < j->items; i++)
	{
		bool		other = s->mask[i] && !s->relevant[i];

		others += other;
		if (!other)
			s->score[i] = NAN;
	}
	behind = rec_behind(s->sorted, known, s->score, j->items);
	return rec_auc(known + unseen, others, behind + (double) unseen * others);
}

static void
judge_ratings(RecJudge *j, int u, RecRecommender *by, double *value)
{
	const RecTestSet *t = j->test;
	RecUserPairs user = rec_judge_user(j, u);
	int			rmse = j->first[REC_ITEMS_ALL][REC_RMSE],
				mae = j->first[REC_ITEMS_ALL][REC_MAE],
				n = 0;
	double		squares = 0,
				errors = 0;

	for (int64 i = t->start[u]; i < t->start[u + 1]; i++)
	{
		double		error;

		if (t->item[i] < 0)
			continue;
		error = t->value[i] - by->rate(by, &user, t->item[i]);
		squares += error * error;
		errors += fabs(error);
		n++;
	}
	if (n > 0 && rmse >= 0)
	{
		value[rmse] = squares;
		value[rmse + 1] = n;
	}
	if (n > 0 && mae >= 0)
	{
		value[mae] = errors;
		value[mae + 1] = n;
	}
}

static void
mark(RecJudge *j, int u, bool on)
{
	const RecTestSet *t = j->test;
	RecUserPairs user = rec_judge_user(j, u);

	for (int i = 0; i < user.n; i++)
		if (rec_judge_excludes(j, &user.pair[i]))
			j->scratch->mask[user.pair[i].item] = !on;
	for (int64 i = t->start[u]; i < t->start[u + 1]; i++)
		if (t->relevant[i] && t->item[i] >= 0)
			j->scratch->relevant[t->item[i]] = on;
}

/* With the user's marks set. */
static void
judge_marked(RecJudge *j, int u, const RecScored *list, int n, RecRecommender *by, RecRecommender *popular)
{
	double	   *value = j->value + (Size) u * j->ncolumns;

	if (j->test->nrelevant[u] > 0)
	{
		judge_hits(j, u, list, n, value);
		judge_popularity(j, u, list, n, value);
		if (j->heavy[u] && j->wanted[REC_DIVERSITY])
			judge_diversity(j, list, n, value + j->first[REC_ITEMS_ALL][REC_DIVERSITY]);
		if (j->heavy[u] && j->wanted[REC_AUC])
			value[j->first[REC_ITEMS_ALL][REC_AUC]] = judge_auc(j, u, by, popular);
		j->judged++;
	}
	if (by->rate && (j->wanted[REC_RMSE] || j->wanted[REC_MAE]))
		judge_ratings(j, u, by, value);
}

void
rec_judge_list(RecJudge *j, int u, const RecScored *list, int n, RecRecommender *by, RecRecommender *popular)
{
	mark(j, u, true);
	judge_marked(j, u, list, n, by, popular);
	mark(j, u, false);
}

/* The best items of a user, however the recommender finds them. */
static int
find_best(RecJudge *j, int u, RecRecommender *by, RecRecommender *popular)
{
	RecJudgeScratch *s = j->scratch;
	RecUserPairs user = rec_judge_user(j, u);
	int			k = Min(j->most, j->items);
	RecTopK		top;

	if (by->best)
	{
		int			n = by->best(by, &user, s->mask, k, s->list);

		if (n >= 0)
			return n;
	}
	else if (by->score(by, &user, s->score))
	{
		rec_topk_init(&top, s->list, k);
		rec_topk_scan(&top, s->score, s->mask, by->nitems);
		rec_topk_sort(&top);
		while (top.n > 0 && !(s->list[top.n - 1].score > -INFINITY))
			top.n--;
		return top.n;
	}
	return popular->best(popular, &user, s->mask, k, s->list);
}

void
rec_judge_run(RecJudge *j, RecRecommender *by, RecRecommender *popular)
{
	Size		values = (Size) j->test->n * j->ncolumns;

	for (Size i = 0; i < values; i++)
		j->value[i] = NAN;
	memset(j->listed, 0, (Size) j->nk * j->items * sizeof(int64));
	j->judged = 0;
	if (by->solution)
	{
		rec_judge_run_factors(j, by, popular);
		return;
	}
	for (int u = 0; u < j->test->n; u++)
	{
		CHECK_FOR_INTERRUPTS();
		mark(j, u, true);
		judge_marked(j, u, j->scratch->list, find_best(j, u, by, popular), by, popular);
		mark(j, u, false);
	}
}
