#!/bin/bash
# Sourced by run.sh: every YAML that we ship, admitted by a real apiserver with the CRDs of all its kinds (a dry run on the server).

# admit FILE: unknown fields are errors
admit() { kubectl apply --dry-run=server --validate=strict -f "$1"; }

# the chart with each set of values that test/deploy renders, and the kustomize example
rendered() {
  local values name
  for values in test/deploy/matrix/*.yaml; do
    name=$(basename "$values" .yaml)
    $helm template --kube-version 1.36.0 forward-auth deploy/kubernetes/chart -n auth -f "$values" >"$work/yaml/chart-$name.yaml" || return
    printf '%s\t%s\t%s\n' "$work/yaml/chart-$name.yaml" "$(grep -c '^kind: ' "$work/yaml/chart-$name.yaml")" "chart: $name" >>"$work/yaml/list"
  done
  kubectl kustomize deploy/kubernetes/example >"$work/yaml/example.yaml" &&
    printf '%s\t%s\t%s\n' "$work/yaml/example.yaml" "$(grep -c '^kind: ' "$work/yaml/example.yaml")" 'kustomize: example' >>"$work/yaml/list"
}

# a dry run wants the namespaces that resources name
namespaces() {
  sed -nE 's/^  namespace: "?([a-z0-9-]+)"?$/\1/p; s/.*metadata: \{.*namespace: ([a-z0-9-]+).*/\1/p' "$@" | sort -u | while read -r name; do
    kubectl get namespace "$name" >/dev/null 2>&1 || kubectl create namespace "$name" >/dev/null
  done
}

part_yaml() {
  local file count from files=0 resources=0
  has_crds prometheus external-secrets sealed-secrets argo-cd flux-helm flux-source
  mkdir -p "$work/yaml"
  does 'our YAML is collected' node test/kubernetes/yaml.mjs "$work/yaml"
  does 'the chart and the example are rendered' rendered
  cut -f 1 "$work/yaml/list" | xargs cat >"$work/yaml/all"
  namespaces "$work/yaml/all"
  while IFS=$'\t' read -r file count from; do
    does "admitted: $from" admit "$file"
    files=$((files + 1)) resources=$((resources + count))
  done <"$work/yaml/list"
  echo "# $files files, $resources resources"
}
