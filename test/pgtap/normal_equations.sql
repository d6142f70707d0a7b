-- Half-steps solve their normal equations, to float precision: against numbers made with numpy, and by their residuals.
SET client_min_messages = warning;
SELECT no_plan();

-- 1. Users against given item factors. The expected numbers are numpy 1.24's (numpy.linalg.solve, double precision), from
--    A = alpha0 Y'Y + sum w y y' + lambda (n + alpha0 |I|)^nu 1,  b = sum w p y,  scores Y x   (implicit)
--    A = sum z z' + lambda n^nu 1,  b = sum (r - mean - c) z,  z = (y, 1)                       (explicit)
CREATE TABLE e (user_id int, item_id int, value real);
INSERT INTO e SELECT u, i, 1 FROM generate_series(1, 9) u, generate_series(1, 6) i WHERE (u + i) % 3 > 0;
CREATE INDEX ON e (user_id) INCLUDE (item_id, value);
CREATE TABLE given (item_id int, factors real[], bias real);
INSERT INTO given VALUES (1, '{0.5,-0.25,0.125}', 0.1), (2, '{0.75,0.5,-0.375}', -0.2), (3, '{-0.25,1,0.0625}', 0.3),
	(4, '{1.25,0.125,0.5}', 0), (5, '{-0.625,-0.75,0.875}', -0.4), (6, '{0,0.25,-1.5}', 0.25);
SELECT rec.create_model('i', 'e', value_column => 'value', params => '{"factors": 3, "epochs": 1, "holdout": 0, "unobserved_weight": 0.4, "regularization": 0.05, "frequency_exponent": 0.7}');
SELECT rec.create_model('x', 'e', value_column => 'value', feedback => 'explicit', params => '{"factors": 3, "epochs": 1, "holdout": 0, "regularization": 0.3, "frequency_exponent": 0.5}');
CREATE FUNCTION take_given(model text, transform text DEFAULT 'none') RETURNS void LANGUAGE plpgsql AS $$
DECLARE v int;
BEGIN
	DELETE FROM e WHERE user_id = 100;	-- whom the version shall not know
	SELECT version INTO v FROM rec.train(model, jsonb_build_object('weight_transform', transform));
	EXECUTE format('UPDATE %I.item_factors i SET factors = g.factors, bias = CASE WHEN %L = ''x'' THEN g.bias ELSE 0 END FROM given g WHERE g.item_id = i.item_id AND version = $1', model, model) USING v;
	IF model = 'i' THEN
		UPDATE i.model_version SET gram = '{1.13125,0.25,-0.0625,0.25,0.78125,-0.45,-0.0625,-0.45,1.3703125}' WHERE version = v;
	ELSE
		UPDATE x.model_version SET mean = 3.4 WHERE version = v;
	END IF;
END $$;
CREATE FUNCTION near(have float8[], want float8[], tolerance float8 DEFAULT 2e-6) RETURNS boolean LANGUAGE sql AS $$
	SELECT bool_and(abs(a - b) <= tolerance * (1 + abs(b))) AND count(*) = cardinality(want) AND cardinality(have) = cardinality(want) FROM unnest(have, want) x (a, b)$$;
CREATE FUNCTION scores(model text) RETURNS real[] LANGUAGE plpgsql AS $$
DECLARE r real[];
BEGIN
	EXECUTE format('SELECT array_agg(%1$I.predict(100, item_id) ORDER BY item_id) FROM given', model) INTO r;
	RETURN r;
END $$;
SELECT take_given('i');
INSERT INTO e VALUES (100, 1, 2), (100, 3, -1.5), (100, 5, 0.5);
SELECT ok(near(scores('i')::float8[], '{0.266898481,0.041945598,-0.275290091,0.570980686,0.211266355,-0.524273214}'), 'implicit, weights as they are: ' || scores('i')::text);
SELECT is(source, 'folded_in', 'of a user that is folded in') FROM i.recommend(100, 1);
SELECT ok(near((SELECT array_agg(contribution::float8 ORDER BY item_id) FROM i.explain(100, 4) WHERE item_id <> 3), '{0.667904815,-0.096924129}'), 'explain: contributions');
SELECT take_given('i', 'log1p');
INSERT INTO e VALUES (100, 1, 2), (100, 3, -1.5), (100, 5, 0.5);
SELECT ok(near(scores('i')::float8[], '{0.179092347,-0.031745975,-0.244301114,0.332105412,0.214647592,-0.36951808}'), 'implicit, log1p: ' || scores('i')::text);
SELECT ok(near((SELECT array_agg(contribution::float8 ORDER BY item_id) FROM i.explain(100, 4) WHERE item_id <> 3), '{0.42278849,-0.090683077}'), 'explain: contributions');
SELECT take_given('i', 'binary');
INSERT INTO e VALUES (100, 1, 2), (100, 3, -1.5), (100, 5, 0.5);
SELECT ok(near(scores('i')::float8[], '{0.143955314,-0.19784303,-0.26022946,0.224889566,0.436724685,-0.557554565}'), 'implicit, binary: ' || scores('i')::text);
SELECT take_given('x');
INSERT INTO e VALUES (100, 1, 5), (100, 2, 2), (100, 4, 4.5), (100, 6, 1);
SELECT ok(near(scores('x')::float8[], '{4.143735612,2.497755007,2.93875032,4.428380103,4.915364856,1.360991645}'), 'explicit: ' || scores('x')::text);

