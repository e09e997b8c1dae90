#!/bin/bash
# `npm run test:deploy`: workflows, Dockerfile, package, chart, and the stacks on a real Docker engine. The last line is
# "N passed, N failed, N skipped".   test/deploy/run.sh [PART]…: those only
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
bash test/servers/fetch.sh
log=$(mktemp)
trap 'rm -f "$log"' EXIT
passed=0 failed=0

# the programs that are linted and the version; prints its own count, as each part does
static() {
  source test/deploy/count.sh
  bash test/deploy/tools.sh
  does 'hadolint: Dockerfile' .servers/deploy/bin/hadolint deploy/docker/Dockerfile
  does 'actionlint: workflows' .servers/bin/actionlint
  is 'every action is pinned by a hash, with its version beside it' '' "$(grep -hE '^ *(- )?uses: ' .github/workflows/*.yml | grep -vE 'uses: (\./|[a-z-]+(/[a-z-]+)+@[0-9a-f]{40} # v[0-9]+\.[0-9]+\.[0-9]+$)')"
  does 'one version everywhere' bash test/deploy/version.sh
  is 'the bases by digest are those of the Dockerfile' "$(grep -oP '^ARG (NODE|RUNTIME)_IMAGE=\K.*' deploy/docker/Dockerfile)" "$(grep -oP '^FROM \K[^@]+(?=@sha256:[0-9a-f]{64} AS (node|runtime)$)' deploy/docker/bases/Dockerfile)"
  finish
}

pack() { bash test/deploy/pack.sh; }
chart() { bash test/deploy/chart.sh; }
stacks() { bash deploy/docker/verify.sh; }
sign() { bash test/deploy/sign.sh; }

# a part that ends without a count has failed
run() {
  local began=$SECONDS line
  echo "== $1"
  ("$1") 2>&1 | tee "$log"
  line=$(tail -n 1 "$log" | grep -oE '^[0-9]+ passed, [0-9]+ failed$' || echo '0 passed, 1 failed')
  passed=$((passed + ${line%% *}))
  line=${line#*, }
  failed=$((failed + ${line%% *}))
  echo "== $1: $((SECONDS - began)) s"
}

[ $# -gt 0 ] || set -- static pack chart stacks
for part in "$@"; do run "$part"; done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
