-- The C functions behind the models' own functions, and the forms that take the model by name.
-- The second argument of type "any" is a key of any type that fits the model; the third, a typed null, says which type
-- the answer's keys shall have: the column's own, or text.

CREATE FUNCTION rec._rows(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_rows_support' LANGUAGE C STRICT;

CREATE FUNCTION rec._model(model text) RETURNS regnamespace
	AS 'MODULE_PATHNAME', 'rec_model_of_name' LANGUAGE C STABLE STRICT PARALLEL SAFE;

CREATE FUNCTION rec._recommend(model regnamespace, user_id "any", item_type anyelement, k int, exclude_seen boolean,
	exclude_events text[], candidates "any", exclude "any", version int, options jsonb)
RETURNS TABLE (item_id anyelement, score real, rank int, source text)
	AS 'MODULE_PATHNAME', 'rec_recommend' LANGUAGE C STABLE PARALLEL RESTRICTED COST 1000 ROWS 10 SUPPORT rec._rows;

CREATE FUNCTION rec._serve(model regnamespace, user_id "any", item_type anyelement, k int, exclude_seen boolean,
	exclude_events text[], candidates "any", exclude "any", version int, options jsonb)
RETURNS TABLE (item_id anyelement, score real, rank int, source text)
	AS 'MODULE_PATHNAME', 'rec_serve' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000 ROWS 10 SUPPORT rec._rows;

CREATE FUNCTION rec._recommend_for(model regnamespace, recent_items "any", item_type anyelement, k int,
	exclude_seen boolean, candidates "any", exclude "any", version int, options jsonb)
RETURNS TABLE (item_id anyelement, score real, rank int, source text)
	AS 'MODULE_PATHNAME', 'rec_recommend_for' LANGUAGE C STABLE PARALLEL RESTRICTED COST 1000 ROWS 10 SUPPORT rec._rows;

CREATE FUNCTION rec._buy_again(model regnamespace, user_id "any", item_type anyelement, k int, half_life interval,
	version int, options jsonb)
RETURNS TABLE (item_id anyelement, score real, rank int, last_at timestamptz)
	AS 'MODULE_PATHNAME', 'rec_buy_again' LANGUAGE C STABLE PARALLEL RESTRICTED COST 500 ROWS 10 SUPPORT rec._rows;

CREATE FUNCTION rec._recommend_users(model regnamespace, item_id "any", user_type anyelement, k int,
	exclude_seen boolean, version int, options jsonb)
RETURNS TABLE (user_id anyelement, score real, rank int)
	AS 'MODULE_PATHNAME', 'rec_recommend_users' LANGUAGE C STABLE PARALLEL RESTRICTED COST 100000 ROWS 10 SUPPORT rec._rows;

CREATE FUNCTION rec._many_rows(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_many_rows_support' LANGUAGE C STRICT;

CREATE FUNCTION rec._recommend_many(model regnamespace, users "any", user_type anyelement, k int,
	exclude_seen boolean, candidates "any", exclude "any", version int, item_type anycompatible, options jsonb)
RETURNS TABLE (user_id anyelement, item_id anycompatible, score real, rank int, source text)
	AS 'MODULE_PATHNAME', 'rec_recommend_many' LANGUAGE C STABLE PARALLEL RESTRICTED COST 1000000 ROWS 10000
	SUPPORT rec._many_rows;

CREATE FUNCTION rec._similar_items(model regnamespace, item "any", item_type anyelement, k int, min_support int,
	version int, options jsonb)
RETURNS TABLE (item_id anyelement, score real, rank int, support int)
	AS 'MODULE_PATHNAME', 'rec_similar_items' LANGUAGE C STABLE PARALLEL RESTRICTED COST 1000 ROWS 10 SUPPORT rec._rows;

CREATE FUNCTION rec._similar_users(model regnamespace, of_user "any", user_type anyelement, k int, version int,
	options jsonb)
RETURNS TABLE (user_id anyelement, score real, rank int)
	AS 'MODULE_PATHNAME', 'rec_similar_users' LANGUAGE C STABLE PARALLEL RESTRICTED COST 100000 ROWS 10 SUPPORT rec._rows;

CREATE FUNCTION rec._predict(model regnamespace, user_id "any", item_id "any", version int, options jsonb)
RETURNS real
	AS 'MODULE_PATHNAME', 'rec_predict' LANGUAGE C STABLE PARALLEL RESTRICTED COST 500;

CREATE FUNCTION rec._explain(model regnamespace, user_id "any", item_type anyelement, k int, item "any", version int,
	options jsonb)
RETURNS TABLE (item_id anyelement, weight real, contribution float8, share float8, rank int, attribute text)
	AS 'MODULE_PATHNAME', 'rec_explain' LANGUAGE C STABLE PARALLEL RESTRICTED COST 1000 ROWS 10 SUPPORT rec._rows;

COMMENT ON FUNCTION rec._rows(internal) IS 'Internal: planner support, estimates the rows of the functions that take k';
COMMENT ON FUNCTION rec._model(text) IS 'Internal: schema of a model by name, an error with the nearest name otherwise';
COMMENT ON FUNCTION rec._recommend IS 'Internal: behind <model>.recommend and rec.recommend';
COMMENT ON FUNCTION rec._serve IS 'Internal: behind <model>.serve and rec.serve';
COMMENT ON FUNCTION rec._recommend_for IS 'Internal: behind <model>.recommend_for and rec.recommend_for';
COMMENT ON FUNCTION rec._buy_again IS 'Internal: behind <model>.buy_again and rec.buy_again';
COMMENT ON FUNCTION rec._recommend_users IS 'Internal: behind <model>.recommend_users and rec.recommend_users';
COMMENT ON FUNCTION rec._many_rows(internal) IS 'Internal: planner support, estimates the rows of recommend_many';
COMMENT ON FUNCTION rec._recommend_many IS 'Internal: behind <model>.recommend_many and rec.recommend_many';
COMMENT ON FUNCTION rec._similar_items IS 'Internal: behind <model>.similar_items and rec.similar_items';
COMMENT ON FUNCTION rec._similar_users IS 'Internal: behind <model>.similar_users and rec.similar_users';
COMMENT ON FUNCTION rec._predict IS 'Internal: behind <model>.predict and rec.predict';
COMMENT ON FUNCTION rec._explain IS 'Internal: behind <model>.explain and rec.explain';

-- By name, with ids as text: for tools that do not know the model's types.

CREATE FUNCTION rec.recommend(model text, user_id text, k int DEFAULT 10, exclude_seen boolean DEFAULT true,
	exclude_events text[] DEFAULT NULL, candidates text[] DEFAULT NULL, exclude text[] DEFAULT NULL,
	version int DEFAULT NULL, min_score real DEFAULT NULL, after jsonb DEFAULT NULL, filter text DEFAULT NULL,
	filter_args jsonb DEFAULT NULL, item_set text DEFAULT NULL, boost jsonb DEFAULT NULL, diversity real DEFAULT NULL,
	buy_again real DEFAULT NULL, experiment text DEFAULT NULL, context jsonb DEFAULT NULL,
	explore text DEFAULT NULL, beta real DEFAULT NULL, sigma real DEFAULT NULL, seed bigint DEFAULT NULL)
RETURNS TABLE (item_id text, score real, rank int, source text)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000 ROWS 10
BEGIN ATOMIC
	SELECT r.item_id, r.score, r.rank, r.source
	FROM rec._recommend(rec._model($1), $2, NULL::text, $3, $4, $5, $6, $7, $8,
		CASE WHEN pg_catalog.num_nonnulls($9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22) > 0
		THEN pg_catalog.jsonb_build_object('min_score', $9::pg_catalog.float8, 'after', $10, 'filter', $11, 'filter_args', $12,
			'item_set', $13, 'boost', $14, 'diversity', $15, 'buy_again', $16, 'experiment', $17, 'context', $18,
			'explore', $19, 'beta', $20::pg_catalog.float8, 'sigma', $21::pg_catalog.float8, 'seed', $22) END) r;
END;

CREATE FUNCTION rec.recommend(model text, user_id anyelement, k int DEFAULT 10, exclude_seen boolean DEFAULT true,
	exclude_events text[] DEFAULT NULL, candidates text[] DEFAULT NULL, exclude text[] DEFAULT NULL,
	version int DEFAULT NULL, min_score real DEFAULT NULL, after jsonb DEFAULT NULL, filter text DEFAULT NULL,
	filter_args jsonb DEFAULT NULL, item_set text DEFAULT NULL, boost jsonb DEFAULT NULL, diversity real DEFAULT NULL,
	buy_again real DEFAULT NULL, experiment text DEFAULT NULL, context jsonb DEFAULT NULL,
	explore text DEFAULT NULL, beta real DEFAULT NULL, sigma real DEFAULT NULL, seed bigint DEFAULT NULL)
RETURNS TABLE (item_id text, score real, rank int, source text)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000 ROWS 10
AS $$
	SELECT r.item_id, r.score, r.rank, r.source
	FROM rec._recommend(rec._model($1), $2, NULL::pg_catalog.text, $3, $4, $5, $6, $7, $8,
		CASE WHEN pg_catalog.num_nonnulls($9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22) OPERATOR(pg_catalog.>) 0
		THEN pg_catalog.jsonb_build_object('min_score', $9::pg_catalog.float8, 'after', $10, 'filter', $11, 'filter_args', $12,
			'item_set', $13, 'boost', $14, 'diversity', $15, 'buy_again', $16, 'experiment', $17, 'context', $18,
			'explore', $19, 'beta', $20::pg_catalog.float8, 'sigma', $21::pg_catalog.float8, 'seed', $22) END) r;
$$;

CREATE FUNCTION rec.serve(model text, user_id text, k int DEFAULT 10, placement text DEFAULT NULL,
	experiment text DEFAULT NULL, exclude_seen boolean DEFAULT true, exclude_events text[] DEFAULT NULL,
	candidates text[] DEFAULT NULL, exclude text[] DEFAULT NULL, version int DEFAULT NULL, min_score real DEFAULT NULL,
	after jsonb DEFAULT NULL, filter text DEFAULT NULL, filter_args jsonb DEFAULT NULL, item_set text DEFAULT NULL,
	boost jsonb DEFAULT NULL, diversity real DEFAULT NULL, buy_again real DEFAULT NULL, context jsonb DEFAULT NULL,
	explore text DEFAULT NULL, beta real DEFAULT NULL, sigma real DEFAULT NULL, seed bigint DEFAULT NULL)
RETURNS TABLE (item_id text, score real, rank int, source text)
LANGUAGE sql VOLATILE PARALLEL UNSAFE COST 1000 ROWS 10
BEGIN ATOMIC
	SELECT r.item_id, r.score, r.rank, r.source
	FROM rec._serve(rec._model($1), $2, NULL::text, $3, $6, $7, $8, $9, $10,
		pg_catalog.jsonb_build_object('placement', $4, 'experiment', $5, 'min_score', $11::pg_catalog.float8, 'after', $12, 'filter', $13,
			'filter_args', $14, 'item_set', $15, 'boost', $16, 'diversity', $17, 'buy_again', $18, 'context', $19,
			'explore', $20, 'beta', $21::pg_catalog.float8, 'sigma', $22::pg_catalog.float8, 'seed', $23)) r;
END;

CREATE FUNCTION rec.serve(model text, user_id anyelement, k int DEFAULT 10, placement text DEFAULT NULL,
	experiment text DEFAULT NULL, exclude_seen boolean DEFAULT true, exclude_events text[] DEFAULT NULL,
	candidates text[] DEFAULT NULL, exclude text[] DEFAULT NULL, version int DEFAULT NULL, min_score real DEFAULT NULL,
	after jsonb DEFAULT NULL, filter text DEFAULT NULL, filter_args jsonb DEFAULT NULL, item_set text DEFAULT NULL,
	boost jsonb DEFAULT NULL, diversity real DEFAULT NULL, buy_again real DEFAULT NULL, context jsonb DEFAULT NULL,
	explore text DEFAULT NULL, beta real DEFAULT NULL, sigma real DEFAULT NULL, seed bigint DEFAULT NULL)
RETURNS TABLE (item_id text, score real, rank int, source text)
LANGUAGE sql VOLATILE PARALLEL UNSAFE COST 1000 ROWS 10
AS $$
	SELECT r.item_id, r.score, r.rank, r.source
	FROM rec._serve(rec._model($1), $2, NULL::pg_catalog.text, $3, $6, $7, $8, $9, $10,
		pg_catalog.jsonb_build_object('placement', $4, 'experiment', $5, 'min_score', $11::pg_catalog.float8, 'after', $12, 'filter', $13,
			'filter_args', $14, 'item_set', $15, 'boost', $16, 'diversity', $17, 'buy_again', $18, 'context', $19,
			'explore', $20, 'beta', $21::pg_catalog.float8, 'sigma', $22::pg_catalog.float8, 'seed', $23)) r;
$$;

CREATE FUNCTION rec.recommend_for(model text, recent_items text[] DEFAULT NULL, k int DEFAULT 10, exclude_seen boolean DEFAULT true,
	candidates text[] DEFAULT NULL, exclude text[] DEFAULT NULL, version int DEFAULT NULL,
	min_score real DEFAULT NULL, after jsonb DEFAULT NULL, filter text DEFAULT NULL, filter_args jsonb DEFAULT NULL,
	item_set text DEFAULT NULL, boost jsonb DEFAULT NULL, diversity real DEFAULT NULL, context jsonb DEFAULT NULL, attributes jsonb DEFAULT NULL,
	explore text DEFAULT NULL, beta real DEFAULT NULL, sigma real DEFAULT NULL, seed bigint DEFAULT NULL)
RETURNS TABLE (item_id text, score real, rank int, source text)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000 ROWS 10
BEGIN ATOMIC
	SELECT r.item_id, r.score, r.rank, r.source
	FROM rec._recommend_for(rec._model($1), $2, NULL::text, $3, $4, $5, $6, $7,
		CASE WHEN pg_catalog.num_nonnulls($8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20) > 0
		THEN pg_catalog.jsonb_build_object('min_score', $8::pg_catalog.float8, 'after', $9, 'filter', $10, 'filter_args', $11,
			'item_set', $12, 'boost', $13, 'diversity', $14, 'context', $15, 'attributes', $16,
			'explore', $17, 'beta', $18::pg_catalog.float8, 'sigma', $19::pg_catalog.float8, 'seed', $20) END) r;
END;

-- The visitor first: with a jsonb argument before the items there is no doubt which of the two is meant.
CREATE FUNCTION rec.recommend_for(model text, visitor jsonb, recent_items text[], k int DEFAULT 10, exclude_seen boolean DEFAULT true,
	candidates text[] DEFAULT NULL, exclude text[] DEFAULT NULL, version int DEFAULT NULL,
	min_score real DEFAULT NULL, after jsonb DEFAULT NULL, filter text DEFAULT NULL, filter_args jsonb DEFAULT NULL,
	item_set text DEFAULT NULL, boost jsonb DEFAULT NULL, diversity real DEFAULT NULL, context jsonb DEFAULT NULL,
	explore text DEFAULT NULL, beta real DEFAULT NULL, sigma real DEFAULT NULL, seed bigint DEFAULT NULL)
RETURNS TABLE (item_id text, score real, rank int, source text)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000 ROWS 10
BEGIN ATOMIC
	SELECT r.item_id, r.score, r.rank, r.source
	FROM rec.recommend_for($1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $2, $17, $18, $19, $20) r;
END;

CREATE FUNCTION rec.buy_again(model text, user_id text, k int DEFAULT 10, half_life interval DEFAULT '90 days',
	version int DEFAULT NULL, filter text DEFAULT NULL, filter_args jsonb DEFAULT NULL, item_set text DEFAULT NULL)
RETURNS TABLE (item_id text, score real, rank int, last_at timestamptz)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 500 ROWS 10
BEGIN ATOMIC
	SELECT r.item_id, r.score, r.rank, r.last_at
	FROM rec._buy_again(rec._model($1), $2, NULL::text, $3, $4, $5,
		CASE WHEN pg_catalog.num_nonnulls($6, $7, $8) > 0
		THEN pg_catalog.jsonb_build_object('filter', $6, 'filter_args', $7, 'item_set', $8) END) r;
END;

CREATE FUNCTION rec.recommend_users(model text, item_id text, k int DEFAULT 10, exclude_seen boolean DEFAULT true,
	version int DEFAULT NULL)
RETURNS TABLE (user_id text, score real, rank int)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 100000 ROWS 10
BEGIN ATOMIC
	SELECT r.user_id, r.score, r.rank
	FROM rec._recommend_users(rec._model($1), $2, NULL::text, $3, $4, $5, NULL::jsonb) r;
END;

CREATE FUNCTION rec.recommend_many(model text, users text[] DEFAULT NULL, k int DEFAULT 10,
	exclude_seen boolean DEFAULT true, candidates text[] DEFAULT NULL, exclude text[] DEFAULT NULL,
	version int DEFAULT NULL, min_score real DEFAULT NULL, filter text DEFAULT NULL, filter_args jsonb DEFAULT NULL,
	item_set text DEFAULT NULL, context jsonb DEFAULT NULL)
RETURNS TABLE (user_id text, item_id text, score real, rank int, source text)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000000 ROWS 10000
BEGIN ATOMIC
	SELECT r.user_id, r.item_id, r.score, r.rank, r.source
	FROM rec._recommend_many(rec._model($1), $2, NULL::text, $3, $4, $5, $6, $7, NULL::text,
		CASE WHEN pg_catalog.num_nonnulls($8, $9, $10, $11, $12) > 0
		THEN pg_catalog.jsonb_build_object('min_score', $8::pg_catalog.float8, 'filter', $9, 'filter_args', $10,
			'item_set', $11, 'context', $12) END) r;
END;

CREATE FUNCTION rec.similar_items(model text, item text, k int DEFAULT 10, min_support int DEFAULT NULL,
	version int DEFAULT NULL)
RETURNS TABLE (item_id text, score real, rank int, support int)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000 ROWS 10
BEGIN ATOMIC
	SELECT r.item_id, r.score, r.rank, r.support
	FROM rec._similar_items(rec._model($1), $2, NULL::text, $3, $4, $5, NULL::jsonb) r;
END;

CREATE FUNCTION rec.similar_users(model text, of_user text, k int DEFAULT 10, version int DEFAULT NULL)
RETURNS TABLE (user_id text, score real, rank int)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 100000 ROWS 10
BEGIN ATOMIC
	SELECT r.user_id, r.score, r.rank
	FROM rec._similar_users(rec._model($1), $2, NULL::text, $3, $4, NULL::jsonb) r;
END;

CREATE FUNCTION rec.predict(model text, user_id text, item_id text, version int DEFAULT NULL, context jsonb DEFAULT NULL) RETURNS real
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 500
RETURN rec._predict(rec._model($1), $2, $3, $4, CASE WHEN $5 IS NOT NULL THEN pg_catalog.jsonb_build_object('context', $5) END);

CREATE FUNCTION rec.explain(model text, user_id text, item text, k int DEFAULT NULL, version int DEFAULT NULL,
	side text DEFAULT 'user', context jsonb DEFAULT NULL)
RETURNS TABLE (item_id text, weight real, contribution float8, share float8, rank int, attribute text)
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 1000 ROWS 10
BEGIN ATOMIC
	SELECT r.item_id, r.weight, r.contribution, r.share, r.rank, r.attribute
	FROM rec._explain(rec._model($1), $2, NULL::text, $4, $3, $5,
		CASE WHEN $6 <> 'user' OR $7 IS NOT NULL THEN pg_catalog.jsonb_build_object('side', $6, 'context', $7) END) r;
END;

COMMENT ON FUNCTION rec.recommend(text, text, int, boolean, text[], text[], text[], int, real, jsonb, text, jsonb, text, jsonb, real, real, text, jsonb, text, real, real, bigint) IS 'The k best items for a user of a model, item ids as text: <model>.recommend() for tools that take the model by name. Ids are read with the input function of the key''s type. Errors: unknown model (with the nearest name), invalid id, k negative, unknown version, no USAGE on the model''s schema, and those of min_score, after, filter and item_set.';
COMMENT ON FUNCTION rec.recommend(text, anyelement, int, boolean, text[], text[], text[], int, real, jsonb, text, jsonb, text, jsonb, real, real, text, jsonb, text, real, real, bigint) IS 'As rec.recommend(text, text), for a user id of the key''s own type or any integer type';
COMMENT ON FUNCTION rec.serve(text, text, int, text, text, boolean, text[], text[], text[], int, real, jsonb, text, jsonb, text, jsonb, real, real, jsonb, text, real, real, bigint) IS '<model>.serve() by model name: what recommend() answers, kept in rec.impression, ids as text';
COMMENT ON FUNCTION rec.serve(text, anyelement, int, text, text, boolean, text[], text[], text[], int, real, jsonb, text, jsonb, text, jsonb, real, real, jsonb, text, real, real, bigint) IS 'As rec.serve(text, text), for a user id of the key''s own type or any integer type';
COMMENT ON FUNCTION rec.recommend_for(text, text[], int, boolean, text[], text[], int, real, jsonb, text, jsonb, text, jsonb, real, jsonb, jsonb, text, real, real, bigint) IS '<model>.recommend_for() by model name: the k best items for a basket of items, ids as text';
COMMENT ON FUNCTION rec.recommend_for(text, jsonb, text[], int, boolean, text[], text[], int, real, jsonb, text, jsonb, text, jsonb, real, jsonb, text, real, real, bigint) IS 'The k best items for a visitor who is known by attributes (a JSON object with columns of the user relation) and by recent items (null or empty: by attributes only): rec.recommend_for() with the attributes first';
COMMENT ON FUNCTION rec.buy_again(text, text, int, interval, int, text, jsonb, text) IS '<model>.buy_again() by model name: what a user is likely to take again, by own frequency and recency, ids as text';
COMMENT ON FUNCTION rec.recommend_users(text, text, int, boolean, int) IS '<model>.recommend_users() by model name: the k users with the highest score for an item, ids as text';
COMMENT ON FUNCTION rec.recommend_many(text, text[], int, boolean, text[], text[], int, real, text, jsonb, text, jsonb) IS '<model>.recommend_many() by model name: the k best items for each of many users (null: all) from what is stored, ids as text';
COMMENT ON FUNCTION rec.similar_items(text, text, int, int, int) IS '<model>.similar_items() by model name: the k items most similar to an item by cosine, ids as text';
COMMENT ON FUNCTION rec.similar_users(text, text, int, int) IS '<model>.similar_users() by model name: the k users most similar to a user by cosine, ids as text';
COMMENT ON FUNCTION rec.predict(text, text, text, int, jsonb) IS '<model>.predict() by model name: score (explicit feedback: expected rating) of one item for one user';
COMMENT ON FUNCTION rec.explain(text, text, text, int, int, text, jsonb) IS '<model>.explain() by model name: which past items contributed how much to a score, ids as text';
