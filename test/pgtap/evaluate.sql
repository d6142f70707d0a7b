-- rec.evaluate against the same work done by hand: training on the training part alone, recommend_many(), and metrics in SQL.
SET client_min_messages = warning;
SELECT no_plan();
-- 300 users in 5 groups who like 20 items of 100 each and some others; user 301 to 310 come late, item 101 to 103 too
CREATE TABLE e (user_id int, item_id int, value real, at timestamptz);
INSERT INTO e SELECT u, CASE WHEN h % 10 < 7 THEN (u % 5) * 20 + h / 10 % 20 ELSE h / 10 % 100 END, 1 + h % 3,
	'2024-01-01'::timestamptz + (h % 86400) * interval '1 minute'
FROM generate_series(1, 300) u, generate_series(1, 25) n, LATERAL (SELECT (u * 7919 + n * 104729 + u * n * 31) % 1000003 AS h) x;
INSERT INTO e SELECT u, (u * 7 + n) % 40, 1, '2024-02-29 12:00+00'::timestamptz + n * interval '1 hour' FROM generate_series(301, 310) u, generate_series(1, 4) n;
INSERT INTO e SELECT u, 100 + u % 3, 1, '2024-02-29 18:00+00' FROM generate_series(1, 30) u;
-- returns: user 5 sends something back in the training part and takes it again later
INSERT INTO e VALUES (5, 50, -9, '2024-01-15'), (5, 50, 1, '2024-02-29 23:00+00');
CREATE INDEX ON e (user_id);
SELECT rec.create_model('m', 'e', value_column => 'value', time_column => 'at', params => '{"factors": 8, "epochs": 5}');

CREATE TABLE r AS SELECT * FROM rec.evaluate('m', split => 'temporal', holdout => '5 days', k => '{3,10}');
CREATE FUNCTION value(a text, m text, n int DEFAULT NULL, s text DEFAULT 'all') RETURNS float8 LANGUAGE sql AS $$
	SELECT value FROM r WHERE algorithm = a AND metric = m AND k IS NOT DISTINCT FROM n AND segment = s$$;
CREATE FUNCTION users(a text, m text, n int DEFAULT NULL, s text DEFAULT 'all') RETURNS bigint LANGUAGE sql AS $$
	SELECT users FROM r WHERE algorithm = a AND metric = m AND k IS NOT DISTINCT FROM n AND segment = s$$;

-- by hand
CREATE VIEW train AS SELECT * FROM e WHERE at <= (SELECT max(at) FROM e) - interval '5 days';
CREATE VIEW test AS SELECT * FROM e WHERE at > (SELECT max(at) FROM e) - interval '5 days';
SELECT rec.create_model('t', 'train', value_column => 'value', time_column => 'at', params => '{"factors": 8, "epochs": 5}');
SELECT rec.train('t');
CREATE TABLE seen AS SELECT user_id, item_id, sum(value) AS net FROM train GROUP BY 1, 2;
CREATE TABLE relevant AS SELECT user_id, item_id FROM (SELECT user_id, item_id FROM test GROUP BY 1, 2 HAVING sum(value) > 0) x
WHERE NOT EXISTS (SELECT FROM seen s WHERE s.user_id = x.user_id AND s.item_id = x.item_id);
-- all items, in order; whom the version does not know gets popular ones
CREATE TABLE ranking AS SELECT user_id, item_id, rank, source FROM t.recommend_many((SELECT array_agg(DISTINCT user_id) FROM relevant), NULL);
CREATE TABLE judged AS SELECT user_id, item_id, k.rank, r.item_id IS NOT NULL AS relevant FROM ranking k FULL JOIN relevant r USING (user_id, item_id)
WHERE user_id IN (SELECT user_id FROM relevant);
CREATE TABLE per_user AS SELECT user_id, n AS k, rec.recall(rank, relevant, n) AS recall, rec.recall_capped(rank, relevant, n) AS recall_capped,
	rec.precision(rank, relevant, n) AS precision, rec.ndcg(rank, relevant, n) AS ndcg, rec.map(rank, relevant, n) AS map, rec.mrr(rank, relevant, n) AS mrr,
	rec.hit_rate(rank, relevant, n) AS hit_rate, rec.auc(rank, relevant) AS auc FROM judged, (VALUES (3), (10)) k (n) GROUP BY 1, 2;
