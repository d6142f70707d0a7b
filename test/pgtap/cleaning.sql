-- Missing values, robots, sessions, the clean view, weights, features. Values of scikit-learn are of Debian's python3-sklearn 1.2.1.
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT no_plan();
\getenv data REC_DATA_DIR

-- impute; scikit-learn: SimpleImputer(strategy=...).fit_transform([[4.5], [nan], [2], [2], [9.25], [4.5]])
CREATE TABLE x AS SELECT * FROM unnest('{4.5,NULL,2,2,9.25,4.5}'::float8[]) WITH ORDINALITY v (x, n);
SELECT is(array_agg(v ORDER BY n), '{4.5,4.5,2,2,9.25,4.5}', 'median') FROM (SELECT n, rec.impute(x, 'median') OVER () AS v FROM x) s;
SELECT is(array_agg(v::numeric(6, 4) ORDER BY n), '{4.5,4.45,2,2,9.25,4.5}', 'mean') FROM (SELECT n, rec.impute(x, 'mean') OVER () AS v FROM x) s;
SELECT is(array_agg(v ORDER BY n), '{4.5,2,2,2,9.25,4.5}', 'mode: of equally frequent values the smallest') FROM (SELECT n, rec.impute(x, 'mode') OVER () AS v FROM x) s;
SELECT is(array_agg(v ORDER BY n), '{4.5,-1,2,2,9.25,4.5}', 'a constant') FROM (SELECT n, rec.impute(x, -1) OVER () AS v FROM x) s;
SELECT is(array_agg(v ORDER BY n), '{4.5,0.5,2,2,9.25,4.5}', 'a constant as text') FROM (SELECT n, rec.impute(x, '0.5') OVER () AS v FROM x) s;
SELECT results_eq('SELECT rec.impute(x::int, ''median'') OVER (PARTITION BY n % 2 ORDER BY n) FROM x WHERE n < 5 ORDER BY n', 'VALUES (4::float8), (2), (2), (2)', 'each partition by itself, whatever the order');
SELECT results_eq('SELECT rec.impute(x, ''mode'') OVER (), rec.impute(x, ''other'') OVER () FROM (VALUES (1, ''b''), (2, ''a''), (3, NULL), (4, ''b''), (5, ''a'')) v (n, x) ORDER BY n', $$VALUES ('b', 'b'), ('a', 'a'), ('a', 'other'), ('b', 'b'), ('a', 'a')$$, 'words');
SELECT results_eq('SELECT rec.impute(x, ''mean'') OVER (), rec.impute(x::text, ''mode'') OVER () FROM (VALUES (NULL::numeric), (NULL)) v (x)', 'VALUES (NULL::float8, NULL::text), (NULL, NULL)', 'nothing to impute with');
SELECT throws_ok(q, e, NULL, q) FROM (VALUES ('SELECT rec.impute(x, ''medain'') OVER () FROM x', '22023'), ('SELECT rec.impute(x, NULL::text) OVER () FROM x', '22004'), ('SELECT rec.impute(x, NULL::float8) OVER () FROM x', '22004'), ('SELECT rec.impute(x, ''NaN'') OVER () FROM x', '22023'),
	('SELECT rec.impute(x, ''mean'') OVER () FROM (VALUES (1), (''NaN''::float8)) v (x)', '22023'), ('SELECT rec.impute(x, ''1 2'') OVER () FROM x', '22023')) v (q, e);

