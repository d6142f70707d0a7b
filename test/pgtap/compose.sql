-- What composes: random requests against a brute-force query on the model's tables. And paging.
SET client_min_messages = warning;
SET extra_float_digits = 1;
SELECT no_plan();
SELECT setseed(0.25);
CREATE TABLE items (id int PRIMARY KEY, price numeric, kind text, odd bool, tags text[]);
INSERT INTO items SELECT i, i % 17, CASE WHEN i % 4 > 0 THEN 'k' || i % 4 END, CASE WHEN i % 5 > 0 THEN i % 2 = 1 END, ARRAY['t' || i % 3, NULL, 't' || i % 2] FROM generate_series(0, 90) i;
CREATE TABLE e (user_id int, item_id int, event text, value real, at timestamptz);
CREATE INDEX ON e (user_id) INCLUDE (item_id, event, value, at);
INSERT INTO e SELECT u, (u * k * k + 3 * k) % 101, CASE (u + k) % 4 WHEN 0 THEN 'buy' WHEN 1 THEN 'return' ELSE 'view' END,
	1 + (u * k) % 5, timestamptz '2024-01-01' + (u * 7 + k * 31) % 900 * interval '1 hour'
FROM generate_series(1, 60) u, generate_series(1, 9) k;
SELECT rec.create_model('implicit', 'e', event_column => 'event', event_weights => '{"buy": 3, "view": 1, "return": -2}', params => '{"factors": 8, "epochs": 4, "holdout": 0}',
	items => 'items', item_key => 'id');
SELECT rec.create_model('explicit', 'e', value_column => 'value', time_column => 'at', feedback => 'explicit', params => '{"factors": 4, "epochs": 4}',
	items => 'items', item_key => 'id');
SELECT rec.train('implicit');
SELECT rec.train('explicit');
-- items that tie exactly
UPDATE implicit.item_factors f SET factors = g.factors FROM implicit.item_factors g WHERE f.position % 5 = 1 AND g.position = f.position - 1;

SELECT rec.create_item_set(m, 'cheap', 'price < 12') FROM unnest('{implicit,explicit}'::text[]) m;

-- All scores and the history of each user: scores by predict(), which test scores.sql holds against the tables.
CREATE TABLE base (model text, user_id int, item_id int, position int, score real, source text, history float8);
DO $$
DECLARE m text;
BEGIN
	FOREACH m IN ARRAY '{implicit,explicit}'::text[] LOOP
		EXECUTE format($q$INSERT INTO base
			SELECT %1$L, u.user_id, i.item_id, i.position, CASE WHEN x.known THEN %1$I.predict(u.user_id, i.item_id) ELSE i.popularity END,
				CASE WHEN x.known THEN 'personalized' ELSE 'popular' END,
				(SELECT h.weights[array_position(h.items, i.position)] FROM %1$I.user_history h WHERE h.user_id = u.user_id AND h.version = 1)
			FROM generate_series(1, 63) u (user_id), %1$I.item_factors i,
				LATERAL (SELECT EXISTS (SELECT FROM %1$I.user_history h WHERE h.user_id = u.user_id AND (%1$L = 'explicit' OR 0 < ANY (h.weights))) AS known) x$q$, m);
	END LOOP;
END $$;
CREATE INDEX ON base (model, user_id);
-- What a user takes again: as buy_again() says, which has its own test.
CREATE TABLE again AS SELECT 'implicit' AS model, u AS user_id, r.item_id, r.score AS r FROM generate_series(1, 63) u, LATERAL implicit.buy_again(u, NULL) r
	UNION ALL SELECT 'explicit', u, r.item_id, r.score FROM generate_series(1, 63) u, LATERAL explicit.buy_again(u, NULL) r;
CREATE INDEX ON again (model, user_id);
ANALYZE base, again;
CREATE FUNCTION brute(model text, user_id int, k int, exclude_seen bool, candidates int[], exclude int[], condition text, min_score real, after int, cursor jsonb,
	factor text, buy_again real)
