#!/bin/bash
# `npm run test:authgear`: the cases of test/authgear against the real Authgear that AUTHGEAR_LAB describes.
set -euo pipefail
cd "$(dirname "$0")/../.."
: "${AUTHGEAR_LAB:?names the file that describes the server: docs/inside/authgear.md, \"One contract, two servers\"}"
AUTHGEAR_LAB=$(realpath "$AUTHGEAR_LAB")
namespace=$(sed -n 's/^LAB_NS=//p' "$AUTHGEAR_LAB")
export AUTHGEAR_LAB
run=(node test/run/main.ts "${@:-test/authgear}")
if [ -n "$namespace" ] && [ "$(ip netns identify $$)" != "$namespace" ]; then run=(ip netns exec "$namespace" "${run[@]}"); fi
exec "${run[@]}"