-- other types: the most frequent value, the (lower) median, or a constant of the type
SELECT results_eq(format('SELECT rec.impute(x, %s) OVER () FROM (VALUES %s) v (n, x) ORDER BY n', strategy, rows), 'VALUES ' || expected, rows || ' by ' || strategy) FROM (VALUES
	('''mode''', '(1, true), (2, NULL), (3, false), (4, true)', '(true), (true), (false), (true)'), ('false', '(1, true), (2, NULL)', '(true), (false)'),
	('''mode''', '(1, date ''2024-01-03''), (2, NULL), (3, ''2024-01-01'')', '(date ''2024-01-03''), (''2024-01-01''), (''2024-01-01'')'),
	('''median''', '(1, date ''2024-01-03''), (2, NULL), (3, ''2024-01-01''), (4, ''2024-01-02'')', '(date ''2024-01-03''), (''2024-01-02''), (''2024-01-01''), (''2024-01-02'')'),
	('date ''2024-05-05''', '(1, date ''2024-01-03''), (2, NULL)', '(date ''2024-01-03''), (''2024-05-05'')'),
	('''median''', '(1, timestamptz ''2024-01-03''), (2, NULL)', '(timestamptz ''2024-01-03''), (''2024-01-03'')'),
	('''mode''', '(1, ''{a}''::text[]), (2, NULL), (3, ''{b}''), (4, ''{b}'')', '(''{a}''::text[]), (''{b}''), (''{b}''), (''{b}'')'),
	('''mode''', '(1, NULL::uuid), (2, NULL)', '(NULL::uuid), (NULL)')) v (strategy, rows, expected);
SELECT is(pg_typeof(rec.impute(x, 0) OVER ()), 'double precision'::regtype, 'integers and numerics stay with the numbers') FROM (VALUES (1::numeric)) v (x);
SELECT throws_ok(q, e, NULL, q) FROM (VALUES ('SELECT rec.impute(x, ''mean'') OVER () FROM (VALUES (date ''2024-01-01'')) v (x)', '22023'), ('SELECT rec.impute(x, ''mode'') OVER () FROM (VALUES (point ''1,2''), (NULL)) v (x)', '42883'),
	('SELECT rec.impute(x, NULL::date) OVER () FROM (VALUES (NULL::date)) v (x)', '22004')) v (q, e);

-- impute_knn against the same in SQL
CREATE TABLE k AS SELECT i AS id, CASE WHEN i % 11 = 0 THEN NULL ELSE (i * 37 % 101)::numeric / 4 END AS a, CASE WHEN i % 7 = 0 THEN NULL ELSE 'w' || i * 13 % 4 END AS b, CASE WHEN i % 13 = 0 THEN NULL ELSE i * 17 % 50 END AS c, CASE WHEN i % 17 = 0 THEN NULL ELSE i % 3 = 0 END AS d FROM generate_series(1, 150) i;
CREATE VIEW gower AS
SELECT p.id, q.id AS other, (coalesce(abs(p.a - q.a) / 25.0, 0) + coalesce((p.b <> q.b)::int, 0) + coalesce(abs(p.c - q.c) / 49.0, 0) + coalesce((p.d <> q.d)::int, 0))::float8 / nullif(num_nonnulls(p.a - q.a, p.b <> q.b, p.c - q.c, p.d <> q.d), 0) AS distance, q.a, q.b, q.c, q.d
FROM k p, k q;
SELECT is((max(a) - min(a))::float8, 25::float8, 'the range that the query uses') FROM k;
CREATE TABLE imputed AS SELECT * FROM rec.impute_knn('k', 'id', '{a,b,c,d}', 4);
SELECT is(count(*), (SELECT sum(4 - num_nonnulls(a, b, c, d)) FROM k), 'one row for each missing value') FROM imputed;
SELECT ok(bool_and(abs(i.distance - w.d) < 1e-12 AND i.neighbours = 4), 'distances of the nearest: ' || column_name) FROM imputed i, LATERAL (SELECT avg(distance) AS d FROM (SELECT distance FROM gower g WHERE g.id = i.key::int AND distance IS NOT NULL AND
	CASE i.column_name WHEN 'a' THEN g.a IS NOT NULL WHEN 'b' THEN g.b IS NOT NULL WHEN 'c' THEN g.c IS NOT NULL ELSE g.d IS NOT NULL END ORDER BY distance LIMIT 4) n) w GROUP BY column_name;
