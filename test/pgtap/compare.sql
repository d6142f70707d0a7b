-- rec.compare of settings and of versions: values are those of rec.evaluate, and differences, p-values and verdicts are made again from one value per user.
SET client_min_messages = warning;
SELECT no_plan();
-- 200 users in 5 groups who like 20 items of 100 each and some others; users 201 to 206 and items 101 to 103 come late
CREATE TABLE e (user_id int, item_id int, value real, at timestamptz);
INSERT INTO e SELECT u, CASE WHEN h % 10 < 7 THEN (u % 5) * 20 + h / 10 % 20 ELSE h / 10 % 100 END, 1 + h % 3,
	'2024-01-01'::timestamptz + (h % 86400) * interval '1 minute'
FROM generate_series(1, 200) u, generate_series(1, 25) n, LATERAL (SELECT (u * 7919 + n * 104729 + u * n * 31) % 1000003 AS h) x;
INSERT INTO e SELECT u, (u * 7 + n) % 40, 1, '2024-02-29 12:00+00'::timestamptz + n * interval '1 hour' FROM generate_series(201, 206) u, generate_series(1, 4) n;
INSERT INTO e SELECT u, 100 + u % 3, 1, '2024-02-29 18:00+00' FROM generate_series(1, 30) u;
CREATE INDEX ON e (user_id);
SELECT rec.create_model('m', 'e', value_column => 'value', time_column => 'at', params => '{"factors": 8, "epochs": 5}');

-- p of a two-sided t test with a whole number of degrees of freedom: Abramowitz and Stegun 26.7.3 and 26.7.4
CREATE FUNCTION t_p(t float8, df int) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE a float8 := atan(abs(t) / sqrt(df)); term float8 := 1; total float8 := 0;
BEGIN
	IF df % 2 = 0 THEN
		FOR j IN 0 .. df / 2 - 1 LOOP total := total + term; term := term * cos(a) ^ 2 * (2 * j + 1) / (2 * j + 2); END LOOP;
		RETURN 1 - sin(a) * total;
	END IF;
	term := cos(a);
	FOR j IN 1 .. (df - 1) / 2 LOOP total := total + term; term := term * cos(a) ^ 2 * 2 * j / (2 * j + 1); END LOOP;
	RETURN 1 - 2 / pi() * (a + sin(a) * total);
END $$;
-- scipy 1.10.1: 2 * scipy.stats.t.sf([2.5, 1.25], [7, 12])
SELECT ok(abs(t_p(2.5, 7) - 0.040992218585752874) < 1e-14 AND abs(t_p(1.25, 12) - 0.2351278803681623) < 1e-14, 'the formula of the tests below');

CREATE TABLE s AS SELECT * FROM rec.compare('m', ARRAY['{}', '{"factors": 2, "epochs": 1}', '"popular"', '{}', '{"regularization": 50}', '"random"', '{"factors": 7}', '"cooccurrence"']::jsonb[], 'ndcg@10', 'temporal', '5 days');
-- what each setting and baseline did for each user, by hand
CREATE VIEW train AS SELECT * FROM e WHERE at <= (SELECT max(at) FROM e) - interval '5 days';
CREATE TABLE seen AS SELECT user_id, item_id FROM train GROUP BY 1, 2;
CREATE TABLE relevant AS SELECT user_id, item_id FROM e x WHERE at > (SELECT max(at) FROM e) - interval '5 days'
	AND NOT EXISTS (SELECT FROM seen s WHERE s.user_id = x.user_id AND s.item_id = x.item_id) GROUP BY 1, 2;
