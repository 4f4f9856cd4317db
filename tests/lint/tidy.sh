#!/bin/sh
# clang-tidy with .clang-tidy over src/, as build/dev compiles it: a file costs seconds, all of them minutes.
#
#   tests/lint/tidy.sh             all
#   tests/lint/tidy.sh --changed   what differs from the commit before the last, and what is not committed
#   tests/lint/tidy.sh FILE…       these
set -eu
cd "$(dirname "$0")/../.."
build=${FORTIUM_BUILD:-build/dev}
[ -f "$build/compile_commands.json" ] || { echo "$build is not configured: cmake --preset dev"; exit 1; }
# gcc's precompiled headers say nothing to clang; every file includes what it uses anyway.
plain=$(mktemp -d)
trap 'rm -rf "$plain"' EXIT
sed -e 's/ -Winvalid-pch//g' -e 's/ -include [^ ]*cmake_pch\.hxx//g' "$build/compile_commands.json" \
  >"$plain/compile_commands.json"
# What is configured, not what lies around: the service may be left out.
compiled=$(sed -n "s|^ *\"file\": \"$PWD/\(src/.*\.cpp\)\",\{0,1\}\$|\1|p" "$build/compile_commands.json" | sort -u)
case ${1:-} in
  '') set -- $compiled ;;
  --changed)
    base=$(git rev-parse --verify --quiet HEAD~1 || git hash-object -t tree /dev/null)
    touched=$(git diff --name-only --diff-filter=d "$base" -- src; git ls-files --others --exclude-standard -- src)
    set -- $(printf '%s\n' $touched | grep -Fx "$compiled" || true)
    ;;
esac
[ $# -gt 0 ] || { echo 'nothing to look at'; exit 0; }
echo "$# files"
# The compilers tell about warnings; this tells about the rest.
printf '%s\0' "$@" | xargs -0 -n 1 -P "$(nproc)" clang-tidy -p "$plain" --quiet --extra-arg=-Wno-everything 2>/dev/null
