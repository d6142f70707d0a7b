-- recommend() where people use it: LATERAL, prepared statements, views, PL/pgSQL, cursors, read-only transactions.
SET client_min_messages = warning;
SELECT no_plan();
CREATE TABLE e (user_id int, item_id int);
CREATE INDEX ON e (user_id) INCLUDE (item_id);
INSERT INTO e SELECT u, (u * k * 7 + k) % 60 FROM generate_series(1, 200) u, generate_series(1, 6) k;
CREATE TABLE customers AS SELECT id, 'customer ' || id AS name, id % 2 = 0 AS active FROM generate_series(1, 210) id;
CREATE TABLE products AS SELECT id, 'product ' || id AS name, id % 3 AS category FROM generate_series(0, 59) id;
SELECT rec.create_model('m', 'e', params => '{"factors": 8, "epochs": 5, "holdout": 0}');
SELECT rec.train('m');
CREATE TABLE wanted AS SELECT c.id, r.* FROM customers c, LATERAL m.recommend(c.id, 5) r;

SELECT is((SELECT count(*) FROM wanted), 210 * 5::bigint, 'LATERAL: k rows for every customer, strangers among them');
SELECT set_eq('SELECT id, item_id, score, rank, source FROM wanted', 'SELECT id, (m.recommend(id, 5)).* FROM customers', 'in the select list');
SELECT is((SELECT count(*) FROM customers c LEFT JOIN LATERAL m.recommend(c.id, 0) r ON true WHERE r.rank IS NULL), 210::bigint, 'LEFT JOIN LATERAL with no rows');
SELECT set_eq('SELECT c.id, r.item_id FROM customers c CROSS JOIN LATERAL m.recommend(c.id, 5) r JOIN products p ON p.id = r.item_id WHERE c.active AND p.category = 1',
	'SELECT w.id, w.item_id FROM wanted w JOIN customers c USING (id) JOIN products p ON p.id = w.item_id WHERE c.active AND p.category = 1', 'joined and filtered');
SELECT set_eq('SELECT id, item_id FROM customers c, m.recommend(c.id, 5, candidates => ARRAY(SELECT id FROM products WHERE category = c.id % 3))',
	'SELECT c.id, x.item_id FROM customers c, LATERAL (SELECT r.item_id FROM m.recommend(c.id, NULL) r JOIN products p ON p.id = r.item_id
		WHERE p.category = c.id % 3 ORDER BY r.rank LIMIT 5) x', 'candidates by a correlated subquery: the same as filtering all');
SELECT is((SELECT array_agg(item_id ORDER BY rank) FROM m.recommend((SELECT 7), (SELECT 5))), (SELECT array_agg(item_id ORDER BY rank) FROM wanted WHERE id = 7), 'arguments from subqueries');
SELECT is((SELECT array_agg(item_id ORDER BY rank) FROM m.recommend(user_id => 7, k => 5)), (SELECT array_agg(item_id ORDER BY rank) FROM wanted WHERE id = 7), 'named arguments');
SELECT is((SELECT max(m.predict(c.id, 9)) FROM customers c), (SELECT max(score) FROM m.recommend_users(9, NULL, false)), 'predict in an aggregate');

-- prepared statements
PREPARE p (bigint, int) AS SELECT item_id FROM m.recommend($1, $2) ORDER BY rank;
CREATE FUNCTION executed(u int, k int) RETURNS int[] LANGUAGE plpgsql AS $$
DECLARE result int[] := '{}'; r record;
BEGIN
	FOR r IN EXECUTE format('EXECUTE p(%s, %s)', u, k) LOOP result := result || r.item_id; END LOOP;
	RETURN result;
END $$;
SELECT is(executed(u, 5), (SELECT array_agg(item_id ORDER BY rank) FROM wanted WHERE id = u), 'prepared statement, call ' || u) FROM generate_series(1, 7) u;
SET plan_cache_mode = force_generic_plan;
SELECT is(executed(9, 5), (SELECT array_agg(item_id ORDER BY rank) FROM wanted WHERE id = 9), 'with a generic plan');
RESET plan_cache_mode;
SELECT rec.train('m', '{"factors": 2}');
SELECT is(executed(9, 5), (SELECT array_agg(item_id ORDER BY rank) FROM m.recommend(9, 5, version => 2)), 'the next training reaches a prepared statement');
SELECT rec.activate('m', 1);
SELECT is(executed(9, 5), (SELECT array_agg(item_id ORDER BY rank) FROM wanted WHERE id = 9), 'and so does activate');

