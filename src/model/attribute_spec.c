/*
 * attribute_spec.c
 *		From the texts that name a model's attributes to a list of what they are. See attributes.h.
 */
#include "model/attributes.h"

#include <ctype.h>

#include "access/relation.h"
#include "catalog/namespace.h"
#include "catalog/pg_ts_config.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#define MOST_ATTRIBUTES 256

typedef struct Reader
{
	const RecModel *model;
	RecSide		side;
	Relation	rel;
	const char *key;
	RecAttributes *list;
	bool	   *starred;		/* per attribute: from *, and a later text about the column takes its place */
} Reader;

pg_attribute_noreturn() static void
bad_attribute(const Reader *r, const char *given, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid %s attribute \"%s\"", rec_side_name(r->side), given),
			 errdetail("%s", detail),
			 errhint("An attribute is column, log(column), text(column, configuration), category(column), a*b, * or -column.")));
}

/* Without blanks around it, and without quotes around a name. */
static char *
trimmed(const char *from, const char *to)
{
	char	   *s;

	while (from < to && isspace((unsigned char) *from))
		from++;
	while (to > from && isspace((unsigned char) to[-1]))
		to--;
	s = pnstrdup(from, to - from);
	if (to - from >= 2 && s[0] == '"' && s[to - from - 1] == '"')
		return pnstrdup(s + 1, to - from - 2);
	return s;
}

static Form_pg_attribute
find_column(const Reader *r, const char *name)
{
	TupleDesc	desc = RelationGetDescr(r->rel);
	const char **names = palloc(sizeof(char *) * Max(desc->natts, 1));
	const char *near;
	int			n = 0;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (att->attisdropped)
			continue;
		if (strcmp(NameStr(att->attname), name) == 0)
			return att;
		names[n++] = NameStr(att->attname);
	}
	near = rec_nearest_name(name, names, n);
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("column \"%s\" of %s relation \"%s\" does not exist", name, rec_side_name(r->side),
					RelationGetRelationName(r->rel)),
			 errdetail("It is named in %s_attributes.", rec_side_name(r->side)),
			 near ? errhint("Perhaps you meant \"%s\".", near) :
			 errhint("rec.alter_model(%s, %s_attributes => ...) changes the list.",
					 quote_literal_cstr(r->model->name), rec_side_name(r->side))));
	return NULL;				/* not reached */
}

/* pgvector's types, wherever the extension is installed */
static bool
is_vector(Oid type)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	bool		found;

	if (!HeapTupleIsValid(tuple))
		return false;
	found = strcmp(NameStr(((Form_pg_type) GETSTRUCT(tuple))->typname), "vector") == 0 ||
		strcmp(NameStr(((Form_pg_type) GETSTRUCT(tuple))->typname), "halfvec") == 0;
	ReleaseSysCache(tuple);
	return found;
}

static bool
is_number(Oid type)
{
	return type == INT2OID || type == INT4OID || type == INT8OID || type == FLOAT4OID || type == FLOAT8OID ||
		type == NUMERICOID;
}

/* What a column is by its type; false: it cannot be an attribute. */
static bool
kind_of_type(Oid type, RecAttribute *a)
{
	Oid			base = getBaseType(type);
	Oid			element = get_element_type(base);

	if (is_number(base))
		a->kind = REC_ATT_NUMBER;
	else if (base == DATEOID || base == TIMESTAMPOID || base == TIMESTAMPTZOID)
	{
		a->kind = REC_ATT_AGE;
		a->zoned = base == TIMESTAMPTZOID;
	}
	else if (base == TSVECTOROID)
		a->kind = REC_ATT_TEXT;
	else if (is_vector(base) || (OidIsValid(element) && (element == FLOAT4OID || element == FLOAT8OID ||
														 element == NUMERICOID)))
		a->kind = REC_ATT_VECTOR;
	else if (OidIsValid(element) && (get_typtype(element) == TYPTYPE_ENUM || element == UUIDOID || is_number(element) ||
									 TypeCategory(element) == TYPCATEGORY_STRING))
		a->kind = REC_ATT_TAGS;
	else if (base == BOOLOID || base == UUIDOID || base == CHAROID || get_typtype(base) == TYPTYPE_ENUM)
		a->kind = REC_ATT_CATEGORY;
	else if (TypeCategory(base) == TYPCATEGORY_STRING)
	{
		a->kind = REC_ATT_CATEGORY;
		a->automatic = true;
	}
	else
		return false;
	return true;
}

