/*
 * recommender.c
 *		The table of algorithms, and those that need little: popular, random, buy_again. See recommender.h.
 */
#include "model/recommender.h"

#include <math.h>

#include "model/algorithms.h"

static const RecAlgorithm algorithms[] = {
	{"als", false, true, false, rec_fit_als},
	{"ease", true, true, false, rec_fit_ease},
	{"item_knn", true, true, false, rec_fit_item_knn},
	{"popular", true, false, false, rec_fit_popular},
	{"random", true, false, false, rec_fit_random},
	{"cooccurrence", true, false, false, rec_fit_cooccurrence},
	{"buy_again", true, false, false, rec_fit_buy_again},
	{REC_WITHOUT_ATTRIBUTES, true, false, true, rec_fit_without_attributes}
};

const RecAlgorithm *
rec_algorithm_find(const char *name, bool baseline)
{
	const char *names[lengthof(algorithms)];
	const char *near;
	StringInfoData list;
	int			n = 0;

	initStringInfo(&list);
	for (int i = 0; i < (int) lengthof(algorithms); i++)
	{
		if (baseline ? !algorithms[i].baseline : !algorithms[i].trained)
			continue;
		if (strcmp(algorithms[i].name, name) == 0)
			return &algorithms[i];
		appendStringInfo(&list, "%s%s", n ? ", " : "", algorithms[i].name);
		names[n++] = algorithms[i].name;
	}
	near = rec_nearest_name(name, names, n);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown algorithm \"%s\"", name),
			 errdetail("Known here are: %s.", list.data),
			 near ? errhint("Perhaps you meant \"%s\".", near) : 0));
	return NULL;				/* not reached */
}

RecRecommender *
rec_recommender_fit(const RecAlgorithm *algorithm, const RecFitInput *input)
{
	MemoryContext old = MemoryContextSwitchTo(input->context);
	RecRecommender *r = algorithm->fit(input);

	MemoryContextSwitchTo(old);
	r->name = algorithm->name;
	r->nitems = Max(r->nitems, input->pairs->items.n);
	return r;
}

void
rec_recommender_release(RecRecommender *self)
{
	if (self->release)
		self->release(self);
}

/* ---------------------------------------------------------------- popular */

typedef struct Popular
{
	RecRecommender base;
	float	   *popularity;
	int32	   *order;
	float	   *mean;			/* explicit: rating of each item, of all items where it has none, and as the last one */
} Popular;

static bool
popular_score(RecRecommender *self, const RecUserPairs *user, float *score)
{
	memcpy(score, ((Popular *) self)->popularity, self->nitems * sizeof(float));
	return true;
}

static int
popular_best(RecRecommender *self, const RecUserPairs *user, const bool *mask, int k, RecScored *out)
{
	Popular    *p = (Popular *) self;
	int			n = 0;

	for (int i = 0; i < self->nitems && n < k; i++)
		if (mask[p->order[i]])
			out[n++] = (RecScored) {p->popularity[p->order[i]], p->order[i]};
	return n;
}

static float
popular_rate(RecRecommender *self, const RecUserPairs *user, int32 item)
{
	return ((Popular *) self)->mean[Min(item, self->nitems)];
}

