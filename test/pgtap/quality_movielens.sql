-- Quality on MovieLens 100K (REC_DATA_DIR/ml-100k; skipped without it).
SET client_min_messages = warning;
SELECT no_plan();
\getenv data REC_DATA_DIR
\if :{?data}
\else
\set data ''
\endif
SELECT count(*) > 0 AS found FROM pg_stat_file(:'data' || '/ml-100k/ua.base', true) f WHERE f.size > 0 \gset
\if :found

\set file :data '/ml-100k/ua.base'
CREATE TABLE base (user_id int, item_id int, rating int, at bigint);
COPY base FROM :'file';
\set file :data '/ml-100k/ua.test'
CREATE TABLE test (LIKE base);
COPY test FROM :'file';
\set file :data '/ml-100k/u.data'
CREATE TABLE ratings (LIKE base);
COPY ratings FROM :'file';
CREATE INDEX ON base (user_id) INCLUDE (item_id);
ANALYZE;

-- Implicit: every rating a positive, all unseen items ranked. A double-precision reference reaches recall@10 .264 to .267
-- and ndcg@10 .305 to .309 over seeds, this solver .3028 to .3093; the goal is .262 and .303. One seed is run here, and
-- seeds differ by some thousandths, so .002 less is let pass.
SELECT rec.create_model('ml', 'base', params => '{"factors": 32, "regularization": 0.01, "unobserved_weight": 0.3, "frequency_exponent": 1,
	"weight_transform": "none", "epochs": 12, "holdout": 0}');
SELECT rec.train('ml');
-- recall: hits / min(10, relevant); the ideal gain ends at min(10, relevant)
CREATE FUNCTION metrics(model text, k int DEFAULT 10) RETURNS TABLE (recall float8, ndcg float8) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format($q$
		WITH hits AS (
			SELECT u.user_id, count(t.item_id) AS hits, coalesce(sum(1 / log(2, r.rank + 1)) FILTER (WHERE t.item_id IS NOT NULL), 0) AS gain
			FROM (SELECT DISTINCT user_id FROM test) u CROSS JOIN LATERAL %1$I.recommend(u.user_id, $1) r
			LEFT JOIN test t ON t.user_id = u.user_id AND t.item_id = r.item_id GROUP BY 1),
		ideal AS (SELECT user_id, least($1, count(*)) AS n FROM test GROUP BY 1)
		SELECT avg(hits / n::float8), avg(gain::float8 / (SELECT sum(1 / log(2, i + 1))::float8 FROM generate_series(1, n::int) i))
		FROM hits JOIN ideal USING (user_id)$q$, model) USING k;
END $$;
SELECT * FROM metrics('ml') \gset
SELECT cmp_ok(:recall::float8, '>=', 0.260::float8, 'recall@10 is ' || round(:recall::numeric, 4));
SELECT cmp_ok(:ndcg::float8, '>=', 0.301::float8, 'ndcg@10 is ' || round(:ndcg::numeric, 4));
-- the exact solver is no worse, and both beat popularity by far (.1215 / .1331)
SELECT rec.train('ml', '{"solver": "cholesky"}');
SELECT * FROM metrics('ml') \gset
SELECT cmp_ok(:ndcg::float8, '>=', 0.301::float8, 'with cholesky ndcg@10 is ' || round(:ndcg::numeric, 4));
-- recommendations of strangers are the popularity baseline, whose quality is known
SELECT round(avg(hits / 10.0), 4) AS recall FROM (SELECT user_id,
	(SELECT count(*) FROM (SELECT r.item_id FROM ml.recommend(-1, NULL) r WHERE NOT EXISTS (SELECT FROM base b WHERE b.user_id = u.user_id AND b.item_id = r.item_id) ORDER BY rank LIMIT 10) p
		JOIN test t ON t.user_id = u.user_id AND t.item_id = p.item_id) AS hits
	FROM (SELECT DISTINCT user_id FROM test ORDER BY 1 LIMIT 200) u) x \gset popular_
SELECT cmp_ok(:popular_recall::numeric, '<', 0.2, 'popular items reach ' || :popular_recall || ' for the first 200 users');
-- held-out metrics of the training itself are beside those of popular items
SELECT ok(ndcg > 1.5 * popular_ndcg AND recall > 1.5 * popular_recall, 'the training''s own holdout says so too') FROM rec.train('ml', '{"holdout": 0.1}');

