-- rec.materialize(): what is stored, what a second run writes, versions, rights.
SET client_min_messages = warning;
SELECT no_plan();
CREATE TABLE e (user_id text, item_id int);
CREATE INDEX ON e (user_id) INCLUDE (item_id);
INSERT INTO e SELECT 'user ' || u, (u * k * 7 + k) % 60 FROM generate_series(1, 100) u, generate_series(1, 6) k;
CREATE ROLE rec_test_owner;
GRANT CREATE ON DATABASE :"DBNAME" TO rec_test_owner;
GRANT SELECT ON e TO rec_test_owner;
SET ROLE rec_test_owner;
SELECT rec.create_model('m', 'e', params => '{"factors": 8, "epochs": 3, "holdout": 0}');
SELECT throws_ok('SELECT FROM rec.materialize(''m'')', '55000', 'model "m" has not been trained', 'not trained');
SELECT rec.train('m');
SELECT is((users, rows, changed), (100::bigint, 1000::bigint, 1000::bigint), 'first run: everything') FROM rec.materialize('m');
SELECT results_eq('SELECT user_id, rank, item_id, score, source FROM m.recommendation ORDER BY user_id, rank',
	'SELECT user_id, rank, item_id, score, source FROM m.recommend_many() ORDER BY user_id, rank', 'the rows of recommend_many()');
SELECT is(array_agg(DISTINCT version), '{1}', 'of the active version') FROM m.recommendation;
SELECT is((users, rows, changed), (100::bigint, 1000::bigint, 0::bigint), 'second run: nothing to write') FROM rec.materialize('m');

-- only what differs is written
UPDATE m.recommendation SET score = 0 WHERE user_id = 'user 7' AND rank = 2;
DELETE FROM m.recommendation WHERE user_id = 'user 8';
INSERT INTO m.recommendation VALUES ('user 9', 11, 1, 1, 'popular', 1), ('nobody', 1, 1, 1, 'popular', 1);
CREATE TABLE pg_temp.before AS SELECT user_id, rank, xmin AS writer FROM m.recommendation;
SELECT is((users, rows, changed), (100::bigint, 1000::bigint, 13::bigint), 'what was changed by hand comes back') FROM rec.materialize('m');
SELECT is(count(*), 989::bigint, 'the other rows are untouched') FROM m.recommendation r JOIN pg_temp.before b USING (user_id, rank) WHERE r.xmin = b.writer;
SELECT results_eq('SELECT user_id, rank, item_id, score, source FROM m.recommendation ORDER BY user_id, rank',
	'SELECT user_id, rank, item_id, score, source FROM m.recommend_many() ORDER BY user_id, rank', 'and all is right');
SELECT is((rows, changed), (300::bigint, 700::bigint), 'a smaller k') FROM rec.materialize('m', 3);
SELECT is((rows, changed), (500::bigint, 200::bigint), 'a larger one') FROM rec.materialize('m', 5);
SELECT is((users, rows, changed), (0::bigint, 0::bigint, 500::bigint), 'k 0: none') FROM rec.materialize('m', 0);
SELECT rec.materialize('m', 4, false);
SELECT results_eq('SELECT user_id, rank, item_id, score FROM m.recommendation ORDER BY user_id, rank',
	'SELECT user_id, rank, item_id, score FROM m.recommend_many(k => 4, exclude_seen => false) ORDER BY user_id, rank', 'with seen items');

-- a new version; workers
SELECT rec.train('m', '{"epochs": 5}');
SET parallel_setup_cost = 0;
SET max_parallel_workers_per_gather = 2;
SELECT is((users, rows), (100::bigint, 1000::bigint), 'after a training') FROM rec.materialize('m');
SELECT results_eq('SELECT user_id, rank, item_id, score, source, version FROM m.recommendation ORDER BY user_id, rank',
	'SELECT user_id, rank, item_id, score, source, 2 FROM m.recommend_many() ORDER BY user_id, rank', 'the new version');
BEGIN;
SELECT rec.activate('m', 1);
SELECT is(changed, 1000::bigint, 'in one transaction with the activation') FROM rec.materialize('m');
ROLLBACK;
SELECT is(array_agg(DISTINCT version), '{2}', 'rolled back together') FROM m.recommendation;

-- bad input and rights
SELECT throws_ok('SELECT FROM rec.materialize(''m'', -1)', '22023', 'k must not be negative', 'k negative');
SELECT throws_ok('SELECT FROM rec.materialize(''m'', NULL)', '22004', 'k must not be null', 'k null');
SELECT throws_ok('SELECT FROM rec.materialize(NULL)', '22004', 'model must not be null', 'model null');
SELECT throws_ok('SELECT FROM rec.materialize(''n'')', '42704', NULL, 'unknown model');
RESET ROLE;
CREATE ROLE rec_test_other;
GRANT USAGE ON SCHEMA m TO rec_test_other;
SET ROLE rec_test_other;
SELECT throws_ok('SELECT FROM rec.materialize(''m'')', '42501', 'must be owner of model "m" to materialize it', 'not the owner');
RESET ROLE;
SELECT is(users, 100::bigint, 'a superuser may') FROM rec.materialize('m');
SELECT is(relowner::regrole::text, 'rec_test_owner', 'the table is the owner''s') FROM pg_class WHERE oid = 'm.recommendation'::regclass;

-- keys of an extension's type, whose operators are not in pg_catalog
CREATE EXTENSION citext;
CREATE TABLE c (user_id citext, item_id citext);
INSERT INTO c SELECT 'User ' || u, 'Item ' || (u * k) % 30 FROM generate_series(1, 20) u, generate_series(1, 5) k;
SELECT rec.create_model('cm', 'c', params => '{"factors": 4, "epochs": 2, "holdout": 0}');
SELECT rec.train('cm');
SELECT is((users, changed), (20::bigint, 100::bigint), 'citext') FROM rec.materialize('cm', 5);
SELECT is(changed, 0::bigint, 'citext again') FROM rec.materialize('cm', 5);
SELECT is(array_agg(DISTINCT user_id::text), '{"User 3"}', 'an equal key is answered as it is stored') FROM cm.recommend_many('{USER 3,user 3}');

SELECT rec.drop_model('m');
SELECT rec.drop_model('cm');
SELECT hasnt_schema('m', 'dropped');
REVOKE ALL ON DATABASE :"DBNAME" FROM rec_test_owner;
DROP OWNED BY rec_test_owner;
DROP ROLE rec_test_owner, rec_test_other;
SELECT * FROM finish();
