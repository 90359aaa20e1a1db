#!/bin/bash
# ./autogen.sh           make ./configure (then: ./configure && make, as everywhere)
# ./autogen.sh --run     install what is missing, build, and serve on http://127.0.0.1:8080
# ./autogen.sh --check   install what is missing, build, run every test; ends "N passed, N failed"
# ./autogen.sh --serve   as --run, but serves the build in $SIMPLETUNER_BUILD without looking at it
#
# --run and --serve obey SIMPLETUNER_FRONT (lighttpd, apache, apache-fcgid), SIMPLETUNER_PORT,
# SIMPLETUNER_HOME and every setting of the service; see fcgi/serve.sh.
set -u
umask 022
cd "$(dirname "$0")" || exit 1

# Debian package and a file it brings, by which its absence is seen.
BUILD_PACKAGES='
        gcc                     /usr/bin/gcc
        libc6-dev               /usr/include/stdlib.h
        make                    /usr/bin/make
        autoconf                /usr/bin/autoconf
        automake                /usr/bin/automake
        pkg-config              /usr/bin/pkg-config
        libcurl4-openssl-dev    /usr/include/*/curl/curl.h
        libexpat1-dev           /usr/include/expat.h
        libfcgi-dev             /usr/include/fcgiapp.h
        libjansson-dev          /usr/include/jansson.h
        libpq-dev               /usr/include/postgresql/libpq-fe.h
        libsqlite3-dev          /usr/include/sqlite3.h
        libssl-dev              /usr/include/openssl/ssl.h
        libyaml-dev             /usr/include/yaml.h
        zlib1g-dev              /usr/include/zlib.h'
LIGHTTPD_PACKAGES='
        lighttpd                /usr/sbin/lighttpd'
APACHE_PACKAGES='
        apache2-bin             /usr/sbin/apache2
        libapache2-mod-fcgid    /usr/lib/apache2/modules/mod_fcgid.so
        libapache2-mod-xsendfile /usr/lib/apache2/modules/mod_xsendfile.so'
# What --run and the README's walk need at run time.
RUN_PACKAGES='
        ca-certificates         /etc/ssl/certs/ca-certificates.crt
        curl                    /usr/bin/curl
        jq                      /usr/bin/jq
        python3                 /usr/bin/python3
        python3-cryptography    /usr/lib/python3/dist-packages/cryptography'
CHECK_PACKAGES='
        awscli                  /usr/bin/aws
        bash-completion         /usr/share/bash-completion/bash_completion
        bsdextrautils           /usr/bin/col
        build-essential         /usr/bin/g++
        chromium                /usr/bin/chromium
        clang                   /usr/bin/clang
        clang-format            /usr/bin/clang-format
        clang-tidy              /usr/bin/clang-tidy
        debhelper               /usr/bin/dh
        dpkg-dev                /usr/bin/dpkg-buildpackage
        fail2ban                /usr/bin/fail2ban-regex
        iptables                /usr/sbin/iptables
        ldap-utils              /usr/bin/ldapmodify
        libclang-rt-dev         /usr/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a
        libcmocka-dev           /usr/include/cmocka.h
        libhiredis-dev          /usr/include/hiredis/hiredis.h
        libmariadb-dev          /usr/include/mariadb/mysql.h
        libsystemd-dev          /usr/include/systemd/sd-daemon.h
        lighttpd-mod-openssl    /usr/lib/lighttpd/mod_openssl.so
        lintian                 /usr/bin/lintian
        logrotate               /usr/sbin/logrotate
        mandoc                  /usr/bin/mandoc
        mariadb-server          /usr/sbin/mariadbd
        microsocks              /usr/bin/microsocks
        nodejs                  /usr/bin/node
        npm                     /usr/bin/npm
        openssl                 /usr/bin/openssl
        postgresql              /usr/lib/postgresql/*/bin/initdb
        prometheus              /usr/bin/promtool
        python3-boto3           /usr/lib/python3/dist-packages/boto3
        python3-psycopg2        /usr/lib/python3/dist-packages/psycopg2
        python3-pytest          /usr/lib/python3/dist-packages/pytest
        python3-requests        /usr/lib/python3/dist-packages/requests
        python3-yaml            /usr/lib/python3/dist-packages/yaml
        rclone                  /usr/bin/rclone
        redis-server            /usr/bin/redis-server
        s3cmd                   /usr/bin/s3cmd
        slapd                   /usr/sbin/slapd
        sqlite3                 /usr/bin/sqlite3
        squid-openssl           /usr/lib/squid/security_file_certgen
        systemd                 /usr/bin/systemd-analyze
        systemd-container       /usr/bin/systemd-nspawn
        tinyproxy-bin           /usr/bin/tinyproxy
        ufw                     /usr/sbin/ufw
        universal-ctags         /usr/bin/ctags-universal
        unzip                   /usr/bin/unzip
        xz-utils                /usr/bin/xz'

