#!/bin/bash
# `npm run test:busy`: `npm test` on a machine that others keep busy. Its load is BUSY_LOAD (20).
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
load=${BUSY_LOAD:-20}
# the tests themselves keep up to eight processes busy (run/pool.ts)
loops=$((load - 8))
echo "== $loops busy loops beside the tests"
for ((i = 0; i < loops; i++)); do (while :; do :; done) & done
trap 'kill $(jobs -p) 2>/dev/null' EXIT
# three would get too small a share of such a machine
TESTS_AT_LEAST=8 bash test/run.sh "$@"
status=$?
echo "load at its end: $(cut -d ' ' -f 1-3 /proc/loadavg)"
exit "$status"
