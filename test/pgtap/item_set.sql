-- Named item sets: kept results, when they are used, whose rights count, their life with the model.
SET client_min_messages = warning;
SELECT no_plan();
CREATE ROLE set_owner;
CREATE ROLE set_guest;
GRANT CREATE ON DATABASE :DBNAME TO set_owner;
GRANT CREATE ON SCHEMA public TO set_owner;
CREATE TABLE products (sku text PRIMARY KEY, price int, stock int);
INSERT INTO products SELECT 'i' || i, i, i % 4 FROM generate_series(0, 59) i;
CREATE TABLE e (user_id int, item_id text);
CREATE INDEX ON e (user_id) INCLUDE (item_id);
INSERT INTO e SELECT u, 'i' || (u * k * 7 + k) % 50 FROM generate_series(1, 100) u, generate_series(1, 6) k;
ALTER TABLE products OWNER TO set_owner;
ALTER TABLE e OWNER TO set_owner;
SET ROLE set_owner;
SELECT rec.create_model('m', 'e', params => '{"factors": 8, "epochs": 4, "holdout": 0}', items => 'products', item_key => 'sku');
SELECT is(rec.create_item_set('m', 'early', 'stock > 0'), NULL, 'before the first training nothing is kept');
SELECT throws_ok($$SELECT rec.create_item_set('m', 'bad', 'stok > 0')$$, '42703', NULL, 'but the filter is checked');
SELECT rec.train('m');
SELECT is(rec.create_item_set('m', 'in_stock', 'stock > 0'), (SELECT count(*)::int FROM m.active_items JOIN products ON sku = item_id WHERE stock > 0), 'how many items are in it');
SELECT is(rec.create_item_set('m', 'cheap', 'price < :max', '{"max": 30}', max_age => '1 hour'), 30, 'with a value');
SELECT results_eq($$SELECT item_id, score FROM m.recommend(3, 5, item_set => 'in_stock')$$, $$SELECT item_id, score FROM m.recommend(3, 5, filter => 'stock > 0')$$, 'a set is its filter');
SELECT results_eq($$SELECT item_id, score FROM m.recommend(3, 5, item_set => 'early')$$, $$SELECT item_id, score FROM m.recommend(3, 5, filter => 'stock > 0')$$, 'one without a result runs its filter');
SELECT results_eq($$SELECT item_id, score FROM m.recommend(3, 5, item_set => 'cheap', filter => 'stock = 2')$$, $$SELECT item_id, score FROM m.recommend(3, 5, filter => 'stock = 2 and price < 30')$$, 'with a filter');
SELECT results_eq($$SELECT item_id, score FROM m.recommend_for('{i1}', 5, item_set => 'cheap', after => '2')$$, $$SELECT item_id, score FROM m.recommend_for('{i1}', 5, filter => 'price < 30', after => '2')$$, 'for a basket, paged');
SELECT results_eq($$SELECT item_id FROM m.buy_again(3, item_set => 'cheap')$$, $$SELECT item_id FROM m.buy_again(3, filter => 'price < 30')$$, 'buy_again');
SELECT results_eq($$SELECT item_id FROM rec.recommend('m', '3', item_set => 'cheap')$$, $$SELECT item_id FROM m.recommend(3, filter => 'price < 30')$$, 'by name');
SELECT results_eq($$SELECT u, item_id FROM generate_series(1, 9) u, LATERAL m.recommend(u, 3, item_set => (ARRAY['cheap', 'in_stock'])[1 + u % 2])$$,
	$$SELECT u, item_id FROM generate_series(1, 9) u, LATERAL m.recommend(u, 3, filter => (ARRAY['price < 30', 'stock > 0'])[1 + u % 2])$$, 'LATERAL, one set after the other');

-- kept until refreshed
SELECT item_id AS first FROM m.recommend(3, 1, item_set => 'in_stock') \gset
UPDATE products SET stock = 0, price = 1000 WHERE sku = :'first';
SELECT is(array_agg(item_id), ARRAY[:'first'], 'kept until it is refreshed') FROM m.recommend(3, 1, item_set => 'in_stock');
SELECT is(rec.refresh_item_set('m', 'in_stock'), (SELECT count(*)::int FROM m.active_items JOIN products ON sku = item_id WHERE stock > 0), 'refreshed');
SELECT is_empty(format('SELECT * FROM m.recommend(3, NULL, item_set => ''in_stock'') WHERE item_id = %L', :'first'), 'then it has changed');
RESET ROLE;
UPDATE rec.item_set SET refreshed_at = now() - interval '2 hours' WHERE name = 'cheap';
SELECT is_empty(format('SELECT * FROM m.recommend(3, NULL, false, item_set => ''cheap'') WHERE item_id = %L', :'first'), 'beyond max_age the filter is run');
SET ROLE set_owner;
-- another version
SELECT rec.train('m', '{"factors": 4}');
UPDATE products SET stock = 3 WHERE sku = :'first';
SELECT isnt_empty(format('SELECT * FROM m.recommend(3, NULL, false, item_set => ''in_stock'') WHERE item_id = %L', :'first'), 'for a version that the result is not for the filter is run');
SELECT is_empty(format('SELECT * FROM m.recommend(3, NULL, false, item_set => ''in_stock'', version => 1) WHERE item_id = %L', :'first'), 'for the other the result serves');
SELECT cmp_ok(rec.refresh_item_set('m'), '>', 60, 'all sets of the model');
SELECT results_eq('SELECT name, version FROM rec.item_set ORDER BY 1', $$VALUES ('cheap', 2), ('early', 2), ('in_stock', 2)$$, 'are for the active version');
-- in a trigger
CREATE FUNCTION refresh() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM rec.refresh_item_set('m', 'in_stock'); RETURN NULL; END $$;
CREATE TRIGGER refresh AFTER UPDATE ON products EXECUTE FUNCTION refresh();
UPDATE products SET stock = 0 WHERE sku = :'first';
SELECT is_empty(format('SELECT * FROM m.recommend(3, NULL, item_set => ''in_stock'') WHERE item_id = %L', :'first'), 'refreshed by a trigger');