SELECT ok(abs(x.v - value('als', x.m, k)) < 1e-12, format('%s@%s: %s', x.m, k, x.v))
FROM (SELECT k, avg(recall) AS recall, avg(recall_capped) AS recall_capped, avg(precision) AS precision, avg(ndcg) AS ndcg, avg(map) AS map, avg(mrr) AS mrr, avg(hit_rate) AS hit_rate FROM per_user GROUP BY 1) p,
	LATERAL (VALUES ('recall', recall), ('recall_capped', recall_capped), ('precision', precision), ('ndcg', ndcg), ('map', map), ('mrr', mrr), ('hit_rate', hit_rate)) x (m, v) ORDER BY k, m;
-- (popular items of one popularity tie in rec.evaluate and have two ranks here, so cold users are left out)
SELECT ok(abs((SELECT avg(auc) FROM per_user WHERE k = 3 AND user_id IN (SELECT user_id FROM seen WHERE net > 0 GROUP BY 1 HAVING count(*) >= 5)) - value('als', 'auc', NULL, 'warm')) < 1e-9, 'auc: ' || value('als', 'auc', NULL, 'warm'));
SELECT is(users('als', 'ndcg', 10), (SELECT count(DISTINCT user_id) FROM relevant), 'users with a relevant item');
SELECT is(value('als', 'coverage', n), (SELECT count(DISTINCT item_id) FROM ranking WHERE rank <= n) / (SELECT count(DISTINCT item_id)::float8 FROM train), 'coverage@' || n) FROM unnest('{3,10}'::int[]) n;
SELECT ok(abs(value('als', 'novelty', 3) - (SELECT avg(v) FROM (SELECT avg(-log(2, s.n::numeric / (SELECT count(DISTINCT user_id) FROM train))) AS v FROM ranking
	JOIN (SELECT item_id, count(*) AS n FROM seen WHERE net > 0 GROUP BY 1) s USING (item_id) WHERE rank <= 3 GROUP BY user_id) x)) < 1e-9, 'novelty');
SELECT ok(abs(value('als', 'gini', top) - (WITH c AS (SELECT i.item_id, count(k.item_id) AS n FROM (SELECT DISTINCT item_id FROM train) i LEFT JOIN ranking k ON k.item_id = i.item_id AND k.rank <= top GROUP BY 1),
	o AS (SELECT n, row_number() OVER (ORDER BY n) AS i, count(*) OVER () AS all FROM c) SELECT sum((2 * i - "all" - 1) * n) / (max("all") * sum(n)) FROM o)) < 1e-9, 'gini@' || top) FROM unnest('{3,10}'::int[]) top;
-- diversity: 1 - mean cosine of user sets over the pairs of a list
CREATE TABLE cosines AS SELECT a.item_id AS i, b.item_id AS j, count(*) / sqrt(max(na.n)::float8 * max(nb.n)) AS c FROM seen a JOIN seen b USING (user_id)
	JOIN (SELECT item_id, count(*) AS n FROM seen WHERE net > 0 GROUP BY 1) na ON na.item_id = a.item_id JOIN (SELECT item_id, count(*) AS n FROM seen WHERE net > 0 GROUP BY 1) nb ON nb.item_id = b.item_id
	WHERE a.net > 0 AND b.net > 0 GROUP BY 1, 2;
SELECT ok(abs(value('als', 'diversity', 3) - (SELECT avg(d) FROM (SELECT 1 - avg(coalesce(c, 0)) AS d FROM ranking a JOIN ranking b ON b.user_id = a.user_id AND b.item_id > a.item_id
	LEFT JOIN cosines ON i = a.item_id AND j = b.item_id WHERE a.rank <= 3 AND b.rank <= 3 GROUP BY a.user_id) x)) < 1e-6, 'diversity');
