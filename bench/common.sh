# shellcheck shell=sh
# Shared by the benchmarks (sourced, not run): a throw-away cluster with the
# extension as it stands, the generated events, and timing.
#
# Settings from the environment:
#   EVENTS USERS ITEMS   size of the generated table (20000000 138493 26744)
#   WORKERS              parallel workers beside the session (number of CPUs - 1)
#   REPS                 repetitions; medians are shown
#   SHARED_BUFFERS       of the cluster (3GB)
#   BENCH_DIR            keep the cluster in this folder and use it again; without
#                        it a temporary folder is used and removed.  Its path is
#                        short, as a socket is in it.
#
# Everything is measured as alternating runs (A B A B ...), and a ratio is the
# median of the ratios of neighbouring runs: so a machine that does other things
# too, or gets slower, hits both sides.
set -eu
PROJECT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
. "$PROJECT/examples/setup.sh"
LOG=$PROJECT/build/bench.log

CPUS=$(nproc 2>/dev/null || echo 2)
EVENTS=${EVENTS:-20000000}
# Without other numbers: the shape of MovieLens 20M, users in proportion to events.
USERS=${USERS:-$(awk -v e="$EVENTS" 'BEGIN { printf "%d", (e * 138493 / 20000000) + .5 }')}
ITEMS=${ITEMS:-26744}
WORKERS=${WORKERS:-$((CPUS > 1 ? CPUS - 1 : 1))}
SHARED_BUFFERS=${SHARED_BUFFERS:-3GB}

bench_end() {
    status=$?
    trap - EXIT
    if [ -n "${WORK:-}" ]; then
        if [ -s "$WORK/data/postmaster.pid" ]; then
            as_user "$OWNER" "$BIN/pg_ctl" -D "$WORK/data" -m fast -w stop >/dev/null 2>&1 || :
        fi
        [ -n "${BENCH_DIR:-}" ] || rm -rf "$WORK"
    fi
    exit "$status"
}

# Builds, makes or starts the cluster, and says what runs where.
bench_begin() {
    trap bench_end EXIT
    trap 'exit 130' INT TERM HUP
    install_missing
    build_extension
    OWNER=$(server_user) || exit 1
    if [ -n "${BENCH_DIR:-}" ]; then
        mkdir -p "$BENCH_DIR"
        WORK=$(CDPATH='' cd -- "$BENCH_DIR" && pwd -P)
    else
        WORK=$(mktemp -d /var/tmp/rec-bench.XXXXXX)
    fi
    mkdir -p "$WORK/run" "$WORK/tmp"
    quietly "${CC:-gcc}" -O3 -march=native -ffast-math -o "$WORK/als_yardstick" "$PROJECT/bench/als_yardstick.c" -lpthread -lm

    # PostgreSQL finds its files relative to the program: a copy is an
    # installation of its own, so an installed extension is not touched.
    rm -rf "$WORK/pg"
    for folder in "$PGBIN" "$("$PGBIN/pg_config" --pkglibdir)" "$("$PGBIN/pg_config" --sharedir)"; do
        mkdir -p "$WORK/pg${folder%/*}"
        [ -d "$WORK/pg$folder" ] || cp -a "$folder" "$WORK/pg${folder%/*}/"
    done
    quietly make -C "$PROJECT" -s install PG_CONFIG="$PGBIN/pg_config" DESTDIR="$WORK/pg"
    BIN=$WORK/pg$PGBIN
    [ "$(id -u)" != 0 ] || chown "$OWNER" "$WORK" "$WORK/run" "$WORK/tmp"
    chmod 755 "$WORK"
    if [ ! -s "$WORK/data/PG_VERSION" ]; then
        quietly as_user "$OWNER" "$BIN/initdb" -D "$WORK/data" -U postgres -A trust --encoding=UTF8 --locale=C.UTF-8
        echo "include 'bench.conf'" | as_user "$OWNER" sh -c 'cat >>"$1/data/postgresql.conf"' sh "$WORK"
    fi
    # Room for everything in memory, and no vacuum or checkpoint in the middle
    # of a measurement; what makes commits durable stays as it is.
    {
        echo "listen_addresses = ''"
        echo "unix_socket_directories = '$WORK/run'"
        echo "shared_buffers = $SHARED_BUFFERS"
        echo 'max_wal_size = 32GB'
        echo 'checkpoint_timeout = 1d'
        echo 'autovacuum = off'
        echo 'max_worker_processes = 16'
        echo 'max_parallel_workers = 16'
        echo 'maintenance_work_mem = 512MB'
        echo 'pg_recommend.training_memory = 64GB'
        # the time of each epoch is read from the log, in milliseconds
        echo 'log_min_messages = notice'
        echo "log_line_prefix = '%n '"
    } | as_user "$OWNER" sh -c 'cat >"$1/data/bench.conf"' sh "$WORK"
    quietly as_user "$OWNER" "$BIN/pg_ctl" -D "$WORK/data" -l "$WORK/data/server.log" -w -t 300 start
    # models of a run before
    sql "DO \$\$ DECLARE m text; BEGIN
        IF to_regclass('rec.model') IS NOT NULL THEN
            FOR m IN SELECT model FROM rec.model LOOP EXECUTE format('DROP SCHEMA IF EXISTS %I CASCADE', m); END LOOP;
        END IF; END \$\$"
    sql "DROP EXTENSION IF EXISTS pg_recommend CASCADE" "DROP SCHEMA IF EXISTS rec CASCADE" "DROP SCHEMA IF EXISTS bench, bm CASCADE" \
        "CREATE EXTENSION pg_recommend" "CREATE EXTENSION IF NOT EXISTS pg_prewarm"
    describe
}

