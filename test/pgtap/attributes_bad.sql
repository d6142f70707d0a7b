-- Attributes that are missing, wrong or hostile: a clear answer each.
SET client_min_messages = warning;
SELECT no_plan();
CREATE SCHEMA web;
CREATE TABLE web.events AS SELECT u AS user_id, i AS item_id FROM generate_series(1, 60) u, generate_series(1, 40) i WHERE (u * 7 + i * 3) % 5 = 0;
CREATE INDEX ON web.events (user_id) INCLUDE (item_id);
CREATE TABLE web.products (id int, category text, price float8, v real[], point point);
INSERT INTO web.products SELECT i, 'c' || i % 4, i, ARRAY[i % 3, 1] FROM generate_series(1, 50) i;
CREATE FUNCTION web.create(attributes text[], options text DEFAULT '') RETURNS text LANGUAGE plpgsql AS $$
DECLARE h text;
BEGIN
	EXECUTE format('SELECT rec.create_model(''x'', ''web.events'', params => ''{"factors": 4, "epochs": 3}'', item_attributes => %L%s)', attributes,
		CASE WHEN options = '' THEN ', items => ''web.products'', item_key => ''id''' ELSE options END);
	PERFORM rec.drop_model('x');
	RETURN 'created';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS h = PG_EXCEPTION_HINT;
	RETURN SQLSTATE || ' ' || SQLERRM || coalesce(' / ' || nullif(h, ''), '');
END $$;

-- What create_model refuses.
SELECT is(web.create('{category}', ', items => ''web.product'''), '42P01 item relation "web.product" does not exist / Perhaps you meant web.products.', 'relation missing');
SELECT is(web.create('{category}', ', item_key => ''id'''), '22023 item_key needs items / Name the relation that describes the items, for example items => ''web.products''.', 'no relation');
SELECT is(web.create('{category}', ', keep_versions => 2'), '22023 item_attributes needs items / Name the relation that has the attributes, for example items => ''web.products''.', 'attributes of nothing');
SELECT is(web.create('{category}', ', items => ''web.products'', item_key => ''ident'''), '42703 column "ident" of item relation "products" does not exist', 'key missing');
SELECT matches(web.create('{category}', ', items => ''web.products'', item_key => ''category'''), '^42804 column "category" of item relation "products" is of type text, but items are of type integer', 'key of another type');
SELECT is(web.create('{categry}'), '42703 column "categry" of item relation "products" does not exist / Perhaps you meant "category".', 'column missing');
SELECT matches(web.create('{point}'), '^42804 column "point" of type point cannot be an attribute', 'a type that says nothing');
SELECT is(web.create('{*}'), 'created', '* passes over it');
SELECT matches(web.create('{"text(category, klingon)"}'), '^42704 text search configuration "klingon" does not exist', 'no such configuration');
SELECT matches(web.create('{log(category)}'), '^22023 invalid item attribute "log\(category\)"', 'logarithm of a text');
SELECT matches(web.create('{sqrt(price)}'), '^22023 invalid item attribute "sqrt\(price\)"', 'unknown function');
SELECT matches(web.create('{log(price}'), '^22023 invalid item attribute', 'no closing parenthesis');
SELECT matches(web.create('{price*category}'), '^22023 invalid item attribute "price\*category"', 'a number in a pair');
SELECT matches(web.create('{category*category}'), '^22023 invalid item attribute', 'a category with itself');
SELECT matches(web.create('{category,category}'), '^22023 invalid item attribute "category"', 'twice');
SELECT matches(web.create('{""}'), '^22023 invalid item attribute ""', 'empty');
SELECT matches(web.create('{-categry}'), '^42703 column "categry"', 'leaving out what is not there');
SELECT matches(web.create('{*,-category,-price,-v}'), '^22023 item_attributes names no column', 'everything left out');
SELECT matches(web.create('{"category; DROP TABLE web.events"}'), '^42703', 'hostile text is a name that does not exist');
SELECT throws_ok($$SELECT rec.create_model('x', 'web.events', user_attributes => '{age}')$$, '22023', 'user_attributes needs users', 'the same for users');
SELECT throws_ok($$SELECT rec.create_model('x', 'web.events', users => 'web.people')$$, '42P01', 'user relation "web.people" does not exist', 'user relation missing');
SELECT throws_ok($$SELECT rec.create_model('x', 'web.events', user_key => 'id')$$, '22023', 'user_key needs users', 'user key alone');

