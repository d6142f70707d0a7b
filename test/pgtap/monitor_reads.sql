-- Monitors: what a check reads of the events, how keys are compared, what a baseline holds of many events, and what was shown.
SET client_min_messages = warning;
SET TimeZone = 'UTC';
\pset fieldsep '\n'
SELECT no_plan();

-- Rows that were read of a table so far, as the server counts them.
CREATE FUNCTION rows_read(relation regclass) RETURNS bigint LANGUAGE sql AS $$SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_user_tables WHERE relid = relation$$;

-- 60 days of 500 events each, an index on their time, and none on the user: recommend() then answers from what is stored.
CREATE TABLE visits AS SELECT 1 + (n * 7919) % 400 AS user_id, 1 + (n * 10007) % 97 AS item_id, '2025-01-01'::timestamptz + n * interval '172.8 seconds' AS at,
	(ARRAY['web', 'app', 'shop'])[1 + n % 3] AS channel FROM generate_series(0, 60 * 500 - 1) n;
CREATE TABLE night AS SELECT * FROM visits WHERE at >= '2025-03-01';
DELETE FROM visits WHERE at >= '2025-03-01';
CREATE INDEX ON visits (at);
ANALYZE visits;
SELECT rec.create_model('vm', 'visits', time_column => 'at', params => '{"factors": 4, "epochs": 2}') AS made \gset
SELECT version AS trained FROM rec.train('vm') \gset
SELECT rec.create_monitor('visits', '{channel}', '14 days', time_column => 'at', name => 'plain') AS made \gset
SELECT count(*) AS checked FROM rec.check_drift('plain') \gset
INSERT INTO visits SELECT * FROM night;
SELECT pg_stat_force_next_flush() AS flushed \gset
SELECT rows_read('visits') AS before \gset
SELECT is(count(*), 1::bigint, 'a night, of a relation') FROM rec.check_drift('plain');
SELECT pg_stat_force_next_flush() AS flushed \gset
-- the night, the newest row to know where it ends, and what the planner looks at to know where the index ends
SELECT ok(rows_read('visits') - :before BETWEEN (SELECT count(*) FROM night) AND (SELECT count(*) FROM night) + 20, format('reads the night alone: %s rows', rows_read('visits') - :before));
SELECT rows_read('visits') AS before \gset
SELECT is(count(*), 7::bigint, 'a night, of a model') FROM rec.check_drift('vm');
SELECT pg_stat_force_next_flush() AS flushed \gset
SELECT ok(rows_read('visits') - :before BETWEEN (SELECT count(*) FROM night) AND (SELECT count(*) FROM night) + 20, format('reads the night alone: %s rows', rows_read('visits') - :before));

-- A baseline of many events is of a sample of the users, each with all events, and the same at every training.
INSERT INTO visits SELECT 1000 + (n * 7919) % 5000, 1 + (n * 10007) % 97, '2025-03-01'::timestamptz + n * interval '10 seconds', 'web' FROM generate_series(1, 60480) n;
SELECT version AS trained FROM rec.train('vm') \gset
SELECT version AS trained FROM rec.train('vm') \gset
SELECT ok(user_share BETWEEN 0.3 AND 0.35 AND (profile).n BETWEEN 0.9 * 20000 AND 1.1 * 20000, 'a sample of the users') FROM rec.drift_baseline WHERE monitor = 'vm' AND version = 3 AND column_name = 'channel';
SELECT is((SELECT (profile).n FROM rec.drift_baseline WHERE monitor = 'vm' AND version = 3 AND column_name = 'channel'),
	((SELECT (profile).mean * (profile).n FROM rec.drift_baseline WHERE monitor = 'vm' AND version = 3 AND column_name = 'user_activity'))::numeric(12, 4)::bigint, 'of each all events');
SELECT set_eq($$SELECT column_name, profile FROM rec.drift_baseline WHERE monitor = 'vm' AND version = 2 AND column_name NOT IN ('recommendation_score')$$,
	$$SELECT column_name, profile FROM rec.drift_baseline WHERE monitor = 'vm' AND version = 3 AND column_name NOT IN ('recommendation_score')$$, 'the same sample again');
