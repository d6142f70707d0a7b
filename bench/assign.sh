#!/bin/sh
# rec.variant(): assignments a second in one query, in one process.
#
#     sh bench/assign.sh
#     UNITS=1000000 REPS=3 sh bench/assign.sh     (see also common.sh)
#
# SELECT count(rec.variant('x', id)) over a table, less SELECT count(id) of the same
# table, for bigint, text and uuid ids, hash versions 1 and 2. The built-in
# hashtextextended(id::text, 0) % 2 over the same rows is shown beside it, as what a
# hand-written split in SQL costs.
PROJECT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
UNITS=${UNITS:-5000000}
. "$PROJECT/bench/common.sh"
REPS=${REPS:-7}

bench_begin
sql "DROP TABLE IF EXISTS units" "CREATE TABLE units AS SELECT g::bigint AS n, 'user-' || g AS t, md5(g::text)::uuid AS u FROM generate_series(1, $UNITS) g" \
    "VACUUM (FREEZE, ANALYZE) units" \
    "SELECT rec.create_experiment('two')" "SELECT rec.create_experiment('one', hash_version => 1)" \
    "SELECT rec.create_experiment('space', '{a,b,c,d}', namespace => '[\"n\", 0, 0.9]', coverage => 0.8)" >/dev/null
prewarm units
printf '%s units; medians of %s runs; million assignments per CPU second of the session\n\n' "$UNITS" "$REPS"
printf '%-44s %8s %14s\n' '' 'M/s' 'scan taken off'

# cpu_of QUERY: CPU seconds of the server process for a query, so that other work on the machine does not count
cpu_of() {
    sql_script <<SQL | awk -v hz="$(getconf CLK_TCK)" '{ t[NR] = $14 + $15 } END { print (t[NR] - t[1]) / hz }'
SET max_parallel_workers_per_gather = 0;
SET jit = off;
SELECT pg_backend_pid() AS pid \\gset
\\setenv PID :pid
\\! cat /proc/\$PID/stat
\\o /dev/null
$1;
\\! cat /proc/\$PID/stat
SQL
}

# measure NAME EXPRESSION COLUMN
measure() {
    i=0
    : >"$WORK/assign"
    while [ $((i += 1)) -le "$REPS" ]; do
        echo "$(cpu_of "SELECT count($2) FROM units") $(cpu_of "SELECT count($3) FROM units")" |
            awk -v n="$UNITS" '{ print n / $1 / 1e6, n / ($1 - $2) / 1e6 }' >>"$WORK/assign"
    done
    printf '%-44s %8.2f %14.2f\n' "$1" "$(column 1 "$WORK/assign")" "$(column 2 "$WORK/assign")"
}

measure 'bigint' "rec.variant('two', n)" n
first=$(column 1 "$WORK/assign")
measure 'text' "rec.variant('two', t)" t
measure 'uuid' "rec.variant('two', u)" u
measure 'bigint, hash version 1' "rec.variant('one', n)" n
measure 'bigint, namespace, four variants' "rec.variant('space', n)" n
measure 'hashtextextended(n::text, 0) % 2' "hashtextextended(n::text, 0) % 2" n
printf '\nlimit for bigint, scan and count included: 5 million a second, %s\n' "$(verdict 5 "$first")"
