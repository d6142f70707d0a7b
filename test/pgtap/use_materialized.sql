-- rec.materialize() where only some users changed, and recommend() from what is stored: when it serves, and when it does not.
SET client_min_messages = warning;
SELECT no_plan();
CREATE TABLE e (user_id int, item_id text, at timestamptz);
CREATE INDEX ON e (user_id) INCLUDE (item_id, at);
CREATE INDEX ON e (at);
INSERT INTO e SELECT u, 'i' || (u * k * 7 + k) % 60, timestamptz '2024-01-01' + (u + k) * interval '1 hour' FROM generate_series(1, 100) u, generate_series(1, 6) k;
SELECT rec.create_model('m', 'e', time_column => 'at', params => '{"factors": 8, "epochs": 3, "holdout": 0}');
SELECT rec.train('m');
SELECT throws_ok($$SELECT rec.materialize('m', only_users => '{1}')$$, '55000', 'single users cannot be added to what is not materialized', 'single users need a first run');
SELECT is((users, rows, changed), (100::bigint, 1000::bigint, 1000::bigint), 'first run: everybody') FROM rec.materialize('m');
SELECT is((version, k, exclude_seen, users, rows), (1, 10, true, 100::bigint, 1000::bigint), 'is noted') FROM rec.materialization WHERE model = 'm';
SELECT is(newest_event, (SELECT newest_event FROM m.model_version), 'with the newest event') FROM rec.materialization;
CREATE FUNCTION as_recommend(what text) RETURNS text LANGUAGE sql AS $$
	SELECT results_eq('SELECT user_id, rank, item_id, score, source FROM m.recommendation ORDER BY 1, 2',
		'SELECT u.user_id, r.rank, r.item_id, r.score, r.source FROM (SELECT DISTINCT user_id FROM e) u, LATERAL m.recommend(u.user_id) r ORDER BY 1, 2', what) $$;
SELECT as_recommend('the table is what recommend() answers');

