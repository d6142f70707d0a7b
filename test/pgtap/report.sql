-- rec.report: a page that is well-formed whatever the data are, shows what the caller may see and nothing else.
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT no_plan();

SELECT is(rec._report_number(v), t, format('number %s', v)) FROM (VALUES (0.0::float8, '0'), (0.5, '0.5'), (1.0 / 3, '0.333'), (-12.345, '-12.3'), (123456.7, '123,457'), (1e-7, '1.00e-07'),
	(1e300, '1.00e+300'), ('NaN', 'NaN'), ('-Infinity', '-Infinity'), (NULL, '–'), (1000, '1,000'), (999.6, '1000'), (7, '7')) x(v, t);
SELECT is(rec._html(E'<a href="x">&\x01''</a>'), '&lt;a href=&quot;x&quot;&gt;&amp; &#39;&lt;/a&gt;', 'HTML');
SELECT is(rec._svg_curve('c', y, 1, NULL, NULL), '', format('no curve of %s', y)) FROM (VALUES ('{}'::float8[]), (NULL), ('{NULL}')) x(y);
SELECT lives_ok(format('SELECT rec._svg_curve(''c'', %L, 1, 0, ''x'')::xml', y), format('a curve of %s', y)) FROM (VALUES ('{1}'::float8[]), ('{1,1}'), ('{0,0}'), ('{1e300,-1e300}'), ('{1e-300,2e-300}')) x(y);

CREATE ROLE rec_r_owner;
CREATE ROLE rec_r_user;
CREATE ROLE rec_r_other;
GRANT CREATE ON DATABASE :"DBNAME" TO rec_r_owner;
GRANT CREATE ON SCHEMA public TO rec_r_owner;
CREATE SCHEMA "<b>&""'" AUTHORIZATION rec_r_owner;
SET ROLE rec_r_owner;
CREATE TABLE "<b>&""'"."<script>alert(1)</script>" AS
	SELECT u AS "<u>", 'item <script>' || (u * k * 7 + k) % 30 AS "&i", CASE WHEN k % 3 = 0 THEN '<img src=x>' ELSE ']]>view' END AS kind,
		timestamptz '2026-01-01 00:00+00' + (u * 60 + k) * interval '1 minute' AS at
	FROM generate_series(1, 60) u, generate_series(1, 6) k;
SELECT rec.create_model('<i>m&', '"<b>&""''"."<script>alert(1)</script>"', user_column => '<u>', item_column => '&i', event_column => 'kind',
	event_weights => '{"<img src=x>": 1, "]]>view": 1}', time_column => 'at', params => '{"factors": 4, "epochs": 4}');
SELECT matches(rec.report('<i>m&'), 'not trained', 'a model that is not trained');
CALL rec.run_now('<i>m&');
INSERT INTO "<b>&""'"."<script>alert(1)</script>" SELECT 1000 + u, '<script>new', '<img src=x>', timestamptz '2026-02-01 00:00+00' + u * interval '1 minute' FROM generate_series(1, 200) u;
SELECT isnt_empty($$SELECT rec.check_drift('<i>m&')$$, 'drift is checked');
CREATE FUNCTION text_of(page text) RETURNS text LANGUAGE sql AS $$SELECT string_agg(t::text, ' ') FROM unnest(xpath('//text()', regexp_replace(page, '<style>.*</style>|<!DOCTYPE html>', '', 'g')::xml)) t$$;
CREATE TABLE page AS SELECT rec.report('<i>m&') AS html;
SELECT lives_ok('SELECT xmlparse(DOCUMENT html) FROM page', 'well-formed, with hostile names everywhere');
SELECT unalike(html, '%<script%', 'no script') FROM page;
SELECT unalike(html, '%<img%', 'no image') FROM page;
SELECT unalike(html, '%<i>%', 'no tag from a name') FROM page;
SELECT is((SELECT count(*) FROM page, LATERAL unnest(xpath('//@*[local-name() = "src" or local-name() = "href"]', regexp_replace(html, '<!DOCTYPE html>', '')::xml))), 0::bigint, 'nothing is loaded');
SELECT unalike(html, '%url(%', 'nor by the style') FROM page;
SELECT matches(text_of(html), what, format('says %s', what)) FROM page, unnest('{Model card,Training,Drift,Versions,Scheduled runs,drifted,"360 events",NDCG@10,succeeded}'::text[]) what;
SELECT ok((SELECT count(*) FROM page, LATERAL unnest(xpath('//*[local-name()="svg"]', regexp_replace(html, '<!DOCTYPE html>', '')::xml)) x) >= 4, 'charts');
SELECT ok(html ~ 'prefers-color-scheme:dark' AND html ~ '@media print' AND html ~ 'name="viewport"', 'for dark screens, printers and phones') FROM page;
SELECT matches(html, 'appear in the ten best of', 'the owner sees the coverage') FROM page;
SELECT matches(text_of(html), what, format('says %s', what)) FROM page, unnest('{"2026-02-01 to 2026-02-02, at most 200 rows, beside the events that version 1 was trained on",active}'::text[]) what;
SELECT matches(html, 'class="s-bad"[^>]*><title>2026-02-01 00:00: drifted', 'the verdict of each period') FROM page;
SELECT rec.create_model('rec_r_plain', '"<b>&""''"."<script>alert(1)</script>"', '<u>', '&i', params => '{"factors": 2, "epochs": 1, "holdout": 0}') AS made \gset
SELECT count(*) AS trained FROM rec.train('rec_r_plain') \gset
SELECT matches(text_of(html), what, format('says %s', what)) FROM (SELECT rec.report('rec_r_plain')) r(html), unnest('{"the events have no time column","not measured, as nothing was held out","not scheduled"}'::text[]) what;
SELECT unalike(rec.report('rec_r_plain'), '%quality of versions over time%', 'one version and no drift: no chart of it');
SELECT rec.drop_model('rec_r_plain') AS dropped \gset
GRANT USAGE ON SCHEMA "<i>m&" TO rec_r_user;
SET ROLE rec_r_user;
SELECT matches(rec.report('<i>m&'), 'Model card', 'who may use the model sees its report');
SELECT unalike(rec.report('<i>m&'), '%appear in the ten best of%', 'without what needs the model''s tables');
SET ROLE rec_r_other;
SELECT throws_ok($$SELECT rec.report('<i>m&')$$, '42501', 'permission denied for model "<i>m&"', 'others do not');
SELECT throws_ok($$SELECT rec.report('nothing')$$, '42704', NULL, 'unknown model');
SELECT throws_ok($$SELECT rec.report(NULL)$$, '22004', 'model must not be null');
RESET ROLE;
SELECT * FROM finish();
SELECT rec.drop_model('<i>m&');
DROP OWNED BY rec_r_owner, rec_r_user CASCADE;
DROP ROLE rec_r_owner, rec_r_user, rec_r_other;
