#!/bin/bash
# kind.sh traefik|envoy-gateway|cilium|nginx-gateway-fabric: the chart and what we ship for that gateway in a cluster by kind.
# NOBODY HAS RUN THIS YET: kind's images and these gateways' are not in a package registry. .github/workflows/kubernetes.yml runs it;
# who sees it pass for a gateway says so in docs/kubernetes.md. Needs Docker, kind, kubectl, helm and the built project.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
source test/deploy/count.sh
proxy=${1:?traefik, envoy-gateway, cilium or nginx-gateway-fabric}
gateway_api=https://github.com/kubernetes-sigs/gateway-api/releases/download/v1.6.1/experimental-install.yaml
work=$(mktemp -d)
trap 'kind delete cluster --name forward-auth; rm -rf "$work"' EXIT

cluster() {
  local config='{kind: Cluster, apiVersion: kind.x-k8s.io/v1alpha4, nodes: [{role: control-plane}, {role: worker}, {role: worker}]}'
  [ "$proxy" != cilium ] || config=${config/nodes:/networking: {disableDefaultCNI: true, kubeProxyMode: none\}, nodes:}
  kind create cluster --name forward-auth --config - <<<"$config"
  kubectl apply --server-side -f "$gateway_api"
}

image() {
  docker build -q -f deploy/docker/Dockerfile -t authgear-forward-auth:test . && kind load docker-image --name forward-auth authgear-forward-auth:test
}

gateway_of_traefik() {
  helm install traefik traefik --repo https://traefik.github.io/charts -n gateway --create-namespace --wait -f deploy/gateway-api/values.yaml
}
gateway_of_envoy-gateway() {
  helm install eg oci://docker.io/envoyproxy/gateway-helm --version v1.9.0 -n gateway --create-namespace --wait --skip-crds
  kubectl create -f - <<<'{apiVersion: gateway.networking.k8s.io/v1, kind: GatewayClass, metadata: {name: eg}, spec: {controllerName: gateway.envoyproxy.io/gatewayclass-controller}}'
}
gateway_of_cilium() {
  helm install cilium cilium --repo https://helm.cilium.io -n kube-system --wait --set kubeProxyReplacement=true --set gatewayAPI.enabled=true \
    --set k8sServiceHost=forward-auth-control-plane --set k8sServicePort=6443
}
gateway_of_nginx-gateway-fabric() {
  helm install ngf oci://ghcr.io/nginx/charts/nginx-gateway-fabric -n gateway --create-namespace --wait \
    --set nginxGateway.gwAPIExperimentalFeatures.enable=true
}

# an app, an Authgear with two sessions, Redis, and the chart
services() {
  kubectl create namespace auth
  kubectl -n auth create configmap backends --from-file=test/kubernetes/backends.mjs
  kubectl -n auth create -f test/kubernetes/kind.yaml
  kubectl -n auth create secret generic forward-auth --from-literal=cache-secret="$(openssl rand -base64 32)"
  helm install forward-auth deploy/kubernetes/chart -n auth --wait --set fullnameOverride=forward-auth --set image.tag=test \
    --set config.AUTHGEAR_ENDPOINT=https://myapp.authgear.cloud --set config.AUTHGEAR_RESOLVER_URL=http://app:8081/resolve \
    --set secret.existing=forward-auth --set networkPolicy.enabled=false "$@"
}

# what `snippet` writes for it, in the namespace of the chart
route() {
  local name=gateway-api class=$1
  [ "$proxy" != envoy-gateway ] || name=envoy-gateway
  node dist/main.js snippet "$name" --out "$work/snippet" --policy '/admin=role=admin' --forward-auth http://forward-auth.auth:4180 --app http://app.auth:8080
  rm -f "$work/snippet/values.yaml"
  [ "$proxy" = envoy-gateway ] || kubectl -n auth create -f - <<EOF
{ apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: { name: $2 },
  spec: { gatewayClassName: $class, listeners: [{ name: web, protocol: HTTP, port: 8080 }] } }
EOF
  sed -i 's/namespace: default/namespace: auth/' "$work"/snippet/*.yaml
  kubectl -n auth apply -f "$work/snippet"
}

status() { curl -s --path-as-is -o /dev/null -w '%{http_code}' --resolve "app.example.com:8080:$ip" "${@:2}" "http://app.example.com:8080$1"; }
answers() { [ "$(status "${@:2}")" = "$1" ]; }
within() { local end=$((SECONDS + $1)); shift; until "$@"; do [ "$SECONDS" -lt "$end" ] || return 1; sleep 1; done; }

cases() {
  does 'no session is 401' within 120 answers 401 /
  is 'a session' 200 "$(status / -H 'Cookie: session=user')"
  is 'a session without the role' 403 "$(status /admin -H 'Cookie: session=user')"
  is 'the same in capitals' 403 "$(status /ADMIN -H 'Cookie: session=user')"
  is 'a session with the role' 200 "$(status /admin -H 'Cookie: session=admin')"
  is 'the app sees whose it is, not what the client wrote' user \
    "$(curl -s --resolve "app.example.com:8080:$ip" -H 'Cookie: session=user' -H 'X-Authgear-User-Id: attacker' http://app.example.com:8080/ | sed -nE 's/.*"user":"([^"]*)".*/\1/p')"
  kubectl -n auth scale deployment forward-auth --replicas=0
  kubectl -n auth wait --for=delete pod -l app.kubernetes.io/name=authgear-forward-auth --timeout=60s
  does 'without forward-auth nobody gets in' within 60 refused
}
refused() { [[ "$(status / -H 'Cookie: session=user')" =~ ^(403|5..)$ ]]; }

cluster && image && "gateway_of_$proxy" || { echo '0 passed, 1 failed, 0 skipped'; exit 1; }
case $proxy in
  traefik) services && route traefik traefik-gateway ;;
  envoy-gateway) services && route eg authgear ;;
  cilium) services --set config.EXT_AUTHZ_POLICY=required --set config.EXT_AUTHZ_LOCATION=request && route cilium gateway ;;
  nginx-gateway-fabric) services --set config.EXT_AUTHZ_POLICY=required --set config.EXT_AUTHZ_LOCATION=request && route nginx gateway ;;
esac
# the gateway's Service is the one that would get a load balancer
service=$(kubectl get service -A -o json | node -e '
  const { items } = JSON.parse(require("node:fs").readFileSync(0))
  const { metadata, spec } = items.find(({ spec }) => spec.type === "LoadBalancer")
  console.log(metadata.namespace, metadata.name, spec.ports[0].port)')
read -r namespace name number <<<"$service"
kubectl -n "$namespace" port-forward "service/$name" "8080:$number" >/dev/null &
ip=127.0.0.1
cases
finish | sed 's/$/, 0 skipped/'
[ "$failed" -eq 0 ]
