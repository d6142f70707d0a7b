-- Who may do what: owners, members, USAGE on the model's schema, SELECT on the events, the catalog's rows.
SET client_min_messages = warning;
SELECT no_plan();
-- Roles are the cluster's: names of their own, dropped at the end.
CREATE ROLE rec_p_owner;
CREATE ROLE rec_p_member IN ROLE rec_p_owner;
CREATE ROLE rec_p_user;
CREATE ROLE rec_p_stranger;
CREATE ROLE rec_p_admin SUPERUSER;
GRANT CREATE ON DATABASE :"DBNAME" TO rec_p_owner;
CREATE SCHEMA shop;
CREATE TABLE shop.e (user_id int, item_id int, secret text);
INSERT INTO shop.e SELECT u, (u * k * 7 + k) % 40, 's' FROM generate_series(1, 60) u, generate_series(1, 5) k;
CREATE INDEX ON shop.e (user_id);
GRANT USAGE ON SCHEMA shop TO rec_p_owner, rec_p_user;
-- pgTAP writes to its own tables
GRANT ALL ON ALL TABLES IN SCHEMA pg_temp TO PUBLIC;
GRANT ALL ON ALL SEQUENCES IN SCHEMA pg_temp TO PUBLIC;

-- create_model
SET ROLE rec_p_stranger;
SELECT throws_ok($$SELECT rec.create_model('m', 'shop.e')$$, '42501', NULL, 'creating a model needs USAGE on the events'' schema');
SET ROLE rec_p_user;
SELECT throws_ok($$SELECT rec.create_model('m', 'shop.e')$$, '42501', NULL, 'creating a model needs SELECT on the events, or CREATE on the database');
SET ROLE rec_p_owner;
SELECT throws_ok($$SELECT rec.create_model('m', 'shop.e')$$, '42501', 'permission denied for table e', 'creating a model needs SELECT on the events');
RESET ROLE;
GRANT SELECT (user_id, item_id) ON shop.e TO rec_p_owner, rec_p_user;
SET ROLE rec_p_user;
SELECT throws_ok($$SELECT rec.create_model('m', 'shop.e')$$, '42501', NULL, 'creating a model needs CREATE on the database');
SELECT is_empty($$SELECT FROM pg_namespace WHERE nspname = 'm'$$, 'nothing was left behind');
SET ROLE rec_p_owner;
SELECT lives_ok($$SELECT rec.create_model('m', 'shop.e', params => '{"factors": 4, "epochs": 2, "holdout": 0}')$$, 'SELECT on the columns is enough');
SELECT throws_ok($$SELECT rec.alter_model('m', event_column => 'secret')$$, '42501', NULL, 'other columns need theirs');
RESET ROLE;
SELECT is((SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'm'), 'rec_p_owner', 'the schema is its owner''s');
SELECT is((SELECT string_agg(DISTINCT relowner::regrole::text, ',') FROM pg_class WHERE relnamespace = 'm'::regnamespace), 'rec_p_owner', 'so are its tables');
SELECT is((SELECT string_agg(DISTINCT proowner::regrole::text, ',') FROM pg_proc WHERE pronamespace = 'm'::regnamespace), 'rec_p_owner', 'and functions');
-- in an existing schema
CREATE SCHEMA given AUTHORIZATION rec_p_user;
SET ROLE rec_p_user;
SELECT lives_ok($$SELECT rec.create_model('given', 'shop.e')$$, 'a role without CREATE on the database makes a model of a schema that it owns');
SELECT lives_ok($$SELECT rec.train('given', '{"factors": 2, "epochs": 1}')$$, 'trains it');
SELECT isnt_empty('SELECT * FROM given.recommend(1)', 'and asks it');
SELECT lives_ok($$SELECT rec.drop_model('given')$$, 'and drops it');
RESET ROLE;
CREATE SCHEMA foreign_schema;
SET ROLE rec_p_owner;
SELECT throws_ok($$SELECT rec.create_model('foreign_schema', 'shop.e')$$, '42501', 'must be owner of schema "foreign_schema" to make it a model', 'somebody else''s schema');
SELECT throws_ok($$SELECT rec.create_model('shop', 'shop.e')$$, '42501', NULL, 'nor one with tables');

-- train, alter, drop, rename, upgrade, activate: the owner, members, superusers
CREATE FUNCTION pg_temp.owner_only() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT throws_ok(statement, '42501', NULL, current_user || ': ' || statement) FROM unnest(ARRAY[
		$q$SELECT rec.train('m')$q$, $q$SELECT rec.alter_model('m', keep_versions => 3)$q$, $q$SELECT rec.drop_model('m')$q$, $q$SELECT rec.drop_model('m', true)$q$,
		$q$SELECT rec.rename_model('m', 'mine')$q$, $q$SELECT rec.upgrade_model('m')$q$, $q$SELECT rec.activate('m', 1)$q$]) statement $$;