-- What a training answers.
SELECT rec.create_model('m', 'web.events', items => 'web.products', item_key => 'id', item_attributes => '{category,price,v}', params => '{"factors": 4, "epochs": 3, "holdout": 0}');
CREATE FUNCTION web.warnings() RETURNS SETOF text LANGUAGE sql AS
	$$SELECT w FROM (SELECT * FROM rec.training_run ORDER BY version DESC LIMIT 1) r, unnest(warnings) w WHERE w ~ 'attribute|item relation|no row'$$;
SELECT lives_ok('SELECT rec.train(''m'')', 'as it should be');
SELECT is_empty('SELECT web.warnings()', 'without a warning');
INSERT INTO web.products VALUES (7, 'again', 1);
SELECT throws_ok('SELECT rec.train(''m'')', '21000', 'the key of item relation web.products is not unique', 'key not unique');
SELECT throws_ok('SELECT rec.refresh_items(''m'')', '21000', NULL, 'nor refreshed');
DELETE FROM web.products WHERE category = 'again';
INSERT INTO web.products VALUES (700, 'a', 1), (700, 'b', 1);
SELECT throws_ok('SELECT rec.train(''m'')', '21000', NULL, 'nor of items without events');
DELETE FROM web.products WHERE id = 700;
UPDATE web.products SET price = CASE id WHEN 3 THEN 'Infinity' WHEN 4 THEN '-Infinity' WHEN 5 THEN 'NaN' ELSE price END::float8, v = CASE WHEN id = 6 THEN '{1,2,3}'::real[] WHEN id = 8 THEN '{NaN,1}' WHEN id = 9 THEN '{NULL,1}' ELSE v END;
INSERT INTO web.products VALUES (NULL, 'c1', 1);
DELETE FROM web.products WHERE id = 10;
SELECT lives_ok('SELECT rec.train(''m'')', 'infinite numbers and vectors of another length');
SELECT bag_eq('SELECT web.warnings()', $$VALUES ('1 rows of the item relation have no key, and were not used'),
	('5 item attributes are NaN, infinite or hold a null, and count as missing'), ('1 of 40 items have no row in web.products'),
	('1 values of attribute "v" have not 2 elements as most do, and count as missing')$$, 'count as missing, and it is told');
SELECT is((SELECT array_agg(l ORDER BY l) FILTER (WHERE l IS NOT NULL) FROM m.item_attributes a, unnest(a.columns) c JOIN m.attribute_map m ON m.number = c, LATERAL (SELECT m.attribute || m.level) x (l)
	WHERE a.version = m.version AND a.version = 2 AND a.item_id = 3), '{categoryc3,"price(missing)","v[1]","v[2]"}', 'an infinite price is missing');
UPDATE web.products SET price = 5, category = NULL;
SELECT lives_ok('SELECT rec.train(''m'')', 'a constant and an all-null column');
SELECT bag_has('SELECT web.warnings()', $$VALUES ('attribute "category" has no values, and is not used'), ('attribute "price" is constant, or has no value twice, and is not used')$$, 'are told and not used');
TRUNCATE web.products;
SELECT lives_ok('SELECT rec.train(''m'')', 'an empty relation');
SELECT isnt_empty('SELECT * FROM m.recommend(1)', 'leaves a model without attributes');
INSERT INTO web.products SELECT i, 'c' || i % 4, i, ARRAY[i % 3, 1] FROM generate_series(1, 50) i;
SELECT rec.train('m');

-- Very many levels, huge texts, a very long list.
CREATE TABLE web.wild AS SELECT i AS id, md5(i::text) AS a, 'k' || i / 2 AS b, repeat(md5(i::text) || ' ', 20) AS t FROM generate_series(1, 30000) i;
CREATE TABLE web.many AS SELECT i % 3000 AS user_id, i AS item_id FROM generate_series(1, 30000) i;
SELECT rec.create_model('wild', 'web.many', items => 'web.wild', item_key => 'id', item_attributes => '{category(a),category(b),t}', params => '{"factors": 4, "epochs": 3, "holdout": 0}');
SELECT lives_ok('SELECT rec.train(''wild'')', 'columns with as many levels as rows');
SELECT results_eq('SELECT attribute, columns, buckets FROM wild.attribute_encoder WHERE kind = ''category'' ORDER BY number', $$VALUES ('category(a)', 0, 0), ('category(b)', 0, 0)$$, 'that occur once or twice say nothing');
UPDATE web.wild SET b = 'k' || id / 8;
SELECT lives_ok('SELECT rec.train(''wild'')', 'thousands of frequent levels');
SELECT results_eq('SELECT columns, buckets FROM wild.attribute_encoder WHERE version = 2 AND attribute = ''category(b)''', 'VALUES (1024, 512)', 'the most frequent have a column each, the others are hashed');
SELECT rec.drop_model('wild');

