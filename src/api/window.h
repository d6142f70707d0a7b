/*
 * window.h
 *		What window functions in C share. They work on the whole partition, whatever the frame, as rank() and ntile() do.
 */
#ifndef REC_WINDOW_H
#define REC_WINDOW_H

#include "compat.h"

#include "fmgr.h"
#include "windowapi.h"

/* The window of the call; an error outside of one. */
extern WindowObject rec_window(FunctionCallInfo fcinfo);

/*
 * State of the partition: zeroed at its first row. *first tells whether this is the first call for it (the struct begins with
 * a bool that is set then). rec_window_context() is where what it points to lives.
 */
extern void *rec_window_state(WindowObject window, Size size, bool *first);
extern MemoryContext rec_window_context(void *state);

/* Rows of the partition; positions in it are int, so an error beyond. */
extern int64 rec_window_rows(WindowObject window);

/* Calls take() with argument arg of each row of the partition, or only where it is not null. */
extern void rec_window_each(WindowObject window, int arg, bool nulls, void (*take) (void *to, Datum value, bool isnull),
							void *to);

/* Arguments that are meant to be constant: at the current row. NULL is an error that names it. */
extern Datum rec_window_constant(WindowObject window, int arg, const char *name);

#endif							/* REC_WINDOW_H */
