-- Pictures for psql.

CREATE FUNCTION rec._histogram_add(internal, float8, boolean) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_histogram_add' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._histogram_add(internal, timestamptz, boolean) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_histogram_add_time' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._histogram_add(internal, timestamp, boolean) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_histogram_add_time' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE FUNCTION rec._histogram_add(internal, anyelement, boolean) RETURNS internal
	AS 'MODULE_PATHNAME', 'rec_histogram_add_category' LANGUAGE C STABLE PARALLEL SAFE;
CREATE FUNCTION rec._histogram_final(internal) RETURNS text
	AS 'MODULE_PATHNAME', 'rec_histogram_final' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;
CREATE AGGREGATE rec.histogram(float8, boolean) (SFUNC = rec._histogram_add, STYPE = internal, FINALFUNC = rec._histogram_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = safe);
CREATE AGGREGATE rec.histogram(timestamptz, boolean) (SFUNC = rec._histogram_add, STYPE = internal, FINALFUNC = rec._histogram_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = safe);
CREATE AGGREGATE rec.histogram(timestamp, boolean) (SFUNC = rec._histogram_add, STYPE = internal, FINALFUNC = rec._histogram_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = safe);
CREATE AGGREGATE rec.histogram(anyelement, boolean) (SFUNC = rec._histogram_add, STYPE = internal, FINALFUNC = rec._histogram_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = safe);

COMMENT ON FUNCTION rec._histogram_add(internal, float8, boolean) IS 'Internal: adds a row to a histogram';
COMMENT ON FUNCTION rec._histogram_add(internal, timestamptz, boolean) IS 'Internal: adds a row to a histogram';
COMMENT ON FUNCTION rec._histogram_add(internal, timestamp, boolean) IS 'Internal: adds a row to a histogram';
COMMENT ON FUNCTION rec._histogram_add(internal, anyelement, boolean) IS 'Internal: adds a row to a histogram';
COMMENT ON FUNCTION rec._histogram_final(internal) IS 'Internal: text of a histogram';
COMMENT ON AGGREGATE rec.histogram(float8, boolean) IS 'Text with a line of two bars per bin, of the reference (is_current false) and now: the share of the rows of each side. Of numbers: ten bins of equal width between the 1 % and 99 % points of the reference, the outer ones open; up to ten distinct ones each for itself; with a line for nulls when there are any. Null without rows.';
COMMENT ON AGGREGATE rec.histogram(timestamptz, boolean) IS 'Text with a line of two bars per bin, of the reference (is_current false) and now: the share of the rows of each side. Of times, in ten bins, in UTC; with a line for nulls when there are any. Null without rows.';
COMMENT ON AGGREGATE rec.histogram(timestamp, boolean) IS 'Text with a line of two bars per bin, of the reference (is_current false) and now: the share of the rows of each side. Of times, in ten bins, in UTC; with a line for nulls when there are any. Null without rows.';
COMMENT ON AGGREGATE rec.histogram(anyelement, boolean) IS 'Text with a line of two bars per bin, of the reference (is_current false) and now: the share of the rows of each side. Of categories (values of any type): the ten most frequent, and the others together; with a line for nulls when there are any. Null without rows.';
