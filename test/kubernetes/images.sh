#!/bin/bash
# Makes the images of the pods into .servers/kubernetes/images, from this machine's programs: no registry can be reached here.
# forward-auth's is laid out as deploy/docker/Dockerfile lays it out. What is there is kept; only our own layer is made anew.
set -euo pipefail
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=deploy/docker/verify/rootfs.sh
source deploy/docker/verify/rootfs.sh
bin=$PWD/.servers/kubernetes/bin dir=$PWD/.servers/kubernetes/images layers=$dir/layers
mkdir -p "$layers"

# layer NAME FUNCTION: once
layer() {
  [ -d "$layers/$1" ] && return
  rm -rf "$layers/$1.new"
  mkdir "$layers/$1.new"
  "$2" "$layers/$1.new"
  mv "$layers/$1.new" "$layers/$1"
}

config() { node test/deploy/image-config.mjs; }

node_base() { skeleton "$1"; put "$1" "$(realpath "$(command -v node)")" /usr/local/bin/node; }

production() {
  mkdir -p "$1/app"
  cp package.json package-lock.json "$1/app/"
  (cd "$1/app" && npm ci --omit=dev --ignore-scripts --no-audit --no-fund >/dev/null)
}

ours() { mkdir -p "$1/app/docs"; cp package.json LICENSE "$1/app/"; cp docs/runbook.md "$1/app/docs/"; shipped "$1/app/dist"; }
# what the Dockerfile copies of the build
shipped() { mkdir -p "$1/chunks" "$1/revocation"; cp -a dist/main.js "$1/"; cp -a dist/chunks/*.js "$1/chunks/"; cp -a dist/revocation/log.lua "$1/revocation/"; }

forward_auth() {
  modules=modules-$(sha256sum package-lock.json | cut -c 1-12)
  layer node node_base
  layer "$modules" production
  rm -rf "$layers"/ours "$layers"/ours.tar
  layer ours ours
  node test/kubernetes/image.mjs "$dir/forward-auth.tar" docker.io/library/authgear-forward-auth:test "$(config)" "$layers/node" "$layers/$modules" "$layers/ours"
}

# deploy/docker/Dockerfile's stage `demo`
demo_files() { mkdir -p "$1/app/deploy"; cp -a deploy/demo "$1/app/deploy/demo"; }
demo_config() { config | sed 's|"Entrypoint":\[[^]]*\]|"Entrypoint":["node"],"Cmd":["deploy/demo/authgear-simulator/main.mjs"]|'; }

demo() {
  rm -rf "$layers"/demo "$layers"/demo.tar
  layer demo demo_files
  node test/kubernetes/image.mjs "$dir/demo.tar" docker.io/library/authgear-forward-auth-demo:test "$(demo_config)" \
    "$layers/node" "$layers/$modules" "$layers/ours" "$layers/demo"
}

# NAME as the chart's redis.image has it
valkey_base() { skeleton "$1"; shell "$1"; put "$1" "$(realpath .servers/bin/valkey-server)" /usr/local/bin/valkey-server; }

valkey() {
  local name
  name=$(sed -nE 's/.*image: \{ repository: (docker.io\/valkey\/valkey), tag: ([^,]+),.*/\1:\2/p' deploy/kubernetes/chart/values.yaml)
  layer valkey-root valkey_base
  node test/kubernetes/image.mjs "$dir/valkey.tar" "$name" '{"Env":["PATH=/usr/local/bin:/usr/bin:/bin"]}' "$layers/valkey-root"
}

# what holds a pod's network: it sleeps until it is told to end
pause_program() {
  printf 'package main\n\nimport (\n\t"os"\n\t"os/signal"\n\t"syscall"\n)\n\nfunc main() {\n\tend := make(chan os.Signal, 1)\n\tsignal.Notify(end, syscall.SIGTERM)\n\t<-end\n}\n' >"$1/pause.go"
  CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$1/pause" "$1/pause.go"
  rm "$1/pause.go"
}

pause() {
  [ -s "$dir/pause.tar" ] && return
  layer pause pause_program
  node test/kubernetes/image.mjs "$dir/pause.tar" registry.k8s.io/pause:test '{"Entrypoint":["/pause"]}' "$layers/pause"
}

envoy_base() { skeleton "$1"; put "$1" "$(realpath .servers/bin/envoy)" /usr/local/bin/envoy; }
gateway_base() { skeleton "$1"; put "$1" "$bin/envoy-gateway" /usr/local/bin/envoy-gateway; }

envoy_gateway() {
  [ -s "$dir/envoy.tar" ] && [ -s "$dir/gateway.tar" ] && return
  layer envoy-root envoy_base
  layer gateway-root gateway_base
  local path='"Env":["PATH=/usr/local/bin:/usr/bin:/bin"],"User":"65532"'
  node test/kubernetes/image.mjs "$dir/envoy.tar" docker.io/envoyproxy/envoy:test "{$path,\"Entrypoint\":[\"envoy\"]}" "$layers/envoy-root"
  node test/kubernetes/image.mjs "$dir/gateway.tar" docker.io/envoyproxy/gateway:test "{$path,\"Entrypoint\":[\"envoy-gateway\"]}" "$layers/gateway-root"
}

forward_auth
demo
valkey
pause
[ ! -x "$bin/envoy-gateway" ] || envoy_gateway
