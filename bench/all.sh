#!/bin/sh
# All benchmarks in one cluster, one after another.
#
#     sh bench/all.sh            prints them
#     sh bench/all.sh --docs     and puts what they print into docs/benchmarks.md
#
# Settings as in common.sh.  With the full 20 million events this takes about an
# hour on two CPUs, and 25 GB of disk.
set -eu
PROJECT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
temporary=
if [ -z "${BENCH_DIR:-}" ]; then
    temporary=$(mktemp -d /var/tmp/rec-bench.XXXXXX)
    export BENCH_DIR="$temporary"
    trap 'rm -rf "$temporary"' EXIT
    trap 'exit 130' INT TERM HUP
fi
for name in ${BENCHMARKS:-train load memory serve scaling many million clients}; do
    printf '\n== sh bench/%s.sh\n\n' "$name"
    # a failure shows itself in the output's missing last line, and stops here
    if sh "$PROJECT/bench/$name.sh" >"$BENCH_DIR/$name.out"; then
        cat "$BENCH_DIR/$name.out"
    else
        cat "$BENCH_DIR/$name.out"
        exit 1
    fi
    [ "${1:-}" != --docs ] || sh "$PROJECT/bench/put_in_docs.sh" "$name" "$BENCH_DIR/$name.out"
done
