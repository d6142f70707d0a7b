-- rec.advise: what it says about events of different kinds, and to whom.
SET client_min_messages = warning;
SELECT no_plan();
CREATE FUNCTION say(model text, topic text) RETURNS text LANGUAGE sql AS 'SELECT importance || '': '' || advice FROM rec.advise(model) a WHERE a.topic = say.topic';

-- many users per item: ease; few: als; hardly anything: item_knn
CREATE TABLE dense AS SELECT u AS user_id, i AS item_id, timestamptz '2024-01-01' + u * interval '1 hour' AS at FROM generate_series(1, 200) u, generate_series(1, 60) i WHERE (u * 31 + i * 17) % 7 < 3;
CREATE INDEX ON dense (user_id);
SELECT rec.create_model('dense', 'dense', time_column => 'at');
SELECT alike(say('dense', 'algorithm'), 'start: ease:%', 'a small catalogue with many users per item');
SELECT is((SELECT command FROM rec.advise('dense') WHERE topic = 'algorithm'), 'SELECT rec.alter_model(''dense'', algorithm => ''ease'');', 'with the command');
CREATE FUNCTION run(c text) RETURNS void LANGUAGE plpgsql AS 'BEGIN EXECUTE c; END';
SELECT lives_ok((SELECT command FROM rec.advise('dense') WHERE topic = 'algorithm'), 'which works');
SELECT lives_ok((SELECT command FROM rec.advise('dense') WHERE topic = 'settings'), 'and so does that which measures');
SELECT is((SELECT finding FROM rec.advise('dense') WHERE topic = 'algorithm'), format('200 users, 60 items, %s pairs of them (%s %% of all): %s items per user, %s users per item', n, round(n / 120.0, 3), round(n / 200.0, 1), round(n / 60.0, 1)), 'the numbers')
FROM (SELECT count(*) AS n FROM dense) d;
SELECT rec.alter_model('dense', params => '{"regularization": 7}');
SELECT is((SELECT command FROM rec.advise('dense') WHERE topic = 'algorithm'), 'SELECT rec.alter_model(''dense'', algorithm => ''ease'');', 'no parameter is lost that belongs to it');
CREATE TABLE sparse AS SELECT u AS user_id, (u * 37 + k * k * 11) % 1500 AS item_id FROM generate_series(1, 600) u, generate_series(1, 6) k;
SELECT rec.create_model('sparse', 'sparse', params => '{"factors": 16}');
SELECT alike(say('sparse', 'algorithm'), 'start: als: most items have so few users%', 'few users per item');
SELECT alike(say('sparse', 'catalogue'), 'consider:%item_attributes%', 'then attributes help');
SELECT alike(say('sparse', 'index'), 'fix:%', 'an index is missing');
SELECT lives_ok((SELECT command FROM rec.advise('sparse') WHERE topic = 'index'), 'the command makes it');
SELECT is(say('sparse', 'index'), NULL, 'and it is missed no more');
SELECT alike(say('sparse', 'time'), 'consider:%', 'no time column');
CREATE TABLE tiny (user_id int, item_id int);
INSERT INTO tiny VALUES (1, 1), (1, 2), (2, 1);
SELECT rec.create_model('tiny', 'tiny', params => '{"factors": 4}');
SELECT alike(say('tiny', 'algorithm'), 'start: item_knn:%', 'three events');
SELECT is((SELECT command FROM rec.advise('tiny') WHERE topic = 'algorithm'), 'SELECT rec.alter_model(''tiny'', algorithm => ''item_knn'', reset => ''{params}'');', 'parameters of the other algorithm have to go');
SELECT lives_ok((SELECT command FROM rec.advise('tiny') WHERE topic = 'algorithm'), 'and go');
SELECT alike(say('tiny', 'history'), 'consider:%', 'users with hardly any item');
TRUNCATE tiny;
SELECT is((SELECT array_agg(topic || ' ' || importance) FROM rec.advise('tiny')), '{events fix}', 'no events');

-- what is wrong with the data
CREATE TABLE bad (who text, what text, event text, stars float8, at date);
INSERT INTO bad SELECT 'u' || u, 'i' || i, 'buy', 1 + (u + i) % 5, date '2023-01-01' + (u * i) % 300 FROM generate_series(1, 40) u, generate_series(1, 30) i WHERE (u * i) % 3 = 1;
INSERT INTO bad SELECT * FROM bad WHERE at < '2023-02-01';
INSERT INTO bad SELECT 'robot', 'i' || i % 30, 'buy', 3, date '2023-05-01' + i FROM generate_series(1, 200) i;
INSERT INTO bad VALUES (NULL, 'i1', 'buy', 1, '2023-01-01'), ('u1', 'i1', 'view', 1, '2023-01-01'), ('u1', 'i2', 'return', 'NaN', 'infinity');
SELECT rec.create_model('bad', 'bad', user_column => 'who', item_column => 'what', event_column => 'event', event_weights => '{"buy": 1, "return": -1}', value_column => 'stars', time_column => 'at');
SELECT alike(say('bad', 'duplicates'), 'fix:%', 'copies');
SELECT alike(say('bad', 'one user'), 'fix:%', 'a robot');
SELECT alike(say('bad', 'missing keys'), 'note:%', 'no user');
SELECT is((SELECT finding FROM rec.advise('bad') WHERE topic = 'event weights'), '2 of ' || count(*) || ' rows have an event type whose weight is missing, 0 or below', 'types without a weight') FROM bad;
SELECT alike(say('bad', 'time'), '%', 'dates, and infinite ones');
CREATE TABLE stars AS SELECT DISTINCT ON (who, what) who, what, stars FROM bad WHERE who <> 'robot' AND event = 'buy';
SELECT rec.create_model('stars', 'stars', user_column => 'who', item_column => 'what', value_column => 'stars');
SELECT alike(say('stars', 'feedback'), 'consider:%', 'ratings');
SELECT rec.alter_model('stars', feedback => 'explicit');
SELECT alike(say('stars', 'algorithm'), 'start: als: the only%', 'explicit feedback');
SELECT lives_ok((SELECT command FROM rec.advise('stars') WHERE topic = 'settings'), 'with its own measure');
-- repeats, and a catalogue that turns over; integer seconds
CREATE TABLE news AS SELECT u AS user_id, d * 3 + i AS item_id, d * 86400::bigint AS second FROM generate_series(1, 60) u, generate_series(1, 100) d, generate_series(0, 1) i, generate_series(1, 1 + (u + d) % 2) again WHERE (u + d) % 4 = 0;
SELECT rec.create_model('news', 'news', time_column => 'second');
SELECT alike(say('news', 'time'), 'consider:%', 'turnover');
SELECT lives_ok((SELECT command FROM rec.advise('news') WHERE topic = 'time'), 'a half-life');
INSERT INTO news SELECT user_id, item_id, second + 1 FROM news;
SELECT alike(say('news', 'repeats'), 'consider:%buy_again%', 'users come back');
INSERT INTO news VALUES (1, 1, 9223372036854775807), (1, 2, NULL);
SELECT lives_ok($$SELECT * FROM rec.advise('news')$$, 'a second that is no time');

