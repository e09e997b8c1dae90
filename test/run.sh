#!/bin/bash
# `npm test`, after the build: servers, lint, types, tap with coverage, coverage gate.
# The last line is "N passed, N failed, N skipped"; lint, types and the gate count as one failure each. `CI` set: a skip is a failure.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
log=$(mktemp)
trap 'rm -f "$log"' EXIT
failed=0

# step NAME COMMAND…: says what failed, and goes on, so that one run shows everything
step() {
  local name=$1
  shift
  echo "== $name"
  "$@" || { echo "== $name failed"; failed=$((failed + 1)); }
}

# count NAME: that field of tap's last line, `# { total: 3, pass: 2, fail: 1 }`; fields of zero are left out there
count() { grep -E '^# \{ total: [0-9]+' "$log" | tail -n 1 | grep -oE "\b$1: [0-9]+" | grep -oE '[0-9]+' || echo 0; }

# test files write their coverage into .tap/coverage; so do the services they start (test/coverage.mjs maps dist to src)
run_tap() {
  bash test/tap.sh --reporter=tap --coverage-report=none --allow-empty-coverage "$@" 2>&1 | tee "$log"
  return "${PIPESTATUS[0]}"
}

# those that wait longest begin first, so that none of them runs alone at the end
longest_first() {
  local first=(campaign/campaign integration/revocation-exhaustive integration/revocation-processes integration/flood
    integration/redis-cluster integration/doctor contract/revocation-redis e2e/login-journey e2e/rolling-restart)
  printf 'test/%s.test.ts\n' "${first[@]}"
  find test -name '*.test.ts' | sort | grep -vxFf <(printf 'test/%s.test.ts\n' "${first[@]}")
}

# the twenty files that took longest
slowest() {
  echo '== slowest files, seconds'
  sed -nE 's/^(not )?ok [0-9]+ - (test[^ ]*) # time=([0-9]+).*/\3 \2/p' "$log" | sort -rn | head -n 20 |
    awk '{ printf "%6.1f  %s\n", $1 / 1000, $2 }'
}

bash test/servers/fetch.sh
. test/servers/path.sh
node --version
source test/beside.sh
trap 'rm -rf "$log" "$beside_work"' EXIT
beside lint npm run --silent lint
beside types npm run --silent types

# what end-to-end tests see of each proxy; an old file must not stand for a test that is gone
[ $# -eq 0 ] && rm -rf artifacts/e2e artifacts/hostile

echo '== tap'
files=("$@")
[ $# -gt 0 ] || mapfile -t files < <(longest_first)
run_tap "${files[@]}"
tap_exit=$?
wait
step lint outcome lint
step types outcome types
passes=$(count pass)
failures=$(count fail)
skips=$(($(count skip) + $(count todo)))

# a file that a signal killed is no failure in tap's own count
broken=$(grep -c '^not ok ' "$log")
[ "$failures" -lt "$broken" ] && failures=$broken
[ "$tap_exit" -ne 0 ] && [ "$failures" -eq 0 ] && failures=1
[ "$passes" -eq 0 ] && [ "$failures" -eq 0 ] && failures=1 && echo '== no test ran'

[ $# -eq 0 ] && slowest

# a run of some files only says nothing about coverage
[ $# -eq 0 ] && step 'coverage of at least 95 % of lines' node test/coverage.mjs
# without one of the proxies a column would be empty
[ $# -eq 0 ] && [ "$skips" -eq 0 ] && step 'docs/proxies/README.md and hostile.md are what this run saw' node docs/behaviour.mjs --check

if [ -n "${CI:-}" ] && [ "$skips" -gt 0 ]; then
  echo "== $skips skipped, which CI does not allow:"
  grep -E '^ *ok .* # (SKIP|TODO)' "$log"
  failures=$((failures + skips))
  skips=0
fi
failed=$((failed + failures))
echo "$passes passed, $failed failed, $skips skipped"
[ "$failed" -eq 0 ]
