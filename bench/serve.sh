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
for kind in floor events recommend folded two four; do : >"$WORK/lat.$kind"; done
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
    run recommend 4
    sed -n 's/^tps = \([0-9.]*\) .*/\1/p' "$WORK/pgbench" | head -n 1 >>"$WORK/lat.four"
done

printf '%-28s %10s %10s %10s %10s\n' 'one client' 'median ms' 'p95 ms' 'p99 ms' 'calls/s'
for row in 'SELECT 1:floor' "the user's events:events" 'recommend(user):recommend' 'recommend(), one new event:folded'; do
    f=$WORK/lat.${row#*:}
    printf '%-28s %10.3f %10.3f %10.3f %10.0f\n' "${row%:*}" "$(column 1 "$f")" "$(column 2 "$f")" "$(column 3 "$f")" "$(column 4 "$f")"
done
printf '%-28s %10s %10s %10s %10.0f\n' 'recommend(), two clients' '' '' '' "$(median <"$WORK/lat.two")" 'recommend(), four clients' '' '' '' "$(median <"$WORK/lat.four")"

# --------------------------------------------------- the first call of a connection
# Beside it a control in PostgreSQL's own means: a PL/pgSQL function that reads one row of each of the
# relations that recommend() reads, through the same indexes.  What both pay is PostgreSQL's: caches of
# the catalog that a new connection fills, planning, and loading a library.
user=$(head -n 1 "$WORK/users.same")
sql "CREATE OR REPLACE FUNCTION control(u bigint) RETURNS float8 LANGUAGE plpgsql STABLE AS \$f\$
DECLARE a float8; v int; m record;
BEGIN
    SELECT * INTO m FROM rec.model WHERE model = 'bm';
    SELECT version INTO v FROM bm.model_version WHERE version = m.active_version;
    SELECT bias INTO a FROM bm.user_factors WHERE version = v AND user_id = u;
    SELECT cardinality(items) INTO a FROM bm.user_history WHERE version = v AND user_id = u;
    SELECT sum(value) INTO a FROM events_serve WHERE user_id = u;
    RETURN a;
END \$f\$"
# first STATEMENT: milliseconds of the first call, and the median of later ones, in a new connection
first() {
    {
        printf '\\o /dev/null\nSELECT 1;\n\\timing on\n'
        for k in 1 2 3 4 5 6; do echo "$1;"; done
    } | sql_script | sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' >"$WORK/six"
    echo "$(head -n 1 "$WORK/six") $(tail -n 4 "$WORK/six" | median)"
}
: >"$WORK/first"
i=0
while [ $((i += 1)) -le 25 ]; do
    echo "$(first "SELECT * FROM bm.recommend($user)") $(first "SELECT control($user)")" >>"$WORK/first"
done
awk '{ print $1 - $2, $3 - $4 }' "$WORK/first" >"$WORK/more"
printf '\n%-44s %8s %8s %8s\n' 'a new connection, not prepared' 'first ms' 'later ms' 'more ms'
printf '%-44s %8.2f %8.2f %8.2f\n' 'recommend()' "$(column 1 "$WORK/first")" "$(column 2 "$WORK/first")" "$(column 1 "$WORK/more")" \
    'control in PL/pgSQL, the same relations' "$(column 3 "$WORK/first")" "$(column 4 "$WORK/first")" "$(column 2 "$WORK/more")"

# --------------------------------------------------- memory of a connection
# private STATEMENT: median kilobytes of private anonymous memory of ten sessions that have run it
private() {
    for k in 1 2 3 4 5 6 7 8 9 10; do
        { printf '\\o /dev/null\n%s;\n%s;\nSELECT pg_sleep(3) AS held;\n' "$1" "$1"; } | sql_script &
    done
    sleep 2
    for process in $(sql "SELECT pid FROM pg_stat_activity WHERE query LIKE '%AS held%' AND pid <> pg_backend_pid()"); do
        awk '/^Pss_Anon:/ { print $2 }' "/proc/$process/smaps_rollup"
    done | median
    wait
}
ours=$(private "SELECT * FROM bm.recommend($user)")
theirs=$(private "SELECT control($user)")
printf '\nmemory of a connection, anonymous: %.0f kB after recommend(), %.0f kB after the control: %.0f kB more; target below 1024: %s\n' "$ours" "$theirs" \
    "$(awk -v a="$ours" -v b="$theirs" 'BEGIN { print a - b }')" "$(awk -v a="$ours" -v b="$theirs" 'BEGIN { print (a - b < 1024 ? "met" : "missed") }')"

r=$(column 1 "$WORK/lat.recommend")
m=$(column 1 "$WORK/more")
t=$(sort -g "$WORK/lat.two" "$WORK/lat.four" | tail -n 1)
printf '\nrecommend(): %.3f ms median (fastest round %.3f); target at most 0.3 ms: %s\n' "$r" "$(awk '{ print $1 }' "$WORK/lat.recommend" | sort -g | head -n 1)" "$(verdict "$r" 0.3)"
printf 'saturated, best round: %.0f requests a second; target at least 5000: %s\n' "$t" "$(awk -v t="$t" 'BEGIN { print (t >= 5000 ? "met" : "missed") }')"
printf 'first call: %.2f ms more than the next ones; target at most 3: %s\n' "$m" "$(verdict "$m" 3)"
