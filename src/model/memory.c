/*
 * memory.c
 *		Huge pages. See memory.h.
 */
#include "model/memory.h"

#include <sys/mman.h>

#define LEAST (4 * 1024 * 1024)

void
rec_advise_huge(void *memory, Size size)
{
#ifdef MADV_HUGEPAGE
	uintptr_t	from = TYPEALIGN(4096, (uintptr_t) memory);
	uintptr_t	to = ((uintptr_t) memory + size) & ~(uintptr_t) 4095;

	if (to > from && to - from >= LEAST)
		(void) madvise((void *) from, to - from, MADV_HUGEPAGE);
#endif
}
