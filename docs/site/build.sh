#!/bin/bash
# `npm run site`: README.md and docs/ as static pages in artifacts/site. SITE_BASE: the path that they are served under (/)
cd "$(dirname "$0")" || exit 1
source ../../test/alive.sh
echo 'site: VitePress makes pages of README.md and docs/ in artifacts/site, up to a minute'
[ node_modules/.package-lock.json -nt package-lock.json ] || {
  echo 'site: npm ci in docs/site, once, some 20 seconds'
  alive 'site: npm ci' npm ci --ignore-scripts --no-audit --no-fund || exit 1
}
alive 'site: VitePress' npm run --silent build
