#!/bin/sh
# The tests under AddressSanitizer and UndefinedBehaviorSanitizer:
#
#   sh test/sanitize.sh [regress|isolation|pgtap|tap|unit [pattern]]
#
# Without an argument all parts of test/run.sh that need a server. Takes several
# times as long as the tests themselves; no other run includes it.
#
# A copy of the project is built with both sanitizers and tested by test/run.sh in
# a copy of the PostgreSQL installation whose server is started with the run-time
# library of AddressSanitizer. PostgreSQL itself is not instrumented. Its memory
# contexts would hide most mistakes, because they hand out pieces of larger blocks:
# so every allocation that the extension makes is enlarged to one that PostgreSQL
# takes from malloc() as a block of its own, and what was not asked for is poisoned.
# Writing past the end of any palloc() and using one after its context was reset
# end the backend with a report.
#
# Needs what test/run.sh needs (which it installs), and gcc's libasan and libubsan
# (Debian: part of the dependencies of gcc). KEEP=1 keeps the temporary folder.
# Exit status 0: no report, and the tests passed. The test of a session's memory
# is left out, because the sanitizer's own use of memory is all that it would see.
set -eu
PROJECT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
case "${1:-}" in
    -h | --help)
        sed -n '2,21s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
esac

# What is missing is installed, and the version to test is chosen, as test/run.sh does it.
# shellcheck source=examples/setup.sh
. "$PROJECT/examples/setup.sh"
install_missing test
asan=$("${CC:-gcc}" -print-file-name=libasan.so)
ubsan=$("${CC:-gcc}" -print-file-name=libubsan.so)
case "$asan$ubsan" in
    /*/*) ;;
    *) die "${CC:-gcc} has no libasan or no libubsan" ;;
esac
asan=$(readlink -f "$asan")

WORK=$(mktemp -d /tmp/rec-san.XXXXXX)
if [ "$(id -u)" = 0 ]; then TESTER=postgres; else TESTER=$(id -un); fi
chmod 755 "$WORK"
mkdir -p "$WORK/project" "$WORK/report"
chmod 1777 "$WORK/report"
trap '[ -n "${KEEP:-}" ] && echo "Kept: $WORK" || rm -rf "$WORK"' EXIT
trap 'exit 130' INT TERM HUP

# ------------------------------------------------- an installation to test in

for folder in "$PGBIN" "$("$PGBIN/pg_config" --pkglibdir)" "$("$PGBIN/pg_config" --sharedir)"; do
    mkdir -p "$WORK/pg${folder%/*}"
    [ -d "$WORK/pg$folder" ] || cp -a "$folder" "$WORK/pg${folder%/*}/"
done
# Headers are found relative to pg_config.
for folder in "$("$PGBIN/pg_config" --includedir)" "$("$PGBIN/pg_config" --includedir-server)" "$("$PGBIN/pg_config" --libdir)"; do
    if [ ! -e "$WORK/pg$folder" ]; then
        mkdir -p "$WORK/pg${folder%/*}"
        ln -s "$folder" "$WORK/pg$folder"
    fi
done
# With AddressSanitizer in front, Debian's postgres hangs in glibc's lock of message catalogues: so it gets none.
cat >"$WORK/no_catalogues.c" <<'C'
char *textdomain(const char *domain) { return (char *) domain; }
char *bindtextdomain(const char *domain, const char *folder) { (void) domain; return (char *) folder; }
char *bind_textdomain_codeset(const char *domain, const char *codeset) { (void) domain; return (char *) codeset; }
C
"${CC:-gcc}" -w -shared -fPIC -o "$WORK/no_catalogues.so" "$WORK/no_catalogues.c"
bin=$WORK/pg$PGBIN
# (pg_ctl too, because its restart starts the very program that was running.)
for program in postgres pg_ctl; do
    mv "$bin/$program" "$bin/$program.real"
    cat >"$bin/$program" <<WRAPPER
#!/bin/sh
export LD_PRELOAD="$asan:$WORK/no_catalogues.so"
export ASAN_OPTIONS="detect_leaks=0:abort_on_error=1:allocator_may_return_null=1:disable_coredump=1:log_path=$WORK/report/asan"
export UBSAN_OPTIONS="print_stacktrace=1:log_path=$WORK/report/ubsan"
exec "\${0%/*}/$program.real" "\$@"
WRAPPER
    chmod 755 "$bin/$program"
done

# --------------------------------------------------- a copy that is instrumented

for part in src sql test expected examples docs pg_recommend.control Makefile META.json; do
    [ ! -e "$PROJECT/$part" ] || cp -R "$PROJECT/$part" "$WORK/project/"
done
find "$WORK/project" \( -name '*.o' -o -name '*.d' \) -delete
rm -f "$WORK/project/test/t/015_memory.pl"

WRAPPED='palloc palloc0 palloc_extended MemoryContextAlloc MemoryContextAllocZero MemoryContextAllocZeroAligned
    MemoryContextAllocHuge MemoryContextAllocExtended repalloc repalloc_huge'
cat >"$WORK/project/src/model/sanitize_shim.c" <<'C'
/* Each allocation of the extension as a block of its own with a poisoned end, see test/sanitize.sh. */
#include "postgres.h"

