-- Schedules: cron expressions, conditions, privileges, and a server without pg_cron.
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT no_plan();

-- Fields, checked against the manual of crontab(5).
SELECT is(rec._cron_field(f, low, high, NULL), expected, format('%s of %s to %s', f, low, high)) FROM (VALUES
	('*', 0, 3, '{0,1,2,3}'::int[]), ('2', 0, 3, '{2}'), ('1-3', 0, 5, '{1,2,3}'), ('*/20', 0, 59, '{0,20,40}'), ('5/20', 0, 59, '{5,25,45}'),
	('1-9/4,2', 0, 59, '{1,2,5,9}'), ('4', 0, 3, NULL), ('3-1', 0, 5, NULL), ('*/0', 0, 5, NULL), ('', 0, 5, NULL), ('1,', 0, 5, NULL),
	('-1', 0, 5, NULL), ('x', 0, 5, NULL), ('99999999999', 0, 5, NULL), ('1 2', 0, 5, NULL)) v(f, low, high, expected);
SELECT is(rec._next_run(e, '2026-11-24 16:30:00+00', z), t::timestamptz, format('%s in %s', e, z)) FROM (VALUES
	('0 3 * * *', 'UTC', '2026-11-25 03:00:00+00'), ('*/15 * * * *', 'UTC', '2026-11-24 16:45:00+00'), ('30 16 * * *', 'UTC', '2026-11-25 16:30:00+00'),
	('0 3 * * *', 'America/New_York', '2026-11-25 08:00:00+00'), ('0 0 1 1 *', 'UTC', '2027-01-01 00:00:00+00'), ('@monthly', 'UTC', '2026-12-01 00:00:00+00'),
	('0 12 13 * fri', 'UTC', '2026-11-27 12:00:00+00'), ('0 12 * * 7', 'UTC', '2026-11-29 12:00:00+00'), ('0 4 29 2 *', 'UTC', '2028-02-29 04:00:00+00'),
	('0 0 31 2 *', 'UTC', NULL)) v(e, z, t);
SELECT is(rec._next_run('30 2 * * *', '2026-03-28 12:00+00', 'Europe/Berlin'), '2026-03-29 01:30:00+00', 'an hour that daylight saving leaves out: as PostgreSQL reads it');
SELECT throws_ok(format('SELECT rec._cron_parse(%L)', e), '22023', format('invalid cron expression "%s"', e)) FROM unnest('{"","* * * *","* * * * * *","60 * * * *","* 24 * * *","* * 0 * *","* * * 13 *","* * * * 8","@reboot","30 seconds","; DROP TABLE x"}'::text[]) e;
SELECT is(rec._cron_any_zone('10 3 * * *'), '10,25,40,55 * * * *', 'any zone');

CREATE ROLE rec_sch_owner;
CREATE ROLE rec_sch_user;
CREATE ROLE rec_sch_other;
GRANT CREATE ON DATABASE :"DBNAME" TO rec_sch_owner;
CREATE TABLE events AS SELECT u AS user_id, (u * k * 7 + k) % 30 AS item_id FROM generate_series(1, 40) u, generate_series(1, 4) k;
CREATE INDEX ON events (user_id);
GRANT SELECT ON events TO rec_sch_owner;
SET ROLE rec_sch_owner;
SELECT rec.create_model('it''s 100%', 'public.events', params => '{"factors": 3, "epochs": 2}');
SELECT is(instruction, format($$0 3 * * * psql -X -d '%s' -c 'CALL rec.run_job('\''it'\'''\''s 100\%%'\'', '\''retrain'\'')'$$, current_database()),
	'without pg_cron: a line for the crontab') FROM rec.schedule('it''s 100%', NULL);
SELECT is((SELECT count(*) FROM rec.schedule('it''s 100%')), 2::bigint, 'both jobs');
SELECT results_eq('SELECT model, check_at, retrain_at, only_if, time_zone, scheduled_by FROM rec.schedule',
	$$VALUES ('it''s 100%', '0 * * * *', '0 3 * * *', 'drifted or age > 7 days', 'GMT', 'rec_sch_owner')$$, 'the catalog has one row');

