/*
 * als_tile_impl.h
 *		Template: the tiles of large symmetric matrices.  Included once per instruction set, after
 * als_exact_impl.h, whose micro-kernel and block factorisation do the arithmetic.
 *
 * A tile has REC_TILE_SIDE rows of as many floats.  The side is a multiple of every kernel's
 * register block, so there are no remainders, and an odd number of cache lines, so that a column of
 * a tile does not fall on the same few sets of the cache.
 */

enum
{
	TILE_COLUMNS = RANK_VECTORS * VW, /* of the micro-kernel: 48, 24 or 12 */
	TILE_DEPTH = REC_TILE_SIDE / 2    /* rows taken at a time: their columns stay in the first-level cache */
};

/* c += (or -=) left' right */
ALWAYS_INLINE void
tile_multiply(const bool minus, const float *left, const float *right, float *c)
{
	const int side = REC_TILE_SIDE;

	for (int k = 0; k < side; k += TILE_DEPTH)
		for (int j = 0; j < side; j += TILE_COLUMNS)
			for (int i = 0; i < side; i += RANK_ROWS)
				rank_tile(RANK_VECTORS, minus, left + k * side + i, right + k * side + j,
						  TILE_DEPTH, side, c + i * side + j);
}

static void
tile_add(const float *left, const float *right, float *c)
{
	tile_multiply(false, left, right, c);
}

static void
tile_subtract(const float *left, const float *right, float *c)
{
	tile_multiply(true, left, right, c);
}

/* a = U'U in the upper triangle of a; inverse: the reciprocals of U's diagonal. */
static bool
tile_factor(float *a, float *inverse)
{
	float      b[REC_TILE_SIDE] __attribute__((aligned(64))) = {0};
	ExactSpace space = {.a = a, .b = b, .inverse = inverse};

	return factor_system(&space, REC_TILE_SIDE);
}

/* a := U'^-1 a */
static void
tile_solve(const float *u, const float *inverse, float *a)
{
	const int side = REC_TILE_SIDE;

	for (int k = 0; k < side; k += REC_BLOCK)
	{
		float *row = a + k * side;

		for (int j = 0; j < side; j += VW)
			factor_panel(u + k * side + k, inverse + k, side, row + j);
		for (int j = 0; j < side; j += TILE_COLUMNS)
			for (int i = k + REC_BLOCK; i < side; i += RANK_ROWS)
				rank_tile(RANK_VECTORS, true, u + k * side + i, row + j, REC_BLOCK, side,
						  a + i * side + j);
	}
}
