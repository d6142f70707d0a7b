#!/bin/sh
# The load leg of rec.train (table to CSR and CSC) beside a parallel sum over the
# same columns, and the store leg beside COPY of the same rows.
#
#     sh bench/load.sh
#     TABLES='integer text' EVENTS=1000000 sh bench/load.sh     (see also common.sh)
#
# Tables: integer (bigint users, int items), shuffled (the same rows in random
# order), int4 (both int), text, uuid.
PROJECT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
. "$PROJECT/bench/common.sh"
REPS=${REPS:-5}
TABLES=${TABLES:-integer shuffled text uuid}
STORE_FACTORS=${STORE_FACTORS:-64}

bench_begin
make_events events "$EVENTS"
printf '%s events, %s users, %s items; %s workers beside the session; %s repetitions\n\n' "$EVENTS" "$USERS" "$ITEMS" "$WORKERS" "$REPS"

# one epoch, with workers and the shared memory of a real training
one=$(params "$STORE_FACTORS" 1 cg)
printf '%-10s %9s %10s %10s %8s\n' keys 'table MB' 'sum() s' 'load s' ratio
for kind in $TABLES; do
    sum='sum(user_id), sum(item_id), sum(value)'
    case $kind in
        integer) table=events ;;
        int4) make_like "events_$kind" events 'user_id::int AS user_id, item_id, value' && table=events_$kind ;;
        shuffled) make_like "events_$kind" events '*' 'ORDER BY hashint8extended(user_id, item_id)' && table=events_$kind ;;
        text) make_like "events_$kind" events "'user-' || user_id AS user_id, 'item-' || item_id AS item_id, value" && table=events_$kind ;;
        uuid) make_like "events_$kind" events 'md5(user_id::text)::uuid AS user_id, md5(item_id::text)::uuid AS item_id, value' && table=events_$kind ;;
    esac
    # no sum of these: the cheapest that reads both columns of each row
    case $kind in text | uuid) sum='count(user_id), count(item_id), sum(value)' ;; esac
    prewarm "$table"
    : >"$WORK/load.$kind"
    i=0
    while [ $((i += 1)) -le "$REPS" ]; do
        # three short ones around each load
        for _ in 1 2 3; do seconds_of "SELECT $sum FROM $table" "SET max_parallel_workers_per_gather = $WORKERS"; done | median >"$WORK/sum"
        train bm "$table" "$one"
        echo "$(cat "$WORK/sum") $load" >>"$WORK/load.$kind"
        progress "$kind: $(tail -n 1 "$WORK/load.$kind")"
    done
    printf '%-10s %9.0f %10.3f %10.3f %8.2f\n' "$kind" "$(sql "SELECT pg_relation_size('$table') / 1048576.0")" \
        "$(column 1 "$WORK/load.$kind")" "$(column 2 "$WORK/load.$kind")" "$(ratio 2 1 "$WORK/load.$kind")"
done
echo
case " $TABLES " in
    *' integer '*)
        r=$(ratio 2 1 "$WORK/load.integer")
        printf 'load, integer keys: %.2f x the parallel sum; target at most 4: %s\n\n' "$r" "$(verdict "$r" 4)"
        ;;
esac

# --------------------------------------------------------------------- storing

train bm events "$one"
names='model_version item_factors user_factors user_history'
for format in text binary; do
    for t in $names; do
        # by the server, into a file that it can read
        sql "COPY (SELECT * FROM bm.$t ORDER BY 1, 2) TO '$WORK/tmp/$t.$format' (FORMAT $format)"
    done
done
rows=$(sql "SELECT pg_size_pretty(sum(pg_total_relation_size(('bm.' || t)::regclass))) FROM unnest(string_to_array('$names', ' ')) t")
sql "CREATE SCHEMA bench"
for t in $names; do sql "CREATE TABLE bench.$t (LIKE bm.$t INCLUDING ALL)"; done

# copy_seconds FORMAT: COPY of all four, without the commit, which the store leg does not count either
copy_seconds() {
    {
        echo "TRUNCATE bench.model_version, bench.item_factors, bench.user_factors, bench.user_history;"
        echo 'CHECKPOINT; BEGIN;'
        printf '%s\n' '\timing on'
        for t in $names; do echo "COPY bench.$t FROM '$WORK/tmp/$t.$1' (FORMAT $1);"; done
        printf '%s\n' '\timing off'
        echo 'COMMIT;'
    } | sql_script | sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' | awk '{ s += $1 } END { printf "%.4f\n", s / 1000 }'
}

: >"$WORK/store"
i=0
while [ $((i += 1)) -le "$REPS" ]; do
    text=$(copy_seconds text)
    binary=$(copy_seconds binary)
    sql CHECKPOINT
    train bm events "$one"
    echo "$text $binary $store" >>"$WORK/store"
    progress "store: $(tail -n 1 "$WORK/store")"
done
printf 'store leg: %s factors, tables of %s\n\n' "$STORE_FACTORS" "$rows"
printf '%-24s %9s %8s\n' '' seconds 'store /'
printf '%-24s %9.3f\n' 'rec.train, store leg' "$(column 3 "$WORK/store")"
printf '%-24s %9.3f %8.2f\n' 'COPY FROM, text' "$(column 1 "$WORK/store")" "$(ratio 3 1 "$WORK/store")" \
    'COPY FROM, binary' "$(column 2 "$WORK/store")" "$(ratio 3 2 "$WORK/store")"
echo
r=$(ratio 3 2 "$WORK/store")
printf 'store: %.2f x the faster COPY (binary); target at most 2: %s\n' "$r" "$(verdict "$r" 2)"
