#!/bin/bash
# What npm would publish, installed by a stranger in an empty folder. The last line is "N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
source test/deploy/count.sh
work=$(mktemp -d)
trap '[ -z "${demo:-}" ] || kill -- -"$demo"; rm -rf "$work"' EXIT

does 'it builds' npm run --silent build
does 'it packs' npm pack --silent --ignore-scripts --pack-destination "$work"
package=$(ls "$work"/*.tgz)
files=$(tar -tzf "$package" | sed 's|^package/||' | sort)
is 'nothing but the build and what npm adds is in it' '' "$(grep -vE '^(dist/.+\.(js|lua)|package\.json|README\.md|LICENSE|CHANGELOG\.md|docs/runbook\.md|deploy/demo/.+\.(mjs|json))$' <<<"$files")"
is 'of the build, all that starts is' "$(find dist/main.js dist/chunks dist/revocation/log.lua -type f -not -name '*.map' | sort)" "$(grep ^dist/ <<<"$files")"
is 'of the demo, all that runs is' "$(git ls-files 'deploy/demo/*.mjs' 'deploy/demo/*/*.json' | sort)" "$(grep ^deploy/ <<<"$files")"

# demo_env: ports that are free, all of the demo's, as DEMO_…PORT=…
demo_env() {
  node -e 'for (const name of ["", "SERVICE_", "MANAGEMENT_", "AUTHGEAR_", "APP_", "REDIS_", "EVENTS_", "WIKI_", "WIKI_APP_"]) {
    const server = require("node:net").createServer().listen(0, "127.0.0.1", () => console.log(`DEMO_${name}PORT=${server.address().port}`))
    setTimeout(() => server.close(), 100)
  }'
}

# what README begins with once the package is published; Alice is asked for by the line that the demo prints
demo_runs() {
  local ports
  : >"$work/demo"
  mapfile -t ports < <(demo_env)
  # a process group as a terminal makes one, to which Ctrl-C goes
  env -u npm_lifecycle_event "${ports[@]}" setsid npx --no-install authgear-forward-auth demo >"$work/demo" 2>&1 &
  demo=$!
  until grep -q '^ready:' "$work/demo"; do kill -0 "$demo" 2>/dev/null || break; sleep 0.1; done
  is 'npx … demo starts, and proves itself' '' "$(grep -E '✗|cannot start' "$work/demo"; grep -q '^ready:' "$work/demo" || cat "$work/demo")"
  is 'it says how to start it again' 'npx authgear-forward-auth demo --authgear' "$(grep -oE 'npx .* --authgear' "$work/demo")"
  is 'Alice reaches the app' 'HTTP/1.1 200 OK' "$(bash -c "$(grep -A 1 'Alice reaches' "$work/demo" | grep -oE 'curl .*') -s" | head -n 1 | tr -d '\r')"
  kill -INT -- -"$demo"
  while kill -0 -- -"$demo" 2>/dev/null; do sleep 0.1; done
  is 'Ctrl-C stops it, and all its programs' '' "$(for port in "${ports[@]#*=}"; do ! curl -s "127.0.0.1:$port" || echo "$port"; done)"
  demo=
}

mkdir "$work/empty" && cd "$work/empty" || exit 1
does 'it installs in an empty folder, without scripts' npm install --silent --ignore-scripts --no-audit --no-fund "$package"
is 'npm finds nothing missing and nothing invalid' 0 "$(npm ls --all --parseable 2>&1 >/dev/null | grep -c .)"
does 'npx … --help' npx --no-install authgear-forward-auth --help
is 'npx … --version' "$(node -p "require('authgear-forward-auth/package.json').version")" "$(npx --no-install authgear-forward-auth --version | cut -d ' ' -f 1)"
AUTHGEAR_ENDPOINT=https://myapp.authgear.cloud does 'npx … check takes a configuration' npx --no-install authgear-forward-auth check
is 'npx … check names what is missing, exit 1' 'AUTHGEAR_ENDPOINT 1' "$(npx --no-install authgear-forward-auth check 2>&1 | grep -o AUTHGEAR_ENDPOINT | head -n 1) $(npx --no-install authgear-forward-auth check >/dev/null 2>&1; echo $?)"
demo_runs
finish
