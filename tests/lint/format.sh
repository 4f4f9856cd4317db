#!/bin/sh
# The whole tree as clang-format writes it. `tests/lint/format.sh --fix` writes it so.
set -eu
cd "$(dirname "$0")/../.."
mode="--dry-run -Werror"
[ "${1:-}" = --fix ] && mode=-i
files=$(git ls-files --cached --others --exclude-standard -- 'include/*.h' 'src/*.cpp' 'src/*.h' 'tests/*.cpp' 'tests/*.h')
existing=
for file in $files; do [ -f "$file" ] && existing="$existing $file"; done
# shellcheck disable=SC2086
exec clang-format $mode $existing
