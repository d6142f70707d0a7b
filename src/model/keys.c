/*
 * keys.c
 *		Keys of users and items: images, canonical order, look-up. See keys.h.
 */
#include "model/keys.h"

#include "access/hash.h"
#include "access/nbtree.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

typedef struct Image
{
	const char *data;
	uint32		length;
	uint32		hash;
	Datum		word;			/* holds the image of a by-value type */
} Image;

bool
rec_is_integer(Oid type)
{
	return type == INT2OID || type == INT4OID || type == INT8OID;
}

/* Whether equality of values is equality of their bytes, as the type's B-tree operator class says. */
static bool
equality_is_image(TypeCacheEntry *entry, Oid collation)
{
	Oid			proc;

	/* an operator class speaks of stored values, padded alike; an argument of type char(n) may have other padding */
	if (!OidIsValid(entry->btree_opf) || entry->type_id == BPCHAROID)
		return false;
	proc = get_opfamily_proc(entry->btree_opf, entry->btree_opintype, entry->btree_opintype, BTEQUALIMAGE_PROC);
	return OidIsValid(proc) &&
		DatumGetBool(OidFunctionCall1Coll(proc, collation, ObjectIdGetDatum(entry->btree_opintype)));
}

void
rec_key_type(RecKeyType *kind, Oid type, Oid collation, const char *what, MemoryContext context)
{
	Oid			base = getBaseType(type);
	TypeCacheEntry *entry = lookup_type_cache(base, TYPECACHE_HASH_PROC_FINFO | TYPECACHE_EQ_OPR_FINFO |
											  TYPECACHE_BTREE_OPFAMILY);

	/* arrays hash too, but an array of such keys would be taken for an array of their elements */
	if (entry->typtype == TYPTYPE_COMPOSITE || base == RECORDOID || OidIsValid(get_element_type(base)) ||
		!OidIsValid(entry->hash_proc) || !OidIsValid(entry->eq_opr) || !OidIsValid(entry->btree_opf))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("a column of type %s cannot be the %s key", format_type_be(type), what),
				 errdetail("A key needs a scalar type with hash and B-tree operator classes."),
				 errhint("Point the model at a view that turns the key into an integer, uuid or text.")));

	if (OidIsValid(collation) && !SearchSysCacheExists1(COLLOID, ObjectIdGetDatum(collation)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("collation with oid %u does not exist", collation)));

	memset(kind, 0, sizeof(*kind));
	kind->type = base;
	kind->collation = collation;
	kind->typlen = entry->typlen;
	kind->typbyval = entry->typbyval;
	kind->typalign = entry->typalign;
	if (rec_is_integer(base))
		kind->strategy = REC_KEY_INTEGER;
	else if (equality_is_image(entry, collation))
		kind->strategy = REC_KEY_IMAGE;
	else
	{
		kind->strategy = REC_KEY_HASHED;
		fmgr_info_cxt(entry->hash_proc, &kind->hash, context);
		fmgr_info_cxt(entry->eq_opr_finfo.fn_oid, &kind->equal, context);
	}
}

static int64
integer_of(const RecKeyType *kind, Datum value)
{
	switch (kind->type)
	{
		case INT2OID:
			return DatumGetInt16(value);
		case INT4OID:
			return DatumGetInt32(value);
		default:
			return DatumGetInt64(value);
	}
}

/* The bytes of a value; valid as long as the value and the Image are. The value must be detoasted. */
static void
image_of(const RecKeyType *kind, Datum value, Image *image)
{
	if (kind->typbyval)
	{
		image->word = value;
		image->data = (const char *) &image->word;
		image->length = sizeof(Datum);
	}
	else if (kind->typlen == -1)
	{
		image->data = VARDATA_ANY(DatumGetPointer(value));
		image->length = VARSIZE_ANY_EXHDR(DatumGetPointer(value));
	}
	else
	{
		image->data = DatumGetPointer(value);
		image->length = kind->typlen > 0 ? kind->typlen : strlen(image->data) + 1;
	}
	if (kind->strategy == REC_KEY_HASHED)
		image->hash = DatumGetUInt32(FunctionCall1Coll(unconstify(FmgrInfo *, &kind->hash), kind->collation, value));
	else
		image->hash = hash_bytes((const unsigned char *) image->data, image->length);
}

static Datum
detoasted(const RecKeyType *kind, Datum value)
{
	return kind->typlen == -1 ? PointerGetDatum(PG_DETOAST_DATUM_PACKED(value)) : value;
}

static inline uint32
stored_hash(const RecKeys *keys, int i)
{
	return ((const uint32 *) (keys->bytes + keys->offsets[i]))[0];
}

static inline uint32
stored_length(const RecKeys *keys, int i)
{
	return ((const uint32 *) (keys->bytes + keys->offsets[i]))[1];
}

static inline const char *
stored_data(const RecKeys *keys, int i)
{
	return keys->bytes + keys->offsets[i] + 2 * sizeof(uint32);
}

