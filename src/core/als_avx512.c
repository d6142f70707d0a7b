/*
 * als_avx512.c
 *		The ALS kernel for x86-64 with AVX512.
 */
#if defined(__x86_64__)
#define REC_ISA REC_ISA_AVX512

#include "als_kernel.h"
#include "simd.h"

REC_TARGET_BEGIN

#include "als_cg_impl.h"
#include "als_exact_impl.h"
#include "als_rows_impl.h"
#include "als_tile_impl.h"

REC_TARGET_END

const RecKernel rec_kernel_avx512 = {"avx512", kernel_rows, kernel_explain, gram_rows,
	tile_add, tile_subtract, tile_factor, tile_solve};
#else
typedef int rec_no_such_kernel; /* a translation unit may not be empty */
#endif
