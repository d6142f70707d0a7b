-- Internal: the aggregate that reads events for a training, see src/model/load.c.

CREATE FUNCTION rec._load_transition(internal, "any", "any", float8, text, jsonb, "any", int, oid, oid) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_load_transition' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._load_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_load_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._load_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'rec_load_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION rec._load_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_load_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION rec._load_final(internal) RETURNS bigint
	AS 'MODULE_PATHNAME', 'rec_load_final' LANGUAGE C IMMUTABLE PARALLEL SAFE;

CREATE AGGREGATE rec._load_events("any", "any", float8, text, jsonb, "any", int, oid, oid) (
	SFUNC = rec._load_transition, STYPE = internal, SSPACE = 1000000,
	COMBINEFUNC = rec._load_combine, SERIALFUNC = rec._load_serialize, DESERIALFUNC = rec._load_deserialize,
	FINALFUNC = rec._load_final, PARALLEL = SAFE
);

COMMENT ON FUNCTION rec._load_transition(internal, "any", "any", float8, text, jsonb, "any", int, oid, oid) IS 'Internal: transition function of rec._load_events';
COMMENT ON FUNCTION rec._load_combine(internal, internal) IS 'Internal: combine function of rec._load_events';
COMMENT ON FUNCTION rec._load_serialize(internal) IS 'Internal: serialization of rec._load_events';
COMMENT ON FUNCTION rec._load_deserialize(bytea, internal) IS 'Internal: deserialization of rec._load_events';
COMMENT ON FUNCTION rec._load_final(internal) IS 'Internal: final function of rec._load_events';
COMMENT ON AGGREGATE rec._load_events("any", "any", float8, text, jsonb, "any", int, oid, oid) IS 'Internal: reads user, item, value, event type, weights, time, flags and key collations of all events for rec.train; returns the number of rows';
