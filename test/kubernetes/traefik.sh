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

# providers NAME…: how Traefik reaches the cluster by each
providers() {
  local provider
  for provider in "$@"; do
    echo "--providers.$provider.endpoint=$api"
    echo "--providers.$provider.token=$token"
    echo "--providers.$provider.certauthfilepath=$work/certs/apiserver.crt"
  done
}

# start_traefik NAME PORT PATH OPTION…: ready when it has the route of PATH, which wants a session; the functions below ask it
start_traefik() {
  local name=$1 path=$3 options
  stop_traefik
  port=$2
  shift 3
  mapfile -t options < <(providers kubernetescrd kubernetesgateway)
  in_background "$name.log" .servers/bin/traefik --entrypoints.web.address=127.0.0.1:"$port" "${traefik_options[@]}" --log.level=INFO \
    --providers.providersthrottleduration=100ms "${options[@]}" "$@"
  traefik=$!
  [ -z "$path" ] || does "$name: Traefik has the routes" until_true answers 401 "$path"
}

# as deploy/traefik-kubernetes/values.yaml gives them to Traefik's chart
mapfile -t traefik_options < <(sed -nE 's/^- (--entrypoints.*)/\1/p' deploy/traefik-kubernetes/values.yaml)

status() { ask app.example.com "http://127.0.0.1:$port$1" "${@:2}"; }
answers() { [ "$(status "${@:2}")" = "$1" ]; }
