#!/bin/bash
# sign.sh IMAGE@DIGEST [COSIGN OPTION]…: signs an image, and attests the SBOM and the provenance that the build put beside it.
# Without options keyless, by the workflow that runs it: docs/verify.md
set -euo pipefail
image=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
of_platform() { docker buildx imagetools inspect "$image" --format "{{ json (index .$1 \"linux/amd64\").$2 }}"; }

cosign sign --yes --recursive "$@" "$image"
of_platform SBOM SPDX >"$work/sbom.json"
cosign attest --yes --type spdxjson --predicate "$work/sbom.json" "$@" "$image"
of_platform Provenance SLSA >"$work/provenance.json"
cosign attest --yes --type slsaprovenance1 --predicate "$work/provenance.json" "$@" "$image"
