-- The queries of examples/dashboard run, for a role that may only look.
SET client_min_messages = warning;
SELECT no_plan();
CREATE TABLE events AS SELECT u AS user_id, (u * k * 7 + k) % 30 AS item_id, now() - u * interval '1 minute' AS at FROM generate_series(1, 40) u, generate_series(1, 4) k;
SELECT rec.create_model('shop', 'events', time_column => 'at', params => '{"factors": 3, "epochs": 2}');
SELECT rec.train('shop');
CREATE ROLE rec_bi;
GRANT USAGE ON SCHEMA shop TO rec_bi;
\set file `cat examples/dashboard/grafana.json`
CREATE TABLE panel AS SELECT p ->> 'title' AS title, t ->> 'rawSql' AS query
FROM jsonb_array_elements(:'file'::jsonb -> 'panels') p, jsonb_array_elements(p -> 'targets') t;
GRANT SELECT ON panel TO rec_bi;
SET ROLE rec_bi;
SELECT cmp_ok(count(*), '>=', 8::bigint, 'panels') FROM panel;
SELECT lives_ok(regexp_replace(replace(query, '$model', 'shop'), '\$__timeFilter\(([^()]*)\)', '\1 > now() - interval ''90 days'''), title) FROM panel;
SELECT isnt_empty(replace(query, '$model', 'shop'), 'a row per model') FROM panel WHERE title = 'Models';
\set ECHO none
\o /dev/null
\set ON_ERROR_STOP 1
\i examples/dashboard/queries.sql
\o
SELECT pass('queries.sql runs');
RESET ROLE;
SELECT * FROM finish();
SELECT rec.drop_model('shop');
DROP OWNED BY rec_bi;
DROP ROLE rec_bi;
