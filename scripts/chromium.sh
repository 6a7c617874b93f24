#!/usr/bin/env bash
# Installs Chromium for the browser tests by apt if it is missing. RECLMIS_CHROMIUM names another executable.
set -euo pipefail

[[ -x ${RECLMIS_CHROMIUM:-/usr/bin/chromium} ]] && exit 0
fail() { printf 'chromium: %s\n' "$@" >&2; exit 1; }
command -v apt-get >/dev/null ||
  fail 'missing, and this machine has no apt to install it with: install Chromium and run again with RECLMIS_CHROMIUM=/its/executable'
as_root=()
if [[ $(id -u) != 0 ]]; then
  command -v sudo >/dev/null || fail 'missing; install it as root: apt-get install -y chromium'
  as_root=(sudo)
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo 'chromium: installing ...'
{ "${as_root[@]}" apt-get update -q &&
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends chromium; } >"$log" 2>&1 ||
  { cat "$log" >&2; fail 'could not be installed'; }
[[ -x /usr/bin/chromium ]] || fail 'this distribution puts it elsewhere: name it with RECLMIS_CHROMIUM=/its/executable'
