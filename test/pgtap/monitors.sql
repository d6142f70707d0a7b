-- Monitors: baselines, incremental checks, verdicts, who may, and what goes wrong.
SET client_min_messages = warning;
SET TimeZone = 'UTC';
\pset fieldsep '\n'
\set QUIET on
\i examples/shop.sql
SET client_min_messages = warning;
SELECT no_plan();
CREATE FUNCTION notices(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE d text;
BEGIN
	EXECUTE query;
	RETURN NULL;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS d = PG_EXCEPTION_HINT;
	RETURN d;
END $$;

-- The last week is yet to come. What happens in it is planted: on Wednesday customers turn to their mobiles, on Thursday prices
-- rise, on Friday half of the views are of products that the model does not know, on Saturday amounts are lost.
CREATE TABLE later AS SELECT * FROM web.events WHERE created_at >= '2025-03-24';
DELETE FROM web.events WHERE created_at >= '2025-03-24';
UPDATE later SET device = 'mobile' WHERE created_at::date = '2025-03-26' AND event_id % 2 = 0;
UPDATE later SET amount = amount * 1.7 WHERE created_at::date = '2025-03-27';
UPDATE later SET sku = 'NEW-' || event_id % 40 WHERE created_at::date = '2025-03-28' AND event_id % 2 = 0;
UPDATE later SET amount = NULL WHERE created_at::date = '2025-03-29';
CREATE INDEX ON web.events (created_at);
ANALYZE web.events;
SELECT rec.create_model('shop', events => 'web.events', user_column => 'customer_id', item_column => 'sku', event_column => 'event',
	event_weights => '{"view": 1, "cart": 3, "purchase": 5, "return": -5}', time_column => 'created_at', params => '{"factors": 8, "epochs": 3}') AS made \gset
SELECT throws_ok('SELECT rec.check_drift(''shop'')', '55000', 'model "shop" has no trained version to compare with', 'not trained yet');
SELECT version AS trained FROM rec.train('shop') \gset

-- What a training saves.
SELECT is((monitor, model, reference, current::text, automatic)::text, '(shop,shop,training,"1 day",t)', 'a training makes a monitor') FROM rec.monitor;
SELECT set_eq('SELECT column_name FROM rec.drift_baseline', '{event,device,quantity,amount,user_activity,item_popularity,unknown_items,unknown_users,recommendation_score,catalogue_coverage}'::text[], 'and a baseline of its events, without keys');
CREATE VIEW recent AS SELECT * FROM web.events WHERE created_at >= (SELECT max(created_at) FROM web.events) - interval '7 days';
SELECT is((profile).n, (SELECT count(*) FROM recent), 'over the last 7 days, 28 having more events than a baseline may cost') FROM rec.drift_baseline WHERE column_name = 'device';
SELECT is((profile).counts[1:4], (SELECT array_agg(n ORDER BY n DESC) FROM (SELECT count(*) AS n FROM recent GROUP BY event) e), 'the mix of event types') FROM rec.drift_baseline WHERE column_name = 'event';
SELECT ok(abs((profile).mean - (SELECT avg(n) FROM (SELECT count(*) AS n FROM recent GROUP BY customer_id, created_at::date) e)::float8) < 1e-9, 'events of a user in a day') FROM rec.drift_baseline WHERE column_name = 'user_activity';
SELECT is((profile).categories, '{false}', 'a training knows all items') FROM rec.drift_baseline WHERE column_name = 'unknown_items';
SELECT is((profile).n, 200::bigint, 'the best score of 200 users') FROM rec.drift_baseline WHERE column_name = 'recommendation_score';
SELECT is((profile).n, (SELECT count(*) FROM shop.item_factors), 'coverage of the catalogue') FROM rec.drift_baseline WHERE column_name = 'catalogue_coverage';
SELECT is_empty('SELECT * FROM rec.check_drift(''shop'')', 'no period is new');

-- The first periods are as before.
INSERT INTO web.events SELECT * FROM later WHERE created_at < '2025-03-26';
CREATE TABLE first_check AS SELECT * FROM rec.check_drift('shop');
SELECT is(count(*), 20::bigint, 'one row per column and period'), is(min(period_start), '2025-03-24'::timestamptz, 'from where the training ends'),
	is(max(period_end), '2025-03-26'::timestamptz, 'to the newest period'), is(count(*) FILTER (WHERE verdict <> 'ok'), 0::bigint, 'nothing has drifted') FROM first_check;
SELECT is(checked_to, '2025-03-26'::timestamptz, 'noted how far') FROM rec.monitor;
SELECT is_empty('SELECT * FROM rec.check_drift(''shop'')', 'a second check finds nothing new');
SELECT set_eq('SELECT * FROM first_check', 'SELECT * FROM rec.drift_result', 'what it returns is what it stored');
SELECT is(p_value, (SELECT (rec.chi2_test(device, created_at >= '2025-03-25')).p_value FROM web.events
	WHERE created_at >= (SELECT max(created_at) - interval '7 days' FROM web.events WHERE created_at < '2025-03-24') AND (created_at < '2025-03-24' OR created_at >= '2025-03-25')),
	'the p-value is that of the aggregate over the rows') FROM first_check WHERE column_name = 'device' AND period_start = '2025-03-25';

-- Then what was planted is found in its first period, and named.
INSERT INTO web.events SELECT * FROM later WHERE created_at >= '2025-03-26';
CREATE TABLE found AS SELECT * FROM rec.check_drift('shop');
SELECT is((SELECT string_agg(column_name || ' ' || verdict, ', ' ORDER BY column_name) FROM found WHERE period_start = '2025-03-26' AND verdict <> 'ok'), 'device drifted', 'Wednesday: devices');
SELECT matches((SELECT reason FROM found WHERE period_start = '2025-03-26' AND column_name = 'device'), '^"mobile" went from 4\d.* % to 7\d.* %; PSI 0.*: drifted from 0.25; p .* after Holm over 10 tests$', 'and why');
SELECT is((SELECT string_agg(column_name || ' ' || verdict, ', ' ORDER BY column_name) FROM found WHERE period_start = '2025-03-27' AND verdict <> 'ok'), 'amount watch', 'Thursday: amounts, though nine of ten rows have none');
SELECT matches((SELECT reason FROM found WHERE period_start = '2025-03-27' AND column_name = 'amount'), '^the mean went from 5\d\S* to 7.*; PSI 0\.2\d* among what is not null: to be watched from 0.1, drifted from 0.25; p ', 'and why');
SELECT is((SELECT string_agg(column_name || ' ' || verdict, ', ' ORDER BY column_name) FROM found WHERE period_start = '2025-03-28' AND verdict <> 'ok'), 'unknown_items drifted', 'Friday: items that the model does not know');
SELECT matches((SELECT reason FROM found WHERE period_start = '2025-03-28' AND column_name = 'unknown_items'), '^the share went from 0.0 % to (49|50|51)\.\d %; a change of 0.\d*: drifted from 0.25; p ', 'and how many');
SELECT is((SELECT verdict FROM found WHERE period_start = '2025-03-29' AND column_name = 'amount'), 'drifted', 'Saturday: no amounts');
SELECT matches((SELECT reason FROM found WHERE period_start = '2025-03-29' AND column_name = 'amount'), 'nulls went from \d\d.\d % to 100.0 %', 'and why');
SELECT is((SELECT count(*) FROM found WHERE period_start IN ('2025-03-30', '2025-03-31') AND verdict <> 'ok'), 0::bigint, 'Sunday and Monday: as before');
SELECT set_eq('SELECT DISTINCT column_name FROM rec.drift', '{event,device,quantity,amount,user_activity,item_popularity,unknown_items,unknown_users,recommendation_score,catalogue_coverage}'::text[], 'rec.drift has each column once');
SELECT is((SELECT count(*) FROM rec.drift), 10::bigint, 'the latest of each'), is((SELECT count(*) FROM rec.drift_history), 80::bigint, 'and rec.drift_history all');
SELECT ok(bool_and(abs((SELECT sum(s) FROM unnest(current_share) s) - 1) < 0.01 AND cardinality(labels) = cardinality(current_share)), 'shares to draw add up') FROM found;

-- Only the new periods are read: through the index, and events of old periods could be gone.
CREATE FUNCTION plan_of(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$BEGIN RETURN QUERY EXECUTE 'EXPLAIN (COSTS off) ' || query; END $$;
SELECT ok(count(*) FILTER (WHERE line LIKE '%Index%created_at%') >= 2 AND count(*) FILTER (WHERE line LIKE '%Seq Scan on events%') = 0, 'a check reads its periods through the index')
FROM plan_of(rec._profile_query('shop', 1, '2025-03-30', '2025-03-31', false, 1)) line;
SELECT ok(count(*) FILTER (WHERE line LIKE '%Index%created_at%') >= 1, 'and the newest row') FROM plan_of(rec._newest_query('shop', '2025-03-31', now())) line;
DELETE FROM web.events WHERE created_at < '2025-03-30';
INSERT INTO web.events SELECT event_id + 1000000, customer_id, sku, event, created_at + interval '2 days', device, quantity, amount FROM web.events;
SELECT is(count(*), 20::bigint, 'what was read before need not be there'), is(count(*) FILTER (WHERE verdict = 'drifted' AND column_name IN ('device', 'event')), 0::bigint, 'to be compared with') FROM rec.check_drift('shop');
SELECT is((SELECT max(n) FROM (SELECT count(*) AS n FROM rec.drift_result GROUP BY monitor, period_start, column_name, segment) g), 1::bigint, 'each period once');

-- The clock goes backwards.
SELECT is_empty($$SELECT * FROM rec.check_drift('shop', until => '2025-03-25')$$, 'before what was checked: nothing');
SELECT is(checked_to, '2025-04-03'::timestamptz, 'and nothing is forgotten') FROM rec.monitor;
-- A new version is the reference from then on.
SELECT version AS trained FROM rec.train('shop') \gset
INSERT INTO web.events SELECT event_id + 2000000, customer_id, sku, event, created_at + interval '3 days', device, quantity, amount FROM web.events WHERE created_at >= '2025-04-02';
SELECT is(array_agg(DISTINCT version), '{2}', 'compared with the active version'), is(min(period_start), '2025-04-03'::timestamptz, 'periods without rows are judged too'),
	is(max(reason) FILTER (WHERE period_start < '2025-04-05' AND column_name = 'device'), 'nothing to compare: no rows in this period', 'as empty'),
	is(max(verdict) FILTER (WHERE period_start < '2025-04-05' AND column_name = 'device'), 'watch', 'which is to be watched') FROM rec.check_drift('shop');

-- Columns that change after the baseline.
DROP VIEW recent;
ALTER TABLE web.events DROP COLUMN device;
ALTER TABLE web.events ALTER amount TYPE text;
ALTER TABLE web.events ADD channel text DEFAULT 'web';
INSERT INTO web.events SELECT event_id + 4000000, customer_id, sku, event, created_at + interval '1 day', quantity, amount FROM web.events WHERE created_at >= '2025-04-05';
CREATE TABLE changed AS SELECT * FROM rec.check_drift('shop');
SELECT is(reason, 'nothing to compare: the column does not exist any more', 'dropped'), is(verdict, 'watch', 'is to be watched') FROM changed WHERE column_name = 'device';
SELECT is(reason, 'nothing to compare: the column''s type has changed: the reference is of kind number, now it is category', 'retyped') FROM changed WHERE column_name = 'amount';
SELECT is(reason, 'nothing to compare: the reference does not have this column', 'added') FROM changed WHERE column_name = 'channel';
SELECT is(measure, 'chi2', 'the others go on') FROM changed WHERE column_name = 'event';

-- A relation, an interval as reference, segments, numbers as time.
CREATE TABLE readings AS SELECT extract(epoch FROM '2025-01-01'::timestamptz + d * interval '1 day')::bigint + k * 60 AS at, k % 3 AS site, d,
	(abs(hashint8extended(d * 1000 + k, 2)) % 1000) / 10.0 + CASE WHEN d >= 40 AND k % 3 = 1 THEN 60 ELSE 0 END AS value, 'r' || d * 1000 + k AS id, NULL::int AS empty, 5 AS constant
FROM generate_series(0, 41) d, generate_series(1, 600) k;
SELECT is(rec.create_monitor('readings', time_column => 'at', segments => '{site}', columns => '{value,id,empty,constant}', reference => interval '14 days', thresholds => '{"p": 0.01}'), 'public.readings', 'a monitor of a relation');
SELECT is((SELECT string_agg(format('%s %s %s', to_char(period_start, 'MM-DD'), segment, column_name), ', ' ORDER BY period_start, segment) FROM rec.check_drift('public.readings', since => '2025-02-05') WHERE verdict = 'drifted'),
	'02-10  value, 02-10 site=1 value, 02-11  value, 02-11 site=1 value', 'a shift in one segment is found there, in its first period');
SELECT is(count(*), 7 * 16::bigint, 'a row per column, segment and period'), is(min(reason) FILTER (WHERE column_name = 'id'), 'nearly every value occurs once, as of a key, so the column is not judged', 'a key is not judged'),
	is(count(*) FILTER (WHERE column_name IN ('empty', 'constant') AND verdict <> 'ok'), 0::bigint, 'all null, and constant: no change'), is(count(DISTINCT model), 0::bigint, 'of no model') FROM rec.drift_history WHERE monitor = 'public.readings';
SELECT ok((SELECT max(effect_size) FILTER (WHERE segment = 'site=1') > 2 * max(effect_size) FILTER (WHERE segment = '') FROM rec.drift WHERE monitor = 'public.readings'), 'over all rows it is smaller');
-- with an interval and without since: the last period, against the ones before
SELECT is(rec.create_monitor('readings', ARRAY['value'], '7 days', time_column => 'at', name => 'short'), 'short', 'another one');
SELECT is(count(*), 1::bigint, 'the last period'), is(min(n_reference), 4200::bigint, 'against seven days') FROM rec.check_drift('short');
TRUNCATE readings;
SELECT is_empty($$SELECT * FROM rec.check_drift('short')$$, 'an empty relation');
SELECT is(rec.create_monitor('readings', time_column => 'at', name => 'nothing'), 'nothing', 'may be monitored');
SELECT is_empty($$SELECT * FROM rec.check_drift('nothing')$$, 'and has nothing to check');
INSERT INTO readings VALUES (extract(epoch FROM '2025-03-01 12:00'::timestamptz), 1, 0, 1, 'a', 0, 5);
SELECT is(min(reason), 'nothing to compare: the reference has no rows', 'no reference'), is(max(n_current), 1::bigint, 'one row') FROM rec.check_drift('nothing');
INSERT INTO readings VALUES (extract(epoch FROM '2025-03-02 12:00'::timestamptz), 1, 0, 'infinity', 'b', 0, 5), (extract(epoch FROM '2025-03-02 12:00'::timestamptz), 1, 0, 'NaN', NULL, 0, 5);
SELECT is(count(*) FILTER (WHERE verdict = 'drifted'), 0::bigint, 'one row against two, infinite: no verdict') FROM rec.check_drift('nothing');
DROP TABLE readings;
SELECT throws_ok($$SELECT rec.check_drift('nothing')$$, '42P01', 'the relation of monitor "nothing" does not exist', 'a relation that is gone');

-- Nothing to profile: events without times that count, users that are null.
CREATE TABLE odd (user_id int, item_id int, at timestamptz);
INSERT INTO odd SELECT u, (u * k) % 30, '2025-01-01'::timestamptz + u * interval '1 hour' FROM generate_series(1, 50) u, generate_series(1, 5) k;
SELECT rec.create_model('odd_model', 'odd', time_column => 'at', params => '{"factors": 2, "epochs": 1}') AS made \gset
SELECT version AS trained FROM rec.train('odd_model') \gset
DELETE FROM rec.drift_baseline WHERE monitor = 'odd_model';
TRUNCATE odd;
INSERT INTO odd SELECT NULL, 1, '2025-01-05'::timestamptz FROM generate_series(1, 30);
SELECT is(count(*) FILTER (WHERE verdict = 'drifted'), 0::bigint, 'a period without users and a reference that is gone: clear, and no crash') FROM rec.check_drift('odd_model');
SELECT is((SELECT count(*) FROM rec.drift_baseline WHERE monitor = 'odd_model' AND column_name = 'user_activity'), 0::bigint, 'no profile of nothing');
SELECT rec.drop_model('odd_model') AS dropped \gset

-- Options.
CREATE TABLE plain (t timestamptz, a int, note text);
SELECT throws_ok($$SELECT rec.create_monitor('plain')$$, '22023', 'a monitor needs a time column', 'no time');
SELECT throws_ok($$SELECT rec.create_monitor('plian', time_column => 't')$$, '42P01', 'there is no model and no relation "plian"', 'no relation');
SELECT throws_ok($$SELECT rec.create_monitor(NULL)$$, '22004', NULL, 'no target');
SELECT throws_ok($$SELECT rec.create_monitor('plain', time_column => 'note')$$, '42804', NULL, 'a time that is none');
SELECT throws_ok($$SELECT rec.create_monitor('plain', '{b}', time_column => 't')$$, '42703', NULL, 'no such column');
SELECT is(notices($$SELECT rec.create_monitor('plain', '{notes}', time_column => 't')$$), 'Perhaps you meant "note".', 'a hint');
SELECT throws_ok($$SELECT rec.create_monitor('plain', segments => '{b}', time_column => 't')$$, '42703', NULL, 'no such segment');
SELECT throws_ok($$SELECT rec.create_monitor('plain', '{NULL}', time_column => 't')$$, '22004', NULL, 'column null');
SELECT throws_ok($$SELECT rec.create_monitor('plain', reference => 'training', time_column => 't')$$, '22023', 'reference "training" needs a model', 'training of nothing');
SELECT throws_ok($$SELECT rec.create_monitor('plain', reference => 'last week', time_column => 't')$$, '22023', 'invalid reference "last week"', 'no interval');
SELECT throws_ok($$SELECT rec.create_monitor('plain', reference => '1 hour', time_column => 't')$$, '22023', NULL, 'a reference shorter than a period');
SELECT throws_ok($$SELECT rec.create_monitor('plain', current => '1 month', time_column => 't')$$, '22023', 'current must be at least 1 minute, and without months', 'months differ');
SELECT throws_ok($$SELECT rec.create_monitor('plain', current => '0', time_column => 't')$$, '22023', NULL, 'no length');
SELECT throws_ok($$SELECT rec.create_monitor('plain', thresholds => '{"psi": 1}', time_column => 't')$$, '22023', 'unknown threshold "psi"', 'no such threshold');
SELECT throws_ok($$SELECT rec.create_monitor('plain', thresholds => '{"p": 2}', time_column => 't')$$, '22023', NULL, 'a threshold out of range');
SELECT throws_ok($$SELECT rec.create_monitor('plain', thresholds => '{"p": "x"}', time_column => 't')$$, '22023', NULL, 'a threshold that is no number');
SELECT throws_ok($$SELECT rec.create_monitor('plain', thresholds => '[1]', time_column => 't')$$, '22023', NULL, 'no object');
SELECT throws_ok($$SELECT rec.create_monitor('shop', schedule => 'every night')$$, '22023', 'invalid cron expression "every night"', 'a wrong cron expression');
SELECT throws_ok($$SELECT rec.create_monitor('rec.monitor_pkey', time_column => 't')$$, '42809', NULL, 'an index');
SELECT throws_ok($$SELECT rec.check_drift('plain')$$, '42704', 'there is no model and no monitor "plain"', 'no monitor');
SELECT throws_ok($$SELECT rec.check_drift(NULL)$$, '22004', NULL, 'check of null');
SELECT throws_ok($$SELECT rec.check_drift('shop', until => 'infinity')$$, '22023', NULL, 'until infinity');
SELECT throws_ok($$SELECT rec.drop_monitor('plain')$$, '42704', NULL, 'drop of none');
SELECT lives_ok($$SELECT rec.create_monitor('shop', columns => '{event}', schedule => '0 4 * * *')$$, 'replaces the automatic monitor');
SELECT is((SELECT check_at FROM rec.schedule WHERE model = 'shop'), '0 4 * * *', 'and schedules checks');
SELECT throws_ok($$SELECT rec.create_monitor('shop')$$, '42710', 'monitor "shop" already exists', 'but not one that was made');
SELECT rec.rename_model('shop', 'store') AS renamed \gset
SELECT is((SELECT string_agg(monitor || ' ' || model, ', ') FROM rec.monitor WHERE model IS NOT NULL), 'shop store', 'a renamed model keeps its monitor');
SELECT rec.drop_model('store') AS dropped \gset
SELECT is((SELECT count(*) FROM rec.monitor WHERE model IS NOT NULL), 0::bigint, 'a dropped one does not'), is((SELECT count(*) FROM rec.drift_result WHERE model IS NOT NULL), 0::bigint, 'nor what was found');

-- Privileges.
CREATE ROLE rec_dr_owner;
CREATE ROLE rec_dr_bi;
CREATE ROLE rec_dr_other;
CREATE SCHEMA den AUTHORIZATION rec_dr_owner;
GRANT CREATE ON DATABASE :"DBNAME" TO rec_dr_owner;
CREATE TABLE noted (who text);
GRANT ALL ON noted TO PUBLIC;
SET ROLE rec_dr_owner;
CREATE TABLE den.e AS SELECT u AS user_id, (u * k) % 40 AS item_id, '2025-01-01'::timestamptz + (u * k % 720) * interval '1 hour' AS at, u % 3 AS kind FROM generate_series(1, 300) u, generate_series(1, 8) k;
CREATE FUNCTION den.spy() RETURNS boolean LANGUAGE plpgsql AS $$BEGIN INSERT INTO public.noted VALUES (current_user); RETURN true; END $$;
CREATE VIEW den.v AS SELECT * FROM den.e WHERE den.spy();
SELECT rec.create_model('den_model', 'den.v', time_column => 'at', params => '{"factors": 2, "epochs": 1}') AS made \gset
RESET ROLE;
SELECT version AS trained FROM rec.train('den_model') \gset
SELECT count(*) AS checked FROM rec.check_drift('den_model', since => '2025-01-20') \gset
SELECT count(*) AS one FROM rec.check_drift('den_model') \gset
SELECT is((SELECT string_agg(DISTINCT who, ',') FROM noted), 'rec_dr_owner', 'a superuser''s training and check run the view''s functions as the owner');
SET ROLE rec_dr_other;
SELECT throws_ok($$SELECT rec.check_drift('den_model')$$, '42501', NULL, 'another role may not check');
SELECT throws_ok($$SELECT rec.create_monitor('den_model')$$, '42501', NULL, 'nor monitor the model');
SELECT throws_ok($$SELECT rec.drop_monitor('den_model')$$, '42501', NULL, 'nor drop the monitor');
SELECT throws_ok($$SELECT rec.create_monitor('den.v', time_column => 'at')$$, '42501', NULL, 'nor monitor a view without privileges');
SELECT is((SELECT count(*) FROM rec.monitor), 0::bigint, 'and sees none'), is((SELECT count(*) FROM rec.drift_baseline), 0::bigint, 'no baseline'), is((SELECT count(*) FROM rec.drift), 0::bigint, 'no drift');
SELECT throws_ok($$INSERT INTO rec.drift_result SELECT * FROM rec.drift_result$$, '42501', NULL, 'nobody writes results');
SELECT throws_ok($$SELECT rec._judge('den_model', 1, now())$$, 'P0002', NULL, 'not through internal functions either');
RESET ROLE;
GRANT USAGE ON SCHEMA den_model TO rec_dr_bi;
SET ROLE rec_dr_bi;
SELECT ok((SELECT count(*) FROM rec.drift_baseline) > 0, 'a role with USAGE on the model reads what was found'), is((SELECT count(*) FROM rec.monitor), 1::bigint, 'and the monitor');
RESET ROLE;
GRANT USAGE ON SCHEMA den TO rec_dr_other;
GRANT SELECT ON den.e TO rec_dr_other;
SET ROLE rec_dr_other;
SELECT is(rec.create_monitor('den.e', '{kind}', '7 days', time_column => 'at'), 'den.e', 'with SELECT on a relation, it may be monitored');
SELECT is((SELECT count(*) FROM rec.check_drift('den.e')), 1::bigint, 'and checked');
RESET ROLE;
REVOKE SELECT ON den.e FROM rec_dr_other;
INSERT INTO den.e SELECT user_id, item_id, at + interval '31 days', kind FROM den.e;
SELECT throws_ok($$SELECT rec.check_drift('den.e')$$, '42501', NULL, 'the privilege is gone: also when a superuser asks');
GRANT SELECT ON den.e TO rec_dr_bi;
GRANT USAGE ON SCHEMA den TO rec_dr_bi;
SET ROLE rec_dr_bi;
SELECT is((SELECT count(*) FROM rec.drift WHERE monitor = 'den.e'), 1::bigint, 'who may read a relation sees its drift');
SELECT throws_ok($$SELECT rec.check_drift('den.e')$$, '42501', 'must be owner of monitor "den.e" to check it', 'but may not check');
RESET ROLE;
-- a view that fails does not fail the training
SET ROLE rec_dr_owner;
CREATE OR REPLACE VIEW den.v AS SELECT user_id, item_id, at, kind FROM den.e;
ALTER TABLE den.e ADD COLUMN big numeric DEFAULT '1e400';
CREATE VIEW den.w AS SELECT user_id, item_id, at, big FROM den.e;
SELECT rec.alter_model('den_model', 'den.w') AS altered \gset
SELECT is((SELECT version FROM rec.train('den_model')), 2, 'a baseline that cannot be taken is a warning, the training goes on');
SELECT is((SELECT count(*) FROM rec.drift_baseline WHERE version = 2), 0::bigint, 'nothing of it is left');
RESET ROLE;
-- a monitor belongs to a role, not to a name
ALTER ROLE rec_dr_other RENAME TO rec_dr_renamed;
CREATE ROLE rec_dr_other;
SET ROLE rec_dr_other;
SELECT is_empty($$SELECT * FROM rec.monitor WHERE monitor = 'den.e'$$, 'a role that takes the name of a monitor''s owner does not see it');
SELECT throws_ok($$SELECT rec.drop_monitor('den.e')$$, '42501', NULL, 'nor drop it');
SET ROLE rec_dr_renamed;
SELECT isnt_empty($$SELECT * FROM rec.monitor WHERE monitor = 'den.e'$$, 'who was renamed does');
RESET ROLE;
DROP ROLE rec_dr_other;
ALTER ROLE rec_dr_renamed RENAME TO rec_dr_other;
DROP OWNED BY rec_dr_owner, rec_dr_bi, rec_dr_other CASCADE;
DROP ROLE rec_dr_owner, rec_dr_bi;
SELECT throws_ok($$SELECT rec.check_drift('den.e')$$, '42P01', NULL, 'its relation is gone');
DROP ROLE rec_dr_other;
SELECT throws_ok($$SELECT rec.check_drift('den.e')$$, '42704', NULL, 'its owner is gone');
SELECT lives_ok($$SELECT rec.drop_monitor('den.e')$$, 'a superuser can drop it');

-- No drift: with p as the only criterion, at most 5 % of nights have any alarm. 1,000 simulated nights of 200 rows; more seeds and
-- sizes in bench/drift.sh.
SELECT setseed(0.2) AS seeded \gset
CREATE TABLE nights AS SELECT '2022-01-01'::timestamptz + n / 200 * interval '1 day' + n % 200 * interval '1 minute' AS t, random() AS x, floor(random() * 8) AS eighths,
	random() < .5 AS flag, (ARRAY['a', 'b', 'c', 'd', 'e'])[1 + floor(5 * random() * random())::int] AS cat, nullif(floor(random() * 16), 3) + random() AS with_nulls
FROM generate_series(0, 1028 * 200 - 1) n;
SELECT rec.create_monitor('nights', reference => '28 days', time_column => 't', name => 'nights', thresholds => '{"psi_watch": 1e-9, "psi_drifted": 1e-9}') AS made \gset
CREATE TABLE alarms AS SELECT period_start, bool_or(verdict <> 'ok') AS alarm, bool_or(p_adjusted < 0.05 AND effect_size >= 0.1) AS verdict FROM rec.check_drift('nights', since => '2022-01-29') GROUP BY period_start;
SELECT is(count(*), 1000::bigint, 'a thousand nights'), ok(count(*) FILTER (WHERE alarm) BETWEEN 10 AND 50, format('false alarms in %s of 1000 nights, at most 50 stated', count(*) FILTER (WHERE alarm))),
	ok(count(*) FILTER (WHERE verdict) <= 10, format('with an effect as well, as it is judged by default: %s', count(*) FILTER (WHERE verdict))) FROM alarms;
SELECT * FROM finish();
