#!/bin/bash
# Sizes that keep a file and a function readable at one sitting. Universal Ctags measures functions.
set -u
. "$(dirname "$0")/check-common.sh"

FILE_LINES=500 HEADER_LINES=120 FUNCTION_LINES=60 PARAMETERS=5

longer_than() { # LIMIT, file names on standard input
        xargs -r wc -l |
                awk -v limit="$1" '$2 != "total" && $1 > limit { print $2 ": " $1 " lines" }'
}

# "file:line name lines parameters variadic?" of each function
functions() {
        c_files core fcgi tests |
                xargs -r ctags-universal --languages=C --map-C=+.h --kinds-C=f \
                        --fields=+neS --output-format=json -f - |
                /usr/bin/python3 -c '
import json, sys
for line in sys.stdin:
    tag = json.loads(line)
    signature = tag.get("signature", "()").strip()[1:-1]
    depth, parameters = 0, 1 if signature.strip() not in ("", "void") else 0
    for letter in signature:
        depth += (letter in "([") - (letter in ")]")
        parameters += letter == "," and depth == 0
    lines = tag.get("end", tag["line"]) - tag["line"] + 1
    print(tag["path"] + ":" + str(tag["line"]), tag["name"], lines, parameters,
          "variadic" if "..." in signature else "")'
}

c_files core fcgi tests | grep '\.c$' | longer_than $FILE_LINES |
        report "budgets: a file has at most $FILE_LINES lines"
find tests fcgi core autogen.sh -type f \( -name '*.py' -o -name '*.sh' -o -name '*.js' \) |
        longer_than $FILE_LINES | report "budgets: a script has at most $FILE_LINES lines"
c_files core fcgi tests | grep '\.h$' | longer_than $HEADER_LINES |
        report "budgets: a header has at most $HEADER_LINES lines"

measured=$(functions)
[ -n "$measured" ] || measured="ctags-universal found-no-function 999999 999999"
awk -v limit=$FUNCTION_LINES '$3 > limit { print $1, $2 ": " $3 " lines" }' <<<"$measured" |
        report "budgets: a function has at most $FUNCTION_LINES lines"
awk -v limit=$PARAMETERS '$4 > limit && $5 == "" { print $1, $2 ": " $4 " parameters" }' \
        <<<"$measured" | report "budgets: a function has at most $PARAMETERS parameters"
exit $status
