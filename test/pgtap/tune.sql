-- rec.tune: methods, spaces, trials, resuming, bad input.
SET client_min_messages = error;
SELECT no_plan();
CREATE TABLE e (user_id int, item_id int, at timestamptz);
INSERT INTO e SELECT u, CASE WHEN h % 10 < 7 THEN (u % 5) * 20 + h / 10 % 20 ELSE h / 10 % 100 END, '2024-01-01'::timestamptz + (h % 86400) * interval '1 minute'
FROM generate_series(1, 200) u, generate_series(1, 20) n, LATERAL (SELECT (u * 7919 + n * 104729 + u * n * 31) % 1000003 AS h) x;
CREATE INDEX ON e (user_id);
SELECT rec.create_model('m', 'e', time_column => 'at', params => '{"epochs": 8, "factors": 8}');

-- bayes
CALL rec.tune('m', '{"factors": [2, 4, 8], "regularization": {"min": 0.001, "max": 100, "scale": "log"}, "weight_transform": ["log1p", "binary"], "cg_steps": 2}', trials => 14, seed => 7);
SELECT is(count(*), 14::bigint, 'so many trials') FROM rec.trial WHERE model = 'm' AND stage = 'search';
SELECT is(count(DISTINCT params), 14::bigint, 'no params twice') FROM rec.trial WHERE model = 'm' AND stage = 'search';
SELECT ok(bool_and((params->>'factors')::int IN (2, 4, 8) AND (params->>'regularization')::float8 BETWEEN 0.001 AND 100 AND params->>'weight_transform' IN ('log1p', 'binary') AND params->>'cg_steps' = '2'),
	'all of them in the space') FROM rec.trial WHERE model = 'm';
SELECT is(params - 'regularization', '{"factors": 8, "weight_transform": "log1p", "cg_steps": 2}', 'the model''s own params come first') FROM rec.trial WHERE model = 'm' AND trial = 1;
SELECT ok(bool_and(epochs = cardinality(history) AND value = (SELECT max(h) FROM unnest(history) h)), 'the value is the best of the epochs') FROM rec.trial WHERE model = 'm' AND stage <> 'final';
SELECT ok(count(*) FILTER (WHERE stopped = 'halved') > 0, 'some are halved') FROM rec.trial WHERE model = 'm';
SELECT ok(bool_and(epochs IN (2, 4, 8)), 'at an epoch of 2, 4 or 8') FROM rec.trial WHERE model = 'm' AND stopped = 'halved';
SELECT ok(bool_and(popular_value > 0 AND seconds > 0 AND study = 1 AND metric = 'ndcg@10' AND method = 'bayes' AND study_seed = 7), 'the other columns') FROM rec.trial WHERE model = 'm' AND stage <> 'final';
SELECT is(count(*), 6::bigint, 'three are repeated with two more seeds') FROM rec.trial WHERE model = 'm' AND stage = 'repeat';
SELECT results_eq($$SELECT DISTINCT seed FROM rec.trial WHERE model = 'm' ORDER BY 1$$, $$VALUES (42::bigint), (43), (44)$$, 'seeds');
-- the winner is the best on average
SELECT is((SELECT params FROM rec.trial WHERE model = 'm' AND stage = 'final'), (SELECT params FROM rec.trial WHERE model = 'm' AND stage <> 'final' AND params IN (SELECT params FROM rec.trial WHERE model = 'm' AND stage = 'repeat')
	GROUP BY params ORDER BY avg(value) DESC LIMIT 1), 'the winner');
SELECT results_eq($$SELECT state, message FROM rec.training_progress WHERE model = 'm'$$, $$VALUES ('done', 'study 1')$$, 'the progress view');
SELECT rec.train('m');
SELECT ok(abs((t.params->>'regularization')::float8 / (r.params->>'regularization')::float8 - 1) < 0.05, format('automatic ones too: %s about %s', t.params->>'regularization', r.params->>'regularization'))
	FROM rec.trial t JOIN rec.training_run r USING (model) WHERE model = 'm' AND trial = 1;
-- its value is that of an evaluation on the same split, which no trial saw
SELECT ok(abs((SELECT value FROM rec.trial WHERE model = 'm' AND stage = 'final') - (SELECT value FROM rec.evaluate('m', 'last', 0.1, '{10}', (SELECT params FROM rec.trial WHERE model = 'm' AND stage = 'final'), '{}') WHERE metric = 'ndcg' AND segment = 'all')) < 1e-12, 'the final value');
SELECT ok((SELECT value > popular_value FROM rec.trial WHERE model = 'm' AND stage = 'final'), 'beats popular items');
SELECT is(params, '{"epochs": 8, "factors": 8}', 'the model''s params are as they were') FROM rec.model WHERE model = 'm';

