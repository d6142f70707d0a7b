#!/bin/sh
# What a call of recommend() costs: pgbench with prepared statements, users with
# about 150 events, a vacuumed covering index in shared_buffers, seen items left
# out and fold-in on.
#
#     sh bench/serve.sh
#     SECONDS_EACH=3 EVENTS=1000000 sh bench/serve.sh     (see also common.sh)
#
# Beside it, in the same rounds: SELECT 1, and the count of the user's events by the
# index.  "one new event": each of these users has an event that training did not
# see, so each call folds the user in.
PROJECT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
. "$PROJECT/bench/common.sh"
REPS=${REPS:-5}
SECONDS_EACH=${SECONDS_EACH:-4}
FACTORS=${FACTORS:-64}

bench_begin
# a table of its own: it gets an index and new events
make_events events "$EVENTS"
make_like events_serve events '*'
sql "DELETE FROM events_serve WHERE value < 1" \
    "CREATE INDEX IF NOT EXISTS events_serve_user ON events_serve (user_id) INCLUDE (item_id, value)" \
    "VACUUM (FREEZE, ANALYZE) events_serve"
train bm events_serve "{\"factors\": $FACTORS, \"epochs\": 2}"
# 1000 users with a number of events next to 150 ...
sql "DROP TABLE IF EXISTS served" \
    "CREATE TABLE served AS SELECT user_id, n FROM (SELECT user_id, count(*) AS n FROM events_serve GROUP BY user_id) u ORDER BY abs(n - 150), user_id LIMIT 1000"
# ... and 500 of them are for the fold-in: they get their new event later.
sql "SELECT user_id FROM served ORDER BY user_id % 2, user_id" >"$WORK/users"
half=$(($(wc -l <"$WORK/users") / 2))
prewarm events_serve_user
sql "VACUUM (FREEZE, ANALYZE) bm.user_factors" "VACUUM (FREEZE, ANALYZE) bm.item_factors" "VACUUM (FREEZE, ANALYZE) bm.user_history" CHECKPOINT

# choice FILE: a pgbench expression that picks a user by :n, as a binary tree
choice() {
    awk 'function tree(a, b,   m) { if (a == b) return u[a]; m = int((a + b) / 2)
             return "case when :n <= " m " then " tree(a, m) " else " tree(m + 1, b) " end" }
         { u[NR] = $1 } END { printf "\\set n random(1, %d)\n\\set u %s\n", NR, tree(1, NR) }' "$1"
}
head -n "$half" "$WORK/users" >"$WORK/users.same"
tail -n "+$((half + 1))" "$WORK/users" >"$WORK/users.new"
{ choice "$WORK/users.same"; echo 'SELECT 1;'; } >"$WORK/tmp/floor.sql"
{ choice "$WORK/users.same"; echo 'SELECT count(item_id), sum(value) FROM events_serve WHERE user_id = :u;'; } >"$WORK/tmp/events.sql"
{ choice "$WORK/users.same"; echo 'SELECT * FROM bm.recommend(:u);'; } >"$WORK/tmp/recommend.sql"
{ choice "$WORK/users.new"; echo 'SELECT * FROM bm.recommend(:u);'; } >"$WORK/tmp/folded.sql"
# an item of the user's own, once more: an event whose page the visibility map does not cover any more
sql "INSERT INTO events_serve SELECT e.user_id, min(e.item_id), 0.5 FROM events_serve e JOIN served s USING (user_id) WHERE s.user_id IN ($(paste -sd, "$WORK/users.new")) GROUP BY e.user_id"

what=$(sql "SELECT r.source || ' ' || count(*) FROM (SELECT user_id FROM served WHERE user_id IN ($(paste -sd, "$WORK/users.same"))) s, LATERAL bm.recommend(s.user_id) r GROUP BY r.source" | paste -sd, -)
what_new=$(sql "SELECT r.source || ' ' || count(*) FROM (SELECT user_id FROM served WHERE user_id IN ($(paste -sd, "$WORK/users.new"))) s, LATERAL bm.recommend(s.user_id) r GROUP BY r.source" | paste -sd, -)
printf '%s events, %s items, %s factors; %s users with %s events; %s rounds of %s s each\n' "$EVENTS" "$ITEMS" "$FACTORS" "$((2 * half))" \
    "$(sql "SELECT min(n) || ' to ' || max(n) FROM served")" "$REPS" "$SECONDS_EACH"
