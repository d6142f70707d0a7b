/*
 * interleave.c
 *		Two rankings shown as one: team-draft interleaving (Radlinski, Kurup and Joachims, CIKM 2008), credit and test.
 *
 * In each round a coin decides which list picks first; each picks its best item that is not yet there, and gets the credit
 * for clicks on it. The coins depend on the seed only, so that a list can be made again when clicks arrive.
 */
#include "api/aggregate.h"
#include "api/statistics.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "core/dist.h"
#include "core/proportion.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#define CREDIT_TAG 0x63726564

typedef struct Ranking
{
	Datum	   *item;
	bool	   *null;
	int			n;
	int			next;
} Ranking;

static Ranking
list_arg(FunctionCallInfo fcinfo, int i, Oid element)
{
	Ranking		list = {0};
	int16		length;
	bool		by_value;
	char		align;

	if (PG_ARGISNULL(i))
		return list;
	get_typlenbyvalalign(element, &length, &by_value, &align);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(i), element, length, by_value, align, &list.item, &list.null, &list.n);
	return list;
}

/* splitmix64 */
static uint64
next_random(uint64 *state)
{
	uint64		z = (*state += UINT64CONST(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64CONST(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64CONST(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

typedef struct Draft
{
	Datum	   *item;
	int			n;
	FmgrInfo   *equal;
	Oid			collation;
} Draft;

/* Moves the list to its best item that is not in the draft; false: there is none. */
static bool
skip_taken(const Draft *draft, Ranking *list)
{
	for (; list->next < list->n; list->next++)
	{
		bool		taken = list->null[list->next];

		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < draft->n && !taken; i++)
			taken = DatumGetBool(FunctionCall2Coll(draft->equal, draft->collation, draft->item[i], list->item[list->next]));
		if (!taken)
			return true;
	}
	return false;
}

static Datum
interleave(FunctionCallInfo fcinfo, uint64 state)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Oid			element = get_element_type(get_fn_expr_argtype(fcinfo->flinfo, 0));
	TypeCacheEntry *type = lookup_type_cache(element, TYPECACHE_EQ_OPR_FINFO);
	Ranking		list[2] = {list_arg(fcinfo, 0, element), list_arg(fcinfo, 1, element)};
	int			k = PG_ARGISNULL(3) ? INT_MAX : PG_GETARG_INT32(3);
	Draft		draft = {.equal = &type->eq_opr_finfo,.collation = type->typcollation};

	if (!OidIsValid(type->eq_opr_finfo.fn_oid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("could not identify an equality operator for type %s", format_type_be(element))));
	if (k < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("k must not be negative: %d", k)));
	draft.item = palloc(mul_size(Max((Size) list[0].n + list[1].n, 1), sizeof(Datum)));
	InitMaterializedSRF(fcinfo, 0);
	for (int pick = 0, first = 0; draft.n < k; pick++)
	{
		int			team;
		bool		more[2] = {skip_taken(&draft, &list[0]), skip_taken(&draft, &list[1])};
		Datum		values[3];
		bool		nulls[3] = {false};

		if (!more[0] && !more[1])
			break;
		if (pick % 2 == 0)
			first = (int) (next_random(&state) >> 63);
		team = pick % 2 == 0 ? first : 1 - first;
		if (!more[team])
			team = 1 - team;
		values[0] = Int32GetDatum(draft.n + 1);
		values[1] = draft.item[draft.n] = list[team].item[list[team].next];
		values[2] = CStringGetTextDatum(team == 0 ? "a" : "b");
		draft.n++;
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

static void
require_seed(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("seed must not be null"),
				 errhint("Pass what identifies the impression, so that its list can be made again.")));
}

/* list_a, list_b, seed, k (null: all) */
PG_FUNCTION_INFO_V1(rec_interleave);
Datum
rec_interleave(PG_FUNCTION_ARGS)
{
	require_seed(fcinfo);
	return interleave(fcinfo, (uint64) PG_GETARG_INT64(2));
}

PG_FUNCTION_INFO_V1(rec_interleave_text);
Datum
rec_interleave_text(PG_FUNCTION_ARGS)
{
	text	   *seed;

	require_seed(fcinfo);
	seed = PG_GETARG_TEXT_PP(2);
	return interleave(fcinfo, hash_bytes_extended((const unsigned char *) VARDATA_ANY(seed), VARSIZE_ANY_EXHDR(seed), 0));
}

/* Credit of an impression: clicks of each team; of many: impressions that each won, and ties. */
typedef struct Credit
{
	int64		n[2];
	int64		ties;
	double		confidence;
} Credit;

static Credit *
credit_state(FunctionCallInfo fcinfo)
{
	Credit	   *c;

	if (!PG_ARGISNULL(0))
		return (Credit *) PG_GETARG_POINTER(0);
	c = MemoryContextAllocZero(rec_aggregate_context(fcinfo), sizeof(Credit));
	c->confidence = rec_confidence_arg(fcinfo, 3);
	return c;
}

/* team, clicked */
PG_FUNCTION_INFO_V1(rec_credit_accum);
Datum
rec_credit_accum(PG_FUNCTION_ARGS)
{
	Credit	   *c = credit_state(fcinfo);

	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2))
	{
		text	   *team = PG_GETARG_TEXT_PP(1);
		char		letter = VARSIZE_ANY_EXHDR(team) == 1 ? *VARDATA_ANY(team) : 0;

		if (letter != 'a' && letter != 'b')
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unknown team \"%s\"", text_to_cstring(team)),
					 errhint("The teams of rec.interleave() are a and b.")));
		c->n[letter == 'b'] += PG_GETARG_BOOL(2);
	}
	PG_RETURN_POINTER(c);
}

