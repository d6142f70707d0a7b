-- The catalog: which models there are, and what their trainings did.
-- Rows hold names as text, because reg* columns do not survive a dump of a dropped relation or pg_upgrade. Only the
-- extension's functions write here, after their own ownership checks. Row security shows a role the models it may use.

GRANT USAGE ON SCHEMA rec TO PUBLIC;
COMMENT ON SCHEMA rec IS 'pg_recommend: functions and catalog of recommendation models; each model lives in a schema of its own name';

CREATE TABLE rec.model (
	model            text PRIMARY KEY,
	events_schema    text NOT NULL,
	events_relation  text NOT NULL,
	user_column      text NOT NULL,
	item_column      text NOT NULL,
	value_column     text,
	event_column     text,
	event_weights    jsonb,
	time_column      text,
	half_life        interval,
	feedback         text NOT NULL CHECK (feedback IN ('implicit', 'explicit')),
	params           jsonb NOT NULL,
	keep_versions    int NOT NULL CHECK (keep_versions >= 1),
	active_version   int,
	created_at       timestamptz NOT NULL DEFAULT pg_catalog.now(),
	items_schema     text,
	items_relation   text,
	item_key         text,
	value_scaler     text,
	context_columns  text[],
	item_attributes  text[],
	users_schema     text,
	users_relation   text,
	user_key         text,
	user_attributes  text[],
	algorithm        text NOT NULL GENERATED ALWAYS AS (coalesce(params OPERATOR(pg_catalog.->>) 'algorithm', 'als')) STORED
);

COMMENT ON TABLE rec.model IS 'Recommendation models, one row each; the model''s tables and functions live in the schema of the same name. Shows the models whose schema the current role may use. Written by rec.create_model, rec.alter_model and rec.train only.';
COMMENT ON COLUMN rec.model.model IS 'Name of the model and of its schema';
COMMENT ON COLUMN rec.model.events_schema IS 'Schema of the event relation';
COMMENT ON COLUMN rec.model.events_relation IS 'Event relation: table, partitioned table, view, materialized view or foreign table; found by name at every use';
COMMENT ON COLUMN rec.model.user_column IS 'Column that holds the user''s key';
COMMENT ON COLUMN rec.model.item_column IS 'Column that holds the item''s key';
COMMENT ON COLUMN rec.model.value_column IS 'Numeric column with a rating or a weight; null: every event counts 1';
COMMENT ON COLUMN rec.model.event_column IS 'Column with the event''s type; null: events have no type';
COMMENT ON COLUMN rec.model.event_weights IS 'Weight of each event type; events of other types are not used';
COMMENT ON COLUMN rec.model.time_column IS 'When the event happened: date, timestamp, timestamptz, or integer seconds since 1970';
COMMENT ON COLUMN rec.model.half_life IS 'An event''s weight halves per half-life before the newest event; null: no decay';
COMMENT ON COLUMN rec.model.feedback IS 'implicit (events are evidence of preference) or explicit (values are ratings)';
COMMENT ON COLUMN rec.model.algorithm IS 'als (factors), ease or item_knn (weights between items): what rec.train trains; the key of params of this name';
COMMENT ON COLUMN rec.model.params IS 'Hyperparameters that differ from the defaults';
COMMENT ON COLUMN rec.model.keep_versions IS 'How many trained versions are kept';
COMMENT ON COLUMN rec.model.active_version IS 'The version that recommend() serves; null before the first training';
COMMENT ON COLUMN rec.model.created_at IS 'When the model was created';
COMMENT ON COLUMN rec.model.items_schema IS 'Schema of the item relation; null: there is none';
COMMENT ON COLUMN rec.model.items_relation IS 'Item relation, over whose columns recommend() takes a filter; found by name at every use';
COMMENT ON COLUMN rec.model.item_key IS 'Column of the item relation that holds the item''s key';
COMMENT ON COLUMN rec.model.value_scaler IS 'Kind of the scaler that each training fits to the values, or a fitted scaler; null: values are taken as they are';
COMMENT ON COLUMN rec.model.context_columns IS 'Columns of the events that say in what context they happened, for context in recommend(); null: none';
COMMENT ON COLUMN rec.model.item_attributes IS 'Attributes of items that the training uses, as given: columns of the item relation; null: none';
COMMENT ON COLUMN rec.model.users_schema IS 'Schema of the user relation; null: there is none';
COMMENT ON COLUMN rec.model.users_relation IS 'User relation, which has the users'' attributes; found by name at every use';
COMMENT ON COLUMN rec.model.user_key IS 'Column of the user relation that holds the user''s key';
COMMENT ON COLUMN rec.model.user_attributes IS 'Attributes of users that the training uses, as given: columns of the user relation; null: none';

