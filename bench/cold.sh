#!/bin/sh
# What attributes are worth: cold, sparse and warm items and users, with attributes
# and without, on real data; and what they cost in an epoch.
#
#     sh bench/cold.sh                     quality (needs the data) and time
#     sh bench/cold.sh quality
#     sh bench/cold.sh explore
#     DATASETS='ml insteval' SEEDS='1 2 3 4 5' sh bench/cold.sh quality
#     EVENTS=20000000 sh bench/cold.sh time
#
# A fifth of the rows of a side is cold (no training event), another fifth is sparse
# (1 to 10 events in training); of the rest a tenth of the events is held out.
# Cold and sparse: ndcg@15 of the held-out events among the items of the segment (users:
# of the segment's users, among all items); warm: ndcg@10 likewise. With ratings, 4 and
# 5 are relevant. A line is the mean over SEEDS.
# "random" ranks by a hash; "oracle" by how many of the held-out events an item has;
# "ridge" is a ridge regression, weighted by the rows' regularization, from the same
# attributes onto the finished factors of the plain model, its strength by
# cross-validation; it needs python3-numpy.
PROJECT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
PARTS=${1:-quality time}
case " $PARTS " in *' time '*) EVENTS=${EVENTS:-1000000} ;; esac
SHARED_BUFFERS=${SHARED_BUFFERS:-1GB}
. "$PROJECT/bench/common.sh"
DATA=${REC_DATA_DIR:-$PROJECT/../shared/data}
SEEDS=${SEEDS:-1 2 3}
PYTHON=
for python in /usr/bin/python3 python3; do
    if [ -z "$PYTHON" ] && "$python" -c 'import numpy' 2>/dev/null; then PYTHON=$python; fi
done

# ------------------------------------------------------------------- the data
# q.event (user_id, item_id, value), q.item (id, ...), q.usr (id, ...)

load_ml() {
    [ -r "$DATA/ml-100k/u.data" ] || return 1
    sql "CREATE TABLE q.event (user_id int, item_id int, value real, seconds bigint)" "CREATE TABLE q.line (l text)" \
        "CREATE TABLE q.usr (id int PRIMARY KEY, age int, gender text, occupation text, zip text)"
    sql "\\copy q.event from pstdin" <"$DATA/ml-100k/u.data"
    sql "\\copy q.usr from pstdin with (delimiter '|')" <"$DATA/ml-100k/u.user"
    iconv -f latin1 -t utf8 "$DATA/ml-100k/u.item" | tr '\\\t' '/ ' | sql "\\copy q.line from pstdin"
    sql "CREATE TABLE q.item AS SELECT p[1]::int AS id, regexp_replace(p[2], ' *\\(\\d+\\) *\$', '') AS title, nullif(right(p[3], 4), '')::int AS year,
                left(right(p[3], 4), 3) AS decade, ARRAY(SELECT 'genre ' || k FROM generate_series(1, 19) k WHERE p[5 + k] = '1') AS genres
             FROM q.line, string_to_array(l, '|') p" \
        "ALTER TABLE q.item ADD PRIMARY KEY (id)" \
        "ALTER TABLE q.usr ADD band text" "UPDATE q.usr SET band = age / 10"
}

load_insteval() {
    [ -r "$DATA/insteval/InstEval.csv" ] || return 1
    sql "CREATE TABLE q.rating (s int, d int, studage int, lectage int, service int, dept int, y int)"
    sed 's/"//g' "$DATA/insteval/InstEval.csv" | sql "\\copy q.rating from pstdin with (format csv, header)"
    sql "CREATE TABLE q.event AS SELECT s AS user_id, d AS item_id, y::real AS value FROM q.rating" \
        "CREATE TABLE q.item AS SELECT d AS id, 'dept ' || mode() WITHIN GROUP (ORDER BY dept) AS dept, mode() WITHIN GROUP (ORDER BY service)::text AS service, 'since ' || mode() WITHIN GROUP (ORDER BY lectage) AS lectage FROM q.rating GROUP BY d" \
        "CREATE TABLE q.usr AS SELECT s AS id, 'age ' || mode() WITHIN GROUP (ORDER BY studage) AS studage, 'dept ' || mode() WITHIN GROUP (ORDER BY dept) AS dept FROM q.rating GROUP BY s"
}

