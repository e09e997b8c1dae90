#!/bin/bash
# Sourced by run.sh: what the chart keeps over an upgrade, which only a cluster can show. Needs does, is, namespace and $work.

# in_upgrade COMMAND…: helm in the namespace of these tests
in_upgrade() {
  .servers/bin/helm "$1" "$2" deploy/kubernetes/chart -n upgrade -f test/deploy/matrix/default.yaml --set fullnameOverride="$2" "${@:3}"
}

# place RESOURCE JSONPATH
place() { kubectl -n upgrade get "$1" -o jsonpath="{$2}"; }

# pod_of DEPLOYMENT: as the Deployment's controller would make it
pod_of() {
  kubectl -n upgrade get deployment "$1" -o json | node -e '
    const { spec: { template } } = JSON.parse(require("node:fs").readFileSync(0))
    console.log(JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name: "pod", labels: template.metadata.labels }, spec: template.spec }))
  '
}

upgrade_keeps_replicas() {
  local on=(--set autoscaling.enabled=true)
  does 'autoscaling: five replicas run without it' in_upgrade install kept --set replicas=5
  does 'autoscaling: it is switched on' in_upgrade upgrade kept "${on[@]}"
  is 'autoscaling: switched on it takes no replica away' 5 "$(place deployment/kept .spec.replicas)"
  kubectl -n upgrade scale deployment kept --replicas=8 >/dev/null
  does 'autoscaling: another upgrade' in_upgrade upgrade kept "${on[@]}" --set config.CACHE_TTL=10s
  is "autoscaling: the autoscaler's number stays" 8 "$(place deployment/kept .spec.replicas)"
  kubectl -n upgrade scale deployment kept --replicas=1 >/dev/null
  does 'autoscaling: an upgrade with fewer than the least' in_upgrade upgrade kept "${on[@]}"
  is 'autoscaling: there are the least at once' 2 "$(place deployment/kept .spec.replicas)"
  does 'autoscaling: installed with it' in_upgrade install fresh "${on[@]}"
  is 'autoscaling: a new one begins with the least' 2 "$(place deployment/fresh .spec.replicas)"
}

upgrade_rolls_on_secrets() {
  local annotation='.spec.template.metadata.annotations.checksum/own-secret' before
  kubectl -n upgrade create secret generic forward-auth --from-literal=cache-secret=0123456789012345678901234567890123456789 >/dev/null
  does 'secret: an installation with a Secret of ours' in_upgrade install rolled
  before=$(place deployment/rolled "$annotation")
  is 'secret: pods say which state of it they have' 64 "${#before}"
  does 'secret: an upgrade without a change' in_upgrade upgrade rolled
  is 'secret: it rolls no pod' "$before" "$(place deployment/rolled "$annotation")"
  kubectl -n upgrade patch secret forward-auth -p '{"stringData":{"cache-secret":"9876543210987654321098765432109876543210"}}' >/dev/null
  does 'secret: an upgrade after a change' in_upgrade upgrade rolled
  is 'secret: it rolls the pods' changed "$([ "$before" = "$(place deployment/rolled "$annotation")" ] || echo changed)"
}

upgrade_keeps_redis_password() {
  local made annotation='.spec.template.metadata.annotations.checksum/redis' before
  does 'redis.deploy: installed' in_upgrade install shared --set redis.deploy=true
  made=$(place secret/shared-redis .data.redis-password) before=$(place deployment/shared-redis "$annotation")
  is 'redis.deploy: the password has 40 characters' 40 "$(base64 -d <<<"$made" | wc -c | tr -d ' ')"
  is 'redis.deploy: both sides have the same' "$before" "$(place deployment/shared "$annotation")"
  does 'redis.deploy: upgraded' in_upgrade upgrade shared --set redis.deploy=true
  is 'redis.deploy: the password stays' "$made" "$(place secret/shared-redis .data.redis-password)"
  is 'redis.deploy: an upgrade rolls no pod' "$before $before" "$(place deployment/shared "$annotation") $(place deployment/shared-redis "$annotation")"
  kubectl -n upgrade delete secret shared-redis >/dev/null
  does 'redis.deploy: upgraded without its Secret' in_upgrade upgrade shared --set redis.deploy=true
  is 'redis.deploy: there is another password' changed "$([ "$made" = "$(place secret/shared-redis .data.redis-password)" ] || echo changed)"
  is 'redis.deploy: both sides restart with it' "changed $(place deployment/shared-redis "$annotation")" \
    "$([ "$before" = "$(place deployment/shared "$annotation")" ] || echo changed) $(place deployment/shared "$annotation")"
  pod_of shared-redis >"$work/redis-pod.json"
  does 'redis.deploy: Pod Security restricted admits its pod' kubectl -n upgrade create --dry-run=server -f "$work/redis-pod.json"
}

chart_upgrade() {
  does 'namespace upgrade' namespace upgrade
  # there is no controller to make it
  kubectl -n upgrade create serviceaccount default >/dev/null
  upgrade_keeps_replicas
  upgrade_rolls_on_secrets
  upgrade_keeps_redis_password
}
