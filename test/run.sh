#!/bin/sh
# The whole test suite:  sh test/run.sh
# A part of it:          sh test/run.sh unit|asan|regress|isolation|pgtap|tap [pattern]
#
# Installs what is missing (Debian), builds with warnings as errors, and tests in
# a private copy of the PostgreSQL installation in a temporary folder, so that
# neither an installed extension nor a running server is touched.  Ends with one
# line, "N passed, N failed" (and ", N skipped"); fails when a test failed or when
# nothing ran.
#
#   unit       test/unit/test_*.c    src/core without a server (asan: under AddressSanitizer)
#   regress    test/sql/*.sql        pg_regress; outputs in expected/; one database
#   isolation  test/specs/*.spec     pg_isolation_regress
#   pgtap      test/pgtap/*.sql      each in a new database that has pgtap and pg_recommend
#   tap        test/t/*.pl           PostgreSQL::Test::Cluster; each makes its own servers
#
# The first three count a file as one test, pgtap and tap each assertion; so does
# a unit test that prints TAP.
#
# REC_DATA_DIR names the folder of real data sets (ml-100k/u.data, ...).  Tests
# that need one skip when it is not there.  KEEP=1 keeps the temporary folder.
set -eu
PROJECT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
. "$PROJECT/examples/setup.sh"
LOG=$PROJECT/build/test.log

PARTS='unit regress isolation pgtap tap'
case "${1:-all}" in
    all) parts=$PARTS ;;
    unit | asan | regress | isolation | pgtap | tap) parts=$1 ;;
    -h | --help)
        sed -n '2,23s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    *) die "unknown part $1 (parts are: $PARTS asan)" ;;
esac
PATTERN=${2:-}
FILE_TIMEOUT=300
passed=0 failed=0 skipped=0 WORK='' finished=''

