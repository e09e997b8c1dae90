#!/bin/bash
# `npm run site`: README.md and docs/ as static pages in artifacts/site. SITE_BASE: the path that they are served under (/)
cd "$(dirname "$0")/../.." || exit 1
source test/alive.sh
echo 'site: VitePress makes pages of README.md and docs/ in artifacts/site, up to a minute'
# VitePress writes beside its configuration while tests and linters read docs/: it works on a copy that git ignores
work=.servers/site
mkdir -p "$work" && cp -rp docs/site/. "$work" && cd "$work" || exit 1
[ node_modules/.package-lock.json -nt package-lock.json ] || {
  echo 'site: npm ci of docs/site/package-lock.json, once, some 20 seconds'
  alive 'site: npm ci' npm ci --ignore-scripts --no-audit --no-fund || exit 1
}
alive 'site: VitePress' npm run --silent build
