/*
 * dictionary.c
 *		Numbers keys in order of appearance, and sorts them afterwards. See keys.h.
 *
 * Two simplehash tables, one for integer keys and one for images, so that the common case pays for nothing else.
 */
#include "model/keys.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/memutils.h"

typedef struct IntegerEntry
{
	int64		key;
	int32		number;
	char		status;
} IntegerEntry;

#define SH_PREFIX integer_table
#define SH_ELEMENT_TYPE IntegerEntry
#define SH_KEY_TYPE int64
#define SH_KEY key
#define SH_HASH_KEY(table, k) ((uint32) rec_mix64((uint64) (k)))
#define SH_EQUAL(table, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* The key is the number of a key in the RecKeys behind private_data; a key not yet there is appended to look it up. */
typedef struct ImageEntry
{
	int32		number;
	uint32		hash;
	char		status;
} ImageEntry;

static bool image_equal(RecKeys *keys, int a, int b);

#define SH_PREFIX image_table
#define SH_ELEMENT_TYPE ImageEntry
#define SH_KEY_TYPE int32
#define SH_KEY number
#define SH_HASH_KEY(table, k) (*(uint32 *) (((RecKeys *) (table)->private_data)->bytes + \
											((RecKeys *) (table)->private_data)->offsets[k]))
#define SH_EQUAL(table, a, b) image_equal((RecKeys *) (table)->private_data, a, b)
#define SH_STORE_HASH
#define SH_GET_HASH(table, entry) ((entry)->hash)
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/*
 * Integer keys below this are numbered by a plain array that grows with the largest of them: ids from a sequence cost a
 * fraction of a hash look-up, and a stray large id at most 16 MB.
 */
#define DIRECT_KEYS (1 << 22)

struct RecDictionary
{
	RecKeys		keys;
	int32	   *direct;			/* -1: not numbered yet */
	int			direct_size;
	integer_table_hash *integers;
	image_table_hash *images;
	int64		last_key;		/* events often arrive grouped by a key */
	int			last_number;	/* -1: none */
};

static bool
image_equal(RecKeys *keys, int a, int b)
{
	if (a == b)
		return true;
	if (rec_keys_compare(keys, a, b) == 0)
		return true;
	/* a hash table compares only keys of one hash value, so here the type's own equality decides */
	return keys->kind.strategy == REC_KEY_HASHED &&
		DatumGetBool(FunctionCall2Coll(&keys->kind.equal, keys->kind.collation,
									   rec_keys_datum(keys, a), rec_keys_datum(keys, b)));
}

RecDictionary *
rec_dictionary_create(const RecKeyType *kind, MemoryContext context)
{
	RecDictionary *d = MemoryContextAllocZero(context, sizeof(RecDictionary));

	rec_keys_init(&d->keys, kind, context);
	d->last_number = -1;
	if (kind->strategy == REC_KEY_INTEGER)
		d->integers = integer_table_create(context, 1024, NULL);
	else
		d->images = image_table_create(context, 1024, &d->keys);
	return d;
}

static void
grow_direct(RecDictionary *d, int64 key)
{
	int			size = Max(d->direct_size, 1024);

	while (size <= key)
		size *= 2;
	d->direct = d->direct ? repalloc(d->direct, size * sizeof(int32)) :
		MemoryContextAlloc(d->keys.context, size * sizeof(int32));
	memset(d->direct + d->direct_size, 0xff, (size - d->direct_size) * sizeof(int32));
	d->direct_size = size;
}

static int
number_integer(RecDictionary *d, int64 key, Datum value)
{
	IntegerEntry *entry;
	bool		found;

	if (d->last_number >= 0 && d->last_key == key)
		return d->last_number;
	if (key >= 0 && key < DIRECT_KEYS)
	{
		if (key >= d->direct_size)
			grow_direct(d, key);
		if (d->direct[key] < 0)
		{
			d->direct[key] = d->keys.n;
			rec_keys_append(&d->keys, value);
		}
		d->last_key = key;
		d->last_number = d->direct[key];
		return d->last_number;
	}
	entry = integer_table_insert(d->integers, key, &found);
	if (!found)
	{
		entry->number = d->keys.n;
		rec_keys_append(&d->keys, value);
	}
	d->last_key = key;
	d->last_number = entry->number;
	return entry->number;
}

