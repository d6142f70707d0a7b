#!/bin/sh
# What recommendations are worth out of the box, on real data: the defaults beside
# popularity and beside the best setting that a grid found (docs/defaults.md).
#
#     sh bench/quality.sh
#     REC_DATA_DIR=FOLDER SEEDS='42 1 2' sh bench/quality.sh
#
# The folder (default: ../shared/data beside the project) may hold
#   ml-100k/         ua.base, ua.test, u.data        MovieLens 100K, GroupLens
#   lastfm2k/        user_artists.dat                HetRec 2011, GroupLens
#   online_retail/   online_retail_2009_2010.csv.gz  Online Retail II, UCI
#   insteval/        InstEval.csv                    InstEval of lme4
# and what is not there is left out.  ndcg@10 and recall@10 (hits / min(10, relevant))
# rank every item that the user has no training event with; only users with at
# least one relevant item count.  A line is the mean over SEEDS.
PROJECT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
SHARED_BUFFERS=${SHARED_BUFFERS:-256MB}
. "$PROJECT/bench/common.sh"
DATA=${REC_DATA_DIR:-$PROJECT/../shared/data}
SEEDS=${SEEDS:-42}

# ------------------------------------------------------------------- the data
# Each data set becomes q.NAME_train (user_id, item_id, ...) and q.NAME_test (user_id, item_id).

load_ml() {
    [ -r "$DATA/ml-100k/ua.base" ] || return 1
    sql "CREATE TABLE q.ml_train (user_id int, item_id int, rating int, seconds bigint)" \
        "CREATE TABLE q.ml_test (LIKE q.ml_train)" "CREATE TABLE q.ml (LIKE q.ml_train)"
    sql "\\copy q.ml_train from pstdin" <"$DATA/ml-100k/ua.base"
    sql "\\copy q.ml_test from pstdin" <"$DATA/ml-100k/ua.test"
    sql "\\copy q.ml from pstdin" <"$DATA/ml-100k/u.data"
}

# A fifth of each user's artists is kept aside.
load_lastfm() {
    [ -r "$DATA/lastfm2k/user_artists.dat" ] || return 1
    sql "CREATE TABLE q.lastfm (user_id int, item_id int, plays int)"
    sql "\\copy q.lastfm from pstdin with (format csv, delimiter E'\\t', header)" <"$DATA/lastfm2k/user_artists.dat"
    sql "CREATE TEMP TABLE s AS SELECT *, row_number() OVER (PARTITION BY user_id ORDER BY md5(user_id || ':' || item_id))
                > .2 * count(*) OVER (PARTITION BY user_id) AS known FROM q.lastfm;
         CREATE TABLE q.lastfm_train AS SELECT user_id, item_id, plays FROM s WHERE known;
         CREATE TABLE q.lastfm_test AS SELECT user_id, item_id FROM s WHERE NOT known"
}

# The last 30 days are predicted: what a customer buys and had no line with before.
load_retail() {
    [ -r "$DATA/online_retail/online_retail_2009_2010.csv.gz" ] || return 1
    sql "CREATE TABLE q.line (invoice text, item_id text, description text, quantity int, day timestamp, price numeric, user_id bigint, country text)"
    gzip -dc "$DATA/online_retail/online_retail_2009_2010.csv.gz" | sql "\\copy q.line from pstdin with (format csv, header)"
    sql "DELETE FROM q.line WHERE user_id IS NULL OR item_id IS NULL" \
        "CREATE TABLE q.quantity_train AS SELECT * FROM q.line WHERE day <= (SELECT max(day) - interval '30 days' FROM q.line)" \
        "CREATE TABLE q.purchases_train AS SELECT * FROM q.quantity_train WHERE quantity > 0 AND invoice NOT LIKE 'C%'" \
        "CREATE TABLE q.purchases_test AS SELECT DISTINCT user_id, item_id FROM q.line l
             WHERE quantity > 0 AND invoice NOT LIKE 'C%' AND day > (SELECT max(day) FROM q.quantity_train)
               AND EXISTS (SELECT FROM q.purchases_train t WHERE t.user_id = l.user_id)
               AND NOT EXISTS (SELECT FROM q.quantity_train t WHERE (t.user_id, t.item_id) = (l.user_id, l.item_id))" \
        "CREATE VIEW q.quantity_test AS TABLE q.purchases_test"
}

load_insteval() {
    [ -r "$DATA/insteval/InstEval.csv" ] || return 1
    sql "CREATE TABLE q.insteval (user_id int, item_id int, a int, b int, c int, d int, rating int)"
    sql "\\copy q.insteval from pstdin with (format csv, header)" <"$DATA/insteval/InstEval.csv"
}