SELECT ok(bool_and(abs(value::float8 - m) < 1e-12), 'numbers: the median') FROM imputed i, LATERAL (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY a) AS m FROM (SELECT a FROM gower g WHERE g.id = i.key::int AND a IS NOT NULL ORDER BY distance, other LIMIT 4) n) w WHERE column_name = 'a';
SELECT ok(bool_and(value = rint::text), 'integers: rounded') FROM imputed i, LATERAL (SELECT round(percentile_cont(0.5) WITHIN GROUP (ORDER BY c)) AS rint FROM (SELECT c FROM gower g WHERE g.id = i.key::int AND c IS NOT NULL ORDER BY distance, other LIMIT 4) n) w WHERE column_name = 'c';
SELECT ok(bool_and(value IN ('true', 'false')), 'booleans keep their text') FROM imputed WHERE column_name = 'd';
SELECT ok(bool_and(value = (SELECT b FROM (SELECT b, row_number() OVER (ORDER BY distance, other) AS r FROM gower g WHERE g.id = i.key::int AND b IS NOT NULL ORDER BY distance, other LIMIT 4) n GROUP BY b ORDER BY count(*) DESC, min(r) LIMIT 1)), 'words: the most frequent, of those the nearest') FROM imputed i WHERE column_name = 'b';
SELECT ok(count(*) = (SELECT count(*) FROM imputed) AND max(neighbours) <= 4, 'a sample of donors') FROM rec.impute_knn('k', 'id', '{a,b,c,d}', 4, donors => 5);
SELECT results_eq($$SELECT value, neighbours FROM rec.impute_knn('x', 'n', '{x}')$$, 'VALUES (NULL::text, 0)', 'nothing to compare by');
SELECT throws_ok(q, e, NULL, q) FROM (VALUES ($$SELECT rec.impute_knn('nix', 'id', '{a}')$$, '42P01'), ($$SELECT rec.impute_knn('k', 'nix', '{a}')$$, '42703'), ($$SELECT rec.impute_knn('k', 'id', '{nix}')$$, '42703'), ($$SELECT rec.impute_knn('k', 'id', '{}')$$, '22023'),
	($$SELECT rec.impute_knn('k', 'id', '{a}', 0)$$, '22023'), ($$SELECT rec.impute_knn('k', 'id', '{a}', 1001)$$, '22023'), ($$SELECT rec.impute_knn('k', 'id', '{a}', 3, 0)$$, '22023'), ($$SELECT rec.impute_knn('a"b''; DROP TABLE k', 'id', '{a}')$$, '42P01')) v (q, e);
CREATE TABLE times (id int, at interval);
SELECT throws_ok($$SELECT rec.impute_knn('times', 'id', '{at}')$$, '42804', NULL, 'intervals are refused');
-- dates and timestamps: as the same days as numbers
CREATE TABLE dated AS SELECT id, a, CASE WHEN id % 9 > 0 THEN date '2023-12-20' + (id * 7 % 50) END AS day, CASE WHEN id % 9 > 0 THEN id * 7 % 50 END AS number, CASE WHEN id % 8 > 0 THEN timestamptz '1969-12-31 23:59:59.25+00' + id * interval '1.5 h' END AS at,
	CASE WHEN id % 8 > 0 THEN timestamp '1969-12-31 23:59:59.25' + id * interval '1.5 h' END AS local FROM k;
SELECT results_eq($$SELECT key, value::date - date '2023-12-20', distance, neighbours FROM rec.impute_knn('dated', 'id', '{a,day}', 3) WHERE column_name = 'day'$$,
	$$SELECT key, value::int, distance, neighbours FROM rec.impute_knn('dated', 'id', '{a,number}', 3) WHERE column_name = 'number'$$, 'dates: as numbers of days');
SELECT ok(count(*) > 2 AND bool_and(value::timestamptz IN (SELECT at FROM dated)), 'timestamps of one neighbour: exactly') FROM rec.impute_knn('dated', 'id', '{a,at}', 1) WHERE column_name = 'at';
SELECT ok(count(*) > 2 AND bool_and(value::timestamp IN (SELECT local FROM dated)), 'also without a time zone') FROM rec.impute_knn('dated', 'id', '{a,local}', 1) WHERE column_name = 'local';
CREATE TABLE many AS SELECT i AS id, repeat(md5(i::text), 30) AS word, NULL::int AS a FROM generate_series(1, 80000) i;
SET pg_recommend.training_memory = '64MB';
SELECT throws_ok($$SELECT rec.impute_knn('many', 'id', '{word,a}', 3, 80000)$$, '53200', NULL, 'memory is bounded');
RESET pg_recommend.training_memory;
-- the caller's rights
CREATE ROLE rec_clean_nobody;
SET ROLE rec_clean_nobody;
SELECT throws_ok($$SELECT rec.impute_knn('public.k', 'id', '{a}')$$, '42501', NULL, 'needs SELECT on the relation');
RESET ROLE;
DROP ROLE rec_clean_nobody;

