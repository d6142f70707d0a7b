/*
 * als_core: seconds per epoch of the extension's own ALS kernels, outside any database.
 *
 * Generates a reproducible power-law interaction matrix, trains, and prints for each epoch the
 * time, the objective that the kernels return, and the weighted squared error of the observed pairs
 * computed afresh (not timed).
 *
 *	 cc -O2 -std=gnu11 -Isrc -o als_core bench/als_core.c src/core/als*.c -lpthread -lm
 *	 ./als_core USERS ITEMS EVENTS FACTORS THREADS EPOCHS [cg|cholesky] [STEPS] [KERNEL]
 * [implicit|explicit] e.g. 138493 26744 20000000 64 2 5          (the shape of MovieLens 20M)
 *
 * alpha0 = 0.1, lambda = 5, nu = 0, weights 1 to 4; factors start as normal(0, 0.1 / sqrt(d)).
 */
#define _GNU_SOURCE
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "core/als.h"

enum
{
	CHUNK = 64, /* rows that a thread takes at a time */
	GRAM_CHUNK = 4096,
	MAX_THREADS = 64
};

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

/* Seconds of CPU that this process has used: what to compare on a machine that does other things as
 * well. */
static double
cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

static void *
take(size_t bytes)
{
	size_t huge = (size_t) 2 << 20;
	void  *p = aligned_alloc(huge, (bytes + huge) / huge * huge);

	if (p == NULL)
	{
		fprintf(stderr, "out of memory\n");
		exit(1);
	}
	madvise(p, (bytes + huge) / huge * huge, MADV_HUGEPAGE);
	return p;
}

static uint64_t state = 42;

