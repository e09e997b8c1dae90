#!/bin/bash
# `npm run test:kubernetes`: a real kube-apiserver with the CRDs of Traefik and Gateway API, our chart installed by helm under Pod Security
# `restricted`, our YAML admitted, and Traefik outside the cluster against it. No kubelet: pods do not run, forward-auth is a process.
# Needs root (Debian's etcd-server). The last line is "N passed, N failed, N skipped".
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
source test/deploy/count.sh
bash test/servers/fetch.sh && . test/servers/path.sh
bash test/deploy/tools.sh && bash test/kubernetes/build.sh || exit 1
command -v etcd >/dev/null || apt-get install -y --no-install-recommends etcd-server >/dev/null 2>&1
work=$(mktemp -d) bin=$PWD/.servers/kubernetes/bin crds=$PWD/.servers/kubernetes/crds
trap 'kill -KILL $(jobs -p) 2>/dev/null; wait 2>/dev/null; rm -rf "$work"' EXIT
export KUBECONFIG=$work/kubeconfig HELM_CACHE_HOME=$work HELM_CONFIG_HOME=$work HELM_DATA_HOME=$work
# an EndpointSlice takes no loopback address
address=$(hostname -I | cut -d ' ' -f 1)

# in_background LOG COMMAND…: ends with this script
in_background() { local log=$1; shift; setpriv --pdeathsig KILL "$@" >"$work/$log" 2>&1 & }

# until_true COMMAND…: for a minute at most
until_true() {
  local end=$((SECONDS + 60))
  until "$@" >/dev/null 2>&1; do [ "$SECONDS" -lt "$end" ] || return 1; sleep 0.2; done
}

free_port() { node -e 'const s=require("node:net").createServer().listen(0,()=>{console.log(s.address().port);s.close()})'; }

start_cluster() {
  local etcd peer
  etcd=http://127.0.0.1:$(free_port) peer=http://127.0.0.1:$(free_port) api=https://127.0.0.1:$(free_port)
  openssl genrsa -out "$work/key.pem" 2048 2>/dev/null
  token=$(openssl rand -hex 16)
  echo "$token,admin,admin,system:masters" >"$work/tokens.csv"
  in_background etcd.log etcd --data-dir "$work/etcd" --unsafe-no-fsync --listen-client-urls "$etcd" --advertise-client-urls "$etcd" \
    --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" --initial-cluster "default=$peer"
  in_background apiserver.log "$bin/kube-apiserver" --etcd-servers="$etcd" --secure-port="${api##*:}" --bind-address=127.0.0.1 \
    --cert-dir="$work/certs" --service-account-issuer=https://kubernetes.default.svc --service-account-key-file="$work/key.pem" \
    --service-account-signing-key-file="$work/key.pem" --token-auth-file="$work/tokens.csv" --authorization-mode=RBAC \
    --service-cluster-ip-range=10.96.0.0/16 --endpoint-reconciler-type=none
  until_true test -s "$work/certs/apiserver.crt"
  kubectl config set-cluster test --server="$api" --certificate-authority="$work/certs/apiserver.crt" >/dev/null
  kubectl config set-credentials test --token="$token" >/dev/null
  kubectl config set-context test --cluster=test --user=test >/dev/null
  kubectl config use-context test >/dev/null
  does 'kube-apiserver is ready' until_true kubectl get --raw /readyz
  does 'the CRDs are taken' kubectl apply --server-side -f "$crds"
  does 'the CRDs are served' kubectl wait --for=condition=Established crd --all --timeout=60s
}

# namespace NAME: nothing in it may run that Pod Security `restricted` refuses; there is no controller to make the account
namespace() { kubectl create namespace "$1" && kubectl label namespace "$1" pod-security.kubernetes.io/enforce=restricted; }

