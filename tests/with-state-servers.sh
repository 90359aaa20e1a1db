#!/bin/bash
# with-state-servers.sh [--if-installed] COMMAND [ARGUMENT...]
#
# Run COMMAND with SIMPLETUNER_TEST_REDIS_URL and SIMPLETUNER_TEST_MYSQL_URL naming an empty Redis and
# an empty MariaDB that are made for it and gone afterwards, both on Unix sockets. REDISS and MYSQLS
# in place of REDIS and MYSQL: the same over TCP with TLS and a password, whose certificate is
# SIMPLETUNER_TEST_STATE_CA. Process ids are in redis.pid and mysql.pid of SIMPLETUNER_TEST_STATE_DIR;
# a server that ends is started again. A URL that is set already stays. With --if-installed a machine
# without a server's programs runs COMMAND without its variables. Exits as COMMAND does, or 69 when
# a server does not start.
set -u

optional=
if [ "${1-}" = --if-installed ]; then
        optional=yes
        shift
fi
if [ $# -eq 0 ]; then
        sed -n '2,11s/^# \{0,1\}//p' "$0" >&2
        exit 64
fi
PATH=$PATH:/usr/sbin

# wanted VARIABLE PROGRAM PACKAGE: is this server to be started?
wanted() {
        [ -z "${!1-}" ] || return 1
        command -v "$2" >/dev/null && return 0
        [ -n "$optional" ] && return 1
        echo "$0: $2 is missing: apt-get install $3" >&2
        exit 69
}

# A short path: a Unix socket's may have 107 bytes.
dir=$(mktemp -d /tmp/simpletuner-state.XXXXXX) || exit 73
chmod 755 "$dir"

# keep NAME COMMAND...: run a server, and start it again when it ends, until NAME.stop is there.
keepers=()
keep() {
        local name=$1

        shift
        while [ ! -e "$dir/$name.stop" ]; do
                "$@" >>"$dir/$name.log" 2>&1 </dev/null &
                echo $! >"$dir/$name.pid"
                wait $!
        done 2>>"$dir/$name.log" & # where bash says how it ended
        keepers+=($!)
}

# end NAME: a server that a test has stopped goes on first.
end() {
        local pid

        touch "$dir/$1.stop"
        pid=$(cat "$dir/$1.pid" 2>/dev/null) || return
        kill -CONT "$pid" 2>/dev/null
        kill -TERM "$pid" 2>/dev/null
}

finish() {
        local keeper

        end redis
        end mysql
        for keeper in "${keepers[@]}"; do
                wait "$keeper"
        done
        rm -rf "$dir"
}
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# until_answers NAME COMMAND...: wait for a server; COMMAND asks it.
until_answers() {
        local name=$1 tries

        shift
        for ((tries = 0; tries < 600; tries++)); do
                "$@" >/dev/null 2>&1 && return
                sleep 0.05
        done
        echo "$0: $name does not start:" >&2
        cat "$dir/$name.log" >&2
        exit 69
}

free_port() {
        /usr/bin/python3 -c 'import socket
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
print(listener.getsockname()[1])'
}

# One certificate for both servers.
make_certificate() {
        [ ! -e "$dir/ca.pem" ] || return 0
        openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost \
                -addext subjectAltName=DNS:localhost -keyout "$dir/key.pem" -out "$dir/ca.pem" \
                2>"$dir/openssl.log" || exit 69
        chmod 644 "$dir/key.pem" # the servers are other users
        export SIMPLETUNER_TEST_STATE_CA="$dir/ca.pem"
}
password='p@ss:w/rd %1' in_url='p%40ss%3Aw%2Frd%20%251'

if wanted SIMPLETUNER_TEST_REDIS_URL redis-server redis-server; then
        make_certificate
        port=$(free_port)
        cat >"$dir/redis.conf" <<EOF
port 0
tls-port $port
bind 127.0.0.1
tls-cert-file $dir/ca.pem
tls-key-file $dir/key.pem
tls-ca-cert-file $dir/ca.pem
tls-auth-clients no
unixsocket $dir/redis.sock
save ""
user tuner on ~* +@all "#$(printf %s "$password" | sha256sum | cut -d' ' -f1)"
EOF
        keep redis setpriv --pdeathsig=TERM -- redis-server "$dir/redis.conf"
        until_answers redis redis-cli -s "$dir/redis.sock" PING
        export SIMPLETUNER_TEST_REDIS_URL="unix://$dir/redis.sock"
        export SIMPLETUNER_TEST_REDISS_URL="rediss://tuner:$in_url@localhost:$port/3"
fi

if wanted SIMPLETUNER_TEST_MYSQL_URL mariadbd mariadb-server; then
        make_certificate
        as_owner=(setpriv)
        mkdir -m 755 "$dir/mysql"
        if [ "$(id -u)" -eq 0 ]; then # mariadbd refuses root
                chown mysql: "$dir/mysql" || exit 77
                as_owner+=(--reuid=mysql --regid=mysql --init-groups)
        fi
        # Nothing here outlives a power cut, so nothing is synced.
        options=(--no-defaults --datadir="$dir/mysql/data" --socket="$dir/mysql/sock"
                --innodb-flush-log-at-trx-commit=0 --innodb-log-file-size=16M
                --innodb-buffer-pool-size=64M)
        "${as_owner[@]}" -- mariadb-install-db "${options[@]}" --skip-test-db \
                --auth-root-authentication-method=normal >"$dir/mysql.log" 2>&1
        port=$(free_port)
        keep mysql "${as_owner[@]}" --pdeathsig=TERM -- mariadbd "${options[@]}" \
                --pid-file="$dir/mysql/pid" --bind-address=127.0.0.1 --port="$port" \
                --ssl-cert="$dir/ca.pem" --ssl-key="$dir/key.pem"
        ask=(mariadb --no-defaults --user=root --socket="$dir/mysql/sock" -e)
        until_answers mysql "${ask[@]}" 'CREATE DATABASE IF NOT EXISTS simpletuner'
        "${ask[@]}" "CREATE USER tuner@'%' IDENTIFIED BY '$password' REQUIRE SSL;
                GRANT ALL ON simpletuner.* TO tuner@'%'" || exit 69
        export SIMPLETUNER_TEST_MYSQL_URL="mysql://root@/simpletuner?socket=$dir/mysql/sock"
        export SIMPLETUNER_TEST_MYSQLS_URL="mysql://tuner:$in_url@localhost:$port/simpletuner?tls=1"
fi

export SIMPLETUNER_TEST_STATE_DIR="$dir"
"$@"
exit
