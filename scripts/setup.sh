#!/usr/bin/env bash
# Everything a clone needs before its first command: libtorch, the npm packages, the native addon, the compiled TypeScript.
# Idempotent; under a second when there is nothing to do. libtorch is looked for in this order (docs/guide/first-run.md, "libtorch"):
#   LIBTORCH=/dir              a folder with include/ and lib/
#   LIBTORCH_USE_PYTORCH=1     the torch of the active Python, also the way to CUDA
#   libtorch-dev               the distribution's; installed with apt where it is missing
set -euo pipefail
cd "$(dirname "$0")/.."

stamp=node_modules/.reclmis/setup          # what the last complete set-up was made for; its time is when that began
lock_stamp=node_modules/.reclmis/lockfile  # hash of the lockfile that node_modules was installed from
log=$(mktemp)
trap 'rm -f "$log"' EXIT

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$@" >&2; exit 1; }

# quietly WHAT COMMAND...: a progress line, and the command's output only if it fails.
quietly() {
  local what=$1 start=$SECONDS
  shift
  say "$what ..."
  if ! "$@" >"$log" 2>&1; then
    cat "$log" >&2
    fail "failed: $what (command: $*)"
  fi
  if ((SECONDS - start >= 5)); then say "$what: $((SECONDS - start)) s"; fi
}

need_node() {
  local needed='Node 20.19, 22.13, 24 or later is needed (https://nodejs.org)' # as in package.json's engines
  command -v node >/dev/null || fail "Node.js is missing: $needed."
  local version major minor
  version=$(node --version)
  IFS=. read -r major minor _ <<<"${version#v}"
  ((major >= 24 || (major == 22 && minor >= 13) || (major == 20 && minor >= 19))) || fail "this is Node $version: $needed."
}

# Nothing newer than the last set-up, for the same libtorch choice and Node: nothing to do.
identity() { printf '%s|%s|%s\n' "$(node --version)" "${LIBTORCH:-}" "${LIBTORCH_USE_PYTORCH:-}"; }
up_to_date() {
  [[ -f $stamp && $(<"$stamp") == "$(identity)" ]] || return 1
  local package
  for package in core clinical files data torch lab export predict runtime server studio cli; do [[ -d packages/$package/dist ]] || return 1; done
  [[ -d tests/dist && -d examples/dist && -f packages/studio/dist/page/index.html && -d packages/studio/dist/ort ]] || return 1
  compgen -G 'packages/torch/build/*' >/dev/null || return 1
  local changed
  changed=$(find package-lock.json tsconfig*.json packages/*/tsconfig.json packages/*/package.json packages/*/src \
    packages/studio/index.html packages/studio/vite.config.mjs packages/studio/public packages/torch/native tests examples packages/torch/scripts scripts/setup.sh \
    \( -path tests/dist -o -path examples/dist \) -prune -o \( -type f -o -type d \) ! -path tests ! -path examples -newer "$stamp" -print -quit 2>/dev/null)
  [[ -z $changed ]]
}

distribution_libtorch() {
  compgen -G '/usr/include/torch/csrc/api/include/torch/torch.h' >/dev/null &&
    compgen -G '/usr/lib/*/libtorch_cpu.so' >/dev/null
}

apt_packages() {
  distribution_libtorch || echo libtorch-dev
  [[ -d /usr/include/gloo ]] || echo libgloo-dev
  compgen -G '/usr/lib/*/openblas-openmp/libblas.so.3' >/dev/null || echo libopenblas0-openmp
  compiler_packages
}

compiler_packages() {
  command -v "${CXX:-g++}" >/dev/null || echo g++
  command -v make >/dev/null || echo make
}

apt_install() {
  local as_root=()
  if ! command -v apt-get >/dev/null; then
    fail "missing: $*; this machine has no apt to install them with." \
      'Install them with your package manager (libtorch 1.13 or later, a C++17 compiler, make), or unpack libtorch from' \
      'https://pytorch.org (or `pip install torch`), and run again with LIBTORCH=/its/folder (or LIBTORCH_USE_PYTORCH=1).'
  fi
  if [[ $(id -u) != 0 ]]; then
    command -v sudo >/dev/null || fail "missing: $*; install them as root: apt-get install -y $*"
    as_root=(sudo)
  fi
  quietly 'updating the list of Debian packages' "${as_root[@]}" apt-get update -q
  quietly "installing $*" "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "$@"
}

need_libtorch() {
  local missing
  if [[ -n ${LIBTORCH:-} ]]; then
    [[ -d $LIBTORCH/include && -d $LIBTORCH/lib ]] ||
      fail "LIBTORCH=$LIBTORCH holds no include and lib folders: point it at an unpacked libtorch, or unset it."
    mapfile -t missing < <(compiler_packages)
  elif [[ ${LIBTORCH_USE_PYTORCH:-} == 1 ]]; then
    python3 -c 'import torch' 2>/dev/null ||
      fail 'LIBTORCH_USE_PYTORCH=1, but python3 cannot import torch: activate its environment, or unset the variable.'
    mapfile -t missing < <(compiler_packages)
  else
    mapfile -t missing < <(apt_packages)
  fi
  if ((${#missing[@]})); then apt_install "${missing[@]}"; fi
}

# node_modules matches when every package of the lockfile is installed in its version (optional ones may be absent).
need_packages() {
  local hash
  hash=$(sha256sum package-lock.json)
  [[ -f $lock_stamp && $(<"$lock_stamp") == "$hash" ]] && return
  if ! node scripts/check-installed.mjs; then
    quietly 'installing npm packages' npm ci --no-audit --no-fund
  fi
  mkdir -p "${lock_stamp%/*}"
  printf '%s\n' "$hash" >"$lock_stamp"
}

compile() {
  local package force=()
  for package in packages/core packages/clinical packages/files packages/data packages/torch packages/lab packages/export packages/predict packages/runtime packages/server packages/studio packages/cli examples tests; do
    [[ -d $package/dist ]] || force=(--force) # tsc trusts its build record even where the output is gone
  done
  node scripts/prune-dist.mjs
  quietly 'compiling TypeScript' node_modules/.bin/tsc -b "${force[@]}"
  quietly "building the studio's page" npm run -s studio
}

need_node
up_to_date && exit 0
started=$(mktemp)
trap 'rm -f "$log" "$started"' EXIT
need_libtorch
need_packages
quietly 'building the native addon' node packages/torch/scripts/build-addon.mjs
compile
mkdir -p "${stamp%/*}"
identity >"$stamp"
touch -r "$started" "$stamp"
say 'ready'
