#!/bin/bash
# Words that belong in one place: SQL, the environment, foreign headers, HTTP statuses.
set -u
. "$(dirname "$0")/check-common.sh"

# The sources with comments blanked out, a line as "file:line:text". Arguments: directories.
code() {
        c_files "$@" | while read -r file; do
                awk -v file="$file" '
                {
                        out = ""
                        text = $0
                        while (text != "") {
                                if (inside) {
                                        at = index(text, "*/")
                                        if (at == 0) break
                                        text = substr(text, at + 2)
                                        inside = 0
                                } else if (match(text, /"([^"\\]|\\.)*"|\/\*/)) {
                                        if (substr(text, RSTART, 2) == "/*") {
                                                out = out substr(text, 1, RSTART - 1)
                                                inside = 1
                                        } else
                                                out = out substr(text, 1, RSTART + RLENGTH - 1)
                                        text = substr(text, RSTART + RLENGTH)
                                } else {
                                        out = out text
                                        break
                                }
                        }
                        print file ":" FNR ":" out
                }' "$file"
        done
}

# only RULE PATTERN PLACES: PATTERN occurs in no file but those whose name matches PLACES.
only() {
        grep -E "$2" <<<"$sources" | grep -vE "^($3):" | report "words: $1"
}

# calls NAME...: a pattern for calls of these functions.
calls() {
        local IFS='|'
        echo "(^|[^A-Za-z0-9_.>\"])($*)[[:space:]]*\("
}

sources=$(code core fcgi)

sql='SELECT .*|INSERT INTO |UPDATE [a-z_]+ SET|DELETE FROM|CREATE (TABLE|INDEX)|ON CONFLICT'
sql="$sql|ORDER BY|RETURNING "
only 'SQL only in core/store and core/db' "\"[^\"]*($sql)" 'core/(store|db)/[a-z_0-9]+\.[ch]'

only 'the environment is read in core/base/config.c' "$(calls getenv secure_getenv)" \
        'core/base/config\.c'

only 'sqlite3.h only in core/db' '#include <sqlite3' \
        'core/db/(db_sqlite|salvage_out|sqlite_copy|sqlite_hold|wal_source)\.c'
only 'libpq-fe.h only in core/db' '#include <libpq' 'core/db/(db_pgsql|pgsql_service)\.c'
only 'mysql.h only in core/db/db_mysql.c' '#include <(mysql|errmsg)' 'core/db/db_mysql\.c'
only 'hiredis.h only in core/cloud/limits/limit_redis.c' '#include <hiredis' 'core/cloud/limits/limit_redis\.c'
only 'fcgiapp.h only in fcgi/transport.c' '#include <(fcgi|fastcgi)' 'fcgi/transport\.c'
only 'curl.h only in core/cloud/http/http_transfer.h' '#include <curl/' 'core/cloud/http/http_transfer\.h'
only 'OpenSSL only in core/base/crypto.c' '#include <openssl/' 'core/base/crypto\.c'
only 'sd-daemon.h only in fcgi/service_manager.c' '#include <systemd/' 'fcgi/service_manager\.c'
only 'expat.h only in core/base/xml.c' '#include <expat' 'core/base/xml\.c'
only 'yaml.h only in core/cloud/secrets/secret_yaml.c' '#include <yaml' 'core/cloud/secrets/secret_yaml\.c'
only 'zlib.h only in core/base' '#include <zlib' 'core/base/(zip|gzip|gzip_member)\.c'
only 'jansson.h only in core/base/json.h' '#include <jansson' 'core/base/json\.h'

reasons='Bad Request|Unauthorized|Forbidden|Not Found|Method Not Allowed|Internal Server Error'
only 'HTTP statuses become words in fcgi' "\"[^\"]*($reasons|Service Unavailable)" 'fcgi/[a-z_]+\.c'

banned='strcpy strcat sprintf vsprintf strtok atoi atol atof gets system popen localtime gmtime'
# shellcheck disable=SC2086
only 'banned calls' "$(calls $banned)" ' '

find core fcgi tests autogen.sh configure.ac Makefile.am apache lighttpd -type f \
        -regex '.*\.\([ch]\|py\|sh\|js\|conf\|ac\|am\)' ! -name check-words.sh -print0 |
        xargs -0 grep -nE '(^|[^A-Za-z])(TODO|FIXME|XXX)([^A-Za-z]|$)' |
        report 'words: nothing is left for later'
exit $status
