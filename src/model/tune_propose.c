/*
 * tune_propose.c
 *		Which point of the space is tried next. See tune.h.
 *
 * bayes: what the model has (the middle of what does not hold it), Sobol points until there are enough for a model, and then the point of the largest
 * expected improvement among candidates: Sobol points over the whole space and steps of several widths away from the best
 * ones. Everything follows from the seed and the trials so far, so that a study that is resumed goes on as it would have.
 */
#include "model/tune.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#define FIRST_POINTS 8			/* Sobol points before the first model, twice the dimensions if that is more */
#define GLOBAL_CANDIDATES 1024
#define LOCAL_CANDIDATES 1024
#define MOST_POINTS 300			/* of a Gaussian process: the best ones and the newest */
#define ATTEMPTS 200
#define LARGEST_GRID 1000000

static void
check_interrupts(void)
{
	CHECK_FOR_INTERRUPTS();
}

static uint64
draw(uint64 seed, uint64 a, uint64 b)
{
	return rec_mix64(rec_mix64(rec_mix64(seed + a * UINT64CONST(0x9e3779b97f4a7c15)) + b) + a);
}

static double
uniform(uint64 seed, uint64 a, uint64 b)
{
	return (draw(seed, a, b) >> 11) * 0x1p-53;
}

/* About normal: a sum of four uniform numbers with variance 1. */
static double
bell(uint64 seed, uint64 a, uint64 b)
{
	double		sum = 0;

	for (int i = 0; i < 4; i++)
		sum += uniform(seed + i, a, b) - 0.5;
	return sum * M_SQRT2 * 1.2247448713915890;
}

static bool
same_params(const Jsonb *a, const Jsonb *b)
{
	return compareJsonbContainers(unconstify(JsonbContainer *, &a->root), unconstify(JsonbContainer *, &b->root)) == 0;
}

static bool
is_new(const RecStudy *s, const double *point)
{
	Jsonb	   *params = rec_space_params(s->space, point);
	ListCell   *lc;

	foreach(lc, s->done)
		if (same_params(((RecTrial *) lfirst(lc))->params, params))
			return false;
	return true;
}

static bool
propose_random(const RecStudy *s, int from, double *point)
{
	for (int i = 0; i < ATTEMPTS; i++)
	{
		for (int d = 0; d < s->space->free; d++)
			point[d] = uniform(s->seed, from + 1000003 * (uint64) i, d);
		if (is_new(s, point))
			return true;
	}
	return false;
}

/* The grid's points in an order drawn by the seed, so that a part of them is spread over the space. */
static bool
propose_grid(const RecStudy *s, double *point)
{
	int64		n = rec_space_grid(s->space, s->trials);
	int64		step = 1,
				offset;

	if (n > LARGEST_GRID)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the grid has more than %d points", LARGEST_GRID),
				 errhint("Give shorter lists or fewer steps, or use method => 'bayes'.")));
	/* multiples of a step without a common divisor visit each point once */
	for (int i = 0; n > 2 && i < ATTEMPTS; i++)
	{
		int64		a,
					b = n,
					candidate = 1 + (int64) (draw(s->seed, i, 7) % (uint64) (n - 1));

		for (a = candidate; b != 0;)
		{
			int64		rest = a % b;

			a = b;
			b = rest;
		}
		if (a == 1)
		{
			step = candidate;
			break;
		}
	}
	offset = (int64) (draw(s->seed, 0, 8) % (uint64) n);
	for (int64 i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		rec_space_grid_point(s->space, s->trials, (offset + i * step) % n, point);
		if (is_new(s, point))
			return true;
	}
	return false;
}

typedef struct Known
{
	double		score;
	int			age;			/* 0: newest */
	const RecTrial *trial;
} Known;

#define ST_SORT sort_known
#define ST_ELEMENT_TYPE Known
#define ST_COMPARE(a, b) ((a)->score != (b)->score ? ((a)->score > (b)->score ? -1 : 1) : (a)->age - (b)->age)
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/* Trials with a value, best first. */
static Known *
known_trials(const RecStudy *s, int *n)
{
	Known	   *known = palloc(Max(list_length(s->done), 1) * sizeof(Known));
	ListCell   *lc;
	int			age = list_length(s->done);

	*n = 0;
	foreach(lc, s->done)
	{
		RecTrial   *t = lfirst(lc);

		age--;
		if (strcmp(t->stage, "search") == 0 && !isnan(t->value))
			known[(*n)++] = (Known) {rec_tune_score(s, t->value), age, t};
	}
	sort_known(known, *n);
	return known;
}

