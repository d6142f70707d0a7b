-- Row-level security on the events: a role trains on and is recommended from what it sees, never from what is stored.
SET client_min_messages = warning;
SELECT no_plan();
CREATE ROLE rec_s_owner;
CREATE ROLE rec_s_tenant;
CREATE ROLE rec_s_other;
CREATE ROLE rec_s_free BYPASSRLS;
GRANT CREATE ON DATABASE :"DBNAME" TO rec_s_owner, rec_s_tenant;
CREATE SCHEMA shop;
GRANT USAGE ON SCHEMA shop TO PUBLIC;
CREATE TABLE shop.e (user_id int, item_id int, tenant text);
-- Every user has events of both tenants; items 0 to 29 and 30 to 59.
INSERT INTO shop.e SELECT u, (u * k * 7 + k) % 30 + CASE WHEN t = 'rec_s_other' THEN 30 ELSE 0 END, t
FROM generate_series(1, 60) u, generate_series(1, 5) k, unnest('{rec_s_tenant,rec_s_other}'::text[]) t;
CREATE INDEX ON shop.e (user_id) INCLUDE (item_id, tenant);
GRANT SELECT ON shop.e TO PUBLIC;
ALTER TABLE shop.e OWNER TO rec_s_owner;
SET ROLE rec_s_owner;
SELECT rec.create_model('m', 'shop.e', params => '{"factors": 6, "epochs": 3, "holdout": 0}');
SELECT rec.train('m');
GRANT USAGE ON SCHEMA m TO rec_s_tenant, rec_s_other, rec_s_free;
RESET ROLE;
GRANT ALL ON ALL TABLES IN SCHEMA pg_temp TO PUBLIC;
GRANT ALL ON ALL SEQUENCES IN SCHEMA pg_temp TO PUBLIC;
CREATE TABLE stored AS SELECT u, r.* FROM generate_series(1, 60) u, m.recommend(u, NULL, false) r;
GRANT SELECT ON stored TO PUBLIC;
CREATE FUNCTION pg_temp.source(u int) RETURNS text LANGUAGE sql STABLE AS $$SELECT string_agg(DISTINCT source, ',') FROM m.recommend(u)$$;
GRANT EXECUTE ON FUNCTION pg_temp.source(int) TO PUBLIC;
SET ROLE rec_s_tenant;
SELECT is(pg_temp.source(1), 'personalized', 'without row security: stored factors');
RESET ROLE;

ALTER TABLE shop.e ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON shop.e USING (tenant = current_user);
SET ROLE rec_s_tenant;
SELECT is(pg_temp.source(1), 'folded_in', 'row security switched on: from visible events, in a session that has a plan');
SELECT set_eq('SELECT item_id FROM m.recommend(1, NULL, false) EXCEPT SELECT item_id FROM m.recommend(1, NULL)', 'SELECT DISTINCT item_id FROM shop.e WHERE user_id = 1', 'what is seen are the visible events');
SELECT ok((SELECT bool_or(item_id >= 30) FROM m.recommend(1, NULL)), 'items of hidden events are not left out');
SELECT results_eq('SELECT item_id, score FROM m.recommend(1, NULL)', $$SELECT item_id, score FROM m.recommend_for((SELECT array_agg(DISTINCT item_id) FROM shop.e WHERE user_id = 1), NULL)$$,
	'the answer is that of a basket of the visible items');
