/*
 * metric.c
 *		rec.create_metric() and rec.drop_metric().
 *
 * Expressions are kept in PostgreSQL's own canonical form (model/expression.h): queries are made of that, not of the
 * user's text, and it means what it meant to its creator whatever the search path of the role that runs it.
 */
#include "api/arguments.h"
#include "compat.h"

#include <math.h>

#include "access/relation.h"
#include "api/options.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "model/experiment.h"
#include "model/expression.h"
#include "model/pairs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* Columns that create_metric writes, in the order of their parameters $1, ... */
enum
{
	P_NAME, P_OWNER, P_SCHEMA, P_RELATION, P_UNIT, P_VALUE, P_VALUE_SQL, P_TIME, P_KIND, P_WINDOW, P_CAP, P_DIRECTION,
	P_GUARDRAIL, P_DENOMINATOR, P_DENOMINATOR_SQL, P_PRE_PERIOD, P_MIN_EFFECT, P_QUANTILE, P_COUNT
};

static const Oid parameter_type[P_COUNT] = {
	TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, INTERVALOID, FLOAT8OID, TEXTOID,
	BOOLOID, TEXTOID, TEXTOID, INTERVALOID, FLOAT8OID, FLOAT8OID
};

typedef struct Row
{
	Datum		value[P_COUNT];
	char		null[P_COUNT];
} Row;

static void
put(Row *row, int parameter, Datum value)
{
	row->value[parameter] = value;
	row->null[parameter] = ' ';
}

static void
put_text(Row *row, int parameter, const char *value)
{
	put(row, parameter, CStringGetTextDatum(value));
}

pg_attribute_noreturn() static void
not_one_of(const char *option, const char *value, const char *const *names, int n, const char *list)
{
	const char *near = rec_nearest_name(value, names, n);

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid %s \"%s\" of a metric", option, value),
			 errdetail("Allowed are %s.", list),
			 near ? errhint("Perhaps you meant \"%s\".", near) : 0));
}

/* Kinds under the names that people give them; count: rows with a value count 1. */
static const char *
kind_of(const char *name, bool *count)
{
	static const char *const names[] = {"proportion", "conversion", "binomial", "mean", "sum", "revenue", "count", "ratio", "quantile"};
	static const char *const kinds[] = {"proportion", "proportion", "proportion", "mean", "mean", "mean", "mean", "ratio", "quantile"};

	*count = strcmp(name, "count") == 0;
	for (int i = 0; i < (int) lengthof(names); i++)
		if (strcmp(name, names[i]) == 0)
			return kinds[i];
	not_one_of("kind", name, names, lengthof(names),
			   "proportion (conversion, binomial), mean (sum, revenue), count, ratio and quantile");
}

static void
check_direction(const char *name)
{
	static const char *const names[] = {"increase", "decrease"};

	if (strcmp(name, names[0]) != 0 && strcmp(name, names[1]) != 0)
		not_one_of("direction", name, names, 2, "increase and decrease");
}

static void
check_interval(FunctionCallInfo fcinfo, int i, const char *name)
{
	if (!PG_ARGISNULL(i) && !(rec_half_life(PG_GETARG_INTERVAL_P(i)) > 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s must be above zero", name)));
}

/* The expression as float8, in canonical form. */
static char *
number_sql(Oid relid, const char *text, const char *what)
{
	Oid			type;
	char	   *sql = rec_expression_canonical(relid, "m", text, what, &type);

	switch (getBaseType(type))
	{
		case BOOLOID:
			return psprintf("((%s)::pg_catalog.int4)::pg_catalog.float8", sql);
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case FLOAT4OID:
		case FLOAT8OID:
		case NUMERICOID:
			return psprintf("(%s)::pg_catalog.float8", sql);
	}
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("%s is of type %s", what, format_type_be(type)),
			 errdetail("It must be a boolean or a number.")));
}

