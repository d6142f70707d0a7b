-- When events are not read for a recommendation: no index, volatile views, more of them than fold_in_events.
SET client_min_messages = warning;
SELECT no_plan();
CREATE TABLE e (user_id int, item_id int, at timestamptz);
INSERT INTO e SELECT u, (u * k * 7 + k) % 60, timestamptz '2024-01-01' + k * interval '1 day' FROM generate_series(1, 100) u, generate_series(1, 6) k;
SELECT rec.create_model('m', 'e', params => '{"factors": 8, "epochs": 3, "holdout": 0}');
SELECT rec.train('m');
CREATE FUNCTION answer(u int) RETURNS text LANGUAGE sql STABLE AS $$SELECT string_agg(concat_ws(' ', item_id, score, source), ',' ORDER BY rank) FROM m.recommend(u)$$;
CREATE FUNCTION source(u int) RETURNS text LANGUAGE sql STABLE AS $$SELECT string_agg(DISTINCT source, ',') FROM m.recommend(u)$$;
CREATE TABLE before AS SELECT answer(7);
CREATE FUNCTION scans() RETURNS bigint LANGUAGE sql AS $$SELECT seq_scan FROM pg_stat_all_tables WHERE relid = 'e'::regclass$$;

-- no index
INSERT INTO e VALUES (7, 59);
SELECT pg_stat_force_next_flush();
SELECT scans() AS before_scans \gset
SELECT is(answer(7), (SELECT answer FROM before), 'without an index the stored factors serve');
SELECT is(string_agg(DISTINCT source, ','), 'popular', 'a new user is a stranger') FROM m.recommend(4711);
SELECT is_empty('SELECT * FROM m.recommend(7, NULL) r JOIN m.item_factors f USING (item_id) JOIN m.user_history h ON h.user_id = 7 AND f.position = ANY (h.items)', 'and the stored history is excluded');
SELECT pg_stat_force_next_flush();
SELECT is(scans(), :'before_scans', 'the events are never scanned');
-- an index makes it live at once, whatever the size of the table and the planner's settings
CREATE INDEX e_user ON e (user_id);
SELECT is(source(7), 'folded_in', 'a small table with an index is live');
SET enable_indexscan = off;
SET enable_indexonlyscan = off;
SET enable_bitmapscan = off;
SELECT is(source(7), 'folded_in', 'in the session that has a plan already');
RESET ALL;
SET client_min_messages = warning;
SELECT is(current_setting('enable_seqscan'), 'on', 'no setting is left behind');
DROP INDEX e_user;
SELECT is(answer(7), (SELECT answer FROM before), 'dropped: stored again');
CREATE INDEX e_user ON e USING hash (user_id);
SELECT is(source(7), 'folded_in', 'a hash index will do');
DROP INDEX e_user;
CREATE INDEX e_user ON e (item_id);
SELECT is(answer(7), (SELECT answer FROM before), 'an index on something else will not');
CREATE INDEX e_part ON e (user_id) WHERE item_id > 0;
SELECT is(answer(7), (SELECT answer FROM before), 'nor a partial one');
DROP INDEX e_part;
CREATE INDEX e_two ON e (item_id, user_id);
SELECT is(source(7) IN ('personalized', 'folded_in'), true, 'an index with the user second: as the planner likes');
DROP INDEX e_two;
CREATE INDEX e_user2 ON e (user_id);
SET pg_recommend.fold_in_events = 0;
SELECT is(answer(7), (SELECT answer FROM before), 'fold_in_events 0: stored factors');
RESET pg_recommend.fold_in_events;
SELECT is(source(7), 'folded_in', 'and back');