static int
compare_images(const char *a, uint32 alength, const char *b, uint32 blength)
{
	int			order = memcmp(a, b, Min(alength, blength));

	return order != 0 ? order : (alength > blength) - (alength < blength);
}

/* A value of the key's type from its image. */
static Datum
datum_of_image(const RecKeyType *kind, const char *data, uint32 length)
{
	if (kind->typbyval)
	{
		Datum		word;

		memcpy(&word, data, sizeof(Datum));
		return word;
	}
	if (kind->typlen == -1)
	{
		struct varlena *value = palloc(length + VARHDRSZ);

		SET_VARSIZE(value, length + VARHDRSZ);
		memcpy(VARDATA(value), data, length);
		return PointerGetDatum(value);
	}
	else
	{
		char	   *value = palloc(length);

		memcpy(value, data, length);
		return PointerGetDatum(value);
	}
}

void
rec_keys_init(RecKeys *keys, const RecKeyType *kind, MemoryContext context)
{
	memset(keys, 0, sizeof(*keys));
	keys->kind = *kind;
	keys->context = context;
}

static void
make_room(RecKeys *keys)
{
	Size		width = sizeof(int64);

	if (keys->n < keys->capacity)
		return;
	if (keys->capacity >= INT_MAX / 2)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("more than %d distinct keys", INT_MAX / 2)));
	if (keys->capacity == 0)
	{
		void	   *first = MemoryContextAllocHuge(keys->context, mul_size(1024, width));

		keys->capacity = 1024;
		if (keys->kind.strategy == REC_KEY_INTEGER)
			keys->integers = first;
		else
			keys->offsets = first;
		return;
	}
	keys->capacity *= 2;
	if (keys->kind.strategy == REC_KEY_INTEGER)
		keys->integers = repalloc_huge(keys->integers, mul_size(keys->capacity, width));
	else
		keys->offsets = repalloc_huge(keys->offsets, mul_size(keys->capacity, width));
}

/* Copies an image into the pool and returns where it stands. */
static uint64
store_image(RecKeys *keys, const char *data, uint32 length, uint32 hash)
{
	Size		need = MAXALIGN(add_size(length, 2 * sizeof(uint32)));
	uint64		at = keys->used;
	uint32	   *header;

	if (add_size(keys->used, need) > keys->allocated)
	{
		Size		size = Max(add_size(keys->used, need), keys->allocated * 2);

		size = Max(size, 8192);
		keys->bytes = keys->bytes ? repalloc_huge(keys->bytes, size) : MemoryContextAllocHuge(keys->context, size);
		keys->allocated = size;
	}
	header = (uint32 *) (keys->bytes + at);
	header[0] = hash;
	header[1] = length;
	memcpy(header + 2, data, length);
	keys->used += need;
	return at;
}

static void
append_image(RecKeys *keys, const char *data, uint32 length, uint32 hash)
{
	make_room(keys);
	keys->offsets[keys->n] = store_image(keys, data, length, hash);
	keys->n++;
}

static void
append_integer(RecKeys *keys, int64 value)
{
	make_room(keys);
	keys->integers[keys->n++] = value;
}

void
rec_keys_append(RecKeys *keys, Datum value)
{
	if (keys->kind.strategy == REC_KEY_INTEGER)
		append_integer(keys, integer_of(&keys->kind, value));
	else
	{
		Image		image;

		image_of(&keys->kind, detoasted(&keys->kind, value), &image);
		append_image(keys, image.data, image.length, image.hash);
	}
}

void
rec_keys_append_from(RecKeys *keys, const RecKeys *from, int i)
{
	if (keys->kind.strategy == REC_KEY_INTEGER)
		append_integer(keys, from->integers[i]);
	else
		append_image(keys, stored_data(from, i), stored_length(from, i), stored_hash(from, i));
}

Datum
rec_keys_datum(const RecKeys *keys, int i)
{
	if (keys->kind.strategy != REC_KEY_INTEGER)
		return datum_of_image(&keys->kind, stored_data(keys, i), stored_length(keys, i));
	switch (keys->kind.type)
	{
		case INT2OID:
			return Int16GetDatum((int16) keys->integers[i]);
		case INT4OID:
			return Int32GetDatum((int32) keys->integers[i]);
		default:
			return Int64GetDatum(keys->integers[i]);
	}
}

int
rec_keys_compare(const RecKeys *keys, int a, int b)
{
	if (keys->kind.strategy == REC_KEY_INTEGER)
		return (keys->integers[a] > keys->integers[b]) - (keys->integers[a] < keys->integers[b]);
	if (keys->kind.strategy == REC_KEY_HASHED && stored_hash(keys, a) != stored_hash(keys, b))
		return stored_hash(keys, a) < stored_hash(keys, b) ? -1 : 1;
	return compare_images(stored_data(keys, a), stored_length(keys, a), stored_data(keys, b), stored_length(keys, b));
}

static inline int
in_order(const RecKeys *keys, int rank)
{
	return keys->order ? keys->order[rank] : rank;
}