describe() {
    printf '%s\n' "pg_recommend $VERSION$(git -C "$PROJECT" log -1 --format=' (%h)' 2>/dev/null || :), PostgreSQL $(sql 'SHOW server_version' | sed 's/ .*//')" \
        "$CPUS x $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), family $(sed -n 's/^cpu family[^:]*: //p' /proc/cpuinfo | head -n 1) model $(sed -n 's/^model[^a-z:]*: //p' /proc/cpuinfo | head -n 1), $(awk '/MemTotal/ { printf "%.0f GB", $2 / 1048576 }' /proc/meminfo); $(date -u +%Y-%m-%d); load average $(cut -d' ' -f1 /proc/loadavg) at the start"
    echo
}

# ------------------------------------------------------------------------ SQL

# sql STATEMENT...: each in a transaction of its own; prints bare values
sql() {
    for statement; do
        PGOPTIONS="-c client_min_messages=warning" "$BIN/psql" -X -q -A -t -v ON_ERROR_STOP=1 -h "$WORK/run" -p 5432 -U postgres -d postgres -c "$statement"
    done
}

# psql with a script on stdin
sql_script() { PGOPTIONS="-c client_min_messages=warning" "$BIN/psql" -X -q -A -t -v ON_ERROR_STOP=1 -h "$WORK/run" -p 5432 -U postgres -d postgres; }

# seconds_of STATEMENT [SETUP...]: seconds of the statement, after the others, in one session
seconds_of() {
    timed=$1
    shift
    {
        for statement; do printf '%s;\n' "$statement"; done
        printf '\\timing on\n\\o /dev/null\n%s;\n' "$timed"
    } | sql_script | sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' | tail -n 1 | awk '{ printf "%.4f\n", $1 / 1000 }'
}

# make_events TABLE EVENTS [USERS]: what the generator writes, as (user_id bigint,
# item_id int, value real); frozen as it is loaded, so that no run sets hint bits.
make_events() {
    table=$1 n=$2 users=${3:-$USERS}
    [ "$(sql "SELECT obj_description(to_regclass('$table'))")" != "$n $users $ITEMS" ] || return 0
    {
        echo "BEGIN; DROP TABLE IF EXISTS $table; CREATE TABLE $table (user_id bigint, item_id int, value real);"
        echo "COPY $table FROM STDIN (FREEZE);"
        "$WORK/als_yardstick" copy "$users" "$ITEMS" "$n"
        printf '\\.\n'
        echo "COMMENT ON TABLE $table IS '$n $users $ITEMS'; COMMIT; ANALYZE $table; CHECKPOINT;"
    } | sql_script
}

# make_like TABLE FROM "EXPRESSIONS" [ORDER]: a variant of an event table
make_like() {
    [ "$(sql "SELECT obj_description(to_regclass('$1')) = obj_description(to_regclass('$2'))")" != t ] || return 0
    sql "DROP TABLE IF EXISTS $1" "CREATE TABLE $1 AS SELECT $3 FROM $2 ${4:-}" \
        "COMMENT ON TABLE $1 IS '$(sql "SELECT obj_description('$2'::regclass)")'" "VACUUM (FREEZE, ANALYZE) $1" CHECKPOINT
}

