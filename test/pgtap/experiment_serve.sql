-- recommend() and serve() within an experiment: the version of the user's variant, impressions, partitions, privileges.
SET client_min_messages = warning;
SELECT no_plan();
CREATE ROLE srv_owner;
CREATE ROLE srv_app;
CREATE ROLE srv_other;
GRANT CREATE ON DATABASE :DBNAME TO srv_owner;
GRANT CREATE ON SCHEMA public TO srv_owner;
SET ROLE srv_owner;
CREATE TABLE e (user_id int, item_id text);
CREATE INDEX ON e (user_id) INCLUDE (item_id);
INSERT INTO e SELECT u, 'i' || (u * k * 7 + k) % 50 FROM generate_series(1, 100) u, generate_series(1, 6) k;
SELECT rec.create_model('m', 'e', params => '{"factors": 8, "epochs": 4, "holdout": 0}', keep_versions => 1);
SELECT rec.train('m');
SELECT rec.create_experiment('draft', model => 'm', versions => '{1,NULL}', start => NULL);
SELECT rec.train('m', '{"seed": 7, "factors": 4}');
SELECT results_eq('SELECT version FROM m.model_version ORDER BY 1', 'VALUES (1), (2)', 'a version that an experiment serves is kept');
SELECT rec.create_experiment('ab', '{a,b,c}', '{0.5,0.25,0.25}', model => 'm', versions => '{1,2,NULL}', coverage => 0.9);
SELECT rec.create_experiment('no_versions');

-- The version of the variant
SELECT is_empty($$SELECT u FROM generate_series(1, 100) u, LATERAL (SELECT array_agg(r ORDER BY r.rank) AS given FROM m.recommend(u, 5, experiment => 'ab') r) x,
	LATERAL (SELECT array_agg(r ORDER BY r.rank) AS expected FROM m.recommend(u, 5, version => CASE rec.variant('ab', u) WHEN 'a' THEN 1 ELSE 2 END) r) y
	WHERE given IS DISTINCT FROM expected$$, 'the version of the user''s variant answers; the active one outside of the experiment');
SELECT isnt_empty($$SELECT u FROM generate_series(1, 100) u WHERE (SELECT array_agg(item_id) FROM m.recommend(u, experiment => 'ab')) <> (SELECT array_agg(item_id) FROM m.recommend(u))$$, 'which is not the active one for everybody');
SELECT results_eq($$SELECT item_id, score FROM rec.recommend('m', 3, 5, experiment => 'ab')$$, $$SELECT item_id, score FROM m.recommend(3, 5, experiment => 'ab')$$, 'by model name');
SELECT results_eq($$SELECT item_id, score FROM rec.recommend('m', '3', 5, experiment => 'ab')$$, $$SELECT item_id, score FROM m.recommend(3, 5, experiment => 'ab')$$, 'with a text id');
SELECT results_eq($$SELECT item_id FROM m.recommend(3, experiment => 'no_versions')$$, $$SELECT item_id FROM m.recommend(3)$$, 'an experiment without versions');
SELECT results_eq($$SELECT item_id FROM m.recommend(NULL, experiment => 'ab')$$, $$SELECT item_id FROM m.recommend(NULL)$$, 'no user');
SELECT is(count(*), 0::bigint, 'recommend() writes nothing') FROM rec.impression;

-- serve()
SELECT results_eq($$SELECT * FROM m.serve(3, 5, 'home', 'ab')$$, $$SELECT * FROM m.recommend(3, 5, experiment => 'ab')$$, 'serve() gives the rows of recommend()');
SELECT results_eq($$SELECT i.item_id, i.rank, i.version, i.user_id, i.placement, i.source, i.variant, x.experiment, i.shown_at = now() FROM rec.impression i JOIN rec.experiment x ON x.id = i.experiment_id WHERE i.model = 'm' ORDER BY i.rank$$,
	$$SELECT item_id, rank, CASE rec.variant('ab', 3) WHEN 'a' THEN 1 ELSE 2 END, '3', 'home', source, rec.variant('ab', 3), 'ab', false FROM m.recommend(3, 5, experiment => 'ab')$$, 'and keeps them');
SELECT count(*) FROM generate_series(1, 60) u, LATERAL m.serve(u, 2, 'list', 'ab') r \gset
SELECT results_eq($$SELECT DISTINCT variant, version, propensity FROM rec.impression WHERE placement = 'list' ORDER BY 1, 2$$,
	$$VALUES ('a', 1, 0.5::float8), ('b', 2, 0.5), ('c', 2, 0.5), (NULL, 2, 1.0)$$, 'the propensity is the share of the units with this version (null is no version)');