# ------------------------------------------------------------------- implicit

# quality LISTS TEST: ndcg and recall of lists (user_id, item_id, rank)
quality() {
    sql "WITH list AS ($1), relevant AS (SELECT user_id, least(count(*), 10) AS n FROM $2 GROUP BY 1),
              gain AS (SELECT user_id, sum(1 / ln(1 + rank)) AS dcg, count(*) AS hits FROM list JOIN $2 USING (user_id, item_id) GROUP BY 1)
         SELECT avg(coalesce(dcg, 0) / (SELECT sum(1 / ln(1 + r)) FROM generate_series(1, n) r)), avg(coalesce(hits, 0)::float8 / n)
         FROM relevant LEFT JOIN gain USING (user_id)" | tr '|' ' '
}

# model_quality TRAIN TEST VALUE PARAMS: ndcg, recall and epochs, the mean over the seeds
model_quality() {
    value=NULL
    [ "$3" = - ] || value="'$3'"
    for seed in $SEEDS; do
        sql "SELECT rec.drop_model('q_model', true)" "SELECT rec.create_model('q_model', '$1', value_column => $value)" \
            "SELECT rec.train('q_model', '$4'::jsonb || '{\"seed\": $seed}')" >/dev/null
        echo "$(quality "SELECT u.user_id, r.item_id, r.rank FROM (SELECT DISTINCT user_id FROM $2) u, q_model.recommend(u.user_id, 10) r" "$2")" \
            "$(sql "SELECT coalesce(best_epoch, epochs) FROM rec.training_run WHERE model = 'q_model'")"
    done | awk '{ n += $1; r += $2; e += $3 } END { printf "%.4f %.4f %.0f\n", n / NR, r / NR, e / NR }'
}

# popular_quality TRAIN TEST VALUE: the items of most users, without what the user has
popular_quality() {
    value=1
    [ "$3" = - ] || value=$3
    sql "DROP TABLE IF EXISTS q.popular" \
        "CREATE TABLE q.popular AS SELECT item_id, count(*) AS n FROM (SELECT user_id, item_id FROM $1 GROUP BY 1, 2 HAVING sum($value) > 0) p GROUP BY 1" \
        "CREATE INDEX ON q.popular (n DESC, item_id)" "CREATE INDEX ON $1 (user_id, item_id)" "ANALYZE q.popular" "ANALYZE $1"
    quality "SELECT u.user_id, p.item_id, p.rank FROM (SELECT DISTINCT user_id FROM $2) u, LATERAL
                 (SELECT item_id, row_number() OVER (ORDER BY n DESC, item_id) AS rank FROM q.popular
                  WHERE NOT EXISTS (SELECT FROM $1 t WHERE (t.user_id, t.item_id) = (u.user_id, popular.item_id))
                  ORDER BY n DESC, item_id LIMIT 10) p" "$2"
}

# implicit NAME TABLES VALUE BEST: one line of the table
implicit() {
    train=q.$2_train test=q.$2_test
    # shellcheck disable=SC2046 # numbers
    set -- "$1" "$3" $(popular_quality "$train" "$test" "$3") $(model_quality "$train" "$test" "$3" '{}') $(model_quality "$train" "$test" "$3" "$4")
    awk -v name="$1" -v value="$2" -v pn="$3" -v pr="$4" -v dn="$5" -v dr="$6" -v de="$7" -v bn="$8" -v br="$9" 'BEGIN {
        printf "%-16s %-9s %7.4f %7.4f  %7.4f %7.4f %6d  %7.4f %7.4f  %6.3f\n", name, value, pn, pr, dn, dr, de, bn, br, dn / bn }'
}

# ------------------------------------------------------------------- explicit

# Five folds, by a hash of the pair.
fold_of="(hashtext(user_id || ':' || item_id) & 2147483647) % 5"

# rmse TABLE PARAMS: over all folds together
rmse() {
    for fold in 0 1 2 3 4; do
        sql "DROP VIEW IF EXISTS q.fold CASCADE" "CREATE VIEW q.fold AS SELECT * FROM $1 WHERE $fold_of <> $fold" \
            "SELECT rec.drop_model('q_model', true)" "SELECT rec.create_model('q_model', 'q.fold', value_column => 'rating', feedback => 'explicit')" \
            "SELECT rec.train('q_model', '$2')" >/dev/null
        sql "SELECT sum((p.r - rating) ^ 2), count(*) FROM $1, q_model.predict(user_id, item_id) p(r) WHERE $fold_of = $fold AND p.r IS NOT NULL"
    done | awk -F'|' '{ s += $1; n += $2 } END { printf "%.4f\n", sqrt(s / n) }'
}

