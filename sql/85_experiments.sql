-- Experiments: their definition, assignment of units to variants, and exposures.

CREATE SEQUENCE rec.experiment_id_seq AS int;
COMMENT ON SEQUENCE rec.experiment_id_seq IS 'Internal: numbers of experiments';

CREATE FUNCTION rec._role_ids(roles text[]) RETURNS oid[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY(SELECT rec._role_id(r) FROM pg_catalog.unnest(roles) r);
COMMENT ON FUNCTION rec._role_ids(text[]) IS 'Internal: the oids of several roles; 0: none, and public';

CREATE TABLE rec.experiment (
	experiment          text PRIMARY KEY,
	id                  int NOT NULL UNIQUE DEFAULT pg_catalog.nextval('rec.experiment_id_seq'),
	owner               text NOT NULL,
	roles               text[] NOT NULL DEFAULT '{}',
	unit_type           text NOT NULL,
	variants            text[] NOT NULL,
	weights             float8[] NOT NULL,
	coverage            float8 NOT NULL CHECK (coverage >= 0 AND coverage <= 1),
	seed                text NOT NULL,
	hash_version        int NOT NULL CHECK (hash_version IN (1, 2)),
	namespace           text,
	namespace_start     float8 NOT NULL,
	namespace_end       float8 NOT NULL,
	forced              jsonb NOT NULL DEFAULT '{}',
	start_at            timestamptz,
	stop_at             timestamptz,
	created_at          timestamptz NOT NULL DEFAULT pg_catalog.now(),
	model               text,
	versions            int[],
	exposures_schema    text,
	exposures_relation  text,
	exposure_unit       text,
	exposure_variant    text,
	exposure_time       text,
	metrics             text[],
	alpha               float8 NOT NULL CHECK (alpha > 0 AND alpha < 1),
	owner_id            oid GENERATED ALWAYS AS (rec._role_id(owner)) STORED,
	role_ids            oid[] GENERATED ALWAYS AS (rec._role_ids(roles)) STORED
);

COMMENT ON TABLE rec.experiment IS 'Experiments, one row each. Shows those that the current role may use: as its owner or a member of it, by rec.grant_experiment, or by USAGE on the schema of its model. Written by rec.create_experiment and the functions that change experiments only.';
COMMENT ON COLUMN rec.experiment.experiment IS 'Name of the experiment; rec.rename_experiment changes it at any time';
COMMENT ON COLUMN rec.experiment.id IS 'Number of the experiment, which a rename does not change; rec.exposure and rec.impression refer to it';
COMMENT ON COLUMN rec.experiment.owner IS 'Role that created it, by its name then; it and its members change the experiment and read its exposures';
COMMENT ON COLUMN rec.experiment.roles IS 'Roles that may ask for variants, log exposures and see results; public: every role';
COMMENT ON COLUMN rec.experiment.unit_type IS 'What is assigned to variants: user, session, device, ...; a label';
COMMENT ON COLUMN rec.experiment.variants IS 'Names of the variants; the first one is the control';
COMMENT ON COLUMN rec.experiment.weights IS 'Share of each variant, in the order of variants; they sum to 1 (as in GrowthBook, to between 0.99 and 1.01)';
COMMENT ON COLUMN rec.experiment.coverage IS 'Share of all units that takes part, 0 to 1; raising it adds units and moves none';
COMMENT ON COLUMN rec.experiment.seed IS 'Seed of the hash, fixed when the experiment is created';
COMMENT ON COLUMN rec.experiment.hash_version IS 'Version of GrowthBook''s hash: 1 (1,000 buckets) or 2 (10,000 buckets, unbiased)';
COMMENT ON COLUMN rec.experiment.namespace IS 'Experiments of one namespace have no unit in common; null: none';
COMMENT ON COLUMN rec.experiment.namespace_start IS 'Where the experiment''s part of the namespace begins, 0 to 1';
COMMENT ON COLUMN rec.experiment.namespace_end IS 'Where it ends, exclusive';
COMMENT ON COLUMN rec.experiment.forced IS 'Units with a fixed variant, for trying things out: {"unit id": "variant"}; they do not count in results';
COMMENT ON COLUMN rec.experiment.start_at IS 'From when on units get a variant; null: not started';
COMMENT ON COLUMN rec.experiment.stop_at IS 'Until when; null: without end';
COMMENT ON COLUMN rec.experiment.created_at IS 'When the experiment was created';
COMMENT ON COLUMN rec.experiment.model IS 'Model whose versions the variants serve; null: none. Whoever may use the model may use the experiment';
COMMENT ON COLUMN rec.experiment.versions IS 'Version of the model that each variant serves; null: the active one. They are kept until the experiment stops';
COMMENT ON COLUMN rec.experiment.exposures_schema IS 'Schema of the relation of exposures; null: rec.exposure';
COMMENT ON COLUMN rec.experiment.exposures_relation IS 'Relation of exposures, found by name at every use; null: rec.exposure';
COMMENT ON COLUMN rec.experiment.exposure_unit IS 'Its column with the unit''s id';
COMMENT ON COLUMN rec.experiment.exposure_variant IS 'Its column with the name of the variant';
COMMENT ON COLUMN rec.experiment.exposure_time IS 'Its column with the time of the exposure';
COMMENT ON COLUMN rec.experiment.metrics IS 'Metrics that the results show; null: all metrics of the experiment''s owner';
COMMENT ON COLUMN rec.experiment.alpha IS 'Significance level of the results; intervals have the level 1 - alpha';
COMMENT ON COLUMN rec.experiment.owner_id IS 'The owner''s oid, which counts: another role that takes the name of one that was dropped or renamed is not the owner';
COMMENT ON COLUMN rec.experiment.role_ids IS 'The oids of roles, in their order';

-- Who may use an experiment, for the policies below; src/model/experiment.c has the same rule.
CREATE FUNCTION rec._member_of(role oid) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(role <> 0 AND pg_catalog.pg_has_role(role, 'USAGE'), false)
	OR (SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname = current_user);
COMMENT ON FUNCTION rec._member_of(oid) IS 'Internal: whether the current role is or is a member of a role; false when there is no such role';

CREATE FUNCTION rec._may_use_experiment(owner oid, roles text[], role_ids oid[], model text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN rec._member_of(owner) OR 'public' = ANY (roles)
	OR EXISTS (SELECT FROM pg_catalog.unnest(role_ids) r WHERE rec._member_of(r))
	OR coalesce(pg_catalog.has_schema_privilege(pg_catalog.to_regnamespace(pg_catalog.quote_ident(model))::oid, 'USAGE'), false);
COMMENT ON FUNCTION rec._may_use_experiment(oid, text[], oid[], text) IS 'Internal: whether the current role may use an experiment of that owner, roles and model';

GRANT SELECT ON rec.experiment TO PUBLIC;
ALTER TABLE rec.experiment ENABLE ROW LEVEL SECURITY;
CREATE POLICY usable ON rec.experiment FOR SELECT USING (rec._may_use_experiment(owner_id, roles, role_ids, model));
COMMENT ON POLICY usable ON rec.experiment IS 'A role sees the experiments that it may use';
SELECT pg_catalog.pg_extension_config_dump('rec.experiment', '');
SELECT pg_catalog.pg_extension_config_dump('rec.experiment_id_seq', '');

-- No index on the parent: each partition has its own, because a dump would create the parent's twice.
CREATE TABLE rec.exposure (
	experiment_id  int NOT NULL,
	unit_id        text NOT NULL,
	variant        text NOT NULL,
	exposed_at     timestamptz NOT NULL
) PARTITION BY RANGE (exposed_at);
CREATE TABLE rec.exposure_default PARTITION OF rec.exposure DEFAULT;
CREATE INDEX ON rec.exposure_default (experiment_id, unit_id);
CREATE INDEX ON rec.exposure_default (experiment_id, exposed_at);

COMMENT ON TABLE rec.exposure IS 'Units that met an experiment, written by rec.log_exposure: the first time with each variant. Partitioned by month, see rec.maintain_partitions. Shows the exposures of experiments that the current role owns.';
COMMENT ON COLUMN rec.exposure.experiment_id IS 'rec.experiment.id';
COMMENT ON COLUMN rec.exposure.unit_id IS 'Id of the unit as text';
COMMENT ON COLUMN rec.exposure.variant IS 'Variant that the unit met';
COMMENT ON COLUMN rec.exposure.exposed_at IS 'When';
COMMENT ON TABLE rec.exposure_default IS 'Exposures of months without a partition of their own, see rec.maintain_partitions';
COMMENT ON COLUMN rec.exposure_default.experiment_id IS 'As of rec.exposure';
COMMENT ON COLUMN rec.exposure_default.unit_id IS 'As of rec.exposure';
COMMENT ON COLUMN rec.exposure_default.variant IS 'As of rec.exposure';
COMMENT ON COLUMN rec.exposure_default.exposed_at IS 'As of rec.exposure';

GRANT SELECT ON rec.exposure TO PUBLIC;
ALTER TABLE rec.exposure ENABLE ROW LEVEL SECURITY;
-- a partition that is read by itself: without a policy, for its owner only
ALTER TABLE rec.exposure_default ENABLE ROW LEVEL SECURITY;
CREATE POLICY owned ON rec.exposure FOR SELECT
	USING (experiment_id IN (SELECT e.id FROM rec.experiment e WHERE rec._member_of(e.owner_id)));
COMMENT ON POLICY owned ON rec.exposure IS 'A role sees the exposures of its own experiments';
SELECT pg_catalog.pg_extension_config_dump('rec.exposure_default', '');

CREATE FUNCTION rec.create_experiment(name text, variants text[] DEFAULT '{control,treatment}',
	weights float8[] DEFAULT NULL, seed text DEFAULT NULL, hash_version int DEFAULT 2, namespace text DEFAULT NULL,
	coverage float8 DEFAULT 1, start timestamptz DEFAULT '-infinity', stop timestamptz DEFAULT NULL,
	unit_type text DEFAULT 'user', model text DEFAULT NULL, versions int[] DEFAULT NULL, forced jsonb DEFAULT NULL,
	exposures text DEFAULT NULL, exposure_unit text DEFAULT NULL, exposure_variant text DEFAULT NULL,
	exposure_time text DEFAULT NULL, metrics text[] DEFAULT NULL, alpha float8 DEFAULT 0.05)
RETURNS text
	AS 'MODULE_PATHNAME', 'rec_create_experiment' LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION rec.alter_experiment(experiment text, weights float8[] DEFAULT NULL, coverage float8 DEFAULT NULL,
	namespace text DEFAULT NULL, start timestamptz DEFAULT NULL, stop timestamptz DEFAULT NULL,
	unit_type text DEFAULT NULL, model text DEFAULT NULL, versions int[] DEFAULT NULL, forced jsonb DEFAULT NULL,
	exposures text DEFAULT NULL, exposure_unit text DEFAULT NULL, exposure_variant text DEFAULT NULL,
	exposure_time text DEFAULT NULL, metrics text[] DEFAULT NULL, alpha float8 DEFAULT NULL)
RETURNS void
	AS 'MODULE_PATHNAME', 'rec_alter_experiment' LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION rec.start_experiment(experiment text) RETURNS void
	AS 'MODULE_PATHNAME', 'rec_start_experiment' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;

CREATE FUNCTION rec.stop_experiment(experiment text) RETURNS void
	AS 'MODULE_PATHNAME', 'rec_stop_experiment' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;

CREATE FUNCTION rec.rename_experiment(experiment text, new_name text) RETURNS void
	AS 'MODULE_PATHNAME', 'rec_rename_experiment' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;

CREATE FUNCTION rec.drop_experiment(experiment text, if_exists boolean DEFAULT false) RETURNS void
	AS 'MODULE_PATHNAME', 'rec_drop_experiment' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;

CREATE FUNCTION rec.force_variant(experiment text, unit_id text, variant text) RETURNS void
	AS 'MODULE_PATHNAME', 'rec_force_variant' LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION rec.grant_experiment(experiment text, role text) RETURNS void
	AS 'MODULE_PATHNAME', 'rec_grant_experiment' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;

CREATE FUNCTION rec.revoke_experiment(experiment text, role text) RETURNS void
	AS 'MODULE_PATHNAME', 'rec_revoke_experiment' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;

-- Two forms, because an id written as a string has no type yet. at: now when it is not given.
CREATE FUNCTION rec.variant(experiment text, unit_id text) RETURNS text
	AS 'MODULE_PATHNAME', 'rec_variant' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10;
CREATE FUNCTION rec.variant(experiment text, unit_id anyelement) RETURNS text
	AS 'MODULE_PATHNAME', 'rec_variant' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10;
CREATE FUNCTION rec.variant(experiment text, unit_id text, at timestamptz) RETURNS text
	AS 'MODULE_PATHNAME', 'rec_variant' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10;
CREATE FUNCTION rec.variant(experiment text, unit_id anyelement, at timestamptz) RETURNS text
	AS 'MODULE_PATHNAME', 'rec_variant' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10;

CREATE FUNCTION rec.log_exposure(experiment text, unit_id text, variant text DEFAULT NULL,
	exposed_at timestamptz DEFAULT NULL) RETURNS text
	AS 'MODULE_PATHNAME', 'rec_log_exposure' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000;
CREATE FUNCTION rec.log_exposure(experiment text, unit_id anyelement, variant text DEFAULT NULL,
	exposed_at timestamptz DEFAULT NULL) RETURNS text
	AS 'MODULE_PATHNAME', 'rec_log_exposure' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000;

COMMENT ON FUNCTION rec.create_experiment IS 'Creates an experiment, owned by the current role, and returns its name. variants: at least two names, the control first. weights: one share above zero for each, summing to 1 (null: equal shares). seed: of the hash, fixed for ever (null: the name). hash_version: 2, or 1 for older GrowthBook experiments. namespace: a name, with which the experiment takes all of the namespace, or GrowthBook''s ["name", start, end]; running experiments of one namespace must not overlap. coverage: share of units that take part, 0 to 1. start: from when on units get a variant, and exposures count (default: at once, and all exposures; null: rec.start_experiment starts it); stop: until when. unit_type: a label. model, versions: the version of the model that each variant serves in recommend(..., experiment => name), null for the active one; only for the model''s owner. forced: {"unit id": "variant"}. exposures: a relation of exposures in place of rec.exposure, with columns unit_id, variant and exposed_at or those named. metrics: what the results show (null: all metrics of the owner). alpha: significance level. Errors: fewer than two variants, a name twice, a weight of zero, weights that do not sum to 1, values out of range, a namespace that is taken, a name in use.';
COMMENT ON FUNCTION rec.alter_experiment IS 'Changes options of an experiment; null leaves an option as it is. coverage may change at any time: raising it adds units and moves none. weights and namespace, which would move units to other variants, only before the start; the seed, the variants and the version of the hash never. Only for the experiment''s owner.';
COMMENT ON FUNCTION rec.start_experiment IS 'Starts an experiment now; an error when it runs. A stopped one goes on with the same assignment. Only for the experiment''s owner.';
COMMENT ON FUNCTION rec.stop_experiment IS 'Stops an experiment now: rec.variant() is null from now on, and later exposures do not count. Only for the experiment''s owner.';
COMMENT ON FUNCTION rec.rename_experiment IS 'Renames an experiment, also while it runs: assignment, exposures and results stay, because they hang on its seed and its number. Only for the experiment''s owner.';
COMMENT ON FUNCTION rec.drop_experiment IS 'Drops an experiment with its exposures and stored results. Only for the experiment''s owner.';
COMMENT ON FUNCTION rec.force_variant IS 'Gives a unit a fixed variant (null: the hash decides again), whatever namespace, coverage and times say; for trying things out: forced units do not count in results. Only for the experiment''s owner.';
COMMENT ON FUNCTION rec.grant_experiment IS 'Lets a role (public: every role) ask for variants, log exposures and see results of an experiment. Only for the experiment''s owner.';
COMMENT ON FUNCTION rec.revoke_experiment IS 'Takes back what rec.grant_experiment gave. Only for the experiment''s owner.';
COMMENT ON FUNCTION rec.variant(text, text) IS 'The variant of a unit: the same on every server and for ever, as GrowthBook''s SDKs compute it from the unit''s id as text. Null: the unit is not in the experiment (outside coverage or namespace, before its start, after its stop, an id that is null or empty). Reads the definition once for a statement, under its snapshot. Ids beyond ASCII count by UTF-16 code units, as in JavaScript (a SQL_ASCII database''s strings are taken as UTF-8). Errors: unknown experiment (with the nearest name), no right to use it.';
COMMENT ON FUNCTION rec.variant(text, anyelement) IS 'As rec.variant(text, text), for an id of any type, which counts by its text form: 42 and ''42'' are one unit';
COMMENT ON FUNCTION rec.variant(text, text, timestamptz) IS 'As rec.variant(text, text), at another time than now, with the definition as it is now';
COMMENT ON FUNCTION rec.variant(text, anyelement, timestamptz) IS 'As rec.variant(text, text, timestamptz), for an id of any type';
COMMENT ON FUNCTION rec.log_exposure(text, text, text, timestamptz) IS 'Logs that a unit met its variant, into rec.exposure, and returns the variant. variant null: the one that rec.variant() gives; a unit without one is not logged (null). Of a unit and variant the earliest known exposure is enough: later ones are not stored again. exposed_at null: now. Needs the right to use the experiment, no right on the table. Errors: unit null or empty, no variant of that name, a time more than 5 minutes in the future (clock skew) or infinite.';
COMMENT ON FUNCTION rec.log_exposure(text, anyelement, text, timestamptz) IS 'As rec.log_exposure(text, text), for an id of any type, which counts by its text form';
