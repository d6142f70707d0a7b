-- What an owner may do by hand to the tables of a model is an error when it is read, never a crash.
SET client_min_messages = warning;
SELECT no_plan();
CREATE TABLE e (user_id int, item_id int);
INSERT INTO e SELECT u, (u * k * 7 + k) % 40 FROM generate_series(1, 60) u, generate_series(1, 5) k;
SELECT rec.create_model('m', 'e', params => '{"factors": 4, "epochs": 2, "holdout": 0}');
SELECT rec.train('m');

-- Each in a new version that nobody has read before: what is read once is kept.
CREATE FUNCTION broken(change text, call text DEFAULT 'SELECT * FROM m.recommend(2, version => $1)') RETURNS text LANGUAGE plpgsql AS $$
DECLARE v int;
BEGIN
	SELECT version INTO v FROM rec.train('m', activate => false);
	EXECUTE change USING v;
	BEGIN
		EXECUTE call USING v;
	EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE;
	END;
	RETURN 'no error';
END $$;
SELECT is(broken('UPDATE m.item_factors SET factors = ' || f || ' WHERE item_id = 3 AND version = $1'), 'XX001', 'item factors ' || f)
FROM unnest(ARRAY[$$'{}'$$, $$'{1,2,3}'$$, $$'{1,2,3,4,5}'$$, $$'{1,2,NULL,3}'$$, $$'{{1,2},{3,4}}'$$, $$'{1,2,NaN,4}'$$, $$'{1,2,3,Infinity}'$$]) f;
SELECT is(broken('UPDATE m.item_factors SET position = ' || n || ' WHERE item_id = 3 AND version = $1'), 'XX001', 'position ' || n) FROM unnest('{-1,0,39,40,2147483647}'::int[]) n;
-- as a restore of keys that sort otherwise there leaves them: no corruption, items are found all the same
SELECT is(broken('UPDATE m.item_factors SET position = 39 - position WHERE version = $1'), 'no error', 'positions in another order');
SELECT is(broken('DELETE FROM m.item_factors WHERE item_id = 3 AND version = $1'), 'XX001', 'an item missing');
SELECT is(broken('DELETE FROM m.item_factors WHERE version = $1'), 'XX001', 'all of them');
SELECT is(broken('INSERT INTO m.item_factors SELECT version, 1000, 40, factors, 0, 1, 1, 1 FROM m.item_factors WHERE item_id = 3 AND version = $1'), 'XX001', 'one item more');
SELECT is(broken('UPDATE m.model_version SET items = ' || n || ' WHERE version = $1'), 'XX001', 'number of items ' || n) FROM unnest('{-1,0,39,41}'::int[]) n;
SELECT is(broken('UPDATE m.model_version SET noise = ' || n || ' WHERE version = $1'), 'XX001', 'noise ' || n) FROM unnest(ARRAY['-1', $$'NaN'$$, $$'Infinity'$$]) n;
SELECT isnt(broken('UPDATE m.model_version SET items = 2147483647 WHERE version = $1'), 'no error', 'an absurd number of items');
SELECT is(broken('UPDATE m.model_version SET gram = ' || g || ' WHERE version = $1'), 'XX001', 'Gram matrix ' || g) FROM unnest(ARRAY[$$'{1}'$$, $$'{}'$$, 'NULL', $$'{NULL}'$$]) g;
SELECT isnt(broken('UPDATE m.model_version SET gram = array_fill(''NaN''::real, ARRAY[16]) WHERE version = $1', 'SELECT * FROM m.recommend_for(''{1}'', version => $1)'), 'x', 'a Gram matrix of NaN: no crash');
SELECT isnt(broken('UPDATE m.model_version SET gram = array_fill(0::real, ARRAY[16]) WHERE version = $1', 'SELECT * FROM m.recommend_for(''{1}'', version => $1)'), 'x', 'of zeros: no crash');
SELECT is(broken('UPDATE m.model_version SET params = params || ''{"factors": 5}'' WHERE version = $1'), 'XX001', 'another number of factors');
SELECT isnt(broken('UPDATE m.model_version SET params = ' || p || ' WHERE version = $1'), 'no error', 'params ' || p) FROM unnest(ARRAY[$$'{"factors": 0}'$$, $$'[]'$$, $$'{"what": 1}'$$]) p;
SELECT isnt(broken('UPDATE m.model_version SET explicit_feedback = true WHERE version = $1'), 'x', 'the other feedback: no crash');
SELECT is(broken('UPDATE m.user_history SET items = ' || h || ' WHERE user_id = 2 AND version = $1'), 'XX001', 'history ' || h)
FROM unnest(ARRAY[$$'{3,2,1}'$$, $$'{1}'$$, $$'{1,1,2,3,4}'$$, $$'{1,2,3,4,1000000}'$$, $$'{-1,1,2,3,4}'$$, $$'{NULL,1,2,3,4}'$$]) h;
SELECT is(broken('UPDATE m.user_factors SET factors = ' || f || ' WHERE user_id = 2 AND version = $1'), 'XX001', 'user factors ' || f) FROM unnest(ARRAY[$$'{}'$$, $$'{1,2,3,4,5}'$$, $$'{1,NULL,2,3}'$$]) f;
SELECT is(broken('UPDATE m.user_factors SET factors = ''{1,2}'' WHERE user_id = 9 AND version = $1', 'SELECT * FROM m.recommend_users(1, version => $1)'), 'XX001', 'user factors met by recommend_users');
SELECT isnt(broken('UPDATE m.user_factors SET factors = ''{NaN,1,1,1}'' WHERE user_id = 2 AND version = $1', 'SELECT * FROM m.recommend(2, NULL, version => $1)'), 'x', 'user factors of NaN: no crash');
SELECT isnt(broken('UPDATE m.user_factors SET factors = ''{NaN,1,1,1}'' WHERE version = $1', 'SELECT * FROM m.recommend_users(2, NULL, version => $1), m.similar_users(2, NULL, version => $1)'), 'x', 'everybody''s: no crash');
SELECT isnt(broken('DELETE FROM m.model_version WHERE version = $1'), 'no error', 'the version''s own row missing');

