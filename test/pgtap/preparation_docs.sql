-- The examples of docs/preparation.md, one after another, on a small generated shop.
SET client_min_messages = warning;
\getenv tmp TMPDIR
\set blocks :tmp '/preparation_docs.sql'
\setenv BLOCKS :blocks
\o /dev/null
\set customers 600
\i examples/shop.sql
INSERT INTO web.events SELECT (jsonb_populate_record(e, jsonb_build_object('event_id', event_id + 1000000, 'created_at', created_at + interval '1 s'))).* FROM web.events e LIMIT 100;
CREATE EXTENSION IF NOT EXISTS pgtap;
\set ON_ERROR_STOP on
-- A block that needs an extension says so in its first line; it runs where that can be created.
SELECT coalesce(string_agg(name, ' '), 'none') AS available FROM pg_available_extensions WHERE name IN ('earthdistance', 'postgis') \gset
\setenv AVAILABLE :available
\! awk -v available=" $AVAILABLE " '/^```sql/ { inside = 1; block = ""; wanted = 1; next } /^```/ && inside { if (wanted) printf "%s", block; inside = 0 } inside { if ($1 == "--" && $2 == "needs" && index(available, " " $3 " ") == 0) wanted = 0; block = block $0 "\n" }' docs/preparation.md > "$BLOCKS"
\i :blocks
\o
SELECT no_plan();
SELECT ok(count(*) > 1000 AND bool_and(event_id < 1000000), 'the clean view leaves out what came twice in a second') FROM web.clean_events;
SELECT is((SELECT value_scaler->>'kind' FROM spend.model_version), 'log', 'the model has its scaler');
SELECT is(count(*) FILTER (WHERE age IS NULL), 0::bigint, 'ages are imputed') FROM web.profile;
SELECT ok(count(*) >= 10, 'the page has examples: ' || count(*)) FROM regexp_matches(pg_read_file(:'blocks'), 'rec\.', 'g');
SELECT is(count(*), 5::bigint, 'recommendations in context') FROM aware.recommend(42, 5, context => '{"device": "mobile", "daypart": "evening"}');
-- 50 N 9 E to Berlin: 415.63 km by the haversine formula with the equator's radius; the spheroid differs by up to half a percent
SELECT :'available' LIKE '%earthdistance%' AS earthdistance, :'available' LIKE '%postgis%' AS postgis \gset
\if :earthdistance
SELECT is((earth_distance(ll_to_earth(lat, lon), ll_to_earth(52.52, 13.405)) / 1000)::numeric(6, 2), 415.63, 'a distance by earthdistance') FROM place WHERE id = 30;
\else
SELECT skip('earthdistance is not installed', 1);
\endif
\if :postgis
SELECT ok(abs(ST_Distance(point, ST_MakePoint(13.405, 52.52)::geography) / 1000 / 415.63 - 1) < 0.005, 'a distance by PostGIS') FROM home WHERE id = 30;
SELECT results_eq('SELECT DISTINCT r.name FROM home h JOIN region r ON ST_Covers(r.area, h.point) ORDER BY 1', $$VALUES ('north'), ('south')$$, 'regions by PostGIS');
\else
SELECT skip('PostGIS is not installed', 2);
\endif
SELECT * FROM finish();
