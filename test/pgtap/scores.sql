-- Scores: exact top k against SQL over the model's tables; stored = folded in = explained, to the last bit.
SET client_min_messages = warning;
SET extra_float_digits = 1;
SELECT no_plan();
CREATE TABLE e (user_id int, item_id int, event text, value real, at timestamptz);
INSERT INTO e SELECT u, (u * k * k + 3 * k) % 83, CASE (u + k) % 4 WHEN 0 THEN 'buy' WHEN 1 THEN 'return' ELSE 'view' END,
	1 + (u * k) % 5, timestamptz '2024-01-01' + (u * 7 + k * 31) % 900 * interval '1 hour'
FROM generate_series(1, 80) u, generate_series(1, 12) k;
INSERT INTO e SELECT u, 90 + u % 3, 'view', 1, '2024-01-01' FROM generate_series(1, 3) u;
CREATE INDEX ON e (user_id) INCLUDE (item_id, event, value, at);
-- The same rows where no index helps: there the stored factors serve.
CREATE TABLE twin AS SELECT * FROM e;

-- Checks of one trained model and its twin with the very same factors.
CREATE FUNCTION check_scores(model text, other text, label text, explicit boolean) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
	m bigint;
	worst float8;
	version int := (SELECT active_version FROM rec.model r WHERE r.model = check_scores.model);
