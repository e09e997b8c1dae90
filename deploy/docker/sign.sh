#!/bin/bash
# sign.sh IMAGE@DIGEST [COSIGN OPTION]…: signs an image of several platforms, and attests for each platform the SBOM and the provenance
# that the build put beside it. Without options keyless, by the workflow that runs it: docs/verify.md
set -euo pipefail
image=$1 repository=${1%@*}
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# a line for each platform: its name, and the digest of its manifest
platforms() {
  docker buildx imagetools inspect "$image" --raw | jq -r '.manifests[] | select(.platform.os != "unknown") |
    ([.platform.os, .platform.architecture, .platform.variant // empty] | join("/")) + " " + .digest'
}
of_platform() { docker buildx imagetools inspect "$image" --format "{{ json (index .$1 \"$2\").$3 }}"; }
# attest PLATFORM DIGEST KIND FIELD TYPE
attest() {
  of_platform "$3" "$1" "$4" >"$work/predicate.json"
  cosign attest --yes --type "$5" --predicate "$work/predicate.json" "${options[@]}" "$repository@$2"
}

options=("$@")
cosign sign --yes --recursive "${options[@]}" "$image"
platforms >"$work/platforms"
while read -r platform digest; do
  attest "$platform" "$digest" SBOM SPDX spdxjson
  attest "$platform" "$digest" Provenance SLSA slsaprovenance1
done <"$work/platforms"
