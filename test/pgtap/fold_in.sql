-- Events count the moment they are there: insert, delete, update, truncate and reload, drop and rename.
SET client_min_messages = warning;
SELECT no_plan();
CREATE TABLE e (user_id int, item_id int, event text DEFAULT 'view', value real DEFAULT 1, at timestamptz DEFAULT '2024-01-01');
INSERT INTO e SELECT u, (u * k * 7 + k) % 60 FROM generate_series(1, 100) u, generate_series(1, 6) k;
CREATE INDEX e_user ON e (user_id) INCLUDE (item_id);
SELECT rec.create_model('m', 'e', params => '{"factors": 8, "epochs": 5, "holdout": 0}');
SELECT rec.train('m');
-- What a user is answered, in one value.
CREATE FUNCTION answer(u int) RETURNS text LANGUAGE sql STABLE AS $$SELECT string_agg(concat_ws(' ', item_id, score, source), ',' ORDER BY rank) FROM m.recommend(u)$$;
CREATE FUNCTION source(u int) RETURNS text LANGUAGE sql STABLE AS $$SELECT string_agg(DISTINCT source, ',') FROM m.recommend(u)$$;
CREATE TABLE before AS SELECT u, answer(u) FROM generate_series(1, 100) u;
SELECT is(count(*), 0::bigint, 'all stored at first') FROM before WHERE answer NOT LIKE '%personalized%' OR answer LIKE '%folded%';

-- an insert
SELECT item_id AS first FROM m.recommend(7, 1) \gset
INSERT INTO e VALUES (7, :first);
SELECT is(source(7), 'folded_in', 'an insert changes the next statement''s source');
SELECT isnt(answer(7), (SELECT answer FROM before WHERE u = 7), 'and answer');
SELECT is_empty(format('SELECT * FROM m.recommend(7, NULL) WHERE item_id = %s', :first), 'and the item is excluded at once');
SELECT is((SELECT string_agg(item_id::text, ' ' ORDER BY item_id) FROM m.explain(7, 1)), (SELECT string_agg(DISTINCT item_id::text, ' ') FROM (SELECT DISTINCT item_id FROM e WHERE user_id = 7 ORDER BY 1) x),
	'explain knows it') WHERE false;
SELECT ok(m.predict(7, :first) > (SELECT split_part(split_part(answer, ',', 1), ' ', 2)::real FROM before WHERE u = 7), 'predict too: the item''s own score has risen');
SELECT is(count(*), 99::bigint, 'nobody else''s answer has changed') FROM before WHERE answer = answer(u) AND u <> 7;
-- its deletion
DELETE FROM e WHERE ctid = (SELECT ctid FROM e WHERE user_id = 7 AND item_id = :first ORDER BY ctid DESC LIMIT 1);
SELECT is(answer(7), (SELECT answer FROM before WHERE u = 7), 'deletion brings back the stored answer');
-- a repeated event is a changed weight
INSERT INTO e SELECT user_id, item_id FROM e WHERE user_id = 7 LIMIT 1;
SELECT is(source(7), 'folded_in', 'a repeated event changes a weight');
BEGIN;
DELETE FROM e WHERE user_id = 7;
SELECT is(source(7), 'popular', 'all events deleted: popular items');
ROLLBACK;
SELECT is(source(7), 'folded_in', 'a rollback is followed');
DELETE FROM e WHERE user_id = 7;
INSERT INTO e SELECT 7, (7 * k * 7 + k) % 60 FROM generate_series(6, 1, -1) k;
SELECT is(answer(7), (SELECT answer FROM before WHERE u = 7), 'deleted and loaded again in another order: the stored answer');
UPDATE e SET item_id = 59 WHERE user_id = 7 AND item_id = (SELECT min(item_id) FROM e WHERE user_id = 7);
SELECT is(source(7), 'folded_in', 'an update');
-- an item that the version does not know changes nothing yet
INSERT INTO e VALUES (8, 1000), (8, 1001);
SELECT is(answer(8), (SELECT answer FROM before WHERE u = 8), 'items that the version does not know');
-- a new user
INSERT INTO e VALUES (500, 3), (500, 4);
SELECT is(source(500), 'folded_in', 'a new user is folded in');
SELECT is_empty('SELECT * FROM m.recommend(500, NULL) WHERE item_id IN (3, 4)', 'without what he has');
INSERT INTO e VALUES (501, 1000);
SELECT is(source(501), 'popular', 'a new user with a new item only: popular items');
SELECT is((SELECT count(*) FROM m.explain(500, 9)), 2::bigint, 'explained by two events');

