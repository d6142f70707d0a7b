-- A training runs as the model's owner in a restricted operation; what a view calls has the rights of whoever should.
SET client_min_messages = warning;
SELECT no_plan();
CREATE ROLE rec_o_author;
CREATE ROLE rec_o_reader;
GRANT CREATE ON DATABASE :"DBNAME" TO rec_o_author;
CREATE SCHEMA lair AUTHORIZATION rec_o_author;
GRANT USAGE ON SCHEMA lair TO PUBLIC;
CREATE TABLE superusers_only (a int);
CREATE TABLE public.noted (who text, what text);
GRANT INSERT, SELECT ON noted TO PUBLIC;
SET ROLE rec_o_author;
CREATE TABLE lair.e AS SELECT u AS user_id, (u * k * 7 + k) % 30 AS item_id FROM generate_series(1, 40) u, generate_series(1, 4) k;
CREATE INDEX ON lair.e (user_id);
CREATE FUNCTION lair.spy(what text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO public.noted VALUES (current_user, what || ' ' || current_setting('search_path'));
	RETURN true;
END $$;
CREATE VIEW lair.v AS SELECT user_id, item_id FROM lair.e WHERE user_id > 0 OR lair.spy('view');
CREATE VIEW lair.spying AS SELECT user_id, item_id FROM lair.e WHERE lair.spy('train');
SELECT rec.create_model('m', 'lair.spying', params => '{"factors": 3, "epochs": 2, "holdout": 0}');
RESET ROLE;
SELECT is_empty('SELECT * FROM noted', 'create_model executes nothing');
SELECT rec.train('m');
SELECT results_eq('SELECT DISTINCT who, what FROM noted', $$VALUES ('rec_o_author', 'train pg_catalog, pg_temp')$$, 'a superuser calls train: the view''s functions run as the owner, with a safe search_path');
TRUNCATE noted;
SELECT isnt_empty('SELECT * FROM m.recommend(1)', 'a superuser asks for recommendations');
SELECT lives_ok('SELECT * FROM m.explain(1, 3)', 'an explanation');
SELECT isnt_empty('SELECT * FROM m.recommend_users(3)', 'an audience');
SELECT lives_ok($$SELECT rec.alter_model('m', keep_versions => 3)$$, 'alters');
SELECT is_empty('SELECT * FROM noted', 'none of which executes the view');

-- What a restricted operation forbids: to leave things behind that run later with the caller's rights.
CREATE FUNCTION trap(body text) RETURNS text LANGUAGE plpgsql AS $f$
BEGIN
	EXECUTE format('CREATE OR REPLACE FUNCTION lair.spy(what text) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN %s RETURN true; END $$', body);
	PERFORM rec.train('m');
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE;
END $f$;
SELECT is(trap('DELETE FROM public.superusers_only;'), '42501', 'a superuser''s table');
SELECT is(trap('UPDATE rec.model SET keep_versions = 1;'), '42501', 'the catalog');
SELECT is(trap('CREATE TEMP TABLE pg_temp.left_behind (a int);'), '42501', 'a temporary table');
SELECT is(trap('RESET ROLE;'), '42501', 'RESET ROLE');
SELECT is(trap('SET SESSION AUTHORIZATION postgres;'), '42501', 'SET SESSION AUTHORIZATION');
SELECT is(trap('PERFORM set_config(''role'', ''none'', false);'), '42501', 'set_config of the role');
SELECT is(trap('PERFORM set_config(''search_path'', ''lair'', false);'), 'done', 'a search_path is set');
SELECT isnt(current_setting('search_path'), 'lair', 'for the training only');
SELECT is(trap('EXECUTE ''DECLARE c CURSOR WITH HOLD FOR SELECT 1'';'), '42501', 'a cursor that would outlive it');
SELECT is(trap('PERFORM pg_read_file(''PG_VERSION'');'), '42501', 'files of the server');
SELECT is(trap('EXECUTE ''COPY lair.e TO PROGRAM ''''true'''''';'), '42501', 'a program');
SELECT is(current_user, session_user, 'the session is its own again after all that');
SELECT lives_ok('CREATE TEMP TABLE mine (a int)', 'and unrestricted');

-- drop_model, rename_model and upgrade_model by a superuser do not run the owner's code
CREATE OR REPLACE FUNCTION lair.spy(what text) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN INSERT INTO public.noted VALUES (current_user, what); RETURN true; END $$;
TRUNCATE noted;
SET ROLE rec_o_author;
CREATE FUNCTION lair.on_change() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO public.noted VALUES (current_user, TG_OP || ' ' || TG_TABLE_NAME); RETURN coalesce(NEW, OLD); END $$;
CREATE TRIGGER spy AFTER INSERT OR DELETE ON m.model_version FOR EACH ROW EXECUTE FUNCTION lair.on_change();
CREATE TRIGGER spy AFTER INSERT OR DELETE ON m.item_factors FOR EACH ROW EXECUTE FUNCTION lair.on_change();
RESET ROLE;
SELECT rec.alter_model('m', keep_versions => 1);
SELECT rec.train('m');
SELECT rec.train('m');
SELECT is((SELECT string_agg(DISTINCT who, ',') FROM noted), 'rec_o_author', 'triggers on the model''s tables run as its owner too');
TRUNCATE noted;
SELECT rec.upgrade_model('m');
SELECT rec.rename_model('m', 'm2');
SELECT is((SELECT string_agg(DISTINCT proowner::regrole::text, ',') FROM pg_proc WHERE pronamespace = 'm2'::regnamespace), 'rec_o_author', 'functions stay the owner''s after upgrade_model by a superuser');
SELECT rec.drop_model('m2');
SELECT is_empty('SELECT * FROM noted', 'nothing else ran');
-- an index expression is the owner's code as well
SET ROLE rec_o_author;
SELECT rec.create_model('m', 'lair.e', params => '{"factors": 3, "epochs": 2, "holdout": 0}');
CREATE FUNCTION lair.indexed(i int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$BEGIN PERFORM lair.spy('index'); RETURN i; END $$;
CREATE INDEX ON m.item_factors (lair.indexed(position));
RESET ROLE;
SELECT rec.train('m');
SELECT is((SELECT string_agg(DISTINCT who, ',') FROM noted), 'rec_o_author', 'an index expression on the model''s tables runs as its owner');
SELECT is((SELECT count(*) FROM m.item_factors WHERE lair.indexed(position) >= 0), (SELECT count(*) FROM m.item_factors), 'and the index is filled');

-- What a superuser looks at: advice, a report, a monitor, a metric, an experiment.
TRUNCATE noted;
SET ROLE rec_o_author;
CREATE VIEW lair.timed AS SELECT user_id, item_id, now() - interval '1 minute' AS at, 'a'::text AS variant FROM lair.e WHERE lair.spy('timed');
SELECT rec.alter_model('m', events => 'lair.timed', time_column => 'at');
ALTER TABLE m.item_factors RENAME TO real_factors;
CREATE VIEW m.item_factors AS SELECT f.* FROM m.real_factors f WHERE lair.spy('factors');
RESET ROLE;
SELECT alike(rec.report('m'), '%Model card%', 'a superuser''s report of a model whose tables are views now');
SELECT is_empty('SELECT * FROM noted', 'runs none of them');
SET ROLE rec_o_author;
DROP VIEW m.item_factors;
ALTER TABLE m.real_factors RENAME TO item_factors;
RESET ROLE;
SELECT isnt_empty($$SELECT * FROM rec.advise('m')$$, 'advice for a superuser');
SELECT results_eq('SELECT DISTINCT who FROM noted', $$VALUES ('rec_o_author')$$, 'reads the view as the owner');
TRUNCATE noted;
SELECT rec.create_monitor('lair.timed', columns => '{item_id}', time_column => 'at', reference => '1 day', name => 'watched');
SELECT is(owner, 'rec_o_author', 'a superuser''s monitor is the relation''s owner''s') FROM rec.monitor WHERE monitor = 'watched';
SELECT lives_ok($$SELECT * FROM rec.check_drift('watched')$$, 'who checks');
SELECT results_eq('SELECT DISTINCT who FROM noted', $$VALUES ('rec_o_author')$$, 'with its rights');
SELECT rec.drop_monitor('watched');
TRUNCATE noted;
SELECT rec.create_metric('rec_o metric', 'lair.timed', time_column => 'at');
SELECT rec.create_metric('rec_o table', 'lair.e');
SELECT rec.create_experiment('rec_o own', metrics => '{rec_o metric,rec_o table}');
SELECT rec.log_exposure('rec_o own', u) FROM generate_series(1, 40) u;
SELECT matches(sentence, 'relation lair.timed would run code of its owner as a superuser', 'a superuser''s experiment does not read the view of an ordinary role') FROM rec.experiment_result('rec_o own') WHERE metric = 'rec_o metric' LIMIT 1;
SELECT isnt_empty($$SELECT FROM rec.experiment_result('rec_o own') WHERE metric = 'rec_o table' AND n > 0 AND mean > 0$$, 'but a table');
SELECT throws_ok($$SELECT rec.create_experiment('rec_o exposures', '{a,b}', exposures => 'lair.timed', exposure_unit => 'user_id', exposure_time => 'at')$$, '42501', 'exposure relation "timed" would run code of its owner as a superuser', 'nor its exposures');
CREATE TABLE lair.shown AS SELECT user_id, 'a' AS variant, at FROM lair.timed LIMIT 0;
SELECT rec.create_experiment('rec_o exposures', '{a,b}', exposures => 'lair.shown', exposure_unit => 'user_id', exposure_time => 'at');
DROP TABLE lair.shown;
SET ROLE rec_o_author;
CREATE VIEW lair.shown AS SELECT user_id, 'a'::text AS variant, at FROM lair.timed;
RESET ROLE;
TRUNCATE noted;
SELECT is(sentence, 'broken: exposure relation lair.shown would run code of its owner as a superuser', 'also when a view took the place of a table') FROM rec.experiment_result('rec_o exposures') LIMIT 1;
SELECT is_empty('SELECT * FROM noted', 'nothing of it ran');

-- A key type of the owner's: its operators run in a training as the owner.
TRUNCATE noted;
DROP OWNED BY rec_o_author CASCADE;
DROP ROLE rec_o_author, rec_o_reader;
SELECT is((SELECT count(*) FROM rec.model m JOIN pg_namespace n ON n.nspname = m.model), 0::bigint, 'DROP OWNED has dropped the model''s schema');
SELECT * FROM finish();
