-- Experiments: assignment, its agreement with GrowthBook, who may do what, exposures, bad input.
SET client_min_messages = warning;
SELECT no_plan();
CREATE ROLE exp_owner;
CREATE ROLE exp_app;
CREATE ROLE exp_other;

-- The hash. Values of the SDK: Node.js 18 with hashFnv32a, getBucketRanges and chooseVariation of @growthbook/growthbook
-- (packages/sdk-js/src/util.ts); the last number of a row is the SDK's hash.
SELECT is(rec.create_experiment('checkout', seed => 'seed'), 'checkout', 'create_experiment returns the name');
SELECT is(rec.variant('checkout', unit), CASE WHEN n < 0.5 THEN 'control' ELSE 'treatment' END, 'version 2: ' || unit)
FROM (VALUES ('a', 0.0505), ('b', 0.2696), ('é', 0.8663), ('日本', 0.9652), ('😀', 0.4346), ('a😀b', 0.7396), ('ñandú-42', 0.2815), ('Ω≈ç√∫', 0.168)) v (unit, n);
SELECT rec.create_experiment('old', '{a,b,c,d}', seed => 'seed', hash_version => 1);
SELECT is(rec.variant('old', unit), (ARRAY['a', 'b', 'c', 'd'])[1 + floor(4 * n)::int], 'version 1: ' || unit)
FROM (VALUES ('a', 0.913), ('é', 0.137), ('日本', 0.545), ('😀', 0.429), ('a😀b', 0.36), ('ñandú-42', 0.883), ('Ω≈ç√∫', 0.975)) v (unit, n);
-- against the hash written in SQL
CREATE FUNCTION fnv(s text) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE h bigint := 2166136261;
BEGIN
	FOR i IN 1 .. length(s) LOOP h := ((h # ascii(substr(s, i, 1))) * 16777619) & 4294967295; END LOOP;
	RETURN h;
END $$;
SELECT is_empty($$SELECT u FROM generate_series(1, 3000) u
	WHERE rec.variant('checkout', u) <> CASE WHEN fnv(fnv('seed' || u)::text) % 10000 < 5000 THEN 'control' ELSE 'treatment' END$$, 'as the hash written in SQL');

-- One unit, whatever its type.
SELECT is(rec.variant('old', 42), rec.variant('old', '42'), 'int and text');
SELECT is(rec.variant('old', 42::bigint), rec.variant('old', '42'), 'bigint and text');
SELECT is(rec.variant('old', 42::smallint), rec.variant('old', '42'::varchar), 'smallint and varchar');
SELECT is(rec.variant('old', '42'::char(10)), rec.variant('old', '42'), 'char(n): without its padding');
SELECT is(rec.variant('old', (-9223372036854775808)::bigint), rec.variant('old', '-9223372036854775808'), 'the least bigint');
CREATE DOMAIN shop_id AS int;
SELECT is(rec.variant('old', 42::shop_id), rec.variant('old', '42'), 'a domain');
SELECT is(rec.variant('old', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'::uuid), rec.variant('old', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'), 'uuid');
SELECT is(rec.variant('old', 42.50), rec.variant('old', '42.50'), 'numeric by its text');
SELECT is(rec.variant('old', NULL::int), NULL, 'no unit');
SELECT is(rec.variant('old', ''), NULL, 'an empty id is no unit');
SELECT is(rec.variant(NULL, 1), NULL, 'no experiment');
SELECT is(count(rec.variant('old', repeat('x', 100000))), 1::bigint, 'a long id');

-- Shares, coverage, ramp-up. Expected counts +- 5 standard deviations of a binomial.
SELECT rec.create_experiment('shares', '{a,b,c}', '{0.2,0.3,0.5}', coverage => 0.1);
CREATE TABLE first AS SELECT u, rec.variant('shares', u) AS v FROM generate_series(1, 40000) u;
SELECT ok(abs(count(*) - 40000 * w) < 5 * sqrt(40000 * w * (1 - w)), format('share of %s: %s', name, count(*)))
FROM (VALUES ('a', 0.02), ('b', 0.03), ('c', 0.05)) s (name, w) JOIN first ON v = name GROUP BY name, w;
SELECT lives_ok($$SELECT rec.alter_experiment('shares', coverage => 0.6)$$, 'coverage may change while it runs');
SELECT is_empty($$SELECT u FROM first WHERE v IS NOT NULL AND rec.variant('shares', u) IS DISTINCT FROM v$$, 'ramp-up moves nobody');
SELECT ok(count(*) BETWEEN 23500 AND 24500, 'and takes more units in') FROM first WHERE rec.variant('shares', u) IS NOT NULL;
SELECT throws_ok($$SELECT rec.alter_experiment('shares', weights => '{0.4,0.3,0.3}')$$, '55000', 'the weights of experiment "shares" cannot change any more', 'weights are fixed once it has started');
SELECT ok(abs(2 * count(*) FILTER (WHERE rec.variant('checkout', u) = 'treatment') - count(*)) < 5 * sqrt(count(*)), 'experiments do not depend on each other')
FROM first WHERE rec.variant('shares', u) = 'c';

-- Namespaces
SELECT rec.create_experiment('n1', namespace => '["page", 0, 0.4]');
SELECT rec.create_experiment('n2', namespace => '["page", 0.4, 1]');
SELECT is_empty($$SELECT u FROM generate_series(1, 5000) u WHERE (rec.variant('n1', u) IS NULL) = (rec.variant('n2', u) IS NULL)$$, 'each unit is in one experiment of the namespace');
SELECT is_empty($$SELECT u FROM generate_series(1, 500) u WHERE (rec.variant('n1', u) IS NOT NULL) <> (fnv(u || '__page') % 1000 < 400)$$, 'by GrowthBook''s rule');
SELECT throws_ok($$SELECT rec.create_experiment('n3', namespace => '["page", 0.3, 0.5]')$$, '23P01', NULL, 'a part that is taken');
SELECT throws_ok($$SELECT rec.create_experiment('n3', namespace => 'page')$$, '23P01', NULL, 'a name alone is all of the namespace');
SELECT rec.stop_experiment('n1');
SELECT lives_ok($$SELECT rec.create_experiment('n3', namespace => '["page", 0, 0.4]')$$, 'a stopped experiment leaves its part');
SELECT throws_ok($$SELECT rec.start_experiment('n1')$$, '23P01', NULL, 'and cannot come back to it');
SELECT throws_ok($$SELECT rec.alter_experiment('n1', stop => 'infinity')$$, '23P01', NULL, 'by no way');
SELECT throws_ok($$SELECT rec.alter_experiment('n2', namespace => 'x')$$, '55000', NULL, 'fixed once it has started');
SELECT throws_ok(format($$SELECT rec.create_experiment('n4', namespace => %L)$$, n), '22023', NULL, 'no namespace: ' || n)
FROM unnest(ARRAY['', '["a"]', '["a", 0.5, 0.2]', '["a", 0, 1.1]', '["a", "0", "1"]', '["a", -0.1, 1]', '["", 0, 1]', '["a", 0, 1, 2]']) n;
SELECT throws_ok($$SELECT rec.create_experiment('n4', namespace => '[x')$$, '22P02', NULL, 'broken JSON');

-- Times
SELECT rec.create_experiment('later', start => now() + interval '1 day', stop => now() + interval '2 days');
SELECT is(rec.variant('later', 1), NULL, 'not started yet');
SELECT isnt(rec.variant('later', 1, now() + interval '1 day'), NULL, 'at its start');
SELECT is(rec.variant('later', 1, now() + interval '2 days'), NULL, 'at its stop');
SELECT is(rec.variant('later', '1'::text, now() + interval '30 hours'), rec.variant('later', 1, now() + interval '30 hours'), 'at a time, by text');
SELECT lives_ok($$SELECT rec.alter_experiment('later', weights => '{0.1,0.9}')$$, 'weights may change before the start');
SELECT lives_ok($$SELECT rec.start_experiment('later')$$, 'started early');
SELECT isnt(rec.variant('later', 1), NULL, 'runs');
SELECT throws_ok($$SELECT rec.start_experiment('later')$$, '55000', 'experiment "later" is running', 'started twice');
SELECT rec.create_experiment('draft', start => NULL);
SELECT is(rec.variant('draft', 1), NULL, 'a draft');
SELECT throws_ok($$SELECT rec.stop_experiment('draft')$$, '55000', NULL, 'stopping what does not run');
SELECT rec.start_experiment('draft');
SELECT rec.variant('draft', 1) AS before \gset
SELECT rec.stop_experiment('draft');
SELECT is(rec.variant('draft', 1), NULL, 'stopped');
SELECT rec.start_experiment('draft');
SELECT is(rec.variant('draft', 1), :'before', 'goes on with the same assignment');

-- Renamed while it runs
CREATE TABLE renamed AS SELECT u, rec.variant('shares', u) AS v FROM generate_series(1, 2000) u;
SELECT rec.rename_experiment('shares', 'new name');
SELECT is_empty($$SELECT u FROM renamed WHERE rec.variant('new name', u) IS DISTINCT FROM v$$, 'a new name does not change the assignment');
SELECT throws_ok($$SELECT rec.variant('shares', 1)$$, '42704', 'experiment "shares" does not exist', 'the old name is free');
SELECT throws_ok($$SELECT rec.rename_experiment('new name', 'checkout')$$, '42710', NULL, 'a name in use');
SELECT throws_ok($$SELECT rec.rename_experiment('new name', '')$$, '42602', NULL, 'no name');

-- Forced variants
SELECT rec.create_experiment('force', forced => '{"7": "treatment"}', coverage => 0, namespace => '["f", 0, 0.001]');
SELECT is(rec.variant('force', 7), 'treatment', 'a forced unit, outside of coverage and namespace');
SELECT is(rec.variant('force', 8), NULL, 'others are not');
SELECT rec.force_variant('force', '8', 'control');
SELECT is(rec.variant('force', 8), 'control', 'forced later');
SELECT rec.force_variant('force', '8', NULL);
SELECT is(rec.variant('force', 8), NULL, 'and released');
SELECT throws_ok($$SELECT rec.force_variant('force', '8', 'x')$$, '42704', NULL, 'no such variant');
SELECT throws_ok($$SELECT rec.force_variant('force', NULL, 'control')$$, '22004', NULL, 'no unit');
SELECT throws_ok($$SELECT rec.create_experiment('f2', forced => '{"7": "x"}')$$, '22023', NULL, 'forced: no such variant');
SELECT throws_ok($$SELECT rec.create_experiment('f2', forced => '{"7": 1}')$$, '22023', NULL, 'forced: no name');
SELECT throws_ok($$SELECT rec.create_experiment('f2', forced => '["7"]')$$, '22023', NULL, 'forced: no object');

-- What a statement sees
BEGIN;
SELECT rec.create_experiment('inside', coverage => 0);
SELECT is(rec.variant('inside', 1), NULL, 'in its own transaction');
SAVEPOINT s;
SELECT rec.alter_experiment('inside', coverage => 1);
SELECT isnt(rec.variant('inside', 1), NULL, 'changed');
ROLLBACK TO s;
SELECT is(rec.variant('inside', 1), NULL, 'and back after a rollback to a savepoint');
ROLLBACK;
SELECT throws_ok($$SELECT rec.variant('inside', 1)$$, '42704', NULL, 'gone after the rollback');
CREATE FUNCTION in_a_loop() RETURNS text LANGUAGE plpgsql AS $$
DECLARE r text := '';
BEGIN
	FOR i IN 1 .. 3 LOOP
		PERFORM rec.alter_experiment('force', coverage => CASE i WHEN 2 THEN 0 ELSE 0.001 END, forced => jsonb_build_object('9', CASE i WHEN 2 THEN 'control' ELSE 'treatment' END));
		r := r || ' ' || rec.variant('force', 9);
	END LOOP;
	RETURN r;
END $$;
SELECT is(in_a_loop(), ' treatment control treatment', 'one call site, changing definitions');
SELECT is(count(DISTINCT rec.variant(x, u)), 6::bigint, 'one call site, several experiments') FROM unnest('{checkout,old}'::text[]) x, generate_series(1, 100) u;
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SELECT set_config(CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'debug_parallel_query' ELSE 'force_parallel_mode' END, 'off', false);
SELECT is_empty($$SELECT f.u FROM first f WHERE rec.variant('new name', f.u) IS DISTINCT FROM rec.variant('new name', f.u::text)$$, 'in parallel');
RESET ALL;
SET client_min_messages = warning;

-- Who may what
GRANT CREATE ON SCHEMA public TO exp_owner;
SET ROLE exp_owner;
SELECT rec.create_experiment('mine');
SELECT isnt(rec.variant('mine', 1), NULL, 'its owner asks');
SET ROLE exp_app;
SELECT throws_ok($$SELECT rec.variant('mine', 1)$$, '42501', 'permission denied for experiment "mine"', 'others may not');
SELECT throws_ok($$SELECT rec.log_exposure('mine', 1)$$, '42501', NULL, 'nor log');
SELECT is_empty($$SELECT * FROM rec.experiment$$, 'nor see it');
SELECT throws_ok($$SELECT rec.variant('min', 1)$$, '42704', 'experiment "min" does not exist', 'unknown');
SET ROLE exp_owner;
SELECT rec.grant_experiment('mine', 'exp_app');
SELECT throws_ok($$SELECT rec.grant_experiment('mine', 'no such role')$$, '42704', NULL, 'granted to nobody');
SET ROLE exp_app;
SELECT isnt(rec.variant('mine', 1), NULL, 'granted');
SELECT is(rec.log_exposure('mine', 1), rec.variant('mine', 1), 'and logs');
SELECT results_eq($$SELECT experiment FROM rec.experiment$$, $$VALUES ('mine')$$, 'and sees the experiment');
SELECT is_empty($$SELECT * FROM rec.exposure$$, 'but not the exposures');
SELECT throws_ok($$INSERT INTO rec.exposure VALUES (1, 'x', 'control', now())$$, '42501', NULL, 'nor forges them');
SELECT throws_ok($$INSERT INTO rec.exposure_default VALUES (1, 'x', 'control', now())$$, '42501', NULL, 'in no partition');
SELECT throws_ok(format('SELECT rec.%s', call), '42501', NULL, 'only the owner: ' || call)
FROM unnest(ARRAY[$$alter_experiment('mine', coverage => 1)$$, $$stop_experiment('mine')$$, $$start_experiment('mine')$$, $$rename_experiment('mine', 'x')$$,
	$$drop_experiment('mine')$$, $$force_variant('mine', '1', 'control')$$, $$grant_experiment('mine', 'exp_other')$$, $$revoke_experiment('mine', 'exp_app')$$]) call;
SELECT throws_ok($$UPDATE rec.experiment SET coverage = 1$$, '42501', NULL, 'the catalog is not theirs');
SET ROLE exp_owner;
SELECT results_eq($$SELECT unit_id, variant FROM rec.exposure$$, $$SELECT '1', rec.variant('mine', 1)$$, 'the owner sees the exposures');
SELECT rec.revoke_experiment('mine', 'exp_app');
SET ROLE exp_app;
SELECT throws_ok($$SELECT rec.variant('mine', 1)$$, '42501', NULL, 'revoked');
RESET ROLE;
SELECT rec.grant_experiment('mine', 'public');
SET ROLE exp_other;
SELECT isnt(rec.variant('mine', 1), NULL, 'granted to all');
-- definitions are kept for one role at a time
CREATE FUNCTION pg_temp.as_app() RETURNS text LANGUAGE sql AS $$SELECT rec.variant('checkout', 1)$$;
SELECT throws_ok($$SELECT rec.variant('checkout', 1)$$, '42501', NULL, 'of a superuser''s experiment');
RESET ROLE;
SELECT isnt(rec.variant('checkout', 1), NULL, 'which a superuser may use');
SET ROLE exp_other;
SELECT throws_ok($$SELECT rec.variant('checkout', 1)$$, '42501', NULL, 'and the other still not');
RESET ROLE;

-- Exposures
SELECT rec.create_experiment('log');
SELECT is(count(rec.log_exposure('log', u)), 100::bigint, 'logged') FROM generate_series(1, 100) u;
SELECT is(count(rec.log_exposure('log', u)), 100::bigint, 'logged again') FROM generate_series(1, 100) u;
SELECT is(count(*), 100::bigint, 'the first time only is stored') FROM rec.exposure x JOIN rec.experiment e ON e.id = experiment_id WHERE experiment = 'log';
SELECT is(rec.log_exposure('log', '1', 'treatment', now() - interval '1 hour'), 'treatment', 'a variant that was given, at a time');
SELECT is(rec.log_exposure('force', '1'), NULL, 'a unit outside is not logged');
SELECT throws_ok($$SELECT rec.log_exposure('log', NULL::int)$$, '22004', NULL, 'no unit');
SELECT throws_ok($$SELECT rec.log_exposure('log', '')$$, '22004', NULL, 'an empty unit');
SELECT throws_ok($$SELECT rec.log_exposure(NULL, 1)$$, '22004', NULL, 'no experiment');
SELECT throws_ok($$SELECT rec.log_exposure('log', 1, 'treatmnt')$$, '42704', 'experiment "log" has no variant "treatmnt"', 'no such variant');
SELECT throws_ok($$SELECT rec.log_exposure('log', 1, NULL, now() + interval '1 hour')$$, '22008', 'an exposure cannot lie in the future', 'a clock that is ahead');
SELECT lives_ok($$SELECT rec.log_exposure('log', 1, NULL, now() + interval '1 minute')$$, 'a little ahead is nothing');
SELECT throws_ok($$SELECT rec.log_exposure('log', 1, NULL, 'infinity')$$, '22008', NULL, 'no time');
SELECT rec.drop_experiment('log');
SELECT is_empty($$SELECT * FROM rec.exposure WHERE experiment_id NOT IN (SELECT id FROM rec.experiment)$$, 'a dropped experiment takes its exposures along');
SELECT throws_ok($$SELECT rec.drop_experiment('log')$$, '42704', NULL, 'dropped twice');
SELECT lives_ok($$SELECT rec.drop_experiment('log', true)$$, 'if_exists');

-- Bad definitions
SELECT throws_ok(format($$SELECT rec.create_experiment('bad', %s)$$, a), state, message, coalesce(message, a)) FROM (VALUES
	($$'{only}'$$, '22023', 'an experiment needs at least two variants'),
	($$'{}'$$, '22023', 'an experiment needs at least two variants'),
	($$NULL$$, '22004', 'variants must not be null'),
	($$'{a,a}'$$, '22023', 'variant "a" is named twice'),
	($$'{a,""}'$$, '22023', 'the name of a variant must not be null or empty'),
	($$'{a,NULL}'$$, '22023', 'the name of a variant must not be null or empty'),
	($$'{{a,b},{c,d}}'$$, '22023', 'variants must be a list of names'),
	($$weights => '{1,0}'$$, '22023', 'each weight must be a number above zero'),
	($$weights => '{1.5,-0.5}'$$, '22023', 'each weight must be a number above zero'),
	($$weights => '{NaN,0.5}'$$, '22023', 'each weight must be a number above zero'),
	($$weights => '{NULL,0.5}'$$, '22023', 'each weight must be a number above zero'),
	($$weights => '{inf,0.5}'$$, '22023', 'each weight must be a number above zero'),
	($$weights => '{0.5,0.4}'$$, '22023', 'weights must sum to 1'),
	($$weights => '{50,50}'$$, '22023', 'weights must sum to 1'),
	($$weights => '{0.5}'$$, '22023', '2 variants need 2 weights, not 1'),
	($$hash_version => 3$$, '22023', 'hash_version must be 1 or 2'),
	($$coverage => 1.5$$, '22023', 'coverage must be a share from 0 to 1'),
	($$coverage => 'NaN'$$, '22023', 'coverage must be a share from 0 to 1'),
	($$start => now(), stop => now() - interval '1 day'$$, '22023', 'an experiment must start before it stops'),
	($$alpha => 0$$, '22023', 'alpha must be above 0 and below 1'),
	($$alpha => 'NaN'$$, '22023', 'alpha must be above 0 and below 1'),
	($$versions => '{1,2}'$$, '22023', 'versions needs a model'),
	($$model => 'no model'$$, '42704', 'model "no model" does not exist'),
	($$exposures => 'no_relation'$$, '42P01', 'exposure relation "no_relation" does not exist'),
	($$exposures => 'first'$$, '42703', 'column "unit_id" of exposure relation "first" does not exist'),
	($$exposures => 'first', exposure_unit => 'u', exposure_variant => 'v', exposure_time => 'v'$$, '42804', NULL),
	($$exposure_unit => 'u'$$, '22023', 'columns of exposures are given without their relation'),
	($$unit_type => NULL$$, '22004', 'unit_type must not be null')) v (a, state, message);
SELECT throws_ok($$SELECT rec.create_experiment('')$$, '42602', NULL, 'no name');
SELECT throws_ok($$SELECT rec.create_experiment(NULL)$$, '22004', NULL, 'a null name');
SELECT throws_ok($$SELECT rec.create_experiment('checkout')$$, '42710', 'experiment "checkout" already exists', 'a name in use');
SELECT throws_ok($$SELECT rec.alter_experiment('checkout', start => '2000-01-02', stop => '2000-01-01')$$, '22023', NULL, 'stops before its start');
SELECT throws_ok($$SELECT rec.variant('chekout', 1)$$, '42704', 'experiment "chekout" does not exist', 'a typing mistake');
SELECT is_empty($$SELECT * FROM rec.experiment WHERE experiment IN ('bad', '')$$, 'nothing bad was kept');

SELECT * FROM finish();
