-- rec.advise: what a model's events are like, and what to start with. The thresholds rest on docs/algorithms.md.

-- The query for the numbers about the events of a model: one row.
CREATE FUNCTION rec._advise_query(model text) RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	m rec.model;
	relation text;
	at text := 'NULL::timestamptz';
	weighted text := 'true';
BEGIN
	SELECT * INTO m FROM rec.model t WHERE t.model = _advise_query.model;
	relation := format('%I.%I', m.events_schema, m.events_relation);
	IF to_regclass(relation) IS NULL THEN
		RAISE EXCEPTION 'relation %.% does not exist', quote_ident(m.events_schema), quote_ident(m.events_relation) USING ERRCODE = 'undefined_table',
			DETAIL = format('It holds the events of model "%s".', m.model), HINT = 'Name another one with rec.alter_model(..., events => ...).';
	END IF;
	IF m.time_column IS NOT NULL THEN
		SELECT CASE WHEN a.atttypid = ANY ('{int2,int4,int8}'::regtype[]) THEN format('to_timestamp(CASE WHEN %1$I BETWEEN -210866803200 AND 9224318015999 THEN %1$I END)', a.attname)
			ELSE format('CASE WHEN isfinite(%1$I) THEN %1$I::timestamptz END', a.attname) END INTO at
		FROM pg_attribute a WHERE a.attrelid = to_regclass(relation) AND a.attname = m.time_column AND NOT a.attisdropped;
	END IF;
	IF m.event_column IS NOT NULL AND m.event_weights IS NOT NULL THEN
		weighted := format('coalesce((%L::jsonb ->> %I::text)::float8, 0) > 0', m.event_weights, m.event_column);
	END IF;
	RETURN format($q$
		WITH e AS (SELECT %1$I AS u, %2$I AS i, %3$s AS at, %4$s AS v, %5$s AS t, %6$s AS positive FROM %7$s),
		different AS (SELECT u, i, at, count(*) AS n FROM e WHERE u IS NOT NULL AND i IS NOT NULL AND positive GROUP BY u, i, at, v, t),
		p AS MATERIALIZED (SELECT u, i, sum(n)::bigint AS n, count(*) AS different, min(at) AS first, max(at) AS last FROM different GROUP BY u, i),
		us AS (SELECT count(*) AS users, count(*) FILTER (WHERE items < 5) AS few, max(events) AS largest
			FROM (SELECT count(*) AS items, sum(n)::bigint AS events FROM p GROUP BY u) x),
		span AS (SELECT min(first) AS oldest, max(last) AS newest, max(last) - (max(last) - min(first)) / 10 AS late FROM p),
		it AS (SELECT count(*) AS items, count(*) FILTER (WHERE users < 5) AS few, count(*) FILTER (WHERE first >= late) AS late_items, count(*) FILTER (WHERE last < late) AS gone,
				sum(users) FILTER (WHERE place <= 0.01 * n + 1) / sum(users) AS top
			FROM (SELECT count(*) AS users, min(first) AS first, max(last) AS last, row_number() OVER (ORDER BY count(*) DESC) AS place, count(*) OVER () AS n FROM p GROUP BY i) x, span)
		SELECT a.rows, a.nulls, (SELECT sum(n)::bigint FROM p), us.users, it.items, (SELECT count(*) FROM p), (SELECT count(*) FROM p WHERE n > 1),
			(SELECT sum(n - different)::bigint FROM p), us.few, it.few, us.largest, it.top::float8, span.oldest, span.newest, it.late_items, it.gone, a.levels, a.unweighted
		FROM us, it, span, (SELECT count(*) AS rows, count(*) FILTER (WHERE u IS NULL OR i IS NULL) AS nulls, count(DISTINCT v) AS levels,
			count(*) FILTER (WHERE NOT positive) AS unweighted FROM e) a$q$,
		m.user_column, m.item_column, at, CASE WHEN m.value_column IS NULL THEN 'NULL::float8' ELSE format('%I::float8', m.value_column) END,
		CASE WHEN m.event_column IS NULL THEN 'NULL::text' ELSE format('%I::text', m.event_column) END, weighted, relation);
END $$;

CREATE FUNCTION rec._advise_counts(model text, OUT rows bigint, OUT nulls bigint, OUT events bigint, OUT users bigint, OUT items bigint,
	OUT pairs bigint, OUT repeated bigint, OUT copies bigint, OUT few_items bigint, OUT few_users bigint, OUT largest bigint, OUT top_share float8,
	OUT oldest timestamptz, OUT newest timestamptz, OUT late_items bigint, OUT gone_items bigint, OUT levels bigint, OUT unweighted bigint) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'rec_advise_counts' LANGUAGE C STABLE STRICT PARALLEL UNSAFE COST 1000000 ROWS 1;

