-- What implicit events come to: sums, weights of types, decay, negative and zero sums, weight_transform, popularity.
SET client_min_messages = warning;
SELECT no_plan();

CREATE TABLE e (user_id int, item_id text, event text, value float8, at timestamptz);
CREATE INDEX ON e (user_id) INCLUDE (item_id, event, value, at);
-- Net weights as the active version stored them.
CREATE FUNCTION nets(model text) RETURNS TABLE (u text, i text, net real) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT h.user_id::text, f.item_id::text, w.weight
		FROM %1$I.user_history h JOIN rec.model m ON m.model = %1$L AND h.version = m.active_version,
			unnest(h.items, h.weights) w (position, weight)
		JOIN %1$I.item_factors f ON f.position = w.position AND f.version = (SELECT active_version FROM rec.model WHERE model = %1$L)
		ORDER BY h.user_id::text COLLATE "C", f.item_id::text COLLATE "C"', model);
END $$;
CREATE FUNCTION small() RETURNS jsonb LANGUAGE sql AS $$SELECT '{"factors": 4, "epochs": 3, "holdout": 0}'::jsonb$$;

-- Background, so that there is something to recommend: users 10 to 29 like two of the items p to t each.
INSERT INTO e SELECT 10 + n, chr(112 + (n + k) % 5), 'view', 1, '2024-06-01' FROM generate_series(0, 19) n, generate_series(0, 1) k;

INSERT INTO e VALUES
	(1, 'p', 'view', 2, '2024-06-01'), (1, 'p', 'view', 3, '2024-06-01'), (1, 'q', 'view', 0.25, '2024-06-01'),
	(2, 'p', 'buy', 2, '2024-05-22'), (2, 'p', 'return', 2, '2024-06-01'), (2, 'q', 'return', 1, '2024-06-01'),
	(3, 'p', 'buy', 1, '2024-06-01'), (3, 'p', 'return', 1, '2024-06-01'), (3, 'q', 'view', 1, '2024-06-01'),
	(4, 'r', 'return', 1, '2024-06-01'),
	(5, 's', 'buy', 1, '2024-06-01'), (5, 's', 'return', 1, '2024-06-01'),
	(6, 'p', 'wishlist', 1, '2024-06-01'), (6, NULL, 'view', 1, '2024-06-01');

SELECT rec.create_model('counts', 'e', params => small());
SELECT rec.train('counts');
SELECT results_eq($$SELECT * FROM nets('counts') WHERE u IN ('1', '2')$$,
	$$VALUES ('1', 'p', 2::real), ('1', 'q', 1), ('2', 'p', 2), ('2', 'q', 1)$$,
	'without a value column every row counts 1, and rows of one pair are added up');

SELECT rec.create_model('sums', 'e', value_column => 'value', params => small());
SELECT rec.train('sums');
SELECT results_eq($$SELECT * FROM nets('sums') WHERE u = '1'$$, $$VALUES ('1', 'p', 5::real), ('1', 'q', 0.25)$$,
	'values of one pair are added up');

SELECT rec.create_model('types', 'e', value_column => 'value', event_column => 'event',
	event_weights => '{"view": 1, "buy": 5, "return": -5}', params => small());
SELECT rec.train('types');
SELECT results_eq($$SELECT * FROM nets('types') WHERE u::int < 10$$,
	$$VALUES ('1', 'p', 5::real), ('1', 'q', 0.25), ('2', 'p', 0), ('2', 'q', -5), ('3', 'p', 0), ('3', 'q', 1), ('4', 'r', -5), ('5', 's', 0)$$,
	'the weight of the type multiplies the value; a type without a weight is not used');

-- half-life: 10 days before the newest event counts half
SELECT rec.create_model('decayed', 'e', value_column => 'value', event_column => 'event',
	event_weights => '{"view": 1, "buy": 5, "return": -5}', time_column => 'at', half_life => '10 days', params => small());
SELECT rec.train('decayed');
SELECT results_eq($$SELECT * FROM nets('decayed') WHERE u = '2'$$, $$VALUES ('2', 'p', -5::real), ('2', 'q', -5)$$,
	'an event a half-life before the newest one counts half: 5 * 2 / 2 - 5 * 2');
SELECT is((SELECT newest_event FROM decayed.model_version),
	(extract(epoch FROM timestamptz '2024-06-01' - timestamptz '2000-01-01 UTC') * 1000000)::bigint, 'the newest event is kept');
SELECT is((SELECT half_life FROM decayed.model_version), 864000e6::float8, 'and the half-life, in microseconds');
-- a month is 30 days, and fractions count
SELECT rec.alter_model('decayed', half_life => '1 month 12:00');
SELECT rec.train('decayed');
SELECT is((SELECT net FROM nets('decayed') WHERE u = '2' AND i = 'p'), (10 * 2 ^ (-10 / 30.5::float8) - 10)::real,
	'half_life of months, days and hours');
-- any other type of time column means the same
CREATE TABLE times AS SELECT user_id, item_id, event, value, at::timestamp AS at_plain, at::date AS at_day,
	extract(epoch FROM at)::bigint AS at_seconds, extract(epoch FROM at)::int AS at_int FROM e;
SET TimeZone = 'UTC';
SELECT rec.create_model('times', 'times', value_column => 'value', event_column => 'event',
	event_weights => '{"view": 1, "buy": 5, "return": -5}', time_column => 'at_plain', half_life => '10 days', params => small());
CREATE FUNCTION nets_by(time_column text) RETURNS real LANGUAGE plpgsql AS $$
BEGIN
	PERFORM rec.alter_model('times', time_column => time_column);
	PERFORM rec.train('times');
	RETURN (SELECT net FROM nets('times') WHERE u = '2' AND i = 'p');
