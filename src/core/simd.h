/*
 * simd.h
 *		The few vector operations that the ALS kernels are written in, for one instruction set.
 *
 * A kernel file defines REC_ISA, includes this header, then REC_TARGET_BEGIN, the templates
 * als_*_impl.h and REC_TARGET_END, and so gets its own static copy of every kernel.  That needs no
 * compiler flags for the files and no function of one instruction set is ever inlined into another.
 * Multiply-adds of vectors are explicit, not left to the compiler's contraction.  A few scalar ones
 * in the triangular solves are not, so bits are promised for one build and one kernel, no more.
 *
 *	vf		VW floats; VW divides 16, hence every stride
 *	quad	four floats that belong to four neighbouring observations, repeated in every 128-bit part
 */
#ifndef REC_SIMD_H
#define REC_SIMD_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define REC_ISA_BASE 0
#define REC_ISA_AVX2 1
#define REC_ISA_AVX512 2

#if REC_ISA != REC_ISA_BASE
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define UNLIKELY(x) __builtin_expect((x), 0)

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

#if REC_ISA == REC_ISA_AVX512
#define REC_TARGET "avx512f,avx512dq,avx512vl,avx512bw,avx2,fma"
#elif REC_ISA == REC_ISA_AVX2
#define REC_TARGET "avx2,fma"
#endif

#define REC_STRINGIZE(x) #x
#if REC_ISA == REC_ISA_BASE
#define REC_TARGET_BEGIN
#define REC_TARGET_END
#elif defined(__clang__)
#define REC_CLANG_PUSH(t) \
	REC_STRINGIZE(clang attribute push(__attribute__((target(t))), apply_to = function))
#define REC_TARGET_BEGIN _Pragma(REC_CLANG_PUSH(REC_TARGET))
#define REC_TARGET_END _Pragma("clang attribute pop")
#else
#define REC_GCC_TARGET(t) REC_STRINGIZE(GCC target(t))
#define REC_TARGET_BEGIN _Pragma("GCC push_options") _Pragma(REC_GCC_TARGET(REC_TARGET))
#define REC_TARGET_END _Pragma("GCC pop_options")
#endif

REC_TARGET_BEGIN

#if REC_ISA == REC_ISA_AVX512

enum
{
	VW = 16
};
typedef __m512 vf;
typedef __m512 quad;

#define v_zero() _mm512_setzero_ps()
#define v_set1(s) _mm512_set1_ps(s)
#define v_load(p) _mm512_load_ps(p)
#define v_store(p, v) _mm512_store_ps(p, v)
#define v_add(a, b) _mm512_add_ps(a, b)
#define v_sub(a, b) _mm512_sub_ps(a, b)
#define v_mul(a, b) _mm512_mul_ps(a, b)
#define v_fma(a, b, c) _mm512_fmadd_ps(a, b, c)
#define v_fnma(a, b, c) _mm512_fnmadd_ps(a, b, c)
#define v_sum(a) _mm512_reduce_add_ps(a)
#define quad_load(p) _mm512_broadcast_f32x4(_mm_loadu_ps(p))
#define quad_set(a, b, c, d) _mm512_broadcast_f32x4(_mm_setr_ps(a, b, c, d))
#define quad_abs(q) _mm512_andnot_ps(_mm512_set1_ps(-0.0f), q)
#define quad_sqrt(q) _mm512_sqrt_ps(q)
/* 1 where q > 0, else 0 */
#define quad_positive(q) \
	_mm512_maskz_mov_ps(_mm512_cmp_ps_mask(q, _mm512_setzero_ps(), _CMP_GT_OQ), _mm512_set1_ps(1))
#define quad_splat(q, i) _mm512_permute_ps(q, 0x55 * (i))

/* The sums of four vectors. */
ALWAYS_INLINE quad
quad_sums(vf a, vf b, vf c, vf d)
{
	vf ab = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
	vf cd = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
	vf s = _mm512_add_ps(_mm512_shuffle_ps(ab, cd, 0x44), _mm512_shuffle_ps(ab, cd, 0xee));

	s = _mm512_add_ps(s, _mm512_shuffle_f32x4(s, s, 0x4e));
	return _mm512_add_ps(s, _mm512_shuffle_f32x4(s, s, 0xb1));
}

