-- How models do: what came of what was shown, and the state of each model on one row.

-- What came of the impressions of one day. An event counts for the last time that its item was shown to its user before it, within a
-- day: so impressions are read to the end of the next day, to see what was shown again. Times are literals: partitions are pruned when
-- the query is planned.
CREATE FUNCTION rec._performance_query(model text, day date) RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	m rec.model;
	relation regclass;
	time_type regtype;
	user_type text;
	item_type text;
	best text;
	first timestamptz := day::timestamp AT TIME ZONE 'UTC';
	last timestamptz := (day + 1)::timestamp AT TIME ZONE 'UTC';
BEGIN
	SELECT * INTO m FROM rec.model t WHERE t.model = _performance_query.model;
	relation := to_regclass(format('%I.%I', m.events_schema, m.events_relation));
	SELECT a.atttypid INTO time_type FROM pg_attribute a WHERE a.attrelid = relation AND a.attname = m.time_column::name AND NOT a.attisdropped;
	SELECT format_type(a.atttypid, NULL) INTO user_type FROM pg_attribute a WHERE a.attrelid = to_regclass(format('%I.user_factors', m.model)) AND a.attname = 'user_id';
	SELECT format_type(a.atttypid, NULL) INTO item_type FROM pg_attribute a WHERE a.attrelid = to_regclass(format('%I.item_factors', m.model)) AND a.attname = 'item_id';
	-- conversions are events of the type that weighs most
	SELECT string_agg(quote_literal(w.key), ', ') INTO best FROM jsonb_each_text(m.event_weights) w
	WHERE w.value::numeric = (SELECT max(v.value::numeric) FROM jsonb_each_text(m.event_weights) v);
	RETURN format($q$WITH shown AS (SELECT x.*, pg_catalog.row_number() OVER () AS no, pg_catalog.lead(x.shown_at) OVER (PARTITION BY x.user_id, x.item_id ORDER BY x.shown_at) AS shown_again
	FROM rec.impression x WHERE x.model = %L AND x.shown_at >= %L AND x.shown_at < %L)$q$, m.model, first, last + interval '1 day')
		|| CASE WHEN time_type IS NULL THEN ', hit AS (SELECT NULL::pg_catalog.int8 AS no, NULL::pg_catalog.int8 AS conversions, NULL::pg_catalog.float8 AS value WHERE false)'
		ELSE format($q$, hit AS (SELECT i.no, pg_catalog.count(*) FILTER (WHERE %1$s) AS conversions, pg_catalog.sum(%2$s) FILTER (WHERE %1$s) AS value
	FROM shown i JOIN %3$s e ON e.%4$I %10$s i.user_id::%5$s AND e.%6$I %11$s i.item_id::%7$s AND e.%12$I >= %13$s AND e.%12$I <= %14$s
	WHERE i.shown_at < %15$L AND %8$s >= i.shown_at AND %8$s < LEAST(i.shown_at + '1 day'::pg_catalog.interval, i.shown_again)%9$s GROUP BY i.no)$q$,
			CASE WHEN m.event_column IS NULL OR best IS NULL THEN 'true' ELSE format('e.%I::pg_catalog.text IN (%s)', m.event_column, best) END,
			CASE WHEN m.value_column IS NULL THEN 'NULL::pg_catalog.float8' ELSE format('e.%I::pg_catalog.float8', m.value_column) END,
			relation, m.user_column, user_type, m.item_column, item_type, rec._time_value(time_type, format('e.%I', m.time_column)),
			CASE WHEN m.event_column IS NOT NULL AND m.event_weights IS NOT NULL THEN format(' AND (%L::pg_catalog.jsonb ->> e.%I::pg_catalog.text)::pg_catalog.float8 > 0', m.event_weights, m.event_column) END,
			rec._key_equality(m.model, 'user'), rec._key_equality(m.model, 'item'),
			-- so that an index on the time serves
			m.time_column, rec._time_bound(time_type, first), rec._time_bound(time_type, last + interval '1 day'), last) END
		|| format($q$
SELECT i.placement, i.source, i.version, pg_catalog.count(*), pg_catalog.count(DISTINCT i.user_id), %s, %s, pg_catalog.sum(h.value)
FROM shown i LEFT JOIN hit h ON h.no = i.no WHERE i.shown_at < %L GROUP BY 1, 2, 3$q$,
			CASE WHEN time_type IS NULL THEN 'NULL::pg_catalog.int8' ELSE 'pg_catalog.count(h.no)' END,
			CASE WHEN time_type IS NULL THEN 'NULL::pg_catalog.int8' ELSE 'pg_catalog.count(h.no) FILTER (WHERE h.conversions > 0)' END, last);
END $$;
CREATE FUNCTION rec._performance(model text, day date, OUT placement text, OUT source text, OUT version int, OUT impressions bigint, OUT users bigint,
	OUT clicks bigint, OUT conversions bigint, OUT value float8) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'rec_performance' LANGUAGE C STABLE STRICT PARALLEL UNSAFE COST 100000 ROWS 10;
