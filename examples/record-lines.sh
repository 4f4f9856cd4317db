#!/bin/sh
# Records many things with one call: a tab-separated log of tool runs becomes JSON lines, and those become records.
#
#   examples/record-lines.sh < tools.tsv
#
# Each line of the log: tool name, milliseconds, status (success, error, timeout or cancelled). What is written is what
# fortium-metrics says of each record: its id and kind, once it is on disk.
set -eu
awk -F '\t' '
  function quoted(text) { gsub(/\\/, "\\\\&", text); gsub(/"/, "\\\"", text); return "\"" text "\"" }
  NF == 3 {
    printf "{\"kind\":\"tool_usage\",\"tool_name\":%s,\"execution_time_ms\":%s,\"status\":%s}\n",
      quoted($1), $2, quoted($3)
  }
' | fortium-metrics record --json -
