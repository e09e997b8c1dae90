#!/bin/bash
# Sourced by run.sh: apps in many namespaces, by the very files of deploy/kubernetes/namespaces, behind a real Traefik.
files=deploy/kubernetes/namespaces

# host, what nobody and a session get at the entry point `web`; then the same while that entry point has the middleware
answers_of() {
  cat <<EOF
shop 401 200 401 200
wiki 401 200 401 200
forum 401 200 401 200
refused 404 404 404 404
blog 200 200 401 200
public 404 404 404 404
EOF
}

apps() {
  local name
  for name in shop wiki forum blog; do
    # they may be there already
    kubectl create namespace $name >/dev/null 2>&1
    kubectl -n $name apply -f <(in_lab test/kubernetes/app.yaml) || return
  done
}

# at PORT HOST OPTION…: the status
at() { ask "$2.example.com" "http://127.0.0.1:$1/" "${@:3}"; }
at_answers() { [ "$(at "${@:2}")" = "$1" ]; }

# traefik_of_all NAME OPTION…: with all three providers, and the ports of deploy/kubernetes/namespaces
traefik_of_all() {
  local name=$1 options
  shift
  stop_traefik
  mapfile -t options < <(providers kubernetescrd kubernetesingress kubernetesgateway)
  in_background "$name.log" .servers/bin/traefik --entrypoints.web.address=127.0.0.1:8000 --entrypoints.public.address=127.0.0.1:8001 \
    --entrypoints.web.asdefault=true --providers.providersthrottleduration=100ms --providers.kubernetescrd.safenaming=true "${options[@]}" "$@"
  traefik=$!
}

# each answer is waited for, then all are asked again: a later one must not have changed an earlier one
hosts() {
  local name=$1 columns=$2 host nobody session
  while read -r host nobody session; do
    until_true at_answers "$nobody" 8000 "$host"
    is "$name: nobody at $host" "$nobody" "$(at 8000 "$host")"
    is "$name: a session at $host" "$session" "$(at 8000 "$host" -H 'Cookie: session=user')"
  done < <(answers_of | cut -d ' ' -f "1,$columns")
  is "$name: nobody at the public entry point's route" 200 "$(at 8001 public)"
  is "$name: nobody by the public entry point to a protected route" 404 "$(at 8001 shop)"
}

part_namespaces() {
  local file
  does 'apps in four namespaces' apps
  for file in test/kubernetes/classes.yaml "$files"/{middleware,ingress,gateway,httproute,ingressroute,ingressroute-refused,forgotten,public}.yaml; do
    does "taken: $file" kubectl apply -f "$file"
  done
  traefik_of_all namespaces
  hosts 'each by itself' 2,3
  traefik_of_all deny-by-default --entrypoints.web.http.middlewares=auth_authgear@kubernetescrd
  hosts 'the entry point asks' 4,5
}
