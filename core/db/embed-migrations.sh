#!/bin/sh
# Turn migrations/NNNN_name[.sqlite|.pgsql].sql, given as arguments, into the C table that
# core/db/migrate.h declares, on standard output and sorted by version.
set -eu
LC_ALL=C
export LC_ALL

for file in "$@"; do
        if ! basename "$file" | grep -Eq '^[0-9]{4}_[a-z0-9_]+(\.sqlite|\.pgsql)?\.sql$'; then
                echo "$0: $file: the name must be NNNN_name[.sqlite|.pgsql].sql" >&2
                exit 65
        fi
done

for file in "$@"; do
        printf '%s\t%s\n' "$(basename "$file")" "$file"
done | sort | awk -F '\t' '
function quoted(line)
{
        gsub(/[\\"]/, "\\\\&", line)
        return "\"" line "\\n\""
}

BEGIN {
        print "/* Made by core/db/embed-migrations.sh from migrations/: change the files there. */"
        print "#include \"core/db/migrate.h\"\n"
        print "const struct migration_file migration_files[] = {"
}

{
        name = $1
        sub(/\.sql$/, "", name)
        dialect = "NULL"
        if (match(name, /\.(sqlite|pgsql)$/)) {
                dialect = "\"" substr(name, RSTART + 1) "\""
                name = substr(name, 1, RSTART - 1)
        }
        printf "        { .version = %d, .name = \"%s\", .dialect = %s, .sql =\n",
               substr(name, 1, 4) + 0, name, dialect
        while ((status = (getline line < $2)) > 0)
                print "          " quoted(line)
        if (status < 0) {
                print "cannot read " $2 > "/dev/stderr"
                failed = 1
                exit 1
        }
        close($2)
        print "          \"\" },"
}

END {
        if (failed)
                exit 1
        print "};\n"
        print "const size_t migration_file_count = sizeof(migration_files) / sizeof(migration_files[0]);"
}'