-- lift of popularity: how popular listed items are beside the users' own, less 1
SELECT ok(abs(value('als', 'popularity_lift', 3) - (WITH n AS (SELECT item_id, count(*) AS n FROM seen WHERE net > 0 GROUP BY 1),
	l AS (SELECT user_id, avg(n) AS listed FROM ranking JOIN n USING (item_id) WHERE rank <= 3 GROUP BY 1),
	o AS (SELECT user_id, avg(n) AS own FROM seen JOIN n USING (item_id) WHERE net > 0 GROUP BY 1)
	SELECT sum(listed) / sum(own) - 1 FROM l JOIN o USING (user_id))) < 1e-6, 'popularity_lift');

-- segments: users unseen in training are cold and get what everybody gets; items that were unseen are misses
SELECT is(users('als', 'ndcg', 10, 'cold'), (SELECT count(DISTINCT user_id) FROM relevant WHERE user_id > 300), 'cold users');
SELECT is(users('als', 'ndcg', 10, 'cold') + coalesce(users('als', 'ndcg', 10, 'sparse'), 0) + users('als', 'ndcg', 10, 'warm'), users('als', 'ndcg', 10), 'segments add up');
SELECT is(value('als', 'ndcg', 10, 'cold'), value('popular', 'ndcg', 10, 'cold'), 'cold users get popular items');
SELECT is(value('als', 'recall', 10, 'cold items'), 0::float8, 'unseen items are misses');
SELECT is(users('als', 'recall', 10, 'cold items'), (SELECT count(DISTINCT user_id) FROM relevant WHERE item_id > 100 OR item_id NOT IN (SELECT item_id FROM train)), 'of these users');
SELECT is(value('data', 'unseen_items'), (SELECT count(DISTINCT item_id)::float8 FROM relevant WHERE item_id NOT IN (SELECT item_id FROM train)), 'unseen items are reported');
SELECT is(value('data', 'relevant_pairs'), (SELECT count(*)::float8 FROM relevant), 'relevant pairs');
SELECT is(value('data', 'users_without_relevant'), (SELECT count(DISTINCT user_id)::float8 FROM e) - users('als', 'ndcg', 10), 'users without a relevant item are counted');
SELECT is(value('data', 'training_pairs'), (SELECT count(*)::float8 FROM seen), 'training pairs');
SELECT ok(value('als', 'ndcg', 10) > 2 * value('popular', 'ndcg', 10) AND value('popular', 'ndcg', 10) > value('random', 'ndcg', 10), 'personal beats popular beats random');
SELECT ok(abs(value('random', 'auc') - 0.5) < 0.06, 'random has an auc of about one half');
SELECT ok(bool_and(ci_low <= value AND value <= ci_high), 'values lie in their intervals') FROM r WHERE ci_low IS NOT NULL AND metric <> 'popularity_lift';
SELECT ok(count(*) > 20, 'of which there are some') FROM r WHERE ci_low < value AND value < ci_high;
-- the interval of a mean is about as wide as the normal one
SELECT ok(abs((ci_high - ci_low) / (2 * 1.96 * s) - 1) < 0.15, 'width of an interval') FROM r, (SELECT stddev_pop(ndcg) / sqrt(count(*)) AS s FROM per_user WHERE k = 10) x
WHERE algorithm = 'als' AND metric = 'ndcg' AND k = 10 AND segment = 'all';

-- it repeats, with any number of workers, and the model stays as it was
SET max_parallel_maintenance_workers = 0; SET max_parallel_workers_per_gather = 0;
SELECT results_eq($$SELECT * FROM rec.evaluate('m', split => 'temporal', holdout => '5 days', k => '{3,10}')$$, 'SELECT * FROM r', 'it repeats');
RESET max_parallel_maintenance_workers; RESET max_parallel_workers_per_gather;
SELECT is(active_version, NULL, 'nothing was trained') FROM rec.model WHERE model = 'm';
SELECT is((SELECT count(*) FROM m.model_version) + (SELECT count(*) FROM rec.training_run WHERE model = 'm'), 0::bigint, 'or stored');
SELECT results_eq($$SELECT state, message FROM rec.training_progress WHERE model = 'm'$$, $$VALUES ('done', 'evaluated')$$, 'the progress view');