-- Sessions
CREATE TABLE s (u int, ts timestamptz);
INSERT INTO s VALUES (1, '2024-01-01 10:00'), (1, '2024-01-01 10:10'), (1, '2024-01-01 10:40'), (1, '2024-01-01 11:10:01'), (1, NULL), (2, '2024-01-01 10:00'), (1, '2024-01-02');
SELECT results_eq('SELECT u, rec.session_id(ts) OVER w, rec.dwell(ts) OVER w, rec.session_length(ts) OVER w, rec.bounce(ts) OVER w FROM s WINDOW w AS (PARTITION BY u ORDER BY ts) ORDER BY u, ts',
	$$VALUES (1, 1, interval '10 min', interval '40 min', false), (1, 1, '30 min', '40 min', false), (1, 1, NULL, '40 min', false), (1, 2, NULL, '0', true), (1, 3, NULL, '0', true), (1, NULL, NULL, NULL, NULL), (2, 1, NULL, '0', true)$$, 'sessions: a gap of exactly half an hour does not end one');
SELECT is(array_agg(n ORDER BY ts), '{2,2,2,2,1,NULL}', 'descending, an hour') FROM (SELECT ts, rec.session_id(ts, '1 hour') OVER (ORDER BY ts DESC NULLS LAST) AS n FROM s WHERE u = 1) d;
SELECT results_eq('SELECT u, ts, rec.session_id(ts) OVER (PARTITION BY u ORDER BY ts) FROM s WHERE ts IS NOT NULL ORDER BY 1, 2',
	$$SELECT u, ts, (count(*) FILTER (WHERE new) OVER (PARTITION BY u ORDER BY ts))::int FROM (SELECT u, ts, coalesce(ts - lag(ts) OVER (PARTITION BY u ORDER BY ts) > '30 min', true) AS new FROM s WHERE ts IS NOT NULL) n ORDER BY 1, 2$$, 'as with lag() and a running count');
SELECT throws_ok('SELECT rec.session_id(ts, ''0'') OVER () FROM s', '22023', NULL, 'no gap');
SELECT throws_ok('SELECT rec.dwell(ts, NULL) OVER () FROM s', '22004', NULL, 'null as gap');
SELECT is(rec.session_id('infinity') OVER (), 1, 'infinite time');

-- Robots
SELECT is(rec.bot_score(ts), NULL, 'no time, no score') FROM s WHERE ts IS NULL;
SELECT is((rec.bot_score(ts)).score, 0::float8, 'a person') FROM s;
SELECT ok((b).score > 0.9 AND (b).regularity = 1 AND (b).breadth IS NULL AND (b).events = 300, 'every 20 seconds') FROM (SELECT rec.bot_score(timestamptz '2024-01-01' + i * interval '20.5 s') AS b FROM generate_series(1, 300) i) q;
SELECT is((rec.bot_score(timestamptz '2024-01-01', i)).score, 0::float8, 'a basket of 500 is one act') FROM generate_series(1, 500) i;
SELECT ok((rec.bot_score(ts, item)).breadth > 0.9, 'a new item each time') FROM (SELECT timestamptz '2024-01-01' + i * interval '20 s' AS ts, ('item ' || i)::varchar AS item FROM generate_series(1, 2900) i) q;
SELECT throws_ok($$SELECT rec.bot_score(now(), '(1,2)'::point)$$, '42883', NULL, 'items that cannot be hashed');
CREATE TABLE clicks AS SELECT i % 3 AS u, timestamptz '2024-01-01' + i * interval '7.3 s' + (i % 5) * interval '1 min' AS ts, i % 40 AS item FROM generate_series(1, 30000) i;
ALTER TABLE clicks SET (parallel_workers = 2);
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
CREATE TABLE parallel AS SELECT (rec.bot_score(ts, item)).* FROM clicks;
SET max_parallel_workers_per_gather = 0;
SELECT results_eq('SELECT (rec.bot_score(ts, item)).* FROM clicks', 'TABLE parallel', 'the same in a parallel plan');
RESET max_parallel_workers_per_gather;

