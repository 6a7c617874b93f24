#!/usr/bin/env bash
# Installs by apt the programs with which tests check DICOM, NIfTI and DICOMweb; tests skip, and say so, without them.
# A service that Orthanc's package brings is not left running: version 1.10 listens on all addresses.
set -euo pipefail

packages=(dcmtk dicom3tools libgdcm-tools libopenjp2-tools python3-pydicom python3-nibabel orthanc orthanc-dicomweb orthanc-gdcm)
say() { printf 'clinical tools: %s\n' "$@"; }
command -v apt-get >/dev/null || { say 'no apt here; tests that need them skip'; exit 0; }
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$package")
done
[[ ${#missing[@]} == 0 ]] && exit 0
as_root=()
if [[ $(id -u) != 0 ]]; then
  command -v sudo >/dev/null || { say "as root: apt-get install -y ${missing[*]}" 'until then, tests that need them skip'; exit 0; }
  as_root=(sudo)
fi
brings_orthanc=false
[[ " ${missing[*]} " == *' orthanc '* ]] && brings_orthanc=true
systemd=false
[[ -d /run/systemd/system ]] && systemd=true
$brings_orthanc && $systemd && "${as_root[@]}" systemctl mask --quiet orthanc.service # else it starts at once
log=$(mktemp)
trap 'rm -f "$log"' EXIT
say "installing ${missing[*]} ..."
{ "${as_root[@]}" apt-get update -q &&
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 ||
  { cat "$log" >&2; say 'could not be installed; tests that need them skip'; }
if $brings_orthanc && $systemd; then
  "${as_root[@]}" systemctl unmask --quiet orthanc.service
  "${as_root[@]}" systemctl disable --quiet orthanc.service 2>/dev/null || true # absent if the installation failed
elif $brings_orthanc && [[ -x /etc/init.d/orthanc ]]; then
  "${as_root[@]}" /etc/init.d/orthanc stop >/dev/null 2>&1 || true # not running where services are not allowed
  "${as_root[@]}" update-rc.d orthanc disable >/dev/null 2>&1 || true
fi
