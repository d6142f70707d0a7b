-- Attributes of users and items: encoders, what a training makes of them, cold and sparse rows, explanations, refreshing.
SET client_min_messages = warning;
SELECT no_plan();
SELECT setseed(0.25);
CREATE SCHEMA web;
CREATE TYPE web.mood AS ENUM ('calm', 'loud');
CREATE TABLE web.products (id int PRIMARY KEY, category text, tags text[], price numeric, descr text, words tsvector,
	added date, ok boolean, mood web.mood, emb real[], nothing text, same int, genre int);
INSERT INTO web.products SELECT i, 'c' || i % 5, ARRAY['t' || i % 3, 't' || i % 7], CASE WHEN i % 10 > 0 THEN 10 + i % 5 * 3 END,
	'this is the long description of c' || i % 5 || ' number ' || i, to_tsvector('simple', 'word' || i % 4),
	date '2024-01-01' + i, i % 2 = 0, CASE WHEN i % 5 = 0 THEN 'calm' ELSE 'loud' END::web.mood, ARRAY[i % 2, i % 5], NULL, 7, i % 5
	FROM generate_series(1, 120) i;
CREATE TABLE web.customers (id int PRIMARY KEY, country text, age int);
INSERT INTO web.customers SELECT u, 'k' || u % 5, 20 + u % 50 FROM generate_series(1, 340) u;
-- customers like the category of their number; items from 101 on and customers from 301 on have no events
CREATE TABLE web.events AS SELECT u AS user_id, i AS item_id FROM generate_series(1, 300) u, generate_series(1, 100) i
	WHERE random() < CASE WHEN u % 5 = i % 5 THEN 0.4 ELSE 0.02 END;
CREATE INDEX ON web.events (user_id) INCLUDE (item_id);
SELECT rec.create_model('m', 'web.events', items => 'web.products', item_key => 'id',
	item_attributes => '{*,-nothing,log(price),category(genre),category*tags,mood*ok}',
	users => 'web.customers', user_key => 'id', user_attributes => '{country,age}', params => '{"factors": 8, "epochs": 6}');
CREATE TEMP TABLE run AS SELECT * FROM rec.train('m');

-- The encoders, checked by hand: numbers by mean and standard deviation of the rows with events.
SELECT results_eq($$SELECT attribute, kind, columns FROM m.attribute_encoder WHERE side = 'item' AND NOT hidden ORDER BY first_column, number$$,
	$$VALUES ('category', 'category', 5), ('tags', 'tags', 7), ('descr', 'text', 12), ('words', 'text', 4), ('added', 'age', 1),
	('ok', 'category', 2), ('mood', 'category', 2), ('emb', 'vector', 2), ('same', 'number', 0), ('log(price)', 'number', 2),
	('category(genre)', 'category', 5), ('category*tags', 'pair', 35), ('mood*ok', 'pair', 4)$$, 'kinds and numbers of columns');
SELECT is(round(center::numeric, 9), (SELECT round(avg(age), 9) FROM web.customers WHERE id <= 300), 'mean of a number') FROM m.attribute_encoder WHERE side = 'user' AND attribute = 'age';
SELECT is(round(scale::numeric, 6), (SELECT round(stddev_pop(age), 6) FROM web.customers WHERE id <= 300), 'and its standard deviation')
	FROM m.attribute_encoder WHERE side = 'user' AND attribute = 'age';
SELECT is(round(center::numeric, 6), (SELECT round(avg(ln(1 + price::float8))::numeric, 6) FROM web.products WHERE id <= 100), 'mean of a logarithm, missing values left out')
	FROM m.attribute_encoder WHERE attribute = 'log(price)';
SELECT is((SELECT array_agg(m.attribute || coalesce('=' || m.level, '') || ' ' || round(v.v::numeric, 4) ORDER BY m.number)
	FROM m.user_attributes a, unnest(a.columns, a.vals) v (c, v), m.attribute_map m
	WHERE a.user_id = 340 AND m.side = 'user' AND m.number = v.c),
	(SELECT ARRAY['(constant) 1.0000', 'country=k0 1.0000', 'age ' || round((60 - center)::numeric / scale::numeric, 4)]
	FROM m.attribute_encoder WHERE attribute = 'age'), 'a row is encoded by them, also one without events');
