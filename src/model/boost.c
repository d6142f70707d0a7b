/*
 * boost.c
 *		Business rules: factors of items by their attributes. See items.h.
 *
 * The columns that the rules name are read with the caller's rights; values are compared by the equality of the column's type, so a
 * rule for 1 meets 1.00. Names of columns and values are never part of a text that is parsed.
 */
#include "model/items.h"

#include <float.h>
#include <math.h>

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

typedef struct Rule
{
	Datum		value;
	float		factor;
} Rule;

/* The rules of one column */
typedef struct Column
{
	char	   *name;
	Oid			type;			/* of values: the column's, or of an array its elements' */
	bool		array;
	int16		typlen;
	bool		typbyval;
	char		typalign;
	Oid			collation;
	FmgrInfo	equal;
	FmgrInfo	input;
	Oid			input_parameter;
	int			n;
	Rule	   *rule;
} Column;

typedef struct Boost
{
	int			n;
	Column	   *column;
	float	   *factor;
	bool	   *found;			/* an earlier row of the item was looked at */
} Boost;

pg_attribute_noreturn() static void
bad_boost(const char *column, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 column ? errmsg("invalid boost for column \"%s\"", column) : errmsg("invalid value for boost"),
			 errdetail("%s", detail),
			 errhint("Write {\"column\": {\"value\": factor, ...}, ...}, or {\"boolean column\": factor}.")));
}

static float
read_factor(const char *column, const JsonbValue *v)
{
	float		factor = 0;

	if (v->type == jbvNumeric)
		factor = DatumGetFloat4(DirectFunctionCall1(numeric_float4, NumericGetDatum(v->val.numeric)));
	if (!(factor > 0) || isinf(factor))
		bad_boost(column, "A factor is a number above zero: above 1 raises, below 1 lowers.");
	return factor;
}

static void
find_column(const RecModel *model, const RecItemSource *source, const char *name, Column *column)
{
	AttrNumber	number = rec_item_column(model, source, name);
	Oid			type,
				function;
	int32		typmod;
	TypeCacheEntry *entry;

	memset(column, 0, sizeof(*column));
	column->name = pstrdup(name);
	get_atttypetypmodcoll(source->relid, number, &type, &typmod, &column->collation);
	column->type = getBaseType(type);
	column->array = OidIsValid(get_base_element_type(type));
	if (column->array)
		column->type = get_base_element_type(type);
	entry = lookup_type_cache(column->type, TYPECACHE_EQ_OPR_FINFO);
	if (!OidIsValid(entry->eq_opr))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("column \"%s\" of item relation \"%s\" cannot be compared", name, model->items_relation),
				 errdetail("Type %s has no equality.", format_type_be(column->type))));
	fmgr_info(entry->eq_opr_finfo.fn_oid, &column->equal);
	get_typlenbyvalalign(column->type, &column->typlen, &column->typbyval, &column->typalign);
	getTypeInputInfo(column->type, &function, &column->input_parameter);
	fmgr_info(function, &column->input);
}

static void
add_rule(Column *column, char *value, float factor)
{
	column->rule = column->rule ? repalloc(column->rule, (column->n + 1) * sizeof(Rule)) : palloc(sizeof(Rule));
	column->rule[column->n].value = InputFunctionCall(&column->input, value, column->input_parameter, -1);
	column->rule[column->n++].factor = factor;
}

static void
read_rules(Column *column, JsonbContainer *json)
{
	JsonbIterator *it = JsonbIteratorInit(json);
	JsonbIteratorToken token;
	JsonbValue	v;
	char	   *value = NULL;

	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token == WJB_BEGIN_ARRAY)
			bad_boost(column->name, "A list has no factors.");
		if (token == WJB_KEY)
			value = pnstrdup(v.val.string.val, v.val.string.len);
		if (token == WJB_VALUE)
			add_rule(column, value, read_factor(column->name, &v));
	}
}

static void
read_boost(const RecModel *model, const RecItemSource *source, const Jsonb *json, Boost *boost)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	v;

	if (!JB_ROOT_IS_OBJECT(json))
		bad_boost(NULL, "It is a JSON object.");
	boost->column = palloc(Max(JB_ROOT_COUNT(json), 1) * sizeof(Column));
	it = JsonbIteratorInit(&unconstify(Jsonb *, json)->root);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		Column	   *column = &boost->column[Max(boost->n - 1, 0)];

		if (token == WJB_KEY)
			find_column(model, source, pnstrdup(v.val.string.val, v.val.string.len), &boost->column[boost->n++]);
		if (token != WJB_VALUE)
			continue;
		if (v.type == jbvBinary)
			read_rules(column, v.val.binary.data);
		else if (column->type == BOOLOID && v.type == jbvNumeric)
			add_rule(column, "true", read_factor(column->name, &v));
		else
			bad_boost(column->name, "A column has an object of values and their factors.");
	}
}

static double
factor_of_value(Column *column, Datum value)
{
	for (int i = 0; i < column->n; i++)
		if (DatumGetBool(FunctionCall2Coll(&column->equal, column->collation, value, column->rule[i].value)))
			return column->rule[i].factor;
	return 1;
}

static double
factor_of_array(Column *column, Datum value)
{
	Datum	   *element;
	bool	   *null;
	int			n;
	double		factor = 1;

	deconstruct_array(DatumGetArrayTypeP(value), column->type, column->typlen, column->typbyval, column->typalign, &element,
					  &null, &n);
	for (int r = 0; r < column->n; r++)
		for (int i = 0; i < n; i++)
			if (!null[i] &&
				DatumGetBool(FunctionCall2Coll(&column->equal, column->collation, element[i], column->rule[r].value)))
			{
				factor *= column->rule[r].factor;
				break;
			}
	return factor;
}

static void
boost_item(void *state, int position, TupleTableSlot *slot)
{
	Boost	   *boost = state;
	double		factor = 1;

	for (int c = 0; c < boost->n; c++)
	{
		Column	   *column = &boost->column[c];
		bool		null;
		Datum		value = slot_getattr(slot, c + 2, &null);

		if (!null)
			factor *= column->array ? factor_of_array(column, value) : factor_of_value(column, value);
	}
	/* a product of many stays a number above zero */
	factor = Min(Max(factor, FLT_MIN), FLT_MAX);
	boost->factor[position] = boost->found[position] ? Max(boost->factor[position], (float) factor) : (float) factor;
	boost->found[position] = true;
}

void
rec_boost_run(const RecModel *model, const RecKeys *keys, const Jsonb *json, float *factor)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "recommendation boost", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Boost		boost = {.factor = factor, .found = palloc_extended(Max(keys->n, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO)};
	RecItemQuery query = {.model = model, .keys = keys, .what = "boost", .text = "", .row = boost_item, .state = &boost};
	RecItemSource source;

	for (int i = 0; i < keys->n; i++)
		factor[i] = 1;
	rec_item_source(model, keys->kind.type, &source);
	read_boost(model, &source, json, &boost);
	for (int c = 0; c < boost.n; c++)
		query.columns = lappend(query.columns, boost.column[c].name);
	if (boost.n > 0)
		rec_item_query_run(&query, &source);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}
