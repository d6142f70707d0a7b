#!/bin/sh
# recommend_many() and rec.materialize(): the best 10 items for 10,000 users at once.
#
#     sh bench/many.sh
#     ITEMS=5000 MANY_USERS=1000 sh bench/many.sh     (see also common.sh)
#
# 10,000 users with 150 events on average, 26,744 items, 64 factors, seen items left
# out; with 1 worker beside the session, and without.  The rows stay in the server.
PROJECT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
USERS=${MANY_USERS:-10000}
EVENTS=${EVENTS:-$((USERS * 150))}
. "$PROJECT/bench/common.sh"
REPS=${REPS:-9}
FACTORS=${FACTORS:-64}

bench_begin
make_events events_many "$EVENTS"
train bmany events_many "{\"factors\": $FACTORS, \"epochs\": 2, \"holdout\": 0}"
sql "VACUUM (FREEZE, ANALYZE) bmany.user_factors" "VACUUM (FREEZE, ANALYZE) bmany.user_history" CHECKPOINT
printf '%s users with %s events, %s items, %s factors; %s runs each\n' "$(sql 'SELECT count(*) FROM bmany.active_users')" "$EVENTS" \
    "$(sql 'SELECT count(*) FROM bmany.active_items')" "$FACTORS" "$REPS"
printf 'rows: %s\n\n' "$(sql "SELECT count(*) || ' in all, ' || count(DISTINCT user_id) || ' users' FROM bmany.recommend_many()")"

some="(SELECT array_agg(user_id) FROM bmany.active_users)"
i=0
: >"$WORK/many"
while [ $((i += 1)) -le "$REPS" ]; do
    two=$(seconds_of 'SELECT count(*) FROM bmany.recommend_many()' 'SET max_parallel_workers_per_gather = 1' 'SELECT rec.prewarm('"'bmany'"')')
    one=$(seconds_of 'SELECT count(*) FROM bmany.recommend_many()' 'SET max_parallel_workers_per_gather = 0' 'SELECT rec.prewarm('"'bmany'"')')
    given=$(seconds_of "SELECT count(*) FROM bmany.recommend_many($some)" 'SET max_parallel_workers_per_gather = 1' 'SELECT rec.prewarm('"'bmany'"')')
    echo "$two $one $given" >>"$WORK/many"
    progress "$two $one $given"
done
printf '%-44s %8s s\n' 'all users, 2 processes' "$(column 1 "$WORK/many")" 'all users, 1 process' "$(column 2 "$WORK/many")" \
    'users given as an array, 2 processes' "$(column 3 "$WORK/many")"
# LATERAL: the work that is the model's is done once for the statement
sql "CREATE INDEX IF NOT EXISTS events_many_user ON events_many (user_id) INCLUDE (item_id, value)" "VACUUM (FREEZE, ANALYZE) events_many" \
    "DROP TABLE IF EXISTS described" "CREATE TABLE described AS SELECT item_id AS id, item_id % 10 AS kind FROM bmany.active_items" "ANALYZE described" \
    "SELECT rec.alter_model('bmany', items => 'described', item_key => 'id')" >/dev/null
: >"$WORK/lateral"
i=0
while [ $((i += 1)) -le 3 ]; do
    plain=$(seconds_of 'SELECT count(*) FROM bmany.active_users u, LATERAL bmany.recommend(u.user_id)' "SELECT rec.prewarm('bmany')")
    filtered=$(seconds_of "SELECT count(*) FROM bmany.active_users u, LATERAL bmany.recommend(u.user_id, filter => 'kind < 5')" "SELECT rec.prewarm('bmany')")
    one=$(seconds_of "SELECT count(*) FROM bmany.recommend(5, filter => 'kind < 5')" "SELECT count(*) FROM bmany.recommend(5)")
    echo "$plain $filtered $one" >>"$WORK/lateral"
done
n=$(sql 'SELECT count(*) FROM bmany.active_users')
printf '%-44s %8s s\n' "LATERAL recommend() over $n users" "$(column 1 "$WORK/lateral")" 'the same with a filter (run once)' "$(column 2 "$WORK/lateral")" 'one user with this filter' "$(column 3 "$WORK/lateral")"
[ "$USERS $ITEMS $FACTORS" != '10000 26744 64' ] || printf 'limit for 2 processes: 0.3 s, %s\n' "$(verdict "$(column 1 "$WORK/many")" 0.3)"