SELECT is((SELECT round(sum(v.v::numeric ^ 2), 4) FROM m.item_attributes a, unnest(a.columns, a.vals) v (c, v), m.attribute_map m
	WHERE a.item_id = 5 AND m.side = 'item' AND m.number = v.c AND m.attribute = at), 1.0000, at || ' have length 1')
	FROM unnest('{tags,descr,words,category*tags}'::text[]) at;
SELECT is((SELECT array_agg(m.level) FROM m.item_attributes a, unnest(a.columns) c, m.attribute_map m
	WHERE a.item_id = 10 AND m.side = 'item' AND m.number = c AND m.attribute = 'log(price)'), '{(missing)}', 'a missing number has a column of its own');
SELECT is((SELECT array_agg(DISTINCT attribute) FROM rec.model_attribute WHERE model = 'm' AND norm IS NULL), '{same}', 'rec.model_attribute shows what is not used');
SELECT is((SELECT array_agg(DISTINCT attribute ORDER BY attribute) FROM rec.model_attribute WHERE model = 'm' AND side = 'user'), '{age,country}', 'and both sides');
SELECT ok((SELECT min(norm) FILTER (WHERE attribute = 'country') > 5 * max(norm) FILTER (WHERE attribute = 'age') FROM rec.model_attribute
	WHERE model = 'm' AND side = 'user'), 'what matters has the longer weights');
SELECT is((SELECT count(*) FROM rec.training_run, unnest(warnings) w WHERE w LIKE '%same% is constant%'), 1::bigint, 'a constant attribute is told');

-- Cold rows.
SELECT results_eq('SELECT items, cold_items, users FROM m.model_version', 'VALUES (120, 20, 300)', 'items without events are in the version');
SELECT results_eq('SELECT count(*), max(n_events) FROM m.item_factors WHERE position >= 100', 'VALUES (20::bigint, 0)', 'as rows without events');
SELECT is((SELECT max(abs(f.x - s.x)) FROM (SELECT a.user_id, d, sum(v.v::float8 * m.weights[d]) x FROM m.user_attributes a, unnest(a.columns, a.vals) v (c, v),
	m.attribute_map m, generate_series(1, 8) d WHERE m.side = 'user' AND m.number = v.c AND a.user_id > 300 GROUP BY 1, 2) f
	JOIN (SELECT user_id, d, factors[d]::float8 x FROM m.user_factors, generate_series(1, 8) d) s USING (user_id, d)) < 1e-5, true, 'factors of a cold user are the map''s');
SELECT is(array_agg(DISTINCT source), '{attributes}', 'a user known by attributes only') FROM m.recommend(305);
SELECT is(array_agg(DISTINCT item_id % 5), '{0}', 'gets what is liked by those who have the same') FROM m.recommend(305, 8);
SELECT is(array_agg(DISTINCT source), '{popular}', 'one who is not even in the relation gets popular items') FROM m.recommend(5000);
INSERT INTO web.customers VALUES (1000, 'k3', 33);
SELECT is(array_agg(DISTINCT (item_id % 5)::text || source), '{3attributes}', 'one who has just come is read from it') FROM m.recommend(1000, 8);
SELECT is((SELECT array_agg(r::text) FROM m.recommend_many('{305,306}', 4) r), (SELECT array_agg((u, r.*)::text) FROM unnest('{305,306}'::int[]) u, m.recommend(u, 4) r),
	'recommend_many answers alike');
SELECT ok((SELECT min(score) FILTER (WHERE item_id % 5 = 2) > max(score) FILTER (WHERE item_id % 5 <> 2) FROM m.recommend(7, NULL) WHERE item_id > 100),
	'items without events compete by their attributes');
SELECT is(array_agg(DISTINCT item_id % 5), '{3}', 'and have neighbours') FROM m.similar_items(103, 6);
SELECT is((SELECT count(*) FROM m.recommend_users(103, 8) WHERE user_id % 5 = 3), 8::bigint, 'and an audience');

-- The noise that exploring is measured in: what the training left of the weighted squares of all pairs.
CREATE TEMP TABLE warm AS SELECT user_id, item_id, (SELECT sum(a::float8 * b) FROM unnest(u.factors, i.factors) f (a, b)) AS s
	FROM m.user_factors u, m.item_factors i WHERE u.n_events > 0 AND i.n_events > 0;