SELECT is(m.predict(1, 3), (SELECT score FROM m.recommend(1, NULL, false) WHERE item_id = 3), 'predict: the same number');
SELECT isnt(m.predict(1, 3), (SELECT score FROM stored WHERE u = 1 AND item_id = 3), 'which is not the stored one');
SELECT set_eq('SELECT item_id FROM m.explain(1, 3)', 'SELECT DISTINCT item_id FROM shop.e WHERE user_id = 1', 'explain shows visible events only');
SELECT set_eq($$SELECT item_id FROM rec.explain('m', '1', '3')$$, 'SELECT DISTINCT item_id::text FROM shop.e WHERE user_id = 1', 'by name too');
SELECT throws_ok('SELECT * FROM m.recommend_users(3)', '42501', NULL, 'recommend_users is refused');
SELECT throws_ok('SELECT * FROM m.similar_users(3)', '42501', NULL, 'similar_users is refused');
SELECT throws_ok($$SELECT * FROM rec.recommend_users('m', '3')$$, '42501', NULL, 'by name too');
SELECT isnt_empty('SELECT * FROM m.similar_items(3)', 'similar_items answers');
RESET ROLE;
DELETE FROM shop.e WHERE user_id = 2 AND tenant = 'rec_s_tenant';
SET ROLE rec_s_tenant;
SELECT is(pg_temp.source(2), 'popular', 'a user without visible events gets popular items, though there are stored factors');
SELECT is(m.predict(2, 3), NULL, 'and no prediction');
SET ROLE rec_s_other;
SELECT set_eq('SELECT item_id FROM m.explain(1, 3)', 'SELECT item_id FROM generate_series(30, 59) item_id WHERE item_id IN (SELECT item_id FROM shop.e WHERE user_id = 1)', 'another role in one session: its own rows');
SELECT is(pg_temp.source(2), 'folded_in', 'and answer');
SET ROLE rec_s_free;
SELECT is(pg_temp.source(1), 'personalized', 'BYPASSRLS: stored factors');
SET ROLE rec_s_owner;
SELECT is(pg_temp.source(1), 'personalized', 'the table''s owner: stored factors');
SELECT isnt_empty('SELECT * FROM m.recommend_users(3)', 'and audiences');
RESET ROLE;
ALTER TABLE shop.e FORCE ROW LEVEL SECURITY;
SET ROLE rec_s_owner;
SELECT is(pg_temp.source(1), 'popular', 'FORCE: the owner too sees only what policies show');
RESET ROLE;
SELECT is(pg_temp.source(1), 'personalized', 'a superuser sees everything');
ALTER TABLE shop.e NO FORCE ROW LEVEL SECURITY;

-- no index: nothing live, and nothing stored either
CREATE FUNCTION pg_temp.index_name() RETURNS text LANGUAGE sql AS $$SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = 'shop.e'::regclass$$;
SELECT pg_temp.index_name() AS index_name \gset
DROP INDEX :index_name;
SET ROLE rec_s_tenant;
SELECT is(pg_temp.source(1), 'popular', 'without an index nothing is known under row security');
SELECT is(m.predict(1, 3), NULL, 'nor predicted');
SELECT is_empty('SELECT * FROM m.explain(1, 3)', 'nor explained');
RESET ROLE;
CREATE INDEX ON shop.e (user_id) INCLUDE (item_id, tenant);
SET ROLE rec_s_tenant;
SET pg_recommend.fold_in_events = 0;
SELECT is(pg_temp.source(1), 'popular', 'fold_in_events 0: neither');
RESET pg_recommend.fold_in_events;
SET pg_recommend.fold_in_events = 2;
SELECT is(pg_temp.source(1), 'folded_in', 'few fold_in_events: folded in');
SELECT ok((SELECT count(*) <= 2 FROM m.explain(1, 3)), 'from so many');
RESET pg_recommend.fold_in_events;
RESET ROLE;

-- row security off for the session is an error, as for any query of the table
SET ROLE rec_s_tenant;
SET row_security = off;
SELECT throws_ok('SELECT * FROM m.recommend(1)', '42501', NULL, 'row_security = off: an error, not hidden rows');
RESET row_security;
RESET ROLE;

