/*
 * linear.c
 *		Fitting item weights. See linear.h; the arithmetic is in core/ease.c and core/linear.c.
 *
 * The inversion of EASE is shared with parallel workers, the rest is done by this process. Between any two looks at interrupts
 * are some milliseconds of work: a tile's row of products, or SLICE pairs of a popular item.
 */
#include "model/linear.h"

#include <float.h>
#include <math.h>

#include "miscadmin.h"
#include "model/ease.h"

#define SLICE 4000000			/* products of pairs between two looks at interrupts, about */

/* The users x items matrix, positive pairs only, in both orders. */
typedef struct Matrix
{
	RecObservations o;
	RecInteractions x;
	int			users;
	int			items;
	Size		memory;
} Matrix;

static void *
huge(Size count, Size width)
{
	return palloc_extended(mul_size(Max(count, 1), width), MCXT_ALLOC_HUGE);
}

static Size
matrix_memory(const RecPairs *p)
{
	return add_size(mul_size(p->n, 16), mul_size((Size) p->users.n + p->items.n + 2, sizeof(int64)));
}

/* Drops what is not positive, in one of the two orders. */
static void
drop_zeros(int n, int64 *start, int32 *other, float *value)
{
	int64		kept = 0,
				from = 0;

	for (int r = 0; r < n; r++)
	{
		int64		to = start[r + 1];

		for (int64 k = from; k < to; k++)
			if (value[k] > 0)
			{
				other[kept] = other[k];
				value[kept++] = value[k];
			}
		from = to;
		start[r + 1] = kept;
	}
}

static void
build_matrix(Matrix *m, const RecPairs *p, const RecHoldout *without, const RecParams *params, const RecSumRule *rule)
{
	m->users = p->users.n;
	m->items = p->items.n;
	m->memory = matrix_memory(p);
	m->o = (RecObservations) {
		.user_start = huge(p->users.n + 1, sizeof(int64)), .user_item = huge(p->n, sizeof(int32)),
		.user_value = huge(p->n, sizeof(float)), .item_start = huge(p->items.n + 1, sizeof(int64)),
		.item_user = huge(p->n, sizeof(int32)), .item_value = huge(p->n, sizeof(float))
	};
	rec_observations_fill(&m->o, p, without, params->weight_transform, rule->explicit_feedback, true);
	if (rule->explicit_feedback)
		for (int64 k = 0; k < m->o.nnz; k++)
			m->o.user_value[k] = m->o.item_value[k] = 1;
	drop_zeros(m->users, m->o.user_start, m->o.user_item, m->o.user_value);
	drop_zeros(m->items, m->o.item_start, m->o.item_user, m->o.item_value);
	m->x = (RecInteractions) {
		m->o.user_start, m->o.user_item, m->o.user_value, m->o.item_start, m->o.item_user, m->o.item_value
	};
	if (m->o.user_start[m->users] == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is nothing to train on"),
				 errdetail("No pair of a user and an item has a positive weight."),
				 errhint("See the columns null_keys, bad_values and unweighted of the NOTICE above, and the event weights.")));
}

static void
free_matrix(Matrix *m)
{
	pfree(m->o.user_start);
	pfree(m->o.user_item);
	pfree(m->o.user_value);
	pfree(m->o.item_start);
	pfree(m->o.item_user);
	pfree(m->o.item_value);
}

/* Dot products of item i with all items from `first` on. */
static void
dot_row(const Matrix *m, int i, int first, float *row, int32 *touched, int64 *ntouched)
{
	int64		from = m->o.item_start[i];

	while (from < m->o.item_start[i + 1])
	{
		int64		to = from,
					work = 0;

		while (to < m->o.item_start[i + 1] && work < SLICE)
		{
			int32		u = m->o.item_user[to++];

			work += m->o.user_start[u + 1] - m->o.user_start[u];
		}
		CHECK_FOR_INTERRUPTS();
		rec_dot_row(&m->x, from, to, first, row, touched, ntouched);
		from = to;
	}
}

/* Room for the rows of the weights, which grows. */
typedef struct Builder
{
	RecWeights *w;
	int64		room;
	Size		held;			/* by others at the same time, for the check of memory */
	Size		memory;			/* of the weights */
} Builder;

