-- pgvector, where it is installed: embeddings as attributes, and the model's factors as vectors (docs/serving.md).
SET client_min_messages = warning;
SELECT count(*) = 0 AS missing FROM pg_available_extensions WHERE name = 'vector' \gset
\if :missing
SELECT plan(1);
SELECT skip('the extension vector is not installed', 1);
SELECT * FROM finish();
\quit
\endif
SELECT no_plan();
SELECT setseed(0.25);
CREATE SCHEMA ext;
CREATE EXTENSION vector SCHEMA ext;
CREATE SCHEMA web;
-- the embeddings of five groups; halfvec came with pgvector 0.7
SELECT count(*) > 0 AS half FROM pg_type WHERE typname = 'halfvec' \gset
CREATE TABLE web.products (id int PRIMARY KEY, emb ext.vector(3), plain real[]);
INSERT INTO web.products SELECT i, e::ext.vector, e FROM (SELECT i, ARRAY[i % 5, (i % 5) * (i % 5), (i % 2) / 8.0]::real[] AS e FROM generate_series(1, 120) i) x;
CREATE TABLE web.customers (id int PRIMARY KEY, taste ext.vector(5));
INSERT INTO web.customers SELECT u, ARRAY(SELECT (k = u % 5)::int FROM generate_series(0, 4) k)::ext.vector FROM generate_series(1, 340) u;
CREATE TABLE web.events AS SELECT u AS user_id, i AS item_id FROM generate_series(1, 300) u, generate_series(1, 100) i
	WHERE random() < CASE WHEN u % 5 = i % 5 THEN 0.4 ELSE 0.02 END;
CREATE INDEX ON web.events (user_id) INCLUDE (item_id);
SELECT rec.create_model('m', 'web.events', items => 'web.products', item_key => 'id', item_attributes => '{emb}',
	users => 'web.customers', user_key => 'id', user_attributes => '{taste}', params => '{"factors": 8, "epochs": 6}');
SELECT rec.create_model('p', 'web.events', items => 'web.products', item_key => 'id', item_attributes => '{plain}',
	users => 'web.customers', user_key => 'id', user_attributes => '{taste}', params => '{"factors": 8, "epochs": 6}');
SELECT rec.train('m'), rec.train('p');

-- Vectors as attributes.
SELECT results_eq('SELECT side, attribute, kind, columns FROM m.attribute_encoder ORDER BY 1', $$VALUES ('item', 'emb', 'vector', 3), ('user', 'taste', 'vector', 5)$$, 'each element is a column');
SELECT is_empty('(SELECT side, number, weights FROM m.attribute_map) EXCEPT (SELECT side, number, weights FROM p.attribute_map)', 'the same bits as of real[] with the same elements');
SELECT is(array_agg(DISTINCT item_id % 5), '{3}', 'cold items have neighbours by their embedding') FROM m.similar_items(103, 6);
INSERT INTO web.customers VALUES (1000, '[0,0,1,0,0]'), (1001, NULL);
SELECT is(array_agg(DISTINCT (item_id % 5)::text || source), '{2attributes}', 'a user who has just come') FROM m.recommend(1000, 8);
SELECT is((SELECT array_agg((item_id, score)::text) FROM m.recommend_for(attributes => '{"taste": [0, 0, 1, 0, 0]}', k => 8)),
	(SELECT array_agg((item_id, score)::text) FROM m.recommend(1000, 8)), 'a visitor whose embedding is a JSON array');
SELECT throws_ok($$SELECT * FROM m.recommend_for(attributes => '{"taste": [0, 1]}')$$, '22023', 'attribute "taste" has 2 elements where 5 are expected', 'of the wrong length');
INSERT INTO web.products VALUES (500, '[2,4,0]', NULL);
SELECT is(rec.refresh_items('m'), 1::bigint, 'a product of now');
SELECT is(array_agg(DISTINCT item_id % 5), '{2}', 'has neighbours') FROM m.similar_items(500, 5);
ALTER TABLE web.products ALTER emb TYPE ext.vector;
UPDATE web.products SET emb = '[1,2]' WHERE id = 500;
SELECT lives_ok('SELECT rec.train(''m'')', 'a vector of another length counts as missing');
\if :half
ALTER TABLE web.products ALTER emb TYPE ext.halfvec(3) USING CASE WHEN id < 500 THEN emb::ext.halfvec(3) END;
SELECT is(rec.refresh_items('m'), 0::bigint, 'halfvec: another type of the same kind');
SELECT lives_ok('SELECT rec.train(''m'')', 'and it trains');
\endif

-- The model's factors as vectors: the index of docs/serving.md and its order.
SET search_path = public, ext;
SELECT active_version AS v FROM rec.model WHERE model = 'm' \gset
CREATE INDEX factors_hnsw ON m.item_factors USING hnsw ((factors::vector(8)) vector_ip_ops) WHERE version = :v;
SELECT is((SELECT array_agg(item_id) FROM (SELECT item_id FROM m.item_factors WHERE version = :v
		ORDER BY factors::vector(8) <#> (SELECT factors::vector(8) FROM m.active_users WHERE user_id = 42) LIMIT 10) x),
	(SELECT array_agg(item_id ORDER BY rank) FROM m.recommend(42, 10, exclude_seen => false)), 'the order by <#> is that of recommend()');
SET enable_seqscan = off;
SET enable_sort = off;
CREATE FUNCTION pg_temp.plan_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE l text; a text := ''; BEGIN FOR l IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP a := a || l || E'\n'; END LOOP; RETURN a; END $$;
SELECT matches(pg_temp.plan_of(format('SELECT item_id FROM m.item_factors WHERE version = %s ORDER BY factors::vector(8) <#> (SELECT factors::vector(8) FROM m.active_users WHERE user_id = 42) LIMIT 10', :v)),
	'Index Scan using factors_hnsw', 'by the index');
SELECT ok((SELECT count(*) FROM (SELECT item_id FROM m.item_factors WHERE version = :v
		ORDER BY factors::vector(8) <#> (SELECT factors::vector(8) FROM m.active_users WHERE user_id = 42) LIMIT 10) x
	JOIN m.recommend(42, 10, exclude_seen => false) USING (item_id)) >= 8, 'which is approximate');
SELECT is((SELECT max(abs(score + (f.factors::vector(8) <#> u.factors::vector(8)))) < 1e-5 FROM m.recommend(42, 10, exclude_seen => false) r
	JOIN m.active_items f USING (item_id), m.active_users u WHERE u.user_id = 42), true, 'the negative inner product is the score');
SELECT * FROM finish();
