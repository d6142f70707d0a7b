/*
 * test_pick.c
 *		rec_pick against scoring every row: the same rows, scores and order, ties included.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/pick.h"
#include "core/score.h"
#include "unit.h"

static uint64_t state = 7;

static double
uniform(void)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (double) (state >> 11) / 9007199254740992.0;
}

static void *
aligned(size_t bytes)
{
	return aligned_alloc(64, (bytes + 63) / 64 * 64 + 64);
}

/* kind 0: normal-like; 1: few distinct values, many ties; 2: a few long rows; 3: zeros; 4: tiny and huge magnitudes; 5: the largest code everywhere */
static void
fill(float *rows, int n, int stride, int factors, int kind)
{
	memset(rows, 0, (size_t) n * stride * sizeof(float));
	for (int i = 0; i < n; i++)
		for (int c = 0; c < factors; c++)
		{
			double		v = uniform() + uniform() + uniform() - 1.5;

			if (kind == 1)
				v = rint(v);
			if (kind == 2)
				v *= i % 97 == 0 ? 10 : 0.1;
			if (kind == 3)
				v = 0;
			if (kind == 4)
				v *= i % 3 == 0 ? 1e-38 : i % 3 == 1 ? 1e15 : 1;
			if (kind == 5)
				v = 1 + (double) (i * 7919 % n) / n;
			rows[(size_t) i * stride + c] = (float) v;
		}
}

static bool
same(const RecTopK *a, const RecTopK *b)
{
	if (a->n != b->n)
		return false;
	for (int i = 0; i < a->n; i++)
		if (a->entry[i].position != b->entry[i].position || a->entry[i].score != b->entry[i].score)
			return false;
	return true;
}

static bool
try(int n, int factors, int k, int kind, double masked, int64_t *scored)
{
	int			stride = (factors + 15) / 16 * 16;
	float	   *rows = aligned((size_t) n * stride * sizeof(float)),
			   *x = aligned(stride * sizeof(float)),
			   *score = aligned(n * sizeof(float));
	bool	   *mask = aligned(n);
	int64_t		padded = rec_codes_padded(n);
	RecCodes	codes = {aligned(rec_codes_bytes(n, stride)), aligned(padded * 4), aligned(padded * 4), aligned(padded * 4)};
	RecTopK		fast,
				slow,
				each;
	int8_t	   *scratch = aligned(stride);
	bool		good;

	fill(rows, n, stride, factors, kind);
	fill(x, 1, stride, factors, kind == 3 ? 0 : kind);
	for (int i = 0; i < n; i++)
		mask[i] = uniform() >= masked;
	rec_codes_build(&codes, rows, n, stride);
	rec_topk_init(&fast, malloc((k + 1) * sizeof(RecScored)), k);
	rec_topk_init(&slow, malloc((k + 1) * sizeof(RecScored)), k);
	rec_topk_init(&each, malloc((k + 1) * sizeof(RecScored)), k);
	*scored = rec_pick(&codes, rows, n, stride, x, mask, &fast, scratch);
	rec_score_rows(rows, n, stride, x, score);
	rec_topk_scan(&slow, score, mask, n);
	for (int i = 0; i < n; i++)
		if (mask[i])
			rec_topk_offer(&each, score[i], i);
	rec_topk_sort(&fast);
	rec_topk_sort(&slow);
	rec_topk_sort(&each);
	good = same(&fast, &slow) && same(&slow, &each);
	free(rows); free(x); free(score); free(mask); free(scratch);
	free(codes.code); free(codes.scale); free(codes.error); free(codes.length);
	free(fast.entry); free(slow.entry); free(each.entry);
	return good;
}

int
main(void)
{
	static const int sizes[] = {1, 15, 16, 17, 1000, 5003};
	static const int factors[] = {1, 15, 16, 17, 64, 200};
	static const int ks[] = {0, 1, 10, 100};
	int64_t		scored;

	for (int kind = 0; kind < 6; kind++)
	{
		bool		good = true;

		for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
			for (size_t f = 0; f < sizeof(factors) / sizeof(factors[0]); f++)
				for (size_t k = 0; k < sizeof(ks) / sizeof(ks[0]); k++)
					good = try(sizes[s], factors[f], ks[k], kind, 0.1, &scored) && good;
		check(good, "kind %d: the same rows as scoring every one", kind);
	}
	check(try(1000, 64, 10, 0, 1.1, &scored), "nothing allowed: the same, namely nothing");
	check(scored == 0, "nothing allowed, nothing scored");
	check(try(50000, 64, 10, 0, 0, &scored), "many rows: the same");
	check(scored >= 10 && scored < 2500, "few of 50000 rows are scored from their floats: %ld", (long) scored);
	return unit_done();
}