-- 2. Stored users against stored items: the residual A x - b of everybody's equations, computed in double precision.
CREATE TABLE d (user_id int, item_id int, value real);
INSERT INTO d SELECT u, (u * k * k + 3 * k) % 67, CASE (u + k) % 7 WHEN 0 THEN -2 WHEN 1 THEN 0 ELSE 1 + (u * k) % 5 END FROM generate_series(1, 120) u, generate_series(1, 10) k;
-- The pairs that a version was trained on, by name of its model: from its own history.
CREATE FUNCTION observed(model text) RETURNS TABLE (user_id int, item_id int, net real) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT h.user_id, f.item_id, w.weight FROM %1$I.user_history h CROSS JOIN LATERAL unnest(h.items, h.weights) w (position, weight)
		JOIN %1$I.item_factors f ON f.position = w.position AND f.version = h.version WHERE h.version = (SELECT active_version FROM rec.model m WHERE m.model = %1$L)', model);
END $$;
-- Largest |A x - b| over all rows of one side, relative to the largest |b|; entries (row, column, weight, target).
CREATE FUNCTION residual(rows_sql text, columns_sql text, observed_sql text, alpha0 float8, lambda float8, nu float8) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE r float8;
BEGIN
	EXECUTE format($q$
		WITH x AS MATERIALIZED (%s), y AS MATERIALIZED (%s), o AS MATERIALIZED (%s),
		xf AS MATERIALIZED (SELECT id, f, v FROM x, unnest(vector) WITH ORDINALITY a (v, f)), yf AS MATERIALIZED (SELECT id, f, v FROM y, unnest(vector) WITH ORDINALITY a (v, f)),
		gram AS MATERIALIZED (SELECT a.f, b.f AS g, sum(a.v * b.v) AS v FROM yf a JOIN yf b USING (id) GROUP BY 1, 2),
		unobserved AS (SELECT xf.id, gram.f, $1 * sum(gram.v * xf.v) AS v FROM xf JOIN gram ON gram.g = xf.f GROUP BY 1, 2),
		score AS MATERIALIZED (SELECT o.r, o.c, o.w, o.p, sum(xf.v * yf.v) AS s FROM o JOIN xf ON xf.id = o.r JOIN yf ON yf.id = o.c AND yf.f = xf.f GROUP BY 1, 2, 3, 4),
		seen AS (SELECT r AS id, yf.f, sum(w * (s - p) * yf.v) AS v, sum(w * p * yf.v) AS b FROM score JOIN yf ON yf.id = c GROUP BY 1, 2),
		counts AS (SELECT r AS id, count(*) AS n FROM o GROUP BY 1)
		SELECT max(abs(u.v + coalesce(seen.v, 0) + $2 * (coalesce(n, 0) + $1 * (SELECT count(*) FROM y)) ^ $3 * xf.v)) / max(abs(seen.b))
		FROM unobserved u JOIN xf USING (id, f) LEFT JOIN seen USING (id, f) LEFT JOIN counts USING (id)$q$, rows_sql, columns_sql, observed_sql) USING alpha0, lambda, nu INTO r;
	RETURN r;
END $$;
SELECT rec.create_model('m', 'd', value_column => 'value', params => '{"factors": 12, "epochs": 1, "holdout": 0, "unobserved_weight": 0.2, "regularization": 0.1, "frequency_exponent": 0.6}');
CREATE FUNCTION users_residual() RETURNS float8 LANGUAGE sql AS $$
	SELECT residual('SELECT user_id AS id, factors::float8[] AS vector FROM m.active_users', 'SELECT item_id AS id, factors::float8[] AS vector FROM m.active_items',
		'SELECT user_id AS r, item_id AS c, ln(1 + abs(net::float8)) AS w, CASE WHEN net > 0 THEN 1 ELSE 0 END AS p FROM observed(''m'') WHERE net <> 0', 0.2, 0.1, 0.6)$$;
