-- What owners of models may do to others: nothing. Each case was once a hole.
SET client_min_messages = warning;
SELECT no_plan();
CREATE ROLE rec_x_owner;
CREATE ROLE rec_x_user;
CREATE SCHEMA den AUTHORIZATION rec_x_owner;
GRANT CREATE ON DATABASE :"DBNAME" TO rec_x_owner;
GRANT USAGE ON SCHEMA den TO PUBLIC;
CREATE TABLE public.noted (who text, what text);
GRANT INSERT, SELECT ON noted TO PUBLIC;
SET ROLE rec_x_owner;
CREATE TABLE den.e AS SELECT 'u' || u AS user_id, 'i' || (u * k * 7 + k) % 30 AS item_id, timestamptz '2026-01-01 00:00+00' + (u * 60 + k) * interval '1 minute' AS at,
	'channel ' || k % 2 AS channel, 'secret ' || u % 3 AS secret
FROM generate_series(1, 60) u, generate_series(1, 6) k;
CREATE INDEX ON den.e (user_id) INCLUDE (item_id, at);
CREATE FUNCTION den.spy() RETURNS boolean LANGUAGE plpgsql AS $$BEGIN INSERT INTO public.noted VALUES (current_user, 'spy'); RETURN true; END $$;
SELECT rec.create_model('m', 'den.e', time_column => 'at', context_columns => '{channel}', params => '{"factors": 3, "epochs": 2}');
SELECT rec.train('m');
SELECT rec.materialize('m');
RESET ROLE;
GRANT USAGE ON SCHEMA m TO rec_x_user;

-- Tables of a model are read without the executor's checks: the owner may alter them, and nobody's session ends by it.
CREATE FUNCTION altered(change text, question text) RETURNS text LANGUAGE plpgsql AS $f$
DECLARE
	result text := 'answered';
BEGIN
	BEGIN
		EXECUTE change;
		BEGIN
			EXECUTE question;
		EXCEPTION WHEN OTHERS THEN
			result := SQLSTATE;
		END;
		RAISE EXCEPTION 'undo' USING ERRCODE = 'YY000';
	EXCEPTION WHEN SQLSTATE 'YY000' THEN
		RETURN result;
	END;
END $f$;
SET pg_recommend.use_materialized = on;
SELECT is(altered(change, $$SELECT * FROM m.recommend('u5')$$), '55000', change) FROM unnest(ARRAY[
	'ALTER TABLE m.recommendation ALTER source TYPE bigint USING 65536', 'ALTER TABLE m.recommendation ALTER item_id TYPE bigint USING 65536',
	'ALTER TABLE m.recommendation ALTER score TYPE text', 'ALTER TABLE m.recommendation DROP version']) change;
SET pg_recommend.use_materialized = off;
SELECT is(altered(change, $$SELECT * FROM m.recommend('u5', context => '{"channel": "channel 1"}')$$), '55000', change) FROM unnest(ARRAY[
	'ALTER TABLE m.context_effect ALTER item_id TYPE bigint USING 65536 + hashtext(item_id)', 'ALTER TABLE m.context_effect RENAME TO was; CREATE TABLE m.context_effect AS SELECT version, context_column, context_value, 65536::bigint AS item_id, 0::real, 0::real AS b, 0::real AS c FROM m.was']) change;
SELECT is(altered('ALTER TABLE m.user_history ALTER user_id TYPE bigint USING 65536 + hashtext(user_id)', $$SELECT * FROM m.recommend('u5')$$), '55000', 'user_history');
SELECT is(altered('DROP TABLE den.e CASCADE; CREATE TABLE den.e (user_id int, item_id text, at timestamptz, channel text); INSERT INTO den.e VALUES (1, ''i1'', ''2027-01-01'', ''a'')',
	$$DO 'BEGIN PERFORM rec.materialize(''m''); ASSERT NOT EXISTS (SELECT FROM m.recommendation WHERE user_id !~ ''^u''); END'$$), 'answered',
	'events whose keys have another type now: what is stored is materialized, and for its users only');

-- A superuser's scheduled run reads the owner's tables as the owner.
SET ROLE rec_x_owner;
ALTER TABLE m.model_version RENAME TO mv;
CREATE VIEW m.model_version AS SELECT * FROM m.mv WHERE den.spy();
RESET ROLE;
SELECT isnt(rec._version_newest('m', 1), NULL, 'the time of the newest event');
SELECT results_eq('SELECT DISTINCT who FROM noted', ARRAY['rec_x_owner'], 'is read with the owner''s rights');
DROP VIEW m.model_version;
ALTER TABLE m.mv RENAME TO model_version;
TRUNCATE noted;
SET ROLE rec_x_user;
SELECT throws_ok($$SELECT rec._version_newest('m', 1)$$, '42501', NULL, 'by the owner''s side only');

