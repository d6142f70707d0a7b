-- The algorithms ease and item_knn on a small table: numbers by definition, live events, and every serving function.
SET client_min_messages = warning;
SELECT no_plan();
CREATE TABLE ev (user_id int, item_id text);
INSERT INTO ev VALUES (1, 'a'), (1, 'b'), (2, 'a'), (2, 'b'), (2, 'c'), (3, 'b'), (3, 'c'), (4, 'a'), (4, 'b'), (4, 'd'), (5, 'd'), (5, 'c');
CREATE INDEX ON ev (user_id) INCLUDE (item_id);
SELECT rec.create_model('e', 'ev', algorithm => 'ease', params => '{"regularization": 1.5, "holdout": 0}');
SELECT is(algorithm, 'ease', 'the catalog shows the algorithm') FROM rec.model WHERE model = 'e';
SELECT is(round(loss::numeric, 4), 6.6475, 'the loss is the value of the objective') FROM rec.train('e');

-- numpy 1.24.2: P = inv(X'X + 1.5 I); B = -P / diag(P), diagonal 0; X as above with the items a, b, c, d
CREATE TABLE b (i text, j text, w float8);
INSERT INTO b VALUES ('a', 'b', 0.592132505), ('a', 'c', -0.063569682), ('a', 'd', 0.164210526), ('b', 'a', 0.536585366), ('b', 'c', 0.361858191), ('b', 'd', 0.029473684), ('c', 'a', -0.048780488), ('c', 'b', 0.306418219), ('c', 'd', 0.172631579), ('d', 'a', 0.146341463), ('d', 'b', 0.028985507), ('d', 'c', 0.200488998);
CREATE VIEW weights AS SELECT i.item_id AS i, j.item_id AS j, w.weight
	FROM e.item_weights v JOIN e.item_factors i ON (i.version, i.position) = (v.version, v.position)
	CROSS JOIN LATERAL unnest(v.neighbours, v.weights) w (position, weight) JOIN e.item_factors j ON (j.version, j.position) = (v.version, w.position);
SELECT is(count(*), 12::bigint, 'every weight is as numpy has it') FROM weights JOIN b USING (i, j) WHERE abs(weight - w) < 1e-6;

-- one definition everywhere: the sum of the weights of what the user has
CREATE FUNCTION expected(u int, item text) RETURNS float8 LANGUAGE sql AS 'SELECT sum(w) FROM ev JOIN b ON b.i = ev.item_id WHERE user_id = u AND j = item';
SELECT ok(bool_and(abs(score - expected(u, item_id)) < 1e-6 AND score = e.predict(u, item_id) AND source = 'personalized') AND count(*) = 8, 'recommend and predict')
FROM generate_series(1, 5) u, e.recommend(u);
SELECT ok(bool_and(abs(score - expected(u, item_id)) < 1e-6) AND count(*) = 20, 'with what was seen')
FROM generate_series(1, 5) u, e.recommend(u, exclude_seen => false);
SELECT ok(bool_and((SELECT sum(contribution)::real FROM e.explain(u, i.item_id)) = e.predict(u, i.item_id)), 'contributions add up to the score')
FROM generate_series(1, 5) u, e.active_items i;
SELECT is(count(*), 0::bigint, 'recommend_many agrees') FROM (SELECT * FROM generate_series(1, 5) u, e.recommend(u)) r
FULL JOIN e.recommend_many() m ON (m.user_id, m.item_id, m.score, m.rank, m.source) = (r.u, r.item_id, r.score, r.rank, r.source) WHERE m.user_id IS NULL OR u IS NULL;
SELECT is(count(*), 0::bigint, 'also with what was seen') FROM (SELECT * FROM generate_series(1, 5) u, e.recommend(u, exclude_seen => false)) r
LEFT JOIN e.recommend_many(exclude_seen => false) m ON (m.user_id, m.item_id, m.score, m.rank) = (r.u, r.item_id, r.score, r.rank) WHERE m.user_id IS NULL;
SELECT is(count(*), 0::bigint, 'recommend_users agrees') FROM (SELECT * FROM generate_series(1, 5) u, e.recommend(u)) r
LEFT JOIN LATERAL e.recommend_users(r.item_id, NULL) m ON m.user_id = u AND abs(m.score - r.score) < 1e-6 WHERE m.user_id IS NULL;
SELECT is(array_agg(item_id ORDER BY rank), '{b,d}', 'similar items are those that it speaks for, best first') FROM e.similar_items('a', min_support => 1);
SELECT is(array_agg(user_id ORDER BY rank), '{2,4}', 'similar users by cosine of what they have') FROM e.similar_users(1, 2);
SELECT is(round(score::numeric, 6), round((2 / sqrt(6))::numeric, 6), 'and that is the cosine') FROM e.similar_users(1, 1);
SELECT is(count(*), 1::bigint, 'a basket') FROM e.recommend_for('{a,b}', 1) WHERE item_id = 'd' OR item_id = 'c';
SELECT is(rows, 8::bigint, 'materialize') FROM rec.materialize('e');

-- an event changes the next answer
SELECT e.predict(3, 'd') AS before \gset
INSERT INTO ev VALUES (3, 'a');
SELECT ok(abs(e.predict(3, 'd') - :before - w) < 1e-6, 'a new event counts at once') FROM b WHERE i = 'a' AND j = 'd';
SELECT is(source, 'folded_in', 'and the source says so') FROM e.recommend(3, 1);
INSERT INTO ev VALUES (9, 'a');
SELECT ok(bool_and(source = 'folded_in'), 'a new user is answered from the events') FROM e.recommend(9);
SELECT ok(bool_and(source = 'popular'), 'a stranger gets popular items') FROM e.recommend(77);
DELETE FROM ev WHERE user_id = 9 OR (user_id, item_id) = (3, 'a');

-- neighbourhoods: cosine n_ij / (sqrt(n_i n_j) + shrinkage)
SELECT rec.create_model('k', 'ev', params => '{"algorithm": "item_knn", "similarity": "cosine", "shrinkage": 0.5, "holdout": 0}');
SELECT is(algorithm, 'item_knn', 'the algorithm as a key of params') FROM rec.model WHERE model = 'k';
SELECT is(loss, NULL, 'nothing is minimized') FROM rec.train('k');
CREATE VIEW near AS SELECT i.item_id AS i, j.item_id AS j, w.weight, v.version
	FROM k.item_weights v JOIN k.item_factors i ON (i.version, i.position) = (v.version, v.position)
	CROSS JOIN LATERAL unnest(v.neighbours, v.weights) w (position, weight) JOIN k.item_factors j ON (j.version, j.position) = (v.version, w.position);
CREATE VIEW cosine AS SELECT i, j, n / (sqrt(ni * nj) + 0.5) AS w FROM (SELECT x.item_id AS i, y.item_id AS j, count(*) AS n FROM ev x JOIN ev y USING (user_id) WHERE x.item_id <> y.item_id GROUP BY 1, 2) c
	JOIN (SELECT item_id AS i, count(*) AS ni FROM ev GROUP BY 1) a USING (i) JOIN (SELECT item_id AS j, count(*) AS nj FROM ev GROUP BY 1) b USING (j);
SELECT is(count(*), 0::bigint, 'cosine with shrinkage') FROM cosine FULL JOIN near USING (i, j) WHERE (abs(w - weight) < 1e-6) IS NOT TRUE;
SELECT rec.train('k', '{"similarity": "pearson", "shrinkage": 0}');
-- the correlation over all users; where it is not positive there is no neighbour
SELECT is(count(*), 0::bigint, 'pearson is corr()') FROM (SELECT i.item_id AS i, j.item_id AS j, corr(((i.item_id, u) IN (SELECT item_id, user_id FROM ev))::int, ((j.item_id, u) IN (SELECT item_id, user_id FROM ev))::int) AS r
	FROM k.active_items i, k.active_items j, generate_series(1, 5) u WHERE i.item_id <> j.item_id GROUP BY 1, 2) c
FULL JOIN (SELECT * FROM near WHERE version = 2) n USING (i, j) WHERE CASE WHEN r > 1e-9 THEN (abs(r - weight) < 1e-6) IS NOT TRUE ELSE weight IS NOT NULL AND abs(weight) > 1e-6 END;
SELECT rec.train('k', '{"similarity": "bm25", "bm25_k1": 1.5, "bm25_b": 0.6, "shrinkage": 0}');
CREATE VIEW bm25 AS SELECT user_id, item_id, 2.5 / (1 + 1.5 * (1 - 0.6 + 0.6 * ni / avg_n)) * ln(1 + 4.0 / (1 + nu)) AS w
	FROM ev JOIN (SELECT item_id, count(*) AS ni FROM ev GROUP BY 1) i USING (item_id) JOIN (SELECT user_id, count(*) AS nu FROM ev GROUP BY 1) u USING (user_id), (SELECT count(*)::float8 / 4 AS avg_n FROM ev) a;
SELECT is(count(*), 0::bigint, 'bm25 is the cosine of the weighted columns') FROM (SELECT x.item_id AS i, y.item_id AS j, sum(x.w * y.w) / (sqrt((SELECT sum(w * w) FROM bm25 WHERE item_id = x.item_id)) * sqrt((SELECT sum(w * w) FROM bm25 WHERE item_id = y.item_id))) AS w
	FROM bm25 x JOIN bm25 y USING (user_id) WHERE x.item_id <> y.item_id GROUP BY 1, 2) c FULL JOIN (SELECT * FROM near WHERE version = 3) n USING (i, j) WHERE (abs(w - weight) < 1e-6) IS NOT TRUE;
SELECT rec.train('k', '{"neighbours": 1}');
SELECT is(array_agg(DISTINCT cardinality(neighbours)), '{1}', 'neighbours is how many are kept') FROM k.item_weights WHERE version = 4;
SELECT is(array_agg(DISTINCT version ORDER BY version), '{3,4}', 'item weights go with their versions') FROM k.item_weights;
SELECT ok(bool_and(score > -1e-30) AND count(*) = 4, 'items that no weight reaches come last and are not left out') FROM k.recommend_for('{a}', NULL, exclude_seen => false);

-- another algorithm for one training, and versions of both kinds side by side
SELECT rec.train('k', '{"algorithm": "als", "factors": 4, "epochs": 2}');
SELECT ok(cardinality(f.factors) = 4, 'als in a model of item_knn') FROM k.active_items f LIMIT 1;
SELECT is(count(*), 2::bigint, 'the former version still answers') FROM k.recommend(1, version => 4);
SELECT rec.activate('k', 4);
SELECT is(count(*), 2::bigint, 'and can be activated') FROM k.recommend(1);
SELECT is(params ->> 'algorithm', 'als', 'the run says what it was') FROM rec.training_run WHERE model = 'k' AND version = 5;
SELECT ok(params ? 'neighbours' AND NOT params ? 'factors', 'and only the parameters that count') FROM rec.training_run WHERE model = 'k' AND version = 4;

-- changing the algorithm
SELECT rec.create_model('c', 'ev', params => '{"factors": 8}');
SELECT throws_ok($$SELECT rec.alter_model('c', algorithm => 'ease')$$, '22023', 'parameter "factors" does not belong to algorithm "ease"', 'kept parameters of another algorithm are not dropped silently');
SELECT lives_ok($$SELECT rec.alter_model('c', algorithm => 'ease', reset => '{params}', params => '{"regularization": 3}')$$, 'reset and set in one');
SELECT is((algorithm, params ->> 'regularization')::text, '(ease,3)', 'both are kept') FROM rec.model WHERE model = 'c';
SELECT lives_ok($$SELECT rec.alter_model('c', reset => '{algorithm}')$$, 'back to als');
SELECT is(algorithm, 'als', 'als') FROM rec.model WHERE model = 'c';

-- what cannot be
SELECT throws_ok($$SELECT rec.create_model('x', 'ev', algorithm => 'eese')$$, '22023', 'invalid value for parameter "algorithm": "eese"', 'unknown algorithm');
SELECT throws_ok($$SELECT rec.create_model('x', 'ev', params => '{"algorithm": 5}')$$, '22023', 'invalid value for parameter "algorithm": not a string', 'no name');
SELECT throws_ok($$SELECT rec.train('k', '{"factors": 8}')$$, '22023', 'parameter "factors" does not belong to algorithm "item_knn"', 'factors');
SELECT throws_ok($$SELECT rec.train('e', '{"similarity": "cosine"}')$$, '22023', 'parameter "similarity" does not belong to algorithm "ease"', 'similarity');
SELECT throws_ok($$SELECT rec.train('k', '{"similarity": "cosin"}')$$, '22023', 'invalid value for parameter "similarity": "cosin"', 'unknown similarity');
SELECT throws_ok($$SELECT rec.train('k', '{"neighbours": 0}')$$, '22023', 'invalid value for parameter "neighbours": 0', 'no neighbours');
SELECT throws_ok($$SELECT rec.train('k', '{"neighbors": 5}')$$, '22023', 'unknown parameter "neighbors"', 'a typing error');
ALTER TABLE ev ADD rating float8;
UPDATE ev SET rating = 3;
SELECT throws_ok($$SELECT rec.create_model('x', 'ev', value_column => 'rating', feedback => 'explicit', algorithm => 'ease')$$, '0A000', 'algorithm "ease" does not predict ratings', 'explicit feedback');
SELECT rec.create_model('x', 'ev', value_column => 'rating', feedback => 'explicit');
SELECT throws_ok($$SELECT rec.train('x', '{"algorithm": "item_knn"}')$$, '0A000', 'algorithm "item_knn" does not predict ratings', 'for one training either');
SELECT throws_ok($$SELECT * FROM e.recommend(1, diversity => 0.5)$$, '0A000', 'diversity is not to be had with algorithm "ease"', 'diversity');

-- shapes
CREATE TABLE one (user_id int, item_id int, w float8 DEFAULT 1);
INSERT INTO one VALUES (1, 1);
SELECT rec.create_model('o', 'one', value_column => 'w', algorithm => 'ease');
SELECT lives_ok($$SELECT rec.train('o')$$, 'one user and one item');
SELECT is(count(*), 0::bigint, 'nothing is left to recommend') FROM o.recommend(1);
SELECT lives_ok($$SELECT rec.train('o', '{"algorithm": "item_knn"}')$$, 'neighbours of the only item');
SELECT is(count(*), 1::bigint, 'popular items for strangers') FROM o.recommend(5);
INSERT INTO one SELECT 1, i FROM generate_series(2, 400) i;
SELECT lives_ok($$SELECT rec.train('o')$$, 'one user with many items');
SELECT lives_ok($$SELECT rec.train('o', '{"algorithm": "item_knn", "similarity": "pearson"}')$$, 'without any variance');
SELECT throws_ok($$SELECT rec.train('o', '{"regularization": 0}')$$, '22003', 'the matrix of the items cannot be inverted', 'a singular matrix');
UPDATE one SET w = -1;
SELECT throws_ok($$SELECT rec.train('o')$$, '22023', 'there is nothing to train on', 'no positive pair');
SELECT throws_ok($$SELECT rec.train('o', '{"algorithm": "item_knn"}')$$, '22023', 'there is nothing to train on', 'likewise');
UPDATE one SET w = CASE item_id % 3 WHEN 0 THEN 'NaN' WHEN 1 THEN 'Infinity' ELSE 1e30 END;
SELECT throws_ok($$SELECT rec.train('o', '{"weight_transform": "none"}')$$, '22003', 'the matrix of the items cannot be inverted', 'values beyond single precision');
SELECT lives_ok($$SELECT rec.train('o')$$, 'NaN and infinity are left out, and large values are transformed');
-- a return: not recommended, and it does not count
CREATE TABLE ret AS SELECT u AS user_id, i AS item_id, CASE WHEN u = 1 AND i = 3 THEN -1.0 ELSE 1.0 END AS w FROM generate_series(1, 8) u, generate_series(1, 6) i WHERE (u * 7 + i * 3) % 4 < 3 OR (u, i) = (1, 3);
SELECT rec.create_model('r', 'ret', value_column => 'w', algorithm => 'ease');
SELECT rec.train('r');
SELECT is(count(*), 0::bigint, 'what was returned is not recommended') FROM r.recommend(1, exclude_seen => false) WHERE item_id = 3;
SELECT is(count(*), 0::bigint, 'nor is it a reason') FROM r.explain(1, 2) WHERE item_id = 3;

-- memory is asked for first
CREATE TABLE wide AS SELECT i % 50 AS user_id, i AS item_id FROM generate_series(1, 40000) i;
SELECT rec.create_model('w', 'wide', algorithm => 'ease', params => '{"holdout": 0}');
SELECT throws_like($$SELECT rec.train('w')$$, '%training_memory%', 'too many items: an error before the work');
SELECT lives_ok($$SELECT rec.train('w', '{"algorithm": "item_knn", "neighbours": 5}')$$, 'neighbourhoods of as many are no matter');

-- a model's own table, damaged by its owner
SELECT rec.train('e');
UPDATE e.item_weights SET neighbours = '{0,99}', weights = '{1,2}' WHERE position = 0;
SELECT throws_ok($$SELECT * FROM e.recommend(1)$$, 'XX001', NULL, 'a position that is none');
UPDATE e.item_weights SET neighbours = '{1,1}', weights = '{1,2}' WHERE position = 0;
SELECT throws_ok($$SELECT * FROM e.recommend(1)$$, 'XX001', NULL, 'one item twice');
UPDATE e.item_weights SET neighbours = '{1}', weights = '{1,2}' WHERE position = 0;
SELECT throws_ok($$SELECT * FROM e.recommend(1)$$, 'XX001', NULL, 'lengths that differ');
UPDATE e.item_weights SET neighbours = '{1,2}', weights = '{1,NaN}' WHERE position = 0;
SELECT throws_ok($$SELECT * FROM e.recommend(1)$$, 'XX001', NULL, 'a weight that is no number');
DELETE FROM e.item_weights WHERE position = 0;
SELECT throws_ok($$SELECT * FROM e.recommend(1)$$, 'XX001', NULL, 'a row that is missing');
ALTER TABLE e.item_weights DROP COLUMN weights CASCADE;
SELECT throws_ok($$SELECT * FROM e.recommend(1)$$, '55000', NULL, 'a column that is missing');
SELECT * FROM finish();