/* credit_a, credit_b: one row per impression */
PG_FUNCTION_INFO_V1(rec_interleave_accum);
Datum
rec_interleave_accum(PG_FUNCTION_ARGS)
{
	Credit	   *c = credit_state(fcinfo);

	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2))
	{
		double		a = PG_GETARG_FLOAT8(1),
					b = PG_GETARG_FLOAT8(2);

		if (a > b)
			c->n[0]++;
		else if (b > a)
			c->n[1]++;
		else
			c->ties++;
	}
	PG_RETURN_POINTER(c);
}

PG_FUNCTION_INFO_V1(rec_credit_combine);
Datum
rec_credit_combine(PG_FUNCTION_ARGS)
{
	Credit	   *other,
			   *c = rec_combine_begin(fcinfo, sizeof(Credit), (void **) &other);

	if (c == NULL)
		PG_RETURN_NULL();
	if (other)
	{
		c->n[0] += other->n[0];
		c->n[1] += other->n[1];
		c->ties += other->ties;
	}
	PG_RETURN_POINTER(c);
}

PG_FUNCTION_INFO_V1(rec_credit_serialize);
Datum
rec_credit_serialize(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(rec_state_out(CREDIT_TAG, PG_GETARG_POINTER(0), sizeof(Credit)));
}

PG_FUNCTION_INFO_V1(rec_credit_deserialize);
Datum
rec_credit_deserialize(PG_FUNCTION_ARGS)
{
	Credit	   *c = palloc(sizeof(Credit));

	rec_state_in(PG_GETARG_BYTEA_PP(0), CREDIT_TAG, c, sizeof(Credit));
	PG_RETURN_POINTER(c);
}

PG_FUNCTION_INFO_V1(rec_credit_final);
Datum
rec_credit_final(PG_FUNCTION_ARGS)
{
	Credit	   *c = PG_ARGISNULL(0) ? NULL : (Credit *) PG_GETARG_POINTER(0);
	Datum		values[3];
	bool		nulls[3] = {false};

	if (c == NULL)
		PG_RETURN_NULL();
	values[0] = Int64GetDatum(c->n[0]);
	values[1] = Int64GetDatum(c->n[1]);
	rec_set_text(values, nulls, 2, c->n[0] > c->n[1] ? "a" : c->n[0] < c->n[1] ? "b" : "tie");
	PG_RETURN_DATUM(rec_record_datum(fcinfo, values, nulls));
}

/* P(X >= wins) of n fair coins: a tail of the beta distribution */
static double
sign_tail(double wins, double n)
{
	return wins <= 0 ? 1 : rec_beta_cdf(0.5, wins, n - wins + 1);
}

PG_FUNCTION_INFO_V1(rec_interleave_final);
Datum
rec_interleave_final(PG_FUNCTION_ARGS)
{
	enum { COLUMNS = 10 };
	Credit		none = {.confidence = 0.95};
	Credit	   *c = PG_ARGISNULL(0) ? &none : (Credit *) PG_GETARG_POINTER(0);
	double		a = (double) c->n[0],
				b = (double) c->n[1],
				n = a + b,
				low = NAN,
				high = NAN;
	Datum		values[COLUMNS];
	bool		nulls[COLUMNS] = {false};

	if (n > 0)
		rec_wilson(b, n, rec_normal_isf((1 - c->confidence) / 2), &low, &high);
	values[0] = Int64GetDatum(c->n[0] + c->n[1] + c->ties);
	values[1] = Int64GetDatum(c->n[0]);
	values[2] = Int64GetDatum(c->n[1]);
	values[3] = Int64GetDatum(c->ties);
	rec_set_float8(values, nulls, 4, n > 0 ? b / n : NAN);
	rec_set_float8(values, nulls, 5, low);
	rec_set_float8(values, nulls, 6, high);
	rec_set_float8(values, nulls, 7, c->confidence);
	rec_set_float8(values, nulls, 8, n > 0 ? fmin(1, 2 * sign_tail(fmax(a, b), n)) : NAN);
	rec_set_text(values, nulls, 9, n > 0 ? NULL : "undefined: no impression with more clicks on one team");
	PG_RETURN_DATUM(rec_record_datum(fcinfo, values, nulls));
}