-- a fraction of the events by time; ties at the boundary go to the test part
SELECT is(value, (SELECT count(*)::float8 FROM (SELECT DISTINCT user_id, item_id FROM (SELECT *, row_number() OVER (ORDER BY at) AS n FROM e) x WHERE n <= 0.8 * (SELECT count(*) FROM e)) y), 'a fifth of the events by default')
FROM rec.evaluate('m', compare => '{}', metrics => '{recall}') WHERE metric = 'training_pairs';
-- the last pair of each user, and a share of them
SELECT results_eq($$SELECT metric, value::int FROM rec.evaluate('m', split => 'last', holdout => 2, compare => '{}', metrics => '{recall}') WHERE metric IN ('relevant_pairs', 'users_without_relevant')$$,
	$$VALUES ('relevant_pairs', (SELECT 2 * count(*)::int FROM (SELECT user_id FROM (SELECT user_id, item_id FROM e GROUP BY 1, 2 HAVING sum(value) > 0) p GROUP BY 1 HAVING count(*) > 2) x)), ('users_without_relevant', (SELECT count(*)::int FROM (SELECT user_id FROM (SELECT user_id, item_id FROM e GROUP BY 1, 2 HAVING sum(value) > 0) p GROUP BY 1 HAVING count(*) <= 2) x))$$, 'split last leaves out so many pairs of each user');
CREATE TABLE l AS SELECT DISTINCT ON (user_id) user_id, item_id FROM (SELECT user_id, item_id, max(at) AS at FROM e GROUP BY 1, 2 HAVING sum(value) > 0) p ORDER BY user_id, at DESC;
CREATE VIEW train_last AS SELECT * FROM e WHERE NOT EXISTS (SELECT FROM l WHERE l.user_id = e.user_id AND l.item_id = e.item_id);
SELECT rec.create_model('tl', 'train_last', value_column => 'value', time_column => 'at', params => '{"factors": 8, "epochs": 5}');
SELECT rec.train('tl');
SELECT ok(abs(value - (SELECT avg(coalesce((r.rank <= 5)::int, 0)) FROM l LEFT JOIN tl.recommend_many(NULL, 5) r USING (user_id, item_id))) < 1e-12, 'leave one out: hit rate ' || value)
FROM rec.evaluate('m', split => 'last', k => '{5}', metrics => '{hit_rate}', compare => '{}') WHERE metric = 'hit_rate' AND segment = 'all';
SELECT ok(abs(value / (SELECT count(*) FROM (SELECT FROM e GROUP BY user_id, item_id HAVING sum(value) > 0) x) - 0.3) < 0.03, 'a random share of the pairs')
FROM rec.evaluate('m', split => 'random', holdout => 0.3, compare => '{}', metrics => '{recall}') WHERE metric = 'relevant_pairs';
SELECT isnt((SELECT value FROM rec.evaluate('m', split => 'random', compare => '{}', metrics => '{ndcg}', k => '{5}', seed => 1) WHERE metric = 'ndcg' AND segment = 'all'),
	(SELECT value FROM rec.evaluate('m', split => 'random', compare => '{}', metrics => '{ndcg}', k => '{5}', seed => 2) WHERE metric = 'ndcg' AND segment = 'all'), 'another seed, another split');

-- attributes take part in the training
CREATE TABLE items AS SELECT i AS item_id, 'group ' || i / 20 AS grp FROM generate_series(0, 103) i;
SELECT rec.create_model('a', 'e', value_column => 'value', time_column => 'at', params => '{"factors": 8, "epochs": 5}', items => 'items', item_attributes => '{grp}');
SELECT isnt((SELECT value FROM rec.evaluate('a', holdout => '5 days', k => '{10}', compare => '{}', metrics => '{ndcg}') WHERE metric = 'ndcg' AND segment = 'all'), value('als', 'ndcg', 10), 'attributes make a difference');

