/*
 * test_diversify.c
 *		rec_diversify against the definition computed anew in double precision, and its limits.
 */
#include <stdlib.h>
#include <string.h>

#include "core/diversify.h"
#include "unit.h"

#define N 60
#define STRIDE 16
#define FACTORS 7

static uint64_t state = 11;

static double
uniform(void)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (double) (state >> 11) / 9007199254740992.0;
}

static float *rows,
		   *norm;

static double
cosine(int a, int b)
{
	double		product = 0;

	for (int c = 0; c < FACTORS; c++)
		product += (double) rows[a * STRIDE + c] * rows[b * STRIDE + c];
	return norm[a] > 0 && norm[b] > 0 ? product / ((double) norm[a] * norm[b]) : 0;
}

static double
value_of(const RecScored *e, int n, int place, int i, const RecScored *all, double diversity)
{
	double		least = all[n - 1].score,
				range = all[0].score - least,
				nearest = -INFINITY;

	for (int j = 0; j < place; j++)
		nearest = fmax(nearest, cosine(e[j].position, e[i].position));
	return (1 - diversity) * (range > 0 ? (e[i].score - least) / range : 1) - (place > 0 ? diversity * nearest : 0);
}

static void
fill(RecScored *entry, int n)
{
	for (int i = 0; i < n; i++)
	{
		double		squares = 0;

		memset(rows + i * STRIDE, 0, STRIDE * sizeof(float));
		for (int c = 0; c < FACTORS && i % 13 != 5; c++)
			squares += pow(rows[i * STRIDE + c] = (float) (uniform() - 0.3), 2);
		rows[i * STRIDE + FACTORS] = 100;	/* a bias does not count */
		norm[i] = (float) sqrt(squares);
		entry[i] = (RecScored) {(float) (3 - i * 0.05 - uniform() * 0.01), n - 1 - i};
	}
}

int
main(void)
{
	RecScored	entry[N],
				all[N];
	float		nearest[N];
	RecDiversify job = {.stride = STRIDE, .factors = FACTORS, .nearest = nearest};

	rows = aligned_alloc(64, N * STRIDE * sizeof(float));
	norm = malloc(N * sizeof(float));
	job.row = aligned_alloc(64, STRIDE * sizeof(float));
	job.items = rows;
	job.norm = norm;
	for (int round = 0; round < 5; round++)
	{
		double		worst = 0;
		bool		seen[N] = {false};
		int			distinct = 0;

		fill(entry, N);
		memcpy(all, entry, sizeof(all));
		job.diversity = (float) (round * 0.25);
		rec_diversify(&job, entry, N, 20);
		for (int place = 0; place < 20; place++)
			for (int i = place + 1; i < N; i++)
				worst = fmax(worst, value_of(entry, N, place, i, all, job.diversity) -
							 value_of(entry, N, place, place, all, job.diversity));
		check(worst < 1e-5, "diversity %.2f: no other entry would have been better at any place (%g)", job.diversity, worst);
		for (int i = 0; i < N; i++)
			distinct += !seen[entry[i].position], seen[entry[i].position] = true;
		check(distinct == N, "all entries are there");
		if (round == 0)
			check(memcmp(entry, all, sizeof(all)) == 0, "diversity 0 changes nothing");
		else
			check(memcmp(entry, all, sizeof(all)) != 0, "it changes the order");
		check(entry[0].position == all[0].position, "the first is the best");
	}
	for (int i = 0; i < N; i++)
		entry[i].score = 1;
	job.diversity = 0.5f;
	rec_diversify(&job, entry, N, N);
	check(entry[0].position >= 0, "equal scores");
	rec_diversify(&job, entry, 0, 5);
	rec_diversify(&job, entry, 1, 5);
	check(true, "nothing and one");
	return unit_done();
}