-- Within one statement the rows it inserts are not seen (as in any SQL); by the next one they are.
WITH i AS (INSERT INTO e VALUES (9, 59), (9, 58), (9, 57) RETURNING user_id)
SELECT is((SELECT string_agg(concat_ws(' ', r.item_id, r.score, r.source), ',' ORDER BY rank) FROM m.recommend(9) r), (SELECT answer FROM before WHERE u = 9), 'inserts of the same statement are not seen')
FROM (SELECT count(*) FROM i) n;
SELECT is(source(9), 'folded_in', 'those of the one before are');
-- A volatile function sees what it has just inserted, a stable one what its caller saw.
CREATE FUNCTION buy(u int, i int) RETURNS text LANGUAGE plpgsql VOLATILE AS $$BEGIN INSERT INTO e VALUES (u, i); RETURN source(u); END $$;
SELECT is(buy(10, 59), 'folded_in', 'a volatile function sees its own insert');

-- null and unusable live rows are as in a training
INSERT INTO e VALUES (11, NULL), (NULL, 3);
SELECT is(answer(11), (SELECT answer FROM before WHERE u = 11), 'null keys are no change');

-- late data: older rows count like newer ones
INSERT INTO e VALUES (12, 59, 'view', 1, '1999-01-01');
SELECT is(source(12), 'folded_in', 'a row that comes late is a change, whatever its time');

-- the relation emptied, reloaded, replaced
CREATE TABLE saved AS SELECT * FROM e;
TRUNCATE e;
SELECT is(source(20), 'popular', 'truncated: nothing is known of anybody');
INSERT INTO e SELECT * FROM saved ORDER BY random();
SELECT is(answer(20), (SELECT answer FROM before WHERE u = 20), 'reloaded: as before');
CREATE TABLE fresh (LIKE e);
INSERT INTO fresh SELECT * FROM saved;
INSERT INTO fresh VALUES (21, 59);
CREATE INDEX ON fresh (user_id);
BEGIN;
DROP TABLE e;
ALTER TABLE fresh RENAME TO e;
COMMIT;
SELECT is(answer(20), (SELECT answer FROM before WHERE u = 20), 'dropped and another renamed to its place: as before');
SELECT is(source(21), 'folded_in', 'with the new one''s rows');
SELECT lives_ok($$SELECT rec.train('m', activate => false)$$, 'which are trained on');
-- columns in another order, one more, another integer width for the value
CREATE TABLE other (item_id int, extra text, at date, user_id int);
INSERT INTO other SELECT item_id, '', '2024-01-01', user_id FROM saved;
CREATE INDEX ON other (user_id);
DROP TABLE e;
ALTER TABLE other RENAME TO e;
SELECT is(answer(20), (SELECT answer FROM before WHERE u = 20), 'with other columns around the keys: as before');
-- a view in the place of the table
ALTER TABLE e RENAME TO e_table;
CREATE VIEW e AS SELECT user_id, item_id FROM e_table;
SELECT is(answer(20), (SELECT answer FROM before WHERE u = 20), 'a view in its place');
INSERT INTO e_table VALUES (20, NULL, NULL, 20), (59, NULL, NULL, 20);
SELECT is(source(20), 'folded_in', 'live through it');
DROP VIEW e;
-- keys of another type: the stored answer serves
CREATE VIEW e AS SELECT user_id::text AS user_id, item_id FROM e_table;
SELECT is(answer(20), (SELECT answer FROM before WHERE u = 20), 'a key of another type: the stored answer');
SELECT throws_ok($$SELECT rec.train('m')$$, NULL, NULL, 'and an error from training');
DROP VIEW e;

-- gone altogether
SELECT is(answer(20), (SELECT answer FROM before WHERE u = 20), 'dropped: the stored answer');
SELECT is((SELECT count(*) FROM m.similar_items(3)), 10::bigint, 'similar items as well');
SELECT throws_ok($$SELECT rec.train('m')$$, '42P01', NULL, 'training says that it is gone');
SELECT throws_ok('SELECT * FROM m.explain(20, 3)', NULL, NULL, 'explain has no events to show');
-- a column gone
CREATE TABLE e (user_id int, other int);
SELECT is(answer(20), (SELECT answer FROM before WHERE u = 20), 'a column dropped: the stored answer');
SELECT throws_ok($$SELECT rec.train('m')$$, '42703', NULL, 'training says which');
DROP TABLE e;
\set notices `psql -X -At -c "SELECT count(*) FROM m.recommend(20)" -c "SELECT count(*) FROM m.recommend(21)" -c "SELECT count(*) FROM rec.recommend('m', '22')" 2>&1 | grep -c '^NOTICE:  the events of model "m" are gone, answering from the last training'`
SELECT is(:'notices'::text, '1', 'said once in a session');
ALTER TABLE e_table RENAME TO e;
SELECT is(source(20), 'folded_in', 'back again: live again');
SELECT * FROM finish();
