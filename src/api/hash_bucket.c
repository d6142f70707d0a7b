/*
 * hash_bucket.c
 *		rec.hash_bucket: a bucket for a text that is the same on every server, version and architecture.
 *
 * PostgreSQL's own hash functions differ with the byte order of the machine and are free to change between major versions. SHA-256
 * of the UTF-8 form is neither, and any other tool can compute the same bucket.
 */
#include "compat.h"

#include "common/cryptohash.h"
#include "common/sha2.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(rec_hash_bucket);
Datum
rec_hash_bucket(PG_FUNCTION_ARGS)
{
	text	   *value = PG_GETARG_TEXT_PP(0);
	int			buckets = PG_GETARG_INT32(1);
	char	   *plain = VARDATA_ANY(value);
	int			length = VARSIZE_ANY_EXHDR(value);
	char	   *utf8 = pg_server_to_any(plain, length, PG_UTF8);
	pg_cryptohash_ctx *context;
	uint8		digest[PG_SHA256_DIGEST_LENGTH];
	uint64		first;

	if (buckets < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("number of buckets must be at least 1"),
				 errdetail("It is %d.", buckets)));
	if (utf8 != plain)
		length = strlen(utf8);
	context = pg_cryptohash_create(PG_SHA256);
	if (context == NULL || pg_cryptohash_init(context) < 0 ||
		pg_cryptohash_update(context, (const uint8 *) utf8, length) < 0 ||
		pg_cryptohash_final(context, digest, sizeof(digest)) < 0)
		elog(ERROR, "could not compute SHA-256");
	pg_cryptohash_free(context);
	memcpy(&first, digest, sizeof(first));
	PG_RETURN_INT32((int32) (pg_ntoh64(first) % (uint64) buckets));
}