BEGIN
	-- brute force in double precision
	EXECUTE format($q$
		CREATE TEMP TABLE brute AS
		SELECT u.user_id, i.item_id, i.position, v.mean::float8 + u.bias + i.bias + (SELECT sum(a::float8 * b) FROM unnest(u.factors, i.factors) f (a, b)) AS score
		FROM %1$I.user_factors u JOIN %1$I.item_factors i USING (version) JOIN %1$I.model_version v USING (version) WHERE version = $1
		$q$, model) USING version;
	EXECUTE format('CREATE TEMP TABLE answers AS SELECT u.user_id, r.* FROM %1$I.active_users u, LATERAL %1$I.recommend(u.user_id, NULL, false) r', model);
	EXECUTE format('CREATE TEMP TABLE top AS SELECT u.user_id, r.* FROM %1$I.active_users u, LATERAL %1$I.recommend(u.user_id, 7) r', model);

	SELECT max(abs(a.score - b.score) / (1 + abs(b.score))) INTO worst FROM answers a JOIN brute b USING (user_id, item_id) WHERE a.source <> 'popular';
	RETURN NEXT ok(worst < 1e-5, label || ': scores are those of the stored factors');
	-- by their own scores rows come in the right order, ties by position
	SELECT count(*) INTO n FROM (SELECT a.*, row_number() OVER (PARTITION BY user_id ORDER BY a.score DESC, b.position) AS place
		FROM answers a JOIN brute b USING (user_id, item_id) WHERE source <> 'popular') x WHERE place <> rank;
	RETURN NEXT is(n, 0::bigint, label || ': ranked by score, then by position');
	-- top 7 of what is not seen: exactly the 7 first of all that is not in the history
	EXECUTE format($q$SELECT count(*) FROM (
		SELECT user_id, item_id, score, row_number() OVER (PARTITION BY user_id ORDER BY rank) AS rank FROM (
			SELECT a.* FROM answers a JOIN brute b USING (user_id, item_id)
			WHERE NOT EXISTS (SELECT FROM %1$I.user_history h WHERE h.version = $1 AND h.user_id = a.user_id AND b.position = ANY (h.items))) x
		) y FULL JOIN top t USING (user_id, item_id, score, rank) WHERE (y.rank <= 7 OR y.rank IS NULL) AND (t.rank IS NULL OR y.user_id IS NULL)$q$, model)
		USING version INTO n;
	RETURN NEXT is(n, 0::bigint, label || ': the top 7 are exactly the best 7 that are not seen');
	-- every score again by predict
	EXECUTE format('SELECT count(*) FROM answers a WHERE source <> ''popular'' AND %I.predict(user_id, item_id) IS DISTINCT FROM score', model) INTO n;
	RETURN NEXT is(n, 0::bigint, label || ': predict is the score, bit for bit');
	-- the contributions of explain
	EXECUTE format($q$SELECT max(abs(x.total - a.score) / (1 + abs(a.score))) FROM (SELECT * FROM answers WHERE user_id %% 8 = 1 AND source <> 'popular' AND item_id %% 7 = 1) a,
		LATERAL (SELECT sum(contribution::float8) AS total FROM %I.explain(a.user_id, a.item_id)) x$q$, model) INTO worst;
	RETURN NEXT ok(worst < 2e-5, label || ': contributions add up to the score, off by ' || worst);
	EXECUTE format($q$SELECT count(*) FROM (SELECT * FROM answers WHERE user_id %% 8 = 1 AND source <> 'popular' AND item_id %% 7 = 1) a,
		LATERAL (SELECT abs(sum(share::float8) - 1) / (1 + sum(abs(share))) AS d, array_agg(rank ORDER BY contribution DESC, item_id) AS ranks, count(*) AS n FROM %I.explain(a.user_id, a.item_id)) x
		WHERE d > 1e-5 OR ranks[1] <> 1 OR ranks[n] <> n$q$, model) INTO n;
	RETURN NEXT is(n, 0::bigint, label || ': shares add up to 1, largest contribution first');

	-- stored = folded in
	EXECUTE format('SELECT count(*) FROM answers a JOIN (SELECT u.user_id, r.* FROM %1$I.active_users u, LATERAL %1$I.recommend(u.user_id, NULL, false) r) b
		USING (user_id, item_id) WHERE (a.score, a.rank) IS DISTINCT FROM (b.score, b.rank)', other) INTO n;
	RETURN NEXT is(n, 0::bigint, label || ': the same without live events');
	-- An item that the version does not know changes the events and not the pairs; to fold in, an event has to come and go in weight:
	-- a subset of versions is folded in by reading the events with the history hidden.
	EXECUTE format('CREATE TEMP TABLE kept ON COMMIT DROP AS SELECT * FROM %I.user_history WHERE version = $1', model) USING version;
	EXECUTE format('DELETE FROM %I.user_history WHERE version = $1', model) USING version;
	EXECUTE format('SELECT count(*) FILTER (WHERE b.source <> ''folded_in''), count(*) FILTER (WHERE (a.score, a.rank) IS DISTINCT FROM (b.score, b.rank))
		FROM (SELECT * FROM answers WHERE source <> ''popular'') a LEFT JOIN (SELECT u.user_id, r.* FROM %1$I.active_users u, LATERAL %1$I.recommend(u.user_id, NULL, false) r) b USING (user_id, item_id)', model) INTO n, m;
	RETURN NEXT is(n, 0::bigint, label || ': with the stored history gone everyone is folded in');
	RETURN NEXT is(m, 0::bigint, label || ': and every score is the same, bit for bit');
	EXECUTE format('INSERT INTO %I.user_history SELECT * FROM kept', model);
	EXECUTE format('SELECT count(*) FROM answers a JOIN (SELECT u.user_id, r.* FROM %1$I.active_users u, LATERAL %1$I.recommend(u.user_id, NULL, false) r) b
		USING (user_id, item_id) WHERE (a.score, a.rank, a.source) IS DISTINCT FROM (b.score, b.rank, b.source)', model) INTO n;
	RETURN NEXT is(n, 0::bigint, label || ': with it back the stored factors serve');
	DROP TABLE brute, answers, top, kept;
END $$;

CREATE FUNCTION pair(name text, params jsonb, feedback text DEFAULT 'implicit', value_column text DEFAULT NULL, event_column text DEFAULT NULL,
	weights jsonb DEFAULT NULL, time_column text DEFAULT NULL, half_life interval DEFAULT NULL) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM rec.create_model(name, 'e', 'user_id', 'item_id', value_column, event_column, weights, time_column, half_life, feedback, params || '{"holdout": 0}');
	PERFORM rec.create_model(name || '_twin', 'twin', 'user_id', 'item_id', value_column, event_column, weights, time_column, half_life, feedback, params || '{"holdout": 0}');
	PERFORM rec.train(name);
	PERFORM rec.train(name || '_twin');
	RETURN QUERY SELECT check_scores(name, name || '_twin', name, feedback = 'explicit');
END $$;
SELECT pair('plain', '{"factors": 16, "epochs": 4}');
SELECT pair('cholesky', '{"factors": 20, "epochs": 3, "solver": "cholesky"}');
SELECT pair('one', '{"factors": 1, "epochs": 4}');
SELECT pair('wide', '{"factors": 130, "epochs": 2}');
SELECT pair('typed', '{"factors": 16, "epochs": 4, "weight_transform": "none"}', event_column => 'event', weights => '{"view": 1, "buy": 4, "return": -4}');
SELECT pair('decayed', '{"factors": 16, "epochs": 4}', value_column => 'value', event_column => 'event', weights => '{"view": 1, "buy": 4, "return": -4}',
	time_column => 'at', half_life => '3 days 7 hours');
SELECT pair('binary', '{"factors": 15, "epochs": 4, "weight_transform": "binary", "frequency_exponent": 0}', value_column => 'value');
SELECT pair('explicit', '{"factors": 16, "epochs": 4}', 'explicit', value_column => 'value');
SELECT pair('explicit_timed', '{"factors": 31, "epochs": 4, "solver": "cholesky"}', 'explicit', value_column => 'value', time_column => 'at');

-- A model whose options changed and changed back, whose key columns moved, answers the same.
CREATE TABLE before AS SELECT u, r.* FROM generate_series(1, 80) u, decayed.recommend(u) r;
SELECT rec.alter_model('decayed', keep_versions => 5, params => '{"factors": 3}');
SELECT rec.alter_model('decayed', half_life => '1 day');
ALTER TABLE e ADD COLUMN extra text DEFAULT 'x';
ALTER TABLE e DROP COLUMN extra;
ALTER TABLE e ALTER value TYPE float8;
VACUUM FULL e;
SELECT set_eq('SELECT u, r.* FROM generate_series(1, 80) u, decayed.recommend(u) r', 'SELECT * FROM before', 'altered for the next training: this version answers as before');

-- similar_items and similar_users against brute force; support
CREATE TABLE cosines AS
	SELECT a.item_id AS item, b.item_id, b.position, b.support, (SELECT sum(x::float8 * y) / sqrt(sum(x::float8 ^ 2) * sum(y::float8 ^ 2)) FROM unnest(a.factors, b.factors) f (x, y)) AS cosine
	FROM plain.item_factors a JOIN plain.item_factors b USING (version) WHERE a.item_id <> b.item_id;
SELECT ok(max(abs(score - cosine)) < 1e-5, 'similar_items: cosines of the factors') FROM (SELECT i.item_id AS item, s.* FROM plain.active_items i, plain.similar_items(i.item_id, NULL) s) s JOIN cosines c USING (item, item_id);
SELECT is(count(*), 0::bigint, 'support is the item''s') FROM (SELECT i.item_id AS item, s.* FROM plain.active_items i, plain.similar_items(i.item_id, NULL) s) s JOIN cosines c USING (item, item_id) WHERE s.support <> c.support;
SELECT is((SELECT count(*) FROM plain.similar_items(5, NULL)), (SELECT count(*) - 1 FROM plain.active_items), 'k null: all other items');
SELECT is((SELECT min(rank) FROM plain.similar_items(5, NULL) WHERE support < 5), (SELECT max(rank) + 1 FROM plain.similar_items(5, NULL) WHERE support >= 5),
	'items of one event come after all with 5 users and more');
SELECT ok((SELECT bool_and(ok) FROM (SELECT score <= lag(score) OVER (PARTITION BY support >= 5 ORDER BY rank) OR lag(score) OVER (PARTITION BY support >= 5 ORDER BY rank) IS NULL AS ok
	FROM plain.similar_items(5, NULL)) x), 'each group by cosine');
SELECT is_empty('SELECT * FROM plain.similar_items(5, NULL, min_support => 2) WHERE support < 2', 'min_support leaves out');
SELECT is((SELECT count(*) FROM plain.similar_items(5, NULL, min_support => 0)), (SELECT count(*) FROM plain.similar_items(5, NULL)), 'min_support 0 leaves out nothing');
SELECT is((SELECT array_agg(item_id ORDER BY rank) FROM plain.similar_items(5, 4, min_support => 0)),
	(SELECT array_agg(item_id ORDER BY score DESC) FROM (SELECT * FROM plain.similar_items(5, NULL) ORDER BY score DESC LIMIT 4) x), 'and orders by cosine alone');
SELECT ok((SELECT max(abs(s.score - c)) < 1e-5 FROM plain.similar_users(7, NULL) s JOIN (
	SELECT b.user_id, (SELECT sum(x::float8 * y) / sqrt(sum(x::float8 ^ 2) * sum(y::float8 ^ 2)) FROM unnest(a.factors, b.factors) f (x, y)) AS c
	FROM plain.active_users a, plain.active_users b WHERE a.user_id = 7) x USING (user_id)), 'similar_users: cosines of the factors');
SELECT is_empty('SELECT * FROM plain.similar_users(7, NULL) WHERE user_id = 7', 'nobody is similar to himself');
SELECT ok((SELECT bool_and(rank = place) FROM (SELECT rank, row_number() OVER (ORDER BY score DESC) AS place FROM explicit.similar_users(7, NULL)) x), 'best first');
-- recommend_users
SELECT set_eq('SELECT user_id, score FROM plain.recommend_users(5, NULL, false)', 'SELECT user_id, plain.predict(user_id, 5) FROM plain.active_users', 'recommend_users: everyone''s score, bit for bit');
SELECT set_eq('SELECT user_id, score FROM explicit.recommend_users(5, NULL, false)', 'SELECT user_id, explicit.predict(user_id, 5) FROM explicit.active_users', 'with explicit feedback too');
SELECT is((SELECT array_agg(user_id ORDER BY rank) FROM plain.recommend_users(5, 6)),
	(SELECT array_agg(user_id ORDER BY score DESC) FROM (SELECT a.* FROM plain.recommend_users(5, NULL, false) a WHERE user_id NOT IN (SELECT user_id FROM e WHERE item_id = 5) ORDER BY score DESC LIMIT 6) x), 'the best who do not have it');
-- who has nothing positive is no audience
INSERT INTO e VALUES (9000, 1, 'return', 1, '2024-01-01');
SELECT rec.train('typed');
SELECT is((SELECT DISTINCT source FROM typed.recommend(9000)), 'popular', 'a user with a return only');
SELECT is_empty('SELECT * FROM typed.recommend_users(5, NULL) WHERE user_id = 9000', 'is no audience');
SELECT is_empty('SELECT * FROM typed.similar_users(5, NULL) WHERE user_id = 9000', 'and like nobody');
SELECT * FROM finish();