SELECT count(*) FROM rec.serve('m', '5', 3) \gset
SELECT results_eq($$SELECT version, user_id, placement, experiment_id, variant, propensity FROM rec.impression WHERE user_id = '5' AND placement IS NULL$$,
	$$SELECT 2, '5', NULL::text, NULL::int, NULL::text, 1::float8 FROM generate_series(1, 3)$$, 'by name, without placement and experiment');
SELECT count(*) FROM rec.serve('m', 5, 3, 'int') \gset
SELECT is(count(*), 3::bigint, 'by name, an integer id') FROM rec.impression WHERE placement = 'int';
SELECT count(*) FROM m.serve(7, 4, 'filtered', candidates => '{i1,i2,i3}', exclude_seen => false, exclude => '{i2}', after => '1') \gset
SELECT results_eq($$SELECT item_id, rank FROM rec.impression WHERE placement = 'filtered'$$, $$SELECT item_id, rank FROM m.recommend(7, 4, false, candidates => '{i1,i2,i3}', exclude => '{i2}', after => '1')$$, 'the options of recommend()');
SELECT results_eq($$SELECT * FROM m.serve(7, 4, 'drawn', 'ab', explore => 'thompson', sigma => 0.5, seed => 3)$$, $$SELECT * FROM m.recommend(7, 4, experiment => 'ab', explore => 'thompson', sigma => 0.5, seed => 3)$$, 'exploring');
SELECT results_eq($$SELECT * FROM rec.serve('m', 7, 4, 'bound', explore => 'ucb', beta => 0.5)$$, $$SELECT * FROM rec.recommend('m', 7, 4, explore => 'ucb', beta => 0.5)$$, 'by name');
SELECT results_eq($$SELECT * FROM rec.serve('m', '7', 4, 'not drawn', explore => 'thompson', sigma => 0)$$, $$SELECT * FROM rec.recommend('m', '7', 4)$$, 'and by text');
SELECT results_eq($$SELECT placement, count(*), count(variant), count(propensity), min(propensity) FROM rec.impression WHERE placement IN ('drawn', 'bound', 'not drawn') GROUP BY 1 ORDER BY 1$$,
	$$VALUES ('bound', 4::bigint, 0::bigint, 4::bigint, 1::float8), ('drawn', 4, 4, 0, NULL), ('not drawn', 4, 0, 4, 1)$$, 'the probability of a drawn answer is not known, that of a bound is 1');
SELECT throws_ok($$SELECT * FROM m.serve(7, explore => 'greedy')$$, '22023', 'invalid value for explore: "greedy"', 'no other way');
SELECT count(*) FROM m.serve(7, 0, 'none') \gset
SELECT is(count(*), 0::bigint, 'no rows are none to keep') FROM rec.impression WHERE placement = 'none';
BEGIN READ ONLY;
SELECT isnt_empty($$SELECT * FROM m.recommend(3, 5, experiment => 'ab')$$, 'recommend() in a read-only transaction');
SELECT throws_ok($$SELECT * FROM m.serve(3, 5, 'home', 'ab')$$, '25006', NULL, 'where serve() cannot write');
ROLLBACK;
-- click-through by placement and variant, as it is asked for
SELECT isnt_empty($$SELECT placement, variant, count(*), count(e.item_id) FROM rec.impression i LEFT JOIN e ON e.user_id::text = i.user_id AND e.item_id = i.item_id GROUP BY 1, 2$$, 'click-through');

