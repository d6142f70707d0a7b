-- Experiments and metrics belong to roles, not to names: roles that are renamed, dropped and made again; whose metrics show.
SET client_min_messages = warning;
\pset fieldsep '\n'
SELECT no_plan();
CREATE ROLE own_a;
CREATE ROLE own_b;
CREATE ROLE own_c;
GRANT CREATE ON SCHEMA public TO own_a, own_b;
SET ROLE own_a;
CREATE TABLE own_rows (user_id text, v float8);
CREATE TABLE own_shown (unit_id text, variant text, exposed_at timestamptz);
INSERT INTO own_shown SELECT i, CASE WHEN i % 2 = 0 THEN 'control' ELSE 'treatment' END, now() - interval '5 days' FROM generate_series(1, 40) i;
INSERT INTO own_rows SELECT i, i % 7 FROM generate_series(1, 40) i;
SELECT rec.create_experiment('own', exposures => 'own_shown');
SELECT rec.create_metric('own metric', 'own_rows', value => 'v');
SELECT rec.grant_experiment('own', 'own_c');
RESET ROLE;

-- a rename changes nothing
ALTER ROLE own_a RENAME TO own_z;
SET ROLE own_z;
SELECT is(n, 40::bigint, 'a renamed role has its experiment') FROM rec.experiment_result('own') WHERE metric IS NULL;
SELECT ok(mean IS NOT NULL, 'with its metrics') FROM rec.experiment_result('own') WHERE metric = 'own metric' AND variant = 'control';
SELECT lives_ok($$SELECT rec.alter_experiment('own', unit_type => 'person')$$, 'and may change it');
SELECT lives_ok($$SELECT rec.refresh_experiment('own')$$, 'and refresh it');
SELECT is((SELECT count(*) FROM rec.experiment_unit), 40::bigint, 'its units are its own');
-- another role with the old name gets nothing
RESET ROLE;
CREATE ROLE own_a;
SET ROLE own_a;
SELECT is_empty('SELECT * FROM rec.experiment', 'a role that takes the name sees no experiment');
SELECT is_empty('SELECT * FROM rec.metric', 'nor metrics');
SELECT is_empty('SELECT * FROM rec.experiment_unit', 'nor units');
SELECT is_empty('SELECT * FROM rec.experiment_day', 'nor results');
SELECT throws_ok($$SELECT rec.variant('own', 1)$$, '42501', 'permission denied for experiment "own"', 'nor assigns');
SELECT throws_ok($$SELECT rec.drop_metric('own metric')$$, '42501', NULL, 'nor drops');
-- the same with roles that were granted
RESET ROLE;
ALTER ROLE own_c RENAME TO own_y;
CREATE ROLE own_c;
SET ROLE own_c;
SELECT throws_ok($$SELECT rec.variant('own', 1)$$, '42501', NULL, 'the new bearer of a granted name');
SET ROLE own_y;
SELECT ok(rec.variant('own', 1) IS NOT NULL, 'the renamed role');
SET ROLE own_z;
SELECT rec.grant_experiment('own', 'own_b');
SELECT is(roles, '{own_y,own_b}'::text[], 'names follow at the next grant') FROM rec.experiment WHERE experiment = 'own';
SELECT rec.revoke_experiment('own', 'own_y');
SET ROLE own_y;
SELECT throws_ok($$SELECT rec.variant('own', 1)$$, '42501', NULL, 'revoked by its new name');
SET ROLE own_c;
SELECT throws_ok($$SELECT rec.variant('own', 1)$$, '42501', NULL, 'and never given to the other');
-- a role that is dropped, with what PostgreSQL knows of it
RESET ROLE;
GRANT own_z TO own_b;
DROP OWNED BY own_z;
DROP ROLE own_z;
CREATE ROLE own_z;
SET ROLE own_z;
SELECT is_empty('SELECT * FROM rec.experiment', 'a dropped role''s name gives nothing');
SELECT throws_ok($$SELECT * FROM rec.experiment_result('own')$$, '42501', NULL, 'no results');
SELECT throws_ok($$SELECT rec.drop_experiment('own')$$, '42501', NULL, 'nothing to drop');
SELECT throws_ok($$SELECT rec.drop_metric('own metric')$$, '42501', NULL, 'no metric');
RESET ROLE;
SELECT ok(n >= 0, 'a superuser sees what was kept') FROM rec.experiment_result('own') WHERE metric IS NULL;
SELECT lives_ok($$SELECT rec.drop_experiment('own')$$, 'and tidies up');
SELECT lives_ok($$SELECT rec.drop_metric('own metric')$$, 'and tidies up');

