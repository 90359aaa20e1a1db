# For the check-*.sh scripts, which source it: run from the project's directory, one line a rule.
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
status=0

# The C files of the project, generated ones left out. Arguments: directories.
c_files() {
        find "$@" -name '*.[ch]' ! -name migrations_embedded.c | sort
}

# report RULE: FAIL with the findings on standard input, PASS when there are none.
report() {
        local findings

        findings=$(cat)
        if [ -z "$findings" ]; then
                echo "PASS: $1"
        else
                printf '%s\n' "$findings" | sed 's/^/    /'
                echo "FAIL: $1"
                status=1
        fi
}