COMMENT ON FUNCTION rec._performance_query IS 'Internal: query for what came of the impressions of a model on a day';
COMMENT ON FUNCTION rec._performance IS 'Internal: behind rec.recommendation_performance; counts as the owner of a model whose schema the current role may use, and returns nothing but counts';

-- A call per model and day: what a filter on either leaves out is not read.
CREATE VIEW rec.recommendation_performance WITH (security_invoker = true) AS
	SELECT m.model, d.day, p.placement, p.source, p.version, p.impressions, p.users, p.clicks, p.conversions, p.value,
		p.clicks::pg_catalog.float8 / p.impressions AS click_through, p.conversions::pg_catalog.float8 / p.impressions AS conversion_rate
	FROM rec.model m
	CROSS JOIN LATERAL (SELECT (pg_catalog.now() AT TIME ZONE 'UTC')::pg_catalog.date - ago AS day FROM pg_catalog.generate_series(0, 89) ago) d
	CROSS JOIN LATERAL rec._performance(m.model, d.day) p;
COMMENT ON VIEW rec.recommendation_performance IS 'What came of the recommendations that were shown (rec.impression), per model, day (UTC), placement, source and version, over today and the 89 days before; of models whose schema the current role may use. An impression is clicked when an event of its user with its item, of a type with a positive weight, follows within a day (and before the item is shown to the user again); it converts when one of these is of the type that weighs most (every event, without types); value is the sum of the model''s value column over the converting events, null without such a column. Without a time column all of these are null. click_through and conversion_rate are shares of the impressions. Counted when it is read; days and models that a filter leaves out are not';

CREATE VIEW rec.model_health WITH (security_invoker = true) AS
	SELECT m.model, m.active_version, r.finished_at AS trained_at, pg_catalog.now() - r.finished_at AS age,
		CASE WHEN m.feedback = 'explicit' THEN 'rmse' ELSE 'ndcg@10' END AS metric,
		CASE WHEN m.feedback = 'explicit' THEN r.rmse[r.best_epoch] ELSE r.ndcg[r.best_epoch] END AS metric_value,
		CASE WHEN m.feedback = 'explicit' THEN r.mean_rmse ELSE r.popular_ndcg END AS baseline_value,
		d.drift, d.drifted_columns, d.watched_columns, d.checked_to, d.checked_at,
		p.impressions, p.click_through, p.conversion_rate,
		rec._next_run(s.check_at, pg_catalog.now(), s.time_zone) AS next_check, rec._next_run(s.retrain_at, pg_catalog.now(), s.time_zone) AS next_retrain,
		j.job AS last_job, j.status AS last_job_status, j.started_at AS last_job_at
	FROM rec.model m
	LEFT JOIN rec.training_run r ON r.model = m.model AND r.version = m.active_version
	LEFT JOIN LATERAL (SELECT CASE WHEN pg_catalog.bool_or(l.verdict = 'drifted') THEN 'drifted' WHEN pg_catalog.bool_or(l.verdict = 'watch') THEN 'watch' WHEN pg_catalog.count(*) > 0 THEN 'ok' END AS drift,
			pg_catalog.array_agg(DISTINCT l.column_name ORDER BY l.column_name) FILTER (WHERE l.verdict = 'drifted') AS drifted_columns,
			pg_catalog.array_agg(DISTINCT l.column_name ORDER BY l.column_name) FILTER (WHERE l.verdict = 'watch') AS watched_columns,
			pg_catalog.max(l.period_end) AS checked_to, pg_catalog.max(l.checked_at) AS checked_at
		FROM rec.drift l WHERE l.model = m.model) d ON true
	LEFT JOIN (SELECT q.model, pg_catalog.sum(q.impressions)::pg_catalog.int8 AS impressions, pg_catalog.sum(q.clicks)::pg_catalog.float8 / pg_catalog.sum(q.impressions)::pg_catalog.float8 AS click_through,
			pg_catalog.sum(q.conversions)::pg_catalog.float8 / pg_catalog.sum(q.impressions)::pg_catalog.float8 AS conversion_rate
		FROM rec.recommendation_performance q WHERE q.day > (pg_catalog.now() AT TIME ZONE 'UTC')::pg_catalog.date - 28 GROUP BY q.model) p ON p.model = m.model
	LEFT JOIN rec.schedule s ON s.model = m.model
	LEFT JOIN LATERAL (SELECT b.job, b.status, b.started_at FROM rec.job_run b WHERE b.model = m.model ORDER BY b.started_at DESC LIMIT 1) j ON true;
COMMENT ON VIEW rec.model_health IS 'One row per model whose schema the current role may use: active_version, trained_at and age; metric, metric_value (holdout of the last training) and baseline_value (the most popular items; explicit: the items'' mean ratings); drift (worst of the latest verdicts: ok, watch, drifted; null: never checked) with drifted_columns, watched_columns, checked_to, checked_at; impressions, click_through and conversion_rate of the last 28 days (null: none); next_check and next_retrain (null: not scheduled); last_job, last_job_status, last_job_at';
GRANT SELECT ON rec.recommendation_performance, rec.model_health TO PUBLIC;
