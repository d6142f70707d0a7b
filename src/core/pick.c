/*
 * pick.c
 *		Exact top k through one-byte codes. See pick.h.
 */
#include "core/pick.h"

#include <math.h>
#include <string.h>

#include "core/score.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define X86 1
#endif

/* The coded vector and what turns integer products into bounds. */
typedef struct Query
{
	const int8_t *code;			/* stride */
	int			groups;			/* stride / 4 */
	float		scale;
	int32_t		shift;			/* 128 * sum of code: what storing q + 128 adds to a product */
	float		per_error;		/* |s p|, a little more */
	float		per_length;		/* |f| and the rounding of exact scores, a little more */
} Query;

int64_t
rec_codes_padded(int64_t n)
{
	return (n + REC_CODE_ROWS - 1) / REC_CODE_ROWS * REC_CODE_ROWS;
}

size_t
rec_codes_bytes(int64_t n, int stride)
{
	return (size_t) rec_codes_padded(n) * stride;
}

/* Codes values to whole numbers from -limit to limit; returns the step, and the squares of the values and of what is lost. */
static float
encode(const float *value, int n, int limit, int8_t *code, double *squares, double *lost)
{
	float		most = 0,
				step;

	for (int c = 0; c < n; c++)
		most = fmaxf(most, fabsf(value[c]));
	step = most / limit;
	*squares = *lost = 0;
	for (int c = 0; c < n; c++)
	{
		float		q = step > 0 ? rintf(value[c] / step) : 0;
		double		rest;

		q = q > limit ? limit : q < -limit ? -limit : q;
		code[c] = (int8_t) q;
		rest = (double) value[c] - (double) step * q;
		*squares += (double) value[c] * value[c];
		*lost += rest * rest;
	}
	return step;
}

void
rec_codes_build(RecCodes *codes, const float *rows, int64_t n, int stride)
{
	int8_t		code[4096];

	memset(codes->code, 128, rec_codes_bytes(n, stride));
	for (int64_t i = 0; i < rec_codes_padded(n); i++)
		codes->scale[i] = codes->error[i] = codes->length[i] = 0;
	for (int64_t i = 0; i < n; i++)
	{
		uint8_t    *block = codes->code + (i / REC_CODE_ROWS) * REC_CODE_ROWS * stride;
		double		squares,
					lost;

		codes->scale[i] = encode(rows + i * stride, stride, 127, code, &squares, &lost);
		codes->error[i] = (float) (sqrt(lost) * (1 + 1e-6));
		codes->length[i] = (float) (sqrt(squares) * (1 + 1e-6));
		for (int c = 0; c < stride; c++)
			block[(c / 4) * REC_CODE_ROWS * 4 + (i % REC_CODE_ROWS) * 4 + c % 4] = (uint8_t) (code[c] + 128);
	}
}

static Query
make_query(const float *x, int stride, int limit, int8_t *code)
{
	double		squares,
				lost,
				coded = 0;
	Query		q = {.code = code, .groups = stride / 4};
	int32_t		sum = 0;

	q.scale = encode(x, stride, limit, code, &squares, &lost);
	for (int c = 0; c < stride; c++)
	{
		sum += code[c];
		coded += (double) code[c] * code[c];
	}
	q.shift = 128 * sum;
	q.per_error = (float) (sqrt(coded) * q.scale * (1 + 1e-5));
	/* exact scores are sums of stride products in single precision; the bound itself is rounded as well */
	q.per_length = (float) ((sqrt(lost) + sqrt(squares) * (stride * 1.2e-7 + 1e-5)) * (1 + 1e-5));
	return q;
}

/* Products of the coded vector with 16 coded rows. */
typedef void (*BlockProducts) (const uint8_t *block, const int8_t *x, int groups, int32_t *out);

static inline __attribute__((always_inline)) void
products_generic(const uint8_t *block, const int8_t *x, int groups, int32_t *out)
{
	memset(out, 0, REC_CODE_ROWS * sizeof(int32_t));
	for (int g = 0; g < groups; g++)
		for (int r = 0; r < REC_CODE_ROWS; r++)
			for (int c = 0; c < 4; c++)
				out[r] += block[(g * REC_CODE_ROWS + r) * 4 + c] * x[g * 4 + c];
}

/* Whether the bound of a row in the block reaches the threshold; bounds are left in bound. */
static inline __attribute__((always_inline)) bool
block_reaches(const RecCodes *codes, const Query *q, int64_t first, const int32_t *product, float threshold,
			  float *bound)
{
	int			reached = 0;

	for (int r = 0; r < REC_CODE_ROWS; r++)
	{
		bound[r] = (float) (product[r] - q->shift) * (codes->scale[first + r] * q->scale) +
			codes->error[first + r] * q->per_error + codes->length[first + r] * q->per_length;
		/* written so that a NaN (an overflow of hostile factors) counts as reached */
		reached |= !(bound[r] < threshold);
	}
	return reached != 0;
}