GRANT EXECUTE ON FUNCTION pg_temp.owner_only() TO PUBLIC;
SELECT lives_ok($$SELECT rec.train('m')$$, 'the owner trains');
SET ROLE rec_p_member;
SELECT lives_ok($$SELECT rec.train('m')$$, 'a member trains');
SELECT lives_ok($$SELECT rec.alter_model('m', keep_versions => 4)$$, 'alters');
SELECT lives_ok($$SELECT rec.activate('m', 1)$$, 'activates');
SET ROLE rec_p_admin;
SELECT lives_ok($$SELECT rec.train('m')$$, 'a superuser trains');
SELECT is((SELECT trained_by FROM rec.training_run WHERE model = 'm' AND version = 3), 'rec_p_admin', 'it is written who did');
SET ROLE rec_p_user;
SELECT * FROM pg_temp.owner_only();
RESET ROLE;
GRANT USAGE ON SCHEMA m TO rec_p_user;
SET ROLE rec_p_user;
SELECT * FROM pg_temp.owner_only();
RESET ROLE;
SELECT results_eq($$SELECT active_version, keep_versions FROM rec.model WHERE model = 'm'$$, 'VALUES (3, 4)', 'none of them has changed anything');

-- asking: USAGE on the model's schema is needed and is enough
CREATE FUNCTION pg_temp.calls() RETURNS SETOF text LANGUAGE sql AS $$VALUES
	('SELECT * FROM m.recommend(1)'), ('SELECT * FROM rec.recommend(''m'', ''1'')'), ('SELECT * FROM rec.recommend(''m'', 1)'),
	('SELECT * FROM m.recommend_for(''{1}'')'), ('SELECT * FROM rec.recommend_for(''m'', ''{1}'')'), ('SELECT m.predict(1, 1)'), ('SELECT rec.predict(''m'', ''1'', ''1'')'),
	('SELECT * FROM m.similar_items(1)'), ('SELECT * FROM rec.similar_items(''m'', ''1'')'), ('SELECT * FROM m.similar_users(1)'), ('SELECT * FROM rec.similar_users(''m'', ''1'')'),
	('SELECT * FROM m.recommend_users(1)'), ('SELECT * FROM rec.recommend_users(''m'', ''1'')'), ('SELECT * FROM m.explain(1, 1)'), ('SELECT * FROM rec.explain(''m'', ''1'', ''1'')')$$;
GRANT EXECUTE ON FUNCTION pg_temp.calls() TO PUBLIC;
SET ROLE rec_p_user;
SELECT isnt_empty(c, 'with USAGE: ' || c) FROM pg_temp.calls() c;
SELECT is((SELECT count(*) FROM rec.model), 1::bigint, 'rec.model shows the model');
SELECT is((SELECT count(*) FROM rec.training_run), 3::bigint, 'rec.training_run its trainings');
SELECT is((SELECT count(*) FROM rec.training_progress WHERE model = 'm'), 1::bigint, 'rec.training_progress the last one');
SELECT throws_ok('SELECT * FROM m.user_factors', '42501', NULL, 'the model''s tables are not for reading');
SELECT throws_ok('SELECT * FROM m.active_items', '42501', NULL, 'nor its views');
RESET ROLE;
GRANT SELECT ON m.active_items TO rec_p_user;
SET ROLE rec_p_user;
SELECT isnt_empty('SELECT * FROM m.active_items', 'unless granted');
SET ROLE rec_p_stranger;
SELECT throws_ok(c, '42501', NULL, 'without USAGE: ' || c) FROM pg_temp.calls() c;
SELECT throws_ok($$SELECT * FROM rec.recommend('m', 1)$$, '42501', 'permission denied for model "m"', 'with a clear message');
SELECT is_empty('SELECT * FROM rec.model', 'rec.model is empty');
SELECT is_empty('SELECT * FROM rec.training_run', 'rec.training_run too');
SELECT is_empty('SELECT * FROM rec.training_progress', 'and rec.training_progress');
SELECT throws_ok($$SELECT * FROM rec.recommend('n', 1)$$, '42704', 'model "n" does not exist', 'no hint names a model that one may not use');
SELECT throws_ok($$SELECT * FROM rec._recommend('m'::regnamespace, 1, NULL::int, 10, true, NULL, NULL::int[], NULL::int[], NULL, NULL)$$, '42501', NULL, 'the function behind it checks as well');
RESET ROLE;
REVOKE USAGE ON SCHEMA m FROM rec_p_user;
SET ROLE rec_p_user;
SELECT throws_ok($$SELECT * FROM rec.recommend('m', 1)$$, '42501', NULL, 'USAGE revoked: refused in the session whose cache holds the model');
RESET ROLE;
GRANT USAGE ON SCHEMA m TO rec_p_user;

