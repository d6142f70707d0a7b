-- create_model: what it says, what it makes, what the catalog holds.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_recommend;
RESET client_min_messages;

CREATE SCHEMA cm;
CREATE TABLE cm.events (user_id int, item_id text, event text, value numeric, at timestamptz);

-- Without an index the notice gives the statement that makes one.
SELECT rec.create_model('cm_plain', 'cm.events');
SELECT rec.create_model('cm_full', 'cm.events', value_column => 'value', event_column => 'event',
	event_weights => '{"view": 1, "purchase": 5, "return": -5}', time_column => 'at', half_life => '30 days',
	params => '{"factors": 8, "seed": 7}', keep_versions => 3);
SELECT rec.create_model('cm_rated', events => 'cm.events', value_column => 'value', feedback => 'explicit');

-- With one it says nothing; a partial one does not count, nor one that begins with another column.
CREATE TABLE cm.partly (user_id int, item_id text, bought bool);
CREATE INDEX ON cm.partly (user_id) WHERE bought;
CREATE INDEX ON cm.partly (item_id, user_id);
SELECT rec.create_model('cm_partly', 'cm.partly');
CREATE INDEX ON cm.partly (user_id, item_id);
SELECT rec.create_model('cm_indexed', 'cm.partly');
-- Nor does it about a view, which has no index of its own.
CREATE VIEW cm.view AS SELECT * FROM cm.events;
SELECT rec.create_model('cm_view', 'cm.view');

-- Names that need quoting, in the statement too.
CREATE TABLE cm."Web Events" ("User" bigint, "select" uuid, "a""b" real);
SELECT rec.create_model('My "Shop"', 'cm."Web Events"', '"User"', 'select');
SELECT rec.create_model('My "Shop"', 'cm."Web Events"', 'User', 'select', 'a"b');

-- The relation is found on the search_path and remembered with its schema; capitals fold as in SQL.
SET search_path = cm;
SELECT rec.create_model('cm_path', 'PARTLY');
RESET search_path;

SELECT model, events_schema, events_relation, user_column, item_column, value_column, event_column, event_weights,
	time_column, half_life, feedback, params, keep_versions, active_version
FROM rec.model WHERE events_schema = 'cm' ORDER BY model COLLATE "C";

-- The schema of a model.
SELECT c.relname, c.relkind, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = '"My ""Shop"""'::regnamespace AND c.relkind IN ('r', 'v') AND a.attnum > 0
ORDER BY c.relname COLLATE "C", a.attnum;
SELECT c.relname::text COLLATE "C", pg_get_constraintdef(o.oid)
FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid
WHERE o.connamespace = '"My ""Shop"""'::regnamespace AND o.contype <> 'n' ORDER BY 1;
SELECT p.proname, pg_get_function_identity_arguments(p.oid) AS arguments, pg_get_function_result(p.oid) AS result
FROM pg_proc p WHERE p.pronamespace = 'cm_full'::regnamespace ORDER BY p.proname COLLATE "C";
SELECT pg_get_function_arguments('"My ""Shop""".recommend'::regproc);

-- Integer keys are taken as bigint and given back as what they are; text stays text, and so do domains' base types.
CREATE DOMAIN cm.sku AS varchar(20);
CREATE TABLE cm.typed (user_id smallint, item_id cm.sku);
SELECT rec.create_model('cm_typed', 'cm.typed');
SELECT pg_get_function_identity_arguments('cm_typed.recommend'::regproc), pg_get_function_result('cm_typed.recommend'::regproc);

-- Before the first training.
SELECT * FROM cm_plain.recommend(1);
SELECT * FROM rec.recommend('cm_plain', 1);
SELECT cm_plain.predict(1, 'a');
SELECT count(*) FROM cm_plain.active_items;

-- An existing schema becomes a model's when it is empty.
CREATE SCHEMA cm_empty;
SELECT rec.create_model('cm_empty', 'cm.partly');
CREATE SCHEMA cm_used;
CREATE TYPE cm_used.colour AS ENUM ('red');
SELECT rec.create_model('cm_used', 'cm.partly');
SELECT rec.create_model('cm_empty', 'cm.partly');

SELECT rec.drop_model(model) FROM rec.model WHERE events_schema = 'cm';
SELECT count(*) FROM rec.model WHERE events_schema = 'cm';
SET client_min_messages = warning;
DROP SCHEMA cm, cm_used CASCADE;