# biases TABLE: the same with nothing but a mean and regularized biases
biases() {
    sql "CREATE OR REPLACE FUNCTION pg_temp.biases() RETURNS text LANGUAGE plpgsql AS \$\$
         DECLARE mean float8; squares float8 := 0; n bigint := 0; e float8; k bigint; BEGIN
         FOR f IN 0..4 LOOP
             CREATE TEMP TABLE t ON COMMIT DROP AS SELECT user_id AS u, item_id AS i, rating AS r, $fold_of AS fold FROM $1;
             SELECT avg(r) INTO mean FROM t WHERE t.fold <> f;
             CREATE TEMP TABLE i ON COMMIT DROP AS SELECT i, 0::float8 AS b FROM t GROUP BY 1;
             CREATE TEMP TABLE u ON COMMIT DROP AS SELECT u, 0::float8 AS b FROM t GROUP BY 1;
             FOR step IN 1..8 LOOP
                 UPDATE u SET b = s FROM (SELECT u, sum(r - mean - i.b) / (count(*) + 1.25 * sqrt(count(*))) AS s FROM t JOIN i USING (i) WHERE t.fold <> f GROUP BY 1) q WHERE q.u = u.u;
                 UPDATE i SET b = s FROM (SELECT i, sum(r - mean - u.b) / (count(*) + 1.25 * sqrt(count(*))) AS s FROM t JOIN u USING (u) WHERE t.fold <> f GROUP BY 1) q WHERE q.i = i.i;
             END LOOP;
             SELECT sum((r - mean - u.b - i.b) ^ 2), count(*) INTO e, k FROM t JOIN u USING (u) JOIN i USING (i) WHERE t.fold = f;
             squares := squares + e; n := n + k; DROP TABLE t, i, u;
         END LOOP; RETURN round(sqrt(squares / n)::numeric, 4); END \$\$; SELECT pg_temp.biases()"
}

# ------------------------------------------------------------------- the runs

bench_begin
sql "DROP SCHEMA IF EXISTS q CASCADE" "CREATE SCHEMA q"
have=
for name in ml lastfm retail insteval; do
    if "load_$name"; then have="$have $name"; else echo "(no $name in $DATA: left out)"; fi
done
has() { case " $have " in *" $1 "*) true ;; *) false ;; esac; }

if has ml || has lastfm || has retail; then
    printf '%-26s %-15s  %-22s  %-15s  %s\n' '' 'popular items' 'default' "grid's best" 'default /'
    printf '%-16s %-9s %7s %7s  %7s %7s %6s  %7s %7s  %6s\n' 'data set' value ndcg recall ndcg recall epochs ndcg recall best
fi
best() {
    printf '{"factors": 128, "frequency_exponent": %s, "epochs": %s, "regularization": %s, "unobserved_weight": %s, "weight_transform": "%s", "holdout": 0}' "$@"
}
if has ml; then
    implicit 'MovieLens 100K' ml - "$(best 0.5 24 0.246 0.594 log1p)"
    implicit 'MovieLens 100K' ml rating "$(best 0.5 14 0.369 0.842 log1p)"
fi
if has lastfm; then
    implicit 'Last.fm' lastfm plays "$(best 1 12 0.01027 0.418 log1p)"
fi
if has retail; then
    implicit 'Online Retail' purchases - "$(best 0.5 10 0.182 0.377 log1p)"
    implicit 'Online Retail' quantity quantity "$(best 0.5 12 0.25 0.294 binary)"
fi
if has ml; then
    echo
    # shellcheck disable=SC2046 # numbers
    set -- $(model_quality q.ml_train q.ml_test - '{"factors": 32, "regularization": 0.01, "unobserved_weight": 0.3, "frequency_exponent": 1, "weight_transform": "none", "epochs": 12, "holdout": 0}')
    echo "MovieLens 100K, 32 factors, regularization .01, unobserved_weight .3, frequency_exponent 1, 12 epochs: ndcg $1 (wanted .303), recall $2 (wanted .262)"
fi
if has ml || has insteval; then
    echo
    printf '%-32s %9s %9s %24s\n' 'explicit, RMSE of 5 folds' biases default 'regularization 1.2 given'
    for line in 'ml:MovieLens 100K:q.ml' 'insteval:InstEval:q.insteval'; do
        has "${line%%:*}" || continue
        table=${line##*:} name=${line#*:}
        printf '%-32s %9s %9s %24s\n' "${name%:*}" "$(biases "$table")" "$(rmse "$table" '{}')" "$(rmse "$table" '{"regularization": 1.2, "epochs": 6}')"
    done
fi
