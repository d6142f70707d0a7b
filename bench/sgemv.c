/*
 * sgemv: milliseconds of one cblas_sgemv with one thread over ITEMS x FACTORS floats, the yardstick of scoring all items.
 *
 *	 cc -O3 -march=native -ffast-math -o sgemv bench/sgemv.c -ldl
 *	 ./sgemv ITEMS FACTORS REPETITIONS		prints the median
 *
 * OpenBLAS is opened at run time: the library named by OPENBLAS, or libopenblas.so.0. Without one a plain loop serves, which is
 * bound by memory bandwidth just the same; the second word of the output says which.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef void (*Sgemv) (int order, int trans, int m, int n, float alpha, const float *a, int lda, const float *x, int incx,
					   float beta, float *y, int incy);

static void
plain(int order, int trans, int m, int n, float alpha, const float *a, int lda, const float *x, int incx, float beta,
	  float *y, int incy)
{
	(void) order, (void) trans, (void) incx, (void) beta, (void) incy;
	for (long i = 0; i < m; i++)
	{
		float		s = 0;

		for (int c = 0; c < n; c++)
			s += a[i * lda + c] * x[c];
		y[i] = alpha * s;
	}
}

static int
compare(const void *a, const void *b)
{
	return (*(const double *) a > *(const double *) b) - (*(const double *) a < *(const double *) b);
}

int
main(int argc, char **argv)
{
	long		n = argc > 1 ? atol(argv[1]) : 1000000;
	int			d = argc > 2 ? atoi(argv[2]) : 64;
	int			times = argc > 3 ? atoi(argv[3]) : 5;
	float	   *a,
			   *x,
			   *y;
	double	   *ms;
	void	   *library;
	Sgemv		sgemv;

	setenv("OPENBLAS_NUM_THREADS", "1", 1);
	library = dlopen(getenv("OPENBLAS") ? getenv("OPENBLAS") : "libopenblas.so.0", RTLD_NOW);
	sgemv = library ? (Sgemv) dlsym(library, "cblas_sgemv") : NULL;
	a = aligned_alloc(64, (size_t) n * d * sizeof(float));
	x = malloc(d * sizeof(float));
	y = malloc(n * sizeof(float));
	ms = malloc(times * sizeof(double));
	if (n < 1 || d < 1 || times < 1 || !a || !x || !y || !ms)
		return 1;
	for (long i = 0; i < n * d; i++)
		a[i] = (float) (i % 101) / 101 - 0.5f;
	for (int c = 0; c < d; c++)
		x[c] = (float) c / d - 0.5f;
	for (int t = -1; t < times; t++)
	{
		struct timespec from,
					to;

		clock_gettime(CLOCK_MONOTONIC, &from);
		/* row-major, not transposed */
		(sgemv ? sgemv : plain) (101, 111, (int) n, d, 1, a, d, x, 1, 0, y, 1);
		clock_gettime(CLOCK_MONOTONIC, &to);
		if (t >= 0)
			ms[t] = (to.tv_sec - from.tv_sec) * 1e3 + (to.tv_nsec - from.tv_nsec) / 1e6;
	}
	qsort(ms, times, sizeof(double), compare);
	printf("%.3f %s\n", ms[times / 2], sgemv ? "cblas_sgemv" : "loop");
	return y[n / 2] != y[n / 2];
}
