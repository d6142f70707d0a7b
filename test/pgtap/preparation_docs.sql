-- The examples of docs/preparation.md, one after another, on the generated shop.
SET client_min_messages = warning;
\getenv tmp TMPDIR
\set blocks :tmp '/preparation_docs.sql'
\setenv BLOCKS :blocks
\o /dev/null
\i examples/shop.sql
CREATE EXTENSION IF NOT EXISTS pgtap;
\set ON_ERROR_STOP on
-- A block that needs an extension says so in its first line; it runs where that can be created.
SELECT coalesce(string_agg(name, ' '), 'none') AS available FROM pg_available_extensions WHERE name IN ('earthdistance', 'postgis') \gset
\setenv AVAILABLE :available
\! awk -v available=" $AVAILABLE " '/^```sql/ { inside = 1; block = ""; wanted = 1; next } /^```/ && inside { if (wanted) printf "%s", block; inside = 0 } inside { if ($1 == "--" && $2 == "needs" && index(available, " " $3 " ") == 0) wanted = 0; block = block $0 "\n" }' docs/preparation.md > "$BLOCKS"
\i :blocks
\o
SELECT no_plan();
SELECT ok(count(*) > 1000 AND count(*) < (SELECT count(*) FROM web.events), 'the clean view leaves out something') FROM web.clean_events;
SELECT is((SELECT value_scaler->>'kind' FROM spend.model_version), 'log', 'the model has its scaler');
SELECT is(count(*) FILTER (WHERE age IS NULL), 0::bigint, 'ages are imputed') FROM web.profile;
SELECT ok(count(*) >= 10, 'the page has examples: ' || count(*)) FROM regexp_matches(pg_read_file(:'blocks'), 'rec\.', 'g');
SELECT is(count(*), 5::bigint, 'recommendations in context') FROM aware.recommend(42, 5, context => '{"device": "mobile", "daypart": "evening"}');
SELECT * FROM finish();
