#!/bin/bash
# `npm run check`: lint, types, unit and contract tests, side by side. Under two minutes on two cores.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
bash test/servers/fetch.sh
. test/servers/path.sh
source test/beside.sh
trap 'rm -rf "$beside_work"' EXIT
shopt -s globstar

beside lint npm run --silent lint
beside types npm run --silent types
beside tests bash test/tap.sh --jobs=4 --disable-coverage --allow-empty-coverage --reporter=tap test/contract/*.test.ts test/unit/**/*.test.ts
wait

failed=0
for name in lint types tests; do
  outcome "$name" >/dev/null && continue
  failed=$((failed + 1))
  echo "== $name failed"
  if [ "$name" = tests ]; then awk -f test/failures.awk "$beside_work/tests"; else outcome "$name"; fi
done
tail -n 2 "$beside_work/tests"
[ "$failed" -eq 0 ]
