/*
 * compare.c
 *		rec.compare. See compare.h.
 *
 * Differences are paired: each user is judged under every setting, so what makes some users harder than others drops out.
 * The interval is a percentile bootstrap over users, the p-value that of a paired t test (Student 1908) on the users'
 * differences, adjusted by Holm's method (Scand. J. Statist. 6, 1979) for the number of settings.
 */
#include "model/compare.h"

#include <math.h>

#include "core/adjust.h"
#include "core/bootstrap.h"
#include "core/dist.h"
#include "core/moments.h"
#include "miscadmin.h"
#include "model/progress.h"
#include "model/train.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#define SIGNIFICANT 0.05

/* What the recommender judged last did for each user. */
static void
take_values(const RecJudge *j, const RecGoal *goal, RecCompared *c)
{
	int			column = j->first[REC_ITEMS_ALL][goal->metric],
				denominator = j->column[column].denominator,
				n = j->test->keys->n;

	c->num = palloc_extended(mul_size(Max(n, 1), sizeof(double)), MCXT_ALLOC_HUGE);
	c->den = palloc_extended(mul_size(Max(n, 1), sizeof(double)), MCXT_ALLOC_HUGE);
	for (int i = 0; i < n; i++)
		c->num[i] = c->den[i] = NAN;
	for (int u = 0; u < j->test->n; u++)
	{
		const double *value = j->value + (Size) u * j->ncolumns;

		c->num[j->test->key[u]] = value[column];
		c->den[j->test->key[u]] = denominator >= 0 ? value[denominator] : 1;
	}
}

static double
transform(const RecGoal *goal, double ratio)
{
	return goal->metric == REC_RMSE ? sqrt(ratio) : ratio;
}

/* Two-sided p-value of the mean of differences; NaN where it cannot be told. */
static double
paired_t(const RecMoments *m)
{
	double		error = m->n > 1 ? sqrt(m->squares / (m->n - 1) / m->n) : 0;

	if (m->n < 2)
		return NAN;
	if (error == 0)
		return m->mean == 0 ? 1 : NAN;
	return Min(2 * rec_t_sf(fabs(m->mean / error), m->n - 1), 1);
}

/* Users that both could be judged by, in blocks; the order of keys spreads them at random enough, for blocks are drawn. */
static void
compare_two(const RecCompared *a, RecCompared *b, int n, const RecGoal *goal, uint64 seed)
{
	int			nblocks = 0,
				users = 0;
	double	   *num,
			   *den,
			   *draws = palloc_extended(2 * REC_REPLICATES * sizeof(double), MCXT_ALLOC_HUGE),
				work[4],
				sums[4] = {0};
	RecMoments	moments = {0};

	for (int i = 0; i < n; i++)
		users += !isnan(a->num[i]) && !isnan(b->num[i]);
	nblocks = Min(users, REC_BLOCKS);
	num = palloc0(2 * Max(nblocks, 1) * sizeof(double));
	den = palloc0(2 * Max(nblocks, 1) * sizeof(double));
	for (int i = 0, at = 0; i < n; i++)
	{
		int			row;

		if (isnan(a->num[i]) || isnan(b->num[i]))
			continue;
		row = 2 * (at++ % nblocks);
		num[row] += a->num[i];
		num[row + 1] += b->num[i];
		den[row] += a->den[i];
		den[row + 1] += b->den[i];
		sums[0] += a->num[i];
		sums[1] += a->den[i];
		sums[2] += b->num[i];
		sums[3] += b->den[i];
		rec_moments_add(&moments, b->num[i] - a->num[i]);
	}
	b->users = users;
	b->difference = b->low = b->high = b->p = NAN;
	if (users == 0)
		return;
	b->difference = transform(goal, sums[2] / sums[3]) - transform(goal, sums[0] / sums[1]);
	b->p = paired_t(&moments);
	if (users > 1)
	{
		rec_bootstrap(num, den, nblocks, 2, REC_REPLICATES, seed, draws, work);
		for (int r = 0; r < REC_REPLICATES; r++)
			draws[r] = transform(goal, draws[REC_REPLICATES + r]) - transform(goal, draws[r]);
		b->low = rec_bootstrap_quantile(draws, REC_REPLICATES, 0.025);
		b->high = rec_bootstrap_quantile(draws, REC_REPLICATES, 0.975);
	}
	pfree(num);
	pfree(den);
	pfree(draws);
}