RETURNS TABLE (item_id int, score real, rank int, source text) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format($q$
		WITH b AS (
			SELECT b.item_id, b.position, b.score, b.source, b.history, CASE WHEN $10 > 0 THEN a.r::float8 END AS r, i.*,
				max(abs(b.score::float8)) OVER () AS unit, max(a.r::float8) OVER () AS top
			FROM base b LEFT JOIN again a USING (model, user_id, item_id) LEFT JOIN items i ON i.id = b.item_id WHERE b.model = $1 AND b.user_id = $2),
		blended AS (
			SELECT b.*, CASE WHEN r > 0 THEN ((1 - $10::float8) * b.score + $10::float8 * unit * (1 + r / top))::real ELSE b.score END AS s FROM b),
		boosted AS (
			SELECT b.*, CASE WHEN s >= 0 THEN s * (%2$s)::real ELSE s / (%2$s)::real END AS f FROM blended b)
		SELECT item_id, f, rank, source FROM (
			SELECT b.item_id, b.f, b.source, b.position, (row_number() OVER (ORDER BY b.f DESC, b.position))::int AS rank
			FROM boosted b
			WHERE NOT ($4 AND b.history IS NOT NULL AND b.r IS NULL) AND NOT ($1 = 'implicit' AND coalesce(b.history < 0, false))
				AND ($5 IS NULL OR b.item_id = ANY ($5)) AND NOT coalesce(b.item_id = ANY ($6), false)
				AND (%1$s)) r
		WHERE ($7 IS NULL OR f >= $7) AND rank > coalesce($8, 0)
			AND ($9 IS NULL OR (f, -position) < (($9->>'score')::real, -(SELECT b.position FROM base b WHERE b.model = $1 AND b.item_id = ($9->>'item')::int LIMIT 1)))
		ORDER BY rank LIMIT $3$q$,
		CASE WHEN condition IS NULL THEN 'true' ELSE format('item_id IN (SELECT id FROM items WHERE %s)', condition) END, coalesce(factor, '1'))
		USING model, user_id, k, exclude_seen, candidates, exclude, min_score, after, cursor, buy_again;
END $$;
CREATE TABLE boost AS SELECT row_number() OVER () AS b, json, factor FROM (VALUES
	('{"kind": {"k1": 1.5, "k2": 0.5}}'::jsonb, 'CASE kind WHEN ''k1'' THEN 1.5 WHEN ''k2'' THEN 0.5 ELSE 1 END'),
	('{"price": {"3": 2, "4.0": 0.25, "99": 7}}', 'CASE price WHEN 3 THEN 2 WHEN 4 THEN 0.25 ELSE 1 END'),
	('{"price": {"3": 2}, "kind": {"k3": 1.25, "nothing": 9}}', 'CASE price WHEN 3 THEN 2 ELSE 1 END * CASE kind WHEN ''k3'' THEN 1.25 ELSE 1 END'),
	('{"odd": 3, "tags": {"t1": 2, "t2": 0.5}}', 'CASE WHEN odd THEN 3 ELSE 1 END * CASE WHEN ''t1'' = ANY (tags) THEN 2 ELSE 1 END * CASE WHEN ''t2'' = ANY (tags) THEN 0.5 ELSE 1 END'),
	('{"kind": {}}', '1'), ('{}', '1')) v (json, factor);

CREATE FUNCTION some_ids() RETURNS int[] VOLATILE LANGUAGE sql AS $$ SELECT array_agg((random() * 120)::int) FROM generate_series(1, 1 + (random() * 60)::int) $$;
CREATE TABLE request AS
SELECT n, CASE WHEN random() < 0.7 THEN 'implicit' ELSE 'explicit' END AS model, 1 + (random() * 62)::int AS user_id,
	CASE WHEN random() < 0.8 THEN (random() * 12)::int WHEN random() < 0.5 THEN 1000 END AS k, random() < 0.6 AS exclude_seen,
	CASE WHEN random() < 0.3 THEN some_ids() END AS candidates, CASE WHEN random() < 0.3 THEN some_ids() END AS exclude,
	CASE WHEN random() < 0.6 THEN (ARRAY['price < 9', 'kind = ''k1'' or price = 3', 'kind is null', 'price > 3 and not kind = ''k2''', 'id % 2 = 0', 'false'])[1 + (random() * 5)::int] END AS filter,
	random() AS r1, random() AS r2, random() AS r3
