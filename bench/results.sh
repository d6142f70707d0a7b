#!/bin/sh
# rec.experiment_result() over months: with the days that are final kept, and without.
#
#     sh bench/results.sh
#     UNITS=200000 REPS=3 sh bench/results.sh     (see also common.sh)
#
# 90 days with the same number of newly exposed units each, 10 events a unit, one metric
# with a window of a day; the events have an index on their time. rec.refresh_experiment()
# ran the day before. For comparison: the same sums from one GROUP BY over everything.
PROJECT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
UNITS=${UNITS:-1000000}
. "$PROJECT/bench/common.sh"
REPS=${REPS:-5}

bench_begin
sql "DROP TABLE IF EXISTS shown, events"
sql "CREATE TABLE shown AS SELECT u AS unit_id, CASE WHEN hashint8(u) & 1 = 0 THEN 'control' ELSE 'treatment' END AS variant,
        now() - (u * 90 / $UNITS) * interval '1 day' - interval '1 minute' AS exposed_at FROM generate_series(1::bigint, $UNITS) u" \
    "CREATE TABLE events AS SELECT unit_id AS user_id, (hashint8(unit_id * 10 + k) & 1023) / 100.0::float8 AS amount, exposed_at + k * interval '1 second' AS created_at
        FROM shown, generate_series(1, 10) k ORDER BY created_at" \
    "CREATE INDEX ON events (created_at)" "CREATE INDEX ON shown (unit_id)" "VACUUM (FREEZE, ANALYZE) events" "VACUUM (FREEZE, ANALYZE) shown" \
    "SELECT rec.create_experiment('x', exposures => 'shown')" \
    "SELECT rec.create_metric('amount', 'events', value => 'amount', time_column => 'created_at', window_after => '1 day')" CHECKPOINT >/dev/null
prewarm events
prewarm shown
result="SELECT * FROM rec.experiment_result('x')"
plain="SELECT (rec.welch_test(y, variant = 'treatment')).* FROM (SELECT s.unit_id, s.variant, coalesce(sum(e.amount), 0) AS y FROM (SELECT unit_id, min(variant) AS variant, min(exposed_at) AS t
    FROM shown GROUP BY unit_id HAVING min(variant) = max(variant)) s LEFT JOIN events e ON e.user_id = s.unit_id AND e.created_at >= s.t AND e.created_at < s.t + interval '1 day' GROUP BY 1, 2) u"
i=0
: >"$WORK/results"
while [ $((i += 1)) -le "$REPS" ]; do
    sql "DELETE FROM rec.experiment_day"
    full=$(seconds_of "$result")
    one=$(seconds_of "$plain")
    sql "SELECT rec.refresh_experiment('x')" >/dev/null
    kept=$(seconds_of "$result")
    echo "$full $one $kept" >>"$WORK/results"
    progress "$full $one $kept"
done
printf '%s units, %s events, 90 days; medians of %s runs, seconds\n\n' "$UNITS" "$((UNITS * 10))" "$REPS"
printf '%-44s %8s\n' 'nothing kept' "$(column 1 "$WORK/results")" 'the sums in plain SQL' "$(column 2 "$WORK/results")" 'final days kept' "$(column 3 "$WORK/results")"
printf '\nkept / nothing kept: %s\n' "$(ratio 3 1 "$WORK/results")"