finish() {
    status=$?
    trap '' EXIT PIPE
    set +e
    if [ -n "$WORK" ]; then
        # Servers that a killed test left behind are all below WORK.
        find "$WORK" -name postmaster.pid 2>/dev/null | while read -r pidfile; do
            as_user "$TESTER" "$PGBIN/pg_ctl" -D "${pidfile%/postmaster.pid}" -m immediate -w stop >/dev/null 2>&1 || :
        done
        if [ -n "${KEEP:-}" ]; then echo "Kept: $WORK"; else rm -rf "$WORK"; fi
    fi
    # Stopped half-way: that is a failure, and the last line has to say so.
    if [ -z "$finished" ]; then failed=$((failed + 1)); fi
    printf '\n%s passed, %s failed' "$passed" "$failed"
    if [ "$skipped" -gt 0 ]; then printf ', %s skipped' "$skipped"; fi
    printf '\n'
    if [ "$failed" -gt 0 ] || [ "$passed" -eq 0 ]; then [ "$status" -ne 0 ] || status=1; fi
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP PIPE

# files GLOB...: those that exist and match PATTERN
files() {
    for file; do
        [ -e "$file" ] || continue
        name=${file##*/}
        case "${name%.*}" in *"$PATTERN"*) printf '%s\n' "$file" ;; esac
    done
}

# add PASSED FAILED SKIPPED NAME
add() {
    passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
    verdict="$1 passed"
    [ "$2" = 0 ] || verdict="$verdict, $2 FAILED"
    [ "$3" = 0 ] || verdict="$verdict, $3 skipped"
    printf '  %-40s %s\n' "$4" "$verdict"
}

# add_tap NAME: counts $WORK/out/NAME (TAP) with the exit status in NAME.status.
# A missing plan, a plan that is not kept and a bad exit status are failures.
# Without any TAP in it the exit status alone is the test.
add_tap() {
    status=$(cat "$WORK/out/$1.status" 2>/dev/null || echo 255)
    counts=$(awk -v status="$status" '
        /^1\.\.[0-9]+/ { plan = substr($0, 4) + 0; planned = 1; if (plan == 0) skip++ }
        /^ok( |$)/ { seen++; if (tolower($0) ~ /# *skip/) skip++; else ok++ }
        /^not ok( |$)/ { seen++; if (tolower($0) ~ /# *todo/) skip++; else bad++ }
        END {
            if (!planned && !seen) { if (status == 0) ok = 1; else bad = 1 }
            else if (!planned || plan != seen) bad += (plan > seen ? plan - seen : 1)
            if (status != 0 && !bad) bad = 1
            print ok + 0, bad + 0, skip + 0
        }' "$WORK/out/$1")
    # shellcheck disable=SC2086 # three numbers
    add $counts "$1"
    reason=$(sed -n 's/^1\.\.0 *# *[Ss][Kk][Ii][Pp][a-z]* */      skipped: /p; s/^ok [0-9]*.*# *[Ss][Kk][Ii][Pp][a-z]* */      skipped: /p' "$WORK/out/$1" | sort | uniq)
    [ -z "$reason" ] || printf '%s\n' "$reason"
    case "$counts" in
        *' 0 '*) ;;
        *)
            [ "$status" != 124 ] || echo "      | took longer than $FILE_TIMEOUT s"
            # Each failing line with what is said about it; else the end of all.
            { grep -A12 -E '^(not ok|Bail out)|^psql:.*(ERROR|FATAL)|(ERROR|FATAL|PANIC): ' "$WORK/out/$1" ||
                tail -n 25 "$WORK/out/$1"; } | head -n 60 | sed 's/^/      | /'
            ;;
    esac
}

# run_all KIND FILES...: two at a time, then counts in order
run_all() {
    kind=$1
    shift
    printf '%s\0' "$@" | as_user "$TESTER" xargs -0 -n 1 -P 2 sh "$WORK/one.sh" "$kind"
    for file; do
        name=${file##*/}
        add_tap "$kind/${name%.*}"
    done
}

# run_pg_regress KIND PROGRAM NAMES...: one schedule in one database
run_pg_regress() {
    kind=$1 program=$2
    shift 2
    mkdir -p "$WORK/$kind" && cp -R "$WORK/src/." "$WORK/$kind/"
    [ "$(id -u)" != 0 ] || chown -R "$TESTER" "$WORK/$kind"
    as_user "$TESTER" sh -c 'cd "$1" && shift && exec "$@"' sh "$WORK/$kind" \
        "$program" --bindir="$TESTBIN" --inputdir=test --outputdir=. --host="$WORK/run" --port=5432 --user=postgres \
        --dbname="rec_$kind" "$@" >"$WORK/out/$kind.log" 2>&1 || :
    # Version 15 prints "test NAME ... ok", later ones TAP.
    sed -n -e 's/^test \([^ ]*\) .*\.\.\. ok .*/ok \1/p' -e 's/^test \([^ ]*\) .*\.\.\. FAILED.*/bad \1/p' \
        -e 's/^ok [0-9]* *[-+] \([^ ]*\) .*/ok \1/p' -e 's/^not ok [0-9]* *[-+] \([^ ]*\) .*/bad \1/p' \
        "$WORK/out/$kind.log" >"$WORK/out/$kind.results"
    for name; do
        if grep -qx "ok $name" "$WORK/out/$kind.results"; then add 1 0 0 "$kind/$name"; else add 0 1 0 "$kind/$name"; fi
    done
    if [ -s "$WORK/$kind/regression.diffs" ]; then
        head -n 200 "$WORK/$kind/regression.diffs" | sed 's/^/      | /'
        rm -rf "$PROJECT/build/$kind"
        cp -R "$WORK/$kind/results" "$PROJECT/build/$kind"
        cp "$WORK/$kind/regression.diffs" "$PROJECT/build/$kind/"
        echo "      outputs and the whole difference: $PROJECT/build/$kind"
    elif [ ! -s "$WORK/out/$kind.results" ]; then
        tail -n 20 "$WORK/out/$kind.log" | sed 's/^/      | /'
    fi
}

# ------------------------------------------------------------------ set-up

[ ! -e "$LOG" ] || rm -f "$LOG"
install_missing test
build_extension WERROR=1

TESTER=$(server_user) || exit 1
# In /tmp, because paths of sockets must be short.
WORK=$(mktemp -d /tmp/rec-test.XXXXXX)
mkdir -p "$WORK/src" "$WORK/out/pgtap" "$WORK/out/tap" "$WORK/out/unit" "$WORK/out/asan" "$WORK/tmp" "$WORK/run"

echo "pg_recommend $VERSION on PostgreSQL $("$PGBIN/postgres" --version | sed 's/^postgres (PostgreSQL) \([^ ]*\).*/\1/'), as user $TESTER"

case " $parts " in
    ' unit ' | ' asan ') ;;
    *)
        # PostgreSQL finds its files relative to the program: a copy is an
        # installation of its own, which the extension can be installed into.
        for folder in "$PGBIN" "$("$PGBIN/pg_config" --pkglibdir)" "$("$PGBIN/pg_config" --sharedir)"; do
            mkdir -p "$WORK/pg${folder%/*}"
            [ -d "$WORK/pg$folder" ] || cp -a "$folder" "$WORK/pg${folder%/*}/"
        done
        quietly make -C "$PROJECT" -s install PG_CONFIG="$PGBIN/pg_config" DESTDIR="$WORK/pg"
        TESTBIN=$WORK/pg$PGBIN
        PGXSDIR=$("$PGBIN/pg_config" --pgxs)
        PGXSDIR=${PGXSDIR%/makefiles/pgxs.mk}
        for folder in test expected examples sql docs; do
            [ ! -d "$PROJECT/$folder" ] || cp -R "$PROJECT/$folder" "$WORK/src/"
        done
        [ "$(id -u)" != 0 ] || chown -R "$TESTER" "$WORK"

        if [ -z "${REC_DATA_DIR:-}" ] && [ -d "$PROJECT/../shared/data" ]; then
            REC_DATA_DIR=$(CDPATH='' cd -- "$PROJECT/../shared/data" && pwd -P)
        fi
        if [ -n "${REC_DATA_DIR:-}" ] && ! as_user "$TESTER" test -r "$REC_DATA_DIR" -a -x "$REC_DATA_DIR"; then
            echo "Real data: the user $TESTER cannot read $REC_DATA_DIR"
            REC_DATA_DIR=
        fi
        if [ -n "${REC_DATA_DIR:-}" ]; then
            export REC_DATA_DIR
        else
            unset REC_DATA_DIR
            echo "Real data: none (REC_DATA_DIR is not set); tests that need it are skipped"
        fi

        cat >"$WORK/one.sh" <<ONE
# one.sh KIND FILE: runs one test file, keeps its output and exit status
name=\${2##*/}
name=\${name%.*}
out=$WORK/out/\$1/\$name
cd $WORK/src
export TMPDIR=$WORK/tmp HOME=$WORK/tmp PATH=$TESTBIN:\$PATH
case \$1 in
pgtap)
    export PGHOST=$WORK/run PGPORT=5432 PGUSER=postgres PGDATABASE="pgtap_\$name"
    createdb --maintenance-db=postgres "\$PGDATABASE" &&
        psql -Xq -v ON_ERROR_STOP=1 -c 'CREATE EXTENSION pgtap' -c 'CREATE EXTENSION pg_recommend' &&
        timeout -k 10 $FILE_TIMEOUT psql -X -q -A -t -P pager=off -v ON_ERROR_STOP=1 -f "\$2"
    ;;
tap)
    export TESTDIR=$WORK/tap/\$name PERL5LIB=$PGXSDIR/test/perl PG_REGRESS=$PGXSDIR/test/regress/pg_regress
    export TESTDATADIR=\$TESTDIR/tmp_check TESTLOGDIR=\$TESTDIR/tmp_check/log
    mkdir -p "\$TESTLOGDIR"
    timeout -k 10 $FILE_TIMEOUT perl "\$2"
    ;;
esac >"\$out" 2>&1 </dev/null
echo \$? >"\$out.status"
if [ \$1 = tap ]; then rm -rf "$WORK/tap/\$name"; fi
ONE
        case " $parts " in
            *' regress '* | *' isolation '* | *' pgtap '*)
                quietly as_user "$TESTER" "$TESTBIN/initdb" -D "$WORK/data" -U postgres -A trust --no-sync \
                    --encoding=UTF8 --locale=C.UTF-8
                {
                    echo "listen_addresses = ''"
                    echo "unix_socket_directories = '$WORK/run'"
                    echo 'fsync = off'
                    echo 'max_worker_processes = 16'
                } | as_user "$TESTER" sh -c 'cat >>"$1/data/postgresql.conf"' sh "$WORK"
                quietly as_user "$TESTER" "$TESTBIN/pg_ctl" -D "$WORK/data" -l "$WORK/data/server.log" -w start
                ;;
        esac
        ;;
esac

# ------------------------------------------------------------------- tests

for part in $parts; do
    cd "$PROJECT"
    case $part in
        unit | asan)
            list=$(files test/unit/test_*.c)
            [ -n "$list" ] || continue
            folder=unit asan=
            [ "$part" = unit ] || { folder=unit-asan asan=1; }
            quietly make -C "$PROJECT" -s unit-build WERROR=1 ASAN="$asan" PG_CONFIG="$PGBIN/pg_config"
            for file in $list; do
                name=${file##*/} name=${name%.c}
                status=0
                (cd "$WORK" && timeout -k 10 "$FILE_TIMEOUT" "$PROJECT/build/$folder/$name") >"$WORK/out/$part/$name" 2>&1 || status=$?
                echo "$status" >"$WORK/out/$part/$name.status"
                add_tap "$part/$name"
            done
            ;;
        regress | isolation)
            if [ "$part" = regress ]; then
                list=$(files test/sql/*.sql)
                program=$PGXSDIR/test/regress/pg_regress
            else
                list=$(files test/specs/*.spec)
                program=$PGXSDIR/test/isolation/pg_isolation_regress
            fi
            [ -n "$list" ] || continue
            # shellcheck disable=SC2046 # names of tests, one word each
            run_pg_regress "$part" "$program" $(printf '%s\n' "$list" | sed -e 's|.*/||' -e 's|\.[a-z]*$||')
            ;;
        pgtap | tap)
            list=$(files test/pgtap/*.sql)
            [ "$part" = pgtap ] || list=$(files test/t/*.pl)
            [ -n "$list" ] || continue
            # shellcheck disable=SC2086 # names of tests, one word each
            run_all "$part" $list
            ;;
    esac
done
finished=yes