-- Weights; scikit-learn: TfidfTransformer(norm=None).fit_transform([[3, 1, 0, 0], [1, 0, 2, 0], [0, 0, 4, 5], [2, 0, 0, 0]])
CREATE TABLE w (u int, i text, tf float8, expected float8);
INSERT INTO w VALUES (1, 'a', 3, 3.669430653942629), (1, 'b', 1, 1.916290731874155), (2, 'a', 1, 1.2231435513142097), (2, 'c', 2, 3.0216512475319814), (3, 'c', 4, 6.043302495063963), (3, 'd', 5, 9.581453659370776), (4, 'a', 2, 2.4462871026284194);
SELECT ok(bool_and(abs(v - expected) < 1e-14), 'tfidf, as TfidfTransformer(norm=None)') FROM (SELECT rec.tfidf(u, i, tf) OVER () AS v, expected FROM w) s;
SELECT ok(bool_and(abs(v - expected) < 1e-13), 'rows of one pair sum up to it') FROM (SELECT u, i, sum(v) AS v, expected FROM (SELECT u, i, expected, rec.tfidf(u, i) OVER () AS v FROM w, generate_series(1, tf::int)) r GROUP BY u, i, expected) s;
SELECT ok(bool_and(abs(v - ln(1 + (4 - df + 0.5) / (df + 0.5)) * tf * 2.2 / (tf + 1.2 * (0.25 + 0.75 * length / 4.5))) < 1e-14), 'bm25, by its formula')
	FROM (SELECT rec.bm25(u, i, tf) OVER () AS v, tf, count(*) OVER (PARTITION BY i) AS df, sum(tf) OVER (PARTITION BY u) AS length FROM w) s;
SELECT ok(bool_and(abs(a - b) < 1e-13), 'bm25: rows of one pair sum up to it') FROM (SELECT u, i, rec.bm25(u, i, tf, 2, 0.5) OVER () AS a FROM w) p JOIN (SELECT u, i, sum(v) AS b FROM (SELECT u, i, rec.bm25(u, i, 1, k1 => 2, b => 0.5) OVER () AS v FROM w, generate_series(1, tf::int)) r GROUP BY u, i) q USING (u, i);
SELECT results_eq('SELECT rec.tfidf(u, i, tf) OVER (), rec.bm25(u, i, tf) OVER () FROM (VALUES (NULL, 1, 1), (1, NULL, 1), (1, 1, NULL), (2, 2, 0)) v (u, i, tf)', 'VALUES (NULL::float8, NULL::float8), (NULL, NULL), (NULL, NULL), (0, 0)', 'nulls and a weight of 0');
SELECT throws_ok(q, '22023', NULL, q) FROM unnest(ARRAY['SELECT rec.tfidf(u, i, -1) OVER () FROM w', 'SELECT rec.bm25(u, i, ''NaN'') OVER () FROM w', 'SELECT rec.bm25(u, i, 1, -1) OVER () FROM w', 'SELECT rec.bm25(u, i, 1, 1, 1.5) OVER () FROM w']) q;
SELECT is(ARRAY[rec.time_decay('2024-01-01', '1 day', '2024-01-03'), rec.time_decay('2024-01-05', '1 day', '2024-01-03'), rec.time_decay('1000-01-01', '1 s', '2024-01-03'), rec.time_decay('2024-01-01', '1 month', '2024-01-31')], '{0.25,1,0,0.5}', 'time_decay');
SELECT throws_ok('SELECT rec.time_decay(now(), ''0'')', '22023', NULL, 'a half-life of nothing');

