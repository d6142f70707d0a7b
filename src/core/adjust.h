/*
 * adjust.h
 *		p-values adjusted for the number of tests in a family.
 *
 * As R's p.adjust() and statsmodels' multipletests() define them; NaN stands for "no test", is kept and not counted.
 */
#ifndef REC_ADJUST_H
#define REC_ADJUST_H

#include <stdbool.h>
#include <stdint.h>

typedef enum RecAdjustMethod
{
	REC_ADJUST_NONE,
	REC_ADJUST_BONFERRONI,		/* family-wise error: m p */
	REC_ADJUST_HOLM,			/* family-wise error, step-down: never above Bonferroni's */
	REC_ADJUST_BH				/* false discovery rate, Benjamini and Hochberg 1995 */
} RecAdjustMethod;

/* The names users write: none, bonferroni, holm, bh (or fdr, fdr_bh). False: there is no such method. */
extern bool rec_adjust_method(const char *name, RecAdjustMethod *method);

/* Adjusts p[0 .. n-1] in place, in the order given; `order` is scratch for n numbers. */
extern void rec_adjust_p(double *p, int64_t n, RecAdjustMethod method, int64_t *order);

#endif							/* REC_ADJUST_H */