FROM generate_series(1, 1200) n;
ALTER TABLE request ADD min_score real, ADD after int, ADD cursor jsonb, ADD boost int, ADD buy_again real, ADD item_set text, ADD diversity real;
UPDATE request SET boost = CASE WHEN random() < 0.4 THEN 1 + (random() * 5)::int END, buy_again = CASE WHEN random() < 0.4 THEN (ARRAY[0, 0.3, 0.75, 1])[1 + (random() * 3)::int] END;
UPDATE request SET item_set = 'cheap' WHERE random() < 0.2;
UPDATE request r SET min_score = CASE WHEN r1 < 0.3 THEN (SELECT score FROM base b WHERE b.model = r.model AND b.user_id = r.user_id ORDER BY score DESC OFFSET (r1 * 300)::int LIMIT 1) END,
	after = CASE WHEN r2 < 0.3 THEN (r2 * 100)::int END,
	cursor = CASE WHEN r2 > 0.7 THEN (SELECT jsonb_build_object('score', score, 'item', CASE WHEN r3 < 0.5 THEN to_jsonb(item_id) ELSE to_jsonb(item_id::text) END)
		FROM base b WHERE b.model = r.model AND b.user_id = r.user_id ORDER BY score DESC, position OFFSET (r3 * 80)::int LIMIT 1) END;
CREATE FUNCTION ask(r request) RETURNS TABLE (item_id int, score real, rank int, source text) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT * FROM %I.recommend($1, $2, $3, candidates => $4, exclude => $5, filter => $6, min_score => $7, after => $8,
		boost => $9, buy_again => $10, item_set => $11, diversity => $12)', r.model)
		USING r.user_id, r.k, r.exclude_seen, r.candidates, r.exclude, r.filter, r.min_score, coalesce(to_jsonb(r.after), r.cursor),
		(SELECT json FROM boost WHERE b = r.boost), r.buy_again, r.item_set, r.diversity;
END $$;
CREATE FUNCTION brute(r request, k int) RETURNS TABLE (item_id int, score real, rank int, source text) LANGUAGE sql AS $$
	SELECT * FROM brute(r.model, r.user_id, k, r.exclude_seen, r.candidates, r.exclude,
		nullif(concat_ws(' and ', '(' || r.filter || ')', CASE WHEN r.item_set IS NOT NULL THEN 'price < 12' END), ''),
		r.min_score, r.after, r.cursor, (SELECT factor FROM boost WHERE b = r.boost), r.buy_again) $$;
CREATE TABLE answer AS SELECT r.n, (SELECT array_agg(a::text ORDER BY a.rank) FROM ask(r) a) AS got,
	(SELECT array_agg(b::text ORDER BY b.rank) FROM brute(r, r.k) b) AS expected
FROM request r;
SELECT is_empty($$SELECT r.*, got, expected FROM answer JOIN request r USING (n) WHERE got IS DISTINCT FROM expected AND r.model = 'implicit'$$, 'random requests, implicit: exactly the rows of brute force');
-- Sums with an offset may tie in the answer where the factors did not; then the order of the tie is that of the factors.
SELECT is_empty($$SELECT r.*, got, expected FROM answer JOIN request r USING (n)
	WHERE (SELECT array_agg(x ORDER BY x) FROM unnest(got) x) IS DISTINCT FROM (SELECT array_agg(x ORDER BY x) FROM unnest(expected) x) AND r.model = 'explicit'$$, 'explicit');
SELECT cmp_ok(count(*), '>', 500::bigint, 'many of them have rows') FROM answer WHERE cardinality(got) > 1;

-- Diversity: the greedy choice by its definition, from the best max(k, min(max(10 k, 100), 1000)) of the very same requests.
CREATE TABLE direction AS SELECT m.model, i.item_id, i.position, i.factors FROM implicit.item_factors i, (VALUES ('implicit')) m (model)
	UNION ALL SELECT 'explicit', item_id, position, factors FROM explicit.item_factors;
CREATE TABLE cosine AS SELECT a.model, a.item_id AS a, b.item_id AS b,
	coalesce((SELECT sum(x::float8 * y) FROM unnest(a.factors, b.factors) t (x, y)) / nullif(sqrt((SELECT sum(x::float8 * x) FROM unnest(a.factors) x) * (SELECT sum(y::float8 * y) FROM unnest(b.factors) y)), 0), 0) AS c
	FROM direction a JOIN direction b USING (model);
CREATE INDEX ON cosine (model, a, b) INCLUDE (c);
ANALYZE cosine;
-- how much better another item of the pool would have been, at the worst place of an answer
CREATE FUNCTION regret(r request, got int[]) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
	ids int[];
	relevance float8[];
	near float8[];
	most float8;
	own float8;
	worst float8 := 0;
