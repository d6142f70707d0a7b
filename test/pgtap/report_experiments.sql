-- The experiments of rec.report: decisions, intervals over time, the split, guardrails; for whom; what cannot be computed.
SET client_min_messages = warning;
\pset fieldsep '\n'
SELECT no_plan();
CREATE ROLE rex_owner;
CREATE ROLE rex_user;
CREATE ROLE rex_other;
GRANT CREATE ON DATABASE :"DBNAME" TO rex_owner;
GRANT CREATE ON SCHEMA public TO rex_owner;
SET ROLE rex_owner;
CREATE TABLE rex_events AS SELECT u AS user_id, u * k % 20 AS item_id FROM generate_series(1, 40) u, generate_series(1, 4) k;
SELECT rec.create_model('rexm', 'rex_events', params => '{"factors": 4, "epochs": 1}');
SELECT count(*) FROM rec.train('rexm');
SELECT doesnt_match(rec.report('rexm'), '<h2>Experiments</h2>', 'a model without experiments');
CREATE TABLE rex_shown AS SELECT u AS unit_id, CASE WHEN u % 2 = 0 THEN 'control' ELSE 'tr<b>' END AS variant, now() - interval '1 day' * (3 + u % 6) AS exposed_at FROM generate_series(1, 600) u;
CREATE TABLE rex_orders AS SELECT unit_id AS user_id, 5 + unit_id % 7 + CASE WHEN variant <> 'control' THEN 3 ELSE 0 END AS v, 1 + unit_id % 3 AS g, exposed_at + interval '1 hour' AS at FROM rex_shown;
SELECT rec.create_metric('rev & <i>', 'rex_orders', value => 'v', time_column => 'at'), rec.create_metric('guard', 'rex_orders', value => 'g', time_column => 'at', guardrail => true, direction => 'decrease'),
	rec.create_metric('mid', 'rex_orders', value => 'v', time_column => 'at', kind => 'quantile');
SELECT rec.create_experiment('x "<script>', '{control,tr<b>}', model => 'rexm', exposures => 'rex_shown');
CREATE FUNCTION page() RETURNS text LANGUAGE sql AS $$ SELECT regexp_replace(rec.report('rexm'), '<style>.*</style>|<!DOCTYPE html>', '', 'g') $$;
SELECT lives_ok('SELECT page()::xml', 'well-formed with hostile names');
SELECT is((xpath('count(//h2[.="Experiments"])', page()::xml))[1]::text, '1', 'it has the section');
SELECT is((xpath('//h3/text()', page()::xml))[1]::text, 'x "&lt;script&gt;', 'and the experiment');
SELECT matches((xpath('string(//h3/following-sibling::p[1])', page()::xml))[1]::text, '^ship ', 'the decision first');
SELECT matches((xpath('string(//h3/following-sibling::p[2])', page()::xml))[1]::text, 'Split as planned: p = ', 'then the split');
SELECT is((xpath('count(//h3/following-sibling::div//figure)', page()::xml))[1]::text, '3', 'intervals over time, of each metric');
SELECT cmp_ok((xpath('count(//h3/following-sibling::div//figure//*[local-name()="svg"])', page()::xml))[1]::text::numeric, '>=', 3::numeric, 'as drawings');
SELECT is((xpath('count(//td[contains(., "guardrail")])', page()::xml))[1]::text, '2', 'the guardrail is marked, in both variants');
INSERT INTO rex_shown SELECT u, 'control', now() - interval '3 days' FROM generate_series(1001, 1400) u;
SELECT matches((xpath('string(//h3/following-sibling::p[1])', page()::xml))[1]::text, '^broken sample ratio mismatch', 'a broken split is said first');
-- a role with USAGE sees what is kept, others nothing
GRANT USAGE ON SCHEMA rexm TO rex_user;
SELECT rec.refresh_experiment('x "<script>');
SET ROLE rex_user;
SELECT matches((xpath('string(//h3/following-sibling::p[1])', page()::xml))[1]::text, '^broken ', 'for a role that may use the model');
SET ROLE rex_other;
SELECT throws_ok('SELECT page()', '42501', NULL, 'not for others');
-- what cannot be computed is said, and fails neither the page nor the views
SET ROLE rex_owner;
SELECT rec.create_experiment('fine', '{control,tr<b>}', exposures => 'rex_shown');
ALTER TABLE rex_shown RENAME TO rex_gone;
SELECT matches((xpath('string(//h3/following-sibling::p[1])', page()::xml))[1]::text, '^broken exposure relation public.rex_shown does not exist', 'exposures that are gone');
SELECT throws_ok($$SELECT rec.refresh_experiment('fine')$$, '55000', 'experiment "fine" cannot be refreshed', 'nor is it refreshed');
ALTER TABLE rex_gone RENAME TO rex_shown;
RESET ROLE;
ALTER TABLE rex_shown OWNER TO postgres;
SET ROLE rex_owner;
SELECT matches(sentence, '^broken: permission denied for table rex_shown', 'exposures that may not be read') FROM rec.experiment_summary WHERE experiment = 'fine' AND metric IS NULL;
SELECT rec.create_experiment('other');
SELECT is(array_agg(decision ORDER BY experiment), '{broken,"keep running",broken}', 'the view goes on over all') FROM rec.experiment_summary WHERE metric IS NULL;
RESET ROLE;
SELECT * FROM finish();
