-- recommend_many(): the rows of recommend() for every user, arguments, rights, and the same answer with any number of workers.
SET client_min_messages = warning;
SELECT no_plan();
CREATE TABLE e (user_id int, item_id text, event text);
CREATE INDEX ON e (user_id) INCLUDE (item_id, event);
-- 100 users, 300 items; items are repeated under two names with the same users, so that scores tie
INSERT INTO e SELECT u, 'i' || (u * k * 7 + k * k) % 150 || half, CASE WHEN (u + k) % 3 = 0 THEN 'buy' WHEN (u + k) % 17 = 0 THEN 'bad' ELSE 'view' END
FROM generate_series(1, 100) u, generate_series(1, 8) k, unnest('{a,b}'::text[]) half;
-- one who has only disliked, and one who has had everything
INSERT INTO e SELECT 101, 'i1a', 'bad';
INSERT INTO e SELECT 102, item_id, 'view' FROM (SELECT DISTINCT item_id FROM e) i;
SELECT rec.create_model('m', 'e', event_column => 'event', event_weights => '{"view": 1, "buy": 3, "bad": -5}',
	params => '{"factors": 8, "epochs": 3, "holdout": 0}');
SELECT rec.train('m');
CREATE TABLE r (user_id bigint, item_id bigint, stars real);
CREATE INDEX ON r (user_id) INCLUDE (item_id, stars);
INSERT INTO r SELECT u, (u * k * 13 + k) % 200 + 5000000000, (u * k) % 5 + 1 FROM generate_series(1, 80) u, generate_series(1, 10) k;
SELECT rec.create_model('x', 'r', value_column => 'stars', feedback => 'explicit', params => '{"factors": 8, "epochs": 3}');
SELECT rec.train('x');

