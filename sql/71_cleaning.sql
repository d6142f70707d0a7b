-- Cleaning: missing values, robots, sessions, and a view that does what every click log needs.

CREATE FUNCTION rec.impute(x float8, strategy text) RETURNS float8
	AS 'MODULE_PATHNAME', 'rec_impute' LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec.impute(x float8, constant float8) RETURNS float8
	AS 'MODULE_PATHNAME', 'rec_impute_constant' LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec.impute(x text, strategy text) RETURNS text
	AS 'MODULE_PATHNAME', 'rec_impute_text' LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE;
-- All other types. Numbers and words keep to the forms above, whose argument types are the preferred ones of their categories.
CREATE FUNCTION rec.impute(x anyelement, strategy text) RETURNS anyelement
	AS 'MODULE_PATHNAME', 'rec_impute_value' LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec.impute(x anyelement, constant anyelement) RETURNS anyelement
	AS 'MODULE_PATHNAME', 'rec_impute_constant' LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE;

CREATE FUNCTION rec.impute_knn(relation text, key text, columns text[], k int DEFAULT 5, donors int DEFAULT 20000)
RETURNS TABLE (key text, column_name text, value text, distance float8, neighbours int)
	AS 'MODULE_PATHNAME', 'rec_impute_knn' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 1000000 ROWS 1000;

CREATE TYPE rec.bot_signs AS (
	score float8, rate float8, burst float8, regularity float8, round_the_clock float8, breadth float8, burstiness float8,
	events bigint, active_hours bigint);

CREATE FUNCTION rec._bot_transition(internal, timestamptz) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_bot_transition' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._bot_transition(internal, timestamptz, anyelement) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_bot_transition' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._bot_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_bot_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._bot_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'rec_bot_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION rec._bot_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_bot_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION rec._bot_final(internal) RETURNS rec.bot_signs
	AS 'MODULE_PATHNAME', 'rec_bot_final' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;

CREATE AGGREGATE rec.bot_score(ts timestamptz) (
	sfunc = rec._bot_transition, stype = internal, sspace = 1024, finalfunc = rec._bot_final, combinefunc = rec._bot_combine,
	serialfunc = rec._bot_serialize, deserialfunc = rec._bot_deserialize, parallel = safe);
CREATE AGGREGATE rec.bot_score(ts timestamptz, item anyelement) (
	sfunc = rec._bot_transition, stype = internal, sspace = 2048, finalfunc = rec._bot_final, combinefunc = rec._bot_combine,
	serialfunc = rec._bot_serialize, deserialfunc = rec._bot_deserialize, parallel = safe);

CREATE FUNCTION rec.session_id(ts timestamptz, gap interval DEFAULT '30 min') RETURNS int
	AS 'MODULE_PATHNAME', 'rec_session_id' LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec.dwell(ts timestamptz, gap interval DEFAULT '30 min') RETURNS interval
	AS 'MODULE_PATHNAME', 'rec_dwell' LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec.session_length(ts timestamptz, gap interval DEFAULT '30 min') RETURNS interval
	AS 'MODULE_PATHNAME', 'rec_session_length' LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec.bounce(ts timestamptz, gap interval DEFAULT '30 min') RETURNS boolean
	AS 'MODULE_PATHNAME', 'rec_bounce' LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE;

-- Writes the view. Names come quoted and qualified from the catalog; schema is where an unqualified name goes.
CREATE FUNCTION rec._create_clean_view(name text, schema text, source regclass, user_column text, item_column text,
	time_column text, event_column text, value_column text, dedup_window interval, drop_bots boolean, bot_threshold float8)
RETURNS text LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	parts    text[] := parse_ident(name);
	target   text;
	columns  text;
	column_  text;
	type_    oid;
	utc      text;
	kept     text[] := '{}';
	body     text;