static void
builder_init(Builder *b, RecWeights *w, int n, Size held)
{
	*w = (RecWeights) {.n = n, .start = huge((Size) n + 1, sizeof(int64)), .item = huge(1024, sizeof(int32)),
	.weight = huge(1024, sizeof(float))};
	w->start[0] = 0;
	*b = (Builder) {.w = w, .room = 1024, .held = held};
}

static void
reserve(Builder *b, int64 used, int64 more)
{
	if (used + more <= b->room)
		return;
	b->room = Max(used + more, b->room + b->room / 2);
	b->memory = add_size(mul_size(b->room, 8), mul_size(b->w->n, sizeof(int64)));
	rec_check_memory(add_size(b->held, b->memory), "Training");
	b->w->item = repalloc_huge(b->w->item, mul_size(b->room, sizeof(int32)));
	b->w->weight = repalloc_huge(b->w->weight, mul_size(b->room, sizeof(float)));
}

/* The row i, of m entries. */
static void
add_row(Builder *b, int i, const int32 *items, const float *values, int64 m, int most, float *scratch)
{
	RecWeights *w = b->w;
	int64		at = w->start[i];

	reserve(b, at, Min(m, most));
	w->start[i + 1] = at + rec_weights_keep(items, values, m, most, scratch, w->item + at, w->weight + at);
}

/* ------------------------------------------------------------------- EASE */

static void
fit_ease(const Matrix *m, const RecParams *params, RecLinear *linear, Size held)
{
	RecEase		ease;
	float	   *row = huge(m->items, sizeof(float)),
			   *scratch = huge(m->items, sizeof(float)),
			   *diagonal = huge(m->items, sizeof(float));
	Builder		b;

	held = add_size(held, rec_ease_memory(m->items));
	rec_ease_create(&ease, m->items);
	for (int i = 0; i < m->items; i++)
	{
		memset(row + i, 0, (m->items - i) * sizeof(float));
		dot_row(m, i, i, row, NULL, NULL);
		rec_ease_put_row(&ease.tiles, i, row + i, params->regularization);
	}
	rec_ease_invert(&ease);
	rec_ease_diagonal(&ease.tiles, diagonal);
	builder_init(&b, &linear->weights, m->items, held);
	linear->loss = 0;
	for (int i = 0; i < m->items; i++)
	{
		CHECK_FOR_INTERRUPTS();
		linear->loss += 1 / (double) diagonal[i] - params->regularization;
		rec_ease_row(&ease.tiles, diagonal, i, row);
		add_row(&b, i, NULL, row, m->items, params->neighbours, scratch);
	}
	linear->memory = held + b.memory;
	linear->workers = rec_crew_workers(ease.crew);
	rec_ease_release(&ease);
	pfree(row);
	pfree(scratch);
	pfree(diagonal);
}

/* ---------------------------------------------------------- neighbourhoods */

/* Puts BM25 weights in the place of the values. */
static void
weight_bm25(Matrix *m, const RecParams *params)
{
	double	   *length = palloc_extended(m->items * sizeof(double), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO),
				mean = 0;
	RecObservations *o = &m->o;

	for (int i = 0; i < m->items; i++)
	{
		for (int64 k = o->item_start[i]; k < o->item_start[i + 1]; k++)
			length[i] += o->item_value[k];
		mean += length[i] / m->items;
	}
#define WEIGHT(value, item, user) \
	(float) rec_bm25_weight(value, params->bm25_k1, params->bm25_b, length[item] / mean, m->items, \
					 o->user_start[(user) + 1] - o->user_start[user])
	for (int i = 0; i < m->items; i++)
		for (int64 k = o->item_start[i]; k < o->item_start[i + 1]; k++)
			o->item_value[k] = WEIGHT(o->item_value[k], i, o->item_user[k]);
	for (int u = 0; u < m->users; u++)
		for (int64 k = o->user_start[u]; k < o->user_start[u + 1]; k++)
			o->user_value[k] = WEIGHT(o->user_value[k], o->user_item[k], u);
#undef WEIGHT
	pfree(length);
}

