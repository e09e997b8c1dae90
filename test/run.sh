#!/bin/bash
# `npm test`, `npm run test:all` (--all) and `npm test -- PATH…`: the servers and the build, then test/run/main.ts.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
[ "${1:-}" = --all ] && servers=all
echo "== servers and build"
npm run --silent build &
build=$!
bash test/servers/fetch.sh ${servers:-}
wait "$build" || { echo 'the build failed: npm run build'; echo '0 passed, 1 failed, 0 skipped'; exit 1; }
node -e 'process.exit(process.features.typescript ? 0 : 1)' || {
  echo "Node $(node --version) cannot run TypeScript: npm ci fetches one that can, and npm run finds it"
  echo '0 passed, 1 failed, 0 skipped'
  exit 1
}
echo "== tests with Node $(node --version)"
exec node test/run/main.ts "$@"
