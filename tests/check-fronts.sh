#!/bin/bash
# The configurations of lighttpd/ and apache/, as they are shipped, are accepted by the servers;
# only what they name on the disk is put where the test may make it.
set -u
. "$(dirname "$0")/check-common.sh"
PATH=$PATH:/usr/sbin

dir=$(mktemp -d /tmp/simpletuner-fronts.XXXXXX) || exit 73
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/static" "$dir/outputs"
install -m 755 /dev/null "$dir/simpletuner-cloud.fcgi"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
        -subj /CN=cloud.example.com -keyout "$dir/privkey.pem" -out "$dir/fullchain.pem" \
        2>/dev/null || exit 70

shipped() { # FILE
        sed -e "s|/etc/ssl/simpletuner-cloud|$dir|" -e "s|/var/log/lighttpd|$dir|" \
                -e "s|/usr/share/simpletuner-cloud|$dir|" -e "s|/var/lib/simpletuner-cloud|$dir|" \
                -e "s|/var/spool/simpletuner-cloud|$dir|" \
                -e "s|\${APACHE_LOG_DIR}|$dir|" -e "s|/usr/libexec/simpletuner-cloud|$dir|" \
                "$1" >"$dir/site.conf"
}

# Findings when the command fails, or says anything that looks like a warning.
quiet() {
        local output

        if ! output=$("$@" 2>&1) || grep -qiE 'warn|deprecated' <<<"$output"; then
                printf '%s\n' "${output:-$1 failed without a word}"
        fi
}

# apache_accepts SITE MODULE...
apache_accepts() {
        local site=$1 module

        shift
        {
                for module in mpm_event authz_core "$@"; do
                        echo "LoadModule ${module}_module /usr/lib/apache2/modules/mod_$module.so"
                done
                echo "ServerName localhost"
                echo "ErrorLog $dir/error.log"
                echo "TypesConfig /dev/null"
                echo "DefaultRuntimeDir $dir"
                echo "LogFormat \"%h %r\" combined"
                echo "Include $dir/site.conf"
        } >"$dir/main.conf"
        shipped "$site"
        quiet apache2 -t -d / -f "$dir/main.conf" | grep -v '^Syntax OK$' |
                report "fronts: Apache accepts ${site#"$dir/"}"
}

# The modules that the head of SITE tells the reader to enable are all it needs.
modules_of() {
        sed -n 's/^# *a2enmod //p' "$1"
}

shipped lighttpd/simpletuner-cloud.conf
quiet lighttpd -tt -f "$dir/site.conf" |
        report "fronts: lighttpd accepts lighttpd/simpletuner-cloud.conf"
for site in apache/simpletuner-cloud.conf apache/simpletuner-cloud-fcgid.conf; do
        # shellcheck disable=SC2046
        apache_accepts "$site" $(modules_of "$site")
done

# The snippets in a server that has a site of its own already.
awk -f apache/snippet.awk apache/simpletuner-cloud.conf >"$dir/snippet.conf"
# shellcheck disable=SC2046
apache_accepts "$dir/snippet.conf" $(modules_of "$dir/snippet.conf")
shipped lighttpd/simpletuner-cloud-snippet.conf
mv "$dir/site.conf" "$dir/snippet.conf"
{
        echo 'server.modules = ( "mod_indexfile", "mod_access", "mod_alias", "mod_redirect" )'
        echo 'server.document-root = "/var/www/html"'
        echo 'server.upload-dirs = ( "/var/tmp" )'
        echo 'server.http-parseopts = ( "header-strict" => "enable" )'
        echo 'index-file.names = ( "index.php" )'
        echo "include \"$dir/snippet.conf\""
        echo 'server.modules += ( "mod_dirlisting", "mod_staticfile" )'
} >"$dir/site.conf"
quiet lighttpd -tt -f "$dir/site.conf" |
        report "fronts: lighttpd accepts the snippet beside other settings"

# What the two lighttpd configurations map to each other: names, spaces and line ends aside.
pairs_of() { # FILE
        sed -e '/begin production/,/end production/d' -e 's/simpletuner_//g' -e 's/#.*//' "$1" | tr -d ' \n' |
                grep -oE '"[^"]*"=>("[^"]*"|\(*[a-z.]+)' | sort -u
}
diff <(pairs_of lighttpd/simpletuner-cloud.conf) <(pairs_of lighttpd/simpletuner-cloud-snippet.conf) |
        grep '^[<>]' | report "fronts: the snippet of lighttpd says what the whole configuration says"
exit $status