CREATE FUNCTION compare(model text, arguments text, users text, what text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN results_eq(
		format('SELECT user_id, item_id, score, rank, source FROM %I.recommend_many(%s) ORDER BY user_id, rank', model, arguments),
		format('SELECT u.user_id, r.item_id, r.score, r.rank, r.source FROM (%s) u, LATERAL %I.recommend(u.user_id, %s) r ORDER BY 1, r.rank', users, model, arguments), what);
END $$;

SELECT compare('m', 'k => 10', 'SELECT user_id FROM m.active_users', 'implicit: as recommend(), for all users');
SELECT compare('m', 'k => 25', 'SELECT user_id FROM m.active_users', 'with more rows than the first pass is used for');
SELECT compare('m', 'k => NULL', 'SELECT user_id FROM m.active_users', 'everything');
SELECT compare('m', 'k => 1', 'SELECT user_id FROM m.active_users', 'one');
SELECT compare('m', 'exclude_seen => false', 'SELECT user_id FROM m.active_users', 'seen items allowed: disliked ones are still left out');
SELECT compare('m', 'exclude_seen => NULL', 'SELECT user_id FROM m.active_users', 'exclude_seen null is true');
SELECT compare('m', 'candidates => ''{i1a,i1b,i7a,i100b,nothing,NULL}''', 'SELECT user_id FROM m.active_users', 'candidates');
SELECT compare('m', 'exclude => (SELECT array_agg(item_id) FROM m.active_items WHERE item_id LIKE ''%a''), k => 3', 'SELECT user_id FROM m.active_users', 'exclude');
SELECT compare('m', 'candidates => ''{i1a,i7a}'', exclude => ''{i7a}''', 'SELECT user_id FROM m.active_users', 'both');
SELECT compare('x', 'k => 7', 'SELECT user_id FROM x.active_users', 'explicit: as recommend(), for all users');
SELECT compare('x', 'k => NULL, exclude_seen => false', 'SELECT user_id FROM x.active_users', 'explicit, everything');
SELECT is_empty('SELECT FROM m.recommend_many(k => 0)', 'k 0: no rows');
SELECT is_empty($$SELECT FROM m.recommend_many(candidates => '{}')$$, 'empty candidates: no rows');
SELECT is_empty($$SELECT FROM m.recommend_many(candidates => '{nothing}')$$, 'unknown candidates: no rows');
SELECT is_empty('SELECT FROM m.recommend_many(''{102}'')', 'who has had everything gets no rows');
SELECT results_eq('SELECT DISTINCT source FROM m.recommend_many(''{101}'')', $$VALUES ('popular')$$, 'nothing positive: popular items');

-- users
SELECT is_empty('SELECT FROM m.recommend_many(''{}'')', 'no users: no rows');
SELECT is_empty('SELECT FROM m.recommend_many(''{NULL,NULL}'')', 'nulls are ignored');
SELECT results_eq('SELECT user_id, count(*), min(rank), max(rank) FROM m.recommend_many(''{7,NULL,3,7,3}'', 4) GROUP BY 1 ORDER BY 1',
	'VALUES (3, 4::bigint, 1, 4), (7, 4::bigint, 1, 4)', 'each user once');
SELECT is(array_agg(user_id), '{40,7,-5,3}', 'in the order in which they are given') FROM m.recommend_many('{40,7,-5,7,3}', 1);
SELECT results_eq('SELECT item_id, score, rank, source FROM m.recommend_many(''{-5}'')', 'SELECT item_id, score, rank, source FROM m.recommend(-5)', 'an unknown user gets popular items');
SELECT throws_ok('SELECT FROM m.recommend_many(''{5000000000}'')', '22003', 'user id 5000000000 is out of range for type integer', 'a number that is no key');
SELECT throws_ok('SELECT FROM m.recommend_many(k => -1)', '22023', 'k must not be negative', 'k negative');
SELECT throws_ok('SELECT FROM m.recommend_many(version => 7)', '42704', 'model "m" has no version 7', 'unknown version');
SELECT throws_ok('SELECT FROM rec._recommend_many(''m'', 1, NULL::int, 1, true, NULL::text[], NULL::text[], NULL, NULL::text, NULL)', '42804', 'a list of users must be an array', 'no array');
SELECT results_eq('SELECT user_id, item_id, score, rank, source FROM rec.recommend_many(''m'', ''{3,-5}'', 5)',
	'SELECT user_id::text, item_id, score, rank, source FROM m.recommend_many(''{3,-5}'', 5)', 'by name, ids as text');
SELECT is(count(*), 800::bigint, 'by name, all users; items as text') FROM rec.recommend_many('x') WHERE item_id LIKE '5000000%';
SELECT throws_ok('SELECT FROM rec.recommend_many(''m'', ''{a}'')', '22P02', NULL, 'by name, no number');
SELECT throws_ok('SELECT FROM rec.recommend_many(''mm'')', '42704', NULL, 'unknown model');

-- what is stored, not what has happened since
INSERT INTO e VALUES (3, 'i9a', 'buy'), (3, 'i9b', 'buy');
SELECT is((SELECT source FROM m.recommend(3, 1)), 'folded_in', 'recommend() follows new events');
SET pg_recommend.fold_in_events = 0;
SELECT compare('m', 'k => 10', 'SELECT user_id FROM m.active_users', 'recommend_many() does not');
RESET pg_recommend.fold_in_events;
DELETE FROM e WHERE user_id = 3 AND item_id LIKE 'i9_' AND event = 'buy';

-- workers
CREATE TABLE serial AS SELECT row_number() OVER () AS n, * FROM m.recommend_many();
SET parallel_setup_cost = 0;
CREATE FUNCTION workers(n int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('max_parallel_workers_per_gather', n::text, false);
	RETURN results_eq('SELECT row_number() OVER () AS n, * FROM m.recommend_many()', 'TABLE serial', n || ' workers: the same rows in the same order');
END $$;
SELECT workers(n) FROM unnest('{0,1,2,4}'::int[]) n;
SET max_parallel_workers_per_gather = 2;
SET max_parallel_workers = 0;
SELECT workers(2);
RESET max_parallel_workers;
SELECT compare('m', 'k => NULL', 'SELECT user_id FROM m.active_users', 'workers, everything');
SELECT compare('x', 'k => 7', 'SELECT user_id FROM x.active_users', 'workers, explicit');
BEGIN;
SELECT rec.train('m', '{"epochs": 2}');
SELECT compare('m', 'k => 10', 'SELECT user_id FROM m.active_users', 'a version of this transaction');
ROLLBACK;
SET work_mem = '64kB';
SELECT is(count(*), (SELECT count(*) FROM m.recommend_many(k => NULL)), 'little memory') FROM m.active_users u, LATERAL m.recommend(u.user_id, NULL);
RESET work_mem;
SELECT is((SELECT count(*) FROM m.active_users u, LATERAL m.recommend_many(ARRAY[u.user_id], 2) WHERE u.user_id <= 20), 40::bigint, 'once per row of a join');
SELECT is(count(*), 1::bigint, 'one thread') FROM pg_ls_dir('/proc/' || pg_backend_pid() || '/task') WHERE EXISTS (SELECT FROM m.recommend_many());
\set ON_ERROR_STOP off
SET statement_timeout = 300;
SELECT clock_timestamp() AS started \gset
SELECT count(*) FROM m.recommend_many(ARRAY(SELECT -generate_series(1, 300000)), k => NULL);
\set state :SQLSTATE
RESET statement_timeout;
\set ON_ERROR_STOP on
SELECT is(:'state'::text, '57014', 'cancelled');
SELECT ok(clock_timestamp() < :'started'::timestamptz + '2 s', 'at once');
SELECT is(count(*), 0::bigint, 'no worker is left') FROM pg_stat_activity WHERE backend_type = 'parallel worker' AND datname = current_database();
SELECT workers(2);
CREATE FUNCTION estimate(query text) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
	RETURN plan->0->'Plan'->>'Plan Rows';
END $$;
ANALYZE m.user_factors;
SELECT is(estimate('SELECT * FROM m.recommend_many(''{1,2,3}'', 5)'), 15::float8, 'the planner expects users x k rows');
SELECT ok(estimate('SELECT * FROM m.recommend_many(k => 4)') BETWEEN 200 AND 420, 'or the users of the model');

-- rights
CREATE ROLE rec_test_many;
SET ROLE rec_test_many;
SELECT throws_ok('SELECT FROM m.recommend_many()', '42501', NULL, 'no USAGE');
SELECT throws_ok('SELECT FROM rec.recommend_many(''m'')', '42501', NULL, 'by name');
RESET ROLE;
GRANT USAGE ON SCHEMA m TO rec_test_many;
SET ROLE rec_test_many;
SELECT is(count(*), (SELECT count(*) FROM m.recommend_many(k => 5)), 'USAGE is enough') FROM rec.recommend_many('m', k => 5);
SELECT throws_ok('SELECT FROM m.user_factors', '42501', NULL, 'and opens no table');
RESET ROLE;
GRANT SELECT ON e TO rec_test_many;
ALTER TABLE e ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON e TO rec_test_many USING (user_id = 1);
SET ROLE rec_test_many;
SELECT throws_ok('SELECT FROM m.recommend_many()', '42501', NULL, 'refused where row security applies');
SELECT throws_ok('SELECT FROM m.recommend_many(''{1}'')', '42501', NULL, 'for single users too');
RESET ROLE;
ALTER TABLE e DISABLE ROW LEVEL SECURITY;
REVOKE ALL ON SCHEMA m FROM rec_test_many;
REVOKE ALL ON e FROM rec_test_many;
DROP POLICY own ON e;
DROP ROLE rec_test_many;

SELECT rec.drop_model('m');
SELECT hasnt_schema('m', 'dropped with all its functions');
SELECT * FROM finish();
