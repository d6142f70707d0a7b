/*
 * assign.c
 *		rec.variant() and rec.log_exposure().
 *
 * rec.variant() is called for each row of large queries: what it needs of the definition is kept for the call site, and
 * checked per call by comparing a few words with the active snapshot's.
 */
#include "api/assign.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "model/catalog.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/uuid.h"

/* A clock may be ahead of the server's by so much. */
#define CLOCK_TOLERANCE_MINUTES 5

/* Kept for a call site. */
typedef struct CallSite
{
	const RecExperiment *experiment;
	uint64		generation;		/* the definition is valid while this is the current one */
	char	   *name;			/* as it was given, not terminated */
	int			name_length;
	int			name_room;
	Oid			type;			/* of the unit's id */
} CallSite;

/* As uuid_out(), into the caller's buffer. */
static int
uuid_text(const pg_uuid_t *uuid, char *s)
{
	static const char digit[] = "0123456789abcdef";
	static const uint8 place[UUID_LEN] = {0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34};

	for (int i = 0; i < UUID_LEN; i++)
	{
		s[place[i]] = digit[uuid->data[i] >> 4];
		s[place[i] + 1] = digit[uuid->data[i] & 15];
	}
	s[8] = s[13] = s[18] = s[23] = '-';
	return 36;
}

void
rec_unit_of(RecUnit *unit, Datum value, Oid type)
{
	Oid			function;
	bool		varlena;

	unit->id = unit->room;
	switch (type)
	{
		case INT8OID:
			unit->length = pg_lltoa(DatumGetInt64(value), unit->room);
			break;
		case INT4OID:
			unit->length = pg_ltoa(DatumGetInt32(value), unit->room);
			break;
		case INT2OID:
			unit->length = pg_itoa(DatumGetInt16(value), unit->room);
			break;
		case UUIDOID:
			unit->length = uuid_text(DatumGetUUIDP(value), unit->room);
			break;
		case TEXTOID:
		case VARCHAROID:
			{
				text	   *t = DatumGetTextPP(value);

				unit->id = VARDATA_ANY(t);
				unit->length = VARSIZE_ANY_EXHDR(t);
				break;
			}
		case BPCHAROID:			/* as its cast to text: the padding is no part of it */
			{
				BpChar	   *c = DatumGetBpCharPP(value);

				unit->id = VARDATA_ANY(c);
				unit->length = bpchartruelen(VARDATA_ANY(c), VARSIZE_ANY_EXHDR(c));
				break;
			}
		default:
			getTypeOutputInfo(type, &function, &varlena);
			unit->id = OidOutputFunctionCall(function, value);
			unit->length = strlen(unit->id);
	}
}

/* Base type of the second argument. */
static Oid
unit_type(FmgrInfo *function)
{
	Oid			type = get_fn_expr_argtype(function, 1);

	return OidIsValid(type) ? getBaseType(type) : TEXTOID;
}

static const CallSite *
call_site(FunctionCallInfo fcinfo)
{
	FmgrInfo   *function = fcinfo->flinfo;
	CallSite   *site = function->fn_extra;
	text	   *name = PG_GETARG_TEXT_PP(0);
	int			length = VARSIZE_ANY_EXHDR(name);
	MemoryContext old;

	if (site && site->generation == rec_experiment_generation && site->name_length == length &&
		memcmp(site->name, VARDATA_ANY(name), length) == 0 && rec_experiments_current())
		return site;
	old = MemoryContextSwitchTo(function->fn_mcxt);
	if (site == NULL)
	{
		site = function->fn_extra = palloc0(sizeof(CallSite));
		site->name = palloc(site->name_room = 64);
		site->type = unit_type(function);
	}
	if (site->name_room < length)
		site->name = repalloc(site->name, site->name_room = length);
	MemoryContextSwitchTo(old);
	site->generation = 0;		/* until the definition is found */
	site->experiment = rec_experiment_get(text_to_cstring(name));
	memcpy(site->name, VARDATA_ANY(name), length);
	site->name_length = length;
	site->generation = rec_experiment_generation;
	return site;
}