-- SELECT on the events: the stored answer without it, and no explanation
CREATE TABLE answers AS SELECT u, r.* FROM generate_series(1, 60) u, m.recommend(u) r;
GRANT SELECT ON answers TO PUBLIC;
INSERT INTO shop.e VALUES (1, 39), (1, 38), (100, 3);
SET ROLE rec_p_user;
SELECT is((SELECT string_agg(DISTINCT source, ',') FROM m.recommend(1)), 'folded_in', 'with SELECT on the columns events are live');
RESET ROLE;
REVOKE SELECT (user_id, item_id) ON shop.e FROM rec_p_user;
SET ROLE rec_p_user;
SELECT set_eq('SELECT u, r.* FROM generate_series(1, 60) u, m.recommend(u) r', 'SELECT * FROM answers', 'without SELECT on the events: the stored answers');
SELECT is((SELECT string_agg(DISTINCT source, ',') FROM m.recommend(100)), 'popular', 'a new user is a stranger');
SELECT throws_ok('SELECT * FROM m.explain(1, 1)', '42501', 'permission denied for the events of model "m"', 'explain is refused');
SELECT throws_ok($$SELECT * FROM rec.explain('m', '1', '1')$$, '42501', NULL, 'by name too');
SELECT isnt(m.predict(1, 3), NULL, 'predict answers');
RESET ROLE;
GRANT SELECT ON shop.e TO rec_p_user;
REVOKE USAGE ON SCHEMA shop FROM rec_p_user;
SET ROLE rec_p_user;
SELECT set_eq('SELECT u, r.* FROM generate_series(1, 60) u, m.recommend(u) r', 'SELECT * FROM answers', 'without USAGE on the events'' schema: the stored answers');
RESET ROLE;
GRANT USAGE ON SCHEMA shop TO rec_p_user;
SET ROLE rec_p_user;
SELECT is((SELECT string_agg(DISTINCT source, ',') FROM m.recommend(1)), 'folded_in', 'granted again: live again');
RESET ROLE;

-- a SECURITY DEFINER function asks with its owner's rights, a view with the rights of its reader
REVOKE SELECT ON shop.e FROM rec_p_user;
GRANT SELECT ON shop.e TO rec_p_owner;
CREATE SCHEMA app AUTHORIZATION rec_p_owner;
SET ROLE rec_p_owner;
CREATE FUNCTION app.ask(u int) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$SELECT string_agg(DISTINCT source, ',') FROM m.recommend(u)$$;
CREATE VIEW app.page AS SELECT string_agg(DISTINCT source, ',') AS source FROM m.recommend(1);
GRANT USAGE ON SCHEMA app TO rec_p_user, rec_p_stranger;
GRANT SELECT ON app.page TO rec_p_user, rec_p_stranger;
SET ROLE rec_p_stranger;
SELECT is(app.ask(1), 'folded_in', 'SECURITY DEFINER: a stranger needs no rights of his own');
SELECT throws_ok('SELECT * FROM app.page', '42501', NULL, 'a view does not lend its owner''s USAGE');
SET ROLE rec_p_user;
SELECT is((SELECT source FROM app.page), 'personalized', 'nor its owner''s SELECT on the events');
RESET ROLE;

-- nobody but the extension's functions writes the catalog
SET ROLE rec_p_owner;
SELECT throws_ok(s, '42501', NULL, s) FROM unnest(ARRAY['INSERT INTO rec.model (model) SELECT model FROM rec.model', 'UPDATE rec.model SET active_version = 1', 'DELETE FROM rec.model',
	'TRUNCATE rec.model', 'INSERT INTO rec.training_run SELECT * FROM rec.training_run', 'UPDATE rec.training_run SET users = 1', 'DELETE FROM rec.training_run',
	'DROP TABLE rec.model', 'CREATE TABLE rec.mine (a int)', 'CREATE FUNCTION rec.mine() RETURNS int LANGUAGE sql AS ''SELECT 1''', 'DROP FUNCTION rec._model(text)']) s;
RESET ROLE;

-- changing hands
DROP VIEW app.page;
GRANT CREATE ON DATABASE :"DBNAME" TO rec_p_user;
GRANT SELECT ON shop.e TO rec_p_user;
ALTER SCHEMA m OWNER TO rec_p_user;
SET ROLE rec_p_user;
SELECT lives_ok($$SELECT rec.train('m')$$, 'the schema''s new owner trains, though the tables still are the former one''s');
SELECT isnt_empty('SELECT * FROM m.recommend(1)', 'and asks');
SET ROLE rec_p_owner;
SELECT throws_ok($$SELECT rec.train('m')$$, '42501', NULL, 'the former one does not');
RESET ROLE;
REASSIGN OWNED BY rec_p_owner TO rec_p_user;
SET ROLE rec_p_user;
SELECT lives_ok($$SELECT rec.rename_model('m', 'm2')$$, 'REASSIGN OWNED: the new owner renames');
SELECT lives_ok($$SELECT rec.upgrade_model('m2')$$, 'upgrades');
SELECT lives_ok($$SELECT rec.drop_model('m2')$$, 'and drops');
RESET ROLE;
DROP OWNED BY rec_p_owner, rec_p_member, rec_p_user, rec_p_stranger, rec_p_admin;
DROP ROLE rec_p_owner, rec_p_member, rec_p_user, rec_p_stranger, rec_p_admin;
SELECT * FROM finish();
