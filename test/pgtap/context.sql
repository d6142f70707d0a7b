-- Context: lifts by the formula, what they change, what they leave alone, and odd requests.
SET client_min_messages = warning;
SELECT no_plan();
-- device: items above 20 on mobile; weather: chance
CREATE TABLE e (u int, i int, kind text, device text, "the weather" int, at timestamptz);
INSERT INTO e SELECT u, i, CASE WHEN k = 9 THEN 'return' ELSE 'buy' END, CASE WHEN (i > 20) = (hashint8extended(u * 100 + k, 1) & 3 > 0) THEN 'mobile' ELSE 'desktop' END, hashint8extended(u * 100 + k, 2) & 1, timestamptz '2024-01-01' + k * interval '1 day'
	FROM generate_series(1, 200) u, generate_series(1, 9) k, LATERAL (SELECT (1 + (hashint8extended(u * 100 + k, 3) & 1023) % 40)::int) r (i);
INSERT INTO e SELECT * FROM e WHERE u = 1;		-- repeated events of one user are no evidence
INSERT INTO e VALUES (NULL, 1, 'buy', 'mobile', 1, now()), (1, NULL, 'buy', 'mobile', 1, now()), (1, 1, 'buy', NULL, NULL, now()), (1, 1, NULL, 'desktop', 1, now());
CREATE INDEX ON e (u);
SELECT rec.create_model('m', 'e', 'u', 'i', event_column => 'kind', event_weights => '{"buy": 1, "return": -1}', context_columns => '{device,the weather}', params => '{"factors": 8, "epochs": 3, "holdout": 0}');
SELECT is(context_columns, '{device,the weather}', 'the option stands in the catalog') FROM rec.model;
SELECT rec.train('m');
CREATE VIEW lift AS
WITH seen AS (SELECT DISTINCT u, i, device AS v FROM e WHERE u IS NOT NULL AND i IS NOT NULL AND device IS NOT NULL AND kind = 'buy'),
	item AS (SELECT i, count(*)::float8 AS n FROM seen GROUP BY i), value AS (SELECT v, count(*)::float8 / sum(count(*)) OVER () AS share FROM seen GROUP BY v),
	cell AS (SELECT i, v, share, (SELECT count(*) FROM seen s WHERE s.i = item.i AND s.v = value.v)::float8 AS n, n * share AS e FROM item, value),
	prior AS (SELECT greatest(sum((n - e) ^ 2 - e * (1 - share)) / sum(e ^ 2), 0) AS a FROM cell)
SELECT i, v, (1 + a * n) / (1 + a * e) AS lift, n, e, a FROM cell, prior;
SELECT ok((SELECT max(a) > 0.01 FROM lift), 'the column matters');
SELECT is(count(*), (SELECT count(*) FROM lift WHERE abs(ln(lift)) > 0.01), 'one row for each item and value that changes something') FROM m.context_effect WHERE context_column = 'device';
SELECT ok(bool_and(abs(c.lift - l.lift) < 1e-6 AND c.users = l.n::real AND c.expected = l.e::real), 'lifts, by their formula') FROM m.context_effect c JOIN lift l ON l.i = c.item_id AND l.v = c.context_value;
SELECT ok(max(abs(ln(lift))) IS NULL OR max(abs(ln(lift))) < 0.1, 'chance is no context') FROM m.context_effect WHERE context_column = 'the weather';
CREATE TABLE plain AS SELECT * FROM m.recommend(5, NULL);
SELECT ok(count(*) > 30 AND bool_and(abs(c.score - (CASE WHEN p.score >= 0 THEN p.score * coalesce(l.lift, 1) ELSE p.score / coalesce(l.lift, 1) END)) < 1e-6), 'scores are multiplied by the lift')
	FROM m.recommend(5, NULL, context => '{"device": "mobile"}') c JOIN plain p USING (item_id) LEFT JOIN m.context_effect l ON l.item_id = c.item_id AND l.context_column = 'device' AND l.context_value = 'mobile';
