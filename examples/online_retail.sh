#!/bin/sh
# UCI Online Retail II in the cluster of the quick start: a real event log, with
# returns, duplicate lines and lines without a customer, cleaned by a view.
#
#     sh examples/online_retail.sh FILE      (the year 2009-2010 as .csv or .csv.gz)
#
# The columns must be: InvoiceNo, StockCode, Description, Quantity, InvoiceDate,
# UnitPrice, CustomerID, Country.  The data set is at the UCI Machine Learning
# Repository ("Online Retail II", CC BY 4.0).
set -eu
PROJECT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
. "$PROJECT/examples/setup.sh"

[ $# = 1 ] || die "usage: sh examples/online_retail.sh FILE" \
    "FILE is a sheet of Online Retail II (UCI Machine Learning Repository) as .csv or .csv.gz"
[ -f "$1" ] && [ -r "$1" ] || die "there is no file $1" \
    "wanted is a sheet of Online Retail II (UCI Machine Learning Repository) as .csv or .csv.gz"
read_lines() {
    case "$1" in
        *.gz) gzip -dc -- "$1" ;;
        *) cat -- "$1" ;;
    esac
}
read_lines "$1" 2>/dev/null | head -n 1 | grep -q '^InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country' ||
    die "$1 does not begin with the expected line of column names" \
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
set_up_example

heading '1. Invoice lines'
show <<'SQL'
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS retail CASCADE;
CREATE SCHEMA retail;
CREATE TABLE retail.line (
    invoice_no text, stock_code text, description text, quantity int, invoice_date timestamp,
    unit_price numeric, customer_id bigint, country text);
SQL
read_lines "$1" | in_db shop -c '\copy retail.line from pstdin with (format csv, header)'
show <<'SQL'
-- Cleaning is SQL: known customers, real products (not postage or fees), no duplicate lines.
-- A return has a negative quantity, so that it takes its purchase back.
CREATE TABLE retail.sale AS
SELECT DISTINCT customer_id, stock_code, quantity, invoice_date, invoice_no
FROM retail.line WHERE customer_id IS NOT NULL AND stock_code ~ '^[0-9]{5}';
CREATE INDEX ON retail.sale (customer_id) INCLUDE (stock_code, quantity, invoice_date);
CREATE TABLE retail.product AS
SELECT stock_code, mode() WITHIN GROUP (ORDER BY btrim(description)) AS description FROM retail.line GROUP BY stock_code;
ALTER TABLE retail.product ADD PRIMARY KEY (stock_code);
VACUUM (ANALYZE) retail.sale, retail.product;
SELECT (SELECT count(*) FROM retail.line) AS lines, count(*) AS "of known customers", count(DISTINCT customer_id) AS customers,
       count(DISTINCT stock_code) AS products, count(*) FILTER (WHERE quantity < 0) AS returns FROM retail.sale;
SQL

heading '2. A model'
show <<'SQL'
\echo 'SELECT rec.create_model(''gifts'', events => ''retail.sale'', user_column => ''customer_id'', item_column => ''stock_code'','
\echo '                        value_column => ''quantity'', time_column => ''invoice_date'');'
\echo 'SELECT * FROM rec.train(''gifts'');'
\echo ~
SELECT count(*) > 0 AS exists FROM rec.model WHERE model = 'gifts' \gset
\if :exists
  SELECT rec.drop_model('gifts') \g /dev/null
\endif
SELECT rec.create_model('gifts', events => 'retail.sale', user_column => 'customer_id', item_column => 'stock_code',
                        value_column => 'quantity', time_column => 'invoice_date') \g /dev/null
SELECT * FROM rec.train('gifts') \gset t_
\echo ~
SELECT guess AS "who guesses", round(ndcg::numeric, 3) AS "ndcg@10", round(recall::numeric, 3) AS "recall@10"
FROM (VALUES ('this model', :t_ndcg, :t_recall),
             ('the most sold products', :t_popular_ndcg, :t_popular_recall)) AS q(guess, ndcg, recall);
SQL

heading '3. Recommendations, beside what the customer bought last'
show <<'SQL'
\echo 'SELECT * FROM gifts.recommend(13085, 8);'
SELECT coalesce(b.description, '') AS bought, r.rank, p.description AS recommended, round(r.score::numeric, 2) AS score
FROM gifts.recommend(13085, 8) r JOIN retail.product p ON p.stock_code = r.item_id
LEFT JOIN (SELECT description, row_number() OVER (ORDER BY max(invoice_date) DESC, sum(quantity) DESC, stock_code) AS n
           FROM retail.sale JOIN retail.product USING (stock_code)
           WHERE customer_id = 13085 AND quantity > 0 GROUP BY stock_code, description) b ON b.n = r.rank
ORDER BY r.rank;
\echo ~
\echo 'SELECT * FROM gifts.similar_items(''85123A'', 8);   -- a white hanging heart'
SELECT s.rank, p.description AS similar, round(s.score::numeric, 2) AS score, s.support
FROM gifts.similar_items('85123A', 8) s JOIN retail.product p ON p.stock_code = s.item_id ORDER BY s.rank;
SQL
show_way_on gifts
