/*
 * memory.h
 *		Huge pages under large blocks of memory: less time for page faults, and less for reaching what is far apart.
 */
#ifndef REC_MEMORY_H
#define REC_MEMORY_H

#include "compat.h"

/* Only a hint: where it is refused all is slower and nothing else. */
extern void rec_advise_huge(void *memory, Size size);

#endif							/* REC_MEMORY_H */
