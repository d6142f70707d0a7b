-- rec.train: half-way errors, rollback, versions, memory, early stopping, seeds, threads.
SET client_min_messages = warning;
SELECT no_plan();
CREATE TABLE e (user_id int, item_id int, value real DEFAULT 1);
INSERT INTO e SELECT u, (u * k * 7 + k * k) % 60 FROM generate_series(1, 300) u, generate_series(1, 9) k;
CREATE INDEX ON e (user_id);
CREATE VIEW v AS SELECT user_id, item_id, 1 / value AS value FROM e;
SELECT rec.create_model('m', 'v', value_column => 'value', params => '{"factors": 8, "epochs": 3, "holdout": 0}');
SELECT rec.train('m');
CREATE FUNCTION state() RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', active_version, (SELECT string_agg(version::text, ',' ORDER BY version) FROM m.model_version),
		(SELECT count(*) FROM m.item_factors), (SELECT count(*) FROM m.user_factors), (SELECT count(*) FROM m.user_history),
		(SELECT string_agg(version::text, ',' ORDER BY version) FROM rec.training_run r WHERE r.model = 'm'),
		(SELECT md5(string_agg(r::text, ',')) FROM m.recommend(5) r))
	FROM rec.model WHERE model = 'm'$$;
CREATE TABLE before AS SELECT state();

