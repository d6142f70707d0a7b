-- Every bad argument of create_model has an error that says what is allowed and what may have been meant.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_recommend;

CREATE SCHEMA ce;
CREATE TABLE ce.events (user_id int, item_id text, event text, value numeric, note text, at timestamptz, p point, j jsonb);
CREATE TYPE ce.pair AS (a int, b int);
CREATE TABLE ce.composite (user_id ce.pair, item_id int, tags int[], doc json, flag bool);
CREATE SEQUENCE ce.numbers;
CREATE INDEX events_index ON ce.events (user_id);

-- Errors with their SQLSTATE (psql would print the place in the source with it, which no test should know).
CREATE FUNCTION ce.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE d text; h text;
BEGIN
	EXECUTE statement;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT;
	RETURN concat_ws(E'\n', SQLSTATE || ': ' || SQLERRM, 'DETAIL: ' || nullif(d, ''), 'HINT: ' || nullif(h, ''));
END $$;
\pset format unaligned
\pset tuples_only on
SET search_path = ce;

-- names
SELECT try($$SELECT rec.create_model(NULL, 'ce.events')$$);
SELECT try($$SELECT rec.create_model('', 'ce.events')$$);
SELECT try($$SELECT rec.create_model(repeat('x', 64), 'ce.events')$$);
SELECT try($$SELECT rec.create_model(repeat('ü', 32), 'ce.events')$$);
SELECT try($$SELECT rec.create_model('rec', 'ce.events')$$);
SELECT try($$SELECT rec.create_model('public', 'ce.events')$$);
SELECT try($$SELECT rec.create_model('pg_mine', 'ce.events')$$);
SELECT try($$SELECT rec.create_model('information_schema', 'ce.events')$$);
SELECT try($$SELECT rec.create_model('ce', 'ce.events')$$);

-- the event relation
SELECT try($$SELECT rec.create_model('m', NULL)$$);
SELECT try($$SELECT rec.create_model('m', '')$$);
SELECT try($$SELECT rec.create_model('m', 'ce.event')$$);
SELECT try($$SELECT rec.create_model('m', 'evnts')$$);
SELECT try($$SELECT rec.create_model('m1', 'nowhere.events')$$);
SELECT try($$SELECT rec.create_model('m1', 'zzzzzzzzzzzzzzzz')$$);
SELECT try($$SELECT rec.create_model('m1', 'a.b.c')$$);
SELECT try($$SELECT rec.create_model('m1', '"half quoted')$$);
SELECT try($$SELECT rec.create_model('m1', 'ce.numbers')$$);
SELECT try($$SELECT rec.create_model('m1', 'ce.events_index')$$);
SELECT try($$SELECT rec.create_model('m1', 'ce.events; DROP TABLE ce.events')$$);

-- columns
SELECT try($$SELECT rec.create_model('m1', 'ce.events', 'userid')$$);
SELECT try($$SELECT rec.create_model('m1', 'ce.events', item_column => 'sku')$$);
SELECT try($$SELECT rec.create_model('m1', 'ce.events', value_column => 'valeu')$$);
SELECT try($$SELECT rec.create_model('m1', 'ce.events', event_column => 'events')$$);
SELECT try($$SELECT rec.create_model('m1', 'ce.events', time_column => 'created_at')$$);
SELECT try($$SELECT rec.create_model('m1', 'ce.events', 'ctid')$$);
SELECT try($$SELECT rec.create_model('m1', 'ce.events', NULL)$$);
SELECT try($$SELECT rec.create_model('m1', 'ce.events', item_column => NULL)$$);
SELECT try($$SELECT rec.create_model('m1', 'ce.events', '')$$);

-- types
SELECT try($$SELECT rec.create_model('m1', 'ce.composite')$$);
SELECT try($$SELECT rec.create_model('m1', 'ce.composite', 'item_id', 'tags')$$);
SELECT try($$SELECT rec.create_model('m1', 'ce.composite', 'item_id', 'doc')$$);
SELECT try($$SELECT rec.create_model('m1', 'ce.events', item_column => 'p')$$);
SELECT try($$SELECT rec.create_model('m1', 'ce.events', value_column => 'note')$$);
SELECT try($$SELECT rec.create_model('m1', 'ce.events', value_column => 'at')$$);
SELECT try($$SELECT rec.create_model('m1', 'ce.events', time_column => 'value')$$);
SELECT try($$SELECT rec.create_model('m1', 'ce.events', time_column => 'note')$$);

-- options that do not go together
SELECT try($$SELECT rec.create_model('m1', 'ce.events', half_life => '1 day')$$);
SELECT try($$SELECT rec.create_model('m1', 'ce.events', time_column => 'at', half_life => '0')$$);
SELECT try($$SELECT rec.create_model('m1', 'ce.events', time_column => 'at', half_life => '-1 day')$$);
SELECT try($$SELECT rec.create_model('m1', 'ce.events', event_weights => '{"view": 1}')$$);
SELECT try($$SELECT rec.create_model('m1', 'ce.events', event_column => 'event', event_weights => '{}')$$);
SELECT try($$SELECT rec.create_model('m1', 'ce.events', event_column => 'event', event_weights => '[1]')$$);
SELECT try($$SELECT rec.create_model('m1', 'ce.events', event_column => 'event', event_weights => '5')$$);
SELECT try($$SELECT rec.create_model('m1', 'ce.events', event_column => 'event', event_weights => '{"view": "1"}')$$);
SELECT try($$SELECT rec.create_model('m1', 'ce.events', event_column => 'event', event_weights => '{"view": null}')$$);
SELECT try($$SELECT rec.create_model('m1', 'ce.events', event_column => 'event', event_weights => '{"view": 1e300}')$$);
SELECT try($$SELECT rec.create_model('m1', 'ce.events', event_column => 'event', event_weights => '{"view": {"a": 1}}')$$);
SELECT try($$SELECT rec.create_model('m1', 'ce.events', feedback => 'implicit ')$$);
SELECT try($$SELECT rec.create_model('m1', 'ce.events', feedback => NULL)$$);
SELECT try($$SELECT rec.create_model('m1', 'ce.events', feedback => 'explicit')$$);
SELECT try($$SELECT rec.create_model('m1', 'ce.events', keep_versions => 0)$$);
SELECT try($$SELECT rec.create_model('m1', 'ce.events', keep_versions => -1)$$);