# Cold: articles that are new in the last two months; sparse: 1 to 10 buyers until then.
load_retail() {
    [ -r "$DATA/online_retail/online_retail_2009_2010.csv.gz" ] || return 1
    sql "CREATE TABLE q.sold (invoice text, item_id text, description text, quantity int, day timestamp, price numeric, user_id bigint, country text)"
    gzip -dc "$DATA/online_retail/online_retail_2009_2010.csv.gz" | sql "\\copy q.sold from pstdin with (format csv, header)"
    sql "DELETE FROM q.sold WHERE user_id IS NULL OR item_id IS NULL OR quantity <= 0 OR invoice LIKE 'C%'" \
        "CREATE TABLE q.item AS SELECT item_id AS id, (array_agg(description ORDER BY day DESC))[1] AS description, (percentile_cont(0.5) WITHIN GROUP (ORDER BY price)) AS price FROM q.sold GROUP BY 1" \
        "CREATE TABLE q.train AS SELECT DISTINCT user_id, item_id FROM q.sold WHERE day <= (SELECT max(day) - interval '60 days' FROM q.sold)" \
        "CREATE TABLE q.segment AS SELECT i.id, CASE WHEN n IS NULL THEN 'cold' WHEN n <= 10 THEN 'sparse' ELSE 'warm' END AS segment
             FROM q.item i LEFT JOIN (SELECT item_id AS id, count(*) AS n FROM q.train GROUP BY 1) t USING (id)" \
        "CREATE TABLE q.test AS SELECT DISTINCT s.segment, user_id, item_id FROM q.sold JOIN q.segment s ON s.id = item_id WHERE day > (SELECT max(day) - interval '60 days' FROM q.sold)
             AND user_id IN (SELECT user_id FROM q.train) AND NOT EXISTS (SELECT FROM q.train t WHERE (t.user_id, t.item_id) = (q.sold.user_id, q.sold.item_id))" \
        "CREATE INDEX ON q.train (user_id) INCLUDE (item_id)" "ANALYZE q.train"
}

# split SIDE SEED: q.train, q.test (segment, user_id, item_id, value), q.segment (id, segment)
split() {
    key=${1}_id relation=$([ "$1" = item ] && echo item || echo usr)
    sql "DROP TABLE IF EXISTS q.train, q.test, q.segment, q.drawn" \
        "CREATE TABLE q.segment AS SELECT id, CASE WHEN r < .2 THEN 'cold' WHEN r < .4 THEN 'sparse' ELSE 'warm' END AS segment, 1 + (r * 1e6)::int % 10 AS keep
             FROM (SELECT id, ('x' || substr(md5('$2 ' || id), 1, 8))::bit(32)::bigint / 4294967296.0 AS r FROM q.$relation) x" \
        "CREATE TABLE q.drawn AS SELECT e.user_id, e.item_id, e.value, s.segment, s.keep,
                row_number() OVER (PARTITION BY e.$key ORDER BY md5('$2 ' || e.user_id || ' ' || e.item_id)) AS n,
                ('x' || substr(md5('w$2 ' || e.user_id || ' ' || e.item_id), 1, 8))::bit(32)::bigint / 4294967296.0 AS w
             FROM (SELECT user_id, item_id, avg(value)::real AS value FROM q.event GROUP BY 1, 2) e JOIN q.segment s ON s.id = e.$key" \
        "CREATE TABLE q.train AS SELECT user_id, item_id, value FROM q.drawn WHERE (segment = 'sparse' AND n <= keep) OR (segment = 'warm' AND w >= .1)" \
        "CREATE TABLE q.test AS SELECT segment, user_id, item_id, value FROM q.drawn WHERE NOT ((segment = 'sparse' AND n <= keep) OR (segment = 'warm' AND w >= .1))" \
        "CREATE INDEX ON q.train (user_id) INCLUDE (item_id)" "ANALYZE q.train"
}

# ------------------------------------------------------------------- judging