SELECT ok(abs(v.noise / (SELECT (sum(s ^ 2) * (v.params->>'unobserved_weight')::float8 + sum((1 - s) ^ 2 * ln(2)) FILTER (WHERE e.item_id IS NOT NULL)) / count(*)
	FROM warm LEFT JOIN web.events e USING (user_id, item_id)) - 1) < 1e-3, 'of implicit feedback') FROM m.model_version v;

-- No other answer where nothing of it is asked.
SELECT is((SELECT array_agg(r::text) FROM m.recommend(7) r), (SELECT array_agg(r::text) FROM m.recommend(7, explore => NULL) r), 'exploring is off by default');

-- Fold-in has the bits of the training, with the mean too.
CREATE TABLE stored AS SELECT * FROM m.recommend(7, NULL, false);
INSERT INTO web.events VALUES (7, 103);
SELECT is((SELECT DISTINCT source FROM m.recommend(7)), 'folded_in', 'a first event with a new item counts');
DELETE FROM web.events WHERE (user_id, item_id) = (7, 103);
SELECT is((SELECT max(abs(s.score - p)) < 1e-6 FROM stored s, m.predict(7, s.item_id) p), true, 'and leaves no trace when it is taken back');
CREATE TABLE copied AS SELECT 5001 AS user_id, item_id FROM web.events WHERE user_id = 7;
INSERT INTO web.events TABLE copied;
INSERT INTO web.customers SELECT 5001, country, age FROM web.customers WHERE id = 7;
SELECT is((SELECT array_agg((item_id, score)::text) FROM m.recommend(5001)), (SELECT array_agg((item_id, score)::text) FROM m.recommend(7)),
	'a new user with the same attributes and events gets the same scores, to the last bit');

-- Visitors.
SELECT is((SELECT array_agg((item_id, score)::text) FROM m.recommend_for(attributes => '{"country": "k3", "age": 33}', k => 8)),
	(SELECT array_agg((item_id, score)::text) FROM m.recommend(1000, 8)), 'a visitor with the same attributes');
SELECT is(array_agg(DISTINCT source), '{attributes}', 'by name') FROM rec.recommend_for('m', attributes => '{"country": "k3"}');
SELECT is(array_agg(DISTINCT source), '{folded_in}', 'with clicks') FROM rec.recommend_for('m', '{"country": "k3"}', recent_items => ARRAY['3', '8']);
SELECT ok((SELECT avg((item_id % 5 = 1)::int) FROM m.recommend_for(ARRAY[1, 6, 11, 16], 10, attributes => '{"country": "k3"}')) > 0.5, 'who moves to what he clicks');
SELECT is((SELECT array_agg((item_id, score)::text) FROM m.recommend_for(attributes => '{"country": "unheard of"}')),
	(SELECT array_agg((item_id, score)::text) FROM m.recommend_for(attributes => '{"country": null}')), 'an unseen level is as none, where none was rare');
SELECT throws_ok($$SELECT * FROM m.recommend_for(attributes => '{"contry": "k3"}')$$, '22023', 'the model has no user attribute "contry"', 'unknown attribute');
SELECT throws_ok($$SELECT * FROM m.recommend_for(attributes => '[1]')$$, '22023', 'attributes must be a JSON object', 'no object');
SELECT throws_ok($$SELECT * FROM m.recommend_for(attributes => '{"age": "old"}')$$, '22P02', NULL, 'a value that is no number');

-- Explanations sum to the score, by the user's side and by the item's.
SELECT is(sum(contribution)::real, m.predict(u, i), format('explain(%s, %s) sums to predict()', u, i))
	FROM (VALUES (7, 42), (305, 90), (305, 110), (7, 110)) v (u, i), m.explain(u, i) GROUP BY u, i;
SELECT is(sum(contribution)::real, m.predict(u, i), format('and by the attributes of the item %s', i))
	FROM (VALUES (7, 42), (305, 110), (7, 110)) v (u, i), m.explain(u, i, side => 'item') GROUP BY u, i;
SELECT is((SELECT attribute FROM m.explain(305, 90) WHERE rank = 1), 'country=k0', 'the attribute that matters comes first');
SELECT is((SELECT count(*) FROM m.explain(7, 42) WHERE attribute IS NOT NULL), 3::bigint, 'constant, country and age have a row each');
SELECT throws_ok($$SELECT * FROM m.explain(7, 42, side => 'events')$$, '22023', 'invalid value for side: "events"', 'no other side');