-- views
CREATE VIEW page AS SELECT c.id, c.name, p.name AS product, r.rank FROM customers c, LATERAL m.recommend(c.id, 3) r JOIN products p ON p.id = r.item_id;
SELECT is((SELECT array_agg(product ORDER BY rank) FROM page WHERE id = 11), (SELECT array_agg('product ' || item_id ORDER BY rank) FROM wanted WHERE id = 11 AND rank <= 3), 'view');
SELECT rec.rename_model('m', 'n');
SELECT is((SELECT array_agg(product ORDER BY rank) FROM page WHERE id = 11), (SELECT array_agg('product ' || item_id ORDER BY rank) FROM wanted WHERE id = 11 AND rank <= 3), 'view over a rename');
SELECT rec.rename_model('n', 'm');
CREATE MATERIALIZED VIEW stored AS SELECT c.id, r.item_id, r.rank FROM customers c, LATERAL m.recommend(c.id, 3) r;
SELECT is((SELECT count(*) FROM stored), 630::bigint, 'materialized view');
REFRESH MATERIALIZED VIEW stored;

-- PL/pgSQL and SQL functions
CREATE FUNCTION best(u int) RETURNS SETOF int LANGUAGE plpgsql STABLE AS $$
DECLARE r record;
BEGIN
	FOR r IN SELECT * FROM m.recommend(u, 3) LOOP RETURN NEXT r.item_id; END LOOP;
EXCEPTION WHEN division_by_zero THEN RETURN;
END $$;
SELECT set_eq('SELECT id, best(id) FROM customers WHERE id <= 50', 'SELECT id, item_id FROM wanted WHERE rank <= 3 AND id <= 50', 'PL/pgSQL with a subtransaction');
CREATE FUNCTION top(u bigint) RETURNS int LANGUAGE sql STABLE AS 'SELECT item_id FROM m.recommend(u, 1)';
SELECT set_eq('SELECT id, top(id) FROM customers', 'SELECT id, item_id FROM wanted WHERE rank = 1', 'SQL function');

-- Created, trained and asked in one function, one transaction: typed, by name, dynamic.
CREATE FUNCTION all_at_once() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE a int[]; b text[];
BEGIN
	PERFORM rec.create_model('o', 'e', params => '{"factors": 8, "epochs": 5, "holdout": 0}');
	PERFORM rec.train('o');
	EXECUTE 'SELECT array_agg(item_id ORDER BY rank) FROM o.recommend(9, 5)' INTO a;
	RETURN NEXT is(a, (SELECT array_agg(item_id ORDER BY rank) FROM wanted WHERE id = 9), 'created, trained and asked in one function');
	SELECT array_agg(item_id ORDER BY rank) INTO b FROM rec.recommend('o', 9, 5);
	RETURN NEXT is(b, a::text[], 'and by name');
	RETURN NEXT is((SELECT count(*) FROM rec.recommend('o', 9, NULL)), (SELECT count(*) FROM m.recommend(9, NULL)), 'with k null');
	PERFORM rec.train('o', '{"factors": 1}');
	EXECUTE 'SELECT array_agg(item_id ORDER BY rank) FROM o.recommend(9, 5)' INTO a;
	RETURN NEXT is((SELECT array_agg(item_id ORDER BY rank) FROM rec.recommend('o', 9, 5)), a::text[], 'after another training');
	BEGIN
		PERFORM rec.train('o', '{"factors": 8}');
		RAISE division_by_zero;
	EXCEPTION WHEN division_by_zero THEN NULL;
	END;
	RETURN NEXT is((SELECT array_agg(item_id ORDER BY rank) FROM rec.recommend('o', 9, 5)), a::text[], 'after a training that a subtransaction rolled back');
	PERFORM rec.drop_model('o');
	RETURN NEXT throws_ok($q$SELECT * FROM rec.recommend('o', 9)$q$, '42704', NULL, 'after the drop');
END $$;
SELECT all_at_once();

