/*
 * unit.h
 *		The least that a C unit test needs: checks that print TAP lines, and an exit code.
 *
 * A test calls check() or check_near() for each assertion (they go on after a failure) and ends
 * with `return unit_done();`.
 */
#ifndef REC_UNIT_H
#define REC_UNIT_H

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

static int unit_count = 0;
static int unit_failed = 0;

/* check(condition, "what holds, as for printf") */
__attribute__((format(printf, 2, 3), unused)) static bool
check(bool condition, const char *format, ...)
{
	va_list args;

	unit_count++;
	unit_failed += condition ? 0 : 1;
	printf("%s %d - ", condition ? "ok" : "not ok", unit_count);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	return condition;
}

/* |got - expected| <= tolerance * max(1, |expected|); false for NaN */
__attribute__((unused)) static bool
check_near(double got, double expected, double tolerance, const char *what)
{
	bool near = fabs(got - expected) <= tolerance * fmax(1, fabs(expected));

	return check(near, "%s: %.9g, expected %.9g", what, got, expected);
}

static int
unit_done(void)
{
	printf("1..%d\n", unit_count);
	if (unit_failed > 0)
		fprintf(stderr, "# %d of %d checks failed\n", unit_failed, unit_count);
	return unit_failed > 0;
}

#endif /* REC_UNIT_H */