DELETE FROM rec.drift_baseline WHERE monitor = 'vm';
INSERT INTO visits SELECT user_id, item_id, at + interval '8 days', channel FROM visits WHERE at >= '2025-03-06' AND at < '2025-03-07';
SELECT ok(count(*) > 0, 'a baseline that is gone is taken again by a check') FROM rec.check_drift('vm', since => '2025-03-14');
SELECT ok(abs(user_share - (20000 / 60480.0)) < 0.01, 'of about the same sample') FROM rec.drift_baseline WHERE monitor = 'vm' AND column_name = 'channel';
SELECT rec.drop_monitor('plain') AS dropped \gset

-- What was shown, once it is logged.
CREATE FUNCTION show(day date, users int, places int, score float8) RETURNS void LANGUAGE sql AS $$
	INSERT INTO rec.impression (model, version, user_id, item_id, rank, propensity, shown_at, score)
	SELECT 'vm', 3, u::text, (1 + (u * 31 + r) % places)::text, r, 1, day + interval '1 hour', score + 0.01 * (u % 50) - 0.02 * r FROM generate_series(1, users) u, generate_series(1, 10) r $$;
CREATE FUNCTION visit(day date) RETURNS void LANGUAGE sql AS $$
	INSERT INTO visits SELECT user_id, item_id, day + (at - '2025-03-06'), channel FROM visits WHERE at >= '2025-03-06' AND at < '2025-03-07' $$;
CREATE FUNCTION lists(day date) RETURNS TABLE (t text) LANGUAGE sql AS $$SELECT column_name || ' ' || verdict || ': ' || reason FROM rec.drift_result WHERE monitor = 'vm' AND period_start = day AND column_name IN ('recommendation_score', 'catalogue_coverage') ORDER BY 1$$;
SELECT visit(d::date) FROM generate_series('2025-03-15'::timestamptz, '2025-03-20', '1 day') d \g /dev/null
SELECT show('2025-03-15', 150, 97, 1), show('2025-03-16', 300, 97, 1), show('2025-03-17', 300, 97, 1), show('2025-03-18', 300, 40, 1), show('2025-03-19', 300, 97, 1.5) \g /dev/null
SELECT count(*) AS checked FROM rec.check_drift('vm') \gset
SELECT is((SELECT string_agg(to_char(period_start, 'DD ') || taken_from, ', ' ORDER BY period_start) FROM rec.drift_period WHERE monitor = 'vm' AND column_name = 'catalogue_coverage' AND period_start >= '2025-03-15'),
	'15 recommendations, 16 impressions, 17 impressions, 18 impressions, 19 impressions, 20 recommendations', 'impressions count where enough users have some');
SELECT is((SELECT string_agg(DISTINCT t, ', ' ORDER BY t) FROM lists('2025-03-16') t), 'catalogue_coverage ok: the first period in which what is shown was logged: the reference from now on, recommendation_score ok: the first period in which what is shown was logged: the reference from now on', 'the first of them is the reference');
SELECT is((SELECT string_agg(DISTINCT taken_from, ',') FROM rec.drift_baseline WHERE monitor = 'vm' AND version = 3 AND column_name IN ('recommendation_score', 'catalogue_coverage')), 'impressions', 'of these measures');
SELECT is((SELECT array_agg(n_current ORDER BY column_name) FROM rec.drift_result WHERE monitor = 'vm' AND period_start = '2025-03-17' AND column_name IN ('recommendation_score', 'catalogue_coverage')), '{97,200}', 'the catalogue, and 200 of the 300 users');
SELECT matches(min(t), '^catalogue_coverage ok: of what was shown; the share went from 100', 'the same is shown'), matches(max(t), '^recommendation_score ok: of what was shown; as before: PSI', 'with the same scores') FROM lists('2025-03-17') t;
SELECT matches(min(t), '^catalogue_coverage drifted: of what was shown; the share went from 100.* to 41', 'a narrow choice is found'), matches(max(t), '^recommendation_score ok', 'and named') FROM lists('2025-03-18') t;
SELECT matches(min(t), '^catalogue_coverage ok', 'higher scores are found'), matches(max(t), '^recommendation_score drifted: of what was shown; the mean went from 1\.\d* to 1\.\d*; PSI', 'and named') FROM lists('2025-03-19') t;
SELECT is((SELECT string_agg(t, ', ') FROM lists('2025-03-20') t), 'catalogue_coverage ok: too little was shown in this period to compare it with what had been shown, recommendation_score ok: too little was shown in this period to compare it with what had been shown', 'what was shown is not compared with what would be');
-- an interval as reference: the periods in which something was shown
SELECT rec.create_monitor('vm', '{channel}', '3 days', name => 'by interval') AS made \gset
SELECT count(*) AS checked FROM rec.check_drift('by interval', since => '2025-03-17', until => '2025-03-18') \gset
SELECT is((SELECT string_agg(format('%s %s %s', column_name, n_reference, n_current), ', ' ORDER BY column_name) FROM rec.drift_result WHERE monitor = 'by interval' AND column_name IN ('recommendation_score', 'catalogue_coverage')),
	'catalogue_coverage 97 97, recommendation_score 200 200', 'like with like');
