-- Every function, called with odd arguments of the right types: answers or errors, never a crash, never an internal error.
SET client_min_messages = error;
SELECT no_plan();
CREATE TABLE e_int (user_id int, item_id int, event text, value float8, at timestamptz);
INSERT INTO e_int SELECT u, (u * k * 7 + k) % 30, chr(97 + k % 3), k, '2024-01-01' FROM generate_series(1, 40) u, generate_series(1, 4) k;
CREATE INDEX ON e_int (user_id);
CREATE TABLE e_text AS SELECT 'user ' || user_id AS user_id, 'item ' || item_id AS item_id, event, value, at FROM e_int;
CREATE INDEX ON e_text (user_id);
CREATE TABLE e_uuid AS SELECT md5(user_id::text)::uuid AS user_id, md5(item_id::text)::uuid AS item_id, event, value, at FROM e_int;
CREATE TABLE e_numeric AS SELECT user_id::numeric AS user_id, item_id::numeric / 2 AS item_id, event, value, at FROM e_int;
CREATE INDEX ON e_numeric (user_id);
SELECT rec.create_model('m_int', 'e_int', event_column => 'event', event_weights => '{"a": 1, "b": 2, "c": -1}', params => '{"factors": 5, "epochs": 2, "holdout": 0}');
SELECT rec.create_model('m_text', 'e_text', time_column => 'at', half_life => '1 day', params => '{"factors": 5, "epochs": 2, "holdout": 0}');
SELECT rec.create_model('m_uuid', 'e_uuid', value_column => 'value', feedback => 'explicit', params => '{"factors": 5, "epochs": 2}');
SELECT rec.create_model('m_numeric', 'e_numeric', params => '{"factors": 5, "epochs": 2, "holdout": 0}');
SELECT rec.create_model('m_untrained', 'e_int');
SELECT rec.train(m) FROM unnest('{m_int,m_text,m_uuid,m_numeric}'::text[]) m;

