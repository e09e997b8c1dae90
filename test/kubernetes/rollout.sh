#!/bin/bash
# Sourced by run.sh: whatever the cluster does to the pods, a signed-in client behind Traefik sees 200.

pods_on() { kubectl -n auth get pods --field-selector "spec.nodeName=$1,status.phase=Running" -o name | wc -l; }

# during NAME COMMAND…: 5,000 requests at least while it happens, and none fails
during() {
  local name=$1 done
  shift
  done=$work/done-$RANDOM
  node test/kubernetes/load.mjs "http://127.0.0.1:$port/app" app.example.com 5000 "$done" >"$work/load.txt" &
  local client=$!
  does "$name happens" "$@"
  touch "$done"
  wait "$client"
  echo "# $name: $(cat "$work/load.txt")"
  does "$name: none of 5,000 requests or more fails" grep -q ' 0 failed' "$work/load.txt"
}

restart() { kubectl -n auth rollout restart deployment forward-auth && rolled_out; }

evict() {
  local pod
  pod=$(kubectl -n auth get pods -o jsonpath='{.items[0].metadata.name}')
  kubectl create --raw "/api/v1/namespaces/auth/pods/$pod/eviction" -f - <<EOF
{ "apiVersion": "policy/v1", "kind": "Eviction", "metadata": { "name": "$pod", "namespace": "auth" } }
EOF
  until_true is_gone "$pod" && rolled_out
}
is_gone() { ! kubectl -n auth get pod "$1"; }

drain() { kubectl drain node1 --delete-emptydir-data --timeout=180s && rolled_out; }

part_rollout() {
  does 'a route to the app' kubectl create -f test/kubernetes/route.yaml
  start_traefik rollout 8003 /app
  is 'a session is 200 by the pods' 200 "$(status /app -H 'Cookie: session=user')"
  during 'a rolling restart' restart
  during 'an eviction' evict
  during 'a drain of a node' drain
  is 'the drained node has no pod of ours' 0 "$(pods_on node1)"
  does 'the node takes pods again' kubectl uncordon node1
}
