/*
 * shrink.c
 *		Beta shrinkage with moments from the catalogue. See shrink.h.
 */
#include "shrink.h"

#include <math.h>

#define LEAST_STRENGTH 1.0		/* of the prior, in users */
#define MOST_STRENGTH 1000.0

void
rec_shrink_popularity(int n, const int32_t *users, float *popularity)
{
	double		all_users = 0,
				all_popularity = 0,
				squares = 0,
				between = 0,
				mean,
				spread,
				strength;
	int			items = 0;

	for (int i = 0; i < n; i++)
		if (users[i] > 0)
		{
			all_users += users[i];
			all_popularity += (double) popularity[i];
			squares += (double) users[i] * users[i];
			items++;
		}
	mean = all_users > 0 ? all_popularity / all_users : 1;
	/* no decay, or popularity that is not what this is for */
	if (items < 2 || !(mean > 0 && mean < 1 - 1e-6))
		return;
	for (int i = 0; i < n; i++)
		if (users[i] > 0)
		{
			double		share = (double) popularity[i] / users[i] - mean;

			between += users[i] * share * share;
		}
	/* what the items' own shares vary by, beyond what so few users vary by */
	spread = (between - (items - 1) * mean * (1 - mean)) / (all_users - squares / all_users);
	strength = spread > 0 ? mean * (1 - mean) / spread - 1 : MOST_STRENGTH;
	strength = fmin(fmax(strength, LEAST_STRENGTH), MOST_STRENGTH);
	for (int i = 0; i < n; i++)
		if (users[i] > 0)
			popularity[i] = (float) (users[i] * (strength * mean + (double) popularity[i]) / (strength + users[i]));
}
