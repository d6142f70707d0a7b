-- Functions, operators, types and tables named like ours or like PostgreSQL's, in front on the search_path, change nothing.
SET client_min_messages = warning;
SELECT no_plan();
CREATE ROLE rec_h_victim;
CREATE ROLE rec_h_attacker;
GRANT CREATE ON DATABASE :"DBNAME" TO rec_h_victim;
CREATE SCHEMA evil AUTHORIZATION rec_h_attacker;
GRANT USAGE, CREATE ON SCHEMA evil TO PUBLIC;
CREATE TABLE noted (what text);
GRANT ALL ON noted TO PUBLIC;
CREATE TABLE e AS SELECT u AS user_id, 'i' || (u * k * 7 + k) % 30 AS item_id, (u + k)::real AS value, now() - k * interval '1 day' AS at FROM generate_series(1, 40) u, generate_series(1, 4) k;
CREATE INDEX ON e (user_id);
GRANT SELECT ON e TO PUBLIC;
SET ROLE rec_h_victim;
SELECT rec.create_model('m', 'e', value_column => 'value', time_column => 'at', half_life => '3 days', params => '{"factors": 3, "epochs": 2, "holdout": 0}');
SELECT rec.train('m');
CREATE TABLE evil.answers AS SELECT u, r.* FROM generate_series(1, 40) u, m.recommend(u) r;
RESET ROLE;

-- Runs a statement with the attacker's schema in front; pgTAP itself would not stand it.
CREATE FUNCTION try(statement text, path text DEFAULT 'evil, pg_catalog, public') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	former pg_catalog.text := pg_catalog.current_setting('search_path');
	n pg_catalog.int8;
BEGIN
	PERFORM pg_catalog.set_config('search_path', path, true);
	BEGIN
		EXECUTE statement;
		GET DIAGNOSTICS n = ROW_COUNT;
	EXCEPTION WHEN OTHERS THEN
		PERFORM pg_catalog.set_config('search_path', former, true);
		RETURN SQLERRM;
	END;
	PERFORM pg_catalog.set_config('search_path', former, true);
	RETURN n;
END $$;

SET ROLE rec_h_attacker;
SET search_path = evil, public;
CREATE FUNCTION evil.note(what text) RETURNS void LANGUAGE sql AS $$INSERT INTO public.noted VALUES (current_user || ': ' || what)$$;
-- operators that would be preferred, exact types
CREATE FUNCTION evil.eq(int, int) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN PERFORM evil.note('='); RETURN false; END $$;
CREATE FUNCTION evil.eq(text, text) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN PERFORM evil.note('= text'); RETURN false; END $$;
CREATE FUNCTION evil.cmp(int, int) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN PERFORM evil.note('>'); RETURN false; END $$;
CREATE OPERATOR evil.= (LEFTARG = int, RIGHTARG = int, FUNCTION = evil.eq);
CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.eq);
CREATE OPERATOR evil.> (LEFTARG = int, RIGHTARG = int, FUNCTION = evil.cmp);
CREATE FUNCTION evil.plus(int, int) RETURNS int LANGUAGE plpgsql AS $$BEGIN PERFORM evil.note('+'); RETURN 0; END $$;
CREATE OPERATOR evil.+ (LEFTARG = int, RIGHTARG = int, FUNCTION = evil.plus);
-- functions that our SQL calls
CREATE FUNCTION evil.format(text, VARIADIC text[]) RETURNS text LANGUAGE plpgsql AS $$BEGIN PERFORM evil.note('format'); RETURN 'SELECT 1'; END $$;
CREATE FUNCTION evil.quote_ident(text) RETURNS text LANGUAGE plpgsql AS $$BEGIN PERFORM evil.note('quote_ident'); RETURN $1; END $$;
CREATE FUNCTION evil.max(int) RETURNS int LANGUAGE plpgsql AS $$BEGIN PERFORM evil.note('max'); RETURN 1; END $$;
CREATE FUNCTION evil.now() RETURNS timestamptz LANGUAGE plpgsql AS $$BEGIN PERFORM evil.note('now'); RETURN NULL; END $$;
CREATE FUNCTION evil._recommend(regnamespace, bigint, text, int, boolean, text[], text[], text[], int, jsonb) RETURNS TABLE (item_id text, score real, rank int, source text)
	LANGUAGE plpgsql AS $$BEGIN PERFORM evil.note('_recommend'); END $$;
CREATE FUNCTION evil._model(text) RETURNS regnamespace LANGUAGE plpgsql AS $$BEGIN PERFORM evil.note('_model'); END $$;
CREATE FUNCTION evil._load_events(int, text, float8, text, jsonb, timestamptz, int, oid, oid) RETURNS bigint LANGUAGE plpgsql AS $$BEGIN PERFORM evil.note('_load_events'); END $$;
-- types and tables
CREATE DOMAIN evil.text AS pg_catalog.text CHECK (VALUE IS NULL);
CREATE DOMAIN evil.int4 AS pg_catalog.int4 CHECK (VALUE IS NULL);
CREATE DOMAIN evil.jsonb AS pg_catalog.jsonb CHECK (VALUE IS NULL);
CREATE TYPE evil.regnamespace AS ENUM ('m');
CREATE TABLE evil.pg_class (oid oid, relname name);
CREATE TABLE evil.pg_depend (refclassid oid, refobjid oid, deptype "char");
CREATE TABLE evil.pg_namespace (oid oid, nspname name);
CREATE TABLE evil.model AS SELECT 'm'::pg_catalog.text AS model;
RESET ROLE;

