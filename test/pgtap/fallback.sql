-- Fallback lists are not led by items with one event, whatever they are ranked by. Item 1 is the most wanted one, but its 200 users
-- came ten days ago; item 99 has one user, who came just now and loved it.
SET client_min_messages = warning;
SELECT no_plan();
CREATE SCHEMA web;
CREATE TABLE web.events AS SELECT u AS user_id, i AS item_id, 4 - i % 2 AS stars, timestamptz '2024-05-01' - interval '10 days' - i * interval '1 minute' AS at
	FROM generate_series(1, 200) u, generate_series(1, 12) i WHERE i = 1 OR u % 12 <= 12 - i;
INSERT INTO web.events VALUES (7, 99, 5, '2024-05-01');
CREATE INDEX ON web.events (user_id);
SELECT rec.create_model(name, 'web.events', value_column => CASE WHEN explicit THEN 'stars' END, feedback => CASE WHEN explicit THEN 'explicit' ELSE 'implicit' END,
		time_column => 'at', half_life => half_life::interval, algorithm => algorithm, params => CASE WHEN algorithm = 'als' THEN '{"factors": 4, "epochs": 3, "holdout": 0}' ELSE '{"holdout": 0}' END::jsonb)
	FROM (VALUES ('plain', false, NULL, 'als'), ('decayed', false, '1 day', 'als'), ('stars', true, NULL, 'als'), ('fading_stars', true, '1 day', 'als'),
		('ease', false, '1 day', 'ease'), ('knn', false, '1 day', 'item_knn')) m (name, explicit, half_life, algorithm);
SELECT rec.train(model) FROM rec.model;
SELECT is((SELECT array_agg(item_id) FROM (SELECT item_id FROM decayed.item_factors ORDER BY popularity DESC LIMIT 1) x), '{99}', 'the user of today weighs more than 200 users of ten days ago');
SELECT is((SELECT array_agg(r.item_id || ' ' || r.source) FROM rec.recommend(model, 12345, 1) r), '{"1 popular"}', model || ': an unknown user') FROM rec.model;
SELECT is((SELECT array_agg(r.item_id || ' ' || r.source) FROM rec.recommend(model, NULL::bigint, 1) r), '{"1 popular"}', model || ': none') FROM rec.model;
SELECT is((SELECT array_agg(r.item_id || ' ' || r.source) FROM rec.recommend_for(model, '{}'::text[], 1) r), '{"1 popular"}', model || ': an empty basket') FROM rec.model;
SELECT is((SELECT array_agg(r.item_id || ' ' || r.source) FROM rec.recommend_many(model, '{12345}', 1) r), '{"1 popular"}', model || ': many users') FROM rec.model;
SELECT is((SELECT array_agg(r.item_id) FROM rec.recommend(model, 12345, 1, diversity => 0.1) r), '{1}', model || ': a diverse list') FROM rec.model WHERE algorithm = 'als';
SELECT is((SELECT array_agg(r.item_id) FROM rec.recommend(model, 12345, 1, candidates => '{99,5,3}') r), '{3}', model || ': of some items') FROM rec.model;
-- what is known of an item by ratings alone is drawn to the mean as well: the one rating of 5 does not promise a 5
SELECT ok(rec.predict('stars', '12345', '99') < 4.6, 'the level of an item with one rating');
SELECT * FROM finish();
