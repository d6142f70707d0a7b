/*
 * als_yardstick: how fast one epoch of implicit-feedback ALS can go on this machine, outside any database.
 *
 * Generates a reproducible power-law interaction matrix, then either writes it as text for COPY or times epochs
 * (both half-steps) of conjugate-gradient ALS with two threads. Compare a training run on the same data with the
 * seconds per epoch that this prints in the same session; absolute times differ between machines and moments.
 *
 *   cc -O3 -march=native -ffast-math -o als_yardstick als_yardstick.c -lpthread -lm
 *   ./als_yardstick copy  USERS ITEMS EVENTS            > events.tsv     user TAB item TAB value
 *   ./als_yardstick train USERS ITEMS EVENTS FACTORS THREADS EPOCHS
 *   e.g. 138493 26744 20000000 (the shape of MovieLens 20M), 64 factors, 2 threads
 * Prints for each epoch its seconds (and of CPU, all threads), the loss of the observed pairs
 * and the whole objective below, both per interaction.
 *
 * Objective: sum over observed of w (1 - <x,y>)^2 + alpha0 * sum over all <x,y>^2 + lambda (|X|^2 + |Y|^2), w = value.
 */
#define _GNU_SOURCE
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CG_STEPS = 3, CHUNK = 64, AHEAD = 8 };
static const float ALPHA0 = 0.1f, LAMBDA = 5.0f;

typedef struct { int64_t rows, cols, nnz; int64_t *ptr; int32_t *idx; float *val; } Csr;
typedef struct { const Csr *m; const float *other, *gram; float *out; int d; int64_t *next, longest; } Job;

static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec + 1e-9 * t.tv_nsec; }

static double cpu(void) { struct timespec t; clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); return t.tv_sec + 1e-9 * t.tv_nsec; }

static uint64_t state = 42;
static double uniform(void)                     /* splitmix64 */
{
	uint64_t z = (state += 0x9e3779b97f4a7c15u);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return ((z ^ (z >> 31)) >> 11) * 0x1.0p-53;
}
static double normal(void) { return sqrt(-2 * log(1 - uniform())) * cos(2 * M_PI * uniform()); }
static int by_value(const void *a, const void *b) { return *(const int32_t *) a - *(const int32_t *) b; }

/*
 * Log-normal activity, items by a shifted Zipf law with a per-user taste offset, duplicates dropped. How many to draw
 * for a user follows from what is still wanted and from the share that survived so far, so the total ends near EVENTS.
 */
static Csr generate(int64_t users, int64_t items, int64_t events)
{
	Csr m = {users, items, 0, malloc(8 * (users + 1)), malloc(4 * events), malloc(4 * events)};
	double *act = malloc(8 * users), *cdf = malloc(8 * items), total = 0, z = 0, drawn = 1;
	int32_t *row = malloc(4 * items);

	for (int64_t u = 0; u < users; u++) total += act[u] = exp(1.1 * normal());
	for (int64_t i = 0; i < items; i++) cdf[i] = z += pow(i + 30.0, -1.05);
	m.ptr[0] = 0;
	for (int64_t u = 0; u < users; u++) {
		int64_t want = 1 + (int64_t) ((events - m.nnz) * (act[u] / total) * (drawn / (m.nnz + 1))), n = 0;
		if (want > items / 2) want = items / 2;
		total -= act[u];
		drawn += want;
		int64_t taste = (int64_t) (uniform() * items);
		for (int64_t k = 0; k < want; k++) {
			double x = uniform() * z;
			int64_t lo = 0, hi = items - 1;
			while (lo < hi) { int64_t mid = (lo + hi) / 2; if (cdf[mid] < x) lo = mid + 1; else hi = mid; }
			row[n++] = (int32_t) (uniform() < 0.5 ? lo : (lo * 7 + taste) % items);
		}
		qsort(row, n, 4, by_value);
		for (int64_t k = 0; k < n && m.nnz < events; k++)
			if (k == 0 || row[k] != row[k - 1]) { m.idx[m.nnz] = row[k]; m.val[m.nnz++] = 1 + floorf(4 * (float) uniform()); }
		m.ptr[u + 1] = m.nnz;
	}
	free(act); free(cdf); free(row);
	return m;
}

