#!/bin/bash
# Sourced by run.sh: the chart, installed by helm where Pod Security `restricted` is enforced.
helm=.servers/bin/helm

part_chart() {
  does 'namespace auth' namespace auth
  does 'a secret' kubectl -n auth create secret generic forward-auth --from-literal=cache-secret="$(openssl rand -base64 32)"
  does 'helm installs the chart' $helm install forward-auth deploy/kubernetes/chart -n auth -f test/deploy/matrix/default.yaml --set fullnameOverride=forward-auth
  does 'Pod Security restricted admits its pods' until_true test_pods 2
}

# test_pods N: so many pods were made
test_pods() { [ "$(kubectl -n auth get pods -o name | wc -l)" -eq "$1" ]; }

# what it made would run as soon as there are nodes
part_upgrade() { chart_upgrade; kubectl delete namespace upgrade --wait=false >/dev/null; }