SELECT throws_ok($$SELECT rec.schedule('its 100%')$$, '42704', NULL, 'unknown model');
SELECT throws_ok($$SELECT rec.schedule(NULL)$$, NULL, NULL, 'no model');
SELECT throws_ok(format('SELECT rec.schedule(%L, %s)', 'it''s 100%', o), '22023', m) FROM (VALUES
	('NULL, NULL', 'there is nothing to schedule'), ('''hourly''', 'invalid cron expression "hourly"'), ('retrain => ''* *''', 'invalid cron expression "* *"'),
	('only_if => ''never''', 'invalid condition "never" for only_if'), ('only_if => ''age > soon''', 'invalid condition "age > soon" for only_if'),
	('only_if => ''''', 'invalid condition "" for only_if'), ('only_if => ''drifted or''', 'invalid condition "drifted or" for only_if'),
	('time_zone => ''Mars''', 'time zone "Mars" does not exist'), ('tolerance => 2', 'tolerance must be between 0 and 1'),
	('tolerance => ''NaN''', 'tolerance must be between 0 and 1'), ('retries => -1', 'retries must be between 0 and 10'), ('retries => NULL', 'retries must be between 0 and 10'),
	('retry_delay => ''-1 s''', 'retry_delay must be between 0 and 1 day'), ('keep_runs => ''1 s''', 'keep_runs must be at least 1 hour')) v(o, m);
SELECT lives_ok($$SELECT rec.schedule('it''s 100%', only_if => ' Drifted OR age > 2 weeks or always ')$$, 'conditions in any case');

RESET ROLE;
GRANT USAGE ON SCHEMA "it's 100%" TO rec_sch_user;
SET ROLE rec_sch_user;
SELECT is((SELECT count(*) FROM rec.schedule), 1::bigint, 'who may use the model sees its schedule');
SELECT throws_ok($$SELECT rec.schedule('it''s 100%')$$, '42501', NULL, 'and may not change it');
SELECT throws_ok($$SELECT rec.unschedule('it''s 100%')$$, '42501', NULL, 'nor remove it');
SELECT throws_ok($$CALL rec.run_now('it''s 100%')$$, '42501', NULL, 'nor run it');
SELECT throws_ok($$SELECT rec._job_end(1, 'failed', 1, 1, 'x')$$, '55000', 'this session runs no job', 'nor end a run');
SELECT throws_ok($$DELETE FROM rec.job_run$$, '42501', NULL, 'nor write to the catalog');
SET ROLE rec_sch_other;
SELECT is_empty('SELECT * FROM rec.schedule', 'others see nothing');
SET ROLE rec_sch_owner;
SELECT throws_ok($$CALL rec.run_job('it''s 100%', 'dance')$$, '22023', 'unknown job "dance"');
SELECT throws_ok($$DO 'BEGIN CALL rec.run_now(''it''''s 100%''); EXCEPTION WHEN division_by_zero THEN NULL; END'$$, '2D000', NULL, 'not inside a transaction that cannot be committed');
SELECT ok(rec.unschedule('it''s 100%'), 'unschedule');
SELECT ok(NOT rec.unschedule('it''s 100%'), 'again: nothing to remove');
SELECT is_empty('SELECT * FROM rec.schedule', 'the row is gone');
RESET ROLE;

CALL rec.run_now('it''s 100%');
SELECT is(status || ' ' || version, 'succeeded 1', 'run_now needs no schedule') FROM rec.job_run;
SELECT rec.drop_model('it''s 100%');
SELECT is_empty('SELECT * FROM rec.job_run', 'runs go with the model');
SELECT * FROM finish();
DROP OWNED BY rec_sch_owner, rec_sch_user, rec_sch_other;
DROP ROLE rec_sch_owner, rec_sch_user, rec_sch_other;
