-- Events may be a table, a partitioned or inherited table, a view, a materialized view or a foreign table.
SET client_min_messages = warning;
SELECT no_plan();
CREATE TABLE base (id bigserial, user_id int, item_id int, at date);
INSERT INTO base (user_id, item_id, at) SELECT u, (u * k) % 17, date '2024-01-01' + (u * k) % 90 FROM generate_series(1, 40) u, generate_series(1, 6) k;

CREATE FUNCTION check_model(relation text, expected_live boolean) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	s text;
BEGIN
	PERFORM rec.create_model('m', relation, params => '{"factors": 4, "epochs": 3, "holdout": 0}');
	RETURN NEXT results_eq($q$SELECT events, users, items FROM rec.train('m')$q$, 'VALUES (240::bigint, 40, 17)', relation || ': trained');
	RETURN NEXT is((SELECT md5(string_agg(factors::text, ';' ORDER BY item_id)) FROM m.active_items),
		(SELECT md5(string_agg(factors::text, ';' ORDER BY item_id)) FROM reference.active_items), relation || ': the same factors');
	SELECT string_agg(DISTINCT source, ',') INTO s FROM m.recommend(3);
	RETURN NEXT is(s, 'personalized', relation || ': stored factors');
	INSERT INTO base (user_id, item_id, at) SELECT 3, 16, '2024-01-01';
	SELECT string_agg(DISTINCT source, ',') INTO s FROM m.recommend(3);
	RETURN NEXT is(s, CASE WHEN expected_live THEN 'folded_in' ELSE 'personalized' END, relation || CASE WHEN expected_live THEN ': live' ELSE ': not live' END);
	DELETE FROM base WHERE user_id = 3 AND item_id = 16;
	PERFORM rec.drop_model('m');
END $$;

SELECT rec.create_model('reference', 'base', params => '{"factors": 4, "epochs": 3, "holdout": 0}');
SELECT rec.train('reference');
SELECT check_model('base', false);
CREATE INDEX base_user ON base (user_id) INCLUDE (item_id);
SELECT check_model('base', true);

-- views
CREATE VIEW plain AS SELECT user_id, item_id FROM base WHERE id > 0;
SELECT check_model('plain', true);
CREATE VIEW joined AS SELECT b.user_id, i.item_id FROM base b JOIN (SELECT DISTINCT item_id FROM base) i USING (item_id);
SELECT check_model('joined', false);
CREATE VIEW parts AS SELECT user_id, item_id FROM base WHERE at < '2024-02-01' UNION ALL SELECT user_id, item_id FROM base WHERE at >= '2024-02-01';
SELECT check_model('parts', true);
CREATE VIEW limited AS SELECT user_id, item_id FROM base ORDER BY id LIMIT 100000;
SELECT check_model('limited', false);
CREATE VIEW windowed AS SELECT user_id, item_id FROM (SELECT *, row_number() OVER (PARTITION BY user_id, id) AS n FROM base) w WHERE n = 1;
SELECT check_model('windowed', true);
CREATE VIEW casted AS SELECT user_id::bigint AS user_id, item_id FROM base;
SELECT check_model('casted', false);
CREATE VIEW barrier WITH (security_barrier) AS SELECT user_id, item_id FROM base WHERE at IS NOT NULL;
SELECT check_model('barrier', true);

-- materialized views: as they were last refreshed
CREATE MATERIALIZED VIEW materialized AS SELECT user_id, item_id FROM base;
CREATE INDEX ON materialized (user_id);
SELECT check_model('materialized', false);
SELECT rec.create_model('mat', 'materialized', params => '{"factors": 4, "epochs": 3, "holdout": 0}');
SELECT rec.train('mat');
INSERT INTO base (user_id, item_id) VALUES (3, 16);
SELECT is((SELECT DISTINCT source FROM mat.recommend(3)), 'personalized', 'materialized view: not refreshed');
REFRESH MATERIALIZED VIEW materialized;
SELECT is((SELECT DISTINCT source FROM mat.recommend(3)), 'folded_in', 'materialized view: refreshed');
DELETE FROM base WHERE user_id = 3 AND item_id = 16;