/* The relation's columns exist, and the caller may read what the metric reads; a superuser may, and tries nobody's view. */
static void
check_relation(Oid relid, const Row *row, const char *unit, const char *time)
{
	Relation	rel = relation_open(relid, AccessShareLock);
	char		kind = rel->rd_rel->relkind;
	StringInfoData q;
	RecRole		saved;

	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE && kind != RELKIND_VIEW &&
		kind != RELKIND_MATVIEW && kind != RELKIND_FOREIGN_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" cannot be a metric relation", RelationGetRelationName(rel)),
				 errdetail("A metric is computed from a table, view, materialized view or foreign table.")));
	if (get_attnum(relid, unit) <= 0)
		rec_unknown_column(rel, unit, "metric");
	if (time && get_attnum(relid, time) <= 0)
		rec_unknown_column(rel, time, "metric");
	if (time)
		rec_time_check(getBaseType(get_atttype(relid, get_attnum(relid, time))), time);
	initStringInfo(&q);
	appendStringInfo(&q, "SELECT m.%s, %s", quote_identifier(unit), TextDatumGetCString(row->value[P_VALUE_SQL]));
	if (time)
		appendStringInfo(&q, ", m.%s", quote_identifier(time));
	if (row->null[P_DENOMINATOR_SQL] == ' ')
		appendStringInfo(&q, ", %s", TextDatumGetCString(row->value[P_DENOMINATOR_SQL]));
	appendStringInfo(&q, " FROM %s m LIMIT 0", quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
																		  RelationGetRelationName(rel)));
	relation_close(rel, NoLock);
	if (superuser())
		return;
	saved = rec_role_enter(GetUserId());
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute(q.data, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "statement failed: %s", q.data);
	SPI_finish();
	rec_role_leave(&saved);
}

static void
put_expressions(Row *row, Oid relid, FunctionCallInfo fcinfo, const char *kind, bool count)
{
	char	   *value = rec_required_text(fcinfo, 3, "value");
	char	   *sql = number_sql(relid, value, "the value of a metric");

	if (count)
		sql = psprintf("CASE WHEN %s IS NOT NULL THEN 1::pg_catalog.float8 END", sql);
	put_text(row, P_VALUE, value);
	put_text(row, P_VALUE_SQL, sql);
	if ((strcmp(kind, "ratio") == 0) != !PG_ARGISNULL(10))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 PG_ARGISNULL(10) ? errmsg("a metric of kind ratio needs a denominator") :
				 errmsg("only a metric of kind ratio has a denominator")));
	if (!PG_ARGISNULL(10))
	{
		put(row, P_DENOMINATOR, PG_GETARG_DATUM(10));
		put_text(row, P_DENOMINATOR_SQL, number_sql(relid, text_to_cstring(PG_GETARG_TEXT_PP(10)), "the denominator of a metric"));
	}
}