/* Whether an encoder of the kind can take a column of the type. */
static bool
takes_type(const RecAttribute *a, Oid type)
{
	RecAttribute now = {0};

	if (!kind_of_type(type, &now))
		return false;
	if (a->kind == REC_ATT_TEXT && a->config)
		return now.kind == REC_ATT_CATEGORY;
	return now.kind == a->kind || (a->kind == REC_ATT_CATEGORY && now.kind == REC_ATT_NUMBER);
}

/* The text search configuration of a fitted attribute. */
static bool
config_exists(const char *config)
{
	List	   *names = textToQualifiedNameList(cstring_to_text(config));

	return OidIsValid(get_ts_config_oid(names, true));
}

/* The first fitted attribute whose column (or text search configuration) is gone, or has become something else. */
const RecAttribute *
rec_attributes_misfit(const RecAttributes *list, Oid relid)
{
	for (int i = 0; i < list->n; i++)
	{
		const RecAttribute *a = &list->att[i];
		AttrNumber	attnum = a->column ? get_attnum(relid, a->column) : InvalidAttrNumber;

		if (a->column && (attnum <= 0 || !takes_type(a, get_atttype(relid, attnum)) || (a->config && !config_exists(a->config))))
			return a;
	}
	return NULL;
}

static RecAttribute *
new_attribute(Reader *r, const char *name)
{
	RecAttribute *a;

	if (r->list->n == MOST_ATTRIBUTES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("more than %d %s attributes", MOST_ATTRIBUTES, rec_side_name(r->side))));
	a = &r->list->att[r->list->n];
	memset(a, 0, sizeof(*a));
	a->name = pstrdup(name);
	a->other = -1;
	r->starred[r->list->n++] = false;
	return a;
}

static void
remove_attribute(Reader *r, int i)
{
	r->list->n--;
	memmove(&r->list->att[i], &r->list->att[i + 1], (r->list->n - i) * sizeof(RecAttribute));
	memmove(&r->starred[i], &r->starred[i + 1], (r->list->n - i) * sizeof(bool));
}

/* Takes out what * has put in for a column. */
static void
replace_starred(Reader *r, const char *column)
{
	for (int i = r->list->n - 1; i >= 0; i--)
		if (r->starred[i] && strcmp(r->list->att[i].column, column) == 0)
			remove_attribute(r, i);
}

static void
all_columns(Reader *r)
{
	TupleDesc	desc = RelationGetDescr(r->rel);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		RecAttribute probe = {0};

		if (att->attisdropped || strcmp(NameStr(att->attname), r->key) == 0 || !kind_of_type(att->atttypid, &probe))
			continue;
		probe.name = probe.column = pstrdup(NameStr(att->attname));
		probe.other = -1;
		*new_attribute(r, probe.name) = probe;
		r->starred[r->list->n - 1] = true;
	}
}

/* The text search configuration, as SQL writes it. */
static char *
config_of(const Reader *r, const char *given, const char *name)
{
	List	   *parts;
	Oid			config = InvalidOid;
	HeapTuple	tuple;
	Form_pg_ts_config form;
	char	   *text;

	if (SplitIdentifierString(pstrdup(name), '.', &parts) && parts != NIL)
	{
		List	   *names = NIL;
		ListCell   *lc;

		foreach(lc, parts)
			names = lappend(names, makeString(lfirst(lc)));
		if (list_length(names) <= 2)
			config = get_ts_config_oid(names, true);
	}
	if (!OidIsValid(config))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("text search configuration \"%s\" does not exist", name),
				 errdetail("It is named in the %s attribute \"%s\".", rec_side_name(r->side), given),
				 errhint("SELECT cfgname FROM pg_ts_config lists them; one that is not in pg_catalog is named with its schema.")));
	tuple = SearchSysCache1(TSCONFIGOID, ObjectIdGetDatum(config));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for text search configuration %u", config);
	form = (Form_pg_ts_config) GETSTRUCT(tuple);
	text = quote_qualified_identifier(get_namespace_name(form->cfgnamespace), NameStr(form->cfgname));
	ReleaseSysCache(tuple);
	return text;
}