-- Jobs stay with the role that scheduled them.
SET ROLE rec_x_owner;
SELECT rec.schedule('m');
RESET ROLE;
SELECT rec.rename_model('m', 'm2');
SELECT is(scheduled_by, 'rec_x_owner', 'a superuser who renames a model does not become the one who runs its jobs') FROM rec.schedule WHERE model = 'm2';
SELECT rec.rename_model('m2', 'm');
SET ROLE rec_x_owner;
SELECT throws_ok(format('SELECT rec._schedule_store(''m'', %L, NULL, %L, %L, 0, NULL, 0, ''1 min'', ''1 day'')', cron, condition, zone), '22023', NULL, 'what views read for others is checked: ' || coalesce(cron, condition, zone))
FROM (VALUES ('bogus', 'always', 'UTC'), (NULL, 'sometimes', 'UTC'), (NULL, 'always', 'Mars')) v(cron, condition, zone);
RESET ROLE;
SELECT lives_ok('SELECT * FROM rec.model_health', 'and they go on working');

-- USAGE shares what the training reads: not the other columns of the events.
SET ROLE rec_x_user;
SELECT isnt_empty($$SELECT * FROM rec.drift_baseline WHERE column_name IN ('channel', 'user_activity')$$, 'profiles of what the training reads');
SELECT is_empty($$SELECT * FROM rec.drift_baseline WHERE column_name = 'secret'$$, 'not of another column');
RESET ROLE;
GRANT SELECT ON den.e TO rec_x_user;
SET ROLE rec_x_user;
SELECT isnt_empty($$SELECT * FROM rec.drift_baseline WHERE column_name = 'secret'$$, 'unless the role may read it');
SET ROLE rec_x_owner;
SELECT isnt_empty($$SELECT * FROM rec.drift_baseline WHERE column_name = 'secret'$$, 'or owns the model');

-- Row security holds for profiles, too.
CREATE TABLE den.rows AS SELECT CASE WHEN i % 10 = 0 THEN 'rec_x_user' ELSE 'rec_x_owner' END AS who, 'd' || i % 2 AS diagnosis, timestamptz '2026-01-01 00:00+00' + i * interval '1 hour' AS at
FROM generate_series(1, 1000) i;
ALTER TABLE den.rows ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON den.rows USING (who = current_user);
CREATE VIEW den.rows_view WITH (security_invoker = true) AS SELECT * FROM den.rows;
GRANT SELECT ON den.rows, den.rows_view TO rec_x_user;
SELECT rec.create_monitor('den.rows', '{diagnosis}', '7 days', time_column => 'at', name => 'rows');
SELECT rec.create_monitor('den.rows_view', '{diagnosis}', '7 days', time_column => 'at', name => 'view');
SELECT rec.check_drift('rows'), rec.check_drift('view');
SELECT isnt_empty($$SELECT * FROM rec.drift WHERE monitor = 'rows'$$, 'its owner sees a monitor');
SET ROLE rec_x_user;
SELECT is_empty($$SELECT * FROM rec.drift WHERE monitor IN ('rows', 'view')$$, 'who may read some rows does not');
RESET ROLE;
-- What arguments may hold.
CREATE TABLE people AS SELECT 'u' || i AS user_id, (SELECT array_agg('t' || j) FROM generate_series(1, 8) j) AS tags FROM generate_series(1, 60) i;
SELECT rec.create_model('tagged', 'den.e', users => 'people', user_key => 'user_id', user_attributes => '{tags,tags*tags}', params => '{"factors": 2, "epochs": 1}');
SELECT rec.train('tagged');
SELECT throws_ok($$SELECT * FROM tagged.recommend_for(attributes => jsonb_build_object('tags', (SELECT array_agg('x' || i) FROM generate_series(1, 47000) i)))$$,
	'54000', 'a row of attributes has too many pairs', 'pairs of tags beyond any memory');
SELECT rec.drop_model('tagged');
CREATE FUNCTION scaled(x float8, s jsonb) RETURNS float8 LANGUAGE plpgsql AS 'BEGIN RETURN rec.scale(x, s); END';
SELECT results_eq($$SELECT scaled(10, j::jsonb) FROM unnest(ARRAY['{"kind":"standard","n":5,"mean":0,"std":1}', '{"kind":"standard","n":5,"mean":100,"std":2}']) j$$,
	ARRAY[10, -45]::float8[], 'a scaler that changes from call to call');
SELECT throws_ok($$SELECT rec.psi(row('number', 10, 0, NULL, NULL, '{1,2}', 0, '{1}', '{0}', 10)::rec.column_profile, (SELECT rec.profile(i) FROM generate_series(1, 10) i))$$,
	'22023', NULL, 'a profile of categories that nobody has');
SELECT rec.create_model('untrained', 'den.e', time_column => 'at');
SELECT throws_ok($$SELECT rec.materialize('untrained')$$, '55000', NULL, 'a model that was never trained');
SELECT rec.drop_model('untrained');
SELECT * FROM finish();
SELECT rec.drop_model('m');
DROP OWNED BY rec_x_owner, rec_x_user CASCADE;
DROP ROLE rec_x_owner, rec_x_user;
