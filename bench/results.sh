#!/bin/sh
# rec.experiment_result() over months: with the days that are final kept, and without.
#
#     sh bench/results.sh
#     UNITS=200000 REPS=3 sh bench/results.sh     (see also common.sh)
#
# 90 days with the same number of newly exposed units each, 10 events a unit spread over its days, one metric with a window
# of a day, one without, and both at once; the events have an index on their time. rec.refresh_experiment() ran the day before.
# For comparison: the same sums from one GROUP BY over everything. Then what a refresh takes, the first one and one a day later.
PROJECT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
UNITS=${UNITS:-1000000}
. "$PROJECT/bench/common.sh"
REPS=${REPS:-5}

bench_begin
sql "DROP TABLE IF EXISTS shown, events"
sql "CREATE TABLE shown AS SELECT u AS unit_id, CASE WHEN hashint8(u) & 1 = 0 THEN 'control' ELSE 'treatment' END AS variant,
        now() - (u * 90 / $UNITS) * interval '1 day' - interval '1 minute' AS exposed_at FROM generate_series(1::bigint, $UNITS) u" \
    "CREATE TABLE events AS SELECT unit_id AS user_id, (hashint8(unit_id * 10 + k) & 1023) / 100.0::float8 AS amount, exposed_at + (now() - exposed_at) * ((k - 1) / 10.0 + 0.0001) AS created_at
        FROM shown, generate_series(1, 10) k ORDER BY created_at" \
    "CREATE INDEX ON events (created_at)" "CREATE INDEX ON shown (unit_id)" "VACUUM (FREEZE, ANALYZE) events" "VACUUM (FREEZE, ANALYZE) shown" \
    "SELECT rec.create_metric('windowed', 'events', value => 'amount', time_column => 'created_at', window_after => '1 day')" \
    "SELECT rec.create_metric('open', 'events', value => 'amount', time_column => 'created_at')" \
    "SELECT rec.create_experiment('windowed', exposures => 'shown', metrics => '{windowed}'), rec.create_experiment('open', exposures => 'shown', metrics => '{open}')" CHECKPOINT >/dev/null
prewarm events
prewarm shown
printf '%s units, %s events, 90 days; medians of %s runs, seconds\n' "$UNITS" "$((UNITS * 10))" "$REPS"

# measure EXPERIMENT CONDITION-ON-EVENTS
measure() {
    result="SELECT * FROM rec.experiment_result('$1')"
    plain="SELECT (rec.welch_test(y, variant = 'treatment')).* FROM (SELECT s.unit_id, s.variant, coalesce(sum(e.amount), 0) AS y FROM (SELECT unit_id, min(variant) AS variant, min(exposed_at) AS t
        FROM shown GROUP BY unit_id HAVING min(variant) = max(variant)) s LEFT JOIN events e ON e.user_id = s.unit_id AND e.created_at >= s.t $2 GROUP BY 1, 2) u"
    i=0
    : >"$WORK/results"
    while [ $((i += 1)) -le "$REPS" ]; do
        sql "SELECT rec.force_variant('$1', '0', NULL)" >/dev/null
        full=$(seconds_of "$result")
        one=$(seconds_of "$plain")
        first=$(seconds_of "SELECT rec.refresh_experiment('$1')")
        sql "VACUUM ANALYZE rec.experiment_unit" "VACUUM ANALYZE rec.experiment_value"
        kept=$(seconds_of "$result")
        again=$(seconds_of "SELECT rec.refresh_experiment('$1')")
        echo "$full $one $kept $first $again" >>"$WORK/results"
        progress "$full $one $kept $first $again"
    done
    printf '\n%s\n' "$3"
    printf '%-44s %8s\n' 'nothing kept' "$(column 1 "$WORK/results")" 'the sums in plain SQL' "$(column 2 "$WORK/results")" 'kept up to yesterday' "$(column 3 "$WORK/results")" \
        'the first refresh' "$(column 4 "$WORK/results")" 'the next one' "$(column 5 "$WORK/results")"
    printf 'kept / nothing kept: %s\n' "$(ratio 3 1 "$WORK/results")"
}
measure windowed "AND e.created_at < s.t + interval '1 day'" 'a metric with a window of a day'
measure open '' 'a metric without a window'