/* function(column) or function(column, argument) */
static void
take_function(Reader *r, const char *given, RecAttribute *a)
{
	const char *open = strchr(given, '('),
			   *close = given + strlen(given) - 1,
			   *comma;
	char	   *function = trimmed(given, open);
	Form_pg_attribute att;
	RecAttribute type = {0};

	if (*close != ')')
		bad_attribute(r, given, "The closing parenthesis is missing.");
	comma = memchr(open, ',', close - open);
	a->column = trimmed(open + 1, comma ? comma : close);
	att = find_column(r, a->column);
	if (!kind_of_type(att->atttypid, &type))
		type.kind = REC_ATT_PAIR;	/* no kind that fits below */
	if (comma && strcmp(function, "text") != 0)
		bad_attribute(r, given, "Only text() has a second argument.");
	if (strcmp(function, "log") == 0 && type.kind == REC_ATT_NUMBER)
	{
		a->kind = REC_ATT_NUMBER;
		a->logarithm = true;
	}
	else if (strcmp(function, "category") == 0 && (type.kind == REC_ATT_CATEGORY || type.kind == REC_ATT_NUMBER))
		a->kind = REC_ATT_CATEGORY;
	else if (strcmp(function, "text") == 0 && type.kind == REC_ATT_CATEGORY)
	{
		a->kind = REC_ATT_TEXT;
		a->config = config_of(r, given, comma ? trimmed(comma + 1, close) : "simple");
	}
	else if (strcmp(function, "log") == 0 || strcmp(function, "category") == 0 || strcmp(function, "text") == 0)
		bad_attribute(r, given, psprintf("A column of type %s cannot be used so.", format_type_be(att->atttypid)));
	else
		bad_attribute(r, given, psprintf("There is no \"%s\".", function));
}

static RecAttribute
read_attribute(Reader *r, const char *given)
{
	RecAttribute a = {.name = pstrdup(given), .other = -1};
	Form_pg_attribute att;

	if (strchr(given, '(') && given[0] != '"')
	{
		take_function(r, given, &a);
		return a;
	}
	a.column = trimmed(given, given + strlen(given));
	att = find_column(r, a.column);
	a.name = a.column;
	if (!kind_of_type(att->atttypid, &a))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of type %s cannot be an attribute", a.column, format_type_be(att->atttypid)),
				 errdetail("Attributes are numbers, booleans, dates and times, text, enums, uuids, arrays of these, tsvector and vector."),
				 errhint("Point the model at a view that casts it, or leave it out.")));
	return a;
}

/* Index of an attribute that holds the levels of one part of a pair. */
static int
part_of_pair(Reader *r, const char *given, const char *from, const char *to)
{
	RecAttribute a = read_attribute(r, trimmed(from, to));

	if (a.kind != REC_ATT_CATEGORY && a.kind != REC_ATT_TAGS)
		bad_attribute(r, given, psprintf("\"%s\" is neither a category nor tags.", a.name));
	a.automatic = false;
	for (int i = 0; i < r->list->n; i++)
		if (r->list->att[i].kind == a.kind && strcmp(r->list->att[i].column, a.column) == 0)
		{
			/* a text column that is combined is a category, whatever it looks like */
			r->list->att[i].automatic = false;
			return i;
		}
	*new_attribute(r, a.name) = a;
	r->list->att[r->list->n - 1].hidden = true;
	return r->list->n - 1;
}

static void
take_pair(Reader *r, const char *given)
{
	const char *star = strchr(given, '*');
	int			first = part_of_pair(r, given, given, star),
				second = part_of_pair(r, given, star + 1, given + strlen(given));
	RecAttribute *a;

	if (first == second && r->list->att[first].kind != REC_ATT_TAGS)
		bad_attribute(r, given, "A category has no combinations with itself.");
	a = new_attribute(r, given);
	a->kind = REC_ATT_PAIR;
	a->part[0] = first;
	a->part[1] = second;
}