-- EASE in closed form (Steck 2019) with l2 = 400; an independent implementation in double precision: recall .2717, ndcg .3177.
SELECT rec.create_model('ease', 'base', algorithm => 'ease', params => '{"regularization": 400}');
SELECT rec.train('ease');
SELECT * FROM metrics('ease') \gset
SELECT ok(abs(:recall::float8 - 0.2717) < 0.0006, 'ease: recall@10 is ' || round(:recall::numeric, 4));
SELECT ok(abs(:ndcg::float8 - 0.3177) < 0.0006, 'ease: ndcg@10 is ' || round(:ndcg::numeric, 4));
-- rec.evaluate_version on the ten held-out ratings of each user is the same protocol
SELECT ok(abs(max(value) FILTER (WHERE metric = 'recall_capped') - :recall::float8) < 1e-12 AND abs(max(value) FILTER (WHERE metric = 'ndcg') - :ndcg::float8) < 1e-12 AND min(users) = 943,
	'ease: the same from rec.evaluate_version') FROM rec.evaluate_version('ease', events => 'test', k => '{10}', metrics => '{recall_capped,ndcg}') WHERE algorithm = 'ease' AND segment = 'all';
SELECT rec.train('ease', '{"regularization": null}');
SELECT * FROM metrics('ease') \gset
SELECT cmp_ok(:ndcg::float8, '>=', 0.313::float8, 'ease with its own regularization: ndcg@10 is ' || round(:ndcg::numeric, 4));
SELECT rec.create_model('knn', 'base', algorithm => 'item_knn');
SELECT rec.train('knn');
SELECT * FROM metrics('knn') \gset
SELECT cmp_ok(:ndcg::float8, '>=', 0.24::float8, 'item_knn: ndcg@10 is ' || round(:ndcg::numeric, 4));

-- as baselines beside a version of als they are fitted to its stored history: the same numbers
CREATE TABLE beside AS SELECT algorithm, metric, value FROM rec.evaluate_version('ml', events => 'test', k => '{10}', metrics => '{recall_capped,ndcg}', compare => '{popular,ease,item_knn}') WHERE segment = 'all';
SELECT ok(abs(b.value - v.value) < 1e-9, b.algorithm || ': the same beside a version of als: ' || b.value) FROM beside b
JOIN (SELECT * FROM rec.evaluate_version('ease', events => 'test', k => '{10}') UNION ALL SELECT * FROM rec.evaluate_version('knn', events => 'test', k => '{10}')) v USING (algorithm, metric)
WHERE v.segment = 'all' AND algorithm IN ('ease', 'item_knn') AND metric = 'ndcg';
SELECT ok(count(*) = 4 AND bool_and(value > 1.8 * p), 'all of them far above popular items') FROM beside b JOIN (SELECT metric, value AS p FROM beside WHERE algorithm = 'popular') p USING (metric) WHERE algorithm IN ('als', 'ease');

-- Explicit: root mean squared error over five random folds, with the defaults; goal .912 (biases alone reach .940).
CREATE TABLE folds AS SELECT user_id, item_id, rating, (hashint8(user_id * 100000::bigint + item_id) & 2147483647) % 5 AS fold FROM ratings;
CREATE FUNCTION rmse(fold int) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE r float8;
BEGIN
	EXECUTE format('CREATE VIEW train_%s AS SELECT user_id, item_id, rating FROM folds WHERE fold <> %1$s', fold);
	PERFORM rec.create_model('fold_' || fold, 'train_' || fold, value_column => 'rating', feedback => 'explicit');
	PERFORM rec.train('fold_' || fold);
	EXECUTE format('SELECT sum((rating - coalesce(fold_%1$s.predict(user_id, item_id), 3.5)) ^ 2) FROM folds WHERE fold = %1$s', fold) INTO r;
	RETURN r;
END $$;
SELECT sqrt(sum(rmse(fold)) / (SELECT count(*) FROM folds)) AS rmse FROM generate_series(0, 4) fold \gset
SELECT cmp_ok(:rmse::float8, '<=', 0.912::float8, 'rmse over five folds is ' || round(:rmse::numeric, 4));

\else
SELECT skip('no MovieLens 100K: REC_DATA_DIR does not name a folder with ml-100k', 10);
\endif
SELECT * FROM finish();