-- inheritance and partitions
CREATE TABLE parent (user_id int, item_id int, at date) PARTITION BY RANGE (at);
CREATE TABLE january PARTITION OF parent FOR VALUES FROM (MINVALUE) TO ('2024-02-01');
CREATE TABLE later PARTITION OF parent FOR VALUES FROM ('2024-02-01') TO (MAXVALUE) PARTITION BY HASH (user_id);
CREATE TABLE later0 PARTITION OF later FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE later1 PARTITION OF later FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO parent SELECT user_id, item_id, at FROM base;
SELECT rec.create_model('partitioned', 'parent', params => '{"factors": 4, "epochs": 3, "holdout": 0}');
SELECT results_eq($$SELECT events, users, items FROM rec.train('partitioned')$$, 'VALUES (240::bigint, 40, 17)', 'partitioned table: trained');
INSERT INTO parent VALUES (3, 16, '2024-03-01');
SELECT is((SELECT DISTINCT source FROM partitioned.recommend(3)), 'personalized', 'partitioned table without indexes: stored');
CREATE INDEX ON parent (user_id) INCLUDE (item_id);
SELECT is((SELECT DISTINCT source FROM partitioned.recommend(3)), 'folded_in', 'partitioned table with an index: live at once');
ALTER TABLE parent DETACH PARTITION later;
SELECT is((SELECT n_events FROM partitioned.active_users WHERE user_id = 3), 6, 'six events are stored');
SELECT is((SELECT count(*) FROM partitioned.explain(3, 16)), (SELECT count(DISTINCT item_id) FROM january WHERE user_id = 3), 'a detached partition is not seen');
CREATE TABLE child (extra text) INHERITS (base);
INSERT INTO child (user_id, item_id) VALUES (3, 16);
CREATE INDEX ON child (user_id);
SELECT is((SELECT DISTINCT source FROM reference.recommend(3)), 'folded_in', 'an inherited table counts');
SELECT is(events, 241::bigint, 'for training too') FROM rec.train('reference');
DROP TABLE child;
SELECT rec.train('reference');

-- a temporary table serves its own session
CREATE TEMP TABLE mine AS SELECT user_id, item_id FROM base;
CREATE INDEX ON mine (user_id);
SELECT rec.create_model('temporary', 'mine', params => '{"factors": 4, "epochs": 3, "holdout": 0}');
SELECT is(events, 240::bigint, 'temporary table') FROM rec.train('temporary');

-- generated, dropped and re-added columns
CREATE TABLE changed (junk int, user_id int, gone text, item int, item_id int GENERATED ALWAYS AS (item + 100) STORED);
INSERT INTO changed (user_id, item) SELECT user_id, item_id FROM base;
ALTER TABLE changed DROP COLUMN junk, DROP COLUMN gone;
SELECT rec.create_model('changed', 'changed', params => '{"factors": 4, "epochs": 3, "holdout": 0}');
SELECT is(items, 17, 'generated columns are columns') FROM rec.train('changed');
SELECT throws_ok($$SELECT rec.alter_model('changed', item_column => '........pg.dropped.1........')$$, '42703', NULL, 'dropped ones are not');

-- foreign tables, where there is something to connect to
SELECT count(*) = 2 AND current_setting('unix_socket_directories') <> '' AS fdw FROM pg_available_extensions WHERE name IN ('postgres_fdw', 'file_fdw') \gset
\if :fdw
CREATE EXTENSION file_fdw;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FUNCTION pg_temp.folder() RETURNS text LANGUAGE sql AS $$SELECT current_setting('data_directory') || '/pg_recommend_relations.csv'$$;
DO $$
BEGIN
	EXECUTE format('COPY (SELECT user_id, item_id FROM base) TO %L', pg_temp.folder());
	EXECUTE format('CREATE FOREIGN TABLE remote (user_id int, item_id int) SERVER files OPTIONS (filename %L)', pg_temp.folder());
END $$;
SELECT check_model('remote', false);
CREATE EXTENSION postgres_fdw;
DO $$
BEGIN
	EXECUTE format('CREATE SERVER loopback FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host %L, port %L, dbname %L)',
		split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_database());
	EXECUTE format('CREATE USER MAPPING FOR CURRENT_USER SERVER loopback OPTIONS (user %L)', current_user);
END $$;
CREATE FOREIGN TABLE elsewhere (user_id int, item_id int) SERVER loopback OPTIONS (table_name 'base');
SELECT check_model('elsewhere', false);
\else
SELECT skip('postgres_fdw and file_fdw are not installed', 8);
\endif
SELECT * FROM finish();
