#!/bin/sh
# Runs a command and records how long it took and how it ended. Exits as the command does.
#
#   examples/timed.sh NAME COMMAND [ARGUMENT…]
#
# In a CI step:    examples/timed.sh build cmake --build build
# In a git hook:   exec /path/to/timed.sh pre-push ctest --preset fast
#
# Only the name is recorded, not the arguments. Nothing is recorded, and nothing fails, where fortium-metrics is not
# installed.
set -u
[ $# -ge 2 ] || { echo "usage: timed.sh NAME COMMAND [ARGUMENT…]" >&2; exit 2; }
name=$1
shift

began=$(date +%s%3N)
"$@"
code=$?
took=$(($(date +%s%3N) - began))

case $code in
  0) status=success ;;
  124) status=timeout ;;       # timeout(1)
  130 | 143) status=cancelled ;; # interrupted, terminated
  *) status=error ;;
esac
if command -v fortium-metrics >/dev/null; then
  fortium-metrics record command_execution command_name="$name" execution_time_ms="$took" status="$status" \
    >/dev/null || echo "timed.sh: $name was not recorded" >&2
fi
exit "$code"
