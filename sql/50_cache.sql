-- The server's cache of served versions.

CREATE FUNCTION rec._prewarm(model regnamespace, version int) RETURNS bigint
	AS 'MODULE_PATHNAME', 'rec_prewarm' LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION rec.prewarm(model text, version int DEFAULT NULL) RETURNS bigint
LANGUAGE sql VOLATILE PARALLEL UNSAFE
RETURN rec._prewarm(rec._model($1), $2);

CREATE FUNCTION rec._model_cache()
RETURNS TABLE (model text, version int, state text, bytes bigint, hits bigint, loads int, mappings int, loaded_at timestamptz,
	load_ms float8)
	AS 'MODULE_PATHNAME', 'rec_model_cache' LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 10;

CREATE VIEW rec.model_cache AS SELECT * FROM rec._model_cache();
GRANT SELECT ON rec.model_cache TO PUBLIC;

COMMENT ON FUNCTION rec._prewarm(regnamespace, int) IS 'Internal: behind rec.prewarm';
COMMENT ON FUNCTION rec.prewarm(text, int) IS 'Loads a version of a model (null: the active one) into the server''s cache and returns its size in bytes, so that the next request need not wait for it. Needs USAGE on the model''s schema.';
COMMENT ON FUNCTION rec._model_cache() IS 'Internal: behind rec.model_cache';
COMMENT ON VIEW rec.model_cache IS 'Versions in the server''s cache, of this database''s models whose schema the current role may use. state: loading or ready; bytes: of shared memory; hits: requests answered from it; loads: how often it was read, more than 1 after evictions; mappings: sessions that have it mapped; load_ms: how long reading it took. Limited by pg_recommend.cache_size.';