-- Values to choose from, by the type of the parameter.
CREATE TABLE choice (type text, value text);
INSERT INTO choice SELECT 'text', v FROM unnest(ARRAY['NULL', '''''', '''m_int''', '''m_text''', '''m_uuid''', '''m_int''', '''m_text''', '''m_untrained''', '''1''', '''item 1''', '''user 3''', '''e_int''', '''e_text''',
	'''user_id''', '''item_id''', '''value''', '''event''', '''at''', '''implicit''', '''explicit''', '''public''', '''rec''', '''x'''' " %s $1 \''', 'repeat(''x'', 5000)', 'repeat(''x'', 63)', '''é 表 😀''', '''2147483648''', '''NaN''']) v;
INSERT INTO choice SELECT 'integer', v FROM unnest(ARRAY['NULL', 'NULL', '0', '1', '2', '10', '-1', '2147483647', '-2147483648']) v;
INSERT INTO choice SELECT 'bigint', v FROM unnest(ARRAY['NULL', '0', '1', '7', '-1', '9223372036854775807', '-9223372036854775808', '4294967297']) v;
INSERT INTO choice SELECT 'boolean', v FROM unnest(ARRAY['NULL', 'true', 'false']) v;
INSERT INTO choice SELECT 'uuid', v FROM unnest(ARRAY['NULL', 'md5(''1'')::uuid', 'md5(''?'')::uuid']) v;
INSERT INTO choice SELECT 'numeric', v FROM unnest(ARRAY['NULL', '1', '1.50', '''NaN''::numeric', '1e100', '-0.0']) v;
INSERT INTO choice SELECT 'text[]', v FROM unnest(ARRAY['NULL', '''{}''', '''{a}''', '''{item 1,item 2,NULL,item 1}''', '''{{a,b},{c,d}}''', '''{1,2}''', '''[5:6]={1,2}''', 'array_fill(''item 1''::text, ARRAY[500])', '''{params,feedback}''', '''{NULL}''']) v;
INSERT INTO choice SELECT 'bigint[]', v FROM unnest(ARRAY['NULL', '''{}''', '''{1,2,NULL,1}''', '''{{1,2},{3,4}}''', '''[-3:-2]={1,9223372036854775807}''', 'array_fill(1::bigint, ARRAY[500])', '''{NULL}''']) v;
INSERT INTO choice SELECT 'uuid[]', v FROM unnest(ARRAY['NULL', '''{}''', 'ARRAY[md5(''1'')::uuid, NULL, md5(''1'')::uuid]']) v;
INSERT INTO choice SELECT 'numeric[]', v FROM unnest(ARRAY['NULL', '''{}''', '''{1,1.0,NaN,NULL}''']) v;
INSERT INTO choice SELECT 'jsonb', v FROM unnest(ARRAY['NULL', '''{}''', '''[]''', '''null''', '''"x"''', '''{"factors": 2, "epochs": 1}''', '''{"factors": 0}''', '''{"factors": null}''', '''{"solver": "cholesky", "epochs": 2}''', '''{"a": 1}''', '''{"view": -1e9}''',
	'''{"seed": 12345678901234567890}''', '''{"factors": {"a": [1, {"b": 2}]}}''', '''[{"factors": 1}]''', '''{"regularization": 0, "epochs": 3}''', '''{"holdout": 0.5}''', '''{"algorithm": "ease"}''', '''{"algorithm": "item_knn", "similarity": "bm25"}''', '''{"algorithm": "item_knn", "neighbours": 1}''', '''{"weight_transform": "none"}''']) v;
INSERT INTO choice SELECT 'interval', v FROM unnest(ARRAY['NULL', '''1 day''', '''0''', '''-1 day''', '''1 us''', '''178000000 years''']) v;
INSERT INTO choice SELECT 'regnamespace', v FROM unnest(ARRAY['NULL', '''m_int''', '''m_text''', '''m_uuid''', '''m_numeric''', '''m_int''', '''m_text''', '''m_untrained''', '''public''', '''pg_catalog''', '0::regnamespace', '4294967295::oid::regnamespace']) v;
INSERT INTO choice SELECT 'double precision', v FROM unnest(ARRAY['NULL', '0', '1', '''NaN''', '''Infinity''', '1e308', '-1e-308']) v;
INSERT INTO choice SELECT 'oid', v FROM unnest(ARRAY['NULL', '0', '100', '950', '4294967295']) v;
-- "any" and anyelement
INSERT INTO choice SELECT t, v FROM unnest('{"\"any\"",anyelement}'::text[]) t, unnest(ARRAY['NULL', 'NULL::int', '1', '7::bigint', '3::smallint', '''item 3''::text', '''user 3''', '''x''::varchar', '''a''::char(3)', '1.5', '''NaN''::float8', 'now()',
	'''{1,2}''::int[]', '''{item 1,NULL}''::text[]', 'ROW(1, 2)', 'NULL::uuid[]', '''{}''::int[]', '''[1,2]''::int4range', '''{"a": 1}''::jsonb', '''\x00''::bytea', '''(1,2)''::point', '''e_int''::regclass', '''{{1,2},{3,4}}''::bigint[]',
	'1::oid', '''n''::name', '''a''::"char"', 'true', 'ARRAY[ROW(1, 2)]', '''1 2''::int2vector', 'NULL::text', 'NULL::bytea', 'NULL::numeric', 'md5(''1'')::uuid', 'ARRAY[1.5, NULL]', 'NULL::text[]', 'ARRAY[md5(''1'')::uuid]', '(SELECT e FROM e_int e LIMIT 1)',
	'''{1,2}''::float8[]', '''x''::xml::text', 'repeat(''y'', 3000)']) v;

CREATE TABLE result (n int, call text, state text, message text);
CREATE FUNCTION one_call(n int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	f record;
	call text;
	s text := 'ok';
	m text;
BEGIN
	-- functions of fewer parameters as often as others
	SELECT p.oid, ns.nspname, p.proname, p.prokind, p.proretset, p.proargtypes::oid[] AS types, p.pronargs - (random() * p.pronargdefaults)::int AS given INTO f
	FROM pg_proc p JOIN pg_namespace ns ON ns.oid = p.pronamespace
	WHERE ns.nspname IN ('rec', 'm_int', 'm_text', 'm_uuid', 'm_numeric') AND NOT 'internal'::regtype::oid = ANY (p.proargtypes)
	ORDER BY CASE WHEN n % 2 = 0 THEN random() END, md5(p.oid || 'x') OFFSET CASE WHEN n % 2 = 0 THEN 0 ELSE n / 2 % (SELECT count(*) FROM pg_proc q JOIN pg_namespace ns ON ns.oid = q.pronamespace
		WHERE ns.nspname IN ('rec', 'm_int', 'm_text', 'm_uuid', 'm_numeric') AND NOT 'internal'::regtype::oid = ANY (q.proargtypes)) END LIMIT 1;	-- half of them one after the other, so that each is called
	SELECT string_agg(CASE WHEN format_type(t, NULL) IN ('"any"', 'anyelement') THEN c.value ELSE format('(%s)::%s', c.value, format_type(t, NULL)) END, ', ' ORDER BY i) INTO call
	FROM unnest(f.types) WITH ORDINALITY a (t, i),
		LATERAL (SELECT CASE WHEN i = 1 AND f.nspname = 'rec' AND t = 'text'::regtype AND random() < 0.8	-- mostly a model that there is
			THEN format('%L', (ARRAY['m_int', 'm_text', 'm_uuid', 'm_numeric'])[1 + floor(random() * 4)::int]) ELSE value END AS value FROM choice WHERE type = format_type(t, NULL) AND i = i ORDER BY random() LIMIT 1) c
	WHERE i <= f.given;
	call := format(CASE WHEN f.prokind = 'a' THEN 'SELECT %I.%I(%s) FROM generate_series(1, 3)' ELSE 'SELECT * FROM %I.%I(%s)' END, f.nspname, f.proname, call);
	BEGIN
		BEGIN
			EXECUTE call;
		EXCEPTION WHEN OTHERS THEN s := SQLSTATE; m := SQLERRM;
		END;
		RAISE division_by_zero;		-- whatever it did is undone
	EXCEPTION WHEN division_by_zero THEN NULL;
	END;
	INSERT INTO result VALUES (n, call, s, m);
END $$;
SELECT setseed(0.42);
SELECT count(one_call(n)) FROM generate_series(1, 1500) n;

SELECT ok(count(*) > 300, 'calls with an answer: ' || count(*)) FROM result WHERE state = 'ok';
SELECT ok(count(DISTINCT state) > 10, 'different errors: ' || string_agg(DISTINCT state, ' ')) FROM result WHERE state <> 'ok';
SELECT is_empty($$SELECT n, call, state, message FROM result WHERE state LIKE 'XX%' LIMIT 5$$, 'no internal errors');
SELECT is_empty($$SELECT proname FROM pg_proc WHERE pronamespace IN ('rec'::regnamespace, 'm_int'::regnamespace) AND NOT 'internal'::regtype::oid = ANY (proargtypes)
	AND NOT EXISTS (SELECT FROM result WHERE call LIKE '%.' || quote_ident(proname) || '(%')$$, 'every function has been called');
-- The backend is the same and the models answer.
SELECT is(count(*), 10::bigint, 'the server is alive') FROM m_int.recommend(1);
SELECT is(count(*), 4::bigint, 'nothing of it stayed') FROM rec.training_run;
SELECT * FROM finish();
