#!/bin/sh
# Statistics of drift beside percentile_cont and avg, a baseline beside its training, and what a nightly check reads.
#
#     sh bench/drift.sh
#     ROWS=1000000 EVENTS=1000000 sh bench/drift.sh     (see also common.sh)
#
# ROWS (10,000,000) rows of two samples; EVENTS (20,000,000) in 90 days with an index on their time, the last day of
# which comes after the training.  Limits: the exact Kolmogorov-Smirnov test 3 times percentile_cont, what counts in
# bins 2 times avg, each in the same number of processes.
PROJECT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
. "$PROJECT/bench/common.sh"
REPS=${REPS:-5}
ROWS=${ROWS:-10000000}
FACTORS=${FACTORS:-64}
EPOCHS=${EPOCHS:-10}

bench_begin
sql "SET synchronize_seqscans = off; DROP TABLE IF EXISTS drifting" \
    "CREATE TABLE drifting AS SELECT random() AS x, i % 2 = 0 AS c, (random() * 99)::int AS g, 'category ' || (random() * 99)::int AS t FROM generate_series(1, $ROWS) i" \
    "VACUUM (FREEZE, ANALYZE) drifting" CHECKPOINT
prewarm drifting

# compare "EXPRESSION" "BASE" LIMIT WORKERS
compare() {
    i=0
    : >"$WORK/pair"
    while [ $((i += 1)) -le "$REPS" ]; do
        a=$(seconds_of "SELECT $1 FROM drifting" "SET max_parallel_workers_per_gather = $4" "SET work_mem = '1GB'")
        b=$(seconds_of "SELECT $2 FROM drifting" "SET max_parallel_workers_per_gather = $4" "SET work_mem = '1GB'")
        echo "$a $b" >>"$WORK/pair"
    done
    r=$(ratio 1 2 "$WORK/pair")
    printf '%-34s %d   %7.2f s   %7.2f s   %6.2f   %s\n' "${1%% AS *}" "$(($4 + 1))" "$(column 1 "$WORK/pair")" "$(column 2 "$WORK/pair")" "$r" "$(verdict "$r" "$3")"
}

printf '%s rows; medians of %s alternating runs\n' "$ROWS" "$REPS"
printf '%-34s %s %11s %11s %8s   %s\n' aggregate processes itself base ratio limit
echo '-- base percentile_cont(0.5), at most 3'
compare 'rec.ks_test(x, c)' 'percentile_cont(0.5) WITHIN GROUP (ORDER BY x)' 3 0
compare 'rec.wasserstein(x, c)' 'percentile_cont(0.5) WITHIN GROUP (ORDER BY x)' 3 0
echo '-- base avg(x), at most 2'
for workers in 0 "$WORKERS"; do
    compare 'rec.psi(x, c)' 'avg(x)' 2 "$workers"
    compare 'rec.js_distance(x, c)' 'avg(x)' 2 "$workers"
    compare 'rec.mean_shift(x, c)' 'avg(x)' 2 "$workers"
    compare 'rec.chi2_test(g, c)' 'avg(x)' 2 "$workers"
    compare 'rec.psi(t, c)' 'avg(x)' 2 "$workers"
    compare 'rec.profile(x)' 'avg(x)' 2 "$workers"
done

echo
make_events drift_source "$EVENTS"
make_like drift_events drift_source "user_id, item_id, (ARRAY['view', 'cart', 'purchase'])[1 + (random() * random() * 2.99)::int] AS event, value, timestamptz '2025-01-01 00:00+00' + 90 * interval '1 day' * random() AS at"
sql "CREATE INDEX IF NOT EXISTS drift_events_at ON drift_events (at)" "CREATE INDEX IF NOT EXISTS drift_events_user ON drift_events (user_id) INCLUDE (item_id, event, at)" \
    "DROP TABLE IF EXISTS drift_night" "CREATE TABLE drift_night AS SELECT * FROM drift_events WHERE at >= '2025-03-31'" \
    "DELETE FROM drift_events WHERE at >= '2025-03-31'" "VACUUM (FREEZE, ANALYZE) drift_events" CHECKPOINT
sql "SELECT rec.create_model('bdrift', 'drift_events', event_column => 'event', event_weights => '{\"view\": 1, \"cart\": 3, \"purchase\": 5}', time_column => 'at')" >/dev/null
all=$(seconds_of "SELECT rec.train('bdrift', '{\"factors\": $FACTORS, \"epochs\": $EPOCHS, \"holdout\": 0}')")
itself=$(sql "SELECT load_seconds + solve_seconds + store_seconds FROM rec.training_run WHERE model = 'bdrift'")
printf 'training of %s events, %s factors, %s epochs: %.1f s, and its baseline %.1f s, %.1f %% more\n' "$(sql 'SELECT count(*) FROM drift_events')" "$FACTORS" "$EPOCHS" \
    "$itself" "$(awk -v a="$all" -v b="$itself" 'BEGIN { print a - b }')" "$(awk -v a="$all" -v b="$itself" 'BEGIN { print 100 * (a - b) / b }')"
sql "INSERT INTO drift_events SELECT * FROM drift_night" "ANALYZE drift_events" "SELECT pg_stat_force_next_flush()" >/dev/null
read_before=$(sql "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'drift_events'")
night=$(seconds_of "SELECT * FROM rec.check_drift('bdrift')")
sleep 1
read_after=$(sql "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'drift_events'")
seqs=$(sql "SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'drift_events'")
printf 'nightly check: %.2f s; the night has %s of %s events; rows of the table read by the check (its 200 users'"'"' histories included): %s\n' "$night" \
    "$(sql 'SELECT count(*) FROM drift_night')" "$(sql 'SELECT count(*) FROM drift_events')" "$((read_after - read_before))"
sql "SELECT column_name || ': ' || verdict || ', ' || reason FROM rec.drift WHERE model = 'bdrift'"
sql "SELECT rec.drop_model('bdrift')" >/dev/null
