-- recommend(): every argument, null, empty, huge and wrong; sources; stable order.
SET client_min_messages = warning;
SELECT no_plan();
CREATE TABLE e (user_id int, item_id text, event text);
CREATE INDEX ON e (user_id) INCLUDE (item_id, event);
INSERT INTO e SELECT u, 'i' || (u * k * 7 + k) % 40, CASE WHEN k % 2 = 0 THEN 'buy' ELSE 'view' END FROM generate_series(1, 100) u, generate_series(1, 6) k;
INSERT INTO e VALUES (1, 'i1', 'buy'), (1, 'i1', 'view'), (1, 'i2', 'view'), (1, 'i3', 'like');
SELECT rec.create_model('m', 'e', event_column => 'event', event_weights => '{"view": 1, "buy": 3, "like": 2}',
	params => '{"factors": 8, "epochs": 5, "holdout": 0}');
SELECT rec.train('m');
SELECT (SELECT count(*) FROM m.active_items) || '::bigint' AS items, (SELECT count(DISTINCT item_id) FROM e WHERE user_id = 1) || '::bigint' AS seen \gset

-- k
SELECT is(count(*), 10::bigint, 'k is 10 when it is not given') FROM m.recommend(1);
SELECT is(count(*), 3::bigint, 'k') FROM m.recommend(1, 3);
SELECT is_empty('SELECT * FROM m.recommend(1, 0)', 'k 0: no rows');
SELECT is_empty('SELECT * FROM m.recommend(-1, 0)', 'nor popular ones');
SELECT is(count(*), :items - :seen, 'k null: everything that is allowed') FROM m.recommend(1, NULL);
SELECT is(count(*), :items - :seen, 'a huge k: the same') FROM m.recommend(1, 2147483647);
SELECT throws_ok('SELECT * FROM m.recommend(1, -1)', '22023', 'k must not be negative', 'k negative');
SELECT throws_ok('SELECT * FROM m.recommend(NULL, -2147483648)', '22023', NULL, 'k very negative');
SELECT throws_ok('SELECT * FROM m.' || f || '', '22023', 'k must not be negative', f)
FROM unnest(ARRAY['recommend_for(''{i1}'', -1)', 'recommend_users(''i1'', -1)', 'similar_items(''i1'', -1)', 'similar_users(1, -1)', 'explain(1, ''i1'', -1)']) f;
SELECT results_eq('SELECT item_id, score, rank FROM m.recommend(1, NULL) ORDER BY rank LIMIT 7', 'SELECT item_id, score, rank FROM m.recommend(1, 7)', 'the top 7 are the first of all');
SELECT is(array_agg(rank), (SELECT array_agg(i) FROM generate_series(1, (:items - :seen)::int) i), 'ranks count from 1 in the order of rows') FROM m.recommend(1, NULL);
SELECT ok(bool_and(score <= before), 'scores go down') FROM (SELECT score, coalesce(lag(score) OVER (ORDER BY rank), score) AS before FROM m.recommend(1, NULL)) s;

-- exclude_seen and exclude_events
SELECT is_empty('SELECT item_id FROM m.recommend(1, NULL) INTERSECT SELECT item_id FROM e WHERE user_id = 1', 'what is seen is left out');
SELECT is(count(*), :items, 'unless exclude_seen is false') FROM m.recommend(1, NULL, false);
SELECT is(count(*), :items - :seen, 'exclude_seen null is true') FROM m.recommend(1, NULL, NULL);
SELECT set_eq($$SELECT item_id FROM m.recommend(1, NULL, false) EXCEPT SELECT item_id FROM m.recommend(1, NULL, exclude_events => '{buy}')$$,
	$$SELECT DISTINCT item_id FROM e WHERE user_id = 1 AND event = 'buy'$$, 'exclude_events: only items of these types are left out');
SELECT set_eq($$SELECT item_id FROM m.recommend(1, NULL, false) EXCEPT SELECT item_id FROM m.recommend(1, NULL, exclude_events => '{like,buy}')$$,
	$$SELECT DISTINCT item_id FROM e WHERE user_id = 1 AND event IN ('buy', 'like')$$, 'of several types');
SELECT is(count(*), :items, 'of no type: none') FROM m.recommend(1, NULL, exclude_events => '{}');
SELECT is(count(*), :items, 'of an unknown type: none') FROM m.recommend(1, NULL, exclude_events => '{sold,NULL}');
SELECT is(count(*), :items, 'exclude_seen false is stronger') FROM m.recommend(1, NULL, false, '{buy}');
-- Without live events it is not known which type a stored event had, so all of them count.
SET pg_recommend.fold_in_events = 0;
SELECT is(count(*), :items - :seen, 'not live: all types are left out') FROM m.recommend(1, NULL, exclude_events => '{buy}');
RESET pg_recommend.fold_in_events;

