-- rec.evaluate with attributes: who is cold is answered as recommend() does it, beside the same model without them; and scalers
-- that are fitted to the training part alone. All against trainings on the training part and SQL.
SET client_min_messages = warning;
SELECT no_plan();
-- users like the items of their group; items from 101 on and users from 201 on come in the last days
CREATE TABLE item AS SELECT i AS id, 'c' || i % 5 AS category FROM generate_series(1, 120) i;
CREATE TABLE customer AS SELECT u AS id, 'k' || u % 5 AS country FROM generate_series(1, 240) u WHERE u <> 240;
ALTER TABLE customer ADD PRIMARY KEY (id);
CREATE TABLE e (user_id int, item_id int, at timestamptz);
INSERT INTO e SELECT u, i, CASE WHEN u > 200 OR i > 100 THEN timestamptz '2024-06-01' ELSE timestamptz '2024-01-01' + h / 1000 % 90 * interval '1 day' END
FROM generate_series(1, 240) u, generate_series(1, 120) i, LATERAL (SELECT rec.hash_bucket(u || '-' || i, 100000) AS h) x WHERE h % 100 < CASE WHEN u % 5 = i % 5 THEN 40 ELSE 2 END;
CREATE INDEX ON e (user_id);
-- one who has only sent something back
INSERT INTO customer VALUES (300, 'k3');
ALTER TABLE e ADD value real NOT NULL DEFAULT 1;
INSERT INTO e VALUES (300, 7, '2024-02-01', -1), (300, 8, '2024-06-01', 1), (300, 13, '2024-06-01', 1);
CREATE FUNCTION create_it(name text, events text) RETURNS void LANGUAGE sql AS $$
	SELECT rec.create_model(name, events, value_column => 'value', time_column => 'at', items => 'item', item_key => 'id', item_attributes => '{category}', users => 'customer', user_key => 'id',
	user_attributes => '{country}', params => '{"factors": 8, "epochs": 6}')$$;
SELECT create_it('m', 'e');
CREATE TABLE r AS SELECT * FROM rec.evaluate('m', holdout => '10 days', k => '{5,10}');
CREATE FUNCTION value(a text, m text, n int, s text) RETURNS float8 LANGUAGE sql AS $$SELECT value FROM r WHERE (algorithm, metric, segment) = (a, m, s) AND k IS NOT DISTINCT FROM n$$;

-- by hand: the training part, trained and asked
CREATE VIEW train AS SELECT * FROM e WHERE at < '2024-05-01';
SELECT create_it('t', 'train');
SELECT rec.train('t');
SELECT is((SELECT (cold_items, items) FROM t.model_version)::text, '(20,120)', 'the version knows the new items by their attributes');
CREATE TABLE relevant AS SELECT user_id, item_id FROM e WHERE at > '2024-05-01' AND (user_id, item_id) NOT IN (SELECT user_id, item_id FROM train);
CREATE FUNCTION rank_by(model text) RETURNS TABLE (user_id int, item_id int, score real, rank int, source text) LANGUAGE plpgsql AS $$
BEGIN RETURN QUERY EXECUTE format('SELECT u.user_id, q.* FROM (SELECT DISTINCT user_id FROM relevant) u, LATERAL %I.recommend(u.user_id, NULL) q', model); END $$;
CREATE TABLE ranking AS SELECT * FROM rank_by('t');
CREATE TABLE per_user AS SELECT user_id, rec.ndcg(rank, r.item_id IS NOT NULL, 10) AS ndcg, min(source) AS source
	FROM ranking k FULL JOIN relevant r USING (user_id, item_id) GROUP BY 1;
