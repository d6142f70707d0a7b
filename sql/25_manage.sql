-- Creating, changing, training and dropping models.

CREATE FUNCTION rec.create_model(model text, events text, user_column text DEFAULT 'user_id',
	item_column text DEFAULT 'item_id', value_column text DEFAULT NULL, event_column text DEFAULT NULL,
	event_weights jsonb DEFAULT NULL, time_column text DEFAULT NULL, half_life interval DEFAULT NULL,
	feedback text DEFAULT 'implicit', params jsonb DEFAULT NULL, keep_versions int DEFAULT 2,
	items text DEFAULT NULL, item_key text DEFAULT NULL, value_scaler text DEFAULT NULL,
	context_columns text[] DEFAULT NULL, item_attributes text[] DEFAULT NULL, users text DEFAULT NULL, user_key text DEFAULT NULL,
	user_attributes text[] DEFAULT NULL, algorithm text DEFAULT NULL)
RETURNS text
	AS 'MODULE_PATHNAME', 'rec_create_model' LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION rec.alter_model(model text, events text DEFAULT NULL, user_column text DEFAULT NULL,
	item_column text DEFAULT NULL, value_column text DEFAULT NULL, event_column text DEFAULT NULL,
	event_weights jsonb DEFAULT NULL, time_column text DEFAULT NULL, half_life interval DEFAULT NULL,
	feedback text DEFAULT NULL, params jsonb DEFAULT NULL, keep_versions int DEFAULT NULL, items text DEFAULT NULL,
	item_key text DEFAULT NULL, reset text[] DEFAULT NULL, value_scaler text DEFAULT NULL,
	context_columns text[] DEFAULT NULL, item_attributes text[] DEFAULT NULL, users text DEFAULT NULL, user_key text DEFAULT NULL,
	user_attributes text[] DEFAULT NULL, algorithm text DEFAULT NULL)
RETURNS void
	AS 'MODULE_PATHNAME', 'rec_alter_model' LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION rec.drop_model(model text, if_exists boolean DEFAULT false) RETURNS void
	AS 'MODULE_PATHNAME', 'rec_drop_model' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;

CREATE FUNCTION rec.rename_model(model text, new_name text) RETURNS void
	AS 'MODULE_PATHNAME', 'rec_rename_model' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;

CREATE FUNCTION rec.upgrade_model(model text) RETURNS void
	AS 'MODULE_PATHNAME', 'rec_upgrade_model' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;

CREATE FUNCTION rec.activate(model text, version int) RETURNS void
	AS 'MODULE_PATHNAME', 'rec_activate' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;

CREATE FUNCTION rec.train(model text, params jsonb DEFAULT NULL, activate boolean DEFAULT true)
RETURNS TABLE (version int, users int, items int, events bigint, pairs bigint, epochs int, loss float8, ndcg float8,
	recall float8, popular_ndcg float8, popular_recall float8, rmse float8, skipped bigint, seconds float8)
	AS 'MODULE_PATHNAME', 'rec_train' LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 1 COST 1000000;

CREATE FUNCTION rec._training_progress()
RETURNS TABLE (model text, pid int, state text, phase text, epoch int, epochs int, loss float8, metric float8,
	started_at timestamptz, updated_at timestamptz, eta_seconds float8, message text)
	AS 'MODULE_PATHNAME', 'rec_training_progress' LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 5;

CREATE VIEW rec.training_progress AS SELECT * FROM rec._training_progress();
GRANT SELECT ON rec.training_progress TO PUBLIC;

