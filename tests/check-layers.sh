#!/bin/bash
# Dependencies point one way: base <- db <- store <- cloud <- {cron, fcgi}. An include names its
# file from the project's directory, so the rule is one search per directory.
set -u
. "$(dirname "$0")/check-common.sh"

# layer DIRECTORY ALLOWED: what the files of DIRECTORY may include of the project.
layer() {
        c_files "$1" | xargs -r grep -HnE '^#include "' | grep -vE "\"($2)/([a-z0-9]+/)?[a-z0-9_]+\.h\"" |
                report "layers: $1 includes only $2"
}

layer core/base 'core/base'
layer core/db 'core/base|core/db'
layer core/store 'core/base|core/db|core/store'
layer core/cloud 'core/base|core/db|core/store|core/cloud'
layer core/cron 'core/base|core/db|core/cloud|core/cron'
layer fcgi 'core/base|core/db|core/cloud|fcgi'

# Above the store, the database is for transactions (core/cloud) and for starting (the mains).
c_files fcgi core/cron | grep -v '/main\.c$' | xargs -r grep -HnE '^#include "core/db/' |
        report "layers: front ends open the database in main.c alone"
exit $status
