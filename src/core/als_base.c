/*
 * als_base.c
 *		The ALS kernel for the baseline of the machine: SSE2, NEON, or plain C.
 */
#define REC_ISA REC_ISA_BASE

#include "als_kernel.h"
#include "simd.h"

#if defined(__x86_64__)
#define BASE_NAME "sse2"
#elif defined(__aarch64__)
#define BASE_NAME "neon"
#else
#define BASE_NAME "generic"
#endif
REC_TARGET_BEGIN

#include "als_cg_impl.h"
#include "als_exact_impl.h"
#include "als_rows_impl.h"
#include "als_tile_impl.h"

REC_TARGET_END

const RecKernel rec_kernel_base = {BASE_NAME, kernel_rows, kernel_explain, gram_rows,
	tile_add, tile_subtract, tile_factor, tile_solve};