# ndcg MODEL SIDE SEGMENT, where MODEL may be random or oracle, and $relevant a condition
ndcg() {
    k=15 among="id IN (SELECT id FROM q.segment WHERE segment = '$3')"
    [ "$3" != warm ] || k=10
    [ "$2" = item ] || among="id IN (SELECT item_id FROM q.train)"
    wanted="SELECT user_id::text, item_id::text FROM q.test WHERE segment = '$3' AND $relevant"
    case $1 in
        random) list="SELECT user_id, i.id::text AS item_id, row_number() OVER (PARTITION BY user_id ORDER BY md5(user_id || ' ' || i.id)) AS rank
                    FROM (SELECT DISTINCT user_id FROM wanted) u, q.item i WHERE $among" ;;
        oracle) list="SELECT u.user_id, item_id, rank FROM (SELECT DISTINCT user_id FROM wanted) u,
                    (SELECT item_id, row_number() OVER (ORDER BY count(*) DESC, item_id) AS rank FROM wanted GROUP BY 1) o" ;;
        *) if [ "$2" = item ]; then
                list="SELECT user_id, item_id, rank FROM rec.recommend_many('$1', NULL, $k, true, candidates => ARRAY(SELECT id::text FROM q.segment WHERE $among))"
            else
                list="SELECT user_id, item_id, rank FROM rec.recommend_many('$1', ARRAY(SELECT DISTINCT user_id::text FROM q.test WHERE segment = '$3'), $k)"
            fi ;;
    esac
    sql "WITH wanted AS MATERIALIZED ($wanted), list AS MATERIALIZED ($list),
        ideal AS (SELECT user_id, sum(1 / log(2.0, r + 1)) AS best FROM (SELECT user_id, row_number() OVER (PARTITION BY user_id) AS r FROM wanted) w WHERE r <= $k GROUP BY 1),
        got AS (SELECT user_id, sum(1 / log(2.0, rank + 1)) AS sum FROM list JOIN wanted USING (user_id, item_id) WHERE rank <= $k GROUP BY 1)
        SELECT coalesce(avg(coalesce(sum, 0) / best), 0) FROM ideal LEFT JOIN got USING (user_id)"
}

rmse() { sql "SELECT sqrt(avg((value - coalesce(rec.predict('$1', user_id::text, item_id::text), (SELECT avg(value) FROM q.train))) ^ 2)) FROM q.test WHERE segment = '$3'"; }

# ridge SIDE: ndcg@15 of the cold rows; the attributes are encoded by a training that must use them
ridge() {
    [ -n "$PYTHON" ] || { echo 0; return; }
    sql "SELECT rec.train('hybrid', '{\"holdout\": 0, \"epochs\": 1, \"${1}_attribute_regularization\": 10}', activate => false)" >/dev/null
    for table in "item:SELECT item_id, n_events, array_append(factors, bias) FROM plain.item_factors" "user:SELECT user_id, n_events, array_append(factors, bias) FROM plain.user_factors" \
        "design:SELECT ${1}_id, columns, vals FROM hybrid.${1}_attributes WHERE version = 2" "test:SELECT user_id, item_id FROM q.test WHERE segment = 'cold' AND $relevant" \
        "params:SELECT coalesce(params->>'unobserved_weight', '0'), params->>'frequency_exponent', users, items, (SELECT count(*) FROM hybrid.attribute_map WHERE side = '$1' AND version = 2), explicit_feedback::int FROM plain.model_version" \
        "cold:SELECT id FROM q.segment WHERE segment = 'cold'"; do
        sql "${table#*:}" >"$WORK/tmp/${table%%:*}"
    done
    "$PYTHON" "$PROJECT/bench/cold_ridge.py" "$WORK/tmp" "$1"
}

# one NAME SIDE KIND ATTRIBUTES: a line of the table
one() {
    name=$1 side=$2 kind=$3 attributes=$4
    : >"$WORK/lines"
    options='' relevant=true
    [ "$kind" != explicit ] || { options=", value_column => 'value', feedback => 'explicit'" relevant='value >= 4'; }
    for seed in $([ "$kind" = temporal ] && echo 1 || echo "$SEEDS"); do
        [ "$kind" = temporal ] || split "$side" "$seed"
        sql "SELECT rec.drop_model('plain', true)" "SELECT rec.drop_model('hybrid', true)" \
            "SELECT rec.create_model('plain', 'q.train'$options)" \
            "SELECT rec.create_model('hybrid', 'q.train', $( [ "$side" = item ] && echo "items => 'q.item', item_key" || echo "users => 'q.usr', user_key") => 'id', ${side}_attributes => '$attributes'$options)" \
            "SELECT rec.train('plain', '{\"holdout\": 0}')" "SELECT rec.train('hybrid', '{\"holdout\": 0}')" >/dev/null
        plain_cold=0
        [ "$side" = item ] || plain_cold=$(ndcg plain "$side" cold)
        echo "$(ndcg random "$side" cold) $(ndcg oracle "$side" cold) $plain_cold $(ridge "$side") $(ndcg hybrid "$side" cold)" \
            "$(ndcg plain "$side" sparse) $(ndcg hybrid "$side" sparse) $(ndcg plain "$side" warm) $(ndcg hybrid "$side" warm)" \
            "$([ "$kind" != explicit ] || for s in cold sparse warm; do for m in plain hybrid; do rmse $m "$side" $s; done; done | tr '\n' ' ')" >>"$WORK/lines"
    done
    awk -v name="$name" '{ for (i = 1; i <= NF; i++) s[i] += $i; n = NF } END { printf "| %s |", name
        for (i = 1; i <= 9; i++) { if (s[i]) printf " %.4f |", s[i] / NR; else printf "%s", (i == 5 ? " off |" : " |") } printf "\n"
        if (n > 9) printf "| rmse, without and with | | | %.4f | | %.4f | %.4f | %.4f | %.4f | %.4f |\n", s[10] / NR, s[11] / NR, s[12] / NR, s[13] / NR, s[14] / NR, s[15] / NR }' "$WORK/lines"
}

