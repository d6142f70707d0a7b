#!/bin/sh
# Proves the README's two commands on bare Debian systems:
#
#     sh test/bare_debian.sh [SUITE[:root|:user]...]     (default: bookworm:root trixie:root trixie:user)
#
# Each is a fresh debootstrap chroot (minbase: no compiler, no PostgreSQL) with a
# clean export of the last commit in it.  As root the project lies below /root,
# which the user postgres cannot read, in a folder with a space and a letter
# beyond ASCII; as "user" it lies in the home of an ordinary user with sudo.
#
# Wants root, debootstrap and git.  Packages come from where this machine's apt
# takes them (or from MIRROR).  CHROOTS is the folder for chroots and logs
# (default /var/tmp/pg_recommend-chroots); the unpacked base systems stay there.
set -eu
PROJECT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
CHROOTS=${CHROOTS:-/var/tmp/pg_recommend-chroots}

die() {
    printf 'bare_debian.sh: %s\n' "$1" >&2
    exit 1
}
[ "$(id -u)" = 0 ] || die "needs root (it makes chroots)"
for tool in debootstrap git unshare; do
    command -v "$tool" >/dev/null 2>&1 || die "needs $tool"
done
git -C "$PROJECT" rev-parse --verify -q HEAD >/dev/null || die "the project is not a git repository with a commit"
if [ -z "${MIRROR:-}" ]; then
    # shellcheck disable=SC2016 # the format is apt's
    MIRROR=$(apt-get indextargets --format '$(SITE) $(ORIGIN) $(LABEL)' 'Created-By: Packages' |
        awk '$2 == "Debian" && $3 == "Debian" { print $1; exit }')
    [ -n "$MIRROR" ] || die "apt on this machine has no Debian archive; set MIRROR"
fi
[ $# -gt 0 ] || set -- bookworm:root trixie:root trixie:user
mkdir -p "$CHROOTS"

# inside ROOT COMMAND...: in the chroot, in namespaces of its own, so that mounts
# and servers end with the command.
inside() {
    root=$1
    shift
    unshare --mount --pid --fork --kill-child sh -c '
        mount --make-rprivate / && mount -t proc proc "$1/proc" && mount -t tmpfs tmpfs "$1/dev/shm" &&
            mount --bind /dev/pts "$1/dev/pts" || exit 1
        root=$1
        shift
        chroot "$root" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
            ${http_proxy:+"http_proxy=$http_proxy"} ${https_proxy:+"https_proxy=$https_proxy"} "$@"
        exit $?     # not exec: process 1 has to be one that reaps what is orphaned
        ' sh "$root" "$@"
}

# prove SUITE HOW: status 0 when all held; says what did not
prove() {
    suite=$1 how=$2
    base=$CHROOTS/$suite.tar
    root=$CHROOTS/$suite-$how
    log=$CHROOTS/$suite-$how.log
    printf '\n%s, as %s (log: %s)\n' "$suite" "$how" "$log"
    : >"$log"
    if [ ! -s "$base" ]; then
        rm -rf "$root"
        debootstrap --variant=minbase "$suite" "$root" "$MIRROR" >>"$log" 2>&1 || { echo "  debootstrap failed"; return 1; }
        # A frozen mirror's lists expire; that is not what is to be proved here.
        echo 'Acquire::Check-Valid-Until "false";' >"$root/etc/apt/apt.conf.d/99frozen-mirror"
        tar -C "$root" -cf "$base.part" . && mv "$base.part" "$base"
    fi
    rm -rf "$root"
    mkdir -p "$root"
    tar -C "$root" -xf "$base"

    if [ "$how" = root ]; then
        folder='/root/my projects/pg_recommend ä'
        as='' home=$root/root
        chmod 700 "$home"
    else
        folder=/home/dev/pg_recommend
        as='runuser -u dev --'
        inside "$root" sh -c 'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends sudo &&
            useradd -m dev && echo "dev ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/dev' >>"$log" 2>&1 </dev/null ||
            { echo "  the user cannot be made"; return 1; }
    fi
    mkdir -p "$root$folder"
    git -C "$PROJECT" archive HEAD | tar -C "$root$folder" -xf -
    [ "$how" = root ] || inside "$root" chown -R dev: "$folder"

    # One session for all steps: the server of the first one lives on to the next.
    cat >"$root/tmp/steps.sh" <<'STEPS'
cd "$1" || exit 1
result=0
# step NAME PATTERN COMMAND...: succeeds, and prints a line that matches
step() {
    name=$1 pattern=$2
    shift 2
    start=$(date +%s)
    status=0
    "$@" >/tmp/step.out 2>&1 </dev/null || status=$?
    { printf '\n======== %s\n' "$*"; cat /tmp/step.out; } >>/tmp/steps.log
    if [ "$status" = 0 ] && grep -q -e "$pattern" /tmp/step.out; then
        printf '  ok      %-18s %4s s   %s\n' "$name" $(($(date +%s) - start)) "$(grep -E '^[0-9]+ passed, ' /tmp/step.out)"
    else
        printf '  FAILED  %-18s exit status %s\n' "$name" "$status"
        tail -n 15 /tmp/step.out | sed 's/^/          | /'
        result=1
    fi
}
step 'quick start' personalized sh examples/quickstart.sh
step 'again' personalized sh examples/quickstart.sh
step '--stop' Stopped sh examples/quickstart.sh --stop
step 'again' personalized sh examples/quickstart.sh
step '--remove' Removed sh examples/quickstart.sh --remove
step 'tests' '^[1-9][0-9]* passed, 0 failed' sh test/run.sh
exit "$result"
STEPS
    result=0
    # shellcheck disable=SC2086 # $as is words
    inside "$root" $as sh /tmp/steps.sh "$folder" || result=1
    cat "$root/tmp/steps.log" >>"$log" 2>/dev/null || result=1
    if [ -d "$root/etc/postgresql" ] && [ -n "$(ls -A "$root/etc/postgresql")" ]; then
        echo "  FAILED  a cluster of Debian's was created: $(ls "$root/etc/postgresql"/*)"
        result=1
    fi
    [ "$result" != 0 ] || rm -rf "$root"
    return "$result"
}

bad=0
for target; do
    case $target in
        *:root | *:user) prove "${target%%:*}" "${target#*:}" || bad=$((bad + 1)) ;;
        *:*) die "what is $target? (SUITE, SUITE:root or SUITE:user)" ;;
        *) prove "$target" root || bad=$((bad + 1)) ;;
    esac
done
if [ "$bad" = 0 ]; then
    printf '\nBoth commands work on: %s\n' "$*"
else
    printf '\n%s of %s systems failed; their chroots are kept in %s\n' "$bad" $# "$CHROOTS"
    exit 1
fi
