-- The life of a model: alter, train, activate, keep_versions, rename, upgrade, drop.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_recommend;

CREATE SCHEMA mg;
CREATE TABLE mg.events (user_id int, item_id text, event text, value real, at timestamptz);
INSERT INTO mg.events
SELECT u, chr(97 + (u + 7 * i) % 12), CASE i % 3 WHEN 0 THEN 'buy' ELSE 'view' END, 1 + (u * i) % 5,
	timestamptz '2024-01-01' + (u * 13 + i) * interval '1 hour'
FROM generate_series(1, 30) u, generate_series(1, 5) i;
CREATE INDEX ON mg.events (user_id);
SELECT rec.create_model('mg_shop', 'mg.events', params => '{"factors": 4, "epochs": 3, "holdout": 0}');

-- alter_model: a null argument changes nothing
CREATE VIEW mg.options AS
	SELECT events_relation, value_column, event_column, event_weights, time_column, half_life, feedback, params, keep_versions
	FROM rec.model WHERE model = 'mg_shop';
SELECT rec.alter_model('mg_shop');
SELECT * FROM mg.options;
SELECT rec.alter_model('mg_shop', event_column => 'event', event_weights => '{"buy": 5, "view": 1}', time_column => 'at',
	half_life => '10 days', keep_versions => 3);
SELECT * FROM mg.options;
-- params are merged key by key
SELECT rec.alter_model('mg_shop', params => '{"epochs": 4, "seed": 1}');
SELECT params FROM mg.options;
-- reset puts back the default, before the other arguments are taken
SELECT rec.alter_model('mg_shop', reset => '{params,half_life,keep_versions}', params => '{"factors": 4, "epochs": 2, "holdout": 0}');
SELECT * FROM mg.options;
-- weights need their column, so both go together
SELECT rec.alter_model('mg_shop', reset => '{event_column}');
SELECT rec.alter_model('mg_shop', reset => '{event_column,event_weights,time_column}');
SELECT * FROM mg.options;
SELECT rec.alter_model('mg_shop', reset => '{NULL}');

-- The result of a training, and its rows.
SELECT version, users, items, events, pairs, epochs, loss > 0 AS loss, ndcg, recall, popular_ndcg, popular_recall, rmse,
	skipped, seconds > 0 AS seconds FROM rec.train('mg_shop');
SELECT version, uid <> 0 AS uid, finished_at > started_at AS took_time, trained_by = current_user AS trained_by,
	rows_read, events, users, items, pairs, null_keys, bad_values, unweighted, epochs, best_epoch,
	cardinality(loss) AS losses, ndcg, recall, rmse, holdout_users, workers, memory_bytes > 0 AS memory, warnings
FROM rec.training_run WHERE model = 'mg_shop';
SELECT string_agg(key, ' ' ORDER BY key COLLATE "C") AS all_params FROM rec.training_run, jsonb_object_keys(params) key WHERE model = 'mg_shop';
SELECT state, phase, epoch, epochs, message FROM rec.training_progress WHERE model = 'mg_shop';

-- params of one training override the model's and are not kept
SELECT epochs FROM rec.train('mg_shop', '{"epochs": 5, "factors": 2}');
SELECT active_version, params FROM rec.model WHERE model = 'mg_shop';
SELECT DISTINCT version, cardinality(factors) FROM mg_shop.item_factors ORDER BY version;
SELECT DISTINCT cardinality(factors) FROM mg_shop.active_items;

-- keep_versions: 2; the row of the training stays
SELECT version FROM rec.train('mg_shop');
SELECT version FROM mg_shop.model_version ORDER BY 1;
SELECT DISTINCT version FROM mg_shop.item_factors ORDER BY 1;
SELECT DISTINCT version FROM mg_shop.user_factors ORDER BY 1;
SELECT DISTINCT version FROM mg_shop.user_history ORDER BY 1;
SELECT version FROM rec.training_run WHERE model = 'mg_shop' ORDER BY 1;

-- activate => false leaves the active version, which is never the one that goes
SELECT version FROM rec.train('mg_shop', activate => false);
SELECT active_version FROM rec.model WHERE model = 'mg_shop';
SELECT version FROM rec.train('mg_shop', activate => false);
SELECT version FROM mg_shop.model_version ORDER BY 1;
SELECT rec.activate('mg_shop', 5);
SELECT active_version FROM rec.model WHERE model = 'mg_shop';
SELECT rec.activate('mg_shop', 3);
SELECT rec.activate('mg_shop', 1);
SELECT count(*) FROM mg_shop.recommend(1, version => 5);
SELECT count(*) FROM mg_shop.recommend(1, version => 1);

