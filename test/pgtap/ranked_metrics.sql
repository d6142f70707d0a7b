-- Metrics of ranked lists as aggregates: values, ties, misses, edge cases, parallel plans, hostile states.
-- Expected values: scikit-learn 1.2.1, ndcg_score([rel], [score], k), average_precision_score(rel, score),
-- roc_auc_score(rel, score) with score = -rank; recall, precision and reciprocal rank counted with numpy 1.24.2.
SET client_min_messages = warning;
SELECT no_plan();
CREATE FUNCTION near(have float8, want float8) RETURNS boolean LANGUAGE sql AS $$
	SELECT CASE WHEN want IS NULL THEN have IS NULL ELSE abs(have - want) <= 1e-12 END$$;
CREATE TABLE list AS SELECT rank, rank IN (2, 5, 6, 10) AS relevant FROM generate_series(1, 12) rank;

SELECT ok(near(rec.ndcg(rank, relevant, w.k), w.ndcg) AND near(rec.recall(rank, relevant, w.k), w.recall) AND
	near(rec.recall_capped(rank, relevant, w.k), w.capped) AND near(rec.precision(rank, relevant, w.k), w.precision) AND
	near(rec.mrr(rank, relevant, w.k), w.mrr) AND rec.hit_rate(rank, relevant, w.k) = (w.mrr > 0)::int, 'at ' || w.k)
FROM list, (VALUES (1, 0.0, 0.0, 0.0, 0.0, 0.0), (3, 0.2960819109658652, 0.25, 0.3333333333333333, 0.3333333333333333, 0.5),
	(5, 0.3973220069685352, 0.5, 0.5, 0.4, 0.5), (10, 0.6492233278282461, 1, 1, 0.4, 0.5),
	(12, 0.6492233278282461, 1, 1, 0.3333333333333333, 0.5)) w (k, ndcg, recall, capped, precision, mrr)
GROUP BY w.k, w.ndcg, w.recall, w.capped, w.precision, w.mrr ORDER BY w.k;
SELECT ok(near(rec.map(rank, relevant), 0.45) AND near(rec.auc(rank, relevant), 0.59375) AND near(rec.precision(rank, relevant), 4 / 12.0)
	AND near(rec.ndcg(rank, relevant), 0.6492233278282461), 'of the whole list') FROM list;
SELECT ok(near(rec.map(rank, relevant, 5), (1 / 2.0 + 2 / 5.0) / 4), 'map@5 divides by min(5, relevant)') FROM list;
SELECT ok(near(rec.map(rank, relevant, 2), (1 / 2.0) / 2), 'map@2 divides by min(2, relevant)') FROM list;
-- auc with ties, and with items that were not ranked
SELECT ok(near(rec.auc(r, y), 0.40625), 'auc: ties count half') FROM
	(VALUES (1, true), (1, false), (2, false), (3, true), (3, false), (3, true), (4, false), (5, true)) v (r, y);
SELECT ok(near(rec.auc(r, y), 0.41666666666666663), 'auc: what was not ranked stands last') FROM
	(VALUES (1, false), (2, true), (3, true), (4, false), (NULL, true), (NULL, false), (NULL, true)) v (r, y);
-- a relevant item without a rank is a miss
SELECT ok(near(rec.recall(r, y, 10), 0.5) AND near(rec.recall_capped(r, y, 1), 1) AND near(rec.precision(r, y, 10), 0.1)
	AND near(rec.ndcg(r, y, 10), 1 / (1 + 1 / log(2::numeric, 3)::float8)) AND near(rec.map(r, y, 10), 0.5), 'misses count')
FROM (VALUES (1, true), (NULL, true), (2, NULL)) v (r, y);
SELECT ok(near(rec.recall(NULL, true, 10), 0) AND near(rec.ndcg(NULL, true, 10), 0) AND near(rec.mrr(NULL, true, 10), 0)
	AND near(rec.precision(NULL, true), 0) AND near(rec.hit_rate(NULL, true), 0) AND near(rec.map(NULL, true), 0), 'nothing but misses');
-- undefined
SELECT is(rec.recall(r, false, 10), NULL, 'nothing relevant: null') FROM generate_series(1, 3) r;
SELECT ok(rec.ndcg(r, false, 10) IS NULL AND rec.precision(r, NULL, 10) IS NULL AND rec.auc(r, false) IS NULL AND rec.auc(r, true) IS NULL, 'all undefined ones are null') FROM generate_series(1, 3) r;
SELECT ok(rec.ndcg(r, true, 10) IS NULL AND rec.auc(r, true) IS NULL, 'no rows: null') FROM generate_series(1, 0) r;
-- several items of one rank never pass 1
SELECT ok(rec.ndcg(1, true, 3) = 1 AND rec.map(1, true, 3) = 1 AND rec.recall(1, true, 1) = 1, 'equal ranks') FROM generate_series(1, 4);
SELECT is(rec.recall(rank, relevant, NULL), rec.recall(rank, relevant), 'k null: the whole list') FROM list;
-- row_number() is bigint
SELECT ok(near(rec.ndcg(n, relevant, 5), 0.3973220069685352), 'row_number() as rank') FROM (SELECT row_number() OVER (ORDER BY rank) AS n, relevant FROM list) l;

-- bad input
SELECT throws_ok($$SELECT rec.recall(rank, relevant, 0) FROM list$$, '22023', 'k must be at least 1', 'k 0');
SELECT throws_ok($$SELECT rec.recall(0, true, 5)$$, '22023', 'invalid rank: 0', 'rank 0');
SELECT throws_ok($$SELECT rec.recall(-9223372036854775808, true)$$, '22023', NULL, 'the smallest rank');
SELECT throws_ok($$SELECT rec.auc(9223372036854775807, true)$$, '22023', NULL, 'the largest rank');
SELECT throws_ok($$SELECT rec.recall(rank, relevant, 1 + rank % 2) FROM list$$, '22023', 'k must be the same for all rows of a list', 'changing k');
SELECT throws_ok($$SELECT rec._ranked_recall(NULL)$$, '42883', NULL, 'the final function cannot be called by itself');
SELECT throws_ok($$SELECT rec._ranked_transition(NULL, 1, true)$$, '42883', NULL, 'the transition function cannot be called by itself');
SELECT throws_ok($$SELECT rec._ranked_combine(NULL, NULL)$$, '42883', NULL, 'the combine function cannot be called by itself');

-- parallel plans give the same
CREATE TABLE many AS SELECT u, (u * 31 + r * 17) % 997 + 1 AS rank, (u + r * r) % 7 = 0 AS relevant FROM generate_series(1, 200) u, generate_series(1, 200) r;
ALTER TABLE many SET (parallel_workers = 3);
ANALYZE many;
CREATE VIEW measured AS SELECT u % 5 AS g, rec.recall(rank, relevant, 50) AS a, rec.ndcg(rank, relevant, 50) AS b, rec.map(rank, relevant) AS c, rec.auc(rank, relevant) AS d, rec.mrr(rank, relevant, 3) AS e FROM many GROUP BY 1;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE serial AS SELECT * FROM measured;
SET max_parallel_workers_per_gather = 3; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
CREATE FUNCTION plan_of(q text) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN (COSTS off) ' || q; END $$;
SELECT ok(string_agg(p, ' ') LIKE '%Partial%Aggregate%', 'a parallel plan') FROM plan_of('SELECT * FROM measured') p;
SELECT results_eq('SELECT * FROM measured ORDER BY g', 'SELECT * FROM serial ORDER BY g', 'serial and parallel agree');
SELECT finish();