SELECT is((SELECT count(*) FROM per_user WHERE source = 'attributes'), 40::bigint, 'cold users with attributes, the one with a negative weight too');
SELECT is((SELECT array_agg(user_id) FROM per_user WHERE source = 'popular'), '{240}', 'and one without');
SELECT ok(abs(value('als', 'ndcg', 10, 'cold') - (SELECT avg(ndcg) FROM per_user WHERE user_id > 200)) < 1e-12, 'cold users are judged by what recommend() gives them: ' || value('als', 'ndcg', 10, 'cold'));
SELECT ok(abs(value('als', 'ndcg', 10, 'all') - (SELECT avg(ndcg) FROM per_user)) < 1e-12, 'and so are all: ' || value('als', 'ndcg', 10, 'all'));
CREATE TABLE auc AS SELECT user_id, avg((a.score > b.score)::int + 0.5 * (a.score = b.score)::int) AS auc FROM (ranking NATURAL JOIN relevant) a JOIN ranking b USING (user_id)
	WHERE NOT EXISTS (SELECT FROM relevant r WHERE r.user_id = b.user_id AND r.item_id = b.item_id) AND user_id <> 240 GROUP BY 1;
SELECT ok(abs((SELECT avg(auc) FROM auc) - value) < 1e-9, 'auc: ' || value) FROM rec.evaluate('m', holdout => '10 days', metrics => '{auc}', segment => 'user_id <> 240') WHERE algorithm = 'als' AND segment = 'true';
SELECT ok(abs(value('als', 'recall', 10, 'cold items') - (SELECT avg(v) FROM (SELECT rec.recall(rank, r.item_id IS NOT NULL, 10) v FROM ranking k FULL JOIN (SELECT * FROM relevant WHERE item_id > 100) r USING (user_id, item_id) GROUP BY user_id) x)) < 1e-12
	AND value('als', 'recall', 10, 'cold items') > 0.02, 'cold items are found by their attributes');
SELECT is(value('als', 'coverage', 10, 'all'), (SELECT count(DISTINCT item_id) / 120.0::float8 FROM ranking WHERE rank <= 10), 'they belong to the catalogue');
SELECT ok(value('als', 'ndcg', 10, s) > 1.5 * value('without_attributes', 'ndcg', 10, s), 'with and without: ' || s) FROM unnest('{cold,all}'::text[]) s;
SELECT is(value('without_attributes', 'ndcg', 10, 'cold'), value('popular', 'ndcg', 10, 'cold'), 'without them cold users get popular items');
SELECT is(value('without_attributes', 'recall', 10, 'cold items'), 0::float8, 'and cold items are misses');
SELECT is(value('data', 'unseen_items', NULL, 'all'), 20::float8, 'which are reported in any case');
SELECT is(value('data', 'unseen_pairs', NULL, 'all'), (SELECT count(*)::float8 FROM relevant WHERE item_id > 100), 'with their pairs');
-- the same numbers from a model that has no attributes at all
SELECT rec.create_model('p', 'e', value_column => 'value', time_column => 'at', params => '{"factors": 8, "epochs": 6}');
SELECT is((SELECT array_agg((value, users)::text ORDER BY metric, k, segment) FROM r WHERE algorithm = 'without_attributes' AND metric IN ('ndcg', 'recall', 'map', 'novelty', 'popularity_lift')),
	(SELECT array_agg((value, users)::text ORDER BY metric, k, segment) FROM rec.evaluate('p', holdout => '10 days', k => '{5,10}') WHERE algorithm = 'als' AND metric IN ('ndcg', 'recall', 'map', 'novelty', 'popularity_lift')), 'the same as a model without attributes');
SELECT is((SELECT array_agg(DISTINCT algorithm ORDER BY algorithm) FROM rec.evaluate('p', holdout => '10 days', k => '{5}')), '{als,data,popular,random}', 'which is not compared with itself');
SELECT is((SELECT array_agg(DISTINCT algorithm ORDER BY algorithm) FROM rec.evaluate('m', holdout => '10 days', k => '{5}', compare => '{}')), '{als,data}', 'nor where something else is asked for');
SELECT is((SELECT array_agg(DISTINCT algorithm ORDER BY algorithm) FROM rec.evaluate('m', holdout => '10 days', k => '{5}', params => '{"algorithm": "ease"}')), '{data,ease,popular,random}', 'nor with an algorithm that does not use attributes');
SELECT is((SELECT array_agg(verdict LIKE 'worse%') FROM rec.compare('m', ARRAY['{}', '"without_attributes"']::jsonb[], holdout => '10 days') WHERE number > 1), '{t}', 'rec.compare takes it too');
SELECT throws_ok($$SELECT * FROM rec.evaluate('p', holdout => '10 days', compare => '{without_attributes}')$$, '22023', 'there are no attributes to leave out', 'nothing to leave out');
SELECT throws_ok($$SELECT * FROM rec.evaluate('m', holdout => '10 days', params => '{"algorithm": "ease"}', compare => '{without_attributes}')$$, '22023', 'there are no attributes to leave out', 'nor with another algorithm');
SELECT lives_ok($$SELECT * FROM rec.evaluate('m', holdout => '10 days', k => '{120}')$$, 'k up to the whole catalogue');
SELECT throws_ok($$SELECT * FROM rec.evaluate('m', holdout => '10 days', k => '{121}')$$, '22023', 'k = 121 is larger than the catalogue', 'and not above');

