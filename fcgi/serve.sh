#!/bin/bash
# Serve a build in the foreground: the responder behind a front server of its own, both run from
# here with variants of the configurations in lighttpd/ and apache/. "./autogen.sh --run" ends here.
#
#   SIMPLETUNER_FRONT          lighttpd (default), apache or apache-fcgid
#   SIMPLETUNER_PORT           port on 127.0.0.1, default 8080
#   SIMPLETUNER_HOME           default ~/.simpletuner; made if missing. run/responder.pid is there
#   SIMPLETUNER_BUILD          directory of the build, default: where this file's project is
#   SIMPLETUNER_APACHE_REUSE   1: Apache keeps its connections to the responder open
#   SIMPLETUNER_FRONT_INCLUDE  a file with more for the front server: lighttpd reads it last, Apache
#                              last in the site; to try a login by LDAP, for example
#   SIMPLETUNER_APACHE_MODULES modules that Apache needs for that: "auth_basic authn_core ..."
#
# All other settings reach the programs as they are. Standard output gets one line when the service
# answers. SIGTERM, SIGINT and SIGHUP stop everything; so does the end of the front server. A
# responder that dies is started again.
set -u

source=$(cd "$(dirname "$0")/.." && pwd) || exit 1
front=${SIMPLETUNER_FRONT:-lighttpd}
port=${SIMPLETUNER_PORT:-8080}
build=$(cd "${SIMPLETUNER_BUILD:-$source}" && pwd) || exit 66
home=${SIMPLETUNER_HOME:-$HOME/.simpletuner}
home=${home/#\~\//$HOME/}
reuse=${SIMPLETUNER_APACHE_REUSE:-0}
include=${SIMPLETUNER_FRONT_INCLUDE:-}
read -r -a more_modules <<<"${SIMPLETUNER_APACHE_MODULES:-}"
responder=$build/fcgi/simpletuner-cloud.fcgi
companion=$build/core/cron/simpletuner-cloud
url=http://127.0.0.1:$port
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

READY_PATH=/api/cloud/health/ready
STOP_SECONDS=15      # then what still runs is killed
APACHE_WORKERS=256   # requests that Apache answers at once
REUSE_WORKERS=64     # the same with reuse: each may hold a thread of each pool

say() {
        echo "simpletuner-cloud: $*" >&2
}

fail() { # STATUS MESSAGE
        say "$2"
        exit "$1"
}

# ---- what there is to run ----

check_settings() {
        case $front in
        lighttpd | apache | apache-fcgid) ;;
        *) fail 64 "SIMPLETUNER_FRONT is '$front'; it may be lighttpd, apache or apache-fcgid" ;;
        esac
        if ! [[ $port =~ ^[0-9]{1,5}$ ]] || ((port < 1 || port > 65535)); then
                fail 64 "SIMPLETUNER_PORT is '$port'; it may be 1 to 65535"
        fi
        case $home in
        /*) ;;
        *) fail 64 "SIMPLETUNER_HOME is '$home'; it must be an absolute path" ;;
        esac
        [ -z "$include" ] || [ -r "$include" ] ||
                fail 66 "SIMPLETUNER_FRONT_INCLUDE is '$include', which cannot be read"
        case $home in
        *[\"\\\$\']*) fail 64 "SIMPLETUNER_HOME may not contain quotes, \$ or \\" ;;
        esac
        [ -x "$responder" ] || fail 66 "$responder is missing: build first"
        [ -x "$companion" ] || fail 66 "$companion is missing: build first"
}

make_directories() {
        [ -d "$home" ] || mkdir -p -m 0700 "$home" || exit 73
        mkdir -p -m 0700 "$home/run" "$home/run/spool" || exit 73
        mkdir -p -m 0700 "$home/outputs" || exit 73
        # Sockets have short paths, so not below $home.
        run=$(mktemp -d /tmp/simpletuner-cloud.XXXXXX) || exit 73
}

# A database that was made by an older version is moved forward; a new one is made. Whatever is
# wrong with the settings is said here, before anything serves.
migrate() {
        "$companion" migrate >&2
        case $? in
        0) ;;
        78) exit 78 ;;
        *) say "migrate failed; the service says so on $READY_PATH until that is mended" ;;
        esac
}

# ---- front server configurations ----

# The file on standard input without its production part, and with NAME=VALUE pairs in the first
# block. $1 is a sed pattern of what stands before a value, with NAME for its name.
variant() {
        local before=$1 pair script='/--- begin production ---/,/--- end production ---/d'

        shift
        for pair in "$@"; do
                script+=$'\n'"s|^${before/NAME/${pair%%=*}}.*|\\1$(quote_for_sed "${pair#*=}")|"
        done
        sed "$script"
}

quote_for_sed() {
        printf '%s' "$1" | sed 's/[&|\\]/\\&/g'
}

configure_lighttpd() {
        variant '\(var\.NAME *= \)' "sockets=\"$run\"" "static=\"$source/fcgi/static\"" \
                "outputs=\"$home/outputs\"" "spool=\"$home/run/spool\"" \
                "pidfile=\"$run/front.pid\"" 'address="127.0.0.1"' "port=$port" \
                <"$source/lighttpd/simpletuner-cloud.conf" >"$run/front.conf"
        [ -z "$include" ] || echo "include \"$include\"" >>"$run/front.conf"
}

# What Debian's apache2.conf does for a site: modules, listener, limits.
apache_base() {
        local module directory=/usr/lib/apache2/modules workers=$APACHE_WORKERS

        [ "$reuse" = 1 ] && workers=$REUSE_WORKERS

        for module in alias authz_core dir env headers mime mpm_event reqtimeout setenvif \
                xsendfile "$@"; do
                echo "LoadModule ${module}_module $directory/mod_$module.so"
        done
        cat <<CONF
ServerName 127.0.0.1
Listen 127.0.0.1:$port
PidFile "$run/front.pid"
Mutex "file:$run" default
DefaultRuntimeDir "$run"
TypesConfig /dev/null
ErrorLog /dev/stderr
LogLevel warn
ThreadsPerChild 32
ServerLimit $((workers / 32))
StartServers 2
MinSpareThreads 16
MaxSpareThreads $workers
MaxRequestWorkers $workers
Include "$run/site.conf"
CONF
}

# configure_apache FILE MODULE... -- NAME=VALUE...: the site, and the rest around it.
configure_apache() {
        local site=$1 outputs=$home/outputs modules=()

        shift
        while [ "$1" != -- ]; do
                modules+=("$1")
                shift
        done
        shift
        [[ $outputs =~ ^[A-Za-z0-9._~/-]+$ ]] || outputs=$run/none # downloads through FastCGI
        variant '\(Define SIMPLETUNER_NAME \)' "ADDRESS=127.0.0.1:$port" \
                "STATIC=\"$source/fcgi/static\"" "OUTPUTS=$outputs" "$@" \
                <"$source/apache/$site" >"$run/site.conf"
        [ -z "$include" ] ||
                sed -i "s|^</VirtualHost>|Include \"$(quote_for_sed "$include")\"\n&|" "$run/site.conf"
        apache_base "${modules[@]}" "${more_modules[@]}" >"$run/front.conf"
}

configure_proxy_fcgi() {
        local keep=Off

        [ "$reuse" = 1 ] && keep=On
        configure_apache simpletuner-cloud.conf proxy proxy_fcgi -- "SOCKETS=$run" "REUSE=$keep"
}

# mod_fcgid starts the responder without an environment: a program of ours brings it along.
configure_fcgid() {
        local program=$run/bin/responder

        mkdir "$run/bin" || exit 73
        {
                echo '#!/bin/bash'
                export -p
                printf 'exec %q "$@"\n' "$responder"
        } >"$program"
        chmod 0700 "$program"
        configure_apache simpletuner-cloud-fcgid.conf fcgid -- "RESPONDER=$program"
        cat >>"$run/front.conf" <<CONF
FcgidIPCDir "$run"
FcgidProcessTableFile "$run/fcgid.shm"
CONF
}

# ---- processes ----

# Start "$@" in the background; it ends when this shell does, however that ends. Sets $started.
start() {
        setpriv --pdeathsig TERM -- "$@" </dev/null >&2 &
        started=$!
}

# Apache refuses to serve as root. As www-data it would not reach what belongs to root, so it keeps
# the one capability for that: no more than lighttpd and the responder have, which run as root. It
# opens /dev/stderr by name, which always works with a pipe of ours.
start_apache() {
        local as_user=()

        if [ "$(id -u)" -eq 0 ]; then
                chown www-data: "$run" || exit 71
                as_user=(--reuid www-data --regid www-data --init-groups
                        --inh-caps=-all,+dac_override --ambient-caps=-all,+dac_override
                        --bounding-set=-all,+dac_override
                        --securebits=+no_setuid_fixup) # access(2) is to count the capability too
        fi
        setpriv "${as_user[@]}" --pdeathsig TERM -- apache2 -DFOREGROUND -d / -f "$run/front.conf" \
                </dev/null 2> >(trap '' HUP INT TERM; exec cat >&2) >&2 &
        started=$!
}

start_front() {
        case $front in
        lighttpd)
                configure_lighttpd
                start lighttpd -D -f "$run/front.conf"
                ;;
        apache)
                configure_proxy_fcgi
                start_apache
                ;;
        apache-fcgid)
                configure_fcgid
                start_apache
                ;;
        esac
        front_pid=$started
}

start_responder() {
        local threads=()

        if [ "$front" = apache ] && [ "$reuse" = 1 ]; then
                threads=(--threads $((REUSE_WORKERS + 8)) --bulk-threads $((2 * REUSE_WORKERS)))
        fi
        start "$responder" --listen "$run/api.sock" --listen-bulk "$run/bulk.sock" \
                --socket-mode 0660 "${threads[@]}"
        responder_pid=$started
        responder_started=$SECONDS
        echo "$responder_pid" >"$home/run/responder.pid.new" &&
                mv "$home/run/responder.pid.new" "$home/run/responder.pid"
}

# The front server's pid file comes when it has its port: until then another's service may be there.
announce_when_ready() {
        local ask=(curl --silent --fail --noproxy '*' --max-time 5 --output /dev/null)

        until [ -s "$run/front.pid" ] && "${ask[@]}" "$url$READY_PATH"; do
                sleep 0.05
        done
        : >"$run/ready"
        echo "SimpleTuner Cloud is ready at $url"
}

# End the process and wait for it; after the deadline, kill it.
stop() {
        local pid=$1 deadline=$((SECONDS + STOP_SECONDS))

        [ -n "$pid" ] || return
        kill -TERM "$pid" 2>/dev/null
        while kill -0 "$pid" 2>/dev/null; do
                ((SECONDS < deadline)) || kill -KILL "$pid" 2>/dev/null
                sleep 0.02
        done
        wait "$pid" 2>/dev/null
}

finish() {
        trap '' HUP INT TERM
        stop "$announcer"
        stop "$front_pid"
        stop "$responder_pid"
        [ -z "$responder_pid" ] || rm -f "$home/run/responder.pid"
        rm -rf "$run"
}

responder_ended() { # STATUS
        responder_pid=
        if [ ! -e "$run/ready" ] && [ "$1" -lt 128 ]; then
                fail "$1" "the responder ended with status $1 before it was ready"
        fi
        say "the responder ended with status $1 and is started again"
        ((SECONDS > responder_started)) || sleep 0.5
        start_responder
}

has_ended() { # PID; empty: there is none that could
        [ -n "$1" ] && ! kill -0 "$1" 2>/dev/null
}

# Until we are told to stop. Not with "wait -n": a signal at the wrong moment makes bash 5.2 wait
# for a child that is gone already.
watch() {
        while [ -z "$stopping" ]; do
                if has_ended "$front_pid"; then
                        wait "$front_pid"
                        fail 70 "$front ended with status $?"
                fi
                if has_ended "$responder_pid"; then
                        wait "$responder_pid"
                        responder_ended $?
                fi
                sleep 0.2
        done
}

front_pid= responder_pid= announcer= run= stopping=
check_settings
export SIMPLETUNER_HOME=$home
trap finish EXIT
trap 'stopping=yes' HUP INT TERM
make_directories
migrate
[ "$front" = apache-fcgid ] || start_responder
start_front
announce_when_ready &
announcer=$!
watch
