-- What composes: random requests against a brute-force query on the model's tables. And paging.
SET client_min_messages = warning;
SET extra_float_digits = 1;
SELECT no_plan();
SELECT setseed(0.25);
CREATE TABLE items (id int PRIMARY KEY, price numeric, kind text);
INSERT INTO items SELECT i, i % 17, CASE WHEN i % 4 > 0 THEN 'k' || i % 4 END FROM generate_series(0, 110) i;
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
CREATE FUNCTION brute(model text, user_id int, k int, exclude_seen bool, candidates int[], exclude int[], condition text, min_score real, after int, cursor jsonb)
RETURNS TABLE (item_id int, score real, rank int, source text) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format($q$
		SELECT item_id, score, rank, source FROM (
			SELECT b.item_id, b.score, b.source, b.position, (row_number() OVER (ORDER BY b.score DESC, b.position))::int AS rank
			FROM base b WHERE b.model = $1 AND b.user_id = $2
				AND NOT ($4 AND b.history IS NOT NULL) AND NOT ($1 = 'implicit' AND coalesce(b.history < 0, false))
				AND ($5 IS NULL OR b.item_id = ANY ($5)) AND NOT coalesce(b.item_id = ANY ($6), false)
				AND (%s)) r
		WHERE ($7 IS NULL OR score >= $7) AND rank > coalesce($8, 0)
			AND ($9 IS NULL OR (score, -position) < (($9->>'score')::real, -(SELECT b.position FROM base b WHERE b.model = $1 AND b.item_id = ($9->>'item')::int LIMIT 1)))
		ORDER BY rank LIMIT $3$q$,
		CASE WHEN condition IS NULL THEN 'true' ELSE format('item_id IN (SELECT id FROM items WHERE %s)', condition) END)
		USING model, user_id, k, exclude_seen, candidates, exclude, min_score, after, cursor;
END $$;

CREATE FUNCTION some_ids() RETURNS int[] VOLATILE LANGUAGE sql AS $$ SELECT array_agg((random() * 120)::int) FROM generate_series(1, 1 + (random() * 60)::int) $$;
CREATE TABLE request AS
SELECT n, CASE WHEN random() < 0.7 THEN 'implicit' ELSE 'explicit' END AS model, 1 + (random() * 62)::int AS user_id,
	CASE WHEN random() < 0.8 THEN (random() * 12)::int WHEN random() < 0.5 THEN 1000 END AS k, random() < 0.6 AS exclude_seen,
	CASE WHEN random() < 0.3 THEN some_ids() END AS candidates, CASE WHEN random() < 0.3 THEN some_ids() END AS exclude,
	CASE WHEN random() < 0.6 THEN (ARRAY['price < 9', 'kind = ''k1'' or price = 3', 'kind is null', 'price > 3 and not kind = ''k2''', 'id % 2 = 0', 'false'])[1 + (random() * 5)::int] END AS filter,
	random() AS r1, random() AS r2, random() AS r3
FROM generate_series(1, 1500) n;
ALTER TABLE request ADD min_score real, ADD after int, ADD cursor jsonb;
UPDATE request r SET min_score = CASE WHEN r1 < 0.3 THEN (SELECT score FROM base b WHERE b.model = r.model AND b.user_id = r.user_id ORDER BY score DESC OFFSET (r1 * 300)::int LIMIT 1) END,
	after = CASE WHEN r2 < 0.3 THEN (r2 * 100)::int END,
	cursor = CASE WHEN r2 > 0.7 THEN (SELECT jsonb_build_object('score', score, 'item', CASE WHEN r3 < 0.5 THEN to_jsonb(item_id) ELSE to_jsonb(item_id::text) END)
		FROM base b WHERE b.model = r.model AND b.user_id = r.user_id ORDER BY score DESC, position OFFSET (r3 * 80)::int LIMIT 1) END;
CREATE FUNCTION ask(r request) RETURNS TABLE (item_id int, score real, rank int, source text) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT * FROM %I.recommend($1, $2, $3, candidates => $4, exclude => $5, filter => $6, min_score => $7, after => $8)', r.model)
		USING r.user_id, r.k, r.exclude_seen, r.candidates, r.exclude, r.filter, r.min_score, coalesce(to_jsonb(r.after), r.cursor);
END $$;
CREATE TABLE answer AS SELECT r.n, (SELECT array_agg(a::text ORDER BY a.rank) FROM ask(r) a) AS got,
	(SELECT array_agg(b::text ORDER BY b.rank) FROM brute(r.model, r.user_id, r.k, r.exclude_seen, r.candidates, r.exclude, r.filter, r.min_score, r.after, r.cursor) b) AS expected
FROM request r;
SELECT is_empty($$SELECT r.*, got, expected FROM answer JOIN request r USING (n) WHERE got IS DISTINCT FROM expected AND r.model = 'implicit'$$, 'random requests, implicit: exactly the rows of brute force');
-- Sums with an offset may tie in the answer where the factors did not; then the order of the tie is that of the factors.
SELECT is_empty($$SELECT r.*, got, expected FROM answer JOIN request r USING (n)
	WHERE (SELECT array_agg(x ORDER BY x) FROM unnest(got) x) IS DISTINCT FROM (SELECT array_agg(x ORDER BY x) FROM unnest(expected) x) AND r.model = 'explicit'$$, 'explicit');
SELECT cmp_ok(count(*), '>', 500::bigint, 'many of them have rows') FROM answer WHERE cardinality(got) > 1;

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