-- new events of two users, one of them new
UPDATE m.recommendation SET score = 7 WHERE user_id = 50 AND rank = 1;	-- who is looked at shows in this
INSERT INTO e VALUES (7, 'i1', '2024-03-01'), (7, 'i2', '2024-03-01'), (500, 'i3', '2024-03-02'), (500, 'i4', '2024-03-02');
SELECT is((users, rows), (101::bigint, 1010::bigint), 'a new user comes in') FROM rec.materialize('m');
SELECT is((SELECT score FROM m.recommendation WHERE user_id = 50 AND rank = 1), 7::real, 'users without new events were not looked at');
SELECT is(array_agg(DISTINCT source), '{folded_in}', 'the others follow their events') FROM m.recommendation WHERE user_id IN (7, 500);
SELECT results_eq('SELECT rank, item_id, score, source FROM m.recommendation WHERE user_id = 7 ORDER BY 1', 'SELECT rank, item_id, score, source FROM m.recommend(7)', 'as recommend() does');
SELECT is(changed, 0::bigint, 'nothing is written when nothing has happened') FROM rec.materialize('m');
INSERT INTO e VALUES (8, 'i1', '2023-01-01');
SELECT is(changed, 0::bigint, 'an event that comes late is not noticed') FROM rec.materialize('m');
SELECT cmp_ok(changed, '>', 0::bigint, 'unless its user is named') FROM rec.materialize('m', only_users => '{8,8,NULL,12345}');
SELECT results_eq('SELECT rank, item_id, score, source FROM m.recommendation WHERE user_id = 8 ORDER BY 1', 'SELECT rank, item_id, score, source FROM m.recommend(8)', 'then it counts');
SELECT is(count(*), 10::bigint, 'a stranger who is named gets popular items') FROM m.recommendation WHERE user_id = 12345 AND source = 'popular';
SELECT cmp_ok(changed, '>', 0::bigint, 'full: everybody again') FROM rec.materialize('m', full => true);
SELECT is((SELECT count(*) FROM m.recommendation WHERE score = 7), 0::bigint, 'what was changed by hand comes back');
DELETE FROM e WHERE user_id = 8 AND at < '2024-01-01';
SELECT as_recommend('again as recommend()');
SELECT throws_ok($$SELECT rec.materialize('m', only_users => '{x}')$$, '22P02', NULL, 'an id that is none');
SELECT throws_ok($$SELECT rec.materialize('m', 5, only_users => '{1}')$$, '55000', NULL, 'another k');
SELECT is(changed, 0::bigint, 'no user at all') FROM rec.materialize('m', only_users => '{}');
-- a training: everybody again, those with events since then by their events
INSERT INTO e VALUES (9, 'i9', '2024-05-01');
SELECT rec.train('m', '{"seed": 2}');
INSERT INTO e VALUES (10, 'i10', '2024-06-01'), (11, 'i59', '2024-05-01 00:00');
SELECT rec.materialize('m');
SELECT as_recommend('after a training');
SELECT is(array_agg(DISTINCT version), '{2}', 'all of the new version') FROM m.recommendation;
INSERT INTO e VALUES (12, 'i10', 'infinity'), (13, 'i11', NULL), (14, 'i1', '-infinity');
SELECT is(changed, 0::bigint, 'infinite and missing times') FROM rec.materialize('m');
DELETE FROM e WHERE user_id IN (12, 13, 14) AND (at IS NULL OR NOT isfinite(at));
-- other types of the time column
CREATE TABLE day AS SELECT user_id::bigint AS user_id, item_id, at::date AS at, extract(epoch FROM at)::bigint AS second, at::timestamp AS local FROM e;
CREATE INDEX ON day (user_id) INCLUDE (item_id, at, second, local);
CREATE FUNCTION by_time(time_column text, event text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
	PERFORM rec.create_model('d', 'day', time_column => time_column, params => '{"factors": 4, "epochs": 2, "holdout": 0}');
	PERFORM rec.train('d');
	PERFORM rec.materialize('d');
	EXECUTE 'INSERT INTO day VALUES ' || event;
	SELECT changed INTO n FROM rec.materialize('d');
	RETURN NEXT cmp_ok(n, '>', 0::bigint, time_column || ': a new event is noticed');
	RETURN NEXT results_eq('SELECT rank, item_id, score, source FROM d.recommendation WHERE user_id = 20 ORDER BY 1', 'SELECT rank, item_id, score, source FROM d.recommend(20)', time_column || ': and counts');
	SELECT changed INTO n FROM rec.materialize('d');
	RETURN NEXT is(n, 0::bigint, time_column || ': once');
	PERFORM rec.drop_model('d');
	DELETE FROM day WHERE user_id = 20 AND item_id = 'i33';
END $$;
SELECT by_time('at', $$(20, 'i33', '2024-06-02')$$);
SELECT by_time('second', $$(20, 'i33', NULL, extract(epoch FROM timestamptz '2024-06-02'))$$);
SELECT by_time('local', $$(20, 'i33', NULL, NULL, '2024-06-02')$$);

-- recommend() from the table
SET pg_recommend.use_materialized = on;
UPDATE m.recommendation SET score = 1000 - rank;	-- so that its use shows
CREATE FUNCTION from_table(call text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE answer boolean;
BEGIN
	EXECUTE 'SELECT coalesce(bool_and(score > 900), false) FROM ' || call INTO answer;
	RETURN answer;
END $$;
SELECT ok(from_table(c), 'from the table: ' || c) FROM unnest('{m.recommend(3),"m.recommend(3, 5)","m.recommend(3, 10, true)","rec.recommend(''m'', 3)","rec.recommend(''m'', ''3'')","generate_series(1, 100) u, LATERAL m.recommend(u, 3)"}'::text[]) c;
SELECT results_eq('SELECT item_id, rank, score FROM m.recommend(3, 4)', 'SELECT item_id, rank, score FROM m.recommendation WHERE user_id = 3 AND rank <= 4 ORDER BY rank', 'its rows');
SELECT is_empty('SELECT * FROM m.recommend(3, 0)', 'k 0');
SELECT ok(NOT from_table(c), 'computed: ' || c) FROM unnest(ARRAY['m.recommend(3, 11)', 'm.recommend(3, NULL)', 'm.recommend(3, exclude_seen => false)', 'm.recommend(3, exclude_events => ''{}'')', 'm.recommend(3, candidates => ''{i1,i2}'')',
	'm.recommend(3, exclude => ''{i1}'')', 'm.recommend(3, version => 1)', 'm.recommend(3, version => 2)', 'm.recommend(3, min_score => 0)', 'm.recommend(3, after => ''1'')', 'm.recommend(3, diversity => 0.5)', 'm.recommend(3, buy_again => 1)', 'm.recommend_many(''{3}'')']) c;
SELECT ok(NOT from_table('m.recommend(777)'), 'a user without rows is computed');
SELECT isnt_empty('SELECT * FROM m.recommend(777)', 'and answered');
SELECT isnt_empty('SELECT * FROM m.recommend(NULL)', 'so is null');
INSERT INTO e VALUES (3, 'i5', '2024-07-01');
SELECT ok(from_table('m.recommend(3)'), 'events since then do not count');
SELECT rec.materialize('m');
SELECT is(array_agg(DISTINCT source), '{folded_in}', 'until the next run') FROM m.recommend(3);
SELECT ok(from_table('m.recommend(4)'), 'which has not looked at the others');
SELECT rec.activate('m', 1);
SELECT ok(NOT from_table('m.recommend(4)'), 'another version is active: computed');
SELECT rec.activate('m', 2);
SELECT ok(from_table('m.recommend(4)'), 'the stored one is active again');
BEGIN;
SELECT rec.train('m');
SELECT ok(NOT from_table('m.recommend(4)'), 'a training of this transaction');
ROLLBACK;
SELECT throws_ok('SELECT * FROM m.recommend(4, -1)', '22023', 'k must not be negative', 'k negative');
SET pg_recommend.use_materialized = off;
SELECT ok(NOT from_table('m.recommend(4)'), 'off: computed');
SET pg_recommend.use_materialized = on;
-- whose rights
CREATE ROLE rec_test_reader;
SET ROLE rec_test_reader;
SELECT throws_ok('SELECT * FROM rec.recommend(''m'', 4)', '42501', NULL, 'no USAGE, no answer');
SELECT is(count(*), 0::bigint, 'nor a row of the catalog') FROM rec.materialization;
RESET ROLE;
GRANT USAGE ON SCHEMA m TO rec_test_reader;
GRANT SELECT ON e TO rec_test_reader;
SET ROLE rec_test_reader;
SELECT ok(from_table('rec.recommend(''m'', 4)'), 'USAGE is enough');
SELECT is(count(*), 1::bigint, 'the catalog shows it') FROM rec.materialization;
SELECT throws_ok('DELETE FROM rec.materialization', '42501', NULL, 'and is not written');
RESET ROLE;
ALTER TABLE e ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON e TO rec_test_reader USING (user_id = 1);
SET ROLE rec_test_reader;
SELECT is(array_agg(DISTINCT source), '{popular}', 'under row security what is stored of a hidden user is not shown') FROM m.recommend(4);
SELECT is(array_agg(DISTINCT source), '{folded_in}', 'of a visible one neither') FROM m.recommend(1);
RESET ROLE;
ALTER TABLE e DISABLE ROW LEVEL SECURITY;
-- a table that its owner has altered
ALTER TABLE m.recommendation DROP CONSTRAINT recommendation_pkey;
SELECT ok(NOT from_table('m.recommend(4)'), 'without its key the table is not used');
ALTER TABLE m.recommendation ADD PRIMARY KEY (user_id, rank);
SELECT ok(from_table('m.recommend(4)'), 'with it again');
SELECT rec.rename_model('m', 'n');
SELECT ok(from_table('n.recommend(4)'), 'renamed');
SELECT rec.drop_model('n');
SELECT is_empty('SELECT * FROM rec.materialization', 'dropped');
REVOKE ALL ON e FROM rec_test_reader;
DROP POLICY own ON e;
DROP ROLE rec_test_reader;
SELECT * FROM finish();
