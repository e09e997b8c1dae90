#!/bin/bash
# Sourced by run.sh: a real Traefik outside the cluster, and what stands behind it.

start_backends() {
  [ -z "${app:-}" ] || return 0
  app=8080 resolver=8081 verify=4180
  in_background backends.log node test/kubernetes/backends.mjs "$address" "$app" "$resolver"
  AUTHGEAR_ENDPOINT=https://myapp.authgear.cloud AUTHGEAR_RESOLVER_URL=http://$address:$resolver/resolve REDIS_URL='' \
    LISTEN=$address:$verify in_background forward-auth.log node dist/main.js
  does 'forward-auth answers' until_true curl -s "http://$address:$verify/verify"
}

# one at a time
stop_traefik() {
  [ -n "${traefik:-}" ] || return 0
  kill "$traefik"
  wait "$traefik" 2>/dev/null
}

# start_traefik NAME PORT PATH OPTION…: ready when it has the route of PATH, which wants a session; the functions below ask it
start_traefik() {
  local name=$1 path=$3
  stop_traefik
  port=$2
  shift 3
  in_background "$name.log" .servers/bin/traefik --entrypoints.web.address=127.0.0.1:"$port" "${traefik_options[@]}" --log.level=INFO --providers.providersthrottleduration=100ms \
    --providers.kubernetescrd.endpoint="$api" --providers.kubernetescrd.token="$token" \
    --providers.kubernetescrd.certauthfilepath="$work/certs/apiserver.crt" \
    --providers.kubernetesgateway.endpoint="$api" --providers.kubernetesgateway.token="$token" \
    --providers.kubernetesgateway.certauthfilepath="$work/certs/apiserver.crt" "$@"
  traefik=$!
  [ -z "$path" ] || does "$name: Traefik has the routes" until_true answers 401 "$path"
}

# as deploy/traefik-kubernetes/values.yaml gives them to Traefik's chart
mapfile -t traefik_options < <(sed -nE 's/^- (--entrypoints.*)/\1/p' deploy/traefik-kubernetes/values.yaml)

status() { curl -s -o /dev/null -w '%{http_code}' -H 'Host: app.example.com' "${@:2}" "http://127.0.0.1:$port$1"; }
answers() { [ "$(status "${@:2}")" = "$1" ]; }