prewarm() { sql "SELECT pg_prewarm('$1')" >/dev/null; }

# params FACTORS EPOCHS SOLVER: the yardstick's objective
params() {
    printf '{"factors": %s, "epochs": %s, "solver": "%s", "holdout": 0, "weight_transform": "none", "regularization": 5, ' "$1" "$2" "$3"
    printf '"unobserved_weight": 0.1, "frequency_exponent": 0, "cg_steps": 3}'
}

# CPU seconds so far of all server processes that live
cpu_now() {
    for process in $(cat "/proc/$postmaster/task/$postmaster/children"); do cat "/proc/$process/stat" 2>/dev/null || :; done |
        awk -v hz="$(getconf CLK_TCK)" '{ s += $14 + $15 } END { printf "%.2f\n", s / hz }'
}

# train MODEL TABLE PARAMS [WORKERS]: trains a new model, and sets load, solve,
# store (seconds), used (workers) and memory (bytes).  What each epoch took and
# reached stands in $WORK/epochs: number, seconds, objective per pair, CPU seconds
# (of session and workers; not known for the first).
train() {
    model=$1 with=${4:-$WORKERS}
    postmaster=$(head -n 1 "$WORK/data/postmaster.pid")
    log_size=$(stat -c %s "$WORK/data/server.log")
    sql "SELECT rec.drop_model('$model', true)" "SELECT rec.create_model('$model', '$2', value_column => 'value')" >/dev/null
    # The messages are also the moments to look at the CPU time.
    sql_script <<SQL 2>&1 | while read -r line; do case $line in *' epoch '*) cpu_now ;; *ERROR*) echo "$line" >&2 ;; esac done >"$WORK/epoch_cpu"
SET client_min_messages = notice;
SET max_parallel_maintenance_workers = $with;
SELECT rec.train('$model', '$3');
SQL
    # shellcheck disable=SC2046 # numbers
    set -- $(sql "SELECT load_seconds, solve_seconds, store_seconds, workers, memory_bytes FROM rec.training_run WHERE model = '$model' ORDER BY version DESC LIMIT 1" | tr '|' ' ')
    [ $# = 5 ] || die "the training failed"
    load=$1 solve=$2 store=$3 used=$4 memory=$5
    # (a small training does not ask for workers; see SMALL_WORK in src/model/solve.c)
    progress "$model: $used of $with workers took part in solving"
    # The message of an epoch has two decimals; the times of the messages have three.
    tail -c +"$((log_size + 1))" "$WORK/data/server.log" |
        sed -n 's/^\([0-9.]*\) .*NOTICE: *epoch [0-9]* of .* \([0-9.]*\) s, at most .*/\1 \2/p' |
        awk '{ printf "%.3f\n", (NR > 1 ? $1 - before : $2); before = $1 }' >"$WORK/epoch_seconds"
    sql "SELECT l.loss / r.pairs FROM (SELECT * FROM rec.training_run WHERE model = '$model' ORDER BY version DESC LIMIT 1) r, unnest(r.loss) WITH ORDINALITY l(loss, n) ORDER BY l.n" |
        paste -d' ' "$WORK/epoch_seconds" - "$WORK/epoch_cpu" |
        awk '{ print NR, $1, $2, (NR > 1 ? $3 - before : "nan"); before = $3 }' >"$WORK/epochs"
}

# -------------------------------------------------------------------- numbers

# of numbers on stdin, one per line
median() {
    sort -g | awk '{ v[NR] = $1 } END { if (NR) printf "%.6g\n", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# quantile Q
quantile() { sort -g | awk -v q="$1" '{ v[NR] = $1 } END { if (NR) { i = int(q * NR + .999999); print v[i < 1 ? 1 : i] } }'; }

# column N FILE: median of a column of a file with one line per repetition
column() { awk -v n="$1" '{ print $n }' "$2" | median; }

# ratio A B FILE: median of the quotients of two columns
ratio() { awk -v a="$1" -v b="$2" '{ print $a / $b }' "$3" | median; }

# verdict VALUE LIMIT
verdict() { awk -v v="$1" -v l="$2" 'BEGIN { if (v <= l) printf "met\n"; else printf "missed by %.0f %%\n", 100 * (v / l - 1) }'; }

progress() { [ -z "${VERBOSE:-}" ] || printf '  %s\n' "$*" >&2; }