SET search_path = public;
SET ROLE rec_h_victim;
CREATE FUNCTION pg_temp.works(statement text, wanted text DEFAULT '1') RETURNS text LANGUAGE sql AS $$SELECT is(try(statement), wanted, current_user || ': ' || statement)$$;
GRANT EXECUTE ON FUNCTION pg_temp.works(text, text) TO PUBLIC;
SELECT pg_temp.works('CREATE TABLE evil.again AS SELECT u, r.* FROM pg_catalog.generate_series(1, 40) u, m.recommend(u) r', '400');
SELECT pg_temp.works($$SELECT * FROM rec.recommend('m', '1')$$, '10');
SELECT pg_temp.works($$SELECT * FROM rec.recommend('m', 1::pg_catalog.int8)$$, '10');
SELECT pg_temp.works($$SELECT * FROM m.explain(1, 'i3', 1)$$);
SELECT pg_temp.works($$SELECT * FROM m.similar_items('i3', 1)$$);
SELECT pg_temp.works($$SELECT * FROM m.similar_users(1, 1)$$);
SELECT pg_temp.works($$SELECT * FROM m.recommend_users('i3', 1)$$);
SELECT pg_temp.works($$SELECT * FROM m.recommend_for('{i3}', 1)$$);
SELECT pg_temp.works($$SELECT m.predict(1, 'i3')$$);
SELECT pg_temp.works($$SELECT pg_catalog.count(*) FROM m.active_items, m.active_users$$);
SELECT pg_temp.works($$SELECT rec.create_model('other', 'public.e', params => '{"factors": 2, "epochs": 1, "holdout": 0.1}')$$);
SELECT pg_temp.works($$SELECT rec.train('other')$$);
SELECT pg_temp.works($$SELECT rec.alter_model('other', keep_versions => 1)$$);
SELECT pg_temp.works($$SELECT rec.train('other')$$);
SELECT pg_temp.works($$SELECT rec.upgrade_model('other')$$);
SELECT pg_temp.works($$SELECT rec.activate('other', 2)$$);
SELECT pg_temp.works($$SELECT rec.rename_model('other', 'renamed')$$);
SELECT pg_temp.works($$SELECT * FROM renamed.recommend(1, 1)$$);
SELECT pg_temp.works($$SELECT model, active_version FROM rec.model$$, '2');
SELECT pg_temp.works($$SELECT * FROM rec.training_progress$$, '2');
SELECT pg_temp.works($$SELECT rec.drop_model('renamed')$$);
RESET ROLE;
CREATE TABLE victims_answers AS TABLE evil.again;
SELECT set_eq('TABLE victims_answers', 'TABLE evil.answers', 'the answers are right');
SELECT pg_temp.works($$SELECT rec.train('m')$$);
SELECT pg_temp.works($$SELECT * FROM m.recommend(1)$$, '10');
SELECT pg_temp.works($$SELECT * FROM rec.recommend('m', '1')$$, '10');
SELECT is((SELECT string_agg(DISTINCT what, ', ') FROM noted), NULL, 'nothing of the attacker''s was called');
SELECT is(try('SELECT 1 = 1'), '1', 'although it would have been');
SELECT isnt_empty('SELECT * FROM noted', 'by any statement of the role''s own');
-- with nothing on it, and with temporary tables of our names in front
SELECT is(try($$SELECT * FROM m.recommend(1)$$, ''), '10', 'an empty search_path: recommend');
SELECT is(try($$SELECT * FROM rec.recommend('m', 1)$$, ''), '10', 'by name');
SELECT is(try($$SELECT rec.train('m')$$, ''), '1', 'train');
SELECT is(try($$SELECT rec.create_model('nowhere', 'public.e')$$, ''), '1', 'create_model');
SELECT is(try($$SELECT rec.drop_model('nowhere')$$, ''), '1', 'drop_model');
CREATE TEMP TABLE model (model pg_catalog.text);
CREATE TEMP TABLE item_factors (version pg_catalog.int4);
CREATE TEMP TABLE pg_depend (refclassid oid);
SELECT is(try($$SELECT * FROM m.recommend(1)$$, 'pg_temp, public'), '10', 'temporary tables of our names: recommend');
SELECT is(try($$SELECT rec.train('m')$$, 'pg_temp, public'), '1', 'train');
SELECT is(try($$SELECT rec.create_model('nowhere', 'public.e')$$, 'pg_temp, public'), '1', 'create_model');
RESET search_path;
DROP OWNED BY rec_h_victim, rec_h_attacker CASCADE;
DROP ROLE rec_h_victim, rec_h_attacker;
SELECT * FROM finish();