BEGIN
	SELECT array_agg(item_id ORDER BY rank), array_agg(s ORDER BY rank), array_agg('-infinity'::float8) INTO ids, relevance, near
	FROM (SELECT item_id, rank, CASE WHEN max(f) OVER () > min(f) OVER () THEN (f - min(f) OVER ()) / (max(f) OVER () - min(f) OVER ()) ELSE 1 END AS s
		FROM (SELECT item_id, rank, score::float8 AS f FROM brute(r, greatest(coalesce(r.k, 1000), least(greatest(10 * coalesce(r.k, 100), 100), 1000)))) x) p;
	IF NOT got <@ ids OR cardinality(got) <> least(coalesce(r.k, 1000), cardinality(ids)) THEN
		RETURN 'infinity';
	END IF;
	FOR place IN 1 .. cardinality(got) LOOP
		SELECT max(v), max(v) FILTER (WHERE id = got[place]) INTO most, own
		FROM (SELECT id, (1 - r.diversity) * s - r.diversity * CASE WHEN place > 1 THEN n ELSE 0 END AS v FROM unnest(ids, relevance, near) u (id, s, n) WHERE id <> ALL (got[:place - 1])) x;
		worst := greatest(worst, most - own);
		near := ARRAY(SELECT greatest(u.n, (SELECT c FROM cosine WHERE model = r.model AND a = got[place] AND b = u.id)) FROM unnest(ids, near) WITH ORDINALITY u (id, n, o) ORDER BY o);
	END LOOP;
	RETURN worst;
END $$;
UPDATE request SET diversity = (ARRAY[0.1, 0.5, 0.9, 1])[1 + (random() * 3)::int], after = NULL, cursor = NULL, k = least(k, 8) WHERE n <= 150;
CREATE TABLE diverse AS SELECT r.n, (SELECT array_agg(a.item_id ORDER BY a.rank) FROM ask(r) a) AS got, (SELECT array_agg(a.rank) FROM ask(r) a) AS ranks,
	(SELECT array_agg((a.item_id, a.score, a.source)::text ORDER BY a.item_id) FROM ask(r) a) AS scored FROM request r WHERE n <= 150 AND k > 0;
SELECT is_empty($$SELECT * FROM (SELECT d.*, regret(r, d.got) AS regret FROM diverse d JOIN request r USING (n) WHERE got IS NOT NULL) x WHERE NOT regret < 1e-5$$, 'diversity: each place has the best item that was left');
SELECT is_empty($$SELECT * FROM diverse d JOIN request r USING (n) WHERE got IS NULL AND EXISTS (SELECT FROM brute(r, 1))$$, 'no answer only where there is none');
SELECT is_empty($$SELECT * FROM diverse WHERE ranks <> ARRAY(SELECT generate_series(1, cardinality(got)))$$, 'ranks count the places');
SELECT is_empty($$SELECT * FROM diverse d JOIN request r USING (n) WHERE (SELECT count(*) FROM brute(r, NULL) b WHERE (b.item_id, b.score, b.source)::text = ANY (scored)) <> cardinality(scored)$$, 'scores stay those of the items');
SELECT cmp_ok(count(*), '>', 60::bigint, 'many of them differ from the order by score') FROM diverse d JOIN request r USING (n)
	WHERE got <> (SELECT array_agg(b.item_id ORDER BY b.rank) FROM brute(r, r.k) b);