CREATE TABLE rec.training_run (
	model            text NOT NULL,
	version          int NOT NULL,
	uid              bigint NOT NULL,
	started_at       timestamptz NOT NULL,
	finished_at      timestamptz NOT NULL,
	trained_by       text NOT NULL,
	params           jsonb NOT NULL,
	rows_read        bigint NOT NULL,
	events           bigint NOT NULL,
	users            int NOT NULL,
	items            int NOT NULL,
	pairs            bigint NOT NULL,
	null_keys        bigint NOT NULL,
	bad_values       bigint NOT NULL,
	unweighted       bigint NOT NULL,
	epochs           int NOT NULL,
	best_epoch       int NOT NULL,
	loss             float8[],
	ndcg             float8[],
	recall           float8[],
	rmse             float8[],
	holdout_users    int NOT NULL,
	popular_ndcg     float8,
	popular_recall   float8,
	mean_rmse        float8,
	load_seconds     float8 NOT NULL,
	solve_seconds    float8 NOT NULL,
	store_seconds    float8 NOT NULL,
	workers          int NOT NULL,
	memory_bytes     bigint NOT NULL,
	kernel           text NOT NULL,
	warnings         text[] NOT NULL,
	PRIMARY KEY (model, version)
);

COMMENT ON TABLE rec.training_run IS 'One row for each finished training of a model; stays when the version''s factors are removed by keep_versions. Shows the models whose schema the current role may use.';
COMMENT ON COLUMN rec.training_run.model IS 'Name of the model';
COMMENT ON COLUMN rec.training_run.version IS 'Version that this training wrote';
COMMENT ON COLUMN rec.training_run.uid IS 'Random identifier of the version, unique also across rollbacks and restores';
COMMENT ON COLUMN rec.training_run.started_at IS 'When the training began';
COMMENT ON COLUMN rec.training_run.finished_at IS 'When the version was complete';
COMMENT ON COLUMN rec.training_run.trained_by IS 'Role that called rec.train';
COMMENT ON COLUMN rec.training_run.params IS 'All hyperparameters as they were used, defaults and seed included';
COMMENT ON COLUMN rec.training_run.rows_read IS 'Rows read from the event relation';
COMMENT ON COLUMN rec.training_run.events IS 'Rows that were used';
COMMENT ON COLUMN rec.training_run.users IS 'Distinct users';
COMMENT ON COLUMN rec.training_run.items IS 'Distinct items';
COMMENT ON COLUMN rec.training_run.pairs IS 'Distinct (user, item) pairs';
COMMENT ON COLUMN rec.training_run.null_keys IS 'Rows left out because the user or the item was null';
COMMENT ON COLUMN rec.training_run.bad_values IS 'Rows left out because the value or the time was null, NaN or infinite';
COMMENT ON COLUMN rec.training_run.unweighted IS 'Rows left out because their event type was null or has no weight';
COMMENT ON COLUMN rec.training_run.epochs IS 'Epochs that ran';
COMMENT ON COLUMN rec.training_run.best_epoch IS 'Epoch whose item factors were kept (the last one without a holdout)';
COMMENT ON COLUMN rec.training_run.loss IS 'Value of the objective after each epoch; of ease the sum of squared errors and the penalty; null for item_knn, which minimizes nothing';
COMMENT ON COLUMN rec.training_run.ndcg IS 'NDCG@10 on the holdout after each epoch; null without a holdout';
COMMENT ON COLUMN rec.training_run.recall IS 'Recall@10 (hits / min(10, relevant)) on the holdout after each epoch; null without a holdout';
COMMENT ON COLUMN rec.training_run.rmse IS 'Explicit feedback: root mean squared error on the holdout after each epoch; null without a holdout';
COMMENT ON COLUMN rec.training_run.holdout_users IS 'Users in the holdout';
COMMENT ON COLUMN rec.training_run.popular_ndcg IS 'NDCG@10 of the most popular items on the same holdout';
COMMENT ON COLUMN rec.training_run.popular_recall IS 'Recall@10 of the most popular items on the same holdout';
COMMENT ON COLUMN rec.training_run.mean_rmse IS 'Explicit feedback: root mean squared error of the items'' mean ratings on the same holdout';
COMMENT ON COLUMN rec.training_run.load_seconds IS 'Seconds for reading and arranging the events';
COMMENT ON COLUMN rec.training_run.solve_seconds IS 'Seconds for the epochs';
COMMENT ON COLUMN rec.training_run.store_seconds IS 'Seconds for writing the version';
COMMENT ON COLUMN rec.training_run.workers IS 'Parallel workers that took part, beside the session itself';
COMMENT ON COLUMN rec.training_run.memory_bytes IS 'Peak of the memory that the training reserved';
COMMENT ON COLUMN rec.training_run.kernel IS 'CPU kernel of the solver; results repeat bit for bit with the same kernel';
COMMENT ON COLUMN rec.training_run.warnings IS 'What in the data may make the model worse than it could be';

