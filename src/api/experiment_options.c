/*
 * experiment_options.c
 *		Checks of an experiment's options. See experiment_options.h.
 */
#include "api/experiment_options.h"

#include <math.h>

#include "access/relation.h"
#include "api/options.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "model/experiment.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#define MAX_VARIANTS 100

pg_attribute_noreturn() static void
bad_value(const char *message, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s", message),
			 detail ? errdetail("%s", detail) : 0));
}

char **
rec_variants_read(ArrayType *variants, int *n)
{
	Datum	   *value;
	bool	   *null;
	char	  **name;

	if (ARR_NDIM(variants) > 1)
		bad_value("variants must be a list of names", NULL);
	deconstruct_array(variants, TEXTOID, -1, false, TYPALIGN_INT, &value, &null, n);
	if (*n < 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an experiment needs at least two variants"),
				 errdetail("There is nothing to compare one variant with."),
				 errhint("Name the control first, for example variants => '{control,treatment}'.")));
	if (*n > MAX_VARIANTS)
		bad_value(psprintf("an experiment has at most %d variants", MAX_VARIANTS), NULL);
	name = palloc(*n * sizeof(char *));
	for (int i = 0; i < *n; i++)
	{
		name[i] = null[i] ? NULL : TextDatumGetCString(value[i]);
		if (name[i] == NULL || name[i][0] == '\0')
			bad_value("the name of a variant must not be null or empty", NULL);
		for (int k = 0; k < i; k++)
			if (strcmp(name[i], name[k]) == 0)
				bad_value(psprintf("variant \"%s\" is named twice", name[i]), NULL);
	}
	return name;
}

/* The same shares, made to sum to 1; for a hint. */
static char *
rescaled(const Datum *weight, int n, double sum)
{
	StringInfoData s;

	initStringInfo(&s);
	for (int i = 0; i < n; i++)
		appendStringInfo(&s, "%s%.6g", i ? "," : "{", DatumGetFloat8(weight[i]) / sum);
	appendStringInfoChar(&s, '}');
	return s.data;
}

void
rec_weights_check(ArrayType *weights, int n)
{
	Datum	   *value;
	bool	   *null;
	int			given;
	double		sum = 0;

	deconstruct_array(weights, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &value, &null, &given);
	if (given != n || ARR_NDIM(weights) > 1)
		bad_value(psprintf("%d variants need %d weights, not %d", n, n, given), NULL);
	for (int i = 0; i < n; i++)
	{
		double		w = null[i] ? NAN : DatumGetFloat8(value[i]);

		if (!(w > 0) || isinf(w))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("each weight must be a number above zero"),
					 errdetail("Weight %d is %s.", i + 1, null[i] ? "null" : psprintf("%g", w)),
					 errhint("A variant that nobody shall get is left out of variants.")));
		sum += w;
	}
	if (sum < 0.99 || sum > 1.01)	/* what GrowthBook takes as a sum of 1 */
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("weights must sum to 1"),
				 errdetail("They sum to %g.", sum),
				 errhint("With the same proportions: weights => '%s'.", rescaled(value, n, sum))));
}

/* Element i of a JSON array, of a type; NULL: something else. */
static JsonbValue *
element(Jsonb *json, int i, enum jbvType type)
{
	JsonbValue *v = getIthJsonbValueFromContainer(&json->root, i);

	return v && v->type == type ? v : NULL;
}

static double
number_of(const JsonbValue *v)
{
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8, NumericGetDatum(v->val.numeric)));
}

void
rec_namespace_read(const char *text, RecNamespace *space)
{
	Jsonb	   *json;
	JsonbValue *name,
			   *start,
			   *end;

	*space = (RecNamespace) {pstrdup(text), 0, 1};
	if (text[0] == '[')
	{
		json = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
		name = element(json, 0, jbvString);
		start = element(json, 1, jbvNumeric);
		end = element(json, 2, jbvNumeric);
		if (JB_ROOT_COUNT(json) != 3 || !name || !start || !end)
			bad_value("invalid namespace", "A namespace is a name, or [\"name\", start, end].");
		*space = (RecNamespace) {pnstrdup(name->val.string.val, name->val.string.len), number_of(start), number_of(end)};
	}
	if (space->name[0] == '\0')
		bad_value("the name of a namespace must not be empty", NULL);
	if (!(space->start >= 0 && space->start < space->end && space->end <= 1))
		bad_value("invalid range of a namespace", "Its start and end are numbers from 0 to 1, and the start is less than the end.");
}

void
rec_namespace_check_free(const RecNamespace *space, int id, TimestampTz stop)
{
	Oid			types[4] = {TEXTOID, FLOAT8OID, FLOAT8OID, INT4OID};
	Datum		values[4] = {CStringGetTextDatum(space->name), Float8GetDatum(space->start), Float8GetDatum(space->end),
	Int32GetDatum(id)};

	if (stop != DT_NOEND && stop <= GetCurrentTimestamp())
		return;
	/* two sessions that take parts of one namespace at a time follow one another */
	rec_catalog_execute("SELECT pg_advisory_xact_lock('rec.experiment'::regclass::oid::int, hashtext($1))", 1, types,
						values, NULL);
	if (rec_catalog_execute("SELECT FROM rec.experiment WHERE namespace = $1 AND namespace_start < $3 AND namespace_end > $2 "
							"AND id <> $4 AND (stop_at IS NULL OR stop_at > now())", 4, types, values, NULL) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_EXCLUSION_VIOLATION),
				 errmsg("a part of namespace \"%s\" from %g to %g is taken by another experiment", space->name,
						space->start, space->end),
				 errdetail("Experiments of one namespace have no unit in common."),
				 errhint("Give the part as namespace => '[\"name\", start, end]', or stop the other experiment.")));
}