CREATE FUNCTION rec.advise(model text, OUT topic text, OUT importance text, OUT finding text, OUT advice text, OUT command text) RETURNS SETOF record
LANGUAGE plpgsql STABLE STRICT PARALLEL UNSAFE COST 1000000 ROWS 12
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	m rec.model;
	c record;
	q text := quote_literal(model);
	per_user float8;
	per_item float8;
	best text;
	-- tiles of the upper triangle, and weights
	ease_bytes float8;
	room float8;
	filled text;
BEGIN
	PERFORM rec._model(model);		-- an error with the nearest name
	SELECT * INTO m FROM rec.model x WHERE x.model = model;
	IF m.model IS NULL THEN
		RAISE EXCEPTION 'permission denied for model "%"', model USING ERRCODE = 'insufficient_privilege';
	END IF;
	SELECT * INTO c FROM rec._advise_counts(model);
	IF c.pairs = 0 THEN
		topic := 'events';
		importance := 'fix';
		finding := format('none of %s rows can be used', c.rows);
		advice := 'A row needs a user, an item and, with event_weights, a type whose weight is above 0. Check the columns of the model, or load events.';
		RETURN NEXT;
		RETURN;
	END IF;
	per_user := c.pairs::float8 / c.users;
	per_item := c.pairs::float8 / c.items;
	ease_bytes := 2 * c.items::float8 * (c.items + 144) + 8 * c.items::float8 * least(c.items, 2000) + 32 * c.pairs::float8;
	room := pg_size_bytes(current_setting('pg_recommend.training_memory'));

	-- what to train
	topic := 'algorithm';
	importance := 'start';
	best := CASE WHEN m.feedback = 'explicit' THEN 'als'
		WHEN c.users < 50 OR c.items < 20 OR c.pairs < 500 THEN 'item_knn'
		WHEN m.item_attributes IS NOT NULL OR m.user_attributes IS NOT NULL THEN 'als'
		WHEN c.items > 30000 OR per_item < 15 OR ease_bytes > room THEN 'als' ELSE 'ease' END;
	finding := format('%s users, %s items, %s pairs of them (%s %% of all): %s items per user, %s users per item', c.users, c.items, c.pairs,
		round((100 * c.pairs::float8 / c.users / c.items)::numeric, 3), round(per_user::numeric, 1), round(per_item::numeric, 1));
	advice := CASE
		WHEN m.feedback = 'explicit' THEN 'als: the only algorithm that predicts ratings.'
		WHEN best = 'item_knn' THEN 'item_knn: with so few events a simple rule is as good as anything; do not expect much more than popular items.'
		WHEN m.item_attributes IS NOT NULL OR m.user_attributes IS NOT NULL THEN 'als: the only algorithm that uses the attributes of the model.'
		WHEN c.items > 30000 THEN 'als: there are too many items for ease, whose work grows with their cube.'
		WHEN per_item < 15 THEN 'als: most items have so few users that weights between items are mostly noise; factors share what little is known.'
		WHEN best = 'als' THEN format('als: ease would need about %s of memory, and pg_recommend.training_memory is %s.', pg_size_pretty(ease_bytes::bigint), pg_size_pretty(room::bigint))
		ELSE 'ease: a catalogue of this size with enough users per item; it was as good as als or better on such data, and has one setting.' END;
	command := format('SELECT rec.alter_model(%s, algorithm => %L%s);', q, best, CASE WHEN m.algorithm <> best AND m.params - 'algorithm' <> '{}' THEN ', reset => ''{params}''' ELSE '' END);
	RETURN NEXT;

	topic := 'settings';
	importance := 'start';
	finding := format('the model has algorithm %s and params %s', m.algorithm, m.params - 'algorithm');
	advice := CASE WHEN m.feedback = 'explicit' THEN 'Start with the defaults and measure against the mean rating of each item.'
		ELSE 'Start with the defaults and measure the algorithms side by side; then let rec.tune search from the better one.' END
		|| CASE WHEN c.users >= 100000 AND best = 'als' THEN ' With this many users 128 factors and 4 to 8 epochs are a fair compromise; 64 factors halve the time.' ELSE '' END;
	command := CASE WHEN m.feedback = 'explicit' THEN format('SELECT * FROM rec.evaluate(%s, metrics => ''{rmse}'');', q)
		ELSE format('SELECT algorithm, value, ci_low, ci_high FROM rec.evaluate(%s, k => ''{10}'', metrics => ''{ndcg}'', compare => %L) WHERE segment = ''all'';', q,
			CASE WHEN best = 'ease' AND m.algorithm <> 'ease' THEN '{popular,item_knn,ease}' ELSE '{popular,item_knn}' END) END;
	RETURN NEXT;
	command := NULL;

	-- what to repair
	IF c.nulls > 0 THEN
		topic := 'missing keys';
		importance := CASE WHEN c.nulls > 0.05 * c.rows THEN 'fix' ELSE 'note' END;
		finding := format('%s of %s rows (%s %%) have no user or no item and are not used', c.nulls, c.rows, round(100.0 * c.nulls / c.rows, 1));
		advice := 'Find out why; where visitors are known by another key (a session, a device), use that in a view.';
		RETURN NEXT;
	END IF;
	IF c.unweighted > 0 THEN
		topic := 'event weights';
		importance := 'note';
		finding := format('%s of %s rows have an event type whose weight is missing, 0 or below', c.unweighted, c.rows);
		advice := 'Right for returns and the like. Types that speak for an item need a weight above 0 in event_weights.';
		RETURN NEXT;
	END IF;
	IF c.copies > 0.01 * c.events AND m.time_column IS NOT NULL THEN
		topic := 'duplicates';
		importance := 'fix';
		finding := format('%s of %s events (%s %%) repeat another one in user, item, time, type and value', c.copies, c.events, round(100.0 * c.copies / c.events, 1));
		advice := 'Each copy counts again. Read the events through a view that leaves them out.';
		RETURN NEXT;
	END IF;
	IF c.events >= 100 AND c.largest > 0.05 * c.events THEN
		topic := 'one user';
		importance := 'fix';
		finding := format('one user has %s of %s events', c.largest, c.events);
		advice := 'A robot, a test account or a placeholder for strangers? Leave it out with a view; rec.bot_score finds such users.';
		RETURN NEXT;
	END IF;
	IF NOT EXISTS (SELECT FROM pg_index x JOIN pg_class r ON r.oid = x.indrelid JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum = x.indkey[0]
			WHERE r.oid = to_regclass(format('%I.%I', m.events_schema, m.events_relation)) AND a.attname = m.user_column AND x.indpred IS NULL AND x.indisvalid)
		AND EXISTS (SELECT FROM pg_class r WHERE r.oid = to_regclass(format('%I.%I', m.events_schema, m.events_relation)) AND r.relkind IN ('r', 'p', 'm')) THEN
		topic := 'index';
		importance := 'fix';
		finding := 'no index finds the events of one user';
		advice := 'Without it recommend() answers from the last training and does not see new events.';
		SELECT format('CREATE INDEX ON %I.%I (%I) INCLUDE (%s);', m.events_schema, m.events_relation, m.user_column, string_agg(quote_ident(n), ', '))
			INTO command FROM unnest(ARRAY[m.item_column, m.value_column, m.event_column, m.time_column]) n WHERE n IS NOT NULL;
		RETURN NEXT;
		command := NULL;
	END IF;

	-- what it is like
	topic := 'history';
	importance := CASE WHEN c.few_items > 0.5 * c.users THEN 'consider' ELSE 'note' END;
	finding := format('%s of %s users (%s %%) have fewer than 5 items', c.few_items, c.users, round(100.0 * c.few_items / c.users, 1));
	advice := CASE WHEN c.few_items <= 0.5 * c.users THEN 'Most users have given enough for recommendations of their own.'
		WHEN m.users_relation IS NULL THEN 'Most users are nearly strangers: name a relation that describes them (users, user_attributes), and more kinds of events (views, carts) with lower weights.'
		ELSE 'Most users are nearly strangers: user_attributes and more kinds of events (views, carts) with lower weights help.' END;
	RETURN NEXT;
	topic := 'catalogue';
	importance := CASE WHEN c.few_users > 0.5 * c.items AND m.item_attributes IS NULL THEN 'consider' ELSE 'note' END;
	finding := format('%s of %s items (%s %%) have fewer than 5 users; the most popular 1 %% take %s %% of the pairs', c.few_users, c.items, round(100.0 * c.few_users / c.items, 1),
		round((100 * c.top_share)::numeric, 0));
	advice := CASE WHEN c.few_users <= 0.5 * c.items THEN 'Most items are known well enough.'
		WHEN m.item_attributes IS NOT NULL THEN 'Rare items lean on item_attributes, which the model has.'
		ELSE 'Many items are hardly known: with item_attributes (algorithm als) they, and items without any event, are recommended by what they are.' END;
	IF importance = 'consider' AND m.items_relation IS NOT NULL THEN
		SELECT format('SELECT rec.alter_model(%s, item_attributes => %L);', q, array_agg(a.attname::text ORDER BY a.attnum)) INTO command
		FROM (SELECT * FROM pg_attribute a WHERE a.attrelid = to_regclass(format('%I.%I', m.items_schema, m.items_relation)) AND a.attnum > 0
			AND NOT a.attisdropped AND a.attname <> m.item_key ORDER BY a.attnum LIMIT 8) a;
	END IF;
	RETURN NEXT;
	command := NULL;
	topic := 'repeats';
	importance := CASE WHEN c.repeated > 0.15 * c.pairs THEN 'consider' ELSE 'note' END;
	finding := format('%s of %s pairs (%s %%) have more than one event', c.repeated, c.pairs, round(100.0 * c.repeated / c.pairs, 1));
	advice := CASE WHEN c.repeated <= 0.15 * c.pairs OR m.feedback = 'explicit' THEN 'Users seldom come back to an item.'
		ELSE 'Users come back to items: recommend() shows new ones, buy_again() those that are due, and recommend(buy_again => 0.5) both in one list.' END;
	RETURN NEXT;

	topic := 'feedback';
	IF m.feedback = 'implicit' AND m.value_column IS NOT NULL AND c.levels BETWEEN 2 AND 11 AND c.repeated < 0.05 * c.pairs THEN
		importance := 'consider';
		finding := format('%I has %s different values, and a user seldom has an item twice: these look like ratings', m.value_column, c.levels);
		advice := 'As implicit feedback a low rating speaks for an item too. For good lists, point the model at a view of the good ratings; to predict ratings, use feedback => ''explicit''.';
		RETURN NEXT;
	ELSIF m.feedback = 'explicit' THEN
		importance := 'note';
		finding := format('ratings with %s different values', c.levels);
		advice := 'Explicit feedback predicts ratings. If what you want is a list that users like, compare with a model of implicit feedback over a view of the good ratings.';
		RETURN NEXT;
	END IF;

	topic := 'time';
	IF m.time_column IS NULL THEN
		importance := 'consider';
		finding := 'the model has no time column';
		advice := 'With one, rec.evaluate judges by later events as in real use, old events can fade (half_life), and drift can be watched.';
	ELSIF c.newest IS NULL OR c.newest = c.oldest THEN
		importance := 'fix';
		finding := format('%I tells no events apart', m.time_column);
		advice := 'Name the column that says when an event happened.';
	ELSE
		filled := format('events of %s days, the newest of %s', greatest(round(extract(epoch FROM c.newest - c.oldest) / 86400), 1), c.newest::date);
		finding := format('%s; of the items %s %% first came in the last tenth of that time, and %s %% had no event in it', filled,
			round(100.0 * c.late_items / c.items, 0), round(100.0 * c.gone_items / c.items, 0));
		importance := CASE WHEN c.late_items + c.gone_items > 0.4 * c.items THEN 'consider' ELSE 'note' END;
		advice := CASE WHEN importance = 'consider' THEN 'The catalogue turns over: let old events fade, train often, and filter what is no longer to be had.' ELSE 'The catalogue is steady; no decay is needed.' END;
		command := CASE WHEN importance = 'consider' THEN format('SELECT rec.alter_model(%s, half_life => %L);', q,
			format('%s days', greatest(round(extract(epoch FROM c.newest - c.oldest) / 86400 / 4), 1))) END;
	END IF;
	RETURN NEXT;
END $$;

COMMENT ON FUNCTION rec._advise_query(text) IS 'Internal: query for the numbers behind rec.advise';
COMMENT ON FUNCTION rec._advise_counts IS 'Internal: the numbers behind rec.advise, read as the model''s owner for its members and superusers, and as the caller for others';
COMMENT ON FUNCTION rec.advise IS 'Looks at a model''s events and says what to start with, what to repair and why, in words. One row for each topic: algorithm, settings, missing keys, event weights, duplicates, one user, index, history, catalogue, repeats, feedback, time. importance: start (what to do first), fix (costs quality as it is), consider (may gain), note (as it should be, or to know). finding: the numbers. advice: what to do and why. command: a statement that does it, null where there is none. Reads the events once, for members of the model''s owner and superusers with the owner''s rights, for others with their own, and changes nothing. Errors: no such model (with the nearest name), no USAGE on it, no SELECT on the events, relation gone.';
