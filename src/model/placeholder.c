/*
 * placeholder.c
 *		Placeholders of a filter: :name, with values from a JSON object. See items.h.
 *
 * The text is taken apart by PostgreSQL's own scanner, so that a :name within a string, a quoted identifier, a comment
 * or a cast (::) is none. A placeholder is a colon directly followed by a name; in a slice, [a : b] is written with
 * spaces.
 */
#include "model/items.h"

#include "catalog/pg_type.h"
#include "common/keywords.h"
#include "parser/parser.h"
#include "parser/scanner.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"

static bool
starts_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || IS_HIGHBIT_SET(c);
}

static int
name_length(const char *s)
{
	int			n = 0;

	while (starts_name(s[n]) || (n > 0 && s[n] >= '0' && s[n] <= '9'))
		n++;
	return n;
}

/* The values of an array of numbers, as numeric[]; of strings and booleans, as a literal that the context types. */
static void
take_array(RecPlaceholder *p, JsonbContainer *json)
{
	JsonbIterator *it = JsonbIteratorInit(json);
	JsonbIteratorToken token;
	JsonbValue	v;
	ArrayBuildState *numbers = initArrayResult(NUMERICOID, CurrentMemoryContext, false);
	ArrayBuildState *strings = initArrayResult(TEXTOID, CurrentMemoryContext, false);
	int			nnumbers = 0,
				nstrings = 0;

	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token == WJB_BEGIN_OBJECT)
			nnumbers = nstrings = 1;
		if (token != WJB_ELEM)
			continue;
		accumArrayResult(numbers, v.type == jbvNumeric ? NumericGetDatum(v.val.numeric) : 0, v.type != jbvNumeric,
						 NUMERICOID, CurrentMemoryContext);
		accumArrayResult(strings, v.type == jbvString ?
						 PointerGetDatum(cstring_to_text_with_len(v.val.string.val, v.val.string.len)) :
						 v.type == jbvBool ? CStringGetTextDatum(v.val.boolean ? "true" : "false") : 0,
						 v.type != jbvString && v.type != jbvBool, TEXTOID, CurrentMemoryContext);
		nnumbers += v.type == jbvNumeric;
		nstrings += v.type == jbvString || v.type == jbvBool;
		if (v.type == jbvBinary)
			nnumbers = nstrings = 1;
	}
	if (nnumbers > 0 && nstrings > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the value of \"%s\" in filter_args cannot be used", p->name),
				 errdetail("A value is a number, a string, a boolean, null, or an array of numbers or of strings.")));
	if (nnumbers > 0)
	{
		p->type = NUMERICARRAYOID;
		p->value = makeArrayResult(numbers, CurrentMemoryContext);
	}
	else
	{
		Datum		array = makeArrayResult(strings, CurrentMemoryContext);
		Oid			function;
		bool		varlena;

		getTypeOutputInfo(TEXTARRAYOID, &function, &varlena);
		p->text = OidOutputFunctionCall(function, array);
	}
}

static void
take_value(RecPlaceholder *p, JsonbValue *v)
{
	p->type = UNKNOWNOID;
	switch (v->type)
	{
		case jbvNull:
			p->null = true;
			break;
		case jbvBool:
			p->type = BOOLOID;
			p->value = BoolGetDatum(v->val.boolean);
			break;
		case jbvNumeric:
			p->type = NUMERICOID;
			p->value = NumericGetDatum(v->val.numeric);
			break;
		case jbvString:
			p->text = pnstrdup(v->val.string.val, v->val.string.len);
			break;
		default:
			take_array(p, v->val.binary.data);
	}
}

static RecPlaceholder *
find_value(char *name, const Jsonb *args)
{
	RecPlaceholder *p = palloc0(sizeof(RecPlaceholder));
	JsonbValue	key = {.type = jbvString, .val.string = {strlen(name), name}};
	JsonbValue *v = args ? findJsonbValueFromContainer(unconstify(JsonbContainer *, &args->root), JB_FOBJECT, &key) : NULL;

	p->name = name;
	if (v == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_PARAMETER),
				 errmsg("filter_args has no value for the placeholder :%s", name),
				 errhint("Give one: filter_args => '{\"%s\": ...}'.", name)));
	take_value(p, v);
	return p;
}

/* Number of the placeholder, from 1; added to the list when it is new. */
static int
number_of(char *name, const Jsonb *args, List **placeholders)
{
	ListCell   *lc;
	int			i = 0;

	foreach(lc, *placeholders)
	{
		i++;
		if (strcmp(((RecPlaceholder *) lfirst(lc))->name, name) == 0)
			return i;
	}
	*placeholders = lappend(*placeholders, find_value(name, args));
	return i + 1;
}

/* What is a placeholder when a colon stands before it: no string with a prefix such as e'' or U&''. */
static int
placeholder_length(const char *s)
{
	int			n = name_length(s);

	return s[n] == '\'' || (s[n] == '&' && (s[n + 1] == '\'' || s[n + 1] == '"')) ? 0 : n;
}

static void
check_args(const Jsonb *args)
{
	if (args && !JB_ROOT_IS_OBJECT(args))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("filter_args must be a JSON object"),
				 errhint("Give a value for each placeholder: filter_args => '{\"max\": 50}' for \"price < :max\".")));
}

char *
rec_filter_placeholders(const char *filter, const Jsonb *args, List **placeholders)
{
	core_yy_extra_type extra;
	core_yyscan_t scanner = scanner_init(filter, &extra, &ScanKeywords, ScanKeywordTokens);
	core_YYSTYPE value;
	YYLTYPE		at;
	StringInfoData text;
	int			token,
				n,
				done = 0;

	check_args(args);
	initStringInfo(&text);
	*placeholders = NIL;
	while ((token = core_yylex(&value, &at, scanner)) != 0)
	{
		if (filter[at] == '$' && filter[at + 1] >= '0' && filter[at + 1] <= '9')
			ereport(ERROR,
					(errcode(ERRCODE_SYNTAX_ERROR),
					 errmsg("a filter has no parameters by number"),
					 errhint("Write :name, and give the value in filter_args."),
					 errposition(at + 1)));
		if (token != ':' || at < done || (n = placeholder_length(filter + at + 1)) == 0)
			continue;
		appendBinaryStringInfo(&text, filter + done, at - done);
		appendStringInfo(&text, "%-*s", n + 1,
						 psprintf("$%d", number_of(pnstrdup(filter + at + 1, n), args, placeholders)));
		done = at + 1 + n;
	}
	scanner_finish(scanner);
	appendStringInfoString(&text, filter + done);
	return text.data;
}
