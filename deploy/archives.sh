#!/bin/bash
# archives.sh FOLDER IMAGE DIGEST [COSIGN OPTION]…: what a release has for download: npm's package, the chart, an SBOM, digests, and
# beside each file its signature (FILE.sigstore.json). Without options keyless, by the workflow that runs it: docs/verify.md
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$1 image=$2 digest=$3
shift 3
mkdir -p "$folder"
npm pack --silent --ignore-scripts --pack-destination "$folder" >/dev/null
# both are called by the project's name and version
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chart=$(bash deploy/kubernetes/package.sh "$image" "$digest" "$work")
mv "$chart" "$folder/chart-${chart##*/}"
cd "$folder"
(cd "$OLDPWD" && npm sbom --omit=dev --sbom-format=spdx) >sbom.spdx.json
sha256sum ./* | sed 's| \./| |' >SHA256SUMS
for file in *; do cosign sign-blob --yes --bundle "$file.sigstore.json" "$@" "$file" >/dev/null; done