SELECT results_eq($$SELECT * FROM implicit.recommend(3, NULL, diversity => 0)$$, $$SELECT * FROM implicit.recommend(3, NULL)$$, 'diversity 0 is none');
SELECT results_eq($$SELECT * FROM implicit.recommend(3, 5, diversity => 0, after => '5')$$, $$SELECT * FROM implicit.recommend(3, NULL) WHERE rank BETWEEN 6 AND 10$$, 'and pages');
SELECT bag_eq($$SELECT item_id, score FROM implicit.recommend(3, NULL, diversity => 0.7)$$, $$SELECT item_id, score FROM implicit.recommend(3, NULL)$$, 'k null: everything, in another order');
SELECT isnt((SELECT array_agg(item_id ORDER BY rank) FROM implicit.recommend(3, 10, diversity => 0.8)), (SELECT array_agg(item_id ORDER BY rank) FROM implicit.recommend(3, 10)), 'another order indeed');
SELECT is(count(*), 6::bigint, 'popular items are diversified too') FROM implicit.recommend(999, 6, diversity => 0.5) WHERE source = 'popular';
SELECT isnt((SELECT array_agg(item_id ORDER BY rank) FROM implicit.recommend_for('{1,2}', 10, diversity => 0.8)), (SELECT array_agg(item_id ORDER BY rank) FROM implicit.recommend_for('{1,2}', 10)), 'a basket too');
SELECT throws_ok(format('SELECT * FROM implicit.recommend(3, diversity => %L)', d), '22023', 'diversity must be a number from 0 to 1', 'diversity ' || d) FROM unnest('{-0.1,1.1,NaN,Infinity}'::text[]) d;
SELECT throws_ok($$SELECT * FROM implicit.recommend(3, diversity => 0.5, after => '3')$$, '0A000', 'diversity and after cannot be combined', 'paging with diversity');
SELECT throws_ok($$SELECT * FROM implicit.recommend_for('{3}', diversity => 0.5, after => '{"score": 1, "item": 2}')$$, '0A000', 'diversity and after cannot be combined', 'by cursor');

-- boost
SELECT results_eq($$SELECT item_id::int, score, rank FROM rec.recommend('implicit', 3, 7, boost => '{"kind": {"k1": 3}}', diversity => 0.3, buy_again => 0.5)$$,
	$$SELECT item_id, score, rank FROM implicit.recommend(3, 7, boost => '{"kind": {"k1": 3}}', diversity => 0.3, buy_again => 0.5)$$, 'by name');
SELECT results_eq($$SELECT item_id::int, score FROM rec.recommend('implicit', '3', 7, boost => '{"kind": {"k1": 3}}')$$, $$SELECT item_id, score FROM implicit.recommend(3, 7, boost => '{"kind": {"k1": 3}}')$$, 'by name, user as text');
SELECT results_eq($$SELECT item_id::int, score FROM rec.recommend_for('implicit', '{1,2}', 7, boost => '{"kind": {"k1": 3}}', diversity => 0.2)$$, $$SELECT item_id, score FROM implicit.recommend_for('{1,2}', 7, boost => '{"kind": {"k1": 3}}', diversity => 0.2)$$, 'a basket by name');
SELECT results_eq($$SELECT u, item_id, score FROM generate_series(1, 9) u, LATERAL implicit.recommend(u, 3, boost => jsonb_build_object('kind', jsonb_build_object('k' || u % 3, 5)))$$,
	$$SELECT u, r.item_id, r.score FROM generate_series(1, 9) u, LATERAL (SELECT r.item_id, r.score * CASE WHEN kind = 'k' || u % 3 AND r.score >= 0 THEN 5 WHEN kind = 'k' || u % 3 THEN 0.2 ELSE 1 END::real AS score
		FROM implicit.recommend(u, NULL) r LEFT JOIN items ON id = r.item_id ORDER BY 2 DESC, r.rank LIMIT 3) r$$, 'LATERAL, another boost for each');
SELECT cmp_ok(count(*), '>', 0::bigint, 'a negative score is raised by a factor above 1') FROM implicit.recommend(3, NULL, boost => '{"kind": {"k1": 3}}') b JOIN implicit.recommend(3, NULL) r USING (item_id) JOIN items ON id = item_id
	WHERE kind = 'k1' AND r.score < 0 AND b.score > r.score;
SELECT throws_ok(format('SELECT * FROM implicit.recommend(3, boost => %L)', b), c, m, 'boost ' || b) FROM (VALUES
	('[1]', '22023', 'invalid value for boost'), ('3', '22023', 'invalid value for boost'), ('"kind"', '22023', 'invalid value for boost'),
	('{"kindd": {"k1": 2}}', '42703', 'column "kindd" of item relation "items" does not exist'),
	('{"xmin": {"1": 2}}', '42703', NULL), ('{"": {"1": 2}}', '42703', NULL),
	('{"kind\" = 1; --": {"1": 2}}', '42703', NULL),
	('{"kind": 2}', '22023', 'invalid boost for column "kind"'), ('{"kind": ["k1"]}', '22023', 'invalid boost for column "kind"'),
	('{"kind": {"k1": 0}}', '22023', 'invalid boost for column "kind"'), ('{"kind": {"k1": -2}}', '22023', 'invalid boost for column "kind"'),
	('{"kind": {"k1": "2"}}', '22023', 'invalid boost for column "kind"'), ('{"kind": {"k1": null}}', '22023', 'invalid boost for column "kind"'),
	('{"kind": {"k1": {"k2": 1}}}', '22023', NULL), ('{"kind": null}', '22023', 'invalid boost for column "kind"'), ('{"kind": "k1"}', '22023', NULL),
	('{"kind": {"k1": 1e60}}', '22003', NULL), ('{"odd": true}', '22023', NULL),
	('{"price": {"cheap": 2}}', '22P02', NULL)) v (b, c, m);