COMMENT ON FUNCTION rec.create_model IS 'Creates a model: a schema of that name (or an existing empty one that the caller owns) with the model''s tables and functions. events: any relation. user_column, item_column: keys of any hashable scalar type. value_column: numeric rating or weight. event_column with event_weights: the weight of each event type (negative speaks against an item). time_column: date, timestamp, timestamptz or integer seconds. half_life: an event''s weight halves per half-life before the newest event. feedback: implicit or explicit. params: hyperparameters, see rec.train. keep_versions: 1 and more. value_scaler: standard, minmax, robust, maxabs, quantile or log, fitted to the values at each training and applied to each value before it is weighted and summed, or the text of a fitted scaler; the version keeps it and serving uses the same. context_columns: columns of the events that context in recommend() may name. items: the relation whose columns a filter of recommend() names (table, view, ...), with its key in item_key (null: named like item_column), of the type of the events'' item column, or both integers, or both text or varchar; each request reads it with its own caller''s rights. users, user_key: the same for users. item_attributes, user_attributes: what the training uses of these relations, one element each: a column; * (all columns but the key) and -column (not this one); log(column) of a number; text(column, configuration) for words of a text search configuration (default simple); category(column) for a number that is a name; a*b (combinations of two categories or tags). Items and users are drawn to what their attributes say, the more the fewer events they have. algorithm: als (factors; the default), ease or item_knn (weights between items; implicit feedback only); the same as the key algorithm of params. Returns the model''s name. Errors name the nearest existing relation, column or parameter.';
COMMENT ON FUNCTION rec.alter_model IS 'Changes options of a model; null leaves an option as it is, reset names options to put back to their default. params replaces single keys. items, item_key, users and user_key take effect at once, the rest with the next rec.train. Parameters that are kept for another algorithm are refused when algorithm changes; reset => ''{params}'' drops them. Only for the model''s owner.';
COMMENT ON FUNCTION rec.drop_model IS 'Drops a model with its schema, its rows in the catalog and its jobs. DROP SCHEMA does the same but for jobs of pg_cron, and with CASCADE takes what others built on the model. Refused when other objects depend on it, or while it is being trained. Only for the model''s owner.';
COMMENT ON FUNCTION rec.rename_model IS 'Renames a model and its schema, and enters its jobs anew. ALTER SCHEMA RENAME does the same but for the jobs. Only for the model''s owner.';
COMMENT ON FUNCTION rec.upgrade_model IS 'Creates the functions and views of a model again, as the installed version of the extension has them; after ALTER EXTENSION UPDATE. Functions of these names with other arguments or another result are dropped before, which fails when something depends on them. Only for the model''s owner.';
COMMENT ON FUNCTION rec.activate IS 'Makes a kept version of a model the one that recommend() serves. Only for the model''s owner.';
COMMENT ON FUNCTION rec.train IS 'Trains a model on its events, stores the result as a new version, and makes it the active one unless activate is false. params override the model''s for this training: factors (1 to 1024), epochs (1 to 1000), regularization (0 and more), unobserved_weight (above 0; implicit), frequency_exponent (0 to 2), init_scale, weight_transform (none, log1p, binary), solver (cg, cholesky), cg_steps (1 to 50), holdout (0 to 0.5: share of a sample of users'' positive pairs that judges the epochs), patience (epochs without improvement before stopping; 0: never), seed. algorithm (als, ease, item_knn; another one than the model''s starts from its own defaults); of ease: regularization, neighbours, weight_transform, holdout, seed; of item_knn: similarity (cosine, pearson, bm25), neighbours, shrinkage, bm25_k1, bm25_b, weight_transform, holdout, seed. Returns one row; metrics are those of the best epoch on the holdout, at 10. Runs as the model''s owner and only for it. Errors: nothing to train on, unknown parameter, out of pg_recommend.training_memory, or a training of the model under way (lock_not_available).';
COMMENT ON FUNCTION rec._training_progress() IS 'Internal: behind rec.training_progress';
COMMENT ON VIEW rec.training_progress IS 'Running trainings, and how the last one of each model ended, of the models whose schema the current role may use. state: running, done, failed; phase: loading, training, storing; epoch: finished epochs; metric: on the holdout, ndcg@10 (explicit: rmse); eta_seconds: at most so long until the epochs are done; message: the error or the version. Kept in shared memory: empty after a restart.';
