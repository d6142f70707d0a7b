/*
 * keys.h
 *		User and item keys: how a key of any hashable type is told apart, numbered, ordered and stored.
 *
 * A key is held by its image: an int64 for the integer types, else the bytes of the value (of a varlena its payload).
 * Three strategies:
 *
 *	REC_KEY_INTEGER	smallint, int, bigint: compared as numbers
 *	REC_KEY_IMAGE	types whose equality is equality of bytes (text, uuid, date, ...): compared with memcmp
 *	REC_KEY_HASHED	other hashable types (numeric, citext, text with a nondeterministic collation): ordered by hash value
 *					and image; equality is the type's own. Of equal keys the smallest image stands for all.
 *
 * The canonical order of keys (number; bytes; hash and bytes) does not depend on the order of the rows, so positions
 * derived from it repeat from run to run.
 */
#ifndef REC_KEYS_H
#define REC_KEYS_H

#include "compat.h"

#include "fmgr.h"

/* Finalizer of splitmix64: mixes 64 bits. */
static inline uint64
rec_mix64(uint64 z)
{
	z = (z ^ (z >> 30)) * UINT64CONST(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64CONST(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

typedef enum RecKeyStrategy
{
	REC_KEY_INTEGER, REC_KEY_IMAGE, REC_KEY_HASHED
} RecKeyStrategy;

typedef struct RecKeyType
{
	Oid			type;			/* base type of the column */
	Oid			collation;
	RecKeyStrategy strategy;
	int16		typlen;
	bool		typbyval;
	char		typalign;
	FmgrInfo	hash;			/* REC_KEY_HASHED */
	FmgrInfo	equal;			/* REC_KEY_HASHED */
} RecKeyType;

/* A set of keys numbered 0 .. n-1; read-only once built or loaded. All memory is in one context of the owner. */
typedef struct RecKeys
{
	RecKeyType	kind;
	int			n;
	int64	   *integers;		/* REC_KEY_INTEGER: the keys */
	uint64	   *offsets;		/* else: where in bytes the key stands: uint32 hash, uint32 length, image */
	char	   *bytes;
	Size		used,
				allocated;		/* of bytes */
	int			capacity;		/* of integers or offsets */
	int32	   *order;			/* keys in canonical order, for rec_keys_find(); NULL: they are stored in it */
	MemoryContext context;
} RecKeys;

/* smallint, integer or bigint: kept as bigint, so that a call finds them with any of these. */
extern bool rec_is_integer(Oid type);

/* Looks up how keys of a column are handled; what is "user" or "item" for the error when the type cannot be a key. */
extern void rec_key_type(RecKeyType *kind, Oid type, Oid collation, const char *what, MemoryContext context);

extern void rec_keys_init(RecKeys *keys, const RecKeyType *kind, MemoryContext context);
extern void rec_keys_append(RecKeys *keys, Datum value);
extern void rec_keys_append_from(RecKeys *keys, const RecKeys *from, int i);
extern Datum rec_keys_datum(const RecKeys *keys, int i);	/* by-reference values are palloc'd */
extern int	rec_keys_compare(const RecKeys *keys, int a, int b);	/* canonical order */
extern bool rec_keys_equal(const RecKeys *keys, int i, Datum value);
extern int	rec_keys_find(const RecKeys *keys, Datum value);	/* -1: absent */
extern void rec_keys_make_order(RecKeys *keys);	/* after the last key, when they are not in canonical order */
extern Size rec_keys_memory(const RecKeys *keys);

/* A hash of key i that depends on the key and the seed only. */
extern uint64 rec_keys_seed(const RecKeys *keys, int i, uint64 seed);

/* Converts a value of some type to the key's type: integers of any width, the type itself, or text input. */
extern bool rec_key_coerce(const RecKeyType *kind, Datum value, Oid type, Datum *result);

/* Dictionary: numbers keys in order of appearance while events are read. */
typedef struct RecDictionary RecDictionary;

extern RecDictionary *rec_dictionary_create(const RecKeyType *kind, MemoryContext context);
extern int	rec_dictionary_number(RecDictionary *dictionary, Datum value);
extern int	rec_dictionary_number_from(RecDictionary *dictionary, const RecKeys *from, int i);
extern RecKeys *rec_dictionary_keys(RecDictionary *dictionary);
extern Size rec_dictionary_memory(const RecDictionary *dictionary);

/* rank[i] is the position of key i in canonical order; sorted gets the keys in that order. */
extern void rec_keys_sort(const RecKeys *keys, int32 *rank, RecKeys *sorted, MemoryContext context);

#endif							/* REC_KEYS_H */
