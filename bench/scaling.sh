#!/bin/sh
# Cost against the number of events: users grow with the events (144 each), items
# stay.
#
#     sh bench/scaling.sh
#     EVENTS_LIST='1000000 2000000' REPS=2 sh bench/scaling.sh     (see also common.sh)
#     EVENTS_LIST='1000000 10000000 100000000' SHARED_BUFFERS=6GB  (100M: 5 GB of table, 4 GB of training)
#
# An exponent of 1 (the slope of log cost against log events) is linear.
PROJECT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
. "$PROJECT/bench/common.sh"
REPS=${REPS:-3}
EVENTS_LIST=${EVENTS_LIST:-1000000 2000000 5000000 10000000 20000000}
FACTORS=${FACTORS:-64}

users_of() { awk -v e="$1" 'BEGIN { printf "%d", (e * 138493 / 20000000) + .5 }'; }

bench_begin
for n in $EVENTS_LIST; do
    make_events "events_$n" "$n" "$(users_of "$n")"
    : >"$WORK/scaling.$n"
done
i=0
while [ $((i += 1)) -le "$REPS" ]; do
    for n in $EVENTS_LIST; do
        prewarm "events_$n"
        train bm "events_$n" "$(params "$FACTORS" 5 cg)"
        echo "$load $(awk '$1 > 1 { print $2 }' "$WORK/epochs" | median) $store $memory" >>"$WORK/scaling.$n"
        progress "$n: $(tail -n 1 "$WORK/scaling.$n")"
    done
done

printf '%s items, %s factors; %s workers beside the session; %s repetitions\n\n' "$ITEMS" "$FACTORS" "$WORKERS" "$REPS"
printf '%21s %26s %26s\n' '' seconds 'microseconds per event'
printf '%11s %9s %8s %8s %8s %8s %8s %8s %10s\n' events users load epoch store load epoch store 'memory MB'
: >"$WORK/scaling"
for n in $EVENTS_LIST; do
    f=$WORK/scaling.$n
    echo "$n $(column 1 "$f") $(column 2 "$f") $(column 3 "$f") $(column 4 "$f")" | tee -a "$WORK/scaling" |
        awk -v users="$(users_of "$n")" '{ m = $1 / 1e6; printf "%11d %9d %8.2f %8.3f %8.2f %8.3f %8.4f %8.3f %10.0f\n", $1, users, $2, $3, $4, $2 / m, $3 / m, $4 / m, $5 / 1048576 }'
done
echo
awk '{ x = log($1); n++; sx += x; sxx += x * x; for (k = 2; k <= 4; k++) { y = log($k); sy[k] += y; sxy[k] += x * y } }
     END { if (n > 1) for (k = 2; k <= 4; k++) e[k] = (n * sxy[k] - sx * sy[k]) / (n * sxx - sx * sx)
           printf "exponent: load %.2f, epoch %.2f, store %.2f (1 is linear)\n", e[2], e[3], e[4] }' "$WORK/scaling"
