#!/bin/sh
# clang-tidy with .clang-tidy over src/, as build/dev compiles it. `tests/lint/tidy.sh FILE…` looks only at these.
set -eu
cd "$(dirname "$0")/../.."
build=${FORTIUM_BUILD:-build/dev}
[ -f "$build/compile_commands.json" ] || { echo "$build is not configured: cmake --preset dev"; exit 1; }
if [ $# -eq 0 ]; then
  # What is configured, not what lies around: the service may be left out.
  set -- $(sed -n 's/^ *"file": "\(.*\)",\{0,1\}$/\1/p' "$build/compile_commands.json" | grep '/src/' | sort -u)
fi
# gcc's own warning options are unknown to clang; the compilers tell about warnings, this tells about the rest.
printf '%s\0' "$@" | xargs -0 -n 2 -P "$(nproc)" \
  clang-tidy -p "$build" --quiet --extra-arg=-Wno-everything 2>/dev/null
