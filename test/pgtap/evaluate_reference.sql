-- rec.evaluate against an implementation of its own in Python (numpy 1.24.2 of Debian 12: matrices of pairs, Python's sort for the lists,
-- the formulas of docs/evaluation.md), on data with many ties: 40 items, of which several have the same number of users.
SET client_min_messages = warning;
SELECT no_plan();
CREATE TABLE e (user_id int, item_id int, at timestamptz);
INSERT INTO e SELECT DISTINCT u, (h / 7 % 40 * (1 + h / 300 % 40)) / 40, timestamptz '2024-01-01' + h / 11 % 100 * interval '1 day'
FROM generate_series(1, 120) u, generate_series(1, 12) n, LATERAL (SELECT (u * 7919 + n * 104729 + u * n * n * 31) % 1000003 AS h) x WHERE (u * n) % 7 <> 0;
SELECT rec.create_model('m', 'e', time_column => 'at', params => '{"factors": 4, "epochs": 2}');
CREATE TABLE expected (algorithm text, metric text, k int, value float8);
INSERT INTO expected VALUES
	('popular', 'auc', NULL, 0.7336921645465282),
	('popular', 'coverage', 3, 0.275),
	('popular', 'coverage', 10, 0.475),
	('popular', 'diversity', 3, 0.5508986608426735),
	('popular', 'diversity', 10, 0.700163035701986),
	('popular', 'gini', 3, 0.8425925925925926),
	('popular', 'gini', 10, 0.6336666666666667),
	('popular', 'hit_rate', 3, 0.3333333333333333),
	('popular', 'hit_rate', 10, 0.7444444444444445),
	('popular', 'map', 3, 0.12407407407407407),
	('popular', 'map', 10, 0.22085611405055847),
	('popular', 'mrr', 3, 0.19444444444444445),
	('popular', 'mrr', 10, 0.27334215167548503),
	('popular', 'ndcg', 3, 0.16572739863365704),
	('popular', 'ndcg', 10, 0.34102248639852706),
	('popular', 'novelty', 3, 1.14459187682164),
	('popular', 'novelty', 10, 1.6861020625814085),
	('popular', 'popularity_lift', 3, 0.39235962288616233),
	('popular', 'popularity_lift', 10, -0.007379188799849334),
	('popular', 'precision', 3, 0.1259259259259259),
	('popular', 'precision', 10, 0.11111111111111109),
	('popular', 'recall', 3, 0.20777777777777778),
	('popular', 'recall', 10, 0.6242592592592592),
	('popular', 'recall_capped', 3, 0.2111111111111111),
	('popular', 'recall_capped', 10, 0.6242592592592592),
	('cooccurrence', 'auc', NULL, 0.7157197574403035),
	('cooccurrence', 'coverage', 3, 0.3),
	('cooccurrence', 'coverage', 10, 0.65),
	('cooccurrence', 'diversity', 3, 0.5648102569531587),
	('cooccurrence', 'diversity', 10, 0.712257841568013),
	('cooccurrence', 'gini', 3, 0.8255555555555556),
	('cooccurrence', 'gini', 10, 0.5977222222222223),
	('cooccurrence', 'hit_rate', 3, 0.35555555555555557),
	('cooccurrence', 'hit_rate', 10, 0.7333333333333333),
	('cooccurrence', 'map', 3, 0.13796296296296295),
	('cooccurrence', 'map', 10, 0.22525315990593767),
	('cooccurrence', 'mrr', 3, 0.21666666666666667),
	('cooccurrence', 'mrr', 10, 0.28605820105820107),
	('cooccurrence', 'ndcg', 3, 0.18049350855454047),
	('cooccurrence', 'ndcg', 10, 0.341192320012556),
	('cooccurrence', 'novelty', 3, 1.166911748013306),
	('cooccurrence', 'novelty', 10, 1.7374781655885054),
	('cooccurrence', 'popularity_lift', 3, 0.37589609408968605),
	('cooccurrence', 'popularity_lift', 10, -0.02557572062753255),
	('cooccurrence', 'precision', 3, 0.13703703703703704),
	('cooccurrence', 'precision', 10, 0.10777777777777779),
	('cooccurrence', 'recall', 3, 0.21555555555555553),
	('cooccurrence', 'recall', 10, 0.6057407407407407),
	('cooccurrence', 'recall_capped', 3, 0.22037037037037036),
	('cooccurrence', 'recall_capped', 10, 0.6057407407407407);
CREATE TABLE r AS SELECT * FROM rec.evaluate('m', 'temporal', '20 days', '{3,10}', compare => '{popular,cooccurrence}');
SELECT is((SELECT count(*) FROM expected JOIN r USING (algorithm, metric) WHERE r.segment = 'all' AND r.k IS NOT DISTINCT FROM expected.k), 50::bigint, 'all metrics are there');
-- (sums of a diversity are kept in single precision)
SELECT ok(abs(r.value - x.value) < CASE x.metric WHEN 'diversity' THEN 1e-7 ELSE 1e-12 END, format('%s %s%s: %s', x.algorithm, x.metric, '@' || x.k, x.value))
FROM expected x JOIN r USING (algorithm, metric) WHERE r.segment = 'all' AND r.k IS NOT DISTINCT FROM x.k ORDER BY x.algorithm, x.metric, x.k;
SELECT results_eq($$SELECT metric, value::int FROM r WHERE algorithm = 'data' ORDER BY 1$$, $$VALUES ('excluded_pairs', 65), ('relevant_pairs', 157), ('training_pairs', 752), ('unseen_items', 0), ('unseen_pairs', 0), ('users_without_relevant', 13)$$, 'what the parts hold');

-- the bootstrap follows the seed, and nothing else does
SELECT results_eq($$SELECT algorithm, metric, k, round(value::numeric, 12), users, segment FROM rec.evaluate('m', 'temporal', '20 days', '{3,10}', compare => '{popular,cooccurrence}', seed => 7)$$, 'SELECT algorithm, metric, k, round(value::numeric, 12), users, segment FROM r', 'another seed, the same values');
SELECT results_eq($$SELECT * FROM rec.evaluate('m', 'temporal', '20 days', '{3,10}', compare => '{popular,cooccurrence}', seed => 7)$$, $$SELECT * FROM rec.evaluate('m', 'temporal', '20 days', '{3,10}', compare => '{popular,cooccurrence}', seed => 7)$$, 'the same seed, the same intervals');
SELECT ok((SELECT count(*) FROM rec.evaluate('m', 'temporal', '20 days', '{3,10}', compare => '{popular,cooccurrence}', seed => 7) s JOIN r USING (algorithm, metric, segment)
	WHERE s.k IS NOT DISTINCT FROM r.k AND s.ci_low <> r.ci_low) > 30, 'another seed, other intervals');
SELECT * FROM finish();
