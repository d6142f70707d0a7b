/*
 * ease.c
 *		Inverting the matrix of EASE with parallel workers. See ease.h.
 *
 * A step of core/ease.h is a task of the crew, and a unit of it a chunk. Results do not depend on who does which unit.
 */
#include "model/ease.h"

#include <math.h>

#include "model/progress.h"
#include "model/solve.h"
#include "portability/instr_time.h"

typedef struct Shared
{
	RecCrewBlock crew;
	int			n;
	RecEasePhase phase;			/* the open step: its units from `first` on */
	int			step;
	int			first;
	pg_atomic_uint32 failed;
} Shared;

#define TILES TYPEALIGN(64, sizeof(Shared))	/* offset */

static RecTiles
tiles_of(Shared *s)
{
	RecTiles	t;

	rec_ease_layout(&t, s->n, (float *) ((char *) s + TILES));
	return t;
}

Size
rec_ease_scratch(const void *block)
{
	return 0;
}

void
rec_ease_chunk(void *block, int chunk, void *scratch)
{
	Shared	   *s = block;
	RecTiles	t = tiles_of(s);

	if (!rec_ease_unit(&t, s->phase, s->step, s->first + chunk))
		pg_atomic_write_u32(&s->failed, 1);
}

Size
rec_ease_memory(int n)
{
	return add_size(TILES, mul_size(rec_ease_floats(n), sizeof(float)));
}

void
rec_ease_create(RecEase *ease, int n)
{
	Shared		plan = {.crew = {.size = rec_ease_memory(n), .work = REC_CREW_EASE}, .n = n};
	Shared	   *s;

	ease->crew = rec_crew_create(&plan.crew, sizeof(plan), (double) n * n * n / 16);
	s = rec_crew_block(ease->crew);
	pg_atomic_init_u32(&s->failed, 0);
	ease->tiles = tiles_of(s);
}

static void
run(RecEase *ease, int first, int units)
{
	Shared	   *s = rec_crew_block(ease->crew);

	if (units <= first)
		return;
	s->first = first;
	rec_crew_run(ease->crew, units - first);
	if (pg_atomic_read_u32(&s->failed))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("the matrix of the items cannot be inverted"),
				 errdetail("It is not positive definite in single precision."),
				 errhint("Raise regularization, or use weight_transform \"binary\".")));
}

static void
report_progress(const RecTiles *t, RecEasePhase phase, int step, instr_time start)
{
	double		x = (double) (step + 1) / t->side,
				part = phase == REC_EASE_FACTOR ? x * x * (3 - 2 * x) : phase == REC_EASE_INVERT ? x * x * x :
		1 - (1 - x) * (1 - x) * (1 - x),
				done = (phase + part) / 3;
	instr_time	now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, start);
	rec_progress_epoch(0, NAN, NAN, INSTR_TIME_GET_DOUBLE(now) * (1 - done) / Max(done, 1e-6));
}

void
rec_ease_invert(RecEase *ease)
{
	Shared	   *s = rec_crew_block(ease->crew);
	RecTiles   *t = &ease->tiles;
	instr_time	start;

	INSTR_TIME_SET_CURRENT(start);
	rec_crew_launch(ease->crew);
	for (int phase = REC_EASE_FACTOR; phase <= REC_EASE_MULTIPLY; phase++)
		for (int step = 0; step < t->side; step++)
		{
			int			units = rec_ease_units(t, phase, step),
						alone = phase == REC_EASE_FACTOR ? 1 : 0;

			s->phase = phase;
			s->step = step;
			rec_ease_prepare(t, phase, step);
			run(ease, 0, alone);
			run(ease, alone, units);
			report_progress(t, phase, step, start);
		}
	rec_crew_finish(ease->crew);
}

void
rec_ease_release(RecEase *ease)
{
	rec_crew_release(ease->crew);
}
