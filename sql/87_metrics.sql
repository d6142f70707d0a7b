-- Metrics of experiments.

CREATE TABLE rec.metric (
	metric            text PRIMARY KEY,
	owner             text NOT NULL,
	relation_schema   text NOT NULL,
	relation_name     text NOT NULL,
	unit_column       text NOT NULL,
	value             text NOT NULL,
	value_sql         text NOT NULL,
	time_column       text,
	kind              text NOT NULL CHECK (kind IN ('proportion', 'mean', 'ratio', 'quantile')),
	window_after      interval,
	cap               float8,
	direction         text NOT NULL CHECK (direction IN ('increase', 'decrease')),
	guardrail         boolean NOT NULL,
	denominator       text,
	denominator_sql   text,
	pre_period        interval,
	min_effect        float8 NOT NULL CHECK (min_effect > 0),
	created_at        timestamptz NOT NULL DEFAULT pg_catalog.now(),
	quantile          float8 CHECK (quantile > 0 AND quantile < 1),
	owner_id          oid GENERATED ALWAYS AS (rec._role_id(owner)) STORED
);

COMMENT ON TABLE rec.metric IS 'Metrics by which experiments are judged. Shows those that the current role owns, and those that experiments name which it may use. Written by rec.create_metric and rec.drop_metric only.';
COMMENT ON COLUMN rec.metric.metric IS 'Name of the metric';
COMMENT ON COLUMN rec.metric.owner IS 'Role that created it, by its name then';
COMMENT ON COLUMN rec.metric.relation_schema IS 'Schema of the relation that it is computed from';
COMMENT ON COLUMN rec.metric.relation_name IS 'The relation, found by name at every use, and read with the rights of the experiment''s owner';
COMMENT ON COLUMN rec.metric.unit_column IS 'Its column with the unit''s id, compared as text';
COMMENT ON COLUMN rec.metric.value IS 'Expression over its columns: the value of a row, as it was given';
COMMENT ON COLUMN rec.metric.value_sql IS 'The same as PostgreSQL understood it, with names qualified';
COMMENT ON COLUMN rec.metric.time_column IS 'Its column with the time of the row; null: rows have no time, and all count';
COMMENT ON COLUMN rec.metric.kind IS 'proportion: share of the units with a row whose value is true or not 0; mean: mean over the units of the sum of their values; ratio: sum of values over sum of denominators; quantile: quantile of the units'' sums';
COMMENT ON COLUMN rec.metric.window_after IS 'How long after its first exposure a unit''s rows count; null: until the experiment stops';
COMMENT ON COLUMN rec.metric.cap IS 'A unit''s sum of values counts at most so much; null: no cap';
COMMENT ON COLUMN rec.metric.direction IS 'increase: more is better; decrease: less is better';
COMMENT ON COLUMN rec.metric.guardrail IS 'Whether the metric shall only not get worse';
COMMENT ON COLUMN rec.metric.denominator IS 'Kind ratio: expression for the denominator, as it was given';
COMMENT ON COLUMN rec.metric.denominator_sql IS 'The same as PostgreSQL understood it';
COMMENT ON COLUMN rec.metric.pre_period IS 'Kind mean or proportion: a unit''s rows of so long before its exposure are the covariate that reduces variance (CUPED); null: none';
COMMENT ON COLUMN rec.metric.min_effect IS 'Smallest relative change worth finding; power is stated for it';
COMMENT ON COLUMN rec.metric.created_at IS 'When the metric was created';
COMMENT ON COLUMN rec.metric.quantile IS 'Kind quantile: which one; 0.5 is the median';
COMMENT ON COLUMN rec.metric.owner_id IS 'The owner''s oid, which counts';

GRANT SELECT ON rec.metric TO PUBLIC;
ALTER TABLE rec.metric ENABLE ROW LEVEL SECURITY;
CREATE POLICY usable ON rec.metric FOR SELECT USING (rec._member_of(owner_id)
	OR EXISTS (SELECT FROM rec.experiment e WHERE CASE WHEN e.metrics IS NULL THEN e.owner_id = metric.owner_id ELSE metric.metric = ANY (e.metrics) END
		-- as in rec._experiment_metrics; only who sees a metric may name it, see rec.create_experiment
		AND pg_catalog.pg_has_role(metric.owner_id, e.owner_id, 'USAGE')));
COMMENT ON POLICY usable ON rec.metric IS 'A role sees its own metrics and those that experiments show which it may use: of roles that may act as the experiment''s owner';
SELECT pg_catalog.pg_extension_config_dump('rec.metric', '');

CREATE FUNCTION rec.create_metric(name text, relation text, unit_column text DEFAULT 'user_id', value text DEFAULT '1',
	time_column text DEFAULT NULL, kind text DEFAULT 'mean', window_after interval DEFAULT NULL, cap float8 DEFAULT NULL,
	direction text DEFAULT 'increase', guardrail boolean DEFAULT false, denominator text DEFAULT NULL,
	pre_period interval DEFAULT NULL, min_effect float8 DEFAULT 0.05, quantile float8 DEFAULT NULL)
RETURNS text
	AS 'MODULE_PATHNAME', 'rec_create_metric' LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION rec.drop_metric(name text, if_exists boolean DEFAULT false) RETURNS void
	AS 'MODULE_PATHNAME', 'rec_drop_metric' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;

COMMENT ON FUNCTION rec.create_metric IS 'Creates a metric, owned by the current role, and returns its name. relation: table or view with rows of units. unit_column: the unit''s id. value: one SQL expression over its columns, boolean or a number; null, NaN and infinite values do not count. time_column: when a row happened; only rows from the unit''s first exposure on count (without it all rows). kind: proportion (also called conversion or binomial), mean (also sum or revenue; over all exposed units, those without rows count 0), count (mean of the number of rows with a value), ratio (with denominator), quantile (of the units'' sums; quantile: which one, default 0.5). window_after: how long after the exposure rows count. cap: of a unit''s sum. direction: increase or decrease, which of the two is good. guardrail: shall only not get worse. pre_period: CUPED with the unit''s rows before its exposure. min_effect: smallest relative change worth finding. Errors: unknown relation or column (with the nearest name), no SELECT on it, a value that is not one expression, holds a subquery or a volatile function, or is of another type.';
COMMENT ON FUNCTION rec.drop_metric IS 'Drops a metric with the stored results of experiments. Only for the metric''s owner.';
