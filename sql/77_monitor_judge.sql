-- Judging: which periods are new, how far they are from the reference, and rec.check_drift.

CREATE FUNCTION rec._lump(profile rec.column_profile, least_rows float8) RETURNS rec.column_profile
	AS 'MODULE_PATHNAME', 'rec_profile_lump' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION rec._lump(rec.column_profile, float8) IS 'Internal: a profile of categories in which those with few rows are counted together, at most 50 named';

CREATE FUNCTION rec._without_nulls(profile rec.column_profile) RETURNS rec.column_profile
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN ROW((profile).kind, (profile).n - (profile).nulls, 0, (profile).mean, (profile).variance, (profile).quantiles, (profile).error, (profile).categories,
	(profile).counts, (profile).other)::rec.column_profile;
COMMENT ON FUNCTION rec._without_nulls IS 'Internal: the profile of the rows that are not null';

CREATE TYPE rec._shares AS (labels text[], reference float8[], current float8[]);
COMMENT ON TYPE rec._shares IS 'Internal: rows of rec.profile_shares as arrays';
COMMENT ON COLUMN rec._shares.labels IS 'Labels';
COMMENT ON COLUMN rec._shares.reference IS 'Shares of the reference';
COMMENT ON COLUMN rec._shares.current IS 'Shares of the period';

CREATE FUNCTION rec._number(x float8) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN x IS NULL THEN 'none' WHEN x = 0 THEN '0' WHEN x IN ('infinity', '-infinity') THEN x::pg_catalog.text
	WHEN pg_catalog.abs(x) < 1e-300 THEN 'below 1e-300'
	WHEN pg_catalog.abs(x) >= 1e-4 AND pg_catalog.abs(x) < 1e7
		THEN pg_catalog.trim_scale(pg_catalog.round(x::pg_catalog.numeric, 3 - pg_catalog.floor(pg_catalog.log(pg_catalog.abs(x)))::int))::pg_catalog.text
	ELSE pg_catalog.btrim(pg_catalog.to_char(x, '9.99EEEE')) END;
COMMENT ON FUNCTION rec._number IS 'Internal: a number with a few digits';

CREATE FUNCTION rec._trues(profile rec.column_profile) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce((profile).counts[pg_catalog.array_position((profile).categories, 'true')], 0);
CREATE FUNCTION rec._true_share(profile rec.column_profile) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN rec._trues(profile) / nullif((profile).n, 0)::float8;

-- Where fewer than five are expected of the one or the other, the normal law sees too much in a few: then Fisher's exact p.
CREATE FUNCTION rec._share_p(yes_r bigint, n_r bigint, yes_c bigint, n_c bigint, p float8) RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF least(yes_r + yes_c, n_r + n_c - yes_r - yes_c) * least(n_r, n_c) >= 5 * (n_r + n_c) THEN
		RETURN p;
	END IF;
	RETURN rec.fisher_test(yes_r, n_r, yes_c, n_c);