-- Errors
SELECT throws_ok($$SELECT * FROM m.recommend(3, version => 1, experiment => 'ab')$$, '22023', 'version and experiment cannot be combined', 'both');
SELECT throws_ok($$SELECT * FROM m.recommend(3, experiment => 'abb')$$, '42704', 'experiment "abb" does not exist', 'unknown experiment');
SELECT throws_ok($$SELECT * FROM m.serve(3, 1, 'x', 'abb')$$, '42704', NULL, 'also to serve()');
SELECT throws_ok($$SELECT rec.create_experiment('x', model => 'm', versions => '{1,9}')$$, '42704', 'model "m" has no version 9', 'a version that there is not');
SELECT throws_ok($$SELECT rec.create_experiment('x', model => 'm', versions => '{1}')$$, '22023', '2 variants need 2 versions, not 1', 'too few versions');
SELECT throws_ok($$SELECT rec.create_experiment('x', model => 'm', versions => '{1,0}')$$, '22023', NULL, 'no version');
SELECT throws_ok($$SELECT * FROM rec._serve('m'::regnamespace, 3, NULL::text, 3, NULL, NULL, NULL::text[], NULL::text[], NULL, '{"placement": 1}')$$, '22023', NULL, 'a placement that is no text');
SELECT throws_ok($$SELECT * FROM rec._serve(NULL, 3, NULL::text, 3, NULL, NULL, NULL::text[], NULL::text[], NULL, NULL)$$, '22004', NULL, 'no model');
SELECT rec.create_model('other', 'e', params => '{"factors": 4, "epochs": 2, "holdout": 0}');
SELECT rec.train('other');
SELECT throws_ok($$SELECT * FROM other.recommend(3, experiment => 'ab')$$, '22023', 'experiment "ab" serves versions of model "m"', 'an experiment of another model');

-- Privileges: USAGE on the model's schema is enough
SET ROLE srv_app;
SELECT throws_ok($$SELECT * FROM m.serve(3, 5, 'home', 'ab')$$, '42501', NULL, 'no USAGE');
SELECT throws_ok($$SELECT rec.variant('ab', 3)$$, '42501', NULL, 'no variant either');
RESET ROLE;
GRANT USAGE ON SCHEMA m TO srv_app;
SET ROLE srv_app;
SELECT isnt_empty($$SELECT * FROM m.serve(3, 5, 'app', 'ab')$$, 'with USAGE a role serves');
SELECT isnt(rec.variant('ab', 2), NULL, 'and asks for variants');
SELECT is(rec.log_exposure('ab', 2), rec.variant('ab', 2), 'and logs exposures');
SELECT throws_ok($$SELECT * FROM m.recommend(3, experiment => 'no_versions')$$, '42501', NULL, 'not of an experiment without the model');
SELECT is(count(*), 0::bigint, 'it does not see what was shown') FROM rec.impression;
SELECT throws_ok($$INSERT INTO rec.impression VALUES ('m', 1, '1', 'i1', 1, NULL, NULL, NULL, NULL, 1, now())$$, '42501', NULL, 'and cannot forge it');
SELECT throws_ok($$SELECT rec.create_experiment('x', model => 'm', versions => '{1,2}')$$, '42501', NULL, 'nor make an experiment of another''s model');
SELECT throws_ok($$SELECT * FROM rec.maintain_partitions()$$, '42501', NULL, 'nor maintain partitions');
SET ROLE srv_owner;
SELECT is(count(*), 5::bigint, 'the owner sees it') FROM rec.impression WHERE placement = 'app';
RESET ROLE;

-- The model's life
SELECT count(*) AS before FROM rec.impression WHERE model = 'm' \gset
SELECT rec.rename_model('m', 'renamed');
SELECT is(count(*), :before::bigint, 'impressions follow a model that is renamed') FROM rec.impression WHERE model = 'renamed';
SELECT results_eq($$SELECT DISTINCT model FROM rec.experiment WHERE versions IS NOT NULL$$, $$VALUES ('renamed')$$, 'so do experiments');
SELECT results_eq($$SELECT item_id FROM renamed.recommend(3, experiment => 'ab')$$, $$SELECT item_id FROM renamed.recommend(3, version => CASE rec.variant('ab', 3) WHEN 'a' THEN 1 ELSE 2 END)$$, 'which go on');
SELECT rec.stop_experiment('ab');
SELECT results_eq($$SELECT item_id FROM renamed.recommend(3, experiment => 'ab')$$, $$SELECT item_id FROM renamed.recommend(3)$$, 'after its stop the active version answers');
SELECT rec.drop_experiment('draft');
SELECT rec.train('renamed', '{"seed": 9}');
SELECT results_eq('SELECT version FROM renamed.model_version', 'VALUES (3)', 'and versions are removed again');

