#!/bin/bash
# Sourced by run.sh: the chart's pods, really running: its image, Redis, and an Authgear that knows two sessions.

# the chart's release of part_chart, with what these pods can reach
upgrade() {
  # two slow cores take longer than the chart's 5 s until kube-proxy and Traefik have left a pod out
  $helm upgrade forward-auth deploy/kubernetes/chart -n auth -f test/deploy/matrix/default.yaml --set fullnameOverride=forward-auth \
    --set image.repository=docker.io/library/authgear-forward-auth --set image.tag=test --set image.pullPolicy=Never \
    --set config.SHUTDOWN_DELAY=15s \
    --set config.REDIS_URL=redis://$address:6379 --set "config.AUTHGEAR_RESOLVER_URL=http://$address:$resolver/resolve" \
    --set traefik.enabled=true "$@"
}


rolled_out() { kubectl -n auth rollout status deployment forward-auth --timeout=180s; }

# in_lab FILE: with the addresses of what stands outside the cluster
in_lab() { sed "s/ADDRESS/$address/g; s/APP_PORT/$app/g; s/VERIFY_PORT/$verify/g" "$1"; }

part_pods() {
  in_background redis.log redis-server --bind $address --protected-mode no --save '' --dir "$work"
  start_backends
  does 'helm upgrades the chart to three replicas' upgrade --set replicas=3
  does 'three real pods are ready' rolled_out
  does 'an app' kubectl -n auth create -f <(in_lab test/kubernetes/app.yaml)
}
