-- filter: one expression over the item relation, with placeholders; what is refused; whose rights count.
SET client_min_messages = warning;
SELECT no_plan();
CREATE SCHEMA web;
CREATE TABLE web.products (sku text PRIMARY KEY, price float8, stock int, category text, tags text[], hidden bool, added date, "Odd name" int, user_ int);
INSERT INTO web.products SELECT 'i' || i, i * 1.5, i % 4, CASE i % 3 WHEN 0 THEN 'shoes' WHEN 1 THEN 'hats' END, ARRAY['t' || i % 5, 'all'], i % 7 = 0, date '2024-01-01' + i, i, i
FROM generate_series(0, 59) i;
INSERT INTO web.products (sku, price) VALUES ('never sold', 1);
CREATE TABLE e (user_id int, item_id text);
CREATE INDEX ON e (user_id) INCLUDE (item_id);
INSERT INTO e SELECT u, 'i' || (u * k * 7 + k) % 50 FROM generate_series(1, 100) u, generate_series(1, 6) k;
INSERT INTO e VALUES (7, 'i99');	-- not described
SELECT rec.create_model('m', 'e', params => '{"factors": 8, "epochs": 4, "holdout": 0}', items => 'web.products', item_key => 'sku');
SELECT rec.train('m');
SELECT results_eq('SELECT items_schema, items_relation, item_key FROM rec.model', $$VALUES ('web', 'products', 'sku')$$, 'the catalog holds the names');

