-- The same events and seed give the same factors, bit for bit: whatever the number of workers, the plan, the order of
-- rows, and however often.
SET client_min_messages = warning;
SELECT no_plan();
CREATE TABLE e (user_id int, item_id text, value real, at timestamptz);
INSERT INTO e SELECT u, 'item ' || (u * 31 + k * k * 17 + u * k) % 1500, 1 + (u * k) % 7 / 3.0, timestamptz '2024-01-01' + ((u * 37 + k * 91) % 5000) * interval '17 min'
FROM generate_series(1, 2500) u, generate_series(1, 50) k;
-- values whose sum depends on the order of addition
INSERT INTO e SELECT u, 'item 1', v, '2024-01-01' FROM generate_series(1, 300) u, unnest('{1e7, 0.1, -1e7, 3.3, 1e-3}'::real[]) v;
CREATE TABLE shuffled AS SELECT * FROM e ORDER BY md5(e::text);
CREATE TABLE sorted AS SELECT * FROM e ORDER BY item_id, user_id DESC;
ANALYZE;
SELECT count(*) * 32 * 16 > 5e7 AS enough FROM (SELECT DISTINCT user_id, item_id FROM e) p \gset

CREATE FUNCTION digest(model text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE r text;
BEGIN
	EXECUTE format('SELECT md5(string_agg(f, '';'' ORDER BY n)) FROM (
		SELECT row_number() OVER (ORDER BY position) AS n, concat_ws('' '', item_id, factors, bias, n_events, support, popularity) AS f FROM %1$I.item_factors
			WHERE version = (SELECT active_version FROM rec.model WHERE model = %1$L)
		UNION ALL SELECT 1000000 + row_number() OVER (ORDER BY user_id), concat_ws('' '', user_id, factors, bias, n_events) FROM %1$I.active_users
		UNION ALL SELECT 2000000 + row_number() OVER (ORDER BY user_id), concat_ws('' '', user_id, items, weights) FROM %1$I.user_history
			WHERE version = (SELECT active_version FROM rec.model WHERE model = %1$L)
		UNION ALL SELECT 3000000, loss::text || coalesce(ndcg::text, '''') || coalesce(rmse::text, '''') FROM rec.training_run WHERE model = %1$L
			AND version = (SELECT active_version FROM rec.model WHERE model = %1$L)) x', model) INTO r;
	RETURN r;
END $$;
CREATE FUNCTION trained(model text, relation text, workers int, parallel_scan boolean) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('max_parallel_maintenance_workers', workers::text, true);
	PERFORM set_config(name, CASE WHEN parallel_scan THEN low ELSE high END, true)
	FROM (VALUES ('parallel_setup_cost', '0', '1000'), ('parallel_tuple_cost', '0', '0.1'), ('min_parallel_table_scan_size', '0', '1GB')) s (name, low, high);
	PERFORM rec.alter_model(model, relation);
	PERFORM rec.train(model);
	RETURN digest(model);
END $$;
CREATE FUNCTION workers_of(m text) RETURNS int LANGUAGE sql AS $$SELECT workers FROM rec.training_run WHERE model = m ORDER BY version DESC LIMIT 1$$;

CREATE FUNCTION check_repeatable(model text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	first text := trained(model, 'e', 0, false);
BEGIN
	RETURN NEXT is(workers_of(model), 0, model || ': no workers');
	RETURN NEXT is(trained(model, 'e', 0, false), first, model || ': repeated');
	RETURN NEXT is(trained(model, 'e', 1, false), first, model || ': 1 worker');
	RETURN NEXT ok(workers_of(model) = 1, model || ': it took part');
	RETURN NEXT is(trained(model, 'e', 2, false), first, model || ': 2 workers');
	RETURN NEXT ok(workers_of(model) = 2, model || ': they took part');
	RETURN NEXT is(trained(model, 'e', 2, true), first, model || ': 2 workers, parallel scan');
	RETURN NEXT is(trained(model, 'shuffled', 0, false), first, model || ': rows shuffled');
	RETURN NEXT is(trained(model, 'sorted', 2, true), first, model || ': rows sorted otherwise, parallel scan');
END $$;
SELECT ok(:'enough', 'enough work for workers to be started');
SELECT rec.create_model('implicit', 'e', value_column => 'value', time_column => 'at', half_life => '10 days', params => '{"factors": 32, "epochs": 16, "holdout": 0.1, "patience": 0}');
SELECT check_repeatable('implicit');
SELECT rec.create_model('cholesky', 'e', params => '{"factors": 48, "epochs": 11, "holdout": 0, "solver": "cholesky"}');
SELECT check_repeatable('cholesky');
SELECT rec.create_model('explicit', 'e', value_column => 'value', feedback => 'explicit', params => '{"factors": 33, "epochs": 16, "holdout": 0.1, "patience": 0}');
SELECT check_repeatable('explicit');

-- A parallel scan was really one.
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
CREATE FUNCTION plan_of(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$BEGIN RETURN QUERY EXECUTE 'EXPLAIN (COSTS off) ' || query; END $$;
SELECT ok(bool_or(p LIKE '%Partial Aggregate%'), 'the aggregate that loads events runs in parallel plans') FROM plan_of($$SELECT rec._load_events(user_id, item_id, value, NULL, NULL, at, 5, 0, 100) FROM e$$) p;
SELECT is((SELECT rec._load_events(user_id, item_id, value, NULL, NULL, at, 5, 0, 100) FROM e), (SELECT count(*) FROM e), 'and by hand it counts rows');
SELECT * FROM finish();