-- Features
SELECT is(f::text, '(1,7,t,7,summer,0.2588190451,0.9659258263,-0.7818314825,0.6234898019,0.0000000000,-1.0000000000)', 'a Sunday in Berlin') FROM (SELECT ROW((t).hour, (t).weekday, (t).weekend, (t).month, (t).season, (t).hour_sin::numeric(11, 10), (t).hour_cos::numeric(11, 10), (t).weekday_sin::numeric(11, 10), (t).weekday_cos::numeric(11, 10), (t).month_sin::numeric(11, 10), (t).month_cos::numeric(11, 10))
	FROM (SELECT rec.time_features('2024-07-06 23:30+00', 'Europe/Berlin')) s (t)) q (f);
SELECT is(array_agg((rec.time_features(make_timestamptz(2024, m, 15, 12, 0, 0))).season ORDER BY m), '{winter,winter,spring,spring,spring,summer,summer,summer,autumn,autumn,autumn,winter}', 'seasons of the north') FROM generate_series(1, 12) m;
SELECT is(array_agg((rec.time_features(make_timestamptz(2024, m, 15, 12, 0, 0), hemisphere => 'south')).season ORDER BY m), '{summer,summer,autumn,autumn,autumn,winter,winter,winter,spring,spring,spring,summer}', 'and of the south') FROM generate_series(1, 12) m;
SELECT is(rec.time_features(NULL), NULL, 'no time, no features');
SELECT throws_ok($$SELECT rec.time_features(now(), 'Mars/Phobos')$$, '22023', NULL, 'unknown time zone');
SELECT throws_ok($$SELECT rec.time_features(now(), 'UTC', 'east')$$, '23514', NULL, 'unknown hemisphere');
CREATE TABLE customer AS SELECT i AS id, timestamptz '2024-01-01' + i * interval '1 day' AS last_at, i * 7 % 50 AS n, i * 13 % 97 AS worth FROM generate_series(1, 100) i;
SELECT results_eq('SELECT (rec.rfm(last_at, n, worth) OVER ()).* FROM customer ORDER BY id', 'SELECT 1 + (5 * (rank() OVER (ORDER BY last_at) - 1) / 100)::int, 1 + (5 * (rank() OVER (ORDER BY n) - 1) / 100)::int, 1 + (5 * (rank() OVER (ORDER BY worth) - 1) / 100)::int,
	CASE WHEN 5 * (rank() OVER (ORDER BY last_at) - 1) / 100 < 2 THEN CASE WHEN 5 * (rank() OVER (ORDER BY n) - 1) / 100 < 2 THEN ''hibernating'' WHEN 5 * (rank() OVER (ORDER BY n) - 1) / 100 < 4 THEN ''at risk'' ELSE ''cannot lose them'' END
	WHEN 5 * (rank() OVER (ORDER BY last_at) - 1) / 100 < 3 THEN CASE WHEN 5 * (rank() OVER (ORDER BY n) - 1) / 100 < 2 THEN ''about to sleep'' WHEN 5 * (rank() OVER (ORDER BY n) - 1) / 100 < 3 THEN ''need attention'' ELSE ''loyal customers'' END
	WHEN 5 * (rank() OVER (ORDER BY n) - 1) / 100 < 1 THEN CASE WHEN 5 * (rank() OVER (ORDER BY last_at) - 1) / 100 < 4 THEN ''promising'' ELSE ''new customers'' END
	WHEN 5 * (rank() OVER (ORDER BY n) - 1) / 100 < 3 THEN ''potential loyalists'' WHEN 5 * (rank() OVER (ORDER BY last_at) - 1) / 100 < 4 THEN ''loyal customers'' ELSE ''champions'' END FROM customer ORDER BY id', 'rfm: quintiles by rank, and cohorts');
SELECT is(rec.rfm(NULL, 1, 1) OVER (), NULL, 'rfm of null');
SELECT throws_ok('SELECT rec.rfm(now(), ''NaN'', 1) OVER ()', '22023', NULL, 'rfm of NaN');
SELECT is(array_agg(rec.visitor_type(timestamptz '2024-01-01', ts, '7 days') ORDER BY ts), '{new,new,returning}', 'new and returning') FROM unnest('{2024-01-01,2024-01-08,2024-01-09}'::timestamptz[]) ts;

-- The clean view
CREATE SCHEMA web;
CREATE TABLE web.events (user_id int, item_id text, event text, created_at timestamp, value numeric, gone int);
ALTER TABLE web.events DROP gone;
INSERT INTO web.events SELECT u, 'item ' || u * k % 30, 'view', timestamp '2024-01-01' + u * interval '5 hours' + k * k * interval '9 hours', k FROM generate_series(1, 40) u, generate_series(1, 6) k;
INSERT INTO web.events SELECT user_id, item_id, 'view', created_at + n * interval '3 s', value FROM web.events, generate_series(1, 2) n WHERE user_id = 7;
INSERT INTO web.events SELECT user_id, item_id, 'buy', created_at + interval '2 s', value FROM web.events WHERE user_id = 8;
INSERT INTO web.events SELECT 666, 'item ' || k, 'view', timestamp '2024-01-01' + k * interval '20 s' + interval '0.01 s', 1 FROM generate_series(1, 400) k;
INSERT INTO web.events VALUES (NULL, 'item 1', 'view', '2024-01-01', 1), (1, NULL, 'view', '2024-01-01', 1), (1, 'item 1', 'view', NULL, 1), (1, 'item 1', 'view', '2024-01-02 03:04:05', NULL);
CREATE INDEX ON web.events (user_id);
SELECT matches(rec.create_clean_view('web.clean', 'web.events'), 'CREATE OR REPLACE VIEW web.clean WITH \(security_invoker\) AS\nSELECT e.user_id, e.item_id, e.event, e.created_at, e.value\nFROM', 'returns the text of the view');
SELECT results_eq('SELECT user_id, count(*) FROM web.clean WHERE user_id IN (6, 7, 8, 666) OR user_id IS NULL GROUP BY 1 ORDER BY 1', 'VALUES (6, 6::bigint), (7, 6), (8, 6)', 'duplicates, robots and nulls are gone');
SELECT is(count(*), 6 * 40 + 1::bigint, 'and nothing else') FROM web.clean;
SELECT lives_ok(rec.create_clean_view('web.all_events', 'web.events', dedup_window => NULL, drop_bots => false), 'the text runs again, to replace the view');
SELECT is(count(*), (SELECT count(*) FROM web.events WHERE user_id + length(item_id) > 0 AND created_at IS NOT NULL), 'only nulls go') FROM web.all_events;
SELECT lives_ok(rec.create_clean_view('"web"."By type"', 'web.events', event_column => 'event', value_column => 'value', bot_threshold => 1), 'quoted names');
SELECT results_eq('SELECT user_id, count(*) FROM web."By type" WHERE user_id IN (7, 8, 666) GROUP BY 1 ORDER BY 1', 'VALUES (7, 6::bigint), (8, 12), (666, 400)', 'another type is no repetition; nobody reaches a score of 1');
CREATE FUNCTION plan(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN (COSTS off) ' || query; END $$;
SET enable_seqscan = off;
SELECT ok(bool_or(p ~ 'Index Cond: .*user_id = 5') AND NOT bool_or(p ~ 'Seq Scan'), 'one user''s clean events come from the index') FROM plan('SELECT item_id FROM web.clean WHERE user_id = 5') p;
RESET enable_seqscan;
-- a model on the view follows new events
SELECT rec.create_model('m', 'web.clean', params => '{"factors": 4, "epochs": 2, "holdout": 0}');
SELECT users FROM rec.train('m') \gset
SELECT is(:users, 40, 'a model of the clean events');
INSERT INTO web.events VALUES (5, 'item 29', 'view', '2024-06-01', 1);
SELECT is(source, 'folded_in', 'an event that is added to the table below counts at once') FROM m.recommend(5, 1);
SELECT rec.drop_model('m');
-- types of time
CREATE TABLE web.seconds AS SELECT user_id, item_id, extract(epoch FROM created_at)::bigint AS created_at FROM web.events;
CREATE TABLE web.days AS SELECT user_id, item_id, created_at::date FROM web.events;
CREATE TABLE web.zoned AS SELECT user_id, item_id, created_at AT TIME ZONE 'UTC' AS created_at FROM web.events;
SELECT lives_ok(format('SELECT rec.create_clean_view(''web.clean_%1$s'', ''web.%1$s'')', t), t) FROM unnest('{seconds,days,zoned}'::text[]) t;
SELECT is(count(*), (SELECT count(*) FROM web.clean), 'timestamps with time zone') FROM web.clean_zoned;
SELECT ok(count(*) > 200, 'seconds since 1970') FROM web.clean_seconds WHERE user_id <> 666;
SELECT is(count(*), (SELECT count(DISTINCT (user_id, item_id, created_at)) FROM web.days WHERE user_id + length(item_id) > 0 AND created_at IS NOT NULL), 'days: one a day') FROM web.clean_days;
SET search_path = web, public;
SELECT lives_ok($$SELECT rec.create_clean_view('short', 'events')$$, 'names on the search path');
SELECT has_view('web', 'short', 'where the search path creates');
RESET search_path;
SELECT throws_ok('SELECT rec.create_clean_view(' || a || ')', e, NULL, a) FROM (VALUES ($$'web.clean', 'web.events'$$, '42P07'), ($$'web.x', 'web.nix'$$, '42P01'), ($$'web.x', 'web.events', 'nix'$$, '42703'), ($$'web.x', 'web.events', time_column => 'event'$$, '42804'), ($$'a.b.c', 'web.events'$$, '42602'),
	($$'nix.x', 'web.events'$$, '3F000'), ($$'web.x', 'web.events', dedup_window => '-1 s'$$, '22023'), ($$'web.x', 'web.events', bot_threshold => 2$$, '22023'), ($$'web.x', 'web.events', bot_threshold => 'NaN'$$, '22023'), ($$NULL, 'web.events'$$, '22004'), ($$'web.x', 'web.events', drop_bots => NULL$$, '22004'),
	($$'x"; DROP TABLE web.events; --', 'web.events'$$, '22023'), ($$'web.x', 'web.events', user_column => 'user_id; --'$$, '42703')) v (a, e);

-- Online Retail II and programs planted among its customers: docs/preparation.md has the table
\if :{?data}
\set file :data '/online_retail/online_retail_2009_2010.csv.gz'
SELECT (pg_stat_file(:'file', true)).size IS NOT NULL AS exists \gset
\else
\set exists false
\endif
\if :exists
CREATE TABLE line (invoice_no text, stock_code text, description text, quantity int, invoice_date timestamp, unit_price numeric, customer_id bigint, country text);
\set command 'gzip -dc ' :file
COPY line FROM PROGRAM :'command' WITH (FORMAT csv, HEADER);
SELECT setseed(0.5);
CREATE TABLE visit AS SELECT customer_id AS u, invoice_date AT TIME ZONE 'UTC' AS ts, stock_code AS item, 'person' AS kind FROM line WHERE customer_id IS NOT NULL;
INSERT INTO visit SELECT -b, '2010-03-01'::timestamptz + b * interval '1 day' + k * interval '15 s' + random() * interval '1 s', 'p' || k, 'crawler' FROM generate_series(1, 20) b, generate_series(1, 480) k;
INSERT INTO visit SELECT -100 - b, '2010-03-01'::timestamptz + sum(1 + random() * 5) OVER (PARTITION BY b ORDER BY k) * interval '1 s', 'p' || k, 'scraper' FROM generate_series(1, 20) b, generate_series(1, 2000) k;
INSERT INTO visit SELECT -200 - b, '2010-03-01'::timestamptz + sum(-ln(1 - random()) * 180) OVER (PARTITION BY b ORDER BY k) * interval '1 s', 'p' || (random() * 3000)::int, 'at random' FROM generate_series(1, 20) b, generate_series(1, 2400) k;
SELECT is(count(*) FILTER (WHERE (s).score >= 0.5), CASE kind WHEN 'person' THEN 0 ELSE 20 END::bigint, 'found: ' || kind || ', of ' || count(*)) FROM (SELECT kind, rec.bot_score(ts, item) AS s FROM visit GROUP BY u, kind) v GROUP BY kind;
\else
SELECT skip('no Online Retail II in REC_DATA_DIR', 4);
\endif
SELECT * FROM finish();