-- serve() notes the score
SELECT count(*) AS served FROM vm.serve(1000, 3, 'page') \gset
SELECT is((SELECT array_agg(i.score ORDER BY i.rank) FROM rec.impression i WHERE placement = 'page'), (SELECT array_agg(r.score ORDER BY r.rank) FROM vm.recommend(1000, 3) r), 'serve() notes the score');

-- Shares: with few cases, exactly. scipy 1.10.1: stats.fisher_exact([[0, 840], [2, 28]]).pvalue, ([[40, 800], [5, 25]])
SELECT is(rec._share_p(0, 840, 2, 30, 0.5)::numeric(20, 12), 0.001150747986, 'two of thirty, where there were none'), is(rec._share_p(40, 840, 5, 30, 0.5)::numeric(20, 12), 0.015927281103, 'few are expected'),
	is(rec._share_p(400, 840, 15, 30, 0.5), 0.5::float8, 'many are: the p that is given');
SELECT is(rec._what_changed('ks', r, c, NULL, NULL), 'the mean went from 5.5 to 11; the standard deviation from 3.028 to 6.055', 'means and spread') FROM (SELECT rec.profile(i::float8), rec.profile(2.0::float8 * i) FROM generate_series(1, 10) i) p(r, c);
SELECT is(rec._what_changed('share', r, c, NULL, NULL), 'the share went from 20.0 % to 50.0 %', 'shares') FROM (SELECT rec.profile(i <= 2), rec.profile(i <= 5) FROM generate_series(1, 10) i) p(r, c);

-- citext: keys that differ in case are the same user and the same item, though to pg_catalog they are text.
SELECT count(*) > 0 AS citext FROM pg_available_extensions WHERE name = 'citext' \gset
\if :citext
CREATE EXTENSION citext;
CREATE TABLE words (user_id citext, item_id citext, event text, at timestamptz);
INSERT INTO words SELECT 'User ' || 1 + n % 300, 'Item ' || 1 + (n * 7) % 40, CASE WHEN n % 10 = 0 THEN 'buy' ELSE 'view' END, '2025-01-01'::timestamptz + n * interval '10 minutes' FROM generate_series(0, 143 * 28) n;
CREATE INDEX ON words (user_id);
SELECT rec.create_model('cim', 'words', event_column => 'event', event_weights => '{"view": 1, "buy": 5}', time_column => 'at', params => '{"factors": 4, "epochs": 2}') AS made \gset
SELECT version AS trained FROM rec.train('cim') \gset
INSERT INTO words SELECT upper(user_id::text)::citext, lower(item_id::text)::citext, event, at + interval '28 days' FROM words WHERE at < '2025-01-03';
SELECT is((SELECT string_agg(column_name || ' ' || verdict || ' ' || coalesce((100 * (SELECT sum(current_share[i]) FROM generate_subscripts(labels, 1) i WHERE labels[i] = 'true'))::int, 0), ', ' ORDER BY column_name) FROM rec.check_drift('cim') WHERE period_start = '2025-01-29' AND column_name LIKE 'unknown%'),
	'unknown_items ok 0, unknown_users ok 0', 'citext: known in any case');