static Csr transpose(const Csr *a)
{
	Csr t = {a->cols, a->rows, a->nnz, calloc(a->cols + 1, 8), malloc(4 * a->nnz), malloc(4 * a->nnz)};
	int64_t *at = malloc(8 * t.rows);
	for (int64_t k = 0; k < a->nnz; k++) t.ptr[a->idx[k] + 1]++;
	for (int64_t i = 0; i < t.rows; i++) { t.ptr[i + 1] += t.ptr[i]; at[i] = t.ptr[i]; }
	for (int64_t u = 0; u < a->rows; u++)
		for (int64_t k = a->ptr[u]; k < a->ptr[u + 1]; k++) { int64_t q = at[a->idx[k]]++; t.idx[q] = (int32_t) u; t.val[q] = a->val[k]; }
	free(at);
	return t;
}

static inline float dot(const float *a, const float *b, int d) { float s = 0; for (int i = 0; i < d; i++) s += a[i] * b[i]; return s; }
static inline void axpy(float *y, float a, const float *x, int d) { for (int i = 0; i < d; i++) y[i] += a * x[i]; }

static void *solve_rows(void *arg)
{
	const Job *j = arg; const Csr *m = j->m; const int d = j->d;
	float *r = aligned_alloc(64, 4 * d), *p = aligned_alloc(64, 4 * d), *ap = aligned_alloc(64, 4 * d);
	float *panel = aligned_alloc(64, (size_t) 4 * d * (j->longest + 1));

	for (;;) {
		int64_t lo = __sync_fetch_and_add(j->next, CHUNK), hi = lo + CHUNK < m->rows ? lo + CHUNK : m->rows;
		if (lo >= m->rows) break;
		for (int64_t u = lo; u < hi; u++) {
			const int64_t s = m->ptr[u], n = m->ptr[u + 1] - s;
			const float *w = m->val + s;
			float *x = j->out + u * d, rs;
			if (n == 0) { memset(x, 0, 4 * d); continue; }
			memset(r, 0, 4 * d);
			for (int a = 0; a < d; a++) axpy(r, -x[a], j->gram + a * d, d);
			for (int64_t k = 0; k < n; k++) {
				if (k + AHEAD < n) for (int c = 0; c < 4 * d; c += 64) __builtin_prefetch((const char *) (j->other + (int64_t) m->idx[s + k + AHEAD] * d) + c);
				const float *y = j->other + (int64_t) m->idx[s + k] * d;
				memcpy(panel + k * d, y, 4 * d);
				axpy(r, w[k] * (1 - dot(y, x, d)), y, d);
			}
			memcpy(p, r, 4 * d);
			rs = dot(r, r, d);
			for (int step = 0; step < CG_STEPS && rs > 1e-20f; step++) {
				int64_t k = 0;
				memset(ap, 0, 4 * d);
				for (int a = 0; a < d; a++) axpy(ap, p[a], j->gram + a * d, d);
				for (; k + 4 <= n; k += 4) {
					const float *y0 = panel + k * d, *y1 = y0 + d, *y2 = y1 + d, *y3 = y2 + d;
					float s0 = 0, s1 = 0, s2 = 0, s3 = 0;
					for (int i = 0; i < d; i++) { s0 += y0[i] * p[i]; s1 += y1[i] * p[i]; s2 += y2[i] * p[i]; s3 += y3[i] * p[i]; }
					s0 *= w[k]; s1 *= w[k + 1]; s2 *= w[k + 2]; s3 *= w[k + 3];
					for (int i = 0; i < d; i++) ap[i] += s0 * y0[i] + s1 * y1[i] + s2 * y2[i] + s3 * y3[i];
				}
				for (; k < n; k++) axpy(ap, w[k] * dot(panel + k * d, p, d), panel + k * d, d);
				const float a = rs / dot(p, ap, d);
				axpy(x, a, p, d); axpy(r, -a, ap, d);
				const float rn = dot(r, r, d), b = rn / rs;
				for (int i = 0; i < d; i++) p[i] = r[i] + b * p[i];
				rs = rn;
			}
		}
	}
	free(r); free(p); free(ap); free(panel);
	return NULL;
}

