#!/bin/bash
# `npm run check`: lint, types, unit and contract tests, side by side. Under two minutes on two cores.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
bash test/servers/fetch.sh
. test/servers/path.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
shopt -s globstar

# beside NAME COMMAND…: in the background; what it says is shown where it fails
beside() {
  local name=$1
  shift
  ("$@" >"$work/$name" 2>&1; echo $? >"$work/$name.status") &
}

beside lint npm run --silent lint
beside types npm run --silent types
beside tests bash test/tap.sh --jobs=4 --disable-coverage --allow-empty-coverage --reporter=tap test/contract/*.test.ts test/unit/**/*.test.ts
wait

failed=0
for name in lint types tests; do
  [ "$(cat "$work/$name.status")" -eq 0 ] && continue
  failed=$((failed + 1))
  echo "== $name failed"
  if [ "$name" = tests ]; then awk -f test/failures.awk "$work/tests"; else cat "$work/$name"; fi
done
tail -n 2 "$work/tests"
[ "$failed" -eq 0 ]
