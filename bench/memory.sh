#!/bin/sh
# Peak memory of a training: all processes of the cluster are sampled, private
# memory plus dynamic shared memory, without shared_buffers and without what the
# idle cluster has.
#
#     sh bench/memory.sh
#     KEYS=text WORKERS_LIST='0 2' EVENTS=1000000 sh bench/memory.sh     (see also common.sh)
#
# "2 x data" is twice CSR + CSC + factors: (8 bytes per pair and 8 per row) in both
# directions, and 4 bytes per factor of each user and item.
PROJECT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
. "$PROJECT/bench/common.sh"
REPS=${REPS:-3}
WORKERS_LIST=${WORKERS_LIST:-0 1 2}
FACTORS=${FACTORS:-64}
KEYS=${KEYS:-integer}

# Bytes of all processes of the cluster, shared pages divided among those that
# share them.  The main shared memory has another name than /dev/shm/PostgreSQL.*
memory_now() {
    for process in "$postmaster" $(cat "/proc/$postmaster/task/$postmaster/children"); do
        cat "/proc/$process/smaps_rollup" "/proc/$process/smaps" 2>/dev/null || :
    done | awk '
        /^[0-9a-f]+-[0-9a-f]+ / { dynamic = $6 ~ /^\/dev\/shm\/PostgreSQL\./ }
        /^Pss_Anon:/ { total += $2 }
        /^Pss:/ && dynamic { total += $2 }
        END { printf "%.0f\n", 1024 * total }'
}

# peak FILE: samples until the file is gone, prints the largest
peak() {
    while [ -e "$1" ]; do
        memory_now
        sleep 0.05
    done | sort -g | tail -n 1
}

bench_begin
grep -q Pss_Anon /proc/self/smaps_rollup 2>/dev/null || die "this needs a kernel with Pss_Anon in /proc/PID/smaps_rollup"
postmaster=$(head -n 1 "$WORK/data/postmaster.pid")
make_events events "$EVENTS"
table=events
if [ "$KEYS" = text ]; then
    make_like events_text events "'user-' || user_id AS user_id, 'item-' || item_id AS item_id, value"
    table=events_text
fi
printf '%s events, %s users, %s items, %s keys, %s factors; %s repetitions\n\n' "$EVENTS" "$USERS" "$ITEMS" "$KEYS" "$FACTORS" "$REPS"

: >"$WORK/memory"
i=0
while [ $((i += 1)) -le "$REPS" ]; do
    for with in $WORKERS_LIST; do
        for holdout in 0 0.1; do
            idle=$(memory_now)
            touch "$WORK/training"
            peak "$WORK/training" >"$WORK/peak" &
            sampler=$!
            train bm "$table" "{\"factors\": $FACTORS, \"epochs\": 2, \"holdout\": $holdout}" "$with"
            rm "$WORK/training"
            wait "$sampler"
            bytes=$(sql "SELECT 2 * (2 * 8 * pairs + 8 * (users + items + 2) + 4 * $FACTORS::bigint * (users + items)) FROM rec.training_run WHERE model = 'bm' ORDER BY version DESC LIMIT 1")
            echo "$with $holdout $(($(cat "$WORK/peak") - idle)) $bytes $memory $load" >>"$WORK/memory"
            progress "$(tail -n 1 "$WORK/memory")"
        done
    done
done

printf '%-8s %-8s %10s %12s %8s %14s\n' workers holdout 'peak MB' '2 x data MB' ratio 'reported MB'
worst=0
for with in $WORKERS_LIST; do
    for holdout in 0 0.1; do
        awk -v w="$with" -v h="$holdout" '$1 == w && $2 == h' "$WORK/memory" >"$WORK/memory.row"
        r=$(ratio 3 4 "$WORK/memory.row")
        printf '%-8s %-8s %10.0f %12.0f %8.2f %14.0f\n' "$with" "$holdout" "$(column 3 "$WORK/memory.row" | awk '{ print $1 / 1048576 }')" \
            "$(column 4 "$WORK/memory.row" | awk '{ print $1 / 1048576 }')" "$r" "$(column 5 "$WORK/memory.row" | awk '{ print $1 / 1048576 }')"
        worst=$(awk -v a="$worst" -v b="$r" 'BEGIN { print (a > b ? a : b) }')
    done
done
printf '\npeak memory: at most %.2f x of twice CSR + CSC + factors; target at most 1: %s\n' "$worst" "$(verdict "$worst" 1)"