static char *
verdict_on(const RecCompared *first, const RecCompared *c, const RecGoal *goal)
{
	double		relative = first->value != 0 ? 100 * c->difference / first->value : NAN;
	bool		better = rec_goal_lower(goal) ? c->difference < 0 : c->difference > 0;
	char	   *percent = isnan(relative) ? "" : psprintf(" (%+.1f %%)", relative);

	if (c->users == 0)
		return pstrdup("cannot be told: no user was judged under both");
	if (c->difference == 0 && c->p == 1)
		return psprintf("the same for each of %lld users", (long long) c->users);
	if (isnan(c->p_adjusted))
		return psprintf("cannot be told: %lld user%s no variance to compare with", (long long) c->users,
						c->users == 1 ? " gives" : "s give");
	if (c->p_adjusted < SIGNIFICANT)
		return psprintf("%s than the first: %s %.4f against %.4f%s", better ? "better" : "worse", goal->name, c->value,
						first->value, percent);
	return psprintf("not told apart from the first by %lld users: %s %.4f against %.4f%s", (long long) c->users, goal->name,
					c->value, first->value, percent);
}

static double
value_of(const RecCompared *c, int n, const RecGoal *goal, int64 *users)
{
	double		num = 0,
				den = 0;

	*users = 0;
	for (int i = 0; i < n; i++)
		if (!isnan(c->num[i]))
		{
			num += c->num[i];
			den += c->den[i];
			++*users;
		}
	return den > 0 ? transform(goal, num / den) : NAN;
}

/* From the values of n users under each setting to the verdicts. */
static void
conclude(RecCompared *c, int ncompared, int n, const RecGoal *goal, uint64 seed)
{
	double	   *p = palloc(ncompared * sizeof(double));
	int64	   *order = palloc(ncompared * sizeof(int64));

	for (int i = 0; i < ncompared; i++)
	{
		c[i].value = value_of(&c[i], n, goal, &c[i].users);
		if (i > 0)
			compare_two(&c[0], &c[i], n, goal, seed);
		p[i] = i > 0 ? c[i].p : NAN;
	}
	rec_adjust_p(p, ncompared, REC_ADJUST_HOLM, order);
	c[0].difference = c[0].low = c[0].high = c[0].p = c[0].p_adjusted = NAN;
	c[0].verdict = "the first, with which the others are compared";
	for (int i = 1; i < ncompared; i++)
	{
		c[i].p_adjusted = p[i];
		c[i].verdict = verdict_on(&c[0], &c[i], goal);
	}
}

static void
want(RecEvaluation *e, const RecGoal *goal)
{
	memset(e->wanted, 0, sizeof(e->wanted));
	e->metrics_given = true;
	e->wanted[goal->metric] = true;
	if (goal->k > 0)
	{
		e->nk = 1;
		e->k = palloc(sizeof(int));
		e->k[0] = goal->k;
	}
}

/* The name in a jsonb string; NULL: it is something else. */
static const char *
baseline_name(const Jsonb *setting)
{
	JsonbValue *v;

	if (!JB_ROOT_IS_SCALAR(setting))
		return NULL;
	v = getIthJsonbValueFromContainer(unconstify(JsonbContainer *, &setting->root), 0);
	return v->type == jbvString ? pnstrdup(v->val.string.val, v->val.string.len) : NULL;
}

/* All settings are read before any is trained. */
static void
check_settings(const RecModel *model, const RecCompared *c, int n)
{
	for (int i = 0; i < n; i++)
	{
		const char *name = baseline_name(c[i].setting);
		RecParams	params = rec_model_params(model);

		if (name)
			(void) rec_algorithm_find(name, true);
		else if (!JB_ROOT_IS_OBJECT(c[i].setting))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("invalid setting %d", i + 1),
					 errdetail("A setting is a JSON object with params, or a string with the name of a baseline."),
					 errhint("Write for example ARRAY['{\"factors\": 64}', '{\"factors\": 128}', '\"popular\"']::jsonb[]; versions are compared with versions => '{1,2}'.")));
		else
			rec_params_read(&params, c[i].setting, model->explicit_feedback);
	}
}

typedef struct Work
{
	const RecModel *model;
	RecEvaluation *e;
	const RecGoal *goal;
	RecCompared *compared;
	int			n;
	const int  *version;		/* of versions */
	RecTestSource source;
} Work;