static int
find_integer(const RecKeys *keys, int64 value)
{
	int			lo = 0,
				hi = keys->n;

	while (lo < hi)
	{
		int			mid = lo + (hi - lo) / 2;

		if (keys->integers[in_order(keys, mid)] < value)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < keys->n && keys->integers[in_order(keys, lo)] == value ? in_order(keys, lo) : -1;
}

static bool
hashed_equal(const RecKeys *keys, int i, Datum value)
{
	return DatumGetBool(FunctionCall2Coll(unconstify(FmgrInfo *, &keys->kind.equal), keys->kind.collation,
										  rec_keys_datum(keys, i), value));
}

bool
rec_keys_equal(const RecKeys *keys, int i, Datum value)
{
	Image		image;

	if (keys->kind.strategy == REC_KEY_INTEGER)
		return keys->integers[i] == integer_of(&keys->kind, value);
	value = detoasted(&keys->kind, value);
	if (keys->kind.strategy == REC_KEY_HASHED)
		return hashed_equal(keys, i, value);
	image_of(&keys->kind, value, &image);
	return compare_images(stored_data(keys, i), stored_length(keys, i), image.data, image.length) == 0;
}

int
rec_keys_find(const RecKeys *keys, Datum value)
{
	bool		hashed = keys->kind.strategy == REC_KEY_HASHED;
	Image		image;
	int			lo = 0,
				hi = keys->n;

	if (keys->kind.strategy == REC_KEY_INTEGER)
		return find_integer(keys, integer_of(&keys->kind, value));
	value = detoasted(&keys->kind, value);
	image_of(&keys->kind, value, &image);
	while (lo < hi)
	{
		int			mid = lo + (hi - lo) / 2,
					i = in_order(keys, mid);
		bool		less = hashed ? stored_hash(keys, i) < image.hash :
			compare_images(stored_data(keys, i), stored_length(keys, i), image.data, image.length) < 0;

		if (less)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < keys->n; lo++)
	{
		int			i = in_order(keys, lo);

		if (!hashed)
			return compare_images(stored_data(keys, i), stored_length(keys, i), image.data, image.length) == 0 ? i : -1;
		if (stored_hash(keys, i) != image.hash)
			break;
		if (hashed_equal(keys, i, value))
			return i;
	}
	return -1;
}

static int
compare_positions(const void *a, const void *b, void *keys)
{
	return rec_keys_compare(keys, *(const int32 *) a, *(const int32 *) b);
}

void
rec_keys_make_order(RecKeys *keys)
{
	keys->order = MemoryContextAllocHuge(keys->context, mul_size(Max(keys->n, 1), sizeof(int32)));
	for (int i = 0; i < keys->n; i++)
		keys->order[i] = i;
	qsort_arg(keys->order, keys->n, sizeof(int32), compare_positions, keys);
}

Size
rec_keys_memory(const RecKeys *keys)
{
	return (Size) keys->capacity * sizeof(int64) + keys->allocated;
}

uint64
rec_keys_seed(const RecKeys *keys, int i, uint64 seed)
{
	if (keys->kind.strategy == REC_KEY_INTEGER)
		return rec_mix64((uint64) keys->integers[i] ^ rec_mix64(seed + UINT64CONST(0x9e3779b97f4a7c15)));
	if (keys->kind.strategy == REC_KEY_HASHED)
		return rec_mix64(stored_hash(keys, i) ^ rec_mix64(seed));
	return hash_bytes_extended((const unsigned char *) stored_data(keys, i), stored_length(keys, i), seed);
}

bool
rec_key_coerce(const RecKeyType *kind, Datum value, Oid type, Datum *result)
{
	Oid			base = type == InvalidOid ? InvalidOid : getBaseType(type);

	if (base == kind->type)
	{
		*result = value;
		return true;
	}
	if (kind->strategy == REC_KEY_INTEGER && rec_is_integer(base))
	{
		RecKeyType	given = {.type = base};
		int64		number = integer_of(&given, value);

		*result = kind->type == INT2OID ? Int16GetDatum((int16) number) :
			kind->type == INT4OID ? Int32GetDatum((int32) number) : Int64GetDatum(number);
		/* a number outside the column's range is no key of the model */
		return kind->type == INT8OID ||
			(kind->type == INT4OID ? number == (int32) number : number == (int16) number);
	}
	if (type == TEXTOID || type == VARCHAROID || type == UNKNOWNOID || rec_is_integer(base))
	{
		Oid			function,
					param;
		bool		varlena;
		char	   *string;

		if (type == UNKNOWNOID)
			string = DatumGetCString(value);
		else
		{
			getTypeOutputInfo(base, &function, &varlena);
			string = OidOutputFunctionCall(function, value);
		}
		getTypeInputInfo(kind->type, &function, &param);
		*result = OidInputFunctionCall(function, string, param, -1);
		return true;
	}
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("a value of type %s is no key of this model", format_type_be(type)),
			 errdetail("The model's keys are of type %s.", format_type_be(kind->type))));
	return false;				/* not reached */
}
