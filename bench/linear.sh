#!/bin/sh
# The algorithms side by side on real data, each at its defaults (docs/algorithms.md):
# ndcg@10, recall@10 and the seconds of the fit.
#
#     sh bench/linear.sh
#     REC_DATA_DIR=FOLDER SETS='ml insteval retail' sh bench/linear.sh
#
# Folders as for bench/quality.sh. Last.fm (SETS=lastfm) takes several minutes: 17,632 items.
PROJECT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
SHARED_BUFFERS=${SHARED_BUFFERS:-256MB}
. "$PROJECT/bench/common.sh"
DATA=${REC_DATA_DIR:-$PROJECT/../shared/data}
SETS=${SETS:-ml insteval retail}

load() {
    case $1 in
        ml)
            [ -r "$DATA/ml-100k/ua.base" ] || return 1
            sql "CREATE TABLE q.ml (user_id int, item_id int, rating int, seconds bigint)"
            sql "\\copy q.ml from pstdin" <"$DATA/ml-100k/ua.base"
            ;;
        insteval)
            [ -r "$DATA/insteval/InstEval.csv" ] || return 1
            sql "CREATE TABLE q.insteval (user_id int, item_id int, a int, b int, c int, d int, rating int)"
            sql "\\copy q.insteval from pstdin with (format csv, header)" <"$DATA/insteval/InstEval.csv"
            ;;
        lastfm)
            [ -r "$DATA/lastfm2k/user_artists.dat" ] || return 1
            sql "CREATE TABLE q.lastfm (user_id int, item_id int, plays int)"
            sql "\\copy q.lastfm from pstdin with (format csv, delimiter E'\\t', header)" <"$DATA/lastfm2k/user_artists.dat"
            ;;
        retail)
            [ -r "$DATA/online_retail/online_retail_2009_2010.csv.gz" ] || return 1
            sql "CREATE TABLE q.line (invoice text, item_id text, description text, quantity int, day timestamp, price numeric, user_id bigint, country text)"
            gzip -dc "$DATA/online_retail/online_retail_2009_2010.csv.gz" | sql "\\copy q.line from pstdin with (format csv, header)"
            sql "CREATE VIEW q.retail AS SELECT user_id, item_id, day FROM q.line WHERE user_id IS NOT NULL AND quantity > 0 AND invoice NOT LIKE 'C%'"
            ;;
    esac
}

bench_begin
sql "DROP SCHEMA IF EXISTS q CASCADE" "CREATE SCHEMA q"
for set in $SETS; do
    load "$set" || { echo "(no $set in $DATA: left out)"; continue; }
    value=NULL time=NULL
    [ "$set" != lastfm ] || value="'plays'"
    [ "$set" != retail ] || time="'day'"
    sql "SELECT rec.drop_model('q_model', true)" \
        "SELECT rec.create_model('q_model', 'q.$set', value_column => $value, time_column => $time)" >/dev/null
    for algorithm in als ease item_knn; do
        sql "SELECT rec.train('q_model', '{\"algorithm\": \"$algorithm\", \"holdout\": 0}')" >/dev/null
    done
    echo "$set: $(sql "SELECT string_agg(params ->> 'algorithm' || ' ' || round(solve_seconds::numeric, 2) || ' s', ', ' ORDER BY version) FROM rec.training_run WHERE model = 'q_model'")"
    sql "SELECT '  ' || rpad(algorithm, 14) || string_agg(metric || ' ' || round(value::numeric, 4), '  ' ORDER BY metric)
         FROM rec.evaluate('q_model', k => '{10}', metrics => '{ndcg,recall_capped}', compare => '{popular,cooccurrence,ease,item_knn}')
         WHERE segment = 'all' AND algorithm <> 'data' GROUP BY algorithm ORDER BY max(value) DESC"
done