ALWAYS_INLINE float
quad_total(quad q)
{
	__m128 s = _mm512_castps512_ps128(q);

	s = _mm_add_ps(s, _mm_movehl_ps(s, s));
	return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

#elif REC_ISA == REC_ISA_AVX2

enum
{
	VW = 8
};
typedef __m256 vf;
typedef __m256 quad;

#define v_zero() _mm256_setzero_ps()
#define v_set1(s) _mm256_set1_ps(s)
#define v_load(p) _mm256_load_ps(p)
#define v_store(p, v) _mm256_store_ps(p, v)
#define v_add(a, b) _mm256_add_ps(a, b)
#define v_sub(a, b) _mm256_sub_ps(a, b)
#define v_mul(a, b) _mm256_mul_ps(a, b)
#define v_fma(a, b, c) _mm256_fmadd_ps(a, b, c)
#define v_fnma(a, b, c) _mm256_fnmadd_ps(a, b, c)
#define quad_load(p) _mm256_broadcast_ps((const __m128 *) (p))
#define quad_set(a, b, c, d) _mm256_setr_ps(a, b, c, d, a, b, c, d)
#define quad_abs(q) _mm256_andnot_ps(_mm256_set1_ps(-0.0f), q)
#define quad_sqrt(q) _mm256_sqrt_ps(q)
#define quad_positive(q) \
	_mm256_and_ps(_mm256_cmp_ps(q, _mm256_setzero_ps(), _CMP_GT_OQ), _mm256_set1_ps(1))
#define quad_splat(q, i) _mm256_permute_ps(q, 0x55 * (i))

ALWAYS_INLINE quad
quad_sums(vf a, vf b, vf c, vf d)
{
	vf s = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));

	return _mm256_add_ps(s, _mm256_permute2f128_ps(s, s, 1));
}

ALWAYS_INLINE float
quad_total(quad q)
{
	__m128 s = _mm256_castps256_ps128(q);

	s = _mm_add_ps(s, _mm_movehl_ps(s, s));
	return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

#define v_sum(a) quad_total(_mm256_add_ps(a, _mm256_permute2f128_ps(a, a, 1)))

#else /* four lanes: SSE2, NEON, or whatever the compiler makes of them */

enum
{
	VW = 4
};
typedef float   vf __attribute__((vector_size(16)));
typedef float   vf_unaligned __attribute__((vector_size(16), aligned(4), may_alias));
typedef int32_t vi __attribute__((vector_size(16)));
typedef vf      quad;

#define v_set1(s) ((vf){(s), (s), (s), (s)})
#define v_zero() v_set1(0)
#define v_load(p) (*(const vf *) (p))
#define v_store(p, v) (*(vf *) (p) = (v))
#define v_add(a, b) ((a) + (b))
#define v_sub(a, b) ((a) - (b))
#define v_mul(a, b) ((a) * (b))
#if defined(__aarch64__)
#define v_fma(a, b, c) ((vf) vfmaq_f32((float32x4_t) (c), (float32x4_t) (a), (float32x4_t) (b)))
#define v_fnma(a, b, c) ((vf) vfmsq_f32((float32x4_t) (c), (float32x4_t) (a), (float32x4_t) (b)))
#else
#define v_fma(a, b, c) ((a) * (b) + (c))
#define v_fnma(a, b, c) ((c) - (a) * (b))
#endif
#define quad_load(p) ((vf) * (const vf_unaligned *) (p))
#define quad_set(a, b, c, d) ((vf){(a), (b), (c), (d)})
#define quad_abs(q) ((vf) ((vi) (q) & (vi){INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX}))
#define quad_sqrt(q)                                                                 \
	((vf){__builtin_sqrtf((q)[0]), __builtin_sqrtf((q)[1]), __builtin_sqrtf((q)[2]), \
		  __builtin_sqrtf((q)[3])})
#define quad_positive(q) ((vf) (((q) > v_zero()) & (vi) v_set1(1)))
#define quad_splat(q, i) __builtin_shufflevector(q, q, i, i, i, i)

ALWAYS_INLINE quad
quad_sums(vf a, vf b, vf c, vf d)
{
	vf ab = __builtin_shufflevector(a, b, 0, 4, 1, 5) + __builtin_shufflevector(a, b, 2, 6, 3, 7);
	vf cd = __builtin_shufflevector(c, d, 0, 4, 1, 5) + __builtin_shufflevector(c, d, 2, 6, 3, 7);

	return __builtin_shufflevector(ab, cd, 0, 1, 4, 5) +
		   __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
}

#define quad_total(q) (((q)[0] + (q)[2]) + ((q)[1] + (q)[3]))
#define v_sum(a) quad_total(a)

#endif

/* Dot product, and y += s x, of n floats, a multiple of VW, aligned. */
ALWAYS_INLINE float
v_dot(const float *a, const float *b, int n)
{
	vf s = v_zero();

	for (int i = 0; i < n; i += VW)
		s = v_fma(v_load(a + i), v_load(b + i), s);
	return v_sum(s);
}

ALWAYS_INLINE void
v_axpy(float *y, float s, const float *x, int n)
{
	vf scale = v_set1(s);

	for (int i = 0; i < n; i += VW)
		v_store(y + i, v_fma(scale, v_load(x + i), v_load(y + i)));
}

REC_TARGET_END

#endif /* REC_SIMD_H */
