#!/bin/bash
# Every C file is formatted as .clang-format says.
set -u
. "$(dirname "$0")/check-common.sh"

c_files core fcgi tests | xargs -r clang-format --dry-run -Werror 2>&1 |
        sed -n 's/^\([^ :]*:[0-9]*\):.*/\1/p' | sort -u -t: -k1,1 | report "format: clang-format"

find tests fcgi core autogen.sh configure.ac Makefile.am README.md apache lighttpd migrations \
        .ci -type f \( -name '*.*' -o -name run \) ! -name '*.o' ! -name '*.a' ! -name '*.pyc' \
        ! -name '*.log' ! -name '*.trs' ! -name '*.fcgi' ! -name '*.Po' -print0 |
        xargs -0 grep -nIE '[[:blank:]]+$' | report "format: no blanks at the end of a line"
exit $status
