-- Attributes of users and items: what they weigh in a model, and items that came after its training.

CREATE FUNCTION rec.refresh_items(model text) RETURNS bigint
	AS 'MODULE_PATHNAME', 'rec_refresh_items_sql' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE COST 1000000;

CREATE FUNCTION rec._model_attribute(model regnamespace)
RETURNS TABLE (version int, side text, attribute text, kind text, level text, rows bigint, norm float8)
	AS 'MODULE_PATHNAME', 'rec_model_attribute' LANGUAGE C STABLE PARALLEL RESTRICTED COST 1000 ROWS 100;

CREATE VIEW rec.model_attribute WITH (security_invoker = true) AS
	SELECT m.model, a.version, a.side, a.attribute, a.kind, a.level, a.rows, a.norm
	FROM rec.model m CROSS JOIN LATERAL rec._model_attribute(rec._model(m.model)) a;
GRANT SELECT ON rec.model_attribute TO PUBLIC;

COMMENT ON FUNCTION rec.refresh_items(text) IS 'Brings the items of the item relation that have no events into the active version, known by their attributes, takes out those that are gone, and takes over what changed; without a training. Returns how many differ; nothing is written when none does. rec.materialize does it too. Item sets of the model are computed anew by rec.refresh_item_set. Only for the model''s owner. Errors: no item attributes, not trained, the item relation or one of its columns missing, key not unique, another refresh under way (lock_not_available).';
COMMENT ON FUNCTION rec._model_attribute(regnamespace) IS 'Internal: behind rec.model_attribute';
COMMENT ON VIEW rec.model_attribute IS 'Encoded attributes of each model''s active version, and how much each weighs. Shows the models whose schema the current role may use.';
COMMENT ON COLUMN rec.model_attribute.model IS 'Name of the model';
COMMENT ON COLUMN rec.model_attribute.version IS 'Version of the model';
COMMENT ON COLUMN rec.model_attribute.side IS 'user or item';
COMMENT ON COLUMN rec.model_attribute.attribute IS 'The attribute as it was given, or its column';
COMMENT ON COLUMN rec.model_attribute.kind IS 'category, tags, text, number, age, vector or pair';
COMMENT ON COLUMN rec.model_attribute.level IS 'Level, tag, word or element; (rare), (missing), (hashed n): what shares a column; null: the attribute itself';
COMMENT ON COLUMN rec.model_attribute.rows IS 'Rows of the training with a value; null for a pair';
COMMENT ON COLUMN rec.model_attribute.norm IS 'Length of the weights: how far a value of 1 (a number: one standard deviation) moves the expected factors; 0: the attributes say nothing; null: the attribute is constant or has no values, and is not used';