END $$;
CREATE FUNCTION rec._in_percent(share float8) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN pg_catalog.round((100 * share)::numeric, 1) || ' %';
-- What changed most, in words.
CREATE FUNCTION rec._largest_change(labels text[], reference float8[], current float8[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.format('"%s" went from %s to %s', pg_catalog.left(labels[i], 60), rec._in_percent(reference[i]), rec._in_percent(current[i]))
	FROM pg_catalog.generate_subscripts(labels, 1) i WHERE reference[i] IS NOT NULL AND current[i] IS NOT NULL
	ORDER BY pg_catalog.abs(current[i] - reference[i]) DESC, i LIMIT 1;
END;
COMMENT ON FUNCTION rec._largest_change IS 'Internal: the category or bin whose share moved most, as words';

-- What is different between two profiles, for people.
CREATE FUNCTION rec._what_changed(measure text, r rec.column_profile, c rec.column_profile, new_share float8, shares rec._shares) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT nullif(pg_catalog.concat_ws('; ',
		CASE WHEN measure = 'share' THEN pg_catalog.format('the share went from %s to %s', rec._in_percent(s.before), rec._in_percent(s.after)) END,
		CASE WHEN measure <> 'share' AND pg_catalog.abs(n.after - n.before) > 0.05 THEN pg_catalog.format('nulls went from %s to %s', rec._in_percent(n.before), rec._in_percent(n.after)) END,
		CASE WHEN measure = 'ks' AND (r).kind = 'number' AND (c).mean IS NOT NULL THEN pg_catalog.format('the mean went from %s to %s', rec._number((r).mean), rec._number((c).mean)) END,
		CASE WHEN measure = 'ks' AND (r).kind = 'number' AND ((c).variance > 1.5 * (r).variance OR (r).variance > 1.5 * (c).variance)
			THEN pg_catalog.format('the standard deviation from %s to %s', rec._number(pg_catalog.sqrt((r).variance)), rec._number(pg_catalog.sqrt((c).variance))) END,
		CASE WHEN measure = 'chi2' THEN rec._largest_change((shares).labels, (shares).reference, (shares).current) END,
		CASE WHEN measure = 'chi2' AND new_share > 0.05 THEN pg_catalog.format('%s of the rows are of new categories', rec._in_percent(new_share)) END), '')
	FROM (SELECT (r).nulls / nullif((r).n, 0)::float8 AS before, (c).nulls / nullif((c).n, 0)::float8 AS after) n,
		(SELECT rec._true_share(r) AS before, rec._true_share(c) AS after) s;
END;

-- How far that is, beside the limits, and whether chance explains it.
CREATE FUNCTION rec._effect_in_words(verdict text, measure text, psi rec.psi_result, among_values boolean, effect float8, limit_watch float8, limit_drifted float8) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN verdict = 'ok' AND effect >= limit_watch THEN 'too few rows to be sure: ' || w.size
		WHEN verdict = 'ok' AND measure <> 'share' AND (psi).psi < (psi).threshold95 THEN pg_catalog.format('as before: %s, which chance alone may give', w.size)
		WHEN verdict = 'ok' AND measure = 'share' THEN pg_catalog.format('no drift below a change of %s', rec._number(limit_watch))
		WHEN verdict = 'ok' THEN pg_catalog.format('no drift below %s: %s', rec._number(limit_watch), w.size)
		WHEN verdict = 'watch' THEN pg_catalog.format('%s: to be watched from %s, drifted from %s', w.size, rec._number(limit_watch), rec._number(limit_drifted))
		ELSE pg_catalog.format('%s: drifted from %s', w.size, rec._number(limit_drifted)) END
	FROM (SELECT CASE WHEN measure = 'share' THEN 'a change of ' || rec._number(effect)
		ELSE pg_catalog.format('PSI %s%s', rec._number((psi).psi), CASE WHEN among_values THEN ' among what is not null' END) END AS size) w;
END;

COMMENT ON FUNCTION rec._what_changed IS 'Internal: what is different between two profiles, in words';
COMMENT ON FUNCTION rec._effect_in_words IS 'Internal: how far a column is from its reference, in words';
COMMENT ON FUNCTION rec._trues IS 'Internal: how many of a profile of booleans are true';
COMMENT ON FUNCTION rec._share_p IS 'Internal: p-value of two shares: the one given, or Fisher''s where few are expected';
COMMENT ON FUNCTION rec._true_share IS 'Internal: share of true in a profile of booleans';
COMMENT ON FUNCTION rec._in_percent IS 'Internal: a share as percentage';

-- What a version shows is known from impressions once they are logged, and until then from what recommend() answers. Lists that were
-- shown are shorter or filtered, so the two are not compared: the first period with impressions becomes the reference of such
-- measures. Returns the columns for which it just did.
CREATE FUNCTION rec._rebase_shown(monitor text, version int, period timestamptz) RETURNS text[]
LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	WITH rebased AS (
		INSERT INTO rec.drift_baseline AS b (monitor, version, column_name, segment, profile, taken_from)
		SELECT p.monitor, _rebase_shown.version, p.column_name, p.segment, p.profile, p.taken_from
		FROM rec.drift_period p JOIN rec.monitor m ON m.monitor = p.monitor AND m.reference = 'training'
		WHERE p.monitor = _rebase_shown.monitor AND p.period_start = period AND p.taken_from = 'impressions'
		ON CONFLICT (monitor, version, column_name, segment)
			DO UPDATE SET profile = EXCLUDED.profile, taken_from = EXCLUDED.taken_from, taken_at = pg_catalog.now() WHERE b.taken_from <> 'impressions'
		RETURNING b.column_name)
	SELECT coalesce(pg_catalog.array_agg(r.column_name), '{}') FROM rebased r;
END;
COMMENT ON FUNCTION rec._rebase_shown IS 'Internal: makes the first period with impressions the reference of what is shown';

-- Compares the profiles of a period with their reference; one row per column and segment of either.
CREATE FUNCTION rec._judge(monitor text, version int, period timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	m rec.monitor;
	t jsonb;
	relation regclass;
	first_shown text[];
BEGIN
	SELECT * INTO STRICT m FROM rec.monitor o WHERE o.monitor = _judge.monitor;
	t := rec._thresholds(m.thresholds);
	relation := (SELECT s.relation FROM rec._monitor_source(monitor) s);
	first_shown := rec._rebase_shown(monitor, version, period);
	INSERT INTO rec.drift_result
	WITH current AS (
		SELECT p.column_name, p.segment, p.profile, p.taken_from FROM rec.drift_period p WHERE p.monitor = m.monitor AND p.period_start = period
	), reference AS (
		SELECT b.column_name, b.segment, b.profile, b.taken_from FROM rec.drift_baseline b WHERE m.reference = 'training' AND b.monitor = m.monitor AND b.version = _judge.version
		UNION ALL
		SELECT p.column_name, p.segment, rec.merge_profiles(p.profile), p.taken_from FROM rec.drift_period p
		LEFT JOIN current c ON c.column_name = p.column_name AND c.segment = p.segment
		WHERE m.reference <> 'training' AND p.monitor = m.monitor AND p.period_start < period
			AND p.period_start >= period - CASE WHEN m.reference <> 'training' THEN rec._as_interval(m.reference) END
			-- a column that was retyped is compared with what it is now; what was shown only with what was shown
			AND (p.profile).kind = coalesce((c.profile).kind, (p.profile).kind) AND p.taken_from = coalesce(c.taken_from, p.taken_from)
		GROUP BY p.column_name, p.segment, (p.profile).kind, p.taken_from
	), pair AS (
		SELECT coalesce(r.column_name, c.column_name) AS column_name, coalesce(r.segment, c.segment) AS segment, r.profile AS r, c.profile AS c,
			r.taken_from AS r_from, c.taken_from AS c_from
		FROM reference r FULL JOIN current c ON c.column_name = r.column_name AND c.segment = r.segment
	), named AS (
		SELECT p.*, coalesce((r).n, 0) AS n_r, coalesce((c).n, 0) AS n_c, split_part(segment, '=', 1) AS segment_column,
			m.model IS NOT NULL AND column_name IN ('unknown_items', 'unknown_users', 'catalogue_coverage') AS is_share,
			m.model IS NOT NULL AND column_name IN ('user_activity', 'item_popularity', 'unknown_items', 'unknown_users', 'recommendation_score', 'catalogue_coverage') AS is_measure,
			m.model IS NOT NULL AND column_name IN ('recommendation_score', 'catalogue_coverage') AS of_lists
		FROM pair p
	), obstacle AS (
		SELECT n.*, CASE
			WHEN NOT is_measure AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = relation AND a.attname = n.column_name::name AND a.attnum > 0 AND NOT a.attisdropped)
				THEN 'the column does not exist any more'
			WHEN n_r = 0 AND NOT of_lists THEN CASE WHEN segment <> '' THEN 'the reference has no rows of this segment' WHEN (SELECT coalesce(max((p.r).n), 0) FROM pair p) = 0 THEN 'the reference has no rows' ELSE 'the reference does not have this column' END
			WHEN n_c = 0 AND NOT (of_lists AND (SELECT coalesce(max((p.c).n), 0) FROM pair p) > 0) THEN CASE WHEN segment <> '' THEN 'no rows of this segment in this period' ELSE 'no rows in this period' END
			WHEN (r).kind <> (c).kind THEN format('the column''s type has changed: the reference is of kind %s, now it is %s', (r).kind, (c).kind)
			END AS obstacle, CASE
			WHEN of_lists AND n_c = 0 THEN 'too few users were active in this period to compare recommendations'
			WHEN of_lists AND n_r = 0 THEN 'there is no reference yet for recommendations'
			WHEN of_lists AND r_from <> c_from THEN 'too little was shown in this period to compare it with what had been shown'
			WHEN (r).kind = 'category' AND (r).n > 20 AND (r).n - (r).nulls > 0
				AND cardinality((r).categories) + (r).other > 0.5 * ((r).n - (r).nulls) AND (cardinality((r).categories) > 20 OR (r).other > 0.5 * (r).n) THEN 'nearly every value occurs once, as of a key, so the column is not judged'
			END AS unjudged
		FROM named n
	), lumped AS (
		SELECT o.*, CASE WHEN obstacle IS NULL AND unjudged IS NULL AND (r).categories IS NOT NULL AND (r).kind = 'category' THEN rec._lump(r, 5 * n_r / n_c::float8) ELSE r END AS r2,
			CASE WHEN obstacle IS NOT NULL OR unjudged IS NOT NULL THEN 'none' WHEN is_share THEN 'share'
				WHEN (r).categories IS NOT NULL AND (c).categories IS NOT NULL THEN 'chi2' ELSE 'ks' END AS measure
		FROM obstacle o
	), tested AS (
		SELECT l.*, CASE WHEN measure IN ('chi2', 'share') THEN rec.chi2_test(r2, c) END AS chi2, CASE WHEN measure = 'ks' THEN rec.ks_test(r, c) END AS ks,
			CASE WHEN measure <> 'none' THEN rec.psi(r2, c) END AS psi,
			CASE WHEN measure <> 'none' AND (r2).nulls + (c).nulls > 0 THEN rec.psi(rec._without_nulls(r2), rec._without_nulls(c)) END AS psi_values, CASE WHEN measure <> 'none' THEN rec.null_share(r, c) END AS nulls,
			CASE WHEN measure IN ('chi2', 'share') THEN (rec.new_categories(r, c)).share END AS new_share,
						CASE WHEN measure <> 'none' THEN (SELECT ROW(array_agg(s.label), array_agg(s.reference_share), array_agg(s.current_share))::rec._shares FROM rec.profile_shares(r, c) s) END AS shares
		FROM lumped l
	), p_of_values AS (
		SELECT t.*, CASE WHEN measure = 'share' THEN rec._share_p(rec._trues(r), (r).n, rec._trues(c), (c).n, (chi2).p_value) ELSE coalesce((chi2).p_value, (ks).p_value_max) END AS values_p FROM tested t
	), weighed AS (
		-- where most rows are null, these hide in PSI what the others do
		SELECT x.*, coalesce((psi_values).psi - (psi_values).expected > (psi).psi - (psi).expected, false) AS among_values,
			CASE WHEN measure = 'none' THEN NULL WHEN measure = 'share' THEN abs(rec._true_share(c) - rec._true_share(r))
				ELSE greatest((psi).psi - (psi).expected, (psi_values).psi - (psi_values).expected, 0) END AS effect,
			CASE WHEN (nulls).reference + (nulls).current > 0 THEN least(1, 2 * least(rec._share_p((r).nulls, (r).n, (c).nulls, (c).n, (nulls).p_value), values_p))
				ELSE values_p END AS p
		FROM p_of_values x
	), adjusted AS (
		SELECT w.*, rec.adjust_p(p, 'holm') OVER () AS q, CASE WHEN measure = 'share' THEN (t ->> 'share_watch')::float8 ELSE (t ->> 'psi_watch')::float8 END AS limit_watch,
			CASE WHEN measure = 'share' THEN (t ->> 'share_drifted')::float8 ELSE (t ->> 'psi_drifted')::float8 END AS limit_drifted
		FROM weighed w
	), judged AS (
		SELECT a.*, CASE WHEN obstacle IS NOT NULL THEN 'watch' WHEN unjudged IS NOT NULL THEN 'ok'
				WHEN q < (t ->> 'p')::float8 AND effect >= limit_drifted THEN 'drifted'
				WHEN q < (t ->> 'p')::float8 AND effect >= limit_watch THEN 'watch' ELSE 'ok' END AS verdict
		FROM adjusted a
	)
	SELECT m.monitor, m.model, CASE WHEN m.model IS NOT NULL THEN _judge.version END, column_name, segment, period, period + m.current, measure,
		n_r, n_c, coalesce((chi2).statistic, (ks).statistic), p, q, (psi).psi, (psi).threshold95, effect, (ks).error, (r).mean, (c).mean,
		(nulls).reference, (nulls).current, new_share, verdict,
		CASE WHEN obstacle IS NOT NULL THEN 'nothing to compare: ' || obstacle WHEN unjudged IS NOT NULL THEN unjudged
			WHEN column_name = ANY (first_shown) THEN 'the first period in which what is shown was logged: the reference from now on'
			ELSE concat_ws('; ', CASE WHEN c_from = 'impressions' THEN 'of what was shown' END,
				CASE WHEN measure = 'share' OR verdict <> 'ok' THEN rec._what_changed(measure, r, c, new_share, shares) END,
				rec._effect_in_words(verdict, measure, CASE WHEN among_values THEN psi_values ELSE psi END, among_values, effect, limit_watch, limit_drifted),
				CASE WHEN verdict <> 'ok' OR effect >= limit_watch THEN format('p %s after Holm over %s tests', rec._number(q), count(p) OVER ()) END) END,
		(shares).labels, (shares).reference, (shares).current, now()
	FROM judged
	ON CONFLICT DO NOTHING;
END $$;
COMMENT ON FUNCTION rec._judge IS 'Internal: writes the rows of rec.drift_result for a period whose profiles are stored';

-- The periods that are new: those that are over, from the last one that was judged, or for the first time from where the reference
-- ends, to the newest row. read_from is earlier where an interval of reference has not been read yet.
CREATE FUNCTION rec._periods(monitor text, trained_to timestamptz, since timestamptz, until timestamptz, newest timestamptz,
	OUT read_from timestamptz, OUT first_period timestamptz, OUT end_of_periods timestamptz)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	m rec.monitor;
	origin timestamptz := '2000-01-01 00:00+00';
	last timestamptz;
BEGIN
	SELECT * INTO STRICT m FROM rec.monitor t WHERE t.monitor = _periods.monitor;
	last := date_bin(m.current, least(newest + m.current, until), origin);	-- the end of the last whole period
	IF m.reference = 'training' THEN
		-- the period in which the training's events end counts when more than half of it was still to come
		first_period := coalesce(m.checked_to, since, '-infinity');
		IF trained_to IS NOT NULL AND (m.checked_to IS NOT NULL OR since IS NULL) THEN
			first_period := greatest(first_period, date_bin(m.current, trained_to + m.current / 2 - interval '1 microsecond', origin)
				+ CASE WHEN date_bin(m.current, trained_to + m.current / 2 - interval '1 microsecond', origin) < trained_to - m.current / 2 THEN m.current ELSE interval '0' END);
		END IF;
	ELSE
		first_period := coalesce(m.checked_to, since, last - m.current);
	END IF;
	IF first_period IN ('-infinity', 'infinity') OR first_period IS NULL THEN
		first_period := last - m.current;
	END IF;
	first_period := CASE WHEN date_bin(m.current, first_period, origin) < first_period THEN date_bin(m.current, first_period, origin) + m.current ELSE date_bin(m.current, first_period, origin) END;
	end_of_periods := last;
	read_from := CASE WHEN m.reference = 'training' OR m.checked_to IS NOT NULL THEN first_period ELSE first_period - rec._as_interval(m.reference) END;
END $$;
COMMENT ON FUNCTION rec._periods IS 'Internal: the range of new periods of a monitor';

CREATE FUNCTION rec._prune_periods(monitor text) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	DELETE FROM rec.drift_period p USING rec.monitor m WHERE m.monitor = _prune_periods.monitor AND p.monitor = m.monitor
		AND p.period_start < m.checked_to - greatest(28 * m.current, CASE WHEN m.reference = 'training' THEN m.current ELSE rec._as_interval(m.reference) END + m.current);
	DELETE FROM rec.drift_baseline b WHERE b.monitor = _prune_periods.monitor
		AND b.version <= (SELECT pg_catalog.max(x.version) - 10 FROM rec.drift_baseline x WHERE x.monitor = _prune_periods.monitor);
END;
COMMENT ON FUNCTION rec._prune_periods IS 'Internal: removes profiles that no reference needs';

CREATE FUNCTION rec.check_drift(model text, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL) RETURNS SETOF rec.drift_result
	AS 'MODULE_PATHNAME', 'rec_check_drift' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 20;
COMMENT ON FUNCTION rec.check_drift IS 'Judges the periods that are over and new since the last check, and returns the rows that it wrote to rec.drift_result. model: a model, whose monitors are all checked (one is made when it has none), or the name of a monitor. since: where the first check begins, instead of where the training''s events end (reference training) or with the last period (an interval); later checks go on where the last one ended. until: periods that end later are not looked at, now when null. Only the new periods are read; an index on the time column serves. Runs as the model''s owner (of a relation: the monitor''s) under SECURITY_RESTRICTED_OPERATION; only for the owner, its members and superusers. Errors: no such model or monitor (42704), not its owner (42501), no time column or no trained version (55000).';
