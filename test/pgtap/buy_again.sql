-- buy_again(): own frequency, decayed by recency, against SQL over the events.
SET client_min_messages = warning;
SELECT no_plan();
CREATE TABLE items (id text, stock int);
INSERT INTO items SELECT 'i' || i, i % 3 FROM generate_series(0, 40) i;
CREATE TABLE e (user_id int, item_id text, event text, n int, at timestamptz);
INSERT INTO e SELECT u, 'i' || (u * k * k) % 9, CASE WHEN (u + k) % 5 = 0 THEN 'return' ELSE 'buy' END, 1 + k % 3, timestamptz '2024-01-01' + (u * 13 + k * 29) % 300 * interval '1 day'
FROM generate_series(1, 40) u, generate_series(1, 14) k;
CREATE TABLE not_indexed AS SELECT * FROM e;
CREATE INDEX ON e (user_id) INCLUDE (item_id, event, n, at);
CREATE FUNCTION make(model text, relation text, VARIADIC more text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SELECT rec.create_model(%L, %L, params => ''{"factors": 4, "epochs": 2, "holdout": 0}'', items => ''items'', item_key => ''id'', %s)', model, relation, array_to_string(more, ', '));
	PERFORM rec.train(model);
END $$;
SELECT make('m', 'e', $$event_column => 'event'$$, $$event_weights => '{"buy": 1, "return": -1.5}'$$, $$value_column => 'n'$$, $$time_column => 'at'$$);
SELECT make('timeless', 'e', $$event_column => 'event'$$, $$event_weights => '{"buy": 1, "return": -1.5}'$$, $$value_column => 'n'$$);
SELECT make('stored', 'not_indexed', $$event_column => 'event'$$, $$event_weights => '{"buy": 1, "return": -1.5}'$$, $$value_column => 'n'$$, $$time_column => 'at'$$, $$half_life => '100 days'$$);
SELECT make('rated', 'e', $$value_column => 'n'$$, $$feedback => 'explicit'$$, $$time_column => 'at'$$);

CREATE FUNCTION brute(of_user int, days float8, explicit bool DEFAULT false) RETURNS TABLE (item_id text, score float8, last_at timestamptz) LANGUAGE sql AS $$
	SELECT item_id, sum(CASE WHEN explicit THEN 1 ELSE n * CASE event WHEN 'buy' THEN 1 ELSE -1.5 END END
		* coalesce(2 ^ (-extract(epoch FROM newest - at)::float8 / 86400 / days), 1)) AS score, max(at)
	FROM (SELECT *, max(at) OVER () AS newest FROM e WHERE user_id = of_user) x GROUP BY item_id $$;
CREATE FUNCTION check_all(model text, days float8, timed bool, explicit bool) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE TEMP TABLE got AS SELECT u, r.* FROM generate_series(1, 42) u, LATERAL %I.buy_again(u, NULL, %L::float8 * interval ''1 day'') r', model, days);
	CREATE TEMP TABLE want AS SELECT u, b.* FROM generate_series(1, 42) u, LATERAL brute(u, days, explicit) b WHERE score > 0;
	RETURN NEXT is(count(*), 0::bigint, model || ': the same items') FROM (SELECT u, item_id FROM got FULL JOIN want USING (u, item_id) WHERE got.rank IS NULL OR want.score IS NULL) x;
	RETURN NEXT ok(max(abs(got.score - want.score)) < 1e-4, model || ': scores') FROM got JOIN want USING (u, item_id);
	RETURN NEXT is(count(*), 0::bigint, model || ': the newest event') FROM got JOIN want USING (u, item_id) WHERE got.last_at IS DISTINCT FROM CASE WHEN timed THEN want.last_at END;
	RETURN NEXT is(count(*), 0::bigint, model || ': ranked by score, then by key') FROM (SELECT rank, row_number() OVER (PARTITION BY u ORDER BY score DESC, item_id COLLATE "C") AS place FROM got) x WHERE rank <> place;
	RETURN NEXT cmp_ok(count(*), '>', 50::bigint, model || ': there are some') FROM got;
	DROP TABLE got, want;
END $$;
SELECT check_all('m', 90, true, false);
SELECT check_all('m', 3, true, false);
SELECT check_all('m', NULL, true, false);
SELECT check_all('timeless', NULL, false, false);
SELECT check_all('rated', 90, true, true);
-- without an index: the stored weights
SELECT results_eq($$SELECT item_id, score, last_at FROM stored.buy_again(3, NULL)$$,
	$$SELECT f.item_id, w, NULL::timestamptz FROM stored.user_history h, unnest(items, weights) x (i, w), stored.item_factors f WHERE h.user_id = 3 AND f.position = i AND w > 0 ORDER BY w DESC, i$$, 'stored history');
-- an event of just now; the default half-life
INSERT INTO e VALUES (3, 'i8', 'buy', 100, '2024-12-24');
SELECT results_eq($$SELECT item_id, rank, last_at FROM m.buy_again(3, 1)$$, $$VALUES ('i8', 1, timestamptz '2024-12-24')$$, 'a new event counts at once');
SELECT results_eq($$SELECT * FROM m.buy_again(3)$$, $$SELECT * FROM m.buy_again(3, 10, '90 days')$$, '90 days is the default');
SELECT results_eq($$SELECT * FROM rec.buy_again('m', '3', 4, '5 days')$$, $$SELECT * FROM m.buy_again(3, 4, '5 days')$$, 'by name');
SELECT results_eq($$SELECT item_id FROM m.buy_again(3, 2, filter => 'stock = :s', filter_args => '{"s": 1}')$$,
	$$SELECT item_id FROM m.buy_again(3, NULL) JOIN items ON id = item_id WHERE stock = 1 ORDER BY rank LIMIT 2$$, 'a filter');
SELECT is_empty('SELECT * FROM m.buy_again(-1)', 'an unknown user');
SELECT is_empty('SELECT * FROM m.buy_again(NULL)', 'null');
SELECT is_empty('SELECT * FROM m.buy_again(3, 0)', 'k 0');
SELECT throws_ok('SELECT * FROM m.buy_again(3, -1)', '22023', 'k must not be negative', 'k negative');
SELECT throws_ok($$SELECT * FROM m.buy_again(3, half_life => '0 days')$$, '22023', 'half_life must be above zero', 'half_life 0');
SELECT throws_ok($$SELECT * FROM m.buy_again(3, half_life => '-1 day')$$, '22023', 'half_life must be above zero', 'half_life negative');
SELECT throws_ok($$SELECT * FROM m.buy_again(3, version => 9)$$, '42704', NULL, 'unknown version');
-- rights: without SELECT the stored history; row security shows what it shows
CREATE ROLE again_guest;
GRANT USAGE ON SCHEMA m TO again_guest;
SET ROLE again_guest;
SELECT isnt((SELECT array_agg(item_id) FROM m.buy_again(3, 1)), '{i8}', 'without SELECT on the events: the stored history');
SELECT is_empty('SELECT * FROM m.buy_again(3) WHERE last_at IS NOT NULL', 'which knows no times');
RESET ROLE;
ALTER TABLE e ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON e TO again_guest USING (item_id = 'i8');
GRANT SELECT ON e TO again_guest;
SET ROLE again_guest;
SELECT results_eq('SELECT item_id FROM m.buy_again(3)', $$VALUES ('i8')$$, 'row security: visible events only');
RESET ROLE;
SELECT * FROM finish();