-- transactions and cursors
BEGIN READ ONLY;
SELECT is((SELECT array_agg(item_id ORDER BY rank) FROM m.recommend(9, 5)), (SELECT array_agg(item_id ORDER BY rank) FROM wanted WHERE id = 9), 'read-only transaction');
SELECT is((SELECT count(*) FROM m.recommend_users(9)) + (SELECT count(*) FROM m.similar_items(9)) + (SELECT count(*) FROM m.similar_users(9))
	+ (SELECT count(*) FROM m.explain(9, 1)) + (SELECT count(*) FROM m.recommend_for('{1}')), 40 + (SELECT count(DISTINCT item_id) FROM e WHERE user_id = 9), 'the other functions too');
SELECT throws_ok($$SELECT rec.train('m')$$, '25006', NULL, 'training is not for read-only transactions');
ROLLBACK;
BEGIN ISOLATION LEVEL REPEATABLE READ;
DECLARE c SCROLL CURSOR FOR SELECT item_id FROM m.recommend(9, 5);
FETCH 2 FROM c;
MOVE ABSOLUTE 0 IN c;
CREATE FUNCTION pg_temp.fetch_all() RETURNS int[] LANGUAGE plpgsql AS $$
DECLARE c refcursor := 'c'; i int; result int[] := '{}';
BEGIN
	LOOP FETCH NEXT FROM c INTO i; EXIT WHEN NOT FOUND; result := result || i; END LOOP;
	RETURN result;
END $$;
SELECT is(pg_temp.fetch_all(), (SELECT array_agg(item_id ORDER BY rank) FROM wanted WHERE id = 9), 'scrollable cursor');
ROLLBACK;
BEGIN;
DECLARE h CURSOR WITH HOLD FOR SELECT item_id FROM m.recommend(9, 5);
COMMIT;
CREATE FUNCTION pg_temp.fetch_held() RETURNS int LANGUAGE plpgsql AS $$DECLARE c refcursor := 'h'; i int; BEGIN FETCH ABSOLUTE 1 FROM c INTO i; RETURN i; END $$;
SELECT is((SELECT count(*) FROM pg_cursors WHERE name = 'h'), 1::bigint, 'holdable cursor');
CLOSE h;
-- A cursor that is open over a training goes on with the version that it began with.
BEGIN;
DECLARE o CURSOR FOR SELECT c.id, r.item_id FROM customers c, LATERAL m.recommend(c.id, 5) r;
FETCH 1 FROM o;
SELECT rec.train('m', '{"factors": 1}');
CREATE FUNCTION pg_temp.rest() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE c refcursor := 'o'; a int; b int; n bigint := 0;
BEGIN
	LOOP FETCH NEXT FROM c INTO a, b; EXIT WHEN NOT FOUND; n := n + (SELECT count(*) FROM wanted WHERE id = a AND item_id = b); END LOOP;
	RETURN n;
END $$;
SELECT is(pg_temp.rest(), 1049::bigint, 'an open cursor goes on with its version');
ROLLBACK;

-- a parallel query's leader calls it
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SELECT set_eq('SELECT c.id, r.item_id FROM customers c, LATERAL m.recommend(c.id, 5) r', 'SELECT id, item_id FROM wanted', 'parallel plans allowed');
SELECT set_eq('SELECT id, m.predict(id, 9) FROM customers', 'SELECT user_id, score FROM m.recommend_users(9, NULL, false)
	UNION ALL SELECT id, NULL FROM customers WHERE id > 200', 'predict for every row');
RESET ALL;
SET client_min_messages = warning;

-- many models and versions in a session whose cache holds almost nothing
SET pg_recommend.cache_size = 0;
SELECT is((SELECT array_agg(item_id ORDER BY rank) FROM m.recommend(9, 5)), (SELECT array_agg(item_id ORDER BY rank) FROM wanted WHERE id = 9), 'no cache: the same answer');
SELECT set_eq('SELECT c.id, a.item_id AS a, b.item_id AS b FROM customers c, m.recommend(c.id, 1, version => 1) a, m.recommend(c.id, 1, version => 2) b',
	'SELECT c.id, (SELECT item_id FROM m.recommend(c.id, 1, version => 1)) AS a, (SELECT item_id FROM m.recommend(c.id, 1, version => 2)) AS b FROM customers c', 'two versions in one query');
SELECT * FROM finish();
