#!/usr/bin/env bash
# Builds and runs all tests of a fresh clone on Debian 12.
#
#   tests/run.sh           everything: native tests, the same under sanitizers, lints, end to end, client libraries
#   tests/run.sh --fast    the everyday part: unit, store, protocol and lint
#
# Ends with one line, "N passed, N failed". Safe to run again; what is built already is not built anew.
#   FORTIUM_JOBS     compilers at a time; as many as there are processors, if not set
#   FORTIUM_TIDY     all, changed (if not set) or off: what clang-tidy looks at
#   FORTIUM_INSTALL  no: do not install what is missing
set -u
cd "$(dirname "$0")/.." || exit 1

fast=no
for argument in "$@"; do
  case $argument in
    --fast) fast=yes ;;
    *) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" | sed '$d'; exit 2 ;;
  esac
done
. packaging/packages.sh
jobs=${FORTIUM_JOBS:-$(nproc)}
logs=$(mktemp -d "${TMPDIR:-/tmp}/fortium-tests-XXXXXX")
trap 'rm -rf "$logs"' EXIT
passed=0 failed=0 failures=()

say() { printf '\n== %s\n' "$*"; }

# count PASSED FAILED NAME: adds to the totals.
count() {
  passed=$((passed + $1)) failed=$((failed + $2))
  [ "$2" -eq 0 ] || failures+=("$3")
}

# step NAME COMMAND…: one thing that passes or fails as a whole. Its output is shown when it fails.
step() {
  local name=$1 began=$SECONDS
  shift
  if "$@" >"$logs/step" 2>&1; then
    printf 'ok    %s (%d s)\n' "$name" $((SECONDS - began))
    count 1 0 "$name"
  else
    printf 'FAIL  %s (%d s)\n' "$name" $((SECONDS - began))
    tail -n 60 "$logs/step" | sed 's/^/      /'
    count 0 1 "$name"
    return 1
  fi
}

# ---- parts --------------------------------------------------------------------------------------------------------

# native PRESET CTEST-ARGUMENT…: builds what the tests of a preset need, and runs them.
native() {
  local preset=$1 began=$SECONDS targets=()
  shift
  step "$preset: configure" cmake --preset "$preset" || return
  if [ "$preset" != dev ]; then
    # Under sanitizers only the native tests count: the programs are not built.
    mapfile -t targets < <(ninja -C "build/$preset" -t targets all | sed -n 's/^\(test_[a-z_]*\|replay_[a-z_]*\|fortium_fuzz_seeds\): .*/\1/p' | sort -u)
    targets=(--target "${targets[@]}")
  fi
  step "$preset: build" cmake --build "build/$preset" -j "$jobs" "${targets[@]}" || return
  ctest --test-dir "build/$preset" --output-on-failure -j "$jobs" "$@" >"$logs/ctest" 2>&1
  local all bad skipped
  all=$(sed -n 's/.* tests failed out of \([0-9]*\).*/\1/p' "$logs/ctest")
  bad=$(sed -n 's/.*passed, \([0-9]*\) tests failed out of.*/\1/p' "$logs/ctest")
  skipped=$(grep -c '\*\*\*Skipped' "$logs/ctest")
  if [ -z "$all" ]; then
    all=1 bad=1
  fi
  printf '%s  %s: ctest, %d of %d, %d skipped (%d s with the build)\n' "$([ "$bad" -eq 0 ] && echo 'ok  ' || echo FAIL)" \
    "$preset" $((all - bad - skipped)) "$all" "$skipped" $((SECONDS - began))
  [ "$bad" -eq 0 ] || grep -vE '^ +Start +[0-9]+:|Passed +[0-9.]+ sec' "$logs/ctest" | tail -n 150 | sed 's/^/      /'
  count $((all - bad - skipped)) "$bad" "$preset: ctest"
}

lint() {
  step 'lint: layers' tests/lint/includes.py
  step 'lint: standard output' tests/lint/stdout.py
  step 'lint: words' tests/lint/words.py
  step 'lint: format' tests/lint/format.sh
  step 'lint: schemas' tests/lint/schemas.py
  step 'lint: documents' tests/lint/docs.py
}

tidy() {
  case ${FORTIUM_TIDY:-changed} in
    off) ;;
    all) step 'lint: clang-tidy, all' tests/lint/tidy.sh ;;
    *) step 'lint: clang-tidy, changed files' tests/lint/tidy.sh --changed ;;
  esac
}