static void
compare_settings(void *state, MemoryContext context)
{
	Work	   *w = state;
	RecParts	parts = {.context = context};
	RecJudge   *j;
	RecRecommender *popular;

	for (int i = 0; i < w->n; i++)
	{
		const char *name = baseline_name(w->compared[i].setting);

		if (name)
			w->e->compare = list_append_unique_ptr(w->e->compare, unconstify(RecAlgorithm *, rec_algorithm_find(name, true)));
	}
	rec_evaluation_load(w->model, w->e, &parts);
	MemoryContextSwitchTo(context);
	j = rec_evaluation_judge(&parts, w->e);
	popular = rec_evaluation_baseline(w->model, rec_algorithm_find("popular", true), NULL, &parts);
	for (int i = 0; i < w->n; i++)
	{
		const char *name = baseline_name(w->compared[i].setting);
		RecRecommender *r;

		rec_progress_phase(REC_PHASE_TRAINING, 0);
		rec_progress_note(psprintf("setting %d of %d", i + 1, w->n));
		r = name ? rec_evaluation_baseline(w->model, rec_algorithm_find(name, true), NULL, &parts) :
			rec_evaluation_fit(w->model, w->compared[i].setting, &parts);
		rec_progress_phase(REC_PHASE_EVALUATING, 0);
		rec_judge_run(j, r, popular);
		w->compared[i].algorithm = r->name;
		take_values(j, w->goal, &w->compared[i]);
		rec_recommender_release(r);
	}
	conclude(w->compared, w->n, j->test->keys->n, w->goal, w->e->seed);
}

void
rec_compare_settings(Oid schema, RecEvaluation *e, const RecGoal *goal, RecCompared *compared, int n)
{
	Work		w = {.model = rec_model_by_schema(schema, false), .e = e, .goal = goal, .compared = compared, .n = n};

	rec_model_require_owner(w.model, "evaluate");
	want(e, goal);
	rec_evaluation_check(w.model, e);
	check_settings(w.model, compared, n);
	rec_evaluation_as_owner(w.model, "compared", compare_settings, &w);
}

/* The newest event that any of the versions was trained on. */
static int64
newest_of(const Work *w)
{
	int64		newest = PG_INT64_MIN;

	for (int i = 0; i < w->n; i++)
	{
		RecVersion	version = rec_version_get(w->model, w->version[i]);
		RecServing *s = rec_serving_get(w->model, &version);

		newest = Max(newest, s->rule.has_time ? s->rule.newest : PG_INT64_MIN);
		rec_serving_release(s);
	}
	return newest;
}

static void
compare_versions(void *state, MemoryContext context)
{
	Work	   *w = state;
	int			nkeys = 0;

	MemoryContextSwitchTo(context);
	w->source.has_newest = true;
	w->source.newest = newest_of(w);
	for (int i = 0; i < w->n; i++)
	{
		RecParts	parts = {.context = AllocSetContextCreate(context, "pg_recommend version", ALLOCSET_DEFAULT_SIZES)};
		MemoryContext old = MemoryContextSwitchTo(parts.context);
		RecStored  *stored;
		RecRecommender *r;
		RecJudge   *j;

		rec_progress_note(psprintf("version %d", w->version[i]));
		stored = rec_stored_parts(w->model, w->version[i], &w->source, w->e, &parts);
		j = rec_evaluation_judge(&parts, w->e);
		r = rec_stored_recommender(stored, &parts);
		rec_progress_phase(REC_PHASE_EVALUATING, 0);
		rec_judge_run(j, r, rec_stored_popular(stored, &parts));
		w->compared[i].algorithm = r->name;
		MemoryContextSwitchTo(old);
		take_values(j, w->goal, &w->compared[i]);
		Assert(i == 0 || nkeys == j->test->keys->n);
		nkeys = j->test->keys->n;
		rec_serving_release(stored->serving);
		MemoryContextDelete(parts.context);
	}
	conclude(w->compared, w->n, nkeys, w->goal, w->e->seed);
}

void
rec_compare_versions(const RecModel *model, const RecTestSource *source, const RecEvaluation *given, const RecGoal *goal,
					 const int *version, RecCompared *compared, int n)
{
	RecEvaluation e = *given;
	Work		w = {.model = model, .e = &e, .goal = goal, .compared = compared, .n = n, .version = version, .source = *source};

	rec_model_require_owner(model, "evaluate");
	want(&e, goal);
	rec_evaluation_check_metrics(model, &e);
	rec_evaluation_as_owner(model, "compared", compare_versions, &w);
}