-- errors
SELECT throws_ok($$SELECT * FROM m.recommend(3, item_set => 'in_stok')$$, '42704', 'model "m" has no item set "in_stok"', 'unknown set');
SELECT throws_ok($$SELECT rec.refresh_item_set('m', 'x')$$, '42704', 'model "m" has no item set "x"', 'refresh of an unknown one');
SELECT throws_ok($$SELECT rec.drop_item_set('m', 'x')$$, '42704', 'model "m" has no item set "x"', 'drop of an unknown one');
SELECT lives_ok($$SELECT rec.drop_item_set('m', 'x', true)$$, 'if_exists');
SELECT throws_ok($$SELECT rec.create_item_set('m', 'cheap', 'true')$$, '42710', 'model "m" already has an item set "cheap"', 'it exists');
SELECT throws_ok($$SELECT rec.create_item_set('m', '', 'true')$$, '42602', NULL, 'no name');
SELECT throws_ok($$SELECT rec.create_item_set('m', NULL, 'true')$$, '22004', 'name must not be null', 'null name');
SELECT throws_ok($$SELECT rec.create_item_set('m', 'n', NULL)$$, '22004', 'filter must not be null', 'null filter');
SELECT throws_ok($$SELECT rec.create_item_set('m', 'n', 'true', max_age => '0')$$, '22023', 'max_age must be above zero', 'max_age 0');
SELECT throws_ok($$SELECT rec.create_item_set('m', 'n', 'pg_sleep(1) is null')$$, '0A000', 'the filter holds a volatile function', 'a volatile filter');
SELECT throws_ok($$SELECT rec.create_item_set('m', 'n', 'true) UNION SELECT (1')$$, '42601', NULL, 'no expression');
SELECT throws_ok($$SELECT rec.create_item_set('none', 'n', 'true')$$, '42704', NULL, 'unknown model');

-- rights: the set's are the owner's, the filter's are the caller's
GRANT USAGE ON SCHEMA m TO set_guest;
SET ROLE set_guest;
SELECT isnt_empty($$SELECT * FROM m.recommend(3, item_set => 'in_stock')$$, 'who may use the model may use its sets');
SELECT isnt_empty($$SELECT * FROM m.recommend(3, item_set => 'in_stock', version => 1)$$, 'also when the filter must be run');
SELECT throws_ok($$SELECT * FROM m.recommend(3, item_set => 'in_stock', filter => 'stock > 1')$$, '42501', NULL, 'a filter beside it is the caller''s');
SELECT throws_ok($$SELECT rec.create_item_set('m', 'n', 'true')$$, '42501', NULL, 'only the owner creates');
SELECT throws_ok($$SELECT rec.refresh_item_set('m', 'cheap')$$, '42501', NULL, 'refreshes');
SELECT throws_ok($$SELECT rec.drop_item_set('m', 'cheap')$$, '42501', NULL, 'and drops');
SELECT throws_ok($$UPDATE rec.item_set SET filter = 'true'$$, '42501', NULL, 'nobody writes the catalog');
SELECT is(count(*), 3::bigint, 'the catalog shows the sets of models that one may use') FROM rec.item_set;
SET ROLE set_owner;
REVOKE USAGE ON SCHEMA m FROM set_guest;
SET ROLE set_guest;
SELECT is(count(*), 0::bigint, 'and no others') FROM rec.item_set;
SET ROLE set_owner;
SELECT rec.rename_model('m', 'renamed');
SELECT isnt_empty($$SELECT * FROM renamed.recommend(3, item_set => 'cheap')$$, 'sets follow a rename');
SELECT rec.drop_item_set('renamed', 'cheap');
SELECT throws_ok($$SELECT * FROM renamed.recommend(3, item_set => 'cheap')$$, '42704', NULL, 'dropped');
SELECT rec.drop_model('renamed');
RESET ROLE;
SELECT is_empty('SELECT * FROM rec.item_set', 'sets go with the model');
SELECT * FROM finish();
