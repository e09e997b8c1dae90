#!/bin/bash
# tap on a Node that strips types by itself and may speak TLS: `npm run tap -- --disable-coverage FILE…`.
exec bash "$(dirname "$0")/node.sh" node_modules/tap/dist/esm/run.mjs "$@"
