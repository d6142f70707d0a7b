/*
 * model_ddl.c
 *		What stands in the schema of a model: made, made again and dropped.
 *
 * The statements are what SQL functions return (sql/30_model_ddl.sql); they run as the owner of the model's schema.
 * CREATE OR REPLACE keeps a function that others built on, with its privileges. Where an argument was added it would make
 * a second function of that name beside the first, and calls that fit both would be ambiguous: such functions are found by
 * comparing pg_proc with the parsed statements, and dropped before.
 */
#include "api/model_ddl.h"

#include "api/options.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "parser/parse_type.h"
#include "parser/parser.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

/* Every name that a function of a model has or ever had. */
static const char *const model_functions[] = {
	"recommend",
	"serve",
	"recommend_for",
	"recommend_users",
	"recommend_many",
	"similar_items",
	"similar_users",
	"predict",
	"explain",
	"buy_again",
};

static const char *const model_tables[] = {
	"recommendation",
	"user_history",
	"user_factors",
	"item_factors",
	"item_weights",
	"user_attributes",
	"item_attributes",
	"attribute_encoder",
	"attribute_map",
	"context_effect",
	"model_version",
};

void
rec_run_statement(const char *sql, int expected)
{
	int			result;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	result = SPI_execute(sql, false, 0);
	if (result < 0 || (expected != 0 && result != expected))
		elog(ERROR, "statement failed: %s", sql);
	SPI_finish();
}

Oid
rec_schema_owner(Oid schema)
{
	HeapTuple	tuple = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(schema));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for schema %u", schema);
	owner = ((Form_pg_namespace) GETSTRUCT(tuple))->nspowner;
	ReleaseSysCache(tuple);
	return owner;
}

/* The statements that a function of sql/30_model_ddl.sql returns. */
static char *
ddl_text(const char *function, int nargs, char *const *arguments)
{
	Oid			types[5];
	Datum		values[5];
	StringInfoData call;
	Datum		ddl;

	Assert(nargs <= (int) lengthof(types));
	initStringInfo(&call);
	appendStringInfo(&call, "SELECT rec.%s(", function);
	for (int i = 0; i < nargs; i++)
	{
		appendStringInfo(&call, "%s$%d", i ? ", " : "", i + 1);
		types[i] = TEXTOID;
		values[i] = CStringGetTextDatum(arguments[i]);
	}
	appendStringInfoChar(&call, ')');
	if (!rec_catalog_value(call.data, nargs, types, values, NULL, &ddl))
		elog(ERROR, "no statements from %s", call.data);
	return TextDatumGetCString(ddl);
}

void
rec_model_create_tables(const RecModel *model, const RecEventSource *source)
{
	char	   *arguments[] = {model->name,
		rec_key_type_sql(source->user_type, source->user_collation),
	rec_key_type_sql(source->item_type, source->item_collation)};
	RecRole		saved = rec_role_enter(rec_schema_owner(model->schema));

	rec_run_statement(ddl_text("_model_tables", lengthof(arguments), arguments), 0);
	rec_role_leave(&saved);
}

/* Whether CREATE OR REPLACE would put what the statement says in this function's place. */
static bool
is_replaced_by(HeapTuple proc, const CreateFunctionStmt *stmt)
{
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(proc);
	Oid		   *types;
	char	  **names;
	char	   *modes;
	int			n = get_func_arg_info(proc, &types, &names, &modes);
	int			i = 0;
	ListCell   *lc;

	if (strcmp(strVal(llast(stmt->funcname)), NameStr(form->proname)) != 0 || list_length(stmt->parameters) != n ||
		form->prorettype != typenameTypeId(NULL, stmt->returnType) || form->proretset != stmt->returnType->setof)
		return false;
	foreach(lc, stmt->parameters)
	{
		FunctionParameter *p = lfirst_node(FunctionParameter, lc);
		char		mode = p->mode == FUNC_PARAM_DEFAULT ? FUNC_PARAM_IN : p->mode;

		if (types[i] != typenameTypeId(NULL, p->argType) || (modes ? modes[i] : FUNC_PARAM_IN) != mode ||
			strcmp(names ? names[i] : "", p->name ? p->name : "") != 0)
			return false;
		i++;
	}
	return true;
}

static bool
is_replaced(HeapTuple proc, List *statements)
{
	ListCell   *lc;

	foreach(lc, statements)
	{
		Node	   *stmt = lfirst_node(RawStmt, lc)->stmt;

		if (IsA(stmt, CreateFunctionStmt) && is_replaced_by(proc, (CreateFunctionStmt *) stmt))
			return true;
	}
	return false;
}

/* Drops the model's functions but those that the (raw parsed) statements replace. */
static void
drop_functions(Oid schema, List *statements)
{
	StringInfoData sql;

	initStringInfo(&sql);
	for (int i = 0; i < (int) lengthof(model_functions); i++)
	{
		CatCList   *list = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(model_functions[i]));

		for (int k = 0; k < list->n_members; k++)
		{
			HeapTuple	proc = &list->members[k]->tuple;
			Form_pg_proc form = (Form_pg_proc) GETSTRUCT(proc);

			if (form->pronamespace == schema && form->prokind == PROKIND_FUNCTION && !is_replaced(proc, statements))
				appendStringInfo(&sql, "%s%s", sql.len ? ", " : "DROP FUNCTION ", format_procedure_qualified(form->oid));
		}
		ReleaseSysCacheList(list);
	}
	if (sql.len > 0)
		rec_run_statement(sql.data, SPI_OK_UTILITY);
}

void
rec_model_create_functions(const RecModel *model, Oid user_type, Oid item_type)
{
	char	   *arguments[] = {model->name,
		rec_key_type_sql(user_type, InvalidOid), rec_key_type_sql(item_type, InvalidOid),
		rec_key_type_sql(rec_is_integer(user_type) ? INT8OID : user_type, InvalidOid),
	rec_key_type_sql(rec_is_integer(item_type) ? INT8OID : item_type, InvalidOid)};
	RecRole		saved = rec_role_enter(rec_schema_owner(model->schema));
	char	   *ddl = ddl_text("_model_functions", lengthof(arguments), arguments);

	drop_functions(model->schema, raw_parser(ddl, RAW_PARSE_DEFAULT));
	rec_run_statement(ddl, 0);
	rec_role_leave(&saved);
}

void
rec_model_drop_objects(const RecModel *model)
{
	const char *schema = quote_identifier(model->name);
	StringInfoData sql;

	drop_functions(model->schema, NIL);
	rec_run_statement(psprintf("DROP VIEW IF EXISTS %s.active_items, %s.active_users", schema, schema), SPI_OK_UTILITY);
	initStringInfo(&sql);
	for (int i = 0; i < (int) lengthof(model_tables); i++)
		appendStringInfo(&sql, "%s%s.%s", i ? ", " : "DROP TABLE IF EXISTS ", schema, model_tables[i]);
	rec_run_statement(sql.data, SPI_OK_UTILITY);
}