-- Nulls, with NOT NULL gone. Keys are text, so that a null would be a wild pointer.
CREATE TABLE t AS SELECT 'user ' || u AS user_id, 'item ' || (u * k) % 50 AS item_id FROM generate_series(1, 60) u, generate_series(1, 5) k;
CREATE FUNCTION nulled(t text, c text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text := 'no error';
BEGIN
	BEGIN
		PERFORM rec.create_model('nulls', 't', params => '{"factors": 4, "epochs": 2, "holdout": 0}');
		PERFORM rec.train('nulls');
		EXECUTE format('ALTER TABLE nulls.%1$I DROP CONSTRAINT %1$s_pkey, ALTER %2$I DROP NOT NULL', t, c);
		EXECUTE format('UPDATE nulls.%I SET %I = NULL', t, c);
		BEGIN
			PERFORM * FROM rec.recommend('nulls', 'user 2');
			PERFORM * FROM rec.recommend_users('nulls', 'item 2');
			PERFORM * FROM rec.similar_users('nulls', 'user 2');
			PERFORM * FROM rec.explain('nulls', 'user 2', 'item 3');
		EXCEPTION WHEN OTHERS THEN result := SQLSTATE;
		END;
		RAISE no_data_found;	-- everything back
	EXCEPTION WHEN no_data_found THEN NULL;
	END;
	RETURN result;
END $$;
SELECT ok(true, format('%s.%s null: %s', c.relname, a.attname, nulled(c.relname, a.attname))) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = 'm'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND a.attnotnull ORDER BY 1;

-- A version that says it is another's: it may be taken for that, but only where the types fit.
SELECT rec.create_model('texts', 't', params => '{"factors": 4, "epochs": 2, "holdout": 0}');
SELECT rec.train('texts');
SELECT count(*) FROM texts.recommend('user 1');
SELECT isnt(broken('UPDATE m.model_version SET uid = (SELECT uid FROM texts.model_version) WHERE version = $1'), 'no error', 'the uid of a model with other keys');
SELECT isnt(broken('UPDATE m.model_version SET uid = (SELECT uid FROM texts.model_version) WHERE version = $1', 'SELECT m.predict(2, 3, $1)'), 'x', 'predict: no crash');
SELECT isnt(broken('UPDATE m.model_version SET uid = (SELECT uid FROM texts.model_version) WHERE version = $1', 'SELECT * FROM m.recommend_users(3, version => $1)'), 'x', 'recommend_users: no crash');
SELECT isnt(broken('UPDATE m.model_version SET uid = (SELECT uid FROM texts.model_version) WHERE version = $1', 'SELECT * FROM m.explain(3, 3, version => $1)'), 'x', 'explain: no crash');

-- Tables changed in shape
CREATE FUNCTION reshaped(change text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text := 'no error';
BEGIN
	BEGIN
		PERFORM rec.train('m');
		EXECUTE change;
		BEGIN
			PERFORM * FROM rec.recommend('m', 2);
			PERFORM * FROM rec.recommend_users('m', '2');
			PERFORM * FROM rec.recommend_for('m', '{2}');
			PERFORM * FROM rec.explain('m', '2', '3');
			PERFORM rec.train('m');
		EXCEPTION WHEN OTHERS THEN result := SQLSTATE;
		END;
		RAISE no_data_found;	-- everything back
	EXCEPTION WHEN no_data_found THEN NULL;
	END;
	RETURN result;
END $$;
SELECT isnt(reshaped(c), NULL, c || ': ' || reshaped(c)) FROM unnest(ARRAY[
	'ALTER TABLE m.item_factors DROP CONSTRAINT item_factors_pkey', 'ALTER TABLE m.user_factors DROP CONSTRAINT user_factors_pkey',
	'ALTER TABLE m.user_history DROP CONSTRAINT user_history_pkey', 'ALTER TABLE m.model_version DROP CONSTRAINT model_version_pkey',
	'DROP TABLE m.user_history', 'DROP TABLE m.item_factors CASCADE', 'DROP TABLE m.model_version',
	'ALTER TABLE m.item_factors ADD COLUMN note text', 'ALTER TABLE m.model_version ADD COLUMN note text', 'ALTER TABLE m.user_history ADD COLUMN note text',
	'ALTER TABLE m.user_factors ADD COLUMN note text NOT NULL DEFAULT ''x''',
	'ALTER TABLE m.user_history DROP COLUMN weights', 'ALTER TABLE m.model_version DROP COLUMN gram', 'ALTER TABLE m.model_version DROP COLUMN trained_at',
	'ALTER TABLE m.user_history ALTER items TYPE bigint[]', 'ALTER TABLE m.user_history ALTER weights TYPE float8[]', 'ALTER TABLE m.user_history ALTER items TYPE text USING items::text',
	'ALTER TABLE m.model_version ALTER version TYPE bigint', 'ALTER TABLE m.model_version ALTER uid TYPE text', 'ALTER TABLE m.model_version ALTER params TYPE text',
	'ALTER TABLE m.model_version ALTER gram TYPE float8[]', 'ALTER TABLE m.user_history ALTER version TYPE bigint',
	'ALTER TABLE m.user_history ALTER user_id TYPE text', 'ALTER TABLE m.user_history ALTER items TYPE int USING 1']) c;
SELECT is(count(*), 10::bigint, 'the server is alive and the model still serves') FROM m.recommend(1);
SELECT * FROM finish();