SELECT rec.create_model('t', 'train', value_column => 'value', time_column => 'at', params => '{"factors": 8, "epochs": 5}');
CREATE TABLE per_user (number int, user_id int, ndcg float8);
CREATE FUNCTION judge(number int, params jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM rec.train('t', params => params);
	INSERT INTO per_user SELECT number, user_id, rec.ndcg(k.rank, r.item_id IS NOT NULL, 10)
	FROM t.recommend_many((SELECT array_agg(DISTINCT r.user_id) FROM relevant r), NULL) k FULL JOIN relevant r USING (user_id, item_id)
	WHERE user_id IN (SELECT r.user_id FROM relevant r) GROUP BY user_id;
END $$;
SELECT judge(1, '{}'), judge(2, '{"factors": 2, "epochs": 1}'), judge(4, '{}'), judge(5, '{"regularization": 50}'), judge(7, '{"factors": 7}');
CREATE TABLE popular AS SELECT item_id, rank FROM t.recommend(-1, NULL);
INSERT INTO per_user SELECT 3, user_id, rec.ndcg(k.rank, r.item_id IS NOT NULL, 10)
FROM (SELECT u.user_id, p.item_id, row_number() OVER (PARTITION BY u.user_id ORDER BY p.rank) AS rank FROM (SELECT DISTINCT user_id FROM relevant) u, popular p
	WHERE NOT EXISTS (SELECT FROM seen s WHERE s.user_id = u.user_id AND s.item_id = p.item_id)) k FULL JOIN relevant r USING (user_id, item_id) GROUP BY user_id;
-- co-occurrence: the sum of cosines with the items of the user; whom nobody knows gets popular items
CREATE TABLE near AS SELECT a.item_id AS i, b.item_id AS j, count(*) / sqrt(max(na.n)::float8 * max(nb.n)) AS cosine FROM seen a JOIN seen b USING (user_id)
	JOIN (SELECT item_id, count(*) AS n FROM seen GROUP BY 1) na ON na.item_id = a.item_id JOIN (SELECT item_id, count(*) AS n FROM seen GROUP BY 1) nb ON nb.item_id = b.item_id WHERE a.item_id <> b.item_id GROUP BY 1, 2;
INSERT INTO per_user SELECT 8, user_id, rec.ndcg(k.rank, r.item_id IS NOT NULL, 10)
FROM (SELECT s.user_id, n.i AS item_id, row_number() OVER (PARTITION BY s.user_id ORDER BY sum(cosine) DESC) AS rank FROM seen s JOIN near n ON n.j = s.item_id
	WHERE s.user_id IN (SELECT r.user_id FROM relevant r) AND NOT EXISTS (SELECT FROM seen x WHERE x.user_id = s.user_id AND x.item_id = n.i) GROUP BY 1, 2) k FULL JOIN relevant r USING (user_id, item_id)
WHERE user_id IN (SELECT s.user_id FROM seen s) GROUP BY user_id;
INSERT INTO per_user SELECT 8, user_id, ndcg FROM per_user WHERE number = 3 AND user_id NOT IN (SELECT s.user_id FROM seen s);
CREATE TABLE hand AS SELECT b.number, avg(b.ndcg) AS value, avg(b.ndcg - a.ndcg) AS difference, count(*) AS users, stddev_samp(b.ndcg - a.ndcg) / sqrt(count(*)) AS error
FROM per_user a JOIN per_user b USING (user_id) WHERE a.number = 1 GROUP BY 1;
SELECT is(s.users, h.users, 'users of setting ' || number) FROM s JOIN hand h USING (number) ORDER BY number;
SELECT ok(abs(s.value - h.value) < 1e-12, format('value of setting %s: %s', number, s.value)) FROM s JOIN hand h USING (number) ORDER BY number;
SELECT ok(abs(s.difference - h.difference) < 1e-12, format('difference of setting %s: %s', number, s.difference)) FROM s JOIN hand h USING (number) WHERE number > 1 ORDER BY number;
SELECT ok(abs(s.p_value - CASE WHEN error = 0 THEN 1 ELSE t_p(h.difference / error, h.users::int - 1) END) < 1e-10, format('paired t test of setting %s: %s', number, s.p_value)) FROM s JOIN hand h USING (number) WHERE number > 1 ORDER BY number;
-- a 95 % interval by bootstrap is about the normal one; it holds the difference
SELECT ok(abs((ci_high - ci_low) / (2 * 1.96 * error) - 1) < 0.15 AND ci_low < s.difference AND s.difference < ci_high, 'interval of setting ' || number) FROM s JOIN hand h USING (number) WHERE number IN (2, 3, 5, 7) ORDER BY number;
SELECT results_eq('SELECT number, round(p_adjusted::numeric, 12) FROM s WHERE number > 1 ORDER BY 1', $$SELECT number, round(rec.adjust_p(p_value, 'holm') OVER ()::numeric, 12) FROM s WHERE number > 1 ORDER BY 1$$, 'Holm, among seven');
SELECT ok(bool_or(p_adjusted > p_value) AND bool_and(p_adjusted >= p_value), 'which makes p-values larger') FROM s WHERE number > 1;
SELECT results_eq('SELECT number, difference, ci_low, ci_high, p_value, p_adjusted, verdict FROM s WHERE number = 1',
	$$VALUES (1, NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8, 'the first, with which the others are compared')$$, 'the first is compared with nothing');
SELECT results_eq('SELECT number, setting::text, algorithm, metric FROM s', $$VALUES (1, '{}', 'als', 'ndcg@10'), (2, '{"epochs": 1, "factors": 2}', 'als', 'ndcg@10'), (3, '"popular"', 'popular', 'ndcg@10'),
	(4, '{}', 'als', 'ndcg@10'), (5, '{"regularization": 50}', 'als', 'ndcg@10'), (6, '"random"', 'random', 'ndcg@10'), (7, '{"factors": 7}', 'als', 'ndcg@10'), (8, '"cooccurrence"', 'cooccurrence', 'ndcg@10')$$, 'rows in the order of the settings');
-- words
SELECT ok(verdict LIKE 'worse than the first: ndcg@10 0.% against 0.% (-% \%)' AND difference < 0 AND p_adjusted < 0.05, 'worse: ' || verdict) FROM s WHERE number = 3;
SELECT is(verdict, format('the same for each of %s users', users), 'the same') FROM s WHERE number = 4;
SELECT results_eq('SELECT difference, ci_low, ci_high, p_value FROM s WHERE number = 4', $$VALUES (0::float8, 0::float8, 0::float8, 1::float8)$$, 'with p = 1');
SELECT ok(verdict LIKE format('not told apart from the first by %s users: ndcg@10 0.%%', users) AND p_adjusted >= 0.05, 'no difference: ' || verdict) FROM s WHERE number = 7;
CREATE TABLE b AS SELECT * FROM rec.compare('m', ARRAY['"popular"', '{}']::jsonb[], 'ndcg@10', 'temporal', interval '5 days');
SELECT ok(b.verdict LIKE 'better than the first: ndcg@10 0.% against 0.% (+% \%)', 'better: ' || b.verdict) FROM b WHERE number = 2;
SELECT ok(abs(b.difference + s.difference) < 1e-15 AND b.p_value = s.p_value AND b.p_adjusted = b.p_value, 'the other way round, and one comparison needs no adjustment') FROM b, s WHERE b.number = 2 AND s.number = 3;

-- scipy 1.10.1: scipy.stats.ttest_rel(cooccurrence, popular) over the values in per_user
SELECT ok(abs(p_value / 6.199026797430018e-23 - 1) < 1e-9 AND abs(difference - 0.3178204270502205) < 1e-12, 'the paired t test of scipy: ' || p_value)
FROM rec.compare('m', ARRAY['"popular"', '"cooccurrence"']::jsonb[], 'ndcg@10', 'temporal', '5 days') WHERE number = 2;

-- values are those of rec.evaluate, whatever the split, the seed and the metric
SELECT ok(count(*) = 3 AND bool_and(abs(c.value - v.value) < 1e-12 AND c.users = v.users), format('%s, split %s', metric, split))
FROM (VALUES ('ndcg@10', 'temporal', '5 days', 42), ('recall@5', 'random', '0.3', 3), ('mrr@20', 'last', '2', 42), ('auc', 'random', '0.2', 9), ('novelty@3', 'temporal', '0.1', 42), ('diversity@5', 'random', '0.2', 1)) x (metric, split, holdout, seed),
LATERAL (SELECT * FROM rec.compare('m', ARRAY['{}', '{"factors": 3}', '"popular"']::jsonb[], x.metric, x.split, x.holdout, seed => x.seed)) c (number, setting, algorithm, m, value, difference, ci_low, ci_high, p_value, p_adjusted, users, verdict),
LATERAL (SELECT value, users FROM rec.evaluate('m', x.split, x.holdout, CASE WHEN x.metric LIKE '%@%' THEN ARRAY[split_part(x.metric, '@', 2)::int] END,
	CASE WHEN jsonb_typeof(setting) = 'object' THEN setting END, '{popular}', metrics => ARRAY[split_part(x.metric, '@', 1)], seed => x.seed) r
	WHERE r.algorithm = c.algorithm AND r.metric = split_part(x.metric, '@', 1) AND segment = 'all') v GROUP BY metric, split ORDER BY 1;
SELECT results_eq($$SELECT metric FROM rec.compare('m', ARRAY['"popular"', '"random"']::jsonb[])$$, $$VALUES ('ndcg@10'), ('ndcg@10')$$, 'the usual metric');
SELECT results_eq($$SELECT metric FROM rec.compare('m', ARRAY['"popular"', '"random"']::jsonb[], 'recall')$$, $$VALUES ('recall@10'), ('recall@10')$$, 'the usual k');
-- other algorithms, trained and as baselines, are compared like settings
SELECT results_eq($$SELECT algorithm FROM rec.compare('m', ARRAY['{}', '{"algorithm": "item_knn"}', '"ease"', '"cooccurrence"']::jsonb[])$$, $$VALUES ('als'), ('item_knn'), ('ease'), ('cooccurrence')$$, 'other algorithms');
-- exclude_seen, min_value
SELECT ok(a.users < b.users, 'without exclude_seen more users have relevant items') FROM rec.compare('m', ARRAY['"popular"', '"random"']::jsonb[], holdout => '1 day') a,
	rec.compare('m', ARRAY['"popular"', '"random"']::jsonb[], holdout => '1 day', exclude_seen => false) b WHERE a.number = 1 AND b.number = 1;
SELECT ok(a.users > b.users, 'with min_value fewer do') FROM rec.compare('m', ARRAY['"popular"', '"random"']::jsonb[], holdout => '1 day') a,
	rec.compare('m', ARRAY['"popular"', '"random"']::jsonb[], holdout => '1 day', min_value => 3) b WHERE a.number = 1 AND b.number = 1;

-- it repeats, with any number of workers; the seed draws the interval and nothing else; nothing is written
SET max_parallel_maintenance_workers = 0; SET max_parallel_workers_per_gather = 0;
SELECT results_eq($$SELECT * FROM rec.compare('m', ARRAY['{}', '{"factors": 2, "epochs": 1}', '"popular"', '{}', '{"regularization": 50}', '"random"', '{"factors": 7}', '"cooccurrence"']::jsonb[], 'ndcg@10', 'temporal', '5 days')$$, 'SELECT * FROM s', 'it repeats');
SELECT results_eq($$SELECT * FROM rec.compare('m', ARRAY['{}', '{"factors": 2, "epochs": 1}', 'popular', '{}', '{"regularization": 50}', '"random"', '{"factors": 7}', 'cooccurrence'], 'ndcg@10', 'temporal', '5 days')$$, 'SELECT * FROM s', 'settings as text');
SELECT results_eq($$SELECT * FROM rec.compare('m', '{"{}","{\"factors\": 2, \"epochs\": 1}",popular,"{}","{\"regularization\": 50}",random,"{\"factors\": 7}",cooccurrence}', 'ndcg@10', split => 'temporal', holdout => '5 days')$$, 'SELECT * FROM s', 'an array without a type');
RESET max_parallel_maintenance_workers; RESET max_parallel_workers_per_gather;
SELECT ok(c.value = b.value AND c.difference = b.difference AND c.p_value = b.p_value AND c.ci_low <> b.ci_low, 'another seed, another interval')
FROM rec.compare('m', ARRAY['"popular"', '{}']::jsonb[], 'ndcg@10', 'temporal', interval '5 days', seed => 1) c JOIN b USING (number) WHERE number = 2;
SELECT is(active_version, NULL, 'nothing was trained') FROM rec.model WHERE model = 'm';
SELECT is((SELECT count(*) FROM m.model_version) + (SELECT count(*) FROM rec.training_run WHERE model = 'm') + (SELECT count(*) FROM rec.trial), 0::bigint, 'or stored');
SELECT results_eq($$SELECT state, message FROM rec.training_progress WHERE model = 'm'$$, $$VALUES ('done', 'compared')$$, 'the progress view');

-- explicit feedback: rmse, the less the better
CREATE TABLE g (user_id int, item_id int, rating real, at timestamptz);
INSERT INTO g SELECT u, i, 1 + (u % 3 + i % 4 + (u * i) % 2)::real * 0.6, '2024-01-01'::timestamptz + (u * i * 37 % 1000) * interval '1 hour' FROM generate_series(1, 60) u, generate_series(1, 40) i WHERE (u * 13 + i * 7) % 3 > 0;
SELECT rec.create_model('x', 'g', value_column => 'rating', time_column => 'at', feedback => 'explicit', params => '{"factors": 4}');
CREATE VIEW gtrain AS SELECT * FROM g WHERE at <= (SELECT max(at) FROM g) - interval '7 days';
SELECT rec.create_model('gt', 'gtrain', value_column => 'rating', time_column => 'at', feedback => 'explicit', params => '{"factors": 4}');
SELECT rec.train('gt');
SELECT rec.train('gt', params => '{"regularization": 1000}');
CREATE TABLE errors AS SELECT user_id, sum((rating - gt.predict(user_id, item_id, 1)) ^ 2) AS a, sum((rating - gt.predict(user_id, item_id, 2)) ^ 2) AS b, count(gt.predict(user_id, item_id, 1)) AS n
FROM g WHERE at > (SELECT max(at) FROM g) - interval '7 days' GROUP BY 1;
CREATE TABLE gx AS SELECT * FROM rec.compare('x', ARRAY['{}', '{"regularization": 1000}']::jsonb[], holdout => '7 days');
SELECT results_eq('SELECT metric, users FROM gx', $$SELECT 'rmse', count(*) FROM errors, (VALUES (1), (2)) x GROUP BY x$$, 'explicit: rmse');
SELECT ok(abs((SELECT value FROM gx WHERE number = 1) - sqrt(sum(a) / sum(n))) < 1e-6 AND abs(difference - (sqrt(sum(b) / sum(n)) - sqrt(sum(a) / sum(n)))) < 1e-6, 'difference ' || difference) FROM errors, gx WHERE number = 2 GROUP BY difference;
SELECT ok(abs(p_value - t_p(avg(b - a) / (stddev_samp(b - a) / sqrt(count(*))), count(*)::int - 1)) < 1e-6, 'the test is one of squared errors: ' || p_value) FROM errors, gx WHERE number = 2 GROUP BY p_value;
SELECT ok(difference > 0 AND verdict LIKE 'worse than the first: rmse %', verdict) FROM gx WHERE number = 2;
SELECT ok(difference < 0 AND verdict LIKE 'better than the first: rmse %', verdict) FROM rec.compare('x', ARRAY['"popular"', '{}']::jsonb[], holdout => '7 days') WHERE number = 2;

-- a single user, and differences that do not vary: nothing to test with
CREATE TABLE o AS SELECT u AS user_id, CASE WHEN u <= 20 THEN i ELSE 3 + i % 2 END AS item_id, '2024-01-01'::timestamptz AS at FROM generate_series(1, 40) u, generate_series(1, 2) i;
INSERT INTO o VALUES (1, 3, '2024-02-01');
SELECT rec.create_model('o', 'o', time_column => 'at', params => '{"factors": 2, "epochs": 1}');
SELECT results_eq($$SELECT users, p_value, p_adjusted, verdict FROM rec.compare('o', ARRAY['"popular"', '{}']::jsonb[], 'mrr@3', holdout => '1 day') WHERE number = 2$$,
	$$VALUES (1::bigint, NULL::float8, NULL::float8, 'cannot be told: 1 user gives no variance to compare with')$$, 'one user');
CREATE TABLE again AS SELECT u AS user_id, CASE WHEN u <= 3 THEN 2 ELSE 1 END AS item_id, '2024-01-01'::timestamptz AS at FROM generate_series(1, 9) u;
INSERT INTO again SELECT u, 2, '2024-02-01' FROM generate_series(1, 3) u;
SELECT rec.create_model('again', 'again', time_column => 'at', params => '{"factors": 2, "epochs": 1}');
SELECT results_eq($$SELECT value, users, difference, ci_low, ci_high, p_value, p_adjusted, verdict FROM rec.compare('again', ARRAY['"popular"', '"buy_again"', '"popular"']::jsonb[], 'recall@1', holdout => '1 day', exclude_seen => false) WHERE number > 1$$,
	$$VALUES (1::float8, 3::bigint, 1::float8, 1::float8, 1::float8, NULL::float8, NULL::float8, 'cannot be told: 3 users give no variance to compare with'), (0, 3, 0, 0, 0, 1, 1, 'the same for each of 3 users')$$, 'the same difference for all');

-- versions: new events are those after the newest that any of them was trained on
CREATE TABLE w AS SELECT * FROM e WHERE at <= '2024-02-20';
SELECT rec.create_model('w', 'w', value_column => 'value', time_column => 'at', params => '{"factors": 8, "epochs": 5}');
SELECT rec.train('w');
INSERT INTO w SELECT * FROM e WHERE at > '2024-02-20' AND at <= '2024-02-24';
SELECT rec.train('w', params => '{"factors": 2, "epochs": 1}');
SELECT throws_ok($$SELECT rec.compare('w', '{1,2}'::int[])$$, '22023', 'there is nothing to test version 1 on', 'no new events yet');
INSERT INTO w SELECT * FROM e WHERE at > '2024-02-24';
CREATE TABLE v AS SELECT * FROM rec.compare('w', versions => '{1,2}');
SELECT results_eq('SELECT number, setting, algorithm, metric, round(value::numeric, 12), users FROM v',
	$$SELECT n, to_jsonb(n), algorithm, 'ndcg@10', round(value::numeric, 12), users FROM generate_series(1, 2) n, rec.evaluate_version('w', n, since => (SELECT max(at) FROM e WHERE at <= '2024-02-24'), k => '{10}', compare => '{}', metrics => '{ndcg}')
	WHERE metric = 'ndcg' AND segment = 'all'$$, 'versions have the values of rec.evaluate_version');
SELECT ok(difference < 0 AND ci_low <= difference AND difference <= ci_high AND p_adjusted = p_value AND verdict ~ '^(worse|not told apart)', verdict) FROM v WHERE number = 2;
CREATE TABLE later AS SELECT * FROM e WHERE at > '2024-02-24';
SELECT results_eq($$SELECT * FROM rec.compare('w', ARRAY[1, 2], 'later', '2024-02-01')$$, 'SELECT * FROM v', 'another relation');
SELECT results_eq($$SELECT * FROM rec.compare('w', '{1, 2}')$$, 'SELECT * FROM v', 'an array without a type');
SELECT results_eq($$SELECT value FROM rec.compare('w', '{1,2}', 'recall@5')$$, $$SELECT value FROM rec.compare('w', versions => '{1,2}', metric => 'recall@5')$$, 'with a metric');
SELECT results_eq($$SELECT * FROM rec.compare('w', ARRAY[1, 2], since => (SELECT max(at) FROM e WHERE at <= '2024-02-24'))$$, 'SELECT * FROM v', 'events after a time');
SELECT is(verdict, format('the same for each of %s users', users), 'a version and itself') FROM rec.compare('w', ARRAY[2, 2], metric => 'recall@5') WHERE number = 2;

-- bad input
SELECT throws_ok(q, code, message, q) FROM (VALUES
	($$SELECT rec.compare(NULL, ARRAY['{}', '{}']::jsonb[])$$, '22004', 'model must not be null'),
	($$SELECT rec.compare('mm', ARRAY['{}', '{}']::jsonb[])$$, '42704', 'model "mm" does not exist'),
	($$SELECT rec.compare('m', NULL::jsonb[])$$, '22004', 'settings must not be null'),
	($$SELECT rec.compare('m', '{}'::jsonb[])$$, '22023', 'settings must be at least two and at most 100'),
	($$SELECT rec.compare('m', ARRAY['{}']::jsonb[])$$, '22023', 'settings must be at least two and at most 100'),
	($$SELECT rec.compare('m', array_fill('{}'::jsonb, '{101}'))$$, '22023', 'settings must be at least two and at most 100'),
	($$SELECT rec.compare('m', ARRAY['{}', NULL]::jsonb[])$$, '22004', 'settings must not hold nulls'),
	($$SELECT rec.compare('m', ARRAY['{}', '7']::jsonb[])$$, '22023', 'invalid setting 2'),
	($$SELECT rec.compare('m', ARRAY['null', '{}']::jsonb[])$$, '22023', 'invalid setting 1'),
	($$SELECT rec.compare('m', ARRAY['{}', '["popular"]']::jsonb[])$$, '22023', 'invalid setting 2'),
	($$SELECT rec.compare('m', ARRAY['{}', '"populer"']::jsonb[])$$, '22023', 'unknown algorithm "populer"'),
	($$SELECT rec.compare('m', ARRAY['{}', '""']::jsonb[])$$, '22023', 'unknown algorithm ""'),
	($$SELECT rec.compare('m', ARRAY['{}', '"als"']::jsonb[])$$, '22023', 'unknown algorithm "als"'),
	($$SELECT rec.compare('m', ARRAY['{}', '{"factor": 8}']::jsonb[])$$, '22023', 'unknown parameter "factor"'),
	($$SELECT rec.compare('m', ARRAY['{}', '{"factors": -1}']::jsonb[])$$, '22023', 'invalid value for parameter "factors": -1'),
	($$SELECT rec.compare('m', ARRAY['{}', '"popular"']::jsonb[], 'ndgc@10')$$, '22023', 'unknown metric "ndgc"'),
	($$SELECT rec.compare('m', ARRAY['{}', '"popular"']::jsonb[], '')$$, '22023', 'unknown metric ""'),
	($$SELECT rec.compare('m', ARRAY['{}', '"popular"']::jsonb[], 'ndcg@0')$$, '22023', 'invalid metric "ndcg@0"'),
	($$SELECT rec.compare('m', ARRAY['{}', '"popular"']::jsonb[], 'ndcg@')$$, '22023', 'invalid metric "ndcg@"'),
	($$SELECT rec.compare('m', ARRAY['{}', '"popular"']::jsonb[], 'ndcg@500')$$, '22023', 'k = 500 is larger than the catalogue'),
	($$SELECT rec.compare('m', ARRAY['{}', '"popular"']::jsonb[], 'auc@10')$$, '22023', 'metric "auc" has no k'),
	($$SELECT rec.compare('m', ARRAY['{}', '"popular"']::jsonb[], 'coverage@10')$$, '22023', 'metric "coverage" cannot be compared by users'),
	($$SELECT rec.compare('m', ARRAY['{}', '"popular"']::jsonb[], 'rmse')$$, '22023', 'metric "rmse" is for explicit feedback, and model "m" has implicit feedback'),
	($$SELECT rec.compare('m', ARRAY['{}', '"popular"']::jsonb[], split => 'temporel')$$, '22023', 'unknown split "temporel"'),
	($$SELECT rec.compare('m', ARRAY['{}', '"popular"']::jsonb[], holdout => 0)$$, '22023', 'invalid holdout: 0'),
	($$SELECT rec.compare('m', ARRAY['{}', '"popular"']::jsonb[], holdout => '20 years')$$, '22023', 'the holdout leaves nothing to train on'),
	($$SELECT rec.compare('m', ARRAY['{}', '"popular"']::jsonb[], min_value => 'NaN')$$, '22023', 'min_value must be a finite number'),
	($$SELECT rec.compare('m', ARRAY['{}', 'populer'])$$, '22023', 'unknown algorithm "populer"'),
	($$SELECT rec.compare('m', ARRAY['{}', '{"factors": 8'])$$, '22P02', 'invalid input syntax for type json'),
	($$SELECT rec.compare('m', ARRAY['{}', NULL])$$, '22004', 'settings must not hold nulls'),
	($$SELECT rec.compare('m', ARRAY['{}', '7'])$$, '22023', 'invalid setting 2'),
	($$SELECT rec.compare('m', ARRAY['{}', ''])$$, '22P02', 'invalid input syntax for type json'),
	-- an array without a type: numbers are versions
	($$SELECT rec.compare('m', '{1,2}')$$, '42704', 'model "m" has no version 1'),
	($$SELECT rec.compare('w', '{1,3}')$$, '42704', 'model "w" has no version 3'),
	($$SELECT rec.compare('w', '{1}')$$, '22023', 'versions must be at least two and at most 100'),
	($$SELECT rec.compare('w', '{1,2}', split => 'last')$$, '22023', 'versions are not trained, so they have no split and no holdout'),
	($$SELECT rec.compare('w', '{1,99999999999}')$$, '22003', 'value "99999999999" is out of range for type integer'),
	($$SELECT rec.compare('w', '{1,2')$$, '22P02', 'malformed array literal: "{1,2"'),
	($$SELECT rec.compare('w', '{{1,2},{3}}')$$, '22P02', NULL),
	($$SELECT rec.compare('w', '{}')$$, '22023', 'settings must be at least two and at most 100'),
	($$SELECT rec.compare('w', 'popular')$$, '22P02', 'malformed array literal: "popular"'),
	($$SELECT rec.compare('w', NULL)$$, '22004', 'settings must not be null'),
	($$SELECT rec.compare('w', NULL::int[])$$, '22004', 'versions must not be null'),
	($$SELECT rec.compare('w', versions => '{1}')$$, '22023', 'versions must be at least two and at most 100'),
	($$SELECT rec.compare('w', versions => '{}')$$, '22023', 'versions must be at least two and at most 100'),
	($$SELECT rec.compare('w', versions => '{1,NULL}')$$, '22004', 'versions must not hold nulls'),
	($$SELECT rec.compare('w', versions => '{1,3}')$$, '42704', 'model "w" has no version 3'),
	($$SELECT rec.compare('w', versions => '{0,1}')$$, '42704', 'model "w" has no version 0'),
	($$SELECT rec.compare('w', versions => '{1,-2147483648}')$$, '42704', 'model "w" has no version -2147483648'),
	($$SELECT rec.compare('w', versions => '{1,2}', metric => 'ndgc')$$, '22023', 'unknown metric "ndgc"'),
	($$SELECT rec.compare('w', versions => '{1,2}', events => 'nothing')$$, '42P01', NULL),
	($$SELECT rec.compare('w', versions => '{1,2}', since => 'infinity')$$, '22023', 'since must be finite'),
	($$SELECT rec.compare('w', versions => '{1,2}', since => '2030-01-01')$$, '22023', 'there is nothing to test version 1 on')
) v (q, code, message);
SELECT lives_ok($$SELECT rec.compare('m', settings => '{"\"popular\"","\"random\""}')$$, 'a named argument has a type');

-- only the owner, and nothing is told to others
CREATE ROLE rec_compare_stranger;
GRANT USAGE ON SCHEMA m, w TO rec_compare_stranger;
GRANT SELECT ON e, w TO rec_compare_stranger;
SET ROLE rec_compare_stranger;
SELECT throws_ok($$SELECT rec.compare('m', ARRAY['{}', '"popular"']::jsonb[])$$, '42501', 'must be owner of model "m" to evaluate it', 'settings: only the owner');
SELECT throws_ok($$SELECT rec.compare('w', versions => '{1,2}')$$, '42501', 'must be owner of model "w" to evaluate it', 'versions: only the owner');
SELECT throws_ok($$SELECT rec.compare('w', versions => '{1,9}')$$, '42501', 'must be owner of model "w" to evaluate it', 'which versions there are is not told');
RESET ROLE;
SELECT finish();
