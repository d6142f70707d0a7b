-- What a monitor reads: its relation, its columns, and the queries whose rows are profiles.

-- The relation of a monitor and what is to be known of it.
CREATE FUNCTION rec._monitor_source(monitor text, OUT relation regclass, OUT time_column text, OUT time_type regtype, OUT user_column text,
	OUT item_column text, OUT model text)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT r.relation, t.time_column, a.atttypid::pg_catalog.regtype, d.user_column, d.item_column, m.model
	FROM rec.monitor m LEFT JOIN rec.model d ON d.model = m.model
	CROSS JOIN LATERAL (SELECT coalesce(m.time_column, d.time_column) AS time_column) t
	CROSS JOIN LATERAL (SELECT pg_catalog.to_regclass(pg_catalog.format('%I.%I', coalesce(m.relation_schema, d.events_schema), coalesce(m.relation_name, d.events_relation))) AS relation) r
	LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = r.relation AND a.attname = t.time_column::pg_catalog.name AND a.attnum > 0 AND NOT a.attisdropped
	WHERE m.monitor = _monitor_source.monitor;
END;
COMMENT ON FUNCTION rec._monitor_source IS 'Internal: what a monitor watches';

-- The columns to watch and an expression that rec.profile takes. Without a list: not the keys, not the time, and not what is unique.
CREATE FUNCTION rec._monitor_columns(monitor text) RETURNS TABLE (column_name text, expression text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10
BEGIN ATOMIC
	SELECT a.attname::pg_catalog.text, pg_catalog.format(CASE k.kind WHEN 'number' THEN 'r.%I::pg_catalog.float8' WHEN 'time' THEN 'r.%I::pg_catalog.timestamp'
			WHEN 'timetz' THEN 'r.%I' WHEN 'category' THEN 'r.%I' ELSE 'r.%I::pg_catalog.text' END, a.attname)
	FROM rec.monitor m, rec._monitor_source(m.monitor) s
	JOIN pg_catalog.pg_attribute a ON a.attrelid = s.relation AND a.attnum > 0 AND NOT a.attisdropped
	JOIN pg_catalog.pg_type b ON b.oid = a.atttypid LEFT JOIN pg_catalog.pg_type d ON d.oid = b.typbasetype
	CROSS JOIN LATERAL (SELECT coalesce(d.typname, b.typname) AS type, coalesce(d.typcategory, b.typcategory) AS category) t
	CROSS JOIN LATERAL (SELECT CASE WHEN t.type IN ('int2', 'int4', 'int8', 'float4', 'float8', 'numeric') THEN 'number'
		WHEN t.type = 'timestamptz' THEN 'timetz' WHEN t.type IN ('date', 'timestamp') THEN 'time'
		WHEN t.category IN ('B', 'S', 'E') OR t.type = 'uuid' THEN 'category' END AS kind) k
	WHERE m.monitor = _monitor_columns.monitor
		AND CASE WHEN m.columns IS NOT NULL THEN a.attname::pg_catalog.text = ANY (m.columns)
			ELSE k.kind IN ('number', 'category') AND (s.user_column IS NULL OR a.attname <> s.user_column::pg_catalog.name)
				AND (s.item_column IS NULL OR a.attname <> s.item_column::pg_catalog.name) AND a.attname <> s.time_column::pg_catalog.name
				AND NOT EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = s.relation AND i.indisunique AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum) END
	ORDER BY a.attnum;
END;
COMMENT ON FUNCTION rec._monitor_columns IS 'Internal: columns that a monitor watches, as they stand now';