static inline __attribute__((always_inline)) int64_t
scan(const RecCodes *codes, const Query *q, const float *rows, int64_t n, int stride, const float *x, const bool *mask,
	 RecTopK *top, BlockProducts products)
{
	int64_t		scored = 0;

	for (int64_t first = 0; first < n; first += REC_CODE_ROWS)
	{
		int32_t		product[REC_CODE_ROWS] __attribute__((aligned(64)));
		float		bound[REC_CODE_ROWS] __attribute__((aligned(64)));
		int			rows_here = n - first < REC_CODE_ROWS ? (int) (n - first) : REC_CODE_ROWS;

		products(codes->code + first * stride, q->code, q->groups, product);
		if (!block_reaches(codes, q, first, product, top->n == top->k ? top->entry[0].score : -INFINITY, bound))
			continue;
		for (int r = 0; r < rows_here; r++)
		{
			float		score;

			if (!mask[first + r] || (top->n == top->k && bound[r] < top->entry[0].score))
				continue;
			rec_score_rows(rows + (first + r) * stride, 1, stride, x, &score);
			rec_topk_offer(top, score, (int32_t) (first + r));
			scored++;
		}
	}
	return scored;
}

#ifdef X86
static inline __attribute__((always_inline, target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni"))) void
products_vnni(const uint8_t *block, const int8_t *x, int groups, int32_t *out)
{
	__m512i		a = _mm512_setzero_si512(),
				b = _mm512_setzero_si512();
	int32_t		four;
	int			g = 0;

	for (; g + 2 <= groups; g += 2)
	{
		memcpy(&four, x + g * 4, 4);
		a = _mm512_dpbusd_epi32(a, _mm512_load_si512(block + g * 64), _mm512_set1_epi32(four));
		memcpy(&four, x + g * 4 + 4, 4);
		b = _mm512_dpbusd_epi32(b, _mm512_load_si512(block + g * 64 + 64), _mm512_set1_epi32(four));
	}
	_mm512_store_si512(out, _mm512_add_epi32(a, b));
}

static __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni"))) int64_t
scan_vnni(const RecCodes *codes, const Query *q, const float *rows, int64_t n, int stride, const float *x,
		  const bool *mask, RecTopK *top)
{
	return scan(codes, q, rows, n, stride, x, mask, top, products_vnni);
}

/*
 * Pairs of products are added in 16 bits with saturation, which codes of the vector up to AVX2_LIMIT never reach: 2 * 255 * 63
 * is below 2^15. The coarser steps cost a few more rows that are scored, and halve the instructions.
 */
#define AVX2_LIMIT 63

static inline __attribute__((always_inline, target("avx2,fma"))) void
products_avx2(const uint8_t *block, const int8_t *x, int groups, int32_t *out)
{
	__m256i		ones = _mm256_set1_epi16(1),
				low = _mm256_setzero_si256(),
				high = _mm256_setzero_si256();

	for (int g = 0; g < groups; g++)
	{
		int32_t		four;
		__m256i		v;

		memcpy(&four, x + g * 4, 4);
		v = _mm256_set1_epi32(four);
		low = _mm256_add_epi32(low, _mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_load_si256((const __m256i *) (block + g * 64)), v), ones));
		high = _mm256_add_epi32(high, _mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_load_si256((const __m256i *) (block + g * 64 + 32)), v), ones));
	}
	_mm256_store_si256((__m256i *) out, low);
	_mm256_store_si256((__m256i *) (out + 8), high);
}

static __attribute__((target("avx2,fma"))) int64_t
scan_avx2(const RecCodes *codes, const Query *q, const float *rows, int64_t n, int stride, const float *x,
		  const bool *mask, RecTopK *top)
{
	return scan(codes, q, rows, n, stride, x, mask, top, products_avx2);
}
#endif

int64_t
rec_pick(const RecCodes *codes, const float *rows, int64_t n, int stride, const float *x, const bool *mask,
		 RecTopK *top, int8_t *scratch)
{
	Query		q;
	int			limit = 127;
#ifdef X86
	bool		vnni = __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vl"),
				avx2 = __builtin_cpu_supports("avx2");

	if (!vnni && avx2)
		limit = AVX2_LIMIT;
#endif
	if (top->k == 0)
		return 0;
	q = make_query(x, stride, limit, scratch);
#ifdef X86
	if (vnni)
		return scan_vnni(codes, &q, rows, n, stride, x, mask, top);
	if (avx2)
		return scan_avx2(codes, &q, rows, n, stride, x, mask, top);
#endif
	return scan(codes, &q, rows, n, stride, x, mask, top, products_generic);
}
