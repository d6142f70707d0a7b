-- rec.report: one page about a model, of sections that each read the catalog as the caller may.

-- Terms and their meaning, as pairs of safe HTML; pairs without a meaning are left out.
CREATE FUNCTION rec._report_terms(VARIADIC pairs text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT '<dl>' || pg_catalog.string_agg(pg_catalog.format('<dt>%s</dt><dd>%s</dd>', pairs[2 * i - 1], pairs[2 * i]), '' ORDER BY i) || '</dl>'
	FROM pg_catalog.generate_series(1, pg_catalog.cardinality(pairs) / 2) i WHERE pairs[2 * i] IS NOT NULL;
END;

CREATE FUNCTION rec._report_tile(value text, label text, class text DEFAULT '') RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN pg_catalog.format('<div class="tile"><b class="%s">%s</b><span>%s</span></div>', class, value, label);

CREATE FUNCTION rec._report_verdict(verdict text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE verdict WHEN 'ok' THEN 'good' WHEN 'watch' THEN 'watch' WHEN 'drifted' THEN 'bad' ELSE 'muted' END;

CREATE FUNCTION rec._report_summary(m rec.model, r rec.training_run) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	worst text;
	against int;
	next timestamptz;
	rated boolean := r.rmse IS NOT NULL;
	quality float8 := CASE WHEN rated THEN r.rmse[r.best_epoch] ELSE r.ndcg[r.best_epoch] END;
	baseline float8 := CASE WHEN rated THEN r.mean_rmse ELSE r.popular_ndcg END;
BEGIN
	SELECT d.verdict, d.version INTO worst, against FROM rec.drift d WHERE d.model = m.model
	ORDER BY array_position('{drifted,watch,ok}', d.verdict) LIMIT 1;
	SELECT rec._next_run(s.retrain_at, now(), s.time_zone) INTO next FROM rec.schedule s WHERE s.model = m.model;
	RETURN '<div class="tiles">' ||
		rec._report_tile(coalesce('version ' || m.active_version, 'not trained'), coalesce('trained ' || to_char(r.finished_at, 'YYYY-MM-DD HH24:MI'), 'no version is active')) ||
		CASE WHEN quality IS NULL THEN '' ELSE rec._report_tile(rec._report_number(quality), CASE WHEN rated THEN 'RMSE on the holdout' ELSE 'NDCG@10 on the holdout' END) END ||
		CASE WHEN quality IS NULL OR baseline IS NULL OR baseline = 0 THEN ''
			WHEN rated THEN rec._report_tile(rec._report_percent(1 - quality / baseline), 'less error than the items&#39; means', CASE WHEN quality < baseline THEN 'good' ELSE 'bad' END)
			ELSE rec._report_tile(rec._report_number(quality / baseline) || ' ×', 'of what popular items reach', CASE WHEN quality > baseline THEN 'good' ELSE 'bad' END) END ||
		CASE WHEN r.model IS NULL THEN '' ELSE rec._report_tile(rec._report_number(r.events), 'events of ' || rec._report_number(r.users) || ' users, ' || rec._report_number(r.items) || ' items') END ||
		rec._report_tile(coalesce(worst, 'not checked'), coalesce('drift since version ' || against, 'drift'), rec._report_verdict(worst)) ||
		rec._report_tile(coalesce(to_char(next AT TIME ZONE 'UTC', 'MM-DD HH24:MI') || ' UTC', 'not scheduled'), 'next retraining') || '</div>';
END $$;

-- How many of the items appear in the lists of a sample of users. Runs what stands in the model's schema, where its owner can put
-- other code: so for nobody but that owner, not even a superuser.
CREATE FUNCTION rec._report_coverage(m rec.model) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	shown bigint;
	items bigint;
	users bigint;
BEGIN
	IF m.active_version IS NULL OR NOT EXISTS (SELECT FROM pg_namespace n WHERE n.nspname = m.model::name AND pg_get_userbyid(n.nspowner) = current_user) THEN
		RETURN NULL;
	END IF;
	EXECUTE format('SELECT count(DISTINCT r.item_id), count(DISTINCT r.user_id), (SELECT count(*) FROM %1$I.item_factors WHERE version = $1)
		FROM %1$I.recommend_many(ARRAY(SELECT user_id FROM %1$I.user_factors WHERE version = $1 ORDER BY user_id LIMIT 500), 10, version => $1) r', m.model)
		INTO shown, users, items USING m.active_version;
	RETURN format('%s of %s items (%s) appear in the ten best of %s users', rec._report_number(shown), rec._report_number(items),
		rec._report_percent(shown::float8 / nullif(items, 0)), rec._report_number(users));
EXCEPTION WHEN insufficient_privilege OR feature_not_supported THEN
	RETURN NULL;				-- row security on the events
END $$;

CREATE FUNCTION rec._report_card(m rec.model, r rec.training_run) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN '<section><h2>Model card</h2>' || rec._report_terms(
		'Events', rec._html(format('%I.%I', m.events_schema, m.events_relation)),
		'Columns', rec._html(concat_ws(', ', m.user_column, m.item_column, m.value_column, m.event_column, m.time_column)),
		'Event weights', rec._html(m.event_weights::text),
		'Half-life', rec._html(m.half_life::text),
		'Feedback', m.feedback,
		'Trained on', format('%s events, %s distinct pairs of %s users and %s items', rec._report_number(r.events), rec._report_number(r.pairs), rec._report_number(r.users), rec._report_number(r.items)),
		'Not used', CASE WHEN r.null_keys + r.bad_values + r.unweighted > 0 THEN
			format('%s rows without key, %s with a bad value, %s of a type without weight', rec._report_number(r.null_keys), rec._report_number(r.bad_values), rec._report_number(r.unweighted)) END,
		'Quality', CASE WHEN r.ndcg IS NOT NULL THEN format('NDCG@10 %s, recall@10 %s on a holdout of %s users; popular items reach %s and %s',
				rec._report_number(r.ndcg[r.best_epoch]), rec._report_number(r.recall[r.best_epoch]), rec._report_number(r.holdout_users), rec._report_number(r.popular_ndcg), rec._report_number(r.popular_recall))
			WHEN r.rmse IS NOT NULL THEN format('RMSE %s on the holdout; the items&#39; means reach %s', rec._report_number(r.rmse[r.best_epoch]), rec._report_number(r.mean_rmse))
			ELSE 'not measured, as nothing was held out' END,
		'Coverage', rec._report_coverage(m),
		'Parameters', rec._html((SELECT string_agg(key || ' ' || CASE jsonb_typeof(value) WHEN 'number' THEN rec._report_number(value::float8) ELSE value #>> '{}' END, ', ' ORDER BY key) FROM jsonb_each(r.params))),
		'Training', format('%s s loading, %s s solving, %s s storing, %s MB, %s workers', rec._report_number(r.load_seconds), rec._report_number(r.solve_seconds),
			rec._report_number(r.store_seconds), rec._report_number(round(r.memory_bytes / 1048576.0)), r.workers),
		'Trained by', rec._html(r.trained_by)) ||
		coalesce('<p class="watch">What in the data may make the model worse</p><ul>' ||
			(SELECT string_agg('<li>' || rec._html(w) || '</li>', '') FROM unnest(r.warnings) w) || '</ul>', '') || '</section>';
END $$;

-- Curves over the epochs; a closed form has a single one, whose quality stands in the card.
CREATE FUNCTION rec._report_training(r rec.training_run) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN greatest(pg_catalog.cardinality((r).loss), pg_catalog.cardinality((r).ndcg), pg_catalog.cardinality((r).rmse)) > 1 THEN '<section><h2>Training</h2><div class="charts">' ||
		CASE WHEN pg_catalog.cardinality((r).loss) > 1 THEN pg_catalog.format('<figure><figcaption>Loss after each epoch</figcaption>%s</figure>',
			rec._svg_curve('loss after each epoch', (r).loss, (r).best_epoch, NULL, NULL)) ELSE '' END ||
		CASE WHEN (r).ndcg IS NOT NULL THEN pg_catalog.format('<figure><figcaption>NDCG@10 on the holdout; the dot is the epoch that was kept</figcaption>%s</figure>',
			rec._svg_curve('ndcg on the holdout after each epoch', (r).ndcg, (r).best_epoch, (r).popular_ndcg, 'popular items'))
		WHEN (r).rmse IS NOT NULL THEN pg_catalog.format('<figure><figcaption>RMSE on the holdout; the dot is the epoch that was kept</figcaption>%s</figure>',
			rec._svg_curve('rmse on the holdout after each epoch', (r).rmse, (r).best_epoch, (r).mean_rmse, 'items'' means'))
		ELSE '' END || '</div></section>' ELSE '' END;
END;

-- A time in UTC, without the hours where there are none.
CREATE FUNCTION rec._report_time(t timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN pg_catalog.to_char(t AT TIME ZONE 'UTC', CASE WHEN pg_catalog.date_trunc('day', t AT TIME ZONE 'UTC') = t AT TIME ZONE 'UTC' THEN 'YYYY-MM-DD' ELSE 'YYYY-MM-DD HH24:MI' END);

-- The latest period of a monitor, with what the same columns were in the periods before.
CREATE FUNCTION rec._report_monitor(m rec.monitor) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	head text;
	rows text;
BEGIN
	SELECT string_agg(format('<tr><td>%s%s</td><td class="%s">%s</td><td>%s</td><td>%s</td><td class="n" data-label="effect">%s</td><td class="n" data-label="p">%s</td><td class="w">%s</td></tr>',
			rec._html(d.column_name), CASE WHEN d.segment <> '' THEN '<br/><span class="muted">' || rec._html(d.segment) || '</span>' ELSE '' END,
			rec._report_verdict(d.verdict), d.verdict, coalesce(h.strip, ''), coalesce(rec._svg_bars(d.reference_share, d.current_share, d.labels), ''),
			rec._report_number(d.effect_size), rec._report_number(d.p_adjusted), rec._html(d.reason)), ''
			ORDER BY array_position('{drifted,watch,ok}', d.verdict), d.column_name, d.segment),
		format('%s to %s, at most %s rows, beside %s', rec._report_time(min(d.period_start)), rec._report_time(max(d.period_end)), rec._report_number(max(d.n_current)),
			CASE WHEN m.reference = 'training' THEN format('the events that version %s was trained on (%s rows)', max(d.version), rec._report_number(max(d.n_reference)))
				ELSE format('the %s before (%s rows)', rec._html(m.reference), rec._report_number(max(d.n_reference))) END)
		INTO rows, head
	FROM rec.drift d
	LEFT JOIN LATERAL (SELECT rec._svg_strip(array_agg(o.period_start ORDER BY o.period_start), array_agg(o.verdict ORDER BY o.period_start)) AS strip
		FROM (SELECT p.period_start, p.verdict FROM rec.drift_history p WHERE p.monitor = d.monitor AND p.column_name = d.column_name AND p.segment = d.segment
			ORDER BY p.period_start DESC LIMIT 14) o) h ON true
	WHERE d.monitor = m.monitor;
	RETURN CASE WHEN m.monitor <> m.model THEN '<h3>' || rec._html(m.monitor) || '</h3>' ELSE '' END || CASE WHEN rows IS NULL THEN '<p class="muted">Not checked yet.</p>'
		ELSE '<p class="key muted">' || head || '<i style="background:var(--ref)"></i>reference<i style="background:var(--accent)"></i>current</p>'
		'<div class="scroll"><table class="stack"><thead><tr><th>Column</th><th>Verdict</th><th>Periods</th><th>Distribution</th><th class="n">Effect</th><th class="n">p, adjusted</th><th>Why</th></tr></thead><tbody>'
		|| rows || '</tbody></table></div>' END;
END $$;

CREATE FUNCTION rec._report_drift(m rec.model) RETURNS text
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT '<section><h2>Drift</h2>' || coalesce((SELECT pg_catalog.string_agg(rec._report_monitor(o), '' ORDER BY o.created_at, o.monitor) FROM rec.monitor o
			WHERE o.model = (m).model AND EXISTS (SELECT FROM rec.drift_result r WHERE r.monitor = o.monitor)),
		CASE WHEN (m).time_column IS NULL THEN '<p class="muted">Not judged: the events have no time column. rec.alter_model(model, time_column =&gt; ...) names one.</p>'
			ELSE '<p class="muted">Not checked yet. SELECT rec.check_drift(model) compares the newest events with those of the training.</p>' END) || '</section>';
END;

-- Versions by their quality, in time; below them the worst verdict of each period that was judged.
CREATE FUNCTION rec._svg_versions(m rec.model) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	at float8[];
	quality float8[];
	title text[];
	active boolean[];
	first float8;
	last float8;
	low float8;
	high float8;
	point text[];
	checks text;
	content text := '';
BEGIN
	SELECT array_agg(t ORDER BY t), array_agg(q ORDER BY t), array_agg(format('version %s, %s', version, rec._report_number(q)) ORDER BY t),
		array_agg(version IS NOT DISTINCT FROM m.active_version ORDER BY t), min(t), max(t), min(q), max(q)
		INTO at, quality, title, active, first, last, low, high
	FROM (SELECT r.version, extract(epoch FROM r.finished_at)::float8 AS t, coalesce(r.ndcg[r.best_epoch], r.rmse[r.best_epoch]) AS q
		FROM rec.training_run r WHERE r.model = m.model ORDER BY r.finished_at DESC LIMIT 100) v WHERE q IS NOT NULL;
	-- a single point says less than the table beside it
	IF at IS NULL OR (cardinality(at) = 1 AND NOT EXISTS (SELECT FROM rec.drift_history h WHERE h.model = m.model)) THEN
		RETURN '';
	END IF;
	SELECT least(first, min(t)), greatest(last, max(t), first + 1) INTO first, last
	FROM (SELECT DISTINCT extract(epoch FROM h.period_end)::float8 AS t FROM rec.drift_history h WHERE h.model = m.model ORDER BY 1 DESC LIMIT 60) p;
	low := low - 0.1 * abs(low) - 1e-9;
	high := high + 0.1 * abs(high) + 1e-9;
	content := format('<polyline class="line" points="%s"/>', rec._svg_points(at, quality, first, last, low, high));
	FOR i IN 1 .. cardinality(at) LOOP
		point := string_to_array(rec._svg_points(at[i:i], quality[i:i], first, last, low, high), ',');
		content := content || format('<circle class="%s" cx="%s" cy="%s" r="%s"><title>%s%s</title></circle>', CASE WHEN active[i] THEN 'dot' ELSE 's-off' END,
			point[1], point[2], CASE WHEN active[i] THEN 5 ELSE 3.5 END, title[i], CASE WHEN active[i] THEN ', active' END);
	END LOOP;
	SELECT string_agg(format('<rect class="%s" x="%s" y="166" width="4" height="7"><title>%s: %s</title></rect>',
			CASE h.verdict WHEN 'ok' THEN 's-good' WHEN 'watch' THEN 's-watch' ELSE 's-bad' END,
			round((46 + 300 * (extract(epoch FROM h.period_end)::float8 - first) / (last - first))::numeric, 1),
			to_char(h.period_end, 'YYYY-MM-DD HH24:MI'), h.verdict), '' ORDER BY h.period_end) INTO checks
	FROM (SELECT d.period_end, (array_agg(d.verdict ORDER BY array_position('{drifted,watch,ok}', d.verdict)))[1] AS verdict
		FROM rec.drift_history d WHERE d.model = m.model GROUP BY d.period_end ORDER BY d.period_end DESC LIMIT 60) h;
	RETURN '<figure><figcaption>Quality of each version on its own holdout; the large dot is active. Below: the worst verdict of each period</figcaption>' ||
		rec._svg_frame('quality of versions over time', low, high, rec._report_time(to_timestamp(first)), rec._report_time(to_timestamp(last)),
			content || coalesce(checks, '')) || '</figure>';
END $$;

CREATE FUNCTION rec._report_timeline(m rec.model) RETURNS text
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT '<section><h2>Versions</h2><div class="charts">' || rec._svg_versions(m) ||
		'<div class="scroll"><table><thead><tr><th class="n">Version</th><th>Trained</th><th class="n">Quality</th><th class="n">Events</th><th>State</th></tr></thead><tbody>' ||
		pg_catalog.string_agg(pg_catalog.format('<tr><td class="n">%s</td><td>%s</td><td class="n">%s</td><td class="n">%s</td><td class="%s">%s</td></tr>', v.version,
			pg_catalog.to_char(v.finished_at, 'YYYY-MM-DD HH24:MI'), rec._report_number(coalesce(v.ndcg[v.best_epoch], v.rmse[v.best_epoch])), rec._report_number(v.events),
			CASE WHEN v.version = (m).active_version THEN 'good' WHEN v.kept THEN 'watch' ELSE 'muted' END,
			CASE WHEN v.version = (m).active_version THEN 'active' WHEN v.kept THEN 'not activated' ELSE 'earlier' END), '' ORDER BY v.version DESC) || '</tbody></table></div></div></section>'
	FROM (SELECT r.*, EXISTS (SELECT FROM rec.job_run j WHERE j.model = r.model AND j.version = r.version AND j.status = 'kept') AS kept
		FROM rec.training_run r WHERE r.model = (m).model ORDER BY r.version DESC LIMIT 8) v
	HAVING pg_catalog.count(*) > 0;
END;

CREATE FUNCTION rec._report_interval(low float8, estimate float8, high float8) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN estimate IS NULL THEN '–' ELSE pg_catalog.format('%s <span class="muted">%s to %s</span>', rec._report_percent(estimate), rec._report_percent(low), rec._report_percent(high)) END;

CREATE FUNCTION rec._report_experiment(experiment text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	head text;
	rows text;
	charts text;
BEGIN
	SELECT string_agg(format('<p><span class="%s">%s</span> %s</p><p class="muted">Split as planned: p = %s%s</p>',
			CASE r.decision WHEN 'ship' THEN 'good' WHEN 'broken' THEN 'bad' WHEN 'stop' THEN 'watch' ELSE 'muted' END, rec._html(r.decision), rec._html(regexp_replace(r.sentence, '^' || r.decision || ': ', '')),
			rec._report_number(r.srm_p), CASE WHEN r.in_two_variants > 0 THEN format('; %s units met two variants and count nowhere', rec._report_number(r.in_two_variants)) END), '')
			FILTER (WHERE r.metric IS NULL),
		'<div class="scroll"><table class="stack"><thead><tr><th>Metric</th><th>Variant</th><th class="n">Units</th><th class="n">Mean</th><th class="n">Lift</th><th class="n">p, adjusted</th><th class="n">Chance to win</th><th>Verdict</th></tr></thead><tbody>' ||
		string_agg(format('<tr><td>%s%s</td><td>%s</td><td class="n" data-label="units">%s</td><td class="n" data-label="mean">%s</td><td class="n" data-label="lift">%s</td><td class="n" data-label="p">%s</td><td class="n" data-label="chance to win">%s</td><td class="w">%s</td></tr>',
			rec._html(r.metric), CASE WHEN r.guardrail THEN '<br/><span class="muted">guardrail</span>' END, rec._html(r.variant), rec._report_number(r.n), rec._report_number(r.mean),
			rec._report_interval(r.ci_low, r.lift, r.ci_high), rec._report_number(r.p_adjusted), rec._report_percent(r.chance_to_win), rec._html(r.sentence)), '')
			FILTER (WHERE r.metric IS NOT NULL) || '</tbody></table></div>'
		INTO head, rows FROM rec.experiment_result(experiment) r;
	SELECT '<div class="charts">' || string_agg(format('<figure><figcaption>Lift of %s, %s, with the interval that holds at any time of looking</figcaption>%s</figure>',
			rec._html(c.metric), rec._html(c.variant), rec._svg_interval(format('lift of %s in %s over time', c.metric, c.variant), c.days, c.lift, c.low, c.high)), '' ORDER BY c.metric, c.variant) || '</div>'
		INTO charts
	FROM (SELECT d.metric, d.variant, array_agg(d.day::timestamptz ORDER BY d.day) AS days, array_agg(d.lift ORDER BY d.day) AS lift,
			array_agg(coalesce(d.safe_low, d.ci_low) ORDER BY d.day) AS low, array_agg(coalesce(d.safe_high, d.ci_high) ORDER BY d.day) AS high
		FROM rec.experiment_daily d WHERE d.experiment = _report_experiment.experiment AND d.lift IS NOT NULL AND isfinite(d.day)
			AND coalesce(d.safe_low, d.ci_low) > '-Infinity' AND coalesce(d.safe_high, d.ci_high) < 'Infinity'
		GROUP BY d.metric, d.variant) c;
	RETURN format('<h3>%s</h3>', rec._html(experiment)) || coalesce(head, '') || coalesce(rows, '') || coalesce(charts, '');
EXCEPTION WHEN insufficient_privilege THEN
	RETURN format('<h3>%s</h3><p class="muted">Its metrics are not for this role to see.</p>', rec._html(experiment));
END $$;

CREATE FUNCTION rec._report_experiments(model text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT '<section><h2>Experiments</h2>' || string_agg(rec._report_experiment(e.experiment), '' ORDER BY e.created_at DESC) || '</section>'
		FROM (SELECT * FROM rec.experiment x WHERE x.model = _report_experiments.model ORDER BY x.created_at DESC LIMIT 10) e);
END $$;

CREATE FUNCTION rec._report_jobs(model text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT '<section><h2>Scheduled runs</h2>' || coalesce((SELECT rec._report_terms('Checks', rec._html(s.check_at), 'Retraining', rec._html(s.retrain_at),
				'Only if', rec._html(s.only_if), 'Time zone', rec._html(s.time_zone)) FROM rec.schedule s WHERE s.model = $1), '') ||
		'<div class="scroll"><table class="stack"><thead><tr><th>When</th><th>Job</th><th>Result</th><th class="n">Version</th><th>What happened</th></tr></thead><tbody>' ||
		pg_catalog.string_agg(pg_catalog.format('<tr><td>%s</td><td>%s</td><td class="%s">%s</td><td class="n" data-label="version">%s</td><td class="w">%s</td></tr>',
			pg_catalog.to_char(j.started_at, 'YYYY-MM-DD HH24:MI'), j.job,
			CASE j.status WHEN 'succeeded' THEN 'good' WHEN 'failed' THEN 'bad' WHEN 'kept' THEN 'watch' WHEN 'interrupted' THEN 'bad' ELSE 'muted' END,
			j.status, coalesce(j.version::text, ''), rec._html(coalesce(j.message, ''))), '' ORDER BY j.job_run DESC) || '</tbody></table></div></section>'
	FROM (SELECT * FROM rec.job_run r WHERE r.model = $1 ORDER BY r.job_run DESC LIMIT 20) j
	HAVING pg_catalog.count(*) > 0;
END;

CREATE FUNCTION rec.report(model text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE COST 100000
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
	m rec.model;
	r rec.training_run;
BEGIN
	IF model IS NULL THEN
		RAISE EXCEPTION 'model must not be null' USING ERRCODE = 'null_value_not_allowed';
	END IF;
	PERFORM rec._model(model);
	SELECT * INTO m FROM rec.model t WHERE t.model = report.model;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'permission denied for model "%"', model USING ERRCODE = 'insufficient_privilege',
			HINT = format('GRANT USAGE ON SCHEMA %I lets a role use the model.', model);
	END IF;
	SELECT * INTO r FROM rec.training_run t WHERE t.model = m.model AND t.version = m.active_version;
	RETURN '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"/><meta name="viewport" content="width=device-width,initial-scale=1"/><title>' ||
		rec._html(m.model) || ' · recommendations</title><style>' || rec._report_style() || '</style></head><body><main><h1>' || rec._html(m.model) || '</h1><p class="muted">' ||
		format('Recommendation model in database %s, report of %s', rec._html(current_database()), to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"')) || '</p>' ||
		rec._report_summary(m, r) ||
		CASE WHEN r.model IS NULL THEN '' ELSE rec._report_card(m, r) || rec._report_training(r) END ||
		rec._report_drift(m) || coalesce(rec._report_timeline(m), '') || coalesce(rec._report_experiments(m.model), '') ||
		coalesce(rec._report_jobs(m.model), '') || '</main></body></html>';
END $$;

COMMENT ON FUNCTION rec._report_terms IS 'Internal: a list of terms of rec.report';
COMMENT ON FUNCTION rec._report_tile IS 'Internal: one figure at the head of rec.report';
COMMENT ON FUNCTION rec._report_verdict IS 'Internal: class of a verdict of drift in rec.report';
COMMENT ON FUNCTION rec._report_summary IS 'Internal: figures at the head of rec.report';
COMMENT ON FUNCTION rec._report_coverage IS 'Internal: share of the items that a sample of users gets to see';
COMMENT ON FUNCTION rec._report_card IS 'Internal: model card of rec.report';
COMMENT ON FUNCTION rec._report_training IS 'Internal: curves of the training in rec.report';
COMMENT ON FUNCTION rec._report_time IS 'Internal: a time for people, in UTC';
COMMENT ON FUNCTION rec._report_monitor IS 'Internal: drift table of a monitor in rec.report';
COMMENT ON FUNCTION rec._report_drift IS 'Internal: what has drifted, in rec.report';
COMMENT ON FUNCTION rec._svg_versions IS 'Internal: chart of versions and drift over time';
COMMENT ON FUNCTION rec._report_timeline IS 'Internal: versions and drift over time in rec.report';
COMMENT ON FUNCTION rec._report_interval IS 'Internal: an estimate with its interval, in percent';
COMMENT ON FUNCTION rec._report_experiment IS 'Internal: one experiment in rec.report';
COMMENT ON FUNCTION rec._report_experiments IS 'Internal: experiments of a model in rec.report';
COMMENT ON FUNCTION rec._report_jobs IS 'Internal: scheduled runs in rec.report';
COMMENT ON FUNCTION rec.report IS 'One HTML page about a model, whole by itself (inline SVG, no script, light, dark and printable): model card with quality beside baselines and coverage, loss curve, drift with distributions, versions over time, experiments, scheduled runs. Shows what the calling role may see; coverage is for the model''s owner alone, drift for who may see it. For example: psql -XAt -c "SELECT rec.report(''shop'')" -o shop.html. Errors: unknown model (42704), no USAGE on its schema (42501).';