static void
take_texts(Reader *r, List *texts)
{
	ListCell   *lc;

	foreach(lc, texts)
	{
		const char *given = lfirst(lc);
		char	   *text = trimmed(given, given + strlen(given));

		if (text[0] == '\0')
			bad_attribute(r, given, "It is empty.");
		else if (strcmp(text, "*") == 0)
			all_columns(r);
		else if (text[0] == '-')
		{
			text = trimmed(text + 1, text + strlen(text));
			(void) find_column(r, text);
			replace_starred(r, text);
		}
		else if (given[0] == '"' || strchr(text, '*') == NULL)
		{
			RecAttribute a = read_attribute(r, strchr(given, '"') ? given : text);

			replace_starred(r, a.column);
			for (int i = 0; i < r->list->n; i++)
				if (strcmp(r->list->att[i].name, a.name) == 0)
					bad_attribute(r, given, "It is named twice.");
			*new_attribute(r, a.name) = a;
		}
	}
	/* pairs last, when their parts are known */
	foreach(lc, texts)
	{
		const char *given = lfirst(lc);

		if (given[0] != '"' && strchr(given, '*') && strcmp(trimmed(given, given + strlen(given)), "*") != 0)
			take_pair(r, trimmed(given, given + strlen(given)));
	}
}

char *
rec_side_relation(const RecModel *model, RecSide side)
{
	return side == REC_USERS ? quote_qualified_identifier(model->users_schema, model->users_relation) :
		quote_qualified_identifier(model->items_schema, model->items_relation);
}

RecAttributes *
rec_attributes_of(const RecModel *model, RecSide side, Oid key_type)
{
	List	   *texts = side == REC_USERS ? model->user_attributes : model->item_attributes;
	Reader		r = {.model = model, .side = side, .key = side == REC_USERS ? model->user_key : model->item_key};
	RecItemSource source;

	if (texts == NIL)
		return NULL;
	if ((side == REC_USERS ? model->users_relation : model->items_relation) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s_attributes needs %ss", rec_side_name(side), rec_side_name(side)),
				 errhint("Name the relation that has the attributes, for example %ss => 'web.%s'.", rec_side_name(side),
						 side == REC_USERS ? "customers" : "products")));
	if (side == REC_USERS)
		rec_user_source(model, key_type, &source);
	else
		rec_item_source(model, key_type, &source);
	r.rel = relation_open(source.relid, AccessShareLock);
	r.list = palloc0(sizeof(RecAttributes));
	r.list->side = side;
	r.list->att = palloc0(MOST_ATTRIBUTES * sizeof(RecAttribute));
	r.starred = palloc0(MOST_ATTRIBUTES * sizeof(bool));
	take_texts(&r, texts);
	relation_close(r.rel, NoLock);
	if (r.list->n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s_attributes names no column", rec_side_name(side)),
				 errhint("Give an empty array for a model without attributes.")));
	return r.list;
}

/* The list itself, the key, and what the current role may read; all before a training meets it. */
void
rec_attributes_check(const RecModel *model, RecSide side, Oid key_type)
{
	RecAttributes *list = rec_attributes_of(model, side, key_type);
	RecItemSource source;
	Oid			relid;

	if (list == NULL)
	{
		if (side == REC_USERS && model->users_relation)
			rec_user_source(model, key_type, &source);
		return;
	}
	relid = get_relname_relid(side == REC_USERS ? model->users_relation : model->items_relation,
							  get_namespace_oid(side == REC_USERS ? model->users_schema : model->items_schema, false));
	if (pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK)
		return;
	for (int i = 0; i < list->n; i++)
		if (list->att[i].column && pg_attribute_aclcheck(relid, get_attnum(relid, list->att[i].column), GetUserId(),
														 ACL_SELECT) != ACLCHECK_OK)
			aclcheck_error(ACLCHECK_NO_PRIV, get_relkind_objtype(get_rel_relkind(relid)), get_rel_name(relid));
}