-- a study that was interrupted goes on where it was, and ends as it would have
CREATE TABLE whole AS SELECT * FROM rec.trial WHERE model = 'm';
DELETE FROM rec.trial WHERE trial > 9;
CALL rec.tune('m', '{"factors": [2, 4, 8], "regularization": {"min": 0.001, "max": 100, "scale": "log"}, "weight_transform": ["log1p", "binary"], "cg_steps": 2}', trials => 14, seed => 7);
SELECT results_eq($$SELECT study, trial, stage, params, value, history, stopped FROM rec.trial WHERE model = 'm' ORDER BY trial$$, $$SELECT study, trial, stage, params, value, history, stopped FROM whole ORDER BY trial$$, 'resumed');
-- another seed is another study; apply
CALL rec.tune('m', '{"factors": [2, 4, 8], "regularization": {"min": 0.001, "max": 100, "scale": "log"}}', 'random', 5, 'recall@5', apply => true);
SELECT is(max(study), 2, 'another study') FROM rec.trial;
SELECT is(count(*), 5::bigint, 'random') FROM rec.trial WHERE study = 2 AND stage = 'search' AND method = 'random' AND metric = 'recall@5';
SELECT is(m.params, '{"epochs": 8}'::jsonb || t.params, 'applied') FROM rec.model m JOIN rec.trial t USING (model) WHERE t.study = 2 AND t.stage = 'final';
-- grid: each point once, and no more trials than points
SELECT rec.alter_model('m', reset => '{params}');
SELECT rec.alter_model('m', params => '{"epochs": 3}');
CALL rec.tune('m', '{"factors": [2, 4], "regularization": {"min": 0.01, "max": 1, "scale": "log", "steps": 3}}', 'grid', 50, 'mrr@3');
SELECT results_eq($$SELECT (params->>'factors')::int, (params->>'regularization')::float8 FROM rec.trial WHERE study = 3 AND stage = 'search' ORDER BY 1, 2$$,
	$$VALUES (2, 0.01::float8), (2, 0.1), (2, 1), (4, 0.01), (4, 0.1), (4, 1)$$, 'grid');
-- more trials of a study that is complete begin a new one
CALL rec.tune('m', '{"factors": [2, 4], "regularization": {"min": 0.01, "max": 1, "scale": "log", "steps": 3}}', 'grid', 3, 'mrr@3');
SELECT is(max(study), 4, 'a complete study is not gone on with') FROM rec.trial;
-- new events: another fingerprint, another study
DELETE FROM rec.trial WHERE study = 4 AND stage <> 'search';
INSERT INTO e SELECT 500, i, '2024-01-02' FROM generate_series(1, 10) i;
CALL rec.tune('m', '{"factors": [2, 4], "regularization": {"min": 0.01, "max": 1, "scale": "log", "steps": 3}}', 'grid', 3, 'mrr@3');
SELECT is(max(study), 5, 'other data, another study') FROM rec.trial;
-- trials that do not converge fail and no more; the default space; without times; explicit
CREATE VIEW notime AS SELECT user_id, item_id FROM e;
SELECT rec.create_model('n', 'notime', params => '{"epochs": 2}');
CALL rec.tune('n', trials => 3);
SELECT ok(bool_and(params ?& '{factors,regularization,unobserved_weight,frequency_exponent,weight_transform}'), 'the default space') FROM rec.trial WHERE model = 'n';
CREATE TABLE g (user_id int, item_id int, rating real);
INSERT INTO g SELECT u, i, 1 + (u % 3 + i % 4 + (u * i) % 2)::real * 0.6 FROM generate_series(1, 60) u, generate_series(1, 40) i WHERE (u * 13 + i * 7) % 3 > 0;
SELECT rec.create_model('x', 'g', value_column => 'rating', feedback => 'explicit', params => '{"epochs": 4}');
CALL rec.tune('x', trials => 4);
SELECT ok(bool_and(metric = 'rmse' AND (stage = 'final' OR value = (SELECT min(h) FROM unnest(history) h))), 'explicit: rmse, less is better') FROM rec.trial WHERE model = 'x';
SELECT is((SELECT params FROM rec.trial WHERE model = 'x' AND stage = 'final'), (SELECT params FROM rec.trial WHERE model = 'x' AND stage <> 'final' AND params IN (SELECT params FROM rec.trial WHERE model = 'x' AND stage = 'repeat') GROUP BY params ORDER BY avg(value) LIMIT 1), 'the least wins');
SELECT rec.rename_model('x', 'y');
SELECT is(count(*) > 0, true, 'renamed with the model') FROM rec.trial WHERE model = 'y';
SELECT rec.drop_model('y');
SELECT is(count(*), 0::bigint, 'dropped with the model') FROM rec.trial WHERE model = 'y';

