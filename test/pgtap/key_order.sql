-- Items are found by key whatever the order of their positions: keys of another system may sort otherwise here.
\set QUIET on
SELECT no_plan();
CREATE TYPE colour AS ENUM ('red', 'green', 'blue', 'black', 'white');
CREATE TABLE ev (u int, i colour, event text);
INSERT INTO ev SELECT u, (enum_range(NULL::colour))[1 + (u * 7 + j * j) % 5], 'view' FROM generate_series(1, 50) u, generate_series(1, 2) j;
SELECT rec.create_model('en', 'ev', 'u', 'i', event_column => 'event', event_weights => '{"view": 1}', params => '{"factors": 4, "holdout": 0}');
SELECT count(*) FROM rec.train('en');
CREATE TABLE before AS SELECT item_id, score FROM en.recommend(1, exclude_seen => false);
-- histories name items by position, so both move
UPDATE en.user_history SET items = (SELECT array_agg((p + 2) % 5 ORDER BY (p + 2) % 5) FROM unnest(items) p),
	weights = (SELECT array_agg(w ORDER BY (p + 2) % 5) FROM unnest(items, weights) x(p, w));
UPDATE en.item_factors SET position = (position + 2) % 5;
UPDATE en.model_version SET uid = uid + 1;
SELECT results_eq('SELECT item_id, score FROM en.recommend(1, exclude_seen => false) ORDER BY 1', 'SELECT * FROM before ORDER BY 1', 'the same answer');
SELECT is((SELECT count(*) FROM before b WHERE en.predict(1, b.item_id) = b.score), 5::bigint, 'each item is found by its key');
SELECT set_eq($$SELECT item_id FROM en.recommend(1, candidates => '{white,red}', exclude_seen => false)$$, ARRAY['white', 'red']::colour[], 'candidates are found');
SELECT set_eq($$SELECT item_id FROM en.recommend(1)$$, $$SELECT unnest(enum_range(NULL::colour)) EXCEPT SELECT i FROM ev WHERE u = 1$$, 'what was seen is left out');
-- a type without a weight is not trained on, but it excludes when it is named
CREATE INDEX ON ev (u);
INSERT INTO ev SELECT 1, item_id, 'wishlist' FROM before WHERE item_id NOT IN (SELECT i FROM ev WHERE u = 1) LIMIT 1;
SELECT set_eq($$SELECT item_id FROM en.recommend(1, exclude_events => '{wishlist}')$$, $$SELECT unnest(enum_range(NULL::colour)) EXCEPT SELECT i FROM ev WHERE u = 1 AND event = 'wishlist'$$, 'exclude_events takes a type without a weight');
SELECT * FROM finish();
