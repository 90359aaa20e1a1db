#!/bin/bash
# with-postgresql.sh [--if-installed] COMMAND [ARGUMENT...]
#
# Run COMMAND with SIMPLETUNER_TEST_PGSQL_URL naming an empty database of a PostgreSQL cluster that
# is made for it and gone afterwards. A URL that is set already is used as it is. With
# --if-installed a machine without PostgreSQL's server programs runs COMMAND without the variable.
# Exits as COMMAND does, or 69 when there is no cluster to be had.
set -u

optional=
if [ "${1-}" = --if-installed ]; then
        optional=yes
        shift
fi
if [ $# -eq 0 ]; then
        sed -n '2,7s/^# \{0,1\}//p' "$0" >&2
        exit 64
fi
if [ -n "${SIMPLETUNER_TEST_PGSQL_URL-}" ]; then
        exec "$@"
fi

programs=$(dirname "$(ls -1 /usr/lib/postgresql/*/bin/initdb 2>/dev/null | sort -V | tail -n 1)")
if [ ! -x "$programs/initdb" ]; then
        [ -n "$optional" ] && exec "$@"
        echo "$0: PostgreSQL's server programs are missing: apt-get install postgresql" >&2
        exit 69
fi

# A short path: a Unix socket's may have 107 bytes.
dir=$(mktemp -d /tmp/simpletuner-pg.XXXXXX) || exit 73
chmod 755 "$dir"

as_owner=(setpriv)
if [ "$(id -u)" -eq 0 ]; then # initdb and postgres refuse root
        chown postgres: "$dir" || exit 77
        as_owner+=(--reuid=postgres --regid=postgres --init-groups)
fi

server=
finish() {
        if [ -n "$server" ]; then
                kill -INT "$server" 2>/dev/null # fast shutdown
                wait "$server"
        fi
        rm -rf "$dir"
}
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

cluster_fails() {
        echo "$0: PostgreSQL did not start:" >&2
        cat "$dir/log" >&2
        exit 69
}

cd "$dir" || exit 73
"${as_owner[@]}" -- "$programs/initdb" --pgdata="$dir/data" --username=simpletuner --auth=trust \
        --encoding=UTF8 --locale=C --no-sync >"$dir/log" 2>&1 || cluster_fails
cd "$OLDPWD" || exit 73

# Nothing here outlives a power cut, so nothing is synced.
"${as_owner[@]}" --pdeathsig=INT -- "$programs/postgres" -D "$dir/data" -k "$dir" \
        -c listen_addresses= -c fsync=off -c max_connections=200 >>"$dir/log" 2>&1 </dev/null &
server=$!

for ((tries = 0; tries < 600; tries++)); do
        kill -0 "$server" 2>/dev/null || cluster_fails
        "$programs/pg_isready" --quiet --host="$dir" && break
        sleep 0.05
done
"$programs/createdb" --host="$dir" --username=simpletuner simpletuner || cluster_fails

export SIMPLETUNER_TEST_PGSQL_URL="postgresql://simpletuner@/simpletuner?host=$dir"
"$@"
exit