-- weights between items: one epoch, no seeds, params of theirs; and several algorithms in one space
CALL rec.tune('m', '{"algorithm": "item_knn", "neighbours": [5, 20, 80], "similarity": ["cosine", "bm25"], "shrinkage": {"min": 0, "max": 20}}', trials => 10, seed => 11);
SELECT is(count(*), 10::bigint, 'item_knn') FROM rec.trial WHERE study_seed = 11 AND stage = 'search' AND epochs = 1 AND history = ARRAY[value] AND stopped = 'finished' AND popular_value > 0;
SELECT is(count(*), 0::bigint, 'other seeds would not change anything') FROM rec.trial WHERE study_seed = 11 AND stage = 'repeat';
SELECT is((SELECT params FROM rec.trial WHERE study_seed = 11 AND stage = 'final'), (SELECT params FROM rec.trial WHERE study_seed = 11 AND stage = 'search' ORDER BY value DESC, trial LIMIT 1), 'the best wins');
SELECT ok(abs((SELECT value FROM rec.trial WHERE study_seed = 11 AND stage = 'final') - (SELECT value FROM rec.evaluate('m', 'last', 0.1, '{10}', (SELECT params FROM rec.trial WHERE study_seed = 11 AND stage = 'final'), '{}') WHERE metric = 'ndcg' AND segment = 'all')) < 1e-12, 'its final value');
SELECT rec.create_model('w', 'e', time_column => 'at', algorithm => 'ease');
CALL rec.tune('w', trials => 6, apply => true);
SELECT ok(bool_and(params ?& '{regularization,weight_transform}'), 'the default space of ease') FROM rec.trial WHERE model = 'w';
SELECT ok(max(value) > min(value) AND max(value) > 2 * max(popular_value), 'which matters') FROM rec.trial WHERE model = 'w' AND stage = 'search';
SELECT is(m.params, '{"algorithm": "ease"}'::jsonb || t.params, 'applied to ease') FROM rec.model m JOIN rec.trial t USING (model) WHERE t.model = 'w' AND t.stage = 'final';
CALL rec.tune('m', '{"algorithm": ["als", "ease", "item_knn"]}', 'grid', seed => 12);
SELECT results_eq($$SELECT params->>'algorithm', count(*) FROM rec.trial WHERE study_seed = 12 AND stage <> 'final' GROUP BY 1 ORDER BY 1$$, $$VALUES ('als', 3::bigint), ('ease', 1), ('item_knn', 1)$$, 'several algorithms, of which one has seeds');
SELECT is((SELECT params FROM rec.trial WHERE study_seed = 12 AND stage = 'final'), (SELECT params FROM rec.trial WHERE study_seed = 12 AND stage <> 'final' GROUP BY 1 ORDER BY avg(value) DESC LIMIT 1), 'the best on average wins');
SELECT is((SELECT params FROM rec.model WHERE model = 'm'), '{"epochs": 3}', 'the model has params that only its algorithm has');
CALL rec.tune('m', '{"algorithm": "item_knn", "neighbours": [5, 20]}', 'grid', seed => 13, apply => true);
SELECT is((SELECT params FROM rec.model WHERE model = 'm'), (SELECT params FROM rec.trial WHERE study_seed = 13 AND stage = 'final'), 'they go with the algorithm');
SELECT lives_ok($$SELECT rec.train('m')$$, 'and it can be trained');
SELECT rec.alter_model('m', reset => '{params}');
SELECT rec.alter_model('m', params => '{"epochs": 3}');

