#!/bin/bash
# Runs what it is given on a Node that strips types and may speak TLS; fetches one where there is none.
cd "$(dirname "$0")/.." || exit 1
runs() { . test/servers/path.sh && node -e 'process.exit(process.features.typescript ? 0 : 1)'; }
runs || { bash test/servers/fetch.sh; runs; } ||
  { echo "Node $(node --version) cannot run TypeScript: install Node 22.18 or newer"; exit 1; }
exec node "$@"
