-- What people look at: rec.model_health, rec.recommendation_performance, rec.histogram.
SET client_min_messages = warning;
SET TimeZone = 'UTC';
\pset fieldsep '\n'
SELECT no_plan();
CREATE ROLE rec_h_bi;
CREATE ROLE rec_h_other;
CREATE TABLE events (user_id int, item_id int, event text, value float8, at timestamptz);
INSERT INTO events SELECT u, (u * k) % 30, 'view', 1, now() - interval '1 day' * (1 + (u * k) % 40) FROM generate_series(1, 60) u, generate_series(1, 5) k;
CREATE INDEX ON events (user_id);
SELECT rec.create_model('h', 'events', event_column => 'event', event_weights => '{"view": 1, "purchase": 5, "return": -5}', value_column => 'value', time_column => 'at', params => '{"factors": 2, "epochs": 1}') AS made \gset
SELECT is((model, active_version, metric, drift, next_check)::text, '(h,,ndcg@10,,)', 'a model that was never trained') FROM rec.model_health;
SELECT version AS trained FROM rec.train('h') \gset
SELECT ok(active_version = 1 AND age < interval '10 minutes' AND metric_value IS NOT NULL AND baseline_value IS NOT NULL, 'age and holdout'), is(click_through, NULL, 'nothing was shown yet') FROM rec.model_health;
SELECT is_empty('SELECT * FROM rec.recommendation_performance', 'no impressions');

-- shown yesterday; what followed is planted
INSERT INTO rec.impression (model, version, user_id, item_id, rank, placement, propensity, shown_at) SELECT 'h', 1, u::text, i::text, i - 100, p, 1, now() - interval '1 day' * d + interval '1 second' * i
FROM (VALUES (1, 'home', 2), (2, 'home', 2), (3, 'mail', 2), (3, 'mail', 1)) s(u, p, d), generate_series(101, 104) i;
INSERT INTO events SELECT u, i, e, v, now() - interval '1 day' * d + interval '1 hour' FROM (VALUES
	(1, 101, 'view', 1, 2),			-- a click
	(1, 101, 'purchase', 7, 2),		-- and a conversion of the same impression
	(2, 102, 'return', 9, 2),		-- no click
	(2, 999, 'purchase', 9, 2),		-- was not shown
	(3, 103, 'purchase', 11, 1),	-- counts for the later of two impressions
	(1, 104, 'view', 1, 0)) v(u, i, e, v, d);		-- too late
SELECT results_eq('SELECT placement, day, version, impressions, users, clicks, conversions, value, click_through, conversion_rate FROM rec.recommendation_performance ORDER BY placement, day',
	$$VALUES ('home', (now() - interval '2 days' + interval '101 seconds')::date, 1, 8::bigint, 2::bigint, 1::bigint, 1::bigint, 7::float8, 0.125::float8, 0.125::float8),
		('mail', (now() - interval '2 days' + interval '101 seconds')::date, 1, 4::bigint, 1::bigint, 0::bigint, 0::bigint, NULL, 0, 0),
		('mail', (now() - interval '1 day' + interval '101 seconds')::date, 1, 4::bigint, 1::bigint, 1::bigint, 1::bigint, 11, 0.25, 0.25)$$, 'clicks, conversions and value per day, placement and version');
SELECT is(impressions, 16::bigint, 'impressions of 28 days'), is(click_through, 0.125::float8, 'live click-through') FROM rec.model_health;
SELECT is((SELECT count(*) FROM rec.check_drift('h', since => now() - interval '3 days')) > 0, true, 'a check');
SELECT ok((SELECT drift IS NOT NULL AND checked_to IS NOT NULL FROM rec.model_health), 'shows in the health');
SELECT job AS scheduled FROM rec.schedule('h', "check" => '0 * * * *', retrain => '0 3 * * *') LIMIT 1 \gset
SELECT ok(next_check > now() AND next_check <= now() + interval '1 hour' AND next_retrain > now(), 'next runs') FROM rec.model_health;

