-- Features: time, cohorts.

CREATE DOMAIN rec.hemisphere AS text CHECK (VALUE IN ('north', 'south'));

CREATE TYPE rec.time_parts AS (
	hour int, weekday int, weekend boolean, month int, season text, hour_sin float8, hour_cos float8, weekday_sin float8,
	weekday_cos float8, month_sin float8, month_cos float8);

CREATE FUNCTION rec.time_features(ts timestamptz, time_zone text DEFAULT 'UTC', hemisphere rec.hemisphere DEFAULT 'north')
RETURNS rec.time_parts
	AS 'MODULE_PATHNAME', 'rec_time_features' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;

CREATE TYPE rec.rfm_scores AS (recency int, frequency int, monetary int, segment text);

CREATE FUNCTION rec.rfm(last_at timestamptz, frequency float8, monetary float8) RETURNS rec.rfm_scores
	AS 'MODULE_PATHNAME', 'rec_rfm' LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE;

CREATE FUNCTION rec.visitor_type(first_at timestamptz, ts timestamptz, new_for interval DEFAULT '0') RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN CASE WHEN $2 - $1 <= $3 THEN 'new' ELSE 'returning' END;

COMMENT ON DOMAIN rec.hemisphere IS 'north or south';
COMMENT ON CONSTRAINT hemisphere_check ON DOMAIN rec.hemisphere IS 'north or south';
COMMENT ON TYPE rec.time_parts IS 'Features of a time, see rec.time_features';
COMMENT ON COLUMN rec.time_parts.hour IS 'Hour of the day, 0 to 23, in the time zone';
COMMENT ON COLUMN rec.time_parts.weekday IS 'Day of the week, 1 (Monday) to 7 (Sunday)';
COMMENT ON COLUMN rec.time_parts.weekend IS 'Saturday or Sunday';
COMMENT ON COLUMN rec.time_parts.month IS 'Month, 1 to 12';
COMMENT ON COLUMN rec.time_parts.season IS 'winter, spring, summer or autumn: quarters that begin in December, March, June and September in the north, half a year later in the south';
COMMENT ON COLUMN rec.time_parts.hour_sin IS 'sin(2 pi hour / 24): with hour_cos a point on a circle, so that 23 is near 0';
COMMENT ON COLUMN rec.time_parts.hour_cos IS 'cos(2 pi hour / 24)';
COMMENT ON COLUMN rec.time_parts.weekday_sin IS 'sin(2 pi (weekday - 1) / 7)';
COMMENT ON COLUMN rec.time_parts.weekday_cos IS 'cos(2 pi (weekday - 1) / 7)';
COMMENT ON COLUMN rec.time_parts.month_sin IS 'sin(2 pi (month - 1) / 12)';
COMMENT ON COLUMN rec.time_parts.month_cos IS 'cos(2 pi (month - 1) / 12)';
COMMENT ON FUNCTION rec.time_features(timestamptz, text, rec.hemisphere) IS 'Hour, weekday, weekend, month, season and their points on circles, of a time as clocks in a time zone show it: (rec.time_features(created_at, ''Europe/Berlin'')).hour. Null when an argument is null or the time infinite. Errors: unknown time zone, a hemisphere other than north and south.';
COMMENT ON TYPE rec.rfm_scores IS 'Quintiles of a customer among all, see rec.rfm';
COMMENT ON COLUMN rec.rfm_scores.recency IS '1 (longest ago) to 5 (most recent)';
COMMENT ON COLUMN rec.rfm_scores.frequency IS '1 (rarest) to 5 (most frequent)';
COMMENT ON COLUMN rec.rfm_scores.monetary IS '1 (least) to 5 (most)';
COMMENT ON COLUMN rec.rfm_scores.segment IS 'Cohort by recency and frequency: champions, loyal customers, potential loyalists, new customers, promising, need attention, about to sleep, at risk, cannot lose them or hibernating';
COMMENT ON FUNCTION rec.rfm(timestamptz, float8, float8) IS 'Window function over one row per customer: quintile 1 to 5 of the last purchase, of how many there were, and of what they were worth, among the rows of the partition, and the cohort these make. A quintile is 1 + the fifths of the rows that are smaller; equal values share one. Null where an argument is null. Errors: NaN or infinity.';
COMMENT ON FUNCTION rec.visitor_type(timestamptz, timestamptz, interval) IS 'new while an event is at most new_for after the visitor''s first one, else returning: rec.visitor_type(min(ts) OVER (PARTITION BY user_id), ts, ''30 days'')';
