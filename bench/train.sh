#!/bin/sh
# Seconds per epoch of rec.train beside a good stand-alone ALS (als_yardstick.c)
# with as many threads as the training has processes, on the same data, for the
# same objective.
#
#     sh bench/train.sh
#     EVENTS=1000000 sh bench/train.sh        smaller
#     FACTORS_LIST='64' EPOCHS=8 REPS=5 ...   (see also common.sh)
#
# Both start from small random factors, so "equal loss" is shown as the objective
# per interaction after the same number of epochs.  Time to quality: epochs and
# seconds until the objective is within 0.1 % of the yardstick's last one.  CPU
# seconds, of all threads or processes, vary less than the others on a busy machine.
PROJECT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
. "$PROJECT/bench/common.sh"
REPS=${REPS:-5}
EPOCHS=${EPOCHS:-8}
FACTORS_LIST=${FACTORS_LIST:-64 128}

# middle FILE COLUMN: median of the epochs after the first, which also touches memory first
middle() { awk -v c="$2" '$1 > 1 { print $c }' "$1" | median; }
last() { awk 'END { print $3 }' "$1"; }

# reach OBJECTIVE FILE: epochs and seconds until an epoch's objective is within 0.1 % of it
reach() {
    awk -v goal="$1" '{ s += $2 } $3 <= goal * 1.001 && !done { print $1, s; done = 1 } END { if (!done) print "nan nan" }' "$2"
}

bench_begin
make_events events "$EVENTS"
prewarm events
threads=$((WORKERS + 1))
printf '%s events, %s users, %s items; %s threads against 1 leader + %s workers; %s epochs, %s repetitions\n\n' \
    "$EVENTS" "$USERS" "$ITEMS" "$threads" "$WORKERS" "$EPOCHS" "$REPS"

printf '%-8s %-20s %9s %7s %9s %7s %10s   %s\n' factors program 's/epoch' ratio 'CPU s' ratio objective 'to equal objective'
for d in $FACTORS_LIST; do
    : >"$WORK/train.$d"
    i=0
    while [ $((i += 1)) -le "$REPS" ]; do
        "$WORK/als_yardstick" train "$USERS" "$ITEMS" "$EVENTS" "$d" "$threads" "$EPOCHS" |
            sed -n 's/^epoch \([0-9]*\): \([0-9.]*\) s, \([0-9.]*\) s of CPU, .* objective \([0-9.]*\)/\1 \2 \4 \3/p' >"$WORK/yardstick"
        line="$(middle "$WORK/yardstick" 2) $(middle "$WORK/yardstick" 4) $(last "$WORK/yardstick")"
        goal=$(last "$WORK/yardstick")
        line="$line $(reach "$goal" "$WORK/yardstick")"
        for solver in cg cholesky; do
            train bm events "$(params "$d" "$EPOCHS" "$solver")"
            line="$line $(middle "$WORK/epochs" 2) $(middle "$WORK/epochs" 4) $(last "$WORK/epochs") $(reach "$goal" "$WORK/epochs")"
        done
        # 1-5 yardstick, 6-10 cg, 11-15 cholesky: seconds and CPU seconds per epoch, objective, epochs and seconds to the goal
        echo "$line" >>"$WORK/train.$d"
        progress "$d factors: $line"
    done
    f=$WORK/train.$d
    for row in 'yardstick:1' 'rec.train, cg:6' 'rec.train, cholesky:11'; do
        c=${row#*:}
        printf '%-8s %-20s %9.3f %7.2f %9.3f %7.2f %10.5f   %s epochs, %s s\n' "$d" "${row%:*}" "$(column "$c" "$f")" "$(ratio "$c" 1 "$f")" \
            "$(column $((c + 1)) "$f")" "$(ratio $((c + 1)) 2 "$f")" "$(column $((c + 2)) "$f")" "$(column $((c + 3)) "$f")" \
            "$(column $((c + 4)) "$f" | awk '{ printf "%.1f", $1 }')"
    done
done
echo
for d in $FACTORS_LIST; do
    r=$(ratio 6 1 "$WORK/train.$d")
    printf '%s factors: %.2f x the yardstick (CPU time %.2f x); target at most 1.0: %s; aim 0.65: %s\n' "$d" "$r" "$(ratio 7 2 "$WORK/train.$d")" \
        "$(verdict "$r" 1)" "$(verdict "$r" 0.65)"
done
