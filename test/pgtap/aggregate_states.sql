-- States of aggregates on their way between processes: truncated and hostile bytes give an error or a result, never a crash.
--
-- A value of type internal cannot be made in SQL, so a superuser declares the C functions over again: serialization as the final function
-- of an aggregate; deserialization as one that returns the address of the state; and an aggregate over such addresses that combines two
-- states and finishes.
SET client_min_messages = warning;
SELECT no_plan();
CREATE TABLE sample AS SELECT i, i * 37 % 101 / 8.0::float8 AS x, i % 3 = 0 AS c, 'word ' || i % 7 AS t, timestamptz '2025-01-01 00:00+00' + i * interval '7 min' AS ts FROM generate_series(1, 60) i;
-- a float8 at a place of a bytea, as this machine has it (all that run PostgreSQL 15 and later and that this is tested on are little-endian)
CREATE FUNCTION put(state bytea, at int, bytes bytea) RETURNS bytea LANGUAGE sql RETURN overlay(state PLACING bytes FROM at + 1 FOR octet_length(bytes));

-- For the aggregate: ser(...) gives the state, de(state) its address, and fin(address) the result of all states.
CREATE FUNCTION declare_over(aggregate regprocedure) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	a pg_aggregate; p pg_proc; f pg_proc; d text; com text;
BEGIN
	SELECT * INTO a FROM pg_aggregate WHERE aggfnoid = aggregate;
	SELECT * INTO p FROM pg_proc WHERE oid = aggregate;
	SELECT * INTO f FROM pg_proc WHERE oid = a.aggfinalfn;
	SELECT prosrc INTO d FROM pg_proc WHERE oid = a.aggdeserialfn;
	SELECT prosrc INTO com FROM pg_proc WHERE oid = a.aggcombinefn;
	DROP SCHEMA IF EXISTS h CASCADE;
	CREATE SCHEMA h;
	EXECUTE format('CREATE AGGREGATE h.ser(%s) (sfunc = %s, stype = internal, finalfunc = %s)', oidvectortypes(p.proargtypes), a.aggtransfn::regproc, a.aggserialfn::regproc);
	EXECUTE format('CREATE FUNCTION h.address(bytea) RETURNS bigint AS ''$libdir/pg_recommend'', %L LANGUAGE C', d);
	CREATE AGGREGATE h.de(bytea) (sfunc = byteacat, stype = bytea, initcond = '', finalfunc = h.address);
	EXECUTE format('CREATE FUNCTION h.combine(bigint, bigint) RETURNS bigint AS ''$libdir/pg_recommend'', %L LANGUAGE C', com);
	EXECUTE format('CREATE FUNCTION h.finish(bigint) RETURNS %s AS ''$libdir/pg_recommend'', %L LANGUAGE C', f.prorettype::regtype, f.prosrc);
	CREATE AGGREGATE h.fin(bigint) (sfunc = h.combine, stype = bigint, finalfunc = h.finish);