-- a volatile view is never executed by recommend
CREATE TABLE calls (at timestamptz DEFAULT clock_timestamp());
CREATE FUNCTION note(int) RETURNS int LANGUAGE plpgsql VOLATILE AS $$BEGIN INSERT INTO public.calls DEFAULT VALUES; RETURN $1; END $$;
CREATE FUNCTION slow(int) RETURNS int LANGUAGE plpgsql VOLATILE AS $$BEGIN PERFORM pg_sleep(60); RETURN $1; END $$;
CREATE FUNCTION raises(int) RETURNS int LANGUAGE plpgsql VOLATILE AS $$BEGIN RAISE 'never'; END $$;
CREATE VIEW writing AS SELECT user_id, note(item_id) AS item_id FROM e;
SELECT rec.create_model('w', 'writing', params => '{"factors": 2, "epochs": 1, "holdout": 0}');
SELECT is((SELECT count(*) FROM calls), 0::bigint, 'create_model does not execute the view');
SELECT rec.train('w');
SELECT is((SELECT count(*) FROM calls), (SELECT count(*) FROM e), 'a training does');
SELECT is((SELECT string_agg(DISTINCT source, ',') FROM w.recommend(7)), 'personalized', 'recommend answers');
SELECT is((SELECT string_agg(DISTINCT source, ',') FROM w.recommend(4711)), 'popular', 'a stranger too');
SELECT is_empty('SELECT * FROM w.explain(7, 3) WHERE weight IS NULL', 'explain answers');
SELECT is((SELECT count(*) FROM calls), (SELECT count(*) FROM e), 'and the view has not been executed');
CREATE OR REPLACE VIEW writing AS SELECT user_id, slow(item_id) AS item_id FROM e;
SET statement_timeout = '5s';
SELECT is((SELECT string_agg(DISTINCT source, ',') FROM w.recommend(7)), 'personalized', 'a view that sleeps holds up nobody');
CREATE FUNCTION cancelled(statement text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
	RETURN false;
EXCEPTION WHEN query_canceled THEN RETURN true;
END $$;
SET statement_timeout = '300ms';
SELECT ok(cancelled($$SELECT rec.train('w')$$), 'but its own training, until that is cancelled');
RESET statement_timeout;
CREATE OR REPLACE VIEW writing AS SELECT user_id, raises(item_id) AS item_id FROM e;
SELECT is((SELECT string_agg(DISTINCT source, ',') FROM w.recommend(7)), 'personalized', 'a view that raises neither');
CREATE OR REPLACE VIEW writing AS SELECT user_id, item_id FROM e WHERE random() >= 0;
SELECT is((SELECT string_agg(DISTINCT source, ',') FROM w.recommend(7)), 'personalized', 'nor one with random() in its WHERE');

-- a view whose function changes the model while it is read, and asks it again: an error, never the plan that is running
CREATE FUNCTION change_and_ask() RETURNS void LANGUAGE plpgsql AS $$BEGIN
	PERFORM rec.alter_model('w', time_column => 'at');
	PERFORM rec.recommend('w', 8);
END$$;
CREATE FUNCTION meddles(u int) RETURNS bool LANGUAGE plpgsql STABLE AS $$BEGIN
	IF u = 7 THEN PERFORM change_and_ask(); END IF;
	RETURN true;
END$$;
CREATE OR REPLACE VIEW writing AS SELECT user_id, item_id, at FROM e WHERE meddles(user_id);
SELECT throws_ok('SELECT * FROM w.recommend(7)', '55006', 'a relation of a model must not change the model while it is read', 'a view that changes how it is read');
INSERT INTO e VALUES (9, 59);
SELECT is((SELECT string_agg(DISTINCT source, ',') FROM w.recommend(9)), 'folded_in', 'the next call reads it');

-- more events of a user than are read: the newest count, and none is forgotten
SELECT rec.alter_model('m', time_column => 'at');
SELECT rec.train('m');
SELECT is(source(8), 'personalized', 'few events');
CREATE TABLE before8 AS SELECT answer(8);
SET pg_recommend.fold_in_events = 4;
SELECT is(answer(8), (SELECT answer FROM before8), 'more than fold_in_events, all of them known: the stored answer');
INSERT INTO e VALUES (8, 59, now());
SELECT is(source(8), 'folded_in', 'a new one among the newest');
SELECT is_empty('SELECT * FROM m.recommend(8, NULL) WHERE item_id = 59', 'is excluded');
SELECT is_empty('SELECT item_id FROM m.recommend(8, NULL) INTERSECT SELECT item_id FROM e WHERE user_id = 8', 'and so is everything stored');
INSERT INTO e SELECT 4711, k, timestamptz '2025-01-01' + k * interval '1 min' FROM generate_series(1, 9) k;
SELECT is((SELECT array_agg(item_id ORDER BY item_id) FROM m.explain(4711, 20)), '{6,7,8,9}', 'a new user with more events: the newest count');
RESET pg_recommend.fold_in_events;
SELECT is((SELECT count(*) FROM m.explain(4711, 20)), 9::bigint, 'all of them without the limit');
SELECT * FROM finish();
