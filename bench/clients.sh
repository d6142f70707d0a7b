#!/bin/sh
# 64 clients ask for a minute, and in the middle of it the model is trained anew.
#
#     sh bench/clients.sh
#     CLIENTS=16 SECONDS_EACH=10 sh bench/clients.sh     (see also common.sh)
#
# Every tenth request also stores what it was answered, with the version that is active in
# the same snapshot; afterwards these answers are compared with those of the versions:
# one that mixed two of them would be found.
PROJECT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
USERS=${USERS:-10000}
EVENTS=${EVENTS:-$((USERS * 150))}
. "$PROJECT/bench/common.sh"
CLIENTS=${CLIENTS:-64}
SECONDS_EACH=${SECONDS_EACH:-60}

bench_begin
make_events events_many "$EVENTS"
sql "CREATE INDEX IF NOT EXISTS events_many_user ON events_many (user_id) INCLUDE (item_id, value)" "VACUUM (FREEZE, ANALYZE) events_many"
train bclients events_many '{"factors": 64, "epochs": 2, "holdout": 0}'
sql "VACUUM (FREEZE, ANALYZE) bclients.user_factors" "VACUUM (FREEZE, ANALYZE) bclients.user_history" CHECKPOINT \
    "DROP TABLE IF EXISTS answered" "CREATE UNLOGGED TABLE answered (version int, user_id int, answer text)"
printf '\\set u random(1, %s)\nSELECT * FROM bclients.recommend(:u);\n' "$USERS" >"$WORK/tmp/ask.sql"
printf '\\set u random(1, 200)\nINSERT INTO answered SELECT m.active_version, :u, (SELECT string_agg(r::text, $q$;$q$) FROM bclients.recommend(:u) r) FROM rec.model m WHERE m.model = $q$bclients$q$;\n' >"$WORK/tmp/check.sql"
rm -f "$WORK"/tmp/log.*
(cd "$WORK/tmp" && "$BIN/pgbench" -n -M prepared -c "$CLIENTS" -j 2 -T "$SECONDS_EACH" -l --log-prefix="$WORK/tmp/log" -f ask.sql@9 -f check.sql@1 \
    -h "$WORK/run" -p 5432 -U postgres postgres) >"$WORK/pgbench" 2>&1 &
clients=$!
sleep $((SECONDS_EACH / 3))
took=$(seconds_of "SELECT rec.train('bclients', '{\"factors\": 64, \"epochs\": 3, \"holdout\": 0}')")
status=0
wait "$clients" || status=$?
errors=$(grep -c -E 'ERROR|FATAL|aborted' "$WORK/pgbench" || :)
cat "$WORK"/tmp/log.* | awk '$4 == 0 { print $3 / 1000 }' >"$WORK/latency"
rm -f "$WORK"/tmp/log.*
mixed=$(sql "SELECT count(*) FROM answered a WHERE answer IS DISTINCT FROM (SELECT string_agg(r::text, ';') FROM bclients.recommend(a.user_id, version => a.version) r)")
printf '%s clients for %s s, %s items; a training of %.1f s after a third of the time\n\n' "$CLIENTS" "$SECONDS_EACH" "$(sql 'SELECT max(items) FROM bclients.model_version')" "$took"
printf '%-44s %s\n' requests "$(wc -l <"$WORK/latency")" 'requests a second (with the checks)' "$(sed -n 's/^tps = \([0-9]*\).*/\1/p' "$WORK/pgbench" | head -n 1)" \
    'median, p99, longest ms' "$(quantile 0.5 <"$WORK/latency"), $(quantile 0.99 <"$WORK/latency"), $(quantile 1 <"$WORK/latency")" \
    'errors' "$errors" 'answers that were checked' "$(sql "SELECT count(*) || ', of versions ' || string_agg(DISTINCT version::text, ' and ') FROM answered")" 'of another or a mixed version' "$mixed"
[ "$status" = 0 ] && [ "$errors" = 0 ] && [ "$mixed" = 0 ] || die "there were errors"
