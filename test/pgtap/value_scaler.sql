-- value_scaler: fitted at training, stored with the version, the same when new events are folded in.
SET client_min_messages = warning;
SELECT no_plan();
CREATE TABLE e (u int, i int, kind text, dwell float8, at timestamptz);
INSERT INTO e SELECT u, (u * k * 7 + k) % 40, CASE WHEN k = 5 THEN 'other' WHEN k % 2 = 0 THEN 'view' ELSE 'buy' END, u * k % 17 * 2.5 + k, timestamptz '2024-01-01' + u * interval '1 hour' FROM generate_series(1, 80) u, generate_series(1, 6) k;
INSERT INTO e VALUES (1, 39, 'view', NULL, '2024-01-01'), (2, 39, 'view', 'NaN', '2024-01-01'), (NULL, 39, 'view', 1e6, '2024-01-01'), (3, NULL, 'view', 1e6, '2024-01-01');
CREATE INDEX ON e (u);
CREATE FUNCTION nets(model text, version int) RETURNS TABLE (u int, i int, net real) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT h.user_id, f.item_id, w.net FROM %1$I.user_history h CROSS JOIN LATERAL unnest(h.items, h.weights) w (position, net)
		JOIN %1$I.item_factors f ON f.version = h.version AND f.position = w.position WHERE h.version = $1', model) USING version;
END $$;
CREATE FUNCTION expected(s jsonb) RETURNS TABLE (u int, i int, net real) LANGUAGE sql STABLE AS $$
	SELECT u, i, sum((CASE kind WHEN 'view' THEN 1 ELSE 3 END * rec.scale(dwell, s))::real)::real FROM e
	WHERE u IS NOT NULL AND i IS NOT NULL AND kind IN ('view', 'buy') AND dwell < 'NaN' GROUP BY 1, 2 $$;

SELECT rec.create_model('m', 'e', 'u', 'i', value_column => 'dwell', event_column => 'kind', event_weights => '{"view": 1, "buy": 3}', value_scaler => k, params => '{"factors": 8, "epochs": 2, "holdout": 0, "weight_transform": "none"}') FROM (SELECT 'minmax') s (k);
SELECT is(value_scaler, 'minmax', 'the option stands in the catalog') FROM rec.model;
SELECT lives_ok(format('SELECT rec.alter_model(''m'', value_scaler => %L); SELECT rec.train(''m'')', k), 'a training with ' || k) FROM unnest('{standard,minmax,robust,maxabs,quantile,log}'::text[]) WITH ORDINALITY k (k, n) ORDER BY n;
SELECT rec.alter_model('m', keep_versions => 20);
CREATE TABLE trained (k text, version int);
DO $$ DECLARE k text; BEGIN FOREACH k IN ARRAY '{standard,minmax,robust,maxabs,quantile,log}'::text[] LOOP
	PERFORM rec.alter_model('m', value_scaler => k); INSERT INTO trained SELECT k, version FROM rec.train('m'); END LOOP; END $$;
SELECT is(v.value_scaler->>'kind', t.k, t.k || ': stored with the version') FROM trained t JOIN m.model_version v USING (version);
SELECT is(v.value_scaler, (SELECT to_jsonb(s) FROM (SELECT CASE t.k WHEN 'minmax' THEN rec.fit_minmax(dwell, 'ignore') WHEN 'robust' THEN rec.fit_robust(dwell, 'ignore') WHEN 'maxabs' THEN rec.fit_maxabs(dwell, 'ignore')
	WHEN 'quantile' THEN rec.fit_quantile(dwell, 100, 'ignore') ELSE rec.fit_log(dwell, 'ignore') END FROM e WHERE u IS NOT NULL AND i IS NOT NULL AND kind IN ('view', 'buy')) f (s)), t.k || ': fitted to the values that are used') FROM trained t JOIN m.model_version v USING (version) WHERE t.k <> 'standard';
SELECT ok(abs((v.value_scaler->>'std')::float8 - f.std) < 1e-5 AND abs((v.value_scaler->>'mean')::float8 - f.mean) < 1e-5, 'standard: fitted to the values that are used')
	FROM trained t JOIN m.model_version v USING (version), (SELECT stddev(dwell), avg(dwell) FROM e WHERE u IS NOT NULL AND i IS NOT NULL AND kind IN ('view', 'buy') AND dwell < 'NaN') f (std, mean) WHERE t.k = 'standard';
