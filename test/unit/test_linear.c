/*
 * test_linear.c
 *		Item weights: dot products, similarities, which entries are kept, and scores.
 */
#include <stdlib.h>
#include <string.h>

#include "core/linear.h"
#include "unit.h"

/* Users {0: a b, 1: a b c, 2: c}, values 1, 2, 1 / 1, 3 / 2 */
static const int64_t user_start[] = {0, 2, 5, 6};
static const int32_t user_item[] = {0, 1, 0, 1, 2, 2};
static const float user_value[] = {1, 2, 1, 3, 1, 2};
static const int64_t item_start[] = {0, 2, 4, 6};
static const int32_t item_user[] = {0, 1, 0, 1, 1, 2};
static const float item_value[] = {1, 1, 2, 3, 1, 2};
static const RecInteractions x = {user_start, user_item, user_value, item_start, item_user, item_value};

static void
test_dot(void)
{
	float		row[3] = {0};
	int32_t		touched[3];
	int64_t		n = 0;

	rec_dot_row(&x, item_start[1], item_start[2], 0, row, touched, &n);
	check(row[0] == 5 && row[1] == 13 && row[2] == 3, "dot products of an item");
	check(n == 3, "each item touched once");
	memset(row, 0, sizeof(row));
	rec_dot_row(&x, item_start[1], item_start[1] + 1, 1, row, NULL, NULL);
	rec_dot_row(&x, item_start[1] + 1, item_start[2], 1, row, NULL, NULL);
	check(row[0] == 0 && row[1] == 13 && row[2] == 3, "in two pieces, from an item on");
}

static void
test_similarity(void)
{
	double		sum[] = {2, 5, 3},
				norm[] = {sqrt(2), sqrt(13), sqrt(5)},
				centred[3];
	RecItemMoments m = {REC_SIMILARITY_COSINE, 3, 0, sum, norm};

	check_near(rec_similarity(&m, 0, 1, 5), 5 / sqrt(26), 1e-7, "cosine");
	m.shrinkage = 2;
	check_near(rec_similarity(&m, 0, 1, 5), 5 / (sqrt(26) + 2), 1e-7, "with shrinkage");
	for (int i = 0; i < 3; i++)
		centred[i] = sqrt(norm[i] * norm[i] - sum[i] * sum[i] / 3);
	m = (RecItemMoments) {REC_SIMILARITY_PEARSON, 3, 0, sum, centred};
	check_near(rec_similarity(&m, 0, 1, 5), 0.944911182523, 1e-6, "pearson: numpy.corrcoef([1,1,0],[2,3,0])");
	centred[0] = 0;
	check(rec_similarity(&m, 0, 1, 5) == 0, "without variance 0");
	/* 2 * 2.2 / (2 + 1.2 * (0.25 + 0.75 * 1.5)) * ln(1 + 10 / 5) */
	check_near(rec_bm25_weight(2, 1.2, 0.75, 1.5, 10, 4), 1.324355, 1e-6, "bm25");
}

static void
test_keep(void)
{
	const float row[] = {0.5f, 0, -2, 1, 1, -1, 3};
	const int32_t items[] = {10, 11, 12, 13, 14, 15, 16};
	float		scratch[7],
				weight[7];
	int32_t		item[7];

	check(rec_weights_keep(NULL, row, 7, 10, scratch, item, weight) == 6, "zeros are not kept");
	check(rec_weights_keep(items, row, 7, 3, scratch, item, weight) == 3 && item[0] == 12 && item[1] == 13 && item[2] == 16,
		  "the largest, of equal ones the first");
	check(weight[0] == -2 && weight[2] == 3, "with their signs");
	check(rec_weights_keep(NULL, row, 0, 3, scratch, item, weight) == 0, "an empty row");
	/* against sorting */
	for (int trial = 0; trial < 200; trial++)
	{
		float		v[50],
					least = 1e9f,
					best_left = 0;
		bool		in[50] = {false};
		int			n;

		srand(trial);
		for (int i = 0; i < 50; i++)
			v[i] = (float) (rand() % 20 - 10);
		float		s[50],
					w[50];
		int32_t		it[50];

		n = rec_weights_keep(NULL, v, 50, 17, s, it, w);
		for (int k = 0; k < n; k++)
		{
			in[it[k]] = true;
			least = fminf(least, fabsf(w[k]));
		}
		for (int i = 0; i < 50; i++)
			if (!in[i])
				best_left = fmaxf(best_left, fabsf(v[i]));
		if (!(n == 17 && least >= best_left))
			check(false, "trial %d: %d kept, least %g, left out %g", trial, n, least, best_left);
	}
	check(true, "random rows");
}

static void
test_score(void)
{
	int64_t		start[] = {0, 2, 2, 3};
	int32_t		item[] = {1, 2, 0};
	float		weight[] = {0.5f, -1, 2};
	RecWeights	w = {3, start, item, weight};
	int32_t		has[] = {0, 1, 2};
	float		value[] = {2, 7, 0},
				score[3] = {0};

	rec_weights_score(&w, 3, has, value, score);
	check(score[0] == 0 && score[1] == 1 && score[2] == -2, "scores");
}

int
main(void)
{
	test_dot();
	test_similarity();
	test_keep();
	test_score();
	return unit_done();
}
