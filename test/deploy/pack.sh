#!/bin/bash
# What npm would publish, installed by a stranger in an empty folder. The last line is "N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
source test/deploy/count.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

does 'it builds' npm run --silent build
does 'it packs' npm pack --silent --ignore-scripts --pack-destination "$work"
package=$(ls "$work"/*.tgz)
files=$(tar -tzf "$package" | sed 's|^package/||' | sort)
is 'nothing but the build and what npm adds is in it' '' "$(grep -vE '^(dist/.+\.(js|lua)|package\.json|README\.md|LICENSE|CHANGELOG\.md|docs/runbook\.md)$' <<<"$files")"
is 'of the build, all that starts is' "$(find dist/main.js dist/chunks dist/revocation/log.lua -type f -not -name '*.map' | sort)" "$(grep ^dist/ <<<"$files")"

mkdir "$work/empty" && cd "$work/empty" || exit 1
does 'it installs in an empty folder, without scripts' npm install --silent --ignore-scripts --no-audit --no-fund "$package"
is 'npm finds nothing missing and nothing invalid' 0 "$(npm ls --all --parseable 2>&1 >/dev/null | grep -c .)"
does 'npx … --help' npx --no-install authgear-forward-auth --help
is 'npx … --version' "$(node -p "require('authgear-forward-auth/package.json').version")" "$(npx --no-install authgear-forward-auth --version)"
AUTHGEAR_ENDPOINT=https://myapp.authgear.cloud does 'npx … check takes a configuration' npx --no-install authgear-forward-auth check
is 'npx … check names what is missing, exit 1' 'AUTHGEAR_ENDPOINT 1' "$(npx --no-install authgear-forward-auth check 2>&1 | grep -o AUTHGEAR_ENDPOINT | head -n 1) $(npx --no-install authgear-forward-auth check >/dev/null 2>&1; echo $?)"
finish