static double
uniform(void)
{
	uint64_t z = (state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (double) ((z ^ (z >> 31)) >> 11) * 0x1.0p-53;
}

static double
normal(void)
{
	double radius = sqrt(-2 * log(1 - uniform()));

	return radius * cos(2 * M_PI * uniform());
}

static int
ascending(const void *a, const void *b)
{
	return *(const int32_t *) a - *(const int32_t *) b;
}

/* Draw one user's items; duplicates are dropped. */
static void
generate_user(int64_t want, int64_t items, const double *cdf, int32_t *column, float *value,
			  int64_t *n, int64_t room)
{
	int64_t  taste = (int64_t) (uniform() * (double) items);
	int32_t *row = malloc(4 * (size_t) want);

	for (int64_t k = 0; k < want; k++)
	{
		double  x = uniform() * cdf[items - 1];
		int64_t lo = 0, hi = items - 1;

		while (lo < hi)
		{
			int64_t mid = (lo + hi) / 2;

			if (cdf[mid] < x)
				lo = mid + 1;
			else
				hi = mid;
		}
		row[k] = (int32_t) (uniform() < 0.5 ? lo : (lo * 7 + taste) % items);
	}
	qsort(row, (size_t) want, 4, ascending);
	for (int64_t k = 0; k < want && *n < room; k++)
		if (k == 0 || row[k] != row[k - 1])
		{
			column[*n] = row[k];
			value[(*n)++] = 1 + floorf(4 * (float) uniform());
		}
	free(row);
}

/* Log-normal activity of users, items by a shifted Zipf law, half of the draws moved by the user's
 * taste. */
static RecMatrix
generate(int64_t users, int64_t items, int64_t events)
{
	int64_t *start = take(8 * (size_t) (users + 1));
	int32_t *column = take(4 * (size_t) events);
	float   *value = take(4 * (size_t) events);
	double  *activity = take(8 * (size_t) users);
	double  *cdf = take(8 * (size_t) items);
	double   total = 0, sum = 0, drawn = 1;
	int64_t  n = 0;

	for (int64_t u = 0; u < users; u++)
		total += activity[u] = exp(1.1 * normal());
	for (int64_t i = 0; i < items; i++)
		cdf[i] = sum += pow((double) i + 30, -1.05);
	start[0] = 0;
	for (int64_t u = 0; u < users; u++)
	{
		int64_t want = 1 + (int64_t) ((double) (events - n) * (activity[u] / total) *
									  (drawn / (double) (n + 1)));

		if (want > items / 2)
			want = items / 2;
		total -= activity[u];
		drawn += (double) want;
		generate_user(want, items, cdf, column, value, &n, events);
		start[u + 1] = n;
	}
	free(activity);
	free(cdf);
	return (RecMatrix){users, items, n, start, column, value};
}

static RecMatrix
transpose(const RecMatrix *a)
{
	int64_t *start = take(8 * (size_t) (a->ncols + 2));
	int32_t *column = take(4 * (size_t) a->nnz);
	float   *value = take(4 * (size_t) a->nnz);

	memset(start, 0, 8 * (size_t) (a->ncols + 2));
	for (int64_t k = 0; k < a->nnz; k++)
		start[a->column[k] + 2]++;
	for (int64_t i = 1; i <= a->ncols; i++)
		start[i + 1] += start[i];
	for (int64_t u = 0; u < a->nrows; u++)
		for (int64_t k = a->start[u]; k < a->start[u + 1]; k++)
		{
			int64_t q = start[a->column[k] + 1]++;

			column[q] = (int32_t) u;
			value[q] = a->value[k];
		}
	return (RecMatrix){a->ncols, a->nrows, a->nnz, start, column, value};
}

/* What the threads of a half-step share. */
typedef struct Job
{
	RecHalfStep       step;
	int64_t           next_gram, next_row;
	float            *parts;
	float            *gram;
	int               threads;
	size_t            scratch_size;
	RecLoss           loss; /* summed in any order: good enough to print */
	pthread_mutex_t   lock;
	pthread_barrier_t gram_done;
} Job;

static void
gram_parts(Job *job)
{
	const RecHalfStep *s = &job->step;
	int64_t            n = s->matrix->ncols;
	int64_t            part;

	while ((part = __sync_fetch_and_add(&job->next_gram, 1)) * GRAM_CHUNK < n)
	{
		int64_t from = part * GRAM_CHUNK;

		rec_als_gram(s->other + from * s->stride, n - from < GRAM_CHUNK ? n - from : GRAM_CHUNK,
					 s->stride, s->factors, job->parts + part * s->stride * s->stride);
	}
	if (pthread_barrier_wait(&job->gram_done) == PTHREAD_BARRIER_SERIAL_THREAD)
		rec_als_gram_sum(job->parts, (int) ((n + GRAM_CHUNK - 1) / GRAM_CHUNK), s->stride,
						 s->alpha0, job->gram);
	pthread_barrier_wait(&job->gram_done);
}

static void *
work(void *arg)
{
	Job             *job = arg;
	const RecMatrix *m = job->step.matrix;
	void            *scratch = take(job->scratch_size);
	RecLoss          loss = {0, 0};
	int64_t          lo;

	gram_parts(job);
	while ((lo = __sync_fetch_and_add(&job->next_row, CHUNK)) < m->nrows)
	{
		RecAlsStatus status = rec_als_rows(
			&job->step, lo, lo + CHUNK < m->nrows ? lo + CHUNK : m->nrows, scratch, &loss);

		if (status != REC_ALS_OK)
		{
			fprintf(stderr, "rows from %ld: status %d\n", (long) lo, (int) status);
			exit(1);
		}
	}
	free(scratch);
	pthread_mutex_lock(&job->lock);
	job->loss.objective += loss.objective;
	job->loss.penalty += loss.penalty;
	pthread_mutex_unlock(&job->lock);
	return NULL;
}

static RecLoss
half_step(Job *job, const RecMatrix *m, const float *other, float *self)
{
	pthread_t thread[MAX_THREADS];
	int64_t   longest = 0;

	for (int64_t u = 0; u < m->nrows; u++)
		if (m->start[u + 1] - m->start[u] > longest)
			longest = m->start[u + 1] - m->start[u];
	job->step.matrix = m;
	job->step.other = other;
	job->step.self = self;
	job->step.gram = job->gram;
	job->scratch_size = rec_als_scratch_size(&job->step, longest);
	job->next_gram = job->next_row = 0;
	job->loss = (RecLoss){0, 0};
	pthread_barrier_init(&job->gram_done, NULL, (unsigned) job->threads);
	for (int i = 0; i < job->threads; i++)
		pthread_create(&thread[i], NULL, work, job);
	for (int i = 0; i < job->threads; i++)
		pthread_join(thread[i], NULL);
	pthread_barrier_destroy(&job->gram_done);
	return job->loss;
}

/* Weighted squared error per observed pair. */
static double
observed_loss(const RecHalfStep *s, const RecMatrix *m, const float *x, const float *y)
{
	double sum = 0;

	for (int64_t u = 0; u < m->nrows; u++)
		for (int64_t k = m->start[u]; k < m->start[u + 1]; k++)
		{
			const float *a = x + u * s->stride;
			const float *b = y + (int64_t) m->column[k] * s->stride;
			float        e =
                s->explicit_feedback ? m->value[k] - s->mean - a[s->factors] - b[s->factors] : 1;

			for (int i = 0; i < s->factors; i++)
				e -= a[i] * b[i];
			sum += (double) ((s->explicit_feedback ? 1 : m->value[k]) * e * e);
		}
	return sum / (double) m->nnz;
}

int
main(int argc, char **argv)
{
	if (argc < 7)
	{
		fprintf(
			stderr,
			"usage: %s USERS ITEMS EVENTS FACTORS THREADS EPOCHS [cg|cholesky] [STEPS] [KERNEL] [implicit|explicit]\n",
			argv[0]);
		return 2;
	}

	const RecMatrix m = generate(atoll(argv[1]), atoll(argv[2]), atoll(argv[3]));
	const RecMatrix mt = transpose(&m);
	int             epochs = atoi(argv[6]);
	Job             job = {.threads = atoi(argv[5]), .lock = PTHREAD_MUTEX_INITIALIZER};
	RecHalfStep    *s = &job.step;
	double          elapsed = 0;

	s->factors = atoi(argv[4]);
	s->solver = argc > 7 && strcmp(argv[7], "cholesky") == 0 ? REC_SOLVER_CHOLESKY : REC_SOLVER_CG;
	s->cg_steps = argc > 8 ? atoi(argv[8]) : 3;
	if (argc > 9 && strcmp(argv[9], "best") != 0 && !rec_als_kernel_select(argv[9]))
	{
		fprintf(stderr, "no kernel %s here\n", argv[9]);
		return 2;
	}
	s->explicit_feedback = argc > 10 && strcmp(argv[10], "explicit") == 0;
	s->stride = rec_als_stride(s->factors, s->explicit_feedback);
	s->alpha0 = 0.1f;
	s->lambda = 5;
	s->mean = 2.5f;
	s->bias_penalty = 1;

	int64_t wide = m.nrows > m.ncols ? m.nrows : m.ncols;
	float  *x = take(4 * (size_t) s->stride * (size_t) m.nrows);
	float  *y = take(4 * (size_t) s->stride * (size_t) m.ncols);

	job.gram = take(4 * (size_t) s->stride * (size_t) s->stride);
	job.parts =
		take(4 * (size_t) s->stride * (size_t) s->stride * (size_t) (wide / GRAM_CHUNK + 1));
	for (int64_t u = 0; u < m.nrows; u++)
		rec_als_init_row(x + u * s->stride, s->factors, s->stride, 0.1 / sqrt(s->factors),
						 rec_als_key(1, 0, u));
	for (int64_t i = 0; i < m.ncols; i++)
		rec_als_init_row(y + i * s->stride, s->factors, s->stride, 0.1 / sqrt(s->factors),
						 rec_als_key(1, 1, i));
	printf("%ld users, %ld items, %ld interactions, %d factors, %d threads, kernel %s\n",
		   (long) m.nrows, (long) m.ncols, (long) m.nnz, s->factors, job.threads,
		   rec_als_kernel_name());
	for (int e = 1; e <= epochs; e++)
	{
		double  c0 = cpu();
		double  t0 = now();
		RecLoss users = half_step(&job, &m, y, x);
		double  t1 = now();
		RecLoss items = half_step(&job, &mt, x, y);
		double  t2 = now();
		double  c2 = cpu();

		elapsed += t2 - t0;
		printf(
			"epoch %d: %.3f s (users %.3f, items %.3f; cpu %.3f), elapsed %.2f, objective %.8g, observed loss per interaction %.6f\n",
			e, t2 - t0, t1 - t0, t2 - t1, c2 - c0, elapsed, items.objective + users.penalty,
			observed_loss(s, &m, x, y));
		fflush(stdout);
	}
	return 0;
}
