-- Named item sets: filters whose result is kept.

CREATE TABLE rec.item_set (
	model            text NOT NULL,
	name             text NOT NULL,
	filter           text NOT NULL,
	filter_args      jsonb,
	max_age          interval,
	created_at       timestamptz NOT NULL DEFAULT pg_catalog.now(),
	version          int,
	uid              bigint,
	refreshed_at     timestamptz,
	items            int,
	members          bytea,
	PRIMARY KEY (model, name)
);

COMMENT ON TABLE rec.item_set IS 'Named filters of models whose result is kept, for item_set in recommend(). Shows the models whose schema the current role may use. Written by rec.create_item_set, rec.refresh_item_set and rec.drop_item_set only.';
COMMENT ON COLUMN rec.item_set.model IS 'Name of the model';
COMMENT ON COLUMN rec.item_set.name IS 'Name of the set within the model';
COMMENT ON COLUMN rec.item_set.filter IS 'Expression over the model''s item relation, as in recommend()';
COMMENT ON COLUMN rec.item_set.filter_args IS 'Values of the placeholders in the filter; null: it has none';
COMMENT ON COLUMN rec.item_set.max_age IS 'How old the kept result may become; beyond that each request runs the filter, until the next refresh; null: any age';
COMMENT ON COLUMN rec.item_set.created_at IS 'When the set was created';
COMMENT ON COLUMN rec.item_set.version IS 'Version of the model that the kept result is for; for another one each request runs the filter; null: there is no result yet';
COMMENT ON COLUMN rec.item_set.uid IS 'Identifier of that version';
COMMENT ON COLUMN rec.item_set.refreshed_at IS 'When the result was computed: start of the transaction';
COMMENT ON COLUMN rec.item_set.items IS 'How many of the version''s items are in the set';
COMMENT ON COLUMN rec.item_set.members IS 'One bit for each item of the version, by position, lowest bit first';

GRANT SELECT ON rec.item_set TO PUBLIC;
ALTER TABLE rec.item_set ENABLE ROW LEVEL SECURITY;
CREATE POLICY usable ON rec.item_set FOR SELECT
	USING (pg_catalog.has_schema_privilege(pg_catalog.to_regnamespace(pg_catalog.quote_ident(model))::oid, 'USAGE'));
COMMENT ON POLICY usable ON rec.item_set IS 'A role sees the item sets of models whose schema it may use';
SELECT pg_catalog.pg_extension_config_dump('rec.item_set', '');

CREATE FUNCTION rec.create_item_set(model text, name text, filter text, filter_args jsonb DEFAULT NULL,
	max_age interval DEFAULT NULL) RETURNS int
	AS 'MODULE_PATHNAME', 'rec_create_item_set' LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION rec.refresh_item_set(model text, name text DEFAULT NULL) RETURNS int
	AS 'MODULE_PATHNAME', 'rec_refresh_item_set' LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION rec.drop_item_set(model text, name text, if_exists boolean DEFAULT false) RETURNS void
	AS 'MODULE_PATHNAME', 'rec_drop_item_set' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;

CREATE FUNCTION rec.refresh_item_sets_trigger() RETURNS trigger
	AS 'MODULE_PATHNAME', 'rec_refresh_item_sets_trigger' LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION rec.refresh_item_sets_trigger IS 'Trigger function: refreshes item sets of a model after each statement that changes items: CREATE TRIGGER refresh AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON web.products FOR EACH STATEMENT EXECUTE FUNCTION rec.refresh_item_sets_trigger(''shop''); further arguments name the sets, none means all. It runs the filters as the model''s owner for everybody who may write to the table, so the table''s owner must own the model. The sets stay locked until the transaction ends: another transaction that changes items waits for it (in READ COMMITTED; else it fails with serialization_failure). A model that is gone is a warning.';
COMMENT ON FUNCTION rec.create_item_set IS 'Creates a named filter over the model''s item relation and keeps its result for the active version, so that item_set => name in recommend() costs next to nothing. filter, filter_args: as in recommend(), but run as the model''s owner with search_path pg_catalog: write functions with their schema. max_age: see rec.item_set. Returns how many items are in it; null: the model is not trained yet. Only for the model''s owner. Errors: a set of this name exists, and those of filters.';
COMMENT ON FUNCTION rec.refresh_item_set IS 'Computes an item set again (name null: all sets of the model) for the active version; at any time, also from a trigger. Until then, and after each training, a set whose result is for another version or older than max_age is still right: each request runs its filter. Returns how many items are in it (of all sets: in all together). Concurrent refreshes of a set wait for each other. Only for the model''s owner.';
COMMENT ON FUNCTION rec.drop_item_set IS 'Drops an item set. Only for the model''s owner.';
