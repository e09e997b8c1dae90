#!/bin/bash
# Sourced by run.sh: etcd and the control plane, without nodes.

part_cluster() {
  local etcd=http://127.0.0.1:2379 peer=http://127.0.0.1:2380
  api=https://$address:6443
  openssl genrsa -out "$work/key.pem" 2048 2>/dev/null
  token=$(openssl rand -hex 16)
  echo "$token,admin,admin,system:masters" >"$work/tokens.csv"
  in_background etcd.log etcd --data-dir "$work/etcd" --unsafe-no-fsync --listen-client-urls "$etcd" --advertise-client-urls "$etcd" \
    --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" --initial-cluster "default=$peer"
  in_background apiserver.log "$bin/kube-apiserver" --etcd-servers="$etcd" --secure-port=6443 --bind-address=$address \
    --cert-dir="$work/certs" --service-account-issuer=https://kubernetes.default.svc --service-account-key-file="$work/key.pem" \
    --service-account-signing-key-file="$work/key.pem" --token-auth-file="$work/tokens.csv" --authorization-mode=RBAC \
    --service-cluster-ip-range=10.96.0.0/16 --endpoint-reconciler-type=none
  until_true test -s "$work/certs/apiserver.crt"
  kubectl config set-cluster test --server="$api" --certificate-authority="$work/certs/apiserver.crt" >/dev/null
  kubectl config set-credentials test --token="$token" >/dev/null
  kubectl config set-context test --cluster=test --user=test >/dev/null
  kubectl config use-context test >/dev/null
  does 'kube-apiserver is ready' until_true kubectl get --raw /readyz
  in_background controllers.log "$bin/kube-controller-manager" --kubeconfig="$KUBECONFIG" --leader-elect=false \
    --service-account-private-key-file="$work/key.pem" --root-ca-file="$work/certs/apiserver.crt" --node-monitor-grace-period=600s
  in_background scheduler.log "$bin/kube-scheduler" --kubeconfig="$KUBECONFIG" --leader-elect=false
  resolve_services 2>/dev/null &
  has_crds traefik gateway-api envoy-gateway
  does 'the controllers work: a namespace gets its service account' until_true kubectl -n default get serviceaccount default
}

# has_crds NAME…: every kind costs the apiserver time, so each part has what it needs
has_crds() {
  local name files=()
  for name in "$@"; do files+=(-f "$crds/$name.yaml"); done
  does "the CRDs of $*" kubectl apply --server-side "${files[@]}"
  does 'they are served' kubectl wait --for=condition=Established crd --all --timeout=180s
}

# namespace NAME: nothing in it may run that Pod Security `restricted` refuses
namespace() {
  kubectl create namespace "$1" && kubectl label namespace "$1" pod-security.kubernetes.io/enforce=restricted
}