-- attributes
CREATE TABLE product AS SELECT i AS item_id, 'brand ' || i % 7 AS brand, i % 5 AS size FROM generate_series(1, 1500) i;
SELECT rec.alter_model('sparse', items => 'product');
SELECT is((SELECT command FROM rec.advise('sparse') WHERE topic = 'catalogue'), 'SELECT rec.alter_model(''sparse'', item_attributes => ''{brand,size}'');', 'which attributes there are');
SELECT lives_ok((SELECT command FROM rec.advise('sparse') WHERE topic = 'catalogue'), 'are taken');
SELECT alike(say('sparse', 'algorithm'), 'start: als: the only%', 'als uses them');

-- the example shop
\i examples/shop.sql
\set ON_ERROR_STOP off
SELECT rec.create_model('shop', 'web.events', 'customer_id', 'sku', event_column => 'event', event_weights => '{"view": 1, "cart": 3, "purchase": 5, "return": -10}', time_column => 'created_at');
SELECT is((SELECT array_agg(topic || ' ' || importance ORDER BY topic) FROM rec.advise('shop')),
	'{algorithm start,catalogue note,event weights note,history note,repeats consider,settings start,time note}', 'the shop: nothing to repair');
SELECT alike(say('shop', 'algorithm'), 'start: ease:%', 'enough users per item');
SELECT is((SELECT finding FROM rec.advise('shop') WHERE topic = 'event weights'), format('%s of %s rows have an event type whose weight is missing, 0 or below', count(*) FILTER (WHERE event = 'return'), count(*)), 'returns') FROM web.events;
SELECT is((SELECT finding FROM rec.advise('shop') WHERE topic = 'repeats'), format('%s of %s pairs (%s %%) have more than one event', count(*) FILTER (WHERE n > 1), count(*), round(100.0 * count(*) FILTER (WHERE n > 1) / count(*), 1)), 'users come back')
	FROM (SELECT count(*) AS n FROM web.events WHERE event <> 'return' GROUP BY customer_id, sku) p;
SELECT is((SELECT count(*) FROM rec.advise('shop') a, LATERAL (SELECT run(a.command)) r WHERE a.command IS NOT NULL), 2::bigint, 'all commands work');
SELECT ok(max(value) FILTER (WHERE algorithm = 'ease') > 5 * max(value) FILTER (WHERE algorithm = 'popular'), 'and what it names is far better than popular items')
	FROM rec.evaluate('shop', holdout => '14 days', k => '{10}', metrics => '{ndcg}', compare => '{popular}') WHERE segment = 'all';
SELECT rec.alter_model('shop', items => 'web.products', item_key => 'sku', item_attributes => '{category,brand,tags}');
SELECT alike(say('shop', 'algorithm'), 'start: als: the only%', 'with attributes it is als');
SELECT rec.drop_model('shop');

-- who may ask, and what cannot be
SELECT throws_ok($$SELECT * FROM rec.advise('dens')$$, '42704', 'model "dens" does not exist', 'no such model');
SELECT is(count(*), 0::bigint, 'null') FROM rec.advise(NULL);
CREATE ROLE advise_app;
SET ROLE advise_app;
SELECT throws_ok($$SELECT * FROM rec.advise('dense')$$, '42501', NULL, 'no USAGE on the model');
RESET ROLE;
GRANT USAGE ON SCHEMA dense TO advise_app;
SET ROLE advise_app;
SELECT throws_ok($$SELECT * FROM rec.advise('dense')$$, '42501', 'permission denied for table dense', 'events are read with the caller''s rights');
RESET ROLE;
GRANT SELECT ON dense TO advise_app;
SET ROLE advise_app;
SELECT ok(count(*) >= 6, 'that is enough') FROM rec.advise('dense');
RESET ROLE;
DROP OWNED BY advise_app;
DROP ROLE advise_app;
DROP TABLE dense;
SELECT throws_ok($$SELECT * FROM rec.advise('dense')$$, '42P01', 'relation public.dense does not exist', 'the events are gone');
SELECT * FROM finish();
