-- Keys of every kind of type: trained, found again, live, by name, as candidates, in the column's own type.
SET client_min_messages = warning;
SELECT no_plan();

-- Keys are made from a number, @, by an expression.
CREATE FUNCTION works(name text, type text, make text, unknown text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
	s text;
	key text;
BEGIN
	EXECUTE format('CREATE TABLE events_%s (user_id %s, item_id %2$s)', name, type);
	EXECUTE format('INSERT INTO events_%s SELECT (%s), (%s) FROM generate_series(1, 30) u, generate_series(1, 5) k', name,
		replace(make, '@', 'u'), replace(make, '@', '((u * k) % 13)'));
	EXECUTE format('CREATE INDEX ON events_%s (user_id, item_id)', name);
	PERFORM rec.create_model('m_' || name, 'events_' || name, params => '{"factors": 3, "epochs": 2, "holdout": 0}');
	RETURN NEXT results_eq(format('SELECT users, items FROM rec.train(%L)', 'm_' || name), 'VALUES (30, 13)', type || ': distinct keys');
	EXECUTE format('SELECT atttypid::regtype::text FROM pg_attribute WHERE attrelid = ''m_%s.item_factors''::regclass AND attnum = 2', name) INTO s;
	RETURN NEXT is(s::regtype::oid, (SELECT coalesce(nullif(typbasetype, 0), oid) FROM pg_type WHERE oid = type::regtype), type || ': type of the table');
	EXECUTE format('SELECT string_agg(DISTINCT pg_typeof(item_id)::text, '','') FROM m_%s.recommend((%s))', name, replace(make, '@', '1')) INTO key;
	RETURN NEXT is(key, s, type || ': type of the answer');

	EXECUTE format('SELECT string_agg(DISTINCT source, '','') || '' '' || count(*) FROM m_%s.recommend((%s), NULL)', name, replace(make, '@', '7')) INTO s;
	EXECUTE format('SELECT 13 - count(DISTINCT item_id) FROM events_%s WHERE user_id = (%s)', name, replace(make, '@', '7')) INTO n;
	RETURN NEXT is(s, 'personalized ' || n, type || ': recommend');
	EXECUTE format('SELECT (%s)::%s::text', replace(make, '@', '7'), type) INTO key;
	EXECUTE format('SELECT array_agg(r ORDER BY r.rank) = (SELECT array_agg(g ORDER BY g.rank) FROM rec.recommend(%2$L, %3$L::text, NULL) g)
		FROM (SELECT format(''%%s'', item_id), score, rank, source FROM m_%1$s.recommend((%4$s), NULL)) r', name, 'm_' || name, key, replace(make, '@', '7')) INTO s;
	RETURN NEXT is(s, 'true', type || ': the same by name');
	-- candidates as they stand in the events, unknown keys among them
	EXECUTE format('SELECT count(*) FROM m_%1$s.recommend((%2$s), NULL, false, candidates =>
		(SELECT array_agg(item_id) FROM (SELECT item_id FROM events_%1$s UNION SELECT (%3$s)::%4$s UNION SELECT NULL) c))',
		name, replace(make, '@', '7'), unknown, type) INTO n;
	RETURN NEXT is(n, 13::bigint, type || ': candidates');
	EXECUTE format('SELECT count(*) FROM m_%1$s.recommend((%2$s), NULL, false, exclude => (SELECT array_agg(DISTINCT item_id) FROM events_%1$s))',
		name, replace(make, '@', '7')) INTO n;
	RETURN NEXT is(n, 0::bigint, type || ': exclude');
	EXECUTE format('SELECT count(*) FROM (SELECT DISTINCT item_id FROM events_%s) e WHERE m_%1$s.predict((%s), item_id) IS NOT NULL',
		name, replace(make, '@', '7')) INTO n;
	RETURN NEXT is(n, 13::bigint, type || ': predict');
	EXECUTE format('SELECT count(*) FROM m_%s.similar_items((%s), NULL)', name, replace(make, '@', '5')) INTO n;
	RETURN NEXT is(n, 12::bigint, type || ': similar_items');
	EXECUTE format('SELECT count(*) FROM m_%s.similar_users((%s), NULL)', name, replace(make, '@', '5')) INTO n;
	RETURN NEXT is(n, 29::bigint, type || ': similar_users');
	EXECUTE format('SELECT count(*) FROM m_%s.recommend_users((%s), NULL, false)', name, replace(make, '@', '5')) INTO n;
	RETURN NEXT is(n, 30::bigint, type || ': recommend_users');
	-- strangers
	EXECUTE format('SELECT string_agg(DISTINCT source, '','') FROM m_%s.recommend((%s)::%s)', name, unknown, type) INTO s;
	RETURN NEXT is(s, 'popular', type || ': unknown user');
	EXECUTE format('SELECT m_%s.predict((%s), (%s)::%s)', name, replace(make, '@', '7'), unknown, type) INTO s;
	RETURN NEXT is(s, NULL, type || ': unknown item');
	-- live: a key that the version has not seen, and a new event of one that it has
	EXECUTE format('INSERT INTO events_%s SELECT (%s)::%s, (%s)', name, unknown, type, replace(make, '@', '5'));
	EXECUTE format('INSERT INTO events_%s SELECT (%s), item_id FROM m_%1$s.recommend((%2$s), 1)', name, replace(make, '@', '7'));
	EXECUTE format('SELECT string_agg(DISTINCT source, '','') FROM m_%s.recommend((%s)::%s)', name, unknown, type) INTO s;
	RETURN NEXT is(s, 'folded_in', type || ': new user');
	EXECUTE format('SELECT string_agg(DISTINCT source, '','') FROM m_%s.recommend((%s))', name, replace(make, '@', '7')) INTO s;
	RETURN NEXT is(s, 'folded_in', type || ': new event');
	EXECUTE format('SELECT count(*) FROM m_%s.recommend_for(ARRAY[(%s)::%s, (%s)::%3$s], NULL)', name, replace(make, '@', '5'), type, replace(make, '@', '6')) INTO n;
	RETURN NEXT is(n, 11::bigint, type || ': recommend_for');
END $$;

SELECT works('smallint', 'smallint', '(@ - 5)::int2', '(-32768)::int2');
SELECT works('int', 'int', '((@) - 11) * 100000000', '-2147483648');
SELECT works('bigint', 'bigint', '((@) - 15) * 300000000000000000', '-9223372036854775808');
SELECT works('uuid', 'uuid', 'md5((@)::text)::uuid', 'md5(''?'')::uuid');
SELECT works('text', 'text', '''key '' || (@)', '''''');
SELECT works('ugly', 'text', 'repeat(''"it''''s \ {a,b} "'', 40) || chr(128512 + (@)) || repeat(md5((@)::text), 12)', 'repeat(''"'', 1000)');
SELECT works('varchar', 'varchar', '(''key '' || (@))::varchar', '''key 99''::varchar');
SELECT works('char', 'char(8)', '(''k'' || (@))::char(8)', '''k99''::char(8)');
SELECT works('date', 'date', 'date ''1999-12-25'' + (@)', 'date ''infinity''');
SELECT works('timestamptz', 'timestamptz', 'timestamptz ''2024-01-01'' + (@) * interval ''1 us''', 'timestamptz ''-infinity''');
SELECT works('numeric', 'numeric', '((@)::numeric / 8)', 'numeric ''NaN''');
SELECT works('float8', 'float8', '((@)::float8 / 7 - 1)', 'float8 ''-Infinity''');
SELECT works('boolean_like', 'bytea', 'decode(md5((@)::text), ''hex'')', '''''::bytea');
SELECT works('inet', 'inet', 'inet ''10.0.0.0'' + (@)', 'inet ''::1''');
SELECT works('interval', 'interval', '(@) * interval ''1 day''', 'interval ''1 year''');
DO $$ BEGIN EXECUTE format('CREATE TYPE colour AS ENUM (%s)', (SELECT string_agg(format('%L', 'colour ' || i), ',') FROM generate_series(-1, 40) i)); END $$;
SELECT works('enum', 'colour', '(''colour '' || (@))::colour', '''colour -1''::colour');
CREATE DOMAIN sku AS text CHECK (VALUE <> '');
SELECT works('domain', 'sku', '(''sku '' || (@))::sku', '''other''::sku');
CREATE DOMAIN small AS smallint;
SELECT works('domain_of_int', 'small', '(@)::small', '0::small - 1::small');

-- Equality as the type has it, not as its bytes are.
CREATE TABLE scales (user_id numeric, item_id numeric);
INSERT INTO scales SELECT u, i FROM generate_series(1, 5) u, generate_series(1, 5) i WHERE u <> i;
INSERT INTO scales VALUES (1.00, 2.000), (1.0, 3.0);
CREATE INDEX ON scales (user_id);
SELECT rec.create_model('scales', 'scales', params => '{"factors": 2, "epochs": 2, "holdout": 0}');
SELECT results_eq('SELECT users, items, pairs FROM rec.train(''scales'')', 'VALUES (5, 5, 20::bigint)', 'numeric: 1.00 is 1');
SELECT is((SELECT array_agg(DISTINCT source) FROM scales.recommend(1.000)), '{personalized}', 'numeric: 1.000 finds it');
SELECT is(scales.predict(1.0, 2), scales.predict(1, 2.00000), 'numeric: and so for items');
SELECT is((SELECT count(*) FROM scales.recommend(1, NULL, false, candidates => '{1.0,2.00,2}')), 2::bigint, 'numeric: candidates 2.00 and 2 are one');
CREATE TABLE padded (user_id char(5), item_id char(5));
INSERT INTO padded SELECT 'u' || u, 'i' || i FROM generate_series(1, 5) u, generate_series(1, 5) i WHERE u <> i;
CREATE INDEX ON padded (user_id);
SELECT rec.create_model('padded', 'padded', params => '{"factors": 2, "epochs": 2, "holdout": 0}');
SELECT rec.train('padded');
SELECT isnt(padded.predict('u1', 'i2'), NULL, 'char(n): found without its padding');
SELECT is((SELECT count(*) FROM padded.recommend('u1', NULL, false, candidates => '{i1,i2}')), 2::bigint, 'char(n): candidates too');
SELECT is((SELECT count(*) FROM rec.recommend('padded', 'u1', NULL, false, candidates => '{i1,i2,"i3 "}')), 3::bigint, 'char(n): by name too');
CREATE TABLE signed (user_id float8, item_id float8);
INSERT INTO signed SELECT u, i FROM generate_series(0, 5) u, generate_series(0, 5) i WHERE u <> i;
INSERT INTO signed VALUES ('-0', 3);
CREATE INDEX ON signed (user_id);
SELECT rec.create_model('signed', 'signed', params => '{"factors": 2, "epochs": 2, "holdout": 0}');
SELECT is(users, 6, 'float8: -0 is 0') FROM rec.train('signed');

-- A number out of the column's range is a stranger, not an error; and no other number.
SELECT is((SELECT array_agg(DISTINCT source) FROM m_smallint.recommend(65536 + 2)), '{popular}', 'smallint: 65538 is not 2');
SELECT is((SELECT array_agg(DISTINCT source) FROM m_int.recommend(4294967296 - 1000000000)), '{popular}', 'int: 2^32 more is another');
SELECT is(m_int.predict(-1000000000, 4294967296 - 1000000000), NULL, 'int: nor for items');
SELECT is((SELECT count(*) FROM m_int.recommend(-1000000000, candidates => ARRAY[4294967296, 9223372036854775807])), 0::bigint, 'int: nor candidates');

-- Invalid ids by name are errors of the type, unknown ones are strangers.
SELECT throws_ok($$SELECT * FROM rec.recommend('m_int', 'forty-two')$$, '22P02', 'invalid input syntax for type integer: "forty-two"', 'int: no number');
SELECT throws_ok($$SELECT * FROM rec.recommend('m_int', '99999999999999')$$, '22003', NULL, 'int: too large a number as text');
SELECT throws_ok($$SELECT * FROM rec.recommend('m_uuid', 'x')$$, '22P02', NULL, 'uuid: invalid');
SELECT throws_ok($$SELECT * FROM rec.recommend('m_enum', 'no colour')$$, '22P02', NULL, 'enum: invalid');
SELECT throws_ok($$SELECT rec.predict('m_date', '2024-01-01', 'yesterday or so')$$, '22007', NULL, 'date: invalid');
SELECT throws_ok($$SELECT * FROM rec.recommend('m_int', '1', candidates => '{a}')$$, '22P02', NULL, 'int: invalid candidate');
SELECT throws_ok($$SELECT * FROM rec.recommend('m_uuid', 1.5)$$, '42804', 'a value of type numeric is no key of this model', 'a key of another type');
SELECT lives_ok($$SELECT * FROM rec.recommend('m_text', 42)$$, 'an integer is a text key written out');
SELECT lives_ok($$SELECT * FROM rec.recommend('m_uuid', md5('1')::uuid)$$, 'uuid as itself');
SELECT lives_ok($$SELECT * FROM rec.recommend('m_bigint', 7::smallint)$$, 'smallint for bigint');

-- Extension types and nondeterministic collations, where they are to be had.
SELECT count(*) > 0 AS citext FROM pg_available_extensions WHERE name = 'citext' \gset
\if :citext
CREATE EXTENSION citext;
SELECT works('citext', 'citext', '(''Key '' || (@))::citext', '''other''::citext');
INSERT INTO events_citext VALUES ('KEY 20', 'KEY 1');
SELECT is(users, 31, 'citext: case does not matter') FROM rec.train('m_citext');
SELECT is(m_citext.predict('kEY 3', 'key 4'), m_citext.predict('Key 3', 'KEY 4'), 'citext: nor in calls');
\else
SELECT skip('citext is not installed', 18);
\endif
SELECT count(*) > 0 AS icu FROM pg_collation WHERE collprovider = 'i' \gset
\if :icu
CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE nocase (user_id text COLLATE nocase, item_id text COLLATE nocase);
INSERT INTO nocase SELECT CASE WHEN i = 2 THEN 'USER ' ELSE 'User ' END || u, 'Item ' || i FROM generate_series(1, 6) u, generate_series(1, 6) i WHERE u <> i;
INSERT INTO nocase VALUES ('uSER 1', 'ITEM 3'), ('User 2', 'İtem é');
CREATE INDEX ON nocase (user_id);
SELECT rec.create_model('nocase', 'nocase', params => '{"factors": 2, "epochs": 2, "holdout": 0}');
SELECT results_eq('SELECT users, items, pairs FROM rec.train(''nocase'')', 'VALUES (6, 7, 31::bigint)', 'nondeterministic collation: pairs');
SELECT is((SELECT array_agg(DISTINCT source) FROM nocase.recommend('user 1')), '{personalized}', 'nondeterministic collation: user found');
SELECT is(nocase.predict('user 1', 'ITEM 2'), nocase.predict('USER 1', 'item 2'), 'nondeterministic collation: item found');
SELECT isnt(nocase.predict('user 1', 'ITEM 2'), NULL, 'nondeterministic collation: with a score');
SELECT is((SELECT count(*) FROM nocase.recommend('user 1', NULL, false, candidates => '{ITEM 1,item 1,iTEM 2}')), 2::bigint, 'nondeterministic collation: candidates');
-- One column of the table each way: the item's collation is not the user's.
CREATE TABLE half_nocase (user_id text COLLATE "C", item_id text COLLATE nocase);
INSERT INTO half_nocase SELECT * FROM nocase;
SELECT rec.create_model('half_nocase', 'half_nocase', params => '{"factors": 2, "epochs": 2, "holdout": 0}');
SELECT results_eq('SELECT users, items FROM rec.train(''half_nocase'')', 'VALUES (12, 7)', 'collations of users and items may differ');
\else
SELECT skip('PostgreSQL without ICU', 6);
\endif
SELECT * FROM finish();
