#!/bin/bash
# tap on a Node that strips types by itself and may speak TLS: `npm run tap -- --disable-coverage FILE…`.
cd "$(dirname "$0")/.." || exit 1
. test/servers/path.sh
node -e 'process.exit(process.features.typescript ? 0 : 1)' ||
  { echo "tap.sh: $(node --version) cannot run TypeScript: bash test/servers/fetch.sh fetches a Node that can"; exit 1; }
exec node node_modules/tap/dist/esm/run.mjs "$@"