printf 'answers by source: unchanged users %s; users with one new event %s\n\n' "$what" "$what_new"

# run NAME CLIENTS: appends microseconds of each call to $WORK/lat.NAME
run() {
    rm -f "$WORK"/tmp/log.*
    (cd "$WORK/tmp" && "$BIN/pgbench" -n -M prepared -c "$2" -j "$2" -T "$SECONDS_EACH" -l --log-prefix="$WORK/tmp/log" -f "$1.sql" \
        -h "$WORK/run" -p 5432 -U postgres postgres) >"$WORK/pgbench" 2>&1 || die_with_log "pgbench: $(cat "$WORK/pgbench")"
    # the first call of a connection loads the model
    cat "$WORK"/tmp/log.* | awk '$2 > 20 { print $3 }' >"$WORK/lat.one"
    rm -f "$WORK"/tmp/log.*
}
for kind in floor events recommend folded two; do : >"$WORK/lat.$kind"; done
i=0
while [ $((i += 1)) -le "$REPS" ]; do
    for kind in floor events recommend folded; do
        run $kind 1
        # one line per round: median, 95 %, 99 % in ms, and calls per second
        echo "$(quantile 0.5 <"$WORK/lat.one") $(quantile 0.95 <"$WORK/lat.one") $(quantile 0.99 <"$WORK/lat.one")" |
            awk -v tps="$(sed -n 's/^tps = \([0-9.]*\) .*/\1/p' "$WORK/pgbench" | head -n 1)" '{ print $1 / 1000, $2 / 1000, $3 / 1000, tps }' >>"$WORK/lat.$kind"
        progress "$kind: $(tail -n 1 "$WORK/lat.$kind")"
    done
    run recommend 2
    sed -n 's/^tps = \([0-9.]*\) .*/\1/p' "$WORK/pgbench" | head -n 1 >>"$WORK/lat.two"
done

printf '%-28s %10s %10s %10s %10s\n' 'one client' 'median ms' 'p95 ms' 'p99 ms' 'calls/s'
for row in 'SELECT 1:floor' "the user's events:events" 'recommend(user):recommend' 'recommend(), one new event:folded'; do
    f=$WORK/lat.${row#*:}
    printf '%-28s %10.3f %10.3f %10.3f %10.0f\n' "${row%:*}" "$(column 1 "$f")" "$(column 2 "$f")" "$(column 3 "$f")" "$(column 4 "$f")"
done
printf '%-28s %10s %10s %10s %10.0f\n' 'recommend(), two clients' '' '' '' "$(median <"$WORK/lat.two")"

# --------------------------------------------------- the first call of a connection
user=$(head -n 1 "$WORK/users.same")
: >"$WORK/first"
i=0
while [ $((i += 1)) -le 15 ]; do
    {
        printf '\\o /dev/null\nSELECT 1;\n\\timing on\n'
        for k in 1 2 3 4 5; do echo "SELECT * FROM bm.recommend($user);"; done
    } | sql_script | sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' >"$WORK/five"
    echo "$(head -n 1 "$WORK/five") $(tail -n 3 "$WORK/five" | median)" >>"$WORK/first"
done
printf '\nfirst call of a connection: %.1f ms; a later one in the same psql, not prepared: %.2f ms\n' "$(column 1 "$WORK/first")" "$(column 2 "$WORK/first")"

r=$(column 1 "$WORK/lat.recommend")
printf '\nrecommend(): %.3f ms median (fastest round %.3f); target at most 0.5 ms: %s\n' "$r" "$(awk '{ print $1 }' "$WORK/lat.recommend" | sort -g | head -n 1)" "$(verdict "$r" 0.5)"