-- A training that is rolled back leaves nothing, and its number is used again.
BEGIN;
SELECT version FROM rec.train('mg_shop');
SELECT active_version FROM rec.model WHERE model = 'mg_shop';
SELECT count(*) FROM mg_shop.recommend(1);
ROLLBACK;
SELECT active_version FROM rec.model WHERE model = 'mg_shop';
SELECT max(version) FROM rec.training_run WHERE model = 'mg_shop';
SELECT count(*) FROM mg_shop.recommend(1);

-- rename: functions, rows of the catalog and of the trainings follow
SELECT rec.rename_model('mg_shop', 'mg "Store"');
SELECT count(*) FROM "mg ""Store""".recommend(1);
SELECT count(*) FROM "mg ""Store""".active_items;
SELECT count(*) FROM rec.recommend('mg "Store"', 1);
SELECT model, active_version FROM rec.model WHERE events_schema = 'mg';
SELECT model, max(version) FROM rec.training_run GROUP BY model HAVING model LIKE 'mg%';
SELECT version FROM rec.train('mg "Store"');
-- ALTER SCHEMA does as well, but for the jobs of pg_cron, which name the model
ALTER SCHEMA "mg ""Store""" RENAME TO mg_elsewhere;
SELECT * FROM mg_elsewhere.recommend(1);
ALTER SCHEMA mg_elsewhere RENAME TO "mg ""Store""";
SELECT rec.rename_model('mg "Store"', 'mg_shop');
SELECT count(*) FROM mg_shop.recommend(1);

-- upgrade makes the functions again, and keeps the grants
GRANT EXECUTE ON FUNCTION mg_shop.predict TO pg_monitor;
CREATE VIEW mg.uses AS SELECT r.item_id FROM mg_shop.recommend(1, 3) r;
SELECT rec.upgrade_model('mg_shop');
SELECT count(*) FROM mg.uses;
SELECT has_function_privilege('pg_monitor', 'mg_shop.predict(bigint, text, int, jsonb)', 'EXECUTE');

-- Functions that an earlier release made with other arguments or another result go, those that are the same stay.
CREATE FUNCTION mg_shop.recommend(user_id bigint, k int DEFAULT 10) RETURNS TABLE (item_id text, score real) LANGUAGE sql AS 'SELECT NULL::text, 0::real';
CREATE FUNCTION mg_shop.predict(user_id bigint) RETURNS real LANGUAGE sql RETURN 0;
CREATE PROCEDURE mg_shop.predict(a int) LANGUAGE sql AS 'SELECT 1';
ALTER FUNCTION mg_shop.similar_users RENAME TO other;
CREATE FUNCTION mg_shop.similar_users(of_user bigint, k int DEFAULT 10, version int DEFAULT NULL)
RETURNS TABLE (user_id bigint, score float8) LANGUAGE sql AS 'SELECT 1::bigint, 0::float8';
SELECT count(*) FROM mg_shop.recommend(1);
SELECT rec.upgrade_model('mg_shop');
SELECT count(*) > 0 FROM mg_shop.recommend(1);
SELECT proname, prokind, count(*) FROM pg_proc WHERE pronamespace = 'mg_shop'::regnamespace AND proname IN ('recommend', 'predict', 'similar_users')
GROUP BY 1, 2 ORDER BY 1, 2;
SELECT has_function_privilege('pg_monitor', 'mg_shop.predict(bigint, text, int, jsonb)', 'EXECUTE');
SELECT pg_get_function_result('mg_shop.similar_users'::regproc);
CREATE FUNCTION mg_shop.explain(user_id bigint) RETURNS int LANGUAGE sql RETURN 1;
CREATE VIEW mg.uses_old AS SELECT mg_shop.explain(1);
SELECT rec.upgrade_model('mg_shop');
DROP VIEW mg.uses_old;
DROP FUNCTION mg_shop.other;
DROP PROCEDURE mg_shop.predict;

-- Others' objects on a model hold it; it goes with them gone.
SELECT rec.drop_model('mg_shop');
SELECT count(*) FROM mg_shop.recommend(1);
DROP VIEW mg.uses;
SELECT rec.drop_model('mg_shop');
SELECT count(*) FROM pg_namespace WHERE nspname = 'mg_shop';
SELECT count(*) FROM rec.model WHERE model = 'mg_shop';
SELECT count(*) FROM rec.training_run WHERE model = 'mg_shop';

-- An object of somebody else in the schema is not dropped with the model.
SELECT rec.create_model('mg_shop', 'mg.events');
CREATE TABLE mg_shop.notes (a int);
SELECT rec.drop_model('mg_shop');
DROP TABLE mg_shop.notes;