CREATE FUNCTION items_residual() RETURNS float8 LANGUAGE sql AS $$
	SELECT residual('SELECT item_id AS id, factors::float8[] AS vector FROM m.active_items', 'SELECT user_id AS id, factors::float8[] AS vector FROM m.active_users',
		'SELECT item_id AS r, user_id AS c, ln(1 + abs(net::float8)) AS w, CASE WHEN net > 0 THEN 1 ELSE 0 END AS p FROM observed(''m'') WHERE net <> 0', 0.2, 0.1, 0.6)$$;
SELECT rec.train('m', '{"solver": "cholesky"}');
SELECT cmp_ok(users_residual(), '<', 3e-6::float8, 'one epoch, cholesky: users solve their equations, residual ' || users_residual()::numeric(20, 10));
SELECT rec.train('m', '{"solver": "cg"}');
SELECT cmp_ok(users_residual(), '<', 3e-6::float8, 'one epoch, cg: users do, for the last half-step is exact, residual ' || users_residual()::numeric(20, 10));
SELECT cmp_ok(items_residual(), '>', 1e-4::float8, 'items do not yet, for users have moved since');
SELECT rec.train('m', '{"solver": "cholesky", "epochs": 1000}');
SELECT cmp_ok(items_residual(), '<', 1e-4::float8, 'at convergence items solve theirs, residual ' || items_residual()::numeric(20, 10));
SELECT rec.train('m', '{"solver": "cg", "epochs": 1000}');
SELECT cmp_ok(items_residual(), '<', 1e-4::float8, 'with cg too, residual ' || items_residual()::numeric(20, 10));
SELECT ok((SELECT max(abs(a - b)) < 1e-5 FROM (SELECT gram FROM m.model_version ORDER BY version DESC LIMIT 1) g,
	LATERAL (SELECT 0.2 * sum(x.v * y.v) AS b, x.f, y.f AS h FROM m.active_items i, unnest(i.factors::float8[]) WITH ORDINALITY x (v, f), unnest(i.factors::float8[]) WITH ORDINALITY y (v, f) GROUP BY x.f, y.f) s,
	LATERAL (SELECT g.gram[(s.f - 1) * 12 + s.h] AS a) v), 'the stored Gram matrix is unobserved_weight times that of the item factors');

-- explicit: vectors with a bias each; y = (factors, 1), x = (factors, bias)
SELECT rec.create_model('r', 'd', value_column => 'value', feedback => 'explicit', params => '{"factors": 6, "epochs": 1, "holdout": 0, "regularization": 0.8, "frequency_exponent": 0.5}');
CREATE FUNCTION ratings_residual(of_items boolean) RETURNS float8 LANGUAGE sql AS $$
	SELECT residual(format('SELECT %s AS id, factors::float8[] || bias::float8 AS vector FROM r.%s', a, av), format('SELECT %s AS id, factors::float8[] || 1::float8 AS vector FROM r.%s', b, bv),
		format('SELECT o.%s AS r, o.%s AS c, 1::float8 AS w, net - (SELECT mean FROM r.model_version ORDER BY version DESC LIMIT 1) - y.bias AS p FROM observed(''r'') o JOIN r.%s y USING (%s)', a, b, bv, b), 0, 0.8, 0.5)
	FROM (SELECT CASE WHEN of_items THEN 'item_id' ELSE 'user_id' END AS a, CASE WHEN of_items THEN 'user_id' ELSE 'item_id' END AS b,
		CASE WHEN of_items THEN 'active_items' ELSE 'active_users' END AS av, CASE WHEN of_items THEN 'active_users' ELSE 'active_items' END AS bv) n$$;
SELECT rec.train('r', '{"solver": "cholesky"}');
SELECT cmp_ok(ratings_residual(false), '<', 3e-6::float8, 'explicit, one epoch: users solve their equations, residual ' || ratings_residual(false)::numeric(20, 10));
SELECT rec.train('r', '{"solver": "cg"}');
SELECT cmp_ok(ratings_residual(false), '<', 3e-6::float8, 'with cg, residual ' || ratings_residual(false)::numeric(20, 10));
SELECT rec.train('r', '{"solver": "cholesky", "epochs": 1000}');
SELECT cmp_ok(ratings_residual(true), '<', 1e-4::float8, 'at convergence items solve theirs, residual ' || ratings_residual(true)::numeric(20, 10));
SELECT * FROM finish();