static void
find_moments(const Matrix *m, const RecParams *params, RecItemMoments *moments)
{
	double	   *sum = huge(m->items, sizeof(double)),
			   *length = huge(m->items, sizeof(double));

	for (int i = 0; i < m->items; i++)
	{
		double		squares = 0;

		sum[i] = 0;
		for (int64 k = m->o.item_start[i]; k < m->o.item_start[i + 1]; k++)
		{
			sum[i] += m->o.item_value[k];
			squares += (double) m->o.item_value[k] * m->o.item_value[k];
		}
		if (params->similarity == REC_SIMILARITY_PEARSON)
			squares -= sum[i] * sum[i] / m->users;
		length[i] = sqrt(Max(squares, 0));
	}
	*moments = (RecItemMoments) {
		.similarity = params->similarity, .users = m->users, .shrinkage = params->shrinkage, .sum = sum, .length = length
	};
}

static int
compare_int32(const void *a, const void *b)
{
	return (*(const int32 *) a > *(const int32 *) b) - (*(const int32 *) a < *(const int32 *) b);
}

static void
fit_neighbours(Matrix *m, const RecParams *params, RecLinear *linear, Size held)
{
	float	   *row = palloc_extended(m->items * sizeof(float), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO),
			   *value = huge(m->items, sizeof(float)),
			   *scratch = huge(m->items, sizeof(float));
	int32	   *touched = huge(m->items, sizeof(int32));
	RecItemMoments moments;
	Builder		b;

	if (params->similarity == REC_SIMILARITY_BM25)
		weight_bm25(m, params);
	find_moments(m, params, &moments);
	builder_init(&b, &linear->weights, m->items, held);
	for (int i = 0; i < m->items; i++)
	{
		int64		n = 0;

		CHECK_FOR_INTERRUPTS();
		dot_row(m, i, 0, row, touched, &n);
		qsort(touched, n, sizeof(int32), compare_int32);
		for (int64 k = 0; k < n; k++)
		{
			value[k] = touched[k] == i ? 0 : rec_similarity(&moments, i, touched[k], row[touched[k]]);
			row[touched[k]] = 0;
			/* nothing is to be learnt from what is less alike than chance */
			value[k] = Max(value[k], 0);
		}
		add_row(&b, i, touched, value, n, params->neighbours, scratch);
	}
	linear->memory = held + b.memory;
	linear->loss = NAN;
	pfree(row);
	pfree(value);
	pfree(scratch);
	pfree(touched);
	pfree(unconstify(double *, moments.sum));
	pfree(unconstify(double *, moments.length));
}

RecLinear *
rec_linear_fit(const RecPairs *pairs, const RecHoldout *without, const RecParams *params, const RecSumRule *rule)
{
	RecLinear  *linear = palloc0(sizeof(RecLinear));
	Size		held = add_size(matrix_memory(pairs), mul_size(pairs->items.n, 32));
	Matrix		m;

	/* the whole need of EASE is known beforehand */
	rec_check_memory(params->algorithm != REC_EASE ? add_size(pairs->held, held) :
					 add_size(add_size(pairs->held, held),
							  add_size(rec_ease_memory(pairs->items.n),
									   mul_size(mul_size(pairs->items.n, Min(pairs->items.n, params->neighbours)), 8))),
					 "Training");
	build_matrix(&m, pairs, without, params, rule);
	if (params->algorithm == REC_EASE)
		fit_ease(&m, params, linear, add_size(pairs->held, held));
	else
		fit_neighbours(&m, params, linear, add_size(pairs->held, held));
	linear->memory -= pairs->held;
	free_matrix(&m);
	return linear;
}

void
rec_linear_free(RecLinear *linear)
{
	pfree(linear->weights.start);
	pfree(linear->weights.item);
	pfree(linear->weights.weight);
	pfree(linear);
}

void
rec_linear_finish(float *score, const int32 *by_popularity, int n)
{
	for (int r = 0; r < n; r++)
		if (score[by_popularity[r]] == 0)
			score[by_popularity[r]] = -(r + 1) * FLT_MIN;
}

float *
rec_linear_scores(const RecServing *s, int n, const int32 *item, const float *net)
{
	float	   *score = palloc_extended(Max(s->n, 1) * sizeof(float), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO),
			   *value = palloc(Max(n, 1) * sizeof(float));

	for (int k = 0; k < n; k++)
		value[k] = rec_linear_value(&s->params, s->rule.explicit_feedback, net[k]);
	rec_weights_score(&s->weights, n, item, value, score);
	rec_linear_finish(score, s->by_popularity, s->n);
	pfree(value);
	return score;
}