ALTER TABLE items ADD place point, ADD secret int;
SELECT throws_ok($$SELECT * FROM implicit.recommend(3, boost => '{"place": {"(0,0)": 2}}')$$, '42883', 'column "place" of item relation "items" cannot be compared', 'a type without equality');
SELECT is(count(*), 10::bigint, 'factors that overflow') FROM implicit.recommend(3, boost => '{"tags": {"t1": 1e30, "t2": 1e30, "t0": 1e38}, "odd": 1e38}');
CREATE ROLE boost_reader;
GRANT USAGE ON SCHEMA implicit TO boost_reader;
GRANT SELECT (id, kind) ON items TO boost_reader;
SET ROLE boost_reader;
SELECT isnt_empty($$SELECT * FROM implicit.recommend(3, boost => '{"kind": {"k1": 2}}')$$, 'columns that the caller may read');
SELECT throws_ok($$SELECT * FROM implicit.recommend(3, boost => '{"secret": {"1": 2}}')$$, '42501', 'permission denied for table items', 'one that the caller may not read');
RESET ROLE;
ALTER TABLE items ENABLE ROW LEVEL SECURITY;
CREATE POLICY cheap ON items TO boost_reader USING (kind <> 'k1');
SET ROLE boost_reader;
SELECT results_eq($$SELECT * FROM implicit.recommend(3, boost => '{"kind": {"k1": 2}}')$$, $$SELECT * FROM implicit.recommend(3)$$, 'rows that the caller may not see have no factor');
RESET ROLE;
ALTER TABLE items DISABLE ROW LEVEL SECURITY;
DROP OWNED BY boost_reader;
DROP ROLE boost_reader;

-- buy_again
SELECT results_eq($$SELECT u, item_id FROM generate_series(1, 60) u, LATERAL (SELECT r.* FROM explicit.recommend(u, NULL, buy_again => 1) r JOIN again a ON a.model = 'explicit' AND a.user_id = u AND a.item_id = r.item_id ORDER BY r.rank) r WHERE r.rank <= (SELECT count(*) FROM again a WHERE a.model = 'explicit' AND a.user_id = u)$$,
	$$SELECT u, item_id FROM generate_series(1, 60) u, LATERAL explicit.buy_again(u, NULL)$$, 'weight 1: first what is bought again, in its order');
SELECT results_eq($$SELECT item_id, score FROM implicit.recommend(3, NULL, buy_again => 0.5) WHERE item_id NOT IN (SELECT item_id FROM again WHERE model = 'implicit' AND user_id = 3)$$,
	$$SELECT item_id, score FROM implicit.recommend(3, NULL)$$, 'other items keep score and order');
SELECT results_eq($$SELECT * FROM implicit.recommend(3, buy_again => 0)$$, $$SELECT * FROM implicit.recommend(3)$$, 'weight 0 is none');
SELECT results_eq($$SELECT * FROM implicit.recommend(999, buy_again => 1)$$, $$SELECT * FROM implicit.recommend(999)$$, 'of a stranger nothing is known');
SELECT throws_ok(format('SELECT * FROM implicit.recommend(3, buy_again => %L)', w), '22023', 'buy_again must be a number from 0 to 1', 'buy_again ' || w) FROM unnest('{-1,2,NaN}'::text[]) w;
SELECT throws_ok($$SELECT * FROM rec._recommend_for('implicit', '{1}'::int[], NULL::int, 1, true, NULL::int[], NULL::int[], NULL, '{"buy_again": 0.5}')$$, '22023', 'unknown option "buy_again"', 'a basket has no past');

