/*
 * many.h
 *		The best items of many users at once, from what is stored of them.
 *
 * The caller reads users into blocks and writes what was found for them; in between, blocks are scored by parallel
 * workers and the caller's own process, in any order. Each user is scored by the very code of recommend(), and blocks
 * are written in the order in which they were read: so the answer does not depend on the number of workers.
 */
#ifndef REC_MANY_H
#define REC_MANY_H

#include "model/user.h"

#define REC_MANY_USERS 64		/* most users of a block */

typedef struct RecManyUser
{
	RecSource	source;
	float		offset;			/* added to every score */
	int32		first;			/* these three: items that this user must not get, in the block's list */
	int32		n;
	int32		history;		/* item weights: pairs from the same place on, with a value each */
	int32		found;			/* results */
} RecManyUser;

/* A block as one process sees it: the arrays are in memory that all share. */
typedef struct RecManyBlock
{
	int			slot;			/* which of the blocks that are under way */
	int		   *nusers;
	RecManyUser *user;			/* room for users_room */
	float	   *vector;			/* stride floats per user */
	int32	   *item;			/* room for item_room, at least all items */
	float	   *value;			/* item weights: what each of them counts; else NULL */
	RecScored  *result;			/* limit per user */
} RecManyBlock;

typedef struct RecManyJob
{
	const RecServing *serving;
	const bool *allowed;		/* per item */
	const float *factor;		/* of scores, per item, where users have no offset; NULL: none */
	int			limit;			/* rows per user, above 0 */
	double		users;			/* about how many */

	/* set by rec_many_plan() */
	int			users_room;		/* per block */
	int			item_room;
	int			workers;		/* to ask for */
	int			slots;			/* blocks under way at most */

	/* fills an empty block; leaves it empty when there is no user left */
	void		(*read) (void *state, const RecManyBlock *block);
	void		(*write) (void *state, const RecManyBlock *block);
	void	   *state;
} RecManyJob;

extern void rec_many_plan(RecManyJob *job);
extern void rec_many_run(const RecManyJob *job);

/* many_read.c: stored users one after the other, all of a version or those with the given keys. */
typedef struct RecStoredUser
{
	Datum		key;
	const float *factors;		/* stride floats; NULL: the version does not know the user */
	int			n;				/* history */
	int32	   *item;
	float	   *net;
} RecStoredUser;

typedef struct RecUserReader RecUserReader;

extern RecUserReader *rec_user_reader_open(const RecModel *model, const RecServing *serving, const RecKeyType *kind,
										   const RecKeys *keys);

/* The next user, valid until the next call and palloc'd in the current context; false at the end. */
extern bool rec_user_reader_next(RecUserReader *reader, RecStoredUser *user);
extern void rec_user_reader_close(RecUserReader *reader);

#endif							/* REC_MANY_H */
