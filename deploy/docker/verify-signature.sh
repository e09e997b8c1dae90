#!/bin/bash
# verify-signature.sh IMAGE@DIGEST WORKFLOW: the signature, SBOM and provenance of an image are those of that workflow: docs/verify.md
set -euo pipefail
by=(--certificate-oidc-issuer https://token.actions.githubusercontent.com --certificate-identity "$2")
cosign verify "${by[@]}" "$1" >/dev/null
for type in spdxjson slsaprovenance1; do cosign verify-attestation --type "$type" "${by[@]}" "$1" >/dev/null; done
