#!/bin/sh
# Sufficient statistics of 10M rows beside PostgreSQL's own: rec.sample() and var_samp(), rec.welch_test() and
# two var_samp() by arm, rec.sample_ratio() and regr_sxy() with what else the delta method needs.
#
#     sh bench/statistics.sh
#     ROWS=1000000 sh bench/statistics.sh      (see also common.sh)
#
# One process each, JIT off, the table in memory; alternating runs, medians of the ratios of neighbouring runs.
PROJECT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
. "$PROJECT/bench/common.sh"
REPS=${REPS:-5}
ROWS=${ROWS:-10000000}

bench_begin
sql "CREATE SCHEMA bench" "CREATE TABLE bench.units AS SELECT exp(random() * 3)::float8 AS x, random()::float8 AS d, random() < 0.5 AS t FROM generate_series(1, $ROWS)" \
    "VACUUM (FREEZE, ANALYZE) bench.units" CHECKPOINT
prewarm bench.units

# compare LABEL OURS THEIRS: alternating
compare() {
    i=0
    : >"$WORK/times"
    while [ $((i += 1)) -le "$REPS" ]; do
        ours=$(seconds_of "SELECT $2 FROM bench.units" 'SET max_parallel_workers_per_gather = 0' 'SET jit = off')
        theirs=$(seconds_of "SELECT $3 FROM bench.units" 'SET max_parallel_workers_per_gather = 0' 'SET jit = off')
        echo "$ours $theirs" >>"$WORK/times"
        progress "$1: $ours $theirs"
    done
    r=$(ratio 1 2 "$WORK/times")
    printf '%-46s %6.2f s %6.2f s  ratio %.2f, at most 1.5: %s\n' "$1" "$(column 1 "$WORK/times")" "$(column 2 "$WORK/times")" "$r" "$(verdict "$r" 1.5)"
}

printf '%s rows; %s runs each\n\n' "$ROWS" "$REPS"
compare 'sample(x) / var_samp(x)' 'rec.sample(x)' 'var_samp(x)'
compare 'sample(x) / regr_sxx(x, x)' 'rec.sample(x)' 'regr_sxx(x, x)'
compare 'welch_test(x, t) / var_samp(x) of each arm' 'rec.welch_test(x, t)' 'var_samp(x) FILTER (WHERE t), var_samp(x) FILTER (WHERE NOT t)'
compare 'sample_ratio(x, d) / regr_sxy, sxx, syy' 'rec.sample_ratio(x, d)' 'regr_sxy(x, d), regr_sxx(x, d), regr_syy(x, d)'
compare 'cuped_test(x, d, t) / the same of each arm' 'rec.cuped_test(x, d, t)' 'regr_sxy(x, d) FILTER (WHERE t), regr_sxx(x, d) FILTER (WHERE t), regr_syy(x, d) FILTER (WHERE t), regr_sxy(x, d) FILTER (WHERE NOT t), regr_sxx(x, d) FILTER (WHERE NOT t), regr_syy(x, d) FILTER (WHERE NOT t)'
compare 'proportion_test(d > .5, t) / count of each arm' 'rec.proportion_test(d > .5, t)' 'count(*) FILTER (WHERE t), count(*) FILTER (WHERE d > .5 AND t), count(*) FILTER (WHERE NOT t), count(*) FILTER (WHERE d > .5 AND NOT t)'