-- A time as the type of the time column has it, and back: so that an index on the column serves.
CREATE FUNCTION rec._time_bound(type regtype, t timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE type::pg_catalog.text
	WHEN 'timestamp with time zone' THEN pg_catalog.format('%L::pg_catalog.timestamptz', t)
	WHEN 'timestamp without time zone' THEN pg_catalog.format('%L::pg_catalog.timestamp', t AT TIME ZONE 'UTC')
	WHEN 'date' THEN pg_catalog.format('%L::pg_catalog.date', (t AT TIME ZONE 'UTC')::pg_catalog.date)
	ELSE pg_catalog.format('%s', pg_catalog.ceil(pg_catalog.date_part('epoch', t))::pg_catalog.int8) END;
CREATE FUNCTION rec._time_value(type regtype, name text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN pg_catalog.format(CASE type::pg_catalog.text WHEN 'timestamp with time zone' THEN '%s'
	WHEN 'timestamp without time zone' THEN '(%s AT TIME ZONE ''UTC'')' WHEN 'date' THEN '(%s::pg_catalog.timestamp AT TIME ZONE ''UTC'')'
	ELSE 'pg_catalog.to_timestamp(%s::pg_catalog.float8)' END, name);
COMMENT ON FUNCTION rec._time_bound IS 'Internal: a time as a literal of a time column''s type';
COMMENT ON FUNCTION rec._time_value IS 'Internal: an expression for a time column as timestamptz';

-- Equality of a model's keys as SQL: the type's own, wherever its operator stands. citext is no text.
CREATE FUNCTION rec._equality(type regtype) RETURNS text
	AS 'MODULE_PATHNAME', 'rec_equality' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE FUNCTION rec._key_equality(model text, side text) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT rec._equality(a.atttypid) FROM pg_catalog.pg_attribute a
	WHERE a.attrelid = pg_catalog.to_regclass(pg_catalog.format('%I.%s_factors', model, side)) AND a.attname = (side || '_id')::pg_catalog.name AND NOT a.attisdropped;
END;
COMMENT ON FUNCTION rec._equality IS 'Internal: the equality operator of a type as it is written in SQL; null: it has none';
COMMENT ON FUNCTION rec._key_equality IS 'Internal: the same of a model''s user or item keys';

-- The query for the newest row within a range.
CREATE FUNCTION rec._newest_query(monitor text, since timestamptz, until timestamptz) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	s record;
BEGIN
	SELECT * INTO s FROM rec._monitor_source(monitor);
	IF s.relation IS NULL THEN
		RAISE EXCEPTION 'the relation of monitor "%" does not exist', monitor USING ERRCODE = 'undefined_table',
			HINT = 'Create it again under its name, or drop the monitor with rec.drop_monitor.';
	END IF;
	IF s.time_column IS NULL THEN
		RAISE EXCEPTION 'model "%" has no time column', s.model USING ERRCODE = 'object_not_in_prerequisite_state',
			DETAIL = 'Drift is judged period by period.', HINT = 'Set one with rec.alter_model(model, time_column => ...).';
	END IF;
	IF s.time_type IS NULL THEN
		RAISE EXCEPTION 'column "%" of relation % does not exist', s.time_column, s.relation USING ERRCODE = 'undefined_column';
	END IF;
	RETURN format('SELECT max(%s) FROM %s r WHERE r.%I < %s AND r.%I %s %s', rec._time_value(s.time_type, format('r.%I', s.time_column)), s.relation,
		s.time_column, rec._time_bound(s.time_type, until), s.time_column, CASE WHEN since IS NULL THEN '>' ELSE '>=' END,
		CASE WHEN since IS NOT NULL THEN rec._time_bound(s.time_type, since)
			WHEN s.time_type IN ('int4'::regtype, 'int8'::regtype) THEN '0' ELSE format('''-infinity''::%s', s.time_type) END);
END $$;
COMMENT ON FUNCTION rec._newest_query IS 'Internal: query for the time of the newest row that a monitor is to look at';

CREATE FUNCTION rec._count_query(monitor text, since timestamptz, until timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.format('SELECT pg_catalog.count(*) FROM %s r WHERE r.%I >= %s AND r.%2$I < %4$s', s.relation, s.time_column,
		rec._time_bound(s.time_type, since), rec._time_bound(s.time_type, until)) FROM rec._monitor_source(monitor) s;
END;
COMMENT ON FUNCTION rec._count_query IS 'Internal: query for the number of rows of what a monitor watches in a range';

-- Whose rows a sample holds: a share of the users by a hash of the key, as its own type hashes it, so that each sampled user is there
-- with all rows; rows without a user by a hash of their time.
CREATE FUNCTION rec._sample_condition(user_column text, time_column text, share float8) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN share < 1 THEN pg_catalog.format(' AND (CASE WHEN r.%1$I IS NULL THEN pg_catalog.hash_array(ARRAY[r.%2$I]) ELSE pg_catalog.hash_array(ARRAY[r.%1$I]) END & 1048575) < %3$s',
	user_column, time_column, pg_catalog.ceil(share * 1048576)) ELSE '' END;
COMMENT ON FUNCTION rec._sample_condition IS 'Internal: condition of a query that takes a share of the users';

-- A profile of a share: so many of n are true.
CREATE FUNCTION rec._share_profile(yes bigint, n bigint) RETURNS rec.column_profile
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ROW('category', n, 0, NULL, NULL, NULL, NULL,
	CASE WHEN yes = 0 THEN '{false}'::text[] WHEN yes = n THEN '{true}'::text[] WHEN 2 * yes > n THEN '{true,false}'::text[] ELSE '{false,true}'::text[] END,
	CASE WHEN yes IN (0, n) THEN ARRAY[n] ELSE ARRAY[greatest(yes, n - yes), least(yes, n - yes)] END, 0)::rec.column_profile;
COMMENT ON FUNCTION rec._share_profile IS 'Internal: the profile of n booleans';

-- What a model shows to users who were active: p, u, item_id, score, rank, taken_from. In a period in which so many users were
-- shown recommendations of the version (rec.impression), a sample of these; else what recommend() answers to a sample of those who are
-- in active (p, u). A baseline is of a version that nobody has been shown yet.
CREATE FUNCTION rec._lists_query(monitor text, version int, since timestamptz, until timestamptz, whole boolean, users int) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	m rec.monitor;
	asked text;
	item_type text;
BEGIN
	SELECT * INTO m FROM rec.monitor t WHERE t.monitor = _lists_query.monitor;
	asked := format($q$SELECT d.p, r.item_id, r.score, r.rank, 'recommendations'::pg_catalog.text AS taken_from
	FROM (%s) d CROSS JOIN LATERAL %I.recommend(d.u, 10, version => %s) r$q$,
		format(CASE WHEN whole THEN 'SELECT a.p, a.u FROM active a ORDER BY %1$s, a.p LIMIT %2$s'
			ELSE 'SELECT n.p, n.u FROM (SELECT a.p, a.u, pg_catalog.row_number() OVER (PARTITION BY a.p ORDER BY %1$s) AS n FROM active a WHERE a.p NOT IN (SELECT s.p FROM shown s)) n WHERE n.n <= %2$s' END,
			'pg_catalog.hashint8extended(pg_catalog.hash_array(ARRAY[a.u]), pg_catalog.date_part(''epoch'', a.p)::pg_catalog.int8)', users), m.model, version);
	IF whole THEN
		RETURN format('lists AS MATERIALIZED (%s)', asked);
	END IF;
	SELECT format_type(a.atttypid, NULL) INTO item_type FROM pg_attribute a WHERE a.attrelid = to_regclass(format('%I.item_factors', m.model)) AND a.attname = 'item_id';
	RETURN format($q$shown AS MATERIALIZED (SELECT * FROM (SELECT f.*, pg_catalog.row_number() OVER (PARTITION BY f.p ORDER BY pg_catalog.hashtextextended(f.user_id, 7), f.user_id) AS n, pg_catalog.count(*) OVER (PARTITION BY f.p) AS users
	FROM (SELECT DISTINCT ON (1, i.user_id) pg_catalog.date_bin(%1$L::pg_catalog.interval, i.shown_at, '2000-01-01 00:00+00'::pg_catalog.timestamptz) AS p, i.user_id, i.shown_at, i.placement
		FROM rec.impression i WHERE i.model = %2$L AND i.version = %3$s AND i.rank = 1 AND i.user_id IS NOT NULL AND i.shown_at >= %4$L AND i.shown_at < %5$L ORDER BY 1, i.user_id, i.shown_at, i.placement) f) f WHERE f.n <= %6$s AND f.users >= %6$s),
lists AS MATERIALIZED (%7$s
UNION ALL SELECT s.p, i.item_id::%8$s, i.score, i.rank, 'impressions' FROM shown s JOIN rec.impression i ON i.user_id = s.user_id AND i.shown_at = s.shown_at AND i.placement IS NOT DISTINCT FROM s.placement
	WHERE i.model = %2$L AND i.version = %3$s AND i.rank <= 10 AND i.shown_at >= %4$L AND i.shown_at < %5$L)$q$,
		m.current, m.model, version, since, until, users, asked, item_type);
END $$;
COMMENT ON FUNCTION rec._lists_query IS 'Internal: part of rec._profile_query, the recommendations that a model shows';

-- The query that profiles the rows of a range: column_name, segment, period, profile, taken_from. whole: all periods together, as a
-- baseline is; share: of the users. The rows are read once. Joins with the version's tables are hash joins (src/model/monitor.c sees
-- to it), for the planner knows nothing yet of a version that has just been written.
CREATE FUNCTION rec._profile_query(monitor text, version int, since timestamptz, until timestamptz, whole boolean, share float8) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	m rec.monitor;
	s record;
	users int := 200;		-- for whom recommendations are looked at
	columns text[];
	outputs text[];
	aggregates text[];
	segment text[] := '{}';
	segments text[] := '{}';
	i int := 0;
	name text;
	expression text;
	-- how a row of a period is grouped, and what it says of it
	period text := CASE WHEN whole THEN 'NULL::pg_catalog.timestamptz' ELSE 'p' END;
	by_period text := CASE WHEN whole THEN '()' ELSE 'p' END;
	sql text;
BEGIN
	SELECT * INTO m FROM rec.monitor t WHERE t.monitor = _profile_query.monitor;
	SELECT * INTO s FROM rec._monitor_source(monitor);
	FOR name, expression IN SELECT * FROM rec._monitor_columns(monitor) LOOP
		i := i + 1;
		columns := columns || format('%s AS c%s', expression, i);
		aggregates := aggregates || format('rec.profile(e.c%s) AS c%s', i, i);
		outputs := outputs || format('(%L, g.c%s)', name, i);
	END LOOP;
	IF m.model IS NOT NULL THEN
		columns := columns || format('r.%I AS u', s.user_column) || format('r.%I AS i', s.item_column);
		aggregates := aggregates || '{rec.profile(f.n_events::pg_catalog.float8) FILTER (WHERE f.item_id IS NOT NULL) AS popularity,rec.profile(f.item_id IS NULL) AS no_item,rec.profile(k.user_id IS NULL) AS no_user}'::text[];
		outputs := outputs || ARRAY['(''item_popularity'', g.popularity)', '(''unknown_items'', g.no_item)', '(''unknown_users'', g.no_user)'];
	END IF;
	IF cardinality(columns) IS NULL THEN
		RAISE EXCEPTION 'monitor "%" has no column to watch', monitor USING ERRCODE = 'undefined_column',
			DETAIL = 'None of its columns exists any more, or none has a type that is watched without being named.';
	END IF;
	i := 0;
	FOR name IN SELECT a.attname FROM unnest(m.segments) WITH ORDINALITY g(name, no) JOIN pg_attribute a ON a.attrelid = s.relation AND a.attname = g.name::name
			AND a.attnum > 0 AND NOT a.attisdropped ORDER BY g.no LOOP
		i := i + 1;
		columns := columns || format('r.%I::pg_catalog.text AS s%s', name, i);
		segments := segments || format('e.s%s', i);
		segment := segment || format('WHEN GROUPING(e.s%s) = 0 THEN %L || coalesce(pg_catalog.left(e.s%s, 100), ''(null)'')', i, name || '=', i);
	END LOOP;
	sql := format($q$WITH e AS %s (SELECT pg_catalog.date_bin(%L::pg_catalog.interval, %s, '2000-01-01 00:00+00'::pg_catalog.timestamptz) AS p, %s FROM %s r WHERE r.%I >= %s AND r.%I < %s%s)$q$,
		CASE WHEN m.model IS NOT NULL THEN 'MATERIALIZED' ELSE 'NOT MATERIALIZED' END, m.current, rec._time_value(s.time_type, format('r.%I', s.time_column)),
		array_to_string(columns, ', '), s.relation, s.time_column, rec._time_bound(s.time_type, since), s.time_column, rec._time_bound(s.time_type, until),
		rec._sample_condition(s.user_column, s.time_column, share));
	IF m.model IS NOT NULL THEN
		sql := sql || format($q$,
items AS MATERIALIZED (SELECT f.item_id, f.n_events FROM %I.item_factors f WHERE f.version = %s),
active AS MATERIALIZED (SELECT e.p, e.u, pg_catalog.count(*)::pg_catalog.float8 AS n FROM e WHERE e.u IS NOT NULL GROUP BY e.p, e.u),
%s$q$, m.model, version, rec._lists_query(monitor, version, since, until, whole, users));
	END IF;
	sql := sql || format($q$
SELECT v.column_name, g.segment, g.p, v.profile, 'events' AS taken_from FROM (SELECT %s AS p, %s AS segment, %s FROM e%s GROUP BY GROUPING SETS (%s)) g CROSS JOIN LATERAL (VALUES %s) v(column_name, profile) WHERE v.profile IS DISTINCT FROM NULL$q$,
		CASE WHEN whole THEN period ELSE 'e.p' END, CASE WHEN segment = '{}' THEN '''''::pg_catalog.text' ELSE format('CASE %s ELSE '''' END', array_to_string(segment, ' ')) END,
		array_to_string(aggregates, ', '),
		CASE WHEN m.model IS NOT NULL THEN format(' LEFT JOIN items f ON f.item_id %3$s e.i LEFT JOIN %1$I.user_factors k ON k.version = %2$s AND k.user_id %4$s e.u',
			m.model, version, rec._key_equality(m.model, 'item'), rec._key_equality(m.model, 'user')) END,
		(SELECT string_agg(format('(%s)', concat_ws(', ', CASE WHEN NOT whole THEN 'e.p' END, g)), ', ') FROM unnest(segments || NULL::text) g),
		array_to_string(outputs, ', '));
	IF m.model IS NOT NULL THEN
		sql := sql || format($q$
UNION ALL SELECT 'user_activity', '', %1$s, rec.profile(a.n), 'events' FROM active a GROUP BY %2$s
UNION ALL SELECT 'recommendation_score', '', %1$s, rec.profile(l.score::pg_catalog.float8), pg_catalog.min(l.taken_from) FROM lists l WHERE l.rank = 1 AND l.score IS NOT NULL GROUP BY %2$s
UNION ALL SELECT 'catalogue_coverage', '', c.p, rec._share_profile(c.shown, (SELECT pg_catalog.count(*) FROM items f)), c.taken_from
FROM (SELECT %1$s AS p, pg_catalog.count(DISTINCT f.item_id) AS shown, pg_catalog.min(l.taken_from) AS taken_from
	FROM lists l LEFT JOIN items f ON f.item_id %3$s l.item_id GROUP BY %2$s HAVING pg_catalog.count(*) FILTER (WHERE l.rank = 1) >= %4$s) c$q$,
			period, by_period, rec._key_equality(m.model, 'item'), users);
	END IF;
	RETURN sql;
END $$;
COMMENT ON FUNCTION rec._profile_query IS 'Internal: query that profiles columns, segments and periods of what a monitor watches';
