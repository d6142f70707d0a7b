-- Little or strange data: empty relations, one user, one item, only null keys, values out of any range.
SET client_min_messages = warning;
SELECT no_plan();
CREATE TABLE e (user_id int, item_id int, value float8);
CREATE INDEX ON e (user_id);
SELECT rec.create_model('m', 'e', params => '{"factors": 3, "epochs": 3, "holdout": 0}');
SELECT rec.create_model('v', 'e', value_column => 'value', params => '{"factors": 3, "epochs": 3, "holdout": 0}');
CREATE FUNCTION of_train(model text DEFAULT 'm', params jsonb DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE d text;
BEGIN
	RETURN (SELECT concat_ws(' ', version, users, items, pairs) FROM rec.train(model, params));
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL;
	RETURN SQLSTATE || ': ' || SQLERRM || ': ' || d;
END $$;

SELECT is(of_train(), '22023: there is nothing to train on: public.e has no rows.', 'empty relation');
SELECT throws_ok('SELECT * FROM m.recommend(1)', '55000', 'model "m" has not been trained', 'and nothing to recommend from');
INSERT INTO e VALUES (NULL, 1), (1, NULL), (NULL, NULL);
SELECT is(of_train(), '22023: there is nothing to train on: None of the 3 rows of public.e can be used.', 'only null keys');
INSERT INTO e VALUES (1, 1, 'NaN');
SELECT is(of_train('v'), '22023: there is nothing to train on: None of the 4 rows of public.e can be used.', 'only NaN');
INSERT INTO e VALUES (1, 1, 0);
SELECT is(of_train('v'), '22023: there is nothing to train on: No pair of a user and an item has a weight other than zero.', 'only zeros');
TRUNCATE e;

INSERT INTO e VALUES (7, 9, 1);
SELECT is(of_train(), '1 1 1 1', 'one event');
SELECT is_empty('SELECT * FROM m.recommend(7)', 'the only item is seen');
SELECT results_eq('SELECT item_id, rank, source FROM m.recommend(7, exclude_seen => false)', $$VALUES (9, 1, 'personalized')$$, 'or not excluded');
SELECT results_eq('SELECT item_id, score, rank, source FROM m.recommend(8)', $$VALUES (9, 1::real, 1, 'popular')$$, 'others get it');
SELECT is_empty('SELECT * FROM m.similar_items(9)', 'it is similar to nothing');
SELECT is_empty('SELECT * FROM m.similar_users(7)', 'nor is its user');
SELECT is_empty('SELECT * FROM m.recommend_users(9)', 'who has it');

INSERT INTO e SELECT 7, i, 1 FROM generate_series(1, 30) i;
SELECT is(of_train(), '2 1 30 30', 'all events of one user');
SELECT is_empty('SELECT * FROM m.recommend(7)', 'everything is seen');
SELECT is((SELECT count(*) FROM m.recommend(8, NULL)), 30::bigint, 'others get all of it');
TRUNCATE e;
INSERT INTO e SELECT u, 9, 1 FROM generate_series(1, 30) u;
SELECT is(of_train(), '3 30 1 30', 'all events of one item');
SELECT is_empty('SELECT * FROM m.recommend(5)', 'nothing is left for its users');
SELECT is((SELECT count(*) FROM m.recommend_users(9, NULL, false)), 30::bigint, 'they are all its audience');
SELECT is((SELECT count(*) FROM m.similar_users(9, NULL)), 29::bigint, 'and alike');

-- factors: 1, more than items, and a number that fills no register
INSERT INTO e SELECT u, (u * k) % 11, 1 FROM generate_series(1, 20) u, generate_series(1, 4) k;
SELECT matches(of_train('m', jsonb_build_object('factors', f)), '^\d+ 30 11 \d+$', f || ' factors') FROM unnest('{1,2,15,16,17,33,64,200}'::int[]) f;
SELECT matches(of_train('m', jsonb_build_object('factors', f, 'solver', 'cholesky')), '^\d+ 30 11 \d+$', f || ' factors, cholesky') FROM unnest('{1,7,16,31,100}'::int[]) f;
SELECT matches(of_train('m', '{"factors": 1024, "epochs": 1}'), '^\d+ 30 11 \d+$', '1024 factors');
SELECT is((SELECT cardinality(factors) FROM m.active_items LIMIT 1), 1024, 'are 1024 numbers');
SELECT is((SELECT count(*) FROM m.recommend(25, NULL)), 10::bigint, 'and recommend');

-- values out of any range: used where they are finite in single precision, counted where not
TRUNCATE e;
INSERT INTO e SELECT u, (u * k) % 11, 1 FROM generate_series(1, 20) u, generate_series(1, 4) k;
INSERT INTO e VALUES (1, 5, 1e30), (2, 5, -1e30), (3, 5, 1e38), (3, 5, 1e38), (3, 5, 3e38), (4, 5, 1e39), (5, 5, 1e-46), (6, 5, -0.0), (7, 5, 1e-30);
SELECT matches(of_train('v'), '^1 20 11 \d+$', 'huge values with log1p');
SELECT is(bad_values, 1::bigint, 'what is infinite as real is a bad value') FROM rec.training_run WHERE model = 'v';
SELECT ok((SELECT bool_and(f <> 'NaN' AND abs(f) < 1e6) FROM v.active_users, unnest(factors) f), 'factors stay finite');
SELECT is((SELECT weight FROM v.explain(3, 1) WHERE item_id = 5), 3.4028235e38::real, 'a sum beyond single precision stays at its end');
SELECT is((SELECT DISTINCT source FROM v.recommend(3)), 'personalized', 'live pairs come out the same');
SELECT matches(of_train('v', '{"weight_transform": "none"}'), '^\d+ 20 11|^22003: the training does not converge: ', 'huge values as they are: finite or an error that says why');
SELECT is(of_train('v', '{"weight_transform": "none", "regularization": 0}') ~ '^\d+ 20 11|^22003: ', true, 'without regularization too');
SELECT is((SELECT bool_and(f <> 'NaN' AND abs(f) < 'Infinity') FROM v.item_factors, unnest(factors) f), true, 'what is stored is finite');
-- only negative
DELETE FROM e;
INSERT INTO e SELECT u, (u * k) % 11, -1 FROM generate_series(1, 20) u, generate_series(1, 4) k;
SELECT matches(of_train('v'), '^\d+ 20 11 \d+$', 'only negative values');
SELECT is((SELECT array_agg(DISTINCT source) FROM v.recommend(3)), '{popular}', 'make nobody''s recommendations personal');
SELECT is_empty('SELECT * FROM v.recommend(3, NULL, false) WHERE item_id = 3', 'and none of them is recommended');
SELECT is((SELECT sum(popularity) FROM v.active_items), 0::real, 'nothing is popular');

-- a holdout larger than the data
DELETE FROM e;
INSERT INTO e SELECT u, (u * k) % 11, 1 FROM generate_series(1, 3) u, generate_series(1, 2) k;
SELECT results_eq($$SELECT ndcg, popular_ndcg FROM rec.train('m', '{"holdout": 0.5}')$$, 'VALUES (NULL::float8, NULL::float8)', 'too few events to hold any out');
-- explicit, all ratings the same
SELECT rec.create_model('x', 'e', value_column => 'value', feedback => 'explicit', params => '{"factors": 3, "epochs": 3}');
SELECT matches(of_train('x'), '^1 3 ', 'all ratings the same');
SELECT ok(abs(x.predict(1, 1) - 1) < 1e-5, 'are predicted');
DELETE FROM e;
INSERT INTO e VALUES (1, 1, 4);
SELECT is(of_train('x'), '2 1 1 1', 'one rating');
SELECT ok(abs(x.predict(1, 1) - 4) < 1e-3, 'is predicted');
SELECT matches(of_train('x', '{"regularization": 0}'), '^\d+ 1 1 1$|^22003: ', 'without regularization: an answer or an error');
SELECT * FROM finish();