SELECT ok(avg(rank) FILTER (WHERE item_id > 20) + 5 < avg(rank) FILTER (WHERE item_id <= 20), 'what is wanted there comes first') FROM m.recommend(5, NULL, context => '{"device": "mobile"}');
SELECT ok(avg(rank) FILTER (WHERE item_id > 20) > avg(rank) FILTER (WHERE item_id <= 20) + 5, 'and elsewhere last') FROM m.recommend(5, NULL, context => '{"device": "desktop"}');
SELECT results_eq(q, 'TABLE plain', q) FROM unnest(ARRAY['SELECT * FROM m.recommend(5, NULL, context => ''{"device": "fridge"}'')', 'SELECT * FROM m.recommend(5, NULL, context => ''{}'')', 'SELECT * FROM m.recommend(5, NULL, context => ''{"device": null}'')', 'SELECT * FROM m.recommend(5, NULL, context => NULL)']) q;
SELECT results_eq('SELECT item_id::text, score, rank FROM m.recommend(5, 3, context => ''{"device": "mobile", "the weather": 1}'')', 'SELECT item_id, score, rank FROM rec.recommend(''m'', 5, 3, context => ''{"device": "mobile", "the weather": 1}'')', 'by model name');
SELECT ok(bool_and(item_id > 20), 'a stranger: popular items of the context') FROM m.recommend(-1, 5, context => '{"device": "mobile"}') WHERE source = 'popular';
SELECT ok(count(*) = 5 AND avg((item_id > 20)::int) >= 0.6, 'a basket') FROM m.recommend_for('{3,25}', 5, context => '{"device": "mobile"}');
SELECT results_eq('SELECT item_id, score FROM m.recommend(5, 4, context => ''{"device": "mobile"}'', after => ''4'')', 'SELECT item_id, score FROM m.recommend(5, NULL, context => ''{"device": "mobile"}'') WHERE rank BETWEEN 5 AND 8', 'pages go on');
SELECT is((SELECT count(*) FROM m.recommend(5, NULL, context => '{"device": "mobile"}', min_score => 0.1) WHERE score < 0.1), 0::bigint, 'min_score counts afterwards');
-- the other ways to ask
SELECT results_eq($$SELECT user_id, item_id, score, rank FROM m.recommend_many('{5,7,-1}', 6, context => '{"device": "mobile"}') ORDER BY user_id, rank$$,
	$$SELECT u, r.item_id, r.score, r.rank FROM unnest('{-1,5,7}'::int[]) u, m.recommend(u, 6, context => '{"device": "mobile"}') r ORDER BY u, rank$$, 'many users: as each of them');
SELECT isnt((SELECT string_agg(item_id::text, ',' ORDER BY user_id, rank) FROM m.recommend_many(k => 3, context => '{"device": "mobile"}')), (SELECT string_agg(item_id::text, ',' ORDER BY user_id, rank) FROM m.recommend_many(k => 3)), 'which is not the same everywhere');
SELECT results_eq($$SELECT user_id, item_id, score FROM rec.recommend_many('m', '{5}', 3, context => '{"device": "mobile"}') ORDER BY rank$$, $$SELECT '5', item_id::text, score FROM m.recommend(5, 3, context => '{"device": "mobile"}')$$, 'many by model name');
CREATE TEMP TABLE alone AS SELECT * FROM m.recommend_many(k => 4, context => '{"device": "desktop"}');
SET parallel_setup_cost = 0;
SET max_parallel_workers_per_gather = 2;
SELECT results_eq($$SELECT * FROM m.recommend_many(k => 4, context => '{"device": "desktop"}') ORDER BY user_id, rank$$, 'SELECT * FROM alone ORDER BY user_id, rank', 'many with parallel workers');
RESET parallel_setup_cost;
RESET max_parallel_workers_per_gather;
SELECT ok(count(*) > 20 AND bool_and(m.predict(5, item_id, context => '{"device": "mobile"}') = score), 'predict') FROM m.recommend(5, NULL, context => '{"device": "mobile"}');
SELECT is(rec.predict('m', '5', '30', context => '{"device": "mobile"}'), m.predict(5, 30, context => '{"device": "mobile"}'), 'predict by model name');
SELECT is(m.predict(5, 30, context => '{"device": "fridge"}'), m.predict(5, 30), 'a value that is not known');
SELECT ok(sum(contribution)::real = m.predict(5, 30, context => '{"device": "mobile"}') AND count(*) FILTER (WHERE attribute = 'context' AND item_id IS NULL) = 1
	AND abs(max(contribution) FILTER (WHERE attribute = 'context') - (m.predict(5, 30, context => '{"device": "mobile"}') - m.predict(5, 30))) < 1e-6
	AND max(weight) FILTER (WHERE attribute = 'context') = (SELECT lift FROM m.context_effect WHERE item_id = 30 AND context_column = 'device' AND context_value = 'mobile'), 'explain: what the context adds is a part of its own')
	FROM m.explain(5, 30, context => '{"device": "mobile"}');
