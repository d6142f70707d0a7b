#!/bin/sh
# Replaces the output of one benchmark in docs/benchmarks.md:
#     sh bench/put_in_docs.sh NAME FILE
# There it stands between <!-- NAME --> and <!-- /NAME -->.
set -eu
PROJECT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
doc=$PROJECT/docs/benchmarks.md
grep -qxF "<!-- $1 -->" "$doc" || {
    echo "put_in_docs.sh: no place for $1 in $doc" >&2
    exit 1
}
awk -v open="<!-- $1 -->" -v shut="<!-- /$1 -->" -v file="$2" '
    $0 == shut { inside = 0 }
    !inside { print }
    $0 == open {
        inside = 1
        print "```"
        while ((getline line < file) > 0) print line
        print "```"
    }' "$doc" >"$doc.new"
mv "$doc.new" "$doc"
