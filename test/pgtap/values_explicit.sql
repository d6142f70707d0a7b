-- What ratings come to: the latest of a pair by time, else their mean; biases; what an explicit model serves.
SET client_min_messages = warning;
SELECT no_plan();
CREATE TABLE r (user_id int, item_id int, rating numeric(2,1), at timestamptz);
CREATE INDEX ON r (user_id) INCLUDE (item_id, rating, at);
INSERT INTO r SELECT u, i, 1 + ((u * 3 + i * 5) % 9) / 2.0, timestamptz '2024-01-01' + u * interval '1 hour'
FROM generate_series(1, 40) u, generate_series(1, 12) i WHERE (u * i) % 3 <> 1;
INSERT INTO r VALUES (100, 1, 5, '2024-03-01'), (100, 1, 2, '2024-04-01'), (100, 1, 4, '2024-02-01'), (100, 2, 3, '2024-03-01'),
	(101, 1, -3, '2024-03-01'), (101, 2, 0, '2024-03-01'), (101, 3, 3, '2024-03-01'), (101, 3, 3.5, '2024-03-01');

CREATE FUNCTION rating(model text, of_user int, item int) RETURNS real LANGUAGE plpgsql AS $$
DECLARE result real;
BEGIN
	EXECUTE format('SELECT w.weight FROM %1$I.user_history h, unnest(h.items, h.weights) w (position, weight)
		JOIN %1$I.item_factors f ON f.position = w.position
		WHERE h.user_id = $1 AND f.item_id = $2 AND f.version = h.version
			AND h.version = (SELECT active_version FROM rec.model WHERE model = %1$L)', model) USING of_user, item INTO result;
	RETURN result;
END $$;

SELECT rec.create_model('m', 'r', value_column => 'rating', feedback => 'explicit', params => '{"factors": 5, "epochs": 6}');
SELECT rec.train('m');
SELECT is(rating('m', 100, 1), (11 / 3.0)::real, 'without times the mean of a pair''s ratings counts');
SELECT is(rating('m', 101, 1), -3::real, 'a negative rating is a rating');
SELECT is(rating('m', 101, 2), 0::real, 'zero is a rating');
SELECT rec.alter_model('m', time_column => 'at');
SELECT rec.train('m');
SELECT is(rating('m', 100, 1), 2::real, 'with times the latest rating counts');
SELECT is(rating('m', 101, 3), 3.5::real, 'of two at the same time the greater one, whatever the order of rows');
-- the same choice for a user as the events stand now
INSERT INTO r VALUES (100, 1, 1, '2024-03-31'), (100, 3, 1, '2024-05-01'), (100, 3, 5, '2024-05-02');
SELECT results_eq('SELECT item_id, weight FROM m.explain(100, 4) WHERE item_id IS NOT NULL ORDER BY 1',
	'VALUES (1, 2::real), (2, 3), (3, 5)', 'live events: the latest too');
SELECT is((SELECT DISTINCT source FROM m.recommend(100)), 'folded_in', 'who is folded in');

-- mean and biases
SELECT ok(abs((SELECT mean FROM m.model_version ORDER BY version DESC LIMIT 1) -
	(SELECT avg(v) FROM (SELECT DISTINCT ON (user_id, item_id) rating AS v FROM r WHERE at < '2024-03-31' OR rating = 2
		ORDER BY user_id, item_id, at DESC, rating DESC) x)) < 1e-5, 'the mean of all pairs');
SELECT is(m.predict(1, 4), (SELECT score FROM m.recommend(1, NULL, exclude_seen => false) WHERE item_id = 4),
	'predict is the score that recommend gives');
SELECT ok(abs(m.predict(1, 4) - (SELECT v.mean + u.bias + i.bias + (SELECT sum(a * b) FROM unnest(u.factors, i.factors) f (a, b))
	FROM m.active_users u, m.active_items i, (SELECT mean FROM m.model_version ORDER BY version DESC LIMIT 1) v
	WHERE u.user_id = 1 AND i.item_id = 4)) < 1e-5, 'mean + user bias + item bias + product of factors');
SELECT is(m.predict(999, 4), (SELECT v.mean + i.bias FROM m.active_items i,
	(SELECT mean FROM m.model_version ORDER BY version DESC LIMIT 1) v WHERE i.item_id = 4), 'of a stranger: mean + item bias');
SELECT is(m.predict(1, 999), NULL, 'of an unknown item: nothing');
SELECT is(m.predict(NULL, 4), m.predict(999, 4), 'a null user is a stranger');

-- every rating is an observation: low ones do not hide an item for ever, and none makes a user popular-only
SELECT is((SELECT DISTINCT source FROM m.recommend(101)), 'personalized', 'a user with low ratings is served personally');
SELECT isnt_empty('SELECT * FROM m.recommend(101, NULL, exclude_seen => false) WHERE item_id = 1',
	'a negatively rated item comes back with exclude_seen => false');
SELECT is_empty('SELECT * FROM m.recommend(101, NULL) WHERE item_id IN (1, 2, 3)', 'and is left out without');
SELECT is((SELECT support FROM m.active_items WHERE item_id = 1), (SELECT count(DISTINCT user_id)::int FROM r WHERE item_id = 1),
	'support counts raters');
SELECT is((SELECT DISTINCT source FROM m.recommend(999)), 'popular', 'a stranger gets popular items');
SELECT is((SELECT array_agg(item_id ORDER BY rank) FROM m.recommend(999, NULL)),
	(SELECT array_agg(item_id ORDER BY popularity DESC, item_id) FROM m.active_items), 'which are the most rated ones');

-- a basket
SELECT ok((SELECT bool_and(item_id NOT IN (1, 2)) AND count(*) = 10 FROM m.recommend_for('{1,2}', NULL)), 'recommend_for leaves out the basket');
SELECT is((SELECT DISTINCT source FROM m.recommend_for('{1,2}')), 'folded_in', 'and is folded in');

-- the row of the training
SELECT results_eq($$SELECT ndcg, popular_ndcg, rmse FROM rec.training_run WHERE model = 'm' AND version = 2$$,
	$$VALUES (NULL::float8[], NULL::float8, NULL::float8[])$$, 'without a holdout there is nothing to judge by');
SELECT ok((SELECT rmse IS NOT NULL AND ndcg IS NULL FROM rec.train('m', '{"holdout": 0.2}')), 'with one there is the rmse');
SELECT ok((SELECT cardinality(rmse) = epochs AND mean_rmse > 0 AND holdout_users > 0 FROM rec.training_run
	WHERE model = 'm' AND version = 3), 'of every epoch, beside that of the items'' means');
SELECT * FROM finish();
