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

INSERT INTO choice SELECT 'double precision', v FROM unnest(ARRAY['-1','0.5','''-Infinity''','1e-320','2.5', '1e18','9.3e18', '0.05','-0.0']) v;
INSERT INTO choice SELECT 'real', v FROM unnest(ARRAY['NULL','0','1','-1','0.5','''NaN''','''Infinity''','''-Infinity''','1e38','-1e-38','1e-45']) v;
INSERT INTO choice SELECT 'timestamp with time zone', v FROM unnest(ARRAY['NULL','now()','''infinity''','''-infinity''','''294276-12-31 23:59''','''4714-11-24 00:00 BC''','''2024-01-01''','''1970-01-01''']) v;
INSERT INTO choice SELECT 'timestamp without time zone', v FROM unnest(ARRAY['NULL','now()','''infinity''','''-infinity''','''294276-12-31 23:59''','''4714-11-24 00:00 BC''','''2024-01-01''']) v;
INSERT INTO choice SELECT 'date', v FROM unnest(ARRAY['NULL','now()','''infinity''','''-infinity''','''5874897-12-31''','''4714-11-24 BC''','''2024-01-01''']) v;
INSERT INTO choice SELECT 'timestamp with time zone[]', v FROM unnest(ARRAY['NULL','''{}''','''{infinity,-infinity,NULL}''','ARRAY[now(),now()]','''{{2024-01-01},{2025-01-01}}''']) v;
INSERT INTO choice SELECT 'bytea', v FROM unnest(ARRAY['NULL','''''','''\x00''','''\xffffffffffffffffffffffffffffffffff''','decode(repeat(''ff'',100),''hex'')','decode(repeat(''00'',1000),''hex'')','''\x0102030405060708''']) v;
INSERT INTO choice SELECT 'interval', v FROM unnest(ARRAY['''-178000000 years''','''1 month''','''2147483647 days''','''1 year -365 days''','''10 days''']) v;
INSERT INTO choice SELECT 'double precision[]', v FROM unnest(ARRAY['NULL','''{}''','''{1,2,3}''','''{NULL}''','''{NaN,Infinity,-Infinity}''','''{{1,2},{3,4}}''','''[5:7]={1,2,3}''','array_fill(1::float8, ARRAY[10000])','''{0,0,0}''','''{-1,1}''','''{1e308,1e308}''']) v;
INSERT INTO choice SELECT 'integer[]', v FROM unnest(ARRAY['NULL','''{}''','''{1,2,3}''','''{NULL}''','''{2147483647,-2147483648}''','''{{1,2},{3,4}}''','''[5:7]={1,2,3}''','array_fill(1, ARRAY[10000])','''{0}''','''{-1}''','''{1,10}''']) v;
INSERT INTO choice SELECT 'bigint[]', v FROM unnest(ARRAY['''{9223372036854775807,9223372036854775807}''','array_fill(1::bigint, ARRAY[10000])','''{0,0}''','''{-1}''']) v;
INSERT INTO choice SELECT 'jsonb[]', v FROM unnest(ARRAY['NULL','''{}''','ARRAY[NULL::jsonb]','ARRAY[''{}''::jsonb]','ARRAY[''"popular"''::jsonb, ''{"factors": 3}'']','ARRAY[ARRAY[''1''::jsonb],ARRAY[''[]''::jsonb]]','array_fill(''{}''::jsonb, ARRAY[200])']) v;
INSERT INTO choice SELECT 'text[]', v FROM unnest(ARRAY['''{ndcg,recall}''','''{popular}''','''{"",""}''','array_fill(repeat(''z'',1000), ARRAY[1000])', '''{control,treatment}''','''{item_id}''','''{value}''','''{event}''']) v;
INSERT INTO choice SELECT 'regclass', v FROM unnest(ARRAY['NULL','''e_int''','0::regclass','4294967295::oid::regclass','''pg_class''','''e_text''']) v;
INSERT INTO choice SELECT 'regtype', v FROM unnest(ARRAY['NULL','''int''','''text''','0::regtype','4294967295::oid::regtype','''timestamptz''','''date''','''record''','''internal''']) v;
INSERT INTO choice SELECT 'name', v FROM unnest(ARRAY['NULL','''''','''m_int''']) v;
INSERT INTO choice SELECT 'anyarray', v FROM unnest(ARRAY['NULL::int[]','''{}''::int[]','''{1,2}''::int[]','''{NULL}''::text[]','''{{1,2},{3,4}}''::int[]','ARRAY[1.5,NULL]','''[3:4]={1,2}''::int[]','array_fill(1, ARRAY[10000])','''{a,b}''::text[]','ARRAY[ROW(1,2)]']) v;
INSERT INTO choice SELECT 'anycompatible', value FROM choice WHERE type='anyelement';
INSERT INTO choice SELECT 'rec.column_profile', v FROM unnest(ARRAY['NULL','(SELECT rec.profile(value) FROM e_int)','(SELECT rec.profile(event) FROM e_int)','(SELECT rec.profile(at) FROM e_int)','(SELECT rec.profile(x) FROM (VALUES (''NaN''::float8),(''Infinity''),(NULL),(-1e308),(1e308)) v(x))','(SELECT rec.profile(NULL::float8))','(SELECT rec.profile(repeat(chr(97+x%26),300)) FROM generate_series(1,2000) x)','(SELECT rec.profile(x::float8) FROM generate_series(1,20000) x)']) v;
INSERT INTO choice SELECT 'rec.sample_state', v FROM unnest(ARRAY['NULL','(SELECT rec.sample(value) FROM e_int)','(SELECT rec.sample(true))','(SELECT rec.sample(NULL::float8))','(SELECT rec.sample(x) FROM (VALUES (''NaN''::float8),(''Infinity''),(NULL),(-1e308),(1e308)) v(x))','(SELECT rec.sample(x::float8) FROM generate_series(1,1000) x)','(SELECT rec.sample(1e308::float8))']) v;
-- States that were made by hand: each field of a type like rec.sample_state is now and then a value that the extension would not put there.
CREATE FUNCTION mutant(state regtype, valid text) RETURNS text LANGUAGE sql VOLATILE AS $$
	SELECT format('ROW(%s)::%s', string_agg(CASE WHEN random() < 0.75 THEN format('((%s)::%s).%I', valid, state, attname)
		ELSE format('(%s)::%s', (SELECT value FROM choice WHERE type = format_type(atttypid, NULL) AND attnum = attnum ORDER BY random() LIMIT 1), format_type(atttypid, NULL)) END, ', ' ORDER BY attnum), state)
	FROM pg_attribute WHERE attrelid = (SELECT typrelid FROM pg_type WHERE oid = state) AND attnum > 0;
$$;
INSERT INTO choice SELECT s, mutant(s::regtype, v) FROM (VALUES ('rec.column_profile', '(SELECT rec.profile(value) FROM e_int)'), ('rec.column_profile', '(SELECT rec.profile(event) FROM e_int)'),
	('rec.sample_state', '(SELECT rec.sample(value) FROM e_int)'), ('rec.sample_state', '(SELECT rec.sample_cuped(value, user_id) FROM e_int)'), ('rec.value_sample', '(SELECT rec.sample_quantile(value) FROM e_int)')) v(s, v), generate_series(1, 10);
INSERT INTO choice SELECT 'rec.model', v FROM unnest(ARRAY['NULL','(SELECT m FROM rec.model m WHERE model=''m_int'')']) v;
INSERT INTO choice SELECT 'rec.training_run', v FROM unnest(ARRAY['NULL','(SELECT m FROM rec.training_run m WHERE model=''m_int'')']) v;
INSERT INTO choice SELECT 'rec.monitor', v FROM unnest(ARRAY['NULL','(SELECT m FROM rec.monitor m LIMIT 1)']) v;
INSERT INTO choice SELECT 'rec.psi_result', v FROM unnest(ARRAY['NULL','(SELECT rec.psi(value, user_id % 2 = 0) FROM e_int)','(SELECT rec.psi(NULL::float8, true))']) v;
INSERT INTO choice SELECT 'rec._shares', v FROM unnest(ARRAY['NULL','ROW(''{a,b}'',''{0.5,NaN}'',''{0.1}'')::rec._shares','ROW(''{a}'',''{Infinity}'',''{-1e308}'')::rec._shares','ROW(NULL,NULL,NULL)::rec._shares']) v;
INSERT INTO choice SELECT 'rec.metric', v FROM unnest(ARRAY['NULL','(SELECT m FROM rec.metric m LIMIT 1)']) v;
INSERT INTO choice SELECT 'rec.experiment', v FROM unnest(ARRAY['NULL','(SELECT e FROM rec.experiment e LIMIT 1)']) v;
INSERT INTO choice SELECT 'oid[]', v FROM unnest(ARRAY['NULL','''{}''','''{0,4294967295}''']) v;
INSERT INTO choice SELECT 'rec.hemisphere', v FROM unnest(ARRAY['NULL','''north''']) v;
INSERT INTO choice SELECT 'rec._experiment_state[]', v FROM unnest(ARRAY['NULL','''{}''']) v;
INSERT INTO choice SELECT 'jsonb', v FROM unnest(ARRAY['(repeat(''['', 1000) || repeat('']'', 1000))::jsonb','(SELECT jsonb_object_agg(''k'' || x, x) FROM generate_series(1,3000) x)','(SELECT jsonb_agg(x) FROM generate_series(1,3000) x)','''1e400''','''-1''','''true''','''{"": ""}''','''{"filter": 1}''','''{"filter": "user_id"}''','''{"k": -5}''','''{"min_score": "x"}''','''{"boost": []}''','''{"diversity": 7}''','''{"after": {"score": 1}}''','''{"context": {"a": 1}}''','''{"explore":"ucb","beta":-1}''','''{"experiment":"x"}''','''{"attributes": {"a": [1]}}''','''{"control": 1, "treatment": 1}''','''{"side":"item"}''']) v;
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
	SELECT string_agg(CASE WHEN format_type(t, NULL) IN ('"any"', 'anyelement', 'anyarray', 'anycompatible') THEN c.value ELSE format('(%s)::%s', c.value, format_type(t, NULL)) END, ', ' ORDER BY i) INTO call
	FROM unnest(f.types) WITH ORDINALITY a (t, i),
		LATERAL (SELECT CASE WHEN i = 1 AND f.nspname = 'rec' AND t = 'text'::regtype AND random() < 0.8	-- mostly a model that there is
			THEN format('%L', (ARRAY['m_int', 'm_text', 'm_uuid', 'm_numeric'])[1 + floor(random() * 4)::int]) ELSE value END AS value FROM choice WHERE type = format_type(t, NULL) AND i = i ORDER BY random() LIMIT 1) c
	WHERE i <= f.given;
	call := format(CASE WHEN f.prokind = 'w' OR f.prokind = 'a' AND n % 3 = 0 THEN 'SELECT %I.%I(%s) OVER (ORDER BY x ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING) FROM generate_series(1, 5) x'
		WHEN f.prokind = 'a' THEN 'SELECT %I.%I(%s) FROM generate_series(1, 3)' WHEN f.prokind = 'p' THEN 'CALL %I.%I(%s)' ELSE 'SELECT * FROM %I.%I(%s)' END, f.nspname, f.proname, coalesce(call, ''));
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
SELECT is_empty($$SELECT DISTINCT format_type(t, NULL) FROM pg_proc, unnest(proargtypes) t WHERE pronamespace IN ('rec'::regnamespace, 'm_int'::regnamespace) AND t <> 'internal'::regtype
	EXCEPT SELECT type FROM choice$$, 'there are values for each type of a parameter');
SELECT setseed(0.42);
SELECT count(one_call(n)) FROM generate_series(1, 1600) n;

SELECT ok(count(*) > 300, 'calls with an answer: ' || count(*)) FROM result WHERE state = 'ok';
SELECT ok(count(DISTINCT state) > 10, 'different errors: ' || string_agg(DISTINCT state, ' ')) FROM result WHERE state <> 'ok';
SELECT is_empty($$SELECT n, call, state, message FROM result WHERE state LIKE 'XX%' LIMIT 5$$, 'no internal errors');
SELECT is_empty($$SELECT proname FROM pg_proc WHERE pronamespace IN ('rec'::regnamespace, 'm_int'::regnamespace) AND NOT 'internal'::regtype::oid = ANY (proargtypes)
	AND NOT EXISTS (SELECT FROM result WHERE call LIKE '%.' || quote_ident(proname) || '(%')$$, 'every function has been called');
-- The backend is the same and the models answer.
SELECT is(count(*), 10::bigint, 'the server is alive') FROM m_int.recommend(1);
SELECT is(count(*), 4::bigint, 'nothing of it stayed') FROM rec.training_run;
SELECT * FROM finish();
