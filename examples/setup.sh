# Shared by the scripts in examples/ and test/ (sourced, not run): finds or
# installs PostgreSQL and the build tools, builds and installs the extension,
# and keeps the private cluster of the examples.
#
# The caller sets PROJECT (absolute path of the project) and calls the functions
# it needs.  Variables in capitals are results for the caller.

# Nothing of the caller's environment may lead to a server other than ours.
unset PGHOST PGHOSTADDR PGPORT PGUSER PGDATABASE PGPASSWORD PGPASSFILE PGSERVICE PGSERVICEFILE \
    PGOPTIONS PGAPPNAME PGDATA PGCLUSTER PGSSLMODE PGCLIENTENCODING PGDATESTYLE PGTZ MAKEFLAGS
export LC_ALL=C.UTF-8
SUPPORTED='18 17 16 15'
LOG=$PROJECT/build/setup.log

die() {
    printf '\n%s: %s\n' "${0##*/}" "$1" >&2
    shift
    for line; do printf '  %s\n' "$line" >&2; done
    exit 1
}

# die, after the end of the log
die_with_log() {
    tail -n 20 "$LOG" 2>/dev/null | sed 's/^/  | /' >&2
    die "$1; the whole output is in $LOG"
}

# Runs a command quietly; shows the end of its output when it fails.
quietly() {
    "$@" >>"$LOG" 2>&1 </dev/null || die_with_log "failed: $*"
}

# need_root WHAT COMMAND: stops when as_root cannot work
need_root() {
    [ "$(id -u)" = 0 ] || command -v sudo >/dev/null 2>&1 || die "$1 needs root, and there is no sudo here. As root:" "$2"
}
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# as_user NAME COMMAND...: in a directory that any user can read, else every
# program of PostgreSQL complains about it.
as_user() {
    as_user_name=$1
    shift
    (
        cd / || exit 1
        if [ "$(id -u)" = "$(id -u "$as_user_name")" ]; then
            exec "$@"
        elif command -v setpriv >/dev/null 2>&1; then
            exec setpriv --reuid="$as_user_name" --regid="$(id -g "$as_user_name")" --init-groups \
                env HOME=/ USER="$as_user_name" LOGNAME="$as_user_name" "$@"
        else
            exec runuser -u "$as_user_name" -- env HOME=/ "$@"
        fi
    )
}

# ---------------------------------------------------------------- PostgreSQL

# Sets PGBIN and PGVER when there is a server of a supported version.
find_postgres() {
    PGBIN='' PGVER=''
    if [ -n "${PG_CONFIG:-}" ]; then
        PGBIN=$("$PG_CONFIG" --bindir) || die "PG_CONFIG=$PG_CONFIG does not run"
    else
        # A version with headers is preferred to a newer one without.
        for need in pg_config postgres; do
            for v in $SUPPORTED; do
                if [ -z "$PGBIN" ] && [ -x "/usr/lib/postgresql/$v/bin/postgres" ] &&
                    [ -x "/usr/lib/postgresql/$v/bin/$need" ]; then
                    PGBIN=/usr/lib/postgresql/$v/bin
                fi
            done
        done
        if [ -z "$PGBIN" ] && command -v pg_config >/dev/null 2>&1 && [ -x "$(pg_config --bindir)/postgres" ]; then
            PGBIN=$(pg_config --bindir)
        fi
    fi
    if [ -n "$PGBIN" ]; then
        [ -x "$PGBIN/postgres" ] || die "there is no postgres in $PGBIN"
        PGVER=$("$PGBIN/postgres" --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/')
        case " $SUPPORTED " in
            *" $PGVER "*) ;;
            *) die "PostgreSQL $PGVER in $PGBIN is not supported (15 to 18 are); set PG_CONFIG to choose another" ;;
        esac
    fi
}

have_extension() { [ -n "$PGBIN" ] && [ -f "$("$PGBIN/pg_config" --sharedir 2>/dev/null)/extension/$1.control" ]; }

# Lists what is missing, as names of Debian packages; @ stands for the version.
# $1: "test" adds what only the tests need.
missing_packages() {
    [ -n "$PGBIN" ] || echo "postgresql-@"
    # Debian's client package has the makefiles (--pgxs) but not the headers.
    { [ -n "$PGBIN" ] && [ -x "$PGBIN/pg_config" ] && [ -f "$("$PGBIN/pg_config" --pgxs)" ] &&
        [ -f "$("$PGBIN/pg_config" --includedir-server)/postgres.h" ]; } || echo "postgresql-server-dev-@"
    command -v "${CC:-gcc}" >/dev/null 2>&1 || echo gcc
    [ -f /usr/include/stdio.h ] || echo libc6-dev
    command -v make >/dev/null 2>&1 || echo make
    if [ "${1:-}" = test ]; then
        have_extension pgtap || echo "postgresql-@-pgtap"
        command -v pg_prove >/dev/null 2>&1 || echo libtap-parser-sourcehandler-pgtap-perl
        command -v prove >/dev/null 2>&1 || echo perl
        perl -MIPC::Run -e 1 2>/dev/null || echo libipc-run-perl
    fi
}