-- A metric shows through experiments only of those who could see it
CREATE TABLE own_secret (user_id text, salary float8);
SELECT rec.create_metric('secret', 'own_secret', value => 'salary * 1234');
SET ROLE own_b;
SELECT throws_ok($$SELECT rec.create_experiment('spy', metrics => '{secret}')$$, '42501', 'permission denied for metric "secret"', 'a superuser''s metric is not to be named');
SELECT rec.create_experiment('spy');
SELECT throws_ok($$SELECT rec.alter_experiment('spy', metrics => '{secret}')$$, '42501', 'permission denied for metric "secret"', 'nor later');
SELECT is_empty($$SELECT * FROM rec.metric$$, 'and does not show');
-- named before it was somebody else's
CREATE TABLE own_bait (user_id text, v float8);
SELECT rec.create_metric('bait', 'own_bait', value => 'v');
SELECT rec.alter_experiment('spy', metrics => '{bait}');
SELECT rec.drop_metric('bait');
RESET ROLE;
SELECT rec.create_metric('bait', 'own_secret', value => 'salary * 4321');
SET ROLE own_b;
SELECT is_empty($$SELECT * FROM rec.metric$$, 'a name in waiting shows nothing');
SELECT is(metrics, '{}'::text[], 'and is gone from the experiment') FROM rec.experiment WHERE experiment = 'spy';
-- a superuser may hand one over, and the owner keep it
RESET ROLE;
SELECT rec.alter_experiment('spy', metrics => '{secret}');
SET ROLE own_b;
SELECT is(metric, 'secret', 'shown by who might') FROM rec.metric;
SELECT lives_ok($$SELECT rec.alter_experiment('spy', metrics => '{secret}')$$, 'named again');
SELECT matches(sentence, 'secret cannot be computed: permission denied', 'and computed with the rights of the experiment''s owner') FROM rec.experiment_result('spy') WHERE metric = 'secret' LIMIT 1;

-- A superuser's experiment would run a stranger's view as superuser: said at once
CREATE VIEW own_view AS SELECT '1'::text AS unit_id, 'control'::text AS variant, now() AS exposed_at;
RESET ROLE;
SELECT throws_ok($$SELECT rec.create_experiment('super', exposures => 'own_view')$$, '42501', 'exposure relation "own_view" would run code of its owner as a superuser', 'a stranger''s view in a superuser''s experiment');
SELECT rec.create_experiment('super');
SELECT throws_ok($$SELECT rec.alter_experiment('super', exposures => 'own_view')$$, '42501', 'exposure relation "own_view" would run code of its owner as a superuser', 'nor later');
SET ROLE own_b;
SELECT lives_ok($$SELECT rec.create_experiment('mine', exposures => 'own_view')$$, 'its owner may');
RESET ROLE;

-- Quantiles are kept as the units' values: who may use the experiment sees what comes of them, not them
SET ROLE own_b;
CREATE TABLE own_spent AS SELECT i::text AS user_id, i * 100 + 0.37 AS v, now() - interval '4 days' AS at FROM generate_series(1, 40) i;
CREATE TABLE own_met AS SELECT i::text AS unit_id, CASE WHEN i % 2 = 0 THEN 'control' ELSE 'treatment' END AS variant, now() - interval '5 days' AS exposed_at FROM generate_series(1, 40) i;
SELECT rec.create_metric('median', 'own_spent', value => 'v', time_column => 'at', kind => 'quantile');
SELECT rec.create_metric('average', 'own_spent', value => 'v', time_column => 'at');
SELECT rec.create_experiment('kept', exposures => 'own_met', metrics => '{median,average}');
SELECT rec.refresh_experiment('kept');
SELECT rec.grant_experiment('kept', 'own_c');
SELECT isnt_empty('SELECT * FROM rec.experiment_day WHERE sample IS NOT NULL', 'the owner sees samples of values');
CREATE TEMP TABLE own_results AS SELECT * FROM rec.experiment_result('kept');
CREATE TEMP TABLE own_days AS SELECT * FROM rec.experiment_daily;
GRANT SELECT ON own_results, own_days TO own_c;
SET ROLE own_c;
SELECT is_empty('SELECT * FROM rec.experiment_day WHERE sample IS NOT NULL', 'a granted role does not');
SELECT is_empty($$SELECT * FROM rec.experiment e, unnest(rec._experiment_states(e.id)) s WHERE s.sample IS NOT NULL$$, 'by no other way');
SELECT is(mean, 2000.37::float8, 'but their median') FROM rec.experiment_result('kept') WHERE metric = 'median' AND variant = 'treatment';
SELECT set_eq($$SELECT * FROM rec.experiment_result('kept')$$, 'SELECT * FROM own_results', 'and all that the owner sees of what is kept');
SELECT set_eq($$SELECT * FROM rec.experiment_daily$$, $$SELECT * FROM own_days WHERE experiment = 'kept'$$, 'day by day as well');
SET ROLE own_a;
SELECT is_empty($$SELECT k.* FROM generate_series(1, 20) i, rec._kept_effects(i, false) k$$, 'others see nothing');
RESET ROLE;
SELECT * FROM finish();