-- A stored version: users who have come since are answered by their attributes
CREATE TABLE since AS SELECT * FROM e WHERE at > '2024-05-01';
INSERT INTO customer VALUES (1001, 'k2');
INSERT INTO since SELECT 1001, i, now(), 1 FROM generate_series(2, 42, 5) i;
CREATE TABLE v AS SELECT * FROM rec.evaluate_version('t', events => 'since', k => '{10}', metrics => '{ndcg}');
INSERT INTO relevant SELECT user_id, item_id FROM since WHERE user_id = 1001;
CREATE TABLE later AS SELECT user_id, rec.ndcg(rank, r.item_id IS NOT NULL, 10) AS ndcg FROM rank_by('t') k FULL JOIN relevant r USING (user_id, item_id) GROUP BY 1;
SELECT ok(abs((SELECT value FROM v WHERE algorithm = 'als' AND segment = s) - (SELECT avg(ndcg) FROM later WHERE user_id > CASE s WHEN 'cold' THEN 200 ELSE 0 END)) < 1e-12, 'a version on new events: ' || s) FROM unnest('{all,cold}'::text[]) s;
SELECT throws_ok($$SELECT * FROM rec.evaluate_version('t', events => 'since', compare => '{without_attributes}')$$, '22023', 'a version cannot be compared with "without_attributes"', 'a version has no twin');

-- Explicit feedback: ratings of cold users and items by their attributes
CREATE TABLE rated AS SELECT user_id, item_id, at, 3 + (user_id % 5 = item_id % 5)::int * 2 - (item_id % 5 = 0)::int + rec.hash_bucket(user_id || '/' || item_id, 3) * 0.1 AS value FROM
	(SELECT user_id, item_id, at FROM e WHERE user_id NOT IN (240, 300) UNION SELECT u, i, CASE WHEN u > 200 OR i > 100 THEN timestamptz '2024-06-01' ELSE timestamptz '2024-01-01' END FROM generate_series(1, 239) u, generate_series(1, 120) i WHERE rec.hash_bucket(u || '+' || i, 10) = 0) x;
SELECT rec.create_model('x', 'rated', value_column => 'value', time_column => 'at', feedback => 'explicit', items => 'item', item_key => 'id', item_attributes => '{category}', users => 'customer', user_key => 'id',
	user_attributes => '{country}', params => '{"factors": 8, "epochs": 8}');
CREATE TABLE xr AS SELECT * FROM rec.evaluate('x', holdout => '10 days', metrics => '{rmse,mae}', compare => '{popular,without_attributes}');
CREATE VIEW rated_train AS SELECT * FROM rated WHERE at < '2024-05-01';
SELECT rec.create_model('xt', 'rated_train', value_column => 'value', time_column => 'at', feedback => 'explicit', items => 'item', item_key => 'id', item_attributes => '{category}', users => 'customer', user_key => 'id',
	user_attributes => '{country}', params => '{"factors": 8, "epochs": 8}');