# e2e FILE [TEST…]: one file of Python tests, or some of it; each runs alone.
e2e() {
  local file=$1 began=$SECONDS name ran bad skipped
  name="$(basename "$file" .py)${2+ ${*:2}}${FORTIUM_TEST_ENGINE:+, on $FORTIUM_TEST_ENGINE}"
  PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$@" >"$logs/e2e" 2>&1
  local code=$?
  ran=$(sed -n 's/^Ran \([0-9]*\) tests\{0,1\} in.*/\1/p' "$logs/e2e")
  bad=$(sed -n 's/^FAILED (\(.*\))$/\1/p' "$logs/e2e" | grep -oE '(failures|errors)=[0-9]+' | awk -F= '{n += $2} END {print n + 0}')
  skipped=$(grep -oE 'skipped=[0-9]+' "$logs/e2e" | tail -n 1 | cut -d= -f2)
  ran=${ran:-1} skipped=${skipped:-0}
  # Parts of one test may fail by themselves, and a file may fail without a word.
  [ "$bad" -le "$ran" ] || bad=$ran
  [ "$code" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
  printf '%s  e2e: %s, %d of %d, %d skipped (%d s)\n' "$([ "$bad" -eq 0 ] && echo 'ok  ' || echo FAIL)" "$name" \
    $((ran - bad - skipped)) "$ran" "$skipped" $((SECONDS - began))
  [ "$bad" -eq 0 ] || tail -n 120 "$logs/e2e" | cut -c1-400 | sed 's/^/      /'
  count $((ran > bad + skipped ? ran - bad - skipped : 0)) "$bad" "e2e: $name"
}

sdk() {
  local began=$SECONDS good bad
  # A registry has a bad moment now and then.
  step 'sdk: install' sh -c 'cd tests/e2e/sdk && { [ node_modules/.package-lock.json -nt package-lock.json ] ||
    npm ci --ignore-scripts --no-audit --no-fund || npm ci --ignore-scripts --no-audit --no-fund; }' || return
  (cd tests/e2e/sdk && node --test --test-reporter=tap sdk_test.mjs http_test.mjs conformance_test.mjs) >"$logs/sdk" 2>&1
  good=$(sed -n 's/^# pass \([0-9]*\)$/\1/p' "$logs/sdk") bad=$(sed -n 's/^# fail \([0-9]*\)$/\1/p' "$logs/sdk")
  good=${good:-0} bad=${bad:-1}
  printf '%s  sdk: client libraries, inspector, conformance, %d of %d (%d s)\n' "$([ "$bad" -eq 0 ] && echo 'ok  ' || echo FAIL)" \
    "$good" $((good + bad)) $((SECONDS - began))
  [ "$bad" -eq 0 ] || grep -vE '^ *(---|\.\.\.|duration_ms|type:)' "$logs/sdk" | tail -n 80 | sed 's/^/      /'
  count "$good" "$bad" 'sdk'
}

# What has the real service at the other end, once more with its records in PostgreSQL.
on_postgres() {
  local -x FORTIUM_TEST_ENGINE=postgres
  local one
  for one in sync verify export telemetry access read mcp_http service operations service_soak; do
    e2e "tests/e2e/${one}_test.py"
  done
  e2e tests/faults/kills_test.py Sender
  e2e tests/faults/loss_test.py LostAnswers OlderBackup
  e2e tests/faults/refusals_test.py Accounts
  e2e tests/faults/crowd_test.py Backlog
  e2e tests/faults/disk_test.py Full.test_no_space_while_records_are_delivered
  e2e tests/faults/scarce_test.py Memory.test_while_sending
}

# ---- the run ------------------------------------------------------------------------------------------------------

say 'What the tests need'
needs=("${TEST_NEEDS[@]}")
[ $fast = yes ] || needs+=("${BROWSER_NEEDS[@]}")
need_packages "${needs[@]}" || { echo; echo '0 passed, 1 failed'; exit 1; }

say 'Native tests'
if [ $fast = yes ]; then
  native dev -LE slow
else
  native dev
fi

say 'Lint'
lint

if [ $fast = no ]; then
  say 'End to end'
  if [ -x build/dev/bin/fortium-metrics ]; then
    for file in tests/e2e/*_test.py; do
      e2e "$file"
    done
    sdk
    say 'Faults'
    for file in tests/faults/*_test.py; do
      e2e "$file"
    done
    say 'The service on PostgreSQL'
    on_postgres
  else
    echo 'FAIL  the program is not built'
    count 0 1 'end to end'
  fi

  say 'Native tests under AddressSanitizer and UndefinedBehaviorSanitizer'
  native asan -L native
  say 'Native tests under ThreadSanitizer'
  native tsan -L native

  say 'clang-tidy'
  tidy
fi

echo
for name in "${failures[@]}"; do
  echo "failed: $name"
done
printf 'took %d min %d s\n' $((SECONDS / 60)) $((SECONDS % 60))
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