static void
check_numbers(FunctionCallInfo fcinfo, const char *kind)
{
	double		min_effect = PG_ARGISNULL(12) ? 0.05 : PG_GETARG_FLOAT8(12);

	check_interval(fcinfo, 6, "window_after");
	check_interval(fcinfo, 11, "pre_period");
	if (!PG_ARGISNULL(7) && !(PG_GETARG_FLOAT8(7) > 0 && !isinf(PG_GETARG_FLOAT8(7))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("cap must be a number above zero")));
	if (!(min_effect > 0 && !isinf(min_effect)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("min_effect must be a number above zero")));
	if (PG_ARGISNULL(4) && (!PG_ARGISNULL(6) || !PG_ARGISNULL(11)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s needs a time_column", PG_ARGISNULL(6) ? "pre_period" : "window_after")));
	if (!PG_ARGISNULL(11) && (strcmp(kind, "ratio") == 0 || strcmp(kind, "quantile") == 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a metric of kind %s takes no pre_period", kind)));
	if (!PG_ARGISNULL(13) && strcmp(kind, "quantile") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("only a metric of kind quantile has a quantile")));
	if (!PG_ARGISNULL(13) && !(PG_GETARG_FLOAT8(13) > 0 && PG_GETARG_FLOAT8(13) < 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("quantile must be between 0 and 1: %g", PG_GETARG_FLOAT8(13)),
				 errhint("Write 0.5 for the median.")));
}

PG_FUNCTION_INFO_V1(rec_create_metric);
Datum
rec_create_metric(PG_FUNCTION_ARGS)
{
	char	   *name = rec_required_text(fcinfo, 0, "name");
	char	   *relation = rec_required_text(fcinfo, 1, "relation");
	char	   *unit = rec_required_text(fcinfo, 2, "unit_column");
	char	   *time = PG_ARGISNULL(4) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(4));
	bool		count;
	const char *kind = kind_of(rec_required_text(fcinfo, 5, "kind"), &count);
	char	   *direction = rec_required_text(fcinfo, 8, "direction");
	Oid			relid;
	Row			row;

	memset(row.null, 'n', sizeof(row.null));
	if (name[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME), errmsg("the name of a metric must not be empty")));
	check_direction(direction);
	check_numbers(fcinfo, kind);
	relid = rec_find_relation(relation, "metric");
	put_expressions(&row, relid, fcinfo, kind, count);
	check_relation(relid, &row, unit, time);
	put_text(&row, P_NAME, name);
	put_text(&row, P_OWNER, GetUserNameFromId(GetUserId(), false));
	put_text(&row, P_SCHEMA, get_namespace_name(get_rel_namespace(relid)));
	put_text(&row, P_RELATION, get_rel_name(relid));
	put_text(&row, P_UNIT, unit);
	if (time)
		put_text(&row, P_TIME, time);
	put_text(&row, P_KIND, kind);
	if (!PG_ARGISNULL(6))
		put(&row, P_WINDOW, PG_GETARG_DATUM(6));
	if (!PG_ARGISNULL(7))
		put(&row, P_CAP, PG_GETARG_DATUM(7));
	put_text(&row, P_DIRECTION, direction);
	put(&row, P_GUARDRAIL, BoolGetDatum(!PG_ARGISNULL(9) && PG_GETARG_BOOL(9)));
	if (!PG_ARGISNULL(11))
		put(&row, P_PRE_PERIOD, PG_GETARG_DATUM(11));
	put(&row, P_MIN_EFFECT, Float8GetDatum(PG_ARGISNULL(12) ? 0.05 : PG_GETARG_FLOAT8(12)));
	if (strcmp(kind, "quantile") == 0)
		put(&row, P_QUANTILE, Float8GetDatum(PG_ARGISNULL(13) ? 0.5 : PG_GETARG_FLOAT8(13)));
	if (rec_catalog_execute("INSERT INTO rec.metric (metric, owner, relation_schema, relation_name, unit_column, value, value_sql, "
							"time_column, kind, window_after, cap, direction, guardrail, denominator, denominator_sql, pre_period, "
							"min_effect, quantile) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) "
							"ON CONFLICT DO NOTHING", P_COUNT, parameter_type, row.value, row.null) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT), errmsg("metric \"%s\" already exists", name),
				 errhint("Drop it with rec.drop_metric.")));
	/* whoever named it before there was one has not been allowed to see this one */
	rec_catalog_execute("UPDATE rec.experiment e SET metrics = array_remove(e.metrics, m.metric) FROM rec.metric m "
						"WHERE m.metric = $1 AND m.metric = ANY (e.metrics) AND e.owner_id <> m.owner_id", 1, (Oid[]) {TEXTOID},
						&row.value[P_NAME], NULL);
	if (time == NULL)
		ereport(NOTICE,
				(errmsg("metric \"%s\" has no time column", name),
				 errdetail("All rows of a unit count, also those from before its exposure.")));
	PG_RETURN_TEXT_P(cstring_to_text(name));
}

PG_FUNCTION_INFO_V1(rec_drop_metric);
Datum
rec_drop_metric(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Oid			role;

	if (!rec_metric_owner(name, &role))
	{
		if (!PG_GETARG_BOOL(1))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("metric \"%s\" does not exist", name),
					 errhint("SELECT metric FROM rec.metric lists those that you may see.")));
		ereport(NOTICE, (errmsg("metric \"%s\" does not exist, skipping", name)));
		PG_RETURN_VOID();
	}
	if (!superuser() && !(OidIsValid(role) && has_privs_of_role(GetUserId(), role)))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("must be owner of metric \"%s\" to drop it", name)));
	rec_catalog_execute("DELETE FROM rec.metric WHERE metric = $1", 1, (Oid[]) {TEXTOID},
						(Datum[]) {CStringGetTextDatum(name)}, NULL);
	PG_RETURN_VOID();
}