-- A model is its schema: ALTER SCHEMA renames it and DROP SCHEMA drops it, whoever makes a schema of that name next.
SELECT version FROM rec.train('mg_shop', '{"factors": 2, "epochs": 1}');
ALTER SCHEMA mg_shop RENAME TO mg_store;
SELECT r.model, m.model AS of_model, active_version FROM rec.training_run r LEFT JOIN rec.model m USING (model);
SELECT count(*) FROM rec.recommend('mg_store', 1);
SELECT rec.rename_model('mg_store', 'mg_shop');
SELECT r.model, m.model AS of_model, active_version FROM rec.training_run r LEFT JOIN rec.model m USING (model);
DROP SCHEMA mg_shop CASCADE;
SELECT (SELECT count(*) FROM rec.model) AS models, (SELECT count(*) FROM rec.training_run) AS runs, (SELECT count(*) FROM rec.monitor) AS monitors;
SELECT rec.create_model('mg_shop', 'mg.events');
BEGIN;
DROP SCHEMA mg_shop CASCADE;
ROLLBACK;
SELECT count(*) FROM rec.model;
-- handed over: the views are the former owner's
CREATE ROLE mg_heir;
ALTER SCHEMA mg_shop OWNER TO mg_heir;
SELECT rec.upgrade_model('mg_shop');
ALTER SCHEMA mg_shop OWNER TO postgres;
DROP ROLE mg_heir;
SELECT rec.upgrade_model('mg_shop');
-- also when a role without any right on the catalog does it, or drops all that it owns
CREATE ROLE mg_owner;
ALTER SCHEMA mg_shop OWNER TO mg_owner;
BEGIN;
SET ROLE mg_owner;
DROP SCHEMA mg_shop CASCADE;
RESET ROLE;
SELECT count(*) FROM rec.model;
ROLLBACK;
DROP OWNED BY mg_owner CASCADE;
SELECT count(*) FROM rec.model;
DROP ROLE mg_owner;
-- With the triggers off the rows stay, and the next model of the name does not inherit them.
SELECT rec.create_model('mg_shop', 'mg.events');
SELECT version FROM rec.train('mg_shop', '{"factors": 2, "epochs": 1}');
ALTER EVENT TRIGGER rec_schema_dropped DISABLE;
DROP SCHEMA mg_shop CASCADE;
ALTER EVENT TRIGGER rec_schema_dropped ENABLE;
SELECT count(*) FROM rec.model;
SELECT rec.create_model('mg_shop', 'mg.events', item_column => 'event');
SELECT model, active_version, item_column FROM rec.model WHERE model = 'mg_shop';
SELECT count(*) FROM rec.training_run WHERE model = 'mg_shop';
SELECT version FROM rec.train('mg_shop', '{"factors": 2, "epochs": 1}');
-- Nor does a model that takes the name by ALTER SCHEMA; rows that lost their model do not make the rename fail.
SELECT rec.create_model('mg_late', 'mg.events', item_column => 'event');
SELECT version FROM rec.train('mg_late', '{"factors": 2, "epochs": 1}');
INSERT INTO rec.impression (model, version, user_id, item_id, rank, propensity, shown_at) VALUES ('mg_shop', 1, 'secret', 'buy', 1, 1, now());
ALTER EVENT TRIGGER rec_schema_renamed DISABLE;
ALTER SCHEMA mg_shop RENAME TO mg_lost;
ALTER EVENT TRIGGER rec_schema_renamed ENABLE;
ALTER SCHEMA mg_late RENAME TO mg_shop;
SELECT m.model, (SELECT count(*) FROM rec.training_run r WHERE r.model = m.model) AS runs, (SELECT count(*) FROM rec.impression i WHERE i.model = m.model) AS shown FROM rec.model m;
DROP SCHEMA mg_lost CASCADE;
-- Nor a model in a schema that was there.
INSERT INTO rec.impression (model, version, user_id, item_id, rank, propensity, shown_at) VALUES ('mg_taken', 1, 'secret', 'buy', 1, 1, now());
CREATE SCHEMA mg_taken;
SELECT rec.create_model('mg_taken', 'mg.events', item_column => 'event');
SELECT count(*) FROM rec.impression WHERE model = 'mg_taken';
SELECT rec.drop_model('mg_taken');
-- Impressions that cannot be counted: why, for the owner only.
SELECT rec.alter_model('mg_shop', time_column => 'at');
INSERT INTO mg.events (user_id, item_id, event, at) VALUES (1, 'a', 'buy', now() + interval '1 minute');
INSERT INTO rec.impression (model, version, user_id, item_id, rank, propensity, shown_at) VALUES ('mg_shop', 1, 'secret', 'buy', 1, 1, now());
SELECT count(*) FROM rec.recommendation_performance;
GRANT USAGE ON SCHEMA mg_shop TO pg_monitor;
SET ROLE pg_monitor;
SELECT count(*) FROM rec.recommendation_performance;
RESET ROLE;
SELECT rec.drop_model('mg_shop');
RESET client_min_messages;
SELECT rec.drop_model('mg_shop', true);
SET client_min_messages = warning;
DROP SCHEMA mg CASCADE;