-- candidates and exclude
SELECT results_eq($$SELECT item_id FROM m.recommend(1, NULL, false, candidates => '{i7,i8,i9}')$$,
	$$SELECT item_id FROM m.recommend(1, NULL, false) WHERE item_id IN ('i7', 'i8', 'i9') ORDER BY rank$$, 'candidates, in the order of scores');
SELECT results_eq($$SELECT item_id, score FROM m.recommend(1, 2, false, candidates => '{i7,i8,i9}')$$,
	$$SELECT item_id, score FROM m.recommend(1, NULL, false) WHERE item_id IN ('i7', 'i8', 'i9') ORDER BY rank LIMIT 2$$, 'a filter does not shrink the answer');
SELECT is(count(*), 1::bigint, 'unknown ones, nulls and duplicates do not matter') FROM m.recommend(1, NULL, false, candidates => '{i7,NULL,i7,nothing,i7,"",NULL}');
SELECT is_empty($$SELECT * FROM m.recommend(1, NULL, candidates => '{}')$$, 'empty candidates: no rows');
SELECT is_empty($$SELECT * FROM m.recommend(1, NULL, candidates => '{nothing,NULL}')$$, 'only unknown ones: no rows');
SELECT is_empty($$SELECT * FROM m.recommend(1, NULL, candidates => '{i1,i2}')$$, 'what is seen is left out of the candidates');
SELECT is(count(*), :items, 'candidates null: all') FROM m.recommend(1, NULL, false, candidates => NULL);
SELECT is(count(*), 4::bigint, 'an array of two dimensions is a list') FROM m.recommend(1, NULL, false, candidates => '{{i7,i8},{i9,i10}}');
SELECT is(count(*), :items - 2, 'exclude') FROM m.recommend(1, NULL, false, exclude => '{i7,i8,i8,nothing,NULL}');
SELECT is(count(*), :items, 'exclude nothing') FROM m.recommend(1, NULL, false, exclude => '{}');
SELECT is(array_agg(item_id), '{i8}', 'exclude is stronger than candidates') FROM m.recommend(1, NULL, false, candidates => '{i7,i8}', exclude => '{i7}');
SELECT is_empty($$SELECT * FROM m.recommend(1, NULL, exclude => (SELECT array_agg(item_id) FROM m.active_items))$$, 'everything excluded: no rows');
SELECT is(array_agg(item_id ORDER BY item_id), '{i7,i8}', 'popular items obey too')
FROM m.recommend(-1, NULL, candidates => '{i7,i8,i9}', exclude => '{i9}') WHERE source = 'popular';

-- users
SELECT is(array_agg(DISTINCT source), '{popular}', 'an unknown user gets popular items') FROM m.recommend(-1);
SELECT is(count(*), 10::bigint, 'as many as asked for') FROM m.recommend(-1);
SELECT is(count(*), :items, 'k null: all of them') FROM m.recommend(-1, NULL);
SELECT results_eq('SELECT item_id, score FROM m.recommend(NULL, NULL)', 'SELECT item_id, popularity FROM m.active_items f JOIN m.item_factors i USING (item_id, popularity) ORDER BY popularity DESC, position',
	'a null user too; the score is the popularity, ties in the order of positions');
SELECT is(array_agg(DISTINCT source), '{personalized}', 'a known one is served from what is stored') FROM m.recommend(1, NULL);

-- version
SELECT rec.train('m', '{"factors": 3}');
SELECT is(array_agg(DISTINCT v), '{8}', 'version 1 is still there') FROM (SELECT cardinality(factors) AS v FROM m.item_factors WHERE version = 1) f;
SELECT isnt((SELECT array_agg(score) FROM m.recommend(1, version => 1)), (SELECT array_agg(score) FROM m.recommend(1, version => 2)), 'versions answer differently');
SELECT is((SELECT array_agg(r::text) FROM m.recommend(1, version => 2) r), (SELECT array_agg(r::text) FROM m.recommend(1) r), 'the active one is the last trained');
SELECT throws_ok('SELECT * FROM m.recommend(1, version => 3)', '42704', 'model "m" has no version 3', 'unknown version');
SELECT throws_ok('SELECT * FROM m.recommend(1, version => -1)', '42704', NULL, 'negative version');
SELECT throws_ok('SELECT * FROM m.' || f, '42704', NULL, f)
FROM unnest(ARRAY['recommend_for(''{i1}'', version => 9)', 'recommend_users(''i1'', version => 9)', 'similar_items(''i1'', version => 9)',
	'similar_users(1, version => 9)', 'explain(1, ''i1'', version => 9)', 'predict(1, ''i1'', version => 9)']) f;
