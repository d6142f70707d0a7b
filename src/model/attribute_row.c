/*
 * attribute_row.c
 *		Attributes of one user: as the relation has them now, or as a JSON object gives them. See attribute_row.h.
 *
 * The session keeps the encoders of the versions that it has asked last, with a plan of the query for a row of the relation and
 * one for a JSON object: reading them for each call would cost more than everything else that the call does.
 */
#include "model/attribute_row.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "model/attribute_raw.h"
#include "model/kept_plan.h"
#include "model/live.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#define KEPT_MOST 16

/* What is kept of one side of a version; a version that is rewritten has another uid. */
typedef struct Kept
{
	struct Kept *next;			/* used longer ago */
	Oid			schema;			/* of the model */
	int64		uid;
	RecSide		side;
	MemoryContext context;		/* has this and the list */
	RecAttributes *list;		/* NULL: the side has no attributes */
	RecKeptPlan live;
	RecKeptPlan json;
} Kept;

static Kept *kept = NULL;

static void
forget_oldest(void)
{
	Kept	  **oldest = NULL;
	int			n = 0;

	for (Kept **k = &kept; *k; k = &(*k)->next)
	{
		n++;
		if ((*k)->live.busy == 0 && (*k)->json.busy == 0)
			oldest = k;
	}
	if (n >= KEPT_MOST && oldest)
	{
		Kept	   *old = *oldest;

		*oldest = old->next;
		rec_kept_plan_free(&old->live);
		rec_kept_plan_free(&old->json);
		MemoryContextDelete(old->context);
	}
}

static Kept *
read_kept(const RecModel *model, const RecServing *s, RecSide side)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_recommend encoders", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Kept	   *k = palloc0(sizeof(Kept));

	k->schema = model->schema;
	k->uid = s->uid;
	k->side = side;
	k->context = context;
	k->list = rec_attributes_stored(model, s->version, side);
	MemoryContextSwitchTo(old);
	forget_oldest();
	MemoryContextSetParent(context, TopMemoryContext);
	return k;
}

/* The entry of a side of a version, which becomes the first of the list. */
static Kept *
find_kept(const RecModel *model, const RecServing *s, RecSide side)
{
	Kept	   *k = NULL;

	for (Kept **at = &kept; *at; at = &(*at)->next)
		if ((*at)->schema == model->schema && (*at)->uid == s->uid && (*at)->side == side)
		{
			k = *at;
			*at = k->next;
			break;
		}
	if (k == NULL)
		k = read_kept(model, s, side);
	k->next = kept;
	kept = k;
	return k;
}

const RecAttributes *
rec_attributes_kept(const RecModel *model, const RecServing *s, RecSide side)
{
	return find_kept(model, s, side)->list;
}

static void
encode_one(const RecAttributes *list, const RecRawStore *s, RecEncoded *row, MemoryContext context)
{
	RecRaw		raw = rec_raw_of(s, 0);
	int64		bound = rec_encode_bound(list, &raw);

	if (bound > (int64) (MaxAllocSize / sizeof(float)))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a row of attributes has too many pairs"),
				 errdetail("It has %lld, and at most %zu can be encoded.", (long long) bound, MaxAllocSize / sizeof(float))));
	row->column = MemoryContextAlloc(context, bound * sizeof(int32));
	row->value = MemoryContextAlloc(context, bound * sizeof(float));
	row->n = rec_encode_row(list, &raw, row->column, row->value);
}

/* Whether the relation has the columns as they were encoded, and the current role may read them. */
static bool
may_read(const RecModel *model, const RecAttributes *list, const RecKeyType *kind)
{
	bool		users = list->side == REC_USERS;
	const char *name = users ? model->users_relation : model->items_relation,
			   *key = users ? model->user_key : model->item_key;
	Oid			schema = name ? get_namespace_oid(users ? model->users_schema : model->items_schema, true) : InvalidOid;
	Oid			relid = OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;
	bool		all;

	if (!OidIsValid(relid) || rec_schema_aclcheck(schema, GetUserId(), ACL_USAGE) != ACLCHECK_OK ||
		getBaseType(get_atttype(relid, get_attnum(relid, key))) != kind->type || rec_attributes_misfit(list, relid))
		return false;
	all = pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
	for (int i = -1; i < list->n; i++)
	{
		const char *column = i < 0 ? key : list->att[i].column;
		AttrNumber	attnum = column ? get_attnum(relid, column) : InvalidAttrNumber;

		if (column && (attnum <= 0 || (!all && pg_attribute_aclcheck(relid, attnum, GetUserId(), ACL_SELECT) != ACLCHECK_OK)))
			return false;
	}
	return true;
}

