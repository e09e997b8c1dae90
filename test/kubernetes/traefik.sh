#!/bin/bash
# Sourced by run.sh: a real Traefik outside the cluster, and what stands behind it.

start_backends() {
  [ -z "${app:-}" ] || return 0
  app=$(free_port) resolver=$(free_port) verify=$(free_port)
  in_background backends.log node test/kubernetes/backends.mjs "$address" "$app" "$resolver"
  AUTHGEAR_ENDPOINT=https://myapp.authgear.cloud AUTHGEAR_RESOLVER_URL=http://$address:$resolver/resolve REDIS_URL='' \
    LISTEN=$address:$verify MANAGEMENT_LISTEN=127.0.0.1:$(free_port) in_background forward-auth.log node dist/main.js
  does 'forward-auth answers' until_true curl -s "http://$address:$verify/verify"
}

# start_traefik NAME PATH OPTION…: sets `port`; ready when it has the route of PATH, which wants a session
start_traefik() {
  local name=$1 path=$2
  shift 2
  port=$(free_port)
  in_background "$name.log" .servers/bin/traefik --entrypoints.web.address=127.0.0.1:"$port" --log.level=INFO --providers.providersthrottleduration=100ms \
    --providers.kubernetescrd.endpoint="$api" --providers.kubernetescrd.token="$token" \
    --providers.kubernetescrd.certauthfilepath="$work/certs/apiserver.crt" "$@"
  does "$name: Traefik has the routes" until_true answers 401 "$path"
}

status() { curl -s -o /dev/null -w '%{http_code}' -H 'Host: app.example.com' "${@:2}" "http://127.0.0.1:$port$1"; }
answers() { [ "$(status "${@:2}")" = "$1" ]; }
