/*
 * shrink.c
 *		Beta shrinkage with moments from the catalogue. See shrink.h.
 */
#include "shrink.h"

#include <math.h>

#define LEAST_STRENGTH 1.0		/* of the prior, in users */
#define MOST_STRENGTH 1000.0

/* The largest popularity of an item with two users or more; 0: there is none. */
static float
most_popular(int n, const int32_t *users, const float *popularity)
{
	float		most = 0;

	for (int i = 0; i < n; i++)
		if (users[i] > 1)
			most = fmaxf(most, popularity[i]);
	return most;
}

void
rec_shrink_popularity(int n, const int32_t *users, float *popularity)
{
	double		all_users = 0,
				all_popularity = 0,
				known_users = 0,
				squares = 0,
				between = 0,
				mean,
				spread = 0,
				strength = MOST_STRENGTH;
	float		most;
	int			known = 0;

	for (int i = 0; i < n; i++)
		if (users[i] > 0)
		{
			all_users += users[i];
			all_popularity += (double) popularity[i];
		}
	mean = all_users > 0 ? all_popularity / all_users : 1;
	/* no decay, or popularity that is not what this is for */
	if (!(mean > 0 && mean < 1 - 1e-6))
		return;
	/* one user says nothing of how far items differ: a share of 0 or 1 is all that there can be */
	for (int i = 0; i < n; i++)
		if (users[i] > 1)
		{
			double		share = (double) popularity[i] / users[i] - mean;

			known_users += users[i];
			squares += (double) users[i] * users[i];
			between += users[i] * share * share;
			known++;
		}
	/* what the items' own shares vary by, beyond what so few users vary by */
	if (known > 1)
		spread = (between - (known - 1) * mean * (1 - mean)) / (known_users - squares / known_users);
	if (spread > 0)
		strength = fmin(fmax(mean * (1 - mean) / spread - 1, LEAST_STRENGTH), MOST_STRENGTH);
	for (int i = 0; i < n; i++)
		if (users[i] > 0)
			popularity[i] = (float) (users[i] * (strength * mean + (double) popularity[i]) / (strength + users[i]));
	most = most_popular(n, users, popularity);
	for (int i = 0; i < n && most > 0; i++)
		if (users[i] == 1 && popularity[i] >= most)
			popularity[i] = nextafterf(most, 0);
}