/* A candidate: over all of the space, or near one of the best. */
static void
candidate(const RecStudy *s, const Known *known, int n, int i, double *point)
{
	static const double widths[] = {0.2, 0.1, 0.05, 0.02};
	const double *near;

	if (i < GLOBAL_CANDIDATES)
	{
		rec_sobol(1 + i + GLOBAL_CANDIDATES * (list_length(s->done) % 1000), s->space->free, s->seed + 1, point);
		return;
	}
	i -= GLOBAL_CANDIDATES;
	near = known[i % Min(n, 5)].trial->point;
	for (int d = 0; d < s->space->free; d++)
	{
		uint64		at = (uint64) list_length(s->done) * LOCAL_CANDIDATES + i;
		double		chance = uniform(s->seed + 2, at, d);

		/* a small step would hardly ever leave an entry of a list */
		if (rec_space_is_list(s->space, d))
			point[d] = chance < 0.3 ? uniform(s->seed + 3, at, d) : near[d];
		else
			point[d] = near[d] + (chance < 0.6 ? widths[i / 5 % lengthof(widths)] * bell(s->seed + 3, at, d) : 0);
		point[d] = Min(Max(point[d], 0), 1);
	}
}

/* The candidate of the largest expected improvement that is new. */
static bool
best_candidate(const RecStudy *s, RecGp *gp, const Known *known, int n, double *point)
{
	double	   *at = palloc(s->space->free * sizeof(double));
	double	   *feature = palloc(s->space->features * sizeof(double));
	double		most = -1;

	for (int i = 0; i < GLOBAL_CANDIDATES + LOCAL_CANDIDATES; i++)
	{
		double		mean,
					deviation,
					improvement;

		CHECK_FOR_INTERRUPTS();
		candidate(s, known, n, i, at);
		rec_space_features(s->space, at, feature);
		rec_gp_predict(gp, feature, &mean, &deviation);
		improvement = rec_gp_improvement(mean, deviation, known[0].score);
		if (improvement > most && is_new(s, at))
		{
			most = improvement;
			memcpy(point, at, s->space->free * sizeof(double));
		}
	}
	return most >= 0;
}

/*
 * Scores, best first: what is further below the median than the best is above it is pulled up to there. How bad the bad
 * corners of the space are (or were, when halving ended them) would else be all that the process sees.
 */
static void
winsorize(double *y, int n)
{
	double		floor = n > 0 ? y[n / 2] - (y[0] - y[n / 2]) : 0;

	for (int i = 0; i < n; i++)
		y[i] = Max(y[i], floor);
}

static bool
propose_bayes(const RecStudy *s, double *point)
{
	int			n,
				made = 0,
				use,
				features = s->space->features;
	Known	   *known = known_trials(s, &n);
	double	   *x,
			   *y;
	RecGp		gp = {.tick = check_interrupts};
	ListCell   *lc;

	foreach(lc, s->done)
		made += strcmp(((RecTrial *) lfirst(lc))->stage, "search") == 0;
	if (made == 0)
	{
		memcpy(point, s->own, s->space->free * sizeof(double));
		return true;
	}
	if (made < Max(FIRST_POINTS, 2 * s->space->free))
	{
		rec_sobol(made, s->space->free, s->seed + 1, point);
		return is_new(s, point) || propose_random(s, made, point);
	}
	use = Min(n, MOST_POINTS);
	x = palloc_extended(Max(use * features, 1) * sizeof(double), MCXT_ALLOC_HUGE);
	y = palloc(Max(use, 1) * sizeof(double));
	for (int i = 0; i < use; i++)
	{
		rec_space_features(s->space, known[i].trial->point, x + i * features);
		y[i] = known[i].score;
	}
	winsorize(y, use);
	if (rec_gp_fit(&gp, x, y, use, features,
				   palloc_extended(rec_gp_workspace(use) * sizeof(double), MCXT_ALLOC_HUGE)) &&
		best_candidate(s, &gp, known, n, point))
		return true;
	return propose_random(s, made, point);
}

static bool
propose(const RecStudy *s, double *point)
{
	switch (s->method)
	{
		case REC_TUNE_RANDOM:
			return propose_random(s, list_length(s->done), point);
		case REC_TUNE_GRID:
			return propose_grid(s, point);
		case REC_TUNE_BAYES:
			break;
	}
	return propose_bayes(s, point);
}

bool
rec_tune_propose(RecStudy *s, double *point)
{
	MemoryContext context = AllocSetContextCreate(s->context, "pg_recommend proposal", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	bool		found = propose(s, point);

	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return found;
}
