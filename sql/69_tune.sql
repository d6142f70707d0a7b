-- rec.tune: a search for good hyperparameters, and its trials.

CREATE TABLE rec.trial (
	model         text NOT NULL,
	study         int NOT NULL,
	trial         int NOT NULL,
	stage         text NOT NULL CHECK (stage IN ('search', 'repeat', 'final')),
	params        jsonb NOT NULL,
	seed          bigint NOT NULL,
	metric        text NOT NULL,
	value         float8,
	popular_value float8,
	history       float8[] NOT NULL,
	epochs        int NOT NULL,
	seconds       float8 NOT NULL,
	stopped       text NOT NULL,
	method        text NOT NULL,
	space         jsonb NOT NULL,
	study_seed    bigint NOT NULL,
	fingerprint   bigint NOT NULL,
	point         float8[],
	finished_at   timestamptz NOT NULL,
	PRIMARY KEY (model, study, trial)
);

COMMENT ON TABLE rec.trial IS 'Finished trials of rec.tune, one row each, kept as soon as each ends; a later CALL goes on from them. Shows the models whose schema the current role may use.';
COMMENT ON COLUMN rec.trial.model IS 'Name of the model';
COMMENT ON COLUMN rec.trial.study IS 'Number of the study: trials of one CALL, and of those that went on with it';
COMMENT ON COLUMN rec.trial.trial IS 'Number of the trial in its study';
COMMENT ON COLUMN rec.trial.stage IS 'search: a trial; repeat: one of the best few with another seed; final: the winner, trained on all but the test part and judged on that';
COMMENT ON COLUMN rec.trial.params IS 'Params of the trial, on top of the models';
COMMENT ON COLUMN rec.trial.seed IS 'Seed of the training';
COMMENT ON COLUMN rec.trial.metric IS 'What is measured, such as ndcg@10';
COMMENT ON COLUMN rec.trial.value IS 'Its best value over the epochs on the validation pairs, with stage final on the test part; null: the trial failed';
COMMENT ON COLUMN rec.trial.popular_value IS 'The same of popular items (explicit feedback: of the items mean ratings); null: not known';
COMMENT ON COLUMN rec.trial.history IS 'The metric after each epoch';
COMMENT ON COLUMN rec.trial.epochs IS 'Epochs that ran';
COMMENT ON COLUMN rec.trial.seconds IS 'How long the trial took';
COMMENT ON COLUMN rec.trial.stopped IS 'Why it ended: finished, no gain (patience), halved (not in the better half at an epoch of 2, 4, 8, ...), failed: ...';
COMMENT ON COLUMN rec.trial.method IS 'bayes, random or grid';
COMMENT ON COLUMN rec.trial.space IS 'The space that was searched';
COMMENT ON COLUMN rec.trial.study_seed IS 'Seed of the study';
COMMENT ON COLUMN rec.trial.fingerprint IS 'Of the training part; a study goes on only over the same data';
COMMENT ON COLUMN rec.trial.point IS 'Where the params stand in the space, each coordinate from 0 to 1';
COMMENT ON COLUMN rec.trial.finished_at IS 'When the trial ended';

GRANT SELECT ON rec.trial TO PUBLIC;
ALTER TABLE rec.trial ENABLE ROW LEVEL SECURITY;
CREATE POLICY usable ON rec.trial FOR SELECT
	USING (pg_catalog.has_schema_privilege(pg_catalog.to_regnamespace(pg_catalog.quote_ident(model))::oid, 'USAGE'));
COMMENT ON POLICY usable ON rec.trial IS 'A role sees the trials of models whose schema it may use';
SELECT pg_catalog.pg_extension_config_dump('rec.trial', '');

CREATE PROCEDURE rec.tune(model text, space jsonb DEFAULT NULL, method text DEFAULT 'bayes', trials int DEFAULT 30,
	metric text DEFAULT NULL, budget interval DEFAULT NULL, seed bigint DEFAULT 42, apply boolean DEFAULT false)
	AS 'MODULE_PATHNAME', 'rec_tune' LANGUAGE C;

COMMENT ON PROCEDURE rec.tune IS 'Searches good hyperparameters of a model. space: an object with parameters of rec.train, each a value, a list, or a range {"min", "max", "scale": "log" or "linear", "steps": of a grid}; null: factors, regularization, unobserved_weight, frequency_exponent and weight_transform around their automatic values. method: bayes (Sobol points, then the expected improvement of a Gaussian process), random, or grid. trials: 1 to 10000. metric: a list metric and k, such as ndcg@10 (the default); with explicit feedback rmse. budget: the search ends in time for the repetitions and the final training. seed: of the search (the parts of the data follow the model''s own seed). apply: put the winner into the model''s params. The events are read once. The newest tenth of each user''s pairs is the test part (without a time column a random tenth); trials are judged on the newest fifth of the rest, of at most 5000 users, and stop early when they are not in the better half after 2, 4, 8, ... epochs. The best three are trained with two more seeds; the winner is trained on all but the test part and judged on it. Commits after each trial: rec.trial keeps what is finished, and the same CALL over the same data goes on with a study that was interrupted. Says its progress by NOTICE and in rec.training_progress (epoch: trial). Runs as the model''s owner and only for it, while nobody else trains or changes the model. Errors: inside a transaction block, an empty space, a value that a parameter cannot have, an unknown metric or method, a budget too short for one trial, too little data.';
