#!/bin/bash
# Sourced by run.sh: real pods behind a real Traefik; whatever the cluster does to them, a signed-in client sees 200.

# the chart's release of part_chart, with what these pods can reach
upgrade() {
  $helm upgrade forward-auth deploy/kubernetes/chart -n auth -f test/deploy/matrix/default.yaml --set fullnameOverride=forward-auth \
    --set image.repository=docker.io/library/authgear-forward-auth --set image.tag=test --set image.pullPolicy=Never \
    --set config.REDIS_URL=redis://$address:6379 --set "config.AUTHGEAR_RESOLVER_URL=http://$address:$resolver/resolve" \
    --set traefik.enabled=true "$@"
}

ready_pods() { [ "$(kubectl -n auth get deployment forward-auth -o jsonpath='{.status.readyReplicas}')" = "$1" ]; }
rolled_out() { kubectl -n auth rollout status deployment forward-auth --timeout=120s; }
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

drain() { kubectl drain node1 --delete-emptydir-data --timeout=120s && rolled_out; }

part_rollout() {
  in_background redis.log redis-server --bind $address --protected-mode no --save '' --dir "$work"
  start_backends
  does 'helm upgrades the chart to three replicas' upgrade --set replicas=3
  does 'three real pods are ready' rolled_out
  resolves forward-auth.auth.svc "$(kubectl -n auth get service forward-auth -o jsonpath='{.spec.clusterIP}')"
  does 'a route of the app' kubectl create -f <(sed "s/ADDRESS/$address/g; s/APP_PORT/$app/g" test/kubernetes/app.yaml)
  start_traefik rollout /app
  is 'a session is 200 by the pods' 200 "$(status /app -H 'Cookie: session=user')"
  during 'a rolling restart' restart
  during 'an eviction' evict
  during 'a drain of a node' drain
  is 'the drained node has no pod of ours' 0 "$(pods_on node1)"
  does 'the node takes pods again' kubectl uncordon node1
}