BEGIN
	IF name IS NULL OR source IS NULL OR user_column IS NULL OR item_column IS NULL OR time_column IS NULL OR drop_bots IS NULL
		OR bot_threshold IS NULL THEN
		RAISE EXCEPTION 'name, source, user_column, item_column, time_column, drop_bots and bot_threshold must not be null' USING ERRCODE = 'null_value_not_allowed';
	END IF;
	IF cardinality(parts) > 2 THEN
		RAISE EXCEPTION 'invalid name of a view "%"', name USING ERRCODE = 'invalid_name';
	END IF;
	IF cardinality(parts) = 1 AND schema IS NULL THEN
		RAISE EXCEPTION 'no schema has been selected to create in' USING ERRCODE = 'undefined_schema';
	END IF;
	IF NOT bot_threshold BETWEEN 0 AND 1 THEN
		RAISE EXCEPTION 'bot_threshold must be from 0 to 1' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF dedup_window < interval '0' THEN
		RAISE EXCEPTION 'dedup_window must not be negative' USING ERRCODE = 'invalid_parameter_value', HINT = 'Null keeps duplicates.';
	END IF;
	target := CASE cardinality(parts) WHEN 1 THEN format('%I.%I', schema, parts[1]) ELSE format('%I.%I', parts[1], parts[2]) END;
	FOREACH column_ IN ARRAY array_remove(ARRAY[user_column, item_column, time_column, event_column, value_column], NULL) LOOP
		IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = source AND attname = column_ AND attnum > 0 AND NOT attisdropped) THEN
			RAISE EXCEPTION 'column "%" of % does not exist', column_, source USING ERRCODE = 'undefined_column',
				HINT = format('Its columns are %s.', (SELECT string_agg(attname, ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = source AND attnum > 0 AND NOT attisdropped));
		END IF;
	END LOOP;
	-- a domain is treated as what it stands for
	SELECT coalesce(nullif(t.typbasetype, 0), t.oid) INTO type_ FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid WHERE attrelid = source AND attname = time_column;
	utc := CASE type_ WHEN 'timestamptz'::regtype THEN 'e.%1$I' WHEN 'timestamp'::regtype THEN 'e.%1$I AT TIME ZONE ''UTC''' WHEN 'date'::regtype THEN 'e.%1$I::timestamp AT TIME ZONE ''UTC'''
		WHEN 'int'::regtype THEN 'to_timestamp(e.%1$I)' WHEN 'bigint'::regtype THEN 'to_timestamp(e.%1$I)' END;
	IF utc IS NULL THEN
		RAISE EXCEPTION 'time column "%" is of type %', time_column, format_type(type_, NULL) USING ERRCODE = 'datatype_mismatch',
			DETAIL = 'A time must be timestamptz, timestamp, date, or an integer with seconds since 1970.';
	END IF;
	utc := format(utc, time_column);
	SELECT string_agg(format('e.%I', attname), ', ' ORDER BY attnum) INTO columns FROM pg_attribute WHERE attrelid = source AND attnum > 0 AND NOT attisdropped;
	body := format(E'SELECT %s\nFROM (\n\tSELECT e.*', columns);
	IF dedup_window IS NOT NULL THEN
		body := body || format(E',\n\t\tlag(%s) OVER (PARTITION BY %s ORDER BY e.%I) AS _previous', utc,
			(SELECT string_agg(format('e.%I', c), ', ' ORDER BY n) FROM unnest(array_remove(ARRAY[user_column, item_column, event_column], NULL)) WITH ORDINALITY u (c, n)), time_column);
		kept := kept || format('(e._previous IS NULL OR %s - e._previous > interval %L)', utc, dedup_window);
	END IF;
	IF drop_bots THEN
		body := body || format(E',\n\t\t(rec.bot_score(%s, e.%I) OVER (PARTITION BY e.%I)).score AS _bot_score', utc, item_column, user_column);
		kept := kept || format('e._bot_score < %s', bot_threshold);
	END IF;
	body := body || format(E'\n\tFROM %s e\n\tWHERE %s\n) e%s', source,
		(SELECT string_agg(format('e.%I IS NOT NULL', c), ' AND ' ORDER BY n) FROM unnest(array_remove(ARRAY[user_column, item_column, time_column, value_column], NULL)) WITH ORDINALITY u (c, n)),
		coalesce(E'\nWHERE ' || nullif(array_to_string(kept, E'\n\tAND '), ''), ''));
	EXECUTE format('CREATE VIEW %s WITH (security_invoker) AS %s', target, body);
	EXECUTE format('COMMENT ON VIEW %s IS %L', target, format('Clean events of %s, written by rec.create_clean_view. Without rows that lack %s%s%s.', source,
		concat_ws(', ', user_column, item_column, time_column, value_column),
		CASE WHEN dedup_window IS NULL THEN '' ELSE format('; without repetitions within %s of the one before', dedup_window) END,
		CASE WHEN drop_bots THEN format('; without users whose rec.bot_score is %s or more', bot_threshold) ELSE '' END));
	RETURN format(E'CREATE OR REPLACE VIEW %s WITH (security_invoker) AS\n%s;', target, body);
END $$;

CREATE FUNCTION rec.create_clean_view(name text, source text, user_column text DEFAULT 'user_id',
	item_column text DEFAULT 'item_id', time_column text DEFAULT 'created_at', dedup_window interval DEFAULT '5 s',
	drop_bots boolean DEFAULT true, bot_threshold float8 DEFAULT 0.5, event_column text DEFAULT NULL,
	value_column text DEFAULT NULL)
RETURNS text LANGUAGE sql VOLATILE PARALLEL UNSAFE
RETURN rec._create_clean_view($1, pg_catalog.current_schema()::text, $2::regclass, $3, $4, $5, $9, $10, $6, $7, $8);

COMMENT ON FUNCTION rec.impute(float8, text) IS 'Window function: x, or where it is null the median, mean or mode (of equally frequent values the smallest) of the whole partition, or a constant written as text. Null in a partition of nulls. Errors: NaN or infinity, an unknown strategy.';
COMMENT ON FUNCTION rec.impute(float8, float8) IS 'Window function: x, or where it is null the constant';
COMMENT ON FUNCTION rec.impute(text, text) IS 'Window function: x, or where it is null the most frequent value of the whole partition (strategy mode; of equally frequent ones the first by bytes), or any other word as a constant';
COMMENT ON FUNCTION rec.impute(anyelement, text) IS 'Window function for dates, times, booleans, enums, uuids and other types: x, or where it is null the most frequent value of the whole partition (strategy mode; of equally frequent ones the smallest) or the median (of two the lower one). Null in a partition of nulls. Errors: another strategy, a type without an order.';
COMMENT ON FUNCTION rec.impute(anyelement, anyelement) IS 'Window function: x, or where it is null the constant, which is of the same type';
COMMENT ON FUNCTION rec.impute_knn(text, text, text[], int, int) IS 'One row for each missing value (null, NaN, infinity) in the given columns of a relation: the row''s key, the column, the value from the k nearest rows that have it (1 to 1000), their mean distance and how many they were (0: none, value null). Distance: Gower''s, numbers, dates and timestamps by their range, everything else equal or not, over the columns that both rows have. Numbers, dates and timestamps: the median, rounded for integer columns and dates; else the most frequent value, of those the nearest. At most donors rows are kept to compare with, a random sample of those that have at least one value. Reads the relation with the caller''s rights. Errors: unknown relation or column, a column of type time or interval, words beyond pg_recommend.training_memory.';
COMMENT ON TYPE rec.bot_signs IS 'What speaks for a program among the events of one visitor. rate to breadth are signs from 0 (as people) to 1 (as programs).';
COMMENT ON COLUMN rec.bot_signs.score IS 'From 0 to 1: 1 - (1 - .8 rate) (1 - .7 burst) (1 - .9 regularity) (1 - .8 round_the_clock) (1 - .6 breadth)';
COMMENT ON COLUMN rec.bot_signs.rate IS 'Distinct times per active hour: 0 up to 60, 1 from 1200, logarithmic between';
COMMENT ON COLUMN rec.bot_signs.burst IS 'Share of gaps below a second: 0 up to 0.1, 1 from 0.5; 0 with fewer than 10 gaps';
COMMENT ON COLUMN rec.bot_signs.regularity IS 'Share of the gaps below an hour that are within 10 % of their median: 0 up to 0.2, 1 from 0.8; 0 with fewer than 10 gaps, or where that median is below ten units of a clock of whole minutes or seconds';
COMMENT ON COLUMN rec.bot_signs.round_the_clock IS 'Four times the share of active hours in the quietest six hours of the day (UTC): 0 up to 0.4, 1 from 1; 0 with fewer than 24 active hours';
COMMENT ON COLUMN rec.bot_signs.breadth IS 'Distinct items, at most one per distinct time, per active day: 0 up to 300, 1 from 3000, times distinct items / events; null without items';
COMMENT ON COLUMN rec.bot_signs.burstiness IS '(s - m) / (s + m) of mean m and deviation s of the gaps: -1 regular, 0 random, near 1 bursts and pauses; null below two gaps; not in the score';
COMMENT ON COLUMN rec.bot_signs.events IS 'Events with a time';
COMMENT ON COLUMN rec.bot_signs.active_hours IS 'Hours (of the calendar, UTC) with an event';
COMMENT ON FUNCTION rec._bot_transition(internal, timestamptz) IS 'Internal: of the aggregate rec.bot_score';
COMMENT ON FUNCTION rec._bot_transition(internal, timestamptz, anyelement) IS 'Internal: of the aggregate rec.bot_score';
COMMENT ON FUNCTION rec._bot_combine(internal, internal) IS 'Internal: of the aggregate rec.bot_score';
COMMENT ON FUNCTION rec._bot_serialize(internal) IS 'Internal: of the aggregate rec.bot_score';
COMMENT ON FUNCTION rec._bot_deserialize(bytea, internal) IS 'Internal: of the aggregate rec.bot_score';
COMMENT ON FUNCTION rec._bot_final(internal) IS 'Internal: of the aggregate rec.bot_score';
COMMENT ON AGGREGATE rec.bot_score(timestamptz) IS 'How much the times of the events of one visitor look like a program''s: a score from 0 to 1 and the signs behind it, see rec.bot_signs. Nulls and infinite times are left out; null without a time.';
COMMENT ON AGGREGATE rec.bot_score(timestamptz, anyelement) IS 'As rec.bot_score(ts), with the sign breadth from the items (of any type that can be hashed)';
COMMENT ON FUNCTION rec.session_id(timestamptz, interval) IS 'Window function over the events of one user in order of time: number of the session within the partition, from 1. A session ends where the next event is more than the gap (above zero, a month counts 30 days) away. Null for a row without a time.';
COMMENT ON FUNCTION rec.dwell(timestamptz, interval) IS 'Window function over the events of one user in order of time: time until the next event of the same session; null for the last one';
COMMENT ON FUNCTION rec.session_length(timestamptz, interval) IS 'Window function over the events of one user in order of time: time from the first to the last event of the row''s session';
COMMENT ON FUNCTION rec.bounce(timestamptz, interval) IS 'Window function over the events of one user in order of time: whether the row''s session has no other event';
COMMENT ON FUNCTION rec._create_clean_view(text, text, regclass, text, text, text, text, text, interval, boolean, float8) IS 'Internal: behind rec.create_clean_view';
COMMENT ON FUNCTION rec.create_clean_view(text, text, text, text, text, interval, boolean, float8, text, text) IS 'Creates a view over an event relation, for the caller to use and to edit, and returns its text. It has the relation''s columns, and leaves out rows without user, item, time (and value, where value_column is given); events that follow one of the same user and item (and event type, where event_column is given) within dedup_window (null: kept); and users whose rec.bot_score reaches bot_threshold, unless drop_bots is false. A query for one user reads that user''s events only. The view runs with the rights of who reads it. Errors: unknown relation or column, a name that is taken, a time column of another type than date, timestamp, timestamptz or integer seconds.';
