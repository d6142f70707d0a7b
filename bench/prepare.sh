#!/bin/sh
# Data preparation: the fit aggregates beside stddev() and the window functions beside avg() OVER ().
#
#     sh bench/prepare.sh
#     ROWS=1000000 sh bench/prepare.sh     (see also common.sh)
#
# 10M rows of one float8 column for the aggregates, serial and with one worker beside the
# session (the same plan for both sides), and 2M rows for the window functions.  Ratios are
# medians of neighbouring runs; the limit is 2.
PROJECT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
ROWS=${ROWS:-10000000}
. "$PROJECT/bench/common.sh"
REPS=${REPS:-3}

bench_begin
sql "DROP TABLE IF EXISTS prepare" "CREATE TABLE prepare AS SELECT -ln(1 - random()) * 60 AS x FROM generate_series(1, $ROWS)" \
    "ALTER TABLE prepare SET (parallel_workers = $WORKERS)" "VACUUM (FREEZE, ANALYZE) prepare" CHECKPOINT
sql "DROP TABLE IF EXISTS prepare_window" "CREATE TABLE prepare_window AS SELECT x FROM prepare LIMIT $((ROWS / 5))" \
    "VACUUM (FREEZE, ANALYZE) prepare_window" CHECKPOINT
sql "CREATE EXTENSION IF NOT EXISTS pg_prewarm"
prewarm prepare
prewarm prepare_window

# compare NAME YARDSTICK STATEMENT SETUP...
compare() {
    name=$1 yardstick=$2 statement=$3
    shift 3
    i=0
    : >"$WORK/prepare"
    while [ $((i += 1)) -le "$REPS" ]; do
        a=$(seconds_of "$yardstick" "$@")
        b=$(seconds_of "$statement" "$@")
        echo "$a $b" >>"$WORK/prepare"
        progress "$name $a $b"
    done
    r=$(ratio 2 1 "$WORK/prepare")
    printf '%-34s %10s %10s %8.2f  %s\n' "$name" "$(column 1 "$WORK/prepare")" "$(column 2 "$WORK/prepare")" "$r" "$(verdict "$r" 2)"
}

for workers in 0 "$WORKERS"; do
    printf '\n%s rows, %s workers beside the session; seconds, medians of %s runs\n' "$ROWS" "$workers" "$REPS"
    printf '%-34s %10s %10s %8s  %s\n' '' 'stddev(x)' 'this' ratio 'limit 2'
    for call in 'fit_standard(x)' 'fit_minmax(x)' 'fit_maxabs(x)' 'fit_log(x)' 'fit_robust(x)' 'fit_quantile(x, 10)' 'fit_quantile(x, 100)' 'fit_quantile(x, 1000)'; do
        compare "$call" 'SELECT stddev(x) FROM prepare' "SELECT rec.$call FROM prepare" "SET max_parallel_workers_per_gather = $workers"
    done
done

printf '\n%s rows, one partition; seconds, medians of %s runs\n' "$((ROWS / 5))" "$REPS"
printf '%-34s %10s %10s %8s  %s\n' '' 'avg(x)' 'this' ratio 'limit 2'
for call in 'standard_scaler(x)' 'min_max_scaler(x)' 'max_abs_scaler(x)' 'robust_scaler(x)' 'quantile_bucketize(x, 10)' "impute(x, 'median')"; do
    compare "$call OVER ()" 'SELECT max(a) FROM (SELECT avg(x) OVER () AS a FROM prepare_window) s' \
        "SELECT max(a) FROM (SELECT rec.$call OVER () AS a FROM prepare_window) s" "SET work_mem = '1GB'"
done
