#!/bin/sh
# One user, a million items: recommend() in the server against one cblas_sgemv over
# the same number of floats.
#
#     sh bench/million.sh
#     ITEMS=200000 EVENTS=1000000 sh bench/million.sh     (see also common.sh)
#
# The matrix product alone makes no top k, excludes nothing and knows no database.
# OPENBLAS names the library when it is not found as libopenblas.so.0 (see sgemv.c).
PROJECT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
ITEMS=${ITEMS:-1000000}
USERS=${USERS:-20000}
EVENTS=${EVENTS:-3000000}
. "$PROJECT/bench/common.sh"
REPS=${REPS:-7}
FACTORS=${FACTORS:-64}

bench_begin
quietly "${CC:-gcc}" -O3 -march=native -ffast-math -o "$WORK/sgemv" "$PROJECT/bench/sgemv.c" -ldl
make_events events_million "$EVENTS"
# the generator leaves out items nobody took: each of the others gets one event
make_like events_full events_million '*'
sql "INSERT INTO events_full SELECT 1 + i % $USERS, i, 1 FROM generate_series(1, $ITEMS) i" \
    "CREATE INDEX IF NOT EXISTS events_full_user ON events_full (user_id) INCLUDE (item_id, value)" "VACUUM (FREEZE, ANALYZE) events_full"
train bmillion events_full "{\"factors\": $FACTORS, \"epochs\": 2, \"holdout\": 0}"
items=$(sql "SELECT items FROM bmillion.model_version")
sql "VACUUM (FREEZE, ANALYZE) bmillion.user_factors" "VACUUM (FREEZE, ANALYZE) bmillion.user_history" CHECKPOINT "SELECT rec.prewarm('bmillion')" >/dev/null
printf '\\set u random(2, %s)\nSELECT * FROM bmillion.recommend(:u);\n' "$USERS" >"$WORK/tmp/ask.sql"
printf '%s items, %s factors; %s rounds\n\n' "$items" "$FACTORS" "$REPS"
: >"$WORK/million"
i=0
while [ $((i += 1)) -le "$REPS" ]; do
    rm -f "$WORK"/tmp/log.*
    (cd "$WORK/tmp" && "$BIN/pgbench" -n -M prepared -c 1 -t 150 -l --log-prefix="$WORK/tmp/log" -f ask.sql -h "$WORK/run" -p 5432 -U postgres postgres) >"$WORK/pgbench" 2>&1 ||
        die_with_log "pgbench: $(cat "$WORK/pgbench")"
    ours=$(cat "$WORK"/tmp/log.* | awk '$2 > 5 { print $3 / 1000 }' | median)
    echo "$ours $("$WORK/sgemv" "$items" "$FACTORS" 9)" >>"$WORK/million"
    progress "$(tail -n 1 "$WORK/million")"
done
rm -f "$WORK"/tmp/log.*
r=$(ratio 1 2 "$WORK/million")
printf '%-44s %8s ms\n' 'recommend(), median of a call' "$(column 1 "$WORK/million")" "one $(awk 'NR == 1 { print $3 }' "$WORK/million")" "$(column 2 "$WORK/million")"
printf '\nrecommend(): %.2f x the product; target at most 0.4: %s\n' "$r" "$(verdict "$r" 0.4)"
