-- DROP EXTENSION is refused while models exist; CASCADE drops functions and views and leaves the tables.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_recommend;
CREATE SCHEMA de;
CREATE TABLE de.events AS SELECT u AS user_id, (u * i) % 9 AS item_id FROM generate_series(1, 20) u, generate_series(1, 4) i;
SELECT rec.create_model('de_model', 'de.events', params => '{"factors": 2, "epochs": 1, "holdout": 0}');
SELECT version FROM rec.train('de_model');

\set VERBOSITY terse
DROP EXTENSION pg_recommend;
SELECT count(*) FROM de_model.recommend(1);
DROP EXTENSION pg_recommend CASCADE;
\set VERBOSITY default
SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'de_model'::regnamespace AND relkind IN ('r', 'v') ORDER BY relname COLLATE "C";
SELECT count(*) FROM pg_proc WHERE pronamespace = 'de_model'::regnamespace;
SELECT count(*) FROM de_model.item_factors;
SELECT count(*) FROM de.events;
SELECT nspname FROM pg_namespace WHERE nspname = 'rec';

-- With it gone, it can come back, in whatever search_path, beside a schema that somebody else made.
SET search_path = de, pg_temp;
CREATE EXTENSION pg_recommend;
SELECT extnamespace::regnamespace, extrelocatable FROM pg_extension WHERE extname = 'pg_recommend';
SELECT rec.create_model('de_model', 'events');
SELECT rec.create_model('de_model2', 'events');
RESET search_path;
-- The settings come with the library.
CREATE EXTENSION pg_recommend SCHEMA public;
SELECT rec.drop_model('de_model2');
DROP EXTENSION pg_recommend;
DROP SCHEMA de, de_model CASCADE;