END $$;
-- What becomes of two states, or SQLSTATE.
CREATE FUNCTION finished(a bytea, b bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN
	EXECUTE 'SELECT h.fin(p)::text FROM (SELECT h.de($1) AS p UNION ALL SELECT h.de($2)) s' INTO result USING a, b;
	RETURN result;
EXCEPTION WHEN OTHERS THEN RETURN 'error ' || SQLSTATE;
END $$;
-- Truncated anywhere; a byte changed anywhere; numbers that hurt, at each multiple of four: those that are not what the error says.
CREATE FUNCTION fuzz(state bytea, OUT refused int, OUT wrong text) LANGUAGE plpgsql AS $$
DECLARE
	n int := octet_length(state);
	answers text[];
BEGIN
	PERFORM setseed(0.25);
	SELECT array_agg(finished(state, m)) INTO answers FROM (
		SELECT substr(state, 1, (i * n / 40)::int) AS m FROM generate_series(0, 39) i
		UNION ALL SELECT state || '\x00'
		UNION ALL SELECT set_byte(state, i, (random() * 255)::int) FROM generate_series(0, least(n, 160) - 1) i
		UNION ALL SELECT set_byte(state, (random() * (n - 1))::int, (random() * 255)::int) FROM generate_series(1, 100)
		UNION ALL SELECT put(state, 4 * i, bytes) FROM generate_series(0, least(n, 200) / 4 - 2) i, unnest('{"\\x000000000000f87f","\\x7ff8000000000000","\\xffffffffffffffff","\\xffffffffffffff7f","\\x7fffffffffffffff","\\x000000000000f0ff","\\x0000000000000000","\\x9c75008844e43c7e"}'::bytea[]) bytes
			WHERE 4 * i + 8 <= n
		UNION ALL SELECT decode(repeat(b, l), 'hex') FROM unnest('{00,ff,7f}'::text[]) b, unnest('{1,4,8,100,1000,9000}'::int[]) l) m;
	SELECT count(*), string_agg(DISTINCT e, ', ') FILTER (WHERE e NOT IN ('error 22P03', 'error 08P01', 'error 22003', 'error 22021', 'error 22023', 'error 54000', 'error 53200'))
		INTO refused, wrong FROM unnest(answers) e WHERE e LIKE 'error %';
END $$;
CREATE FUNCTION state_of(args text) RETURNS bytea LANGUAGE plpgsql AS $$ DECLARE s bytea; BEGIN EXECUTE format('SELECT h.ser(%s) FROM sample', args) INTO s; RETURN s; END $$;
CREATE FUNCTION direct(aggregate regprocedure, args text) RETURNS text LANGUAGE plpgsql AS $$ DECLARE r text;
BEGIN EXECUTE format('SELECT %s(%s)::text FROM (TABLE sample UNION ALL TABLE sample) sample', aggregate::regproc, args) INTO r; RETURN r; END $$;

-- The same but for rounding.
CREATE FUNCTION same(a text, b text) RETURNS boolean LANGUAGE sql AS $$
	SELECT bool_and(coalesce(abs(p[1]::float8 - q[1]::float8) <= 1e-9 * greatest(1, abs(q[1]::float8)), false))
	FROM ROWS FROM (regexp_matches(a, '-?[0-9.]+(?:e[-+]?[0-9]+)?', 'g'), regexp_matches(b, '-?[0-9.]+(?:e[-+]?[0-9]+)?', 'g')) m (p, q) $$;

SET statement_timeout = '60s';
CREATE TABLE aggregate (signature text, args text, CHECK (args <> ''));
INSERT INTO aggregate VALUES ('rec.fit_standard(float8)', 'x'), ('rec.fit_minmax(float8,text)', $$x, 'ignore'$$), ('rec.fit_log(float8)', 'x'), ('rec.fit_robust(float8,float8,float8)', 'x, 0.1, 0.9'), ('rec.fit_quantile(float8,int)', 'x, 7'),
	('rec.ks_test(float8,boolean)', 'x, c'), ('rec.wasserstein(float8,boolean)', 'x, c'), ('rec.psi(float8,boolean,int)', 'x, c, 5'), ('rec.js_distance(timestamptz,boolean)', 'ts, c'), ('rec.chi2_test(anyelement,boolean)', 't, c'), ('rec.psi(anyelement,boolean)', 't, c'),
	('rec.mean_shift(float8,boolean)', 'x, c'), ('rec.null_share("any",boolean)', 't, c'), ('rec.profile(float8)', 'x'), ('rec.profile(timestamptz)', 'ts'), ('rec.profile(anyelement)', 't'), ('rec.bot_score(timestamptz)', 'ts'), ('rec.bot_score(timestamptz,anyelement)', 'ts, i % 5'),
	('rec.ndcg(bigint,boolean,int)', 'i, c, 20'), ('rec.auc(bigint,boolean)', 'i, c'), ('rec.sample(float8)', 'x'), ('rec.sample_cuped(float8,float8)', 'x, i'), ('rec.sample_cluster(float8,anyelement)', 'x, t'), ('rec.sample_quantile(float8)', 'x'),
	('rec.welch_test(float8,boolean)', 'x, c'), ('rec.cuped_test(float8,float8,boolean)', 'x, i, c'), ('rec.sequential_test(float8,boolean)', 'x, c'), ('rec.proportion_test(boolean,boolean)', 'x > 5, c'), ('rec.srm_test(boolean)', 'c'),
	('rec.rank_test(float8,boolean)', 'x, c'), ('rec.quantile_test(float8,boolean,float8)', 'x, c, 0.5'), ('rec.interleave_test(float8,float8)', 'i % 3, i % 4'), ('rec.ips(float8,float8,float8)', 'i % 2, 0.2 + i % 2 * 0.1, 0.5');
CREATE TABLE answer (signature text, same boolean, refused int, wrong text, state bytea);
DO $$
DECLARE a aggregate; s bytea; f record;
BEGIN
	FOR a IN TABLE aggregate LOOP
		PERFORM declare_over(a.signature::regprocedure);
		s := state_of(a.args);
		f := fuzz(s);
		INSERT INTO answer VALUES (a.signature, same(finished(s, s), direct(a.signature::regprocedure, a.args)), f.refused, f.wrong, s);
	END LOOP;
END $$;
SELECT ok(same, signature || ': a state arrives as it was sent') FROM answer;
SELECT ok(refused > 5 AND wrong IS NULL, format('%s: hostile states give an answer (%s errors%s)', signature, refused, ', among them ' || wrong)) FROM answer;
SELECT set_eq($$SELECT DISTINCT aggserialfn::regproc::text FROM aggregate JOIN pg_aggregate ON aggfnoid = signature::regprocedure$$,
	$$SELECT DISTINCT aggserialfn::regproc::text FROM pg_aggregate WHERE aggserialfn::regproc::text LIKE 'rec.%' AND aggserialfn::regproc::text NOT IN ('rec._load_serialize', 'rec._strata_serialize')$$, 'every kind of state is among them');

-- A state of one aggregate that meets one of another with the same functions.
CREATE TABLE meeting (a text, b text, result text);
DO $$
DECLARE m record;
BEGIN
	FOR m IN SELECT a.signature AS a, b.signature AS b, a.state AS s, b.state AS t FROM answer a JOIN answer b ON a.signature <> b.signature
		JOIN pg_aggregate p ON p.aggfnoid = a.signature::regprocedure JOIN pg_aggregate q ON q.aggfnoid = b.signature::regprocedure AND q.aggcombinefn = p.aggcombinefn LOOP
		PERFORM declare_over(m.a::regprocedure);
		INSERT INTO meeting VALUES (m.a, m.b, finished(m.s, m.t)), (m.a, m.b, finished(m.t, m.s));
	END LOOP;
END $$;
SELECT cmp_ok(count(*), '>', 20::bigint, 'states meet others') FROM meeting;
SELECT is_empty($$SELECT * FROM meeting WHERE result LIKE 'error %' AND result NOT IN ('error 22P03', 'error 22023', 'error 22003')$$, 'and end with an answer or with the error about a state');
SELECT is(array_agg(DISTINCT result), '{error 22P03}', 'a profile of numbers and one of categories are an error')
	FROM meeting WHERE 'rec.profile(anyelement)' IN (a, b);
SELECT * FROM finish();
