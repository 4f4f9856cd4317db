#!/usr/bin/env bash
# Installs what is missing, builds both programs, installs them where you can write, and shows the main job:
# a service on loopback, records made through a real MCP conversation, delivered, and read back.
#
#   packaging/quickstart.sh [--prefix DIR]     (default: ~/.local, or /usr/local as root)
#
# Safe to run twice. Works as root, and as a user when the packages are there. Uses a data directory of its own for the
# demonstration and removes it; your own records are not touched.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

prefix=$HOME/.local
[ "$(id -u)" = 0 ] && prefix=/usr/local
while [ $# -gt 0 ]; do
  case $1 in
    --prefix) prefix=$2; shift 2 ;;
    *) sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
  esac
done

say() { printf '\n== %s\n' "$*"; }
show() { printf '$ %s\n' "$*"; "$@"; }

say "1/4 packages"
. packaging/packages.sh
need_packages "${BUILD_NEEDS[@]}"

say "2/4 build (release)"
cmake --preset release -DFORTIUM_BENCH=OFF -DFORTIUM_SERVER=ON -DCMAKE_INSTALL_PREFIX="$prefix" >/dev/null
cmake --build --preset release

say "3/4 install to $prefix"
cmake --install build/release | grep -v -- '-- Up-to-date' || true
bin=$prefix/bin

say "4/4 the main job"
demo=$(mktemp -d)
server=
cleanup() {
  [ -z "$server" ] || { kill "$server" 2>/dev/null && wait "$server" 2>/dev/null; } || true
  rm -rf "$demo"
}
trap cleanup EXIT
# Nothing of your settings takes part in the demonstration.
unset "${!FORTIUM_@}" || true
export FORTIUM_DATA_DIR=$demo/data FORTIUM_CONFIG=$demo/config.toml

echo "A service on loopback, with an empty store:"
echo "$ fortium-metrics-server serve --listen 127.0.0.1:0 --data $demo/service"
"$bin/fortium-metrics-server" serve --listen 127.0.0.1:0 --data "$demo/service" >"$demo/serve.txt" 2>"$demo/serve.err" &
server=$!
for _ in $(seq 100); do
  grep -q '^export FORTIUM_API_KEY=' "$demo/serve.txt" 2>/dev/null && break
  kill -0 "$server" 2>/dev/null || { cat "$demo/serve.txt" "$demo/serve.err"; exit 1; }
  sleep 0.1
done
sed 's/\(fm_[A-Za-z0-9]*\)[A-Za-z0-9_-]*/\1…/; s/^/  /' "$demo/serve.txt"
eval "$(grep '^export FORTIUM_' "$demo/serve.txt")"

printf '\nThree records through a real MCP conversation, as Claude Code speaks it:\n'
"$bin/fortium-metrics" mcp <<'MCP' | sed 's/\(.\{150\}\).*/\1…/; s/^/  </'
{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"quickstart","version":"1"}}}
{"jsonrpc":"2.0","method":"notifications/initialized"}
{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"record-tool-usage","arguments":{"tool_name":"Read","execution_time_ms":12.5,"status":"success"}}}
{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"collect_metrics","arguments":{"command_name":"/plan-product","execution_time_ms":1500,"success":true}}}
{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"record-model-usage","arguments":{"model":"claude-opus-5-5","input_tokens":1200,"output_tokens":340,"cost_usd":0.0116}}}
MCP

printf '\nDelivered:\n'
show "$bin/fortium-metrics" sync
printf '\n'
show "$bin/fortium-metrics" status
printf '\n'
show "$bin/fortium-metrics" report summary --since 1h

say "done: both programs are in $bin"
case ":$PATH:" in *":$bin:"*) ;; *) echo "add it to your PATH: export PATH=\"$bin:\$PATH\"" ;; esac
echo "Wire it into Claude Code (no account needed; records stay on this machine):"
echo "  $bin/fortium-metrics install claude-code"