-- Partitions
SELECT rec.create_experiment('long');
SELECT count(rec.log_exposure('long', u, 'control', '2026-01-01'::timestamptz + u * interval '1 hour')) FROM generate_series(1, 1500) u \gset
INSERT INTO rec.impression SELECT 'renamed', 1, '1', 'i1', 1, 'old', NULL, NULL, NULL, 1, now() - d * interval '1 day' FROM generate_series(0, 100) d;
SELECT is(count(*), 1500::bigint, 'without partitions everything is in the default one') FROM rec.exposure_default x JOIN rec.experiment e ON e.id = experiment_id WHERE experiment = 'long';
SELECT count(*) AS shown FROM rec.impression \gset
SELECT results_eq($$SELECT parent, dropped, deleted FROM rec.maintain_partitions(months_ahead => 1)$$, $$VALUES ('exposure', 0, 0::bigint), ('impression', 0, 0)$$, 'months get partitions');
SELECT is(count(*), 0::bigint, 'nothing stays in the default partition') FROM rec.exposure_default;
SELECT is(count(*), 1500::bigint, 'and nothing is lost') FROM rec.exposure x JOIN rec.experiment e ON e.id = experiment_id WHERE experiment = 'long';
SELECT is(count(*), :shown::bigint, 'of impressions neither') FROM rec.impression;
SELECT results_eq($$SELECT created FROM rec.maintain_partitions(months_ahead => 1)$$, $$VALUES (0), (0)$$, 'a second time there is nothing to do');
SELECT isnt_empty($$SELECT * FROM other.serve(3, 5, 'later')$$, 'serving goes on');
SELECT is(tableoid::regclass::text, 'rec.impression_' || to_char(now() AT TIME ZONE 'UTC', 'YYYYMM'), 'into the partition of the month') FROM rec.impression WHERE placement = 'later' LIMIT 1;
SELECT is(rec.log_exposure('long', '7', 'control', '2026-03-01'), 'control', 'known units');
SELECT is(count(*), 1::bigint, 'are found in partitions of before') FROM rec.exposure WHERE unit_id = '7';
SELECT results_eq($$SELECT parent, dropped > 0 FROM rec.maintain_partitions(keep_impressions => '40 days')$$, $$VALUES ('exposure', false), ('impression', true)$$, 'old months go');
SELECT is(count(*), 40::bigint, 'and old rows') FROM rec.impression WHERE placement = 'old';
SELECT throws_ok($$SELECT * FROM rec.maintain_partitions(keep_impressions => '-1 day')$$, '22023', NULL, 'a negative age');
SELECT throws_ok($$SELECT * FROM rec.maintain_partitions(months_ahead => -1)$$, '22023', NULL, 'no months');
INSERT INTO rec.impression VALUES ('renamed', 1, '1', 'i1', 1, 'stray', NULL, NULL, NULL, 1, '0100-01-01'), ('renamed', 1, '1', 'i1', 1, 'stray', NULL, NULL, NULL, 1, 'infinity'), ('renamed', 1, '1', 'i1', 1, 'stray', NULL, NULL, NULL, 1, '-infinity');
SELECT lives_ok($$SELECT rec.maintain_partitions()$$, 'stray times');
SELECT is(count(*), 3::bigint, 'stay in the default partition') FROM rec.impression_default;
SELECT is_empty($$SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE inhparent IN ('rec.impression'::regclass, 'rec.exposure'::regclass) AND has_table_privilege('srv_other', c.oid, 'SELECT')$$, 'partitions are nobody''s to read');
SELECT is_empty($$SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE inhparent IN ('rec.impression'::regclass, 'rec.exposure'::regclass) AND obj_description(c.oid, 'pg_class') IS NULL$$, 'and have comments');
GRANT SELECT ON ALL TABLES IN SCHEMA rec TO srv_other;
SET ROLE srv_other;
SELECT is((xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM rec.%I', c.relname), true, true, '')))[1]::text, '0', 'nor after GRANT SELECT ON ALL TABLES: ' || c.relname)
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE inhparent IN ('rec.impression'::regclass, 'rec.exposure'::regclass) AND (c.relname LIKE '%default' OR c.relname LIKE '%202601');
RESET ROLE;
SELECT isnt_empty('SELECT FROM rec.exposure_202601', 'where there is something');
REVOKE SELECT ON ALL TABLES IN SCHEMA rec FROM srv_other;
SELECT rec.drop_model('renamed');
SELECT is(count(*), 0::bigint, 'a dropped model takes its impressions along') FROM rec.impression WHERE model = 'renamed';
SELECT lives_ok($$DROP EXTENSION pg_recommend CASCADE$$, 'the extension can be dropped with its partitions');
SELECT * FROM finish();
