#!/bin/bash
# verify-signature.sh IMAGE@DIGEST WORKFLOW: the signature of an image, and the SBOM and provenance of each of its platforms, are those of
# that workflow: docs/verify.md
set -euo pipefail
by=(--certificate-oidc-issuer https://token.actions.githubusercontent.com --certificate-identity "$2")
cosign verify "${by[@]}" "$1" >/dev/null
digests=$(docker buildx imagetools inspect "$1" --raw | jq -r '.manifests[] | select(.platform.os != "unknown") | .digest')
for digest in $digests; do
  for type in spdxjson slsaprovenance1; do
    cosign verify-attestation --type "$type" "${by[@]}" "${1%@*}@$digest" >/dev/null
  done
done