-- bad input; a procedure that commits cannot be called by throws_ok
\set ON_ERROR_STOP off
\set bad 'CREATE TEMP TABLE IF NOT EXISTS said (n serial, state text, message text); INSERT INTO said (state, message) VALUES (:''LAST_ERROR_SQLSTATE'', :''LAST_ERROR_MESSAGE'');'
CALL rec.tune('m', '{}'); :bad
CALL rec.tune('m', '{"factors": 8}'); :bad
CALL rec.tune('m', '[]'); :bad
CALL rec.tune('m', '{"factor": [1, 2]}'); :bad
CALL rec.tune('m', '{"factors": []}'); :bad
CALL rec.tune('m', '{"factors": [8, 2000]}'); :bad
CALL rec.tune('m', '{"factors": {"min": 8}}'); :bad
CALL rec.tune('m', '{"factors": {"min": 8, "max": 4}}'); :bad
CALL rec.tune('m', '{"regularization": {"min": 0, "max": 4, "scale": "log"}}'); :bad
CALL rec.tune('m', '{"regularization": {"min": 0, "max": 4, "scal": "log"}}'); :bad
CALL rec.tune('m', '{"factors": {"min": 2, "max": 100000}}'); :bad
CALL rec.tune('m', method => 'bayesian'); :bad
CALL rec.tune('m', trials => 0); :bad
CALL rec.tune('m', metric => 'auc'); :bad
CALL rec.tune('m', metric => 'ndcg@x'); :bad
CALL rec.tune('m', metric => 'ndgc@10'); :bad
CALL rec.tune('m', metric => 'ndcg@1000'); :bad
CALL rec.tune('m', budget => '0 s'); :bad
CALL rec.tune('m', budget => '1 microsecond'); :bad
CALL rec.tune('m', '{"algorithm": "item_knn", "neighbours": [5, 20]}', budget => '1 microsecond'); :bad
CALL rec.tune('m', '{"algorithm": ["als", "ease"], "neighbours": [5, 20]}'); :bad
CALL rec.tune('m', '{"algorithm": ["als", "easy"]}'); :bad
CALL rec.tune('w', '{"factors": [5, 20]}'); :bad
CALL rec.tune('nobody'); :bad
BEGIN;
CALL rec.tune('m');
ROLLBACK; :bad
CREATE FUNCTION inside() RETURNS void LANGUAGE plpgsql AS $$ BEGIN CALL rec.tune('m'); END $$;
SELECT inside(); :bad
CREATE ROLE rec_tune_stranger;
GRANT USAGE ON SCHEMA m TO rec_tune_stranger;
SET ROLE rec_tune_stranger;
CALL rec.tune('m');
RESET ROLE; :bad
\set ON_ERROR_STOP on
SELECT results_eq('SELECT state, message FROM said ORDER BY n', $$VALUES
	('22023', 'the space is empty'), ('22023', 'the space has a single point'), ('22023', 'space must be a JSON object'),
	('22023', 'unknown parameter "factor"'), ('22023', 'invalid space for parameter "factors"'), ('22023', 'invalid value for parameter "factors": 2000'),
	('22023', 'invalid space for parameter "factors"'), ('22023', 'invalid space for parameter "factors"'), ('22023', 'invalid space for parameter "regularization"'),
	('22023', 'invalid space for parameter "regularization"'), ('22023', 'invalid value for parameter "factors": 100000'),
	('22023', 'unknown method "bayesian"'), ('22023', 'invalid number of trials: 0'), ('22023', 'model "m" cannot be tuned for auc'),
	('22023', 'invalid metric "ndcg@x"'), ('22023', 'unknown metric "ndgc"'), ('22023', 'k = 1000 is larger than the catalogue'),
	('22023', 'budget must be above zero'), ('22023', 'the budget of 1e-06 s is too short for one trial'),
	('22023', 'the budget of 1e-06 s is too short for one trial'), ('22023', 'parameter "neighbours" does not belong to algorithm "als"'),
	('22023', 'invalid value for parameter "algorithm": "easy"'), ('22023', 'parameter "factors" does not belong to algorithm "ease"'), ('42704', 'model "nobody" does not exist'),
	('2D000', 'rec.tune cannot run inside a transaction block'), ('2D000', 'rec.tune cannot run inside a transaction block'),
	('42501', 'must be owner of model "m" to tune it')$$, 'bad input');
-- and nothing is locked by them
SELECT lives_ok($$SELECT rec.train('m')$$, 'the model is not locked');
-- a budget ends the search
CALL rec.tune('m', '{"regularization": {"min": 0.01, "max": 1}}', trials => 10000, budget => '300 ms', seed => 1);
SELECT ok(count(*) FILTER (WHERE stage = 'search') BETWEEN 1 AND 9999 AND count(*) FILTER (WHERE stage = 'final') = 1, 'a budget') FROM rec.trial WHERE model = 'm' AND study_seed = 1;
SELECT finish();