-- Refreshing.
INSERT INTO web.products (id, category, tags, price, mood, added) VALUES (500, 'c2', '{t2}', 16, 'loud', '2024-03-01');
SELECT is_empty('SELECT * FROM m.recommend(7, NULL) WHERE item_id = 500', 'a product of now is not known');
SELECT is(rec.refresh_items('m'), 1::bigint, 'refreshed');
SELECT is(rec.refresh_items('m'), 0::bigint, 'nothing more to do');
SELECT isnt_empty('SELECT * FROM m.recommend(7, 40) WHERE item_id = 500', 'it competes, without a training');
SELECT isnt(m.uid, r.uid, 'caches see another version') FROM m.model_version m, rec.training_run r WHERE r.model = 'm';
SELECT is(array_agg(DISTINCT item_id % 5), '{2}', 'it has neighbours') FROM m.similar_items(500, 5);
UPDATE web.products SET category = 'c3' WHERE id = 500;
SELECT is(rec.refresh_items('m'), 1::bigint, 'a change is taken over');
DELETE FROM web.products WHERE id = 500;
SELECT results_eq('SELECT users > 300, rows > 0 FROM rec.materialize(''m'', 5)', 'VALUES (true, true)', 'materialize refreshes too');
SELECT is((SELECT count(*) FROM m.item_factors WHERE item_id = 500) + (SELECT count(*) FROM m.item_attributes WHERE item_id = 500), 0::bigint, 'what is gone is gone');
SELECT is((SELECT array_agg(DISTINCT source ORDER BY source) FROM m.recommendation), '{attributes,personalized}', 'and users who are known by attributes only are in');

-- Exploring: repeatable, wider for what is less known, and nothing at 0.
SELECT is((SELECT array_agg(r::text) FROM m.recommend(7, explore => 'thompson', seed => 3) r), (SELECT array_agg(r::text) FROM m.recommend(7, explore => 'thompson', seed => 3) r), 'the same seed, the same answer');
SELECT isnt((SELECT array_agg(item_id) FROM m.recommend(7, explore => 'thompson', sigma => 1, seed => 3)), (SELECT array_agg(item_id) FROM m.recommend(7, explore => 'thompson', sigma => 1, seed => 4)), 'another seed, another one');
SELECT is((SELECT array_agg((item_id, score)::text) FROM m.recommend(7, explore => 'thompson', sigma => 0)), (SELECT array_agg((item_id, score)::text) FROM m.recommend(7)), 'sigma 0 changes nothing');
SELECT is((SELECT array_agg((item_id, score)::text) FROM m.recommend(7, explore => 'ucb', beta => 0)), (SELECT array_agg((item_id, score)::text) FROM m.recommend(7)), 'nor does beta 0');
CREATE TEMP TABLE bound AS SELECT item_id, u.score - p.score AS width FROM m.recommend(7, NULL, explore => 'ucb') u JOIN m.recommend(7, NULL) p USING (item_id);
SELECT ok(min(width) > 0 AND avg(width) FILTER (WHERE item_id > 100) > avg(width) FILTER (WHERE item_id <= 100), 'bounds are wider for items without events') FROM bound;
SELECT ok((SELECT count(DISTINCT item_id) FROM generate_series(1, 40) s, m.recommend(7, 5, explore => 'thompson', sigma => 1, seed => s)) > 10, 'sampling covers more items');
SELECT throws_ok($$SELECT * FROM m.recommend(7, explore => 'greedy')$$, '22023', 'invalid value for explore: "greedy"', 'no other way');
SELECT throws_ok('SELECT * FROM m.recommend(7, beta => 1)', '22023', 'beta, sigma and seed need explore', 'beta alone');
SELECT throws_ok($$SELECT * FROM m.recommend(7, explore => 'ucb', beta => -1)$$, '22023', 'beta must be a number from 0 to 1000', 'beta below 0');

-- The same events train to the same maps, whatever the order of rows, and with workers.
CREATE TEMP TABLE map AS SELECT side, number, weights FROM m.attribute_map;
DELETE FROM web.events WHERE user_id = 5001;
DELETE FROM web.customers WHERE id > 340;
CREATE TABLE web.shuffled AS SELECT * FROM web.events ORDER BY md5(user_id || ':' || item_id);
ALTER TABLE web.events RENAME TO former;
ALTER TABLE web.shuffled RENAME TO events;
UPDATE web.products SET same = 7;
SELECT lives_ok('SELECT rec.train(''m'')', 'trained again');
SELECT is_empty('SELECT side, number, weights FROM m.attribute_map WHERE version = 2 EXCEPT TABLE map', 'same bits');