END $$;
SELECT is(nets_by(c), -5::real, 'time column ' || c) FROM unnest('{at_plain,at_day,at_seconds,at_int}'::text[]) c;
-- later events keep weight 1: the half-life counts from the version's newest event
SELECT rec.alter_model('decayed', half_life => '10 days');
SELECT rec.train('decayed');
INSERT INTO e VALUES (1, 'r', 'view', 1, '2025-06-01');
SELECT is((SELECT weight FROM decayed.explain(1, 's') WHERE item_id = 'r'), 1::real, 'an event after the newest one of the version counts 1, not more');
SELECT is((SELECT weight FROM decayed.explain(1, 's') WHERE item_id = 'p'), 5::real, 'and does not make older ones weigh less');
DELETE FROM e WHERE at = '2025-06-01';

-- Negative net: preference 0, never recommended to that user, whatever is asked for.
SELECT is_empty($$SELECT * FROM types.recommend(2, NULL, exclude_seen => false) WHERE item_id = 'q'$$,
	'an item with a negative sum is not recommended even with exclude_seen => false');
SELECT is_empty($$SELECT * FROM types.recommend(2, NULL, exclude_seen => false, candidates => '{q}')$$, 'nor as a candidate');
SELECT is_empty($$SELECT * FROM types.recommend(4, NULL, exclude_seen => false) WHERE item_id = 'r'$$,
	'nor among popular items');
SELECT is_empty($$SELECT * FROM types.recommend(2, NULL, exclude_events => '{view}') WHERE item_id = 'q'$$,
	'nor with exclude_events of another type');
SELECT isnt_empty($$SELECT * FROM types.recommend(3, NULL) WHERE item_id = 'r'$$, 'others are still recommended it');
-- Zero net: seen, but not trained.
SELECT is_empty($$SELECT * FROM types.recommend(3, NULL) WHERE item_id = 'p'$$, 'an item with a sum of zero is seen');
SELECT isnt_empty($$SELECT * FROM types.recommend(3, NULL, exclude_seen => false) WHERE item_id = 'p'$$,
	'but it can be recommended again');
SELECT is((SELECT support FROM types.active_items WHERE item_id = 's'),
	(SELECT count(DISTINCT user_id)::int FROM e WHERE item_id = 's' AND user_id >= 10), 'it does not count as support');
SELECT is_empty($$SELECT * FROM types.explain(3, 'r') WHERE item_id = 'p'$$, 'nor explain anything');
-- Without anything positive: popular.
SELECT is((SELECT array_agg(DISTINCT source) FROM types.recommend(4, NULL)), '{popular}', 'a user with only a return gets popular items');
SELECT is((SELECT array_agg(DISTINCT source) FROM types.recommend(5, NULL)), '{popular}', 'and so does one with a sum of zero');
SELECT ok((SELECT bool_and(f = 0) FROM types.active_users, unnest(factors) f WHERE user_id = '5'), 'whose factors are zero');

-- weight_transform
CREATE TABLE ones AS SELECT user_id, item_id, sign(sum(value)) AS value FROM e WHERE item_id IS NOT NULL GROUP BY 1, 2;
CREATE TABLE logs AS SELECT user_id, item_id, ln(1 + sum(value)::numeric) AS value FROM e WHERE item_id IS NOT NULL GROUP BY 1, 2;
SELECT rec.create_model('transformed', 'e', value_column => 'value', params => small());
SELECT rec.create_model('ones', 'ones', value_column => 'value', params => small() || '{"weight_transform": "none"}');
SELECT rec.create_model('logs', 'logs', value_column => 'value', params => small() || '{"weight_transform": "none"}');
SELECT rec.train('ones'), rec.train('logs');
SELECT rec.train('transformed', '{"weight_transform": "binary"}');
SELECT set_eq('SELECT item_id, factors FROM transformed.active_items', 'SELECT item_id, factors FROM ones.active_items',
	'binary: as if every sum were 1');
SELECT rec.train('transformed', '{"weight_transform": "log1p"}');
SELECT ok((SELECT max(abs(a.f - b.f)) < 1e-5 FROM
	(SELECT item_id, n, f FROM transformed.active_items, unnest(factors) WITH ORDINALITY v (f, n)) a JOIN
	(SELECT item_id, n, f FROM logs.active_items, unnest(factors) WITH ORDINALITY v (f, n)) b USING (item_id, n)),
	'log1p: as if the logarithms had been summed up before');
SELECT is((SELECT net FROM nets('transformed') WHERE u = '1' AND i = 'p'), 5::real, 'history keeps what was before the transformation');

-- Popularity
SELECT set_eq($$SELECT item_id, popularity, support FROM types.active_items$$,
	$$SELECT i, count(*) FILTER (WHERE net > 0)::real AS popularity, count(*) FILTER (WHERE net > 0)::int AS support FROM nets('types') GROUP BY i$$,
	'popularity is the number of users with a positive sum, not the sum');
SELECT ok((SELECT bool_and(abs(a.popularity - b.popularity) < 1e-5) FROM decayed.active_items a JOIN (
	SELECT i AS item_id, sum(2 ^ (-extract(epoch FROM '2024-06-01' - newest) / 864000)) FILTER (WHERE net > 0) AS popularity
	FROM nets('decayed') JOIN (SELECT user_id::text AS u, item_id AS i, max(at) AS newest FROM e GROUP BY 1, 2) t USING (u, i)
	GROUP BY i) b USING (item_id)), 'with a half-life each user counts by the newest event');

SELECT * FROM finish();
