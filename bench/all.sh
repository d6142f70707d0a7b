#!/bin/sh
# Benchmarks in one cluster, one after another.
#
#     sh bench/all.sh                      all of them
#     sh bench/all.sh serve many           these
#     sh bench/all.sh --list               what there is: name, and what it measures
#     sh bench/all.sh --docs [NAME...]     and puts what has a place there into docs/benchmarks.md
#
# Settings as in common.sh.  All of them take some hours on two CPUs, and 25 GB of disk.  Those with real data are left out
# when REC_DATA_DIR (default: ../shared/data) has none.  Goes on after one that fails, and says at the end which did.
set -eu
PROJECT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
# On generated data in this order, then others; then those that read real data.
GENERATED='train load memory serve million many clients scaling' REAL=''
for script in "$PROJECT"/bench/*.sh; do
    name=${script##*/} name=${name%.sh}
    case " all common put_in_docs $GENERATED " in *" $name "*) continue ;; esac
    if grep -q REC_DATA_DIR "$script"; then REAL="$REAL $name"; else GENERATED="$GENERATED $name"; fi
done

docs='' names=''
for word; do
    case $word in
        --docs) docs=yes ;;
        --list)
            for name in $GENERATED$REAL; do
                printf '%-12s %s\n' "$name" "$(awk 'NR > 1 && $0 == "#" { exit } NR > 1 { sub(/^# /, ""); printf "%s ", $0 }' "$PROJECT/bench/$name.sh")"
            done
            exit 0
            ;;
        *[!a-z_]* | all | common | put_in_docs) word='' ;;
        *) [ ! -f "$PROJECT/bench/$word.sh" ] && word='' || names="$names $word" ;;
    esac
    [ -n "$word" ] || {
        echo "all.sh: no such benchmark; these are: $GENERATED$REAL" >&2
        exit 2
    }
done
if [ -z "$names" ]; then
    names=$GENERATED
    data=${REC_DATA_DIR:-$PROJECT/../shared/data}
    if [ -d "$data" ]; then names="$names$REAL"; else echo "No real data in $data: without$REAL" >&2; fi
fi

temporary=
if [ -z "${BENCH_DIR:-}" ]; then
    temporary=$(mktemp -d /var/tmp/rec-bench.XXXXXX)
    export BENCH_DIR="$temporary"
    trap 'rm -rf "$temporary"' EXIT
    trap 'exit 130' INT TERM HUP
fi
failed=
for name in $names; do
    printf '\n== sh bench/%s.sh\n\n' "$name"
    status=0
    sh "$PROJECT/bench/$name.sh" >"$BENCH_DIR/$name.out" || status=$?
    cat "$BENCH_DIR/$name.out"
    if [ "$status" != 0 ]; then
        failed="$failed $name"
    elif [ -n "$docs" ] && grep -qxF "<!-- $name -->" "$PROJECT/docs/benchmarks.md"; then
        sh "$PROJECT/bench/put_in_docs.sh" "$name" "$BENCH_DIR/$name.out"
    fi
done
[ -z "$failed" ] || {
    printf '\nFailed:%s\n' "$failed" >&2
    exit 1
}
