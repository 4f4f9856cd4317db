# Debian packages that the project needs, in one place. To be sourced.

BUILD_PACKAGES=(
  g++ cmake ninja-build pkg-config ca-certificates
  nlohmann-json3-dev libcpp-httplib-dev libsqlite3-dev libssl-dev zlib1g-dev
  libcli11-dev libspdlog-dev libfmt-dev libboost1.81-dev
)
TEST_PACKAGES=(
  "${BUILD_PACKAGES[@]}"
  ccache doctest-dev libvalijson-dev python3 openssl clang-format clang-tidy nodejs strace
)

# Installs those that are missing: as root, or with sudo where that asks nothing. Otherwise says what to install.
need_packages() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  # node may come from elsewhere, under another package's name.
  command -v node >/dev/null && missing=("${missing[@]/#nodejs/}")
  local wanted=()
  for package in "${missing[@]}"; do [ -z "$package" ] || wanted+=("$package"); done
  if [ ${#wanted[@]} = 0 ]; then
    echo "all there"
    return 0
  fi
  echo "installing ${wanted[*]}"
  local as_root=()
  if [ "$(id -u)" != 0 ]; then
    if sudo -n true 2>/dev/null; then
      as_root=(sudo -n)
    else
      echo "not root, and no sudo: please run: apt-get install ${wanted[*]}" >&2
      return 1
    fi
  fi
  "${as_root[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${wanted[@]}" >/dev/null
}