-- through views: a plain one reads with its owner's rights, one with security_invoker with the caller's
CREATE VIEW shop.plain AS SELECT user_id, item_id FROM shop.e;
CREATE VIEW shop.invoker WITH (security_invoker) AS SELECT user_id, item_id FROM shop.e;
CREATE VIEW shop.outer_view AS SELECT * FROM shop.invoker;
ALTER VIEW shop.plain OWNER TO rec_s_owner;
ALTER VIEW shop.invoker OWNER TO rec_s_owner;
ALTER VIEW shop.outer_view OWNER TO rec_s_owner;
GRANT SELECT ON shop.plain, shop.invoker, shop.outer_view TO PUBLIC;
SET ROLE rec_s_owner;
SELECT rec.create_model('of_' || v, 'shop.' || v, params => '{"factors": 6, "epochs": 3, "holdout": 0}') FROM unnest('{plain,invoker,outer_view}'::text[]) v;
SELECT rec.train('of_' || v) FROM unnest('{plain,invoker,outer_view}'::text[]) v;
GRANT USAGE ON SCHEMA of_plain, of_invoker, of_outer_view TO rec_s_tenant;
SET ROLE rec_s_tenant;
SELECT is((SELECT string_agg(DISTINCT source, ',') FROM of_plain.recommend(1)), 'personalized', 'a plain view whose owner sees all: stored factors');
SELECT is((SELECT string_agg(DISTINCT source, ',') FROM of_invoker.recommend(1)), 'folded_in', 'security_invoker: visible events');
SELECT set_eq('SELECT item_id FROM of_invoker.explain(1, 3)', 'SELECT DISTINCT item_id FROM shop.e WHERE user_id = 1', 'and those explained');
SELECT throws_ok('SELECT * FROM of_invoker.recommend_users(3)', '42501', NULL, 'no audiences through it');
SELECT throws_ok('SELECT * FROM of_invoker.similar_users(3)', '42501', NULL, 'nor similar users');
SELECT is((SELECT string_agg(DISTINCT source, ',') FROM of_outer_view.recommend(1)), 'folded_in', 'a plain view over it: security_invoker means the caller all the same');
RESET ROLE;
-- a plain view whose owner is under the policies shows what these show him
ALTER VIEW shop.plain OWNER TO rec_s_other;
SET ROLE rec_s_tenant;
SELECT isnt((SELECT string_agg(DISTINCT source, ',') FROM of_plain.recommend(1)), 'personalized', 'a plain view of an owner under row security: nothing stored');
SELECT throws_ok('SELECT * FROM of_plain.recommend_users(3)', '42501', NULL, 'and no audiences');
RESET ROLE;

-- as a SECURITY DEFINER function: its owner's rights, whoever calls it, and back
CREATE FUNCTION shop.ask(u int) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER AS $$SELECT string_agg(DISTINCT source, ',') FROM m.recommend(u)$$;
ALTER FUNCTION shop.ask(int) OWNER TO rec_s_owner;
CREATE FUNCTION shop.ask_tenant(u int) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER AS $$SELECT string_agg(DISTINCT source, ',') FROM m.recommend(u)$$;
ALTER FUNCTION shop.ask_tenant(int) OWNER TO rec_s_tenant;
SET ROLE rec_s_tenant;
SELECT is(shop.ask(1), 'personalized', 'a definer that sees all');
SELECT is(pg_temp.source(1), 'folded_in', 'and the caller after it does not');
RESET ROLE;
SELECT is(shop.ask_tenant(1), 'folded_in', 'a definer under row security, called by a superuser');
SELECT is(pg_temp.source(1), 'personalized', 'who after it sees all');

-- training: as the owner, on what the owner sees
SET ROLE rec_s_tenant;
SELECT rec.create_model('own', 'shop.e', params => '{"factors": 6, "epochs": 3, "holdout": 0}');
SELECT is(items, 30, 'a role trains on what it sees') FROM rec.train('own');
RESET ROLE;
SELECT is(items, 30, 'so does a superuser who trains its model') FROM rec.train('own');
SET ROLE rec_s_tenant;
SELECT is((SELECT string_agg(DISTINCT source, ',') FROM own.recommend(1)), 'folded_in', 'its own model: from visible events');
SELECT is((SELECT count(*) FROM own.recommend(1, NULL, false)), 30::bigint, 'and no hidden item');
RESET ROLE;
DROP OWNED BY rec_s_owner, rec_s_tenant, rec_s_other, rec_s_free CASCADE;
DROP ROLE rec_s_owner, rec_s_tenant, rec_s_other, rec_s_free;
SELECT * FROM finish();
