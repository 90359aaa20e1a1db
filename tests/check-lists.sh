#!/bin/bash
# Lists that have to be kept by hand name everything there is.
set -u
. "$(dirname "$0")/check-common.sh"

# A test program is listed without its ending. The runners of bench and fuzz build their programs.
c_files core fcgi tests | grep -vE '^tests/(bench|fuzz)/' | while read -r file; do
        case $file in
        tests/*/test_*.c) name=${file%.c} ;;
        *) name=$file ;;
        esac
        grep -qE "(^|[[:space:]])${name//./\\.}([[:space:]]|\$)" Makefile.am || echo "$file"
done | report "lists: Makefile.am names every C file"

sed -n 's/^ *ROW("\([A-Z_]*\)".*/\1/p' core/base/settings.c | while read -r name; do
        grep -q "^| \`$name\` |" README.md || echo "$name"
done | report "lists: README.md has a line for every setting"

grep -o '^| `[A-Z_]*` |' README.md | tr -d '|` ' | while read -r name; do
        grep -qE "\"$name\"" core/base/settings.c core/base/config.c core/cloud/*.c core/cloud/*/*.c || echo "$name"
done | report "lists: every setting in README.md exists"
exit $status
