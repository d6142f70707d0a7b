#!/bin/sh
# Statistics of drift beside percentile_cont and avg, a baseline beside its training, what a nightly check reads, and how often
# it gives a false alarm.
#
#     sh bench/drift.sh
#     ROWS=1000000 EVENTS=1000000 sh bench/drift.sh     (see also common.sh)
#     ROWS=100000 EVENTS=200000 NIGHTS=100 REPS=1 sh bench/drift.sh     within a minute or two
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
NIGHTS=${NIGHTS:-1000}

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
make_like drift_events drift_source "user_id, item_id, (ARRAY['view', 'cart', 'purchase'])[1 + (random() * random() * 2.99)::int] AS event, value, timestamptz '2025-01-01 00:00+00' + 90 * interval '1 day' * random() AS at" 'ORDER BY at'
sql "CREATE INDEX IF NOT EXISTS drift_events_at ON drift_events (at)" "CREATE INDEX IF NOT EXISTS drift_events_user ON drift_events (user_id) INCLUDE (item_id, event, at)" \
    "DROP TABLE IF EXISTS drift_night" "CREATE TABLE drift_night AS SELECT * FROM drift_events WHERE at >= '2025-03-31'" \
    "DELETE FROM drift_events WHERE at >= '2025-03-31'" "VACUUM (FREEZE, ANALYZE) drift_events" CHECKPOINT
sql "SELECT rec.create_model('bdrift', 'drift_events', event_column => 'event', event_weights => '{\"view\": 1, \"cart\": 3, \"purchase\": 5}', time_column => 'at')" >/dev/null
train="SELECT rec.train('bdrift', '{\"factors\": $FACTORS, \"epochs\": $EPOCHS, \"holdout\": 0}')"
sql "$train" >/dev/null
: >"$WORK/pair"
i=0
while [ $((i += 1)) -le "$REPS" ]; do
    # a monitor whose reference is an interval needs no baseline
    sql "UPDATE rec.monitor SET reference = '28 days' WHERE model = 'bdrift'"
    b=$(seconds_of "$train")
    sql "UPDATE rec.monitor SET reference = 'training' WHERE model = 'bdrift'"
    a=$(seconds_of "$train")
    echo "$a $b" >>"$WORK/pair"
done
r=$(ratio 1 2 "$WORK/pair")
printf 'training of %s events, %s factors, %s epochs: %.2f s, and with its baseline %.2f s: %.1f %% more (medians of %s alternating runs), limit 10 %%: %s\n' \
    "$(sql 'SELECT count(*) FROM drift_events')" "$FACTORS" "$EPOCHS" "$(column 2 "$WORK/pair")" "$(column 1 "$WORK/pair")" \
    "$(awk -v r="$r" 'BEGIN { print 100 * (r - 1) }')" "$REPS" "$(verdict "$r" 1.1)"
sql "SELECT 'the baseline read ' || (profile).n || ' events, of ' || round(100 * user_share::numeric, 1) || ' % of the users' FROM rec.drift_baseline WHERE monitor = 'bdrift' AND column_name = 'event' ORDER BY version DESC LIMIT 1"

sql "INSERT INTO drift_events SELECT * FROM drift_night" "ANALYZE drift_events" >/dev/null
# rows of the table that a check reads: of the plain relation the night alone, of a model also the histories of the 200 users
# to whom recommend() answers
read_by() {
    sleep 1
    before=$(sql "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'drift_events'")
    night=$(seconds_of "$1")
    sleep 1
    after=$(sql "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'drift_events'")
    printf '%s: %.2f s; the night has %s of %s events, rows read: %s\n' "$2" "$night" "$(sql 'SELECT count(*) FROM drift_night')" \
        "$(sql 'SELECT count(*) FROM drift_events')" "$((after - before))"
}
read_by "SELECT * FROM rec.check_drift('bdrift')" 'nightly check of the model'
sql "SELECT rec.create_monitor('drift_events', '{event,value}', '1 day', time_column => 'at', name => 'bplain')" >/dev/null
sql "SELECT count(*) FROM rec.check_drift('bplain', until => '2025-03-31')" >/dev/null
read_by "SELECT * FROM rec.check_drift('bplain')" 'nightly check of the relation'
sql "SELECT column_name || ': ' || verdict || ', ' || reason FROM rec.drift WHERE monitor = 'bdrift'"
sql "SELECT rec.drop_monitor('bplain')" "SELECT rec.drop_model('bdrift')" >/dev/null

# False alarms: nights without drift, five columns (numbers, few numbers, boolean, categories, numbers with nulls) beside the 28
# before. A night is an alarm when any column has one: at most 5 % of nights by p alone, and with an effect, as it is judged.
echo
printf 'false alarms in %s nights without drift, stated: at most 5 %%\n%5s %6s   %11s   %s\n' "$NIGHTS" seed rows 'p alone' 'p and effect (the default)'
for run in '0.1 30' '0.2 100' '0.3 200' '0.4 200' '0.5 1000'; do
    seed=${run% *} rows=${run#* }
    sql_script >"$WORK/alarms" <<SQL
DROP TABLE IF EXISTS drift_nights;
SELECT setseed($seed) \g /dev/null
CREATE TABLE drift_nights AS SELECT '2022-01-01'::timestamptz + n / $rows * interval '1 day' + n % $rows * interval '1 minute' AS t, random() AS x, floor(random() * 8) AS eighths,
    random() < .5 AS flag, (ARRAY['a', 'b', 'c', 'd', 'e'])[1 + floor(5 * random() * random())::int] AS cat, nullif(floor(random() * 16), 3) + random() AS with_nulls
    FROM generate_series(0, ($NIGHTS + 28) * $rows - 1) n;
SELECT rec.create_monitor('drift_nights', reference => '28 days', time_column => 't', name => 'bnights') \g /dev/null
SELECT count(*) FILTER (WHERE p), count(*) FILTER (WHERE v) FROM (SELECT bool_or(p_adjusted < 0.05) AS p, bool_or(verdict <> 'ok') AS v
    FROM rec.check_drift('bnights', since => '2022-01-29') GROUP BY period_start) n;
SELECT rec.drop_monitor('bnights') \g /dev/null
SQL
    printf '%5s %6s   %9.1f %%   %9.1f %%\n' "$seed" "$rows" "$(awk -F'|' -v n="$NIGHTS" '{ print 100 * $1 / n }' "$WORK/alarms")" "$(awk -F'|' -v n="$NIGHTS" '{ print 100 * $2 / n }' "$WORK/alarms")"
done
