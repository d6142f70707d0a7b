-- The pieces of rec.report: text that is safe in HTML, numbers, and charts as inline SVG.
-- Colours are classes, so that one style sheet makes them fit light, dark and print.

CREATE FUNCTION rec._html(value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(
		pg_catalog.regexp_replace(value, '[\x01-\x08\x0b\x0c\x0e-\x1f]', ' ', 'g'),
		'&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '"', '&quot;'), '''', '&#39;');
END;

-- Three significant digits, thousands in groups.
CREATE FUNCTION rec._report_number(value float8) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN value IS NULL THEN '–' WHEN value IN ('NaN', 'Infinity', '-Infinity') THEN value::text
		WHEN value = 0 THEN '0'
		WHEN pg_catalog.abs(value) >= 1e15 OR pg_catalog.abs(value) < 1e-4 THEN pg_catalog.btrim(pg_catalog.to_char(value, '9.99EEEE'))
		WHEN pg_catalog.abs(value) >= 1000 OR value = pg_catalog.trunc(value) THEN pg_catalog.to_char(value, 'FM999,999,999,999,999,990')
		ELSE pg_catalog.trim_scale(pg_catalog.round(value::numeric, 2 - pg_catalog.floor(pg_catalog.log(pg_catalog.abs(value)))::int))::text END;
END;

CREATE FUNCTION rec._report_percent(share float8) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN share IS NULL THEN '–' ELSE rec._report_number(100 * share) || ' %' END;

-- One line of a chart: the points (x, y) in the frame of _svg_frame, from the range of both.
CREATE FUNCTION rec._svg_points(x float8[], y float8[], low_x float8, high_x float8, low float8, high float8) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.string_agg(pg_catalog.round((48 + 300 * (p.x - low_x) / (high_x - low_x))::numeric, 1) || ',' ||
		pg_catalog.round((164 - 148 * (p.y - low) / (high - low))::numeric, 1), ' ' ORDER BY p.n)
	FROM ROWS FROM (pg_catalog.unnest(x), pg_catalog.unnest(y)) WITH ORDINALITY AS p(x, y, n)
	WHERE p.y IS NOT NULL AND p.x IS NOT NULL;
END;

-- The frame of a chart of 360 x 200: caption for readers of the screen, three lines with their values, two labels below.
CREATE FUNCTION rec._svg_frame(caption text, low float8, high float8, left_label text, right_label text, content text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.format('<svg viewBox="0 0 360 200" role="img" aria-label="%s">', rec._html(caption)) ||
		(SELECT pg_catalog.string_agg(pg_catalog.format('<line class="grid" x1="48" x2="348" y1="%1$s" y2="%1$s"/><text x="42" y="%2$s" text-anchor="end">%3$s</text>',
			164 - 74 * i, 168 - 74 * i, rec._report_number(pg_catalog.round((low + (high - low) * i / 2)::numeric, 2 - pg_catalog.floor(pg_catalog.log(high - low))::int - 1)::float8)), '') FROM pg_catalog.generate_series(0, 2) i) ||
		pg_catalog.format('<text x="48" y="184">%s</text><text x="348" y="184" text-anchor="end">%s</text>', rec._html(left_label), rec._html(right_label)) ||
		content || '</svg>';
END;

-- A value per epoch, the best one marked, and a level to compare with (null: none).
CREATE FUNCTION rec._svg_curve(caption text, y float8[], best int, level float8, level_name text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	n int := cardinality(y);
	low float8 := least((SELECT min(v) FROM unnest(y) v), level);
	high float8 := greatest((SELECT max(v) FROM unnest(y) v), level);
	x float8[] := ARRAY(SELECT generate_series(1, n)::float8);
	pad float8;
	content text;
	mark text[];
BEGIN
	IF n IS NULL OR n = 0 OR low IS NULL THEN
		RETURN '';
	END IF;
	pad := CASE WHEN high > low THEN 0.06 * (high - low) ELSE greatest(abs(high), 1) * 0.1 END;
	low := low - pad;
	high := high + pad;
	content := format('<polyline class="line" points="%s"/>', rec._svg_points(x, y, 1, greatest(n, 2), low, high));
	mark := string_to_array(rec._svg_points(ARRAY[best]::float8[], ARRAY[y[best]], 1, greatest(n, 2), low, high), ',');
	IF mark IS NOT NULL THEN
		content := content || format('<circle class="dot" cx="%s" cy="%s" r="4"><title>%s in epoch %s</title></circle>', mark[1], mark[2], rec._report_number(y[best]), best);
	END IF;
	IF level IS NOT NULL THEN
		mark := string_to_array(rec._svg_points(ARRAY[1.0], ARRAY[level], 1, 2, low, high), ',');
		content := content || format('<line class="level" x1="48" x2="348" y1="%1$s" y2="%1$s"/><text x="346" y="%2$s" text-anchor="end">%3$s %4$s</text>',
			mark[2], mark[2]::numeric - 4, rec._html(level_name), rec._report_number(level));
	END IF;
	RETURN rec._svg_frame(caption, low, high, 'epoch 1', n::text, content);
END $$;

-- Two distributions over the same bins, side by side.
CREATE FUNCTION rec._svg_bars(reference float8[], current float8[], labels text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.format('<svg class="bars" viewBox="0 0 %1$s 44" width="%1$s" height="44" role="img" aria-label="reference and current distribution">', 14 * pg_catalog.count(*)) ||
		pg_catalog.string_agg(pg_catalog.format('<g><title>%s: reference %s, current %s</title><rect class="ref" x="%s" y="%s" width="5" height="%s"/><rect class="cur" x="%s" y="%s" width="5" height="%s"/></g>',
			rec._html(coalesce(b.label, 'bin ' || b.n)), rec._report_percent(b.r), rec._report_percent(b.c),
			14 * b.n - 13, 43 - b.hr, b.hr, 14 * b.n - 7, 43 - b.hc, b.hc), '' ORDER BY b.n) || '</svg>'
	FROM (SELECT u.n, u.label, u.r, u.c,
			pg_catalog.round((42 * coalesce(u.r, 0) / top)::numeric, 1) AS hr, pg_catalog.round((42 * coalesce(u.c, 0) / top)::numeric, 1) AS hc
		FROM ROWS FROM (pg_catalog.unnest(reference), pg_catalog.unnest(current), pg_catalog.unnest(labels)) WITH ORDINALITY AS u(r, c, label, n),
			(SELECT greatest(pg_catalog.max(v), 1e-9) AS top FROM pg_catalog.unnest(reference || current) v) t) b
	HAVING pg_catalog.count(*) > 0;
END;

-- A square per period, the newest last.
CREATE FUNCTION rec._svg_strip(at timestamptz[], verdict text[]) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.format('<svg class="bars" viewBox="0 0 %1$s 12" width="%1$s" height="12" role="img" aria-label="verdicts of earlier periods, the newest last">', 7 * pg_catalog.count(*)) ||
		pg_catalog.string_agg(pg_catalog.format('<rect class="s-%s" x="%s" y="1" width="5" height="10"><title>%s: %s</title></rect>',
			CASE v.verdict WHEN 'ok' THEN 'good' WHEN 'watch' THEN 'watch' ELSE 'bad' END, 7 * v.n - 6, pg_catalog.to_char(v.at, 'YYYY-MM-DD HH24:MI'), v.verdict), '' ORDER BY v.n) || '</svg>'
	FROM ROWS FROM (pg_catalog.unnest(at), pg_catalog.unnest(verdict)) WITH ORDINALITY AS v(at, verdict, n)
	HAVING pg_catalog.count(*) > 0;
END;

-- An estimate over time with its interval, against the line of no effect.
CREATE FUNCTION rec._svg_interval(caption text, at timestamptz[], estimate float8[], low float8[], high float8[]) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	x float8[] := ARRAY(SELECT extract(epoch FROM a)::float8 FROM unnest(at) WITH ORDINALITY t(a, n) ORDER BY n);
	bottom float8 := least(0, (SELECT min(v) FROM unnest(low || estimate) v));
	top float8 := greatest(0, (SELECT max(v) FROM unnest(high || estimate) v));
	first float8 := x[1];
	last float8 := x[cardinality(x)];
	zero text[];
	content text;
BEGIN
	IF first IS NULL THEN
		RETURN '';
	END IF;
	IF top = bottom THEN
		top := 1;
	END IF;
	IF last = first THEN
		last := first + 1;
	END IF;
	zero := string_to_array(rec._svg_points(ARRAY[first], ARRAY[0.0], first, last, bottom, top), ',');
	content := format('<polygon class="band" points="%s %s"/>', rec._svg_points(x, high, first, last, bottom, top),
			rec._svg_points(ARRAY(SELECT v FROM unnest(x) WITH ORDINALITY t(v, n) ORDER BY n DESC),
				ARRAY(SELECT v FROM unnest(low) WITH ORDINALITY t(v, n) ORDER BY n DESC), first, last, bottom, top)) ||
		format('<polyline class="line" points="%s"/>', rec._svg_points(x, estimate, first, last, bottom, top)) ||
		format('<line class="level" x1="48" x2="348" y1="%1$s" y2="%1$s"/>', zero[2]);
	RETURN rec._svg_frame(caption, bottom, top, to_char(at[1], 'YYYY-MM-DD'), to_char(at[cardinality(at)], 'YYYY-MM-DD'), content);
END $$;

-- The style of the page. No fonts, scripts or images from elsewhere: the page is whole by itself.
CREATE FUNCTION rec._report_style() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN $css$
:root{color-scheme:light dark;--bg:#fff;--fg:#1a1d21;--muted:#5b6672;--line:#dfe4ea;--card:#f6f7f9;--accent:#1f5fd0;--ref:#98a4b3;--good:#14773a;--watch:#9a5b00;--bad:#b3261e;--band:#1f5fd026}
@media (prefers-color-scheme:dark){:root{--bg:#14171a;--fg:#e8eaed;--muted:#9aa5b1;--line:#2e343b;--card:#1c2025;--accent:#7aa7ff;--ref:#66717e;--good:#5fce87;--watch:#e8b04b;--bad:#ff8a80;--band:#7aa7ff33}}
@media print{:root{--bg:#fff;--fg:#000;--muted:#444;--line:#bbb;--card:#fff;--accent:#1f5fd0;--ref:#999;--good:#14773a;--watch:#9a5b00;--bad:#b3261e;--band:#1f5fd026}section{break-inside:avoid}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:1060px;margin:0 auto;padding:24px 18px 48px}
h1{font-size:26px;line-height:1.2;margin:0;overflow-wrap:anywhere}
h2{font-size:18px;margin:36px 0 10px}h3{font-size:16px;margin:20px 0 6px;overflow-wrap:anywhere}
p{margin:6px 0}.muted,figcaption,dt,th{color:var(--muted)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:10px;margin:20px 0 0}
.tile{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:10px 12px}
.tile b{display:block;font-size:21px;font-weight:600;line-height:1.3;overflow-wrap:anywhere}.tile span{color:var(--muted);font-size:13px}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(420px,100%),1fr));gap:18px}
figure{margin:0}figcaption{font-size:13px;margin-bottom:4px}
svg{display:block;width:100%;height:auto}svg text{fill:var(--muted);font:11px system-ui,sans-serif}
.grid{stroke:var(--line)}.line{fill:none;stroke:var(--accent);stroke-width:2;stroke-linejoin:round}.dot{fill:var(--accent)}.band{fill:var(--band)}
.level{stroke:var(--muted);stroke-dasharray:4 3}.ref{fill:var(--ref)}.cur{fill:var(--accent)}svg.bars{width:auto}
.s-good{fill:var(--good)}.s-watch{fill:var(--watch)}.s-bad{fill:var(--bad)}.s-off{fill:var(--ref)}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:14px}
th,td{text-align:left;padding:6px 12px 6px 0;border-bottom:1px solid var(--line);vertical-align:top}td{min-width:76px;overflow-wrap:break-word}td:first-child,td.w{overflow-wrap:anywhere}td:first-child{min-width:130px}th{font-weight:500;white-space:nowrap}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap;min-width:0}td.w{min-width:220px}
dl{display:grid;grid-template-columns:minmax(110px,max-content) 1fr;gap:4px 16px;margin:0}dd{margin:0;overflow-wrap:anywhere}
ul{margin:6px 0;padding-left:20px}.key i{display:inline-block;width:10px;height:10px;border-radius:2px;margin:0 5px 0 12px}
@media (max-width:640px){.stack thead{display:none}.stack tr{display:flex;flex-wrap:wrap;gap:2px 14px;padding:8px 0;border-bottom:1px solid var(--line)}.stack td{border:0;padding:0;min-width:0}.stack td.w{flex-basis:100%}.stack td.n:not(:empty)::before{content:attr(data-label) " ";color:var(--muted)}}
.good{color:var(--good)}.watch{color:var(--watch)}.bad{color:var(--bad)}.good,.watch,.bad{font-weight:600}td.good,td.watch,td.bad{white-space:nowrap}
$css$;

COMMENT ON FUNCTION rec._html IS 'Internal: text with the characters that mean something in HTML replaced';
COMMENT ON FUNCTION rec._report_number IS 'Internal: a number with three significant digits, for people';
COMMENT ON FUNCTION rec._report_percent IS 'Internal: a share as percentage, for people';
COMMENT ON FUNCTION rec._svg_points IS 'Internal: points of a line in a chart';
COMMENT ON FUNCTION rec._svg_frame IS 'Internal: a chart with axes around its content';
COMMENT ON FUNCTION rec._svg_curve IS 'Internal: chart of a value per epoch';
COMMENT ON FUNCTION rec._svg_bars IS 'Internal: chart of two distributions';
COMMENT ON FUNCTION rec._svg_strip IS 'Internal: verdicts of periods as a row of squares';
COMMENT ON FUNCTION rec._svg_interval IS 'Internal: chart of an estimate over time with its interval';
COMMENT ON FUNCTION rec._report_style() IS 'Internal: style sheet of rec.report';
