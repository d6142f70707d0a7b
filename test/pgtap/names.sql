-- Names that need quoting work everywhere: model, schema, relation, columns, event types.
SET client_min_messages = warning;
SELECT no_plan();

CREATE FUNCTION works(model text, events text, user_column text, item_column text, value_column text, event_column text, time_column text)
RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
	s text;
BEGIN
	EXECUTE format('INSERT INTO %s (%I, %I, %I, %I, %I) SELECT u, $1 || (u * i) %% 7, 1, CASE WHEN i = 3 THEN $2 ELSE $3 END,
		timestamptz ''2024-01-01'' + u * i * interval ''1 hour'' FROM generate_series(1, 20) u, generate_series(1, 3) i',
		events, user_column, item_column, value_column, event_column, time_column) USING 'it''em "\ ', 'it''s "bought"', 'view\ed';
	EXECUTE format('CREATE INDEX ON %s (%I)', events, user_column);
	PERFORM rec.create_model(model, events, user_column, item_column, value_column, event_column,
		jsonb_build_object('it''s "bought"', 5, 'view\ed', 1), time_column, '7 days', 'implicit', '{"factors": 3, "epochs": 2, "holdout": 0}');
	RETURN NEXT is(t.events, 60::bigint, model || ': trained') FROM rec.train(model) t;
	EXECUTE format('SELECT string_agg(DISTINCT source, '','') FROM %I.recommend(1)', model) INTO s;
	RETURN NEXT is(s, 'personalized', model || ': recommend');
	EXECUTE format('SELECT count(*) FROM %I.recommend(1, NULL, exclude_events => $1)', model) INTO n USING ARRAY['it''s "bought"'];
	RETURN NEXT is(n, (SELECT count(*) - 1 FROM rec.recommend(model, 1, NULL, false)), model || ': exclude_events by a strange type');
	EXECUTE format('SELECT count(*) FROM %I.explain(1, $1)', model) INTO n USING 'it''em "\ 1';
	RETURN NEXT is(n, 3::bigint, model || ': explain');
	RETURN NEXT ok((SELECT count(*) > 0 FROM rec.similar_items(model, 'it''em "\ 1')), model || ': similar_items by name');
	EXECUTE format('INSERT INTO %s (%I, %I, %I, %I, %I) VALUES (1, $1, 1, $2, now())', events, user_column, item_column, value_column,
		event_column, time_column) USING 'it''em "\ 0', 'view\ed';
	RETURN NEXT is((SELECT string_agg(DISTINCT source, ',') FROM rec.recommend(model, 1)), 'folded_in', model || ': live');
	PERFORM rec.alter_model(model, params => '{"epochs": 1}');
	PERFORM rec.train(model);
	PERFORM rec.activate(model, 1);
	PERFORM rec.rename_model(model, model || ' 2');
	PERFORM rec.upgrade_model(model || ' 2');
	EXECUTE format('SELECT count(*) FROM %I.active_items', model || ' 2') INTO n;
	RETURN NEXT is(n, 7::bigint, model || ': active_items after rename and upgrade');
	PERFORM rec.drop_model(model || ' 2');
	RETURN NEXT is_empty(format('SELECT 1 FROM pg_namespace WHERE nspname LIKE %L', model || '%'), model || ': dropped');
END $$;

CREATE TABLE "sp ace" ("user id" int, "item id" text, "va lue" real, "ev ent" text, "ti me" timestamptz);
SELECT works('My Shop', '"sp ace"', 'user id', 'item id', 'va lue', 'ev ent', 'ti me');
SELECT is(rec.create_model('unquoted', 'sp ace', 'user id', 'item id'), 'unquoted', 'a name with a space is also understood without quotes');
CREATE SCHEMA "a.b ""c"" 'd'";
CREATE TABLE "a.b ""c"" 'd'"."e""v'e.n;t" ("u""'" int, "i\" text, "%s" real, "$1" text, "%1$I" timestamptz);
SELECT works('qu"o''te; DROP SCHEMA rec --', '"a.b ""c"" ''d''"."e""v''e.n;t"', 'u"''', 'i\', '%s', '$1', '%1$I');
CREATE TABLE "select" ("user" int, "table" text, "order" real, "from" text, "time" timestamptz);
SELECT works('select', '"select"', 'user', 'table', 'order', 'from', 'time');
CREATE TABLE "CamelCase" ("userId" int, "ItemID" text, "Value" real, "Event" text, "At" timestamptz);
SELECT works('CamelCase', '"CamelCase"', 'userId', 'ItemID', 'Value', 'Event', 'At');
CREATE TABLE "Ünïcode 表" ("ユーザー" int, "商品" text, "werté" real, "😀" text, "время" timestamptz);
SELECT works('магазин 😀 %s %1$I $ddl$', '"Ünïcode 表"', 'ユーザー', '商品', 'werté', '😀', 'время');
CREATE TABLE "'" ("1" int, "2" text, "3" real, "4" text, "5" timestamptz);
SELECT works(E'\t\n\\', '"''"', '1', '2', '3', '4', '5');
-- names of 63 bytes, of arguments of our own functions, and of a query's own words
CREATE TABLE long_columns (k int, rank text, score real, version text, position timestamptz);
SELECT works(repeat('y', 61), 'long_columns', 'k', 'rank', 'score', 'version', 'position');
CREATE TABLE of_functions (user_id int, item_id text, model text, source real, events timestamptz);
SELECT works('recommend', 'of_functions', 'user_id', 'item_id', 'source', 'model', 'events');
SELECT * FROM finish();