SELECT ok((SELECT count(*) > 300 AND bool_and(abs(a.net - b.net) < 1e-4) FROM nets('m', t.version) a FULL JOIN expected(v.value_scaler) b USING (u, i)), t.k || ': the net of a pair is the sum of weight times scaled value') FROM trained t JOIN m.model_version v USING (version);
SELECT is((SELECT source FROM m.recommend(7, 1, version => t.version)), 'personalized', t.k || ': events as they stand are the stored ones') FROM trained t WHERE k NOT IN ('standard', 'robust');
-- A new event is scaled by the version's scaler, although it is far beyond what was fitted
INSERT INTO e VALUES (7, 5, 'view', 300, '2024-02-01');
SELECT is(round(w.weight::numeric, 4), round((SELECT sum(CASE kind WHEN 'view' THEN 1 ELSE 3 END * rec.scale(dwell, v.value_scaler)) FROM e WHERE u = 7 AND i = 5)::numeric, 4), t.k || ': the same scaler for a new event')
	FROM trained t JOIN m.model_version v USING (version), LATERAL m.explain(7, 20, version => t.version) w WHERE w.item_id = 5;
-- Each version keeps its own, also when the option is gone
SELECT rec.alter_model('m', reset => '{value_scaler}');
SELECT is((SELECT value_scaler FROM rec.model), NULL, 'reset');
SELECT is(round(w.weight::numeric, 4), round((SELECT sum(CASE kind WHEN 'view' THEN 1 ELSE 3 END * rec.scale(dwell, v.value_scaler)) FROM e WHERE u = 7 AND i = 5)::numeric, 4), t.k || ': after a reset too')
	FROM trained t JOIN m.model_version v USING (version), LATERAL m.explain(7, 20, version => t.version) w WHERE w.item_id = 5;
SELECT rec.train('m');
SELECT is(value_scaler, NULL, 'no scaler, no scaling') FROM m.model_version ORDER BY version DESC LIMIT 1;
-- A fitted one is taken as it is
SELECT rec.alter_model('m', value_scaler => '{"kind": "minmax", "min": 0, "max": 100}');
SELECT rec.train('m');
SELECT is(value_scaler, '{"kind": "minmax", "min": 0, "max": 100}', 'a given scaler') FROM m.model_version ORDER BY version DESC LIMIT 1;
-- Explicit feedback: ratings, and so predictions, are in the unit of the scaler
SELECT rec.create_model('x', 'e', 'u', 'i', value_column => 'dwell', feedback => 'explicit', value_scaler => 'minmax', params => '{"factors": 4, "epochs": 3}');
SELECT rec.train('x');
SELECT ok(x.predict(7, 5) BETWEEN -0.3 AND 1.3 AND (SELECT mean FROM x.model_version) BETWEEN 0 AND 1, 'explicit feedback: predictions in the scaled unit');
-- Repeats bit for bit, with and without workers
ALTER TABLE e SET (parallel_workers = 2);
SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;
SELECT rec.alter_model('m', value_scaler => 'standard');
SET max_parallel_maintenance_workers = 2;
SELECT rec.train('m');
SET max_parallel_maintenance_workers = 0;
SELECT rec.train('m');
SELECT is(count(DISTINCT value_scaler), 1::bigint, 'the same scaler with and without workers') FROM (SELECT value_scaler FROM m.model_version ORDER BY version DESC LIMIT 2) v;
-- Errors
SELECT throws_ok($$SELECT rec.alter_model('m', value_scaler => 'standart')$$, '22023', 'unknown kind of scaler "standart"', 'unknown kind');
SELECT throws_ok($$SELECT rec.alter_model('m', value_scaler => '{"kind": "minmax"}')$$, '22023', 'invalid scaler', 'a broken scaler');
SELECT throws_ok($$SELECT rec.alter_model('m', value_scaler => '')$$, '22023', NULL, 'nothing');
SELECT throws_ok($$SELECT rec.create_model('n', 'e', 'u', 'i', value_scaler => 'log')$$, '22023', 'value_scaler needs a value_column', 'without values');
SELECT throws_ok($$SELECT rec.alter_model('m', reset => '{value_column}')$$, '22023', 'value_scaler needs a value_column', 'nor may they go');
SELECT * FROM finish();
