#!/bin/sh
# A trial of rec.tune at a million events, 64 factors and 10 epochs, beside a training with the same params: no load and no
# store leg, so it takes what the epochs take.
#
#     sh bench/trial.sh            (about a minute; see also common.sh)
#
# In turn: a training, and a study of one search trial (its load comes once a study, before the trials, and is shown too).
PROJECT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
SHARED_BUFFERS=${SHARED_BUFFERS:-512MB}
. "$PROJECT/bench/common.sh"
EVENTS=1000000
USERS=6925
REPEATS=${REPEATS:-5}

bench_begin
make_events bench_trial $EVENTS
sql "SELECT rec.drop_model('trial', true)" \
    "SELECT rec.create_model('trial', 'bench_trial', value_column => 'value', params => '{\"factors\": 64, \"epochs\": 10, \"patience\": 0}')" >/dev/null
: >"$WORK/trial"
repeat=0
while [ $((repeat += 1)) -le "$REPEATS" ]; do
    sql "SET max_parallel_maintenance_workers = $WORKERS; SELECT rec.train('trial')" >/dev/null
    # two points, of which the first is tried
    whole=$(seconds_of "CALL rec.tune('trial', '{\"frequency_exponent\": [0.5, 0.6]}', trials => 1, seed => $repeat)" "SET max_parallel_maintenance_workers = $WORKERS")
    sql "SELECT r.load_seconds, r.solve_seconds, r.store_seconds, t.seconds, t.epochs, $whole FROM rec.training_run r, rec.trial t
        WHERE r.model = 'trial' AND r.version = (SELECT max(version) FROM rec.training_run WHERE model = 'trial') AND t.stage = 'search' AND t.study_seed = $repeat" |
        tr '|' ' ' >>"$WORK/trial"
    progress "$(tail -n 1 "$WORK/trial")"
done
printf '%s events, 64 factors, 10 epochs, medians of %s:\n' "$EVENTS" "$REPEATS"
printf '  training   load %.2f s   epochs %.2f s   store %.2f s\n' "$(column 1 "$WORK/trial")" "$(column 2 "$WORK/trial")" "$(column 3 "$WORK/trial")"
printf '  trial      %.2f s (%s epochs), %.2f of the epochs of the training and %.2f of all of it\n' "$(column 4 "$WORK/trial")" "$(column 5 "$WORK/trial")" \
    "$(ratio 4 2 "$WORK/trial")" "$(awk '{ print $4 / ($1 + $2 + $3) }' "$WORK/trial" | median)"
printf '  study      %.2f s in all: one load, that trial, and the winner trained once more and judged\n' "$(column 6 "$WORK/trial")"