# Useful and not required: taken when apt knows the package, never a reason to run apt.
optional_packages() {
    have_extension pg_cron || echo "postgresql-@-cron"
}

# Installs what is missing with apt; without anything missing apt is not run.
# A cluster that Debian would create on first installation is held back.
install_missing() {
    kind=${1:-}
    find_postgres
    missing=$(missing_packages "$kind")
    [ -n "$missing" ] || return 0
    command -v apt-get >/dev/null 2>&1 ||
        die "missing here, and there is no apt-get to install it (names as in Debian):" $missing
    # shellcheck disable=SC2086 # names, one word each
    need_root "installing packages" "apt-get install $(echo $missing | sed "s/@/${PGVER:-NN}/g")"
    mkdir -p "${LOG%/*}" && : >>"$LOG" || die "cannot write to $PROJECT"
    printf 'Fetching the list of packages ...\n'
    # A source that does not answer need not matter; the installation will tell.
    as_root apt-get update -qq >>"$LOG" 2>&1 </dev/null || :
    version=$PGVER
    if [ -z "$version" ]; then
        version=$(apt-cache depends postgresql 2>/dev/null | sed -n 's/.*Depends: postgresql-\([0-9][0-9]*\)$/\1/p' | head -n 1)
        case " $SUPPORTED " in
            *" ${version:-none} "*) ;;
            *) die "this system's packages have no PostgreSQL 15 to 18 (found: ${version:-none})" ;;
        esac
    fi
    packages=$(printf '%s\n' "$missing" | sed "s/@/$version/")
    for package in $(optional_packages | sed "s/@/$version/"); do
        if apt-cache show "$package" >/dev/null 2>&1; then packages="$packages $package"; fi
    done
    # shellcheck disable=SC2086 # names, one word each
    set -- $packages
    printf 'Installing with apt (this may take a minute or two): %s\n' "$*"
    conf=/etc/postgresql-common/createcluster.conf
    held_back=
    if [ -z "$PGBIN" ] && [ ! -e "$conf" ]; then
        held_back=yes
        as_root mkdir -p "${conf%/*}"
        echo 'create_main_cluster = false' | as_root tee "$conf" >/dev/null
    fi
    status=0
    as_root env DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1 \
        apt-get install -y -qq --no-install-recommends "$@" >>"$LOG" 2>&1 </dev/null || status=$?
    if [ -n "$held_back" ]; then
        # Debian's own file takes its place again: later versions behave as usual.
        if [ -e "$conf.ucf-dist" ]; then as_root mv "$conf.ucf-dist" "$conf"; else as_root rm -f "$conf"; fi
    fi
    if [ "$status" != 0 ]; then
        grep -E '^(E|W|dpkg): ' "$LOG" | tail -n 10 | sed 's/^/  | /' >&2
        die "apt-get could not install the packages; the whole output is in $LOG"
    fi
    find_postgres
    still=$(missing_packages "$kind")
    [ -z "$still" ] || die "still missing after the installation:" $still
}

# ------------------------------------------------------- build and installation

