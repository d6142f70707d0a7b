-- Every object has a comment; flags of the functions; rows and inlining in plans.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_recommend;
CREATE SCHEMA ob;
CREATE TABLE ob.events (user_id int, item_id text);
INSERT INTO ob.events SELECT u, 'item ' || (u * i) % 50 FROM generate_series(1, 60) u, generate_series(1, 7) i;
CREATE INDEX ON ob.events (user_id);
SELECT rec.create_model('ob_model', 'ob.events', params => '{"factors": 4, "epochs": 2, "holdout": 0}');
SELECT version FROM rec.train('ob_model');

-- Nothing in rec or in a model's schema is without a comment.
SELECT n.nspname, 'relation' AS kind, c.relname::text AS name
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('rec', 'ob_model') AND c.relkind IN ('r', 'v', 'm', 'S') AND obj_description(c.oid, 'pg_class') IS NULL
UNION ALL
SELECT n.nspname, 'column', c.relname || '.' || a.attname
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('rec', 'ob_model') AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
	AND col_description(c.oid, a.attnum) IS NULL
UNION ALL
SELECT n.nspname, 'function', p.oid::regprocedure::text
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname IN ('rec', 'ob_model') AND obj_description(p.oid, 'pg_proc') IS NULL
UNION ALL
SELECT n.nspname, 'type', t.typname
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE n.nspname IN ('rec', 'ob_model') AND t.typtype NOT IN ('c') AND t.typelem = 0 AND obj_description(t.oid, 'pg_type') IS NULL
UNION ALL
SELECT 'rec', 'policy', p.polname
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
WHERE c.relnamespace = 'rec'::regnamespace AND obj_description(p.oid, 'pg_policy') IS NULL
UNION ALL
SELECT n.nspname, 'schema', n.nspname FROM pg_namespace n
WHERE n.nspname IN ('rec', 'ob_model') AND obj_description(n.oid, 'pg_namespace') IS NULL;

\pset format unaligned
\pset footer off
-- Flags. Volatile is what writes; nothing runs in a parallel worker that reads a session's cache.
SELECT n.nspname, p.proname, pg_get_function_identity_arguments(p.oid) AS arguments, p.prokind AS kind, p.provolatile AS volatile,
	p.proparallel AS parallel, p.proisstrict AS strict, p.prosecdef AS definer, l.lanname, p.procost AS cost, p.prorows AS rows,
	p.proconfig
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
WHERE n.nspname IN ('rec', 'ob_model') ORDER BY n.nspname COLLATE "C", p.proname COLLATE "C",
	pg_get_function_identity_arguments(p.oid) COLLATE "C";

\pset format aligned
\pset footer on
-- The typed functions are parsed once for all (no search_path can redirect them) and depend on what they call.
SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'ob_model'::regnamespace AND p.prosqlbody IS NULL;

-- Inlined into the scan of the C function, with the rows that are asked for.
EXPLAIN (COSTS off) SELECT * FROM ob_model.recommend(1);
CREATE FUNCTION ob.rows(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN ' || query LOOP
		RETURN regexp_replace(line, '^(.*)  \(cost.*rows=(\d+).*$', '\1: \2');
	END LOOP;
END $$;
SELECT ob.rows(query) FROM (VALUES
	(1, 'SELECT * FROM ob_model.recommend(1, 3)'),
	(2, 'SELECT * FROM ob_model.recommend(1, 500)'),
	(3, 'SELECT * FROM ob_model.recommend(1, 0)'),
	(4, 'SELECT * FROM ob_model.recommend_for(ARRAY[''item 1''], 4)'),
	(5, 'SELECT * FROM ob_model.recommend_users(''item 1'', 5)'),
	(6, 'SELECT * FROM ob_model.similar_items(''item 1'', 6)'),
	(7, 'SELECT * FROM ob_model.similar_users(1, 7)'),
	(8, 'SELECT * FROM ob_model.explain(1, ''item 1'', 8)'),
	(9, 'SELECT * FROM rec.recommend(''ob_model'', ''1'', 9)'),
	(10, 'SELECT * FROM rec.recommend(''ob_model'', 1, 10)'),
	(11, 'SELECT * FROM rec.similar_items(''ob_model'', ''item 1'', 11)')) q (n, query) ORDER BY n;
-- k null: all items, as the planner's own statistics know them
ANALYZE ob_model.item_factors;
SELECT ob.rows('SELECT * FROM ob_model.recommend(1, NULL)');
EXPLAIN (COSTS off) SELECT u, r.* FROM generate_series(1, 3) u, LATERAL ob_model.recommend(u, 2) r;
EXPLAIN (COSTS off, VERBOSE) SELECT item_id FROM ob_model.recommend(1, 2) WHERE score > 0;
PREPARE p (int) AS SELECT * FROM ob_model.recommend($1, 7);
SET plan_cache_mode = force_generic_plan;
SELECT ob.rows('EXECUTE p(1)');
RESET plan_cache_mode;
DEALLOCATE p;

-- Settings: reserved prefix, ranges.
SET pg_recommend.training_memory = '64MB';
SHOW pg_recommend.training_memory;
SET pg_recommend.cache_size = 0;
SET pg_recommend.fold_in_events = -1;
SET pg_recommend.no_such_setting = 1;
SELECT name, setting, unit, min_val, max_val, context FROM pg_settings WHERE name LIKE 'pg_recommend.%' ORDER BY 1;

SELECT rec.drop_model('ob_model');
DROP SCHEMA ob CASCADE;
