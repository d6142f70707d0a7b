-- Weights of interactions.

CREATE FUNCTION rec.tfidf(user_id "any", item_id "any", weight float8 DEFAULT 1) RETURNS float8
	AS 'MODULE_PATHNAME', 'rec_tfidf_window' LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec.bm25(user_id "any", item_id "any", weight float8 DEFAULT 1, k1 float8 DEFAULT 1.2, b float8 DEFAULT 0.75)
RETURNS float8
	AS 'MODULE_PATHNAME', 'rec_bm25_window' LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec.time_decay(ts timestamptz, half_life interval, now timestamptz DEFAULT pg_catalog.now()) RETURNS float8
	AS 'MODULE_PATHNAME', 'rec_time_decay' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION rec.tfidf("any", "any", float8) IS 'Window function over interactions: weight x (ln((1 + N) / (1 + df)) + 1), where N is how many users the partition has and df how many of them have the item (scikit-learn''s TfidfTransformer with norm None). Keys of any hashable type. Null where user, item or weight is null; such rows do not count. Errors: a weight below 0, NaN or infinite.';
COMMENT ON FUNCTION rec.bm25("any", "any", float8, float8, float8) IS 'Window function over interactions: ln(1 + (N - df + .5) / (df + .5)) x tf (k1 + 1) / (tf + k1 (1 - b + b x length / mean length)), where tf is the summed weight of the pair, and length that of the user. Rows of one pair share its value by their weights. N, df, nulls and errors: as rec.tfidf; k1 from 0, b from 0 to 1.';
COMMENT ON FUNCTION rec.time_decay(timestamptz, interval, timestamptz) IS '0.5 to the power of (now - ts) / half_life: 1 for an event now or later, 0.5 one half-life ago. A month counts 30 days. Errors: half_life not above zero.';