-- A BI role needs USAGE on the model, and no privilege on events.
GRANT USAGE ON SCHEMA h TO rec_h_bi;
SET ROLE rec_h_bi;
SELECT throws_ok('SELECT * FROM events', '42501', NULL, 'no privilege on events');
SELECT is((SELECT sum(impressions) FROM rec.recommendation_performance), 16::numeric, 'and sees counts'), is((SELECT count(*) FROM rec.model_health), 1::bigint, 'health'), ok((SELECT count(*) FROM rec.drift) > 0, 'drift');
SET ROLE rec_h_other;
SELECT is((SELECT count(*) FROM rec.recommendation_performance), 0::bigint, 'another role sees none'), is((SELECT count(*) FROM rec.model_health), 0::bigint, 'no health');
RESET ROLE;
-- an id that is no key of the model, which whoever may use the model can ask with, spoils nothing
SET ROLE rec_h_bi;
SELECT count(*) > 0 AS served FROM h.serve(99999999999, 2, 'odd') \gset
RESET ROLE;
SELECT results_eq($$SELECT DISTINCT user_id FROM rec.impression WHERE placement = 'odd'$$, 'VALUES (NULL::text)', 'no key: an impression without a user');
SELECT is((SELECT sum(impressions) FROM rec.recommendation_performance WHERE placement <> 'odd'), 16::numeric, 'and the others are counted');
DELETE FROM rec.impression WHERE placement = 'odd';
-- events that are gone take away that model's counts only
ALTER TABLE events RENAME TO gone;
SELECT is((SELECT sum(clicks) FROM rec.recommendation_performance), NULL, 'without events: impressions alone'), is((SELECT sum(impressions) FROM rec.recommendation_performance), 16::numeric, 'are counted');
ALTER TABLE gone RENAME TO events;
ALTER TABLE events DROP COLUMN value;
SELECT is((SELECT count(*) FROM rec.recommendation_performance), 0::bigint, 'a column that is gone: a warning, no rows, no error');

-- Histograms.
SELECT is(array_length(string_to_array(h, E'\n'), 1), 5, 'a header, three categories and nulls'), matches(h, 'value   reference \(5\) +current \(2\)', 'with counts'), matches(h, E'\na +\u2588+ 40\\.0 % +\u2588+ 50\\.0 %\n', 'and shares')
FROM (SELECT rec.histogram(x, c) AS h FROM (VALUES ('a', false), ('a', false), ('b', false), ('c', false), (NULL, false), ('a', true), ('b', true), ('z', NULL)) v(x, c)) h;
SELECT is(array_length(string_to_array(rec.histogram(x, x > 500), E'\n'), 1), 11, 'ten bins of numbers') FROM generate_series(1, 1000) x;
SELECT is((string_to_array(rec.histogram(x % 3, x > 500), E'\n'))[2] LIKE '0 %', true, 'few numbers each for itself, in their order') FROM generate_series(1, 1000) x;
SELECT is(array_length(string_to_array(rec.histogram('2025-01-01'::timestamptz + x * interval '1 hour', x > 500), E'\n'), 1), 11, 'times') FROM generate_series(1, 1000) x;
SELECT is(array_length(string_to_array(rec.histogram(E'a\n' || repeat('long ', 50) || x % 2, true), E'\n'), 1), 3, 'a label is one short line') FROM generate_series(1, 10) x;
SELECT ok(rec.histogram(x, true) LIKE '%reference (0)%', 'no reference'), ok(rec.histogram(NULL::float8, x > 2) LIKE '%(null)%', 'all null'), ok(rec.histogram(5.0, x > 2) LIKE '%100.0 \%%', 'constant'), ok(rec.histogram('infinity'::float8, x > 2) IS NOT NULL, 'infinite') FROM generate_series(1, 4) x;
SELECT is(rec.histogram(x, true), NULL, 'no rows') FROM generate_series(1, 0) x;
SELECT rec.drop_model('h') AS dropped \gset
DROP ROLE rec_h_bi, rec_h_other;
SELECT * FROM finish();