-- Attributes that say nothing change nothing, and many of them go by conjugate gradients.
CREATE TABLE web.noise AS SELECT i AS id, md5('x' || i) AS a, random() AS b FROM generate_series(1, 120) i;
SELECT rec.create_model('noise', 'web.events', items => 'web.noise', item_key => 'id', item_attributes => '{category(b)}', params => '{"factors": 8, "epochs": 6}');
SELECT rec.create_model('plain', 'web.events', params => '{"factors": 8, "epochs": 6}');
SELECT is((SELECT ndcg FROM rec.train('noise')), (SELECT ndcg FROM rec.train('plain')), 'values that occur once say nothing');
SELECT results_eq('SELECT sum(norm) FROM rec.model_attribute WHERE model = ''noise''', 'VALUES (NULL::float8)', 'and are shown so');
CREATE TABLE web.wide AS SELECT i AS id, ARRAY(SELECT CASE WHEN k = i % 5 THEN 1 ELSE sin(k * i) / 50 END FROM generate_series(1, 1600) k)::real[] AS v FROM generate_series(1, 120) i;
SELECT rec.create_model('wide', 'web.events', items => 'web.wide', item_key => 'id', item_attributes => '{v}', params => '{"factors": 8, "epochs": 6}');
SELECT lives_ok('SELECT rec.train(''wide'')', '1600 columns');
SELECT ok((SELECT avg((item_id % 5 = 2)::int) FROM (SELECT * FROM wide.recommend(7, NULL) WHERE item_id > 100 ORDER BY rank LIMIT 4) r) >= 0.75, 'cold items find their users by them');
-- Explicit feedback: the bias has a map too.
CREATE TABLE web.ratings AS SELECT user_id, item_id, 3 + (item_id % 5) / 2.0 + random() / 10 AS r FROM web.events;
CREATE INDEX ON web.ratings (user_id);
SELECT rec.create_model('stars', 'web.ratings', value_column => 'r', feedback => 'explicit', items => 'web.products', item_key => 'id', item_attributes => '{category}',
	users => 'web.customers', user_key => 'id', user_attributes => '{country}', params => '{"factors": 4}');
SELECT rec.train('stars');
SELECT ok(abs(stars.predict(7, i) - (3.05 + (i % 5) / 2.0)) < 0.4, 'rating of a cold item ' || i) FROM generate_series(101, 105) i;
SELECT ok(abs(v.noise / (SELECT avg((r - v.mean - u.bias - i.bias - (SELECT sum(a::float8 * b) FROM unnest(u.factors, i.factors) f (a, b))) ^ 2)
	FROM web.ratings JOIN stars.user_factors u USING (user_id) JOIN stars.item_factors i USING (item_id)) - 1) < 1e-3, 'the noise of ratings') FROM stars.model_version v;
SELECT is(array_agg(DISTINCT source), '{attributes}', 'a cold user') FROM stars.recommend(310);
SELECT is(sum(contribution)::real, stars.predict(u, i), format('explain(%s, %s) of ratings', u, i)) FROM (VALUES (7, 42), (310, 104)) v (u, i), stars.explain(u, i) GROUP BY u, i;
SELECT is(sum(contribution)::real, stars.predict(7, 104), 'and by the item') FROM stars.explain(7, 104, side => 'item');
SELECT lives_ok($$SELECT * FROM stars.recommend(310, explore => 'thompson') a, stars.recommend(7, explore => 'ucb') b$$, 'exploring ratings');

-- A session keeps the encoders of the versions that it asked last: more of them than it keeps, in turn.
SELECT rec.alter_model('stars', keep_versions => 20);
SELECT count(*) FROM generate_series(1, 18) i, LATERAL rec.train('stars', jsonb_build_object('epochs', 2, 'seed', i));
CREATE FUNCTION answers() RETURNS SETOF text LANGUAGE sql AS $$SELECT v || ' ' || item_id || ' ' || score FROM generate_series(2, 19) v, stars.recommend_for(attributes => '{"country": "k3"}', k => 2, version => v)$$;
CREATE TEMP TABLE first AS SELECT * FROM answers();
SELECT is((SELECT count(*) FROM first), 36::bigint, 'each version answers');
SELECT results_eq('SELECT * FROM answers()', 'TABLE first', 'and answers alike again');
SELECT * FROM finish();