PG_FUNCTION_INFO_V1(rec_variant);
Datum
rec_variant(PG_FUNCTION_ARGS)
{
	const CallSite *site = call_site(fcinfo);
	RecUnit		unit;
	int			variant;
	text	   *label;

	rec_unit_of(&unit, PG_GETARG_DATUM(1), site->type);
	variant = rec_experiment_assign(site->experiment, unit.id, unit.length,
									PG_NARGS() > 2 ? PG_GETARG_TIMESTAMPTZ(2) : GetCurrentTransactionStartTimestamp());
	if (variant < 0)
		PG_RETURN_NULL();
	label = site->experiment->label[variant];
	PG_RETURN_TEXT_P(memcpy(palloc(VARSIZE(label)), label, VARSIZE(label)));
}

/* The time of an exposure: now, or what was given. Of a time to come it is said why it cannot be. */
static TimestampTz
exposure_time(FunctionCallInfo fcinfo, int i)
{
	TimestampTz now = GetCurrentTransactionStartTimestamp();
	TimestampTz at = PG_ARGISNULL(i) ? now : PG_GETARG_TIMESTAMPTZ(i);

	if (TIMESTAMP_NOT_FINITE(at))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("the time of an exposure must be finite")));
	if (at > GetCurrentTimestamp() + CLOCK_TOLERANCE_MINUTES * INT64CONST(60000000))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("an exposure cannot lie in the future"),
				 errdetail("The time given is more than %d minutes ahead of the server's clock.", CLOCK_TOLERANCE_MINUTES),
				 errhint("Check the clock that it comes from, or leave exposed_at out for the server's time.")));
	return at;
}

/* The variant that is named, or else the one that the unit has; -1: none. */
static int
exposure_variant(const RecExperiment *e, const char *name, const RecUnit *unit, TimestampTz at)
{
	int			variant;
	const char *near;

	if (name == NULL)
		return rec_experiment_assign(e, unit->id, unit->length, at);
	variant = rec_experiment_variant(e, name);
	if (variant < 0)
	{
		near = rec_nearest_name(name, (const char *const *) e->variant, e->n);
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("experiment \"%s\" has no variant \"%s\"", e->name, name),
				 near ? errhint("Perhaps you meant \"%s\".", near) : 0));
	}
	return variant;
}

PG_FUNCTION_INFO_V1(rec_log_exposure);
Datum
rec_log_exposure(PG_FUNCTION_ARGS)
{
	Oid			types[4] = {INT4OID, TEXTOID, TEXTOID, TIMESTAMPTZOID};
	Datum		values[4];
	const RecExperiment *e;
	TimestampTz at;
	RecUnit		unit;
	int			variant;
	text	   *name;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("experiment must not be null")));
	e = rec_experiment_get(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	if (!PG_ARGISNULL(1))
		rec_unit_of(&unit, PG_GETARG_DATUM(1), unit_type(fcinfo->flinfo));
	if (PG_ARGISNULL(1) || unit.length == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("the id of a unit must not be null or empty")));
	at = exposure_time(fcinfo, 3);
	variant = exposure_variant(e, PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2)), &unit, at);
	if (variant < 0)
		PG_RETURN_NULL();
	name = cstring_to_text(e->variant[variant]);
	values[0] = Int32GetDatum(e->id);
	values[1] = PointerGetDatum(cstring_to_text_with_len(unit.id, unit.length));
	values[2] = PointerGetDatum(name);
	values[3] = TimestampTzGetDatum(at);
	rec_catalog_execute("INSERT INTO rec.exposure (experiment_id, unit_id, variant, exposed_at) SELECT $1, $2, $3, $4 "
						"WHERE NOT EXISTS (SELECT FROM rec.exposure x WHERE x.experiment_id = $1 AND x.unit_id = $2 "
						"AND x.variant = $3 AND x.exposed_at <= $4)", 4, types, values, NULL);
	PG_RETURN_TEXT_P(name);
}