-- What happens to relation and columns after the training.
ALTER TABLE web.products DROP COLUMN category;
SELECT isnt_empty('SELECT * FROM m.recommend(1, NULL) WHERE item_id > 40', 'an attribute dropped: what is stored serves');
SELECT throws_ok('SELECT rec.train(''m'')', '42703', 'column "category" of item relation "products" does not exist', 'the next training says it');
SELECT throws_ok('SELECT rec.refresh_items(''m'')', '42703', NULL, 'so does refreshing');
ALTER TABLE web.products ADD category int DEFAULT 3;
SELECT lives_ok('SELECT rec.train(''m'')', 'a column of another type is what it is now');
DROP TABLE web.products;
SELECT isnt_empty('SELECT * FROM m.recommend(1)', 'the relation is gone: what is stored serves');
SELECT throws_ok('SELECT rec.train(''m'')', '42P01', NULL, 'the next training says it');
SELECT lives_ok('SELECT rec.alter_model(''m'', reset => ''{items}'')', 'without attributes again');
SELECT lives_ok('SELECT rec.train(''m'')', 'it trains');
SELECT throws_ok('SELECT rec.refresh_items(''m'')', '55000', 'model "m" has no item attributes', 'nothing to refresh');
SELECT throws_ok('SELECT * FROM rec.recommend_for(''m'', ''{"a": 1}'', recent_items => ''{1}'')', '55000', NULL, 'no attributes of visitors');

-- Rights: attributes are read as the model's owner, live ones as the caller.
CREATE ROLE rec_a_owner;
CREATE ROLE rec_a_reader;
GRANT USAGE ON SCHEMA web TO rec_a_owner, rec_a_reader;
GRANT SELECT ON web.events TO rec_a_owner, rec_a_reader;
CREATE TABLE web.people (id int PRIMARY KEY, country text, secret text);
INSERT INTO web.people SELECT i, 'k' || i % 3, 's' FROM generate_series(1, 80) i;
CREATE SCHEMA s AUTHORIZATION rec_a_owner;
SET ROLE rec_a_owner;
SELECT throws_ok($$SELECT rec.create_model('s', 'web.events', users => 'web.people', user_key => 'id', user_attributes => '{country}')$$, '42501', NULL, 'attributes that the owner may not read');
RESET ROLE;
GRANT SELECT (id, country) ON web.people TO rec_a_owner;
SET ROLE rec_a_owner;
SELECT throws_ok($$SELECT rec.create_model('s', 'web.events', users => 'web.people', user_key => 'id', user_attributes => '{country,secret}')$$, '42501', NULL, 'one of them');
SELECT lives_ok($$SELECT rec.create_model('s', 'web.events', users => 'web.people', user_key => 'id', user_attributes => '{country}', params => '{"factors": 4, "epochs": 3, "holdout": 0, "user_attribute_regularization": 1}')$$, 'the right ones');
SELECT lives_ok('SELECT rec.train(''s'')', 'and trains');
GRANT USAGE ON SCHEMA s TO rec_a_reader;
RESET ROLE;
INSERT INTO web.people VALUES (500, 'k1');
SET ROLE rec_a_reader;
SELECT is(array_agg(DISTINCT source), '{attributes}', 'stored attributes need USAGE on the model only') FROM s.recommend(70);
SELECT is(array_agg(DISTINCT source), '{popular}', 'who has just come is read with the caller''s rights: none') FROM s.recommend(500);
SELECT throws_ok('SELECT rec.refresh_items(''s'')', '42501', NULL, 'only the owner refreshes');
SELECT is((SELECT count(*) > 0 FROM rec.model_attribute WHERE model = 's'), true, 'rec.model_attribute for who may use the model');
SELECT is((SELECT count(*) FROM rec.model_attribute WHERE model <> 's'), 0::bigint, 'and for no other');
RESET ROLE;
GRANT SELECT (id, country) ON web.people TO rec_a_reader;
SET ROLE rec_a_reader;
SELECT is(array_agg(DISTINCT source), '{attributes}', 'with the right to read') FROM s.recommend(500);
RESET ROLE;
ALTER TABLE web.people ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON web.people USING (id < 100);
SET ROLE rec_a_reader;
SELECT is(array_agg(DISTINCT source), '{popular}', 'row security hides it') FROM s.recommend(500);
RESET ROLE;
SET ROLE rec_a_owner;
SELECT lives_ok('SELECT rec.train(''s'')', 'the owner trains with what the policy shows');
RESET ROLE;
SELECT is((SELECT max(user_id) FROM s.user_attributes WHERE version = 2), 80, 'and no other rows');
DROP OWNED BY rec_a_owner, rec_a_reader;
DROP ROLE rec_a_owner, rec_a_reader;
SELECT * FROM finish();