SELECT rec.train('xt');
CREATE TABLE predicted AS SELECT r.user_id, r.item_id, r.value - xt.predict(r.user_id, r.item_id) AS error FROM rated r WHERE at > '2024-05-01';
SELECT ok(abs((SELECT sqrt(avg(error ^ 2)) FROM predicted) - value) < 1e-5, 'rmse over all test pairs: ' || value) FROM xr WHERE algorithm = 'als' AND metric = 'rmse' AND segment = 'all';
SELECT ok(abs((SELECT avg(abs(error)) FROM predicted WHERE user_id > 200) - value) < 1e-5, 'mae of cold users: ' || value) FROM xr WHERE algorithm = 'als' AND metric = 'mae' AND segment = 'cold';
SELECT ok(a.value < 0.9 * w.value AND a.users = w.users, 'better than without, on the same users') FROM xr a, xr w WHERE a.algorithm = 'als' AND w.algorithm = 'without_attributes' AND a.metric = 'rmse' AND w.metric = 'rmse' AND a.segment = 'cold' AND w.segment = 'cold';

-- A scaler is fitted to the training part: as if it had been given
CREATE TABLE s AS SELECT user_id, item_id, at, CASE WHEN item_id % 3 = 0 THEN 'buy' ELSE 'view' END AS kind, (CASE WHEN at > '2024-05-01' THEN 1e6 ELSE 1 END * (1 + (user_id * item_id) % 50))::numeric AS amount FROM e;
INSERT INTO s VALUES (NULL, 1, '2024-01-01', 'buy', 1e9), (1, 1, '2024-01-01', 'unknown', 1e9), (2, 1, '2024-01-01', 'buy', 'NaN'), (3, 1, '2024-01-01', 'buy', NULL);
SELECT rec.create_model('s', 's', value_column => 'amount', event_column => 'kind', event_weights => '{"view": 0.3, "buy": 2}', time_column => 'at', value_scaler => 'minmax', params => '{"factors": 8, "epochs": 4, "weight_transform": "none"}');
CREATE FUNCTION scaled(scaler text, split text, holdout text) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE answer text[]; BEGIN
	PERFORM rec.alter_model('s', value_scaler => scaler);
	IF holdout LIKE '%days' THEN SELECT array_agg(q::text) INTO answer FROM rec.evaluate('s', split, holdout::interval, k => '{10}', compare => '{popular,buy_again}') q;
	ELSE SELECT array_agg(q::text) INTO answer FROM rec.evaluate('s', split, holdout::float8, k => '{10}', compare => '{popular,buy_again}') q; END IF;
	RETURN answer; END $$;
CREATE VIEW used AS SELECT * FROM s WHERE user_id IS NOT NULL AND kind <> 'unknown' AND amount < 'NaN';
SELECT is(scaled('minmax', 'temporal', '10 days'), scaled((SELECT rec.fit_minmax(amount)::text FROM used WHERE at < '2024-05-01'), 'temporal', '10 days'), 'temporal: the scaler has not seen the test part');
SELECT isnt(scaled('minmax', 'temporal', '10 days'), scaled((SELECT rec.fit_minmax(amount)::text FROM used), 'temporal', '10 days'), 'which would have made a difference');
SELECT is(scaled('quantile', 'temporal', '10 days'), scaled((SELECT rec.fit_quantile(amount, 100)::text FROM used WHERE at < '2024-05-01'), 'temporal', '10 days'), 'another kind');
-- of each user the newest pairs: what is left is found in SQL where times do not tie
UPDATE s SET at = at + ((user_id * 131 + item_id) % 1009) * interval '1 second' WHERE user_id IS NOT NULL;
CREATE VIEW kept AS SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY user_id ORDER BY at DESC) AS n, count(*) OVER (PARTITION BY user_id) AS all FROM used) x WHERE n > 2 OR "all" <= 2;
SELECT is(scaled('log', 'last', '2'), scaled((SELECT rec.fit_log(amount)::text FROM kept), 'last', '2'), 'last');
SELECT ok(cardinality(scaled(k, 'random', '0.3')) > 50, 'random, ' || k) FROM unnest('{standard,robust,maxabs}'::text[]) k;
SELECT is(scaled('standard', 'random', '0.3'), scaled('standard', 'random', '0.3'), 'it repeats');
ALTER TABLE s SET (parallel_workers = 2);
SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;
CREATE TABLE many AS SELECT scaled('standard', 'random', '0.3') AS v;
SET max_parallel_maintenance_workers = 0;
SELECT is(scaled('standard', 'random', '0.3'), v, 'with and without workers') FROM many;
SELECT * FROM finish();
