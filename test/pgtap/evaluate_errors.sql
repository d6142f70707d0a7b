-- rec.evaluate, rec.evaluate_version: bad input is said before any work; who may do what.
SET client_min_messages = warning;
SELECT no_plan();
CREATE TABLE e (user_id int, item_id int, value real DEFAULT 1, at timestamptz DEFAULT '2024-01-01');
INSERT INTO e SELECT u, (u * k * 7 + k * k) % 30, 1, '2024-01-01'::timestamptz + (u * k) * interval '1 hour' FROM generate_series(1, 60) u, generate_series(1, 9) k;
CREATE INDEX ON e (user_id);
SELECT rec.create_model('m', 'e', time_column => 'at', params => '{"factors": 4, "epochs": 2}');
SELECT rec.create_model('notime', 'e', params => '{"factors": 4, "epochs": 2}');
SELECT throws_ok(q, code, message, q) FROM (VALUES
	($$SELECT rec.evaluate(NULL)$$, '22004', 'model must not be null'),
	($$SELECT rec.evaluate('mm')$$, '42704', 'model "mm" does not exist'),
	($$SELECT rec.evaluate('notime', split => 'temporal')$$, '22023', 'split "temporal" needs a time column, and model "notime" has none'),
	($$SELECT rec.evaluate('notime', split => 'last')$$, '22023', 'split "last" needs a time column, and model "notime" has none'),
	($$SELECT rec.evaluate('notime', holdout => '7 days')$$, '22023', 'a holdout that is an interval needs split => ''temporal'''),
	($$SELECT rec.evaluate('m', split => 'temporel')$$, '22023', 'unknown split "temporel"'),
	($$SELECT rec.evaluate('m', holdout => 0)$$, '22023', 'invalid holdout: 0'),
	($$SELECT rec.evaluate('m', holdout => 1)$$, '22023', 'invalid holdout: 1'),
	($$SELECT rec.evaluate('m', holdout => -0.5)$$, '22023', 'invalid holdout: -0.5'),
	($$SELECT rec.evaluate('m', holdout => 'NaN'::float8)$$, '22023', NULL),
	($$SELECT rec.evaluate('m', holdout => 'infinity'::float8)$$, '22023', 'invalid holdout: Infinity'),
	($$SELECT rec.evaluate('m', split => 'last', holdout => 1.5)$$, '22023', 'invalid holdout: 1.5'),
	($$SELECT rec.evaluate('m', holdout => 'soon')$$, '22007', NULL),
	($$SELECT rec.evaluate('m', holdout => '-1 day')$$, '22023', 'holdout must be above zero'),
	($$SELECT rec.evaluate('m', holdout => true)$$, '42804', 'holdout is of type boolean'),
	($$SELECT rec.evaluate('m', holdout => '20 years')$$, '22023', 'the holdout leaves nothing to train on'),
	($$SELECT rec.evaluate('m', split => 'random', holdout => 1e-12)$$, '22023', 'the holdout leaves nothing to test on'),
	($$SELECT rec.evaluate('m', split => 'last', holdout => 1000)$$, '22023', 'the holdout leaves nothing to test on'),
	($$SELECT rec.evaluate('m', split => 'random', k => '{10,31}')$$, '22023', 'k = 31 is larger than the catalogue'),
	($$SELECT rec.evaluate('m', k => '{0}')$$, '22023', 'invalid k: 0'),
	($$SELECT rec.evaluate('m', k => '{1001}')$$, '22023', 'invalid k: 1001'),
	($$SELECT rec.evaluate('m', k => '{5,NULL}')$$, '22023', 'k must not hold nulls'),
	($$SELECT rec.evaluate('m', k => '{}')$$, '22023', 'k must not be empty'),
	($$SELECT rec.evaluate('m', metrics => '{ndgc}')$$, '22023', 'unknown metric "ndgc"'),
	($$SELECT rec.evaluate('m', metrics => '{rmse}')$$, '22023', 'metric "rmse" is for explicit feedback, and model "m" has implicit feedback'),
	($$SELECT rec.evaluate('m', params => '{"factor": 5}')$$, '22023', 'unknown parameter "factor"'),
	($$SELECT rec.evaluate('m', params => '[]')$$, '22023', 'params must be a JSON object'),
	($$SELECT rec.evaluate('m', compare => '{populer}')$$, '22023', 'unknown algorithm "populer"'),
	($$SELECT rec.evaluate('m', min_value => 'NaN')$$, '22023', 'min_value must be a finite number'),
	($$SELECT rec.evaluate('m', min_value => 1000)$$, '22023', 'the holdout leaves nothing to test on'),
	($$SELECT rec.evaluate('m', segment => 'nothing')$$, '42703', 'column "nothing" does not exist'),
	($$SELECT rec.evaluate('m', segment => '')$$, '42601', 'a segment must be one expression'),
	($$SELECT rec.evaluate('m', segment => 'item_id, at')$$, '42601', 'a segment must be one expression'),
	($$SELECT rec.evaluate('m', segment => '(SELECT 1)')$$, '0A000', 'a segment cannot hold a subquery'),
	($$SELECT rec.evaluate('m', segment => '1 FROM e; DROP TABLE e')$$, '42601', NULL),
	($$SELECT rec.evaluate('m', segment => 'random()')$$, '0A000', 'the segment holds a volatile function'),
	($$SELECT rec.evaluate('m', segment => 'generate_series(1, 2)')$$, NULL, NULL),
	($$SELECT rec.evaluate_version('m')$$, '55000', 'model "m" has no version to evaluate'),
	($$SELECT rec.evaluate_version('m', 7)$$, '42704', 'model "m" has no version 7'),
	($$SELECT rec.evaluate_version('m', events => 'nothing')$$, '42P01', NULL)
) v (q, code, message);
-- the hints name what is near
CREATE FUNCTION hint_of(q text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE h text;
BEGIN
	EXECUTE q;
EXCEPTION WHEN OTHERS THEN GET STACKED DIAGNOSTICS h = PG_EXCEPTION_HINT; RETURN h;
END $$;
SELECT is(hint_of($$SELECT rec.evaluate('m', metrics => '{ndgc}')$$), 'Perhaps you meant "ndcg".', 'nearest metric');
SELECT is(hint_of($$SELECT rec.evaluate('m', compare => '{populer}')$$), 'Perhaps you meant "popular".', 'nearest algorithm');
SELECT is(hint_of($$SELECT rec.evaluate('m', split => 'temporel')$$), 'Perhaps you meant "temporal".', 'nearest split');
-- usual values of k that are larger than the catalogue are left out
CREATE VIEW few AS SELECT * FROM e WHERE item_id < 12;
SELECT rec.create_model('few', 'few', params => '{"factors": 2, "epochs": 1}');
SELECT results_eq($$SELECT DISTINCT k FROM rec.evaluate('few', metrics => '{ndcg}', compare => '{}') WHERE k IS NOT NULL ORDER BY 1$$, $$VALUES (5), (10)$$, 'the usual k that are possible');
-- an empty relation, one user, one item
CREATE TABLE none (user_id int, item_id int);
SELECT rec.create_model('none', 'none');
SELECT throws_ok($$SELECT rec.evaluate('none')$$, '22023', 'there is nothing to evaluate', 'no events');
INSERT INTO none VALUES (1, 1);
SELECT throws_ok($$SELECT rec.evaluate('none')$$, '22023', NULL, 'one event');
-- memory
SET pg_recommend.training_memory = '1MB';
SELECT throws_ok($$SELECT rec.evaluate('m')$$, '53200', NULL, 'more than training_memory');
RESET pg_recommend.training_memory;
-- strangers
SELECT rec.train('m');
CREATE ROLE rec_evaluate_stranger;
GRANT USAGE ON SCHEMA m TO rec_evaluate_stranger;
GRANT SELECT ON e TO rec_evaluate_stranger;
SET ROLE rec_evaluate_stranger;
SELECT throws_ok($$SELECT rec.evaluate('m')$$, '42501', 'must be owner of model "m" to evaluate it', 'only the owner evaluates');
SELECT throws_ok($$SELECT rec.evaluate_version('m', events => 'e')$$, '42501', 'must be owner of model "m" to evaluate it', 'or a version');
RESET ROLE;

-- rec.evaluate_version
SELECT throws_ok($$SELECT rec.evaluate_version('m')$$, '22023', 'there is nothing to test version 1 on', 'no new events');
CREATE TABLE later AS SELECT user_id, (item_id + 1) % 32 AS item_id, value, at + interval '300 days' AS at FROM e WHERE user_id % 2 = 0;
CREATE TABLE v1 AS SELECT * FROM rec.evaluate_version('m', 1, events => 'later', k => '{10}', segment => NULL);
CREATE TABLE relevant AS SELECT DISTINCT user_id, item_id FROM later l WHERE NOT EXISTS (SELECT FROM e WHERE e.user_id = l.user_id AND e.item_id = l.item_id);
SELECT ok(abs((SELECT value FROM v1 WHERE algorithm = 'als' AND metric = 'ndcg' AND segment = 'all') - (SELECT avg(x) FROM (SELECT rec.ndcg(rank, r.item_id IS NOT NULL, 10) AS x
	FROM m.recommend_many(NULL, NULL, version => 1) k FULL JOIN relevant r USING (user_id, item_id) WHERE user_id IN (SELECT user_id FROM relevant) GROUP BY user_id) q)) < 1e-12, 'a version on another relation');
SELECT is(value, (SELECT count(*)::float8 FROM relevant), 'what users had in training is left out') FROM v1 WHERE metric = 'relevant_pairs';
SELECT is((SELECT round(value::numeric, 12) FROM v1 WHERE algorithm = 'popular' AND metric = 'recall' AND segment = 'all'), (SELECT round(avg(x)::numeric, 12) FROM (SELECT rec.recall(k.rank, r.item_id IS NOT NULL, 10) AS x
	FROM relevant r LEFT JOIN LATERAL (SELECT p.item_id, row_number() OVER (ORDER BY p.rank) AS rank FROM m.recommend(-1, NULL) p WHERE NOT EXISTS (SELECT FROM e WHERE e.user_id = r.user_id AND e.item_id = p.item_id)) k USING (item_id) GROUP BY r.user_id) q), 'its popular items');
-- events after a time, and by themselves those after the training
INSERT INTO e SELECT user_id, item_id, value, at FROM later;
SELECT results_eq($$SELECT * FROM rec.evaluate_version('m', k => '{10}')$$, 'SELECT * FROM v1', 'the model''s own new events');
SELECT results_eq($$SELECT * FROM rec.evaluate_version('m', since => '2024-10-01', k => '{10}')$$, 'SELECT * FROM v1', 'events after a time');
SELECT throws_ok($$SELECT rec.evaluate_version('m', since => '2030-01-01')$$, '22023', 'there is nothing to test version 1 on', 'no events after it');
SELECT throws_ok($$SELECT rec.evaluate_version('m', since => 'infinity')$$, '22023', 'since must be finite', 'no time at all');
SELECT rec.train('notime');
SELECT throws_ok($$SELECT rec.evaluate_version('notime')$$, '22023', 'model "notime" has no time column, so new events cannot be told from old ones', 'no times');
CREATE VIEW other AS SELECT user_id, (item_id + 7) % 32 AS item_id FROM later;
SELECT lives_ok($$SELECT rec.evaluate_version('notime', events => 'other', k => '{5}')$$, 'but another relation will do');
SELECT finish();