quality() {
    echo "| | cold: random | oracle | plain | ridge | attributes | sparse: plain | attributes | warm: plain | attributes |"
    echo "|---|---|---|---|---|---|---|---|---|---|"
    for dataset in ${DATASETS:-ml insteval retail}; do
        sql "DROP SCHEMA IF EXISTS q CASCADE" "CREATE SCHEMA q"
        load_$dataset || { echo "(no $dataset in $DATA: left out)"; continue; }
        case $dataset in
            ml)
                one "ML-100K items: genres, year" item implicit '{genres,year,decade}'
                one "ML-100K items: with pairs of genres" item implicit '{genres,year,decade,genres*genres}'
                one "ML-100K items: with words of the title too" item implicit '{genres,year,decade,genres*genres,text(title)}'
                one "ML-100K users: age, gender, occupation" user implicit '{age,band,gender,occupation}'
                one "ML-100K users: with pairs" user implicit '{age,band,gender,occupation,band*gender,gender*occupation}' ;;
            insteval)
                one "InstEval lecturers: dept, service, age" item explicit '{dept,service,lectage,dept*service}'
                one "InstEval students: age, dept" user explicit '{studage,dept,studage*dept}' ;;
            retail)
                one "Online Retail, new articles: price, words" item temporal '{log(price),text(description)}' ;;
        esac
    done
}