-- an error half-way
INSERT INTO e VALUES (1, 1, 0);
SELECT throws_ok($$SELECT rec.train('m')$$, '22012', 'division by zero', 'the view''s own error comes through');
SELECT is(state(), (SELECT state FROM before), 'and the former version is active, with nothing left behind');
SELECT results_eq($$SELECT state, phase, message FROM rec.training_progress WHERE model = 'm'$$, $$VALUES ('failed', 'loading', 'division by zero')$$, 'training_progress says what happened');
DELETE FROM e WHERE value = 0;
SELECT throws_ok($$SELECT rec.train('m', '{"factors": 3, "factors": "x"}')$$, '22023', NULL, 'a bad parameter');
SELECT is(state(), (SELECT state FROM before), 'changes nothing');
CREATE FUNCTION cancelled(statement text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
	RETURN false;
EXCEPTION WHEN query_canceled THEN RETURN true;
END $$;
SET statement_timeout = '200ms';
SELECT ok(cancelled($$SELECT rec.train('m', '{"factors": 500, "epochs": 1000, "solver": "cholesky"}')$$), 'a timeout');
RESET statement_timeout;
SELECT is(state(), (SELECT state FROM before), 'changes nothing');
-- in subtransactions
DO $$
BEGIN
	BEGIN
		PERFORM rec.train('m');
		RAISE division_by_zero;
	EXCEPTION WHEN division_by_zero THEN NULL;
	END;
	IF state() <> (SELECT state FROM before) THEN RAISE 'a rolled back training has left something'; END IF;
END $$;
SELECT is(state(), (SELECT state FROM before), 'rolled back in a subtransaction');
BEGIN;
SELECT rec.train('m', '{"factors": 5}');
SELECT isnt(state(), (SELECT state FROM before), 'in its own transaction a training is seen');
SELECT is((SELECT source FROM m.recommend(5, 1)), 'personalized', 'and serves');
ROLLBACK;
SELECT is(state(), (SELECT state FROM before), 'rolled back');
SELECT is(version, 2, 'the next one') FROM rec.train('m');
-- two in one transaction
BEGIN;
SELECT is(version, 3, 'one training') FROM rec.train('m', '{"factors": 4}');
SELECT is(version, 4, 'and another in one transaction') FROM rec.train('m', '{"factors": 6}');
COMMIT;
SELECT is((SELECT array_agg(version ORDER BY version) FROM m.model_version), '{3,4}', 'both are kept');

-- memory
SET pg_recommend.training_memory = '1MB';
CREATE FUNCTION error_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE d text; h text;
BEGIN
	EXECUTE statement;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT;
	RETURN concat_ws(' | ', SQLSTATE, SQLERRM, d, h);
END $$;
SELECT matches(error_of($$SELECT rec.train('m', '{"factors": 512}')$$),
	'^53200 \| training needs more memory than pg_recommend.training_memory allows \| .* needs at least \d+ MB; the limit is 1 MB. \| Raise pg_recommend.training_memory',
	'out of training_memory: how much is needed, and what to do');
RESET pg_recommend.training_memory;
SELECT is(state() LIKE '4 3,4 %', true, 'the former version is active');
SELECT lives_ok($$SELECT rec.train('m', '{"factors": 512, "epochs": 1}')$$, 'with more memory it works');

-- early stopping, holdout, patience
SELECT ok(epochs < 300, 'early stopping') FROM rec.train('m', '{"holdout": 0.3, "epochs": 300, "patience": 2, "factors": 16}');
SELECT ok(best_epoch <= epochs - 2 AND cardinality(loss) = epochs AND cardinality(ndcg) = epochs AND cardinality(recall) = epochs AND holdout_users > 0
	AND ndcg[best_epoch] = (SELECT max(n) FROM unnest(ndcg) n) AND popular_ndcg BETWEEN 0 AND 1 AND popular_recall BETWEEN 0 AND 1, 'the best epoch is kept')
FROM rec.training_run WHERE model = 'm' ORDER BY version DESC LIMIT 1;
SELECT is(epochs, 12, 'patience 0 never stops') FROM rec.train('m', '{"holdout": 0.3, "epochs": 12, "patience": 0}');
SELECT results_eq($$SELECT epochs, ndcg, popular_ndcg FROM rec.train('m', '{"holdout": 0, "epochs": 4}')$$, 'VALUES (4, NULL::float8, NULL::float8)', 'without a holdout all epochs run and nothing is judged');
SELECT ok((SELECT bool_and(loss[i] <= loss[i - 1] * 1.0001) FROM rec.training_run, generate_series(2, epochs) i WHERE model = 'm' AND version = 2), 'the loss goes down');
-- what was held out is trained on in the end: everybody has his whole history
SELECT rec.train('m', '{"holdout": 0.5}');
SELECT is((SELECT sum(cardinality(items)) FROM m.user_history h JOIN rec.model m ON m.active_version = h.version AND m.model = 'm'),
	(SELECT count(*) FROM (SELECT DISTINCT user_id, item_id FROM e) p), 'the stored history is whole, held out pairs included');

-- null is the default of a parameter, also where the model has another
SELECT rec.train('m', '{"epochs": null, "holdout": null}');
SELECT ok((params ->> 'epochs')::int <> 3 AND (params ->> 'holdout')::float8 > 0, 'null is the default') FROM rec.training_run WHERE model = 'm' ORDER BY version DESC LIMIT 1;
SELECT is(params ->> 'factors', '8', 'the rest is the model''s') FROM rec.training_run WHERE model = 'm' ORDER BY version DESC LIMIT 1;

-- seeds
CREATE FUNCTION factors_of(model text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE r text;
BEGIN
	EXECUTE format('SELECT md5(string_agg(factors::text, '';'' ORDER BY item_id)) FROM %I.active_items', model) INTO r;
	RETURN r;
END $$;
CREATE FUNCTION trained(model text, params jsonb) RETURNS text LANGUAGE plpgsql AS $$BEGIN PERFORM rec.train(model, params); RETURN factors_of(model); END $$;
SELECT is(trained('m', '{"seed": 1}'), trained('m', '{"seed": 1}'), 'one seed: the same factors');
SELECT isnt(trained('m', '{"seed": 1}'), trained('m', '{"seed": 2}'), 'another one: others');
SELECT lives_ok($$SELECT rec.train('m', '{"seed": -9223372036854775808}')$$, 'the smallest seed');
SELECT throws_ok($$SELECT rec.train('m', '{"seed": 9223372036854775808}')$$, '22023', NULL, 'one too many');
SELECT throws_ok($$SELECT rec.train('m', '{"seed": 0.5}')$$, '22023', NULL, 'no whole number');
SELECT lives_ok($$SELECT rec.train('m', '{"seed": 9007199254740993}')$$, 'one beyond the precision of a double');
SELECT is(params ->> 'seed', '9007199254740993', 'kept exactly') FROM rec.training_run WHERE model = 'm' ORDER BY version DESC LIMIT 1;

-- A second training started from within the first is refused; the first fails with it.
CREATE FUNCTION nested() RETURNS int LANGUAGE plpgsql AS $$BEGIN PERFORM rec.train('m'); RETURN 1; END $$;
CREATE VIEW nests AS SELECT nested() AS user_id, 1 AS item_id;
SELECT rec.create_model('n', 'nests');
SELECT throws_ok($$SELECT rec.train('n')$$, '55006', NULL, 'a view that trains another model');
SELECT lives_ok($$SELECT rec.train('m')$$, 'the session can still train');
CREATE OR REPLACE VIEW nests AS SELECT user_id, r.item_id FROM (SELECT DISTINCT user_id FROM e) u, LATERAL m.recommend(user_id, 3) r;
SELECT is(events, 900::bigint, 'a view that asks another model for recommendations is fine') FROM rec.train('n', '{"epochs": 1}');

-- one thread before and after, for OpenBLAS would keep its own
SELECT current_setting('is_superuser')::bool AND pg_backend_pid() > 0 AND (SELECT count(*) FROM pg_ls_dir('/proc/self/task', true, false)) > 0 AS proc \gset
\if :proc
SELECT is((SELECT count(*) FROM pg_ls_dir('/proc/self/task')), 1::bigint, 'a session that has trained has one thread');
\else
SELECT skip('no /proc', 1);
\endif
SELECT * FROM finish();