-- recommend_many: the same rows as recommend()
SELECT results_eq(format('SELECT user_id, item_id, score, rank FROM %I.recommend_many(k => 7, %s) ORDER BY 1, 4', m, o), format('SELECT u.user_id, r.item_id, r.score, r.rank FROM %1$I.active_users u, LATERAL %1$I.recommend(u.user_id, 7, %2$s) r ORDER BY 1, 4', m, o), 'recommend_many, ' || m || ': ' || o)
FROM (VALUES ('implicit'), ('explicit')) m (m), (VALUES ($$filter => 'price < 9'$$), ($$filter => 'price < :p', filter_args => '{"p": 5}', item_set => 'cheap', exclude => '{1,2,3}'$$), ($$item_set => 'cheap', candidates => ARRAY(SELECT generate_series(1, 50))$$),
	('min_score => 0.2'), ($$min_score => 3, filter => 'false'$$)) o (o);
SELECT results_eq($$SELECT user_id, item_id, score FROM rec.recommend_many('implicit', '{3,4}', 3, filter => 'price < 9', min_score => 0.01)$$, $$SELECT user_id::text, item_id::text, score FROM implicit.recommend_many('{3,4}', 3, filter => 'price < 9', min_score => 0.01)$$, 'by name');
SELECT throws_ok($$SELECT * FROM implicit.recommend_many(filter => 'price <')$$, '42601', NULL, 'recommend_many refuses a bad filter');
SELECT throws_ok($$SELECT * FROM implicit.recommend_many(filter => 'random() < 1')$$, '0A000', 'the filter holds a volatile function', 'a volatile one');
SELECT throws_ok($$SELECT * FROM implicit.recommend_many(item_set => 'x')$$, '42704', NULL, 'and an unknown set');

-- Never fewer than k rows when k items are allowed, whatever the source.
SELECT is_empty($$SELECT u, f, c.allowed FROM generate_series(1, 63, 4) u, unnest('{price < 3,kind is null,true,id = 7}'::text[]) f,
	LATERAL (SELECT count(*) AS allowed FROM brute('implicit', u, NULL, true, NULL, NULL, f, NULL, NULL, NULL, NULL, NULL)) c
	WHERE (SELECT count(*) FROM implicit.recommend(u, 6, filter => f)) <> least(6, c.allowed)
		OR (SELECT count(*) FROM implicit.recommend(u, 6, filter => f, after => '2')) <> least(6, greatest(c.allowed - 2, 0))
		OR (SELECT count(*) FROM implicit.recommend(u, 6, filter => f, diversity => 0.5, boost => '{"odd": 0.1}')) <> least(6, c.allowed)$$, 'k rows when k items are allowed');
SELECT is(array_agg(DISTINCT source ORDER BY source), '{personalized,popular}', 'of both sources') FROM generate_series(1, 63) u, LATERAL implicit.recommend(u, 1);

-- Paging: pages put together are the whole, each row once, ranks go on.
CREATE FUNCTION pages(user_id int, size int, by_cursor bool, filter text, model text DEFAULT 'implicit') RETURNS TABLE (item_id int, score real, rank int) LANGUAGE plpgsql AS $$
DECLARE
	after jsonb;
	rows int;
BEGIN
	LOOP
		rows := 0;
		FOR item_id, score, rank IN EXECUTE format('SELECT r.item_id, r.score, r.rank FROM %I.recommend($1, $2, filter => $3, after => $4) r', model)
			USING user_id, size, filter, after LOOP
			rows := rows + 1;
			RETURN NEXT;
		END LOOP;
		EXIT WHEN rows < size;
		after := CASE WHEN by_cursor THEN jsonb_build_object('score', score, 'item', item_id) ELSE to_jsonb(rank) END;
	END LOOP;
END $$;
SELECT results_eq(format('SELECT * FROM pages(%s, %s, %L, %L, %L)', u, s, c, f, m), format('SELECT item_id, score, rank FROM %I.recommend(%s, NULL, filter => %L)', m, u, f),
	format('pages of %s for user %s of %s, by cursor %s, filter %s', s, u, m, c, f))
FROM (VALUES ('implicit'), ('explicit')) m (m), (VALUES (3), (999)) u (u), (VALUES (1), (4), (30)) s (s), (VALUES (true), (false)) c (c), (VALUES (NULL), ('price < 12')) f (f);
-- A cursor holds on to its place when an item before it disappears, a rank does not.
SELECT results_eq($$SELECT item_id FROM implicit.recommend(3, 5, after => (SELECT jsonb_build_object('score', score, 'item', item_id) FROM implicit.recommend(3, 5) r WHERE rank = 5), exclude => (SELECT array_agg(item_id) FROM implicit.recommend(3, 2)))$$,
	'SELECT item_id FROM implicit.recommend(3, 10) WHERE rank > 5', 'a cursor does not repeat when something before it goes');
