/*
 * Hash assignment against the published test cases of GrowthBook's SDKs (packages/sdk-js/test/cases.json, the same file in
 * every SDK, specVersion 0.7.1: hash, getBucketRange, chooseVariation, inNamespace), and against JavaScript for strings
 * beyond ASCII (Node.js 18, the SDK's hashFnv32a with charCodeAt).
 */
#include <string.h>

#include "hash_assign.h"
#include "unit.h"

static double
bucket(const char *seed, const char *unit, int version)
{
	if (version == 1)
		return rec_bucket_v1(unit, strlen(unit), seed, strlen(seed));
	return rec_bucket_v2(rec_fnv1a(REC_FNV_INIT, seed, strlen(seed)), unit, strlen(unit));
}

static void
published_hashes(void)
{
	static const struct
	{
		const char *seed,
				   *unit;
		int			version;
		double		expected;
	}			cases[] = {
		{"", "a", 1, 0.22}, {"", "b", 1, 0.077}, {"b", "a", 1, 0.946}, {"ef", "d", 1, 0.652},
		{"asdf", "8952klfjas09ujk", 1, 0.549}, {"", "123", 1, 0.011}, {"", "___)((*\":&", 1, 0.563},
		{"seed", "a", 2, 0.0505}, {"seed", "b", 2, 0.2696}, {"foo", "ab", 2, 0.2575}, {"foo", "def", 2, 0.2019},
		{"89123klj", "8952klfjas09ujkasdf", 2, 0.124}, {"90850943850283058242805", "123", 2, 0.7516},
		{"()**(%$##$%#$#", "___)((*\":&", 2, 0.0128}
	};

	for (int i = 0; i < (int) (sizeof(cases) / sizeof(cases[0])); i++)
	{
		double		got = bucket(cases[i].seed, cases[i].unit, cases[i].version);

		check(got == cases[i].expected, "hash %s + %s, version %d: %g", cases[i].seed, cases[i].unit, cases[i].version, got);
	}
}

static void
beyond_ascii(void)
{
	static const struct
	{
		const char *s;
		uint32_t	fnv;
		double		v1,
					v2;			/* with the seed "seed" */
	}			cases[] = {
		{"", 2166136261u, 0.564, 0.4286}, {"a", 3826002220u, 0.913, 0.0505}, {"\u00e9", 1812687940u, 0.137, 0.8663},
		{"\u65e5\u672c", 1610399396u, 0.545, 0.9652}, {"\U0001f600", 3409036472u, 0.429, 0.4346},
		{"a\U0001f600" "b", 2412414209u, 0.36, 0.7396}, {"\u00f1and\u00fa-42", 1691958050u, 0.883, 0.2815},
		{"\u03a9\u2248\u00e7\u221a\u222b", 991332854u, 0.975, 0.168}
	};

	for (int i = 0; i < (int) (sizeof(cases) / sizeof(cases[0])); i++)
	{
		check(rec_fnv1a(REC_FNV_INIT, cases[i].s, strlen(cases[i].s)) == cases[i].fnv, "fnv of %s", cases[i].s);
		check(bucket("seed", cases[i].s, 1) == cases[i].v1, "version 1 of %s", cases[i].s);
		check(bucket("seed", cases[i].s, 2) == cases[i].v2, "version 2 of %s", cases[i].s);
	}
}

/* No sequence reads beyond the end, and each broken byte counts. */
static void
broken_utf8(void)
{
	static const char *const broken[] = {"\xff", "\xc3", "\xe6\x97", "\xf0\x9f\x98", "\xc0\xaf", "\xed\xa0", "\xf4\x90\x80\x80",
	"\x80\x80", "a\xc3(", "\xe0\x80\x80"};

	for (int i = 0; i < (int) (sizeof(broken) / sizeof(broken[0])); i++)
	{
		char		copy[8];
		size_t		length = strlen(broken[i]);
		uint32_t	state = REC_FNV_INIT;

		memcpy(copy, broken[i], length);
		if (i != 5)
			for (size_t k = 0; k < length; k++)
				state = (state ^ (unsigned char) broken[i][k]) * 16777619u;
		else
			state = rec_fnv1a(rec_fnv1a(REC_FNV_INIT, "\xed", 1), "\xa0", 1);
		check(rec_fnv1a(REC_FNV_INIT, copy, length) == state, "broken UTF-8 %d counts by bytes", i);
	}
}

