#!/bin/sh
# EASE by the number of items: the fit without a holdout, serial and with workers, in turn.
#
#     sh bench/ease.sh                          (6,000 and 10,000 items: about two minutes)
#     ITEMS_LIST=30000 REPEATS=1 sh bench/ease.sh
#
# Seconds are those of solving: the matrix of the items, its inversion, and the choice of the largest weights.
PROJECT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
SHARED_BUFFERS=${SHARED_BUFFERS:-256MB}
. "$PROJECT/bench/common.sh"
ITEMS_LIST=${ITEMS_LIST:-6000 10000}
REPEATS=${REPEATS:-3}

bench_begin
printf '%8s %12s %12s %8s %10s %12s\n' items serial "$WORKERS workers" ratio GFLOP/s 'memory, MB'
for items in $ITEMS_LIST; do
    # 40 items a user, more of the popular ones
    sql "SELECT rec.drop_model('ease', true)" "DROP TABLE IF EXISTS bench_ease" \
        "CREATE TABLE bench_ease AS SELECT u AS user_id, floor($items * pow(abs(hashint8(u * 7919 + n * 104729::bigint)) / 2147483648.0, 2))::int AS item_id
            FROM generate_series(1, $items) u, generate_series(1, 40) n
         UNION SELECT i, i FROM generate_series(0, $items - 1) i" \
        "ANALYZE bench_ease" "SELECT rec.create_model('ease', 'bench_ease', algorithm => 'ease', params => '{\"holdout\": 0, \"neighbours\": 500}')" >/dev/null
    : >"$WORK/ease"
    repeat=0
    while [ $((repeat += 1)) -le "$REPEATS" ]; do
        for workers in 0 "$WORKERS"; do
            sql "SET max_parallel_maintenance_workers = $workers; SELECT rec.train('ease')" >/dev/null
        done
        sql "SELECT string_agg(solve_seconds::text, ' ' ORDER BY version), max(memory_bytes) / 1048576 FROM (SELECT * FROM rec.training_run WHERE model = 'ease' ORDER BY version DESC LIMIT 2) r" |
            tr '|' ' ' >>"$WORK/ease"
        progress "$items: $(tail -n 1 "$WORK/ease")"
    done
    printf '%8d %12.2f %12.2f %8.2f %10.0f %12.0f\n' "$items" "$(column 1 "$WORK/ease")" "$(column 2 "$WORK/ease")" "$(ratio 1 2 "$WORK/ease")" \
        "$(awk -v n="$items" -v s="$(column 1 "$WORK/ease")" 'BEGIN { print n * n * n / s / 1e9 }')" "$(column 3 "$WORK/ease")"
done