void
rec_coverage_check(double coverage)
{
	if (!(coverage >= 0 && coverage <= 1))
		bad_value("coverage must be a share from 0 to 1", psprintf("It is %g.", coverage));
}

void
rec_alpha_check(double alpha)
{
	if (!(alpha > 0 && alpha < 1))
		bad_value("alpha must be above 0 and below 1", psprintf("It is %g.", alpha));
}

void
rec_forced_check(Jsonb *forced, char *const *variant, int n)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	v;

	if (!JB_ROOT_IS_OBJECT(forced))
		bad_value("forced must be a JSON object", "It maps ids of units to names of variants.");
	it = JsonbIteratorInit(&forced->root);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		bool		known = false;

		if (token != WJB_VALUE)
			continue;
		for (int i = 0; i < n && v.type == jbvString; i++)
			known = known || (strlen(variant[i]) == v.val.string.len && memcmp(variant[i], v.val.string.val, v.val.string.len) == 0);
		if (!known)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 v.type == jbvString ? errmsg("forced names no variant: \"%s\"", pnstrdup(v.val.string.val, v.val.string.len)) :
					 errmsg("forced must map units to names of variants")));
	}
}

/*
 * Whoever may use the experiment sees the definitions of its metrics, so only who sees them may name them; what the
 * experiment (0: a new one) has named already, somebody has named who might.
 */
void
rec_metrics_check(ArrayType *metrics, int id)
{
	Datum	   *value;
	bool	   *null;
	int			n;

	deconstruct_array(metrics, TEXTOID, -1, false, TYPALIGN_INT, &value, &null, &n);
	for (int i = 0; i < n; i++)
	{
		Oid			owner;
		char	   *name;

		if (null[i])
			bad_value("the name of a metric must not be null", NULL);
		name = TextDatumGetCString(value[i]);
		if (!rec_metric_owner(name, &owner))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("metric \"%s\" does not exist", name),
					 errhint("Create it first with rec.create_metric.")));
		if (superuser() || (OidIsValid(owner) && has_privs_of_role(GetUserId(), owner)))
			continue;
		if (rec_catalog_execute("SELECT FROM rec.experiment WHERE id = $1 AND $2 = ANY (metrics)", 2, (Oid[]) {INT4OID, TEXTOID},
								(Datum[]) {Int32GetDatum(id), value[i]}, NULL) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("permission denied for metric \"%s\"", name),
					 errdetail("Only its owner, members of it and superusers may name it in an experiment.")));
	}
}

void
rec_experiment_versions_check(const char *name, ArrayType *versions, int n)
{
	RecModel   *model;
	Datum	   *value;
	bool	   *null;
	int			given;

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("versions needs a model"),
				 errhint("Name the model whose versions the variants serve, for example model => 'shop'.")));
	model = rec_model_by_schema(rec_model_schema(name), false);
	rec_model_require_owner(model, "experiment with");
	if (versions == NULL)
		return;
	deconstruct_array(versions, INT4OID, sizeof(int32), true, TYPALIGN_INT, &value, &null, &given);
	if (given != n || ARR_NDIM(versions) > 1)
		bad_value(psprintf("%d variants need %d versions, not %d", n, n, given), "A null stands for the active version.");
	for (int i = 0; i < n; i++)
		if (!null[i])
		{
			if (DatumGetInt32(value[i]) <= 0)
				bad_value("a version is a number above zero", NULL);
			(void) rec_version_get(model, DatumGetInt32(value[i]));
		}
}

Oid
rec_exposures_find(const char *relation)
{
	Oid			relid = rec_find_relation(relation, "exposure");
	char		kind = get_rel_relkind(relid);

	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE && kind != RELKIND_VIEW &&
		kind != RELKIND_MATVIEW && kind != RELKIND_FOREIGN_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" cannot be an exposure relation", relation),
				 errdetail("Exposures are read from a table, view, materialized view or foreign table.")));
	return relid;
}

/* A superuser's experiment is computed with a superuser's rights. */
static void
refuse_strange_code(Oid relid)
{
	bool		strange;
	RecRole		saved;

	if (!superuser())
		return;
	saved = rec_role_enter(GetUserId());
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args("SELECT WHERE rec._strange_code($1)", 1, (Oid[]) {REGCLASSOID}, (Datum[]) {ObjectIdGetDatum(relid)},
							  NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "reading the catalog failed");
	strange = SPI_processed > 0;
	SPI_finish();
	rec_role_leave(&saved);
	if (strange)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("exposure relation \"%s\" would run code of its owner as a superuser", get_rel_name(relid)),
				 errhint("Let the owner of the relation create the experiment.")));
}

void
rec_exposures_check(Oid relid, const char *unit, const char *variant, const char *time)
{
	const char *column[] = {unit, variant, time};
	Relation	rel = relation_open(relid, AccessShareLock);

	refuse_strange_code(relid);
	for (int i = 0; i < (int) lengthof(column); i++)
	{
		AttrNumber	attnum = get_attnum(relid, column[i]);

		if (attnum <= 0)
			rec_unknown_column(rel, column[i], "exposure");
		if (pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) != ACLCHECK_OK &&
			pg_attribute_aclcheck(relid, attnum, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
			aclcheck_error(ACLCHECK_NO_PRIV, get_relkind_objtype(rel->rd_rel->relkind), RelationGetRelationName(rel));
	}
	rec_time_check(getBaseType(get_atttype(relid, get_attnum(relid, time))), time);
	relation_close(rel, AccessShareLock);
}