static void
ranges(const char *name, int n, double coverage, const double *weight, const double *expected)
{
	RecBucketRange range[4];
	bool		good = true;

	rec_bucket_ranges(weight, n, coverage, range);
	for (int i = 0; i < n; i++)
		good = good && fabs(range[i].start - expected[2 * i]) < 1e-12 && fabs(range[i].end - expected[2 * i + 1]) < 1e-12;
	check(good, "bucket ranges: %s", name);
}

#define LIST(...) (const double[]){__VA_ARGS__}

static void
published_ranges(void)
{
	ranges("normal 50/50", 2, 1, LIST(.5, .5), LIST(0, .5, .5, 1));
	ranges("reduced coverage", 2, .5, LIST(.5, .5), LIST(0, .25, .5, .75));
	ranges("zero coverage", 2, 0, LIST(.5, .5), LIST(0, 0, .5, .5));
	ranges("4 variations", 4, 1, LIST(.25, .25, .25, .25), LIST(0, .25, .25, .5, .5, .75, .75, 1));
	ranges("uneven weights", 2, 1, LIST(.4, .6), LIST(0, .4, .4, 1));
	ranges("uneven weights, 3 variations", 3, 1, LIST(.2, .3, .5), LIST(0, .2, .2, .5, .5, 1));
	ranges("uneven weights, reduced coverage, 3 variations", 3, .2, LIST(.2, .3, .5), LIST(0, .04, .2, .26, .5, .6));
	ranges("weights sum almost equals 1", 2, 1, LIST(.4, .5999), LIST(0, .4, .4, .9999));
}

static void
published_choices(void)
{
	static const RecBucketRange even[] = {{0, .5}, {.5, 1}},
				reduced[] = {{0, .25}, {.5, .75}},
				zero[] = {{0, .5}, {.5, .5}, {.5, 1}};
	static const struct
	{
		double		x;
		int			even,
					reduced;
	}			cases[] = {{.2, 0, 0}, {.4, 0, -1}, {.6, 1, 1}, {.8, 1, -1}, {0, 0, 0}, {.5, 1, 1}, {.25, 0, -1}};

	for (int i = 0; i < (int) (sizeof(cases) / sizeof(cases[0])); i++)
	{
		check(rec_bucket_choose(even, 2, cases[i].x) == cases[i].even, "even range, %g", cases[i].x);
		check(rec_bucket_choose(reduced, 2, cases[i].x) == cases[i].reduced, "reduced range, %g", cases[i].x);
	}
	check(rec_bucket_choose(zero, 3, .5) == 2, "a range of width zero is passed over");
	check(rec_bucket_choose(even, 2, NAN) == -1, "NaN is in no range");
}

/* inNamespace(unit, [name, start, end]) is a range of the hash, version 1, with the seed "__" + name. */
static void
published_namespaces(void)
{
	static const bool low[4][2] = {{false, false}, {false, false}, {false, true}, {false, true}};

	for (int unit = 1; unit <= 4; unit++)
		for (int space = 1; space <= 2; space++)
		{
			char		u[2] = {(char) ('0' + unit), 0},
						seed[] = "__namespace1";
			double		x;

			seed[11] = (char) ('0' + space);
			x = bucket(seed, u, 1);
			check((x < .4) == low[unit - 1][space - 1], "user %d, namespace%d", unit, space);
		}
}

/* More coverage adds units and moves none. */
static void
ramp_up(void)
{
	static const double weight[] = {.2, .3, .5};
	RecBucketRange before[3],
				after[3];
	int			moved = 0,
				added = 0;

	for (int c = 0; c < 20; c++)
	{
		rec_bucket_ranges(weight, 3, c / 20.0, before);
		rec_bucket_ranges(weight, 3, (c + 1) / 20.0, after);
		for (int i = 0; i < 10000; i++)
		{
			int			a = rec_bucket_choose(before, 3, i / 10000.0),
						b = rec_bucket_choose(after, 3, i / 10000.0);

			moved += a >= 0 && a != b;
			added += a < 0 && b >= 0;
		}
	}
	check(moved == 0, "ramp-up moves no unit");
	check(added == 10000, "and at full coverage all are in: %d", added);
}

int
main(void)
{
	published_hashes();
	beyond_ascii();
	broken_utf8();
	published_ranges();
	published_choices();
	published_namespaces();
	ramp_up();
	return unit_done();
}