# What exploring costs and gives: ML-100K, a fifth of the items cold, 10 recommendations for each user.
explore() {
    sql "DROP SCHEMA IF EXISTS q CASCADE" "CREATE SCHEMA q"
    load_ml || return 0
    split item 1
    sql "SELECT rec.drop_model('hybrid', true)" \
        "SELECT rec.create_model('hybrid', 'q.train', items => 'q.item', item_key => 'id', item_attributes => '{genres,year,decade,genres*genres}')" \
        "SELECT rec.train('hybrid', '{\"holdout\": 0, \"factors\": 64}')" >/dev/null
    echo "noise $(sql "SELECT noise FROM hybrid.model_version")"
    echo "| | ndcg@10 of warm items | distinct items | share of cold items | ms a request |"
    echo "|---|---|---|---|---|"
    for way in "no exploring:" "ucb, beta 0.3:explore => 'ucb', beta => 0.3" "ucb, beta 1:explore => 'ucb', beta => 1" "ucb, beta 2:explore => 'ucb', beta => 2" "ucb, beta 5:explore => 'ucb', beta => 5" \
        "thompson, sigma 0.1:explore => 'thompson', sigma => 0.1" "thompson, sigma 0.3:explore => 'thompson', sigma => 0.3" "thompson, sigma 0.5:explore => 'thompson', sigma => 0.5" \
        "thompson, sigma 1:explore => 'thompson', sigma => 1" "thompson, sigma 2:explore => 'thompson', sigma => 2" "thompson, sigma 5:explore => 'thompson', sigma => 5"; do
        options=${way#*:}
        begin=$(date +%s%N)
        sql "DROP TABLE IF EXISTS q.list" "CREATE TABLE q.list AS SELECT u.user_id, r.item_id, r.rank FROM (SELECT DISTINCT user_id FROM q.train) u, hybrid.recommend(u.user_id, 10${options:+, $options}) r"
        took=$(($(date +%s%N) - begin))
        sql "WITH wanted AS (SELECT user_id, item_id FROM q.test WHERE segment = 'warm' AND user_id IN (SELECT user_id FROM q.list)),
            ideal AS (SELECT user_id, sum(1 / log(2.0, r + 1)) AS best FROM (SELECT user_id, row_number() OVER (PARTITION BY user_id) AS r FROM wanted) w WHERE r <= 10 GROUP BY 1),
            got AS (SELECT user_id, sum(1 / log(2.0, rank + 1)) AS sum FROM q.list JOIN wanted USING (user_id, item_id) GROUP BY 1)
            SELECT format('| ${way%%:*} | %s | %s | %s | %s |', (SELECT round(avg(coalesce(sum, 0) / best), 3) FROM ideal LEFT JOIN got USING (user_id)), count(DISTINCT item_id),
                round(avg((s.segment = 'cold')::int), 3), round($took / 1e6 / count(DISTINCT user_id), 1)) FROM q.list JOIN q.segment s ON s.id = item_id"
    done
}

# Epochs with 1,000 columns of item attributes and 1,000 of user attributes, against none; alternating.
time_of_epochs() {
    make_events bench_events "$EVENTS"
    sql "CREATE TABLE IF NOT EXISTS bench_items AS SELECT DISTINCT item_id AS id, 'c' || item_id % 400 AS a, ARRAY['t' || item_id % 599, 'u' || item_id % 7] AS b, item_id % 97 AS c FROM bench_events" \
        "CREATE TABLE IF NOT EXISTS bench_users AS SELECT DISTINCT user_id AS id, 'c' || user_id % 990 AS a, user_id % 97 AS c, 'd' || user_id % 10 AS d FROM bench_events"
    prewarm bench_events
    : >"$WORK/epoch_lines"
    for rep in $(seq "${REPS:-2}"); do
        for model in plain hybrid; do
            sql "SELECT rec.drop_model('$model', true)" >/dev/null
            if [ $model = plain ]; then options=; else options=", items => 'bench_items', item_key => 'id', item_attributes => '{a,b,c}', users => 'bench_users', user_key => 'id', user_attributes => '{a,c,d}'"; fi
            sql "SELECT rec.create_model('$model', 'bench_events', value_column => 'value'$options)" >/dev/null
            log_size=$(stat -c %s "$WORK/data/server.log")
            sql_script <<SQL >/dev/null 2>&1
SET client_min_messages = notice;
SET max_parallel_maintenance_workers = $WORKERS;
SELECT rec.train('$model', '{"factors": ${FACTORS:-64}, "epochs": 8, "holdout": 0, "item_attribute_regularization": 10, "user_attribute_regularization": 10}');
SQL
            tail -c +"$((log_size + 1))" "$WORK/data/server.log" | sed -n 's/^\([0-9.]*\) .*NOTICE: *epoch .*/\1/p' |
                awk 'NR > 1 { printf "%.3f\n", $1 - before } { before = $1 }' | tail -n 5 | median >"$WORK/$model.epoch"
            sql "SELECT round(load_seconds::numeric, 2) || ' ' || round(solve_seconds::numeric, 2) || ' ' || round(store_seconds::numeric, 2) FROM rec.training_run WHERE model = '$model'" >"$WORK/$model.parts"
        done
        paste -d' ' "$WORK/plain.epoch" "$WORK/hybrid.epoch" "$WORK/plain.parts" "$WORK/hybrid.parts" >>"$WORK/epoch_lines"
    done
    echo "$EVENTS events, ${FACTORS:-64} factors, $(sql "SELECT string_agg(side || ' attributes ' || c || ' columns', ', ') FROM (SELECT side, count(*) c FROM hybrid.attribute_map GROUP BY 1) x")"
    echo "seconds an epoch: $(column 1 "$WORK/epoch_lines") without, $(column 2 "$WORK/epoch_lines") with attributes; ratio $(ratio 2 1 "$WORK/epoch_lines") (target 1.3)"
    echo "load, solve, store: $(column 3 "$WORK/epoch_lines"), $(column 4 "$WORK/epoch_lines"), $(column 5 "$WORK/epoch_lines") without; $(column 6 "$WORK/epoch_lines"), $(column 7 "$WORK/epoch_lines"), $(column 8 "$WORK/epoch_lines") with"
}

bench_begin
sql "DROP SCHEMA IF EXISTS plain, hybrid CASCADE"
for part in $PARTS; do
    case $part in
        quality) quality ;;
        explore) explore ;;
        time) time_of_epochs ;;
        *) die "unknown part $part (parts are: quality explore time)" ;;
    esac
    echo
done
