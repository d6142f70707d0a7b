#!/bin/sh
# How often tests and intervals err: 10,000 A/A experiments, and 50,000 repetitions of each kind of metric with 10,000
# units an arm. Takes about 8 minutes of one core; needs no server.
#
#     sh bench/simulate.sh            (sh bench/simulate.sh 1: the quick version that is in the test suite)
set -eu
PROJECT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
make -C "$PROJECT" -s unit-build
exec "$PROJECT/build/unit/test_simulation" "${1:-10}"
