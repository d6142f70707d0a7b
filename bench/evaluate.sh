#!/bin/sh
# rec.evaluate_version(): ranking all users of the 20M table at k = 100, beside recommend_many() for the same users.
#
#     sh bench/evaluate.sh
#     EVENTS=1500000 USERS=10000 sh bench/evaluate.sh     (see also common.sh)
#
# 20M events of 138,493 users with 26,744 items, 64 factors. New events: about ten more of each user, in a table of
# their own. The evaluation reads them, reads the version's histories and factors, ranks all items for every user,
# computes all metrics with intervals, and is timed as a whole; once with every metric and once with ndcg and recall
# alone. recommend_many(k => 100) counts its rows in the server. One worker beside the session in both.
PROJECT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
. "$PROJECT/bench/common.sh"
REPS=${REPS:-3}
FACTORS=${FACTORS:-64}

bench_begin
make_events events_20m "$EVENTS"
train beval events_20m "{\"factors\": $FACTORS, \"epochs\": 2, \"holdout\": 0}"
sql "DROP TABLE IF EXISTS events_new" "CREATE TABLE events_new AS SELECT u AS user_id, (hashint8(u * 1000003::bigint + n) & 2147483647) % $ITEMS AS item_id, 1::real AS value
    FROM (SELECT user_id AS u FROM beval.user_factors) x, generate_series(1, 10) n" "ALTER TABLE events_new ALTER item_id TYPE int" \
    "VACUUM (FREEZE, ANALYZE) events_new" "VACUUM (FREEZE, ANALYZE) beval.user_factors" "VACUUM (FREEZE, ANALYZE) beval.user_history" CHECKPOINT
printf '%s users, %s items, %s factors, k = 100; %s runs each, medians\n\n' "$(sql 'SELECT count(*) FROM beval.user_factors')" \
    "$(sql 'SELECT count(*) FROM beval.item_factors')" "$FACTORS" "$REPS"

every="SELECT count(*) FROM rec.evaluate_version('beval', events => 'events_new', k => '{100}', compare => '{}')"
some="SELECT count(*) FROM rec.evaluate_version('beval', events => 'events_new', k => '{100}', compare => '{}', metrics => '{ndcg,recall}')"
i=0
: >"$WORK/evaluate"
while [ $((i += 1)) -le "$REPS" ]; do
    for what in many all few; do
        case $what in
            many) statement='SELECT count(*) FROM beval.recommend_many(NULL, 100)' ;;
            all) statement=$every ;;
            few) statement=$some ;;
        esac
        eval "$what=\$(seconds_of \"\$statement\" 'SET max_parallel_workers_per_gather = $WORKERS' \"SELECT rec.prewarm('beval')\")"
    done
    echo "$many $all $few" >>"$WORK/evaluate"
    # shellcheck disable=SC2154 # set by eval
    progress "$many $all $few"
done
printf '%-44s %8s s\n' 'recommend_many' "$(column 1 "$WORK/evaluate")" 'evaluate_version, all metrics' "$(column 2 "$WORK/evaluate")" \
    'evaluate_version, ndcg and recall' "$(column 3 "$WORK/evaluate")"
r=$(ratio 2 1 "$WORK/evaluate")
printf 'all metrics / recommend_many: %s, limit 1.5: %s\n' "$r" "$(verdict "$r" 1.5)"
r=$(ratio 3 1 "$WORK/evaluate")
printf 'ndcg and recall / recommend_many: %s\n' "$r"
