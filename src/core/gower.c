/*
 * gower.c
 *		Gower's distance. See gower.h.
 */
#include "core/gower.h"

#include <math.h>

/* Also where the range is more than a double holds. */
static double
numeric_distance(double a, double b, const RecGowerColumn *c)
{
	double		range = c->high - c->low;
	double		d;

	if (!(range > 0))
		return 0;
	d = isfinite(range) ? fabs(a - b) / range : fabs(a / 2 - b / 2) / (c->high / 2 - c->low / 2);
	return d < 1 ? d : 1;
}

double
rec_gower(const double *a, const double *b, const RecGowerColumn *column, int ncolumns)
{
	double		sum = 0;
	int			compared = 0;

	for (int c = 0; c < ncolumns; c++)
	{
		if (isnan(a[c]) || isnan(b[c]))
			continue;
		sum += column[c].numeric ? numeric_distance(a[c], b[c], &column[c]) : a[c] != b[c];
		compared++;
	}
	return compared > 0 ? sum / compared : NAN;
}

void
rec_nearest_offer(RecNearest *nearest, double distance, int64_t row)
{
	int			at = nearest->n;

	if (at == nearest->k)
	{
		if (at == 0 || distance > nearest->distance[at - 1] ||
			(distance == nearest->distance[at - 1] && row > nearest->row[at - 1]))
			return;
		at--;
	}
	else
		nearest->n++;
	for (; at > 0 && (nearest->distance[at - 1] > distance ||
					  (nearest->distance[at - 1] == distance && nearest->row[at - 1] > row)); at--)
	{
		nearest->distance[at] = nearest->distance[at - 1];
		nearest->row[at] = nearest->row[at - 1];
	}
	nearest->distance[at] = distance;
	nearest->row[at] = row;
}