-- params, and segments by an expression
SELECT isnt(value('als', 'ndcg', 10), (SELECT value FROM rec.evaluate('m', holdout => interval '5 days', params => '{"factors": 2, "epochs": 1}', metrics => '{ndcg}', k => '{10}') WHERE algorithm = 'als' AND metric = 'ndcg' AND segment = 'all'), 'params are used');
SELECT results_eq($$SELECT segment, users FROM rec.evaluate('m', holdout => '5 days', k => '{10}', metrics => '{ndcg}', compare => '{}', segment => 'user_id % 5') WHERE metric = 'ndcg' AND segment NOT LIKE '%items'$$,
	$$SELECT 'all', count(DISTINCT user_id) FROM relevant UNION ALL (SELECT (user_id % 5)::text, count(DISTINCT user_id) FROM relevant GROUP BY 1 ORDER BY 1)$$, 'segments by an expression');
SELECT results_eq($$SELECT segment, users FROM rec.evaluate('m', holdout => '5 days', k => '{10}', metrics => '{ndcg}', compare => '{}', segment => 'count(*) > 24') WHERE metric = 'ndcg' AND segment NOT LIKE '%items'$$,
	$$SELECT 'all', count(DISTINCT user_id) FROM relevant UNION ALL (SELECT (n > 24)::text, count(*) FROM (SELECT user_id, count(*) AS n FROM e WHERE user_id IN (SELECT user_id FROM relevant) GROUP BY 1) x GROUP BY 1 ORDER BY 1)$$, 'segments by an aggregate');

-- repeated purchases: what users had may be recommended, and buy_again is the one to beat
CREATE TABLE w AS SELECT u AS user_id, (u * 7 + n % 4) % 60 AS item_id, '2024-01-01'::timestamptz + n * interval '7 days' + u * interval '1 minute' AS at FROM generate_series(1, 100) u, generate_series(1, 20) n;
SELECT rec.create_model('w', 'w', time_column => 'at', params => '{"factors": 8, "epochs": 3}');
CREATE TABLE q AS SELECT * FROM rec.evaluate('w', exclude_seen => false, k => '{4}', metrics => '{recall}', compare => '{popular,buy_again,cooccurrence,random}') WHERE metric = 'recall' AND segment = 'all';
SELECT results_eq($$SELECT algorithm FROM q$$, $$VALUES ('als'), ('popular'), ('buy_again'), ('cooccurrence'), ('random')$$, 'in the order that was asked for');
SELECT is(value, 1::float8, 'buy_again finds every repetition') FROM q WHERE algorithm = 'buy_again';
SELECT ok(value < 0.5, 'popular items do not') FROM q WHERE algorithm = 'popular';

-- explicit feedback: rmse and mae
CREATE TABLE g (user_id int, item_id int, rating real);
INSERT INTO g SELECT u, i, 1 + (u % 3 + i % 4 + (u * i) % 2)::real * 0.6 FROM generate_series(1, 60) u, generate_series(1, 40) i WHERE (u * 13 + i * 7) % 3 > 0;
SELECT rec.create_model('x', 'g', value_column => 'rating', feedback => 'explicit', params => '{"factors": 4}');
CREATE TABLE rx AS SELECT * FROM rec.evaluate('x', k => '{5}') WHERE segment = 'all';
SELECT ok((SELECT value FROM rx WHERE algorithm = 'als' AND metric = 'rmse') < (SELECT value FROM rx WHERE algorithm = 'popular' AND metric = 'rmse'), 'rmse below that of the items'' means');
SELECT ok((SELECT value FROM rx WHERE algorithm = 'als' AND metric = 'mae') <= (SELECT value FROM rx WHERE algorithm = 'als' AND metric = 'rmse'), 'mae is at most rmse');
SELECT is_empty($$SELECT FROM rx WHERE algorithm = 'random' AND metric = 'rmse'$$, 'random predicts no rating');
SELECT finish();
