-- Recommendations for everybody, kept in a table of each model.

CREATE TABLE rec.materialization (
	model            text PRIMARY KEY,
	version          int NOT NULL,
	uid              bigint NOT NULL,
	k                int NOT NULL,
	exclude_seen     boolean NOT NULL,
	newest_event     bigint,
	refreshed_at     timestamptz NOT NULL,
	users            bigint NOT NULL,
	rows             bigint NOT NULL
);

COMMENT ON TABLE rec.materialization IS 'What the table recommendation of a model holds: one row for each model that was materialized. Shows the models whose schema the current role may use. Written by rec.materialize only.';
COMMENT ON COLUMN rec.materialization.model IS 'Name of the model';
COMMENT ON COLUMN rec.materialization.version IS 'Version that the rows are from';
COMMENT ON COLUMN rec.materialization.uid IS 'Identifier of that version';
COMMENT ON COLUMN rec.materialization.k IS 'Rows per user at most';
COMMENT ON COLUMN rec.materialization.exclude_seen IS 'Whether items of the user''s events were left out';
COMMENT ON COLUMN rec.materialization.newest_event IS 'Time of the newest event that was looked at, microseconds since 2000-01-01; null without a time column';
COMMENT ON COLUMN rec.materialization.refreshed_at IS 'When rec.materialize ran last: start of the transaction';
COMMENT ON COLUMN rec.materialization.users IS 'Users with rows';
COMMENT ON COLUMN rec.materialization.rows IS 'Rows';

GRANT SELECT ON rec.materialization TO PUBLIC;
ALTER TABLE rec.materialization ENABLE ROW LEVEL SECURITY;
CREATE POLICY usable ON rec.materialization FOR SELECT
	USING (pg_catalog.has_schema_privilege(pg_catalog.to_regnamespace(pg_catalog.quote_ident(model))::oid, 'USAGE'));
COMMENT ON POLICY usable ON rec.materialization IS 'A role sees what was materialized of models whose schema it may use';
SELECT pg_catalog.pg_extension_config_dump('rec.materialization', '');

CREATE FUNCTION rec.materialize(model text, k int DEFAULT 10, exclude_seen boolean DEFAULT true,
	only_users text[] DEFAULT NULL, full boolean DEFAULT false)
RETURNS TABLE (users bigint, rows bigint, changed bigint, seconds float8)
	AS 'MODULE_PATHNAME', 'rec_materialize' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 1 COST 1000000;

COMMENT ON FUNCTION rec.materialize(text, int, boolean, text[], boolean) IS 'Stores the k best items for every user of the active version in the table <model>.recommendation: as recommend_many() answers, and for users with events since the training (by the model''s time column) as recommend() does. Where version, k and exclude_seen are those of the last run and the model has a time column, only users with events since then are computed anew (full => true: everybody); only_users (keys as text): only these, from their events as they stand now. Only rows that differ from the stored ones are written, in one statement: readers of the table never wait and see the former rows until the transaction commits. Returns users and rows that are stored now, rows that were inserted, updated or deleted, and the time it took. Runs as the model''s owner and only for it. Errors: model not trained, k null or negative, only_users without a former run of the same version, k and exclude_seen, an id that is none, or another materialize of the model under way (lock_not_available).';