-- hyperparameters
SELECT try(format($$SELECT rec.create_model('m1', 'ce.events', params => %L)$$, p))
FROM (VALUES ('{"factor": 8}'), ('{"lambda": 1}'), ('{"FACTORS": 8}'), ('{"": 8}'), ('[]'), ('7'), ('null'),
	('{"factors": 0}'), ('{"factors": 10000}'), ('{"factors": 8.5}'), ('{"factors": "8"}'), 
	('{"factors": -1}'), ('{"epochs": 0}'), ('{"epochs": 1001}'), ('{"regularization": -0.1}'),
	('{"unobserved_weight": 0}'), ('{"unobserved_weight": 1e7}'), ('{"frequency_exponent": 2.1}'),
	('{"init_scale": 0}'), ('{"weight_transform": "log"}'), ('{"weight_transform": 1}'), ('{"solver": "CG"}'),
	('{"cg_steps": 51}'), ('{"holdout": 0.6}'), ('{"patience": -1}'), ('{"seed": 0.5}'), ('{"seed": 1e30}'),
	('{"factors": [8]}'), ('{"factors": {"min": 1, "max": 2}}')) v (p);

-- Nothing of this has left anything behind.
SELECT nspname FROM pg_namespace WHERE nspname IN ('m1', repeat('x', 63));
SELECT model FROM rec.model WHERE events_schema = 'ce';

-- the edges that are allowed
SELECT rec.create_model(repeat('x', 63), 'ce.events', params => '{"factors": 1}');
SELECT rec.create_model('m1', 'ce.events', params => '{"factors": 1024, "epochs": 1000, "regularization": 0,
	"frequency_exponent": 2, "cg_steps": 50, "holdout": 0.5, "patience": 0, "seed": -9000000000000000000}');
SELECT rec.create_model('m2', 'ce.events', params => NULL, keep_versions => NULL);
SELECT model, params, keep_versions FROM rec.model WHERE events_schema = 'ce' ORDER BY model COLLATE "C";

-- wrong arguments of the other functions
SELECT try($$SELECT rec.drop_model('m9')$$);
SELECT try($$SELECT rec.drop_model('something else')$$);
SELECT rec.drop_model('m9', if_exists => true);
SELECT rec.drop_model(NULL) IS NULL;
SELECT try($$SELECT rec.rename_model('m1', 'm2')$$);
SELECT try($$SELECT rec.rename_model('m1', '')$$);
SELECT try($$SELECT rec.rename_model('m1', 'pg_m')$$);
SELECT try($$SELECT rec.rename_model('m1', 'ce')$$);
SELECT try($$SELECT rec.rename_model('m9', 'm8')$$);
SELECT try($$SELECT rec.activate('m1', 1)$$);
SELECT try($$SELECT rec.activate('m1', 0)$$);
SELECT try($$SELECT rec.activate('m1', -1)$$);
SELECT try($$SELECT rec.activate('m7', 1)$$);
SELECT try($$SELECT rec.upgrade_model('m7')$$);
SELECT try($$SELECT rec.train('m7')$$);
SELECT try($$SELECT rec.train(NULL)$$);
SELECT try($$SELECT rec.train('m1', '{"epoch": 1}')$$);
SELECT try($$SELECT rec.train('m1', '[1]')$$);
SELECT try($$SELECT rec.train('m1')$$);
SELECT try($$SELECT rec.alter_model(NULL)$$);
SELECT try($$SELECT rec.alter_model('m7')$$);
SELECT try($$SELECT rec.alter_model('m1', events => 'ce.evens')$$);
SELECT try($$SELECT rec.alter_model('m1', user_column => 'item_id')$$);
SELECT try($$SELECT rec.alter_model('m1', item_column => 'user_id')$$);
SELECT try($$SELECT rec.alter_model('m1', value_column => 'valu')$$);
SELECT try($$SELECT rec.alter_model('m1', half_life => '1 day')$$);
SELECT try($$SELECT rec.alter_model('m1', feedback => 'both')$$);
SELECT try($$SELECT rec.alter_model('m1', feedback => 'explicit')$$);
SELECT try($$SELECT rec.alter_model('m1', params => '{"factrs": 3}')$$);
SELECT try($$SELECT rec.alter_model('m1', params => '[]')$$);
SELECT try($$SELECT rec.alter_model('m1', params => '5')$$);
SELECT try($$SELECT rec.alter_model('m1', keep_versions => 0)$$);
SELECT try($$SELECT rec.alter_model('m1', reset => '{half_live}')$$);
SELECT try($$SELECT rec.alter_model('m1', reset => '{events}')$$);

-- Serving functions by name
SELECT try($$SELECT rec.recommend('m7', '1')$$);
SELECT try($$SELECT rec.recommend(NULL, '1')$$);
SELECT try($$SELECT rec.recommend('m1', '1')$$);
SELECT try($$SELECT rec.recommend('m1', '1', -1)$$);
SELECT try($$SELECT rec.similar_items('m7', '1')$$);

RESET search_path;
SELECT rec.drop_model(model) FROM rec.model WHERE events_schema = 'ce';
DROP SCHEMA ce CASCADE;