# Packages that bring a service, and its name.
declare -A SERVICES=([fail2ban]=fail2ban [lighttpd]=lighttpd [mariadb-server]=mariadb [postgresql]=postgresql
        [prometheus]=prometheus [redis-server]=redis-server [slapd]=slapd [squid-openssl]=squid)

say() {
        echo "autogen.sh: $*" >&2
}

# The packages of the lists given whose file is not there.
missing_packages() {
        local package file

        while read -r package file; do
                [ -z "$package" ] || compgen -G "$file" >/dev/null || echo "$package"
        done <<<"$*"
}

# lighttpd comes with a service that would take port 80, PostgreSQL with a cluster, Squid with a
# proxy, slapd with a directory, and so on. Whoever had none of them before gets only the programs: no service
# starts while we install, unless this machine has a policy of its own (nor, see below, when it boots).
without_services() {
        local policy=/usr/sbin/policy-rc.d status

        if [ -e "$policy" ]; then
                "$@"
                return
        fi
        # shellcheck disable=SC2064
        trap "${as_root[*]} rm -f $policy" EXIT
        "${as_root[@]}" sh -c "printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy"
        "$@"
        status=$?
        "${as_root[@]}" rm -f "$policy"
        trap - EXIT
        return $status
}

install_packages() {
        local packages service as_root=() apt=(env DEBIAN_FRONTEND=noninteractive apt-get -y -q)

        packages=$(missing_packages "$@")
        [ -n "$packages" ] || return 0
        packages=$(tr '\n' ' ' <<<"$packages")
        if [ "$(id -u)" -ne 0 ]; then
                as_root=(sudo -n)
                if ! sudo -n true 2>/dev/null; then
                        say "these packages are missing; run this as root and start again:"
                        echo "apt-get update && apt-get install -y $packages" >&2
                        exit 69
                fi
        fi
        say "installing $packages"
        # shellcheck disable=SC2086
        "${as_root[@]}" "${apt[@]}" update >&2 &&
                without_services "${as_root[@]}" "${apt[@]}" --no-install-recommends install \
                        $packages >&2
        for service in "${!SERVICES[@]}"; do
                [[ " $packages" != *" $service "* ]] ||
                        "${as_root[@]}" update-rc.d "${SERVICES[$service]}" disable >&2
        done
        if [ -n "$(missing_packages "$@")" ]; then
                say "these packages could not be installed: $(missing_packages "$@" | tr '\n' ' ')"
                exit 69
        fi
}

# ./configure, made again only when what it is made of has changed.
bootstrap() {
        if [ configure -nt configure.ac ] && [ Makefile.in -nt Makefile.am ] &&
                [ configure -nt Makefile.am ]; then
                return
        fi
        say "making ./configure"
        autoreconf -fi >&2 || exit 70
}

# A build of our own in build/run; a source tree that was configured in place is built in place,
# because automake refuses a second build beside it.
build_for_run() {
        build=build/run
        [ ! -e config.status ] || build=.
        mkdir -p "$build"
        if [ ! -e "$build/config.status" ]; then
                say "configuring in $build"
                (cd "$build" && "$OLDPWD/configure" --quiet >&2) || exit 70
        fi
        make -C "$build" --silent -j "$(nproc)" all >&2 || exit 70
}

front_packages() {
        case ${SIMPLETUNER_FRONT:-lighttpd} in
        apache*) echo "$APACHE_PACKAGES" ;;
        *) echo "$LIGHTTPD_PACKAGES" ;;
        esac
}

case ${1-} in
'')
        exec autoreconf -fi
        ;;
--run)
        install_packages "$BUILD_PACKAGES" "$RUN_PACKAGES" "$(front_packages)"
        bootstrap
        build_for_run
        SIMPLETUNER_BUILD=$build exec fcgi/serve.sh
        ;;
--serve)
        exec fcgi/serve.sh
        ;;
--check)
        install_packages "$BUILD_PACKAGES" "$RUN_PACKAGES" "$LIGHTTPD_PACKAGES" \
                "$APACHE_PACKAGES" "$CHECK_PACKAGES"
        bootstrap
        exec /usr/bin/python3 tests/run.py
        ;;
-h | --help)
        sed -n '2,8s/^# \{0,1\}//p' "$0"
        ;;
*)
        sed -n '2,8s/^# \{0,1\}//p' "$0" >&2
        exit 64
        ;;
esac