# build_extension [make variables...]
build_extension() {
    mkdir -p "${LOG%/*}" && : >>"$LOG" || die "cannot write to $PROJECT" "(a copy or clone that belongs to you will do)"
    set -- make -C "$PROJECT" -s -j"$(nproc 2>/dev/null || echo 2)" PG_CONFIG="$PGBIN/pg_config" "$@"
    # Two runs at once must not write the same objects.
    if command -v flock >/dev/null 2>&1; then set -- flock "$PROJECT/build" "$@"; fi
    quietly "$@"
    VERSION=$(sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" "$PROJECT/pg_recommend.control")
}

# Copies the three files when they differ from what is there.
install_extension() {
    LIBDIR=$("$PGBIN/pg_config" --pkglibdir)
    EXTDIR=$("$PGBIN/pg_config" --sharedir)/extension
    if cmp -s "$PROJECT/pg_recommend.so" "$LIBDIR/pg_recommend.so" &&
        cmp -s "$PROJECT/pg_recommend.control" "$EXTDIR/pg_recommend.control" &&
        cmp -s "$PROJECT/sql/pg_recommend--$VERSION.sql" "$EXTDIR/pg_recommend--$VERSION.sql"; then
        return 0
    fi
    if [ -w "$LIBDIR" ] && [ -w "$EXTDIR" ]; then
        quietly make -C "$PROJECT" -s install PG_CONFIG="$PGBIN/pg_config"
    else
        need_root "installing into $LIBDIR" "make -C '$PROJECT' install PG_CONFIG=$PGBIN/pg_config"
        quietly as_root make -C "$PROJECT" -s install PG_CONFIG="$PGBIN/pg_config"
    fi
}

# ------------------------------------------------------------ the private cluster

# Who runs servers: PostgreSQL refuses root, so then it is Debian's user for it.
server_user() {
    if [ "$(id -u)" != 0 ]; then
        id -un
    elif id postgres >/dev/null 2>&1; then
        echo postgres
    else
        die "PostgreSQL does not run as root, and there is no user postgres here; run this as an ordinary user"
    fi
}

# Sets OWNER (the user the server runs as) and CLUSTER (its folder), which is
# .cluster in the project.  Where that user cannot reach the project, or the path
# is too long for a socket, .cluster is a link to a folder in /var/tmp.
locate_cluster() {
    LINK=$PROJECT/.cluster
    if [ -e "$LINK" ]; then
        OWNER=$(stat -L -c %U "$LINK")
        [ "$(id -u)" = 0 ] || [ "$OWNER" = "$(id -un)" ] ||
            die "the example cluster ($LINK) belongs to $OWNER; run this as $OWNER or as root"
        CLUSTER=$(readlink -f "$LINK")
        return 0
    fi
    OWNER=$(server_user) || exit 1
    CLUSTER=$LINK
}

make_cluster_folder() {
    [ ! -e "$LINK" ] || return 0
    rm -f "$LINK"
    length=$(printf '%s' "$LINK/run/.s.PGSQL.5432" | wc -c)
    if [ "$length" -le 100 ] && as_user "$OWNER" test -x "$PROJECT"; then
        mkdir -m 700 "$LINK" || die "cannot write to $PROJECT"
    else
        CLUSTER=/var/tmp/pg_recommend-$(printf '%s' "$PROJECT" | cksum | cut -d' ' -f1)
        # The folder is used only if nobody else can have made it.
        if mkdir -m 700 "$CLUSTER" 2>/dev/null; then
            printf 'The cluster is kept in %s: the project lies where %s.\n' "$CLUSTER" \
                "$([ "$length" -le 100 ] && echo "the user $OWNER has no access" || echo 'the path is too long for a socket')"
        elif [ "$(stat -c %U "$CLUSTER")" != "$OWNER" ] || [ -L "$CLUSTER" ]; then
            die "$CLUSTER exists and is not ours"
        fi
        ln -s "$CLUSTER" "$LINK" || die "cannot write to $PROJECT"
    fi
    if [ "$(id -u)" = 0 ]; then chown "$OWNER" "$CLUSTER"; fi
}

cluster_is_running() { as_user "$OWNER" "$PGBIN/pg_ctl" -D "$CLUSTER/data" status >/dev/null 2>&1; }

# Makes the cluster if there is none, and starts it.
start_cluster() {
    locate_cluster
    make_cluster_folder
    if [ ! -s "$CLUSTER/data/PG_VERSION" ]; then
        as_user "$OWNER" rm -rf "$CLUSTER/data"
        quietly as_user "$OWNER" "$PGBIN/initdb" -D "$CLUSTER/data" -U postgres -A trust \
            --encoding=UTF8 --locale=C.UTF-8
        # pg_cron looks for its database from the first start on.
        as_user "$OWNER" sh -c 'echo "CREATE DATABASE shop" | "$1" --single -D "$2/data" postgres' sh \
            "$PGBIN/postgres" "$CLUSTER" >>"$LOG" 2>&1 || die_with_log "cannot create a database"
        as_user "$OWNER" sh -c 'echo "include_if_exists = '\''example.conf'\''" >>"$1/data/postgresql.conf"' sh "$CLUSTER"
    elif [ "$(cat "$CLUSTER/data/PG_VERSION")" != "$PGVER" ]; then
        die "the example cluster was made with PostgreSQL $(cat "$CLUSTER/data/PG_VERSION"), this is $PGVER" \
            "sh examples/quickstart.sh --remove    removes it"
    fi
    if ! cluster_is_running; then
        # Written at each start: the folder may have moved, pg_cron may be new.
        {
            echo "listen_addresses = ''"
            printf "unix_socket_directories = '\"%s\"'\n" "$(printf '%s' "$CLUSTER/run" | sed "s/'/''/g")"
            echo 'unix_socket_permissions = 0700'
            echo 'port = 5432'
            echo 'max_worker_processes = 16'
            echo "timezone = 'UTC'"
            if have_extension pg_cron; then
                echo "shared_preload_libraries = 'pg_cron'"
                echo "cron.database_name = 'shop'"
                echo 'cron.use_background_workers = on'
            fi
        } | as_user "$OWNER" sh -c 'mkdir -p -m 700 "$1/run" && cat >"$1/data/example.conf"' sh "$CLUSTER"
        if ! as_user "$OWNER" "$PGBIN/pg_ctl" -D "$CLUSTER/data" -l "$CLUSTER/server.log" -w -t 60 start >/dev/null 2>&1 </dev/null; then
            tail -n 15 "$CLUSTER/server.log" 2>/dev/null | sed 's/^/  | /' >&2
            die "the example cluster does not start; its log is $CLUSTER/server.log"
        fi
    fi
}

stop_cluster() {
    locate_cluster
    [ -d "$CLUSTER/data" ] || return 0
    if cluster_is_running; then
        as_user "$OWNER" "$PGBIN/pg_ctl" -D "$CLUSTER/data" -m fast -w stop >/dev/null ||
            die "the example cluster does not stop; its log is $CLUSTER/server.log"
    fi
}

# psql in the private cluster: in_db DATABASE [options...]
# (-q and terse messages: only what there is to read.)
in_db() {
    db=$1
    shift
    "$PGBIN/psql" -X -q -v ON_ERROR_STOP=1 -v VERBOSITY=terse -P footer=off -P pager=off \
        -h "$CLUSTER/run" -p 5432 -U postgres -d "$db" "$@"
}

# Everything up to a running cluster whose database "shop" has the extension as
# it stands now.  When the extension has changed, models made with the former one
# are dropped: this cluster is for trying things.
set_up_example() {
    [ ! -e "$LOG" ] || rm -f "$LOG"
    install_missing
    build_extension
    install_extension
    start_cluster
    fingerprint=$(cat "$PROJECT/pg_recommend.so" "$PROJECT/sql/pg_recommend--$VERSION.sql" | cksum)
    if [ "$(in_db shop -At -c "SELECT obj_description(oid, 'pg_extension') FROM pg_extension WHERE extname = 'pg_recommend'")" \
        != "$fingerprint" ]; then
        in_db shop -v fingerprint="$fingerprint" >>"$LOG" 2>&1 <<'SQL' || die_with_log "the example database cannot be prepared"
SET client_min_messages = warning;
SELECT to_regclass('rec.model') IS NOT NULL AS has_models \gset
\if :has_models
  SELECT format('DROP SCHEMA IF EXISTS %I CASCADE', model) FROM rec.model \gexec
\endif
DROP EXTENSION IF EXISTS pg_recommend CASCADE;
DROP SCHEMA IF EXISTS rec CASCADE;
CREATE EXTENSION pg_recommend;
COMMENT ON EXTENSION pg_recommend IS :'fingerprint';
SQL
    fi
}

# ------------------------------------------------------------- what is shown

heading() { printf '\n%s\n\n' "$1"; }
seconds_now() { date +%s.%N; }
seconds_since() { awk -v a="$1" -v b="$(seconds_now)" 'BEGIN { printf "%.1f s", b - a }'; }

# Runs SQL from stdin and shows what it says, indented; notices without their
# label, an empty line only where the SQL says \echo ~.
show() {
    rm -f "$LOG.failed"
    { in_db shop "$@" 2>&1 || : >"$LOG.failed"; } |
        sed -u -e 's/^NOTICE:  //' -e '/^$/d' -e 's/^~$//' -e 's/^./   &/'
    if [ -e "$LOG.failed" ]; then
        rm -f "$LOG.failed"
        die "the step above failed (server log: $CLUSTER/server.log)"
    fi
}

# show_way_on MODEL
show_way_on() {
    psql=$(command -v psql || echo "$PGBIN/psql")
    heading 'Go on from here'
    printf "   %s -h '%s' -U postgres shop\n\n" "${psql##*/bin/}" "$CLUSTER/run"
    cat <<NEXT
   SELECT * FROM rec.evaluate('$1', k => '{10}') WHERE segment = 'all';   -- beside baselines, with intervals
   SELECT * FROM rec.advise('$1');                                        -- which algorithm and settings, and why
   SELECT rec.report('$1') \\g (format=unaligned tuples_only) $1.html     -- the model on one page

NEXT
    printf '   sh examples/quickstart.sh --stop      stops the cluster; without --stop it starts again\n'
    printf '   sh examples/quickstart.sh --remove    removes it\n'
}