static float *
mean_ratings(const RecFitInput *in)
{
	int			n = in->pairs->items.n;
	float	   *mean = palloc_extended((n + 1) * sizeof(float), MCXT_ALLOC_HUGE);
	double	   *sum = palloc_extended(2 * Max(n, 1) * sizeof(double), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	double		total = 0,
				count = 0;

	for (int64 k = 0; k < in->pairs->n; k++)
		if (!(in->without && in->without->held && in->without->held[k]))
		{
			sum[2 * in->pairs->pair[k].item] += in->pairs->pair[k].net;
			sum[2 * in->pairs->pair[k].item + 1]++;
		}
	for (int i = 0; i < n; i++)
	{
		total += sum[2 * i];
		count += sum[2 * i + 1];
	}
	mean[n] = (float) (count > 0 ? total / count : 0);
	for (int i = 0; i < n; i++)
		mean[i] = sum[2 * i + 1] > 0 ? (float) (sum[2 * i] / sum[2 * i + 1]) : mean[n];
	pfree(sum);
	return mean;
}

RecRecommender *
rec_recommender_of_popularity(const float *popularity, const RecFitInput *in)
{
	Popular    *p = palloc0(sizeof(Popular));
	int			n = in->pairs->items.n;

	p->popularity = palloc_extended(Max(n, 1) * sizeof(float), MCXT_ALLOC_HUGE);
	memcpy(p->popularity, popularity, n * sizeof(float));
	p->order = rec_popular_order(p->popularity, n, CurrentMemoryContext);
	p->base.name = "popular";
	p->base.nitems = n;
	p->base.memory = n * 8;
	p->base.score = popular_score;
	p->base.best = popular_best;
	if (in->rule.explicit_feedback)
	{
		p->mean = mean_ratings(in);
		p->base.rate = popular_rate;
	}
	return &p->base;
}

RecRecommender *
rec_fit_popular(const RecFitInput *in)
{
	float	   *popularity = palloc_extended(Max(in->pairs->items.n, 1) * sizeof(float), MCXT_ALLOC_HUGE);
	RecRecommender *r;

	rec_fallback_popularity(in->pairs, in->without, &in->rule, popularity);
	r = rec_recommender_of_popularity(popularity, in);
	pfree(popularity);
	return r;
}

/* ----------------------------------------------------------------- random */

typedef struct Random
{
	RecRecommender base;
	uint64		seed;
	bool	   *taken;
} Random;

static bool
random_score(RecRecommender *self, const RecUserPairs *user, float *score)
{
	uint64		seed = rec_mix64(user->seed ^ ((Random *) self)->seed);

	for (int i = 0; i < self->nitems; i++)
		score[i] = (float) (rec_mix64(seed + (uint64) i * UINT64CONST(0x9e3779b97f4a7c15)) >> 40);
	return true;
}

/* Draws until k different ones are found; where few are allowed, scores decide. */
static int
random_best(RecRecommender *self, const RecUserPairs *user, const bool *mask, int k, RecScored *out)
{
	Random	   *r = (Random *) self;
	uint64		state = rec_mix64(user->seed ^ r->seed);
	int			n = 0;

	for (int tries = 0; n < k && tries < 4 * k + 100; tries++)
	{
		int			i = (int) (rec_mix64(state += UINT64CONST(0x9e3779b97f4a7c15)) % self->nitems);

		if (!mask[i] || r->taken[i])
			continue;
		r->taken[i] = true;
		out[n] = (RecScored) {(float) -n, i};
		n++;
	}
	for (int i = 0; i < n; i++)
		r->taken[out[i].position] = false;
	if (n < k)
	{
		float	   *score = palloc_extended(self->nitems * sizeof(float), MCXT_ALLOC_HUGE);
		RecTopK		top;

		(void) random_score(self, user, score);
		rec_topk_init(&top, out, k);
		rec_topk_scan(&top, score, mask, self->nitems);
		rec_topk_sort(&top);
		n = top.n;
		pfree(score);
	}
	return n;
}

RecRecommender *
rec_fit_random(const RecFitInput *in)
{
	Random	   *r = palloc0(sizeof(Random));

	r->seed = rec_mix64(in->params->seed + 1);
	r->taken = palloc_extended(Max(in->pairs->items.n, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	r->base.memory = in->pairs->items.n;
	r->base.score = random_score;
	r->base.best = random_best;
	return &r->base;
}

/* -------------------------------------------------------------- buy_again */

typedef struct BuyAgain
{
	RecRecommender base;
	const RecPairs *repeats;	/* NULL: take the user's own pairs */
	bool		explicit_feedback;
} BuyAgain;

static bool
buy_again_score(RecRecommender *self, const RecUserPairs *user, float *score)
{
	BuyAgain   *b = (BuyAgain *) self;
	const RecPair *pair = user->pair;
	int			n = user->n;

	if (user->n == 0)
		return false;
	if (b->repeats)
	{
		pair = b->repeats->pair + b->repeats->start[user->user];
		n = b->repeats->start[user->user + 1] - b->repeats->start[user->user];
	}
	for (int i = 0; i < self->nitems; i++)
		score[i] = -INFINITY;
	for (int i = 0; i < n; i++)
	{
		float		value = b->explicit_feedback && b->repeats == NULL ? 1 : pair[i].net;

		if (value > 0)
			score[pair[i].item] = value;
	}
	return true;
}

RecRecommender *
rec_fit_buy_again(const RecFitInput *in)
{
	BuyAgain   *b = palloc0(sizeof(BuyAgain));

	b->repeats = in->repeats;
	b->explicit_feedback = in->rule.explicit_feedback;
	b->base.score = buy_again_score;
	return &b->base;
}