static void half_step(const Csr *m, const float *other, float *out, int d, int threads, float *gram)
{
	int64_t next = 0, longest = 0;
	pthread_t t[64];
	memset(gram, 0, 4 * (size_t) d * d);
	for (int64_t i = 0; i < m->cols; i++) for (int a = 0; a < d; a++) axpy(gram + a * d, ALPHA0 * other[i * d + a], other + i * d, d);
	for (int a = 0; a < d; a++) gram[a * d + a] += LAMBDA;
	for (int64_t u = 0; u < m->rows; u++) if (m->ptr[u + 1] - m->ptr[u] > longest) longest = m->ptr[u + 1] - m->ptr[u];
	Job job = {m, other, gram, out, d, &next, longest};
	for (int i = 0; i < threads; i++) pthread_create(&t[i], NULL, solve_rows, &job);
	for (int i = 0; i < threads; i++) pthread_join(t[i], NULL);
}

/* out (d x d, double) = rows' * rows */
static double *gram_double(const float *row, int64_t n, int d)
{
	double *g = calloc((size_t) d * d, 8);
	for (int64_t i = 0; i < n; i++)
		for (int a = 0; a < d; a++) for (int b = 0; b < d; b++) g[a * d + b] += (double) row[i * d + a] * row[i * d + b];
	return g;
}

/* alpha0 * sum over all <x,y>^2, which is the inner product of both Gram matrices, and the penalty */
static double rest_of_objective(const float *x, int64_t users, const float *y, int64_t items, int d)
{
	double *gx = gram_double(x, users, d), *gy = gram_double(y, items, d), all = 0, squares = 0;
	for (int k = 0; k < d * d; k++) all += gx[k] * gy[k];
	for (int a = 0; a < d; a++) squares += gx[a * d + a] + gy[a * d + a];
	free(gx); free(gy);
	return ALPHA0 * all + LAMBDA * squares;
}

int main(int argc, char **argv)
{
	if (argc < 5) { fprintf(stderr, "usage: %s copy|train USERS ITEMS EVENTS [FACTORS THREADS EPOCHS]\n", argv[0]); return 2; }
	const Csr m = generate(atoll(argv[2]), atoll(argv[3]), atoll(argv[4]));
	if (argv[1][0] == 'c') {
		for (int64_t u = 0; u < m.rows; u++) for (int64_t k = m.ptr[u]; k < m.ptr[u + 1]; k++) printf("%ld\t%d\t%g\n", (long) u + 1, m.idx[k] + 1, m.val[k]);
		return 0;
	}
	const int d = argc > 5 ? atoi(argv[5]) : 64, threads = argc > 6 ? atoi(argv[6]) : 2, epochs = argc > 7 ? atoi(argv[7]) : 5;
	const Csr mt = transpose(&m);
	float *x = aligned_alloc(64, (size_t) 4 * d * m.rows), *y = aligned_alloc(64, (size_t) 4 * d * m.cols), *gram = aligned_alloc(64, (size_t) 4 * d * d);
	for (int64_t i = 0; i < (int64_t) d * m.rows; i++) x[i] = (float) (0.1 / sqrt(d) * normal());
	for (int64_t i = 0; i < (int64_t) d * m.cols; i++) y[i] = (float) (0.1 / sqrt(d) * normal());
	printf("%ld users, %ld items, %ld interactions, %d factors, %d threads\n", (long) m.rows, (long) m.cols, (long) m.nnz, d, threads);
	for (int e = 1; e <= epochs; e++) {
		double t0 = now(), c0 = cpu();
		half_step(&m, y, x, d, threads, gram);
		half_step(&mt, x, y, d, threads, gram);
		double t1 = now(), c1 = cpu(), loss = 0;
		for (int64_t u = 0; u < m.rows; u++) for (int64_t k = m.ptr[u]; k < m.ptr[u + 1]; k++) { float q = 1 - dot(x + u * d, y + (int64_t) m.idx[k] * d, d); loss += m.val[k] * q * q; }
		printf("epoch %d: %.3f s, %.3f s of CPU, observed loss per interaction %.6f, objective %.6f\n", e, t1 - t0, c1 - c0,
			   loss / m.nnz, (loss + rest_of_objective(x, m.rows, y, m.cols, d)) / m.nnz);
		fflush(stdout);
	}
	return 0;
}
