-- What happens to the relations of attributes after a training: columns that come, go or become something else. What is stored
-- serves, new users are answered by what can still be read of them, and the next training says what is wrong.
SET client_min_messages = warning;
SELECT no_plan();
SELECT setseed(0.5);
CREATE SCHEMA web;
CREATE TEXT SEARCH CONFIGURATION web.words (COPY = simple);
CREATE TABLE web.products (id int PRIMARY KEY, genre int, price float8, added timestamp, descr text, tags text[], v real[]);
INSERT INTO web.products SELECT i, i % 4, i % 4 * 10, '2024-01-01'::timestamp + i * interval '1 day', 'about ' || i % 4, ARRAY['t' || i % 4], ARRAY[i % 4, 1] FROM generate_series(1, 60) i;
CREATE TABLE web.clients (id int PRIMARY KEY, country text, age int, bio text);
INSERT INTO web.clients SELECT u, 'k' || u % 4, 20 + u % 4, 'likes ' || u % 4 FROM generate_series(1, 130) u;
CREATE TABLE web.events AS SELECT u AS user_id, i AS item_id FROM generate_series(1, 120) u, generate_series(1, 50) i
	WHERE random() < CASE WHEN u % 4 = i % 4 THEN 0.5 ELSE 0.03 END;
CREATE INDEX ON web.events (user_id) INCLUDE (item_id);
SELECT rec.create_model('m', 'web.events', items => 'web.products', item_key => 'id', item_attributes => '{*}',
	users => 'web.clients', user_key => 'id', user_attributes => '{country,age,"text(bio, web.words)"}', params => '{"factors": 8, "epochs": 6}');
SELECT rec.train('m');

-- Columns that come.
ALTER TABLE web.products ADD colour text DEFAULT 'red';
ALTER TABLE web.clients ADD city text DEFAULT 'Bonn';
INSERT INTO web.products (id, genre, price, added, descr, tags, v, colour) VALUES (100, 2, 20, '2024-01-09', 'about 2', '{t2}', '{2,1}', 'blue');
INSERT INTO web.clients VALUES (201, 'k1', 21, 'likes 1', 'Rome');
SELECT is(rec.refresh_items('m'), 1::bigint, 'a column added: * still means what it meant when the version was trained');
SELECT is((SELECT array_agg(DISTINCT item_id % 4) FROM m.similar_items(100, 5)), '{2}', 'and new items are encoded by that');
SELECT is(array_agg(DISTINCT source), '{attributes}', 'so are new users') FROM m.recommend(201);
SELECT throws_ok($$SELECT * FROM m.recommend_for(attributes => '{"city": "Rome"}')$$, '22023', 'the model has no user attribute "city"', 'the version has no attribute of the new column');
UPDATE web.products SET colour = 'c' || id % 4;
SELECT rec.train('m');
SELECT isnt_empty($$SELECT FROM m.attribute_encoder WHERE version = 2 AND attribute = 'colour' AND columns = 4$$, 'with * the next training takes it in');

-- Columns that become something else.
INSERT INTO web.clients VALUES (202, 'k1', 21, 'likes 1', 'Rome');
CREATE TEMP TABLE jack AS SELECT * FROM m.recommend_for(attributes => '{"country": "k1", "age": 21, "bio": "likes 1"}');
CREATE TEMP TABLE new_user AS SELECT * FROM m.recommend(202);
SELECT is((SELECT array_agg((item_id, score)::text) FROM new_user), (SELECT array_agg((item_id, score)::text) FROM jack), 'a new user is as a visitor with the same attributes');
ALTER TABLE web.clients ALTER age TYPE text USING 'about ' || age;
SELECT is(array_agg(DISTINCT source), '{popular}', 'a number that became text: the attributes of a new user cannot be read') FROM m.recommend(202);
SELECT is(array_agg(DISTINCT source), '{attributes}', 'stored ones serve') FROM m.recommend(125);
SELECT results_eq($$SELECT * FROM m.recommend_for(attributes => '{"country": "k1", "age": 21, "bio": "likes 1"}')$$, 'TABLE jack', 'and visitors are encoded as before');
ALTER TABLE web.clients ALTER age TYPE numeric USING substr(age, 7)::numeric;
SELECT results_eq('SELECT * FROM m.recommend(202)', 'TABLE new_user', 'any type of number is one');
ALTER TABLE web.clients ALTER country TYPE varchar(10);
SELECT results_eq('SELECT * FROM m.recommend(202)', 'TABLE new_user', 'and any type of text');
ALTER TABLE web.products ALTER price TYPE text;
SELECT throws_ok('SELECT rec.refresh_items(''m'')', '42804', 'item attribute "price" has changed since version 2 of model "m" was trained', 'items are refreshed with what they were encoded from');
SELECT isnt_empty('SELECT * FROM m.recommend(1, NULL) WHERE item_id > 50', 'stored ones serve');
ALTER TABLE web.products ALTER price TYPE int USING price::int;
SELECT lives_ok('SELECT rec.refresh_items(''m'')', 'a number again');
ALTER TABLE web.products ALTER tags TYPE text;
SELECT throws_ok('SELECT rec.refresh_items(''m'')', '42804', NULL, 'tags that became text');
ALTER TABLE web.products ALTER tags TYPE text[] USING tags::text[], ALTER v TYPE point USING point(1, 1);
SELECT throws_ok('SELECT rec.refresh_items(''m'')', '42804', NULL, 'a vector that became a point');
SELECT throws_ok('SELECT rec.materialize(''m'')', '42804', NULL, 'materialize refreshes, and says the same');
SELECT lives_ok('SELECT rec.train(''m'')', 'a training with * passes over a type that cannot be an attribute');
SELECT is(rec.refresh_items('m'), 0::bigint, 'and all is well again');
ALTER TABLE web.products ALTER added TYPE timestamptz;
SELECT lives_ok('SELECT rec.refresh_items(''m'')', 'a time stays a time');