SELECT results_eq($$SELECT * FROM m.explain(5, 30, context => '{"device": "fridge"}')$$, 'SELECT * FROM m.explain(5, 30)', 'nothing where it changes nothing');
SELECT ok(sum(contribution)::real = m.predict(5, 30, context => '{"device": "mobile"}') AND bool_or(attribute = 'context'), 'the item''s side') FROM rec.explain('m', '5', '30', side => 'item', context => '{"device": "mobile"}');
SELECT throws_ok(format($$SELECT %s$$, q), '22023', NULL, q) FROM unnest(ARRAY['m.predict(5, 30, context => ''{"devise": 1}'')', 'm.predict(5, 30, context => ''[]'')', 'm.recommend_many(''{5}'', context => ''{"devise": 1}'')', 'm.explain(5, 30, context => ''{"devise": 1}'')', 'm.explain(5, 30, context => ''1'')']) q;
-- each version has its own; they go with it
SELECT rec.alter_model('m', keep_versions => 1, reset => '{context_columns}');
SELECT throws_ok($$SELECT * FROM m.recommend(5, context => '{"device": "mobile"}')$$, '22023', '"device" is no context column of model "m"', 'a column that is none any more');
SELECT rec.train('m');
SELECT is(count(*), 0::bigint, 'removed with its version, and nothing without the option') FROM m.context_effect;
SELECT rec.alter_model('m', context_columns => '{device}');
SELECT throws_like($$SELECT * FROM m.recommend(5, context => '{"devise": "mobile"}')$$, '"devise" is no context column of model "m"', 'a typo');
SELECT throws_ok(format('SELECT * FROM m.recommend(5, context => %L)', c), '22023', NULL, 'context ' || c) FROM unnest('{[],1,"\"x\"","{\"device\": []}","{\"device\": {}}"}'::text[]) c;
SELECT lives_ok(format('SELECT * FROM m.recommend(5, context => %L)', c), 'context ' || left(c, 40)) FROM unnest(ARRAY['{"device": 1e300}', '{"device": true}', '{"device": "' || repeat('x', 100000) || '"}']) c;
-- options
SELECT throws_ok($$SELECT rec.alter_model('m', context_columns => '{devise}')$$, '42703', NULL, 'no such column');
SELECT throws_ok($$SELECT rec.alter_model('m', context_columns => '{i}')$$, '22023', NULL, 'a key is no context');
SELECT throws_ok($$SELECT rec.create_model('x', 'e', 'u', 'i', value_column => 'the weather', feedback => 'explicit', context_columns => '{device}')$$, '0A000', 'context_columns need implicit feedback', 'ratings have none');
-- a text key, a view without event types, values of another type
CREATE VIEW v AS SELECT u, 'item ' || i AS i, device, at::date AS day FROM e WHERE kind = 'buy';
SELECT rec.create_model('t', 'v', 'u', 'i', context_columns => '{day,device}', params => '{"factors": 4, "epochs": 2, "holdout": 0}');
SELECT lives_ok($$SELECT rec.train('t')$$, 'a view');
SELECT ok(bool_and(substr(item_id, 6)::int > 20), 'text keys') FROM t.recommend(7, 3, context => '{"device": "mobile"}');
-- a role that may only use the model
CREATE ROLE rec_context_user;
GRANT USAGE ON SCHEMA t TO rec_context_user;
SET ROLE rec_context_user;
SELECT is(count(*), 3::bigint, 'USAGE on the schema is enough') FROM t.recommend(7, 3, context => '{"device": "mobile"}');
RESET ROLE;
DROP OWNED BY rec_context_user;
DROP ROLE rec_context_user;
-- a table that was altered
UPDATE t.context_effect SET lift = 'NaN' WHERE item_id = 'item 30';
SELECT lives_ok($$SELECT t.recommend(7, 3, context => '{"device": "mobile"}')$$, 'a lift that is no number is passed over');
ALTER TABLE t.context_effect DROP CONSTRAINT context_effect_pkey;
SELECT lives_ok($$SELECT t.recommend(7, 3, context => '{"device": "mobile"}')$$, 'without its index');
ALTER TABLE t.context_effect DROP lift;
SELECT throws_ok($$SELECT t.recommend(7, 3, context => '{"device": "mobile"}')$$, '55000', NULL, 'altered: an error');
ALTER TABLE e RENAME device TO gadget;
SELECT throws_ok($$SELECT rec.train('m')$$, '42703', NULL, 'a context column that is gone');
ALTER TABLE e RENAME gadget TO device;
SELECT rec.drop_model('m');
SELECT hasnt_table('m', 'context_effect', 'dropped with the model');
SELECT * FROM finish();