#include <sanitizer/asan_interface.h>

#include "utils/memutils.h"

/* More than this PostgreSQL takes straight from malloc(). */
#define OWN_BLOCK (8192 + 64)
#define PADDED(size) ((size) < OWN_BLOCK ? OWN_BLOCK : (size))

/* Sizes that are to be refused go through as they are. */
static void *
with_end(void *p, Size size)
{
	if (p != NULL && size < OWN_BLOCK)
		ASAN_POISON_MEMORY_REGION((char *) p + size, OWN_BLOCK - size);
	return p;
}

#define WRAP(name, declared, passed) \
	extern void *__real_##name declared; \
	extern void *__wrap_##name declared; \
	void *__wrap_##name declared { return with_end(__real_##name passed, size); }

WRAP(palloc, (Size size), (PADDED(size)))
WRAP(palloc0, (Size size), (PADDED(size)))
WRAP(palloc_extended, (Size size, int flags), (PADDED(size), flags))
WRAP(MemoryContextAlloc, (MemoryContext context, Size size), (context, PADDED(size)))
WRAP(MemoryContextAllocZero, (MemoryContext context, Size size), (context, PADDED(size)))
WRAP(MemoryContextAllocZeroAligned, (MemoryContext context, Size size), (context, PADDED(size)))
WRAP(MemoryContextAllocHuge, (MemoryContext context, Size size), (context, PADDED(size)))
WRAP(MemoryContextAllocExtended, (MemoryContext context, Size size, int flags), (context, PADDED(size), flags))
WRAP(repalloc, (void *p, Size size), (p, PADDED(size)))
WRAP(repalloc_huge, (void *p, Size size), (p, PADDED(size)))
C

COPT='-fsanitize=address,undefined -fno-sanitize=alignment -fno-omit-frame-pointer -g'
for name in $WRAPPED; do COPT="$COPT -Wl,--wrap=$name"; done
export COPT PG_CONFIG="$bin/pg_config"
[ "$(id -u)" != 0 ] || chown -R "$TESTER" "$WORK/pg"

# ----------------------------------------------------------------------- tests

status=0
cd "$WORK/project"
if [ $# -gt 0 ]; then
    sh test/run.sh "$@" || status=$?
else
    for part in regress isolation pgtap tap; do
        found=
        for file in test/sql/*.sql test/specs/*.spec test/pgtap/*.sql test/t/*.pl; do
            case "$part $file" in
                'regress test/sql/'* | 'isolation test/specs/'* | 'pgtap test/pgtap/'* | 'tap test/t/'*) [ ! -e "$file" ] || found=yes ;;
            esac
        done
        [ -z "$found" ] || sh test/run.sh "$part" || status=$?
    done
fi

reports=$(find "$WORK/report" -type f | wc -l)
if [ "$reports" -gt 0 ]; then
    mkdir -p "$PROJECT/build"
    cat "$WORK/report/"* >"$PROJECT/build/sanitize.log"
    printf '\n%s reports of the sanitizers, all in %s; their first lines:\n' "$reports" "$PROJECT/build/sanitize.log"
    grep -hE 'ERROR: AddressSanitizer|runtime error:|^    #[0-9]+ .* in .*(src/)' "$WORK/report/"* | sed 's/^==[0-9]*==//' | sort | uniq -c | sort -rn | head -n 40
    exit 1
fi
printf '\nNo report of the sanitizers\n'
exit "$status"
