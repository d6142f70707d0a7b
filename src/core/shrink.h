/*
 * shrink.h
 *		Popularity of items with few users.
 *
 * With decay an item's popularity c is the sum of its n users' weights, each from 0 to 1 by its age. The share c / n of an
 * item with one user of today is 1, which says little. So the share is drawn to that of the catalogue, as with a Beta
 * prior whose two parameters follow from the first two moments of the shares (Kleinman 1973; the second one from the items with
 * two users or more), and the popularity becomes
 *
 *	n (a + c) / (a + b + n)
 *
 * An item with one user stays behind the best of the others all the same: in a catalogue whose events are all old, what is left
 * of hundreds of users can be less than one. Without decay c = n for all items, and nothing changes.
 */
#ifndef REC_SHRINK_H
#define REC_SHRINK_H

#include <stdint.h>

extern void rec_shrink_popularity(int n, const int32_t *users, float *popularity);

#endif							/* REC_SHRINK_H */
