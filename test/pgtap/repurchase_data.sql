-- buy_again() on Online Retail II: how well own frequency and recency rank the next month's purchases of known customers.
SET client_min_messages = warning;
\getenv data REC_DATA_DIR
\if :{?data}
\else
SELECT skip_all FROM (VALUES ('1..0 # SKIP REC_DATA_DIR is not set')) v (skip_all);
\quit
\endif
\set file :data '/online_retail/online_retail_2009_2010.csv.gz'
SELECT (pg_stat_file(:'file', true)).size IS NOT NULL AS exists \gset
\if :exists
\else
SELECT skip_all FROM (VALUES ('1..0 # SKIP no Online Retail II in REC_DATA_DIR')) v (skip_all);
\quit
\endif
SELECT plan(3);
CREATE TABLE line (invoice_no text, stock_code text, description text, quantity int, invoice_date timestamp, unit_price numeric, customer_id bigint, country text);
\set command 'gzip -dc ' :file
COPY line FROM PROGRAM :'command' WITH (FORMAT csv, HEADER);
CREATE TABLE sale AS SELECT DISTINCT customer_id, stock_code, invoice_no, invoice_date FROM line
WHERE customer_id IS NOT NULL AND stock_code ~ '^[0-9]{5}' AND quantity > 0;
CREATE TABLE past AS SELECT * FROM sale WHERE invoice_date < '2010-11-09';
CREATE TABLE next_month AS SELECT DISTINCT customer_id, stock_code FROM sale
WHERE invoice_date >= '2010-11-09' AND customer_id IN (SELECT customer_id FROM past) AND stock_code IN (SELECT stock_code FROM past);
CREATE INDEX ON past (customer_id) INCLUDE (stock_code, invoice_date);
VACUUM ANALYZE past;
SELECT rec.create_model('m', 'past', 'customer_id', 'stock_code', time_column => 'invoice_date', params => '{"factors": 16, "epochs": 4, "holdout": 0}');
SELECT version FROM rec.train('m') \gset
CREATE FUNCTION ndcg(answer text) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
	result float8;
BEGIN
	EXECUTE format($q$
		SELECT avg(gain / ideal) FROM (
			SELECT c.customer_id, (SELECT coalesce(sum(1 / log(2, (r.rank + 1)::numeric)), 0) FROM (%s) r JOIN next_month n ON n.customer_id = c.customer_id AND n.stock_code = r.item_id) AS gain,
				(SELECT sum(1 / log(2, (i + 1)::numeric)) FROM generate_series(1, least(10, c.n)) i) AS ideal
			FROM (SELECT customer_id, count(*) AS n FROM next_month GROUP BY 1) c) x$q$, answer) INTO result;
	RETURN result;
END $$;
CREATE TABLE result AS SELECT ndcg('SELECT item_id, rank FROM m.buy_again(c.customer_id)') AS again,
	ndcg('SELECT item_id, rank FROM m.buy_again(c.customer_id, half_life => NULL)') AS frequency,
	ndcg('SELECT item_id, rank FROM m.recommend(c.customer_id, 10, false)') AS factors;
SELECT '# ndcg@10: buy_again ' || round(again::numeric, 3) || ', without decay ' || round(frequency::numeric, 3) || ', recommend with seen items ' || round(factors::numeric, 3) FROM result;
SELECT cmp_ok(again, '>', 0.32::float8, 'own frequency, halved per 90 days') FROM result;
SELECT cmp_ok(again, '>', frequency, 'recency helps') FROM result;
SELECT cmp_ok(again, '>', 1.2 * factors, 'and it is far ahead of factors, for what is bought again') FROM result;
SELECT * FROM finish();