SELECT is_empty($$SELECT * FROM implicit.recommend(3, after => '1000')$$, 'after the end');
SELECT is_empty($$SELECT * FROM implicit.recommend(3, NULL, after => '99999999999999999999')$$, 'far after the end');
SELECT is_empty($$SELECT * FROM implicit.recommend(3, 2147483647, after => '2147483647')$$, 'sums do not overflow');
SELECT results_eq($$SELECT * FROM implicit.recommend(3, 2147483647, after => '1')$$, $$SELECT * FROM implicit.recommend(3, NULL) WHERE rank > 1$$, 'nor here');
SELECT results_eq($$SELECT * FROM implicit.recommend(3, after => '0')$$, $$SELECT * FROM implicit.recommend(3)$$, 'after nothing');
SELECT results_eq($$SELECT * FROM implicit.recommend(3, after => 'null')$$, $$SELECT * FROM implicit.recommend(3)$$, 'after a JSON null');
SELECT results_eq($$SELECT item_id, rank FROM implicit.recommend(3, after => '{"score": 1e9, "item": 5}')$$, $$SELECT item_id, rank FROM implicit.recommend(3)$$, 'a cursor above everything');
SELECT results_eq($$SELECT item_id, rank FROM implicit.recommend(3, 3, after => '{"score": 0.1, "item": 123456}')$$, $$SELECT item_id, rank FROM implicit.recommend(3, NULL) WHERE score < 0.1 LIMIT 3$$, 'a cursor with an unknown item: lower scores');
SELECT throws_ok(format('SELECT * FROM implicit.recommend(3, after => %L)', a), '22023', NULL, 'after ' || a)
FROM unnest('{-1,1.5,"\"x\"","true","[1]","{}","{\"score\": 1}","{\"item\": 1}","{\"score\": null, \"item\": 1}","{\"score\": 1, \"item\": [1]}","{\"score\": 1, \"item\": 1, \"rank\": 2}","{\"score\": \"NaN\", \"item\": 1}"}'::text[]) a;
SELECT throws_ok($$SELECT * FROM implicit.recommend(3, after => '{"score": "high", "item": 1}')$$, '22P02', NULL, 'a score that is no number');
SELECT throws_ok($$SELECT * FROM implicit.recommend(3, after => '{"score": 1, "item": "one"}')$$, '22P02', NULL, 'an item that is no key');
-- min_score
SELECT is_empty($$SELECT * FROM implicit.recommend(3, min_score => 'Infinity')$$, 'min_score infinite');
SELECT results_eq($$SELECT * FROM implicit.recommend(3, min_score => '-Infinity')$$, $$SELECT * FROM implicit.recommend(3)$$, 'min_score minus infinite');
SELECT score AS third FROM implicit.recommend(3, 3) WHERE rank = 3 \gset
SET extra_float_digits = 0;
SELECT is(count(*), 3::bigint, 'min_score is exact whatever extra_float_digits') FROM implicit.recommend(3, 3, min_score => :'third');
RESET extra_float_digits;
SET extra_float_digits = 1;
SELECT throws_ok($$SELECT * FROM implicit.recommend(3, min_score => 'NaN')$$, '22023', 'min_score must be a number', 'min_score NaN');
SELECT results_eq($$SELECT * FROM implicit.recommend(999, NULL, min_score => 3)$$, $$SELECT * FROM implicit.recommend(999, NULL) WHERE score >= 3$$, 'min_score of popular items is their popularity');
SELECT results_eq($$SELECT * FROM implicit.recommend_for('{1,2}', NULL, min_score => 0.01, after => '2', filter => 'price < 12')$$,
	$$SELECT * FROM implicit.recommend_for('{1,2}', NULL, filter => 'price < 12') WHERE score >= 0.01 AND rank > 2$$, 'for a basket');
SELECT results_eq($$SELECT item_id::int, score, rank FROM rec.recommend_for('implicit', '{1,2}', 3, min_score => 0.01, after => '2')$$,
	$$SELECT item_id, score, rank FROM implicit.recommend_for('{1,2}', 3, min_score => 0.01, after => '2')$$, 'by name');
SELECT * FROM finish();