SELECT is((SELECT (profile).n FROM rec.drift_period WHERE monitor = 'cim' AND column_name = 'item_popularity' AND period_start = '2025-01-29'), (SELECT count(*) FROM words WHERE at >= '2025-01-29' AND at < '2025-01-30'), 'citext: popular in any case');
INSERT INTO rec.impression (model, version, user_id, item_id, rank, propensity, shown_at) SELECT 'cim', 1, 'USER 5', 'item 7', 1, 1, now() - interval '2 days';
INSERT INTO words VALUES ('user 5', 'ITEM 7', 'buy', now() - interval '2 days' + interval '1 minute');
SELECT is((clicks, conversions), (1::bigint, 1::bigint), 'citext: a click in another case') FROM rec.recommendation_performance WHERE model = 'cim';
SELECT rec.drop_model('cim') AS dropped \gset
\else
SELECT skip('citext is not installed', 3);
\endif

-- Days and models that a dashboard does not ask for are not read.
INSERT INTO rec.impression (model, version, user_id, item_id, rank, placement, propensity, shown_at) SELECT 'vm', 3, (1 + d)::text, '5', 1, 'home', 1, (now() AT TIME ZONE 'UTC')::date - d + interval '1 hour' FROM generate_series(0, 85) d;
SELECT rec.maintain_partitions(months_ahead => 0) \g /dev/null
CREATE FUNCTION plan_of(query text, options text DEFAULT 'COSTS off') RETURNS SETOF text LANGUAGE plpgsql AS $$BEGIN RETURN QUERY EXECUTE 'EXPLAIN (' || options || ') ' || query; END $$;
CREATE FUNCTION calls(filter text) RETURNS text LANGUAGE sql AS $$SELECT substring(line FROM 'actual rows=\S+ (loops=\d+)') FROM plan_of('SELECT * FROM rec.recommendation_performance WHERE ' || filter, 'ANALYZE, COSTS off, TIMING off, SUMMARY off') line WHERE line LIKE '%Function Scan on _performance%'$$;
SELECT is(calls('true'), 'loops=90', 'a call per day'), is(calls($$day = (now() AT TIME ZONE 'UTC')::date - 3$$), 'loops=1', 'of a day, one'),
	is(calls($$day >= (now() AT TIME ZONE 'UTC')::date - 6 AND model = 'vm'$$), 'loops=7', 'of a week, seven');
SELECT ok(calls($$model = 'nothing'$$) IS NULL OR calls($$model = 'nothing'$$) = 'loops=0' , 'of no model, none');
SELECT is(count(DISTINCT part), 1::bigint, 'and of the partitions one is read') FROM plan_of(rec._performance_query('vm', (date_trunc('month', now() AT TIME ZONE 'UTC') - interval '20 days')::date)) line,
	LATERAL (SELECT substring(line FROM 'impression_\w+') AS part) p WHERE line ~ 'Scan.* on impression';
SELECT is((SELECT sum(impressions) FROM rec.recommendation_performance WHERE placement = 'home'), 86::numeric, 'each impression is counted on one day');
-- shown again on the next day: the event belongs to the later one
TRUNCATE rec.impression;
INSERT INTO rec.impression (model, version, user_id, item_id, rank, placement, propensity, shown_at) SELECT 'vm', 3, '1', '5', 1, 'again', 1, (now() AT TIME ZONE 'UTC')::date - d + t FROM (VALUES (3, '23:00'::time), (2, '01:00')) v(d, t);
INSERT INTO visits VALUES (1, 5, (now() AT TIME ZONE 'UTC')::date - 2 + '02:00'::time, 'web');
SELECT results_eq($$SELECT day - (now() AT TIME ZONE 'UTC')::date, clicks FROM rec.recommendation_performance ORDER BY day$$, 'VALUES (-3, 0::bigint), (-2, 1::bigint)', 'an event after midnight counts for what was shown last');
SELECT * FROM finish();