chart() {
  local values=(-n auth -f test/deploy/matrix/default.yaml --set fullnameOverride=forward-auth)
  does 'namespace auth' namespace auth
  does 'helm installs the chart' .servers/bin/helm install forward-auth deploy/kubernetes/chart "${values[@]}"
  kubectl -n auth get deployment forward-auth -o json | node -e '
    const { spec: { template } } = JSON.parse(require("node:fs").readFileSync(0))
    console.log(JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name: "pod", labels: template.metadata.labels }, spec: template.spec }))
  ' >"$work/pod.json"
  does 'Pod Security restricted admits its pod' kubectl -n auth create --dry-run=server -f "$work/pod.json"
}

# every file of ours whose kinds this server knows; the others need CRDs that are not fetched here
yaml() {
  local file
  for file in deploy/traefik-kubernetes/{middlewares,ingressroute}.yaml deploy/gateway-api/{middlewares,httproute}.yaml \
    deploy/ingress-nginx/ingress-nginx.yaml deploy/kubernetes/base/resources.yaml; do
    does "admitted: $file" kubectl -n default apply --dry-run=server --validate=strict -f "$file"
  done
}

start_backends() {
  app=$(free_port) resolver=$(free_port) verify=$(free_port)
  in_background backends.log node test/kubernetes/backends.mjs "$address" "$app" "$resolver"
  AUTHGEAR_ENDPOINT=https://myapp.authgear.cloud AUTHGEAR_RESOLVER_URL=http://$address:$resolver/resolve REDIS_URL='' \
    LISTEN=$address:$verify MANAGEMENT_LISTEN=127.0.0.1:$(free_port) in_background forward-auth.log node dist/main.js
  does 'forward-auth answers' until_true curl -s "http://$address:$verify/verify"
}

resources() { sed "s/ADDRESS/$address/g; s/APP_PORT/$app/g; s/VERIFY_PORT/$verify/g" test/kubernetes/collision.yaml; }

# start_traefik NAME OPTION…: sets `port`; ready when it has the route
start_traefik() {
  local name=$1
  shift
  port=$(free_port)
  in_background "$name.log" .servers/bin/traefik --entrypoints.web.address=127.0.0.1:"$port" --log.level=INFO --providers.providersthrottleduration=100ms \
    --providers.kubernetescrd.endpoint="$api" --providers.kubernetescrd.token="$token" \
    --providers.kubernetescrd.certauthfilepath="$work/certs/apiserver.crt" "$@"
  does "$name: Traefik has the routes" until_true answers 401 /plain
}

status() { curl -s -o /dev/null -w '%{http_code}' -H 'Host: app.example.com' "${@:2}" "http://127.0.0.1:$port$1"; }
answers() { [ "$(status "${@:2}")" = "$1" ]; }

# Traefik reads middlewares in no order, so of two with one name either may count: an attacker touches theirs until it is theirs
touch_theirs() { touched=$((touched + 1)); kubectl -n team-app label --overwrite middleware admin touched="$touched"; }
opened() { touch_theirs; answers 200 /admin; }
stays_shut() { for _ in $(seq 20); do ! opened && answers 401 /admin && answers 401 /safe || return 1; done; }

# the flaw itself is shown too, so that the test would notice if its attack no longer meant anything
collision() {
  touched=0
  start_backends
  does 'namespaces of a team and of somebody else' kubectl create -f <(resources)
  start_traefik unsafe --providers.kubernetescrd.safenaming=false
  does 'unsafe: Traefik logs the collision' until_true grep -q 'collision' "$work/unsafe.log"
  does 'unsafe: admin of team-app opens /admin of team without a session' until_true opened
  is 'unsafe: a name without a dash stays ours' 401 "$(status /safe)"
  start_traefik safe --providers.kubernetescrd.safenaming=true
  does 'safe: no session is 401, as often as the other namespace changes its own' stays_shut
  is 'safe: a session without the role' 403 "$(status /admin -H 'Cookie: session=user')"
  is 'safe: a session with the role' 200 "$(status /admin -H 'Cookie: session=admin')"
}

start_cluster
chart
yaml
collision
finish | sed 's/$/, 0 skipped/'
[ "$failed" -eq 0 ] || { tail -n 15 "$work"/*.log; exit 1; }