bool
rec_attributes_live(const RecModel *model, const RecServing *serving, RecSide side, const RecKeyType *kind, Datum key,
					RecEncoded *row)
{
	MemoryContext context = CurrentMemoryContext;
	Kept	   *k = find_kept(model, serving, side);
	Oid			types[1] = {kind->type};
	StringInfoData q;
	bool		found = false;
	int			level;

	if (k->list == NULL || !may_read(model, k->list, kind))
		return false;
	initStringInfo(&q);
	appendStringInfoString(&q, "SELECT NULL");
	rec_raw_expressions(&q, k->list);
	appendStringInfo(&q, " FROM %s WHERE %s %s $1", rec_side_relation(model, side),
					 quote_identifier(side == REC_USERS ? model->user_key : model->item_key), rec_type_equality(kind->type));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	level = rec_kept_plan(&k->live, q.data, 1, types);
	if (k->live.indexed && rec_kept_plan_run(&k->live, &key, NULL, 1) == SPI_OK_SELECT && SPI_processed == 1)
	{
		RecRawStore s;

		rec_raw_init(&s, k->list->n, CurrentMemoryContext);
		rec_raw_take(&s, NULL, k->list, SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2);
		encode_one(k->list, &s, row, context);
		found = true;
	}
	AtEOXact_GUC(false, level);
	SPI_finish();
	return found;
}

/* Every key of the object must be a column of some attribute. */
static void
check_keys(const RecAttributes *list, const Jsonb *json)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	v;

	if (!JB_ROOT_IS_OBJECT(json))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("attributes must be a JSON object"),
				 errhint("Write for example '{\"country\": \"DE\", \"age\": 30}'.")));
	it = JsonbIteratorInit(unconstify(JsonbContainer *, &json->root));
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		const char **names = palloc(sizeof(char *) * list->n);
		char	   *given;
		const char *near;
		bool		known = false;
		int			n = 0;

		if (token != WJB_KEY)
			continue;
		given = pnstrdup(v.val.string.val, v.val.string.len);
		for (int i = 0; i < list->n; i++)
			if (list->att[i].column)
			{
				known = known || strcmp(list->att[i].column, given) == 0;
				names[n++] = list->att[i].column;
			}
		near = rec_nearest_name(given, names, n);
		if (!known)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the model has no %s attribute \"%s\"", rec_side_name(list->side), given),
					 near ? errhint("Perhaps you meant \"%s\".", near) : 0));
	}
}

void
rec_attributes_json(const RecModel *model, const RecServing *serving, RecSide side, const Jsonb *json, RecEncoded *row)
{
	MemoryContext context = CurrentMemoryContext;
	Kept	   *k = find_kept(model, serving, side);
	const RecAttributes *list = k->list;
	Oid			types[1] = {JSONBOID};
	Datum		values[1] = {JsonbPGetDatum(json)};
	const char *comma = "";
	StringInfoData q;
	RecRawStore s;

	check_keys(list, json);
	initStringInfo(&q);
	appendStringInfoString(&q, "SELECT NULL");
	rec_raw_expressions(&q, list);
	appendStringInfoString(&q, " FROM pg_catalog.jsonb_to_record($1) AS r(");
	for (int i = 0; i < list->n; i++)
	{
		bool		before = list->att[i].column == NULL;

		/* a column may serve several attributes */
		for (int k = 0; k < i && !before; k++)
			before = list->att[k].column && strcmp(list->att[k].column, list->att[i].column) == 0;
		if (before)
			continue;
		appendStringInfo(&q, "%s%s pg_catalog.%s", comma, quote_identifier(list->att[i].column), rec_raw_json_type(&list->att[i]));
		comma = ", ";
	}
	appendStringInfoChar(&q, ')');
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	AtEOXact_GUC(false, rec_kept_plan(&k->json, q.data, 1, types));
	if (rec_kept_plan_run(&k->json, values, NULL, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "reading attributes from JSON failed");
	rec_raw_init(&s, list->n, CurrentMemoryContext);
	rec_raw_take(&s, NULL, list, SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2);
	for (int i = 0; i < list->n; i++)
	{
		const RecAttribute *a = &list->att[i];
		int			given = s.start[i + 1] - s.start[i],
					elements = a->columns - (a->other >= 0 ? 1 : 0);

		if (a->kind == REC_ATT_VECTOR && given > 0 && a->columns > 0 && given != elements)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("attribute \"%s\" has %d elements where %d are expected", a->name, given, elements)));
	}
	encode_one(list, &s, row, context);
	SPI_finish();
}