/* The last appended key stands on trial: it stays when it is new, else it is taken back. */
static int
number_last_image(RecDictionary *d, Size used_before)
{
	int			trial = d->keys.n - 1;
	bool		found;
	ImageEntry *entry = image_table_insert(d->images, trial, &found);

	if (!found)
		return trial;
	d->keys.n--;
	if (d->keys.kind.strategy == REC_KEY_HASHED && rec_keys_compare(&d->keys, trial, entry->number) < 0)
		d->keys.offsets[entry->number] = d->keys.offsets[trial];	/* the smallest image stands for all equal keys */
	else
		d->keys.used = used_before;
	return entry->number;
}

int
rec_dictionary_number(RecDictionary *d, Datum value)
{
	Size		used = d->keys.used;

	if (d->integers != NULL)
	{
		int64		key = d->keys.kind.typlen == 8 ? DatumGetInt64(value) :
			d->keys.kind.typlen == 4 ? DatumGetInt32(value) : DatumGetInt16(value);

		return number_integer(d, key, value);
	}
	rec_keys_append(&d->keys, value);
	return number_last_image(d, used);
}

int
rec_dictionary_number_from(RecDictionary *d, const RecKeys *from, int i)
{
	Size		used = d->keys.used;

	if (d->integers != NULL)
		return number_integer(d, from->integers[i], rec_keys_datum(from, i));
	rec_keys_append_from(&d->keys, from, i);
	return number_last_image(d, used);
}

RecKeys *
rec_dictionary_keys(RecDictionary *d)
{
	return &d->keys;
}

Size
rec_dictionary_memory(const RecDictionary *d)
{
	return rec_keys_memory(&d->keys) + (Size) d->direct_size * sizeof(int32) +
		(d->integers ? d->integers->size * sizeof(IntegerEntry) : d->images->size * sizeof(ImageEntry));
}

typedef struct SortedInteger
{
	int64		key;
	int32		number;
} SortedInteger;

#define ST_SORT sort_integers
#define ST_ELEMENT_TYPE SortedInteger
#define ST_COMPARE(a, b) (((a)->key > (b)->key) - ((a)->key < (b)->key))
#define ST_SCOPE static
#define ST_DEFINE
#define ST_CHECK_FOR_INTERRUPTS
#include "lib/sort_template.h"

#define ST_SORT sort_numbers
#define ST_ELEMENT_TYPE int32
#define ST_COMPARE(a, b, keys) rec_keys_compare(keys, *(a), *(b))
#define ST_COMPARE_ARG_TYPE const RecKeys
#define ST_SCOPE static
#define ST_DEFINE
#define ST_CHECK_FOR_INTERRUPTS
#include "lib/sort_template.h"

void
rec_keys_sort(const RecKeys *keys, int32 *rank, RecKeys *sorted, MemoryContext context)
{
	rec_keys_init(sorted, &keys->kind, context);
	if (keys->n == 0)
		return;
	if (keys->kind.strategy == REC_KEY_INTEGER)
	{
		SortedInteger *order = MemoryContextAllocHuge(context, mul_size(keys->n, sizeof(SortedInteger)));

		for (int i = 0; i < keys->n; i++)
			order[i] = (SortedInteger) {keys->integers[i], i};
		sort_integers(order, keys->n);
		for (int i = 0; i < keys->n; i++)
		{
			rank[order[i].number] = i;
			rec_keys_append_from(sorted, keys, order[i].number);
		}
		pfree(order);
	}
	else
	{
		int32	   *order = MemoryContextAllocHuge(context, mul_size(keys->n, sizeof(int32)));

		for (int i = 0; i < keys->n; i++)
			order[i] = i;
		sort_numbers(order, keys->n, keys);
		for (int i = 0; i < keys->n; i++)
		{
			rank[order[i]] = i;
			rec_keys_append_from(sorted, keys, order[i]);
		}
		pfree(order);
	}
}