-- what a filter allows, against the same condition in SQL
CREATE FUNCTION same(filter text, args jsonb, condition text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	RETURN NEXT results_eq(format('SELECT item_id, score FROM m.recommend(3, NULL, filter => %L, filter_args => %L)', filter, args),
		format('SELECT item_id, score FROM m.recommend(3, NULL) r JOIN web.products p ON p.sku = r.item_id WHERE %s ORDER BY r.rank', condition),
		filter || coalesce(' ' || args::text, ''));
	RETURN NEXT results_eq(format('SELECT item_id FROM m.recommend(-1, 4, filter => %L, filter_args => %L)', filter, args),
		format('SELECT item_id FROM m.recommend(-1, NULL) r JOIN web.products p ON p.sku = r.item_id WHERE %s ORDER BY r.rank LIMIT 4', condition),
		'popular items too: ' || filter);
	RETURN NEXT results_eq(format('SELECT item_id FROM m.recommend_for(''{i1,i4}'', 3, filter => %L, filter_args => %L)', filter, args),
		format('SELECT item_id FROM m.recommend_for(''{i1,i4}'', NULL) r JOIN web.products p ON p.sku = r.item_id WHERE %s ORDER BY r.rank LIMIT 3', condition),
		'a basket too: ' || filter);
END $$;
SELECT same(f, a::jsonb, coalesce(c, f)) FROM (VALUES
	('stock > 0', NULL, NULL),
	('not hidden and price < :max', '{"max": 50}', 'not hidden and price < 50'),
	('price between :lo and :hi', '{"lo": 10.5, "hi": 30.25}', 'price between 10.5 and 30.25'),
	('price<:max', '{"max": 50}', 'price < 50'),
	('category = :c', '{"c": "shoes"}', $$category = 'shoes'$$),
	('category = :c', '{"c": "x'' or true --"}', 'false'),
	('category is not distinct from :c', '{"c": null}', 'category is null'),
	('hidden = :h', '{"h": true}', 'hidden'),
	('added >= :d and added < :d::date + :n::int', '{"d": "2024-01-10", "n": 20}', $$added >= '2024-01-10' and added < date '2024-01-30'$$),
	('sku = any(:list)', '{"list": ["i1", "i2", "i,\"3", null]}', $$sku in ('i1', 'i2')$$),
	('stock = any(:list)', '{"list": [1, 2]}', 'stock in (1, 2)'),
	('stock = any(:list)', '{"list": []}', 'false'),
	('tags @> :t', '{"t": ["t2"]}', $$tags @> '{t2}'$$),
	('tags[1:2] = array[:a, ''all'']', '{"a": "t2"}', $$tags = '{t2,all}'$$),
	('"Odd name"::text like ''%1''', NULL, NULL),
	(''':not' || ' a placeholder'' <> category', NULL, NULL),
	('e'':c\''''  <> :user /* :comment */ -- :another', '{"user": "x"}', 'true'),
	('$q$ :no $q$ <> :größe', '{"größe": "x"}', 'true'),
	('products.stock > 2 or products.price = :p', '{"p": 3}', 'p.stock > 2 or p.price = 3'),
	('case when stock > :s then true else price > :s end', '{"s": 2}', 'stock > 2 or price > 2'),
	('true', NULL, NULL),
	('false', NULL, NULL),
	('null', NULL, 'null::bool'),
	('(stock) = (2)', NULL, NULL),
	('user_ + :a + :b + :c + :d + :e + :f + :g + :h + :i + :j > :k + :a', '{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1,"k":30,"unused":0}', 'user_ > 21'),
	('upper(category) = ''HATS'' and added < now()', NULL, NULL)) v (f, a, c);
SELECT is_empty($$SELECT * FROM m.recommend(1, NULL, false, filter => 'true') WHERE item_id = 'i99'$$, 'an item that is not described passes no filter');
SELECT isnt_empty($$SELECT * FROM m.recommend(1, NULL, false) WHERE item_id = 'i99'$$, 'without one it is there');
SELECT results_eq($$SELECT item_id, score FROM rec.recommend('m', 3, 5, filter => 'price < :x', filter_args => '{"x": 40}')$$,
	$$SELECT item_id, score FROM m.recommend(3, 5, filter => 'price < :x', filter_args => '{"x": 40}')$$, 'by name');
SELECT results_eq($$SELECT item_id, score FROM rec.recommend('m', '3', 5, filter => 'price < 40')$$,
	$$SELECT item_id, score FROM m.recommend(3, 5, filter => 'price < 40')$$, 'by name, user as text');
SELECT results_eq($$SELECT item_id, score FROM rec.recommend_for('m', '{i1}', 5, filter => 'price < 40')$$,
	$$SELECT item_id, score FROM m.recommend_for('{i1}', 5, filter => 'price < 40')$$, 'by name, for a basket');

-- many users in one statement; another filter for each
SELECT results_eq($$SELECT u, item_id FROM generate_series(1, 20) u, LATERAL m.recommend(u, 3, filter => 'stock = 1') r$$,
	$$SELECT u, item_id FROM generate_series(1, 20) u, LATERAL (SELECT * FROM m.recommend(u, NULL) JOIN web.products ON sku = item_id WHERE stock = 1 ORDER BY rank LIMIT 3) r$$, 'LATERAL');
SELECT results_eq($$SELECT u, item_id FROM generate_series(1, 20) u, LATERAL m.recommend(5, 3, filter => 'stock = :s', filter_args => jsonb_build_object('s', u % 5)) r$$,
	$$SELECT u, item_id FROM generate_series(1, 20) u, LATERAL (SELECT * FROM m.recommend(5, NULL) JOIN web.products ON sku = item_id WHERE stock = u % 5 ORDER BY rank LIMIT 3) r$$, 'LATERAL with changing values');
-- the next statement sees the change
SELECT count(*) AS before FROM m.recommend(3, NULL, false, filter => 'stock = 1') \gset
UPDATE web.products SET stock = 0 WHERE sku = 'i1';
SELECT is(count(*)::int, :before - 1, 'a change of the items counts at once') FROM m.recommend(3, NULL, false, filter => 'stock = 1');

-- a generic plan, called with and without
SET plan_cache_mode = force_generic_plan;
PREPARE asked (text, jsonb) AS SELECT count(*)::int FROM m.recommend(3, NULL, false, filter => $1, filter_args => $2);
SELECT count(*) FILTER (WHERE stock = 2) AS two, count(*) AS everything FROM m.active_items LEFT JOIN web.products ON sku = item_id \gset
EXECUTE asked('stock = :s', '{"s": 2}') \gset a_
EXECUTE asked(NULL, NULL) \gset b_
EXECUTE asked('stock = 2', NULL) \gset c_
SELECT is(ARRAY[:a_count, :b_count, :c_count], ARRAY[:two, :everything, :two], 'prepared');
RESET plan_cache_mode;

-- what is refused
CREATE FUNCTION web.writes() RETURNS bool LANGUAGE sql AS 'DELETE FROM web.products RETURNING true';
CREATE FUNCTION web.rows() RETURNS SETOF bool STABLE LANGUAGE sql AS 'VALUES (true)';
CREATE FUNCTION refused(filter text, args text, code text, message text) RETURNS text LANGUAGE sql AS $$
	SELECT throws_ok(format('SELECT * FROM m.recommend(3, filter => %L, filter_args => %L)', filter, args), code, message, left(filter, 60)) $$;
SELECT refused(f, a, c, m) FROM (VALUES
	('', NULL, '42601', 'a filter must be one expression'),
	('  -- nothing', NULL, '42601', 'a filter must be one expression'),
	('stock >', NULL, '42601', 'syntax error at end of input'),
	('stock > 0)', NULL, '42601', 'syntax error at or near ")"'),
	('true) UNION SELECT rolpassword FROM pg_authid --', NULL, '42601', 'syntax error at or near ")"'),
	('true UNION SELECT true', NULL, '42601', NULL),
	('true; DROP TABLE web.products', NULL, '42601', 'syntax error at or near ";"'),
	('true;', NULL, '42601', NULL),
	('stock, price', NULL, '42601', 'a filter must be one expression'),
	('true FROM pg_authid', NULL, '42601', 'a filter must be one expression'),
	('true WHERE true', NULL, '42601', 'a filter must be one expression'),
	('true GROUP BY stock', NULL, '42601', 'a filter must be one expression'),
	('true HAVING true', NULL, '42601', 'a filter must be one expression'),
	('true ORDER BY stock', NULL, '42601', 'a filter must be one expression'),
	('true LIMIT 1', NULL, '42601', 'a filter must be one expression'),
	('true FOR UPDATE', NULL, '42601', 'a filter must be one expression'),
	('DISTINCT hidden', NULL, '42601', 'a filter must be one expression'),
	('hidden AS h', NULL, '42601', 'a filter must be one expression'),
	('hidden h', NULL, '42601', 'a filter must be one expression'),
	('*', NULL, '42601', 'a filter must be one expression'),
	('products.*', NULL, '42601', 'a filter must be one expression'),
	('SELECT true', NULL, '42601', NULL),
	('DELETE FROM web.products', NULL, '42601', NULL),
	('INTO x', NULL, '42601', NULL),
	('''unfinished', NULL, '42601', NULL),
	('/* unfinished', NULL, '42601', NULL),
	('exists (SELECT FROM pg_authid)', NULL, '0A000', 'a filter cannot hold a subquery'),
	('stock in (SELECT 1)', NULL, '0A000', 'a filter cannot hold a subquery'),
	('array(SELECT 1) = ''{1}''', NULL, '0A000', 'a filter cannot hold a subquery'),
	('coalesce(hidden, (SELECT secret FROM hidden.secrets))', NULL, '0A000', 'a filter cannot hold a subquery'),
	('count(*) > 1', NULL, '42803', NULL),
	('sum(stock) OVER () > 1', NULL, '42P20', NULL),
	('web.rows()', NULL, '0A000', NULL),
	('pg_sleep(10) is null', NULL, '0A000', 'the filter holds a volatile function'),
	('random() < 0.5', NULL, '0A000', 'the filter holds a volatile function'),
	('web.writes()', NULL, '0A000', 'the filter holds a volatile function'),
	('hidden and nextval(''x'') > 0', NULL, '42P01', NULL),
	('stock', NULL, '42804', 'argument of WHERE must be type boolean, not type integer'),
	('no_such > 1', NULL, '42703', NULL),
	('other.stock > 1', NULL, '42P01', NULL),
	('no_such(stock)', NULL, '42883', NULL),
	('category = 1', NULL, '42883', NULL),
	('1 / (stock - stock) > 0', NULL, '22012', NULL),
	('price < $1', NULL, '42601', 'a filter has no parameters by number'),
	('price < :max', NULL, '42P02', 'filter_args has no value for the placeholder :max'),
	('price < :max', '{"maxi": 1}', '42P02', 'filter_args has no value for the placeholder :max'),
	('price < :max', '{"max": "much"}', '22P02', NULL),
	('price < :max', '{"max": {"a": 1}}', '22023', 'the value of "max" in filter_args cannot be used'),
	('stock = any(:l)', '{"l": [1, "a"]}', '22023', NULL),
	('stock = any(:l)', '{"l": [[1], [2]]}', '22023', NULL),
	('price < :max', '[50]', '22023', 'filter_args must be a JSON object'),
	('price < :max', '50', '22023', 'filter_args must be a JSON object'),
	('price < : max', '{"max": 50}', '42601', NULL),
	('price < :"max"', '{"max": 50}', '42601', NULL),
	('category = :e''x''', '{"e": 50}', '42601', NULL)) v (f, a, c, m);
SELECT throws_ok($$SELECT * FROM m.recommend(3, filter_args => '{"a": 1}')$$, '22023', 'filter_args needs a filter', 'filter_args alone');
SELECT is(count(*), 61::bigint, 'nothing was deleted') FROM web.products;
SELECT throws_ok($$SELECT * FROM rec._recommend('m', 1, NULL::text, 1, true, NULL, NULL::text[], NULL::text[], NULL, '{"filtre": "true"}')$$, '22023', 'unknown option "filtre"', 'options are strict');
SELECT throws_ok($$SELECT * FROM rec._recommend('m', 1, NULL::text, 1, true, NULL, NULL::text[], NULL::text[], NULL, '{"filtre": null}')$$, '22023', 'unknown option "filtre"', 'null too');
SELECT throws_ok($$SELECT * FROM rec._recommend('m', 1, NULL::text, 1, true, NULL, NULL::text[], NULL::text[], NULL, '[1]')$$, '22023', 'options must be a JSON object', 'an array of options');
SELECT throws_ok($$SELECT * FROM rec._recommend('m', 1, NULL::text, 1, true, NULL, NULL::text[], NULL::text[], NULL, '{"filter": 1}')$$, '22023', 'filter must be a string', 'a number as filter');

-- whose rights
CREATE ROLE filter_reader;
CREATE ROLE filter_guest;
GRANT USAGE ON SCHEMA m TO filter_reader, filter_guest;
GRANT USAGE ON SCHEMA web TO filter_reader;
GRANT SELECT (sku, stock) ON web.products TO filter_reader;
CREATE SCHEMA secret;
CREATE FUNCTION secret.peek() RETURNS bool STABLE LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION web.owner_only() RETURNS bool STABLE LANGUAGE plpgsql AS 'BEGIN RETURN true; END';
REVOKE EXECUTE ON FUNCTION web.owner_only() FROM PUBLIC;
SET ROLE filter_reader;
SELECT isnt_empty($$SELECT * FROM m.recommend(3, filter => 'stock > 0')$$, 'columns that the caller may read');
SELECT throws_ok($$SELECT * FROM m.recommend(3, filter => 'price > 0')$$, '42501', 'permission denied for table products', 'a column that the caller may not read');
SELECT throws_ok($$SELECT * FROM m.recommend(3, filter => 'secret.peek()')$$, '42501', 'permission denied for schema secret', 'a function in a schema that is closed');
SELECT throws_ok($$SELECT * FROM m.recommend(3, filter => 'web.owner_only()')$$, '42501', 'permission denied for function owner_only', 'a function that the caller may not execute');
SET ROLE filter_guest;
SELECT throws_ok($$SELECT * FROM m.recommend(3, filter => 'true')$$, '42501', 'permission denied for schema web', 'no rights at all');
SELECT isnt_empty($$SELECT * FROM m.recommend(3)$$, 'without a filter no rights on the items are needed');
RESET ROLE;
ALTER TABLE web.products ENABLE ROW LEVEL SECURITY;
CREATE POLICY shoes ON web.products TO filter_reader USING (category = 'shoes');
SET ROLE filter_reader;
SELECT set_eq($$SELECT item_id FROM m.recommend(3, NULL, false, filter => 'true')$$,
	$$SELECT 'i' || i FROM generate_series(0, 49) i WHERE i % 3 = 0$$, 'row security of the caller applies');
RESET ROLE;
CREATE FUNCTION web.policy() RETURNS bool VOLATILE LANGUAGE sql AS 'SELECT true';
CREATE POLICY odd ON web.products TO filter_guest USING (web.policy());
GRANT USAGE ON SCHEMA web TO filter_guest;
GRANT SELECT ON web.products TO filter_guest;
SET ROLE filter_guest;
SELECT throws_ok($$SELECT * FROM m.recommend(3, filter => 'true')$$, '0A000', 'the item relation or its row security holds a volatile function', 'a volatile policy');
RESET ROLE;
-- two roles in one session, one plan
SELECT set_eq($$SELECT item_id FROM m.recommend(3, NULL, false, filter => 'true')$$,
	$$SELECT 'i' || i FROM generate_series(0, 49) i$$, 'the owner sees all of them again');

-- the search path is the caller's, the relation's name is not looked up on it
CREATE SCHEMA other;
CREATE TABLE other.products (sku text, stock int);
CREATE FUNCTION other.f(int) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT $1 = 2';
SET search_path = other, public;
SELECT isnt_empty($$SELECT * FROM m.recommend(3, filter => 'f(stock)')$$, 'functions are found on the search path, the relation is not');
RESET search_path;

-- the relation changes
CREATE VIEW web.products_view AS SELECT sku::varchar AS code, price, stock FROM web.products;
SELECT rec.alter_model('m', items => 'web.products_view', item_key => 'code');
SELECT results_eq($$SELECT item_id FROM m.recommend(3, filter => 'stock = 2')$$, $$SELECT item_id FROM m.recommend(3, NULL) r JOIN web.products ON sku = item_id WHERE stock = 2 ORDER BY rank LIMIT 10$$, 'a view, with a varchar key');
DROP VIEW web.products_view;
SELECT throws_ok($$SELECT * FROM m.recommend(3, filter => 'true')$$, '42P01', 'relation "web.products_view" does not exist', 'the relation is gone');
SELECT isnt_empty($$SELECT * FROM m.recommend(3)$$, 'which only a filter minds');
CREATE TABLE web.products_view (code int);
SELECT throws_ok($$SELECT * FROM m.recommend(3, filter => 'true')$$, '42804', 'column "code" of item relation "products_view" is of type integer, but items are of type text', 'its key has changed');
DROP TABLE web.products_view;
CREATE TABLE web.products_view (kode text);
SELECT throws_ok($$SELECT * FROM m.recommend(3, filter => 'true')$$, '42703', 'column "code" of item relation "products_view" does not exist', 'its column is gone');
SELECT rec.alter_model('m', reset => '{items}');
SELECT throws_ok($$SELECT * FROM m.recommend(3, filter => 'true')$$, '55000', 'model "m" has no item relation to filter', 'no item relation');
SELECT throws_ok($$SELECT rec.alter_model('m', item_key => 'sku')$$, '22023', 'item_key needs items', 'a key without a relation');
SELECT throws_ok($$SELECT rec.alter_model('m', items => 'web.product')$$, '42P01', 'item relation "web.product" does not exist', 'no such relation');
SELECT throws_ok($$SELECT rec.alter_model('m', items => 'web.products')$$, '42703', 'column "item_id" of item relation "products" does not exist', 'no such column; the key is named as in the events when it is not given');
SELECT throws_ok($$SELECT rec.alter_model('m', items => 'web.products', item_key => 'stock')$$, '42804', NULL, 'a key of another type');
SELECT throws_ok($$SELECT rec.create_model('n', 'e', items => 'web.products', item_key => 'skuu')$$, '42703', NULL, 'create_model checks too');
-- an integer key of another width
CREATE TABLE numbers (id bigint, good bool);
INSERT INTO numbers SELECT i, i % 2 = 0 FROM generate_series(1, 40) i UNION ALL VALUES (NULL, true), (5000000000, true), (2, true), (2, false);
CREATE TABLE ie (user_id int, item_id smallint);
CREATE INDEX ON ie (user_id) INCLUDE (item_id);
INSERT INTO ie SELECT u, (u * k) % 30 FROM generate_series(1, 40) u, generate_series(1, 5) k;
SELECT rec.create_model('n', 'ie', params => '{"factors": 4, "epochs": 2, "holdout": 0}', items => 'numbers', item_key => 'id');
SELECT rec.train('n');
SELECT results_eq($$SELECT item_id FROM n.recommend(3, NULL, filter => 'good')$$, $$SELECT item_id FROM n.recommend(3, NULL) WHERE item_id > 0 AND item_id % 2 = 0$$, 'bigint keys for smallint items; null, unknown and repeated ones');
SELECT * FROM finish();