GRANT SELECT ON rec.model, rec.training_run TO PUBLIC;
ALTER TABLE rec.model ENABLE ROW LEVEL SECURITY;
ALTER TABLE rec.training_run ENABLE ROW LEVEL SECURITY;
CREATE POLICY usable ON rec.model FOR SELECT
	USING (pg_catalog.has_schema_privilege(pg_catalog.to_regnamespace(pg_catalog.quote_ident(model))::oid, 'USAGE'));
CREATE POLICY usable ON rec.training_run FOR SELECT
	USING (pg_catalog.has_schema_privilege(pg_catalog.to_regnamespace(pg_catalog.quote_ident(model))::oid, 'USAGE'));
COMMENT ON POLICY usable ON rec.model IS 'A role sees the models whose schema it may use';
COMMENT ON POLICY usable ON rec.training_run IS 'A role sees the trainings of models whose schema it may use';

SELECT pg_catalog.pg_extension_config_dump('rec.model', '');
SELECT pg_catalog.pg_extension_config_dump('rec.training_run', '');

-- A model is its schema: DROP SCHEMA drops the model, ALTER SCHEMA RENAME renames it. Whatever else has rows for a model
-- follows rec.model (sql/92_follow.sql). Neither function may fail without need: the command of somebody else would.

CREATE FUNCTION rec._schema_dropped() RETURNS event_trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF to_regclass('rec.model') IS NOT NULL THEN
		DELETE FROM rec.model WHERE model IN (SELECT object_name FROM pg_event_trigger_dropped_objects() WHERE object_type = 'schema');
	END IF;
END $$;

CREATE FUNCTION rec._model_renamed(schema oid, old_name name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	new_name text := (SELECT n.nspname FROM pg_namespace n WHERE n.oid = schema);
BEGIN
	IF new_name <> old_name AND EXISTS (SELECT FROM rec.model m WHERE m.model = old_name) THEN
		-- no schema had this name: what stands under it was left where event triggers were off, or by a partial restore
		DELETE FROM rec.model m WHERE m.model = new_name;
		UPDATE rec.model m SET model = new_name WHERE m.model = old_name;
	END IF;
END $$;
REVOKE EXECUTE ON FUNCTION rec._model_renamed FROM PUBLIC;

-- STABLE, so that its query sees the catalog as it was before the command, where the schema has its former name.
CREATE FUNCTION rec._schema_renamed() RETURNS event_trigger
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF to_regclass('rec.model') IS NOT NULL THEN
		PERFORM rec._model_renamed(n.oid, n.nspname) FROM pg_event_trigger_ddl_commands() c JOIN pg_namespace n ON n.oid = c.objid
		WHERE c.classid = 'pg_namespace'::regclass;
	END IF;
END $$;

CREATE EVENT TRIGGER rec_schema_dropped ON sql_drop WHEN TAG IN ('DROP SCHEMA', 'DROP OWNED') EXECUTE FUNCTION rec._schema_dropped();
CREATE EVENT TRIGGER rec_schema_renamed ON ddl_command_end WHEN TAG IN ('ALTER SCHEMA') EXECUTE FUNCTION rec._schema_renamed();

COMMENT ON FUNCTION rec._schema_dropped() IS 'Internal: a model goes with its schema';
COMMENT ON FUNCTION rec._schema_renamed() IS 'Internal: a model is renamed with its schema';
COMMENT ON FUNCTION rec._model_renamed(oid, name) IS 'Internal: gives a model the name that its schema has now';
COMMENT ON EVENT TRIGGER rec_schema_dropped IS 'Removes the model of a schema that is dropped by DROP SCHEMA or DROP OWNED from the catalog of pg_recommend';
COMMENT ON EVENT TRIGGER rec_schema_renamed IS 'Renames the model of a schema that is renamed by ALTER SCHEMA in the catalog of pg_recommend';
