# What building and testing need, in one place: a program or file that shows that it is there, and the Debian package
# that brings it. To be sourced.

BUILD_NEEDS=(
  g++:g++ cmake:cmake ninja:ninja-build pkg-config:pkgconf
  /usr/include/nlohmann/json.hpp:nlohmann-json3-dev /usr/include/httplib.h:libcpp-httplib-dev
  /usr/include/sqlite3.h:libsqlite3-dev /usr/include/simdjson.h:libsimdjson-dev /usr/include/openssl/ssl.h:libssl-dev /usr/include/zlib.h:zlib1g-dev
  /usr/include/CLI/CLI.hpp:libcli11-dev /usr/include/spdlog/spdlog.h:libspdlog-dev /usr/include/fmt/core.h:libfmt-dev
  /usr/include/brotli/decode.h:libbrotli-dev /usr/include/boost/beast/version.hpp:libboost1.81-dev
  /usr/include/postgresql/libpq-fe.h:libpq-dev
  /usr/include/argon2.h:libargon2-dev
)
TEST_NEEDS=(
  "${BUILD_NEEDS[@]}"
  git:git ccache:ccache openssl:openssl python3:python3 strace:strace sqlite3:sqlite3 node:nodejs npm:npm tmux:tmux
  /usr/sbin/haproxy:haproxy
  clang-format:clang-format clang-tidy:clang-tidy /usr/include/doctest/doctest.h:doctest-dev
  /usr/include/valijson/validator.hpp:libvalijson-dev
  /usr/lib/postgresql/15/bin/postgres:postgresql-15
)

# For tests/e2e/page_test.py, a part of the whole run.
BROWSER_NEEDS=(chromium:chromium)

# For the fuzz preset: clang, and what its sanitizers and fuzzer link.
FUZZ_NEEDS=(
  "${BUILD_NEEDS[@]}"
  clang++:clang "/usr/lib/llvm-14/lib/clang/14.0.6/lib/linux/libclang_rt.fuzzer-$(uname -m).a:libclang-rt-14-dev"
)

# need_packages NEED…: installs what is missing, as root or with a sudo that asks nothing; otherwise says what to install.
need_packages() {
  local need what missing=() as_root=()
  for need in "$@"; do
    what=${need%%:*}
    case $what in
      /*) [ -e "$what" ] || [ -e "/usr/include/$(uname -m)-linux-gnu/${what#/usr/include/}" ] || missing+=("${need##*:}") ;;
      *) command -v "$what" >/dev/null || missing+=("${need##*:}") ;;
    esac
  done
  [ ${#missing[@]} -gt 0 ] || { echo 'everything is there'; return 0; }
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null && sudo -n true 2>/dev/null && as_root=(sudo -n)
  fi
  if [ "${FORTIUM_INSTALL:-yes}" = no ] || { [ "$(id -u)" -ne 0 ] && [ ${#as_root[@]} -eq 0 ]; }; then
    echo "missing; please run: apt-get install ${missing[*]}" >&2
    return 1
  fi
  echo "installing ${missing[*]}"
  "${as_root[@]}" apt-get update -qq &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}