SELECT rec.activate('m', 1);
SELECT is((SELECT array_agg(r::text) FROM m.recommend(1, version => 1) r), (SELECT array_agg(r::text) FROM m.recommend(1) r), 'activate brings the former one back');

-- recommend_for
SELECT is_empty($$SELECT * FROM m.recommend_for('{i1,i2}', NULL) WHERE item_id IN ('i1', 'i2')$$, 'recommend_for leaves out the basket');
SELECT is(count(*), :items, 'unless exclude_seen is false') FROM m.recommend_for('{i1,i2}', NULL, false);
SELECT is((SELECT array_agg(r::text) FROM m.recommend_for('{i1,i2}') r), (SELECT array_agg(r::text) FROM m.recommend_for('{i2,NULL,i1,i2,what}') r), 'order, nulls, duplicates and unknown items do not matter');
SELECT is(array_agg(DISTINCT source), '{folded_in}', 'a basket is folded in') FROM m.recommend_for('{i1}');
SELECT is(array_agg(DISTINCT source), '{popular}', 'an empty one gets popular items') FROM m.recommend_for('{}');
SELECT is(array_agg(DISTINCT source), '{popular}', 'so does one of unknown items') FROM m.recommend_for('{x,y}');
SELECT is(array_agg(DISTINCT source), '{popular}', 'and a null') FROM m.recommend_for(NULL);
SELECT is(array_agg(item_id), '{i5}', 'candidates and exclude') FROM m.recommend_for('{i1}', NULL, candidates => '{i1,i5,i6}', exclude => '{i6}');
-- a user with the same items, each once, is the same thing
INSERT INTO e VALUES (5000, 'i1', 'view'), (5000, 'i2', 'view');
SELECT results_eq('SELECT item_id, score FROM m.recommend(5000, NULL)', 'SELECT item_id, score FROM m.recommend_for(''{i1,i2}'', NULL)', 'a basket is a user with one event of weight 1 each');

-- similar_items, similar_users, recommend_users, predict
SELECT is_empty($$SELECT * FROM m.similar_items('nothing')$$, 'similar to an unknown item: no rows');
SELECT is_empty('SELECT * FROM m.similar_items(NULL)', 'to null: no rows');
SELECT is_empty('SELECT * FROM m.similar_users(-1)', 'an unknown user: no rows');
SELECT is_empty('SELECT * FROM m.similar_users(NULL)', 'null: no rows');
SELECT is_empty($$SELECT * FROM m.recommend_users('nothing')$$, 'the audience of an unknown item: no rows');
SELECT is_empty('SELECT * FROM m.recommend_users(NULL)', 'of null: no rows');
SELECT is_empty($$SELECT * FROM m.recommend_users('i1', NULL) r WHERE user_id IN (SELECT user_id FROM e WHERE item_id = 'i1')$$, 'who has the item is no audience');
SELECT is(count(*), (SELECT count(*) FROM m.active_users), 'unless exclude_seen is false') FROM m.recommend_users('i1', NULL, false);
SELECT throws_ok($$SELECT * FROM m.similar_items('i1', min_support => -1)$$, '22023', 'min_support must not be negative', 'min_support negative');
SELECT is(m.predict(1, 'nothing'), NULL, 'predict of an unknown item');
SELECT is(m.predict(1, NULL), NULL, 'predict of a null item');
SELECT is(m.predict(-1, 'i1'), NULL, 'predict for an unknown user of an implicit model');
SELECT is(m.predict(NULL, 'i1'), NULL, 'predict for a null user');
SELECT is_empty($$SELECT * FROM m.explain(-1, 'i1')$$, 'nothing explains for an unknown user');
SELECT is_empty($$SELECT * FROM m.explain(1, 'nothing')$$, 'nor an unknown item');
SELECT is_empty('SELECT * FROM m.explain(NULL, NULL)', 'nor nulls');
SELECT is(count(*), 2::bigint, 'explain with k') FROM m.explain(1, 'i5', 2);
SELECT * FROM finish();