-- Keys that become something else.
INSERT INTO web.clients VALUES (203, 'k1', 21, 'likes 1', 'Rome');
ALTER TABLE web.clients ALTER id TYPE text;
SELECT is(array_agg(DISTINCT source), '{popular}', 'a key of another type: new users are not read') FROM m.recommend(203);
SELECT throws_ok('SELECT rec.train(''m'')', '42804', NULL, 'and the training says it');
ALTER TABLE web.clients ALTER id TYPE int USING id::int;
SELECT is(array_agg(DISTINCT source), '{attributes}', 'read again') FROM m.recommend(203);
ALTER TABLE web.clients DROP CONSTRAINT clients_pkey;
SELECT is(array_agg(DISTINCT source), '{popular}', 'without an index no request reads the relation') FROM m.recommend(203);
INSERT INTO web.clients VALUES (203, 'k2', 22, 'likes 2');
SELECT throws_ok('SELECT rec.train(''m'')', '21000', 'the key of user relation web.clients is not unique', 'the key of users is not unique');
DELETE FROM web.clients WHERE country = 'k2' AND id = 203;
ALTER TABLE web.clients ADD PRIMARY KEY (id);

-- Columns, configurations and relations that go.
DROP TEXT SEARCH CONFIGURATION web.words;
SELECT is(array_agg(DISTINCT source), '{popular}', 'the text search configuration is gone: new users are not read') FROM m.recommend(203);
SELECT throws_ok($$SELECT * FROM m.recommend_for(attributes => '{"bio": "likes 1"}')$$, '42704', NULL, 'nor the text of a visitor');
SELECT throws_ok('SELECT rec.train(''m'')', '42704', 'text search configuration "web.words" does not exist', 'the training says it');
CREATE TEXT SEARCH CONFIGURATION web.words (COPY = simple);
SELECT is(array_agg(DISTINCT source), '{attributes}', 'made anew, it is the same name') FROM m.recommend(203);
ALTER TABLE web.clients DROP COLUMN bio;
SELECT is(array_agg(DISTINCT source), '{popular}', 'a column is gone: new users are not read') FROM m.recommend(203);
SELECT is(array_agg(DISTINCT source), '{attributes}', 'stored ones serve') FROM m.recommend(125);
SELECT isnt_empty('SELECT * FROM m.explain(125, 1) WHERE attribute IS NOT NULL', 'and are explained');
SELECT throws_ok('SELECT rec.train(''m'')', '42703', 'column "bio" of user relation "clients" does not exist', 'the training says it');
DROP TABLE web.clients;
SELECT is(array_agg(DISTINCT source), '{popular}', 'the relation is gone: new users are popular users') FROM m.recommend(203);
SELECT is(array_agg(DISTINCT source), '{attributes}', 'stored ones serve') FROM m.recommend(125);
SELECT throws_ok('SELECT rec.train(''m'')', '42P01', NULL, 'the training says it');

-- Attributes that say nothing of the events are switched off, and a training says so.
CREATE TABLE web.noise AS SELECT i AS id, 'n' || abs(hashint4(i * 7919)) % 8 AS a FROM generate_series(1, 60) i;
CREATE TABLE web.ratings AS SELECT user_id, item_id, 1 + random() * 4 AS r FROM web.events;
SELECT rec.create_model('noise', 'web.ratings', value_column => 'r', feedback => 'explicit', items => 'web.noise', item_key => 'id', item_attributes => '{a}', params => '{"factors": 4}');
SELECT rec.train('noise');
SELECT is((SELECT array_agg(w) FROM rec.training_run, unnest(warnings) w WHERE model = 'noise' AND w ~ 'attributes'), '{"the item attributes say nothing of the events, and are not used"}', 'told');
SELECT is((SELECT max(norm) FROM rec.model_attribute WHERE model = 'noise'), 0::float8, 'rec.model_attribute shows it');

-- A million levels, and the memory that they need.
CREATE TABLE web.wild AS SELECT i AS id, 'b' || i % 4 AS b, ARRAY(SELECT 'w' || i || '.' || k FROM generate_series(1, 34) k) AS t FROM generate_series(1, 30000) i;
CREATE TABLE web.many AS SELECT i % 3000 AS user_id, i AS item_id FROM generate_series(1, 30000) i;
SELECT rec.create_model('wild', 'web.many', items => 'web.wild', item_key => 'id', item_attributes => '{b,t}', params => '{"factors": 4, "epochs": 3, "holdout": 0}');
SELECT lives_ok('SELECT rec.train(''wild'')', 'a million levels that occur once');
SELECT results_eq('SELECT attribute, columns, buckets FROM wild.attribute_encoder ORDER BY number', $$VALUES ('b', 4, 0), ('t', 0, 0)$$, 'say nothing');
SET pg_recommend.training_memory = '32MB';
SELECT throws_ok('SELECT rec.train(''wild'')', '53200', 'training needs more memory than pg_recommend.training_memory allows', 'their names count as memory of the training');
RESET pg_recommend.training_memory;
SELECT * FROM finish();
